"""ztensor.torch in the place of safetensors.torch."""

import io
import os
import threading
import warnings
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ztensor

torch = pytest.importorskip("torch", reason="torch is not installed")
reference = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")

from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402 - needs torch

from ztensor.torch import load, load_file, save, save_file  # noqa: E402

ENDINGS = ("zt", "safetensors")
DTYPES = (
    "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool complex64 complex128 "
    "float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2"
).split()


def sample(name, shape, seed=0):
    """Elements of any bits that the dtype allows."""
    dtype = getattr(torch, name)
    count = int(np.prod(shape, dtype=np.int64))
    raw = np.random.default_rng(seed).integers(0, 2 if name == "bool" else 256, count * dtype.itemsize, dtype=np.uint8)
    return torch.from_numpy(raw).view(dtype).reshape(shape) if count else torch.empty(shape, dtype=dtype)


def same_bits(a, b):
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    if a.numel():
        flat = [each.detach().contiguous().reshape(-1).view(torch.uint8) for each in (a, b)]
        assert torch.equal(*flat)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("backend", ["mmap", "pread"])
@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_keeps_its_bits_and_shapes(tmp_path, ending, backend, name):
    if name == "complex128" and ending == "safetensors":
        with pytest.raises(ztensor.UnsupportedError, match="complex128"):
            save_file({"x": sample(name, (2,))}, tmp_path / "x.safetensors")
        return
    shapes = [(2, 4), (0, 2), (3, 0)] + [()] * (name != "float4_e2m1fn_x2")
    tensors = {str(shape): sample(name, shape) for shape in shapes}
    path = tmp_path / f"all.{ending}"
    save_file(tensors, path)
    for loaded in (load_file(path, backend=backend), load(path.read_bytes())):
        assert sorted(loaded) == sorted(tensors)
        for each, tensor in tensors.items():
            same_bits(loaded[each], tensor)
            assert loaded[each].is_contiguous() and not loaded[each].requires_grad


@pytest.mark.parametrize("name", [name for name in DTYPES if name != "complex128"])
def test_safetensors_and_we_write_the_same_bytes(tmp_path, name):
    tensors = {"matrix": sample(name, (3, 4)), "empty": sample(name, (0, 5))}
    assert save(tensors, {"k": "v"}, format="safetensors") == reference.save(tensors, {"k": "v"})
    save_file(tensors, tmp_path / "ours.safetensors")
    reference.save_file(tensors, tmp_path / "theirs.safetensors")
    assert (tmp_path / "ours.safetensors").read_bytes() == (tmp_path / "theirs.safetensors").read_bytes()
    loaded, other = load_file(tmp_path / "theirs.safetensors"), reference.load_file(tmp_path / "ours.safetensors")
    for each, tensor in tensors.items():
        same_bits(loaded[each], tensor)
        same_bits(other[each], tensor)


def layouts():
    base = torch.arange(24.0)
    with torch.inference_mode():
        inference = base.clone()
    return {
        "transposed": base.view(4, 6).t(),
        "permuted": base.view(2, 3, 4).permute(2, 0, 1),
        "stepped": base[1::5],
        "expanded": base[:3].view(3, 1).expand(3, 4),
        "channels last": base.view(1, 2, 3, 4).to(memory_format=torch.channels_last),
        "window": base.as_strided((5, 4), (3, 1)),
        "0-d": base[7],
        "parameter": torch.nn.Parameter(base),
        "result of a graph": torch.nn.Parameter(base) * 2,
        "conjugate": torch.complex(base, base).conj(),
        "negated": torch.complex(base, base).conj().imag,
        "subclass": base.as_subclass(type("Named", (torch.Tensor,), {})),
        "inference": inference,
        "buffer": torch.nn.Buffer(base) if hasattr(torch.nn, "Buffer") else base,
    }


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", list(layouts()))
def test_tensors_of_every_layout_and_kind_keep_their_values(tmp_path, ending, kind):
    tensor = layouts()[kind]
    path = tmp_path / f"x.{ending}"
    save_file({"x": tensor, "again": tensor}, path)
    loaded = load_file(path)
    plain = tensor.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg()
    for each in loaded.values():
        assert type(each) is torch.Tensor and torch.equal(each, plain)
    if ending == "safetensors":
        assert torch.equal(reference.load_file(path)["x"], plain)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    strides=st.lists(st.integers(0, 6), min_size=3, max_size=3),
    offset=st.integers(0, 5),
    copies=st.integers(1, 3),
    ending=st.sampled_from(ENDINGS),
)
def test_views_that_overlap_in_any_way_keep_their_values(tmp_path, shape, strides, offset, copies, ending):
    base = torch.arange(100)
    view = base.as_strided(shape, strides[: len(shape)], offset)
    tensors = {"base": base, "tail": base[50:]} | {f"view {i}": view.view(view.shape) for i in range(copies)}
    path = tmp_path / f"v.{ending}"
    save_file(tensors, path)
    loaded = load_file(path)
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor)
    if ending == "zt":
        assert len({loaded[f"view {i}"].data_ptr() for i in range(copies)}) == 1


