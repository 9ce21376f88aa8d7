"""t[...] is NumPy's indexing, for mapped, read and compressed tensors."""

import numpy as np
import pytest
from conftest import ALL_DTYPES, same_bits, sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ztensor

SHAPE = (5, 4, 6)


@pytest.fixture(scope="module")
def tensors(tmp_path_factory):
    """The same array: mapped, read, and compressed."""
    path = tmp_path_factory.mktemp("slicing") / "s.zt"
    with ztensor.Writer(path) as writer:
        for name in ALL_DTYPES:
            writer.add_tensor(name, sample(name, SHAPE))
            writer.add_tensor(f"{name}.z", np.repeat(sample(name, SHAPE), 64, axis=0), compress=True)
        writer.add_tensor("scalar", np.array(7.5))
    mapped, read = ztensor.open(path), ztensor.open(path, backend="read")
    yield mapped, read


KEYS = [
    0,
    -1,
    (1, 2, 3),
    (..., 2),
    (2, ...),
    ...,
    (),
    (slice(1, 4),),
    (slice(None, None, -1), slice(3, 0, -2)),
    (slice(4, 1),),
    (None, 1, None, ..., None),
    (slice(None), [0, 2, 2]),
    ([3, -1, 0], slice(1, 3), 0),
    (1, slice(None), np.array([0, 5])),
    (0, [1, 2]),
    (np.array([[0, 1], [2, 3]]),),
    (np.array([True, False, True, False, True]),),
    (slice(None), np.zeros(4, bool)),
    ([],),
    np.int8(2),
    (np.array([0, 4], np.uint8), ..., 1),
]


def has_mask(key):
    return isinstance(key, tuple) and any(getattr(entry, "dtype", None) == np.bool_ for entry in key)


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("name", ["float32", "bfloat16", "float4_e2m1fn", "bool"])
def test_every_key_gives_what_numpy_gives(tensors, name, key):
    array = sample(name, SHAPE)
    repeated = np.repeat(array, 64, axis=0)
    for reader in tensors:
        got = reader[name][key]
        want = array[key]
        assert type(got) is type(want)
        same_bits(np.asarray(got), np.asarray(want))
        if not has_mask(key):  # a mask would have to be longer
            same_bits(np.asarray(reader[f"{name}.z"][key]), np.asarray(repeated[key]))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_basic_key_gives_what_numpy_gives(tensors, data):
    array = sample("int16", SHAPE)
    entries = st.one_of(st.none(), st.slices(8), st.integers(-4, 3), st.just(None))
    key = tuple(data.draw(st.lists(entries, max_size=3)))
    for reader in tensors:
        same_bits(np.asarray(reader["int16"][key]), np.asarray(array[key]))


@pytest.mark.parametrize("key", [5, -6, (0, 4), ([0, 5],), (0, 0, 0, 0), (np.ones(3, bool),), "a", 1.5, (..., ...)])
def test_wrong_keys_are_index_errors(tensors, key):
    for reader in tensors:
        with pytest.raises(IndexError):
            reader["float32"][key]


@pytest.mark.parametrize("key", [([0], [1]), True, np.ones((5, 4), bool)])
def test_keys_we_do_not_have_are_unsupported(tensors, key):
    for reader in tensors:
        with pytest.raises(ztensor.UnsupportedError):
            reader["float32"][key]


def test_a_scalar_tensor_is_indexed_by_nothing(tensors):
    for reader in tensors:
        assert reader["scalar"][()] == 7.5
        assert isinstance(reader["scalar"][()], np.float64)
        assert reader["scalar"][...].shape == ()
        with pytest.raises(IndexError):
            reader["scalar"][0]
        with pytest.raises(TypeError):
            len(reader["scalar"])


def test_a_tensor_has_a_length_and_is_iterated_by_rows(tensors):
    for reader in tensors:
        assert len(reader["int32"]) == 5
        assert len(list(reader["int32"])) == 5


def test_an_ellipsis_keeps_its_place_beside_an_array(tmp_path):
    array = np.arange(24).reshape(2, 3, 4)
    path = tmp_path / "a.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("raw", array)
        writer.add_tensor("zstd", np.zeros_like(array) + array, compress=True)
    with ztensor.Reader(path) as mapped, ztensor.Reader(path, backend="read") as read:
        for tensor in (mapped["raw"], mapped["zstd"], read["raw"]):
            for key in ((slice(None), [0, 1, 2], ..., 0), (slice(None), np.array([True, False, True]), ..., -1)):
                assert np.array_equal(tensor[key], array[key])
            assert np.array_equal(tensor[:: 10**20], array[:: 10**20])


def test_a_slice_needs_only_its_bytes(tmp_path):
    path = tmp_path / "big.zt"
    with ztensor.Writer(path, checksum="none") as writer:
        noise = np.random.default_rng(0).integers(0, 9, 4 << 20, dtype=np.uint8)
        writer.add_tensor("t", noise, compress=True)
    location = ztensor.open(path)["t"].location
    data = bytearray(path.read_bytes())
    middle = location.offset + location.length // 2  # in a frame that the slice does not need
    data[middle : middle + 64] = bytes(64)
    path.write_bytes(data)
    tensor = ztensor.open(path)["t"]
    assert tensor[:1000].shape == (1000,)
    with pytest.raises(ztensor.FormatError):
        tensor.numpy()


@pytest.mark.parametrize("backend", ["mmap", "read"])
def test_a_slice_of_a_strict_reader_checks_the_whole_part(tmp_path, backend):
    path = tmp_path / "s.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", np.arange(6.0))
    with ztensor.open(path) as reader:
        offset = reader["t"].location[1]
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)
    assert ztensor.open(path, backend=backend)["t"][4] == 4.0  # its own bytes are right
    with pytest.raises(ztensor.ChecksumError):
        ztensor.open(path, backend=backend, verify=True)["t"][4]
