"""Reads tensors into memory of CUDA devices that torch allocates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _to_arrays, _ztensor
from ._dtypes import FLOAT4, torch_dtype
from ._errors import CANNOT_HOLD, UnsupportedError, UsageError
from ._torch import need_torch, plain_torch, plainly

WORTH_A_RING = 1 << 20  # bytes: fewer are on a device sooner if torch copies them
LIMIT = 1 << 30  # what a prefetch holds on a device, unless its caller says otherwise


class Block:
    """Memory of torch's, in which tensors have their places."""

    def __init__(self, memory: Any, stream: int) -> None:
        self.memory = memory  # one dimension of uint8
        self.stream = stream  # torch frees the memory in the order of this stream
        self._typed: dict[Any, Any] = {}

    def typed(self, dtype: Any) -> Any:
        """All of the memory as elements of a dtype."""
        found = self._typed.get(dtype)
        if found is None:
            found = self._typed[dtype] = self.memory.view(dtype)
        return found


# The block, the offset of the elements in it, their length, the dtype's name, the shape of the whole tensor.
Place = tuple[Block, int, int, str, tuple[int, ...]]


class Memory:
    """The memory of one CUDA device."""

    def __init__(self, index: int) -> None:
        self.index = index

    def allocate(self, size: int) -> tuple[Block, int, int]:
        """A block, its address, and the stream that may still use it: the caller's current one."""
        import torch

        with plain_torch(), torch.cuda.device(self.index):
            memory = torch.empty(size, dtype=torch.uint8, device=torch.device("cuda", self.index))
            stream = torch.cuda.current_stream(self.index).cuda_stream
            return Block(memory, stream), memory.data_ptr(), stream

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        import torch

        return torch.empty(shape, dtype=dtype, device=torch.device("cuda", self.index))

    def keep_for_current_stream(self, block: Block) -> None:
        """Tells torch that the caller's stream uses a block, if it is not the one under which it was allocated."""
        import torch

        current = torch.cuda.current_stream(self.index)
        if current.cuda_stream != block.stream:
            block.memory.record_stream(current)

    def tensor(self, place: Place, shape: tuple[int, ...] | None = None) -> Any:
        """A tensor over its place in a block. Call it within plain_torch()."""
        block, offset, length, name, whole = place
        dtype = torch_dtype(name)
        if shape is None:
            shape = whole
        if name == FLOAT4:
            shape = _to_arrays.halved(shape)
        if length == 0:
            return self.empty(shape, dtype)
        self.keep_for_current_stream(block)
        size = dtype.itemsize
        try:
            return block.typed(dtype).narrow(0, offset // size, length // size).view(shape)
        except (RuntimeError, TypeError, OverflowError) as error:
            raise UnsupportedError(f"torch cannot make a tensor of shape {shape}: {error}", rule=CANNOT_HOLD) from error


def is_elsewhere(device: Any) -> bool:
    """Whether a device is neither the CPU nor torch's meta device. None is the CPU."""
    kind = getattr(device, "type", device)  # of a torch.device; making one would ask the modes of torch
    return kind is not None and (not isinstance(kind, str) or kind.partition(":")[0] not in ("cpu", "meta"))


def memory_of(device: Any) -> Memory | None:
    """The memory that the driver of CUDA copies to; None for other devices, and without that driver.

    Then torch copies.
    """
    if device is None:
        return None
    torch = need_torch()
    device = plainly(torch.device, device)
    if device.type != "cuda" or torch.version.cuda is None or _ztensor.device_trouble():
        return None
    torch.cuda.init()
    return Memory(torch.cuda.current_device() if device.index is None else device.index)


def limit_of(limit: int | None, device: Any) -> int:
    """The checked `device_memory_limit` of a prefetch."""
    if limit is None:
        return LIMIT
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise TypeError(f"device_memory_limit must be an int, not {type(limit).__name__}")
    if not is_elsewhere(device):
        raise UsageError("device_memory_limit is for device=, which names no device here: use ahead for the host")
    if limit < 0:
        raise UsageError(f"device_memory_limit is {limit}: give a number of bytes from 0 on")
    return min(limit, (1 << 64) - 1)


def places(
    source: _ztensor.Source,
    names: list[str],
    memory: Memory,
    copy: bool,
    verify: bool | None,
    progress: Callable[[int, int], Any] | None = None,
) -> list[Place | None]:
    """Reads whole tensors. None for those that are not dense. Names of one stored tensor share one, unless `copy`."""
    return source.device_places(names, memory.index, memory.allocate, copy, verify, progress)


def release_buffers() -> None:
    """Gives back the pinned memory that reads to CUDA devices keep for the next ones: at most 64 MiB of a process."""
    _ztensor.release_buffers()
