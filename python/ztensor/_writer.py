"""Writing files."""

from __future__ import annotations

import contextlib
import os
import warnings
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from . import _sparse, _ztensor
from ._dtypes import name_of_any
from ._errors import UnsupportedError, UsageError
from ._from_arrays import Spec, is_scipy, is_torch, spec_of
from ._limits import Limits
from ._options import (
    Compress,
    Source,
    encode_path,
    level_of,
    name_of_tensor,
    refuse_text,
    shape_of,
    text_of,
    writer_options,
)
from ._reader import Reader
from ._tensor import Tensor
from ._warnings import warn


class Writer:
    """Writes a new file, which appears at its target when it is complete, or grows an existing file.

    `target` is a path or a writable binary file object. `mode`: "w" makes or replaces the file; "x" makes it, or raises
    `FileExistsError`; "a" appends to a file of 1.1, 1.2 or 2, or makes it. A second writer of a growing file gets
    `BlockingIOError`.
    `format`: "1.0", "1.2", "2", "safetensors" or "npz"; None takes the format from the ending of the target's name,
    else 1.2.
    `compress`: False, True (zstd level 3), a zstd level, or "float": byte planes, which make weights smaller than zstd
    does (bfloat16 by a third) and are read faster; or "auto": for each tensor what is smallest by a sample. The last
    two need format 1.2 or 2.
    `checksum`: "crc32c", "xxh3", "sha256" or "none"; None is the default of the format. `alignment` of parts: a power
    of two; None is the default of the format. `attributes` are attributes of the file; a growing file gets them in
    addition to its own. `durable` also syncs new files.

    In format 2, `canonical` files have the same bytes for the same tensors, in whatever order these are added. None
    means True, unless `compress`, `max_shard_size`, another checksum or alignment, or mode "a" is given.
    `max_shard_size` puts the data into files of at most so many bytes ("5GB" is 5,000,000,000) beside the target;
    safetensors can do this too, with an index.
    `base`, a `Reader` or a path: tensors that are added with `delta=True` are stored as what changed since the tensor
    of that name there, exactly, where that is shorter. The file is read with its base beside it, or `open(...,
    bases=[base])`. It needs format 1.2 or 2.
    `lossy`: for tensors from a `Reader`, leaves out what the format cannot hold, and lists it in `losses`.

    A `with` block finalizes the file at its end; if the block raises, nothing is published. A Writer that is dropped
    without `finalize` or `abort` publishes nothing either, and gives a `ResourceWarning`. A Writer belongs to the
    process that made it: in a forked child every call that writes raises `UsageError`, and the parent keeps the file.
    """

    def __init__(
        self,
        target: str | os.PathLike[str] | Any,
        *,
        mode: str = "w",
        format: str | None = None,
        compress: Compress = False,
        checksum: str | None = None,
        alignment: int | None = None,
        attributes: Mapping[str, Any] | None = None,
        durable: bool = False,
        threads: int | None = None,
        limits: Limits | None = None,
        canonical: bool | None = None,
        max_shard_size: int | str | None = None,
        lossy: bool = False,
        base: Source | Reader | None = None,
    ) -> None:
        self._open: _ztensor.Writer | None = None
        self._made_by = os.getpid()
        self._stream: weakref.ref[TensorStream] | None = None  # the last one
        self._losses: list[str] = []  # these two: after the end
        self._reclaimable = 0
        if attributes is not None and not isinstance(attributes, Mapping):
            raise TypeError(f"attributes must be a dict, not {type(attributes).__name__}")
        given: dict[str, Any] = dict(attributes or {})
        _ztensor.check_attributes(given)
        is_path = isinstance(target, (str, os.PathLike))
        if not is_path and not hasattr(target, "write"):
            raise TypeError(f"target must be a path or a writable binary file, not {type(target).__name__}")
        refuse_text(target, "wb")
        self._target = os.fsdecode(target) if isinstance(target, (str, os.PathLike)) else repr(target)
        self._level = level_of(compress) or 0
        options = writer_options(
            to=format, compress=compress, checksum=checksum, alignment=alignment, durable=durable, threads=threads,
            limits=limits, canonical=canonical, max_shard_size=max_shard_size, lossy=lossy,
        )  # fmt: skip
        mode = text_of("mode", mode)
        self._base = base if base is None or isinstance(base, Reader) else Reader(base, threads=threads, limits=limits)
        if self._base is not None:
            options.base = self._base._source
        writer = _ztensor.create_writer(encode_path(target) if is_path else target, is_path, mode, options)
        try:
            self._former = writer.attributes()
            self.attributes: dict[Any, Any] = writer.attributes() | given
        except BaseException:
            writer.abort()  # releases the lock, even while the exception is alive
            raise
        self._open = writer

    @property
    def _writer(self) -> _ztensor.Writer:
        if self._open is None:
            raise UsageError("the writer is finished")
        return self._open

    def add_tensor(
        self,
        name: str,
        tensor: Any,
        *,
        compress: Compress = None,
        checksum: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        replace: bool = False,
        delta: bool = False,
    ) -> None:
        """Adds any array: NumPy, torch, `scipy.sparse`, or any object with `__array__` or `__dlpack__`.

        The bytes are taken before the call returns. The defaults of `compress` and `checksum` are those of the writer.
        `replace` replaces a tensor with this name in a growing file. `delta` stores what changed since the `base` of
        the writer. A `Tensor` of a `Reader`, of any layout, keeps its
        attributes unless others are given.
        """
        if isinstance(tensor, Tensor):
            if checksum is None and attributes is None and not delta:
                self._add_stored(name, tensor, compress, replace)
                return
            if delta and attributes is None:
                attributes = tensor.attributes
            tensor = tensor.numpy()
        name = name_of_tensor(name)
        if delta and self._base is None:
            raise UsageError("the writer has no base for a delta: Writer(..., base=reader)")
        sparse = None if type(tensor) is np.ndarray else _sparse_of(name, tensor)
        if sparse is not None and sparse.attributes:
            attributes = (_plain(attributes) or {}) | sparse.attributes
        if sparse is None:
            self._writer.add(
                name,
                _spec_of(name, tensor),
                level_of(compress),
                checksum,
                _plain(attributes),
                bool(replace),
                bool(delta),
            )
        elif sparse.indptr is None:
            self.add_sparse_coo(
                name, sparse.values, sparse.indices, sparse.shape,
                compress=compress, checksum=checksum, attributes=attributes, replace=replace,
            )  # fmt: skip
        else:
            self.add_sparse_csr(
                name, sparse.values, sparse.indices, sparse.indptr, sparse.shape,
                compress=compress, checksum=checksum, attributes=attributes, replace=replace,
            )  # fmt: skip

    def _add_stored(self, name: str, tensor: Tensor, compress: Compress, replace: bool) -> None:
        level = self._level if compress is None else level_of(compress)
        self._writer.add_stored(name_of_tensor(name), tensor._handle, level, bool(replace))

    def add_alias(self, name: str, existing: str) -> None:
        """Adds a second name for a tensor that was added or that a growing file has. The bytes are stored once."""
        self._writer.add_alias(name_of_tensor(name), name_of_tensor(existing))

    def add_reference(self, name: str, tensor: Tensor) -> None:
        """Adds a tensor of another file of format 2 whose bytes stay in the other file, which this file names as a
        shard. This file must be of format 2 and not canonical."""
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected a ztensor.Tensor of a Reader, not {type(tensor).__name__}")
        self._writer.add_reference(name_of_tensor(name), tensor._handle)

    def stream(
        self,
        name: str,
        shape: Iterable[int | None],
        dtype: Any,
        *,
        compress: Compress = None,
        checksum: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        replace: bool = False,
    ) -> TensorStream:
        """Begins a tensor that is written chunk by chunk, so that it need not fit into memory.

        The first dimension of `shape` may be None: it is known at the end. `dtype` is a name, or a dtype of NumPy or
        torch. While the stream is open, the Writer refuses other calls.
        """
        name = name_of_tensor(name)
        dimensions = tuple(shape)
        if not dimensions:
            raise UsageError(f"tensor {name!r}: a tensor without dimensions has no rows to stream: add it as a whole")
        rows, *row = dimensions
        number = self._writer.begin_stream(
            name,
            None if rows is None else shape_of([rows])[0],
            shape_of(row),
            name_of_any(dtype),
            level_of(compress),
            checksum,
            _plain(attributes),
            bool(replace),
        )
        stream = TensorStream(self, name, number)
        self._stream = weakref.ref(stream)
        return stream

    def remove(self, name: str) -> None:
        """Removes a tensor from a growing file. Its bytes stay on disk until the file is written anew."""
        self._writer.remove(name_of_tensor(name))

    def set_tensor_attributes(self, name: str, attributes: Mapping[str, Any] | None) -> None:
        """Replaces the attributes of a tensor that a growing file has."""
        self._writer.set_tensor_attributes(name_of_tensor(name), _plain(attributes))

    @property
    def format(self) -> str:
        """ "zt-1.2", "safetensors", ...: what is written."""
        return self._writer.format()

    @property
    def losses(self) -> list[str]:
        """A line for each thing that `lossy` left out. Also known after the end."""
        return self._writer.losses() if self._open is not None else list(self._losses)

    @property
    def reclaimable(self) -> int:
        """After the end of a file that grew: the bytes that `ztensor.compact` would give back. Otherwise 0."""
        return self._reclaimable

    def add_sparse_csr(
        self,
        name: str,
        values: Any,
        indices: Any,
        indptr: Any,
        shape: Iterable[int],
        *,
        compress: Compress = None,
        checksum: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        replace: bool = False,
    ) -> None:
        """Adds a matrix in compressed rows. Its parts have one dimension. Pointers and columns are checked."""
        self._writer.add_csr(
            name_of_tensor(name),
            shape_of(shape),
            _spec_of(name, values, "values"),
            _spec_of(name, indices, "indices"),
            _spec_of(name, indptr, "indptr"),
            level_of(compress),
            checksum,
            _plain(attributes),
            bool(replace),
        )

    def add_sparse_coo(
        self,
        name: str,
        values: Any,
        indices: Any,
        shape: Iterable[int],
        *,
        compress: Compress = None,
        checksum: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        replace: bool = False,
    ) -> None:
        """Adds a tensor by its coordinates. `indices` has shape (ndim, nnz), or is flat in the same order. `values` has
        one dimension."""
        self._writer.add_coo(
            name_of_tensor(name),
            shape_of(shape),
            _spec_of(name, values, "values"),
            _spec_of(name, indices, "indices"),
            level_of(compress),
            checksum,
            _plain(attributes),
            bool(replace),
        )

    def add_object(
        self,
        name: str,
        shape: Iterable[int],
        layout: str,
        parts: Mapping[str, Any],
        attributes: Mapping[str, Any] | None = None,
        *,
        compress: Compress = None,
        checksum: str | None = None,
        replace: bool = False,
    ) -> None:
        """Adds a tensor of any layout. `parts` maps roles to arrays, like `Tensor.parts`."""
        name = name_of_tensor(name)
        if not isinstance(parts, Mapping):
            raise TypeError(f"parts must be a dict of arrays, not {type(parts).__name__}")
        specs = [(role, _spec_of(name, part, role)) for role, part in parts.items()]
        self._writer.add_object(
            name,
            shape_of(shape),
            layout,
            specs,
            level_of(compress),
            checksum,
            _plain(attributes),
            bool(replace),
        )

    def finalize(self) -> None:
        """Writes the index and publishes the file. Warns if it cannot keep a trait of the file that it replaces."""
        writer = self._writer
        stream = None if self._stream is None else self._stream()
        if stream is not None and stream._of is not None:
            raise UsageError(f"tensor {stream._name!r} is being streamed: finish its stream, or cancel it")
        _ztensor.check_attributes(self.attributes)
        self._open = None
        try:
            writer.finalize(_plain(self.attributes), _plain(self._former))
        except BaseException:
            writer.abort()
            raise
        self._losses, self._reclaimable = writer.losses(), writer.reclaimable()
        for note in writer.notes():
            warn(note)

    def abort(self) -> None:
        """Gives up: the target stays as it was. Calling it twice is allowed."""
        writer, self._open = self._open, None
        if writer is not None:
            writer.abort()

    def __enter__(self) -> Writer:
        self._writer  # noqa: B018 - raises if the writer is finished
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is not None:
            self.abort()
        elif self._open is not None:
            try:
                self.finalize()
            except BaseException:
                self.abort()
                raise

    def __del__(self) -> None:
        if getattr(self, "_open", None) is None or self._made_by != os.getpid():  # a forked child has only a copy
            return
        warnings.warn(
            f"{self._target}: the Writer was dropped before it was finished, so its tensors are lost: use `with`, or "
            "call finalize() or abort()",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )


