"""Calls torch without the caller's modes, and refuses tensors that have no bytes."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ._errors import UnsupportedError, ZTensorError

T = TypeVar("T")


@contextlib.contextmanager
def plain_torch() -> Iterator[None]:
    """Switches off all modes of the caller, so that torch makes and takes plain tensors.

    The modes are the default device, FakeTensorMode and other modes of either kind, transforms of torch.func, and
    inference mode.
    """
    import torch
    from torch.utils import _python_dispatch

    with contextlib.ExitStack() as stack:
        stack.enter_context(torch._C.DisableTorchFunction())
        if torch._C._len_torch_dispatch_stack():
            stack.enter_context(_python_dispatch._disable_current_modes())
        if torch._C._functorch.peek_interpreter_stack() is not None:
            stack.enter_context(torch._C._DisableFuncTorch())
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        yield


def plainly(make: Callable[..., T], *arguments: Any) -> T:
    """Returns make(*arguments). Uses plain_torch() only if a mode is on, because it takes longer than a small read."""
    if _is_any_mode_on():
        with plain_torch():
            return make(*arguments)
    return make(*arguments)


def need_torch() -> Any:
    """The module torch. Raises an ImportError that says how to get it."""
    try:
        import torch
    except ImportError as error:
        raise ImportError('torch tensors need torch: pip install "ztensor[torch]"') from error
    return torch


def is_ordinary(tensor: Any) -> bool:
    """Whether torch calls no code of others for this tensor: it has no class of its own, and no mode is on."""
    import torch

    return (
        type(tensor) in (torch.Tensor, torch.nn.Parameter)
        and not _is_any_mode_on()
        and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    )


def _is_any_mode_on() -> bool:
    functions, dispatch, transforms, inference = _modes()
    return bool(functions() or dispatch() or transforms() is not None or inference())


@functools.cache
def _modes() -> tuple[Callable[[], Any], ...]:
    """The functions of torch that ask for the modes that plain_torch() switches off."""
    torch = need_torch()

    return (
        torch._C._len_torch_function_stack,
        torch._C._len_torch_dispatch_stack,
        torch._C._functorch.peek_interpreter_stack,
        torch.is_inference_mode_enabled,
    )


def taken(take: Callable[[Any], T], tensor: Any) -> T:
    """Returns take(tensor) for a caller's tensor. If torch refuses, raises an UnsupportedError that says what to do."""
    import torch

    ordinary = is_ordinary(tensor)
    if not ordinary:
        _check_has_bytes(tensor)
    try:
        if ordinary:  # plain_torch() would take longer than the rest
            return take(tensor)
        with plain_torch():
            return take(tensor)
    except (ZTensorError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise UnsupportedError(
            f"torch does not give the bytes of this {_kind(tensor)} ({error}): store a plain tensor made from it"
        ) from error


def check_extent(tensor: Any) -> None:
    """Refuses a tensor that reaches past the end of its storage."""
    import torch

    if not torch._C._has_storage(tensor) or tensor.numel() == 0:
        return
    if tensor.is_contiguous():
        last = tensor.numel() - 1
    else:
        last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    end = (tensor.storage_offset() + last + 1) * tensor.element_size()
    held = tensor.untyped_storage().nbytes()
    if end > held:
        raise UnsupportedError(
            f"a torch tensor of shape {tuple(tensor.shape)} reaches to byte {end} of its storage, which has {held}: "
            "the storage was made smaller, or freed, after the tensor was made"
        )


def _check_has_bytes(tensor: Any) -> None:
    """Refuses a tensor whose bytes are elsewhere, or do not exist yet."""
    import torch

    kind = _kind(tensor)
    if torch.nn.parameter.is_lazy(tensor):
        raise UnsupportedError(f"this {kind} has no elements yet: run its module once, which initializes it")
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        raise UnsupportedError(
            "a tensor within a transform of torch.func (vmap, grad, ...) has no bytes of its own: store it outside"
        )
    if type(tensor).__torch_dispatch__ is torch._C._disabled_torch_dispatch_impl:
        return
    if _is_a(tensor, "torch._subclasses.fake_tensor", "FakeTensor"):
        raise UnsupportedError("a fake tensor has no elements: store the real one, made outside of FakeTensorMode")
    if _is_a(tensor, "torch.distributed.tensor", "DTensor"):
        raise UnsupportedError("a DTensor is on several devices: store its full_tensor(), or its to_local()")
    raise UnsupportedError(
        f"a torch tensor of class {kind} has no bytes of its own: store the tensors that it holds, or a plain tensor "
        "made from it"
    )


def _kind(tensor: Any) -> str:
    return type(tensor).__name__


def _is_a(tensor: Any, module: str, name: str) -> bool:
    """Whether the tensor is of this class. Imports nothing: if it is, the module is imported already."""
    found = getattr(sys.modules.get(module), name, None)
    return found is not None and isinstance(tensor, found)
