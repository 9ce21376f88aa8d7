"""Functions that change files in place, or take tensors out of them into new files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from . import _ztensor
from ._errors import UsageError
from ._limits import Limits
from ._options import (
    Compress,
    PathLike,
    encode_path,
    level_of,
    limits_of,
    name_of_tensor,
    open_options,
    text_of,
    writer_options,
)
from ._progress import Progress, shown
from ._tools import Converted, convert


class Changed(NamedTuple):
    """The report of `append` and `remove`."""

    tensors: int  # appended, or removed
    replaced: int  # of the appended ones
    bytes_in: int  # of the sources; for `remove`, of the file
    bytes_out: int  # size of the file afterwards, or of the output
    reclaimable: int  # bytes that `compact` would give back
    skipped: list[str]  # "name: cause"
    notes: list[str]  # remarks for the user that are not errors


class AttributesSet(NamedTuple):
    """The report of `set`. Each key counts once."""

    set: int  # also to the value they had
    unset: int  # removed
    absent: int  # to remove, but not there


class Compacted(NamedTuple):
    """The report of `compact`."""

    changed: bool  # False: there was nothing to give back
    tensors: int
    size_before: int
    size_after: int
    notes: list[str]


class Repaired(NamedTuple):
    """The report of `repair`."""

    state: str  # "healthy"; "unfinished": a killed append left unused bytes; "torn": the end is damaged
    format: str  # of the version that was found
    tensors: int  # in that version
    size_before: int
    size_after: int  # of the repaired file
    notes: list[str]


def append(
    target: PathLike,
    sources: PathLike | Iterable[PathLike],
    *,
    replace: bool = False,
    compress: Compress = None,
    format: str | None = None,
    skip_unreadable: bool = False,
    durable: bool = False,
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Progress = None,
) -> Changed:
    """Puts all tensors of other files, of any format, into `target`, which grows in place or is made.

    `target` is a whole file at every moment: the old version, then the new one. A name that it has is refused without
    `replace`. `compress=None` keeps the encoding of each part. To append arrays, use `Writer(target, mode="a")`.
    `progress` is called with the bytes done and in all, and stops the call by returning False; True shows a bar.
    """
    paths = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    options = writer_options(to=format, durable=durable, threads=threads, limits=limits)
    with shown(progress, "append") as callback:
        return Changed(
            *_ztensor.append_files(
                encode_path(target),
                [encode_path(path) for path in paths],
                options,
                level_of(compress),
                bool(replace),
                bool(skip_unreadable),
                open_options(threads=threads, limits=limits),
                callback,
            )
        )


def remove(
    path: PathLike,
    names: str | Iterable[str],
    *,
    output: PathLike | None = None,
    force: bool = False,
    durable: bool = False,
    limits: Limits | None = None,
    progress: Progress = None,
) -> Changed:
    """Takes tensors out of a file. Their bytes stay in the file until `compact`.

    `output` writes a compact copy without them instead, and leaves the file as it is; `force` replaces an existing one.
    """
    chosen = [names] if isinstance(names, str) else list(names)
    if not chosen:
        raise UsageError("names is empty: name at least one tensor")
    with shown(progress, "remove") as callback:
        return Changed(
            *_ztensor.remove_tensors(
                encode_path(path),
                [name_of_tensor(name) for name in chosen],
                None if output is None else encode_path(output),
                bool(force),
                bool(durable),
                limits_of(limits),
                callback,
            )
        )


def set(
    path: PathLike,
    attributes: Mapping[str, Any] | None = None,
    *,
    unset: str | Iterable[str] = (),
    tensor: str | None = None,
    durable: bool = False,
) -> AttributesSet:
    """Sets attributes of a file in place, or of one of its tensors, and removes those of `unset`. Others stay."""
    if attributes is not None and not isinstance(attributes, Mapping):
        raise TypeError(f"attributes must be a dict, not {type(attributes).__name__}")
    keys = [unset] if isinstance(unset, str) else [text_of("a key of unset", key) for key in unset]
    if not attributes and not keys:
        raise UsageError("there is nothing to set: give attributes, or keys to unset")
    where = None if tensor is None else name_of_tensor(tensor)
    return AttributesSet(
        *_ztensor.set_attributes(encode_path(path), dict(attributes or {}) or None, keys, where, bool(durable))
    )


def compact(
    path: PathLike, *, durable: bool = False, limits: Limits | None = None, progress: Progress = None
) -> Compacted:
    """Writes a file anew without the bytes that no tensor uses, and puts it in the place of the old one when it is
    complete, read back and compared. Arrays over the old file stay valid."""
    with shown(progress, "compact") as callback:
        return Compacted(*_ztensor.compact(encode_path(path), bool(durable), limits_of(limits), callback))


def repair(
    path: PathLike,
    *,
    output: PathLike | None = None,
    dry_run: bool = False,
    force: bool = False,
    durable: bool = False,
    limits: Limits | None = None,
    progress: Progress = None,
) -> Repaired:
    """Finds the last whole version in a .zt file whose end is damaged, and cuts off what follows it.

    `output` writes the repaired file there instead; `dry_run` only reports. Raises a `FormatError`, and changes
    nothing, where there is no whole version.
    """
    with shown(progress, "repair") as callback:
        found = _ztensor.repair(
            encode_path(path),
            bool(dry_run),
            None if output is None else encode_path(output),
            bool(force),
            bool(durable),
            limits_of(limits),
            callback,
        )
        return Repaired(*found)


def migrate(
    path: PathLike,
    output: PathLike,
    *,
    to: str | None = None,
    lossy: bool = False,
    delete_original: bool = False,
    force: bool = False,
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Progress = None,
) -> Converted:
    """Writes a file in another generation of .zt, reads it back, and compares every byte. Encodings stay."""
    return convert(
        path, output, to=to, lossy=lossy, check_output=True, delete_original=delete_original, force=force,
        threads=threads, limits=limits, progress=progress,
    )  # fmt: skip


def extract(
    path: PathLike,
    names: str | Iterable[str],
    output: PathLike,
    *,
    to: str | None = None,
    compress: Compress = None,
    force: bool = False,
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Progress = None,
) -> Converted:
    """Writes some tensors of a file, of any format, into a new file, with the attributes of the file."""
    chosen = [names] if isinstance(names, str) else list(names)
    return convert(
        path, output, names=chosen, to=to, compress=compress, force=force,
        threads=threads, limits=limits, progress=progress,
    )  # fmt: skip
