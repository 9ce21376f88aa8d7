"""Every generation of the format is read, and 1.0, 1.2 and 2 are written, through Python."""

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from conftest import ALL_DTYPES, NATIVE, same_bits, sample

import ztensor
from ztensor._from_arrays import spec_of

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"
SHAPES = [(), (0,), (7,), (2, 3), (3, 0, 2), (2, 3, 4)]

# The options of a Writer for each generation that we write.
WRITTEN = {
    "1.0": {"format": "1.0"},
    "1.2": {"format": "zt-1.2"},
    "2 canonical": {"format": "2"},
    "2 floor": {"format": "zt-2", "canonical": False},
    "2 sharded": {"format": "2", "max_shard_size": 20_000},
}
PLAIN = [name for name in NATIVE if not name.startswith("complex")]  # 1.0 has these and bfloat16
DTYPES_OF_1_0 = [*PLAIN, "bfloat16"]


def dtypes_of(options):
    return DTYPES_OF_1_0 if options["format"] == "1.0" else ALL_DTYPES


@pytest.fixture(params=WRITTEN)
def options(request):
    return WRITTEN[request.param]


def test_every_dtype_reads_back(tmp_path, options):
    path = tmp_path / "t.zt"
    arrays = {
        f"{name} {shape}": sample(name, shape, seed) for name in dtypes_of(options) for seed, shape in enumerate(SHAPES)
    }
    with ztensor.Writer(path, **options) as writer:
        for name, array in arrays.items():
            writer.add_tensor(name, array)
    with ztensor.open(path) as reader:
        assert reader.format.removeprefix("zt-") == options["format"].removeprefix("zt-")
        assert set(reader) == set(arrays)
        for name, array in arrays.items():
            assert reader[name].dtype_name == name.split()[0]
            same_bits(reader.read_tensor(name), array)
            same_bits(reader.read_tensor(name, copy=True), array)
            same_bits(reader[name][...], array)
        assert sorted(reader.verify(shards=True).checked) == sorted(arrays)


@pytest.mark.parametrize("compress", [False, True, 19])
def test_slices_and_torch_are_right(tmp_path, options, compress):
    torch = pytest.importorskip("torch")
    path = tmp_path / "t.zt"
    array = np.arange(300_000, dtype=np.int64).reshape(600, 500)
    half = sample("bfloat16", (33, 5))
    if "max_shard_size" in options:
        options = options | {"max_shard_size": 4 << 20}
    with ztensor.Writer(path, compress=compress, **options) as writer:
        writer.add_tensor("a", array)
        writer.add_tensor("h", half)
    for backend in ("auto", "read"):
        reader = ztensor.open(path, backend=backend)
        assert reader.metadata("a").parts["data"].encoding == ("zstd" if compress else "raw")
        for key in (np.s_[3], np.s_[5:590:7, ::-3], np.s_[..., 4], np.s_[[5, 1, 599]]):
            assert np.array_equal(reader["a"][key], array[key])
        tensor = reader.read_tensor("a", to="torch")
        assert tensor.dtype == torch.int64 and np.array_equal(tensor.numpy(), array)
        tensor[0, 0] = -1
        assert reader.read_tensor("a")[0, 0] == 0
        assert reader["h"].torch().view(torch.int16).numpy().tobytes() == half.tobytes()
        out = np.empty_like(array)
        reader.read_into("a", out)
        assert np.array_equal(out, array)


def test_sparse_tensors_aliases_and_attributes_read_back(tmp_path, options):
    sparse = pytest.importorskip("scipy.sparse")
    path = tmp_path / "t.zt"
    matrix = sparse.random(20, 30, 0.2, format="csr", dtype=np.float32, random_state=1)
    places = np.array([[0, 1, 1], [1, 0, 2], [3, 0, 1]])
    with ztensor.Writer(path, **options) as writer:
        writer.add_tensor("csr", matrix)
        writer.add_sparse_coo("coo", np.array([1.5, 2.5, -1]), places, (2, 3, 4))
        writer.add_tensor("x", np.arange(6.0))
        writer.add_alias("y", "x")
        if options["format"] == "1.0":
            with pytest.raises(ztensor.UnsupportedError, match=r"1\.0"):
                writer.add_tensor("attributes", np.ones(1), attributes={"a": 1})
        else:
            writer.add_tensor("attributes", np.ones(1), attributes={"a": [1, {"b": None}], "f": 0.5})
            writer.attributes["of"] = {"file": True}
    reader = ztensor.open(path)
    assert (reader.read_tensor("csr") != matrix).nnz == 0
    assert reader["csr"].layout == "sparse_csr" and reader["coo"].layout == "sparse_coo"
    torch = pytest.importorskip("torch")
    dense = reader.read_tensor("coo", to="torch").to_dense()
    assert dense[1, 0, 0] == 2.5 and dense.shape == (2, 3, 4) and dense.dtype == torch.float64
    assert reader["y"].location == reader["x"].location
    same_bits(reader.read_tensor("y"), np.arange(6.0))
    if options["format"] != "1.0":
        assert reader["attributes"].attributes == {"a": [1, {"b": None}], "f": 0.5}
        assert reader.attributes["of"] == {"file": True}
    reader.verify()


