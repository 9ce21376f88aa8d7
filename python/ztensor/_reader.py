"""Opening files."""

from __future__ import annotations

import io
import mmap
import os
import stat
import warnings
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np

from . import _arrays, _hdf5, _jax, _show, _ztensor
from ._attributes import Attributes
from ._dtypes import FLOAT4, NUMPY
from ._errors import FormatError, UsageError, ZTensorError
from ._limits import Limits
from ._options import Source, encode_path, open_options, refuse_text
from ._prefetch import Prefetch
from ._progress import Progress, shown
from ._tensor import Tensor, TensorMetadata, metadata_of_parts
from ._to_arrays import Fill
from ._warnings import warn

if TYPE_CHECKING:
    from torch import Tensor as TorchTensor

_BUFFERED = (io.BufferedReader, io.BufferedRandom)
_OPEN_FILES = (*_BUFFERED, io.FileIO, io.BytesIO)  # we read their bytes without calling them


class Verified(NamedTuple):
    """The names of the tensors that `verify` looked at."""

    checked: list[str]  # every part has a digest that we know, and all digests and contents are right
    undigested: list[str]  # the contents are right, but some part has no digest that we know
    unreadable: list[str]  # listed, but cannot be read


def _several(bases: Source | Reader | Sequence[Source | Reader] | None) -> Sequence[Source | Reader]:
    if bases is None:
        return ()
    # A reader is a mapping, but one base.
    return bases if isinstance(bases, (list, tuple)) else (bases,)


