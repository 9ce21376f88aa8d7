"""Opening files."""

from __future__ import annotations

import io
import mmap
import os
import stat
import warnings
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, NamedTuple

import numpy as np

from . import _outgoing, _sparse, _ztensor
from ._dtypes import FLOAT4
from ._errors import FormatError, TensorNotFoundError, UnsupportedError, UsageError, ZTensorError
from ._options import Limits, Source, encode_path, flag_of, limits_of, refuse_text, text_of, threads_of
from ._tensor import Tensor, TensorMetadata
from ._torch import plain_torch

_BUFFERED = (io.BufferedReader, io.BufferedRandom)
_OPEN_FILES = (*_BUFFERED, io.FileIO, io.BytesIO)  # those that are not called for their bytes


class Verified(NamedTuple):
    """What `verify` found: names of tensors."""

    checked: list[str]  # every part has a known digest, and all was found right
    undigested: list[str]  # contents are right, but some part has no digest that we know
    unreadable: list[str]  # listed, but not to be read


class Reader(Mapping[str, Tensor]):
    """An open file of tensors, of any format: a mapping from names to `Tensor`s, in the file's order.

    `source` is a path, bytes, or a seekable binary file object. `backend` is "mmap", "read", or "auto".
    `verify`: None checks digests on every copying or decoding read, True also on views, False on none.
    Any thread may use it, and a forked child too, except over a file object that is not a file on disk or a `BytesIO`.
    """

    def __init__(
        self,
        source: Source,
        *,
        backend: str = "auto",
        verify: bool | None = None,
        threads: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._open: _ztensor.Source | None = None
        self._options = {"backend": backend, "verify": verify, "threads": threads, "limits": limits}
        self._path: str | None = None
        self._name: str  # of the file, for messages
        self._file: Any = None  # of the caller, who may close it; a file object of another kind says so itself
        text_of("backend", backend)
        flag_of("verify", verify)
        count = threads_of(threads)
        bounds = limits_of(limits)
        if isinstance(source, (str, os.PathLike)):
            encoded = encode_path(source)
            self._name = os.fsdecode(encoded)
            self._path = os.path.abspath(os.fsdecode(encoded))
            self._open = _ztensor.open_path(encoded, backend, verify, count, bounds)
        else:
            if backend not in ("auto", "mmap", "read"):
                raise UsageError(f"backend is {backend!r}: expected 'auto', 'mmap' or 'read'")
            self._name, self._open = _open_object(source, verify, count, bounds)
            self._file = source if type(source) in _OPEN_FILES else None
        for note in self._open.notes():
            warnings.warn(note, UserWarning, stacklevel=2)

    @property
    def _source(self) -> _ztensor.Source:
        source = self._open
        if source is None:
            raise UsageError("the reader is closed")
        file = self._file
        if file is not None and file.closed:
            raise UsageError("the file object that the reader was opened with is closed")
        return source

    # --- what is in it: no tensor bytes are touched ---

    @property
    def tensor_names(self) -> list[str]:
        return self._source.names()

    @property
    def attributes(self) -> dict[Any, Any]:
        """Of the file."""
        return self._source.attributes()

    @property
    def format(self) -> str:
        """ "zt-1.2", "safetensors", ..."""
        return self._source.format

    @property
    def paths(self) -> list[str]:
        """The files it reads, shards included, where they were found or should be; none for a source not on disk."""
        return self._source.paths()

    @property
    def unreadable(self) -> dict[str, Exception]:
        """The tensors that are listed but cannot be read, with what reading them throws."""
        return self._source.unreadable()

    @property
    def notes(self) -> list[str]:
        """What a user should know, but is no error."""
        return self._source.notes()

    def metadata(self, name: str) -> TensorMetadata:
        tensor = self[name]
        try:
            dtype = tensor.dtype_name
        except ZTensorError:
            dtype = None
        parts = {part.role: part for part in tensor._metadata_of_parts()}
        return TensorMetadata(name, tensor.shape, dtype, tensor.layout, tensor.attributes, parts)

    # --- reading ---

    def read_tensor(
        self,
        name: str,
        to: str = "numpy",
        *,
        copy: bool = False,
        device: Any = None,
        verify: bool | None = None,
    ) -> Any:
        """One tensor as a NumPy array (or `scipy.sparse` matrix), or a torch tensor.

        Without a copy where the bytes allow. NumPy's views are read-only; torch's memory may be written to,
        which changes neither the file nor the views. `copy=True` gives an owned array that may be written to.
        """
        self._source.check(_text(name))
        return self.read_tensors([name], to, copy=copy, device=device, verify=verify)[name]

    def read_tensors(
        self,
        names: Iterable[str] | None = None,
        to: str = "numpy",
        *,
        copy: bool = False,
        device: Any = None,
        verify: bool | None = None,
    ) -> dict[str, Any]:
        """Many at once, in parallel. What is copied lies in one block, which lives while one of them does."""
        source = self._source
        if isinstance(names, str):
            raise TypeError("names must be a list of names: read_tensor() takes one")
        chosen = source.names() if names is None else [_text(name) for name in names]
        if to == "numpy":
            if device is not None and str(device) != "cpu":
                raise UsageError(f"device is {device!r}: NumPy has the CPU alone")
            arrays: list[Any] = list(source.arrays(chosen, copy, False, verify))
        elif to == "torch":
            with plain_torch():
                return self._torch_tensors(chosen, copy, device, verify)
        else:
            raise UsageError(f"to is {to!r}: expected 'numpy' or 'torch'")
        result: dict[str, Any] = dict(zip(chosen, arrays, strict=True))
        for name, array in result.items():
            if array is None:
                result[name] = self._special(name, to, verify)
        return result

    def _torch_tensors(self, names: list[str], copy: bool, device: Any, verify: bool | None) -> dict[str, Any]:
        tensors = {}
        for name, place in zip(names, self._source.places(names, copy, verify), strict=True):
            if place is None:
                tensor = self._special(name, "torch", verify)
            else:
                tensor = self._made(name, _outgoing.torch_dense, *place)
            tensors[name] = tensor if device is None else tensor.to(device)
        return tensors

    def read_into(self, target: str | Mapping[str, Any], out: Any = None, *, verify: bool | None = None) -> None:
        """Fills `out`, or each array of a dict by name; shapes and dtypes must agree."""
        if isinstance(target, str):
            target = {target: out}
        elif not isinstance(target, Mapping):
            raise TypeError(f"expected a name and an array, or a dict of arrays, not {type(target).__name__}")
        elif out is not None:
            raise UsageError("a dict of arrays is all that read_into() takes")
        names = [_text(name) for name in target]
        fills = [_outgoing.Fill(self[name], out) for name, out in zip(names, target.values(), strict=True)]
        for fill in fills:
            fill.start()
        self._source.read_into(names, [fill.buffer for fill in fills], verify)
        for fill in fills:
            fill.finish()

    def verify(self, names: Iterable[str] | None = None, *, shards: bool = False, canonical: bool = False) -> Verified:
        """Checks digests and contents of the named tensors, or of all; throws what is wrong first.

        `shards` also holds each shard of the file as a whole, used or not, against its digest. `canonical` also holds
        the file against the canonical form of format 2.
        """
        if isinstance(names, str):
            names = [names]
        chosen = None if names is None else [_text(name) for name in names]
        if chosen is not None and not (chosen or shards or canonical):
            return Verified([], [], [])
        return Verified(*self._source.verify(chosen or [], bool(shards), bool(canonical), None))

    def _special(self, name: str, to: str, verify: bool | None) -> Any:
        """What is not simply an array: sparse tensors, float4 in NumPy."""
        source = self._source
        if source.layout(name) == "dense":
            return _outgoing.unpack_float4(self._part(name, "data", verify), source.shape(name))
        dtype = source.dtype_name(name)  # throws for an unknown layout
        values = self._part(name, "values", verify)
        if dtype == FLOAT4:
            return self._made(name, _sparse.refuse_float4)
        indices, indptr = source.indices(name, values.size, to == "torch", verify)
        parts = _sparse.Sparse(source.shape(name), values, indices, indptr, source.is_sparse_array(name))
        if to == "numpy":
            return self._made(name, _sparse.to_scipy, parts)
        return self._made(name, _sparse.to_torch, parts, dtype)

    def _made(self, name: str, make: Callable[..., Any], *arguments: Any) -> Any:
        """What `make` makes of a tensor; a refusal names file and tensor."""
        try:
            return make(*arguments)
        except UnsupportedError as error:
            message = f"{self._name}: tensor {name!r}: {error}"
            raise UnsupportedError(message, rule=error.rule) from error.__cause__

    def _part(self, name: str, role: str, verify: bool | None = None) -> np.ndarray[Any, Any]:
        return self._source.part(name, role, verify)

    def _writable(self, name: str) -> np.ndarray[Any, Any]:
        array = self._source.arrays([name], False, True, None)[0]
        if array is None:
            raise BufferError(f"tensor {name!r} cannot be exported by DLPack")
        return array

    def _view(self, name: str) -> np.ndarray[Any, Any] | None:
        """An array to take slices of, where that costs no read of all; else None."""
        source = self._source
        if source.dtype_name(name) == FLOAT4:
            whole: np.ndarray[Any, Any] = self.read_tensor(name)
            return whole
        return source.view(name)

    def _slice(self, name: str, axes: list[Any]) -> np.ndarray[Any, Any]:
        return self._source.slice(name, axes)

    # --- a mapping ---

    def __getitem__(self, name: str) -> Tensor:
        self._source.check(_text(name))
        return Tensor(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._source.names())

    def __len__(self) -> int:
        return len(self._source)

    def __contains__(self, name: object) -> bool:
        source = self._source
        try:
            return isinstance(name, str) and name in source
        except TypeError:
            return False  # a lone surrogate, which no file has

    def __bool__(self) -> bool:
        return True

    def keys(self) -> KeysView[str]:
        return KeysView(self)

    def values(self) -> ValuesView[Tensor]:
        return ValuesView(self)

    def items(self) -> ItemsView[str, Tensor]:
        return ItemsView(self)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)

    # --- its life ---

    def close(self) -> None:
        """Arrays that were handed out stay valid. Idempotent."""
        self._open = self._file = None

    def __enter__(self) -> Reader:
        self._source  # noqa: B018 - throws when closed
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._path is None:
            raise TypeError("a Reader that was not opened from a path cannot be pickled")
        source = self._source
        return _reopen, (self._path, self._options, source.stored_size, source.index_sum())

    def __repr__(self) -> str:
        if self._open is None:
            return "<ztensor.Reader, closed>"
        where = self._path or "in memory"
        return f"<ztensor.Reader {where!r} {self.format}, {len(self)} tensors>"


