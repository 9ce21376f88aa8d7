"""The first lines that a user types."""

import numpy as np
import pytest

import ztensor


def test_numpy_arrays_are_written_and_read(tmp_path):
    path = str(tmp_path / "model.zt")
    weights = np.random.rand(1024, 768).astype(np.float32)
    bias = np.zeros(768, np.float32)
    with ztensor.Writer(path) as w:
        w.add_tensor("weights", weights)
        w.add_tensor("bias", bias)
    with ztensor.Reader(path) as r:
        assert np.array_equal(r.read_tensor("weights"), weights)
        assert np.array_equal(r.read_tensor("bias"), bias)


def test_torch_tensors_are_written_and_read(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    path = str(tmp_path / "model.zt")
    tensor = torch.randn(10, 10)
    with ztensor.Writer(path) as w:
        w.add_tensor("embedding", tensor)
    with ztensor.Reader(path) as r:
        assert torch.equal(r.read_tensor("embedding", to="torch"), tensor)


def test_a_sparse_matrix_is_written_and_read(tmp_path):
    scipy_sparse = pytest.importorskip("scipy.sparse", reason="scipy is not installed")
    path = str(tmp_path / "model.zt")
    csr = scipy_sparse.random(100, 100, 0.1, format="csr")
    with ztensor.Writer(path) as w:
        w.add_sparse_csr("my_csr", csr.data, csr.indices, csr.indptr, csr.shape)
    with ztensor.Reader(path) as r:
        back = r.read_tensor("my_csr", to="numpy")
    assert type(back) is scipy_sparse.csr_matrix
    assert (back != csr).nnz == 0


def test_big_data_is_compressed(tmp_path):
    path = tmp_path / "model.zt"
    data = np.arange(1_000_000) // 1000
    with ztensor.Writer(path) as w:
        w.add_tensor("big_data", data, compress=True)
    assert path.stat().st_size < data.nbytes // 4
    with ztensor.Reader(path) as r:
        assert np.array_equal(r.read_tensor("big_data"), data)