class Reader(Mapping[str, Tensor]):
    """An open file of tensors, of any format: a mapping from names to `Tensor`s, in the file's order.

    `source` is a path (of a file, of a folder with a model, or of its index), a list of paths of files of one format,
    bytes, or a seekable binary file object. `backend` is "mmap", "read", or "auto", which maps files unless they are
    behind a network or in FUSE.
    `verify`: None checks digests in every read that copies or decodes, True also for views, False never.
    Any thread may use a Reader, and so may a forked child, unless `source` is a file object other than a file on disk
    or a `BytesIO`.
    `bases`: readers or paths of the files that tensors stored as deltas were made over, or one of these. Of several,
    the one is taken whose bytes the delta was made over. Without it, the file is opened that the delta names beside
    itself.
    """

    def __init__(
        self,
        source: Source,
        *,
        backend: str = "auto",
        verify: bool | None = None,
        threads: int | None = None,
        limits: Limits | None = None,
        bases: Source | Reader | Sequence[Source | Reader] | None = (),
    ) -> None:
        self._options = {"backend": backend, "verify": verify, "threads": threads, "limits": limits}
        self._source: _ztensor.Source
        self._bases = [
            base
            if isinstance(base, Reader)
            else Reader(base, backend=backend, verify=verify, threads=threads, limits=limits)
            for base in _several(bases)
        ]
        self._path: str | list[str] | None = None
        options = open_options(backend=backend, verify=verify, threads=threads, limits=limits)
        options.bases = [base._source for base in self._bases]
        if isinstance(source, (str, os.PathLike)):
            encoded = encode_path(source)
            self._path = os.path.abspath(os.fsdecode(encoded))
        elif isinstance(source, (list, tuple)):
            self._path = [os.path.abspath(os.fsdecode(encode_path(path))) for path in source]
        self._hdf5: _hdf5.Contents | None = None  # what an HDF5 file has beside the tensors in `_source`
        refused: ZTensorError | None = None
        try:
            self._source = _open(source, options)
        except ZTensorError as error:
            refused = error
        if refused is not None and isinstance(source, (list, tuple)):
            raise refused
        if refused is not None:
            name = os.fsdecode(source) if isinstance(source, (str, os.PathLike)) else _name_of_file(source)
            self._source, self._hdf5 = _hdf5.open_source(source, name, refused, options, limits)
        for note in self.notes:
            warn(note)

    # --- contents: these read no tensor bytes ---

    @property
    def tensor_names(self) -> list[str]:
        return self._source.names()

    @property
    def attributes(self) -> dict[Any, Any]:
        """The attributes of the file, as a dict that cannot be changed."""
        return Attributes(self._source.attributes())

    @property
    def format(self) -> str:
        """ "zt-1.2", "safetensors", ..."""
        return self._source.format if self._hdf5 is None else _hdf5.FORMAT

    @property
    def paths(self) -> list[str]:
        """The path of the file, then of each shard: where it was found or, if not used yet, where it is expected.

        A source that is not on disk has none.
        """
        paths = self._source.paths()
        if self._hdf5 is None:
            return paths
        return [self._path] if isinstance(self._path, str) else []

    @property
    def unreadable(self) -> dict[str, Exception]:
        """The tensors that are listed but cannot be read, and the errors that reading them raises.

        An HDF5 file has its unreadable datasets here and in `notes` alone, not among its names.
        """
        found = self._source.unreadable()
        return found if self._hdf5 is None else found | self._hdf5.unreadable

    @property
    def notes(self) -> list[str]:
        """Remarks for the user that are not errors."""
        return self._source.notes() + ([] if self._hdf5 is None else self._hdf5.notes)

    def metadata(self, name: str) -> TensorMetadata:
        tensor = self[name]
        try:
            dtype = tensor.dtype_name
        except ZTensorError:
            dtype = None
        parts = {part.role: part for part in metadata_of_parts(tensor._handle)}
        return TensorMetadata(name, tensor.shape, dtype, tensor.layout, tensor.attributes, parts)

    # --- reading ---

    @overload
    def read_tensor(
        self,
        name: str,
        to: Literal["numpy"] = "numpy",
        *,
        copy: bool = False,
        device: Any = None,
        verify: bool | None = None,
    ) -> np.ndarray[Any, Any]: ...
    @overload
    def read_tensor(
        self, name: str, to: Literal["torch"], *, copy: bool = False, device: Any = None, verify: bool | None = None
    ) -> TorchTensor: ...
    @overload
    def read_tensor(
        self, name: str, to: str, *, copy: bool = False, device: Any = None, verify: bool | None = None
    ) -> Any: ...
    def read_tensor(
        self,
        name: str,
        to: str = "numpy",
        *,
        copy: bool = False,
        device: Any = None,
        verify: bool | None = None,
    ) -> Any:
        """One tensor as an array of `to`: "numpy", "torch" or "jax". For NumPy, a sparse tensor is an object of
        `scipy.sparse`.

        It copies only if it must. NumPy views are read-only. A torch tensor may be written to, which changes neither
        the file nor the views. `copy=True` gives an array that owns its memory and may be written to. JAX arrays have
        the dtype of the file, also one of 64 bits.

        With `device`, a torch tensor is copied there, and its digest is checked.
        """
        tensor = self._find(name)
        if to == "numpy":
            return _arrays.to_numpy(tensor, copy, device, verify)
        if to == "torch":
            return _arrays.to_torch(tensor, copy, device, verify, self._source)
        if to == "jax":
            return _jax.to_jax(_arrays.to_numpy(tensor, copy, None, verify), device)
        raise UsageError(f"to is {to!r}: expected 'numpy', 'torch' or 'jax'")

    @overload
    def read_tensors(
        self,
        names: Iterable[str] | None = None,
        to: Literal["numpy"] = "numpy",
        *,
        copy: bool = False,
        device: Any = None,
        verify: bool | None = None,
        progress: Progress = None,
    ) -> dict[str, np.ndarray[Any, Any]]: ...
    @overload
    def read_tensors(
        self,
        names: Iterable[str] | None = None,
        *,
        to: Literal["torch"],
        copy: bool = False,
        device: Any = None,
        verify: bool | None = None,
        progress: Progress = None,
    ) -> dict[str, TorchTensor]: ...
    @overload
    def read_tensors(
        self,
        names: Iterable[str] | None,
        to: Literal["torch"],
        *,
        copy: bool = False,
        device: Any = None,
        verify: bool | None = None,
        progress: Progress = None,
    ) -> dict[str, TorchTensor]: ...
    @overload
    def read_tensors(
        self,
        names: Iterable[str] | None = None,
        to: str = "numpy",
        *,
        copy: bool = False,
        device: Any = None,
        verify: bool | None = None,
        progress: Progress = None,
    ) -> dict[str, Any]: ...
    def read_tensors(
        self,
        names: Iterable[str] | None = None,
        to: str = "numpy",
        *,
        copy: bool = False,
        device: Any = None,
        verify: bool | None = None,
        progress: Progress = None,
    ) -> dict[str, Any]:
        """Many tensors at once, in parallel. All copies are in one block, which lives until the last one is gone.

        Names of one stored tensor share their memory, unless `copy`. `progress` is called with the bytes done and in
        all of what is copied, and stops the call by returning False; True shows a bar of tqdm.

        With `device="cuda:N"`, several threads read into pinned buffers, check digests there, and copy to blocks of at
        most 1 GiB (or one tensor) that torch allocates: the tensors are views of these, and a block lives until its
        last tensor is gone. It needs the NVIDIA driver. Without it, and on other devices, torch copies.
        """
        source = self._source
        if isinstance(names, str):
            raise TypeError("names must be a list of names: for one name, call read_tensor()")
        chosen = source.names() if names is None else list(names)
        with shown(progress, "read") as callback:
            if to == "numpy":
                return _arrays.many_to_numpy(source, chosen, copy, False, device, verify, callback)
            if to == "torch":
                return _arrays.many_to_torch(source, chosen, copy, device, verify, callback)
            if to == "jax":
                arrays = _arrays.many_to_numpy(source, chosen, copy, False, None, verify, callback)
                return {name: _jax.to_jax(array, device) for name, array in arrays.items()}
        raise UsageError(f"to is {to!r}: expected 'numpy', 'torch' or 'jax'")

    def _read_writable(self, names: list[str] | None, progress: Progress = None) -> dict[str, Any]:
        """NumPy arrays that may be written to. Writing changes neither the file nor views that are read-only."""
        source = self._source
        chosen = source.names() if names is None else names
        with shown(progress, "read") as callback:
            return _arrays.many_to_numpy(source, chosen, False, True, None, None, callback)

    def prefetch(
        self,
        plan: Iterable[str] | Mapping[str, Any] | None = None,
        to: str = "torch",
        *,
        device: Any = None,
        verify: bool | None = None,
        ahead: int | None = None,
        threads: int | None = None,
        device_memory_limit: int | None = None,
    ) -> Prefetch:
        """Starts to read in the background; iterate over the result for (name, tensor) as they become complete.

        `plan`: None for all tensors, names, or a dict from names to None (the whole tensor) or an index of NumPy's
        basic indexing, of which only the bytes that it needs are read. `ahead` is the most bytes that are read and not
        yet handed out, 256 MiB by default. With `device="cuda:N"`, tensors are read right into memory of the device.
        Then `ahead` has no effect, and `device_memory_limit` is the most bytes of the blocks that have tensors which
        are not handed out, 1 GiB by default.
        """
        return Prefetch(
            self,
            plan,
            to,
            device=device,
            verify=verify,
            ahead=ahead,
            threads=threads,
            device_memory_limit=device_memory_limit,
        )

    def _read_one_writable(self, name: str) -> Any:
        return _arrays.to_writable_numpy(self._find(name))

    def read_into(self, target: str | Mapping[str, Any], out: Any = None, *, verify: bool | None = None) -> None:
        """Fills `out`, or each array of a dict from names to arrays. Shapes and dtypes must agree."""
        if isinstance(target, str):
            target = {target: out}
        elif not isinstance(target, Mapping):
            raise TypeError(f"expected a name and an array, or a dict of arrays, not {type(target).__name__}")
        elif out is not None:
            raise UsageError("pass either a dict of arrays, or a name and an array")
        source = self._source
        fills = [Fill(source.tensor(name), out) for name, out in target.items()]
        for fill in fills:
            fill.start()
        source.read_into(list(target), [fill.buffer for fill in fills], verify)
        for fill in fills:
            fill.finish()

    def changes(self, name: str) -> Iterator[tuple[np.ndarray[Any, Any] | slice, np.ndarray[Any, Any]]]:
        """What a tensor that is stored as a delta changed since its base: (index, elements) for each changed piece.

        `index` is an array of flat indices, ascending, or a slice of them where most elements are new; `elements` are
        the new ones. So `flat[index] = elements` for each pair turns the base, flat, into the tensor. Differences are
        read with the base; a file of `delta(..., patch=True)` is read without it. For float4, both are of bytes.
        """
        tensor = self._find(name)
        dtype = np.dtype(np.uint8) if tensor.dtype_name == FLOAT4 else NUMPY[tensor.dtype_name]
        for piece in range(tensor.change_pieces()):
            first, count, indices, elements = tensor.changes(piece)
            values = np.frombuffer(elements, dtype)
            if indices is None:
                yield slice(first, first + count), values
            elif values.size:
                yield np.frombuffer(indices, np.uint32).astype(np.int64) + first, values

    def release(self, name: str) -> None:
        """Gives the mapped pages of a tensor back to the system, after its use.

        Arrays over these pages stay valid: the next access reads the file again. Pages of torch tensors that were
        written to stay in memory.
        """
        self._find(name).release()

    def verify(
        self,
        names: Iterable[str] | None = None,
        *,
        shards: bool = False,
        canonical: bool = False,
        progress: Progress = None,
    ) -> Verified:
        """Checks digests and contents of the named tensors, or of all, and raises the first error.

        `shards` also checks the digest of each shard as a whole, even if no tensor uses the shard. `canonical` also
        checks that the file has the canonical form of format 2.
        """
        if isinstance(names, str):
            names = [names]
        chosen = None if names is None else list(names)
        if chosen is not None and not (chosen or shards or canonical):
            return Verified([], [], [])
        with shown(progress, "verify") as callback:
            found = Verified(*self._source.verify(chosen or [], bool(shards), bool(canonical), callback))
        if self._hdf5 is not None and chosen is None:
            found.unreadable.extend(self._hdf5.unreadable)
        return found

    def _shown(self) -> dict[str, Any]:
        """What a document about this file has instead of what `_source` says."""
        return {} if self._hdf5 is None else {"file": self._path or "<file>", "format": self.format}

    # --- a mapping ---

    def __getitem__(self, name: str) -> Tensor:
        return Tensor(self._find(name), name, self)

    def _find(self, name: str) -> _ztensor.Tensor:
        if self._hdf5 is not None and name in self._hdf5.unreadable:
            raise self._hdf5.unreadable[name]
        return self._source.tensor(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._source.names())

    def __len__(self) -> int:
        return len(self._source)

    def __contains__(self, name: object) -> bool:
        return name in self._source

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

    # --- closing, pickling ---

    def close(self) -> None:
        """Closes the file. Arrays that were read stay valid. Closing twice is allowed."""
        self._source.close()

    def __enter__(self) -> Reader:
        self._source.check()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._path is None:
            raise TypeError("a Reader that was not opened from a path cannot be pickled")
        source = self._source
        options: dict[str, Any] = {**self._options, "bases": self._bases} if self._bases else self._options
        return _reopen, (self._path, options, source.stored_size, source.index_sum())

    def __repr__(self) -> str:
        return _show.reader_text(self)

    def _repr_html_(self) -> str:
        return _show.reader_html(self)


