"""The section "At home in Python" of run.py: the calls that a program of safetensors makes, and the memory they take.

Both libraries work on the same values. A slice is copied to memory of its own on both sides, so that a view, which
would read nothing, does not count as a read.
"""

from __future__ import annotations

import functools
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import safetensors
import safetensors.numpy

import ztensor
import ztensor.numpy

MIB = 1 << 20
SHARED_MEMORY = Path("/dev/shm")

Libraries = tuple[str, ModuleType, ModuleType]  # the framework's name, safetensors' module for it, and ours


class Rows(Protocol):
    def row(self, what: str, peer: Callable[[], Any], ours: Callable[[], Any], fresh: Path | None = None) -> None: ...


def libraries() -> list[Libraries]:
    found: list[Libraries] = [("numpy", safetensors.numpy, ztensor.numpy)]
    try:
        theirs, ours = importlib.import_module("safetensors.torch"), importlib.import_module("ztensor.torch")
        found.append(("torch", theirs, ours))
    except ImportError as error:
        print(f"rows of torch: skipped, {error}")
    return found


def tensors_of(framework: str, arrays: dict[str, Any]) -> dict[str, Any]:
    if framework == "numpy":
        return arrays
    import torch

    return {name: torch.from_numpy(array).clone() for name, array in arrays.items()}