def test_tied_tensors_are_stored_once_and_come_back_tied(tmp_path):
    weight = torch.rand(256, 256)
    tensors = {"a": weight, "b": weight, "view": weight.view(256, 256), "detached": weight.detach(), "t": weight.t()}
    path = tmp_path / "tied.zt"
    save_file(tensors, path)
    assert path.stat().st_size < 2.1 * weight.nbytes
    for loaded in (load_file(path), load_file(path, backend="pread"), load(path.read_bytes())):
        assert len({loaded[name].data_ptr() for name in ("a", "b", "view", "detached")}) == 1
        assert len({id(tensor) for tensor in loaded.values()}) == 5
        loaded["a"][0, 0] = 7
        assert loaded["b"][0, 0] == 7 and loaded["t"][0, 0] == weight[0, 0]
        assert torch.equal(loaded["t"][1:], weight.t()[1:])
    with pytest.raises(RuntimeError):
        reference.save_file(tensors, tmp_path / "theirs.safetensors")
    save_file(tensors, tmp_path / "tied.safetensors")
    for name, tensor in reference.load_file(tmp_path / "tied.safetensors").items():
        assert torch.equal(tensor, tensors[name])


def test_tensors_at_one_address_that_differ_are_not_taken_for_one(tmp_path):
    base = torch.arange(16, dtype=torch.int32)
    pair = torch.complex(torch.ones(4), torch.arange(4.0))
    tensors = {
        "ints": base, "floats": base.view(torch.float32), "half": base[:8], "square": base.view(4, 4),
        "turned": base.view(4, 4).t(), "every": base[::2], "none": base[:0],
        "pair": pair, "conjugate": pair.conj(), "real": pair.real, "imag": pair.imag, "minus": pair.conj().imag,
    }  # fmt: skip
    save_file(tensors, tmp_path / "a.zt")
    for name, tensor in load_file(tmp_path / "a.zt").items():
        same_bits(tensor, tensors[name].resolve_conj().resolve_neg())


class Lazy(Mapping):
    """A mapping that makes a new tensor for each access."""

    def __init__(self, count):
        self.count = count

    def __getitem__(self, name):
        return torch.full((4096,), int(name))

    def __iter__(self):
        return map(str, range(self.count))

    def __len__(self):
        return self.count


def test_tensors_of_a_mapping_that_makes_them_anew_are_not_taken_for_one(tmp_path):
    save_file(Lazy(40), tmp_path / "lazy.zt")
    assert [int(tensor[0]) for tensor in load_file(tmp_path / "lazy.zt").values()] == list(range(40))


@pytest.mark.parametrize("to_sparse", ["to_sparse", "to_sparse_csr"])
def test_sparse_tensors_are_stored_in_a_zt_alone(tmp_path, to_sparse):
    tensor = getattr(torch.eye(4), to_sparse)()
    save_file({"s": tensor, "again": tensor}, tmp_path / "s.zt")
    for loaded in load_file(tmp_path / "s.zt").values():
        assert loaded.layout == tensor.layout and torch.equal(loaded.to_dense(), torch.eye(4))
    with pytest.raises(ztensor.UnsupportedError, match="'s'"):
        save_file({"s": tensor}, tmp_path / "s.safetensors")
    with pytest.raises(ValueError, match="sparse"):
        reference.save_file({"s": tensor}, tmp_path / "s.safetensors")


