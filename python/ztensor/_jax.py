"""Makes JAX arrays."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from ._errors import CANNOT_HOLD, UnsupportedError


def to_jax(array: np.ndarray[Any, Any], device: Any = None) -> Any:
    """A JAX array with the elements and the dtype of a NumPy array, over its memory where JAX can.

    Nobody may write to the array afterwards: JAX takes it as constant.
    """
    try:
        import jax
    except ImportError as error:
        raise ImportError('JAX arrays need jax: pip install "ztensor[jax]"') from error
    with _exact(jax, array.dtype):
        try:
            made = jax.device_put(array, _device_of(jax, device))
        except (TypeError, ValueError) as error:
            raise UnsupportedError(f"JAX has no arrays of {array.dtype}: {error}", rule=CANNOT_HOLD) from error
    if made.dtype != array.dtype:
        raise UnsupportedError(f"JAX makes {made.dtype} of {array.dtype}", rule=CANNOT_HOLD)
    return made


def _exact(jax: Any, dtype: np.dtype[Any]) -> contextlib.AbstractContextManager[Any]:
    """A context in which JAX keeps dtypes of 64 bits. Outside of it, JAX cuts them to 32 bits unless told otherwise."""
    if dtype.name not in ("int64", "uint64", "float64", "complex128") or jax.config.jax_enable_x64:
        return contextlib.nullcontext()
    if hasattr(jax, "enable_x64"):
        made: contextlib.AbstractContextManager[Any] = jax.enable_x64(True)
        return made
    from jax.experimental import enable_x64

    older: contextlib.AbstractContextManager[Any] = enable_x64()
    return older


def _device_of(jax: Any, device: Any) -> Any:
    """JAX's device for a name: "cpu", "gpu:1". A device of JAX stays as it is."""
    if not isinstance(device, str):
        return device if device is not None else jax.devices("cpu")[0]
    platform, _, number = device.partition(":")
    return jax.devices(platform)[int(number or 0)]