def rows_at_home(table: Rows, folder: Path, count: int, megabytes: int) -> None:
    """`count` small tensors, and a model of so many megabytes to save."""
    print("\nAt home in Python")
    known = libraries()
    small = {f"model.layers.{i // 100}.block.{i % 100}.weight": np.full(64, i, np.float32) for i in range(count)}
    matrix = np.random.default_rng(1).integers(0, 100, (4096, 4096)).astype(np.float32)  # 64 MiB
    for each in known:
        load_rows(table, folder, each, small)
    for each in known:
        slice_rows(table, folder, each, matrix)
    places = [folder]
    if not SHARED_MEMORY.is_dir():
        print(f"rows of saving on a tmpfs: skipped, there is no {SHARED_MEMORY}")
    elif not folder.resolve().is_relative_to(SHARED_MEMORY):
        places.append(SHARED_MEMORY)
    piece = np.random.default_rng(2).standard_normal((1024, 2048), np.float32)
    large = {f"layers.{i}.weight": piece + np.float32(i) for i in range(max(1, megabytes // 8))}
    for place in places:
        with tempfile.TemporaryDirectory(prefix="ztensor-bench-", dir=place) as made:
            for each in known:
                save_rows(table, Path(made), ", tmpfs" if place is SHARED_MEMORY else "", each, small, large)


def load_rows(table: Rows, folder: Path, each: Libraries, small: dict[str, Any]) -> None:
    framework, theirs, ours = each
    peer_file, our_file = folder / "home.safetensors", folder / "home.zt"
    tensors = tensors_of(framework, small)
    theirs.save_file(tensors, peer_file)
    ours.save_file(tensors, our_file)
    what = f"load_file of {len(small)}, {framework}"
    table.row(what, lambda: theirs.load_file(peer_file), lambda: ours.load_file(our_file))
    table.row("  the same safetensors file", lambda: theirs.load_file(peer_file), lambda: ours.load_file(peer_file))
    names = list(small)[:1000]
    with safetensors.safe_open(peer_file, framework) as a, ztensor.safe_open(our_file, framework) as b:
        table.row(
            f"get_tensor, {len(names)} times, {framework}",
            lambda: [a.get_tensor(name) for name in names],
            lambda: [b.get_tensor(name) for name in names],
        )


def slice_rows(table: Rows, folder: Path, each: Libraries, matrix: np.ndarray[Any, Any]) -> None:
    framework, theirs, ours = each
    peer_file, our_file = folder / "matrix.safetensors", folder / "matrix.zt"
    tensors = tensors_of(framework, {"m": matrix})
    theirs.save_file(tensors, peer_file)
    ours.save_file(tensors, our_file)
    keys = (
        ("2048 of 4096 rows", np.s_[1024:3072]),
        ("8 rows", np.s_[1024:1032]),
        ("[:, ::8]", np.s_[:, ::8]),
        ("1024 of 4096 columns", np.s_[:, 1024:2048]),
    )

    def owned(found: Any) -> Any:
        if framework == "numpy":
            return found.copy()
        import torch

        return found.clone(memory_format=torch.contiguous_format)

    with safetensors.safe_open(peer_file, framework) as a, ztensor.safe_open(our_file, framework) as b:
        for what, key in keys:
            table.row(
                f"get_slice, {what}, {framework}",
                lambda: owned(a.get_slice("m")[key]),  # noqa: B023
                lambda: owned(b.get_slice("m")[key]),  # noqa: B023
            )


def save_rows(
    table: Rows, folder: Path, where: str, each: Libraries, small: dict[str, Any], large: dict[str, Any]
) -> None:
    framework, theirs, ours = each
    out = folder / "saved.zt"  # one name for both
    size = f"{sum(array.nbytes for array in large.values()) // MIB} MiB"
    for what, arrays in ((size, large), (f"{len(small)} tensors", small)):
        tensors = tensors_of(framework, arrays)
        table.row(
            f"save_file of {what}, {framework}{where}",
            functools.partial(theirs.save_file, tensors, out),
            functools.partial(ours.save_file, tensors, out),
            fresh=out,
        )
        out.unlink()


# Each child prints by how many MiB its memory grew: without the pages of mapped files, which the system can drop, and
# with them. It reads the high-water mark of all resident memory, and keeps the memory of its imports out of it.
CHILD = """
import sys, threading, time
import numpy as np
{imports}
folder, megabytes = sys.argv[1], int(sys.argv[2])
def now():
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return [int(lines[key].split()[0]) for key in ("RssAnon", "VmRSS")]
def model():
    piece = np.random.default_rng(2).standard_normal((1024, 2048), np.float32)
    return {{f"layers.{{i}}.weight": piece + np.float32(i) for i in range(max(1, megabytes // 8))}}
def measured(work):
    highest, done, before = [0, 0], threading.Event(), now()
    def watch():
        while not done.wait(0.002):
            highest[:] = map(max, highest, now())
    watcher = threading.Thread(target=watch)
    watcher.start()
    result = work()
    done.set()
    watcher.join()
    highest[:] = map(max, highest, now())
    print(*((high - low) // 1024 for high, low in zip(highest, before)))
    return result
{work}
"""
WARM = """
small = {{"w": torch.zeros(9) if "torch" in globals() else np.zeros(9, np.float32)}}
X.save_file(small, folder + "/warm{0}")
X.load_file(folder + "/warm{0}")
"""
LOAD = 'measured(lambda: X.load_file(folder + "/big{0}"))'
SAVE = 'tensors = model()\nmeasured(lambda: X.save_file(tensors, folder + "/new{0}"))'
STREAM = """
chunk = np.random.default_rng(2).standard_normal((1024, 2048), np.float32)
def stream():
    with ztensor.Writer(folder + "/new.zt") as writer, writer.stream("w", (None, 2048), "float32") as rows:
        for _ in range(megabytes // 8):
            rows.write(chunk)
measured(stream)
"""


def memory_rows(folder: Path, megabytes: int, streamed: int) -> list[str]:
    """Prints the memory that grows, and returns the goals that were missed."""
    print(f"\n{'Memory that grows, and with mapped pages, in MiB':48}{'safetensors':>18}{'ztensor':>18}{'goal':>8}")
    piece = np.random.default_rng(2).standard_normal((1024, 2048), np.float32)
    large = {f"layers.{i}.weight": piece + np.float32(i) for i in range(max(1, megabytes // 8))}
    safetensors.numpy.save_file(large, folder / "big.safetensors")
    ztensor.numpy.save_file(large, folder / "big.zt")
    del large
    missed = []
    for framework, _, _ in libraries():
        for what, work, goal in (("load_file of", LOAD, 10), ("save_file of", SAVE, 32)):
            if framework == "torch" and work is SAVE:
                work = work.replace("model()", "{{n: torch.from_numpy(a) for n, a in model().items()}}")
            row = f"{what} {megabytes} MiB, {framework}"
            missed += memory_row(folder, row, framework, work, megabytes, goal)
    missed += memory_row(folder, f"Writer.stream of {streamed} MiB", "", STREAM, streamed, 100)
    return missed


def memory_row(folder: Path, row: str, framework: str, work: str, megabytes: int, goal: int) -> list[str]:
    sides = []
    for library, ending in (("safetensors", ".safetensors"), ("ztensor", ".zt")):
        if not framework and library == "safetensors":
            sides.append("none")
            continue
        imports = f"import {library}.{framework} as X\n" if framework else ""
        imports += "import torch\n" if framework == "torch" else ""
        imports += "import ztensor\n" if not framework else ""
        warm = WARM.format(ending) if framework else ""
        program = CHILD.format(imports=imports, work=warm + work.format(ending))
        command = [sys.executable, "-c", program, str(folder), str(megabytes)]
        sides.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        (folder / f"new{ending}").unlink(missing_ok=True)
    columns = [side if side == "none" else "{:>8}{:>8}".format(*side.split()) for side in sides]
    print(f"{row:48}{columns[0]:>18}{columns[1]:>18}{goal:>8}", flush=True)
    return [row] if int(sides[1].split()[1]) >= goal else []
