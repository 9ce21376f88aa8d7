"""Makes the buffers that the module takes from a caller's arrays and tensors."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from ._dtypes import FLOAT4, NUMPY, TORCH_FLOAT4, name_of, names_of_torch
from ._errors import UnsupportedError
from ._torch import check_extent, taken

# (buffer, name of the dtype, shape or None for the shape of the buffer, whether the bytes are swapped)
Spec = tuple[Any, str, "list[int] | None", bool]


# The dtypes of NumPy itself, which exports them as buffers.
_WITH_BUFFERS = frozenset(name for name, dtype in NUMPY.items() if dtype.isbuiltin == 1)


def is_torch(value: Any) -> bool:
    """Whether the value is a torch.Tensor. Imports nothing: if it is one, torch is imported already."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_scipy(value: Any) -> bool:
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(value))


def spec_of(value: Any) -> Spec:
    """The Spec of a dense array of any kind. Raises TypeError for anything else."""
    if type(value) is np.ndarray:
        return _spec_of_numpy(value)
    if is_torch(value):
        return taken(_spec_of_torch, value)
    return _spec_of_numpy(_as_numpy(value))


def _as_numpy(value: Any) -> np.ndarray[Any, Any]:
    if isinstance(value, np.ma.MaskedArray):
        name_of(value.dtype)  # np.ma.is_masked() fails for some dtypes that we refuse
        if np.ma.is_masked(value):
            raise UnsupportedError("a masked array cannot be stored: fill it, or store the mask beside it")
        return np.asarray(value.data)
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    if hasattr(value, "__array__"):
        try:
            return np.asarray(value)
        except Exception:
            if not hasattr(value, "__dlpack__"):
                raise
    if hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    kind = type(value).__name__
    if isinstance(value, Mapping):
        raise TypeError(
            f"expected an array or a tensor, not {kind}: give each of its arrays a name, such as 'adam.step'"
        )
    raise TypeError(f"expected an array or a tensor, not {kind}")


def _spec_of_numpy(array: np.ndarray[Any, Any]) -> Spec:
    name = name_of(array.dtype)
    check_reach(array)
    if name == FLOAT4:
        return pack_float4(array), name, list(array.shape), False
    swapped = not array.dtype.isnative and array.itemsize > 1
    if type(array) is np.ndarray and name in _WITH_BUFFERS:
        return array, name, None, swapped
    # A view of untyped elements, because arrays of ml_dtypes have no buffers.
    return array.view(f"V{array.itemsize}"), name, None, swapped


def check_reach(array: np.ndarray[Any, Any]) -> None:
    """Refuses an array of as_strided() that reaches out of its memory, as far as we can find out."""
    owner: Any = array
    strided = False
    while isinstance(owner, np.ndarray) and owner.base is not None:
        inner, owner = owner, owner.base
        if type(owner).__name__ == "DummyArray":  # as_strided() puts it between its result and its argument
            strided = True
            owner = owner.base
    if not strided or array.size == 0:
        return
    if not isinstance(owner, np.ndarray):
        try:
            whole = np.frombuffer(owner, np.uint8)
        except (TypeError, ValueError, BufferError):
            return
        if not _within(inner, whole):
            return  # the memory of the array is not in its base
        owner = whole
    # An owner whose strides were changed may not cover all of its memory.
    if owner.size and owner.flags.forc and not _within(array, owner):
        raise UnsupportedError(
            f"an array of shape {array.shape} and strides {array.strides} reaches out of the memory of its base"
        )


def _within(array: np.ndarray[Any, Any], whole: np.ndarray[Any, Any]) -> bool:
    (low, high), (first, end) = _bounds(array), _bounds(whole)
    return first <= low and high <= end


def _bounds(array: np.ndarray[Any, Any]) -> tuple[int, int]:
    """The addresses of the first byte, and of the end of the last byte."""
    low = high = array.__array_interface__["data"][0]
    for size, stride in zip(array.shape, array.strides, strict=True):
        if stride < 0:
            low += (size - 1) * stride
        else:
            high += (size - 1) * stride
    return low, high + array.itemsize


def pack_float4(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Packs float4 elements, which have one byte each in NumPy, two to a byte: the first in the low half."""
    nibbles = np.ascontiguousarray(array).reshape(-1).view(np.uint8) & 15
    packed = np.zeros((nibbles.size + 1) // 2, np.uint8)
    packed[:] = nibbles[0::2]
    packed[: nibbles.size // 2] |= nibbles[1::2] << 4
    return packed


def _spec_of_torch(tensor: Any) -> Spec:
    import torch

    if tensor.is_nested:
        raise UnsupportedError("a nested torch tensor cannot be stored: store its parts, or pad it")
    if tensor.layout != torch.strided:
        raise UnsupportedError(f"a torch tensor of layout {tensor.layout} cannot be stored as a dense tensor")
    if tensor.is_meta:
        raise UnsupportedError("a tensor on the meta device has no elements to store")
    if tensor.is_quantized:
        raise UnsupportedError("a quantized torch tensor cannot be stored: store its int_repr() and scales")
    name = names_of_torch().get(tensor.dtype)
    if name is None:
        raise UnsupportedError(f"torch tensors of dtype {tensor.dtype} cannot be stored")
    check_extent(tensor)
    plain = tensor.detach().resolve_conj().resolve_neg().cpu()
    if name == FLOAT4:
        if plain.dim() == 0:
            raise UnsupportedError(f"a 0-d {TORCH_FLOAT4} tensor holds two elements: give it a dimension")
        shape = [*plain.shape[:-1], 2 * plain.shape[-1]]
        return plain.contiguous().view(torch.uint8).numpy(), name, shape, False
    if name.startswith(("bfloat16", "float8")):
        plain = plain.view(torch.int16 if plain.element_size() == 2 else torch.uint8)
    return _spec_of_numpy(plain.numpy())[0], name, None, False