@pytest.mark.parametrize("name", sorted(set(ALL_DTYPES) - set(DTYPES_OF_1_0)))
def test_format_1_0_refuses_what_it_cannot_hold(tmp_path, name):
    with pytest.raises(ztensor.UnsupportedError, match=r"1\.0"):
        with ztensor.Writer(tmp_path / "t.zt", format="1.0") as writer:
            writer.add_tensor("t", sample(name, (4,)))
    assert not (tmp_path / "t.zt").exists()


def test_format_1_0_refuses_attributes_of_the_file(tmp_path):
    with pytest.raises(ztensor.UnsupportedError):
        with ztensor.Writer(tmp_path / "t.zt", format="1.0", attributes={"a": 1}):
            pass
    assert not (tmp_path / "t.zt").exists()


def test_canonical_files_do_not_depend_on_the_order(tmp_path):
    arrays = {name: sample(name, (5, 3)) for name in ALL_DTYPES}
    for file, names in (("a", ALL_DTYPES), ("b", ALL_DTYPES[::-1])):
        with ztensor.Writer(tmp_path / file, format="2") as writer:
            for name in names:
                writer.add_tensor(name, arrays[name])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert ztensor.open(tmp_path / "a")["int8"].location.offset % 65536 == 0


def test_verify_tells_whether_a_file_is_canonical(tmp_path):
    for file, options in (("c", {}), ("f", {"canonical": False})):
        with ztensor.Writer(tmp_path / f"{file}.zt", format="2", **options) as writer:
            writer.add_tensor("t", np.arange(10))
    assert ztensor.verify(tmp_path / "c.zt", canonical=True).checked == ["t"]
    assert ztensor.open(tmp_path / "c.zt").verify("t", canonical=True).checked == ["t"]
    assert ztensor.verify(tmp_path / "f.zt").checked == ["t"]
    with pytest.raises(ztensor.FormatError) as caught:
        ztensor.verify(tmp_path / "f.zt", canonical=True)
    assert caught.value.rule == "canonical.place" and "f.zt" in str(caught.value)
    with ztensor.Writer(tmp_path / "old.zt") as writer:
        writer.add_tensor("t", np.arange(10))
    with pytest.raises(ztensor.ZTensorError, match=r"old\.zt"):
        ztensor.verify(tmp_path / "old.zt", canonical=True)


CANONICAL_RIVALS = [
    {"compress": True},
    {"max_shard_size": 1 << 20},
    {"checksum": "sha256"},
    {"alignment": 4096},
    {"mode": "a"},
    {"format": "1.2"},
    {"format": None},
]


@pytest.mark.parametrize("rival", CANONICAL_RIVALS, ids=str)
def test_canonical_beside_what_rules_it_out_is_a_usage_error(tmp_path, rival):
    with pytest.raises(ztensor.UsageError, match="canonical"):
        ztensor.Writer(tmp_path / "t.zt", **({"format": "2", "canonical": True} | rival))
    assert list(tmp_path.iterdir()) == []
    if rival.get("format", "2") == "2":  # without True it is merely not canonical
        with ztensor.Writer(tmp_path / "t.zt", **({"format": "2"} | rival)) as writer:
            writer.add_tensor("t", np.zeros(2000))
        assert ztensor.open(tmp_path / "t.zt")["t"].location.offset == 4096


