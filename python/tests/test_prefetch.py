"""Reading in the background: plans, errors and sources. test_prefetch_ends.py has threads, processes and the end."""

import io
import threading

import numpy as np
import pytest
from prefetch_files import COUNT, values, write_file

import ztensor
from ztensor._dtypes import NUMPY

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def path(tmp_path):
    return write_file(tmp_path)


@pytest.fixture
def reader(path):
    return ztensor.open(path)


class Remote(io.BytesIO):
    """A file object of an unknown class, which must be called by the thread that wants the bytes."""

    def readinto(self, buffer):
        assert threading.current_thread() is threading.main_thread()
        return super().readinto(buffer)


INDICES = [
    3,
    -1,
    np.int64(2),
    (4, 5),
    (-300, -1),
    slice(10, 20),
    slice(None, None, -1),
    slice(None, None, 7),
    slice(250, 10, -60),
    slice(5, 5),
    slice(None, 10**9, 10**9),
    ...,
    (..., 3),
    (slice(2, 4), ...),
    (slice(None), slice(3, 9, 2)),
    (None, 5, None, slice(0, 3)),
    (..., None),
    (None, ..., slice(None, None, -3)),
    (0, 0, None),
    (0, ..., 1),
]


@pytest.mark.parametrize("backend", ["auto", "read"])
@pytest.mark.parametrize("to", ["numpy", "torch"])
def test_a_plan_selects_what_indexing_selects(path, to, backend):
    if to == "torch":
        pytest.importorskip("torch")
    reader = ztensor.open(path, backend=backend)
    for name in ("t0", "t1"):  # raw and compressed
        for key in INDICES:
            ((found, array),) = reader.prefetch({name: key}, to)
            expected = np.asarray(reader[name][key])
            assert found == name
            assert tuple(array.shape) == expected.shape, key
            assert (np.asarray(array) == expected).all(), key


def test_arrays_are_owned_and_writable(reader):
    for _, array in reader.prefetch({"t0": None, "t1": (3, 4), "t2": slice(3, 9)}, "numpy"):
        assert array.flags.writeable and array.flags.c_contiguous
        array[...] = 0
    assert (reader.read_tensor("t0") == values(0)).all()


def test_everything_is_read_by_default_and_as_torch_tensors(reader):
    torch = pytest.importorskip("torch")
    found = dict(reader.prefetch())
    assert sorted(found) == sorted(reader)
    for i in range(COUNT):
        assert torch.equal(found[f"t{i}"], torch.from_numpy(values(i)))


def test_torch_tensors_go_to_the_device(reader):
    torch = pytest.importorskip("torch")
    for device in ("cpu", torch.device("cpu"), "meta"):
        with torch.device("meta"):  # the caller's default device changes nothing
            ((_, tensor),) = reader.prefetch(["t0"], device=device)
        assert tensor.device == torch.device(device)
    assert next(reader.prefetch(["t0"]))[1].device.type == "cpu"


def test_names_count_and_take(reader):
    prefetch = reader.prefetch(["t5", "t2", "t9"], "numpy")
    assert isinstance(prefetch, ztensor.Prefetch)
    assert prefetch.names() == ["t2", "t5", "t9"]  # in the order of the file
    assert len(prefetch) == 3 and prefetch
    assert (prefetch.take("t9") == values(9)).all()
    assert len(prefetch) == 2
    with pytest.raises(ztensor.UsageError, match=r"tensor 't9'.*handed out already"):
        prefetch.take("t9")
    with pytest.raises(ztensor.TensorNotFoundError, match="no tensor of the plan is named 't3'"):
        prefetch.take("t3")
    assert {name for name, _ in prefetch} == {"t2", "t5"}
    assert len(prefetch) == 0
    with pytest.raises(StopIteration):
        next(prefetch)
    assert prefetch.names() == ["t2", "t5", "t9"]
    assert "3 tensors" in repr(prefetch)


def test_take_before_and_between_iterations(reader):
    prefetch = reader.prefetch(to="numpy", ahead=0)
    assert (prefetch.take("t19") == values(19)).all()
    name, _ = next(prefetch)
    assert name == "t0"
    assert (prefetch.take("t10") == values(10)).all()
    assert sorted(name for name, _ in prefetch) == sorted(f"t{i}" for i in range(1, 19) if i != 10)


def test_one_thread_hands_out_in_the_order_of_the_file(reader):
    assert [name for name, _ in reader.prefetch(reversed(list(reader)), "numpy", threads=1)] == list(reader)


