"""npy and npz files: those of NumPy and SciPy, read by us; and those that we write, read by NumPy."""

import io
import os
import zipfile

import numpy as np
import pytest
import scipy.sparse

import ztensor

DTYPES = ["?", "b", "B", "h", "H", "i", "I", "q", "Q", "e", "f", "d", "F", "D"]


def of_dtype(char, order="<"):
    raw = np.arange(1, 97, dtype=np.uint8)
    array = (raw % 2).astype("?") if char == "?" else np.frombuffer(raw.tobytes(), np.dtype(char).newbyteorder(order))
    return array.reshape(2, -1)


@pytest.fixture
def arrays():
    made = {"little." + char: of_dtype(char) for char in DTYPES}
    made |= {"big." + char: of_dtype(char, ">") for char in DTYPES}
    made |= {
        "scalar": np.float32(1.5),
        "empty": np.zeros((0, 3), "d"),
        "fortran": np.asfortranarray(np.arange(24, dtype="i").reshape(2, 3, 4)),
        "fortran.big": np.asfortranarray(np.arange(24, dtype=">f8").reshape(4, 6)),
        "columns": np.arange(12.0).reshape(3, 4)[:, ::2],
        "a/b": np.ones(3, "e"),
        "große": np.arange(100000, dtype="q"),
    }
    return made


def assert_same(found, wanted):
    """The same values in the byte order of the machine."""
    assert found.dtype == wanted.dtype.newbyteorder("=") and found.shape == wanted.shape
    assert found.tobytes() == wanted.astype(found.dtype).tobytes()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_has_the_arrays_that_numpy_reads(tmp_path, arrays, save):
    path = tmp_path / "a.npz"
    save(path, **arrays)
    with np.load(path) as wanted, ztensor.open(path) as reader:
        assert reader.format == "npz" and list(reader) == wanted.files
        for name in wanted.files:
            assert_same(reader.read_tensor(name), wanted[name])
        reader.verify()
        everything = reader.read_tensors()
        for name in wanted.files:
            assert_same(everything[name], wanted[name])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_slices_are_those_of_numpy(tmp_path, arrays, save):
    path = tmp_path / "a.npz"
    save(path, **arrays)
    with ztensor.open(path) as reader:
        for name in ("fortran", "fortran.big", "columns", "big.d", "little.i"):
            array = arrays[name]
            tensor = reader[name]
            assert_same(tensor[1], array[1])
            assert_same(tensor[:, 1:], array[:, 1:])
            assert_same(tensor[..., ::-1], array[..., ::-1])
        assert_same(reader["große"][99990:], arrays["große"][99990:])


def test_npy_files_are_the_tensor_data(tmp_path, arrays):
    for number, array in enumerate(arrays.values()):
        path = tmp_path / f"{number}.npy"
        np.save(path, array)
        with ztensor.open(path) as reader:
            assert reader.format == "npy" and list(reader) == ["data"]
            assert_same(reader.read_tensor("data"), np.load(path))
        assert_same(ztensor.open(io.BytesIO(path.read_bytes())).read_tensor("data"), np.load(path))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_npy_is_read(tmp_path, version):
    path = tmp_path / "a.npy"
    array = np.arange(6.0).reshape(2, 3)
    with path.open("wb") as file:
        np.lib.format.write_array(file, array, version)
    assert_same(ztensor.open(path).read_tensor("data"), array)


