"""Makes arrays of NumPy, SciPy and torch from the tensors of an open file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from . import _device, _sparse, _to_arrays, _ztensor
from ._dtypes import FLOAT4
from ._errors import UnsupportedError, UsageError, ZTensorError
from ._torch import plainly

T = TypeVar("T")
Array = np.ndarray[Any, Any]
Callback = Callable[[int, int], Any] | None
Place = tuple[_ztensor.Buffer, int, int, str, tuple[int, ...]]  # what torch_dense() takes
_AHEAD = 256 << 20  # the most bytes that are read and not yet on a device


def to_numpy(tensor: _ztensor.Tensor, copy: bool, device: Any, verify: bool | None) -> Any:
    if device is not None:
        check_device_of_numpy(device)
    array = tensor.array(copy, False, verify)
    return _special_numpy(tensor, verify) if array is None else array


def to_writable_numpy(tensor: _ztensor.Tensor) -> Any:
    """The same as `many_to_numpy` gives for a single tensor that may be written to."""
    array = tensor.array(False, True, None)
    return _special_numpy(tensor, None) if array is None else array


def to_torch(
    tensor: _ztensor.Tensor, copy: bool, device: Any, verify: bool | None, source: _ztensor.Source | None = None
) -> Any:
    """`source`: of the tensor, for a device. What goes to a device is read, so its digest is checked."""
    elsewhere = _device.is_elsewhere(device)
    if elsewhere and source is not None and tensor.layout == "dense" and tensor.nbytes >= _device.WORTH_A_RING:
        return many_to_torch(source, [tensor.name], copy, device, verify)[tensor.name]
    return plainly(_torch, tensor, tensor.place(copy or elsewhere, verify), device, verify)


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
    if _device.is_elsewhere(device):
        return _many_elsewhere(source, names, copy, device, verify, progress)
    places = source.places(names, copy, verify, progress)
    return plainly(_many_torch, source, names, places, copy, device, verify)


def _many_elsewhere(
    source: _ztensor.Source, names: list[str], copy: bool, device: Any, verify: bool | None, progress: Callback
) -> dict[str, Any]:
    """Tensors on a device that is not the CPU. Names of one stored tensor share their memory there, unless `copy`."""
    memory = None if source.calls_python() else _device.memory_of(device)
    if memory is not None:
        found = _device.places(source, names, memory, copy, verify, progress)
        return plainly(_many_from_ring, source, names, memory, found, device, verify)
    return _many_by_torch(source, names, copy, device, verify, progress)


def _many_from_ring(
    source: _ztensor.Source,
    names: list[str],
    memory: _device.Memory,
    found: list[_device.Place | None],
    device: Any,
    verify: bool | None,
) -> dict[str, Any]:
    """Call it within plain_torch()."""
    tensors: dict[str, Any] = {}
    for name, place in zip(names, found, strict=True):
        if place is None:
            tensors[name] = _sparse_torch(source.tensor(name), verify).to(device)
            continue
        try:
            tensors[name] = memory.tensor(place)
        except UnsupportedError as error:
            raise _located(source.tensor(name), error) from error.__cause__
    return tensors


def _many_by_torch(
    source: _ztensor.Source, names: list[str], copy: bool, device: Any, verify: bool | None, progress: Callback
) -> dict[str, Any]:
    """torch copies one tensor after the other while the next ones are read, so the host never holds all of them."""
    handles = {name: source.tensor(name) for name in names}
    ties = {} if copy else source.ties()
    firsts: dict[str, str] = {}  # of each stored tensor, the first of its names that is asked for
    for name in names:
        firsts.setdefault(ties.get(name, name), name)
    dense = [name for name in firsts.values() if handles[name].layout == "dense"]
    total = sum(handles[name].nbytes for name in dense) if progress is not None else 0
    done = 0
    tensors: dict[str, Any] = {}
    native = source.prefetch([(handles[name], None) for name in dense], _AHEAD, 0, verify)
    try:
        while (found := native.next()) is not None:
            index, buffer, dtype, shape = found
            tensors[dense[index]] = plainly(_moved, handles[dense[index]], buffer, dtype, shape, device)
            done += len(buffer)
            if progress is not None and progress(done, total) is False:
                raise ZTensorError("stopped by the progress callback", code="cancelled")
    finally:
        native.close()
    result: dict[str, Any] = {}
    for name in names:
        first = firsts[ties.get(name, name)]
        if handles[name].layout != "dense":
            result[name] = plainly(_sparse_torch, handles[name], verify).to(device)
        else:
            result[name] = tensors[first] if first == name else plainly(_same, tensors[first])
    return result


def _moved(tensor: _ztensor.Tensor, buffer: Any, dtype: str, shape: tuple[int, ...], device: Any) -> Any:
    return _made(tensor, _to_arrays.torch_dense, buffer, 0, len(buffer), dtype, shape).to(device)


def _same(tensor: Any) -> Any:
    """A tensor of its own over the same storage."""
    return tensor.view(tensor.shape)


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
