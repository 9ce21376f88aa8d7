#!/usr/bin/env python3
"""Measures loads of a model into the memory of a CUDA device, beside other loaders.

Run it with `./dev bench device`. Without a CUDA device, it says so and measures nothing. The model is bf16 in 415
tensors, as .safetensors, as .zt and as .zt with byte planes. Each loader runs in a process of its own, after torch has
started the device: its first load is what users wait for; the best of the next ones is what the machine can do. `cold`
drops the file from the page cache before each load. A loader's tensors are compared by sums that the device computes.
Rates are in GB of decoded elements a second. zTensor checks the digests of the whole tensors of a .zt; a .safetensors
file has none, and slices are not checked. The calls of InstantTensor, fastsafetensors and Run:ai's streamer were never
run: a row that fails says why.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

import ztensor

TENSORS = 415
SMALL = 20_000
Loader = Callable[[Path], dict[str, Any]]


def ours(path: Path) -> dict[str, Any]:
    import ztensor.torch

    return ztensor.torch.load_file(path, device="cuda:0")


def ours_quarter(path: Path) -> dict[str, Any]:
    """What one of four ranks reads: a quarter of the columns of each matrix."""
    with ztensor.open(path) as reader:
        plan = {name: np.s_[:, : t.shape[1] // 4] if t.ndim == 2 else None for name, t in reader.items()}
        return dict(reader.prefetch(plan, device="cuda:0"))


def safetensors_load(path: Path) -> dict[str, Any]:
    import safetensors.torch

    return safetensors.torch.load_file(path, device="cuda:0")


def safetensors_map(path: Path) -> dict[str, Any]:
    import safetensors.torch

    return {name: tensor.to("cuda:0") for name, tensor in safetensors.torch.load_file(path).items()}


def safetensors_prefetch(path: Path) -> dict[str, Any]:
    import safetensors

    with safetensors.safe_open(path, framework="pt", device="cuda:0") as file:
        return dict(file.prefetch(threads=16))


def instanttensor(path: Path) -> dict[str, Any]:
    module = importlib.import_module("instanttensor")
    with module.safe_open([str(path)], framework="pt", device=0) as file:
        return {name: tensor.clone() for name, tensor in file.tensors()}


def fastsafetensors(path: Path) -> dict[str, Any]:
    module = importlib.import_module("fastsafetensors")
    with module.fastsafe_open(filenames=[str(path)], nogds=True, device="cuda:0", debug_log=False) as file:
        return {name: file.get_tensor(name).clone() for name in file.keys()}


def runai(path: Path) -> dict[str, Any]:
    module = importlib.import_module("runai_model_streamer")
    with module.SafetensorsStreamer() as streamer:
        streamer.stream_file(str(path))
        return {name: tensor.to("cuda:0") for name, tensor in streamer.get_tensors()}


LOADERS: dict[str, tuple[Loader, str]] = {  # what a row is called -> the loader, and the ending of its file
    "zTensor, .zt": (ours, ".zt"),
    "zTensor, .zt with planes": (ours, ".planes.zt"),
    "zTensor, .safetensors": (ours, ".safetensors"),
    "zTensor, a quarter of the columns": (ours_quarter, ".zt"),
    "safetensors load_file(device=)": (safetensors_load, ".safetensors"),
    "safetensors map, then .to()": (safetensors_map, ".safetensors"),
    "safetensors prefetch, 16 threads": (safetensors_prefetch, ".safetensors"),
    "InstantTensor": (instanttensor, ".safetensors"),
    "fastsafetensors": (fastsafetensors, ".safetensors"),
    "Run:ai streamer": (runai, ".safetensors"),
}


def write(folder: Path, name: str, tensors: dict[str, Any]) -> None:
    import ztensor.numpy

    ztensor.numpy.save_file(tensors, folder / f"{name}.safetensors")
    ztensor.numpy.save_file(tensors, folder / f"{name}.zt")
    ztensor.numpy.save_file(tensors, folder / f"{name}.planes.zt", compress="float")


def model(megabytes: int) -> dict[str, Any]:
    rows = max(1, megabytes * 1_000_000 // (TENSORS * 2 * 4096))
    block = np.random.default_rng(1).normal(0, 0.02, (rows, 4096)).astype(np.float32)
    return {f"layers.{i}.weight": (block * np.float32(1 + i / 1000)).astype(ml_dtypes.bfloat16) for i in range(TENSORS)}


def drop(path: Path) -> None:
    """Takes a file out of the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def child(row: str, path: Path, rounds: int, cold: bool) -> None:
    """Loads in this process, and prints what it took."""
    import torch

    torch.cuda.init()
    torch.empty(1, device="cuda:0")
    torch.cuda.synchronize()
    times = []
    total = 0.0
    size = 0
    for _ in range(rounds):
        if cold:
            drop(path)
        begin = time.perf_counter()
        tensors = LOADERS[row][0](path)
        torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
        size = sum(tensor.nbytes for tensor in tensors.values())
        total = float(sum(tensors[name].double().sum() for name in sorted(tensors)))  # each loader has an order
        del tensors
    kept = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line.split()[1] for line in kept.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"first": times[0], "best": min(times), "bytes": size, "sum": total, "peak": int(peak) // 1024}))


def measure(row: str, path: Path, rounds: int, cold: bool) -> dict[str, Any] | str:
    command = [sys.executable, __file__, "--child", row, "--file", str(path), "--rounds", str(rounds)]
    done = subprocess.run(command + (["--cold"] if cold else []), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or ["it failed without a word"])[-1]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def table(title: str, folder: Path, name: str, rounds: int, cold: bool) -> None:
    print(f"\n{title}\n{'loader':36} {'first GB/s':>10} {'best GB/s':>10} {'host MiB':>9}")
    sums: dict[str, float] = {}
    for row, (_, ending) in LOADERS.items():
        found = measure(row, folder / (name + ending), rounds, cold)
        if isinstance(found, str):
            print(f"{row:36} skipped: {found}")
            continue
        size = found["bytes"]
        print(f"{row:36} {size / found['first'] / 1e9:10.1f} {size / found['best'] / 1e9:10.1f} {found['peak']:9}")
        if "quarter" not in row:
            sums[row] = found["sum"]
    if len(set(sums.values())) > 1:
        sys.exit(f"the loaders gave different elements: {sums}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=6000, help="size of the model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="the folder for the files, to choose a disk")
    parser.add_argument("--cold", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.file, options.rounds, options.cold)
        return
    try:
        import torch
    except ImportError:
        print("./dev bench device measures loads into a CUDA device, and needs torch with CUDA: torch is not installed")
        return
    if not torch.cuda.is_available():
        print("./dev bench device measures loads into a CUDA device: torch sees none here, so nothing was measured")
        return
    peers = [name for name in ("safetensors", "instanttensor", "fastsafetensors", "runai-model-streamer") if has(name)]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in peers)
    print(f"{torch.cuda.get_device_name(0)}, {os.cpu_count()} cores; ztensor {ztensor.__version__}, {versions}")
    with tempfile.TemporaryDirectory(prefix="ztensor-bench-", dir=options.folder) as name:
        folder = Path(name)
        write(folder, "model", model(options.megabytes))
        write(folder, "small", {f"t{i}": np.full(5120, i % 7, ml_dtypes.bfloat16) for i in range(SMALL)})
        table(f"{options.megabytes} MB of bf16 in {TENSORS} tensors, warm", folder, "model", options.rounds, False)
        table("the same, cold", folder, "model", 1, True)
        table(f"{SMALL} tensors of 10 KiB, warm", folder, "small", options.rounds, False)


def has(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    main()
