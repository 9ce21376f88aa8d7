"""Bounds on what a file may ask for."""

from __future__ import annotations

import operator
from dataclasses import dataclass

from ._errors import UsageError


@dataclass(frozen=True)
class Limits:
    """Bounds on what a file may ask for. A file over a bound raises `LimitError`. `None` is the library's default."""

    index_bytes: int | None = None  # of the encoded manifest or header
    decoded_bytes: int | None = None  # of one part, or of a dequantized tensor
    rank: int | None = None  # dimensions of one tensor
    parts: int | None = None  # of one tensor
    depth: int | None = None  # levels of nesting in the manifest; the root is one

    def __post_init__(self) -> None:
        bits_of = {"index_bytes": 64, "decoded_bytes": 64, "rank": 32, "parts": 32, "depth": 32}
        for name, bits in bits_of.items():
            value = getattr(self, name)
            if value is not None and not 0 <= _integer(name, value) < 2**bits:
                raise UsageError(f"limits: {name} is {value}: expected 0 to 2**{bits} - 1")


def _integer(name: str, value: int) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"limits: {name} must be an int, not {type(value).__name__}") from None
