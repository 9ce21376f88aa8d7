"""The results of reading: views, copies, and how long they live."""

import builtins
import ctypes
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
    with pytest.raises(ValueError, match="copy"):
        np.asarray(tensor, dtype=np.float64, copy=False)
    assert (np.add(tensor, 1) == array + 1).all()


def test_dlpack_memory_may_be_written_to_without_changing_the_file(round_trip):
    reader = round_trip(np.zeros(10))
    view = reader.read_tensor("t")
    exported = np.from_dlpack(reader["t"])
    assert reader["t"].__dlpack_device__() == (1, 0)
    if exported.flags.writeable:  # in NumPy 2.x, with the versioned protocol
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


def overwritten(view):
    """Writes 9 over a view, like code that ignores NumPy's flag."""
    memory = (ctypes.c_char * view.nbytes).from_address(view.ctypes.data)
    memory[:] = np.full(view.shape, 9.0).tobytes()


WRITES = ["ctypes", "flag", "dlpack", "from_numpy"]


@pytest.mark.parametrize("how", WRITES)
def test_writing_through_a_view_all_the_same_harms_nobody_else(tmp_path, how):
    path = tmp_path / "w.zt"
    array = np.arange(6.0)
    with ztensor.Writer(path) as writer:
        writer.add_tensor("x", array)
        writer.add_tensor("y", array)
    before = path.read_bytes()
    program = f"""
import ctypes, sys, warnings
import numpy as np
import ztensor
warnings.simplefilter("ignore")
reader = ztensor.open({str(path)!r})
view, tensor = reader.read_tensor("x"), {"None" if how in WRITES[:2] else 'reader.read_tensor("x", to="torch")'}
assert not view.flags.writeable
if {how!r} == "ctypes":
    ctypes.memset(view.ctypes.data, 0x40, view.nbytes)
elif {how!r} == "flag":
    interface = dict(view.__array_interface__, data=(view.ctypes.data, False))
    holder = type("Holder", (), {{"__array_interface__": interface}})()
    np.asarray(holder)[:] = 9
else:
    import torch
    t = torch.from_dlpack(view) if {how!r} == "dlpack" else torch.from_numpy(view)
    t += 9
    assert tensor.tolist() == list(range(6)), "torch's own mapping"
assert view[1] != 1
array = np.arange(6.0)
assert np.array_equal(reader.read_tensor("x", copy=True), array)
assert np.array_equal(reader.read_tensor("y"), array)
reader.verify()
reader.read_tensor("x", verify=True)
assert np.array_equal(np.from_dlpack(reader["x"]), array)
assert np.array_equal(ztensor.open({str(path)!r}).read_tensor("x", verify=True), array)
"""
    if how in WRITES[2:]:
        pytest.importorskip("torch", reason="torch is not installed")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == before


def test_verify_of_a_view_looks_at_the_file_and_not_at_the_view(tmp_path):
    path = tmp_path / "w.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("x", np.arange(6.0))
    reader = ztensor.open(path)
    overwritten(reader.read_tensor("x"))
    reader.read_tensor("x", verify=True)  # for the first time
    data = bytearray(path.read_bytes())
    data[64] ^= 1
    with builtins.open(path, "r+b") as file:
        file.write(data)
    with pytest.raises(ztensor.ChecksumError):
        reader.verify()


def test_views_are_to_be_had_where_the_system_has_no_room_for_private_pages(tmp_path):
    path = tmp_path / "big.zt"
    with ztensor.Writer(path, checksum="none") as writer:
        writer.add_tensor("x", np.arange(40_000_000 // 8, dtype=float))
    program = f"""
import resource
import numpy as np
import ztensor
reader = ztensor.open({str(path)!r}, backend="mmap")
used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData")) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + 20_000_000, used + 20_000_000))
view = reader.read_tensor("x")
assert view[1234567] == 1234567 and not view.flags.writeable and not view.flags.owndata
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_masked_array_is_not_read_into_and_other_classes_of_array_are(round_trip):
    reader = round_trip(np.arange(6.0).reshape(2, 3))
    masked = np.ma.array(np.zeros((2, 3)), mask=np.eye(2, 3, dtype=bool))
    for out in (masked, np.ma.zeros((2, 3))):
        with pytest.raises(ztensor.UsageError, match=r"tensor 't' is masked: read into its \.data"):
            reader.read_into("t", out)
    too_large = np.lib.stride_tricks.as_strided(np.zeros(5), (2, 3), (24, 8))
    with pytest.raises(ztensor.UnsupportedError, match=r"the array for tensor 't': .*reaches out"):
        reader.read_into("t", too_large)
    reader.read_into("t", masked.data)
    assert masked.data.tolist() == [[0, 1, 2], [3, 4, 5]]
    for out in (np.matrix(np.zeros((2, 3))), np.matrix(np.zeros((3, 2))).T):
        reader.read_into("t", out)
        assert out.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_tensor_that_exports_itself_is_an_error_and_no_crash(tmp_path):
    class Odd(ztensor.Tensor):
        def _exported(self):
            return self

    with ztensor.Writer(tmp_path / "a.zt") as writer:
        writer.add_tensor("t", np.ones(3))
    reader = ztensor.open(tmp_path / "a.zt")
    odd = Odd(reader["t"]._handle, "t", reader)
    with pytest.raises(RecursionError):
        memoryview(odd)
    assert memoryview(reader["t"]).tolist() == [1, 1, 1]
