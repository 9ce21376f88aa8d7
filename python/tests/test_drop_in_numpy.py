"""ztensor.numpy in the place of safetensors.numpy."""

import io
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from conftest import ALL_DTYPES, same_bits, sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ztensor
from ztensor.numpy import load, load_file, save, save_file

reference = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")

ENDINGS = ("zt", "safetensors")
# What both libraries hold in NumPy. NumPy has no complex128 in safetensors, and float4 has another shape there.
COMMON = [name for name in ALL_DTYPES if name not in ("complex128", "float4_e2m1fn", "float8_e8m0fnu")]


class Lazy(Mapping):
    """A mapping that makes a new array for each access, as numpy.load does for an .npz."""

    def __init__(self, arrays):
        self.arrays = arrays

    def __getitem__(self, name):
        return self.arrays[name].copy()

    def __iter__(self):
        return iter(self.arrays)

    def __len__(self):
        return len(self.arrays)


class LazyDict(dict):
    def __getitem__(self, name):
        return super().__getitem__(name).copy()

    def items(self):
        return ((name, self[name]) for name in self)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("backend", ["mmap", "pread"])
def test_every_dtype_keeps_its_bits_and_shapes(tmp_path, ending, backend):
    arrays = {}
    for name in ALL_DTYPES:
        if name == "complex128" and ending == "safetensors":
            continue
        arrays |= {f"{name} {shape}": sample(name, shape, seed=3) for shape in ((2, 4), (0, 2), ())}
    if ending == "safetensors":  # two float4 elements share a byte there, so their count must be even
        del arrays["float4_e2m1fn ()"]
    path = tmp_path / f"all.{ending}"
    save_file(arrays, path)
    loaded = load_file(path, backend=backend)
    assert sorted(loaded) == sorted(arrays)
    for name, array in arrays.items():
        same_bits(loaded[name], array)


@pytest.mark.parametrize("name", COMMON)
def test_safetensors_and_we_read_each_others_files(tmp_path, name):
    arrays = {"matrix": sample(name, (3, 4)), "empty": sample(name, (0, 5)), "number": sample(name, ())}
    save_file(arrays, tmp_path / "ours.safetensors", metadata={"made by": "us"})
    reference.save_file(arrays, tmp_path / "theirs.safetensors", metadata={"made by": "us"})
    assert (tmp_path / "ours.safetensors").read_bytes() == (tmp_path / "theirs.safetensors").read_bytes()
    both = [load_file(tmp_path / "theirs.safetensors")]
    if not name.startswith("float8"):  # safetensors looks for these dtypes in NumPy, which has none
        both.append(reference.load_file(tmp_path / "ours.safetensors"))
    for loaded in both:
        for each, array in arrays.items():
            same_bits(loaded[each], array)


def test_bytes_of_either_library_load_in_the_other():
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.array(True)}
    ours = save(arrays, {"k": "v"}, format="safetensors")
    assert ours == reference.save(arrays, {"k": "v"})
    for loaded in (load(reference.save(arrays)), reference.load(ours), load(save(arrays))):
        for name, array in arrays.items():
            same_bits(loaded[name], array)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    arrays=st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
        st.tuples(st.sampled_from(COMMON), st.lists(st.integers(0, 4), max_size=4), st.integers(0, 9)),
        max_size=6,
    ).filter(lambda arrays: "__metadata__" not in arrays),
    metadata=st.none() | st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))),
    ending=st.sampled_from(ENDINGS),
)
def test_any_names_shapes_and_metadata_come_back(tmp_path, arrays, metadata, ending):
    if any(key.startswith("ztensor.") for key in metadata or ()):
        return
    made = {name: sample(dtype, tuple(shape), seed) for name, (dtype, shape, seed) in arrays.items()}
    path = tmp_path / f"any.{ending}"
    save_file(made, path, metadata)
    loaded = load_file(path)
    assert sorted(loaded) == sorted(made)
    for name, array in made.items():
        same_bits(loaded[name], array)
    with ztensor.safe_open(path, "np") as file:
        assert file.metadata() == (metadata or None)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=">f4").reshape(4, 6),
        np.arange(24)[::-5],
        np.arange(24).reshape(4, 6)[::-1, ::-2],
        np.asfortranarray(np.arange(24).reshape(4, 6)),
        np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1),
        np.broadcast_to(np.float32(7), (3, 4)),
        np.array(3, dtype=">i2"),
        np.zeros((3, 0, 2), order="F"),
        np.float16(2.5),
        np.arange(24).view(np.recarray),
    ],
    ids="big-endian negative negative-2d fortran transposed broadcast big-0d empty scalar recarray".split(),
)
def test_arrays_of_any_strides_and_byte_order_keep_their_values(tmp_path, ending, array):
    path = tmp_path / f"odd.{ending}"
    save_file({"x": array}, path)
    loaded = load_file(path)["x"]
    assert loaded.dtype == array.dtype.newbyteorder("=")
    assert loaded.shape == array.shape
    assert np.array_equal(loaded, array)
    if ending == "safetensors":
        assert np.array_equal(reference.load_file(path)["x"], array)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(2, [("a", "i4")]),
        np.array([None]),
        np.array(["text"]),
        np.array(["2020"], "M8[D]"),
        np.zeros(1, np.longdouble),
        np.ma.array([1, 2], mask=[False, True]),
    ],
    ids="structured object text date longdouble masked".split(),
)
@pytest.mark.parametrize("ending", ENDINGS)
def test_an_array_that_cannot_be_stored_is_named_and_leaves_the_file_as_it_was(tmp_path, ending, array):
    path = tmp_path / f"kept.{ending}"
    save_file({"old": np.arange(3)}, path)
    with pytest.raises(ztensor.UnsupportedError, match="'bad'"):
        save_file({"good": np.arange(2), "bad": array}, path)
    assert list(load_file(path)) == ["old"]
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", [1, None, b"a", ("a",)])
def test_a_name_that_is_not_a_text_is_a_type_error_in_both_libraries(tmp_path, name):
    for write in (save_file, reference.save_file):
        with pytest.raises(TypeError, match="str"):
            write({name: np.arange(3)}, tmp_path / "x.safetensors")


