#!/usr/bin/env python3
"""Shows the main use of zTensor: converts a model from safetensors, lists it, checks it and loads it.

Run it with `./dev demo`, which builds and installs what it needs.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import safetensors.numpy

import ztensor

LAYERS, WIDTH, HIDDEN, VOCABULARY = 10, 768, 3072, 20000


def make_model() -> dict[str, np.ndarray[Any, Any]]:
    """A transformer of about 250 MB: matrices in bfloat16, embeddings and norms in float32."""
    rng = np.random.default_rng(2026)

    def matrix(rows: int, columns: int) -> np.ndarray[Any, Any]:
        return (rng.standard_normal((rows, columns), np.float32) * 0.02).astype(ml_dtypes.bfloat16)

    model: dict[str, np.ndarray[Any, Any]] = {
        "model.embed_tokens.weight": rng.standard_normal((VOCABULARY, WIDTH), np.float32) * np.float32(0.02)
    }
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}"
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            model[f"{prefix}.self_attn.{name}.weight"] = matrix(WIDTH, WIDTH)
        model[f"{prefix}.mlp.gate_proj.weight"] = matrix(HIDDEN, WIDTH)
        model[f"{prefix}.mlp.up_proj.weight"] = matrix(HIDDEN, WIDTH)
        model[f"{prefix}.mlp.down_proj.weight"] = matrix(WIDTH, HIDDEN)
        model[f"{prefix}.input_layernorm.weight"] = np.ones(WIDTH, np.float32)
        model[f"{prefix}.post_attention_layernorm.weight"] = np.ones(WIDTH, np.float32)
    model["model.norm.weight"] = np.ones(WIDTH, np.float32)
    return model


def timed(what: str, work: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    result = work()
    print(f"   {what}: {(time.perf_counter() - start) * 1000:.1f} ms")
    return result


def shell(*words: str, lines: int = 12) -> None:
    print("$ ztensor " + " ".join(Path(word).name if "/" in word else word for word in words), flush=True)
    start = time.perf_counter()
    done = subprocess.run(["ztensor", *words], check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - start
    shown = done.stdout.splitlines()
    for line in shown[:lines]:
        print("   " + line)
    if len(shown) > lines:
        print(f"   ... {len(shown) - lines} more lines")
    print(f"   [{seconds * 1000:.0f} ms]\n")


def size(path: Path) -> str:
    return f"{path.name} {path.stat().st_size / 1e6:.1f} MB"


def check_equal(model: dict[str, np.ndarray[Any, Any]], path: Path) -> None:
    with ztensor.Reader(path) as reader:
        assert sorted(reader) == sorted(model)
        for name, expected in model.items():
            found = reader.read_tensor(name)
            assert found.dtype == expected.dtype and found.shape == expected.shape, name
            assert found.tobytes() == expected.tobytes(), name


def main() -> None:
    model = make_model()
    with tempfile.TemporaryDirectory(prefix="ztensor-demo-") as folder:
        source, target, small = (Path(folder) / name for name in ("model.safetensors", "model.zt", "compressed.zt"))
        safetensors.numpy.save_file(model, source, metadata={"format": "np"})
        print(f"A transformer of {len(model)} tensors, saved by safetensors: {size(source)}\n")

        shell("convert", str(source), str(target))
        shell("info", str(target))

        print("A zero-copy read in Python:")
        reader = timed("open", lambda: ztensor.Reader(target))
        views = timed(f"views of all {len(model)} tensors", reader.read_tensors)
        timed("one row of the embedding", lambda: reader["model.embed_tokens.weight"][1000].sum())
        print(f"   {sum(view.nbytes for view in views.values()) / 1e6:.1f} MB mapped, none of it copied")
        timed("copies of all tensors, digests checked", lambda: reader.read_tensors(copy=True))
        print()

        shell("compress", str(target), str(small))
        print(f"   {size(target)} -> {size(small)}\n")
        shell("verify", str(target), str(small))

        for path in (source, target, small):
            check_equal(model, path)
        print(f"All {len(model)} tensors of the three files are equal, bit for bit.")


if __name__ == "__main__":
    main()