def test_what_is_wrong_with_a_call_is_raised_by_the_call(reader, tmp_path):
    with pytest.raises(KeyError, match="no tensor is named 'none'"):
        reader.prefetch(["t0", "none"])
    with pytest.raises(ztensor.TensorNotFoundError):
        reader.prefetch({"none": slice(3)})
    with pytest.raises(ztensor.UsageError, match="'t1' is twice"):
        reader.prefetch(["t1", "t2", "t1"])
    with pytest.raises(TypeError, match="plan must be a list"):
        reader.prefetch("t0")
    with pytest.raises(TypeError):
        reader.prefetch([3])
    for key in (300, (0, 200), (0, 0, 0), "x", 1.5):
        with pytest.raises(IndexError):
            reader.prefetch({"t0": key})
    for key in ([1, 2], np.array([True] * 300), (0, np.array([1]))):
        with pytest.raises(ztensor.UnsupportedError):
            reader.prefetch({"t0": key})
    with pytest.raises(ztensor.UsageError, match="to is 'tf'"):
        reader.prefetch(to="tf")
    with pytest.raises(ztensor.UsageError, match="live on the CPU"):
        reader.prefetch(to="numpy", device="cuda")
    for bad in ({"ahead": -1}, {"threads": 0}, {"threads": 1025}):
        with pytest.raises(ztensor.UsageError):
            reader.prefetch(to="numpy", **bad)
    for bad in ({"ahead": "1"}, {"threads": 1.5}, {"verify": 1}):
        with pytest.raises(TypeError):
            reader.prefetch(to="numpy", **bad)
    reader.close()
    with pytest.raises(ztensor.UsageError, match="closed"):
        reader.prefetch(to="numpy")


def broken(path, name="t4"):
    """Flips a bit in one tensor."""
    with ztensor.open(path) as reader:
        offset = reader[name].location.offset
    data = bytearray(path.read_bytes())
    data[offset + 9] ^= 1
    path.write_bytes(data)
    return ztensor.open(path)


def test_the_error_of_a_tensor_is_raised_where_it_is_handed_out(path):
    reader = broken(path)
    prefetch = reader.prefetch(to="numpy")
    found, errors = [], []
    while len(prefetch):
        try:
            found.append(next(prefetch)[0])
        except ztensor.ChecksumError as error:
            errors.append(error)
    assert sorted(found) == sorted(f"t{i}" for i in range(COUNT) if i != 4)
    assert len(errors) == 1 and "tensor 't4'" in str(errors[0]) and str(path) in str(errors[0])
    prefetch = reader.prefetch(["t2", "t4"], "numpy")
    with pytest.raises(ztensor.ChecksumError):
        prefetch.take("t4")
    assert (prefetch.take("t2") == values(2)).all()


def test_digests_are_checked_as_asked(tmp_path):
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        for i in range(4):
            writer.add_tensor(f"t{i}", values(i))
    reader = broken(tmp_path / "a.zt", "t3")
    assert dict(reader.prefetch(["t3"], "numpy", verify=False))["t3"].shape == (300, 200)
    with pytest.raises(ztensor.ChecksumError):
        next(reader.prefetch(["t3"], "numpy"))
    assert next(reader.prefetch({"t3": slice(1)}, "numpy"))[1].shape == (1, 200)  # slices are not checked...
    with pytest.raises(ztensor.ChecksumError):
        next(reader.prefetch({"t3": slice(1)}, "numpy", verify=True))  # ... unless asked
    always = ztensor.open(tmp_path / "a.zt", verify=True)
    with pytest.raises(ztensor.ChecksumError):
        next(always.prefetch({"t3": slice(1)}, "numpy"))


@pytest.mark.filterwarnings("ignore:Sparse CSR:UserWarning")
@pytest.mark.parametrize("to", ["numpy", "torch"])
def test_tensors_that_are_not_plain_arrays_are_read_at_hand_out(tmp_path, to):
    scipy_sparse = pytest.importorskip("scipy.sparse")
    if to == "torch":
        pytest.importorskip("torch")
    matrix = scipy_sparse.random(30, 20, 0.2, format="csr", random_state=1)
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        writer.add_tensor("dense", np.arange(6.0))
        writer.add_tensor("csr", matrix)
        writer.add_object("own", (3,), "own.layout", {"p": np.zeros(3)})
        writer.add_tensor("last", np.arange(4.0))
    reader = ztensor.open(tmp_path / "a.zt")
    prefetch = reader.prefetch(to=to)
    assert len(prefetch) == 4 and prefetch.names() == ["dense", "csr", "own", "last"]
    found, errors = {}, []
    while len(prefetch):
        try:
            name, tensor = next(prefetch)
            found[name] = tensor
        except ztensor.UnsupportedError as error:
            errors.append(str(error))
    assert sorted(found) == ["csr", "dense", "last"]
    assert len(errors) == 1 and "'own'" in errors[0]
    dense = found["csr"].todense() if to == "numpy" else found["csr"].to_dense()
    assert (np.asarray(dense) == matrix.todense()).all()
    prefetch = reader.prefetch(["csr", "own"], to)
    assert prefetch.take("csr").shape == (30, 20)
    with pytest.raises(ztensor.UsageError, match="handed out already"):
        prefetch.take("csr")
    with pytest.raises(ztensor.UnsupportedError):
        prefetch.take("own")
    assert list(prefetch) == []
    with pytest.raises(ztensor.UnsupportedError, match="cannot be sliced"):
        reader.prefetch({"csr": slice(3)}, to)


