"""Sparse tensors in and out."""

import numpy as np
import pytest
from conftest import NATIVE, numpy_dtype, same_bits

import ztensor

scipy_sparse = pytest.importorskip("scipy.sparse", reason="scipy is not installed")


def parts_of(matrix):
    if matrix.format == "csr":
        return matrix.data, matrix.indices, matrix.indptr
    return matrix.data, *matrix.coords


@pytest.mark.parametrize("format", ["csr", "coo"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "bool", "complex128"])
def test_scipy_matrices_read_back_as_given(round_trip, format, dtype):
    matrix = scipy_sparse.random(20, 30, 0.2, format=format, dtype=np.float64).astype(dtype)
    back = round_trip(matrix).read_tensor("t")
    assert type(back) is {"csr": scipy_sparse.csr_matrix, "coo": scipy_sparse.coo_matrix}[format]
    assert back.shape == matrix.shape
    for mine, theirs in zip(parts_of(back), parts_of(matrix), strict=True):
        same_bits(mine, theirs)
        assert mine.flags.writeable


@pytest.mark.parametrize("format", ["csc", "bsr", "lil", "dok", "dia"])
def test_other_formats_are_stored_as_rows(round_trip, format):
    matrix = scipy_sparse.random(20, 30, 0.2).asformat(format)
    back = round_trip(matrix).read_tensor("t")
    assert back.format == "csr"
    assert np.array_equal(back.toarray(), matrix.toarray())


def test_repeated_cells_and_unsorted_columns_stay(tmp_path):
    path = tmp_path / "r.zt"
    with ztensor.Writer(path) as writer:
        writer.add_sparse_csr("csr", np.array([1.0, 2, 3]), np.array([2, 0, 0]), np.array([0, 3, 3]), (2, 3))
        writer.add_sparse_coo("coo", np.array([1.0, 2]), np.array([[1, 1], [0, 0]]), (2, 3))
    reader = ztensor.open(path)
    csr = reader.read_tensor("csr")
    assert csr.indices.tolist() == [2, 0, 0]
    assert csr.data.tolist() == [1, 2, 3]
    assert reader.read_tensor("coo").nnz == 2


def test_empty_matrices_and_more_dimensions(tmp_path):
    path = tmp_path / "e.zt"
    places = np.array([[0, 1], [1, 2], [2, 3]])
    with ztensor.Writer(path) as writer:
        writer.add_tensor("none", scipy_sparse.csr_matrix((0, 0)))
        writer.add_tensor("empty", scipy_sparse.coo_matrix((3, 4)))
        writer.add_sparse_coo("cube", np.array([1.0, 2]), places, (2, 3, 4))
    reader = ztensor.open(path)
    assert reader.read_tensor("none").shape == (0, 0)
    assert reader.read_tensor("empty").nnz == 0
    cube = reader.read_tensor("cube")
    assert cube.shape == (2, 3, 4)
    assert np.array_equal(np.stack(cube.coords), places)


@pytest.mark.parametrize(
    ("indices", "indptr", "shape"),
    [
        ([0, 5], [0, 1, 2], (2, 3)),
        ([0, 1], [0, 2, 1], (2, 3)),
        ([0, 1], [0, 2], (2, 3)),
        ([0, -1], [0, 1, 2], (2, 3)),
    ],
)
def test_parts_that_do_not_agree_are_refused(tmp_path, indices, indptr, shape):
    with ztensor.Writer(tmp_path / "w.zt") as writer:
        with pytest.raises(ztensor.UsageError):
            writer.add_sparse_csr("t", np.ones(2), np.array(indices), np.array(indptr), shape)


def test_sparse_tensors_are_not_sliced_or_converted(round_trip):
    tensor = round_trip(scipy_sparse.random(5, 5, 0.5, format="csr"))["t"]
    assert tensor.layout == "sparse_csr"
    for use in (lambda: tensor[0], lambda: np.asarray(tensor)):
        with pytest.raises(ztensor.UnsupportedError):
            use()


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"])
@pytest.mark.parametrize("layout", ["csr", "coo"])
def test_values_that_scipy_cannot_have_are_unsupported(tmp_path, layout, name):
    values = np.ones(2, numpy_dtype(name))
    with ztensor.Writer(tmp_path / "h.zt") as writer:
        if layout == "csr":
            writer.add_sparse_csr("t", values, np.array([0, 1]), np.array([0, 1, 2]), (2, 2))
        else:
            writer.add_sparse_coo("t", values, np.array([[0, 1], [0, 1]]), (2, 2))
    reader = ztensor.open(tmp_path / "h.zt")
    with pytest.raises(ztensor.UnsupportedError, match=rf"h\.zt: tensor 't': .*{name}.*to=\"torch\".*parts") as caught:
        reader.read_tensor("t")
    assert caught.value.rule == "python.array"
    same_bits(reader["t"].parts["values"], values)


