#!/usr/bin/env python3
"""Measures files of what changed: their size beside other ways to store a difference, and rates of writing and reading.

Run it with `./dev bench delta`. The pairs follow from seeds, so each machine measures the same bytes: weights, and the
same weights after steps of several sizes. Sizes are stored bytes by bytes of the new tensor. The others are XOR and
zstd, and the changed elements as gaps and values and zstd, both at level 1 and by pieces of 1 MiB. A rate is in GB of
the new tensor a second, the best of a few rounds: of `ztensor.delta` from file to file, with the id of the base, and of
reading the tensor with its base in the page cache; for the others, of their NumPy and zstd calls in memory.

Then `ztensor.apply` to a file of 1 GiB, of which 2.3 % changed, synced, beside copying the file; and a run of 20 steps
of the same model, saved by `ztensor.torch.save_checkpoint` where torch is installed.
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

import ztensor

PIECE = 1 << 20
Array = npt.NDArray[Any]
STEPS = {  # name -> learning rate, deviation, seed
    "rl1": (1e-6, 0.25, 11),
    "rl3": (3e-6, 0.25, 12),
    "sft100": (2e-5, 12, 15),
    "step": (2e-5, 0.25, 16),
}


def words(seed: int, n: int) -> Array:
    """The finalizer of splitmix64."""
    z = (np.arange(n, dtype=np.uint64) + np.uint64(seed << 40)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def gauss(seed: int, n: int) -> Array:
    """Nearly normal numbers, the same anywhere: sums of eight numbers of 16 bits."""
    total = sum(words(2 * seed + k, n).view(np.uint16).reshape(n, 4).sum(1, dtype=np.int64) for k in (0, 1))
    return (np.asarray(total) - 262140).astype(np.float32) * np.float32(1 / 53510)


def weights() -> Array:
    scales = (0.012, 0.02, 0.035, 0.06)
    sizes = [(4096 if j % 3 == 0 else 1024) * 1024 for j in range(9)]
    return np.concatenate([gauss(100 + j, n) * np.float32(scales[j % 4]) for j, n in enumerate(sizes)])


def pairs() -> dict[str, tuple[Array, Array]]:
    base = weights()
    made = {}
    for name, (rate, deviation, seed) in STEPS.items():
        new = base + np.float32(rate) * (np.float32(deviation) * gauss(seed, base.size))
        made[name] = (base, new) if name == "step" else tuple(a.astype(ml_dtypes.bfloat16) for a in (base, new))
    rows = np.repeat(words(77, base.size // 1024) % np.uint64(50) == 0, 1024)
    new = np.where(rows, base + np.float32(2e-5) * gauss(17, base.size), base)
    made["rows"] = (base.astype(ml_dtypes.bfloat16), new.astype(ml_dtypes.bfloat16))
    return made


def zstd(data: bytes) -> int:
    """Bytes at level 1."""
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    library.ZSTD_compress.restype = ctypes.c_size_t
    library.ZSTD_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    room = ctypes.create_string_buffer(len(data) + len(data) // 128 + 1024)
    return int(library.ZSTD_compress(room, len(room), data, len(data), 1))


def pieces(base: Array, new: Array) -> list[tuple[Array, Array]]:
    kind = {2: np.uint16, 4: np.uint32}[new.dtype.itemsize]
    step = PIECE // new.dtype.itemsize
    a, b = base.view(kind), new.view(kind)
    return [(a[at : at + step], b[at : at + step]) for at in range(0, a.size, step)]


def xor(base: Array, new: Array) -> int:
    return sum(zstd((a ^ b).tobytes()) for a, b in pieces(base, new))


def index_value(base: Array, new: Array) -> int:
    size = 0
    for a, b in pieces(base, new):
        places = np.flatnonzero(a != b)
        gaps = np.diff(places, prepend=-1) - 1
        low, high = gaps & 127, gaps >> 7  # LEB128; a gap here is below 2^14, or takes a third byte
        coded = np.stack([low | np.where(high > 0, 128, 0), high & 127 | np.where(high > 127, 128, 0), high >> 7], 1)
        kept = np.stack([np.ones_like(gaps, bool), high > 0, high > 127], 1)
        size += zstd(coded.astype(np.uint8)[kept].tobytes() + b[places].tobytes())
    return size


def timed(call: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    best, result = float("inf"), None
    for _ in range(rounds):
        start = time.perf_counter()
        result = call()
        best = min(best, time.perf_counter() - start)
    return best, result


def measure(name: str, base: Array, new: Array, folder: Path, rounds: int, threads: int) -> None:
    for file, array in (("base.zt", base), ("new.zt", new)):
        with ztensor.Writer(folder / file) as writer:
            writer.add_tensor("w", array)

    def row(way: str, size: float, write: float, read: float | None = None) -> None:
        rate = "" if read is None else f"{new.nbytes / read / 1e9:8.2f}"
        print(f"{name:8} {way:14} {size / new.nbytes:8.4f} {new.nbytes / write / 1e9:8.2f} {rate}")

    for way, patch in (("delta", False), ("patch", True)):
        out = folder / f"{way}.zt"

        def write(out: Path = out, patch: bool = patch) -> Any:
            return ztensor.delta(folder / "base.zt", folder / "new.zt", out, patch=patch, threads=threads)

        def read(out: Path = out) -> Any:
            with ztensor.open(out, threads=threads) as reader:
                return reader.read_tensor("w")

        seconds, report = timed(write, rounds)
        read_seconds, array = timed(read, rounds)
        assert array.tobytes() == new.tobytes()
        row(way, report.bytes_out, seconds, read_seconds)
    for way, pack in (("XOR + zstd", xor), ("gaps + values", index_value)):
        seconds, size = timed(lambda pack=pack: pack(base, new), 1)
        row(way, size, seconds)


def apply(base: Array, new: Array, folder: Path, rounds: int, threads: int) -> None:
    """One tensor many times, as a model of 1 GiB."""
    names = [f"w{i}" for i in range(2**30 // base.nbytes)]
    for file, array in (("model.zt", base), ("next.zt", new)):
        with ztensor.Writer(folder / file) as writer:
            for name in names:
                writer.add_tensor(name, array)
    delta = ztensor.delta(folder / "model.zt", folder / "next.zt", folder / "change.zt", threads=threads)
    (folder / "next.zt").unlink()
    best = copy = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        shutil.copyfile(folder / "model.zt", folder / "copy.zt")
        with open(folder / "copy.zt", "rb+") as file:
            os.fsync(file.fileno())
        copy = min(copy, time.perf_counter() - start)
        start = time.perf_counter()
        ztensor.apply(folder / "copy.zt", folder / "change.zt", durable=True, threads=threads)
        best = min(best, time.perf_counter() - start)
    with ztensor.open(folder / "copy.zt") as reader:
        assert reader.read_tensor(names[-1]).tobytes() == new.tobytes()
    size, changed = len(names) * base.nbytes / 1e9, delta.bytes_out / 1e6
    print(f"apply to {len(names)} tensors, {size:.2f} GB, changes of {changed:.1f} MB:")
    print(f"  {best * 1e3:.1f} ms, synced; copying the file {copy * 1e3:.0f} ms")
    for file in folder.iterdir():
        file.unlink()


def run(folder: Path, steps: int, rounds: int) -> None:
    """A checkpoint after each step of a run, each time from the weights before it, as bfloat16."""
    try:
        import torch

        import ztensor.torch
    except ImportError:
        print("the run is left out: torch is not installed")
        return
    for chain in (1, 4):
        master = weights()
        previous, sizes, seconds = None, [], []
        for step in range(steps):
            path = folder / f"step{step}.zt"
            now = master.astype(ml_dtypes.bfloat16)
            state = {"w": torch.from_numpy(now.view(np.int16)).view(torch.bfloat16)}
            start = time.perf_counter()
            sizes.append(ztensor.torch.save_checkpoint(state, path, previous, chain=chain).bytes)
            seconds.append(time.perf_counter() - start)
            previous = path
            master += np.float32(1e-6) * gauss(200 + step, master.size)
        reads = []
        for step in range(steps):
            reads.append(timed(lambda step=step: ztensor.torch.load_file(folder / f"step{step}.zt"), rounds)[0])
        print(f"{steps} checkpoints of {master.size / 1e6:.1f} M, chain {chain}: {sum(sizes) / 1e6:.1f} MB, ", end="")
        print(f"whole files {steps * sizes[0] / 1e6:.1f} MB; ", end="")
        print(f"saved in {np.mean(seconds[1:]) * 1e3:.0f} ms each, ", end="")
        print(f"read in {np.mean(reads) * 1e3:.0f} ms, at most {max(reads) * 1e3:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", help="the name of a pair, or apply, or run")
    options = parser.parse_args()
    print(f"{'pair':8} {'way':14} {'size':>8} {'write':>8} {'read':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (base, new) in pairs().items():
            if options.only in (None, name):
                measure(name, base, new, Path(folder), options.rounds, options.threads)
            if name == "rl3" and options.only in (None, "apply"):
                apply(base, new, Path(folder), options.rounds, options.threads)
        if options.only in (None, "run"):
            run(Path(folder), 20, options.rounds)


if __name__ == "__main__":
    main()
