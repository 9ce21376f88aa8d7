"""ztensor info: exact output."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import write_safetensors

ONNX = Path(__file__).parents[2] / "tests/conformance/accept/onnx"

TABLE = """\
model.safetensors: safetensors, 4 tensors, 16.4 kB decoded, 16.8 kB stored

attributes
  format: pt
  note: two\\nlines

name        dtype     shape       size  encoding  digest
weight      float32   [64,64]  16.4 kB  raw       none
größe.重み  bfloat16  [3]          6 B  raw       none
steps       int64     []           8 B  raw       none
e\\n         uint8     [0,4]        0 B  raw       none
"""


def test_the_table_is_aligned_and_control_characters_are_escaped(model):
    assert model.ok("info", "model.safetensors") == TABLE


def test_a_very_long_name_does_not_widen_the_table(at):
    write_safetensors(at / "m", {"a": ("U8", [1], b"1"), "n" * 500: ("U8", [1], b"1")})
    header, short, long = at.ok("info", "m").splitlines()[-3:]
    assert len(header) < 60 and len(short) < 60
    assert long.startswith("n" * 500 + "  uint8  ")


def test_zstd_and_digests_are_named(model):
    model.ok("compress", "model.safetensors", "small.zt")
    lines = model.ok("info", "small.zt").splitlines()
    row = next(line for line in lines if line.startswith("weight")).split()
    assert row[:5] == ["weight", "float32", "[64,64]", "16.4", "kB"]
    assert row[5] == "zstd" and float(row[6].rstrip("x")) > 50 and row[7] == "crc32c"


def test_attributes_of_a_tensor_stand_below_it(model):
    model.ok("convert", "model.safetensors", "model.zt")
    model.ok("set", "model.zt", "kind=index", "scale=0.5", "--tensor", "weight")
    lines = model.ok("info", "model.zt").splitlines()
    row = next(i for i, line in enumerate(lines) if line.startswith("weight"))
    assert lines[row + 1 : row + 3] == ["  attribute kind: index", "  attribute scale: 0.5"]
    assert lines[row + 3].startswith("größe")


def test_what_shards_take_is_told(model):
    model.ok("convert", "model.safetensors", "-o", "root.zt", "--to", "2", "--max-shard-size", "10kB")
    sizes = {name: (model / name).stat().st_size for name in model.files()}
    shards = sum(size for name, size in sizes.items() if name.startswith("root-"))
    head = model.ok("info", "root.zt").splitlines()[0]
    count = len(sizes) - 2
    assert head.endswith(f" stored + {shards / 1000:.1f} kB in {count} shard" + ("s" if count > 1 else ""))
    moved = model.ok("convert", "root.zt", "back.zt")
    assert f"4 tensors, {(shards + sizes['root.zt']) / 1000:.1f} kB -> " in moved


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("external", "94 B stored + 8 B"),
        ("external.tied", "221 B stored + 12 B"),
        ("external.rest", "81 B stored + 17 B"),
    ],
)
def test_what_the_external_files_of_a_model_take_is_told(at, name, stored):
    shutil.copy(ONNX / f"{name}.onnx", at / "m.onnx")
    head = at.run("info", "m.onnx").stdout.splitlines()[0]
    assert head.endswith(f", {stored} in 1 external file")


def test_json_is_one_document_with_the_keys_of_the_guide(model):
    document = json.loads(model.ok("info", "model.safetensors", "--json"))
    assert list(document) == ["file", "format", "attributes", "tensors"]
    assert document["file"] == "model.safetensors" and document["format"] == "safetensors"
    assert document["attributes"] == {"format": "pt", "note": "two\nlines"}
    weight = document["tensors"][0]
    assert list(weight) == ["name", "shape", "dtype", "layout", "nbytes", "attributes", "parts"]
    assert (weight["name"], weight["shape"], weight["dtype"]) == ("weight", [64, 64], "float32")
    assert list(weight["parts"][0]) == ["name", "dtype", "encoding", "offset", "stored", "digest"]


def test_a_file_without_tensors_has_no_table(at):
    write_safetensors(at / "none.safetensors", {})
    assert at.ok("info", "none.safetensors") == ("none.safetensors: safetensors, 0 tensors, 0 B decoded, 16 B stored\n")


def test_an_unreadable_tensor_is_listed_with_its_cause(model):
    model.ok("convert", "model.safetensors", "model.zt")
    data = (model / "model.zt").read_bytes()
    at = data.rindex(b"bf16")
    (model / "odd.zt").write_bytes(data[:at] + b"bq16" + data[at + 4 :])
    lines = model.ok("info", "odd.zt").splitlines()
    row = next(i for i, line in enumerate(lines) if line.startswith("größe"))
    assert lines[row].split()[1] == "bq16"
    assert lines[row + 1] == "  unreadable: odd.zt: tensor 'größe.重み': part 'data': unknown dtype 'bq16'"
    assert len(lines) - row == 4  # the others are still there


def test_an_error_is_one_line_whatever_the_file_is_called(at):
    assert at.fails("info", "no\nsuch\x1bfile") == "no\\nsuch\\x1bfile: cannot open: No such file or directory"
    (at / "text").write_text("hello")
    assert at.fails("info", "text").startswith("text: ")
    assert at.fails("info", ".").startswith(".: ")