@pytest.mark.parametrize("name", [name for name in NATIVE if name != "float16"])
@pytest.mark.parametrize("format", ["csr", "coo"])
def test_values_of_every_dtype_that_scipy_has_are_of_use(round_trip, format, name):
    array = np.eye(3).astype(name)
    back = round_trip(scipy_sparse.csr_array(array).asformat(format)).read_tensor("t")
    assert back.dtype == array.dtype
    assert np.array_equal(back.toarray(), array)
    assert np.array_equal((back + back).toarray(), array + array)


def test_a_csr_matrix_with_room_to_spare_is_stored_without_it(tmp_path):
    matrix = scipy_sparse.csr_matrix(np.eye(3))
    matrix.data = np.append(matrix.data, [9.0, 9.0])
    matrix.indices = np.append(matrix.indices, [0, 0]).astype(matrix.indices.dtype)
    path = tmp_path / "s.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("m", matrix)
    assert np.array_equal(ztensor.open(path).read_tensor("m").toarray(), np.eye(3))


def test_parts_of_a_wrong_shape_are_refused(tmp_path):
    cells, places = np.float32([1, 2, 3]), np.array([[0, 1], [0, 2], [1, 1]])  # (nnz, ndim)
    with ztensor.Writer(tmp_path / "s.zt") as writer:
        for wrong in (places, places.T[None], places.T.reshape(6, 1)):
            with pytest.raises(ztensor.UsageError, match=r"'t': indices of shape .*: expected \[2, 3\]"):
                writer.add_sparse_coo("t", cells, wrong, (2, 3))
        with pytest.raises(ztensor.UsageError, match=r"'t': values of shape \[1, 3\]: expected one dimension"):
            writer.add_sparse_coo("t", cells[None], places.T, (2, 3))
        for i, what in enumerate(("values", "indices", "indptr")):
            parts = [cells, np.array([1, 2, 1]), np.array([0, 2, 3])]
            parts[i] = parts[i][:, None]
            with pytest.raises(ztensor.UsageError, match=rf"'t': {what} of shape \[3, 1\]: expected one dimension"):
                writer.add_sparse_csr("t", *parts, (2, 3))
        writer.add_sparse_coo("t", cells, places.T, (2, 3))
        writer.add_sparse_coo("flat", cells, places.T.ravel(), (2, 3))
    reader = ztensor.open(tmp_path / "s.zt")
    for name in ("t", "flat"):
        assert reader.read_tensor(name).toarray().tolist() == [[0, 1, 2], [0, 3, 0]]


def test_torch_sparse_tensors_read_back(round_trip):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    dense = torch.randn(6, 7).relu().to(torch.bfloat16)
    repeated = torch.sparse_coo_tensor(torch.tensor([[0, 0], [1, 1]]), torch.ones(2), (3, 3))
    for tensor in (dense.to_sparse_csr(), dense.to_sparse_coo(), repeated):
        back = round_trip(tensor).read_tensor("t", to="torch")
        assert back.layout == tensor.layout
        assert back.dtype == tensor.dtype
        assert torch.equal(back.to_dense(), tensor.to_dense())
    assert back._nnz() == 2


@pytest.mark.parametrize("role", ["indices", "indptr"])
def test_indices_are_checked_as_the_call_says(tmp_path, role):
    path = tmp_path / "c.zt"
    with ztensor.Writer(path) as writer:
        writer.add_sparse_csr("t", np.ones(2), np.array([2, 0]), np.array([0, 1, 2]), (2, 4))
    part = ztensor.open(path).metadata("t").parts[role]
    data = bytearray(path.read_bytes())
    data[part.offset + (0 if role == "indices" else 8)] ^= 1  # another column, another row: within bounds
    path.write_bytes(data)
    for reader, verify in ((ztensor.open(path), None), (ztensor.open(path, verify=False), True)):
        with pytest.raises(ztensor.ChecksumError, match=role):
            reader.read_tensor("t", verify=verify)
    for reader, verify in ((ztensor.open(path), False), (ztensor.open(path, verify=False), None)):
        assert reader.read_tensor("t", verify=verify).nnz == 2


FAMILIES = [kind + "_" + family for kind in ("csr", "coo") for family in ("array", "matrix")]


