"""Format 2 stores equal bytes once. Tensors that are equal, and not tied, stay independent."""

import ctypes

import numpy as np
import pytest

import ztensor
from ztensor import numpy as zn

FORMS = [{"format": "2"}, {"format": "2", "canonical": False}, {"format": "1.2"}]


@pytest.fixture(params=FORMS, ids=str)
def file(request, tmp_path):
    zn.save_file({name: np.ones(50_000, np.float32) for name in "abc"}, tmp_path / "m.zt", **request.param)
    return tmp_path / "m.zt"


@pytest.mark.parametrize("backend", ["mmap", "pread"])
def test_writing_to_one_leaves_the_others(file, backend):
    arrays = zn.load_file(file, backend=backend)
    arrays["a"][:] = 5
    arrays["b"][0] = 7
    assert arrays["b"][1:].max() == 1 and (arrays["c"] == 1).all()
    arrays = zn.load(file.read_bytes())
    arrays["b"][:] = 5
    assert (arrays["a"] == 1).all() and (arrays["c"] == 1).all()


def test_the_same_for_torch(file):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from ztensor import torch as zt

    tensors = zt.load_file(file)
    tensors["a"][:] = 5
    tensors["b"][:] = 7
    assert (tensors["c"] == 1).all() and (tensors["a"] == 5).all()
    with ztensor.open(file) as reader:
        a, b = reader.read_tensor("a", "torch"), reader.read_tensor("b", "torch")
        a[:] = 5
        assert (b == 1).all() and (reader["c"].numpy() == 1).all()
    with torch.device("meta"):
        model = torch.nn.Sequential(torch.nn.LayerNorm(4), torch.nn.LayerNorm(4))
    whole = torch.nn.Sequential(torch.nn.LayerNorm(4), torch.nn.LayerNorm(4))
    zt.save_model(whole, file, format="2")
    zt.load_model(model, file, assign=True)
    with torch.no_grad():
        model[0].weight *= 3
    assert (model[1].weight == 1).all()


def test_ties_of_format_1_2_are_kept(tmp_path):
    array = np.ones(50_000)
    zn.save_file({"a": array, "b": array, "c": array.copy()}, tmp_path / "m.zt")
    arrays = zn.load_file(tmp_path / "m.zt")
    arrays["a"][:] = 5
    assert (arrays["b"] == 5).all() and (arrays["c"] == 1).all()


def test_many_threads_ask_at_once(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    zn.save_file({f"t{i}": np.full(3000, i % 3) for i in range(200)}, tmp_path / "m.zt", format="2")
    with ztensor.open(tmp_path / "m.zt") as reader, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: reader._read_one_writable(f"t{i}"), range(200)))
    for array in found[:3]:
        array[:] = -1
    assert all((array == i % 3).all() for i, array in enumerate(found) if i >= 3)


def test_the_truth_of_a_scalar_is_its_value_and_other_handles_are_true(tmp_path):
    zn.save_file({"0": np.array(0.0), "1": np.array(1), "none": np.zeros(0), "zero": np.zeros(1)}, tmp_path / "m.zt")
    with ztensor.open(tmp_path / "m.zt") as reader:
        assert {name: bool(reader[name]) for name in reader} == {"0": False, "1": True, "none": True, "zero": True}


def test_a_tensor_of_one_element_is_a_number(tmp_path):
    zn.save_file({"i": np.array(57, np.uint8), "f": np.array([2.5]), "v": np.arange(3)}, tmp_path / "m.zt")
    with ztensor.open(tmp_path / "m.zt") as reader:
        assert (int(reader["i"]), float(reader["i"]), reader["i"].item()) == (57, 57.0, 57)
        assert list(range(100))[reader["i"]] == 57
        assert reader["f"].item() == 2.5 and complex(reader["i"]) == 57
        with pytest.raises(TypeError, match="0-d"):
            list(reader["i"])
        with pytest.raises(TypeError):
            list(range(3))[reader["v"]]
        with pytest.raises(BufferError, match="read-only"):
            get_buffer = ctypes.pythonapi.PyObject_GetBuffer
            get_buffer(ctypes.py_object(reader["v"]), ctypes.create_string_buffer(200), 1)  # PyBUF_WRITABLE
        assert [int(one) for one in reader["v"]] == [0, 1, 2]
