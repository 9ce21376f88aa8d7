"""torch tensors in and out."""

import numpy as np
import pytest
from conftest import ALL_DTYPES, sample

import ztensor

torch = pytest.importorskip("torch", reason="torch is not installed")
from ztensor._dtypes import torch_dtypes  # noqa: E402 - needs torch


def same(a, b):
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    if a.numel():
        assert torch.equal(a.reshape(-1).view(torch.uint8), b.reshape(-1).view(torch.uint8))


def make(name, shape):
    if name == "float4_e2m1fn":
        return torch.randint(0, 256, shape, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
    array = sample(name, shape)
    flat = torch.frombuffer(bytearray(array.tobytes() or b"\0" * 16), dtype=torch_dtypes()[name])
    return flat[: array.size].reshape(shape)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("shape", [(), (0,), (6,), (2, 0, 4), (3, 4)])
@pytest.mark.parametrize("name", ALL_DTYPES)
def test_every_dtype_and_shape_reads_back(round_trip, name, shape, compress):
    if name not in torch_dtypes():
        pytest.skip(f"this torch has no {name}")
    if name == "float4_e2m1fn" and shape == ():
        pytest.skip("torch's float4 is two elements, which a 0-d tensor cannot be")
    tensor = make(name, shape)
    reader = round_trip(tensor, compress=compress)
    assert reader["t"].dtype_name == name
    same(reader.read_tensor("t", to="torch"), tensor)
    same(reader.read_tensor("t", to="torch", copy=True), tensor)
    same(reader["t"].torch(device="cpu"), tensor)


def test_strides_parameters_and_lazy_bits_are_resolved(round_trip):
    base = torch.randn(4, 6, requires_grad=True)
    for tensor in (base, base.t(), base[:, ::2], base.expand(3, 4, 6), torch.nn.Parameter(base.detach())):
        assert torch.equal(round_trip(tensor).read_tensor("t", to="torch"), tensor.detach())
    numbers = torch.randn(3, 4, dtype=torch.complex64)
    assert torch.equal(round_trip(numbers.conj()).read_tensor("t", to="torch"), numbers.conj().resolve_conj())
    negative = numbers.conj().imag
    assert negative.is_neg()
    assert torch.equal(round_trip(negative).read_tensor("t", to="torch"), negative.resolve_neg())


def test_float4_halves_the_last_dimension(round_trip):
    packed = round_trip(sample("float4_e2m1fn", (3, 4)))
    assert tuple(packed.read_tensor("t", to="torch").shape) == (3, 2)
    with pytest.raises(ztensor.UnsupportedError, match="odd"):
        round_trip(sample("float4_e2m1fn", (4, 3))).read_tensor("t", to="torch")
    tensor = make("float4_e2m1fn", (2, 5))
    assert round_trip(tensor)["t"].shape == (2, 10)


def test_writing_to_a_tensor_changes_neither_file_nor_views(round_trip):
    reader = round_trip(np.zeros(5000))
    view = reader.read_tensor("t")
    tensor = reader.read_tensor("t", to="torch")
    tensor.add_(1)
    assert view.sum() == 0
    reader.verify()
    reader.close()
    assert tensor.sum() == 5000


def test_each_tensor_has_a_storage_of_its_own(tmp_path):
    with ztensor.Writer(tmp_path / "s.zt") as writer:
        writer.add_tensor("a", np.zeros(10))
        writer.add_tensor("b", np.zeros(1000))
    tensors = ztensor.open(tmp_path / "s.zt").read_tensors(to="torch")
    assert tensors["a"].untyped_storage().nbytes() == 80  # so torch.save writes only these bytes


@pytest.mark.parametrize("name", ["bfloat16", "float32", "float8_e5m2"])
def test_dlpack_exports_what_torch_takes(round_trip, name):
    tensor = make(name, (3, 4))
    reader = round_trip(tensor)
    exported = torch.from_dlpack(reader["t"])
    same(exported, tensor)
    exported.zero_()
    same(reader.read_tensor("t", to="torch", copy=True), tensor)


def test_memory_of_a_caller_is_filled(round_trip):
    tensor = torch.randn(4, 5).to(torch.bfloat16)
    reader = round_trip(tensor)
    for out in (torch.empty_like(tensor), torch.empty(5, 4, dtype=torch.bfloat16).t()):
        reader.read_into("t", out)
        assert torch.equal(out, tensor)
    with pytest.raises(ztensor.UsageError):
        reader.read_into("t", torch.empty(4, 5))
    with pytest.raises(ztensor.UsageError, match="meta device"):
        reader.read_into("t", torch.empty_like(out, device="meta"))


def test_what_has_no_elements_or_no_dtype_is_unsupported(tmp_path):
    wrong = [
        torch.empty(3, device="meta"),
        torch.quantize_per_tensor(torch.randn(3), 0.1, 0, torch.qint8),
        torch.zeros(3, dtype=torch.complex32),
        torch.eye(4).to_sparse_csc(),
        torch.sparse_coo_tensor(torch.tensor([[0, 1]]), torch.randn(2, 3), (2, 3)),
        torch.sparse_coo_tensor(size=(2, 2), device="meta"),
    ]
    with ztensor.Writer(tmp_path / "u.zt") as writer:
        for tensor in wrong:
            with pytest.raises(ztensor.UnsupportedError, match=r"^tensor 't': "):
                writer.add_tensor("t", tensor)


def test_unmapped_sources_give_tensors_too(round_trip, tmp_path):
    tensor = torch.randn(10, 10)
    round_trip(tensor)
    data = (tmp_path / "0.zt").read_bytes()
    assert torch.equal(ztensor.open(data).read_tensor("t", to="torch"), tensor)
    assert torch.equal(ztensor.open(tmp_path / "0.zt", backend="read").read_tensor("t", to="torch"), tensor)
