"""A tensor of an open file."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _arrays, _index, _jax, _show, _ztensor
from ._attributes import Attributes
from ._dtypes import NUMPY
from ._errors import UnsupportedError
from ._torch import plain_torch

if TYPE_CHECKING:
    from torch import Tensor as TorchTensor


class Location(NamedTuple):
    """The place of stored bytes. `path` is None for a source that is not on disk."""

    path: str | None
    offset: int
    length: int


class PartMetadata(NamedTuple):
    """One stored array of a tensor, as the file describes it."""

    role: str
    dtype: str  # if the logical type is unknown, the dtype of the storage
    storage: str  # the word in the file
    logical: str  # the word in the file, or ""
    encoding: str
    digest: str
    offset: int
    stored: int  # bytes in the file
    shard: str = ""  # the name of the shard that has the bytes; "": the file itself


class TensorMetadata(NamedTuple):
    """What the file says about a tensor. It stays valid after the reader is closed."""

    name: str
    shape: tuple[int, ...]
    dtype: str | None  # None for a layout without one
    layout: str
    attributes: dict[Any, Any]
    parts: dict[str, PartMetadata]


class Parts(Mapping[str, Any]):
    """The parts of a tensor by their roles. Each access reads an array of one dimension that owns its memory."""

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


class Tensor(_ztensor.Exports):
    """A tensor of a `Reader`. It reads elements only when they are asked for."""

    __slots__ = ("__weakref__", "_handle", "_name", "_reader")

    def __init__(self, handle: _ztensor.Tensor, name: str, reader: Mapping[str, Tensor]) -> None:
        self._handle = handle
        self._name = name  # known even after the reader is closed
        self._reader = reader  # for pickling

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
        """NumPy's dtype of the elements. Raises `UnsupportedError` for a layout without a dtype."""
        return NUMPY[self._handle.dtype_name]

    @property
    def dtype_name(self) -> str:
        """The name of the dtype. For blocks of ggml, which have none, the word of their type: "q4_k"."""
        return self._handle.type_name

    @property
    def layout(self) -> str:
        """ "dense", "sparse_csr", "sparse_coo", or the word in the file."""
        return self._handle.layout

    @property
    def nbytes(self) -> int:
        """The decoded bytes of all parts."""
        return self._handle.nbytes

    @property
    def size(self) -> int:
        """The number of elements: the product of the shape."""
        return self._handle.elements

    @property
    def attributes(self) -> dict[Any, Any]:
        """The attributes of the tensor, as a dict that cannot be changed."""
        return Attributes(self._handle.attributes)

    @property
    def parts(self) -> Parts:
        return Parts(self._handle)

    @property
    def location(self) -> Location | None:
        """The place of the stored bytes; None for a tensor of several parts, and for one whose bytes no file has as
        they are, because opening made them."""
        found = self._handle.location()
        return None if found is None else Location(*found)

    def numpy(self, copy: bool = False) -> np.ndarray[Any, Any]:
        """The same as `Reader.read_tensor(name, "numpy")`."""
        array: np.ndarray[Any, Any] = _arrays.to_numpy(self._handle, copy, None, None)
        return array

    def torch(self, device: Any = None) -> TorchTensor:
        """The same as `Reader.read_tensor(name, "torch")`."""
        return _arrays.to_torch(self._handle, False, device, None)

    def jax(self, device: Any = None) -> Any:
        """The same as `Reader.read_tensor(name, "jax")`."""
        return _jax.to_jax(_arrays.to_numpy(self._handle, False, None, None), device)

    def dequantize(self) -> np.ndarray[Any, Any]:
        """The values of a quantized tensor, as a new float32 array.

        Its layout is "zt.mx/1", "zt.quant_group/1" or "gguf.<type>/1".
        """
        return self._handle.dequantize(None)

    def verify(self) -> None:
        """Checks digests and contents, and raises the first error."""
        self._handle.verify()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if self.layout != "dense":
            raise UnsupportedError(f"tensor {self._name!r} of layout {self.layout!r} is not an array")
        array = self.numpy(copy=bool(copy))
        if dtype is None or np.dtype(dtype) == array.dtype:
            if copy is False and array.flags.writeable:
                raise ValueError(f"tensor {self._name!r} cannot be read without a copy")
            return array
        if copy is False:
            raise ValueError(f"tensor {self._name!r} is {array.dtype}: a change of dtype needs a copy")
        return array.astype(dtype)

    def _exported(self) -> np.ndarray[Any, Any]:
        """The array whose buffer this object exports, which is read-only."""
        if self.layout != "dense":
            raise BufferError(f"tensor {self._name!r} of layout {self.layout!r} has no buffer: use its parts")
        array = self.numpy()
        if array.dtype.kind == "V":
            raise BufferError(f"{array.dtype} has no form in the buffer protocol: export a view of uint8 or uint16")
        return array

    def __dlpack__(self, **options: Any) -> Any:
        """Exports memory that may be written to. Writing changes neither the file nor NumPy's views."""
        array = _arrays.to_writable(self._handle)
        try:
            return array.__dlpack__(**options)
        except BufferError:
            # NumPy cannot export bfloat16 and float8 by DLPack. torch can.
            try:
                import torch  # noqa: F401
            except ImportError:
                raise BufferError(f"{array.dtype} cannot be exported by DLPack without torch: install torch") from None
        with plain_torch():
            return self.torch().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # the CPU

    def __len__(self) -> int:
        shape = self.shape
        if not shape:
            raise TypeError("len() of unsized object")
        return shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self)))

    def item(self) -> Any:
        """The only element, as an object of Python."""
        return self.numpy().item()

    # Without these, Python would take the bytes of the buffer for digits.
    def __int__(self) -> int:
        return int(self.numpy())

    def __float__(self) -> float:
        return float(self.numpy())

    def __complex__(self) -> complex:
        return complex(self.numpy())

    def __index__(self) -> int:
        return operator.index(self.numpy())

    def __bool__(self) -> bool:
        # A handle is true, even one of no elements. 0-d tensors have the truth of their value, as in NumPy.
        return bool(self.shape) or self.layout != "dense" or bool(self.numpy())

    def __getitem__(self, key: Any) -> Any:
        """Supports NumPy's basic indexing, and an array of integers or bools on one axis.

        If the file is mapped, NumPy makes the result (for slices a read-only view). Otherwise the result is a new
        array, and only the bytes that it needs are read.
        """
        if _index.is_basic(key):
            view = self._handle.view()
            if view is not None:
                with contextlib.suppress(IndexError):  # we raise it below, in our words
                    return view[key]
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
        return _show.tensor_text(self)

    def _repr_html_(self) -> str:
        return _show.tensor_html(self)


def metadata_of_parts(tensor: _ztensor.Tensor) -> list[PartMetadata]:
    return [PartMetadata(*part) for part in tensor.parts()]