def test_canonical_with_its_own_alignment_is_canonical(tmp_path):
    for file, options in (("a", {}), ("b", {"canonical": True, "alignment": 65536, "checksum": "xxh3"})):
        with ztensor.Writer(tmp_path / file, format="2", **options) as writer:
            for name in "ba":
                writer.add_tensor(name, np.ones(3))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        {"format": "1.1"},
        {"format": "0.1"},
        {"format": "onnx"},
        {"format": "safetensors", "checksum": "crc32c"},
        {"format": "1.2", "checksum": "xxh3"},
        {"format": "1.0", "checksum": "sha256"},
        {"format": "2", "checksum": "crc32c"},
        {"format": "1.2", "max_shard_size": 1 << 20},
        {"format": "2", "max_shard_size": 0},
        {"format": "2", "max_shard_size": -1},
        {"format": "2", "alignment": 64},
    ],
    ids=str,
)
def test_options_of_another_format_are_usage_errors(tmp_path, options):
    with pytest.raises(ztensor.UsageError):
        ztensor.Writer(tmp_path / "t.zt", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_canonical_writer_refuses_other_parts(tmp_path):
    with ztensor.Writer(tmp_path / "t.zt", format="2") as writer:
        for options in ({"compress": True}, {"checksum": "none"}):
            with pytest.raises(ztensor.UsageError, match="canonical"):
                writer.add_tensor("t", np.ones(3), **options)


def test_digests_are_the_formats_own(tmp_path, options):
    with ztensor.Writer(tmp_path / "t.zt", **options) as writer:
        writer.add_tensor("t", np.ones(3))
    digest = ztensor.open(tmp_path / "t.zt").metadata("t").parts["data"].digest
    assert digest.split(":")[0] == ("xxh3" if "2" in options["format"].split("-")[-1][:1] else "crc32c")


def test_a_damaged_tensor_of_format_2_is_a_checksum_error(tmp_path):
    path = tmp_path / "t.zt"
    with ztensor.Writer(path, format="2") as writer:
        writer.add_tensor("t", np.arange(1000))
        writer.add_tensor("u", np.arange(1000, 0, -1))
    reader = ztensor.open(path)
    data = bytearray(path.read_bytes())
    data[reader["t"].location.offset + 5] ^= 1
    path.write_bytes(data)
    reader = ztensor.open(path)
    with pytest.raises(ztensor.ChecksumError):
        reader.read_tensor("t", copy=True)
    with pytest.raises(ztensor.ChecksumError):
        reader.verify()
    reader.read_tensor("t")  # a view is not checked
    with pytest.raises(ztensor.ChecksumError):
        ztensor.open(path, verify=True).read_tensor("t")


def test_what_a_format_cannot_hold_is_left_out_where_it_is_asked_for(tmp_path):
    with ztensor.Writer(tmp_path / "in.zt") as writer:
        writer.add_tensor("t", np.arange(4.0), attributes={"unit": "m"})
    reader = ztensor.open(tmp_path / "in.zt")
    with ztensor.Writer(tmp_path / "strict.zt", format="1.0") as writer:
        with pytest.raises(ztensor.UnsupportedError):
            writer.add_tensor("t", reader["t"])
    with ztensor.Writer(tmp_path / "lossy.zt", format="1.0", lossy=True) as writer:
        writer.add_tensor("t", reader["t"])
        assert len(writer.losses) == 1 and "attribute" in writer.losses[0]
    assert len(writer.losses) == 1
    same_bits(ztensor.open(tmp_path / "lossy.zt").read_tensor("t"), np.arange(4.0))


def test_tensors_of_a_reader_keep_layout_and_attributes(tmp_path, options):
    if options["format"] == "1.0":
        pytest.skip("it has no attributes")
    with ztensor.Writer(tmp_path / "in.zt", compress=True) as writer:
        writer.add_tensor("t", np.arange(40_000), attributes={"unit": "m"})
        writer.add_sparse_csr("s", np.float32([1, 2]), np.array([0, 2]), np.array([0, 1, 2]), (2, 3))
        writer.add_object("o", (8,), "x.packed/1", {"a": np.arange(3), "b": np.ones(2)}, {"k": 1})
    reader = ztensor.open(tmp_path / "in.zt")
    with ztensor.Writer(tmp_path / "out.zt", **options) as writer:
        for name in reader:
            writer.add_tensor(name, reader[name])
    copy = ztensor.open(tmp_path / "out.zt")
    assert ztensor.diff(tmp_path / "in.zt", tmp_path / "out.zt").same
    assert copy.metadata("t").parts["data"].encoding == "raw"  # the writer's default


# --- files of the published releases -------------------------------------------------------------------------------


def golden_files():
    for folder in sorted(GOLDEN.glob("*/expected.json")):
        document = json.loads(folder.read_text())
        for name, file in document["files"].items():
            yield pytest.param(folder.parent / name, file, id=f"{folder.parent.name}/{name}")


def stored(array, dtype):
    """The bytes of an array in a file: little-endian, row-major, float4 packed."""
    if dtype == "float4_e2m1fn":
        return bytes(spec_of(array)[0])
    return np.ascontiguousarray(array).tobytes()


@pytest.mark.filterwarnings("ignore::UserWarning")  # of names that come twice
@pytest.mark.parametrize(("path", "file"), list(golden_files()))
def test_a_golden_file_is_read(path, file):
    if file["expect"] == "refuse":
        with pytest.raises(ztensor.ZTensorError):
            ztensor.open(path)
        return
    if file["expect"] == "error":
        with pytest.raises(ztensor.ZTensorError):
            reader = ztensor.open(path)
            for name in reader:
                reader.read_tensor(name, copy=True)
        return
    reader = ztensor.open(path)
    assert reader.format == f"zt-{file['generation']}"
    expected = {tensor["name"]: tensor for tensor in reversed(file["tensors"])}  # 0.1: the first of a name
    assert set(reader) == set(expected)
    for name, tensor in expected.items():
        check_golden_tensor(reader, name, tensor)


def check_golden_tensor(reader, name, expected):
    assert reader[name].shape == tuple(expected["shape"])
    if expected.get("expect") == "error":
        with pytest.raises(ztensor.ZTensorError):
            reader.read_tensor(name, copy=True)
        return
    if expected.get("verify") == "mismatch":
        with pytest.raises(ztensor.ChecksumError):
            reader[name].verify()
    elif expected.get("verify"):
        reader[name].verify()
    part = expected["parts"].get("data")
    if part is None or reader[name].layout != "dense" or name in reader.unreadable or name == "f4_nibble":
        return  # sparse ones and others are compared in C++; f4_nibble has bits in half a byte that is no element
    for copy in (False, True):
        array = reader.read_tensor(name, copy=copy, verify=False)
        assert array.shape == tuple(expected["shape"])
        assert hashlib.sha256(stored(array, part["dtype"])).hexdigest() == part["sha256"]


def test_big_endian_elements_are_copied_and_their_neighbours_are_not():
    path = GOLDEN / "hand" / "v01_big_endian.zt"
    reader = ztensor.open(path)
    array = reader.read_tensor("t")
    assert array.tolist() == [[1, 2], [3, 4]] and array.dtype.isnative and array.flags.owndata is False
    assert array.flags.writeable  # not a view of the file
    assert reader["t"][1].tolist() == [3, 4]
    assert pickle.loads(pickle.dumps(reader)).read_tensor("t").tolist() == [[1, 2], [3, 4]]


def test_convert_goes_to_every_generation_and_names_what_is_lost(tmp_path):
    path = tmp_path / "in.zt"
    with ztensor.Writer(path, attributes={"step": 10}) as w:
        w.add_tensor("w", np.arange(6, dtype=np.float32).reshape(2, 3), attributes={"k": 1})
    done = ztensor.convert(path, tmp_path / "two.zt", to="2", check_output=True)
    assert (done.tensors, done.losses) == (1, [])
    assert ztensor.content_id(tmp_path / "two.zt") == ztensor.content_id(path)
    with pytest.raises(ztensor.UnsupportedError, match=r"format 1\.0 cannot hold its attributes"):
        ztensor.convert(path, tmp_path / "old.zt", to="1.0")
    assert not (tmp_path / "old.zt").exists()
    done = ztensor.convert(path, tmp_path / "old.zt", to="1.0", lossy=True)
    assert len(done.losses) == 2
    done = ztensor.convert(path, tmp_path / "root.zt", to="2", max_shard_size=1 << 20)
    with ztensor.open(tmp_path / "root.zt") as r:
        assert len(r.paths) == 2
        assert np.array_equal(r.read_tensor("w"), np.arange(6, dtype=np.float32).reshape(2, 3))
    with pytest.raises(ztensor.UsageError):
        ztensor.convert(path, tmp_path / "c.zt", to="2", canonical=True, compress=True)
