#!/usr/bin/env python3
"""Compares ztensor with each format's own library, on the same files in one run, and prints both times and their ratio.

Run it with `./dev bench formats`. A format whose library is not installed is skipped, and a line says so. To convert,
the other side loads the file with its own library and saves the arrays with safetensors: that is what people do today.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy
from run import Table, open_zt, read_zt

import ztensor

Arrays = dict[str, np.ndarray[Any, Any]]


class Peer(NamedTuple):
    """How a library saves, opens (names, shapes, dtypes), borrows and copies the arrays of a file."""

    suffix: str
    save: Callable[[Arrays, Path], None]
    open: Callable[[Path], Any]
    load: Callable[[Path], Any]  # as cheap as the library can
    copy: Callable[[Path], Arrays]  # as arrays of our own


def torch_peer() -> Peer:
    import torch

    def save(arrays: Arrays, path: Path) -> None:
        torch.save({name: torch.from_numpy(array.copy()) for name, array in arrays.items()}, path)

    def load(path: Path, mmap: bool) -> Any:
        return torch.load(path, mmap=mmap, weights_only=True)

    def copy(path: Path) -> Arrays:
        return {name: tensor.numpy() for name, tensor in load(path, False).items()}

    return Peer(".pt", save, lambda path: load(path, True), lambda path: load(path, True), copy)


def npz_peer() -> Peer:
    def save(arrays: Arrays, path: Path) -> None:
        np.savez(path, **arrays)  # type: ignore[arg-type]

    def copy(path: Path) -> Arrays:
        with np.load(path) as file:
            return dict(file)

    return Peer(".npz", save, lambda path: np.load(path).files, copy, copy)


def gguf_peer() -> Peer:
    import gguf

    def save(arrays: Arrays, path: Path) -> None:
        writer = gguf.GGUFWriter(path, "llama")
        for name, array in arrays.items():
            writer.add_tensor(name, array)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def load(path: Path) -> Arrays:
        return {tensor.name: tensor.data for tensor in gguf.GGUFReader(path).tensors}

    return Peer(".gguf", save, load, load, lambda path: {name: data.copy() for name, data in load(path).items()})


def onnx_peer() -> Peer:
    import onnx
    from onnx import helper, numpy_helper

    def save(arrays: Arrays, path: Path) -> None:
        tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
        onnx.save(helper.make_model(helper.make_graph([], "g", [], [], tensors)), path)

    def load(path: Path) -> Arrays:
        return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}

    return Peer(".onnx", save, onnx.load, load, load)


PEERS = {"torch": torch_peer, "numpy": npz_peer, "gguf": gguf_peer, "onnx": onnx_peer}


def rows(table: Table, library: str, folder: Path, small: Arrays, large: Arrays) -> None:
    peer = PEERS[library]()
    many, model = folder / f"many{peer.suffix}", folder / f"model{peer.suffix}"
    peer.save(small, many)
    peer.save(large, model)
    size = f"{sum(array.nbytes for array in large.values()) / 1e6:.0f} MB"
    out = folder / "out"
    table.row(f"{peer.suffix}: open {len(small)} tensors", lambda: peer.open(many), lambda: open_zt(many))
    table.row(f"  load {size}, as cheap as each can", lambda: peer.load(model), lambda: read_zt(model))
    table.row(f"  load {size}, copied", lambda: peer.copy(model), lambda: read_zt(model, copy=True))
    table.row(
        f"  convert {size}",
        lambda: safetensors.numpy.save_file(peer.copy(model), out),
        lambda: ztensor.convert(model, out),
        fresh=out,
    )
    many.unlink()
    model.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=256, help="size of the large model")
    parser.add_argument("--tensors", type=int, default=1000, help="number of tensors in the file of many tensors")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=sorted(PEERS), help="one library")
    parser.add_argument("--folder", type=Path, help="the folder for the files, to choose a disk")
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    small = {f"layers.{i}.bias": np.full(1024, i, np.float32) for i in range(options.tensors)}
    large = {f"layers.{i}.weight": rng.standard_normal((1024, 2048), np.float32) for i in range(options.megabytes // 8)}
    table = Table(options.rounds, "its library")
    with tempfile.TemporaryDirectory(prefix="ztensor-bench-", dir=options.folder) as folder:
        for library in [options.only] if options.only else PEERS:
            if importlib.util.find_spec(library) is None:
                print(f"{library}: skipped, it is not installed")
                continue
            rows(table, library, Path(folder), small, large)
    print()
    print("Behind on: " + "; ".join(table.behind) if table.behind else "Ahead on every row.")


if __name__ == "__main__":
    main()
