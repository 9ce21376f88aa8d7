"""ztensor delta."""

import json

from conftest import write_safetensors


def write_pair(at):
    text = b"abc" * 100
    write_safetensors(at.folder / "base.safetensors", {"w": ("F32", [400], bytes(1600)), "v": ("U8", [300], text)})
    new = bytes(1596) + b"\0\0\x80\x3f"
    write_safetensors(at.folder / "new.safetensors", {"w": ("F32", [400], new), "v": ("U8", [300], text)})


def test_what_changed_reads_as_the_new_file(at):
    write_pair(at)
    report = json.loads(at.ok("delta", "base.safetensors", "new.safetensors", "-o", "d.zt", "--json"))
    assert report["tensors"] == 2 and report["same"] == 1
    assert at.ok("id", "d.zt").split()[0] == at.ok("id", "new.safetensors").split()[0]
    at.ok("verify", "d.zt")
    told = at.fails("delta", "base.safetensors", "new.safetensors", "-o", "d.zt")
    assert "not replaced: File exists; --force replaces it" in told
    told = at.fails("delta", "base.safetensors", "new.safetensors", "-o", "base.safetensors", "--force")
    assert "the output is also the input" in told
    assert "2 tensors" in at.ok("delta", "base.safetensors", "new.safetensors", "-o", "d.zt", "--force", "--to", "2")
    (at.folder / "base.safetensors").unlink()
    assert "which is not there" in at.run("verify", "d.zt").stdout


def test_wrong_calls_are_told(at):
    at.fails("delta", "a.zt", "-o", "d.zt", code=2)
    at.fails("delta", "a.zt", "b.zt", code=2)
    at.fails("delta", "a.zt", "b.zt", "-o", "d.zt", "--to", "1.0", code=2)


def test_a_file_becomes_what_the_changes_stand_for(at):
    write_pair(at)
    at.ok("convert", "base.safetensors", "-o", "base.zt")
    at.ok("delta", "base.zt", "new.safetensors", "-o", "d.zt")
    want = at.ok("id", "new.safetensors").split()[0]
    report = json.loads(at.ok("apply", "base.zt", "d.zt", "-o", "out.safetensors", "--json"))
    assert report["tensors"] == 2
    assert at.ok("id", "out.safetensors").split()[0] == want
    assert "File exists" in at.fails("apply", "base.zt", "d.zt", "-o", "out.safetensors")
    report = json.loads(at.ok("apply", "base.zt", "d.zt", "--json", "--verify"))
    assert report["deltas"] == 1 and report["whole"] == 0
    assert at.ok("id", "base.zt").split()[0] == want
    assert "made over another file, or another version" in at.fails("apply", "base.zt", "d.zt")
    at.fails("apply", "base.zt", code=2)


def test_changes_fold(at):
    write_pair(at)
    at.ok("delta", "base.safetensors", "new.safetensors", "-o", "d1.zt")
    at.ok("delta", "d1.zt", "new.safetensors", "-o", "d2.zt")
    report = json.loads(at.ok("fold", "d1.zt", "d2.zt", "-o", "both.zt", "--json"))
    assert report["deltas"] == 2 and report["same"] == 1
    (at.folder / "d1.zt").unlink()
    assert at.ok("id", "both.zt").split()[0] == at.ok("id", "new.safetensors").split()[0]
    at.fails("fold", "-o", "x.zt", code=2)
    at.fails("fold", "d2.zt", code=2)
    assert "no tensor is a delta" in at.fails("fold", "new.safetensors", "-o", "x.zt")
