"""Opens files that programs in C have written. The C++ tests build and run the programs."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import ztensor

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/release/tests/capi_c"
OLD_READER = """
import sys, ztensor
print(ztensor.Reader(sys.argv[1]).read_tensors(["weights"])["weights"].tolist())
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    if not PROGRAM.exists():
        pytest.skip(f"there is no {PROGRAM.relative_to(ROOT)}: ./dev test release builds it")
    folder = tmp_path_factory.mktemp("c")
    subprocess.run([PROGRAM, folder], check=True)
    return folder / "model.zt"


def test_python_reads_what_c_has_written(model):
    with ztensor.open(model) as reader:
        np.testing.assert_array_equal(reader.read_tensor("weights"), np.arange(1, 7, dtype=np.float32).reshape(2, 3))
        np.testing.assert_array_equal(reader.read_tensor("turned"), reader.read_tensor("weights").T)
        assert reader.attributes["tags"] == ["a", 1.5] and reader.verify()
        assert reader["streamed"].shape == (4, 3) and not reader.read_tensor("packed").any()


def test_release_1_2_3_reads_what_c_has_written(model):
    python = Path(os.environ.get("ZTENSOR_PEERS", ROOT / ".venvs")) / "zt-1.2.3/bin/python"
    if not python.exists():
        pytest.skip("ztensor 1.2.3 is not installed")
    done = subprocess.run([python, "-c", OLD_READER, model], capture_output=True, text=True)
    assert done.stdout == "[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]\n", done.stderr
