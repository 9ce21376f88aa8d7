"""What reading gives: views, copies, and how long they live."""

import gc
import io
import subprocess
import sys

import numpy as np
import pytest
from conftest import same_bits, sample

import ztensor


def test_a_raw_tensor_is_a_read_only_view(round_trip):
    array = round_trip(np.arange(10.0)).read_tensor("t")
    assert not array.flags.writeable
    assert not array.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_a_copy_may_be_written_to(round_trip):
    reader = round_trip(np.arange(10.0))
    copy = reader.read_tensor("t", copy=True)
    copy[:] = 7
    assert reader.read_tensor("t")[1] == 1


@pytest.mark.parametrize("options", [{"compress": True}, {}])
def test_what_is_not_mapped_is_owned_and_may_be_written_to(round_trip, options):
    reader = round_trip(np.zeros(10_000), open_options={"backend": "read"}, **options)
    array = reader.read_tensor("t")
    array[:] = 1
    assert reader.read_tensor("t").sum() == 0


def test_a_view_outlives_the_reader_and_the_file(tmp_path):
    path = tmp_path / "v.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", np.arange(100_000))
    reader = ztensor.open(path)
    view = reader.read_tensor("t")[10:]
    reader.close()
    del reader
    path.unlink()
    gc.collect()
    assert view[0] == 10
    assert view.sum() == np.arange(10, 100_000).sum()


