"""What the command line does, as functions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from . import _ztensor
from ._options import Limits, PathLike, Source, alignment_of, encode_path, level_of, limits_of, threads_of
from ._reader import Reader, Verified


class Converted(NamedTuple):
    """What `convert` and `merge` did."""

    tensors: int
    bytes_in: int  # sizes of the input files
    bytes_out: int  # size of the output
    skipped: list[str]  # "name: cause"
    notes: list[str]  # what a user should know, but is no error


def convert(
    inputs: PathLike | Iterable[PathLike],
    output: PathLike,
    *,
    format: str = "auto",
    to: str = "1.2",
    compress: bool | int | None = None,
    checksum: str | None = None,
    alignment: int | None = None,
    durable: bool = False,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    skip_unreadable: bool = False,
    delete_original: bool = False,
    force: bool = False,
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> Converted:
    """Puts the tensors of all inputs, of any format, into one file.

    `compress=None` keeps parts as they are stored, where the output can hold them so; False, True or a level
    stores each anew. `include` and `exclude` are globs over names. Without `force` an output that exists is
    refused. `progress` is called with bytes done and to do; returning False stops the work.
    """
    paths = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    result = _ztensor.convert(
        [encode_path(path) for path in paths],
        encode_path(output),
        format,
        to,
        level_of(compress),
        checksum,
        alignment_of(alignment),
        durable,
        _globs(include),
        _globs(exclude),
        skip_unreadable,
        delete_original,
        force,
        threads_of(threads),
        limits_of(limits),
        progress,
    )
    return Converted(*result)


def merge(
    inputs: Iterable[PathLike],
    output: PathLike,
    *,
    format: str = "auto",
    to: str = "1.2",
    compress: bool | int | None = None,
    checksum: str | None = None,
    alignment: int | None = None,
    durable: bool = False,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    skip_unreadable: bool = False,
    delete_original: bool = False,
    force: bool = False,
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> Converted:
    """`convert` of several files into one; a name that two of them have is refused."""
    if isinstance(inputs, (str, os.PathLike)):
        raise TypeError("inputs must be a list of paths: convert() takes one")
    return convert(
        inputs,
        output,
        format=format,
        to=to,
        compress=compress,
        checksum=checksum,
        alignment=alignment,
        durable=durable,
        include=include,
        exclude=exclude,
        skip_unreadable=skip_unreadable,
        delete_original=delete_original,
        force=force,
        threads=threads,
        limits=limits,
        progress=progress,
    )


def verify(
    source: Source,
    names: Iterable[str] | None = None,
    *,
    backend: str = "auto",
    threads: int | None = None,
    limits: Limits | None = None,
) -> Verified:
    """Checks digests and contents of a file; throws the first thing that is wrong. Options are `open`'s."""
    with Reader(source, backend=backend, threads=threads, limits=limits) as reader:
        return reader.verify(names)


def info(
    source: Source, *, backend: str = "auto", threads: int | None = None, limits: Limits | None = None
) -> dict[str, Any]:
    """What is in a file, as `ztensor info --json` prints it. Options are `open`'s."""
    with Reader(source, backend=backend, threads=threads, limits=limits) as reader:
        found: dict[str, Any] = json.loads(reader._source.info_json())
        return found


def _globs(globs: Iterable[str]) -> list[str]:
    return [globs] if isinstance(globs, str) else list(globs)