def _reopen(path: str | list[str], options: dict[str, Any], size: int, index_sum: int) -> Reader:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the first opening has already warned
        reader = Reader(path, **options)
    source = reader._source
    if source.stored_size != size or source.index_sum() != index_sum:
        raise FormatError(f"{path}: the file has changed since the Reader was pickled", rule="python.pickle.changed")
    return reader


def _open(source: Any, options: _ztensor.OpenOptions) -> _ztensor.Source:
    if isinstance(source, (str, os.PathLike)):
        return _ztensor.open_path(encode_path(source), options)
    if isinstance(source, (list, tuple)):
        return _ztensor.open_paths([encode_path(path) for path in source], options)
    opened = _open_object(source, options)
    if type(source) in _OPEN_FILES:
        opened.watch(source)  # the owner may close it; other file objects report this themselves
    return opened


def _open_object(source: Any, options: _ztensor.OpenOptions) -> _ztensor.Source:
    """Opens a source that is not a path."""
    if isinstance(source, (bytes, bytearray, memoryview, mmap.mmap)):
        options.backend = "auto"
        return _ztensor.open_buffer(source, "<bytes>", options)
    if not (hasattr(source, "read") and hasattr(source, "seek")):
        raise TypeError(f"source must be a path, bytes or a seekable binary file, not {type(source).__name__}")
    refuse_text(source, "rb")
    name = _name_of_file(source)
    descriptor = _descriptor_of(source)
    if descriptor is not None:
        return _ztensor.open_descriptor(descriptor, name, options)
    if type(source) is io.BytesIO:  # takes its bytes as they are now
        options.backend = "read"
        return _ztensor.open_buffer(source.getvalue(), name, options)
    return _ztensor.open_file(source, name, options)


def _descriptor_of(file: Any) -> int | None:
    """The descriptor, if `file` is a regular file on disk, open for reading, and gives the bytes of that file.

    Subclasses and wrappers also have a `fileno()`, but may give other bytes, as gzip does.
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
    bases: Source | Reader | Sequence[Source | Reader] | None = (),
) -> Reader:
    """The same as `Reader`."""
    return Reader(source, backend=backend, verify=verify, threads=threads, limits=limits, bases=bases)
