"""Files of what changed."""

from __future__ import annotations

from typing import NamedTuple

from . import _ztensor
from ._limits import Limits
from ._options import PathLike, Source, encode_path, writer_options
from ._progress import Progress, shown
from ._reader import Reader


class DeltaWritten(NamedTuple):
    """The report of `delta`."""

    tensors: int
    deltas: int  # tensors that are stored as deltas
    same: int  # those of them that do not differ from the base at all
    bytes_in: int  # decoded bytes of the new tensors
    bytes_out: int  # size of the file
    base: str  # the id of the base, as `content_id` gives it
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
                *_ztensor.write_delta(opened[0]._source, opened[1]._source, encoded, options, bool(patch), bool(force), callback)
            )
    finally:
        for one, given in zip(opened, (base, new), strict=True):
            if one is not given:
                one.close()