class TensorStream:
    """A tensor that a `Writer` is writing chunk by chunk; `Writer.stream` makes it.

    At the end of its `with` block the tensor is complete. If the block raises, this tensor is left out, and the Writer
    goes on. Without `with`, call `finish` or `close`.
    """

    def __init__(self, writer: Writer, name: str, number: int) -> None:
        self._of: Writer | None = writer
        self._name = name
        self._number = number

    @property
    def _writer(self) -> _ztensor.Writer:
        if self._of is None:
            raise UsageError(f"tensor {self._name!r}: the stream is finished or cancelled")
        return self._of._writer

    def write(self, chunk: Any) -> None:
        """Appends rows: an array of any kind and strides, with the dtype and the other dimensions of the tensor.

        A chunk that is refused changes nothing. How rows are cut into chunks never changes the file.
        """
        writer = self._writer
        writer.write_rows(self._number, _spec_of(self._name, chunk))

    @property
    def rows(self) -> int:
        """The number of rows that were written."""
        return self._writer.streamed_rows(self._number)

    def finish(self) -> None:
        """Completes the tensor. Raises `UsageError`, and changes nothing, while rows are missing."""
        self._writer.finish_stream(self._number)
        self._of = None

    def close(self) -> None:
        """Completes the tensor, as `finish` does. Does nothing after the end of the stream."""
        if self._of is not None and self._of._open is not None:
            self.finish()

    def cancel(self) -> None:
        """Leaves the tensor out of the file. Does nothing after the end of the stream."""
        of = self._of
        if of is not None and of._open is not None:
            of._open.cancel_stream(self._number)
        self._of = None

    def __enter__(self) -> TensorStream:
        self._writer  # noqa: B018 - raises if the stream is finished
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is not None:
            self.cancel()
        elif self._of is not None:
            try:
                self.finish()
            except BaseException:
                self.cancel()
                raise

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # at the end of the interpreter
            self.cancel()


def _spec_of(name: str, array: Any, role: str | None = None) -> Spec:
    """`spec_of`, with errors that name the tensor and the part."""
    try:
        return spec_of(array)
    except (UnsupportedError, TypeError, ValueError) as error:
        _say_where(error, name, role)
        raise


def _sparse_of(name: str, tensor: Any) -> _sparse.Sparse | None:
    if is_scipy(tensor):
        return _sparse.from_scipy(tensor)
    if not is_torch(tensor):
        return None
    try:
        return _sparse.from_torch(tensor)
    except UnsupportedError as error:
        _say_where(error, name)
        raise


def _say_where(error: Exception, name: str, role: str | None = None) -> None:
    # An array's own error class may hold more than a message.
    if type(error) in (UnsupportedError, TypeError, ValueError):
        part = "" if role is None else f"part {role!r}: "
        error.args = (f"tensor {name!r}: {part}{error}",)


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The attributes as the module takes them; None if there are none."""
    if attributes is not None and not isinstance(attributes, Mapping):
        raise TypeError(f"attributes must be a dict, not {type(attributes).__name__}")
    return dict(attributes) if attributes else None
