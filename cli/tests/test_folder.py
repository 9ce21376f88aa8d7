"""Models in folders; ztensor extract and cat; convert --with-config."""

import json
import shutil
import struct
from pathlib import Path

from conftest import write_safetensors

GOLDEN = Path(__file__).parents[2] / "tests/golden"


def save_model(model, config=None):
    """Two shards with an index, and a configuration."""
    folder = model / "repo"
    folder.mkdir()
    floats = struct.pack("<6f", 0, 1.5, -2, 0.1, 1e30, float("inf"))
    write_safetensors(folder / "a.safetensors", {"w": ("F32", [2, 3], floats), "n": ("I64", [], struct.pack("<q", -7))})
    write_safetensors(
        folder / "b.safetensors", {"flags": ("BOOL", [2], b"\1\0"), "z": ("C64", [1], struct.pack("<2f", 1, -2))}
    )
    index = {
        "metadata": {},
        "weight_map": {"w": "a.safetensors", "n": "a.safetensors", "flags": "b.safetensors", "z": "b.safetensors"},
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_folder_is_one_model(model):
    save_model(model)
    document = model.info("repo")
    assert document["format"] == "safetensors"
    assert sorted(tensor["name"] for tensor in document["tensors"]) == ["flags", "n", "w", "z"]
    model.ok("convert", "repo", "model2.zt")
    model.ok("diff", "repo", "model2.zt")
    model.ok("verify", "repo/model.safetensors.index.json")


def test_a_missing_shard_is_named(model):
    (save_model(model) / "b.safetensors").unlink()
    assert "repo/b.safetensors" in model.fails("info", "repo")


def test_convert_takes_the_configuration_when_asked(model):
    save_model(model, {"architectures": ["A"], "quantization_config": {"bits": 4}})
    model.ok("convert", "repo", "plain.zt")
    assert "config.json" not in model.info("plain.zt")["attributes"]
    model.ok("convert", "repo", "full.zt", "--with-config")
    attributes = model.info("full.zt")["attributes"]
    assert attributes["config.json"] == {"architectures": ["A"], "quantization_config": {"bits": 4}}
    assert "'config.json'" in model.fails("convert", "repo", "full.safetensors", "--with-config")


def test_extract_takes_the_named_tensors_alone(model):
    save_model(model)
    model.ok("extract", "repo", "n", "w", "-o", "few.zt")
    assert sorted(tensor["name"] for tensor in model.info("few.zt")["tensors"]) == ["n", "w"]
    assert "no tensor is named 'x'" in model.fails("extract", "repo", "n", "x", "-o", "more.zt")
    assert not (model / "more.zt").exists()
    model.fails("extract", "repo", "-o", "more.zt", code=2)
    model.fails("extract", "repo", "n", code=2)


def test_extract_takes_patterns(model):
    tensors = {name: ("U8", [1], b"1") for name in ("layers.0.w", "layers.0.b", "layers.1.w", "odd*", "odder")}
    write_safetensors(model / "p.safetensors", tensors)
    for operands, expected in (
        (["layers.0.*"], ["layers.0.b", "layers.0.w"]),
        (["layers.?.w", "odder"], ["layers.0.w", "layers.1.w", "odder"]),
        (["odd*"], ["odd*"]),  # a name comes before what it would match as a pattern
        (["odd[e]*", "*.b", "layers.0.b"], ["layers.0.b", "odder"]),
    ):
        model.ok("extract", "p.safetensors", *operands, "-o", "few.zt", "--force")
        assert sorted(tensor["name"] for tensor in model.info("few.zt")["tensors"]) == expected
    error = model.fails("extract", "p.safetensors", "odder", "x*", "-o", "none.zt")
    assert error == (
        "p.safetensors: no tensor is named 'x*', and no name matches this pattern: 'ztensor info' lists the names"
    )
    assert not (model / "none.zt").exists()


def test_cat_reads_a_tensor_once(model):
    content = b"".join(i.to_bytes(4, "little") for i in range(600_000))  # more than one batch of the printer
    write_safetensors(model / "p.safetensors", {"w": ("I32", [600, 1000], content)})
    model.ok("convert", "p.safetensors", "p.zt", "-c")
    lines = model.ok("cat", "p.zt", "w").splitlines()
    assert lines == [" ".join(str(1000 * row + i) for i in range(1000)) for row in range(600)]


def test_cat_prints_elements(model):
    save_model(model)
    assert model.ok("cat", "repo", "w") == "0 1.5 -2\n0.1 1e+30 inf\n"
    assert model.ok("cat", "repo", "n") == "-7\n"
    assert model.ok("cat", "repo", "flags") == "true false\n"
    assert model.ok("cat", "repo", "z") == "1-2j\n"


def test_cat_of_a_whole_tensor_checks_its_digest(model):
    save_model(model)
    model.ok("convert", "repo", "-o", "m.zt")
    place = next(tensor for tensor in model.info("m.zt")["tensors"] if tensor["name"] == "w")["parts"][0]["offset"]
    content = bytearray((model / "m.zt").read_bytes())
    content[place] ^= 1
    (model / "m.zt").write_bytes(content)
    assert "digest" in model.fails("cat", "m.zt", "w")
    model.ok("cat", "m.zt", "w", "1")


def test_cat_takes_slices_as_numpy_does(model):
    save_model(model)
    for text, printed in {
        "0": "0 1.5 -2\n",
        "-1, 0": "0.1\n",
        "..., 1": "1.5 1e+30\n",
        "::-1": "0.1 1e+30 inf\n0 1.5 -2\n",
        ":, ::-2": "-2 0\ninf 0.1\n",
        "[1:, 5:]": "",
        ":, -2:": "1.5 -2\n1e+30 inf\n",
    }.items():
        assert model.ok("cat", "repo", "w", "--", text) == printed, text
    assert "outside the axis" in model.fails("cat", "repo", "w", "2")
    assert "2" in model.fails("cat", "repo", "w", "0, 0, 0")
    for text in ["a", "0:1:0", "0,,1", "..., ...", "1.5"]:
        model.fails("cat", "repo", "w", text, code=2)


def test_cat_prints_large_tensors_piece_by_piece(model):
    rows, columns = 3000, 500
    data = struct.pack(f"<{rows * columns}I", *range(rows * columns))
    write_safetensors(model / "large.safetensors", {"m": ("U32", [rows, columns], data)})
    lines = model.ok("cat", "large.safetensors", "m").splitlines()
    assert len(lines) == rows
    assert lines[2999] == " ".join(str(i) for i in range(2999 * columns, 3000 * columns))


def test_cat_cuts_long_rows(model):
    count = 700_000
    write_safetensors(model / "row.safetensors", {"r": ("U16", [1, count], b"\7\0" * count)})
    assert model.ok("cat", "row.safetensors", "r") == " ".join(["7"] * count) + "\n"
    write_safetensors(model / "deep.safetensors", {"d": ("U8", [2, 3, 1 << 20], b"\1" * (6 << 20))})
    lines = model.ok("cat", "deep.safetensors", "d", ":, ::2, :3").split("\n")
    assert lines == ["1 1 1", "1 1 1", "", "1 1 1", "1 1 1", ""]
    assert len(model.ok("cat", "deep.safetensors", "d")) == 12 * (1 << 20) + 1


def test_cat_tells_what_shows_a_tensor_that_is_not_dense(model):
    shutil.copy(GOLDEN / "1.2.3/sparse.zt", model / "sparse.zt")
    name = model.info("sparse.zt")["tensors"][0]["name"]
    error = model.fails("cat", "sparse.zt", name)
    assert f"tensor '{name}' has the layout 'sparse_cs" in error or f"'{name}' has the layout 'sparse_coo'" in error
    assert "cat prints only dense tensors: 'ztensor info' lists the parts" in error


def test_cat_counts_axes_and_positions(model):
    write_safetensors(model / "one.safetensors", {"x": ("U8", [1], b"a"), "s": ("U8", [], b"a")})
    assert "outside the axis, which has 1 position" in model.fails("cat", "one.safetensors", "x", "1")
    assert "the slice has 1 axis, but the tensor has 0" in model.fails("cat", "one.safetensors", "s", "0")


def test_cat_refuses_elements_that_are_no_bytes(model):
    write_safetensors(model / "f4.safetensors", {"x": ("F4", [4], b"\x21\x43")})
    assert "float4_e2m1fn are not whole bytes" in model.fails("cat", "f4.safetensors", "x")
