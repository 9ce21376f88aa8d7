"""Opens files with the interface of `safetensors.safe_open`."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import _arrays, _dicts, _slices
from ._errors import UsageError
from ._reader import Reader
from ._tensor import Tensor

_FRAMEWORKS = {
    "pt": "torch", "torch": "torch", "pytorch": "torch",
    "np": "numpy", "numpy": "numpy",
    "jax": "jax", "flax": "jax",
}  # fmt: skip

# The words of safetensors for our dtypes.
_WORDS = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16",
    "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8",
    "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e8m0fnu": "F8_E8M0",
    "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float4_e2m1fn": "F4", "complex64": "C64", "complex128": "C128",
}  # fmt: skip


class TensorMeta(NamedTuple):
    """What a file says about a tensor, in the words of safetensors."""

    dtype: str  # "F32", "BF16", ...
    shape: list[int]
    # Where the stored bytes begin and end. In a safetensors file, from the start of its data; in any other file, from
    # the start of the file; (0, 0) for a tensor of several parts, and for one whose bytes no file has.
    data_offsets: tuple[int, int]


class SafeSlice:
    """A tensor of an open file, which reads the elements that an index selects."""

    def __init__(self, tensor: Tensor, framework: str, device: Any) -> None:
        self._tensor = tensor
        self._framework = framework
        self._device = device

    def get_shape(self) -> list[int]:
        """The shape of the whole tensor."""
        return list(self._tensor.shape)

    def get_dtype(self) -> str:
        """The dtype of the whole tensor, in the words of safetensors: "F32", "BF16", ..."""
        return word_of(self._tensor)

    def __getitem__(self, key: Any) -> Any:
        """The selected elements. The index is NumPy's: ints, slices with any step, `...`, None, and one array of ints
        or bools."""
        return _slices.sliced(self._tensor, key, self._framework, self._device)

    def __repr__(self) -> str:
        return f"<slice of {self._tensor!r}>"


class safe_open:
    """Opens a file of any format, and gives its tensors when they are asked for.

    `framework`: "pt" (torch), "np" (NumPy) or "jax". `device`: where torch tensors go. `backend`: "mmap", or "pread".

    >>> import numpy as np, ztensor
    >>> from ztensor.numpy import save_file
    >>> save_file({"w": np.arange(6).reshape(2, 3)}, "six.zt")
    >>> with ztensor.safe_open("six.zt", framework="np") as f:
    ...     f.keys(), f.get_slice("w")[:, 1].tolist()
    (['w'], [1, 4])
    """

    def __init__(self, filename: Any, framework: str, device: Any = "cpu", *, backend: str = "mmap") -> None:
        self._framework = _framework_of(framework)
        self._device = device
        if self._framework == "torch":
            from .torch import _device_of

            self._device = _device_of(device)
        elif str(device) == "cpu":
            self._device = None
        elif self._framework == "numpy":
            _arrays.check_device_of_numpy(device)
        self._opened: Reader | None = _dicts.open_file(filename, backend, {})
        self._data_start: int | None = None

    @property
    def _reader(self) -> Reader:
        if self._opened is None:
            raise UsageError("the file is closed: use it within its with block")
        return self._opened

    def keys(self) -> list[str]:
        """The names of the tensors, sorted."""
        return sorted(self._reader.tensor_names)

    def offset_keys(self) -> list[str]:
        """The names of the tensors, in the order of their stored bytes."""
        return sorted(self._reader.tensor_names, key=self._place_of)

    def metadata(self) -> dict[str, str] | None:
        """The text attributes of the file; None if it has no attributes."""
        return _dicts.metadata_of(self._reader._source)

    def get_tensor(self, name: str) -> Any:
        if self._framework == "numpy":
            return self._reader._read_one_writable(name)
        return self._reader.read_tensor(name, to=self._framework, device=self._device)

    def get_tensors(self) -> dict[str, Any]:
        """All tensors, read in parallel."""
        if self._framework == "numpy":
            return self._reader._read_writable(None)
        return self._reader.read_tensors(to=self._framework, device=self._device)

    def get_tensor_meta(self, name: str) -> TensorMeta:
        tensor = self._reader[name]
        location = tensor.location
        start, length = (0, 0) if location is None else (location.offset, location.length)
        if location is not None and self._reader.format == "safetensors":
            start -= self._start_of_data()
        return TensorMeta(word_of(tensor), list(tensor.shape), (start, start + length))

    def get_slice(self, name: str) -> SafeSlice:
        return SafeSlice(self._reader[name], self._framework, self._device)

    def prefetch(
        self,
        plan: Any = None,
        *,
        device: Any = None,
        threads: int | None = 8,
        device_memory_limit: int | None = None,
    ) -> Any:
        """Starts to read in the background: see `Reader.prefetch`."""
        where = self._device if device is None else device
        return self._reader.prefetch(
            plan, self._framework, device=where, threads=threads, device_memory_limit=device_memory_limit
        )

    def _place_of(self, name: str) -> tuple[str, int]:
        location = self._reader[name].location
        if location is not None:
            return location.path or "", location.offset
        parts = self._reader.metadata(name).parts.values()
        return "", min((part.offset for part in parts), default=0)

    def _start_of_data(self) -> int:
        """The offset of the first tensor in a safetensors file, whose data has no gaps."""
        if self._data_start is None:
            places = [tensor.location for tensor in self._reader.values()]
            self._data_start = min(place.offset for place in places if place is not None)
        return self._data_start

    def __enter__(self) -> safe_open:
        self._reader.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened = None  # slices that were taken keep the file open

    def __repr__(self) -> str:
        if self._opened is None:
            return "<safe_open, closed>"
        return f"<safe_open of {repr(self._reader).splitlines()[0]} for {self._framework}>"


def word_of(tensor: Tensor) -> str:
    name = tensor.dtype_name
    return _WORDS.get(name, name.upper())


def _framework_of(framework: str) -> str:
    found = _FRAMEWORKS.get(framework) if isinstance(framework, str) else None
    if found is None:
        raise UsageError(f"framework is {framework!r}: expected one of {', '.join(map(repr, _FRAMEWORKS))}")
    return found