@pytest.mark.parametrize("name", sorted(NUMPY))
def test_every_dtype(tmp_path, name):
    array = np.arange(24).reshape(2, 3, 4).astype(NUMPY[name])
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        writer.add_tensor("x", array)
        writer.add_tensor("scalar", array[0, 0, 1])
        writer.add_tensor("empty", array[:0])
    reader = ztensor.open(tmp_path / "a.zt")
    found = dict(reader.prefetch(to="numpy"))
    found["x:2"] = reader.prefetch({"x": (..., slice(1, None, 2))}, "numpy").take("x")
    for key, expected in {"x": array, "scalar": array[0, 0, 1], "empty": array[:0], "x:2": array[..., 1::2]}.items():
        assert found[key].dtype == array.dtype and found[key].shape == expected.shape
        assert found[key].tobytes() == expected.tobytes()
    torch = pytest.importorskip("torch")
    try:
        expected = reader.read_tensor("x", to="torch")
    except ztensor.UnsupportedError:
        with pytest.raises(ztensor.UnsupportedError, match="tensor 'x'"):
            next(reader.prefetch(["x"]))
        return
    tensor = next(reader.prefetch(["x"]))[1]
    assert tensor.dtype == expected.dtype and tensor.shape == expected.shape
    assert torch.equal(tensor.view(torch.uint8), expected.view(torch.uint8))


def test_float4_has_slices_for_numpy_alone(tmp_path):
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        writer.add_tensor("x", np.arange(8).reshape(2, 4).astype(NUMPY["float4_e2m1fn"]))
    reader = ztensor.open(tmp_path / "a.zt")
    pytest.importorskip("torch")
    with pytest.raises(ztensor.UnsupportedError, match="read it whole"):
        reader.prefetch({"x": slice(1)}, "torch")
    ((_, array),) = reader.prefetch({"x": (1, slice(0, 2))}, "numpy")
    assert array.flags.writeable and (array == reader["x"][1, 0:2]).all()


@pytest.mark.parametrize("kind", ["file", "memory", "bytes", "remote", "safetensors", "npz"])
def test_every_kind_of_source(path, tmp_path, kind):
    if kind in ("safetensors", "npz"):
        ztensor.convert(path, tmp_path / f"a.{kind}")
    data = path.read_bytes()
    source = {
        "file": lambda: path.open("rb"),
        "memory": lambda: io.BytesIO(data),
        "bytes": lambda: data,
        "remote": lambda: Remote(data),
    }.get(kind, lambda: tmp_path / f"a.{kind}")()
    reader = ztensor.open(source)
    prefetch = reader.prefetch({f"t{i}": None if i % 3 else slice(5, 9) for i in range(COUNT)}, "numpy")
    first = prefetch.take("t7")
    assert (first == values(7)).all()
    for name, array in prefetch:
        i = int(name[1:])
        assert (array == (values(i) if i % 3 else values(i)[5:9])).all()


def test_errors_of_a_file_object_are_raised_where_its_tensor_is_handed_out(path):
    class Bad(Remote):
        bad = False

        def readinto(self, buffer):
            if self.bad:
                raise LookupError("gone")
            return super().readinto(buffer)

    file = Bad(path.read_bytes())
    reader = ztensor.open(file)
    prefetch = reader.prefetch(["t0", "t2"], "numpy")
    file.bad = True
    with pytest.raises(LookupError, match="gone"):
        next(prefetch)
    file.bad = False
    assert [name for name, _ in prefetch] == ["t2"]


def test_hdf5_files(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.arange(10.0)
        file["y"] = np.arange(6).reshape(2, 3)
        file["text"] = np.array(["a", "b"], dtype=h5py.string_dtype())
    with pytest.warns(UserWarning):
        reader = ztensor.open(tmp_path / "a.h5")
    assert sorted(name for name, _ in reader.prefetch(to="numpy")) == sorted(reader)
    ((_, row),) = reader.prefetch({"y": 1}, "numpy")
    assert row.tolist() == [3, 4, 5]
    assert "text" in reader.unreadable
    prefetch = reader.prefetch(["x", "text"], "numpy")
    with pytest.raises(ztensor.UnsupportedError):
        prefetch.take("text")
    assert prefetch.take("x").tolist() == list(range(10))


def test_it_goes_on_after_the_reader_is_closed(reader):
    prefetch = reader.prefetch(to="numpy", ahead=1)
    reader.close()
    assert len(list(prefetch)) == COUNT
