"""Quantized tensors as float32, compared with NumPy and ml_dtypes."""

import ml_dtypes
import numpy as np
import pytest

import ztensor

E8M0 = ml_dtypes.float8_e8m0fnu
MX_DTYPES = [ml_dtypes.float4_e2m1fn, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, np.int8]
ignore_overflow = pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")


@pytest.fixture
def stored(tmp_path):
    """Writes one composite, and returns the tensor of the open file."""

    def run(shape, layout, parts, attributes, *, compress=False, **options):
        path = tmp_path / "q.zt"
        with ztensor.Writer(path, compress=compress) as writer:
            writer.add_object("t", shape, layout, parts, attributes)
        return ztensor.open(path, **options)["t"]

    return run


def codes_of(dtype, count, seed=0):
    bits = 4 if dtype == ml_dtypes.float4_e2m1fn else 8
    return np.random.default_rng(seed).integers(0, 1 << bits, count, dtype=np.uint8).view(dtype)


def mx_attributes(block, axis=None):
    attributes = {"block_size": block, "scale_form": "e8m0_exponent"}
    return attributes if axis is None else {**attributes, "axis": axis}


def mx_expected(data, scales, shape, block, axis):
    unit = 1 / 64 if data.dtype == np.int8 else 1.0
    values = data.astype(np.float64).reshape(shape) * unit
    fewer = [size // block if i == axis else size for i, size in enumerate(shape)]
    factors = np.repeat(scales.astype(np.float64).reshape(fewer), block, axis=axis)
    return (values * factors).astype(np.float32)


def same_values(found, expected):
    assert found.dtype == np.float32
    assert found.shape == tuple(expected.shape)
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    numbers = ~np.isnan(expected)
    assert np.array_equal(found[numbers].view(np.uint32), expected[numbers].view(np.uint32))


@pytest.mark.parametrize("dtype", MX_DTYPES, ids=lambda dtype: np.dtype(dtype).name)
def test_every_code_has_the_value_of_ml_dtypes(stored, dtype):
    count = 16 if dtype == ml_dtypes.float4_e2m1fn else 256
    data = np.arange(count, dtype=np.uint8).view(dtype)
    scales = np.full(count // 16, 127, np.uint8).view(E8M0)
    tensor = stored((count,), "zt.mx/1", {"data": data, "scales": scales}, mx_attributes(16))
    expected = data.astype(np.float32) / (64 if dtype is np.int8 else 1)
    same_values(tensor.dequantize(), expected)


def test_every_scale_has_the_value_of_ml_dtypes(stored):
    scales = np.arange(256, dtype=np.uint8).view(E8M0)
    data = np.full(512, 64, np.int8)
    tensor = stored((512,), "zt.mx/1", {"data": data, "scales": scales}, mx_attributes(2))
    same_values(tensor.dequantize(), np.repeat(scales.astype(np.float32), 2))


@ignore_overflow
@pytest.mark.parametrize("dtype", MX_DTYPES, ids=lambda dtype: np.dtype(dtype).name)
@pytest.mark.parametrize(
    ("shape", "axis"), [((6, 64), None), ((64, 6), 0), ((2, 96, 5), 1), ((32,), 0), ((3, 2, 64), 2)]
)
def test_mx_blocks_run_along_any_axis(stored, dtype, shape, axis):
    along = len(shape) - 1 if axis is None else axis
    data = codes_of(dtype, int(np.prod(shape)))
    scales = codes_of(E8M0, data.size // 32, seed=1)
    for compress in (False, True):
        tensor = stored(shape, "zt.mx/1", {"data": data, "scales": scales}, mx_attributes(32, axis), compress=compress)
        same_values(tensor.dequantize(), mx_expected(data, scales, shape, 32, along))


def pack(codes, bits, word, order):
    """Codes as words; each word is built by shifts of its number."""
    per_word = 8 * np.dtype(word).itemsize // bits
    groups = codes.reshape(-1, per_word).astype(np.uint64)
    places = np.arange(per_word, dtype=np.uint64)
    if order == "msb_first":
        places = places[::-1]
    return (groups << (places * np.uint64(bits))).sum(axis=1, dtype=np.uint64).astype(word)


def quant_attributes(bits, group, axis, word, order, form="f32_factors", zero=None):
    name = "u" + str(8 * np.dtype(word).itemsize)
    return {
        "bits": bits,
        "group_size": group,
        "axis": axis,
        "packing": {"word": name, "order": order, "per_word": 8 * np.dtype(word).itemsize // bits},
        "scale_form": form,
        "zero_point": zero or {"form": "none"},
    }


def quant_expected(codes, scales, zeros, shape, group, axis):
    fewer = [size // group if i == axis else size for i, size in enumerate(shape)]
    spread = [np.repeat(np.asarray(x).astype(np.float64).reshape(fewer), group, axis=axis) for x in (scales, zeros)]
    return ((codes.astype(np.float64).reshape(shape) - spread[1]) * spread[0]).astype(np.float32)


@ignore_overflow
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("word", [np.uint8, np.uint16, np.uint32, np.uint64, np.int32])
@pytest.mark.parametrize("order", ["lsb_first", "msb_first"])
def test_codes_are_unpacked_from_every_word(stored, bits, word, order):
    shape, group = (8, 64), 32
    codes = np.random.default_rng(2).integers(0, 1 << bits, 512, dtype=np.uint8)
    scales = np.random.default_rng(3).standard_normal(16).astype(np.float32)
    data = pack(codes, bits, np.dtype(word).str.replace("i", "u"), order).view(word)
    zero = {"form": "implied", "value": -3}
    attributes = quant_attributes(bits, group, 1, word, order, zero=zero)
    tensor = stored(shape, "zt.quant_group/1", {"data": data, "scales": scales}, attributes)
    same_values(tensor.dequantize(), quant_expected(codes, scales, np.full(16, -3), shape, group, 1))


@ignore_overflow
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16, E8M0])
def test_groups_run_along_any_axis_with_scales_of_any_float(stored, axis, dtype):
    shape = (8, 16, 24)
    codes = np.random.default_rng(4).integers(0, 16, np.prod(shape), dtype=np.uint8)
    scales = codes_of(np.uint8, codes.size // 8 * np.dtype(dtype).itemsize, seed=5).view(dtype)
    form = "e8m0_exponent" if dtype is E8M0 else "f16_factors"
    attributes = quant_attributes(4, 8, axis, np.uint32, "lsb_first", form)
    parts = {"data": pack(codes, 4, np.uint32, "lsb_first"), "scales": scales}
    tensor = stored(shape, "zt.quant_group/1", parts, attributes)
    same_values(tensor.dequantize(), quant_expected(codes, scales, np.zeros(scales.size), shape, 8, axis))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_every_half_is_read_as_a_scale(stored, dtype):
    scales = np.arange(65536, dtype=np.uint16).view(dtype)
    codes = np.ones(131072, np.uint8)
    attributes = quant_attributes(8, 2, 0, np.uint8, "lsb_first")
    tensor = stored((131072,), "zt.quant_group/1", {"data": codes, "scales": scales}, attributes)
    same_values(tensor.dequantize(), np.repeat(scales.astype(np.float32), 2))


@pytest.mark.parametrize("kind", ["packed", np.int8, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("axis", [0, 1])
def test_zero_points_are_read_plain_and_packed(stored, kind, axis):
    shape, group = (32, 64), 16
    rng = np.random.default_rng(6)
    codes = rng.integers(0, 16, 2048, dtype=np.uint8)
    scales = rng.standard_normal(128).astype(np.float32)
    zeros = rng.integers(0, 16, 128, dtype=np.uint8)
    if kind == "packed":
        stored_zeros, packing = pack(zeros, 4, np.uint16, "msb_first"), "same_as_data"
    else:
        stored_zeros, packing = zeros.astype(kind), "plain"
    attributes = quant_attributes(4, group, axis, np.uint16, "msb_first", zero={"form": "tensor", "packing": packing})
    parts = {"data": pack(codes, 4, np.uint16, "msb_first"), "scales": scales, "zeros": stored_zeros}
    tensor = stored(shape, "zt.quant_group/1", parts, attributes)
    same_values(tensor.dequantize(), quant_expected(codes, scales, zeros, shape, group, axis))


@pytest.mark.parametrize("axis", [0, 1])
def test_a_group_size_of_zero_is_read_by_the_number_of_scales(stored, axis):
    shape = (4, 6)
    codes = np.arange(24, dtype=np.uint8)
    attributes = quant_attributes(8, 0, axis, np.uint8, "lsb_first")
    channels = np.arange(1, shape[axis] + 1, dtype=np.float32)
    tensor = stored(shape, "zt.quant_group/1", {"data": codes, "scales": channels}, attributes)
    spread = channels.reshape((-1, 1) if axis == 0 else (1, -1))
    same_values(tensor.dequantize(), codes.astype(np.float32).reshape(shape) * spread)
    scales = np.arange(24, dtype=np.float32)
    tensor = stored(shape, "zt.quant_group/1", {"data": codes, "scales": scales}, attributes)
    same_values(tensor.dequantize(), (codes * scales).reshape(shape))


def test_the_result_is_owned_and_outlives_the_reader(tmp_path):
    path = tmp_path / "q.zt"
    with ztensor.Writer(path) as writer:
        parts = {"data": np.full(64, 64, np.int8), "scales": np.full(2, 128, np.uint8).view(E8M0)}
        writer.add_object("t", (64,), "zt.mx/1", parts, mx_attributes(32))
    with ztensor.open(path) as reader:
        tensor = reader["t"]
        values = tensor.dequantize()
    assert values.flags.writeable
    assert values.tolist() == [2.0] * 64
    with pytest.raises(ztensor.UsageError):
        tensor.dequantize()


def test_a_tensor_without_elements_is_an_empty_array(stored):
    parts = {"data": np.zeros(0, np.int8), "scales": np.zeros(0, np.uint8).view(E8M0)}
    tensor = stored((3, 0), "zt.mx/1", parts, mx_attributes(32))
    assert tensor.dequantize().shape == (3, 0)


def test_what_cannot_be_dequantized_says_why(stored):
    dense = stored((4,), "dense", {"data": np.zeros(4, np.float32)}, None)
    with pytest.raises(ztensor.UsageError, match=r"tensor 't': .*'dense'.*zt\.mx/1"):
        dense.dequantize()
    blocks = stored((32,), "gguf.q8_1/1", {"data": np.zeros(36, np.uint8)}, {"elems_per_block": 32, "block_bytes": 36})
    with pytest.raises(ztensor.UnsupportedError) as caught:
        blocks.dequantize()
    assert caught.value.rule == "layout.gguf"


def test_a_huge_shape_over_few_bytes_is_refused(stored):
    parts = {"data": np.zeros(16, np.int8), "scales": np.zeros(1, np.uint8).view(E8M0)}
    tensor = stored((1 << 40, 1 << 20), "zt.mx/1", parts, mx_attributes(16))
    with pytest.raises(ztensor.FormatError) as caught:
        tensor.dequantize()
    assert caught.value.rule == "mx.data.length"


def test_a_digest_that_does_not_match_is_found(tmp_path):
    path = tmp_path / "q.zt"
    with ztensor.Writer(path) as writer:
        parts = {"data": np.full(64, 64, np.int8), "scales": np.full(2, 128, np.uint8).view(E8M0)}
        writer.add_object("t", (64,), "zt.mx/1", parts, mx_attributes(32))
    place = ztensor.open(path).metadata("t").parts["scales"]
    data = bytearray(path.read_bytes())
    data[place.offset] ^= 1
    path.write_bytes(data)
    with pytest.raises(ztensor.ChecksumError, match="part 'scales'"):
        ztensor.open(path)["t"].dequantize()