@pytest.mark.parametrize("format", ["1.2", "2"])
@pytest.mark.parametrize("kind", FAMILIES)
def test_arrays_come_back_as_arrays_and_matrices_as_matrices(tmp_path, kind, format):
    given = getattr(scipy_sparse, kind)(np.array([[1, 2], [3, 4]]))
    path = tmp_path / "f.zt"
    with ztensor.Writer(path, format=format) as writer:
        writer.add_tensor("t", given, attributes={"mine": 1})
        writer.add_tensor("bare", given)
    reader = ztensor.open(path)
    back = reader.read_tensor("t")
    assert type(back) is type(given)
    assert (back * back).toarray().tolist() == (given * given).toarray().tolist()
    assert reader["t"].attributes == reader.metadata("t").attributes == {"mine": 1}
    assert reader["bare"].attributes == {}
    assert "ztensor.scipy" not in str(ztensor.info(path))


@pytest.mark.parametrize("kind", ["csc", "bsr", "lil", "dok", "dia"])
def test_the_family_of_other_formats_stays_too(round_trip, kind):
    for family in ("array", "matrix"):
        given = getattr(scipy_sparse, f"{kind}_{family}")(np.eye(4))
        assert type(round_trip(given).read_tensor("t")) is getattr(scipy_sparse, f"csr_{family}")


@pytest.mark.parametrize("shape", [(7,), (2, 3, 4), (2, 1, 3, 2)])
def test_arrays_of_other_ranks_come_back(round_trip, shape):
    array = np.arange(np.prod(shape)).reshape(shape) % 3
    back = round_trip(scipy_sparse.coo_array(array)).read_tensor("t")
    assert type(back) is scipy_sparse.coo_array
    assert np.array_equal(back.toarray(), array)
    if len(shape) == 1:
        for kind in (scipy_sparse.csr_array, scipy_sparse.dok_array):
            assert np.array_equal(round_trip(kind(array)).read_tensor("t").toarray(), array)


def test_the_family_survives_whatever_is_done_to_the_file(tmp_path):
    first, second, third, old = (tmp_path / name for name in ("1.zt", "2.zt", "3.zt", "old.zt"))
    given = scipy_sparse.csr_array(np.array([[1, 2], [3, 4]]))
    with ztensor.Writer(first) as writer:
        writer.add_tensor("t", given)

    def family(path):
        return type(ztensor.open(path).read_tensor("t"))

    ztensor.convert(first, second, to="2")
    ztensor.convert(second, third, to="1.2")
    assert family(second) is family(third) is scipy_sparse.csr_array
    with ztensor.Writer(third, mode="a") as writer:
        writer.add_tensor("other", np.ones(3))
        writer.set_tensor_attributes("t", {"mine": 1})
    assert family(third) is scipy_sparse.csr_array
    assert ztensor.open(third)["t"].attributes == {"mine": 1}
    with ztensor.Writer(third, mode="a") as writer:
        writer.set_tensor_attributes("t", None)
    assert family(third) is scipy_sparse.csr_array
    with ztensor.Writer(tmp_path / "4.zt") as writer:
        writer.add_tensor("t", ztensor.open(third)["t"])
    assert family(tmp_path / "4.zt") is scipy_sparse.csr_array
    ztensor.convert(first, old, to="1.0")  # has no attributes: a matrix comes back, as from every plain file
    assert family(old) is scipy_sparse.csr_matrix
    with ztensor.Writer(tmp_path / "made-old.zt", format="1.0") as writer:
        writer.add_tensor("t", given)
    assert family(tmp_path / "made-old.zt") is scipy_sparse.csr_matrix


@pytest.mark.parametrize("format", ["1.2", "2"])
def test_the_family_is_no_difference_of_content(tmp_path, format):
    paths = [tmp_path / "array.zt", tmp_path / "matrix.zt"]
    for path, kind in zip(paths, (scipy_sparse.csr_array, scipy_sparse.csr_matrix), strict=True):
        with ztensor.Writer(path, format=format) as writer:
            writer.add_tensor("t", kind(np.array([[1, 2], [3, 4]])))
    assert ztensor.diff(*paths).same
    assert ztensor.content_id(paths[0]) == ztensor.content_id(paths[1])


def test_plain_parts_come_back_as_a_matrix(tmp_path):
    with ztensor.Writer(tmp_path / "p.zt") as writer:
        writer.add_sparse_csr("t", np.ones(2), np.array([0, 1]), np.array([0, 1, 2]), (2, 2))
    assert type(ztensor.open(tmp_path / "p.zt").read_tensor("t")) is scipy_sparse.csr_matrix
