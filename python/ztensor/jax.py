"""Saves and loads dicts of JAX arrays, with the functions of `safetensors.flax`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

try:
    import jax  # noqa: F401
except ImportError as error:
    raise ImportError('ztensor.jax needs jax: pip install "ztensor[jax]"') from error

from . import _dicts
from ._dicts import LoadOptions, SaveOptions
from ._errors import SafetensorError
from ._options import PathLike
from ._progress import Progress
from .numpy import _ties

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["SafetensorError", "load", "load_file", "save", "save_file"]


def save_file(
    tensors: Mapping[str, Any],
    filename: PathLike,
    metadata: Mapping[str, str] | None = None,
    **options: Unpack[SaveOptions],
) -> None:
    """Writes a file of arrays. The name's ending tells its format; any other is a .zt.

    An array that stands under several names is stored once, where the format can say so. `metadata` become attributes
    of the file. `options` are those of `Writer`.
    """
    _dicts.save_file(tensors, filename, metadata, options, _ties)


def save(
    tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None, **options: Unpack[SaveOptions]
) -> bytes:
    """The bytes of a .zt file, or of the `format` that is asked for."""
    return _dicts.save(tensors, metadata, options, _ties)


def load_file(
    filename: Any,
    *,
    backend: str = "mmap",
    names: Iterable[str] | None = None,
    progress: Progress = None,
    device: Any = None,
    **options: Unpack[LoadOptions],
) -> dict[str, Any]:
    """All arrays of a file, or those of `names`: a file of any format, a list of files, a folder or an index.

    They have the dtypes of the file, also those of 64 bits that JAX makes only where it is told to. `device` is one of
    JAX, or a name such as "gpu:0"; None is the CPU.
    """
    chosen = _dicts.check_names(names)
    with _dicts.open_file(filename, backend, options) as reader:
        return reader.read_tensors(chosen, to="jax", device=device, progress=progress)


def load(data: Any, *, device: Any = None, **options: Unpack[LoadOptions]) -> dict[str, Any]:
    """All arrays of the bytes of a file, of any format."""
    with _dicts.open_bytes(data, options) as reader:
        return reader.read_tensors(to="jax", device=device)
