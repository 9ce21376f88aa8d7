#!/usr/bin/env python3
"""Pairs ztensor with safetensors in one run, on the same tensors, and prints both times and their ratio.

Run through `./dev bench`. Every row alternates between the two, with files in the page cache, and takes the fastest
of several rounds: what the code costs when nothing else is in its way. Ratios over 1 mean that ztensor is faster.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

import ztensor

Arrays = dict[str, np.ndarray[Any, Any]]


def make_model(megabytes: int) -> Arrays:
    rng = np.random.default_rng(1)
    count = max(1, megabytes // 8)
    return {f"layers.{i}.weight": rng.standard_normal((1024, 2048), np.float32) for i in range(count)}


def make_many(count: int) -> Arrays:
    return {f"model.layers.{i // 100}.block.{i % 100}.weight": np.full(4, i, np.float32) for i in range(count)}


def save_zt(arrays: Arrays, path: Path, checksum: str) -> None:
    with ztensor.Writer(path, checksum=checksum) as writer:
        for name, array in arrays.items():
            writer.add_tensor(name, array)


def read_zt(path: Path, **options: Any) -> Arrays:
    with ztensor.Reader(path) as reader:
        return reader.read_tensors(**options)


def open_zt(path: Path) -> int:
    with ztensor.Reader(path) as reader:
        return len(reader.tensor_names)


def open_safetensors(path: Path) -> int:
    with safetensors.safe_open(path, "numpy") as file:
        return len(file.keys())


def get_safetensors(path: Path) -> Arrays:
    with safetensors.safe_open(path, "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


class Table:
    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.behind: list[str] = []
        print(f"{'':44}{'safetensors':>12}{'ztensor':>12}{'ratio':>8}")

    def row(self, what: str, peer: Callable[[], Any], ours: Callable[[], Any]) -> None:
        best = [float("inf"), float("inf")]
        for _ in range(self.rounds):
            for side, work in enumerate((peer, ours)):
                start = time.perf_counter()
                result = work()
                best[side] = min(best[side], time.perf_counter() - start)
                del result
        ratio = best[0] / best[1]
        if ratio < 1:
            self.behind.append(what)
        print(f"{what:44}{best[0] * 1e3:9.2f} ms{best[1] * 1e3:9.2f} ms{ratio:7.2f}x", flush=True)


def run(folder: Path, megabytes: int, count: int, rounds: int) -> list[str]:
    model, many = make_model(megabytes), make_many(count)
    peer, ours, many_peer, many_ours = (folder / n for n in ("m.safetensors", "m.zt", "n.safetensors", "n.zt"))
    safetensors.numpy.save_file(model, peer)
    save_zt(model, ours, "crc32c")
    safetensors.numpy.save_file(many, many_peer)
    save_zt(many, many_ours, "crc32c")

    table = Table(rounds)
    table.row(f"open {count} tensors", lambda: open_safetensors(many_peer), lambda: open_zt(many_ours))
    table.row("open the same safetensors file", lambda: open_safetensors(many_peer), lambda: open_zt(many_peer))
    table.row(f"load {count} tensors", lambda: safetensors.numpy.load_file(many_peer), lambda: read_zt(many_ours))
    size = f"{sum(array.nbytes for array in model.values()) / 1e6:.0f} MB"
    table.row(f"load {size}, zero-copy", lambda: get_safetensors(peer), lambda: read_zt(ours))
    table.row("  the same safetensors file, zero-copy", lambda: get_safetensors(peer), lambda: read_zt(peer))
    load = safetensors.numpy.load_file
    table.row(f"load {size}, copied, CRC checked", lambda: load(peer), lambda: read_zt(ours, copy=True))
    table.row("  CRC not checked", lambda: load(peer), lambda: read_zt(ours, copy=True, verify=False))
    torch_rows(table, peer, ours, size)
    out_peer, out_ours = folder / "out.safetensors", folder / "out.zt"
    save = safetensors.numpy.save_file
    table.row(f"save {size}, CRC on", lambda: save(model, out_peer), lambda: save_zt(model, out_ours, "crc32c"))
    fresh_peer, fresh_ours = folder / "new.safetensors", folder / "new.zt"

    def to_new(path: Path, work: Callable[[], None]) -> None:
        path.unlink(missing_ok=True)
        work()

    table.row(
        "  to a new file, CRC on",
        lambda: to_new(fresh_peer, lambda: save(model, fresh_peer)),
        lambda: to_new(fresh_ours, lambda: save_zt(model, fresh_ours, "crc32c")),
    )
    table.row(
        "  to a new file, CRC off",
        lambda: to_new(fresh_peer, lambda: save(model, fresh_peer)),
        lambda: to_new(fresh_ours, lambda: save_zt(model, fresh_ours, "none")),
    )
    return table.behind


def torch_rows(table: Table, peer: Path, ours: Path, size: str) -> None:
    try:
        import safetensors.torch
        import torch
    except ImportError as error:
        print(f"load {size} as torch: skipped, {error}")
        return
    del torch
    load = safetensors.torch.load_file
    table.row(f"load {size} as torch, zero-copy", lambda: load(peer), lambda: read_zt(ours, to="torch"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=512, help="size of the large model")
    parser.add_argument("--tensors", type=int, default=100_000, help="tensors of the file of many")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to put the files: a disk of your choice")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores; safetensors {safetensors.__version__}, ztensor {ztensor.__version__}\n")
    with tempfile.TemporaryDirectory(prefix="ztensor-bench-", dir=options.folder) as folder:
        behind = run(Path(folder), options.megabytes, options.tensors, options.rounds)
    print()
    print("Behind on: " + "; ".join(behind) if behind else "Ahead on every row.")


if __name__ == "__main__":
    main()
