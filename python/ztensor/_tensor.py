"""A tensor of an open file."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _arrays, _index, _ztensor
from ._dtypes import NUMPY
from ._errors import UnsupportedError, ZTensorError
from ._torch import plain_torch

if TYPE_CHECKING:
    from torch import Tensor as TorchTensor


class Location(NamedTuple):
    """Where stored bytes lie: `path` is None for a source that is not on disk."""

    path: str | None
    offset: int
    length: int


class PartMetadata(NamedTuple):
    """One stored array of a tensor, as the file describes it."""

    role: str
    dtype: str  # of an unknown logical type: its storage
    storage: str  # the file's own word
    logical: str  # the file's own word, or ""
    encoding: str
    digest: str
    offset: int
    stored: int  # bytes in the file
    shard: str = ""  # the name of the shard that the bytes lie in; "": the file itself


class TensorMetadata(NamedTuple):
    """What the file says of a tensor; stays when the reader is closed."""

    name: str
    shape: tuple[int, ...]
    dtype: str | None  # None for a layout without one
    layout: str
    attributes: dict[Any, Any]
    parts: dict[str, PartMetadata]


class Parts(Mapping[str, Any]):
    """The parts of a tensor by their roles, read when asked for: arrays of one dimension, owned."""

    def __init__(self, tensor: _ztensor.Tensor) -> None:
        self._tensor = tensor
        self._name = tensor.name
        self._roles = [part.role for part in metadata_of_parts(tensor)]

    def __getitem__(self, role: str) -> np.ndarray[Any, Any]:
        if role not in self._roles:
            raise KeyError(role)
        return self._tensor.part(role, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._roles)

    def __len__(self) -> int:
        return len(self._roles)

    def __repr__(self) -> str:
        return f"<parts {', '.join(self._roles)} of tensor {self._name!r}>"


class Tensor:
    """A tensor of a `Reader`. Nothing of its elements is read until it is asked for."""

    __slots__ = ("__weakref__", "_handle", "_name", "_reader")

    def __init__(self, handle: _ztensor.Tensor, name: str, reader: Mapping[str, Tensor]) -> None:
        self._handle = handle
        self._name = name  # also known when the reader is closed
        self._reader = reader  # to be pickled with

    def __reduce__(self) -> tuple[Any, ...]:
        return operator.getitem, (self._reader, self._name)

    @property
    def name(self) -> str:
        return self._name

    @property
    def shape(self) -> tuple[int, ...]:
        return self._handle.shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's dtype of the elements. Throws `UnsupportedError` for a layout that has none."""
        return NUMPY[self.dtype_name]

    @property
    def dtype_name(self) -> str:
        return self._handle.dtype_name

    @property
    def layout(self) -> str:
        """ "dense", "sparse_csr", "sparse_coo", or the file's own word."""
        return self._handle.layout

    @property
    def nbytes(self) -> int:
        """Bytes of all parts, decoded."""
        return self._handle.nbytes

    @property
    def size(self) -> int:
        """Elements: the product of the shape."""
        return self._handle.elements

    @property
    def attributes(self) -> dict[Any, Any]:
        return self._handle.attributes

    @property
    def parts(self) -> Parts:
        return Parts(self._handle)

    @property
    def location(self) -> Location | None:
        """Where the stored bytes lie; None for a tensor of several parts."""
        found = self._handle.location()
        return None if found is None else Location(*found)

    def numpy(self, copy: bool = False) -> np.ndarray[Any, Any]:
        """As `Reader.read_tensor(name, "numpy")`."""
        array: np.ndarray[Any, Any] = _arrays.to_numpy(self._handle, copy, None, None)
        return array

    def torch(self, device: Any = None) -> TorchTensor:
        """As `Reader.read_tensor(name, "torch")`."""
        return _arrays.to_torch(self._handle, False, device, None)

    def dequantize(self) -> np.ndarray[Any, Any]:
        """The values of a quantized tensor (layout "zt.mx/1" or "zt.quant_group/1"), as float32; owned."""
        return self._handle.dequantize(None)

    def verify(self) -> None:
        """Checks digests and contents; throws what is wrong."""
        self._handle.verify()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if self.layout != "dense":
            raise UnsupportedError(f"tensor {self._name!r} of layout {self.layout!r} is no array")
        array = self.numpy(copy=bool(copy))
        if dtype is None or np.dtype(dtype) == array.dtype:
            if copy is False and array.flags.writeable:
                raise ValueError(f"tensor {self._name!r} cannot be had without a copy")
            return array
        if copy is False:
            raise ValueError(f"tensor {self._name!r} is {array.dtype}: a change of dtype needs a copy")
        return array.astype(dtype)

    def __dlpack__(self, **options: Any) -> Any:
        """Over memory that may be written to, which changes neither the file nor NumPy's views."""
        array = _arrays.to_writable(self._handle)
        try:
            return array.__dlpack__(**options)
        except BufferError:
            # DLPack has types that NumPy's own export does not: bfloat16, float8. torch knows them.
            try:
                import torch  # noqa: F401
            except ImportError:
                raise BufferError(f"without torch, {array.dtype} cannot be exported by DLPack") from None
        with plain_torch():
            return self.torch().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # the CPU

    def __len__(self) -> int:
        shape = self.shape
        if not shape:
            raise TypeError("len() of unsized object")
        return shape[0]

    def __bool__(self) -> bool:
        return True  # a handle, whatever its length

    def __getitem__(self, key: Any) -> Any:
        """NumPy's basic indexing, and an array of integers or bools on one axis.

        Where the file is mapped the result is NumPy's own (a read-only view, by slices), else an owned array,
        for which only the bytes that the slice needs are read.
        """
        if self.layout != "dense":
            raise UnsupportedError(f"tensor {self._name!r} of layout {self.layout!r} cannot be sliced")
        shape = self.shape
        entries = _index.expand(key, len(shape))
        axes, after = _index.resolve(entries, shape)
        view = _arrays.view_of(self._handle)
        if view is not None:
            return view[tuple(entries)]
        return self._handle.slice(axes)[after]

    def __repr__(self) -> str:
        try:
            what = self.dtype_name
        except ZTensorError as error:
            what = error.code
        try:
            return f"<ztensor.Tensor {self._name!r} {what} {self.shape} {self.layout}>"
        except ZTensorError:
            return f"<ztensor.Tensor {self._name!r} of a closed reader>"


def metadata_of_parts(tensor: _ztensor.Tensor) -> list[PartMetadata]:
    return [PartMetadata(*part) for part in tensor.parts()]
