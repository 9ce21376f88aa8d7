"""compress="float": byte planes (spec/planes.md)."""

import io
import shutil
import struct
import subprocess

import ml_dtypes
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import ztensor

FORMATS = ["1.2", "2"]
PIECE = 1 << 20
DTYPES = [
    *["float16", "float32", "float64", "complex64", "complex128", "bool"],
    *["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"],
    *["bfloat16", "float8_e4m3fn", "float8_e8m0fnu", "float4_e2m1fn"],
]


def dtype_of(name):
    return np.dtype(getattr(ml_dtypes, name, name))


def weights(shape, name="bfloat16", seed=0):
    return np.random.default_rng(seed).normal(0, 0.02, shape).astype(np.float32).astype(dtype_of(name))


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def saved(array, format="1.2", **options):
    target = io.BytesIO()
    with ztensor.Writer(target, format=format, compress="float") as writer:
        writer.add_tensor("w", array, **options)
    return target.getvalue()


def part_of(content):
    """What `info --json` says of the part of "w"."""
    (tensor,) = ztensor.info(content)["tensors"]
    (part,) = tensor["parts"]
    return part


def planes_by_hand(array):
    """The bytes of one piece after the split, as the specification has it."""
    width = {"complex64": 4, "complex128": 8}.get(array.dtype.name, array.dtype.itemsize)
    words = array.reshape(-1).view(f"<u{width}")
    if array.dtype.kind in "fc" or array.dtype.name == "bfloat16":
        words = words << np.array(1, words.dtype) | words >> np.array(8 * width - 1, words.dtype)
    return words.view(np.uint8).reshape(-1, width).T.tobytes()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", DTYPES)
