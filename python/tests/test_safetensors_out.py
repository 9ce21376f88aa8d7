"""Files that we write as safetensors, read by the package safetensors."""

import io
import json

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import safetensors.torch
import torch

import ztensor
from ztensor._options import shard_size_of

TORCH = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint64, torch.uint32, torch.uint16, torch.uint8, torch.bool, torch.complex64, torch.float8_e4m3fn,
    torch.float8_e5m2, torch.float8_e8m0fnu, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz,
]  # fmt: skip


def of_dtype(dtype):
    raw = torch.arange(1, 49, dtype=torch.uint8)
    return (raw % 2).bool() if dtype == torch.bool else raw.view(dtype)


def metadata_of(path):
    with safetensors.safe_open(path, "pt") as file:
        return file.metadata()


def as_bytes(tensor):
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


@pytest.fixture
def tensors():
    made = {str(dtype): of_dtype(dtype) for dtype in TORCH}
    made |= {"scalar": torch.tensor(1.5), "empty": torch.zeros(0, 3), 'ö"\\\n/': torch.ones(2, 2)}
    return made


def test_every_dtype_is_written_as_the_reference_writes_it(tmp_path, tensors):
    path = tmp_path / "m.safetensors"
    with ztensor.Writer(path, attributes={"format": "pt"}) as writer:
        for name, tensor in tensors.items():
            writer.add_tensor(name, tensor)
    assert path.read_bytes() == safetensors.torch.save(tensors, {"format": "pt"})
    read = safetensors.torch.load_file(path)
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype and read[name].shape == tensor.shape
        assert as_bytes(read[name]) == as_bytes(tensor)


def test_a_conversion_writes_the_same_bytes(tmp_path, tensors):
    with ztensor.Writer(tmp_path / "m.zt", attributes={"format": "pt"}, compress=True) as writer:
        for name, tensor in tensors.items():
            writer.add_tensor(name, tensor)
    ztensor.convert(tmp_path / "m.zt", tmp_path / "m.safetensors", check_output=True)
    assert (tmp_path / "m.safetensors").read_bytes() == safetensors.torch.save(tensors, {"format": "pt"})


def test_there_and_back_again(tmp_path, tensors):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    safetensors.torch.save_file(tensors, first, {"k": "v"})
    ztensor.convert(first, tmp_path / "m.zt")
    ztensor.convert(tmp_path / "m.zt", second)
    assert second.read_bytes() == first.read_bytes()
    assert metadata_of(second) == {"k": "v"}


def test_a_file_object_takes_it(tensors):
    file = io.BytesIO()
    with ztensor.Writer(file, format="safetensors") as writer:
        writer.add_tensor("w", np.arange(3))
    assert file.getvalue() == safetensors.numpy.save({"w": np.arange(3)})


def test_another_name_takes_it_when_asked(tmp_path):
    with ztensor.Writer(tmp_path / "m.zt") as writer:
        writer.add_tensor("w", np.arange(3))
    ztensor.convert(tmp_path / "m.zt", tmp_path / "m.weights", to="safetensors")
    assert list(safetensors.numpy.load_file(tmp_path / "m.weights")) == ["w"]


def test_byte_order_and_strides_do_not_matter(tmp_path):
    grid = np.arange(24, dtype=">i4").reshape(4, 6)
    with ztensor.Writer(tmp_path / "m.safetensors") as writer:
        writer.add_tensor("big", grid)
        writer.add_tensor("turned", grid.T[::-1, ::2])
    read = safetensors.numpy.load_file(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(read["big"], grid)
    np.testing.assert_array_equal(read["turned"], grid.T[::-1, ::2])


def test_ties_are_stored_for_each_name(tmp_path):
    with ztensor.Writer(tmp_path / "m.zt") as writer:
        writer.add_tensor("a", np.arange(4))
        writer.add_alias("b", "a")
    ztensor.convert(tmp_path / "m.zt", tmp_path / "m.safetensors")
    read = safetensors.numpy.load_file(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(read["a"], read["b"])


@pytest.mark.parametrize(
    ("attributes", "word"), [({"step": 1}, "'step'"), ({"nested": {"k": "v"}}, "'nested'")], ids=["number", "map"]
)
def test_what_is_no_text_is_refused_or_given_up(tmp_path, attributes, word):
    with ztensor.Writer(tmp_path / "m.zt", attributes=attributes | {"k": "v"}) as writer:
        writer.add_tensor("a", np.arange(4))
    with pytest.raises(ztensor.UnsupportedError, match=word):
        ztensor.convert(tmp_path / "m.zt", tmp_path / "m.safetensors")
    assert not (tmp_path / "m.safetensors").exists()
    done = ztensor.convert(tmp_path / "m.zt", tmp_path / "m.safetensors", lossy=True)
    assert any(word in loss for loss in done.losses)
    assert metadata_of(tmp_path / "m.safetensors") == {"k": "v"}


def test_shards_have_the_index_that_loaders_look_for(tmp_path):
    with ztensor.Writer(tmp_path / "m.zt", attributes={"format": "pt"}) as writer:
        for i in range(4):
            writer.add_tensor(f"w{i}", np.full(100, i, dtype=np.float32))
    ztensor.convert(tmp_path / "m.zt", tmp_path / "model.safetensors", max_shard_size=800)
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert index["metadata"] == {"total_size": 1600}
    assert sorted(set(index["weight_map"].values())) == [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    for i in range(4):
        shard = tmp_path / index["weight_map"][f"w{i}"]
        np.testing.assert_array_equal(safetensors.numpy.load_file(shard)[f"w{i}"], np.full(100, i, dtype=np.float32))
        assert metadata_of(shard) == {"format": "pt"}


@pytest.mark.parametrize(
    ("text", "size"),
    [("800", 800), ("1kB", 1000), ("1 KiB", 1024), ("2m", 2_000_000), ("5GB", 5 * 10**9), ("500MiB", 500 << 20)],
)
def test_the_size_of_a_shard_may_be_a_text(text, size):
    assert shard_size_of(text) == shard_size_of(size) == size


@pytest.mark.parametrize("text", ["", "0", "GB", "5 apples", "-1", "1.5GB", "1ib", "5GB5", "\u0665", "99999999EB"])
def test_other_texts_are_no_size_of_a_shard(text):
    with pytest.raises(ztensor.UsageError, match="max_shard_size"):
        shard_size_of(text)


def test_a_writer_cuts_shards_too(tmp_path):
    with ztensor.Writer(tmp_path / "model.safetensors", max_shard_size=800) as writer:
        for i in range(4):
            writer.add_tensor(f"w{i}", np.full(100, i, dtype=np.float32))
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) == 2
    assert sorted(index["weight_map"]) == [f"w{i}" for i in range(4)]
