"""ztensor migrate, and the options of convert and verify for other generations."""

import json


def test_a_file_goes_to_every_generation_and_back(model):
    model.ok("convert", "model.safetensors", "model.zt")
    before = model.ok("id", "model.zt")
    for to in ("1.0", "2", "1.2"):
        name = f"to-{to}.zt"
        model.ok("migrate", "-q", "model.zt", "-o", name, "--to", to)
        assert model.info(name)["format"] == f"zt-{to}"
        assert model.ok("id", name) == before
        model.ok("migrate", "-q", name, f"back-{to}.zt")
        assert model.ok("diff", "model.zt", f"back-{to}.zt") == ""


def test_what_a_generation_cannot_hold_is_named_or_given_up(model):
    model.ok("convert", "model.safetensors", "model.zt")
    model.ok("set", "model.zt", "step=10")
    assert "format 1.0 cannot hold attribute 'step'" in model.fails(
        "migrate", "model.zt", "-o", "old.zt", "--to", "1.0"
    )
    assert "old.zt" not in model.files()
    done = model.run("migrate", "-q", "model.zt", "-o", "old.zt", "--to", "1.0", "--lossy")
    assert (done.returncode, done.stdout) == (0, "")
    assert "lost file: attribute 'step'" in done.stderr
    assert model.info("old.zt")["format"] == "zt-1.0"


def test_verify_knows_the_canonical_form(model):
    model.ok("convert", "model.safetensors", "one.zt", "--to", "2")
    model.ok("convert", "model.safetensors", "two.zt", "--to", "2", "--not-canonical")
    assert model.ok("verify", "--canonical", "one.zt") == "one.zt: 4 tensors ok, 0 without digest, canonical\n"
    done = model.run("verify", "--canonical", "two.zt")
    assert done.returncode == 1
    assert "not at 65536" in done.stdout


def test_shards_lie_beside_the_root_and_are_checked(model):
    model.ok("convert", "model.safetensors", "-o", "root.zt", "--to", "2", "--max-shard-size", "16KB")
    shards = [name for name in model.files() if name.startswith("root-")]
    assert shards
    assert model.ok("verify", "--deep", "root.zt").endswith(
        f", {len(shards)} shard{'s' if len(shards) > 1 else ''} ok\n"
    )
    assert model.ok("diff", "root.zt", "model.safetensors") == ""
    (model / shards[0]).unlink()
    assert model.run("verify", "root.zt").returncode == 1
    assert len(json.loads(model.ok("info", "--json", "root.zt"))["tensors"]) == 4


def test_compressing_gives_a_file_that_is_not_canonical(model):
    model.ok("convert", "-q", "model.safetensors", "small.zt", "--to", "2", "-c")
    assert model.run("verify", "--canonical", "small.zt").returncode == 1
    assert model.ok("diff", "small.zt", "model.safetensors") == ""
    model.ok("migrate", "-q", "small.zt", "kept.zt", "--to", "2", "--not-canonical")
    model.ok("decompress", "-q", "small.zt", "raw.zt")
    assert model.info("raw.zt")["format"] == "zt-2", "these keep the generation"
    model.ok("compress", "-q", "raw.zt", "again.zt")
    assert model.info("again.zt")["format"] == "zt-2"
    model.ok("merge", "-q", "raw.zt", "-o", "merged.zt", "--to", "2")
    assert model.info("merged.zt")["format"] == "zt-2"
