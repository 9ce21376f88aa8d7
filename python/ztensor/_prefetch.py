"""Reading tensors in the background."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from . import _arrays, _device, _hdf5, _index, _jax, _to_arrays, _ztensor
from ._dtypes import FLOAT4, NUMPY
from ._errors import CANNOT_HOLD, TensorNotFoundError, UnsupportedError, UsageError, ZTensorError
from ._options import ahead_of, flag_of, threads_of
from ._torch import need_torch, plainly

Shape = tuple[int, ...]
Maker = Callable[[_ztensor.Buffer, str, Shape, Any], Any]  # makes an array from (memory, dtype name, shape, device)


class Reader(Protocol):
    """What a Prefetch needs of a `ztensor.Reader`."""

    _source: _ztensor.Source
    _path: str | list[str] | None
    _hdf5: _hdf5.Contents | None

    def read_tensor(self, name: str, to: str, *, copy: bool, device: Any, verify: bool | None) -> Any: ...


class Prefetch(Iterator[tuple[str, Any]]):
    """Tensors that are read in the background: an iterator of (name, tensor), made by `Reader.prefetch`.

    Each tensor is handed out once, in the order in which they become complete, or by `take`. The error of a tensor is
    raised where it is handed out; after it the iteration may go on. Any thread may use it, but no forked child.
    """

    def __init__(
        self,
        reader: Reader,
        plan: Iterable[str] | Mapping[str, Any] | None = None,
        to: str = "torch",
        *,
        device: Any = None,
        verify: bool | None = None,
        ahead: int | None = None,
        threads: int | None = None,
        device_memory_limit: int | None = None,
    ) -> None:
        self._make = _maker(to)
        self._device = _checked_device(to, device)
        limit = _device.limit_of(device_memory_limit, self._device)
        most = ahead_of(ahead)
        flag_of("verify", verify)
        source = reader._source
        self._file = _file_of(reader)
        self._names = _ordered(reader, plan)  # name to index; None for a whole tensor
        self._planned: list[tuple[str, Shape | None]] = []  # of each item: its name, and the shape of a slice
        self._index: dict[str, int] = {}  # of the item of each name
        self._late: dict[str, Callable[[], Any]] = {}  # reads of what is not a plain array, made at hand-out
        items: list[tuple[_ztensor.Tensor, list[Any] | None]] = []
        for name, key in self._names.items():
            handle = None if _is_lost(reader, name) else source.tensor(name)
            if handle is None or (handle.layout != "dense" and key is None):
                read = functools.partial(reader.read_tensor, name, to, copy=True, device=device, verify=verify)
                self._late[name] = read
                continue
            axes, shape = (None, None) if key is None else _slice(handle, key)
            if axes is not None and _is_float4(handle):
                self._late[name] = _float4_slice(handle, key, to, verify)
                continue
            self._index[name] = len(items)
            self._planned.append((name, shape))
            items.append((handle, axes))
        memory = None if to != "torch" or source.calls_python() else _device.memory_of(self._device)
        if memory is not None:
            self._native: _ztensor.DevicePrefetch | _ztensor.Prefetch = source.device_prefetch(
                items, memory.index, memory.allocate, limit, threads_of(threads), verify
            )
        else:
            if device_memory_limit is not None:
                most = min(most, limit)
            self._native = source.prefetch(items, most, threads_of(threads), verify)
        self._memory = memory
        # Stops the threads also at the end of the program, before the libraries that they use are gone.
        self._end = weakref.finalize(self, self._native.close)

    def names(self) -> list[str]:
        """The names of all tensors of the plan, in the order of the file."""
        return list(self._names)

    def __len__(self) -> int:
        """How many tensors are still to be handed out."""
        return len(self._native) + len(self._late)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Prefetch:
        return self

    def __next__(self) -> tuple[str, Any]:
        while self._late:
            self._check_open()
            found = self._native.try_next()
            if found is not None:
                return self._made(*found)
            name = next(iter(list(self._late)), None)
            late = None if name is None else self._late.pop(name, None)
            if name is not None and late is not None:
                return name, late()
        found = self._native.next()
        if found is None:
            raise StopIteration
        return self._made(*found)

    def take(self, name: str) -> Any:
        """Waits for one tensor. One that was not begun is read next, before all others."""
        index = self._index.get(name)
        if index is not None:
            return self._made(*self._native.take(index))[1]
        if name not in self._names:
            raise TensorNotFoundError(f"{self._file}: no tensor of the plan is named {name!r}")
        len(self._native)  # raises in a forked child
        self._check_open()
        late = self._late.pop(name, None)
        if late is None:
            raise UsageError(f"tensor {name!r} was handed out already: take each tensor once")
        return late()

    def close(self) -> None:
        """Gives up the tensors that are left, and stops the reading before it returns. Tensors that were handed out
        stay valid. Closing twice is allowed."""
        self._end()

    def __enter__(self) -> Prefetch:
        self._check_open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if not self._end.alive:
            return "<ztensor.Prefetch, closed>"
        return f"<ztensor.Prefetch of {len(self._names)} tensors from {self._file!r}>"

    def _check_open(self) -> None:
        if not self._end.alive:
            raise UsageError("the prefetch is closed: its tensors that were not handed out are gone")

    def _made(self, index: int, *found: Any) -> tuple[str, Any]:
        name, shape = self._planned[index]
        try:
            if self._memory is not None:
                return name, plainly(self._memory.tensor, *found, shape)
            memory, dtype, whole = found
            return name, self._make(memory, dtype, whole if shape is None else shape, self._device)
        except UnsupportedError as error:
            raise UnsupportedError(f"{self._file}: tensor {name!r}: {error}", rule=error.rule) from error.__cause__


def _numpy(memory: _ztensor.Buffer, dtype: str, shape: Shape, device: Any) -> Any:
    if dtype == FLOAT4:
        return _to_arrays.unpack_float4(np.frombuffer(memoryview(memory), np.uint8), shape)
    try:
        return np.ndarray(shape, NUMPY[dtype], memoryview(memory))
    except ValueError as error:
        raise UnsupportedError(f"NumPy cannot have an array of shape {shape}: {error}", rule=CANNOT_HOLD) from error


def _torch(memory: _ztensor.Buffer, dtype: str, shape: Shape, device: Any) -> Any:
    return plainly(_plain_torch, memory, dtype, shape, device)


def _plain_torch(memory: _ztensor.Buffer, dtype: str, shape: Shape, device: Any) -> Any:
    made = _to_arrays.torch_dense(memory, 0, len(memory), dtype, shape)
    return made if device is None else made.to(device)


def _jax_of(memory: _ztensor.Buffer, dtype: str, shape: Shape, device: Any) -> Any:
    return _jax.to_jax(_numpy(memory, dtype, shape, None), device)


_MAKERS: dict[str, Maker] = {"numpy": _numpy, "torch": _torch, "jax": _jax_of}


def _maker(to: str) -> Maker:
    made = _MAKERS.get(to)
    if made is None:
        raise UsageError(f"to is {to!r}: expected one of {', '.join(repr(known) for known in _MAKERS)}")
    return made


def _checked_device(to: str, device: Any) -> Any:
    if to == "torch":
        torch = need_torch()
        return None if device is None else torch.device(device)
    if to == "jax":
        return device
    if device is not None:
        _arrays.check_device_of_numpy(device)
    return None


def _ordered(reader: Reader, plan: Iterable[str] | Mapping[str, Any] | None) -> dict[str, Any]:
    """The index of each name of the plan, in the order of the file. Names that the file does not have are last."""
    known = reader._source.names()
    if plan is None:
        return dict.fromkeys(known)
    if isinstance(plan, str):
        raise TypeError("plan must be a list of names, or a dict from names to indices: for one name, pass [name]")
    wanted: dict[str, Any] = {}
    if isinstance(plan, Mapping):
        wanted.update(plan)
    else:
        for name in plan:
            if name in wanted:
                raise UsageError(f"tensor {name!r} is twice in the plan: each tensor is handed out once")
            wanted[name] = None
    return {name: wanted[name] for name in known if name in wanted} | wanted


def _file_of(reader: Reader) -> str:
    """What messages call the source."""
    path = reader._path
    return path if isinstance(path, str) else path[0] if path else "<file>"


def _is_lost(reader: Reader, name: str) -> bool:
    """Whether this is a dataset of an HDF5 file that could not be read."""
    return reader._hdf5 is not None and name in reader._hdf5.unreadable


def _slice(handle: _ztensor.Tensor, key: Any) -> tuple[list[Any], Shape]:
    """What to read of each axis, and the shape of the result."""
    if handle.layout != "dense":
        raise UnsupportedError(f"tensor {handle.name!r} of layout {handle.layout!r} cannot be sliced")
    shape = handle.shape
    entries = _index.expand(key, len(shape))
    if any(isinstance(entry, np.ndarray) for entry in entries):
        raise UnsupportedError(
            f"tensor {handle.name!r}: a prefetch takes integers, slices, `...` and None, but no index arrays: "
            "read it by reader[name][index]"
        )
    axes, after = _index.resolve(entries, shape)
    counts = iter(count for _, count, _ in axes)
    result: list[int] = []
    for entry in after:
        if entry is None:
            result.append(1)
        elif entry is not Ellipsis:
            count = next(counts)
            if isinstance(entry, slice):
                result.append(count)
    return axes, tuple(result)


def _is_float4(handle: _ztensor.Tensor) -> bool:
    try:
        return handle.dtype_name == FLOAT4
    except ZTensorError:
        return False  # it is unreadable, which is raised where it is handed out


def _float4_slice(handle: _ztensor.Tensor, key: Any, to: str, verify: bool | None) -> Callable[[], Any]:
    """Reads a slice of float4, whose elements share bytes: the whole tensor is read."""
    if to != "numpy":
        raise UnsupportedError(
            f"tensor {handle.name!r}: two elements of {FLOAT4} share a byte, so {to} has no slices of it: read it whole"
        )
    entries = tuple(_index.expand(key, len(handle.shape)))
    return lambda: np.array(_arrays.to_numpy(handle, True, None, verify)[entries])
