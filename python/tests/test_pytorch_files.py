"""Files of torch.save and torch.jit.save, compared with what torch itself loads."""

import collections
import os
import pickle
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed", exc_type=ImportError)

import ztensor  # noqa: E402

WAYS = ("zip", "legacy")
DTYPES = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
    torch.complex64,
    torch.complex128,
)
NEW_DTYPES = tuple(
    getattr(torch, name)
    for name in (
        "uint16",
        "uint32",
        "uint64",
        "float8_e4m3fn",
        "float8_e5m2",
        "float8_e4m3fnuz",
        "float8_e5m2fnuz",
        "float8_e8m0fnu",
        "float4_e2m1fn_x2",
    )
    if hasattr(torch, name)
)


def save(path, value, way="zip"):
    torch.save(value, path, _use_new_zipfile_serialization=way == "zip")
    return path


def random(dtype, shape=(3, 4)):
    """Values of any bits that the dtype allows."""
    if dtype == torch.bool:
        return torch.rand(shape) < 0.5
    if dtype.is_complex or (dtype.is_floating_point and dtype.itemsize > 1):
        return torch.randn(shape, dtype=torch.complex128 if dtype.is_complex else torch.float64).to(dtype)
    return torch.randint(0, 100, (*shape[:-1], shape[-1] * dtype.itemsize), dtype=torch.uint8).view(dtype)


def same(ours, theirs):
    theirs = theirs.detach().resolve_conj().resolve_neg().contiguous()
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    if theirs.numel() == 0:
        return True
    as_bytes = [value.contiguous().reshape(-1).view(torch.uint8) for value in (ours, theirs)]
    return torch.equal(*as_bytes)


def check(path, expected):
    """All tensors of the file, by name, as torch has them."""
    with ztensor.open(path) as reader:
        assert reader.format == "pt"
        assert list(reader) == list(expected)
        for name, value in expected.items():
            assert same(reader.read_tensor(name, "torch"), value), name
            assert same(reader.read_tensor(name, "torch", copy=True), value), name
        return reader.attributes, reader.notes


@pytest.mark.parametrize("way", WAYS)
def test_every_dtype_reads_as_torch_reads_it(tmp_path, way):
    dtypes = DTYPES if way == "legacy" else DTYPES + NEW_DTYPES
    tensors = {str(dtype).removeprefix("torch."): random(dtype) for dtype in dtypes}
    path = save(tmp_path / "m.pt", tensors, way)
    loaded = torch.load(path)
    check(path, loaded)


@pytest.mark.parametrize("way", WAYS)
def test_views_have_their_own_values(tmp_path, way):
    base = torch.arange(48, dtype=torch.float32)
    image = torch.randn(2, 3, 4, 5)
    tensors = {
        "transposed": base.reshape(6, 8).t(),
        "sliced": base[5:20],
        "stepped": base.reshape(6, 8)[::2, 1::3],
        "permuted": image.permute(3, 1, 0, 2),
        "channels_last": image.to(memory_format=torch.channels_last),
        "expanded": torch.arange(3.0).reshape(3, 1).expand(3, 5),
        "diagonal": torch.randn(5, 5).diagonal(),
        "scalar": torch.tensor(1.5),
        "empty": torch.zeros(0, 3),
        "inner": torch.zeros(3, 0, 2),
        "one": torch.zeros(1, 1, 1).transpose(0, 2),
    }
    path = save(tmp_path / "m.pt", tensors, way)
    check(path, torch.load(path))


def test_conjugates_and_negatives_have_their_values(tmp_path):
    def pairs(dtype=torch.complex64):
        return torch.randn(4, 5, dtype=dtype)

    tensors = {
        "conj": pairs().conj(),
        "conj_view": pairs(torch.complex128).t().conj()[1:],
        "neg": pairs().conj().imag,
        "neg_view": pairs(torch.complex128).conj().imag.t(),
        "both": torch._neg_view(pairs().conj()),
        "neg_pairs": torch._neg_view(pairs()),
        "half": torch._neg_view(torch.randn(7).to(torch.bfloat16)),
    }
    assert tensors["conj"].is_conj() and tensors["neg"].is_neg() and tensors["both"].is_neg()
    path = save(tmp_path / "m.pt", tensors)
    check(path, torch.load(path))