@pytest.mark.parametrize("tensors", [None, 3, [("a", np.arange(3))], np.arange(3), "abc"])
def test_what_is_not_a_dict_is_a_type_error(tmp_path, tensors):
    with pytest.raises(TypeError, match="must be a dict"):
        save_file(tensors, tmp_path / "x.zt")
    with pytest.raises(TypeError, match="must be a dict"):
        save(tensors)


@pytest.mark.parametrize("metadata", [{1: "a"}, {"a": 1}, {"a": None}, {"a": b"b"}, [("a", "b")], "ab", 3])
@pytest.mark.parametrize("ending", ENDINGS)
def test_metadata_other_than_texts_is_a_type_error_in_both_libraries(tmp_path, metadata, ending):
    path = tmp_path / f"x.{ending}"
    with pytest.raises(TypeError, match="metadata"):
        save_file({"a": np.arange(3)}, path, metadata)
    with pytest.raises(TypeError):
        reference.save_file({"a": np.arange(3)}, path, metadata)
    assert not path.exists()


def test_metadata_cannot_take_the_keys_of_the_library(tmp_path):
    with pytest.raises(ztensor.UsageError, match="belong to the library"):
        save_file({"a": np.arange(3)}, tmp_path / "x.zt", {"ztensor.x": "1"})


@pytest.mark.parametrize("ending", ENDINGS)
def test_arrays_of_a_mapping_that_makes_them_anew_are_not_taken_for_one(tmp_path, ending):
    arrays = {str(i): np.full(16, i) for i in range(40)}
    np.savez(tmp_path / "arrays.npz", **arrays)
    path = tmp_path / f"lazy.{ending}"
    sources = [
        Lazy(arrays),
        LazyDict(arrays),
        np.load(tmp_path / "arrays.npz"),
        ztensor.open(tmp_path / "arrays.npz"),
    ]
    for source in sources:
        save_file(source, path)
        loaded = load_file(path)
        for name, array in arrays.items():
            same_bits(loaded[name], array)


