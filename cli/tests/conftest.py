"""Makes inputs with the standard library only, and runs the command."""

import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest


def find_ztensor():
    return os.environ.get("ZTENSOR_CLI") or shutil.which("ztensor")


def write_safetensors(path, tensors, metadata=None):
    """`tensors` maps a name to (dtype of the format, shape, bytes)."""
    header, offset = {}, 0
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t[2] for t in tensors.values()))


class Workplace:
    """A new folder, in which the command runs."""

    def __init__(self, folder, binary):
        self.folder = folder
        self.binary = binary

    def __truediv__(self, name):
        return self.folder / name

    def files(self):
        return sorted(p.name for p in self.folder.iterdir())

    def start(self, *arguments, **options):
        return subprocess.Popen([self.binary, *arguments], cwd=self.folder, **options)

    def run(self, *arguments, **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.run(
            [self.binary, *arguments], cwd=self.folder, text=True, encoding="utf-8", timeout=120, **options
        )

    def ok(self, *arguments):
        """Standard output of a run that succeeds without notes."""
        done = self.run(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def fails(self, *arguments, code=1):
        """The error of a run that fails with one line and prints nothing else."""
        done = self.run(*arguments)
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.startswith("ztensor: error: ") and done.stderr.count("\n") == 1, done.stderr
        return done.stderr.removeprefix("ztensor: error: ").rstrip("\n")

    def info(self, name):
        return json.loads(self.ok("info", "--json", name))

    def tensors(self, name):
        """The tensors of a file whose parts are all raw: name -> (dtype, shape, bytes)."""
        data = (self / name).read_bytes()
        contents = {}
        for tensor in self.info(name)["tensors"]:
            (part,) = tensor["parts"]
            assert part["encoding"] == "raw"
            content = data[part["offset"] : part["offset"] + part["stored"]]
            contents[tensor["name"]] = (tensor["dtype"], tensor["shape"], content)
        return contents


@pytest.fixture
def at(tmp_path):
    binary = find_ztensor()
    if binary is None:
        pytest.skip("no ztensor on the PATH and no ZTENSOR_CLI")
    return Workplace(tmp_path, os.path.abspath(binary))


PLAIN = b"\1\2\3\4" * 4096


@pytest.fixture
def model(at):
    """model.safetensors, with a non-ASCII name, a name with a line feed, a scalar and an empty tensor."""
    write_safetensors(
        at / "model.safetensors",
        {
            "weight": ("F32", [64, 64], PLAIN),
            "größe.重み": ("BF16", [3], b"abcdef"),
            "steps": ("I64", [], b"12345678"),
            "e\n": ("U8", [0, 4], b""),
        },
        {"format": "pt", "note": "two\nlines"},
    )
    return at


CONTENTS = {
    "weight": ("float32", [64, 64], PLAIN),
    "größe.重み": ("bfloat16", [3], b"abcdef"),
    "steps": ("int64", [], b"12345678"),
    "e\n": ("uint8", [0, 4], b""),
}


@pytest.fixture
def contents():
    return dict(CONTENTS)