@pytest.mark.parametrize("way", WAYS)
def test_structures_become_dotted_names(tmp_path, way):
    a, b, c = torch.ones(2), torch.zeros(3), torch.arange(4)
    value = {
        "model": collections.OrderedDict([("layer.weight", a), ("layer.bias", b)]),
        "optimizer": {"state": {0: {"avg": c, "step": 7}}, "groups": [{"lr": 0.25, "params": [0, 1]}]},
        "list": [a + 1, (b + 1, "text")],
        "epoch": 12,
        "name": "model",
        "flag": True,
        "nothing": None,
    }
    path = save(tmp_path / "m.pt", value, way)
    expected = {
        "model.layer.weight": a,
        "model.layer.bias": b,
        "optimizer.state.0.avg": c,
        "list.0": a + 1,
        "list.1.0": b + 1,
    }
    attributes, _ = check(path, expected)
    assert attributes["epoch"] == 12 and attributes["name"] == "model" and attributes["flag"] is True
    assert attributes["nothing"] is None
    assert attributes["optimizer.state.0.step"] == 7


@pytest.mark.parametrize("way", WAYS)
def test_modules_give_parameters_buffers_and_ties(tmp_path, way):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = torch.nn.Embedding(5, 3)
            self.norm = torch.nn.BatchNorm1d(3)
            self.head = torch.nn.Linear(3, 5, bias=False)
            self.head.weight = self.embed.weight

    net = Net()
    path = save(tmp_path / "m.pt", net.state_dict(), way)
    check(path, torch.load(path))
    with ztensor.open(path) as reader:
        assert reader["embed.weight"].location == reader["head.weight"].location
    path = save(tmp_path / "p.pt", dict(net.named_parameters(remove_duplicate=False)), way)
    check(path, dict(net.named_parameters(remove_duplicate=False)))


def test_a_bare_tensor_is_named_data(tmp_path):
    value = torch.randn(3)
    check(save(tmp_path / "m.pt", value), {"data": value})
    check(save(tmp_path / "p.pt", torch.nn.Parameter(value)), {"data": value})


def test_sparse_tensors_have_torch_values(tmp_path):
    dense = torch.tensor([[0.0, 1, 0], [2, 0, 3]])
    path = save(tmp_path / "m.pt", {"coo": dense.to_sparse(), "csr": dense.to_sparse_csr()})
    with ztensor.open(path) as reader:
        for name in ("coo", "csr"):
            assert torch.equal(reader.read_tensor(name, "torch").to_dense(), dense)


def test_what_cannot_be_read_hides_nothing(tmp_path):
    good = torch.randn(2)
    quantized = torch.quantize_per_tensor(torch.randn(3), 0.5, 1, torch.qint8)
    value = {"quantized": quantized, "csc": torch.eye(2).to_sparse_csc(), "meta": torch.empty(2, device="meta")}
    path = save(tmp_path / "m.pt", value | {"good": good})
    with pytest.warns(UserWarning, match="storages"):
        reader = ztensor.open(path)
    with reader:
        for name in value:
            with pytest.raises(ztensor.UnsupportedError):
                reader.read_tensor(name, "torch")
        assert same(reader.read_tensor("good", "torch"), good)


def test_objects_are_not_made_and_are_told(tmp_path):
    import argparse

    path = save(tmp_path / "m.pt", {"args": argparse.Namespace(lr=0.5), "w": torch.ones(1)})
    with pytest.warns(UserWarning, match=r"argparse\.Namespace"):
        _, notes = check(path, {"w": torch.ones(1)})
    assert any("argparse.Namespace" in note for note in notes)


def test_a_whole_module_is_listed_as_unreadable(tmp_path):
    path = save(tmp_path / "m.pt", torch.nn.Linear(2, 2))
    with pytest.warns(UserWarning, match="Linear"):
        reader = ztensor.open(path)
    with reader:
        assert len(reader) == 2
        for name in reader:
            with pytest.raises(ztensor.UnsupportedError, match="Linear"):
                reader.read_tensor(name, "torch")


