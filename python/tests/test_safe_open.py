"""safe_open in the place of that of safetensors."""

import os
import sys
import threading

import numpy as np
import pytest
from conftest import ALL_DTYPES, same_bits, sample
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import ztensor
from ztensor.numpy import save_file

safetensors = pytest.importorskip("safetensors", reason="safetensors is not installed")
torch = pytest.importorskip("torch", reason="torch is not installed")

ENDINGS = ("zt", "compressed.zt", "safetensors")
CUBE = np.arange(2 * 3 * 8, dtype=np.float32).reshape(2, 3, 8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cube")
    tensors = {"z": np.array(5), "cube": CUBE, "empty": np.zeros((0, 3)), "a": np.arange(4, dtype=np.int16)}
    for ending in ENDINGS:
        save_file(tensors, folder / f"x.{ending}", {"format": "np"}, compress=ending.startswith("compressed"))
    return folder


def as_numpy(value):
    return value.numpy() if isinstance(value, torch.Tensor) else value


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("framework", ["np", "pt"])
@pytest.mark.parametrize("backend", ["mmap", "pread"])
def test_the_calls_give_what_those_of_safetensors_give(folder, ending, framework, backend):
    with (
        ztensor.safe_open(folder / f"x.{ending}", framework, backend=backend) as ours,
        safetensors.safe_open(folder / "x.safetensors", framework, backend=backend) as theirs,
    ):
        assert ours.keys() == theirs.keys() == ["a", "cube", "empty", "z"]
        assert sorted(ours.offset_keys()) == theirs.keys()
        assert ours.metadata() == theirs.metadata() == {"format": "np"}
        for name in theirs.keys():
            mine, other = ours.get_tensor(name), theirs.get_tensor(name)
            assert type(mine) is type(other)
            same_bits(as_numpy(mine), as_numpy(other))
            assert ours.get_slice(name).get_shape() == theirs.get_slice(name).get_shape()
            assert ours.get_slice(name).get_dtype() == theirs.get_slice(name).get_dtype()
        whole = ours.get_tensors()
        assert sorted(whole) == ours.keys()
        for name, tensor in theirs.get_tensors().items():
            same_bits(as_numpy(whole[name]), as_numpy(tensor))


def test_the_order_of_the_bytes_is_that_of_safetensors(folder):
    with (
        ztensor.safe_open(folder / "x.safetensors", "np") as ours,
        safetensors.safe_open(folder / "x.safetensors", "np") as theirs,
    ):
        assert ours.offset_keys() == theirs.offset_keys()


BOTH = [
    np.index_exp[0],
    np.index_exp[-1],
    np.index_exp[1, 2],
    np.index_exp[1, 2, 7],
    np.index_exp[...],
    np.index_exp[..., 3],
    np.index_exp[:, 1],
    np.index_exp[:, :, ::8],
    np.index_exp[:, 1:3, 2:7:2],
    np.index_exp[0, ..., 1],
    np.index_exp[np.int64(1)],
    np.index_exp[1 : np.int64(2)],
    (),
]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("framework", ["np", "pt"])
@pytest.mark.parametrize("key", BOTH, ids=str)
def test_a_slice_is_that_of_safetensors_and_of_the_whole_tensor(folder, ending, framework, key):
    with (
        ztensor.safe_open(folder / f"x.{ending}", framework) as ours,
        safetensors.safe_open(folder / "x.safetensors", framework) as theirs,
    ):
        mine, other = ours.get_slice("cube")[key], theirs.get_slice("cube")[key]
        assert type(mine) is type(other)
        same_bits(as_numpy(mine), as_numpy(other))
        same_bits(as_numpy(mine), np.asarray(CUBE[key]))


BOUNDS = st.none() | st.integers(-12, 12) | st.sampled_from([2**40, -(2**40), 2**62, 2**63, -(2**63), 2**70, -(2**70)])
STEPS = st.none() | st.sampled_from([1, 2, 3, 9, -1, -2, 2**62, 2**63, 2**70, -(2**70)])


def entries(size):
    return st.builds(slice, BOUNDS, BOUNDS, STEPS) | st.integers(-size, size - 1) | st.just(slice(None))


KEYS = st.tuples(
    st.sampled_from([(), (None,), (Ellipsis,)]),
    st.tuples(entries(2), entries(3), entries(8)),
    st.integers(0, 3),
).map(lambda made: made[1][: made[2]] if not made[0] or made[0] == (None,) else (*made[0], *made[1][3 - made[2] :]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=KEYS, ending=st.sampled_from(ENDINGS), framework=st.sampled_from(["np", "pt"]))
@example(key=np.index_exp[-(2**70) : 2**70 : 2**70], ending="zt", framework="pt")
@example(key=np.index_exp[: 2**70], ending="zt", framework="pt")
def test_any_basic_index_is_that_of_numpy(folder, key, ending, framework):
    expected = np.asarray(CUBE[key])
    with ztensor.safe_open(folder / f"x.{ending}", framework) as file:
        found = file.get_slice("cube")[key]
        assert isinstance(found, torch.Tensor if framework == "pt" else np.ndarray)
        same_bits(as_numpy(found), expected)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("framework", ["np", "pt"])
@pytest.mark.parametrize(
    "key",
    [
        np.index_exp[:, [2, 0]],
        np.index_exp[np.array([1, 1, 0])],
        np.index_exp[..., range(0, 8, 3)],
        np.index_exp[:, np.array([True, False, True])],
        np.index_exp[None, :, None, 1],
        np.index_exp[:, 2, [0, -1]],
    ],
    ids=str,
)
def test_one_index_array_and_new_axes_work_as_in_numpy(folder, ending, framework, key):
    plain = tuple(list(entry) if isinstance(entry, range) else entry for entry in key)
    with ztensor.safe_open(folder / f"x.{ending}", framework) as file:
        same_bits(as_numpy(file.get_slice("cube")[key]), np.asarray(CUBE[plain]))


def test_an_index_may_be_a_tensor_of_torch(folder):
    with ztensor.safe_open(folder / "x.zt", "pt") as file:
        same_bits(file.get_slice("cube")[torch.tensor([1, 0])].numpy(), CUBE[[1, 0]])
        same_bits(file.get_slice("cube")[torch.tensor(1)].numpy(), CUBE[1])


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("framework", ["np", "pt"])
@pytest.mark.parametrize(
    ("key", "error"),
    [
        (2, IndexError),
        (-3, IndexError),
        ((0, 0, 8), IndexError),
        ((0, 0, 0, 0), IndexError),
        (1.5, IndexError),
        ("a", IndexError),
        ((..., ...), IndexError),
        (slice(0, 1, 0), ValueError),
        (slice("a"), TypeError),
        ([0, 5], IndexError),
        (([0], [0]), ztensor.UnsupportedError),
        (True, ztensor.UnsupportedError),
    ],
    ids=str,
)
def test_a_wrong_index_is_an_error_of_numpy(folder, ending, framework, key, error):
    with ztensor.safe_open(folder / f"x.{ending}", framework) as file, pytest.raises(error):
        file.get_slice("cube")[key]


@pytest.mark.parametrize("ending", ENDINGS)
def test_slices_of_every_dtype_keep_their_bits(tmp_path, ending):
    names = [name for name in ALL_DTYPES if ending != "safetensors" or name != "complex128"]
    arrays = {name: sample(name, (4, 6)) for name in names}
    path = tmp_path / f"d.{ending}"
    save_file(arrays, path, compress=ending.startswith("compressed"))
    with ztensor.safe_open(path, "np") as file, ztensor.safe_open(path, "pt") as tensors:
        for name, array in arrays.items():
            for key in (np.index_exp[1:3], np.index_exp[:, 2:4], np.index_exp[::-1, ::2], np.index_exp[0]):
                same_bits(file.get_slice(name)[key], np.ascontiguousarray(array[key]))
                if name == "float4_e2m1fn" and array[key].shape[-1] % 2:
                    continue  # torch holds pairs of them
                found = tensors.get_slice(name)[key].contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
                if name != "float4_e2m1fn":
                    assert found == array[key].tobytes()


@pytest.mark.parametrize("ending", ENDINGS)
def test_slices_of_numpy_can_be_written_to(folder, ending):
    with ztensor.safe_open(folder / f"x.{ending}", "np") as file:
        part = file.get_slice("cube")[0]
        part[:] = -1
        same_bits(file.get_slice("cube")[0], CUBE[0])


def test_the_meta_data_of_a_tensor_say_where_its_bytes_are(folder):
    for ending in ("zt", "safetensors"):
        path = folder / f"x.{ending}"
        data = path.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little") if ending == "safetensors" else 0
        with ztensor.safe_open(path, "np") as file:
            for name in ("a", "cube", "z"):
                meta = file.get_tensor_meta(name)
                array = file.get_tensor(name)
                first, end = meta.data_offsets
                assert meta.shape == list(array.shape)
                assert data[start + first : start + end] == array.tobytes()
            assert file.get_tensor_meta("cube").dtype == "F32"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_name_that_is_not_there_is_a_key_error(folder, ending):
    with ztensor.safe_open(folder / f"x.{ending}", "np") as file:
        for call in (file.get_tensor, file.get_slice, file.get_tensor_meta):
            with pytest.raises(KeyError, match="no tensor is named 'none'"):
                call("none")
            with pytest.raises(TypeError, match="str"):
                call(3)


def test_a_closed_file_gives_nothing_and_what_it_gave_stays(folder):
    with ztensor.safe_open(folder / "x.zt", "np") as file:
        array, part = file.get_tensor("cube"), file.get_slice("cube")
    same_bits(array, CUBE)
    for call in (file.keys, file.metadata, file.get_tensors, lambda: file.get_tensor("cube")):
        with pytest.raises(ztensor.UsageError, match="closed"):
            call()
    assert "closed" in repr(file)
    same_bits(part[0], CUBE[0])  # a slice keeps the file open, as in safetensors


def test_sources_of_every_kind_open(folder):
    path = folder / "x.zt"
    for source in (path, str(path), path.read_bytes(), open(path, "rb")):
        with ztensor.safe_open(source, "np") as file:
            same_bits(file.get_tensor("cube"), CUBE)
        if hasattr(source, "close"):
            source.close()


@pytest.mark.parametrize("framework", ["tf", "mlx", "paddle", "nothing", None, 3, ["np"]])
def test_another_framework_is_refused(folder, framework):
    with pytest.raises(ztensor.UsageError, match="framework"):
        ztensor.safe_open(folder / "x.zt", framework)


@pytest.mark.parametrize("framework", ["pt", "torch", "pytorch", "np", "numpy"])
def test_the_frameworks_have_all_names_of_safetensors(folder, framework):
    for module in (ztensor, safetensors):
        with module.safe_open(folder / "x.safetensors", framework=framework) as file:
            same_bits(as_numpy(file.get_tensor("cube")), CUBE)


def test_a_device_that_is_no_device_is_refused(folder):
    for device in (True, 1.5, ["cpu"]):
        with pytest.raises((TypeError, ztensor.UsageError), match="device"):
            ztensor.safe_open(folder / "x.zt", "pt", device=device).get_tensor("cube")
    with pytest.raises(ztensor.UsageError, match="CPU"):
        ztensor.safe_open(folder / "x.zt", "np", device="cuda")


def test_the_device_is_where_tensors_and_slices_go(folder):
    with ztensor.safe_open(folder / "x.zt", "pt", device="meta") as file:
        given = [file.get_tensor("cube"), file.get_tensors()["cube"], file.get_slice("cube")[...]]
        assert [tensor.device.type for tensor in given] == ["meta"] * 3


def test_a_sparse_tensor_is_given_whole_and_never_sliced(tmp_path):
    from ztensor.torch import save_file as save_torch

    path = tmp_path / "s.zt"
    save_torch({"s": torch.eye(3).to_sparse()}, path)
    with ztensor.safe_open(path, "pt") as file:
        assert torch.equal(file.get_tensor("s").to_dense(), torch.eye(3))
        assert file.get_slice("s").get_shape() == [3, 3]
        assert file.get_tensor_meta("s").data_offsets == (0, 0)
        assert file.offset_keys() == ["s"]
        with pytest.raises(ztensor.UnsupportedError, match="cannot be sliced"):
            file.get_slice("s")[0]


def test_metadata_are_the_text_attributes_alone(tmp_path):
    path = tmp_path / "m.zt"
    with ztensor.Writer(path, attributes={"text": "yes", "number": 3, "ztensor.own": "x"}) as writer:
        writer.add_tensor("a", np.arange(3))
    with ztensor.safe_open(path, "np") as file:
        assert file.metadata() == {"text": "yes"}
    for made in (None, {}):
        save_file({"a": np.arange(3)}, path, made)
        with ztensor.safe_open(path, "np") as file:
            assert file.metadata() is None


@pytest.mark.parametrize("framework", ["np", "pt"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_many_threads_share_an_open_file(folder, ending, framework):
    failed = []
    with ztensor.safe_open(folder / f"x.{ending}", framework) as file:

        def work(seed):
            rng = np.random.default_rng(seed)
            try:
                for _ in range(40):
                    row, column = rng.integers(3), rng.integers(8)
                    same_bits(as_numpy(file.get_slice("cube")[:, row, column:]), CUBE[:, row, column:])
                    same_bits(as_numpy(file.get_tensor("cube")), CUBE)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failed


@pytest.mark.parametrize("ending", ENDINGS)
def test_forked_children_read_slices_of_the_file_of_their_parent(folder, ending):
    sys.stdout.flush()
    with ztensor.safe_open(folder / f"x.{ending}", "np") as file:
        children = []
        for row in range(3):
            child = os.fork()
            if child == 0:
                os._exit(0 if np.array_equal(file.get_slice("cube")[:, row], CUBE[:, row]) else 1)
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]


def test_what_programs_of_safetensors_catch_has_its_name_here(tmp_path):
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    with pytest.raises(safetensors.SafetensorError):
        safetensors.safe_open(tmp_path / "cut.safetensors", "np")
    for module in (ztensor, ztensor.numpy, ztensor.torch):
        assert module.SafetensorError is ztensor.ZTensorError and "SafetensorError" in module.__all__
        with pytest.raises(module.SafetensorError):
            ztensor.safe_open(tmp_path / "cut.safetensors", "np")