def _reopen(path: str, options: dict[str, Any], size: int, index_sum: int) -> Reader:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said when it was opened first
        reader = Reader(path, **options)
    source = reader._source
    if source.stored_size != size or source.index_sum() != index_sum:
        raise FormatError(f"{path}: is not the file any more that was pickled", rule="python.pickle.changed")
    return reader


def _text(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a tensor's name is a str, not {type(name).__name__}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise TensorNotFoundError(f"no tensor is named {name!r}") from None
    return name


def _open_object(source: Any, verify: bool | None, threads: int, limits: Limits | None) -> tuple[str, _ztensor.Source]:
    """What is not a path, and its name for messages."""
    if isinstance(source, (bytes, bytearray, memoryview, mmap.mmap)):
        return "<bytes>", _ztensor.open_buffer(source, "auto", "<bytes>", verify, threads, limits)
    if not (hasattr(source, "read") and hasattr(source, "seek")):
        raise TypeError(f"source must be a path, bytes or a seekable binary file, not {type(source).__name__}")
    refuse_text(source, "rb")
    name = _name_of_file(source)
    descriptor = _descriptor_of(source)
    if descriptor is not None:
        return name, _ztensor.open_descriptor(descriptor, name, verify, threads, limits)
    if type(source) is io.BytesIO:  # memory, which no call has to be asked for: as it is now
        return name, _ztensor.open_buffer(source.getvalue(), "read", name, verify, threads, limits)
    return name, _ztensor.open_file(source, name, verify, limits)


def _descriptor_of(file: Any) -> int | None:
    """Of a regular file on disk that is open for reading, if its bytes are those that `file` would give.

    Subclasses and wrappers have a `fileno()` too, but may give other bytes, as gzip does.
    """
    raw = file.raw if type(file) in _BUFFERED else file
    if type(raw) is not io.FileIO or not raw.readable():
        return None
    if type(file) is io.BufferedRandom:
        file.flush()
    descriptor = raw.fileno()
    return descriptor if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def _name_of_file(file: Any) -> str:
    name = getattr(file, "name", None)
    return name if isinstance(name, str) and name.isprintable() else "<file>"


def open(
    source: Source,
    *,
    backend: str = "auto",
    verify: bool | None = None,
    threads: int | None = None,
    limits: Limits | None = None,
) -> Reader:
    """The same as `Reader`."""
    return Reader(source, backend=backend, verify=verify, threads=threads, limits=limits)