def test_a_view_outlives_the_interpreters_modules(tmp_path):
    path = tmp_path / "v.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", np.arange(1000))
    program = (
        "import sys, ztensor\n"
        f"array = ztensor.open({str(path)!r}).read_tensor('t')\n"
        "sys.kept = array\n"
        "for name in [n for n in sys.modules if n.startswith('ztensor')]: del sys.modules[name]\n"
        "del ztensor\n"
        "import gc; gc.collect()\n"
        "print(array.sum())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "499500\n", "")


def test_many_tensors_are_read_as_a_dict_in_order(tmp_path):
    path = tmp_path / "m.zt"
    arrays = {
        f"t{i}": sample(name, (i, 3), i) for i, name in enumerate(["float32", "bfloat16", "bool", "float4_e2m1fn"])
    }
    with ztensor.Writer(path) as writer:
        for name, array in arrays.items():
            writer.add_tensor(name, array, compress=name == "t1")
    reader = ztensor.open(path)
    for copy in (False, True):
        read = reader.read_tensors(copy=copy)
        assert list(read) == list(arrays)
        for name, array in arrays.items():
            same_bits(read[name], array)
            assert read[name].flags.writeable or not copy
    assert list(reader.read_tensors(["t2", "t0"])) == ["t2", "t0"]
    with pytest.raises(ztensor.TensorNotFoundError):
        reader.read_tensors(["t0", "no"])
    with pytest.raises(TypeError):
        reader.read_tensors("t0")


def test_numpy_converts_a_tensor(round_trip):
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    tensor = round_trip(array)["t"]
    same_bits(np.asarray(tensor), array)
    same_bits(np.asarray(tensor, dtype=np.float64), array.astype(np.float64))
    assert np.array(tensor, copy=True).flags.writeable
    assert not np.asarray(tensor, copy=False).flags.writeable
    with pytest.raises(ValueError, match="dtype"):
        np.asarray(tensor, dtype=np.float64, copy=False)
    assert (np.add(tensor, 1) == array + 1).all()


def test_dlpack_memory_may_be_written_to_without_changing_the_file(round_trip):
    reader = round_trip(np.zeros(10))
    view = reader.read_tensor("t")
    exported = np.from_dlpack(reader["t"])
    assert reader["t"].__dlpack_device__() == (1, 0)
    if exported.flags.writeable:  # as of NumPy 2.x, by the versioned protocol
        exported[:] = 5
    assert view.sum() == 0
    reader.verify()


def test_memory_of_a_caller_is_filled(tmp_path):
    path = tmp_path / "i.zt"
    arrays = {name: sample(name, (4, 5)) for name in ["float32", "bfloat16", "float4_e2m1fn", "bool"]}
    with ztensor.Writer(path) as writer:
        for name, array in arrays.items():
            writer.add_tensor(name, array, compress=name == "float32")
    reader = ztensor.open(path)
    outs = {name: np.empty_like(array) for name, array in arrays.items()}
    reader.read_into(outs)
    for name, array in arrays.items():
        same_bits(outs[name], array)
    strided = np.empty((4, 10), np.float32)[:, ::2]
    reader.read_into("float32", strided)
    same_bits(strided, arrays["float32"])
    swapped = np.empty((4, 5), ">f4")
    reader.read_into("float32", swapped)
    same_bits(swapped.astype("<f4"), arrays["float32"])
    for wrong in (np.empty((5, 4), np.float32), np.empty((4, 5), np.int32)):
        with pytest.raises(ztensor.UsageError):
            reader.read_into("float32", wrong)
    with pytest.raises(TypeError):
        reader.read_into("float32", [1, 2])
    locked = np.empty((4, 5), np.float32)
    locked.flags.writeable = False
    with pytest.raises(ztensor.UsageError, match="read-only"):
        reader.read_into("float32", locked)


def test_bytes_and_file_objects_are_sources(round_trip, tmp_path):
    array = sample("float32", (50, 50))
    round_trip(array)
    path = tmp_path / "0.zt"
    data = path.read_bytes()
    with path.open("rb") as raw, path.open("rb", buffering=0) as unbuffered:
        for source in (data, memoryview(data), bytearray(data), io.BytesIO(data), raw, unbuffered):
            reader = ztensor.open(source)
            same_bits(reader.read_tensor("t"), array)
            same_bits(reader["t"][3:9, ::-2], array[3:9, ::-2])
            assert reader.paths == []
            assert reader["t"].location.path is None
            reader.verify()


def test_what_a_file_object_raises_is_raised(round_trip, tmp_path):
    round_trip(np.zeros(10))

    class Broken(io.BytesIO):
        def readinto(self, buffer):
            raise RuntimeError("the network is down")

    with pytest.raises(RuntimeError, match="the network is down"):
        ztensor.open(Broken((tmp_path / "0.zt").read_bytes()))


def spoil(path, name):
    """Changes a byte of a tensor in place, so that mappings see it."""
    offset = ztensor.open(path)[name].location.offset
    with path.open("r+b") as file:
        file.seek(offset + 9)
        byte = file.read(1)[0]
        file.seek(offset + 9)
        file.write(bytes([byte ^ 1]))


def test_views_are_checked_when_asked(tmp_path):
    path = tmp_path / "c.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", np.zeros(1000))
    spoil(path, "t")
    assert ztensor.open(path).read_tensor("t").sum() != 0  # a borrowed view is not checked
    for read in (
        lambda: ztensor.open(path, verify=True).read_tensor("t"),
        lambda: ztensor.open(path).read_tensor("t", verify=True),
        lambda: ztensor.open(path).read_tensor("t", copy=True),
        lambda: ztensor.open(path).verify(),
        lambda: ztensor.open(path)["t"].verify(),
        lambda: ztensor.verify(path),
    ):
        with pytest.raises(ztensor.ChecksumError) as caught:
            read()
        assert caught.value.code == "mismatch"
    ztensor.open(path, verify=False).read_tensor("t", copy=True)
    ztensor.open(path).read_tensor("t", copy=True, verify=False)


@pytest.mark.parametrize("to", ["numpy", "torch"])
def test_what_a_call_says_of_checks_goes_before_the_reader(tmp_path, to):
    if to == "torch":
        pytest.importorskip("torch", reason="torch is not installed")
    path = tmp_path / "c.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", np.zeros(1000))
    spoil(path, "t")
    strict = ztensor.open(path, verify=True)
    assert strict.read_tensor("t", to, verify=False).sum() != 0
    with pytest.raises(ztensor.ChecksumError):
        strict.read_tensor("t", to)
    with pytest.raises(ztensor.ChecksumError):
        ztensor.open(path, verify=False).read_tensor("t", to, verify=True)


def test_a_view_is_checked_once(tmp_path):
    path = tmp_path / "c.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", np.zeros(1000))
    reader = ztensor.open(path)
    reader.read_tensor("t", verify=True)
    spoil(path, "t")
    assert reader.read_tensor("t", verify=True).sum() != 0
