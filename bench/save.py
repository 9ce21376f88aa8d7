#!/usr/bin/env python3
"""Compares saving with safetensors and with a bare write of the same bytes, in one run.

Run it with `./dev bench save`. All write the same tensors to the same name. In each round they take turns in another
order, each after what was written before is on the disk. A row shows the fastest round, the median, the least processor
time, and by how much the fastest round beats that of the bare write and of safetensors. Ratios over 1 mean that the row
was faster.

Who syncs what: for a new name neither library syncs. Over a file, zTensor syncs the new file before it takes the name;
safetensors renames its new file without a sync, so a crash may leave neither content. So the section on replacing has
safetensors as it is, and also with the sync that zTensor makes. On a tmpfs a sync does nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors
import safetensors.numpy

import ztensor
import ztensor.numpy

BARE, PEER = "bare write", "safetensors"
Save = Callable[[Path], Any]


class Model(NamedTuple):
    """The tensors of one library, and their bytes."""

    tensors: dict[str, Any]
    bytes: list[memoryview]
    peer: Callable[..., Any]
    ours: Callable[..., Any]


def of_numpy(megabytes: int) -> Model:
    block = np.random.default_rng(1).normal(0, 0.02, 4 << 20).astype(np.float32)  # 16 MiB
    arrays = {f"layers.{i}.weight": np.roll(block, i).reshape(2048, -1) for i in range(max(1, megabytes // 16))}
    views = [memoryview(array).cast("B") for array in arrays.values()]
    return Model(arrays, views, safetensors.numpy.save_file, ztensor.numpy.save_file)


def of_torch(megabytes: int) -> Model:
    import safetensors.torch
    import torch

    import ztensor.torch

    block = torch.randn(8 << 20, generator=torch.Generator().manual_seed(1)) * 0.02
    block = block.to(torch.bfloat16)
    tensors = {f"layers.{i}.weight": block.roll(i).reshape(2048, -1) for i in range(max(1, megabytes // 16))}
    views = [memoryview(tensor.view(torch.uint8).numpy()).cast("B") for tensor in tensors.values()]
    return Model(tensors, views, safetensors.torch.save_file, ztensor.torch.save_file)


def write_bare(views: list[memoryview], path: Path, sync: bool = False) -> None:
    temporary = path.with_suffix(".new")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    for view in views:
        rest = view
        while len(rest):
            rest = rest[os.write(file, rest) :]
    if sync:
        os.fsync(file)
    os.close(file)
    os.rename(temporary, path)


def save_synced(model: Model, path: Path) -> None:
    """What zTensor does when it replaces a file, done with safetensors."""
    temporary = path.with_suffix(".new")
    model.peer(model.tensors, temporary)
    file = os.open(temporary, os.O_RDWR)
    os.fsync(file)
    os.close(file)
    os.rename(temporary, path)


def savers(model: Model) -> dict[str, Save]:
    tensors, ours = model.tensors, model.ours
    return {
        BARE: lambda path: write_bare(model.bytes, path),
        PEER: lambda path: model.peer(tensors, path),
        "zTensor, CRC on": lambda path: ours(tensors, path),
        "zTensor, CRC off": lambda path: ours(tensors, path, checksum="none"),
        "zTensor, planes, CRC on": lambda path: ours(tensors, path, compress="float"),
    }


def replacers(model: Model) -> dict[str, Save]:
    return {
        BARE: lambda path: write_bare(model.bytes, path, sync=True),
        PEER: lambda path: save_synced(model, path),
        "safetensors as it is: no sync": lambda path: model.peer(model.tensors, path),
        "zTensor, CRC on": lambda path: model.ours(model.tensors, path),
    }


def measure(savers: dict[str, Save], path: Path, rounds: int, replace: bool, size: int) -> list[str]:
    """Prints a row for each of the savers. Returns the rows of ours that lost to safetensors."""
    times: dict[str, list[float]] = {name: [] for name in savers}
    processor = dict.fromkeys(savers, float("inf"))
    order = list(savers)
    for turn in range(rounds):
        for name in order if turn % 2 == 0 else reversed(order):
            if not replace:
                path.unlink(missing_ok=True)
            os.sync()  # or the disk would still be busy with the file before
            used, start = time.process_time(), time.perf_counter()
            savers[name](path)
            times[name].append(time.perf_counter() - start)
            processor[name] = min(processor[name], time.process_time() - used)
        order = order[1:] + order[:1]
    path.unlink()
    print(f"  {'':32}{'best':>10}{'GB/s':>7}{'median':>11}{'processor':>11}{'bare write':>12}{'safetensors':>13}")
    lost = []
    for name, taken in times.items():
        ratio = {other: min(times[other]) / min(taken) for other in (BARE, PEER)}
        if name.startswith("zTensor, CRC") and ratio[PEER] < 1:
            lost.append(f"{name}, {path.parent.parent}")
        columns = f"{min(taken) * 1e3:7.0f} ms{size / min(taken) / 1e9:7.2f}{statistics.median(taken) * 1e3:8.0f} ms"
        print(
            f"  {name:32}{columns}{processor[name] * 1e3:8.0f} ms{ratio[BARE]:11.2f}x{ratio[PEER]:12.2f}x", flush=True
        )
    return lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1024, help="size of the model")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, nargs="*", default=[Path(tempfile.gettempdir()), Path("/dev/shm")])
    parser.add_argument("--replace", type=int, default=3, help="rounds of replacing a file; 0: none")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores; safetensors {safetensors.__version__}, ztensor {ztensor.__version__}")
    print("A ratio over 1 means that the row was faster than the one that the column names.")
    lost = []
    for kind, make in (("NumPy float32", of_numpy), ("torch bfloat16", of_torch)):
        try:
            model = make(options.megabytes)
        except ImportError as error:
            print(f"\n{kind}: left out, {error}")
            continue
        size = sum(map(len, model.bytes))
        for place in options.folder:
            with tempfile.TemporaryDirectory(prefix="ztensor-bench-", dir=place) as folder:
                path = Path(folder) / "saved.zt"
                print(f"\n{size >> 20} MiB of {kind}, a new file in {place}; nobody syncs")
                lost += measure(savers(model), path, options.rounds, False, size)
                if options.replace and make is of_numpy:
                    print(f"\n{size >> 20} MiB of {kind}, over a file in {place}; all but one row sync")
                    lost += measure(replacers(model), path, options.replace, True, size)
        del model
    print("\nBehind safetensors: " + "; ".join(lost) if lost else "\nAhead of safetensors on every row without planes.")


if __name__ == "__main__":
    main()
