"""ztensor delta."""

import json

from conftest import write_safetensors


def test_what_changed_reads_as_the_new_file(at):
    write_safetensors(at.folder / "base.safetensors", {"w": ("F32", [4], bytes(16)), "v": ("U8", [3], b"abc")})
    write_safetensors(
        at.folder / "new.safetensors", {"w": ("F32", [4], bytes(12) + b"\0\0\x80\x3f"), "v": ("U8", [3], b"abc")}
    )
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
