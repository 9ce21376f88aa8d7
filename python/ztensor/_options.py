"""Checks arguments that several calls share."""

from __future__ import annotations

import io
import operator
import os
import re
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from . import _ztensor
from ._errors import UsageError
from ._limits import Limits

PathLike: TypeAlias = "str | os.PathLike[str]"
Compress: TypeAlias = 'bool | int | Literal["float", "auto"] | None'
# Any: a seekable binary file object
Source: TypeAlias = "PathLike | list[PathLike] | tuple[PathLike, ...] | bytes | bytearray | memoryview | Any"


def open_options(
    *, backend: str = "auto", verify: bool | None = None, threads: int | None = None, limits: Limits | None = None
) -> _ztensor.OpenOptions:
    options = _ztensor.OpenOptions()
    options.backend = text_of("backend", backend)
    options.verify = flag_of("verify", verify)
    options.threads = threads_of(threads)
    options.limits = limits_of(limits)
    return options


def writer_options(
    *,
    to: str | None = None,
    compress: Compress = None,
    checksum: str | None = None,
    alignment: int | None = None,
    durable: bool = False,
    threads: int | None = None,
    limits: Limits | None = None,
    canonical: bool | None = None,
    max_shard_size: int | str | None = None,
    lossy: bool = False,
) -> _ztensor.WriterOptions:
    options = _ztensor.WriterOptions()
    options.to = format_of(to)
    options.level = level_of(compress) or 0
    options.checksum = checksum
    options.alignment = alignment_of(alignment)
    options.durable = bool(durable)
    options.threads = threads_of(threads)
    options.limits = limits_of(limits)
    options.canonical = flag_of("canonical", canonical)
    options.max_shard_size = shard_size_of(max_shard_size)
    options.lossy = bool(lossy)
    return options


def text_of(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}")
    return value


def flag_of(what: str, value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"{what} must be a bool or None, not {type(value).__name__}")
    return value


def _integer(what: str, value: Any, expected: str) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be {expected}, not {type(value).__name__}") from None


def limits_of(limits: Limits | None) -> Limits | None:
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(f"limits must be a ztensor.Limits, not {type(limits).__name__}")
    return limits


def encode_path(path: PathLike) -> bytes:
    """The bytes of a path for the system."""
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError("embedded null byte")  # like open()
    return encoded


def refuse_text(file: Any, mode: str) -> None:
    if isinstance(file, io.TextIOBase):
        raise TypeError(f'the file is open as text, and tensors are bytes: open it in binary mode, "{mode}"')


def format_of(format: str | None) -> str:
    """The format to write; "" lets the library choose."""
    if format is not None and not isinstance(format, str):
        raise TypeError(f'format must be a str, "1.0", "1.2", "2", "safetensors" or "npz", not {type(format).__name__}')
    return format or ""


def level_of(compress: Compress) -> int | None:
    """The zstd level for `compress`: 0 is raw, -1 byte planes, -2 what is smallest; None lets the caller choose."""
    if compress is None:
        return None
    if compress == "float":
        return -1
    if compress == "auto":
        return -2
    if compress is True:
        return 3
    if compress is False:
        return 0
    expected = 'a bool, a zstd level from 1 to 22, "float" or "auto"'
    level = _integer("compress", compress, expected)
    if not 1 <= level <= 22:
        raise UsageError(f"compress is {level}: expected {expected}")
    return level


def alignment_of(alignment: int | None) -> int:
    if alignment is None:
        return 0
    value = _integer("alignment", alignment, "an int")
    if not 0 < value < 2**64:  # these would not reach the library, which checks all others
        raise UsageError(f"alignment {value}: expected a power of two from 64 to 2097152")
    return value


def shard_size_of(size: int | str | None) -> int:
    """The bytes of `max_shard_size`; 0 for no shards."""
    if size is None:
        return 0
    if isinstance(size, str):
        found = re.fullmatch(r"\s*(\d+)\s*([kmgtpe]?)(i?)b?\s*", size, re.ASCII | re.IGNORECASE)
        if found is None or (found[3] and not found[2]):
            raise UsageError(f"max_shard_size is {size!r}: expected a number of bytes, such as '5GB' or '500MiB'")
        unit: int = (1024 if found[3] else 1000) ** " kmgtpe".index(found[2].lower() or " ")
        value = int(found[1]) * unit
    else:
        value = _integer("max_shard_size", size, "a number of bytes, or a text such as '5GB'")
    if not 0 < value < 2**64:
        raise UsageError(f"max_shard_size is {value}: expected a number of bytes over 0")
    return value


def ahead_of(ahead: int | None) -> int:
    """The bytes that a prefetch may hold."""
    if ahead is None:
        return 256 << 20
    value = _integer("ahead", ahead, "a number of bytes")
    if not 0 <= value < 2**64:
        raise UsageError(f"ahead is {value}: expected a number of bytes from 0")
    return value


def threads_of(threads: int | None) -> int:
    if threads is None:
        return 0
    value = _integer("threads", threads, "an int")
    if not 1 <= value <= 1024:
        raise UsageError(f"threads is {value}: expected 1 to 1024")
    return value


def name_of_tensor(name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a tensor's name must be a str, not {type(name).__name__}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UsageError(f"a tensor cannot be named {name!r}: the name has no UTF-8 form") from None
    return name


def shape_of(shape: Iterable[Any]) -> list[int]:
    dimensions = [operator.index(dimension) for dimension in shape]
    if any(not 0 <= dimension < 2**64 for dimension in dimensions):
        raise UsageError(f"shape {tuple(dimensions)} has a dimension that is negative or too large")
    return dimensions


def globs_of(what: str, globs: Iterable[str]) -> list[str]:
    """A list of globs from one glob or several."""
    return [globs] if isinstance(globs, str) else [text_of(f"a glob of {what}", glob) for glob in globs]
