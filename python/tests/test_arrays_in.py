"""Every kind of array that a caller may give to a writer."""

import io

import ml_dtypes
import numpy as np
import pytest
from conftest import ALL_DTYPES, NATIVE, same_bits, sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ztensor


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 0, 2), (5, 4, 3)])
@pytest.mark.parametrize("name", ALL_DTYPES)
def test_every_dtype_and_shape_reads_back(round_trip, name, shape, compress):
    array = sample(name, shape)
    reader = round_trip(array, compress=compress)
    assert reader["t"].dtype_name == name
    assert reader["t"].shape == shape
    same_bits(reader.read_tensor("t"), array)
    same_bits(reader.read_tensor("t", copy=True), array)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float4_e2m1fn", "complex128", "bool", "uint8"])
@pytest.mark.parametrize(
    "strided",
    [
        lambda a: a[::-1],
        lambda a: a.T,
        lambda a: a[:, ::-2],
        lambda a: a[1:, 1:],
        lambda a: np.broadcast_to(a[0], (4, 6)),
        lambda a: np.broadcast_to(a[0, 0], (3, 2)),
        lambda a: np.asfortranarray(a),
        lambda a: a[None, :, None],
    ],
)
def test_values_are_right_whatever_the_strides(round_trip, name, strided):
    array = strided(sample(name, (5, 6)))
    same_bits(round_trip(array).read_tensor("t"), array)


@pytest.mark.parametrize("name", [name for name in NATIVE if np.dtype(name).itemsize > 1])
def test_big_endian_arrays_are_swapped(round_trip, name):
    array = sample(name, (4, 3))
    big = array.astype(array.dtype.newbyteorder(">"))[::-1]
    same_bits(round_trip(big).read_tensor("t"), array[::-1])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_slice_of_any_array_is_stored_as_numpy_copies_it(tmp_path, data):
    name = data.draw(st.sampled_from(ALL_DTYPES))
    shape = tuple(data.draw(st.lists(st.integers(1, 5), max_size=4)))
    array = sample(name, shape, data.draw(st.integers(0, 1000)))
    steps = st.sampled_from([-3, -2, -1, 1, 2, 3])
    part = array[tuple(slice(None, None, data.draw(steps)) for _ in shape)]
    part = part.transpose(data.draw(st.permutations(range(part.ndim))))
    with ztensor.Writer(tmp_path / "h.zt") as writer:
        writer.add_tensor("t", part)
    same_bits(ztensor.open(tmp_path / "h.zt").read_tensor("t"), np.asarray(part))


@pytest.mark.parametrize(
    "array",
    [
        np.array([1, "a", None], object),
        np.array(["a", "b"]),
        np.array([b"a", b"b"]),
        np.zeros(3, [("a", "i4"), ("b", "f4")]),
        np.zeros(3, "datetime64[s]"),
        np.zeros(3, "timedelta64[s]"),
        np.zeros(3, np.longdouble),
        np.zeros(3, ml_dtypes.int4),
        np.ma.array([1, 2, 3], mask=[0, 1, 0]),
    ],
    ids=lambda array: str(array.dtype),
)
def test_what_cannot_be_stored_is_unsupported(tmp_path, array):
    with ztensor.Writer(tmp_path / "u.zt") as writer:
        with pytest.raises(ztensor.UnsupportedError, match=r"^tensor 't': "):
            writer.add_tensor("t", array)


@pytest.mark.parametrize("value", [[1, 2], (1.0,), 3, "text", b"bytes", None, {"a": 1}, object()])
def test_what_is_no_array_is_a_type_error(tmp_path, value):
    with ztensor.Writer(tmp_path / "u.zt") as writer:
        with pytest.raises(TypeError, match=r"^tensor 't': expected an array or a tensor, not "):
            writer.add_tensor("t", value)


class GivesItself:
    def __array__(self, dtype=None, copy=None):
        return self


class AsksItself:
    def __array__(self, dtype=None, copy=None):
        return np.asarray(self)


class NoCapsule:
    def __dlpack__(self, **options):
        return self

    def __dlpack_device__(self):
        return (1, 0)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (GivesItself(), pytest.raises(ValueError, match=r"^tensor 't': ")),
        (AsksItself(), pytest.raises(RecursionError)),
        (NoCapsule(), pytest.raises(ValueError, match=r"^tensor 't': ")),
    ],
    ids=["gives itself", "asks itself", "no capsule"],
)
def test_an_object_whose_array_is_itself_is_an_error(tmp_path, value, error):
    with ztensor.Writer(tmp_path / "u.zt") as writer:
        with error:
            writer.add_tensor("t", value)
        writer.add_tensor("t", np.ones(2))


