"""Torch tensors without bytes of their own, and modes that change the calls of torch."""

import warnings

import numpy as np
import pytest

import ztensor

torch = pytest.importorskip("torch", reason="torch is not installed")
scipy_sparse = pytest.importorskip("scipy.sparse", reason="scipy is not installed")
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402 - needs torch
from torch.overrides import TorchFunctionMode  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402


class Wrapper(torch.Tensor):
    @staticmethod
    def __new__(cls, data):
        return torch.Tensor._make_wrapper_subclass(cls, data.shape, dtype=torch.float32)

    def __init__(self, data):
        self.inner = data

    @classmethod
    def __torch_dispatch__(cls, func, types, args, kwargs=None):
        return args[0]


class Talkative(torch.Tensor):
    """A subclass with bytes of its own, whose every call fails."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError(f"{func} was called")


def shrunk(count, view=lambda whole: whole):
    whole = torch.ones(4096)
    tensor = view(whole)
    whole.untyped_storage().resize_(4 * count)
    return tensor


def sparse_over(values):
    return torch.sparse_csr_tensor(
        torch.tensor([0, 4096]), torch.arange(4096), values, (1, 4096), check_invariants=False
    )


def quantized():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)


def nested():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])


ODD = {
    "freed": (lambda: shrunk(0), "reaches to byte 16384 of its storage, which has 0"),
    "cut": (lambda: shrunk(4095), "reaches to byte 16384"),
    "a view of it": (lambda: shrunk(100, lambda whole: whole[50:200:2]), "reaches to byte"),
    "a parameter of it": (lambda: torch.nn.Parameter(shrunk(0)), "reaches to byte"),
    "in a subclass": (lambda: shrunk(0).as_subclass(Talkative), "reaches to byte"),
    "sparse values": (lambda: sparse_over(shrunk(0)), "reaches to byte"),
    "a wrapper": (lambda: Wrapper(torch.ones(2, 2)), "class Wrapper has no bytes"),
    "lazy": (lambda: torch.nn.LazyLinear(4).weight, "run its module once"),
    "meta": (lambda: torch.empty(3, device="meta"), "meta device"),
    "quantized": (quantized, "int_repr"),
    "nested": (nested, "store its parts"),
    "fake": (lambda: FakeTensorMode().from_tensor(torch.ones(3)), "fake tensor"),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_a_tensor_without_bytes_is_refused_by_name(tmp_path, odd):
    make, what = odd
    tensor = make()
    with ztensor.Writer(tmp_path / "o.zt") as writer:
        with pytest.raises(ztensor.UnsupportedError, match=r"^tensor 'layer\.7\.weight': .*" + what):
            writer.add_tensor("layer.7.weight", tensor)
        with pytest.raises(ztensor.UnsupportedError, match=r"^tensor 'object': part 'data': "):
            writer.add_object("object", (1,), "acme", {"data": tensor})
        writer.add_tensor("x", torch.ones(2))
    assert list(ztensor.open(tmp_path / "o.zt")) == ["x"]


@pytest.mark.parametrize(
    "make",
    [
        lambda base: base.as_strided((0, 5), (1, 1), 10_000),
        lambda base: base[2:].expand(7, 22),
        lambda base: base.as_strided((4, 3), (0, 2), 19),
        lambda base: base[-1],
        lambda base: base[24:],
        lambda base: base.as_subclass(Talkative),
    ],
)
def test_whatever_lies_within_its_storage_is_taken(round_trip, make):
    tensor = make(torch.arange(24.0))
    back = round_trip(tensor).read_tensor("t", to="torch")
    assert torch.equal(back, tensor.as_subclass(torch.Tensor))


def test_a_tensor_within_a_transform_is_refused_by_name(tmp_path):
    refusals = []

    def work(x):
        with pytest.raises(ztensor.UnsupportedError, match=r"^tensor 'x': .*torch\.func") as caught:
            writer.add_tensor("x", x)
        refusals.append(caught)
        return (x * x).sum()

    with ztensor.Writer(tmp_path / "f.zt") as writer:
        torch.vmap(work)(torch.ones(3, 2))
        torch.func.grad(work)(torch.ones(3))
    assert len(refusals) == 2


class FailingFunctions(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise RuntimeError(f"{func} went through the mode")


class FailingDispatch(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        raise RuntimeError(f"{func} went through the mode")


class DefaultDtype:
    def __enter__(self):
        torch.set_default_dtype(torch.float64)

    def __exit__(self, *exception):
        torch.set_default_dtype(torch.float32)


class DefaultDevice:
    def __enter__(self):
        torch.set_default_device("meta")

    def __exit__(self, *exception):
        torch.set_default_device(None)


MODES = {
    "device": lambda: torch.device("meta"),
    "default device": DefaultDevice,
    "default dtype": DefaultDtype,
    "fake": FakeTensorMode,
    "functions": FailingFunctions,
    "dispatch": FailingDispatch,
    "inference": torch.inference_mode,
    "no_grad": torch.no_grad,
}


def written(path):
    with ztensor.Writer(path) as writer:
        writer.add_tensor("empty", torch.empty(0, 4))
        writer.add_tensor("dense", torch.ones(3))
        writer.add_tensor("half", torch.ones(3, dtype=torch.bfloat16))
        writer.add_tensor("zstd", torch.zeros(3000), compress=True)
        writer.add_tensor("csr", scipy_sparse.eye_array(3, format="csr"))
        writer.add_tensor("coo", scipy_sparse.eye_array(3, format="coo"))
        writer.add_sparse_csr("none", np.ones(0), np.ones(0, int), np.zeros(1, int), (0, 3))
    return ztensor.open(path)


def plain(tensor):
    return type(tensor) is torch.Tensor and tensor.device.type == "cpu" and not tensor.is_inference()


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_reads_give_the_same_tensors_under_every_mode(tmp_path, mode):
    reader = written(tmp_path / "m.zt")
    expected = reader.read_tensors(to="torch", copy=True)
    with mode():
        alone = {name: reader.read_tensor(name, to="torch") for name in reader}
        together = reader.read_tensors(to="torch")
        asked = reader.read_tensors(to="torch", device="cpu")
    for found in (alone, together, asked):
        for name, tensor in expected.items():
            assert plain(found[name]), name
            assert found[name].dtype == tensor.dtype
            assert found[name].layout == tensor.layout
            assert torch.equal(found[name].to_dense(), tensor.to_dense()), name


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_adds_and_reads_into_work_under_every_mode(tmp_path, mode):
    reader = written(tmp_path / "m.zt")
    tensors = reader.read_tensors(to="torch", copy=True)
    straight, across = torch.empty(3), torch.empty(3, 2)[:, 0]
    with mode(), ztensor.Writer(tmp_path / "again.zt") as writer:
        for name, tensor in tensors.items():
            writer.add_tensor(name, tensor)
        reader.read_into("dense", straight)
        reader.read_into("dense", across)
    assert straight.tolist() == across.tolist() == [1, 1, 1]
    again = ztensor.open(tmp_path / "again.zt").read_tensors(to="torch")
    for name, tensor in tensors.items():
        assert torch.equal(again[name].to_dense(), tensor.to_dense()), name


def test_reads_within_a_transform_give_plain_tensors(tmp_path):
    reader = written(tmp_path / "t.zt")
    found = []

    def work(x):
        found.append(reader.read_tensors(to="torch"))
        return (x * found[-1]["dense"]).sum()

    assert torch.func.grad(work)(torch.ones(3)).tolist() == [1, 1, 1]
    assert torch.vmap(work)(torch.ones(2, 3)).tolist() == [3, 3]
    assert all(plain(tensor) for tensors in found for tensor in tensors.values())


def test_a_tensor_of_inference_mode_is_taken_and_read_into(tmp_path):
    with torch.inference_mode():
        made = torch.arange(6.0)
        across = torch.empty(6, 2)[:, 0]
    with ztensor.Writer(tmp_path / "i.zt") as writer:
        writer.add_tensor("t", made * 2)
    reader = ztensor.open(tmp_path / "i.zt")
    for out in (made, across):
        reader.read_into("t", out)
        assert out.tolist() == [0, 2, 4, 6, 8, 10]


def test_a_destination_larger_than_its_storage_is_refused_by_name(tmp_path):
    with ztensor.Writer(tmp_path / "d.zt") as writer:
        writer.add_tensor("w", torch.ones(4096))
    reader = ztensor.open(tmp_path / "d.zt")
    for out in (shrunk(0), shrunk(4095)):
        with pytest.raises(ztensor.UnsupportedError, match=r"tensor 'w': .*reaches to byte"):
            reader.read_into("w", out)
    with pytest.raises(ztensor.UnsupportedError, match=r"tensor 'w': .*no bytes of its own"):
        reader.read_into("w", Wrapper(torch.ones(4096)))


@pytest.mark.parametrize("across", [False, True])
def test_reading_into_a_saved_tensor_makes_its_backward_fail(round_trip, across):
    reader = round_trip(torch.full((4,), 5.0))
    weight = torch.ones(4, 2)[:, 0] if across else torch.ones(4)
    x = torch.ones(4, requires_grad=True)
    loss = (x * weight).sum()
    reader.read_into("t", weight)
    assert weight.tolist() == [5, 5, 5, 5]
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
