"""Saves and loads dicts of NumPy arrays, with the functions of `safetensors.numpy`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import _dicts
from ._dicts import LoadOptions, SaveOptions
from ._errors import SafetensorError
from ._options import PathLike
from ._progress import Progress

if TYPE_CHECKING:
    from numpy import ndarray
    from typing_extensions import Unpack

    Array = ndarray[Any, Any]

__all__ = ["SafetensorError", "load", "load_file", "save", "save_file"]


def save_file(
    tensor_dict: Mapping[str, Any],
    filename: PathLike,
    metadata: Mapping[str, str] | None = None,
    **options: Unpack[SaveOptions],
) -> None:
    """Writes a file of arrays of any strides and byte order. The name's ending tells its format; any other is a .zt.

    An array that stands under several names is stored once, where the format can say so. `metadata` become attributes
    of the file. `options` are those of `Writer`: compress, checksum, durable, ... The file appears when it is complete.

    >>> import numpy as np
    >>> from ztensor.numpy import load_file, save_file
    >>> save_file({"w": np.eye(2)}, "eye.zt", metadata={"made": "today"})
    >>> load_file("eye.zt")["w"].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    _dicts.save_file(tensor_dict, filename, metadata, options, _ties)


def save(
    tensor_dict: Mapping[str, Any], metadata: Mapping[str, str] | None = None, **options: Unpack[SaveOptions]
) -> bytes:
    """The bytes of a .zt file, or of the `format` that is asked for."""
    return _dicts.save(tensor_dict, metadata, options, _ties)


def load_file(
    filename: Any,
    *,
    backend: str = "mmap",
    names: Iterable[str] | None = None,
    progress: Progress = None,
    **options: Unpack[LoadOptions],
) -> dict[str, Array]:
    """All arrays of a file, or those of `names`: a file of any format, a list of files, a folder or an index.

    The arrays may be written to: they lie in a copy-on-write mapping of the file (backend "mmap"), or are read
    ("pread"), in parallel. Names of one stored tensor share their memory. A mapped load checks no digests, unless
    `verify=True`.
    """
    chosen = _dicts.check_names(names)
    with _dicts.open_file(filename, backend, options) as reader:
        return reader._read_writable(chosen, progress)


def load(data: Any, **options: Unpack[LoadOptions]) -> dict[str, Array]:
    """All arrays of the bytes of a file, of any format. The arrays own their memory."""
    with _dicts.open_bytes(data, options) as reader:
        return reader._read_writable(None)


def _ties(arrays: Mapping[str, Any]) -> dict[str, str]:
    """Names of the same array object."""
    if len(set(map(id, arrays.values()))) == len(arrays):
        return {}
    first: dict[int, str] = {}
    tied = {}
    for name, array in arrays.items():
        known = first.setdefault(id(array), name)
        if known is not name:
            tied[name] = known
    return tied
