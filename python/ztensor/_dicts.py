"""Writes and reads dicts of arrays: what `ztensor.numpy`, `ztensor.torch` and `ztensor.jax` share."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from . import _ztensor
from ._errors import UsageError
from ._options import Compress, PathLike, text_of
from ._reader import Reader
from ._writer import Writer

if TYPE_CHECKING:
    from ._limits import Limits

# For each name of an array, the name of the array before it that is stored in its place.
Ties = Callable[[Mapping[str, Any]], Mapping[str, str]]

_BACKENDS = {"pread": "read"}  # safetensors' names of ours
_OWN = "ztensor."  # attributes of the library begin with it
MOST_BASES = 8  # that a delta may have, one over another


class SaveOptions(TypedDict, total=False):
    """The options of `Writer` that `save_file` and `save` take, too."""

    mode: str
    format: str | None
    compress: Compress
    checksum: str | None
    alignment: int | None
    durable: bool
    threads: int | None
    limits: Limits | None
    canonical: bool | None
    max_shard_size: int | str | None


class LoadOptions(TypedDict, total=False):
    """The options of `Reader` that `load_file` and `load` take, too."""

    verify: bool | None
    threads: int | None
    limits: Limits | None


def save_file(
    tensors: Mapping[str, Any],
    target: PathLike | Any,
    metadata: Mapping[str, str] | None,
    options: SaveOptions,
    ties: Ties,
) -> None:
    if not isinstance(tensors, Mapping):
        raise TypeError(f"tensors must be a dict of arrays, not {type(tensors).__name__}")
    if isinstance(tensors, dict):
        tensors = dict(tensors.items())  # keeps what a lazy subclass makes, so that no address is used twice
    with Writer(target, attributes=_attributes_of(metadata), **options) as writer:
        # Any other mapping may make an array for each access. We hold one of them at a time, and look for no ties.
        tied = ties(tensors) if isinstance(tensors, dict) and writer.format.startswith("zt-") else {}
        _add(writer, tensors, tied, delta=False)


def _add(writer: Writer, tensors: Mapping[str, Any], tied: Mapping[str, str], *, delta: bool) -> None:
    for name, tensor in tensors.items():
        first = tied.get(name)
        if first is None:
            writer.add_tensor(name, tensor, delta=delta)
        else:
            writer.add_alias(name, first)


class CheckpointSaved(NamedTuple):
    """The report of `save_checkpoint`."""

    base: str | None  # the file that this one needs beside it; None: it is whole
    bytes: int  # size of the file


def save_checkpoint(
    tensors: Mapping[str, Any],
    target: PathLike,
    base: PathLike | None,
    chain: int,
    metadata: Mapping[str, str] | None,
    options: SaveOptions,
    ties: Ties,
) -> CheckpointSaved:
    if not isinstance(tensors, Mapping):
        raise TypeError(f"tensors must be a dict of arrays, not {type(tensors).__name__}")
    if not isinstance(chain, int) or not 1 <= chain <= MOST_BASES:
        raise UsageError(f"chain is {chain!r}: expected 1 to {MOST_BASES}")
    found = None if base is None else _base_for(os.fspath(base), chain)
    if found is not None and not os.path.samefile(_folder_of(found), _folder_of(target)):
        raise UsageError(f"the base {found} must be in the folder of the new checkpoint, where readers look for it")
    tensors = dict(tensors.items())
    with contextlib.ExitStack() as stack:
        reader = None if found is None else stack.enter_context(Reader(found))
        writer = stack.enter_context(Writer(target, base=reader, attributes=_attributes_of(metadata), **options))
        _add(writer, tensors, ties(tensors), delta=reader is not None)
    return CheckpointSaved(None if found is None else os.path.basename(found), os.path.getsize(target))


def _folder_of(path: PathLike) -> str:
    return os.path.dirname(os.fspath(path)) or "."


def _base_for(path: str, chain: int) -> str:
    """The file to save differences from: `path`, or the whole one below it where `chain` lie over each other."""
    line = [path]
    while len(line) <= MOST_BASES + 1:
        with Reader(line[-1]) as reader:
            below = _ztensor.base_paths(reader._source)
        if below is None:
            break
        line.append(os.path.join(os.path.dirname(line[-1]), os.path.basename(os.fsdecode(below[0]))))
    # The last one is whole, the one before it has differences from it, and so on.
    return path if len(line) <= chain else line[-1]


def save(tensors: Mapping[str, Any], metadata: Mapping[str, str] | None, options: SaveOptions, ties: Ties) -> bytes:
    out = io.BytesIO()
    save_file(tensors, out, metadata, options, ties)
    return out.getvalue()


def open_file(filename: Any, backend: str, options: LoadOptions) -> Reader:
    """Opens a file, a list of files, a folder or an index, under safetensors' names of the backends."""
    name = text_of("backend", backend)
    return Reader(filename, backend=_BACKENDS.get(name, name), **options)


def open_bytes(data: Any, options: LoadOptions) -> Reader:
    if isinstance(data, (str, os.PathLike)):
        raise TypeError(f"data must be the bytes of a file, not {type(data).__name__}: for a path, call load_file()")
    return Reader(data, **options)


def check_names(names: Iterable[str] | None) -> list[str] | None:
    if isinstance(names, str):
        raise TypeError("names must be a list of names")
    return None if names is None else list(names)


def metadata_of(source: _ztensor.Source) -> dict[str, str] | None:
    """The text attributes of a file, without those of the library. None if the file has no attributes."""
    attributes = source.attributes()
    if not attributes:
        return None
    return {
        key: value
        for key, value in attributes.items()
        if isinstance(key, str) and isinstance(value, str) and not key.startswith(_OWN)
    }


def _attributes_of(metadata: Mapping[str, str] | None) -> dict[str, str]:
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata must be a dict from str to str, not {type(metadata).__name__}")
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"metadata must map str to str, but has {key!r}: {value!r}")
        if key.startswith(_OWN):
            raise UsageError(f"metadata has the key {key!r}: keys that begin with {_OWN!r} belong to the library")
    return dict(metadata)
