"""The functions for what the commands do, and `python -m ztensor`."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import same_bits

import ztensor
from ztensor.numpy import load_file, save_file

MODULE = [sys.executable, "-m", "ztensor"]


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.zt"
    save_file({name: np.full(2000, ord(name)) for name in "abc"}, path, {"made": "here"})
    return path


def names(path):
    return sorted(ztensor.open(path).tensor_names)


def test_append_puts_the_tensors_of_other_files_into_a_file(model, tmp_path):
    save_file({"d": np.arange(5)}, tmp_path / "d.safetensors")
    save_file({"e": np.arange(6)}, tmp_path / "e.npz")
    reader = ztensor.open(model)
    report = ztensor.append(model, [tmp_path / "d.safetensors", str(tmp_path / "e.npz")])
    assert (report.tensors, report.replaced, report.skipped) == (2, 0, [])
    assert report.bytes_out == model.stat().st_size
    assert names(model) == list("abcde") and sorted(reader) == list("abc")
    same_bits(load_file(model)["e"], np.arange(6))
    assert ztensor.open(model).attributes["made"] == "here"


def test_append_replaces_only_if_it_is_asked_to(model, tmp_path):
    save_file({"a": np.arange(3)}, tmp_path / "new.zt")
    before = model.read_bytes()
    with pytest.raises(ztensor.UsageError, match="'a'"):
        ztensor.append(model, tmp_path / "new.zt")
    assert model.read_bytes() == before
    report = ztensor.append(model, tmp_path / "new.zt", replace=True)
    assert (report.tensors, report.replaced) == (1, 1) and report.reclaimable > 0
    same_bits(load_file(model)["a"], np.arange(3))


def test_append_makes_a_file_that_is_not_there_and_compresses_if_asked(model, tmp_path):
    made = tmp_path / "made.zt"
    ztensor.append(made, model, compress=True)
    assert names(made) == list("abc")
    assert ztensor.open(made).metadata("a").parts["data"].encoding == "zstd"


def test_append_refuses_wrong_arguments(model, tmp_path):
    with pytest.raises(FileNotFoundError):
        ztensor.append(model, tmp_path / "none.zt")
    with pytest.raises(TypeError):
        ztensor.append(model, 3)
    with pytest.raises(ztensor.UsageError):
        ztensor.append(model, model, compress=99)
    save_file({"z": np.arange(3)}, tmp_path / "z.safetensors")
    with pytest.raises(ztensor.UnsupportedError):
        ztensor.append(tmp_path / "z.safetensors", model)
    assert names(model) == list("abc")


def test_remove_takes_tensors_out_in_place_or_into_a_copy(model, tmp_path):
    array = load_file(model)["a"]
    report = ztensor.remove(model, "a", output=tmp_path / "copy.zt")
    assert (report.tensors, names(tmp_path / "copy.zt"), names(model)) == (1, ["b", "c"], ["a", "b", "c"])
    with pytest.raises(FileExistsError):
        ztensor.remove(model, "a", output=tmp_path / "copy.zt")
    ztensor.remove(model, ["a", "b"], output=tmp_path / "copy.zt", force=True)
    assert names(tmp_path / "copy.zt") == ["c"]
    report = ztensor.remove(model, ["a", "b"])
    assert report.tensors == 2 and report.reclaimable >= 2 * 16000
    assert names(model) == ["c"]
    assert array.sum() == 2000 * ord("a")


def test_remove_refuses_names_that_are_not_there(model):
    before = model.read_bytes()
    for wrong, error in (("z", KeyError), ([], ztensor.UsageError), ([1], TypeError), (["a", "z"], KeyError)):
        with pytest.raises(error):
            ztensor.remove(model, wrong)
    assert model.read_bytes() == before


def test_set_changes_attributes_of_the_file_and_of_a_tensor(model):
    report = ztensor.set(model, {"step": 3, "list": [1, "two"], "made": "there"}, unset=["gone"])
    assert report == ztensor.AttributesSet(set=3, unset=0, absent=1)
    assert ztensor.open(model).attributes == {"step": 3, "list": [1, "two"], "made": "there"}
    assert ztensor.set(model, unset="list").unset == 1
    ztensor.set(model, {"kind": "index"}, tensor="a")
    reader = ztensor.open(model)
    assert reader["a"].attributes == {"kind": "index"} and reader["b"].attributes == {}
    assert "list" not in reader.attributes
    same_bits(load_file(model)["a"], np.full(2000, ord("a")))


def test_set_refuses_what_it_cannot_set(model):
    before = model.read_bytes()
    for call, error in (
        (lambda: ztensor.set(model), ztensor.UsageError),
        (lambda: ztensor.set(model, {}), ztensor.UsageError),
        (lambda: ztensor.set(model, [("a", 1)]), TypeError),
        (lambda: ztensor.set(model, {"a": object()}), TypeError),
        (lambda: ztensor.set(model, {"a": 1}, unset=[2]), TypeError),
        (lambda: ztensor.set(model, {"a": 1}, tensor="none"), KeyError),
    ):
        with pytest.raises(error):
            call()
    assert model.read_bytes() == before


def test_compact_gives_space_back_and_leaves_the_old_arrays(model):
    array = load_file(model)["b"]
    ztensor.remove(model, "a")
    report = ztensor.compact(model)
    assert report.changed and report.tensors == 2
    assert report.size_after == model.stat().st_size < report.size_before
    assert not ztensor.compact(model).changed
    assert names(model) == ["b", "c"] and array.sum() == 2000 * ord("b")


def test_repair_cuts_off_a_torn_end(model, tmp_path):
    whole = model.read_bytes()
    assert ztensor.repair(model).state == "healthy"
    assert model.read_bytes() == whole
    with ztensor.Writer(model, mode="a") as writer:
        writer.add_tensor("d", np.arange(9))
    torn = model.read_bytes()[: len(whole) + 40]
    model.write_bytes(torn)
    report = ztensor.repair(model, dry_run=True)
    assert report.state == "torn" and report.tensors == 3 and report.format == "zt-1.2"
    assert model.read_bytes() == torn
    ztensor.repair(model, output=tmp_path / "mended.zt")
    assert names(tmp_path / "mended.zt") == list("abc") and model.read_bytes() == torn
    with pytest.raises(FileExistsError):
        ztensor.repair(model, output=tmp_path / "mended.zt")
    assert ztensor.repair(model).size_after == model.stat().st_size
    assert names(model) == list("abc")


def test_repair_changes_nothing_if_there_is_no_whole_version(tmp_path):
    path = tmp_path / "broken.zt"
    path.write_bytes(b"ZTEN1000" + bytes(5000))
    with pytest.raises(ztensor.FormatError):
        ztensor.repair(path)
    assert path.read_bytes() == b"ZTEN1000" + bytes(5000)


@pytest.mark.parametrize("to", ["1.0", "1.2", "2"])
def test_migrate_writes_each_generation(model, tmp_path, to):
    report = ztensor.migrate(model, tmp_path / "other.zt", to=to)
    assert report.tensors == 3
    assert ztensor.open(tmp_path / "other.zt").format == f"zt-{to}"
    assert ztensor.content_id(tmp_path / "other.zt") == ztensor.content_id(model)
    with pytest.raises(FileExistsError):
        ztensor.migrate(model, tmp_path / "other.zt", to=to)
    ztensor.migrate(model, tmp_path / "other.zt", to=to, force=True, delete_original=True)
    assert not model.exists()


def test_extract_writes_some_tensors_and_the_attributes(model, tmp_path):
    report = ztensor.extract(model, ["c", "a"], tmp_path / "part.zt")
    assert report.tensors == 2 and names(tmp_path / "part.zt") == ["a", "c"]
    assert ztensor.open(tmp_path / "part.zt").attributes == {"made": "here"}
    ztensor.extract(model, "b", tmp_path / "one.safetensors")
    assert list(load_file(tmp_path / "one.safetensors")) == ["b"]
    for wrong, error in (("z", KeyError), ([], ztensor.UsageError), (["a", "z"], KeyError)):
        with pytest.raises(error):
            ztensor.extract(model, wrong, tmp_path / "none.zt")
    with pytest.raises(FileExistsError):
        ztensor.extract(model, "a", tmp_path / "part.zt")
    ztensor.extract(model, "a", tmp_path / "part.zt", force=True, compress=True)
    assert names(tmp_path / "part.zt") == ["a"]
    assert not (tmp_path / "none.zt").exists()


def test_the_files_of_a_call_may_be_of_any_kind_of_path(model, tmp_path):
    class CustomPath:
        def __init__(self, path):
            self.path = path

        def __fspath__(self):
            return os.fspath(self.path)

    ztensor.extract(CustomPath(model), "a", CustomPath(tmp_path / "a.zt"))
    ztensor.append(CustomPath(tmp_path / "x.zt"), CustomPath(tmp_path / "a.zt"))
    ztensor.set(CustomPath(tmp_path / "x.zt"), {"k": 1})
    assert names(tmp_path / "x.zt") == ["a"]


def run(*words, **options):
    if subprocess.run([*MODULE, "--version"], capture_output=True).returncode:
        pytest.skip("the command is not installed beside this package")
    return subprocess.run([*MODULE, *map(str, words)], capture_output=True, text=True, **options)


def test_python_m_ztensor_is_the_command(model, tmp_path):
    done = run("info", model)
    assert (done.returncode, done.stderr) == (0, "") and "made" in done.stdout
    done = run("extract", "model.zt", "a", "-o", "a.zt", cwd=tmp_path)
    assert done.returncode == 0 and names(tmp_path / "a.zt") == ["a"]
    done = run("info", tmp_path / "none.zt")
    assert done.returncode == 1 and done.stdout == "" and done.stderr.startswith("ztensor: error: ")
    assert run("nonsense").returncode == 2
    assert "usage" in run("--help").stdout.lower()


def test_python_m_ztensor_takes_names_of_any_bytes(model, tmp_path):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 *.zt"))
    model.rename(odd)
    assert run("verify", odd).returncode == 0


def test_without_the_command_the_module_says_so(monkeypatch, tmp_path):
    from ztensor import __main__ as module

    monkeypatch.setattr(module, "command", lambda: None)
    with pytest.raises(SystemExit) as caught:
        module.main()
    assert "the command is not installed" in str(caught.value)
