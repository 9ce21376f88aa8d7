"""Puts temporary .zt files in the place of HDF5 files among the inputs of a conversion."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import _hdf5, _ztensor
from ._errors import UsageError, ZTensorError
from ._limits import Limits

_MOST_CONFIG = 1 << 20  # bytes; the library takes no larger ones


@dataclass
class Inputs:
    paths: list[bytes]
    more_bytes: int = 0  # the sizes of the HDF5 files, less those of the files in their places
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    originals: dict[str, str] = field(default_factory=dict)  # the path of a temporary file -> of its HDF5 file


@contextlib.contextmanager
def inputs_of(
    paths: list[bytes], output: bytes, options: _ztensor.ConvertOptions, limits: Limits | None
) -> Iterator[Inputs]:
    """The inputs as the library takes them. Errors inside of the context name the HDF5 files."""
    inputs = Inputs(list(paths))
    with contextlib.ExitStack() as stack:
        for i, path in enumerate(paths):
            if _is_hdf5(path, options):
                inputs.paths[i] = os.fsencode(_hdf5.file_of(os.fsdecode(path)))
                _check_output(inputs.paths[i], output)
                _put(inputs, i, options, limits, stack)
        if options.from_ == _hdf5.FORMAT:
            for path in inputs.paths:
                if os.fsdecode(path) not in inputs.originals:
                    raise UsageError(f"{os.fsdecode(path)}: the format is not {_hdf5.FORMAT}", rule="convert.format")
            options.from_ = "auto"
        try:
            yield inputs
        except ZTensorError as error:
            error.args = (_named(str(error), inputs), *error.args[1:])
            raise


def _is_hdf5(path: bytes, options: _ztensor.ConvertOptions) -> bool:
    """Whether a file is read as HDF5: as `Reader` does, only if it has no format that the library knows."""
    try:
        with _hdf5.descriptor_of(_hdf5.file_of(os.fsdecode(path))) as descriptor:
            has_signature = _hdf5.is_hdf5(descriptor)
    except OSError:
        return False  # the library says what is wrong
    if not has_signature or options.from_ == _hdf5.FORMAT:
        return has_signature
    try:
        _ztensor.open_path(path, options.open).close()
    except ZTensorError as error:
        return error.rule.startswith("format.")
    return False


def _check_output(path: bytes, output: bytes) -> None:
    """The library cannot see this: it gets a temporary file in the place of the input."""
    if os.path.exists(output) and os.path.samefile(path, output):
        raise UsageError(f"{os.fsdecode(output)}: the output is also the input {os.fsdecode(path)}")


def _put(
    inputs: Inputs, i: int, options: _ztensor.ConvertOptions, limits: Limits | None, stack: contextlib.ExitStack
) -> None:
    path = os.fsdecode(inputs.paths[i])
    if options.from_ not in ("auto", _hdf5.FORMAT):
        raise UsageError(f"{path}: the format is {_hdf5.FORMAT}, not {options.from_}", rule="convert.format")
    if options.delete_originals:
        raise UsageError(
            f"{path}: an HDF5 file may hold more than its tensors: keep the original, or delete it yourself"
        )
    attributes = {"ztensor.source.format": _hdf5.FORMAT} if i == 0 else {}
    found = stack.enter_context(_hdf5.translate(path, path, None, limits, attributes))
    for name, cause in found.contents.unreadable.items():
        if not _is_chosen(name, options):
            continue
        if not options.skip_unreadable:
            raise cause
        inputs.skipped.append(f"{name}: {cause}")
    if options.with_config:
        _copy_config(path, found.path)
    inputs.paths[i] = os.fsencode(found.path)
    inputs.originals[found.path] = path
    inputs.notes += found.contents.remarks
    if not (options.include or options.exclude or options.names):
        inputs.more_bytes += os.stat(path).st_size - os.stat(found.path).st_size


def _copy_config(original: str, temporary: str) -> None:
    """Puts the small JSON files beside the original beside the file in its place, where the library looks for them."""
    with os.scandir(os.path.dirname(original) or ".") as entries:
        for entry in entries:
            is_small = entry.name.endswith(".json") and entry.is_file() and entry.stat().st_size <= _MOST_CONFIG
            copy = os.path.join(os.path.dirname(temporary), entry.name)
            if is_small and copy != temporary:
                shutil.copyfile(entry.path, copy)


def _is_chosen(name: str, options: _ztensor.ConvertOptions) -> bool:
    if options.names and name not in options.names:
        return False
    included = not options.include or any(fnmatch.fnmatchcase(name, glob) for glob in options.include)
    return included and not any(fnmatch.fnmatchcase(name, glob) for glob in options.exclude)


def _named(text: str, inputs: Inputs) -> str:
    for temporary, original in inputs.originals.items():
        text = text.replace(temporary, original)
    return text
