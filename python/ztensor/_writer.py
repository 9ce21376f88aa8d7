"""Writing files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from . import _sparse, _ztensor
from ._errors import UsageError
from ._incoming import is_scipy, is_torch, spec_of
from ._options import (
    Limits,
    alignment_of,
    encode_path,
    level_of,
    limits_of,
    name_of_tensor,
    shape_of,
    threads_of,
)
from ._tensor import Tensor


class Writer:
    """Writes one file, which appears at its target, whole, when it is finalized.

    `target` is a path or a writable binary file object. `mode`: "w" new or replace, "x" new or
    `FileExistsError`. `compress`: False, True (zstd level 3), or a zstd level. `checksum`: "crc32c" (also
    None), "sha256", "none". `alignment` of parts: a power of two; None is 64. `attributes` are the file's.
    `durable` also syncs new files.

    As a context manager it finalizes; left by an exception, it publishes nothing.
    """

    def __init__(
        self,
        target: str | os.PathLike[str] | Any,
        *,
        mode: str = "w",
        format: str | None = None,
        compress: bool | int = False,
        checksum: str | None = None,
        alignment: int | None = None,
        attributes: Mapping[str, Any] | None = None,
        durable: bool = False,
        threads: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._open: _ztensor.Writer | None = None
        if mode not in ("w", "x"):
            raise UsageError(f"mode is {mode!r}: expected 'w' or 'x'")
        if attributes is not None and not isinstance(attributes, Mapping):
            raise TypeError(f"attributes must be a dict, not {type(attributes).__name__}")
        self.attributes: dict[str, Any] = dict(attributes or {})
        _ztensor.check_attributes(self.attributes)
        is_path = isinstance(target, (str, os.PathLike))
        if not is_path and not hasattr(target, "write"):
            raise TypeError(f"target must be a path or a writable binary file, not {type(target).__name__}")
        self._open = _ztensor.create_writer(
            encode_path(target) if is_path else target,
            is_path,
            mode == "x",
            "1.2" if format is None else format,
            level_of(compress) or 0,
            checksum,
            alignment_of(alignment),
            durable,
            threads_of(threads),
            limits_of(limits),
        )

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
        compress: bool | int | None = None,
        checksum: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Any array: NumPy, torch, `scipy.sparse`, or what has `__array__` or `__dlpack__`.

        Its bytes are taken before the call returns. `compress` and `checksum` are the writer's unless given.
        """
        if isinstance(tensor, Tensor):
            tensor = tensor.numpy()
        sparse = _sparse_of(tensor)
        if sparse is None:
            self._writer.add(name_of_tensor(name), spec_of(tensor), level_of(compress), checksum, _plain(attributes))
        elif sparse.indptr is None:
            self.add_sparse_coo(
                name, sparse.values, sparse.indices, sparse.shape,
                compress=compress, checksum=checksum, attributes=attributes,
            )  # fmt: skip
        else:
            self.add_sparse_csr(
                name, sparse.values, sparse.indices, sparse.indptr, sparse.shape,
                compress=compress, checksum=checksum, attributes=attributes,
            )  # fmt: skip

    def add_alias(self, name: str, existing: str) -> None:
        """A second name of a tensor that was added; its bytes are stored once."""
        self._writer.add_alias(name_of_tensor(name), name_of_tensor(existing))

    def add_sparse_csr(
        self,
        name: str,
        values: Any,
        indices: Any,
        indptr: Any,
        shape: Iterable[int],
        *,
        compress: bool | int | None = None,
        checksum: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """A matrix in compressed rows; pointers and columns are checked."""
        self._writer.add_csr(
            name_of_tensor(name),
            shape_of(shape),
            spec_of(values),
            spec_of(indices),
            spec_of(indptr),
            level_of(compress),
            checksum,
            _plain(attributes),
        )

    def add_sparse_coo(
        self,
        name: str,
        values: Any,
        indices: Any,
        shape: Iterable[int],
        *,
        compress: bool | int | None = None,
        checksum: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Coordinates: `indices` is (ndim, nnz)."""
        self._writer.add_coo(
            name_of_tensor(name),
            shape_of(shape),
            spec_of(values),
            spec_of(indices),
            level_of(compress),
            checksum,
            _plain(attributes),
        )

    def add_object(
        self,
        name: str,
        shape: Iterable[int],
        layout: str,
        parts: Mapping[str, Any],
        attributes: Mapping[str, Any] | None = None,
        *,
        compress: bool | int | None = None,
        checksum: str | None = None,
    ) -> None:
        """A tensor of any layout: `parts` maps a role to an array, as `Tensor.parts` does back."""
        specs = [(role, spec_of(part)) for role, part in parts.items()]
        self._writer.add_object(
            name_of_tensor(name),
            shape_of(shape),
            layout,
            specs,
            level_of(compress),
            checksum,
            _plain(attributes),
        )

    def finalize(self) -> None:
        """Writes the index and publishes the file."""
        writer = self._writer
        _ztensor.check_attributes(self.attributes)
        self._open = None
        try:
            writer.finalize(_plain(self.attributes))
        except BaseException:
            writer.abort()
            raise

    def abort(self) -> None:
        """Gives up: the target stays as it was. Idempotent."""
        writer, self._open = self._open, None
        if writer is not None:
            writer.abort()

    def __enter__(self) -> Writer:
        self._writer  # noqa: B018 - throws when finished
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is not None:
            self.abort()
        elif self._open is not None:
            self.finalize()


def _sparse_of(tensor: Any) -> _sparse.Sparse | None:
    if is_scipy(tensor):
        return _sparse.from_scipy(tensor)
    if is_torch(tensor):
        return _sparse.from_torch(tensor)
    return None


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """As the module takes them; no attributes are stored as none."""
    if attributes is not None and not isinstance(attributes, Mapping):
        raise TypeError(f"attributes must be a dict, not {type(attributes).__name__}")
    return dict(attributes) if attributes else None
