#!/usr/bin/env python3
"""Compares what compressors make of weights: size, rates of writing and reading, the time of a slice.

Run it with `./dev bench compress`. Every compressor gets the same bytes in one run. Ours write a `.zt` file to memory,
with digests, and read it with them checked; the others compress and decompress bytes, without a container, and lmzip
files of safetensors on a tmpfs. A rate is in GB of decoded bytes a second, the best of a few rounds, in which the
compressors take turns. Real weights come from the models that `./dev fetch` has fetched; without these, only made ones
are measured, and a line says so. A library that is not installed is left out, and a line says so.
"""

from __future__ import annotations

import argparse
import atexit
import importlib.util
import inspect
import io
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

import ztensor
import ztensor.numpy

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / ".cache" / "models"
SLICE = 64 << 10  # bytes
Array = np.ndarray[Any, Any]


class Codec(NamedTuple):
    """One compressor. `slice` reads SLICE bytes in the middle; None: it cannot."""

    pack: Callable[[Array], bytes]
    unpack: Callable[[bytes, Array], Any]
    slice: Callable[[bytes, Array], Any] | None = None


def ours(compress: Any, threads: int) -> Codec:
    def pack(array: Array) -> bytes:
        target = io.BytesIO()
        with ztensor.Writer(target, compress=compress, threads=threads) as writer:
            writer.add_tensor("w", array)
        return target.getvalue()

    def unpack(packed: bytes, array: Array) -> Any:
        with ztensor.open(packed, threads=threads) as reader:
            return reader.read_tensor("w")

    def part(packed: bytes, array: Array) -> Any:
        first = array.size // 2
        with ztensor.open(packed, threads=threads) as reader:
            return reader["w"][first : first + SLICE // array.itemsize]

    return Codec(pack, unpack, part)


def others(threads: int) -> dict[str, Codec]:
    codecs: dict[str, Codec] = {}
    zipnn = importlib.import_module("zipnn") if importlib.util.find_spec("zipnn") else None
    if threads == 1 and zipnn and "bytearray_dtype" in inspect.signature(zipnn.ZipNN).parameters:  # 0.5 or later

        def zipnn_of(array: Array) -> Any:
            names = {"bfloat16": "bfloat16", "float16": "float16", "float32": "float32"}
            return zipnn.ZipNN(bytearray_dtype=names.get(array.dtype.name, "float32"), input_format="byte")

        codecs["ZipNN"] = Codec(
            lambda array: bytes(zipnn_of(array).compress(bytearray(array.tobytes()))),
            lambda packed, array: zipnn_of(array).decompress(packed),
        )
    if importlib.util.find_spec("blosc2"):
        blosc2 = importlib.import_module("blosc2")
        blosc2.set_nthreads(threads)

        def pack_blosc(array: Array) -> bytes:
            width = array.dtype.itemsize
            return bytes(
                blosc2.compress2(
                    array.view(np.uint8), typesize=width, clevel=3, codec=blosc2.Codec.ZSTD, nthreads=threads
                )
            )

        codecs["blosc2 zstd-3"] = Codec(pack_blosc, lambda packed, array: blosc2.decompress2(packed, nthreads=threads))
    if threads == 1 and importlib.util.find_spec("pcodec"):
        standalone = importlib.import_module("pcodec.standalone")
        config = importlib.import_module("pcodec").ChunkConfig()

        def numbers(array: Array) -> Array:  # pcodec has no bfloat16
            return array.view(np.uint16) if array.dtype.name == "bfloat16" else array

        codecs["pcodec"] = Codec(
            lambda array: bytes(standalone.simple_compress(numbers(array), config)),
            lambda packed, array: standalone.simple_decompress(packed),
        )
    if importlib.util.find_spec("lmz"):
        codecs["lmzip"] = lmzip(threads)
    return codecs


def lmzip(threads: int) -> Codec:
    """It makes files of safetensors files; both lie on a tmpfs. The first round also saves the file that it gets."""
    lmz = importlib.import_module("lmz")
    folder = Path(tempfile.mkdtemp(prefix="ztensor-bench-", dir="/dev/shm"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file, packed_file, unpacked_file = (folder / name for name in ("w.safetensors", "w.lmz", "back.safetensors"))
    saved: list[Array] = []

    def pack(array: Array) -> bytes:
        if not (saved and saved[0] is array):
            ztensor.numpy.save_file({"w": array}, file)
            saved[:] = [array]
        lmz.compress(str(file), str(packed_file), workers=threads)
        return packed_file.read_bytes()

    def unpack(packed: bytes, array: Array) -> Any:
        lmz.decompress(str(packed_file), str(unpacked_file), workers=threads, overwrite=True)
        return ztensor.numpy.load_file(unpacked_file)["w"]

    return Codec(pack, unpack)


def made(megabytes: int) -> dict[str, Array]:
    random = np.random.default_rng(0)
    count = megabytes << 19
    weights = random.normal(0, 0.02, count).astype(np.float32)
    bf16 = weights.astype(ml_dtypes.bfloat16)
    return {
        "bf16": bf16,
        "fp16": weights.astype(np.float16),
        "fp32": weights[: count // 2],
        "fp8": (weights * 16).astype(ml_dtypes.float8_e4m3fn),
        "int8": np.clip(np.rint(weights * 1500), -127, 127).astype(np.int8),
        "fp32 that holds bf16": bf16[: count // 2].astype(np.float32),
    }


def real() -> dict[str, Array]:
    """The float32 weights of the largest models that were fetched, in each of the dtypes."""
    found = {}
    for name in ("pretrained.pt", "alex.pth", "ch_PP-OCRv4_det_infer.onnx"):
        for path in sorted(MODELS.rglob(name)):
            with ztensor.open(path) as reader:
                arrays = [reader[each].numpy() for each in reader if reader[each].dtype == np.float32]
            found[path.name] = np.concatenate([array.reshape(-1) for array in arrays])
    weights = sorted(found.items(), key=lambda item: -item[1].size)[:2]
    rows = {}
    for name, array in weights:
        rows[f"{name} as bf16"] = array.astype(ml_dtypes.bfloat16)
        with np.errstate(over="ignore"):
            rows[f"{name} as fp16"] = array.astype(np.float16)
        rows[f"{name} as fp32"] = array
    return rows


def timed(work: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - start, result


def measure(what: str, array: Array, codecs: dict[str, Codec], rounds: int) -> None:
    best = {name: [float("inf")] * 3 for name in codecs}
    sizes = {}
    for _ in range(rounds):
        for name, codec in codecs.items():
            seconds, packed = timed(codec.pack, array)
            best[name][0] = min(best[name][0], seconds)
            sizes[name] = len(packed)
            seconds, unpacked = timed(codec.unpack, packed, array)
            best[name][1] = min(best[name][1], seconds)
            same = unpacked.tobytes() if isinstance(unpacked, np.ndarray) else bytes(unpacked)
            if same != array.tobytes():
                raise SystemExit(f"{name}: {what} did not come back")
            if codec.slice:
                best[name][2] = min(best[name][2], timed(codec.slice, packed, array)[0])
    for name, (pack, unpack, part) in best.items():
        rates = f"{array.nbytes / pack / 1e9:6.2f} {array.nbytes / unpack / 1e9:6.2f}"
        shown = f"{part * 1e3:8.2f}" if part != float("inf") else "       -"
        print(f"{what:32} {name:16} {sizes[name] / array.nbytes:7.4f} {rates} {shown}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=64, help="of each made array of 2-byte elements")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    rows = made(options.megabytes) | real()
    if not any("as bf16" in name for name in rows):
        print("There are no real weights here: ./dev fetch fetches some.\n")
    for library in ("zipnn", "blosc2", "pcodec", "lmz"):
        if not importlib.util.find_spec(library):
            print(f"{library} is not installed here, and left out.")
    for threads in options.threads:
        print(f"\n{threads} thread{'s' * (threads > 1)}")
        print(f"{'weights':32} {'compressor':16} {'size':>7} {'write':>6} {'read':>6} {'64 KiB, ms':>8}")
        codecs = {
            "planes": ours("float", threads),
            "auto": ours("auto", threads),
            "zstd-1": ours(1, threads),
            "zstd-3": ours(3, threads),
        } | others(threads)
        for what, array in rows.items():
            fitting = {name: codec for name, codec in codecs.items() if name != "pcodec" or array.itemsize > 1}
            measure(what, array, fitting, options.rounds)


if __name__ == "__main__":
    main()
