"""ztensor diff and ztensor id."""

import json
import struct

import pytest
from conftest import PLAIN, write_safetensors


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


@pytest.fixture
def pair(at):
    """Two files that differ in each way that safetensors can."""
    write_safetensors(
        at / "a.safetensors",
        {
            "gone": ("U8", [1], b"x"),
            "same": ("F32", [2], floats(1, 2)),
            "shaped": ("F32", [2, 3], floats(*range(6))),
            "typed": ("I32", [1], b"1234"),
            "values": ("F32", [2, 2], floats(1, 2, 3, 4)),
        },
        {"note": "x"},
    )
    write_safetensors(
        at / "b.safetensors",
        {
            "shaped": ("F32", [3, 2], floats(*range(6))),
            "typed": ("U32", [1], b"1234"),
            "same": ("F32", [2], floats(1, 2)),
            "values": ("F32", [2, 2], floats(1, 2.5, 3, 14)),
            "new\n": ("U8", [1], b"x"),
        },
        {"note": "y", "more": "1"},
    )
    return at


def test_the_same_tensors_print_nothing_however_stored(model):
    model.ok("compress", "model.safetensors", "small.zt")
    assert model.ok("diff", "model.safetensors", "small.zt") == ""
    assert model.ok("diff", "-q", "small.zt", "small.zt", "--threads", "2") == ""
    found = json.loads(model.ok("diff", "--json", "small.zt", "model.safetensors"))
    assert found == {
        "a": "small.zt",
        "b": "model.safetensors",
        "same": True,
        "compared": 4,
        "differences": [],
        "findings": [],
    }


def test_each_difference_gets_a_line_and_exit_1(pair):
    done = pair.run("diff", "a.safetensors", "b.safetensors")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "~ (file): attribute 'note': x -> y\n"
        "~ (file): attribute 'more': \"1\", only in B\n"
        "- gone\n"
        "~ shaped: shape (2, 3) -> (3, 2)\n"
        "~ typed: dtype int32 -> uint32\n"
        "~ values: 2 of 4 elements differ, first at (0, 1): 2 -> 2.5; largest difference 10\n"
        "+ new\\n\n"
        "4 tensors compared, 3 different, 1 only in A, 1 only in B\n"
    )


def test_quiet_answers_by_the_exit_code_alone(pair):
    done = pair.run("diff", "-q", "a.safetensors", "b.safetensors")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_json_has_every_difference(pair):
    done = pair.run("diff", "--json", "a.safetensors", "b.safetensors")
    assert (done.returncode, done.stderr) == (1, "")
    found = json.loads(done.stdout)
    assert (found["same"], found["compared"], found["findings"]) == (False, 4, [])
    assert [d["kind"] for d in found["differences"]] == [
        "attribute",
        "attribute",
        "only_in_a",
        "shape",
        "dtype",
        "contents",
        "only_in_b",
    ]
    assert found["differences"][1] == {"kind": "attribute", "tensor": None, "part": None, "key": "more", "b": "1"}
    assert found["differences"][5] == {
        "kind": "contents",
        "tensor": "values",
        "part": "data",
        "key": None,
        "a": 2.0,
        "b": 2.5,
        "elements": 4,
        "differing": 2,
        "first": 1,
        "largest": 10.0,
    }


def test_trouble_exits_with_2_unless_a_difference_was_found(model):
    assert "cannot open" in model.fails("diff", "missing.zt", "model.safetensors", code=2)
    model.ok("convert", "model.safetensors", "model.zt")
    data = (model / "model.zt").read_bytes()
    at = data.rindex(b"bf16")
    (model / "odd.zt").write_bytes(data[:at] + b"bq16" + data[at + 4 :])
    done = model.run("diff", "model.zt", "odd.zt")
    assert done.returncode == 2
    assert done.stderr == "ztensor: error: odd.zt: tensor 'größe.重み': part 'data': unknown dtype 'bq16'\n"
    assert done.stdout == "3 tensors compared, 0 different, 0 only in A, 0 only in B, 1 could not be compared\n"
    write_safetensors(model / "other.safetensors", {"größe.重み": ("U8", [1], b"x")})
    assert model.run("diff", "-q", "odd.zt", "other.safetensors").returncode == 1


def test_a_damaged_part_is_trouble(model):
    model.ok("convert", "model.safetensors", "model.zt")
    data = bytearray((model / "model.zt").read_bytes())
    data[model.info("model.zt")["tensors"][0]["parts"][0]["offset"]] ^= 1
    (model / "bad.zt").write_bytes(data)
    done = model.run("diff", "model.zt", "bad.zt")
    assert done.returncode == 2
    assert done.stderr.startswith("ztensor: error: bad.zt: tensor 'weight': part 'data': ")


def test_an_id_is_that_of_the_tensors(model):
    model.ok("convert", "model.safetensors", "plain.zt")
    model.ok("compress", "model.safetensors", "small.zt")
    found = model.ok("id", "model.safetensors")
    assert len(found) == 72 and found.startswith("sha256:") and int(found[7:], 16)
    for name in ("plain.zt", "small.zt"):
        assert model.ok("id", name) == found
    assert model.ok("id", "plain.zt", "small.zt", "-q", "--threads", "1") == (
        f"{found[:-1]}  plain.zt\n{found[:-1]}  small.zt\n"
    )
    assert model.ok("id", "--trust-digests", "small.zt") == found
    write_safetensors(model / "other.safetensors", {"weight": ("F32", [64, 64], PLAIN)})
    assert model.ok("id", "other.safetensors") != found


def test_a_file_without_an_id_hides_none_after_it(model):
    done = model.run("id", "missing.zt", "model.safetensors")
    assert done.returncode == 1
    assert done.stdout == model.ok("id", "model.safetensors")[:-1] + "  model.safetensors\n"
    assert done.stderr == "ztensor: error: missing.zt: cannot open: No such file or directory\n"
    done = model.run("id", "--json", "missing.zt", "model.safetensors")
    assert done.returncode == 1
    first, second = json.loads(done.stdout)["files"]
    assert first["file"] == "missing.zt" and first["id"] is None and "cannot open" in first["error"]
    assert second == {"file": "model.safetensors", "id": model.ok("id", "model.safetensors")[:-1]}
