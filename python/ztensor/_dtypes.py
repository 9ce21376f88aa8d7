"""The names of dtypes, and the dtypes of NumPy and torch for each name."""

from __future__ import annotations

import functools
import sys
from typing import Any

import ml_dtypes
import numpy as np

from ._errors import CANNOT_HOLD, UnsupportedError

_NATIVE = (
    "float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool complex64 complex128"
).split()
_EXTENDED = ("bfloat16 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn").split()

FLOAT4 = "float4_e2m1fn"
TORCH_FLOAT4 = "float4_e2m1fn_x2"

NUMPY: dict[str, np.dtype[Any]] = {
    **{name: np.dtype(name) for name in _NATIVE},
    **{name: np.dtype(getattr(ml_dtypes, name)) for name in _EXTENDED},
}


@functools.lru_cache(maxsize=256)  # NumPy builds dtype.name at each call, which takes longer than a small write
def name_of(dtype: np.dtype[Any]) -> str:
    """The name of a NumPy dtype of either byte order."""
    name = str(dtype.name)
    known = NUMPY.get(name)
    if known is None or dtype.fields is not None or (dtype != known and dtype.newbyteorder() != known):
        raise UnsupportedError(f"arrays of dtype {dtype} cannot be stored")
    return name


@functools.cache
def torch_dtypes() -> dict[str, Any]:
    """torch's dtype for each name, if this torch has it. Imports torch."""
    import torch

    names = {name: name for name in NUMPY} | {FLOAT4: TORCH_FLOAT4}
    return {name: getattr(torch, theirs) for name, theirs in names.items() if hasattr(torch, theirs)}


@functools.cache
def names_of_torch() -> dict[Any, str]:
    """The name of each of torch's dtypes."""
    return {dtype: name for name, dtype in torch_dtypes().items()}


def torch_dtype(name: str) -> Any:
    try:
        return torch_dtypes()[name]
    except KeyError:
        raise UnsupportedError(f"this version of torch has no dtype for {name}", rule=CANNOT_HOLD) from None


def name_of_any(dtype: Any) -> str:
    """The name of a dtype that a caller gives: a name, a dtype or scalar type of NumPy, or a dtype of torch."""
    if isinstance(dtype, str) and dtype in NUMPY:
        return dtype
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(dtype, torch.dtype):
        name = names_of_torch().get(dtype)
        if name is None:
            raise UnsupportedError(f"torch tensors of dtype {dtype} cannot be stored")
        return name
    return name_of(np.dtype(dtype))
