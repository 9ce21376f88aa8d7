"""Converts sparse tensors from and to SciPy and torch. Cells keep their order, and repeated cells stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ._errors import CANNOT_HOLD, UnsupportedError
from ._to_arrays import torch_of_array
from ._torch import is_ordinary, taken

SCIPY_KEY = "ztensor.scipy"  # users do not see this attribute
SCIPY_CHARS = "?bBhHiIlLqQfdFD"  # those of our dtypes that SciPy's sparse code supports


@dataclass(frozen=True)
class Sparse:
    """The parts of a sparse tensor; `indptr` is None for COO, whose `indices` are (ndim, nnz).

    `is_array`: it is a SciPy sparse array, which multiplies element by element, and not a SciPy matrix.
    """

    shape: tuple[int, ...]
    values: Any
    indices: Any
    indptr: Any = None
    is_array: bool = False

    @property
    def attributes(self) -> dict[str, str]:
        """Attributes besides the user's. Without two dimensions there are only arrays, so no attribute is needed."""
        return {SCIPY_KEY: "array"} if self.is_array and len(self.shape) == 2 else {}


def from_scipy(matrix: Any) -> Sparse:
    is_array = not isinstance(matrix, _spmatrix())
    if matrix.format == "csr" and matrix.ndim == 2:
        used = int(matrix.indptr[-1])  # SciPy allows arrays that are longer than the matrix needs
        return Sparse(matrix.shape, matrix.data[:used], matrix.indices[:used], matrix.indptr, is_array)
    if matrix.format != "coo" and matrix.ndim == 2:
        return from_scipy(matrix.tocsr())
    coo = matrix.tocoo()
    places = coo.coords if hasattr(coo, "coords") else (coo.row, coo.col)
    return Sparse(coo.shape, coo.data, np.stack(places), None, is_array)


def _spmatrix() -> Any:
    import scipy.sparse

    return scipy.sparse.spmatrix


def from_torch(tensor: Any) -> Sparse | None:
    """None for a dense tensor."""
    if is_ordinary(tensor) and _is_strided(tensor):
        return None
    return taken(_parts_of_torch, tensor)


def _is_strided(tensor: Any) -> bool:
    import torch

    return bool(tensor.layout == torch.strided)


def _parts_of_torch(tensor: Any) -> Sparse | None:
    import torch

    if tensor.layout == torch.strided:
        return None
    plain = tensor.detach()
    shape = tuple(plain.shape)
    if plain.layout == torch.sparse_coo and not plain.is_meta:
        values = plain._values()  # the public calls require coalescing, which would sum repeated cells
        if values.dim() == 1:
            return Sparse(shape, values, plain._indices())
    elif plain.layout == torch.sparse_csr and not plain.is_meta:
        if len(shape) == 2 and plain.values().dim() == 1:
            return Sparse(shape, plain.values(), plain.col_indices(), plain.crow_indices())
    raise UnsupportedError(
        f"a torch tensor of layout {tensor.layout} and shape {shape} cannot be stored: "
        "only sparse_csr matrices and sparse_coo tensors without dense dimensions can"
    )


def refuse_float4() -> NoReturn:
    raise UnsupportedError("SciPy and torch have no sparse tensors of float4_e2m1fn: read its parts", rule=CANNOT_HOLD)


def to_scipy(parts: Sparse) -> Any:
    try:
        import scipy.sparse
    except ImportError as error:
        raise ImportError(
            'a sparse tensor becomes an object of scipy.sparse: pip install "ztensor[scipy]", or read its parts'
        ) from error

    if parts.values.dtype.char not in SCIPY_CHARS:
        raise UnsupportedError(
            f'SciPy has no sparse tensors of {parts.values.dtype}: read it with to="torch", or read its parts',
            rule=CANNOT_HOLD,
        )
    csr, coo = scipy.sparse.csr_matrix, scipy.sparse.coo_matrix
    if parts.is_array:
        csr, coo = scipy.sparse.csr_array, scipy.sparse.coo_array
    try:
        if parts.indptr is not None:
            return csr((parts.values, parts.indices, parts.indptr), parts.shape)
        places = tuple(parts.indices.reshape(len(parts.shape), -1))
        if len(parts.shape) == 2:
            return coo((parts.values, places), parts.shape)
        return scipy.sparse.coo_array((parts.values, places), parts.shape)
    except (ValueError, TypeError) as error:
        raise UnsupportedError(
            f"SciPy cannot hold a sparse tensor of {parts.values.dtype} and shape {parts.shape}: {error}",
            rule=CANNOT_HOLD,
        ) from error


def to_torch(parts: Sparse, dtype: str) -> Any:
    """`dtype` is the name of the dtype of the values."""
    import torch

    values = torch_of_array(parts.values, dtype)
    indices = torch.from_numpy(parts.indices)
    if parts.indptr is not None:
        rows = torch.from_numpy(parts.indptr)
        return torch.sparse_csr_tensor(rows, indices, values, parts.shape, device="cpu", check_invariants=False)
    places = indices.reshape(len(parts.shape), -1)
    return torch.sparse_coo_tensor(places, values, parts.shape, device="cpu", check_invariants=False)
