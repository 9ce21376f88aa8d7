"""What the command line does, as functions."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from . import _ztensor
from ._limits import Limits
from ._options import PathLike, Source, encode_path, globs_of, level_of, open_options, text_of, writer_options
from ._reader import Reader, Verified

P = ParamSpec("P")
R = TypeVar("R")


class Converted(NamedTuple):
    """What `convert` and `merge` did."""

    tensors: int
    bytes_in: int  # of the input files; of the tensors taken, as stored, with `include` or `exclude`
    bytes_out: int  # size of the output
    skipped: list[str]  # "name: cause"
    losses: list[str]  # what the format could not hold, and `lossy` gave up
    notes: list[str]  # what a user should know, but is no error


class Difference(NamedTuple):
    """One way in which two files differ."""

    # "only_in_a", "only_in_b" (a tensor); "shape", "layout", "attribute"; "part" (one has it, the other has not);
    # "dtype", "length" (decoded bytes), "contents" of a part
    kind: str
    tensor: str | None  # its name; None: the file itself
    part: str | None  # its role
    key: str | None  # of an attribute
    # What each has, None where it has none. Contents: the first elements that differ, complex ones as lists of two, a
    # NaN as text with its bits.
    a: Any
    b: Any
    elements: int | None = None  # of contents: how many each has
    differing: int | None = None  # how many differ, bit for bit
    first: int | None = None  # the first of them, in row-major order
    at: tuple[int, ...] | None = None  # the same as an index, of a dense tensor
    largest: float | None = None  # |a - b|; None for bool, and where each has a NaN


class DiffReport(NamedTuple):
    """What `diff` found."""

    same: bool  # there are no differences and no troubles
    compared: int  # tensors that both have and that could be compared
    differences: list[Difference]
    troubles: list[tuple[str, Exception]]  # tensors that cannot be read in one file or the other, and why


def convert(
    inputs: PathLike | Iterable[PathLike],
    output: PathLike,
    *,
    from_: str = "auto",
    to: str | None = None,
    compress: bool | int | None = None,
    checksum: str | None = None,
    alignment: int | None = None,
    durable: bool = False,
    canonical: bool | None = None,
    max_shard_size: int | None = None,
    lossy: bool = False,
    check_output: bool = False,
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

    `from_` is a format that every input must have, such as "safetensors" or "zt-1.2"; "auto" takes any.
    `compress=None` keeps parts as they are stored, where the output can hold them so; False, True or a level
    stores each anew. `to` is "1.0", "1.2", "2" or "safetensors"; None is what the output's
    name ends in, else 1.2. What that cannot hold is an `UnsupportedError` that names it, or left
    out and listed in `losses` if `lossy`. `canonical` and `max_shard_size` are as `Writer` has them. `check_output`
    reads the output back and compares it with the inputs. `include` and `exclude` are globs over names. Without
    `force` an output that exists is refused. `progress` is called with bytes done and to do; returning False stops
    the work.
    """
    if not isinstance(inputs, (str, os.PathLike, Iterable)):
        raise TypeError(f"inputs must be a path or a list of paths, not {type(inputs).__name__}")
    paths = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    options = _ztensor.ConvertOptions()
    options.open = open_options(threads=threads, limits=limits)
    options.writer = writer_options(
        to=to, checksum=checksum, alignment=alignment, durable=durable, threads=threads, limits=limits,
        canonical=canonical, max_shard_size=max_shard_size, lossy=lossy,
    )  # fmt: skip
    options.from_ = text_of("from_", from_)
    options.level = level_of(compress)
    options.include = globs_of("include", include)
    options.exclude = globs_of("exclude", exclude)
    options.check_output = bool(check_output)
    options.skip_unreadable = bool(skip_unreadable)
    options.delete_originals = bool(delete_original)
    options.overwrite = bool(force)
    result = _ztensor.convert([encode_path(path) for path in paths], encode_path(output), options, progress)
    return Converted(*result)


def _with_options_of(
    model: Callable[Concatenate[Any, PathLike, P], R],
) -> Callable[[Callable[..., R]], Callable[Concatenate[Iterable[PathLike], PathLike, P], R]]:
    """For a function that passes its keywords on to `model`: it is typed, and shown by help(), with those."""

    def shown(function: Callable[..., R]) -> Callable[..., R]:
        own, theirs = inspect.signature(function), inspect.signature(model)
        keywords = [value for value in theirs.parameters.values() if value.kind is value.KEYWORD_ONLY]
        files = [value for value in own.parameters.values() if value.kind is not value.VAR_KEYWORD]
        function.__signature__ = own.replace(parameters=files + keywords)  # type: ignore[attr-defined]
        return function

    return shown


@_with_options_of(convert)
def merge(inputs: Iterable[PathLike], output: PathLike, **options: Any) -> Converted:
    """`convert` of several files into one, with the same options; a name that two of them have is refused."""
    if isinstance(inputs, (str, os.PathLike)):
        raise TypeError("inputs must be a list of paths: convert() takes one")
    return convert(inputs, output, **options)


def verify(
    source: Source,
    names: Iterable[str] | None = None,
    *,
    shards: bool = False,
    canonical: bool = False,
    backend: str = "auto",
    threads: int | None = None,
    limits: Limits | None = None,
) -> Verified:
    """Checks digests and contents of a file; throws the first thing that is wrong.

    `shards` also checks each shard of it as a whole, `canonical` that it has the canonical form of format 2. Other
    options are `open`'s.
    """
    with Reader(source, backend=backend, threads=threads, limits=limits) as reader:
        return reader.verify(names, shards=shards, canonical=canonical)


def info(
    source: Source, *, backend: str = "auto", threads: int | None = None, limits: Limits | None = None
) -> dict[str, Any]:
    """What is in a file, as `ztensor info --json` prints it. Options are `open`'s."""
    with Reader(source, backend=backend, threads=threads, limits=limits) as reader:
        found: dict[str, Any] = json.loads(reader._source.info_json())
        return found


def diff(
    a: Source,
    b: Source,
    *,
    backend: str = "auto",
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> DiffReport:
    """How two files differ: names, shapes, dtypes, layouts, attributes and contents, bit for bit; whatever the formats,
    encodings and order. Options are `open`'s; `progress` is called with bytes done and to do, and stops the work by
    returning False."""
    with (
        Reader(a, backend=backend, threads=threads, limits=limits) as left,
        Reader(b, backend=backend, threads=threads, limits=limits) as right,
    ):
        compared, found, troubles = _ztensor.diff(left._source, right._source, progress)
    differences = [Difference(*one[:6], *(one[6] or ())) for one in found]
    return DiffReport(not differences and not troubles, compared, differences, troubles)


def content_id(
    source: Source,
    *,
    trust_digests: bool = False,
    backend: str = "auto",
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> str:
    """The id of the tensors: "sha256:" and 64 hex digits, the same for all files with the same tensors, as `ztensor id`
    prints it.

    `trust_digests` takes sha256 digests over decoded bytes that a file of generation 2 declares at their word."""
    with Reader(source, backend=backend, threads=threads, limits=limits) as reader:
        return _ztensor.content_id(reader._source, trust_digests, progress)
