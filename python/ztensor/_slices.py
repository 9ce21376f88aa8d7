"""Slices of tensors, as arrays of a framework."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from . import _arrays, _device, _from_arrays, _index, _jax, _to_arrays
from ._dtypes import FLOAT4
from ._prefetch import Prefetch
from ._torch import plainly

if TYPE_CHECKING:
    from ._tensor import Tensor


def sliced(tensor: Tensor, key: Any, framework: str, device: Any) -> Any:
    """The selected elements, always as an array, even if they are a single element."""
    if framework == "torch":
        made = None if device is None else _on_device(tensor, key, device)
        return plainly(_torch, tensor, key, device) if made is None else made
    array = np.asarray(tensor[key])
    if framework == "jax":
        return _jax.to_jax(array, device)
    return array if array.flags.writeable else array.copy()


def _on_device(tensor: Tensor, key: Any, device: Any) -> Any:
    """A slice that is read right into memory of a CUDA device; None where torch is to copy it."""
    if _device.memory_of(device) is None or tensor.layout != "dense" or tensor.dtype_name == FLOAT4:
        return None
    entries = _index.expand(key, tensor.ndim)
    if any(isinstance(entry, np.ndarray) for entry in entries):
        return None
    axes, _ = _index.resolve(entries, tensor.shape)  # raises NumPy's errors
    if math.prod(count for _, count, _ in axes) * tensor.dtype.itemsize < _device.WORTH_A_RING:
        return None
    with Prefetch(cast("Any", tensor._reader), {tensor.name: key}, "torch", device=device) as found:
        return found.take(tensor.name)


def _torch(tensor: Tensor, key: Any, device: Any) -> Any:
    """Call it within plain_torch()."""
    made = _view(tensor, key)
    if made is None:
        made = torch_of(tensor[key], tensor.dtype_name)
    return made if device is None else made.to(device)


def _view(tensor: Tensor, key: Any) -> Any:
    """A view of the mapped tensor; None if there is no mapping, or torch has no view for this index."""
    handle = tensor._handle
    if tensor.layout != "dense" or tensor.dtype_name == FLOAT4:
        return None
    if _index.is_basic_in_torch(key):
        if handle.view() is None:
            return None
        with contextlib.suppress(IndexError):  # we raise it below, in our words
            return _arrays.to_torch(handle, False, None, None)[key]
    entries = _index.expand(key, tensor.ndim)
    basic = all(
        not isinstance(entry, np.ndarray) and (not isinstance(entry, slice) or (entry.step or 1) > 0)
        for entry in entries
    )
    if not basic or handle.view() is None:
        return None
    axes, _ = _index.resolve(entries, tensor.shape)  # raises NumPy's errors
    return _arrays.to_torch(handle, False, None, None)[_within_bounds(entries, axes)]


def _within_bounds(entries: list[Any], axes: list[Any]) -> tuple[Any, ...]:
    """The index with the numbers that are meant, because torch takes none over 64 bits, and warns of large ones."""
    places = iter(axes)
    key = []
    for entry in entries:
        if entry is not None and entry is not Ellipsis:
            start, count, step = next(places)
            entry = (
                slice(start, start + (count - 1) * step + 1 if count else start, step)
                if isinstance(entry, slice)
                else start
            )
        key.append(entry)
    return tuple(key)


def torch_of(selected: Any, name: str) -> Any:
    """A torch tensor with the elements of an array or scalar of NumPy. It owns its memory."""
    array = np.array(selected, order="C", copy=True, subok=False)
    shape = array.shape
    if name == FLOAT4:
        packed = _from_arrays.pack_float4(array)
        return _to_arrays.torch_dense(packed, 0, packed.nbytes, name, shape)
    return _to_arrays.torch_dense(array.reshape(-1).view(np.uint8), 0, array.nbytes, name, shape)
