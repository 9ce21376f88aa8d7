"""save_model and load_model in the place of those of safetensors."""

import json
import warnings

import pytest

import ztensor

torch = pytest.importorskip("torch", reason="torch is not installed")
reference = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")

from torch import nn  # noqa: E402 - needs torch

import ztensor.torch as ours  # noqa: E402

ENDINGS = ("zt", "safetensors")


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.b = nn.Linear(4, 4)
        self.b.weight = self.a.weight


class ManyTied(nn.Module):
    """Two groups of tied parameters."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(5)])
        for layer in self.layers[1:3]:
            layer.weight = self.layers[0].weight
        self.layers[4].weight = self.layers[3].weight
        self.layers[4].bias = self.layers[0].bias


class TiedBuffers(nn.Module):
    def __init__(self):
        super().__init__()
        mask = torch.rand(3, 3)
        self.register_buffer("mask", mask)
        self.register_buffer("again", mask)
        self.register_buffer("unlike", torch.rand(3))


class Transposed(nn.Module):
    """The second weight is the first one transposed."""

    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(3, 5, bias=False)
        self.dec = nn.Linear(5, 3, bias=False)
        self.dec.weight = nn.Parameter(self.enc.weight.data.t())


class Part(nn.Module):
    """A parameter over a part of another one."""

    def __init__(self):
        super().__init__()
        self.whole = nn.Parameter(torch.rand(10, 4))
        self.part = nn.Parameter(self.whole.data[2:5])
        self.column = nn.Parameter(self.whole.data[:, 1])


class Chunks(nn.Module):
    """Parameters that lie side by side in one storage, and share no element."""

    def __init__(self):
        super().__init__()
        flat = torch.rand(12)
        self.first = nn.Parameter(flat[:4])
        self.second = nn.Parameter(flat[4:].view(2, 4))


class ByViews(nn.Module):
    """Two objects over the same elements, one of them of another shape."""

    def __init__(self):
        super().__init__()
        self.one = nn.Parameter(torch.rand(2, 6))
        self.other = nn.Parameter(self.one.data.view(3, 4))


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.number = nn.Parameter(torch.tensor(3.0))
        self.empty = nn.Parameter(torch.zeros(0, 2))


MODELS = [Tied, ManyTied, TiedBuffers, Transposed, Part, Chunks, ByViews, Plain]


def shuffled(kind):
    """A model of a kind, whose elements differ from those of any other."""
    model = kind()
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(-1, 1)
    return model


def same_state(a, b):
    a, b = a.state_dict(), b.state_dict()
    assert list(a) == list(b)
    for name, tensor in a.items():
        assert torch.equal(tensor, b[name]), name
        assert tensor.shape == b[name].shape


def names_of(path):
    with ztensor.safe_open(path, "pt") as file:
        return file.keys()


def header_and_data(path):
    """What a safetensors file says. safetensors writes the metadata in a random order."""
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("backend", ["mmap", "pread"])
def test_a_model_comes_back_with_its_ties(tmp_path, kind, ending, backend):
    model, other = shuffled(kind), shuffled(kind)
    path = tmp_path / f"m.{ending}"
    assert ours.save_model(model, path) is None
    missing, unexpected = ours.load_model(other, path, backend=backend)
    assert not missing and not unexpected
    same_state(model, other)
    # The memory of the loaded model is shared as before.
    for a in other.state_dict().values():
        a.zero_()
    ours.load_model(other, path)
    same_state(model, other)


@pytest.mark.parametrize("kind", MODELS)
def test_a_zt_file_has_every_name_and_stores_same_tensors_once(tmp_path, kind):
    model = shuffled(kind)
    ours.save_model(model, tmp_path / "m.zt")
    assert names_of(tmp_path / "m.zt") == sorted(model.state_dict())
    loaded = ours.load_file(tmp_path / "m.zt")
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded[name], tensor)
    if kind is Tied:
        assert loaded["a.weight"].data_ptr() == loaded["b.weight"].data_ptr()


@pytest.mark.parametrize("kind", MODELS)
def test_models_go_to_safetensors_and_come_from_it(tmp_path, kind):
    model, path, theirs = shuffled(kind), tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    ours.save_model(model, path)
    if kind in (Transposed, Chunks):  # it stores neither of these
        with pytest.raises(RuntimeError):
            reference.save_model(model, str(theirs))
        ours.load_model(model, path)
        return
    reference.save_model(model, str(theirs))
    assert header_and_data(path) == header_and_data(theirs)
    for load, file in ((reference.load_model, path), (ours.load_model, theirs)):
        other = shuffled(kind)
        missing, unexpected = load(other, file)
        assert not missing and not unexpected
        same_state(model, other)


def test_the_names_that_were_dropped_are_in_the_metadata_and_those_of_the_user_stay(tmp_path):
    path = tmp_path / "m.safetensors"
    ours.save_model(Tied(), path, {"b.weight": "mine", "k": "v"})
    with ztensor.safe_open(path, "pt") as file:
        assert file.keys() == ["a.bias", "a.weight", "b.bias"]
        assert file.metadata() == {"b.weight": "mine", "k": "v"}
    ours.save_model(Tied(), path)
    with ztensor.safe_open(path, "pt") as file:
        assert file.metadata() == {"b.weight": "a.weight"}


def test_the_users_metadata_are_not_changed(tmp_path):
    metadata = {"k": "v"}
    ours.save_model(Tied(), tmp_path / "m.safetensors", metadata)
    assert metadata == {"k": "v"}


def test_the_format_may_be_asked_for(tmp_path):
    model, other = shuffled(Tied), shuffled(Tied)
    ours.save_model(model, tmp_path / "model.weights", format="safetensors")
    reference.load_model(other, tmp_path / "model.weights")
    same_state(model, other)


class CustomPath:
    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return str(self.path)


def test_a_path_like_object_without_a_text_of_its_own_tells_the_format(tmp_path):
    path = tmp_path / "m.safetensors"
    ours.save_model(Tied(), CustomPath(path))
    assert names_of(path) == ["a.bias", "a.weight", "b.bias"]
    assert ours.load_model(Tied(), CustomPath(path)) == ([], [])


def test_a_group_that_nothing_covers_keeps_all_names_where_safetensors_fails(tmp_path):
    class Halves(nn.Module):
        def __init__(self):
            super().__init__()
            flat = torch.rand(10)
            self.first = nn.Parameter(flat[:6])
            self.second = nn.Parameter(flat[4:])

    model, other, path = shuffled(Halves), shuffled(Halves), tmp_path / "m.safetensors"
    with pytest.raises(RuntimeError, match="no suitable name"):
        reference.save_model(model, str(path))
    ours.save_model(model, path)
    assert names_of(path) == ["first", "second"]
    ours.load_model(other, path)
    same_state(model, other)


def test_a_tensor_that_repeats_one_element_does_not_stand_for_others(tmp_path):
    class Repeated(nn.Module):
        def __init__(self):
            super().__init__()
            base = torch.arange(4.0)
            self.register_buffer("a", base.as_strided((4,), (0,)))
            self.register_buffer("b", base)

    path = tmp_path / "m.safetensors"
    ours.save_model(Repeated(), path)
    loaded = ours.load_file(path)
    assert loaded["b"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("ending", ENDINGS)
def test_missing_and_unexpected_names_are_told_or_refused(tmp_path, ending):
    path = tmp_path / f"m.{ending}"
    state = nn.Linear(3, 3).state_dict()
    ours.save_file({"weight": state["weight"], "extra": torch.ones(2)}, path)
    model = nn.Linear(3, 3)
    for load in (ours.load_model, reference.load_model) if ending == "safetensors" else (ours.load_model,):
        missing, unexpected = load(model, path, strict=False)
        assert set(missing) == {"bias"} and set(unexpected) == {"extra"}
        with pytest.raises(RuntimeError) as caught:
            load(model, path)
        assert "Missing key(s) in state_dict" in str(caught.value) and "bias" in str(caught.value)
        assert "Unexpected key(s) in state_dict" in str(caught.value) and "extra" in str(caught.value)
        assert "Linear" in str(caught.value)
    assert torch.equal(model.weight, state["weight"])


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_whole_tensor_is_missing_if_only_a_part_of_it_is_there(tmp_path, ending):
    path = tmp_path / f"m.{ending}"
    state = Part().state_dict()
    ours.save_file({"part": state["part"], "column": state["column"]}, path)
    missing, unexpected = ours.load_model(Part(), path, strict=False)
    assert missing == ["whole"] and unexpected == []
    with pytest.raises(RuntimeError, match="whole"):
        ours.load_model(Part(), path)


def test_any_name_of_a_tied_tensor_is_enough(tmp_path):
    model = shuffled(Tied)
    state = model.state_dict()
    for kept in ("a.weight", "b.weight"):
        path = tmp_path / "one.safetensors"
        ours.save_file({name: state[name] for name in (kept, "a.bias", "b.bias")}, path)
        for load in (ours.load_model, reference.load_model):
            other = shuffled(Tied)
            load(other, path)
            same_state(model, other)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", [Tied, ManyTied, TiedBuffers, Plain])
def test_a_meta_model_gets_the_tensors_of_the_file_and_keeps_its_ties(tmp_path, kind, ending):
    model, path = shuffled(kind), tmp_path / f"m.{ending}"
    ours.save_model(model, path)
    with torch.device("meta"):
        other = kind()
    other.requires_grad_(False)
    assert ours.load_model(other, path, assign=True) == ([], [])
    same_state(model, other)
    assert all(tensor.device.type == "cpu" for tensor in other.state_dict().values())
    assert not any(parameter.requires_grad for parameter in other.parameters())
    assert len(list(other.parameters())) == len(list(model.parameters()))
    if kind is Tied:
        assert other.a.weight is other.b.weight
    if kind is TiedBuffers:
        assert other.mask is other.again
    before = path.read_bytes()
    for tensor in other.state_dict().values():
        tensor.zero_()
    assert path.read_bytes() == before


def test_a_view_of_a_meta_model_is_missing_if_the_file_has_no_tensor_for_it(tmp_path):
    path = tmp_path / "m.safetensors"
    ours.save_model(shuffled(Transposed), path)
    with torch.device("meta"):
        other = Transposed()
    missing, _ = ours.load_model(other, path, strict=False, assign=True)
    assert missing == ["enc.weight"] or missing == ["dec.weight"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_loaded_model_trains_like_the_saved_one(tmp_path, ending):
    def step(model):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        optimizer.zero_grad()
        (model.a(torch.ones(2, 4)) + model.b(torch.ones(2, 4))).sum().backward()
        optimizer.step()
        return model

    model, path = shuffled(Tied), tmp_path / f"m.{ending}"
    ours.save_model(model, path)
    copied, assigned = Tied(), Tied()
    ours.load_model(copied, path)
    ours.load_model(assigned, path, assign=True)
    step(model)
    same_state(model, step(copied))
    same_state(model, step(assigned))


def test_channels_last_parameters_are_saved_with_and_without_force_contiguous(tmp_path):
    model = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    for force in (True, False):
        for ending in ENDINGS:
            other = nn.Conv2d(3, 4, 3)
            ours.save_model(model, tmp_path / f"m.{ending}", None, force)
            ours.load_model(other, tmp_path / f"m.{ending}")
            same_state(model, other)
    with pytest.raises(ValueError, match="contiguous"):
        reference.save_model(model, str(tmp_path / "t.safetensors"), force_contiguous=False)


def test_a_shape_that_differs_is_the_error_of_torch(tmp_path):
    ours.save_model(nn.Linear(3, 3), tmp_path / "m.zt")
    for strict in (True, False):
        with pytest.raises(RuntimeError, match="size mismatch"):
            ours.load_model(nn.Linear(3, 4), tmp_path / "m.zt", strict=strict)


def test_state_that_is_not_a_tensor_is_named(tmp_path):
    class Extra(nn.Module):
        def get_extra_state(self):
            return {"step": 3}

        def set_extra_state(self, state):
            pass

    for ending in ENDINGS:
        with pytest.raises(TypeError, match="_extra_state"):
            ours.save_model(Extra(), tmp_path / f"m.{ending}")
        assert not (tmp_path / f"m.{ending}").exists()


def test_extra_states_that_are_one_object_do_not_stand_for_one_another(tmp_path):
    class Extra(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.ones(2))

        def get_extra_state(self):
            return None

        def set_extra_state(self, state):
            pass

    model = nn.Sequential(Extra(), Extra())
    ours.save_file({"0.w": torch.zeros(2), "1.w": torch.zeros(2), "0._extra_state": torch.zeros(1)}, tmp_path / "m.zt")
    missing, _ = ours.load_model(model, tmp_path / "m.zt", strict=False)
    assert missing == ["1._extra_state"]


def test_a_meta_model_cannot_be_saved(tmp_path):
    with torch.device("meta"):
        model = Tied()
    for ending in ENDINGS:
        with pytest.raises(ztensor.UnsupportedError, match=r"a\.weight.*meta"):
            ours.save_model(model, tmp_path / f"m.{ending}")


def test_a_lazy_module_cannot_be_saved_before_it_has_run(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = nn.LazyLinear(3)
    for ending in ENDINGS:
        with pytest.raises(ztensor.UnsupportedError, match="no elements yet"):
            ours.save_model(model, tmp_path / f"m.{ending}")


def test_swapped_arguments_are_told(tmp_path):
    with pytest.raises(TypeError, match=r"torch\.nn\.Module, not str: call save_model\(model, filename\)"):
        ours.save_model(str(tmp_path / "m.zt"), Tied())
    with pytest.raises(TypeError, match=r"torch\.nn\.Module, not dict: call load_model\(model, filename\)"):
        ours.load_model({}, tmp_path / "m.zt")


def test_the_helpers_find_what_those_of_safetensors_find():
    base = torch.rand(12)
    states = [
        {"a": base, "b": base, "c": base.view(3, 4), "d": torch.rand(12)},
        {"b": base, "a": base.view(3, 4), "e": torch.empty(0), "m": torch.ones(2, device="meta")},
        Tied().state_dict(),
        ManyTied().state_dict(),
    ]
    for state in states:
        found, expected = ours._find_shared_tensors(state), reference._find_shared_tensors(state)
        assert sorted(map(sorted, found)) == sorted(map(sorted, expected))
        assert ours._remove_duplicate_names(state) == reference._remove_duplicate_names(state)
        for tensor in state.values():
            assert ours.storage_ptr(tensor) == reference.storage_ptr(tensor)
            assert ours.storage_size(tensor) == reference.storage_size(tensor)
            if not tensor.is_meta:
                assert ours._is_complete(tensor) == reference._is_complete(tensor)
    apart = {"a": base[:6], "b": base[6:]}
    assert ours._find_shared_tensors(apart) == reference._find_shared_tensors(apart) == [{"a"}, {"b"}]
    state = states[0]
    for options in (
        {"preferred_names": ["c"]},
        {"discard_names": ["a"]},
        {"preferred_names": ["b", "c"], "discard_names": ["b"]},
        {"discard_names": ["a", "b", "c"]},
        {"preferred_names": ["d", "none"]},
    ):
        assert ours._remove_duplicate_names(state, **options) == reference._remove_duplicate_names(state, **options)
    with pytest.raises(RuntimeError):
        ours._remove_duplicate_names({"a": base[:5], "b": base[:5]})