UNREADABLE = {
    "object": np.array([1, "a", None], object),
    "dict": np.array({"a": np.ones(3)}, object),
    "bytes": np.array([b"ab", b"c"]),
    "text": np.array(["ab", "c"]),
    "records": np.zeros(2, [("x", "<f4"), ("y", "<i8", (2,))]),
    "date": np.array(["2020-01-01"], "M8[D]"),
    "long": np.ones(2, np.longdouble),
    "void": np.ones(2, "<u2").view("V2"),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_that_cannot_be_read_hide_no_other(tmp_path, save):
    path = tmp_path / "a.npz"
    save(path, good=np.arange(3), **UNREADABLE)
    with ztensor.open(path) as reader:
        assert list(reader) == ["good", *UNREADABLE]
        assert_same(reader.read_tensor("good"), np.arange(3))
        for name, array in UNREADABLE.items():
            assert reader[name].shape == array.shape
            with pytest.raises(ztensor.UnsupportedError, match="the elements are") as caught:
                reader.read_tensor(name)
            assert caught.value.rule == "npy.dtype"


def test_bfloat16_that_numpy_wrote_is_named_as_such(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    np.save(tmp_path / "a.npy", np.ones(3, ml_dtypes.bfloat16))
    with pytest.raises(ztensor.UnsupportedError, match="bfloat16"):
        ztensor.open(tmp_path / "a.npy").read_tensor("data")


def test_stored_arrays_are_borrowed_from_the_file(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(100000))
    with ztensor.open(path, backend="mmap") as reader:
        assert not reader.read_tensor("data").flags.owndata
        assert reader.metadata("data").parts["data"].encoding == "raw"


def test_a_deflated_part_is_named_so_and_cannot_be_asked_for(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.zeros(1000))
    assert ztensor.open(path).metadata("a").parts["data"].encoding == "deflate"
    with pytest.raises(ztensor.UsageError):
        ztensor.Writer(tmp_path / "b.npz", compress=True)


def test_damage_is_found(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, a=np.arange(100), b=np.arange(100))
    content = bytearray(path.read_bytes())
    with ztensor.open(path) as reader:
        content[reader.metadata("a").parts["data"].offset] ^= 1
    path.write_bytes(content)
    with pytest.raises(zipfile.BadZipFile, match="CRC-32"):
        np.load(path)["a"]
    with ztensor.open(path) as reader:
        with pytest.raises(ztensor.ChecksumError):
            reader["a"].verify()
        reader["b"].verify()


FORMATS = ["csr", "coo"]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("make", [scipy.sparse.random, scipy.sparse.random_array])
@pytest.mark.parametrize("layout", FORMATS)
def test_a_matrix_of_scipy_is_one_tensor_too(tmp_path, layout, make, compressed):
    shape = ((20, 30),) if make is scipy.sparse.random_array else (20, 30)
    matrix = make(*shape, density=0.2, format=layout, random_state=1)
    path = tmp_path / "m.npz"
    scipy.sparse.save_npz(path, matrix, compressed)
    with ztensor.open(path) as reader:
        read = reader.read_tensor("matrix")
        assert type(read) is type(matrix) and read.format == layout and read.dtype == matrix.dtype
        assert (read != matrix).nnz == 0
        with np.load(path) as arrays:
            assert set(reader) == {*arrays.files, "matrix"}
            assert_same(reader.read_tensor("data"), arrays["data"])
        with pytest.raises(ztensor.UnsupportedError):
            reader.read_tensor("format")
    ztensor.convert(path, tmp_path / "m.zt", include=["matrix"])
    assert (ztensor.open(tmp_path / "m.zt").read_tensor("matrix") != matrix).nnz == 0


@pytest.mark.parametrize("layout", ["csc", "bsr", "dia"])
def test_other_layouts_of_scipy_are_listed(tmp_path, layout):
    scipy.sparse.save_npz(tmp_path / "m.npz", scipy.sparse.random(20, 30, 0.2, format=layout, random_state=1))
    with ztensor.open(tmp_path / "m.npz") as reader:
        assert reader["matrix"].shape == (20, 30)
        with pytest.raises(ztensor.UnsupportedError, match=layout):
            reader.read_tensor("matrix")


def test_a_dict_that_numpy_saved_gives_its_arrays(tmp_path, arrays):
    big = np.arange(12, dtype=">i4").reshape(3, 4)
    given = {
        "layer": {"w": np.ones((2, 3), "f4"), "b": big.T},
        "step": 7,
        "name": "m",
        "list": [np.zeros(2), np.ones(1)],
    }
    np.save(tmp_path / "m.npy", given)
    with ztensor.open(tmp_path / "m.npy") as reader:
        assert reader.format == "npy"
        assert list(reader) == ["layer.w", "layer.b", "list.0", "list.1"]
        assert reader.attributes["step"] == 7 and reader.attributes["name"] == "m"
        np.testing.assert_array_equal(reader.read_tensor("layer.b"), big.T)
        np.testing.assert_array_equal(reader.read_tensor("layer.w"), given["layer"]["w"])
    ragged = np.empty(2, object)
    ragged[:] = [np.arange(3), np.arange(4.0)]
    np.save(tmp_path / "r.npy", ragged)
    with ztensor.open(tmp_path / "r.npy") as reader:
        assert list(reader) == ["0", "1"]
        np.testing.assert_array_equal(reader.read_tensor("1"), np.arange(4.0))


def test_an_array_of_objects_without_arrays_is_unreadable(tmp_path):
    np.save(tmp_path / "t.npy", np.array([["a", "bc"], [None, 3]], object))
    with ztensor.open(tmp_path / "t.npy") as reader:
        assert reader["data"].shape == (2, 2)
        with pytest.raises(ztensor.UnsupportedError, match="objects"):
            reader.read_tensor("data")
    content = (tmp_path / "t.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(content[:-4])
    with ztensor.open(tmp_path / "cut.npy") as reader:
        assert list(reader.unreadable) == ["data"]


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path}/ran",)

    np.save(tmp_path / "e.npy", np.array({"w": np.ones(3), "e": Evil()}, object))
    with pytest.raises(ztensor.RefusedError):
        ztensor.open(tmp_path / "e.npy")
    assert not (tmp_path / "ran").exists()


def test_numpy_reads_what_we_write(tmp_path, arrays):
    path = tmp_path / "a.npz"
    with ztensor.Writer(path) as writer:
        for name, array in arrays.items():
            writer.add_tensor(name, array)
    with np.load(path, allow_pickle=False) as read:
        assert read.files == list(arrays)
        for name, array in arrays.items():
            assert_same(read[name], np.asarray(array))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        # The system that made them: Unix. Names from DOS are taken for those of a code page by some readers.
        assert {member.create_system for member in archive.infolist()} == {3}
        assert {member.external_attr >> 16 for member in archive.infolist()} == {0o100644}
    with ztensor.open(path) as reader:
        reader.verify()
        for name, array in arrays.items():
            assert reader.metadata(name).parts["data"].offset % 64 == 0
            assert_same(reader.read_tensor(name), np.asarray(array))


def test_a_sink_gets_the_bytes_of_a_file(tmp_path, arrays):
    sink = io.BytesIO()
    for target in (sink, tmp_path / "a.npz"):
        with ztensor.Writer(target, format="npz") as writer:
            for name, array in arrays.items():
                writer.add_tensor(name, array)
    assert sink.getvalue() == (tmp_path / "a.npz").read_bytes()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("compress", [False, True])
def test_arrays_are_equal_after_a_way_through_zt(tmp_path, arrays, save, compress):
    save(tmp_path / "a.npz", **arrays)
    ztensor.convert(tmp_path / "a.npz", tmp_path / "a.zt", compress=compress, check_output=True)
    ztensor.convert(tmp_path / "a.zt", tmp_path / "b.npz", check_output=True)
    with np.load(tmp_path / "a.npz") as first, np.load(tmp_path / "b.npz", allow_pickle=False) as last:
        assert first.files == last.files
        for name in first.files:
            assert_same(last[name], first[name])


def test_a_file_without_tensors_is_an_empty_archive(tmp_path):
    ztensor.Writer(tmp_path / "a.npz").finalize()
    assert np.load(tmp_path / "a.npz").files == []
    assert list(ztensor.open(tmp_path / "a.npz")) == []


def test_what_npz_cannot_hold_is_refused_by_name_before_a_byte_is_written(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    with ztensor.Writer(tmp_path / "with.zt", attributes={"k": "v"}) as writer:
        writer.add_tensor("good", np.ones(3))
    with pytest.raises(ztensor.UnsupportedError, match="attribute"):
        ztensor.convert(tmp_path / "with.zt", tmp_path / "a.npz")
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        writer.add_tensor("good", np.ones(3))
        writer.add_tensor("brain", np.ones(3, ml_dtypes.bfloat16))
    with pytest.raises(ztensor.UnsupportedError, match=r"brain.*bfloat16"):
        ztensor.convert(tmp_path / "a.zt", tmp_path / "a.npz")
    with pytest.raises(ztensor.UnsupportedError, match=r"brain.*bfloat16"):
        ztensor.convert(tmp_path / "a.zt", tmp_path / "a.npz", lossy=True)
    assert not (tmp_path / "a.npz").exists()
    writer = ztensor.Writer(tmp_path / "b.npz")
    for name in ("a.npy", "/a", "../a", "a/../b", "a\\b", "n" * 1021):
        with pytest.raises(ztensor.UnsupportedError):
            writer.add_tensor(name, np.ones(1))
    with pytest.raises(ztensor.UnsupportedError, match="brain"):
        writer.add_tensor("brain", np.ones(3, ml_dtypes.bfloat16))
    writer.add_tensor("n" * 1020, np.ones(1))
    with pytest.raises(ztensor.UnsupportedError, match="two names"):
        writer.add_alias("twin", "n" * 1020)
    writer.finalize()
    assert np.load(tmp_path / "b.npz").files == ["n" * 1020]
    for options in ({"checksum": "none"}, {"checksum": "sha256"}, {"alignment": 4096}, {"max_shard_size": 1000}):
        with pytest.raises(ztensor.UsageError):
            ztensor.Writer(tmp_path / "c.npz", **options)
    with pytest.raises(ztensor.UnsupportedError, match="attributes"):
        ztensor.Writer(tmp_path / "c.npz", attributes={"k": "v"}).finalize()


def test_tied_tensors_are_stored_once_for_each_name(tmp_path):
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        writer.add_tensor("a", np.arange(10))
        writer.add_alias("b", "a")
    ztensor.convert(tmp_path / "a.zt", tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as read:
        assert_same(read["a"], np.arange(10))
        assert_same(read["b"], np.arange(10))
