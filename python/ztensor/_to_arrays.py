"""Makes arrays from the bytes of a file, if the module does not make them itself."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np

from . import _ztensor
from ._dtypes import FLOAT4, NUMPY, TORCH_FLOAT4, names_of_torch, torch_dtype
from ._errors import CANNOT_HOLD, UnsupportedError, UsageError
from ._from_arrays import check_reach, is_torch
from ._torch import check_extent, plain_torch, taken


def unpack_float4(packed: np.ndarray[Any, Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Unpacks two elements from each byte, the first from the low half, to NumPy's one byte each."""
    nibbles = np.empty(2 * packed.size, np.uint8)
    nibbles[0::2] = packed & 15
    nibbles[1::2] = packed >> 4
    elements: np.ndarray[Any, Any] = nibbles[: math.prod(shape)].view(ml_dtypes.float4_e2m1fn)
    return elements.reshape(shape)


def torch_dense(buffer: Any, offset: int, length: int, name: str, shape: tuple[int, ...]) -> Any:
    """A torch tensor over `length` bytes of a writable buffer, with a storage of its own."""
    import torch

    dtype = torch_dtype(name)
    if name == FLOAT4:
        shape = halved(shape)
    if length == 0:
        return torch.empty(shape, dtype=dtype, device="cpu")
    try:
        flat = torch.frombuffer(buffer, dtype=dtype, count=length // dtype.itemsize, offset=offset)
        return flat.view(shape)
    except (RuntimeError, TypeError, OverflowError) as error:
        raise UnsupportedError(f"torch cannot make a tensor of shape {shape}: {error}", rule=CANNOT_HOLD) from error


def torch_of_array(array: np.ndarray[Any, Any], name: str) -> Any:
    """A torch tensor over the memory of an array of one dimension."""
    return torch_dense(array.view(np.uint8), 0, array.nbytes, name, array.shape)


def halved(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in torch, whose float4 elements are pairs."""
    if not shape or shape[-1] % 2:
        raise UnsupportedError(
            f"torch has {TORCH_FLOAT4} in pairs, but shape {shape} has an odd last dimension", rule=CANNOT_HOLD
        )
    return (*shape[:-1], shape[-1] // 2)


class Fill:
    """A caller's array, to fill with a tensor: directly, if its bytes have the order of the file's bytes."""

    def __init__(self, tensor: _ztensor.Tensor, out: Any) -> None:
        if tensor.layout != "dense":
            what = f"tensor {tensor.name!r} of layout {tensor.layout!r}"
            raise UnsupportedError(f"{what} cannot be read into an array")
        self._name = name = tensor.dtype_name
        self._shape = tensor.shape
        self._out = out
        array = self._array_of(out, tensor)
        if array is not None and self._is_direct(array):
            self._temporary = None
            self.buffer = array.reshape(-1).view(np.uint8)
        else:
            length = -(-math.prod(self._shape) // 2) if name == FLOAT4 else tensor.nbytes
            self._temporary = self.buffer = np.empty(length, np.uint8)
        self._array = array

    def _is_direct(self, array: np.ndarray[Any, Any]) -> bool:
        return array.flags.c_contiguous and array.dtype.isnative and not self._unpacked(array)

    def _unpacked(self, array: np.ndarray[Any, Any]) -> bool:
        return bool(array.dtype == NUMPY[FLOAT4])

    def _array_of(self, out: Any, tensor: _ztensor.Tensor) -> np.ndarray[Any, Any] | None:
        """The memory of `out` as NumPy sees it; None for a torch tensor on a device."""
        try:
            if is_torch(out):
                return taken(lambda out: self._array_of_torch(out, tensor), out)
            if isinstance(out, np.ndarray):
                check_reach(out)
        except UnsupportedError as error:
            raise UnsupportedError(f"the array for tensor {tensor.name!r}: {error}") from error.__cause__
        if not isinstance(out, np.ndarray):
            raise TypeError(f"expected an array or a tensor to read into, not {type(out).__name__}")
        if out.shape != self._shape or out.dtype.newbyteorder("=") != NUMPY[self._name]:
            self._refuse(tensor, f"{out.dtype} {out.shape}")
        if isinstance(out, np.ma.MaskedArray):
            raise UsageError(f"the array for tensor {tensor.name!r} is masked: read into its .data")
        if not out.flags.writeable:
            raise UsageError(f"the array for tensor {tensor.name!r} is read-only: pass one that may be written to")
        return out.view(np.ndarray)  # a subclass may have another reshape()

    def _array_of_torch(self, out: Any, tensor: _ztensor.Tensor) -> np.ndarray[Any, Any] | None:
        import torch

        shape = halved(self._shape) if self._name == FLOAT4 else self._shape
        if tuple(out.shape) != shape or names_of_torch().get(out.dtype) != self._name:
            self._refuse(tensor, f"{out.dtype} {tuple(out.shape)}")
        if out.is_meta:
            raise UsageError(f"the array for tensor {tensor.name!r} is on the meta device and has no elements")
        check_extent(out)
        if out.device.type != "cpu" or not out.is_contiguous() or out.is_conj() or out.is_neg():
            return None
        plain = out.detach()
        return plain.reshape(-1).view(torch.uint8).numpy() if plain.numel() else np.empty(0, np.uint8)

    def _refuse(self, tensor: _ztensor.Tensor, found: str) -> None:
        expected = f"{tensor.dtype_name} {tensor.shape}"
        raise UsageError(f"tensor {tensor.name!r} is {expected}, but the array for it is {found}")

    def start(self) -> None:
        """Call it right before bytes are put into the caller's memory."""
        if self._temporary is not None or not is_torch(self._out):
            return
        import torch

        with plain_torch():
            if not self._out.is_inference():  # such tensors have no version
                torch.autograd.graph.increment_version(self._out)  # like torch's own in-place calls

    def finish(self) -> None:
        if self._temporary is None:
            return
        if self._array is None:
            import torch

            with plain_torch(), torch.inference_mode(self._out.is_inference()), torch.no_grad():
                temporary = torch_dense(self._temporary, 0, self._temporary.nbytes, self._name, self._shape)
                self._out.copy_(temporary)
        elif self._unpacked(self._array):
            np.copyto(self._array, unpack_float4(self._temporary, self._shape))
        else:
            np.copyto(self._array, self._temporary.view(NUMPY[self._name]).reshape(self._shape))