class Scripted(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(2, 3)
        self.layers = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
        self.register_buffer("scale", torch.rand(3))

    def forward(self, x):
        return self.layers(self.first(x)) * self.scale


def test_torchscript_has_the_names_of_the_module(tmp_path):
    script = torch.jit.script(Scripted().eval())
    path = tmp_path / "m.pt"
    script.save(path)
    with ztensor.open(path) as reader:
        names = list(reader)
    state = script.state_dict()
    assert set(names) == set(state)
    check(path, {name: state[name] for name in names})


def test_frozen_torchscript_lists_its_constants(tmp_path):
    script = torch.jit.freeze(torch.jit.script(Scripted().eval()))
    path = tmp_path / "m.pt"
    script.save(path)
    wanted = Scripted().first.weight.shape
    with ztensor.open(path) as reader:
        assert reader and all(name.startswith("constants.") for name in reader)
        assert any(reader[name].shape == tuple(wanted) for name in reader)


def repacked(path, target, change=lambda name, content: content, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", method) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change(entry.filename, old.read(entry)))
    return target


def test_repacked_archives_read_the_same(tmp_path):
    tensors = {"a": torch.randn(100, 100), "b": torch.randn(4, 4).t(), "c": torch.zeros(0)}
    tensors["d"] = tensors["a"][10:20]
    path = save(tmp_path / "m.pt", tensors)
    check(repacked(path, tmp_path / "stored.pt"), tensors)
    check(repacked(path, tmp_path / "deflated.pt", method=zipfile.ZIP_DEFLATED), tensors)


def test_big_endian_archives_have_the_same_values(tmp_path):
    tensors = {str(dtype).removeprefix("torch."): random(dtype) for dtype in DTYPES}
    tensors["view"] = random(torch.float32, (4, 6)).t()
    path = save(tmp_path / "m.pt", tensors)
    order = iter(tensors.values())

    def swap(name, content):
        if name.endswith("/byteorder"):
            return b"big"
        if "/data/" not in name:
            return content
        dtype = next(order).dtype
        width = dtype.itemsize // (2 if dtype.is_complex else 1)
        return np.frombuffer(content, f"V{width}").view(np.uint8).reshape(-1, width)[:, ::-1].tobytes()

    check(repacked(path, tmp_path / "big.pt", swap), tensors)


def test_any_alignment_and_no_checksums_are_read(tmp_path):
    tensors = {"a": torch.randn(3), "b": torch.randn(5)}
    config = torch.utils.serialization.config
    try:
        config.save.storage_alignment = 4096
        torch.serialization.set_crc32_options(False)
        path = save(tmp_path / "m.pt", tensors)
    finally:
        config.save.storage_alignment = 64
        torch.serialization.set_crc32_options(True)
    check(path, tensors)


def test_archives_over_4_gib_are_read(tmp_path):
    path = tmp_path / "m.pt"
    small = torch.arange(3)
    with torch.serialization.skip_data():
        torch.save({"big": torch.empty(5 << 30, dtype=torch.uint8), "small": small}, path)
    if os.stat(path).st_blocks * 512 > 1 << 30:
        pytest.skip("torch wrote the skipped data")
    with ztensor.open(path) as reader:
        assert reader["big"].shape == (5 << 30,)
        assert int(reader["big"][(5 << 30) - 1]) == 0


def test_numpy_values_are_read(tmp_path):
    array = np.arange(6.0).reshape(2, 3)
    path = save(tmp_path / "m.pt", {"array": array, "scalar": np.float32(0.5), "w": torch.ones(1)})
    with ztensor.open(path) as reader:
        assert np.array_equal(reader["array"], array)
        assert reader.attributes["scalar"] == 0.5


def test_thousands_of_tensors_open(tmp_path):
    tensors = {f"layer.{i}.weight": torch.full((3,), float(i)) for i in range(3000)}
    check(save(tmp_path / "m.pt", tensors), tensors)


def test_conversion_keeps_values_names_and_ties(tmp_path):
    a = torch.randn(4, 6)
    path = save(tmp_path / "m.pt", {"a": a, "tied": a, "view": a.t(), "epoch": 3})
    ztensor.convert(path, tmp_path / "m.zt")
    with ztensor.open(tmp_path / "m.zt") as reader:
        assert list(reader) == ["a", "tied", "view"]
        assert same(reader.read_tensor("view", "torch"), a.t())
        assert reader.attributes["epoch"] == 3
        assert reader.attributes["ztensor.source.format"] == "pt"


def test_npz_and_other_archives_are_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("readme.txt", "text")
    with pytest.raises(ztensor.UnsupportedError, match=r"data\.pkl"):
        ztensor.open(tmp_path / "x.pt")


def test_the_checksums_of_storages_are_checked(tmp_path):
    whole, part = torch.arange(100.0), torch.arange(50.0)[10:20]
    path = save(tmp_path / "a.pt", {"whole": whole, "turned": whole.reshape(10, 10).T, "part": part})
    with ztensor.open(path) as reader:
        checked = reader.verify()
        assert sorted(checked.checked) == ["turned", "whole"]
        assert checked.undigested == ["part"]
    content = bytearray(path.read_bytes())
    at = content.index(whole.numpy().tobytes())
    content[at + 17] ^= 1
    path.write_bytes(content)
    with ztensor.open(path) as reader:
        same(reader["part"].torch(), part)
        for name in ("whole", "turned"):
            with pytest.raises(ztensor.ChecksumError):
                reader.verify([name])


def test_the_checksums_of_deflated_storages_are_checked(tmp_path):
    values = torch.arange(1000.0)
    stored = save(tmp_path / "stored.pt", {"w": values, "v": values[5:9]})
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(stored) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with ztensor.open(path) as reader:
        assert sorted(reader.verify().checked) == ["v", "w"]
        same(reader["v"].torch(), values[5:9])


class Sub(torch.Tensor):
    """A subclass whose objects torch saves by _rebuild_from_type_v2."""


def test_a_sparse_tensor_of_a_subclass_or_a_parameter_is_read(tmp_path):
    dense = torch.zeros(3, 4)
    dense[1, 2] = 5
    typed = tmp_path / "typed.pkl"
    sparse = dense.to_sparse().coalesce()

    class Typed:
        def __reduce__(self):
            function, arguments = sparse.__reduce_ex__(2)[:2]
            return torch._tensor._rebuild_from_type_v2, (function, Sub, arguments, {})

    torch.save({"typed": Typed(), "parameter": torch.nn.Parameter(sparse, requires_grad=False)}, typed)
    with ztensor.open(typed) as reader:
        assert set(reader) == {"typed", "parameter"}
        for name in reader:
            assert reader[name].layout == "sparse_coo", name
            assert reader[name].torch().to_dense().equal(dense), name


def replaced(path, target, contents):
    """A copy of an archive with other contents of some files, which are named without their folder."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, contents.get(name.split("/", 1)[1], old.read(name)))
    return target


def test_what_is_left_out_beside_constants_is_noted(tmp_path):
    path = tmp_path / "a.pt"
    torch.jit.save(torch.jit.freeze(torch.jit.script(torch.nn.Linear(3, 2).eval())), path)
    odd = replaced(path, tmp_path / "odd.pt", {"data.pkl": pickle.dumps({"large": 2**100}, 2)})
    with pytest.warns(UserWarning), ztensor.open(odd) as reader:
        assert all(name.startswith("constants.") for name in reader)
        assert [note for note in reader.notes if "storages" not in note] == [
            "in 'large', a value is left out that is no attribute"
        ]
    plain = replaced(path, tmp_path / "plain.pt", {"constants.pkl": pickle.dumps((1, None), 2)})
    with pytest.warns(UserWarning), ztensor.open(plain) as reader:
        assert any(note.endswith("because they are no tensors: 2") for note in reader.notes)


def test_arrays_in_a_deflated_pickle_are_kept_once(tmp_path):
    array = np.arange(1000.0)
    stored = tmp_path / "stored.pt"
    torch.save({"a": array, "b": [array.reshape(10, 100), array]}, stored)
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(stored) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with ztensor.open(path) as reader:
        for name, wanted in {"a": array, "b.0": array.reshape(10, 100), "b.1": array}.items():
            assert np.array_equal(reader[name].numpy(), wanted)


def test_a_state_dict_of_a_module_becomes_safetensors(tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    torch.save(module.state_dict(), tmp_path / "m.pt")
    ztensor.convert(tmp_path / "m.pt", tmp_path / "m.safetensors")  # `_metadata` beside its items is no loss
    assert set(ztensor.open(tmp_path / "m.safetensors")) == set(module.state_dict())
    attributes = ztensor.open(tmp_path / "m.pt").attributes
    assert attributes["ztensor.pickle.state._metadata"]["1"] == {"version": 2}


def test_a_conversion_that_leaves_out_everything_is_an_error(tmp_path):
    torch.save({"w": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8)}, tmp_path / "m.pt")
    with pytest.raises(ztensor.UnsupportedError, match="no tensor can be read") as caught:
        ztensor.convert(tmp_path / "m.pt", tmp_path / "m.zt", skip_unreadable=True)
    assert caught.value.rule == "convert.nothing"
    with pytest.raises(ztensor.UnsupportedError, match="skip_unreadable"):
        ztensor.convert(tmp_path / "m.pt", tmp_path / "m.zt")


def test_a_pickle_that_inflates_to_much_is_refused(tmp_path):
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp_path / "m.pt", "w", method) as archive:
            archive.writestr("a/data.pkl", b"\x80\x02](" + b"]" * (1 << 20) + b"e.")
            archive.writestr("a/version", b"3\n")
        if method == zipfile.ZIP_STORED:
            with pytest.warns(UserWarning, match="262144 values"):
                assert list(ztensor.open(tmp_path / "m.pt")) == []
        else:
            with pytest.raises(ztensor.LimitError) as caught:
                ztensor.open(tmp_path / "m.pt")
            assert caught.value.rule == "zip.member.limit"
