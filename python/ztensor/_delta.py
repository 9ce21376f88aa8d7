"""Files of what changed: exact differences between models."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from . import _ztensor
from ._limits import Limits
from ._options import PathLike, Source, encode_path, threads_of, writer_options
from ._progress import Progress, shown
from ._reader import Reader


class DeltaWritten(NamedTuple):
    """The report of `delta` and of `fold`."""

    tensors: int
    deltas: int  # tensors that are stored as deltas
    same: int  # those of them that do not differ from the base at all
    bytes_in: int  # decoded bytes of the new tensors
    bytes_out: int  # size of the file
    base: str  # the id of the base, as `content_id` gives it
    notes: list[str]  # remarks for the user that are not errors


class Applied(NamedTuple):
    """The report of `apply` to a file in place."""

    tensors: int  # of the file
    deltas: int  # tensors that are now stored as deltas over what they were
    whole: int  # tensors that were added as they are
    removed: int
    bytes_in: int  # size of the file before
    bytes_out: int  # and after
    notes: list[str]  # remarks for the user that are not errors


def delta(
    base: Source | Reader,
    new: Source | Reader,
    output: PathLike,
    *,
    patch: bool = False,
    force: bool = False,
    to: str | None = None,
    checksum: str | None = None,
    durable: bool = False,
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Progress = None,
) -> DeltaWritten:
    """Writes the tensors of `new` to a file that holds only what changed since `base`, exactly.

    Such a file is read with `open`, and gives the tensors of `new`. Its base must lie beside it under the same name, or
    be given with `open(..., bases=[base])`. A tensor that `base` does not have in the same dtype is stored whole.
    `patch` stores new elements instead of differences, which takes more room. `force` replaces an existing file.
    `to` is "1.2" or "2".
    """
    options = writer_options(to=to, checksum=checksum, durable=durable, threads=threads, limits=limits)
    encoded = encode_path(output)
    opened = [one if isinstance(one, Reader) else Reader(one, threads=threads, limits=limits) for one in (base, new)]
    try:
        with shown(progress, "delta") as callback:
            return DeltaWritten(
                *_ztensor.write_delta(
                    opened[0]._source, opened[1]._source, encoded, options, bool(patch), bool(force), callback
                )
            )
    finally:
        for one, given in zip(opened, (base, new), strict=True):
            if one is not given:
                one.close()


def apply(
    path: PathLike,
    delta: PathLike,
    *,
    verify: bool = False,
    durable: bool = False,
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Progress = None,
) -> Applied:
    """Makes a file what `delta`, a file of what changed since it, stands for.

    The file grows by about the size of `delta`: a tensor that changed becomes a delta over its former self, which stays
    and is hidden. So this takes little time for a large file, a reader that has the file open keeps what it sees, and a
    process that dies leaves the former version. `convert` makes all tensors whole; `convert(delta, output)` with the
    base beside gives the same tensors as a new file.
    `verify` decodes all of `delta` with the file first; otherwise one piece of each tensor is held against it.
    """
    with shown(progress, "apply") as callback:
        return Applied(
            *_ztensor.apply_delta(
                encode_path(path),
                encode_path(delta),
                bool(verify),
                bool(durable),
                threads_of(threads),
                limits,
                callback,
            )
        )


def fold(
    deltas: Sequence[PathLike],
    output: PathLike,
    *,
    base: Source | Reader | None = None,
    patch: bool = False,
    force: bool = False,
    to: str | None = None,
    checksum: str | None = None,
    durable: bool = False,
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Progress = None,
) -> DeltaWritten:
    """Writes one file of what changed for several, each of which was made over the one before it.

    `output` reads as the last of them, and is over the base of the first one. `base` is that base, if it does not lie
    beside the first file. The other options are those of `delta`.
    """
    if isinstance(deltas, (str, bytes, os.PathLike)):
        raise TypeError("deltas must be a list of paths, from first to last")
    options = writer_options(to=to, checksum=checksum, durable=durable, threads=threads, limits=limits)
    opened = base if base is None or isinstance(base, Reader) else Reader(base, threads=threads, limits=limits)
    try:
        with shown(progress, "fold") as callback:
            return DeltaWritten(
                *_ztensor.fold_deltas(
                    [encode_path(one) for one in deltas],
                    [] if opened is None else [opened._source],
                    encode_path(output),
                    options,
                    bool(patch),
                    bool(force),
                    callback,
                )
            )
    finally:
        if opened is not None and opened is not base:
            opened.close()
