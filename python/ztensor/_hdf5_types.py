"""What an HDF5 datatype is for us. It runs in the child process alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from h5py import h5t

from ._errors import FormatError, UnsupportedError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Kind:
    """How elements are stored, and what they are."""

    stored: np.dtype[Any]  # of the bytes in the file, in their byte order
    logical: np.dtype[Any]  # of the tensor
    is_bool: bool = False

    def elements(self, raw: Array) -> Array:
        """The elements of an array of dtype `stored`, without a copy where the bytes allow."""
        if self.is_bool:
            if raw.size and int(raw.max()) > 1:
                raise FormatError("a bool is neither 0 nor 1", rule="hdf5.bool.value")
            return raw.view(np.bool_)
        if self.logical == ml_dtypes.bfloat16:
            return raw.astype("<u2", copy=False).view(ml_dtypes.bfloat16)
        return raw


def _exact() -> list[tuple[Any, str]]:
    """Types of the library that need no look at their fields: equality covers size, order, sign, bias and padding."""
    found = []
    for order, sign in (("LE", "<"), ("BE", ">")):
        for bits in (8, 16, 32, 64):
            found.append((getattr(h5t, f"STD_I{bits}{order}"), f"{sign}i{bits // 8}"))
            found.append((getattr(h5t, f"STD_U{bits}{order}"), f"{sign}u{bits // 8}"))
        for bits in (16, 32, 64):
            found.append((getattr(h5t, f"IEEE_F{bits}{order}"), f"{sign}f{bits // 8}"))
            complex_type = getattr(h5t, f"COMPLEX_IEEE_F{bits}{order}", None)
            if complex_type is not None and bits > 16:
                found.append((complex_type, f"{sign}c{bits // 4}"))
    return found


_EXACT = _exact()
_BFLOAT16 = {"precision": 16, "offset": 0, "fields": (15, 7, 8, 0, 7), "bias": 127, "norm": h5t.NORM_IMPLIED}


def kind_of(found: Any) -> Kind:
    """The kind of a datatype. Raises `UnsupportedError` for a type that is not one of ours in every field."""
    for known, word in _EXACT:
        if found == known:
            dtype = np.dtype(word)
            return Kind(dtype, dtype.newbyteorder("<"))
    kind = found.get_class()
    if kind == h5t.FLOAT and _is_bfloat16(found):
        order = ">" if found.get_order() == h5t.ORDER_BE else "<"
        return Kind(np.dtype(f"{order}u2"), np.dtype(ml_dtypes.bfloat16))
    if kind == h5t.ENUM and _is_bool(found):
        return Kind(np.dtype(np.uint8), np.dtype(np.bool_), is_bool=True)
    if kind == h5t.COMPOUND:
        order_of_parts = _complex_of(found)
        if order_of_parts is not None:
            return Kind(order_of_parts, order_of_parts.newbyteorder("<"))
    raise UnsupportedError(f"its elements are {_words(found)}, not numbers of a known type", rule="hdf5.type.unknown")


def members_of(found: Any) -> list[str]:
    """The names of the members of a record; none for other types."""
    if found.get_class() != h5t.COMPOUND:
        return []
    return [found.get_member_name(i).decode() for i in range(found.get_nmembers())]


def _is_bfloat16(found: Any) -> bool:
    if found.get_size() != 2 or found.get_order() not in (h5t.ORDER_LE, h5t.ORDER_BE):
        return False
    return _BFLOAT16 == {
        "precision": found.get_precision(),
        "offset": found.get_offset(),
        "fields": found.get_fields(),
        "bias": found.get_ebias(),
        "norm": found.get_norm(),
    }


def _is_bool(found: Any) -> bool:
    base = found.get_super()
    if base not in (h5t.STD_I8LE, h5t.STD_U8LE, h5t.STD_I8BE, h5t.STD_U8BE) or found.get_nmembers() != 2:
        return False
    members = {found.get_member_name(i): found.get_member_value(i) for i in range(2)}
    return members == {b"FALSE": 0, b"TRUE": 1}


def _complex_of(found: Any) -> np.dtype[Any] | None:
    if found.get_nmembers() != 2:
        return None
    names = (found.get_member_name(0), found.get_member_name(1))
    part, other = found.get_member_type(0), found.get_member_type(1)
    half = part.get_size()
    offsets = (found.get_member_offset(0), found.get_member_offset(1))
    if names not in ((b"r", b"i"), (b"real", b"imag")) or part != other or offsets != (0, half):
        return None
    for known, word in ((h5t.IEEE_F32LE, "<c8"), (h5t.IEEE_F64LE, "<c16"), (h5t.IEEE_F32BE, ">c8")):
        if part == known and found.get_size() == 2 * half:
            return np.dtype(word)
    return np.dtype(">c16") if part == h5t.IEEE_F64BE and found.get_size() == 16 else None


_WORDS = {
    h5t.STRING: "text", h5t.VLEN: "lists of variable length", h5t.REFERENCE: "references", h5t.OPAQUE: "opaque bytes",
    h5t.BITFIELD: "bit fields", h5t.TIME: "times", h5t.ARRAY: "arrays", h5t.ENUM: "values of an enumeration",
    h5t.COMPOUND: "records", h5t.FLOAT: "floats of an unusual form", h5t.INTEGER: "integers of an unusual form",
}  # fmt: skip


def _words(found: Any) -> str:
    return _WORDS.get(found.get_class(), "of a class that is not known")
