"""Every kind of array that a writer is handed."""

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