def test_an_array_under_two_names_is_stored_once_and_comes_back_as_one(tmp_path):
    array = np.arange(100_000)
    path = tmp_path / "tied.zt"
    save_file({"a": array, "b": array, "part": array[:]}, path)
    assert path.stat().st_size < 2.2 * array.nbytes
    for backend in ("mmap", "pread"):
        loaded = load_file(path, backend=backend)
        assert np.shares_memory(loaded["a"], loaded["b"])
        assert not np.shares_memory(loaded["a"], loaded["part"])
        loaded["a"][0] = -1
        assert loaded["b"][0] == -1
    in_memory = load(path.read_bytes())
    assert np.shares_memory(in_memory["a"], in_memory["b"])
    save_file({"a": array, "b": array}, tmp_path / "tied.safetensors")
    assert sorted(reference.load_file(tmp_path / "tied.safetensors")) == ["a", "b"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("backend", ["mmap", "pread"])
def test_loaded_arrays_can_be_written_to_and_the_file_stays(tmp_path, ending, backend):
    path = tmp_path / f"w.{ending}"
    save_file({"a": np.zeros(5000), "b": np.zeros((2, 2), ml_dtypes.bfloat16)}, path)
    before = path.read_bytes()
    loaded = load_file(path, backend=backend)
    for array in loaded.values():
        assert array.flags.writeable
        array[...] = 1
    assert path.read_bytes() == before
    assert load_file(path, backend=backend)["a"].sum() == 0


def test_loaded_arrays_own_their_memory_if_they_come_from_bytes():
    data = bytearray(save({"a": np.arange(4)}))
    before = bytes(data)
    loaded = load(data)
    loaded["a"][:] = -1
    assert bytes(data) == before
    data[:] = bytes(len(data))
    assert loaded["a"].tolist() == [-1] * 4


@pytest.mark.parametrize("ending", ENDINGS)
def test_names_are_loaded_alone_and_in_the_order_that_is_asked_for(tmp_path, ending):
    path = tmp_path / f"n.{ending}"
    save_file({name: np.full(3, ord(name)) for name in "abcd"}, path)
    assert list(load_file(path, names=["d", "a"])) == ["d", "a"]
    assert load_file(path, names=[]) == {}
    with pytest.raises(ztensor.TensorNotFoundError, match="'z'"):
        load_file(path, names=["z"])
    with pytest.raises(TypeError, match="list of names"):
        load_file(path, names="a")


class CustomPath:
    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return str(self.path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_paths_of_every_kind_and_binary_files_are_taken(tmp_path, ending):
    arrays = {"a": np.arange(3)}
    path = tmp_path / f"p.{ending}"
    for each in (path, str(path), CustomPath(path)):
        save_file(arrays, each)
        assert ztensor.open(path).format.startswith("safetensors" if ending == "safetensors" else "zt-1.2")
        same_bits(load_file(each)["a"], arrays["a"])
        path.unlink()
    out = io.BytesIO()
    save_file(arrays, out)
    same_bits(load_file(io.BytesIO(out.getvalue()))["a"], arrays["a"])
    with open(path, "wb") as file:
        save_file(arrays, file, format="safetensors")
    same_bits(reference.load_file(path)["a"], arrays["a"])
    with pytest.raises(TypeError, match="binary mode"), open(path, "w") as file:
        save_file(arrays, file)
    with pytest.raises(TypeError, match="must be a path"):
        save_file(arrays, os.fsencode(path))


def test_wrong_data_is_refused_with_an_error_of_ours():
    for data in (b"", b"abc", b"\x08\0\0\0\0\0\0\0nonsense", save({"a": np.arange(9)})[:-5]):
        with pytest.raises(ztensor.ZTensorError):
            load(data)
    for data in (3, None):
        with pytest.raises(TypeError):
            load(data)
    for path in ("x.zt", Path("x.zt")):
        with pytest.raises(TypeError, match=r"load_file\(\)"):
            load(path)


def test_a_missing_file_is_the_same_error_in_both_libraries(tmp_path):
    for read in (load_file, reference.load_file):
        with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
            read(tmp_path / "none.safetensors")


def test_the_backends_are_those_of_safetensors(tmp_path):
    save_file({"a": np.arange(3)}, tmp_path / "b.zt")
    with pytest.raises(ztensor.UsageError, match="backend"):
        load_file(tmp_path / "b.zt", backend="tape")
    with pytest.raises(TypeError, match="backend"):
        load_file(tmp_path / "b.zt", backend=None)


@pytest.mark.parametrize("options", [{"compress": True}, {"format": "2"}, {"checksum": "sha256"}, {"durable": True}])
def test_the_options_of_a_writer_are_taken(tmp_path, options):
    arrays = {"a": np.arange(10_000), "b": np.zeros((0, 2))}
    save_file(arrays, tmp_path / "o.zt", {"k": "v"}, **options)
    loaded = load_file(tmp_path / "o.zt")
    in_memory = load(save(arrays, **{key: value for key, value in options.items() if key != "durable"}))
    for name, array in arrays.items():
        same_bits(loaded[name], array)
        same_bits(in_memory[name], array)
        assert loaded[name].flags.writeable


def test_append_mode_adds_to_a_file(tmp_path):
    path = tmp_path / "grown.zt"
    save_file({"a": np.arange(3)}, path, {"first": "1"})
    save_file({"b": np.arange(4)}, path, {"second": "2"}, mode="a")
    assert {name: array.size for name, array in load_file(path).items()} == {"a": 3, "b": 4}
    with ztensor.safe_open(path, "np") as file:
        assert file.metadata() == {"first": "1", "second": "2"}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_dict_of_nothing_is_a_file_of_nothing(tmp_path, ending):
    path = tmp_path / f"nothing.{ending}"
    save_file({}, path)
    assert load_file(path) == {}
    assert load(save({})) == {}


@pytest.mark.parametrize("ending", ENDINGS)
def test_many_threads_save_and_load_at_once(tmp_path, ending):
    failed = []

    def work(number):
        try:
            arrays = {f"{i}": np.full(2000, number * 100 + i) for i in range(20)}
            path = tmp_path / f"{number}.{ending}"
            for _ in range(5):
                save_file(arrays, path)
                for name, array in load_file(path).items():
                    same_bits(array, arrays[name])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_a_forked_child_reads_what_its_parent_opened(tmp_path):
    path = tmp_path / "f.zt"
    save_file({"a": np.arange(1000)}, path)
    with ztensor.safe_open(path, "np") as file:
        loaded = load_file(path)
        child = os.fork()
        if child == 0:
            right = file.get_tensor("a").sum() == 499_500 and loaded["a"].sum() == 499_500
            loaded["a"][:] = 0
            os._exit(0 if right and load_file(path)["a"].sum() == 499_500 else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert loaded["a"].sum() == 499_500
