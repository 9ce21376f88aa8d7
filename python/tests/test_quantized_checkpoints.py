"""Checkpoints that other libraries quantized: they come back bit for bit, and `info` tells their scheme."""

import json

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save as save_bytes
from safetensors.numpy import save_file

import ztensor

RNG = np.random.default_rng(7)


def random(dtype, *shape):
    dtype = np.dtype(dtype)
    return np.frombuffer(RNG.bytes(int(np.prod(shape)) * dtype.itemsize), dtype).reshape(shape)


E4M3, BF16 = ml_dtypes.float8_e4m3fn, ml_dtypes.bfloat16


def two_layers(**tensors):
    return {f"model.layers.{i}.mlp.up_proj.{name}": array for i in range(2) for name, array in tensors.items()}


CHECKPOINTS = {
    "gptq": (
        two_layers(
            qweight=random("i4", 32, 64),  # 256 inputs, 64 outputs
            qzeros=random("i4", 2, 8),
            scales=random("f2", 2, 64),
            g_idx=np.arange(256, dtype="i4") // 128,
        ),
        "GPTQ, 4 bits, groups of 128",
    ),
    "gptq-8": (
        two_layers(qweight=random("i4", 64, 32), qzeros=random("i4", 8, 8), scales=random("f2", 8, 32)),
        "GPTQ, 8 bits, groups of 32",
    ),
    "awq": (
        two_layers(qweight=random("i4", 256, 8), qzeros=random("i4", 2, 8), scales=random("f2", 2, 64)),
        "AWQ, 4 bits, groups of 128",
    ),
    "compressed-tensors-pack": (
        two_layers(weight_packed=random("i4", 64, 32), weight_scale=random(BF16, 64, 2), weight_shape=random("i8", 2)),
        "compressed-tensors pack-quantized",
    ),
    "compressed-tensors-nvfp4": (
        two_layers(
            weight_packed=random("u1", 64, 128),
            weight_scale=random(E4M3, 64, 16),
            weight_global_scale=random("f4", 1),
            input_global_scale=random("f4", 1),
        ),
        "compressed-tensors nvfp4-pack-quantized",
    ),
    "compressed-tensors-mxfp4": (
        two_layers(weight_packed=random("u1", 64, 128), weight_scale=random("u1", 64, 8)),
        "compressed-tensors mxfp4-pack-quantized",
    ),
    "modelopt-nvfp4": (
        two_layers(
            weight=random("u1", 64, 128),
            weight_scale=random(E4M3, 64, 16),
            weight_scale_2=random("f4"),
            input_scale=random("f4"),
        ),
        "ModelOpt NVFP4",
    ),
    "fp8-blocks": (
        two_layers(weight=random(E4M3, 300, 256), weight_scale_inv=random("f4", 3, 2)),
        "FP8, blocks of 100x128",
    ),
    "fp8-tensor": (
        two_layers(weight=random(E4M3, 64, 32), weight_scale=random("f4"), input_scale=random("f4")),
        "FP8, a scale for each tensor",
    ),
    "fp8-row": (
        two_layers(weight=random(E4M3, 64, 32), weight_scale=random(BF16, 64, 1)),
        "FP8, a scale for each row",
    ),
    "int8": (
        two_layers(weight=random("i1", 64, 32), weight_scale=random(BF16, 64, 1)),
        "INT8, a scale for each row",
    ),
    "mxfp4": (
        {f"block.{i}.mlp.mlp1_weight_{part}": array for i in range(2) for part, array in
         {"blocks": random("u1", 4, 64, 3, 16), "scales": random("u1", 4, 64, 3)}.items()},
        "MXFP4",
    ),
    "bitsandbytes": (
        two_layers(**{
            "weight": random("u1", 1024, 1),
            "weight.absmax": random("u1", 32),
            "weight.quant_map": random("f4", 16),
            "weight.quant_state.bitsandbytes__nf4": random("u1", 90),
        }),
        "bitsandbytes NF4",
    ),
    "bitsandbytes-int8": (
        two_layers(weight=random("i1", 64, 32), SCB=random("f4", 64), weight_format=random("u1")),
        "bitsandbytes INT8",
    ),
}  # fmt: skip
METADATA = {"format": "pt", "b": "1", "a": "2"}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_quantized_checkpoint_comes_back_bit_for_bit(tmp_path, name):
    tensors, scheme = CHECKPOINTS[name]
    tensors = {**tensors, "model.norm.weight": random(BF16, 64)}
    source = tmp_path / "m.safetensors"
    save_file(tensors, source, METADATA)
    for generation in ("1.2", "2"):
        converted = tmp_path / f"m{generation}.zt"
        ztensor.convert(source, converted, to=generation)
        with ztensor.open(source) as before, ztensor.open(converted) as after:
            assert list(after) == (list(before) if generation == "1.2" else sorted(before, key=lambda k: (len(k), k)))
            for key in before:
                assert after.read_tensor(key).dtype == before.read_tensor(key).dtype
                assert after.read_tensor(key).tobytes() == tensors[key].tobytes()
        assert ztensor.info(converted)["quantization"] == [{"scheme": scheme, "weights": 2}]
        ztensor.convert(converted, tmp_path / f"back{generation}.safetensors")
        assert (tmp_path / f"back{generation}.safetensors").read_bytes() == source.read_bytes()
    assert ztensor.info(source)["quantization"] == [{"scheme": scheme, "weights": 2}]


