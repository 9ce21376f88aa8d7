"""ztensor verify."""


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_a_sound_file_gets_one_line(model):
    model.ok("convert", "model.safetensors", "model.zt")
    assert model.ok("verify", "model.zt", "model.safetensors") == (
        "model.zt: 4 tensors ok, 0 without digest\nmodel.safetensors: 4 tensors ok, 4 without digest\n"
    )
    assert model.ok("verify", "-q", "model.zt", "--threads", "2") == ""


def test_each_fault_gets_a_line_and_exit_1(model):
    model.ok("convert", "model.safetensors", "model.zt")
    parts = {t["name"]: t["parts"][0] for t in model.info("model.zt")["tensors"]}
    flip(model / "model.zt", parts["weight"]["offset"])
    flip(model / "model.zt", parts["steps"]["offset"] + 7)
    done = model.run("verify", "model.zt")
    assert (done.returncode, done.stderr) == (1, "ztensor: error: model.zt: 2 faults found\n")
    first, second, summary = done.stdout.splitlines()
    assert first.startswith("model.zt: tensor 'weight': part 'data': ")
    assert second.startswith("model.zt: tensor 'steps': part 'data': ")
    assert summary == "model.zt: 2 tensors ok, 0 without digest, 2 bad"
    assert model.run("verify", "-q", "model.zt").stdout == f"{first}\n{second}\n"


def test_an_unreadable_tensor_is_a_fault(model):
    model.ok("convert", "model.safetensors", "model.zt")
    data = (model / "model.zt").read_bytes()
    at = data.rindex(b"bf16")
    (model / "odd.zt").write_bytes(data[:at] + b"bq16" + data[at + 4 :])
    done = model.run("verify", "odd.zt")
    assert (done.returncode, done.stderr) == (1, "ztensor: error: odd.zt: 1 fault found\n")
    assert done.stdout == (
        "odd.zt: tensor 'größe.重み': part 'data': unknown dtype 'bq16'\n"
        "odd.zt: 3 tensors ok, 0 without digest, 1 unreadable\n"
    )


def test_a_file_that_does_not_open_hides_none_after_it(model):
    model.ok("convert", "model.safetensors", "model.zt")
    done = model.run("verify", "missing.zt", "model.zt")
    assert (done.returncode, done.stderr) == (1, "ztensor: error: 1 of 2 files: 1 fault found\n")
    assert done.stdout == (
        "missing.zt: cannot open: No such file or directory\nmodel.zt: 4 tensors ok, 0 without digest\n"
    )
    assert model.fails("verify", "missing.zt") == "missing.zt: cannot open: No such file or directory"


def test_faults_of_all_files_are_counted_in_one_last_line(model):
    for name in ("a.zt", "b.zt"):
        model.ok("convert", "model.safetensors", name)
        parts = {t["name"]: t["parts"][0] for t in model.info(name)["tensors"]}
        flip(model / name, parts["weight"]["offset"])
    flip(model / "b.zt", parts["steps"]["offset"])
    done = model.run("verify", "-q", "a.zt", "model.safetensors", "b.zt")
    assert (done.returncode, done.stderr) == (1, "ztensor: error: 2 of 3 files: 3 faults found\n")
    assert done.stdout.count("\n") == 3