def test_an_unmasked_array_a_matrix_and_a_scalar_are_arrays(round_trip):
    same_bits(round_trip(np.ma.array([1, 2, 3])).read_tensor("t"), np.array([1, 2, 3]))
    same_bits(round_trip(np.matrix([[1, 2], [3, 4]])).read_tensor("t"), np.array([[1, 2], [3, 4]]))
    same_bits(round_trip(np.float32(2.5)).read_tensor("t"), np.array(2.5, np.float32))


def test_objects_that_convert_are_taken(round_trip):
    array = np.arange(6.0).reshape(2, 3)

    class WithArray:
        def __array__(self, dtype=None, copy=None):
            return array

    class WithDLPack:
        def __dlpack__(self, **options):
            return array.__dlpack__(**options)

        def __dlpack_device__(self):
            return array.__dlpack_device__()

    same_bits(round_trip(WithArray()).read_tensor("t"), array)
    same_bits(round_trip(WithDLPack()).read_tensor("t"), array)


def test_a_tensor_of_another_file_is_taken(round_trip):
    array = sample("float8_e5m2", (3, 3))
    same_bits(round_trip(round_trip(array)["t"]).read_tensor("t"), array)


def test_bytes_are_taken_before_the_call_returns(tmp_path):
    array = np.ones(100_000)
    with ztensor.Writer(tmp_path / "b.zt") as writer:
        writer.add_tensor("a", array)
        array[:] = 2
        writer.add_tensor("b", array)
    reader = ztensor.open(tmp_path / "b.zt")
    assert reader["a"][0] == 1
    assert reader["b"][0] == 2


strided = np.lib.stride_tricks.as_strided


@pytest.mark.parametrize(
    "make",
    [
        lambda: strided(np.ones(4), (4096,), (8,)),
        lambda: strided(np.ones(4096)[:4], (2, 4096), (8, 8)),
        lambda: strided(np.ones((3, 4))[1:], (3, 3), (32, 8)),
        lambda: strided(np.ones(9)[4:], (9,), (-8,)),
        lambda: strided(np.ones(4), (4096,), (8,))[7:5000:3],
        lambda: strided(np.frombuffer(bytes(32)), (5,), (8,)),
        lambda: strided(np.asarray(memoryview(bytearray(32))), (33,), (1,)),
        lambda: strided(np.ones(4, ml_dtypes.bfloat16), (100,), (2,)),
    ],
)
def test_an_array_that_reaches_out_of_its_memory_is_refused(tmp_path, make):
    array = make()
    with ztensor.Writer(tmp_path / "s.zt") as writer:
        with pytest.raises(ztensor.UnsupportedError, match=r"^tensor 't': .*reaches out of the memory"):
            writer.add_tensor("t", array)
        with pytest.raises(ztensor.UnsupportedError, match=r"^tensor 'o': part 'data': "):
            writer.add_object("o", (1,), "acme", {"data": array})


@pytest.mark.parametrize(
    "make",
    [
        lambda a: strided(a, (3, 4), (8, 16)),
        lambda a: strided(a[5:], (20, 5), (0, -8)),
        lambda a: strided(a[2:4], (98,), (8,)),
        lambda a: strided(a[99:], (0, 7), (800, 8)),
        lambda a: np.lib.stride_tricks.sliding_window_view(a, 7)[::2],
        lambda a: np.broadcast_to(a, (2, 100)),
        lambda a: strided(strided(a, (10, 10), (80, 8))[3], (7,), (8,)),
        lambda a: strided(np.frombuffer(a.tobytes())[10:], (90,), (8,)),
        lambda a: strided(np.frombuffer(a.tobytes(), offset=8), (99,), (8,)),
        lambda a: strided(np.asarray(memoryview(a)[::-2]), (25,), (-32,)),
        lambda a: strided(a[::-1], (100,), (-8,)),
        lambda a: strided(np.asfortranarray(a.reshape(10, 10)), (100,), (8,)),
    ],
)
def test_strides_within_the_memory_are_taken(round_trip, make):
    array = make(np.arange(100.0))
    same_bits(round_trip(array).read_tensor("t"), np.array(array))


