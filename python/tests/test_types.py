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


def test_the_stubs_are_what_the_module_has(tmp_path):
    allowed = ["--allowlist", str(HERE / "stubtest_allow.txt"), "--ignore-unused-allowlist"]
    done = run("mypy.stubtest", "ztensor._ztensor", *allowed, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