def test_torchao_classes_are_named_from_the_metadata(tmp_path):
    described = json.dumps({"_type": "Float8Tensor", "_data": {"block_size": [1, 32], "mm_config": {"_type": "X"}}})
    metadata = {"tensor_names": json.dumps(["l.weight", "k.weight"]), "l.weight": described, "k.weight": described}
    tensors = {f"{one}._weight_{part}": array for one in "lk" for part, array in
               {"qdata": random(E4M3, 64, 32), "scale": random("f4", 64, 1)}.items()}  # fmt: skip
    save_file(tensors, tmp_path / "m.safetensors", metadata)
    ztensor.convert(tmp_path / "m.safetensors", tmp_path / "m.zt")
    assert ztensor.info(tmp_path / "m.zt")["quantization"] == [{"scheme": "torchao Float8Tensor", "weights": 2}]
    assert ztensor.open(tmp_path / "m.zt").attributes["tensor_names"] == metadata["tensor_names"]
    ztensor.convert(tmp_path / "m.zt", tmp_path / "back.safetensors")
    assert (tmp_path / "back.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("file", "content", "scheme"),
    [
        (
            "config.json",
            {"quantization_config": {"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}},
            "compressed-tensors, nvfp4-pack-quantized",
        ),
        (
            "config.json",
            {"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128}},
            "gptq, 4 bits, groups of 128",
        ),
        ("hf_quant_config.json", {"quantization": {"quant_algo": "FP8", "group_size": None}}, "modelopt, FP8"),
        ("config.json", {"quantization_config": {"quant_method": "mxfp4"}}, "mxfp4"),
        ("config.json", {"quantization_config": [1]}, None),
        ("config.json", {"architectures": ["A"]}, None),
    ],
)
def test_what_the_configuration_states_is_shown(tmp_path, file, content, scheme):
    save_file({"w": random("f4", 3)}, tmp_path / "m.safetensors")
    (tmp_path / file).write_text(json.dumps(content))
    ztensor.convert(tmp_path / "m.safetensors", tmp_path / "m.zt", with_config=True)
    found = ztensor.info(tmp_path / "m.zt").get("quantization")
    assert found == (scheme and [{"scheme": scheme, "weights": None}])


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"qweight": random("f4", 2, 2), "qzeros": random("i4", 2, 2), "scales": random("f4", 2, 2)},
        {"qweight": random("i4", 2, 2), "qzeros": random("i4", 0, 0), "scales": random("f4", 0, 0)},
        {"qweight": random("i4", 2, 2), "qzeros": random("i4", 1, 9), "scales": random("f4", 1, 2)},
        {"weight": random("u1", 4), "weight_scale": random("f4")},
        {"weight": random(E4M3, 4, 4), "weight_scale_inv": random("f4", 0, 2)},
        {"x_blocks": random("u1", 4)},
        {"weight_scale": random("f4")},
        {"SCB": random("f4")},
        {"a.absmax": random("f4")},
    ],
)
def test_other_models_have_no_scheme(tmp_path, tensors):
    (tmp_path / "m.safetensors").write_bytes(save_bytes(tensors))
    assert "quantization" not in ztensor.info(tmp_path / "m.safetensors")
