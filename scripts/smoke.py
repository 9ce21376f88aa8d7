"""Tries an installed wheel, with nothing but the packages that it asks for: what each carried library is for works, and
the command runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import ztensor

# The libraries that a wheel carries or has linked in. The system's own must not be loaded.
OURS = re.compile(r"lib(zstd|utf8proc|isal|simdjson|fmt|ztensor)\b")


def run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def try_formats(folder: Path) -> None:
    """Writes each format that we write, compressed and with each checksum where it has them, and reads it again."""
    arrays = {"dense": np.arange(100_000, dtype=np.float32).reshape(100, 1000), "ä": np.ones(5, np.int16)}
    for checksum, generation in (("crc32c", "1.2"), ("xxh3", "2"), ("sha256", "1.2")):
        path = folder / f"{checksum}.zt"
        with ztensor.Writer(path, format=generation, checksum=checksum, compress=True) as writer:
            for name, array in arrays.items():
                writer.add_tensor(name, array)
        assert path.stat().st_size < arrays["dense"].nbytes, "nothing was compressed"
        run("ztensor", "verify", str(path))
    for ending in ("safetensors", "npz", "gguf"):
        ztensor.convert(folder / "crc32c.zt", folder / f"model.{ending}")
    np.savez_compressed(folder / "deflated.npz", **arrays)
    for path in sorted(folder.iterdir()):
        with ztensor.Reader(path) as reader:
            for name, array in arrays.items():
                assert np.array_equal(reader.read_tensor(name, to="numpy"), array), (path, name)
        print(f"  {path.name}: read")


def try_command(folder: Path) -> None:
    command = shutil.which("ztensor")
    assert command is not None and Path(command).is_relative_to(sys.prefix), command
    assert ztensor.__version__ in run("ztensor", "--version")
    assert "dense" in run("ztensor", "info", str(folder / "sha256.zt"))
    run("ztensor", "convert", str(folder / "model.safetensors"), str(folder / "back.zt"))
    print("  the command: runs")


def check_loaded() -> None:
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.split(maxsplit=5)[5:]
        if path and OURS.search(Path(path[0]).name) and not path[0].startswith(sys.prefix):
            raise SystemExit(f"smoke.py: {path[0]} was loaded, which is not of the wheel")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        try_formats(Path(name))
        try_command(Path(name))
    check_loaded()
    print(f"ztensor {ztensor.__version__}, Python {sys.version.split()[0]}, numpy {np.__version__}: ok")


if __name__ == "__main__":
    main()
