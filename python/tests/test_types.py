"""The annotations agree with the code."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy", reason="mypy is not installed")
HERE = Path(__file__).parent


def run(*arguments, cwd):
    return subprocess.run([sys.executable, "-m", *arguments], cwd=cwd, capture_output=True, text=True)


def test_the_package_is_strictly_typed(tmp_path):
    if not (HERE.parents[1] / "pyproject.toml").exists():
        pytest.skip("the settings of mypy are in pyproject.toml, which is not here")
    done = run("mypy", "--cache-dir", str(tmp_path), cwd=HERE.parents[1])
    assert done.returncode == 0, done.stdout + done.stderr


def test_reads_are_typed_by_what_they_are_read_to(tmp_path):
    code = tmp_path / "reads.py"
    code.write_text(
        """
import ztensor

reader = ztensor.open("a.zt")
reveal_type(reader.read_tensor("x"))
reveal_type(reader.read_tensor("x", to="numpy", copy=True))
reveal_type(reader.read_tensors(["x"]))
reveal_type(reader["x"].numpy())
reveal_type(reader.read_tensor("x", to=input()))
ztensor.merge(["a", "b"], "c", lossy=True)
ztensor.merge(["a", "b"], "c", lossless=True)
reader.read_tensor("x", to=1)
"""
    )
    done = run("mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(code), cwd=tmp_path)
    array = '"numpy.ndarray[Any, Any]"'
    told = [line.rpartition("is ")[2] for line in done.stdout.splitlines() if "Revealed type" in line]
    told = [words.replace("builtins.", "") for words in told]  # as some releases of mypy write them
    assert told == [array, array, '"dict[str, numpy.ndarray[Any, Any]]"', array, '"Any"'], done.stdout
    wrong = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(wrong) == 2, done.stdout
    assert 'Unexpected keyword argument "lossless"' in wrong[0]
    assert "No overload variant" in wrong[1]


def test_the_stubs_are_what_the_module_has(tmp_path):
    allowed = ["--allowlist", str(HERE / "stubtest_allow.txt"), "--ignore-unused-allowlist"]
    done = run("mypy.stubtest", "ztensor._ztensor", *allowed, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