def test_any_elements_come_back(format, name):
    dtype = dtype_of(name)
    random = np.random.default_rng(1)
    for count in (0, 1, 2, 3, 1000, 3 * PIECE // dtype.itemsize + 5):
        some = random.integers(0, 2, count) if name == "bool" else weights(count, "float32") * 100
        array = some.astype(dtype)
        with ztensor.open(saved(array, format)) as reader:
            assert same(reader["w"].numpy(), array), count
            assert reader["w"].layout == "dense"


@settings(deadline=None, max_examples=60)
@given(
    st.binary(max_size=400), st.sampled_from(["float16", "float32", "float64", "int16", "uint8"]), st.integers(1, 900)
)
def test_any_bits_come_back(some, name, times):
    width = dtype_of(name).itemsize
    content = (some * times)[: len(some) * times // width * width]
    array = np.frombuffer(content, dtype_of(name))  # with payloads of NaN, and zeros of both signs
    assert ztensor.open(saved(array))["w"].numpy().tobytes() == content


def test_weights_take_two_thirds():
    array = weights((2000, 1000))
    part = part_of(saved(array))
    assert part["encoding"] == "planes"
    assert part["stored"] < 0.665 * array.nbytes
    noise = np.random.default_rng(2).integers(0, 256, PIECE, np.uint8)
    assert part_of(saved(noise))["encoding"] == "raw"  # nothing is gained


@pytest.mark.parametrize("name", ["bfloat16", "float32", "float64", "complex64", "int64"])
def test_the_frames_are_the_planes_for_any_zstd(tmp_path, name):
    if shutil.which("zstd") is None:
        pytest.skip("there is no command zstd here")
    array = weights(300_000, "float32").astype(dtype_of(name)) * (100 if name == "int64" else 1)
    content = saved(array)
    part = part_of(content)
    stored = content[part["offset"] : part["offset"] + part["stored"]]
    (frames,) = struct.unpack("<I", stored[-9:-5])
    rows = struct.unpack(f"<{2 * frames}I", stored[-9 - 8 * frames : -9])
    piece = PIECE // array.dtype.itemsize
    at = 0
    for number in range(frames):
        decoded = subprocess.run(
            ["zstd", "-dc"], input=stored[at : at + rows[2 * number]], capture_output=True, check=True
        ).stdout
        assert decoded == planes_by_hand(array[number * piece : (number + 1) * piece])
        at += rows[2 * number]


@pytest.mark.parametrize("format", FORMATS)
def test_slices_read_what_they_need(format):
    array = weights((3000, 1000), "float32")
    tensor = ztensor.open(saved(array, format))["w"]
    for index in (np.s_[5], np.s_[100:200, 7], np.s_[::700, ::-3], np.s_[-1, -1], np.s_[1234:1234]):
        assert same(tensor[index], np.copy(array[index])), index


@pytest.mark.parametrize("format", FORMATS)
def test_streams_views_and_attributes(tmp_path, format):
    path = tmp_path / "s.zt"
    array = weights((5000, 300))
    with ztensor.Writer(path, format=format, compress="float") as writer:
        with writer.stream("rows", [None, 300], "bfloat16") as stream:
            for start in range(0, 5000, 123):
                stream.write(array[start : start + 123])
        writer.add_tensor("turned", array.T, attributes={"zt.note": 1})
    with ztensor.open(path) as reader:
        assert same(reader["rows"].numpy(), array)
        assert same(reader["turned"].numpy(), np.ascontiguousarray(array.T))
        assert reader["turned"].attributes == {"zt.note": 1}
        assert reader["rows"].attributes == {}


@pytest.mark.parametrize("format", FORMATS)
def test_files_with_planes_grow(tmp_path, format):
    path, other = tmp_path / "g.zt", tmp_path / "other.zt"
    first, second = weights(100_000), weights(50_000, "float32", 3)
    with ztensor.Writer(path, format=format, compress="float") as writer:
        writer.add_tensor("first", first)
    ztensor.set(path, {"note": "kept"}, tensor="first")
    with ztensor.Writer(other, format="1.2", compress="float") as writer:
        writer.add_tensor("second", second)
    ztensor.append(path, other)
    with ztensor.Writer(path, mode="a", compress="float") as writer:
        writer.add_tensor("third", first)
        writer.add_alias("alias", "first")
    ztensor.remove(path, "third")
    ztensor.compact(path)
    with ztensor.open(path) as reader:
        assert set(reader) == {"first", "second", "alias"}
        assert same(reader["first"].numpy(), first) and same(reader["alias"].numpy(), first)
        assert same(reader["second"].numpy(), second)
        assert reader["first"].attributes == {"note": "kept"}
    assert {tensor["parts"][0]["encoding"] for tensor in ztensor.info(path)["tensors"]} == {"planes"}
    ztensor.verify(path)


def test_conversions_keep_planes_only_on_request(tmp_path):
    path = tmp_path / "p.zt"
    array = weights((400, 400))
    path.write_bytes(saved(array, attributes={"a": 1}))

    def encoding(**options):
        out = tmp_path / "out.zt"
        ztensor.convert(path, out, force=True, **options)
        with ztensor.open(out) as reader:
            assert same(reader["w"].numpy(), array)
            assert reader["w"].attributes == ({} if options.get("lossy") else {"a": 1})
        return part_of(out.read_bytes())["encoding"]

    assert encoding() == "raw"
    assert encoding(to="2") == "raw"
    assert encoding(compress="float") == "planes"
    assert encoding(compress="float", to="2") == "planes"
    assert encoding(compress=True) == "zstd"
    assert encoding(to="1.0", lossy=True) == "raw"
    ztensor.convert(path, tmp_path / "out.zt", force=True)
    assert ztensor.diff(path, tmp_path / "out.zt").same
    assert ztensor.content_id(path) == ztensor.content_id(tmp_path / "out.zt")


@pytest.mark.parametrize("format", FORMATS)
def test_parts_of_sparse_tensors(tmp_path, format):
    path, out = tmp_path / "s.zt", tmp_path / "out.zt"
    matrix = scipy.sparse.random_array((500, 500), density=0.4, format="csr", rng=np.random.default_rng(5))
    with ztensor.Writer(path, format=format, compress="float") as writer:
        writer.add_tensor("m", matrix)
    encodings = {part["encoding"] for part in ztensor.info(path)["tensors"][0]["parts"]}
    assert ("planes" in encodings) == (format == "2")  # 1.2 has planes for dense tensors alone
    with ztensor.Writer(out, format="1.2") as writer:
        writer.add_tensor("m", ztensor.open(path)["m"])
    for file in (path, out):
        assert (ztensor.open(file).read_tensor("m") != matrix).nnz == 0
        ztensor.verify(file)


@pytest.mark.parametrize("format", FORMATS)
def test_auto_takes_what_is_smallest(format):
    random = np.random.default_rng(6)
    sparse = np.where(random.random(2 * PIECE) < 0.03, weights(2 * PIECE, "float32"), 0)  # both bytes are zero at once
    arrays = {
        "planes": weights(2 * PIECE),
        "zstd": sparse.astype(dtype_of("bfloat16")),
        "raw": random.integers(0, 256, 2 * PIECE, np.uint8),
    }
    target = io.BytesIO()
    with ztensor.Writer(target, format=format, compress="auto") as writer:
        for name, array in arrays.items():
            writer.add_tensor(name, array)
        with writer.stream("stream", [None, 2], "bfloat16") as stream:
            stream.write(arrays["zstd"].reshape(-1, 2))
    encodings = {
        tensor["name"]: tensor["parts"][0]["encoding"] for tensor in ztensor.info(target.getvalue())["tensors"]
    }
    assert encodings == {"planes": "planes", "zstd": "zstd", "raw": "raw", "stream": "zstd"}
    with ztensor.open(target.getvalue()) as reader:
        assert all(same(reader[name].numpy(), array) for name, array in arrays.items())
        assert same(reader["stream"].numpy(), arrays["zstd"].reshape(-1, 2))


@pytest.mark.parametrize("options", [{}, {"to": "2", "canonical": False}])
@pytest.mark.parametrize("compress", ["float", "auto"])
def test_equal_bytes_of_other_dtypes_are_no_ties(tmp_path, compress, options):
    path, out = tmp_path / "c.zt", tmp_path / "out.zt"
    array = weights(100_000, "float32")
    with ztensor.Writer(path, format="2") as writer:  # a canonical file stores equal bytes once
        writer.add_tensor("a", array)
        writer.add_tensor("bits", array.view(np.int32))
        writer.add_tensor("bytes", array.view(np.uint8))
        writer.add_object("x", (1,), "my.layout", {"values": array, "more": array})
        writer.add_object("y", (1,), "my.layout", {"values": array})
        writer.add_alias("again", "a")
    assert path.stat().st_size < 2 * array.nbytes
    ztensor.convert(path, out, compress=compress, **options)
    copy = tmp_path / "copy.zt"
    with ztensor.Writer(copy) as writer:
        writer.add_tensor("first", np.arange(3))
    ztensor.append(copy, out)
    for file in (out, copy):
        ztensor.verify(file)
        with ztensor.open(file) as reader:
            assert same(reader["a"].numpy(), array) and same(reader["again"].numpy(), array)
            assert same(reader["bits"].numpy(), array.view(np.int32))
            assert same(reader["bytes"].numpy(), array.view(np.uint8))
            assert all(reader[name].layout == "my.layout" for name in ("x", "y"))
            assert same(reader["x"].parts["more"], array) and same(reader["y"].parts["values"], array)


def test_the_name_of_our_attribute_is_taken(tmp_path):
    array = weights(100_000)
    with ztensor.Writer(tmp_path / "t.zt", compress="float") as writer:
        with pytest.raises(ztensor.UsageError, match=r"zt\.planes\.dtype"):
            writer.add_tensor("w", array, attributes={"zt.planes.dtype": "mine"})
        writer.add_tensor("w", array, attributes={"a": 1})
    with pytest.raises(ztensor.UsageError, match=r"zt\.planes\.dtype"):
        ztensor.set(tmp_path / "t.zt", {"zt.planes.dtype": "f64"}, tensor="w")
    assert same(ztensor.open(tmp_path / "t.zt")["w"].numpy(), array)
    ztensor.set(tmp_path / "t.zt", unset="a", tensor="w")
    with ztensor.open(tmp_path / "t.zt") as reader:
        assert same(reader["w"].numpy(), array) and reader["w"].attributes == {}


def test_save_file_and_other_formats(tmp_path):
    from ztensor import numpy as ztn

    arrays = {"a": weights((300, 300), "float32"), "b": np.arange(3)}
    ztn.save_file(arrays, tmp_path / "m.zt", compress="float")
    loaded = ztn.load_file(tmp_path / "m.zt")
    assert all(same(loaded[name], array) for name, array in arrays.items())
    for format in ("1.0", "safetensors"):
        with pytest.raises(ztensor.UsageError, match="no compression by planes"):
            ztensor.Writer(io.BytesIO(), format=format, compress="float")
    with pytest.raises(ztensor.UsageError, match="canonical"):
        ztensor.Writer(io.BytesIO(), format="2", canonical=True, compress="float")
    with pytest.raises(TypeError, match='"float"'):
        ztensor.Writer(io.BytesIO(), compress="double")
