"""Tiny models of transformers, made from configs, saved and loaded bit for bit."""

import json

import pytest

import ztensor

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

from ztensor import torch as zt  # noqa: E402 - needs torch
from ztensor.integrations.transformers import load  # noqa: E402 - needs transformers


def llama(tied):
    config = transformers.LlamaConfig(
        vocab_size=256,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
    )
    return transformers.LlamaForCausalLM, config


def bert():
    config = transformers.BertConfig(
        vocab_size=256, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
    )
    return transformers.BertForMaskedLM, config


MODELS = {"llama": lambda: llama(False), "tied llama": lambda: llama(True), "bert": bert}


@pytest.fixture(params=MODELS)
def made(request):
    torch.manual_seed(0)
    model_class, config = MODELS[request.param]()
    return model_class, config, model_class(config).eval()


def outputs(model):
    ids = torch.arange(32).reshape(2, 16)
    with torch.no_grad():
        return model(input_ids=ids).logits


def same_state(a, b):
    left, right = a.state_dict(), b.state_dict()
    assert left.keys() == right.keys()
    for name in left:
        assert left[name].dtype == right[name].dtype, name
        assert torch.equal(left[name], right[name]), name


def same(a, b):
    same_state(a, b)
    assert torch.equal(outputs(a), outputs(b))


@pytest.mark.parametrize("options", [{}, {"compress": True}, {"format": "2"}], ids=str)
def test_a_zt_file_becomes_a_model(tmp_path, made, options):
    model_class, config, model = made
    zt.save_model(model, tmp_path / "m.zt", **options)
    same(load(model_class, config, tmp_path / "m.zt"), model)


def test_an_auto_class_chooses_by_the_config(tmp_path):
    model_class, config = llama(True)
    model = model_class(config).eval()
    zt.save_model(model, tmp_path / "m.zt")
    loaded = load(transformers.AutoModelForCausalLM, config, tmp_path / "m.zt")
    assert type(loaded) is model_class
    same(loaded, model)
    with pytest.raises(ztensor.UsageError, match="no model for a LlamaConfig"):
        load(transformers.AutoModelForMaskedLM, config, tmp_path / "m.zt")


def test_half_precision_is_kept_or_made(tmp_path, made):
    model_class, config, model = made
    half = model.to(torch.bfloat16)
    zt.save_model(half, tmp_path / "m.zt")
    for dtype in (torch.bfloat16, "bfloat16", "auto"):
        config.dtype = None
        loaded = load(model_class, config, tmp_path / "m.zt", dtype=dtype)
        assert {parameter.dtype for parameter in loaded.parameters()} == {torch.bfloat16}
        same_state(loaded, half)
    wide = load(model_class, config, tmp_path / "m.zt", dtype=torch.float32)
    assert {parameter.dtype for parameter in wide.parameters()} == {torch.float32}


def test_each_tensor_is_read_once(tmp_path, made, monkeypatch):
    model_class, config, model = made
    zt.save_model(model, tmp_path / "m.zt")
    reads = []
    plain = ztensor.integrations.transformers.LazyTensor.__getitem__
    monkeypatch.setattr(
        ztensor.integrations.transformers.LazyTensor,
        "__getitem__",
        lambda self, key: reads.append(self._tensor.name) or plain(self, key),
    )
    load(model_class, config, tmp_path / "m.zt")
    assert len(reads) == len(set(reads)) > 0


def test_the_shards_that_transformers_saves_become_a_model(tmp_path, made):
    model_class, config, model = made
    model.save_pretrained(tmp_path / "hub", max_shard_size="100KB")
    index = json.loads((tmp_path / "hub" / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) > 1
    same(load(model_class, config, tmp_path / "hub"), model)


def test_a_folder_of_shards_goes_into_a_model_on_the_meta_device(tmp_path, made):
    model_class, config, model = made
    zt.save_file(model.state_dict(), tmp_path / "m.zt", format="2", max_shard_size=100_000)
    with torch.device("meta"):
        empty = model_class(config)
    state = zt.load_file(tmp_path)
    empty.load_state_dict(state, assign=True)
    for name, tensor in model.state_dict().items():
        assert torch.equal(empty.state_dict()[name], tensor)


def test_a_missing_file_is_an_error(tmp_path):
    model_class, config = bert()
    with pytest.raises(FileNotFoundError):
        load(model_class, config, tmp_path / "none.zt")