def without_bytes():
    with FakeTensorMode():
        fake = torch.ones(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantized = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
        nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
        lazy = torch.nn.LazyLinear(2).weight
    freed = torch.ones(3)
    freed.untyped_storage().resize_(0)
    meta = torch.ones(2, device="meta")
    return {"fake": fake, "meta": meta, "quantized": quantized, "nested": nested, "lazy": lazy, "freed": freed}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", list(without_bytes()))
def test_a_tensor_without_bytes_is_named(tmp_path, ending, kind):
    tensor = without_bytes()[kind]
    with pytest.raises(ztensor.UnsupportedError, match="'bad'"):
        save_file({"good": torch.ones(1), "bad": tensor, "bad again": tensor}, tmp_path / f"x.{ending}")
    assert os.listdir(tmp_path) == []


def test_a_tensor_within_a_transform_is_refused(tmp_path):
    def save_inside(tensor):
        save_file({"x": tensor}, tmp_path / "x.zt")
        return tensor

    with pytest.raises(ztensor.UnsupportedError, match=r"torch\.func"):
        torch.func.vmap(save_inside)(torch.ones(3))


@pytest.mark.parametrize("value", [3, 1.5, None, "text", [1, 2], {"a": 1}])
def test_a_value_that_is_no_tensor_is_named(tmp_path, value):
    with pytest.raises(TypeError, match="'x'"):
        save_file({"x": value}, tmp_path / "x.zt")
    with pytest.raises(ValueError, match="x"):
        reference.save_file({"x": value}, tmp_path / "x.safetensors")


@pytest.mark.parametrize("name", [1, None, b"a"])
def test_a_name_that_is_not_a_text_is_a_type_error(tmp_path, name):
    tensor = torch.ones(2)
    for tensors in ({name: tensor}, {"a": tensor, name: tensor}):
        with pytest.raises(TypeError, match="str"):
            save_file(tensors, tmp_path / "x.zt")
    assert os.listdir(tmp_path) == []


def modes():
    return {
        "meta": torch.device("meta"),
        "fake": FakeTensorMode(),
        "inference": torch.inference_mode(),
        "no grad": torch.no_grad(),
    }


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("mode", list(modes()))
def test_the_modes_of_torch_change_neither_what_is_saved_nor_what_is_loaded(tmp_path, ending, mode):
    base = torch.arange(12.0)
    path = tmp_path / f"m.{ending}"
    with modes()[mode]:
        save_file({"w": base, "v": base}, path)
        loaded = [load_file(path)["w"], load(path.read_bytes())["v"], load_file(path, backend="pread")["w"]]
        with ztensor.safe_open(path, "pt") as file:
            loaded += [file.get_tensor("w"), file.get_tensors()["v"], file.get_slice("w")[:], file.get_slice("w")[::-1]]
        on_meta = ztensor.safe_open(path, "pt", device="meta").get_slice("w")[2:]
    for tensor in loaded:
        assert type(tensor) is torch.Tensor and tensor.device.type == "cpu" and not tensor.is_inference()
        assert torch.equal(tensor.sort().values, base)
    assert on_meta.device.type == "meta" and on_meta.shape == (10,)


def test_the_default_device_changes_nothing(tmp_path):
    torch.set_default_device("meta")
    try:
        save_file({"w": torch.ones(3, device="cpu")}, tmp_path / "w.zt")
        assert load_file(tmp_path / "w.zt")["w"].device.type == "cpu"
    finally:
        torch.set_default_device(None)


@pytest.mark.parametrize("ending", ENDINGS)
def test_devices_are_those_of_torch(tmp_path, ending):
    path = tmp_path / f"d.{ending}"
    save_file({"w": torch.ones(3)}, path)
    for device in ("cpu", torch.device("cpu"), "cpu:0", None):
        assert load_file(path, device)["w"].device.type == "cpu"
    assert load_file(path, device="meta")["w"].is_meta
    for device in (True, 1.5, b"cpu", ["cpu"]):
        with pytest.raises(TypeError, match="device must be"):
            load_file(path, device)
    with pytest.raises(RuntimeError):
        load_file(path, "nothing")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("backend", ["mmap", "pread"])
def test_writing_to_a_loaded_tensor_leaves_the_file(tmp_path, ending, backend):
    path = tmp_path / f"w.{ending}"
    save_file({"w": torch.zeros(5000)}, path)
    before = path.read_bytes()
    load_file(path, backend=backend)["w"].fill_(1)
    assert path.read_bytes() == before
    assert load_file(path, backend=backend)["w"].sum() == 0


def test_tensors_from_bytes_own_their_memory():
    data = bytearray(save({"a": torch.arange(4)}))
    before = bytes(data)
    loaded = load(data)["a"]
    loaded.fill_(-1)
    assert bytes(data) == before
    data[:] = bytes(len(data))
    assert loaded.tolist() == [-1] * 4


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_may_be_saved_over_the_one_that_its_tensors_come_from(tmp_path, ending):
    path = tmp_path / f"over.{ending}"
    save_file({"w": torch.arange(10_000), "v": torch.ones(3)}, path)
    for _ in range(3):
        loaded = load_file(path)
        loaded["v"] += 1
        save_file(loaded, path)
    assert load_file(path)["v"].tolist() == [4, 4, 4]
    assert torch.equal(load_file(path)["w"], torch.arange(10_000))


def test_a_dict_that_grows_during_the_save_is_stored_as_it_was(tmp_path):
    class Changing:
        def __array__(self, dtype=None, copy=None):
            tensors["more"] = torch.ones(1)
            return np.ones(2)

    tensors = {"a": Changing(), "b": torch.ones(2)}
    save_file(tensors, tmp_path / "c.zt")
    assert sorted(load_file(tmp_path / "c.zt")) == ["a", "b"]


def test_files_of_bytes_and_optimizer_states_of_many_dtypes(tmp_path):
    model = torch.nn.Linear(4, 4)
    out = io.BytesIO()
    save_file(model.state_dict(), out)
    for name, tensor in load(out.getvalue()).items():
        assert torch.equal(tensor, model.state_dict()[name])


@pytest.mark.parametrize("ending", ENDINGS)
def test_many_threads_save_and_load_at_once(tmp_path, ending):
    failed = []

    def work(number):
        try:
            tensors = {f"{i}": torch.full((2000,), number * 100 + i) for i in range(20)}
            path = tmp_path / f"{number}.{ending}"
            for _ in range(3):
                save_file(tensors, path)
                assert all(torch.equal(tensor, tensors[name]) for name, tensor in load_file(path).items())
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
