"""Functions for what the command line does."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from . import _hdf5_inputs, _ztensor
from ._errors import UsageError
from ._limits import Limits
from ._options import (
    Compress,
    PathLike,
    Source,
    encode_path,
    globs_of,
    level_of,
    open_options,
    text_of,
    writer_options,
)
from ._progress import Progress, shown
from ._reader import Reader, Verified

P = ParamSpec("P")
R = TypeVar("R")


class Converted(NamedTuple):
    """The report of `convert` and `merge`."""

    tensors: int
    bytes_in: int  # of the input files; with `include` or `exclude`, the stored bytes of the chosen tensors
    bytes_out: int  # size of the output
    skipped: list[str]  # "name: cause"
    losses: list[str]  # what `lossy` left out, because the format cannot hold it
    notes: list[str]  # remarks for the user that are not errors


class Difference(NamedTuple):
    """One way in which two files differ."""

    # "only_in_a", "only_in_b" (a tensor); "shape", "layout", "attribute"; "part" (only one file has it); "dtype",
    # "length" (decoded bytes), "contents" of a part
    kind: str
    tensor: str | None  # the name of the tensor; None: the file itself
    part: str | None  # the role of the part
    key: str | None  # of an attribute
    # What each file has, or None. For contents: the first elements that differ. A complex element is a list of two, and
    # a NaN is text with its bits.
    a: Any
    b: Any
    elements: int | None = None  # for contents: how many elements each file has
    differing: int | None = None  # how many elements differ, bit for bit
    first: int | None = None  # the first element that differs, in row-major order
    at: tuple[int, ...] | None = None  # its index, if the tensor is dense
    largest: float | None = None  # the largest |a - b| of pairs without a NaN; None for bool, or without such pairs


class DiffReport(NamedTuple):
    """The report of `diff`."""

    same: bool  # there are neither a difference nor a finding
    compared: int  # tensors that both files have and that could be compared
    differences: list[Difference]
    findings: list[tuple[str, Exception]]  # tensors that cannot be read in one of the files, and why


class ScannedGlobal(NamedTuple):
    """A class or function that a pickle names."""

    module: str  # "?" where only running the pickle would tell
    name: str
    risk: str  # "inert": it makes data; "unknown": it runs code that we do not know; "danger"
    called: bool  # and not only named
    offset: int  # where the pickle names it first, in the file or the member
    times: int  # how often the pickle names it


class ScannedPickle(NamedTuple):
    """One pickle of a file."""

    member: str | None  # of the archive; None: the file itself
    offset: int  # where it begins, in the file or the member
    nested: bool  # it lies in bytes of another pickle, which loads it
    globals: list[ScannedGlobal]
    fault: str | None  # why it cannot be followed to its end; None: it can


class ScanReport(NamedTuple):
    """The report of `scan`."""

    risk: str  # the highest of all globals; also "danger" where a fault may hide what Python would load
    pickles: list[ScannedPickle]  # empty: the file is not based on pickle
    faults: list[str]  # parts of the file that could not be looked at


def convert(
    inputs: PathLike | Iterable[PathLike],
    output: PathLike,
    *,
    from_: str = "auto",
    to: str | None = None,
    compress: Compress = None,
    checksum: str | None = None,
    alignment: int | None = None,
    durable: bool = False,
    canonical: bool | None = None,
    max_shard_size: int | str | None = None,
    lossy: bool = False,
    check_output: bool = False,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    names: Iterable[str] | None = None,
    with_config: bool = False,
    skip_unreadable: bool = False,
    delete_original: bool = False,
    force: bool = False,
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Progress = None,
) -> Converted:
    """Puts the tensors of all inputs, of any format, into one file.

    `from_` is a format that every input must have, such as "safetensors" or "zt-1.2"; "auto" takes any.
    `compress=None` keeps the encoding of each part, if the output can hold it, except that byte planes become raw; any
    other value encodes each part again. `to` is "1.0", "1.2", "2", "safetensors" or "npz"; None takes the format from
    the ending of the output's name, else 1.2. If this format cannot hold something, the call raises an
    `UnsupportedError` that names it, or with `lossy` leaves it out and lists it in `losses`. `canonical` and
    `max_shard_size` are the same as for `Writer`. `check_output` reads the output back and compares it with the
    inputs. `include` and `exclude` are globs over names.
    `names` are the tensors to take; one that no input has raises a `TensorNotFoundError`. `with_config` takes also the
    small JSON files beside each input, such as config.json, as attributes under their names.
    Without `force`, an existing output is refused. `progress` is called with the bytes done and the bytes in all; if it
    returns False, the work stops. True shows a bar of tqdm.
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
    if names is not None:
        options.names = globs_of("names", names)
        if not options.names:
            raise UsageError("names is empty: name at least one tensor")
    options.with_config = bool(with_config)
    options.check_output = bool(check_output)
    options.skip_unreadable = bool(skip_unreadable)
    options.delete_originals = bool(delete_original)
    options.overwrite = bool(force)
    target = encode_path(output)
    with (
        shown(progress, "convert") as callback,
        _hdf5_inputs.inputs_of([encode_path(path) for path in paths], target, options, limits) as taken,
    ):
        result = Converted(*_ztensor.convert(taken.paths, target, options, callback))
        return result._replace(
            bytes_in=result.bytes_in + taken.more_bytes,
            skipped=taken.skipped + result.skipped,
            notes=taken.notes + result.notes,
        )


