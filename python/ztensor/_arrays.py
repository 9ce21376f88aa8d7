"""Makes arrays of NumPy, SciPy and torch from the tensors of an open file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from . import _sparse, _to_arrays, _ztensor
from ._dtypes import FLOAT4
from ._errors import UnsupportedError, UsageError
from ._torch import plainly

T = TypeVar("T")
Array = np.ndarray[Any, Any]
Callback = Callable[[int, int], Any] | None
Place = tuple[_ztensor.Buffer, int, int, str, tuple[int, ...]]  # what torch_dense() takes


def to_numpy(tensor: _ztensor.Tensor, copy: bool, device: Any, verify: bool | None) -> Any:
    if device is not None:
        check_device_of_numpy(device)
    array = tensor.array(copy, False, verify)
    return _special_numpy(tensor, verify) if array is None else array


def to_writable_numpy(tensor: _ztensor.Tensor) -> Any:
    """The same as `many_to_numpy` gives for a single tensor that may be written to."""
    array = tensor.array(False, True, None)
    return _special_numpy(tensor, None) if array is None else array


def to_torch(tensor: _ztensor.Tensor, copy: bool, device: Any, verify: bool | None) -> Any:
    return plainly(_torch, tensor, tensor.place(copy, verify), device, verify)


def many_to_numpy(
    source: _ztensor.Source,
    names: list[str],
    copy: bool,
    writable: bool,
    device: Any,
    verify: bool | None,
    progress: Callback = None,
) -> dict[str, Any]:
    if device is not None:
        check_device_of_numpy(device)
    result: dict[str, Any] = dict(zip(names, source.arrays(names, copy, writable, verify, progress), strict=True))
    for name, array in result.items():
        if array is None:
            result[name] = _special_numpy(source.tensor(name), verify)
    return result


def many_to_torch(
    source: _ztensor.Source,
    names: list[str],
    copy: bool,
    device: Any,
    verify: bool | None,
    progress: Callback = None,
) -> dict[str, Any]:
    places = source.places(names, copy, verify, progress)
    return plainly(_many_torch, source, names, places, copy, device, verify)


def to_writable(tensor: _ztensor.Tensor) -> Array:
    """An array that may be written to. Writing changes neither the file nor other views."""
    array = tensor.array(False, True, None)
    if array is None:
        raise BufferError(f"tensor {tensor.name!r} is not a plain array and cannot be exported by DLPack")
    return array


def view_of(tensor: _ztensor.Tensor) -> Array | None:
    """An array to slice, if the file is mapped, else None. float4 is always read as a whole."""
    if tensor.dtype_name == FLOAT4:
        whole: Array = to_numpy(tensor, False, None, None)
        return whole
    return tensor.view()


def check_device_of_numpy(device: Any) -> None:
    if str(device) != "cpu":
        raise UsageError(f"device is {device!r}, but NumPy arrays live on the CPU: read the tensor with to='torch'")


def _torch(tensor: _ztensor.Tensor, place: Place | None, device: Any, verify: bool | None) -> Any:
    """Call it within plain_torch()."""
    made = _sparse_torch(tensor, verify) if place is None else _made(tensor, _to_arrays.torch_dense, *place)
    return made if device is None else made.to(device)


def _many_torch(
    source: _ztensor.Source,
    names: list[str],
    places: list[Place | None],
    copied: bool,
    device: Any,
    verify: bool | None,
) -> dict[str, Any]:
    """Call it within plain_torch(). Tied tensors share a storage, unless the caller asked for copies."""
    tensors: dict[str, Any] = {}
    ties = source.ties()
    for name, place in zip(names, places, strict=True):
        first = ties.get(name) if ties else None
        if first in tensors and place is not None and not copied:
            tensors[name] = tensors[first].view(tensors[first].shape)  # a tensor of its own over the same storage
            continue
        if place is None:
            tensor = _sparse_torch(source.tensor(name), verify)
        else:
            try:
                tensor = _to_arrays.torch_dense(*place)
            except UnsupportedError as error:  # makes a handle only here: one for each tensor would cost time
                raise _located(source.tensor(name), error) from error.__cause__
        tensors[name] = tensor if device is None else tensor.to(device)
    return tensors


def _sparse_torch(tensor: _ztensor.Tensor, verify: bool | None) -> Any:
    return _made(tensor, _sparse.to_torch, *_sparse_of(tensor, True, verify))


def _special_numpy(tensor: _ztensor.Tensor, verify: bool | None) -> Any:
    """Reads a tensor that is not a plain array: sparse, or float4."""
    if tensor.layout == "dense":
        return _to_arrays.unpack_float4(tensor.part("data", verify), tensor.shape)
    parts, _ = _sparse_of(tensor, False, verify)
    return _made(tensor, _sparse.to_scipy, parts)


def _sparse_of(tensor: _ztensor.Tensor, wide: bool, verify: bool | None) -> tuple[_sparse.Sparse, str]:
    """The parts of a sparse tensor, and the name of the dtype of its values. `wide` gives indices of 64 bits."""
    dtype = tensor.dtype_name  # raises for an unknown layout
    values = tensor.part("values", verify)
    if dtype == FLOAT4:
        _made(tensor, _sparse.refuse_float4)
    indices, indptr = tensor.indices(values.size, wide, verify)
    return _sparse.Sparse(tensor.shape, values, indices, indptr, tensor.is_sparse_array), dtype


def _made(tensor: _ztensor.Tensor, make: Callable[..., T], *arguments: Any) -> T:
    """Returns make(*arguments). If it refuses, the error names the file and the tensor."""
    try:
        return make(*arguments)
    except UnsupportedError as error:
        raise _located(tensor, error) from error.__cause__


def _located(tensor: _ztensor.Tensor, error: UnsupportedError) -> UnsupportedError:
    return UnsupportedError(f"{tensor.file}: tensor {tensor.name!r}: {error}", rule=error.rule)