def test_as_strided_over_a_mapped_view_is_held_against_the_mapping(round_trip, tmp_path):
    view = round_trip(np.arange(100.0)).read_tensor("t")
    same_bits(round_trip(strided(view[50:], (2, 100), (-8 * 50, 8))[:1, :50]).read_tensor("t"), view[None, 50:])
    with ztensor.Writer(tmp_path / "v.zt") as writer:
        with pytest.raises(ztensor.UnsupportedError, match="reaches out"):
            writer.add_tensor("t", strided(view, (10_000_000,), (8,)))


def test_a_masked_array_of_records_is_refused_by_name(tmp_path):
    masked = np.ma.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")], mask=[(True, False)])
    with ztensor.Writer(tmp_path / "m.zt") as writer:
        with pytest.raises(ztensor.UnsupportedError, match=r"^tensor 't': arrays of dtype .*'a'.* cannot be stored"):
            writer.add_tensor("t", masked)


ODD_BOOLS = np.array([0, 1, 4, 255, 128, 0], np.uint8)


def odd_bools():
    """An array of many pieces, contiguous and strided."""
    many = np.resize(ODD_BOOLS, 3_000_001)
    return [ODD_BOOLS.view(bool), ODD_BOOLS[::-2].view(bool), np.tile(ODD_BOOLS, (3, 2)).T.view(bool), many.view(bool)]


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("format", ["1.0", "1.2", "2"])
def test_every_bool_byte_but_0_is_stored_as_1(tmp_path, format, compress):
    path = tmp_path / "b.zt"
    arrays = odd_bools()
    sparse = np.array([[0, 1, 2], [0, 1, 2]])
    with ztensor.Writer(path, format=format, compress=compress) as writer:
        for i, array in enumerate(arrays):
            writer.add_tensor(f"t{i}", array)
        writer.add_sparse_coo("coo", np.array([4, 1, 0], np.uint8).view(bool), sparse, (3, 3))
    ztensor.verify(path)
    reader = ztensor.open(path)
    for i, array in enumerate(arrays):
        expected = (np.ascontiguousarray(array).view(np.uint8) != 0).astype(np.uint8)
        same_bits(reader.read_tensor(f"t{i}").view(np.uint8), expected)
    assert reader["coo"].parts["values"].view(np.uint8).tolist() == [1, 1, 0]
    assert bytes(arrays[0].view(np.uint8)) == bytes(ODD_BOOLS)  # the caller's arrays do not change


def test_odd_bools_of_torch_are_stored_as_1(round_trip):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    reader = round_trip(torch.from_numpy(ODD_BOOLS.copy()).view(torch.bool))
    reader.verify()
    assert reader.read_tensor("t").view(np.uint8).tolist() == [0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("kind", ["safetensors", "1.2"])
@pytest.mark.parametrize("to", ["1.0", "1.2", "2"])
def test_odd_bools_of_a_file_are_what_verify_says_and_convert_gives_up_when_told(tmp_path, kind, to):
    path, out = tmp_path / "odd.file", tmp_path / "out.zt"
    path.write_bytes(file_of_odd_bools(kind))
    with pytest.raises(ztensor.FormatError) as caught:
        ztensor.verify(path)
    assert caught.value.rule == "content.bool"
    with pytest.raises(ztensor.UnsupportedError, match=r"tensor 't': .*bool bytes other than 0 and 1.*lossy") as caught:
        ztensor.convert(path, out, to=to)
    assert caught.value.rule == "write.loss"
    report = ztensor.convert(path, out, to=to, lossy=True)
    assert "bool bytes" in "".join(report.losses)
    ztensor.verify(out)
    assert ztensor.open(out).read_tensor("t").view(np.uint8).tolist() == [0, 1, 1]


def file_of_odd_bools(kind):
    if kind == "safetensors":
        header = b'{"t":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}'
        return len(header).to_bytes(8, "little") + header + b"\0\1\4"
    stream = io.BytesIO()
    with ztensor.Writer(stream, checksum="none") as writer:
        writer.add_tensor("t", np.array([False, True, True]))
    data = bytearray(stream.getvalue())
    assert data[64:67] == b"\0\1\1"
    data[66] = 4
    return bytes(data)
