"""Attributes of HDF5 objects as plain values. It runs in the child process alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5s, h5t

_MOST_BYTES = 16 << 20  # of one attribute
_MOST_ELEMENTS = 1 << 20  # of one attribute: an element takes more as an object than in the file
_MOST_KEY = 1024  # bytes, as in .zt
_PLAIN = {h5t.INTEGER, h5t.FLOAT, h5t.STRING, h5t.ENUM}


class LeftOut(Exception):
    """Why an attribute is not kept."""


def attributes_of(where: Any, note: Callable[[str, str], None]) -> Iterator[tuple[str, Any]]:
    """The attributes of an object, by name. Calls `note` with the name and the cause of each one left out."""
    names: list[bytes] = []
    try:
        h5a.iterate(where, lambda name, *_: names.append(name))
    except (OSError, RuntimeError, SystemError) as error:
        note("*", f"they cannot be listed: {error}")
    manager = h5py.AttributeManager(_Owner(where))
    for name in names:
        try:
            key = name.decode()
            if not 0 < len(name) <= _MOST_KEY:
                raise LeftOut(f"its name has {len(name)} bytes")
            yield key, _value(manager, name)
        except LeftOut as cause:
            note(name.decode("utf-8", "backslashreplace"), str(cause))
        except MemoryError:
            note(name.decode("utf-8", "backslashreplace"), "it takes too much memory")
        except (OSError, RuntimeError, SystemError, TypeError, ValueError, LookupError, OverflowError) as error:
            note(name.decode("utf-8", "backslashreplace"), f"it cannot be read: {error}")


class _Owner:
    """What h5py's manager of attributes asks of its owner."""

    def __init__(self, where: Any) -> None:
        self.id = where


def _value(manager: Any, name: bytes) -> Any:
    found = h5a.open(manager._id, name)
    if found.get_space().get_simple_extent_type() == h5s.NULL:
        return None
    kind = found.get_type().get_class()
    if kind not in _PLAIN:
        raise LeftOut("it holds neither numbers nor text")
    if found.get_storage_size() > _MOST_BYTES:
        raise LeftOut(f"it has {found.get_storage_size()} bytes, more than {_MOST_BYTES}")
    # A dimension of 0 counts as 1: the dimensions before it become lists all the same.
    elements = math.prod(max(size, 1) for size in found.get_space().get_simple_extent_dims())
    if elements > _MOST_ELEMENTS:
        raise LeftOut(f"it has {elements} elements, more than {_MOST_ELEMENTS}")
    return _plain(manager[name])


def _plain(value: Any) -> Any:
    """A value of h5py with Python's types alone."""
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
        return value.tolist()
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value] if value.ndim else _plain(value[()])
    if isinstance(value, (bytes, np.bytes_)):
        return _text(bytes(value))
    if isinstance(value, str):
        return _text(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, (np.bool_, bool)):
        return bool(value)
    if isinstance(value, (np.integer, int)):
        return int(value)
    if isinstance(value, np.longdouble) and value.dtype.itemsize > 8:
        raise LeftOut("it holds floats of more than 64 bits")
    if isinstance(value, (np.floating, float)):
        return float(value)
    raise LeftOut(f"it holds values of type {type(value).__name__}")


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
