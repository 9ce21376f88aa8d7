"""Works out NumPy's indexing before any bytes are read."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ._errors import UnsupportedError

_SMALL = 2**31


_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


def is_basic(key: Any) -> bool:
    """Whether the key has only what NumPy's basic indexing takes as it is."""
    return type(key) in _BASIC or (type(key) is tuple and all(type(entry) in _BASIC for entry in key))


def is_basic_in_torch(key: Any) -> bool:
    """Whether torch, too, takes the key as NumPy does: steps are positive, no number is too large for it, and it would
    raise an error where NumPy does."""
    entries = key if type(key) is tuple else (key,)
    return sum(entry is Ellipsis for entry in entries) <= 1 and all(
        entry is None or entry is Ellipsis or _is_small(entry)
        if type(entry) is not slice
        else _is_small(entry.start or 0) and _is_small(entry.stop or 0) and _is_small(entry.step or 1, 1)
        for entry in entries
    )


def _is_small(number: Any, least: int = -_SMALL) -> bool:
    return type(number) is int and least <= number < _SMALL


def expand(key: Any, ndim: int) -> list[Any]:
    """The key with slices in place of its ellipsis: one entry for each axis, and None for each new axis.

    The ellipsis also stays behind these slices, for no axis. So NumPy makes no scalar, and keeps its order of axes.
    """
    entries = list(key) if isinstance(key, tuple) else [key]
    entries = [_entry(entry) for entry in entries]
    used = sum(entry is not None and entry is not Ellipsis for entry in entries)
    if used > ndim:
        raise IndexError(f"too many indices: the tensor has {ndim} dimensions, but {used} were indexed")
    dots = [i for i, entry in enumerate(entries) if entry is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    at = dots[0] if dots else len(entries)
    whole = [slice(None)] * (ndim - used)
    entries[at : at + len(dots)] = whole + [Ellipsis] * len(dots)
    if sum(isinstance(entry, np.ndarray) for entry in entries) > 1:
        raise UnsupportedError("index arrays on more than one axis are not supported: index one axis at a time")
    return entries


def _entry(entry: Any) -> Any:
    if entry is None or entry is Ellipsis or isinstance(entry, slice):
        return entry
    if isinstance(entry, (bool, np.bool_)):
        raise UnsupportedError("a tensor cannot be indexed by a single bool: use None, or a slice")
    if isinstance(entry, range):
        return np.arange(entry.start, entry.stop, entry.step)
    if isinstance(entry, (list, np.ndarray)) or hasattr(entry, "__array__"):
        array = np.asarray(entry)
        if array.size == 0 and not isinstance(entry, np.ndarray):
            array = array.astype(np.intp)
        if array.ndim == 0 and array.dtype.kind in "iu":
            return int(array)
        if array.dtype.kind == "b" and array.ndim != 1:
            raise UnsupportedError(f"a boolean index of {array.ndim} dimensions is not supported: use one dimension")
        if array.dtype.kind not in "iub":
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        return array
    try:
        return operator.index(entry)
    except TypeError:
        raise IndexError(
            "only integers, slices, ellipsis (`...`), None and integer or boolean arrays are valid indices"
        ) from None


def resolve(entries: list[Any], shape: tuple[int, ...]) -> tuple[list[Any], tuple[Any, ...]]:
    """What to read of each axis, and the key that makes NumPy's result from it.

    Of each axis we read (start, count, step), or a list of positions.
    """
    axes: list[Any] = []
    after: list[Any] = []
    for entry in entries:
        if entry is None or entry is Ellipsis:
            after.append(entry)
            continue
        size = shape[len(axes)]
        if isinstance(entry, slice):
            start, stop, step = entry.indices(size)
            count = len(range(start, stop, step))
            axes.append((start if count else 0, count, step if count > 1 else 1))  # a step may be of any size
            after.append(slice(None))
        elif isinstance(entry, np.ndarray):
            positions = _positions(entry, size, len(axes))
            axes.append(positions.reshape(-1).tolist() or (0, 0, 1))
            after.append(np.arange(positions.size).reshape(positions.shape))
        else:
            axes.append((_position(entry, size, len(axes)), 1, 1))
            after.append(0)
    return axes, tuple(after)


def _position(index: int, size: int, axis: int) -> int:
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of bounds for axis {axis} with size {size}")
    return index + size if index < 0 else index


def _positions(array: np.ndarray[Any, Any], size: int, axis: int) -> np.ndarray[Any, Any]:
    if array.dtype.kind == "b":
        if array.size != size:
            raise IndexError(f"boolean index did not match: axis {axis} has {size}, the index {array.size}")
        return np.flatnonzero(array)
    if array.size:
        for bound in (int(array.min()), int(array.max())):
            _position(bound, size, axis)
    signed = array.astype(np.int64)
    return np.where(signed < 0, signed + size, signed)
