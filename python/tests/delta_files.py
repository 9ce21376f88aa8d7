"""Files with tensors that are stored as deltas, and a second decoder of them: NumPy, from spec/delta.md alone."""

from __future__ import annotations

import ctypes
import ctypes.util
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import ztensor

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "corpus"))
import delta_bytes
import zt12_bytes

PIECE = 1 << 20
WORDS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
ROTATED = {"float16", "bfloat16", "float32", "float64"}
STORED = {"bfloat16": "bf16", "float16": "f16", "float32": "f32", "float64": "f64", "int8": "i8", "uint16": "u16"}
SHIFTS = {"bfloat16": 7, "float16": 10, "float32": 23, "float64": 52}
Bytes = npt.NDArray[np.uint8]


def unpacked(frames: bytes, size: int) -> Bytes:
    """What zstd frames decode to."""
    zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    zstd.ZSTD_decompress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    out = np.zeros(size + 1, np.uint8)
    assert zstd.ZSTD_decompress(out.ctypes.data, size + 1, frames, len(frames)) == size
    return out[:size]


def joined(planes: Bytes, width: int, rotates: bool) -> npt.NDArray[Any]:
    words = np.ascontiguousarray(planes.reshape(width, -1).T).view(WORDS[width])[:, 0]
    if not rotates:
        return words
    one, top = WORDS[width](1), WORDS[width](8 * width - 1)
    return words >> one | words << top


def decoded_piece(stored: bytes, content: int, base: Bytes, width: int, rotates: bool) -> Bytes:
    """`base` has as many bytes as the piece."""
    mode, shift, _, gaps = struct.unpack_from("<BBHI", stored, 8)
    words = base.view(WORDS[width]).copy()
    if mode == 0:
        return base
    lists = unpacked(stored[32:], content)
    if mode == 1:
        return joined(lists, width, rotates).view(np.uint8)
    steps = np.where(lists[:gaps] == 255, 255, lists[:gaps].astype(np.int64) + 1)
    places = (np.cumsum(steps) - 1)[lists[:gaps] != 255]
    values = joined(lists[gaps:], width, rotates and mode == 3)
    if mode == 3:
        words[places] = values
        return words.view(np.uint8)
    low = WORDS[width]((1 << 8 * width - 1) - 1)
    order = np.argsort((words & low) >> WORDS[width](shift), kind="stable")
    half, odd = values >> WORDS[width](1), values & WORDS[width](1)
    step = np.where(odd == 1, WORDS[width](0) - half, half)
    words[order[places]] += np.where(values == 1, low + WORDS[width](1), step)
    return words.view(np.uint8)


def decoded(part: bytes, base: bytes, size: int, dtype: str, width: int) -> bytes:
    """What a whole part decodes to."""
    if not part:
        return base
    rows = -(-size // PIECE)
    table = struct.unpack(f"<{2 * rows}I", part[-9 - 8 * rows : -9])
    padded = np.frombuffer(base.ljust(size, b"\0")[:size], np.uint8)
    at, out = 0, []
    for i in range(rows):
        stored, content = table[2 * i], table[2 * i + 1]
        under = padded[i * PIECE : (i + 1) * PIECE]
        out.append(decoded_piece(part[at : at + stored], content, under, width, dtype in ROTATED).tobytes())
        at += stored
    return b"".join(out)


def part_of(base: bytes, new: bytes, dtype: str, width: int, mode: int = delta_bytes.DELTA) -> bytes:
    shift = SHIFTS.get(dtype, 8 * width - 1)
    pieces = [
        delta_bytes.piece(base[at : at + PIECE], new[at : at + PIECE], width, shift, mode, dtype in ROTATED)
        for at in range(0, len(new), PIECE)
    ]
    return bytes(delta_bytes.part(*pieces))


def file_of(tensors: dict[str, tuple[npt.NDArray[Any], bytes | None, dict[str, Any]]], **attributes: str) -> bytes:
    """A file of format 1.2. A tensor is its array, the part that is stored or None, and what `zt.delta` says."""
    blobs, objects = b"", {}
    for name, (array, part, note) in tensors.items():
        word = STORED[array.dtype.name]
        stored = array.tobytes() if part is None else part
        blobs += zt12_bytes.lay(stored, start=8 + len(blobs))
        at = 8 + len(blobs) - len(stored) - (-len(stored) % 64 if stored else 0)
        place = {"offset": at // 64 * 64, "length": len(stored)}
        entry: dict[str, Any] = {"shape": list(array.shape)}
        if part is None:
            entry |= {"format": "dense", "components": {"data": {"dtype": word, **place}}}
        else:
            entry |= {"format": "zt.delta/1", "components": {"delta": {"dtype": "u8", **place}}}
            note = {**note, "dtype": word}
        objects[name] = entry | ({"attributes": {"zt.delta": note}} if note else {})
    extra = [("attributes", attributes)] if attributes else []
    return bytes(zt12_bytes.image(objects, blobs, extra=extra))


def pair(n: int, dtype: npt.DTypeLike = np.float32, seed: int = 0) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Weights, and the same with some that moved."""
    random = np.random.default_rng(seed)
    base = (random.standard_normal(n) * 0.02).astype(dtype)
    new = base.copy()
    new[random.random(n) < 0.02] += np.asarray(2**-9, dtype)
    return base, new


def save(tensors: dict[str, npt.NDArray[Any]], path: Path, **options: Any) -> None:
    with ztensor.Writer(path, **options) as writer:
        for name, array in tensors.items():
            writer.add_tensor(name, array)


def same(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    """Bit for bit."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
