"""ztensor append, remove, set, compact and repair."""

import json
import os

import pytest
from conftest import PLAIN, write_safetensors


@pytest.fixture(params=["1.2"])
def grown(model):
    """model.zt, and more.safetensors with one new name and one name that model.zt has."""
    model.ok("convert", "model.safetensors", "model.zt")
    write_safetensors(model / "new.safetensors", {"new": ("U8", [4], b"wxyz")})
    write_safetensors(model / "more.safetensors", {"more": ("U8", [1], b"x"), "weight": ("U8", [2], b"yz")})
    return model


def test_append_puts_tensors_into_the_file(grown, contents):
    before = (grown / "model.zt").stat().st_ino
    printed = grown.ok("append", "model.zt", "--from", "new.safetensors")
    assert printed.startswith("model.zt: 1 tensor appended in ")
    contents["new"] = ("uint8", [4], b"wxyz")
    assert grown.tensors("model.zt") == contents
    assert (grown / "model.zt").stat().st_ino == before
    assert grown.ok("append", "made.zt", "-q", "--from", "new.safetensors", "model.safetensors") == ""
    grown.ok("diff", "model.zt", "made.zt", "-q")


def test_append_refuses_a_name_that_is_there(grown, contents):
    before = (grown / "model.zt").read_bytes()
    error = grown.fails("append", "model.zt", "--from", "more.safetensors")
    assert "'weight' of more.safetensors is in model.zt already" in error and "--replace" in error
    error = grown.fails("append", "model.zt", "--from", "new.safetensors", "--from", "new.safetensors")
    assert "is in both new.safetensors and new.safetensors" in error
    assert "the target is also the source" in grown.fails("append", "model.zt", "--from", "model.zt")
    assert (grown / "model.zt").read_bytes() == before
    found = json.loads(grown.ok("append", "model.zt", "--from", "more.safetensors", "--replace", "--json"))
    size = (grown / "model.zt").stat().st_size
    reclaimable = found.pop("reclaimable")
    assert found == {"file": "model.zt", "appended": 2, "replaced": 1, "size": size}
    assert len(PLAIN) <= reclaimable < size
    contents["weight"] = ("uint8", [2], b"yz")
    contents["more"] = ("uint8", [1], b"x")
    assert grown.tensors("model.zt") == contents


def test_remove_takes_a_name_that_is_given_twice_once(grown):
    before = len(grown.info("model.zt")["tensors"])
    assert "1 tensor" in grown.ok("remove", "model.zt", "weight", "weight")
    assert len(grown.info("model.zt")["tensors"]) == before - 1


def test_text_that_reads_as_another_value_is_quoted(grown):
    (grown / "other.zt").write_bytes((grown / "model.zt").read_bytes())
    grown.ok("set", "model.zt", "run=7", "word=true story", "none=")
    grown.ok("set", "other.zt", 'run="7"', "word=true story", "none=null")
    lines = grown.ok("info", "other.zt").splitlines()
    assert '  run: "7"' in lines and "  word: true story" in lines
    told = grown.run("diff", "model.zt", "other.zt").stdout
    assert '7 -> "7"' in told and '"" -> null' in told and "word" not in told


def test_remove_in_place_and_into_a_copy(grown, contents):
    grown.ok("remove", "model.zt", "weight", "-o", "copy.zt")
    assert grown.tensors("model.zt") == contents
    assert "'absent'" in grown.fails("remove", "model.zt", "weight", "absent")
    assert "--force" in grown.fails("remove", "model.zt", "weight", "-o", "copy.zt")
    assert grown.ok("remove", "model.zt", "weight").startswith("model.zt: 1 tensor removed; the file takes ")
    del contents["weight"]
    assert grown.tensors("model.zt") == grown.tensors("copy.zt") == contents
    assert "a NAME" in grown.fails("remove", "model.zt", code=2)


def test_a_note_says_what_compact_gives_back(at):
    write_safetensors(at / "a.safetensors", {"big": ("U8", [3_000_000], bytes(3_000_000)), "b": ("U8", [1], b"x")})
    at.ok("convert", "a.safetensors", "a.zt")
    done = at.run("remove", "a.zt", "big")
    assert done.returncode == 0
    assert done.stderr == "ztensor: note: a.zt: 'ztensor compact' would free 3.0 MB of 3.0 MB\n"
    printed = at.ok("compact", "a.zt")
    assert printed.startswith("a.zt: 1 tensor, 3.0 MB -> ")
    assert (at / "a.zt").stat().st_size < 1000
    assert at.ok("compact", "a.zt").startswith("a.zt: nothing to give back, ")
    found = json.loads(at.ok("compact", "a.zt", "--json"))
    assert found["changed"] is False and found["size"] == (at / "a.zt").stat().st_size
    assert at.files() == ["a.safetensors", "a.zt"]


