"""GGUF files, compared with ggml's own Python package: what it writes we read, and the other way round."""

import numpy as np
import pytest

import ztensor

gguf = pytest.importorskip("gguf", reason="the package gguf is not installed")

from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, quants  # noqa: E402

DENSE = [np.float32, np.float16, np.float64, np.int8, np.int16, np.int32, np.int64]
# A block of q8_1 has 36 bytes in ggml itself. The package says 40, and no file has this type.
BLOCKS = [kind for kind, (elements, _) in GGML_QUANT_SIZES.items() if elements > 1 and kind.name != "Q8_1"]
WITH_VALUES = [kind for kind in BLOCKS if kind in quants._type_traits]
ignore_overflow = pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")


def random_blocks(kind, shape, seed=0):
    """Random bytes of blocks: shape in elements."""
    elements, size = GGML_QUANT_SIZES[kind]
    shape = (*shape[:-1], shape[-1] // elements * size)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def add_every_kind(writer):
    writer.add_uint8("n.u8", 200)
    writer.add_int8("n.i8", -5)
    writer.add_uint16("n.u16", 60000)
    writer.add_int16("n.i16", -30000)
    writer.add_uint32("n.u32", 4_000_000_000)
    writer.add_int32("n.i32", -2_000_000_000)
    writer.add_float32("n.f32", 0.25)
    writer.add_float64("n.f64", 0.1)
    writer.add_uint64("n.u64", 2**64 - 1)
    writer.add_int64("n.i64", -(2**62))
    writer.add_bool("n.bool", True)
    writer.add_string("n.str", "a\u00e4\u4e2d")
    writer.add_array("a.ints", [1, -2, 3])
    writer.add_array("a.floats", [0.5, 1.5])
    writer.add_array("a.bools", [True, False])
    writer.add_array("a.texts", ["a", "", "\u4e2d"])
    writer.add_array("a.bytes", bytes(range(9)))
    writer.add_key_value("a.u16", [1, 2], GGUFValueType.ARRAY, sub_type=GGUFValueType.UINT16)


def write(path, tensors=(), keys=add_every_kind, endianess=gguf.GGUFEndian.LITTLE, alignment=None):
    """`tensors`: (name, array, type of blocks or None)."""
    writer = GGUFWriter(path, "llama", endianess=endianess)
    if alignment is not None:
        writer.add_custom_alignment(alignment)
    keys(writer)
    for name, array, kind in tensors:
        writer.add_tensor(name, array, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def model(tmp_path):
    tensors = [("plain", np.arange(12, dtype=np.float32).reshape(3, 4), None)]
    tensors += [("blocks", random_blocks(GGMLQuantizationType.Q4_K, (3, 512)), GGMLQuantizationType.Q4_K)]
    tensors += [("half", np.arange(5, dtype=np.float16), None)]
    return write(tmp_path / "model.gguf", tensors)


def plain(value):
    return list(value) if isinstance(value, bytes) else value


def test_metadata_is_that_of_the_package_in_its_order(model):
    with ztensor.open(model) as reader:
        found = {key: value for key, value in reader.attributes.items() if not key.startswith("ztensor.")}
    theirs = GGUFReader(model)
    expected = {key: field.contents() for key, field in theirs.fields.items() if not key.startswith("GGUF.")}
    assert list(found) == list(expected)
    assert {key: plain(value) for key, value in found.items()} == expected


def test_types_that_values_do_not_tell_are_kept(model):
    with ztensor.open(model) as reader:
        assert reader.attributes["ztensor.gguf.version"] == 3
        kept = reader.attributes["ztensor.gguf.types"]
    assert kept == {"n.u8": "u8", "n.i8": "i8", "n.u16": "u16", "n.i16": "i16", "a.u16": "[u16]"}


def test_tensors_are_those_of_the_package(model):
    with ztensor.open(model) as reader:
        theirs = GGUFReader(model)
        assert list(reader) == [tensor.name for tensor in theirs.tensors]
        for tensor in theirs.tensors:
            ours = reader[tensor.name]
            assert ours.shape == tuple(reversed(tensor.shape.tolist()))
            assert ours.location.offset == tensor.data_offset
            if tensor.name == "blocks":
                assert ours.parts["data"].tobytes() == tensor.data.tobytes()
            else:
                assert np.array_equal(ours.numpy(), tensor.data)


def test_a_tensor_of_blocks_has_a_type_and_no_dtype(model):
    with ztensor.open(model) as reader:
        tensor = reader["blocks"]
        assert tensor.dtype_name == "q4_k"
        assert tensor.layout == "gguf.q4_k/1"
        assert tensor.attributes == {"block_bytes": 144, "elems_per_block": 256}
        assert reader.metadata("blocks").dtype == "q4_k"
        with pytest.raises(ztensor.UnsupportedError, match=r"blocks.*dtype"):
            _ = tensor.dtype
        with pytest.raises(ztensor.UnsupportedError):
            tensor.numpy()
        assert reader["plain"].dtype_name == "float32"


@pytest.mark.parametrize("dtype", DENSE, ids=lambda dtype: np.dtype(dtype).name)
@pytest.mark.parametrize("endianess", list(gguf.GGUFEndian), ids=lambda order: order.name.lower())
def test_plain_types_in_both_byte_orders(tmp_path, dtype, endianess):
    array = np.random.default_rng(1).integers(0, 100, (3, 5)).astype(dtype)
    # The package swaps the array in place
    path = write(tmp_path / "m.gguf", [("t", array.copy(), None)], endianess=endianess)
    with ztensor.open(path) as reader:
        assert np.array_equal(reader["t"].numpy(), array)
        assert reader["t"].dtype == dtype
        assert reader.attributes["n.u32"] == 4_000_000_000


@pytest.mark.parametrize("kind", WITH_VALUES, ids=lambda kind: kind.name.lower())
@ignore_overflow
def test_values_are_those_of_the_package_bit_for_bit(tmp_path, kind):
    elements, _ = GGML_QUANT_SIZES[kind]
    blocks = random_blocks(kind, (7, 64, elements), seed=kind)
    path = write(tmp_path / "m.gguf", [("t", blocks, kind)])
    with np.errstate(all="ignore"):
        expected = quants.dequantize(blocks, kind)
    with ztensor.open(path) as reader:
        found = reader["t"].dequantize()
        assert reader["t"].dtype_name == kind.name.lower()
    assert found.shape == expected.shape
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    numbers = ~np.isnan(expected)
    assert np.array_equal(found[numbers].view(np.uint32), expected[numbers].view(np.uint32))


def test_every_type_with_values_is_tested():
    assert len(WITH_VALUES) >= 23


@pytest.mark.parametrize("kind", sorted(set(BLOCKS) - set(WITH_VALUES)), ids=lambda kind: kind.name.lower())
def test_types_without_values_are_read_as_blocks(tmp_path, kind):
    blocks = random_blocks(kind, (2, GGML_QUANT_SIZES[kind][0]))
    path = write(tmp_path / "m.gguf", [("t", blocks, kind)])
    with ztensor.open(path) as reader:
        assert reader["t"].parts["data"].tobytes() == blocks.tobytes()
        with pytest.raises(ztensor.UnsupportedError) as caught:
            reader["t"].dequantize()
    assert caught.value.rule == "layout.gguf"


@pytest.mark.parametrize("alignment", [None, 32, 64, 4096])
def test_through_zt_and_back_is_the_same_file(tmp_path, alignment):
    tensors = [(f"t.{i}", np.arange(i, dtype=np.float32).reshape(1, i), None) for i in (7, 8, 100)]
    tensors += [("q", random_blocks(GGMLQuantizationType.IQ3_S, (3, 512)), GGMLQuantizationType.IQ3_S)]
    tensors += [("b", random_blocks(GGMLQuantizationType.BF16, (3, 5)), GGMLQuantizationType.BF16)]
    path = write(tmp_path / "a.gguf", tensors, alignment=alignment)
    ztensor.convert(path, tmp_path / "b.zt")
    ztensor.convert(tmp_path / "b.zt", tmp_path / "c.gguf")
    assert (tmp_path / "c.gguf").read_bytes() == path.read_bytes()
    ztensor.convert(path, tmp_path / "d.gguf")
    assert (tmp_path / "d.gguf").read_bytes() == path.read_bytes()


def test_through_generation_2_keeps_tensors_and_typed_metadata(tmp_path, model):
    ztensor.convert(model, tmp_path / "b.zt", to="2")
    ztensor.convert(tmp_path / "b.zt", tmp_path / "c.gguf")
    before, after = GGUFReader(model), GGUFReader(tmp_path / "c.gguf")
    fields = {key: (field.types, field.contents()) for key, field in before.fields.items()}
    assert {key: (field.types, field.contents()) for key, field in after.fields.items()} == fields
    tensors = {tensor.name: (tensor.tensor_type, tensor.data.tobytes()) for tensor in before.tensors}
    assert {tensor.name: (tensor.tensor_type, tensor.data.tobytes()) for tensor in after.tensors} == tensors


def test_a_writer_makes_files_for_the_package(tmp_path):
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    blocks = random_blocks(GGMLQuantizationType.Q8_0, (4, 64))
    attributes = {"general.architecture": "llama", "list": [1, 2], "general.alignment": 64, "deep": [[1], ["a"]]}
    with ztensor.Writer(tmp_path / "m.gguf", attributes=attributes) as writer:
        writer.add_tensor("a", array)
        block = {"elems_per_block": 32, "block_bytes": 34}
        writer.add_object("q", (4, 64), "gguf.q8_0/1", {"data": blocks.reshape(-1)}, block)
        writer.add_tensor("b", np.arange(3, dtype=np.int64))
    theirs = GGUFReader(tmp_path / "m.gguf")
    assert [tensor.name for tensor in theirs.tensors] == ["a", "q", "b"]
    assert all(tensor.data_offset % 64 == 0 for tensor in theirs.tensors)
    assert np.array_equal(theirs.tensors[0].data, array)
    assert np.array_equal(theirs.tensors[1].data, blocks)
    assert theirs.tensors[1].tensor_type == GGMLQuantizationType.Q8_0
    assert theirs.fields["list"].contents() == [1, 2]
    with ztensor.open(tmp_path / "m.gguf") as reader:
        found = {key: value for key, value in reader.attributes.items() if not key.startswith("ztensor.")}
        assert found == attributes
        assert np.array_equal(reader["b"].numpy(), np.arange(3))


@pytest.mark.parametrize(
    ("name", "value"), [("none", None), ("map", {"a": 1}), ("mixed", [1, "a"]), ("general.alignment", 3)]
)
def test_attributes_without_a_type_are_refused_by_name(tmp_path, name, value):
    with pytest.raises(ztensor.UnsupportedError, match=f"'{name}'"):
        ztensor.Writer(tmp_path / "m.gguf", attributes={name: value}).finalize()
    with ztensor.Writer(tmp_path / "m.zt", attributes={name: value, "kept": 1}) as writer:
        writer.add_tensor("w", np.zeros(4, np.float32))
    with pytest.raises(ztensor.UnsupportedError, match=f"'{name}'"):
        ztensor.convert(tmp_path / "m.zt", tmp_path / "m.gguf")
    assert not (tmp_path / "m.gguf").exists()


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (np.zeros(4, np.uint8), "uint8"),
        (np.zeros(4, bool), "bool"),
        (np.zeros(4, np.complex64), "complex64"),
        (np.zeros((1, 1, 1, 1, 1), np.float32), "5 dimensions"),
    ],
    ids=["uint8", "bool", "complex64", "rank"],
)
def test_tensors_that_gguf_cannot_hold_are_refused_by_name(tmp_path, array, what):
    with ztensor.Writer(tmp_path / "m.zt") as writer:
        writer.add_tensor("good", np.zeros(4, np.float32))
        writer.add_tensor("odd", array)
    with pytest.raises(ztensor.UnsupportedError, match=f"tensor 'odd'.*{what}"):
        ztensor.convert(tmp_path / "m.zt", tmp_path / "m.gguf")
    assert not (tmp_path / "m.gguf").exists()


def test_many_strings_open_in_a_moment(tmp_path):
    tokens = [f"token{i}" for i in range(256_000)]
    path = write(tmp_path / "m.gguf", keys=lambda writer: writer.add_array("tokenizer.ggml.tokens", tokens))
    with ztensor.open(path) as reader:
        assert reader.attributes["tokenizer.ggml.tokens"] == tokens
