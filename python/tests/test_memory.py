"""Conversions stream: their memory does not grow with the model. Mapped files do not count: they can be dropped."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import ztensor

MIB = 1 << 20
COUNT, EACH = 16, 6 * MIB  # 96 MiB
ROOM = 40 * MIB  # for the largest tensor, pieces on their way, and the stacks of threads

# RLIMIT_DATA bounds the memory of a process that no file backs. What a child has after importing does not count.
CHILD = """
import resource, sys
import ztensor
source, target, options, room = sys.argv[1], sys.argv[2], eval(sys.argv[3]), int(sys.argv[4])
data = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (data * 1024 + room,) * 2)
ztensor.convert(source, target, threads=2, **options)
"""


def convert(source, target, room=ROOM, **options):
    return subprocess.run(
        [sys.executable, "-c", CHILD, source, target, repr(options), str(room)], capture_output=True, text=True
    )


def arrays():
    rng = np.random.default_rng(1)
    piece = rng.integers(0, 200, MIB // 4, dtype="u1")
    return {f"t{i}": np.resize(np.roll(piece, i), EACH).view("f4").reshape(1024, -1) for i in range(COUNT)}


def save_torch(path, tensors, **options):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch.save({name: torch.from_numpy(array) for name, array in tensors.items()}, path, **options)


def save_transposed(path, tensors):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch.save({name: torch.from_numpy(array).T for name, array in tensors.items()}, path)


def save_onnx(path, tensors):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    from onnx import helper, numpy_helper

    initializers = [numpy_helper.from_array(array, name) for name, array in tensors.items()]
    onnx.save(helper.make_model(helper.make_graph([], "g", [], [], initializers)), path)


def save_with_us(path, tensors):
    with ztensor.Writer(path) as writer:
        for name, array in tensors.items():
            writer.add_tensor(name, array)


def save_pickle(path, tensors):
    with open(path, "wb") as file:
        pickle.dump(tensors, file, protocol=4)


SAVE = {
    "safetensors": save_with_us,
    "gguf": save_with_us,
    "npz": lambda path, tensors: np.savez(path, **tensors),
    "deflated.npz": lambda path, tensors: np.savez_compressed(path, **tensors),
    "pt": save_torch,
    "transposed.pt": save_transposed,
    "legacy.pt": lambda path, tensors: save_torch(path, tensors, _use_new_zipfile_serialization=False),
    "pkl": save_pickle,
    "onnx": save_onnx,
}


@pytest.fixture(scope="module")
def tensors():
    return arrays()


@pytest.mark.parametrize("kind", SAVE)
def test_a_conversion_takes_little_memory(tmp_path, tensors, kind):
    source = tmp_path / f"m.{kind}"
    SAVE[kind](source, tensors)
    for options in ({}, {"compress": True}):
        done = convert(source, tmp_path / "m.zt", force=True, **options)
        assert done.returncode == 0, done.stderr[-500:]
        with ztensor.open(tmp_path / "m.zt") as reader:
            assert len(reader) == COUNT
            wanted = tensors["t7"].T if kind == "transposed.pt" else tensors["t7"]
            assert reader.read_tensor("t7").tobytes() == wanted.tobytes()  # some are not numbers


@pytest.mark.parametrize("kind", ["npz", "gguf", "safetensors", "zt"])
def test_a_conversion_to_other_formats_takes_little_memory(tmp_path, tensors, kind):
    save_with_us(tmp_path / "m.zt", tensors)
    done = convert(tmp_path / "m.zt", tmp_path / f"n.{kind}")
    assert done.returncode == 0, done.stderr[-500:]
    assert len(ztensor.open(tmp_path / f"n.{kind}")) == COUNT


def test_the_limit_of_these_tests_is_one(tmp_path, tensors):
    np.savez_compressed(tmp_path / "m.npz", **tensors)
    done = convert(tmp_path / "m.npz", tmp_path / "m.zt", room=MIB)
    assert done.returncode != 0
    assert "memory" in done.stderr.lower()