def test_set_reads_values_as_json_or_text(grown):
    printed = grown.ok(
        "set",
        "model.zt",
        "step=1000",
        "half=0.5",
        "on=true",
        'list=[1, "a"]',
        "word=MIT",
        'quoted="3"',
        "empty=",
        "minus=-2",
    )
    assert printed == "model.zt: 8 attributes set\n"
    attributes = grown.info("model.zt")["attributes"]
    expected = {
        "step": 1000,
        "half": 0.5,
        "on": True,
        "list": [1, "a"],
        "word": "MIT",
        "quoted": "3",
        "empty": "",
        "minus": -2,
    }
    assert {key: attributes[key] for key in expected} == expected
    assert attributes["format"] == "pt"
    grown.ok("set", "model.zt", "--unset", "step", "--unset", "format", "word=other")
    attributes = grown.info("model.zt")["attributes"]
    assert "step" not in attributes and "format" not in attributes and attributes["word"] == "other"
    before = (grown / "model.zt").read_bytes()
    assert grown.ok("set", "model.zt", "--unset", "step") == "model.zt: 0 attributes set, 0 unset (1 did not exist)\n"
    assert (grown / "model.zt").read_bytes() == before
    told = grown.ok("set", "model.zt", "a=1", "a=2", "--unset", "word", "--unset", "word", "--unset", "step")
    assert told == "model.zt: 1 attribute set, 1 unset (1 did not exist)\n"
    assert grown.info("model.zt")["attributes"]["a"] == 2
    grown.ok("set", "model.zt", "kind=index", "--tensor", "weight")
    (weight,) = [t for t in grown.info("model.zt")["tensors"] if t["name"] == "weight"]
    assert weight["attributes"] == {"kind": "index"}
    assert "'absent'" in grown.fails("set", "model.zt", "a=1", "--tensor", "absent")
    refusal = grown.fails("set", "model.zt", "a=1", "--unset", "a")
    assert refusal == "attribute 'a' is both set and unset: do only one of them"
    assert "KEY=VALUE" in grown.fails("set", "model.zt", "novalue", code=2)
    assert "KEY=VALUE" in grown.fails("set", "model.zt", code=2)


def test_set_does_not_make_text_of_a_number_that_it_cannot_hold(grown):
    before = (grown / "model.zt").read_bytes()
    for number in ["1e400", "-1e400", "18446744073709551616", "-9223372036854775809", "1" + "0" * 5000]:
        error = grown.fails("set", "model.zt", f"n={number}")
        assert error == f"n={number}: no attribute can hold this number; to store it as text, write n='\"{number}\"'"
    assert (grown / "model.zt").read_bytes() == before
    texts = ["2026-11-24", "1.2.3", "007", "+1", "1e", ".5", "0x10", "NaN"]
    grown.ok("set", "model.zt", *(f"t{i}={text}" for i, text in enumerate(texts)), 'n="1e400"')
    attributes = grown.info("model.zt")["attributes"]
    assert [attributes[f"t{i}"] for i in range(len(texts))] == texts and attributes["n"] == "1e400"


def test_repair_cuts_a_torn_end(grown, contents):
    whole = (grown / "model.zt").read_bytes()
    told = "model.zt: nothing to repair, 4 tensors; 'ztensor verify' checks their contents\n"
    copied = grown.ok("repair", "model.zt", "-o", "copy.zt")
    assert copied == told.replace("tensors;", "tensors; copied to copy.zt;")
    assert (grown / "copy.zt").read_bytes() == whole
    for command in (["repair", "model.zt"], ["remove", "model.zt", "a"]):
        assert "name the file *.zt" in grown.fails(*command, "-o", "copy.safetensors")
    assert grown.ok("repair", "model.zt") == told
    (grown / "model.zt").write_bytes(whole + b"torn")
    size = len(whole)
    told = "model.zt: its end is torn; the last whole version has 4 tensors: "
    sizes = f"{size + 4} bytes -> {size}\n"
    assert grown.ok("repair", "model.zt", "--dry-run") == told + "would be cut, " + sizes
    assert grown.ok("repair", "model.zt", "-o", "out.zt") == told + "written to out.zt, " + sizes
    assert (grown / "out.zt").read_bytes() == whole
    assert "--force" in grown.fails("repair", "model.zt", "-o", "out.zt")
    assert json.loads(grown.ok("repair", "model.zt", "--json")) == {
        "file": "model.zt",
        "state": "torn",
        "format": "zt-1.2",
        "tensors": 4,
        "size_before": size + 4,
        "size": size,
        "dry_run": False,
    }
    assert (grown / "model.zt").read_bytes() == whole
    (grown / "model.zt").write_bytes(whole[: size // 2])
    assert "the file has no whole version" in grown.fails("repair", "model.zt")
    assert (grown / "model.zt").read_bytes() == whole[: size // 2]


@pytest.mark.parametrize("cut", range(1, 17))  # 8: without its last magic it looks like a file of 1.0
def test_a_file_without_its_end_leads_to_repair_which_makes_it_anew(grown, cut):
    whole = (grown / "model.zt").read_bytes()
    (grown / "model.zt").write_bytes(whole[:-cut])
    assert "see 'ztensor repair'" in grown.fails("info", "model.zt")
    done = grown.run("repair", "model.zt")
    assert done.stderr == "ztensor: note: model.zt: the index was whole: only the footer after it was lost\n"
    assert done.stdout.endswith(f": given a new end, {len(whole) - cut} bytes -> {len(whole)}\n")
    assert (grown / "model.zt").read_bytes() == whole


@pytest.mark.parametrize("command", ["append", "remove", "set", "compact", "repair"])
def test_help_shows_an_example_that_names_the_command(at, command):
    assert f"\n  ztensor {command} model.zt" in at.ok(command, "--help")


@pytest.mark.parametrize(
    "arguments",
    [("remove", "absent.zt", "x"), ("set", "absent.zt", "a=1"), ("compact", "absent.zt"), ("repair", "absent.zt")],
)
def test_a_file_that_is_not_there_is_an_error_and_stays_so(at, arguments):
    assert at.fails(*arguments) == "absent.zt: cannot open: No such file or directory"
    assert at.files() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_not_be_written_is_an_error(grown):
    (grown / "model.zt").chmod(0o444)
    assert "Permission denied" in grown.fails("compact", "model.zt")
