"""ztensor.jax in the place of safetensors.flax."""

import io

import ml_dtypes
import numpy as np
import pytest
from conftest import ALL_DTYPES, same_bits, sample

import ztensor

jax = pytest.importorskip("jax", reason="jax is not installed")

from ztensor.jax import load, load_file, save, save_file  # noqa: E402 - needs jax

ENDINGS = ("zt", "safetensors")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("backend", ["mmap", "pread"])
@pytest.mark.parametrize("name", ALL_DTYPES)
def test_every_dtype_keeps_its_bits_and_shapes(tmp_path, ending, backend, name):
    if name == "complex128" and ending == "safetensors":
        with pytest.raises(ztensor.UnsupportedError, match="complex128"):
            save_file({"x": sample(name, (2,))}, tmp_path / "x.safetensors")
        return
    arrays = {"matrix": sample(name, (2, 4)), "empty": sample(name, (0, 3))}
    if name != "float4_e2m1fn" or ending == "zt":
        arrays["number"] = sample(name, ())
    path = tmp_path / f"x.{ending}"
    save_file(arrays, path)
    for loaded in (load_file(path, backend=backend), load(path.read_bytes())):
        for each, array in arrays.items():
            assert isinstance(loaded[each], jax.Array)
            same_bits(np.asarray(loaded[each]), array)


@pytest.mark.parametrize("ending", ENDINGS)
def test_arrays_of_jax_come_back_with_their_ties_and_metadata(tmp_path, ending):
    array = jax.numpy.arange(20_000.0)
    tensors = {"a": array, "b": array, "half": array.astype(jax.numpy.bfloat16), "number": jax.numpy.float32(3)}
    path = tmp_path / f"x.{ending}"
    save_file(tensors, path, {"k": "v"})
    assert (path.stat().st_size < 1.7 * array.nbytes) == (ending == "zt")
    loaded = load_file(path)
    for name, tensor in tensors.items():
        same_bits(np.asarray(loaded[name]), np.asarray(tensor))
    assert loaded["half"].dtype == ml_dtypes.bfloat16
    for framework in ("jax", "flax"):
        with ztensor.safe_open(path, framework) as file:
            assert file.metadata() == {"k": "v"}
            assert isinstance(file.get_slice("a")[2:5], jax.Array)
            assert file.get_slice("a")[::-5000].tolist() == [19_999.0, 14_999.0, 9_999.0, 4_999.0]
            assert file.get_slice("a")[7].shape == ()
            same_bits(np.asarray(file.get_tensor("b")), np.asarray(array))
            assert list(file.get_tensors()) == list(loaded)


def test_safetensors_reads_our_files_and_we_read_those_of_safetensors(tmp_path):
    flax = pytest.importorskip("safetensors.flax", reason="safetensors is not installed beside jax")
    tensors = {"a": jax.numpy.arange(6.0).reshape(2, 3), "b": jax.numpy.ones((0, 2), jax.numpy.float16)}
    assert save(tensors, format="safetensors") == flax.save(tensors)
    for loaded in (load(flax.save(tensors)), flax.load(save(tensors, format="safetensors"))):
        for name, tensor in tensors.items():
            same_bits(np.asarray(loaded[name]), np.asarray(tensor))


def test_devices_are_those_of_jax(tmp_path):
    save_file({"a": np.arange(3)}, tmp_path / "d.zt")
    for device in (None, "cpu", "cpu:0", jax.devices("cpu")[0]):
        assert load_file(tmp_path / "d.zt", device=device)["a"].devices() == {jax.devices("cpu")[0]}
    with pytest.raises((RuntimeError, IndexError)):
        load_file(tmp_path / "d.zt", device="nothing")


def test_an_array_does_not_follow_the_bytes_that_it_came_from():
    data = bytearray(save({"a": np.arange(4, dtype=np.int32)}))
    loaded = load(data)["a"]
    data[:] = bytes(len(data))
    assert loaded.tolist() == [0, 1, 2, 3]


def test_what_is_traced_is_refused(tmp_path):
    def save_inside(array):
        save_file({"x": array}, tmp_path / "x.zt")
        return array

    with pytest.raises((jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError)):
        jax.jit(save_inside)(jax.numpy.ones(3))
    assert list(tmp_path.iterdir()) == []


def test_a_file_object_and_names_are_taken():
    out = io.BytesIO()
    save_file({"a": np.arange(3), "b": np.arange(4)}, out)
    assert list(load_file(io.BytesIO(out.getvalue()), names=["b"])) == ["b"]


def test_what_programs_of_safetensors_catch_has_its_name_here():
    assert ztensor.jax.SafetensorError is ztensor.ZTensorError
