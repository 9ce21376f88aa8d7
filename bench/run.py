#!/usr/bin/env python3
"""Compares ztensor with safetensors in one run, on the same tensors, and prints both times and their ratio.

Run it with `./dev bench`. Each row alternates between the two libraries, with files in the page cache, and takes the
fastest of several rounds, which other processes disturb least. It also prints the ratio of the medians, and the ratio
of the least processor times, which a busy machine disturbs less. Ratios over 1 mean that ztensor is faster.

Both libraries save to a new file, and sync nothing. If the file existed, ztensor would sync before it replaces the file
and safetensors would not: the row would compare a disk with a page cache.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import home
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


def save_zt(arrays: dict[str, Any], path: Path, checksum: str) -> None:
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
    def __init__(self, rounds: int, peer: str = "safetensors") -> None:
        self.rounds = rounds
        self.behind: list[str] = []
        print(f"{'':48}{peer:>12}{'ztensor':>12}{'ratio':>8}{'medians':>9}{'processor':>11}")

    def row(self, what: str, peer: Callable[[], Any], ours: Callable[[], Any], fresh: Path | None = None) -> None:
        """`fresh` is the file that both write. It is removed before each run, and the removal is not timed."""
        times: tuple[list[float], list[float]] = ([], [])
        processor = [float("inf"), float("inf")]
        for turn in range(self.rounds):
            for side, work in ((0, peer), (1, ours)) if turn % 2 == 0 else ((1, ours), (0, peer)):
                if fresh is not None:
                    fresh.unlink(missing_ok=True)
                used, start = time.process_time(), time.perf_counter()
                result = work()
                times[side].append(time.perf_counter() - start)
                processor[side] = min(processor[side], time.process_time() - used)
                del result
        best = [min(side) for side in times]
        ratio = best[0] / best[1]
        medians = statistics.median(times[0]) / statistics.median(times[1])
        if ratio < 1:
            self.behind.append(what)
        columns = f"{best[0] * 1e3:9.2f} ms{best[1] * 1e3:9.2f} ms{ratio:7.2f}x{medians:8.2f}x"
        print(f"{what:48}{columns}{processor[0] / processor[1]:10.2f}x", flush=True)


def load_rows(table: Table, folder: Path, model: Arrays, count: int, size: str) -> None:
    many = make_many(count)
    peer, ours, many_peer, many_ours = (folder / n for n in ("m.safetensors", "m.zt", "n.safetensors", "n.zt"))
    safetensors.numpy.save_file(model, peer)
    save_zt(model, ours, "crc32c")
    safetensors.numpy.save_file(many, many_peer)
    save_zt(many, many_ours, "crc32c")

    table.row(f"open {count} tensors", lambda: open_safetensors(many_peer), lambda: open_zt(many_ours))
    table.row("open the same safetensors file", lambda: open_safetensors(many_peer), lambda: open_zt(many_peer))
    table.row(f"load {count} tensors", lambda: safetensors.numpy.load_file(many_peer), lambda: read_zt(many_ours))
    table.row(f"load {size}, zero-copy", lambda: get_safetensors(peer), lambda: read_zt(ours))
    table.row("  the same safetensors file, zero-copy", lambda: get_safetensors(peer), lambda: read_zt(peer))
    load = safetensors.numpy.load_file
    table.row(f"load {size}, copied, CRC checked", lambda: load(peer), lambda: read_zt(ours, copy=True))
    table.row("  CRC not checked", lambda: load(peer), lambda: read_zt(ours, copy=True, verify=False))
    torch_rows(table, peer, ours, size)


def single_rows(table: Table, folder: Path) -> None:
    """Times a call: reads small tensors, again and again, from a file that stays open."""
    peer, ours = folder / "s.safetensors", folder / "s.zt"
    tensors = {f"layers.{i}.bias": np.full(256, i, np.float32) for i in range(100)}
    safetensors.numpy.save_file(tensors, peer)
    save_zt(tensors, ours, "crc32c")
    names = list(tensors) * 10
    kinds = ["numpy"]
    try:
        import torch  # noqa: F401 - checks that torch is installed

        kinds.append("torch")
    except ImportError as error:
        print(f"read a tensor as torch: skipped, {error}")
    for kind in kinds:
        framework = {"numpy": "numpy", "torch": "pt"}[kind]
        with safetensors.safe_open(peer, framework) as theirs, ztensor.Reader(ours) as reader:
            table.row(
                f"read a tensor of 1 KiB as {kind}, {len(names)} times",
                lambda: [theirs.get_tensor(name) for name in names],
                lambda: [reader.read_tensor(name, kind) for name in names],  # noqa: B023
            )


def slice_rows(table: Table, folder: Path) -> None:
    """Rows of a matrix that we have compressed and safetensors, which compresses nothing, has raw."""
    peer, ours = folder / "rows.safetensors", folder / "rows.zt"
    matrix = np.random.default_rng(1).integers(0, 100, (8192, 4096)).astype(np.float32)
    safetensors.numpy.save_file({"m": matrix}, peer)
    with ztensor.Writer(ours, compress=True) as writer:
        writer.add_tensor("m", matrix)
    size = f"{matrix.nbytes / 1e6:.0f} MB"

    with safetensors.safe_open(peer, "numpy") as theirs, ztensor.Reader(ours) as reader:
        for what, rows, step in (
            (f"slices of 8 rows of {size}, zstd, in turn", len(matrix), 8),
            (f"a slice of 6144 rows of {size}, zstd", 6144, 6144),
        ):
            table.row(
                what,
                lambda: [theirs.get_slice("m")[i : i + step] for i in range(0, rows, step)],  # noqa: B023
                lambda: [reader["m"][i : i + step] for i in range(0, rows, step)],  # noqa: B023
            )


def save_rows(table: Table, folder: Path, model: Arrays, size: str) -> None:
    out = folder / "new.zt"  # one name for both
    small = {f"layers.{i}.bias": np.full(1024, i, np.float32) for i in range(10_000)}
    for what, arrays in ((size, model), ("10000 tensors of 4 KiB", small)):
        for checksum in ("crc32c", "none"):
            table.row(
                f"save {what}, CRC {'on' if checksum == 'crc32c' else 'off'}",
                functools.partial(safetensors.numpy.save_file, arrays, out),
                functools.partial(save_zt, arrays, out, checksum),
                fresh=out,
            )


def torch_save_rows(table: Table, folder: Path, model: Arrays, size: str) -> None:
    try:
        import safetensors.torch
        import torch
    except ImportError as error:
        print(f"save {size} of torch: skipped, {error}")
        return
    out = folder / "new.zt"
    # Clones have torch's alignment. From NumPy's memory, 16 bytes off, the system's own copy takes a tenth longer.
    tensors = {name: torch.from_numpy(array).clone() for name, array in model.items()}
    save = safetensors.torch.save_file
    for checksum in ("crc32c", "none"):
        table.row(
            f"save {size} of torch, CRC {'on' if checksum == 'crc32c' else 'off'}",
            lambda: save(tensors, out),
            functools.partial(save_zt, tensors, out, checksum),
            fresh=out,
        )


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
    parser.add_argument("--tensors", type=int, default=100_000, help="number of tensors in the file of many tensors")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only-saving", action="store_true", help="print only the rows of saving")
    parser.add_argument("--only-single", action="store_true", help="print only the rows of single reads")
    parser.add_argument("--only-home", action="store_true", help='print only the section "At home in Python"')
    parser.add_argument("--small", type=int, default=20_000, help="number of small tensors in that section")
    parser.add_argument("--streamed", type=int, default=4096, help="megabytes to stream in that section")
    parser.add_argument("--folder", type=Path, help="the folder for the files, to choose a disk")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores; safetensors {safetensors.__version__}, ztensor {ztensor.__version__}\n")
    with tempfile.TemporaryDirectory(prefix="ztensor-bench-", dir=options.folder) as folder:
        table = Table(options.rounds)
        missed: list[str] = []
        if not options.only_home:
            single_rows(table, Path(folder))
            if options.only_single:
                return
            library_rows(table, Path(folder), options)
        if not options.only_saving:
            home.rows_at_home(table, Path(folder), options.small, 2 * options.megabytes)
            missed = home.memory_rows(Path(folder), 2 * options.megabytes, options.streamed)
    print()
    print("Behind on: " + "; ".join(table.behind) if table.behind else "Ahead on every row.")
    if missed:
        print("More memory than the goal: " + "; ".join(missed))


def library_rows(table: Table, folder: Path, options: argparse.Namespace) -> None:
    slice_rows(table, folder)
    model = make_model(options.megabytes)
    size = f"{sum(array.nbytes for array in model.values()) / 1e6:.0f} MB"
    if not options.only_saving:
        load_rows(table, folder, model, options.tensors, size)
    save_rows(table, folder, model, size)
    torch_save_rows(table, folder, model, size)


if __name__ == "__main__":
    main()