def _with_options_of(
    model: Callable[Concatenate[Any, PathLike, P], R],
) -> Callable[[Callable[..., R]], Callable[Concatenate[Iterable[PathLike], PathLike, P], R]]:
    """For a function that passes its keywords on to `model`: gives it the keywords of `model`, for types and help()."""

    def shown(function: Callable[..., R]) -> Callable[..., R]:
        own, theirs = inspect.signature(function), inspect.signature(model)
        keywords = [value for value in theirs.parameters.values() if value.kind is value.KEYWORD_ONLY]
        files = [value for value in own.parameters.values() if value.kind is not value.VAR_KEYWORD]
        function.__signature__ = own.replace(parameters=files + keywords)  # type: ignore[attr-defined]
        return function

    return shown


@_with_options_of(convert)
def merge(inputs: Iterable[PathLike], output: PathLike, **options: Any) -> Converted:
    """Converts several files into one, with the options of `convert`. A name that two files have is refused.

    The array of a .npy file gets the name of its file.
    """
    if isinstance(inputs, (str, os.PathLike)):
        raise TypeError("inputs must be a list of paths: for one path, call convert()")
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
    progress: Progress = None,
) -> Verified:
    """Checks digests and contents of a file, and raises the first error.

    `shards` also checks each shard as a whole. `canonical` also checks that the file has the canonical form of format
    2. `progress` is that of `convert`. The other options are those of `open`.
    """
    with Reader(source, backend=backend, threads=threads, limits=limits) as reader:
        return reader.verify(names, shards=shards, canonical=canonical, progress=progress)


def info(
    source: Source, *, backend: str = "auto", threads: int | None = None, limits: Limits | None = None
) -> dict[str, Any]:
    """The document that `ztensor info --json` prints. The options are those of `open`."""
    with Reader(source, backend=backend, threads=threads, limits=limits) as reader:
        found: dict[str, Any] = json.loads(reader._source.info_json())
        return found | reader._shown()


def diff(
    a: Source,
    b: Source,
    *,
    backend: str = "auto",
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Progress = None,
) -> DiffReport:
    """Compares names, shapes, dtypes, layouts, attributes and contents of two files, bit for bit.

    Formats, encodings and order do not matter. The options are those of `open`. `progress` is called with the bytes
    done and the bytes in all; if it returns False, the work stops. True shows a bar of tqdm.
    """
    with (
        Reader(a, backend=backend, threads=threads, limits=limits) as left,
        Reader(b, backend=backend, threads=threads, limits=limits) as right,
        shown(progress, "diff") as callback,
    ):
        compared, found, findings = _ztensor.diff(left._source, right._source, callback)
    differences = [Difference(*one[:6], *(one[6] or ())) for one in found]
    return DiffReport(not differences and not findings, compared, differences, findings)


def content_id(
    source: Source,
    *,
    trust_digests: bool = False,
    backend: str = "auto",
    threads: int | None = None,
    limits: Limits | None = None,
    progress: Progress = None,
) -> str:
    """The id of the tensors, as `ztensor id` prints it: "sha256:" and 64 hex digits.

    All files with the same tensors have the same id. `trust_digests` uses the sha256 digests of decoded bytes that a
    file of generation 2 declares, without checking them.
    """
    with (
        Reader(source, backend=backend, threads=threads, limits=limits) as reader,
        shown(progress, "id") as callback,
    ):
        return _ztensor.content_id(reader._source, trust_digests, callback)


def scan(path: PathLike) -> ScanReport:
    """What a file would run if Python loaded it in the usual way: pickles, checkpoints of torch, .npy and .npz files.

    Executes and imports nothing.
    """
    found = json.loads(_ztensor.scan(encode_path(path)))
    pickles = [
        ScannedPickle(
            one["member"],
            one["offset"],
            one["nested"],
            [ScannedGlobal(times=each.pop("count"), **each) for each in one["globals"]],
            one["fault"],
        )
        for one in found["pickles"]
    ]
    return ScanReport(found["risk"], pickles, found["faults"])
