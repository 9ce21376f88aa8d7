"""Reads and writes with a published release, for the compatibility matrix. Runs in the environment of the release.

    peer.py read FILE             prints the tensors that the release sees, as JSON
    peer.py write FOLDER          writes all tensors that the release can, and prints {kind: file}
    peer.py append FILE           appends a tensor

Needs NumPy, ml_dtypes and SciPy. It imports ztensor only when it runs, because scripts/compatibility.py imports this
module for the contents and the form of the answers.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from typing import Any

import ml_dtypes
import numpy as np

NATIVE = "float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool".split()
LOGICAL = {
    "float8_e4m3fn": "f8_e4m3fn",
    "float8_e5m2": "f8_e5m2",
    "float8_e4m3fnuz": "f8_e4m3fnuz",
    "float8_e5m2fnuz": "f8_e5m2fnuz",
    "float8_e8m0fnu": "f8_e8m0",
    "float4_e2m1fn": "f4_e2m1",
    "complex64": "complex64",
    "complex128": "complex128",
}
STORAGE = {
    "float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16", "int64": "i64", "int32": "i32",
    "int16": "i16", "int8": "i8", "uint64": "u64", "uint32": "u32", "uint16": "u16", "uint8": "u8", "bool": "u8",
    "complex64": "f32", "complex128": "f64",
}  # fmt: skip
PLAIN = [*NATIVE, "bfloat16"]
DTYPES = [*PLAIN, *LOGICAL]

VALUES = np.float32([1, 2, 3])
CSR = {"values": VALUES, "indices": np.uint64([1, 0, 2]), "indptr": np.uint64([0, 1, 3])}
COO = {"values": VALUES, "coords": np.uint64([0, 1, 1, 1, 0, 2])}
ATTRIBUTES = {"text": "v", "int": -5, "float": 0.5, "list": [1, None, {"a": True}]}


def sample(name: str) -> np.ndarray[Any, Any]:
    """Elements of a dtype, of shape (2, 4), that use all bits of the dtype."""
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    count = 8 * dtype.itemsize
    raw = (np.arange(count) * 37 % (2 if name == "bool" else 16 if "4_e2m1" in name else 251)).astype(np.uint8)
    return raw.view(dtype).reshape(2, 4)


def dense() -> dict[str, np.ndarray[Any, Any]]:
    """The dense tensors of a file, by their names."""
    arrays = {name: sample(name) for name in DTYPES}
    arrays["zero-d"] = np.array(7.5, np.float32)
    arrays["empty"] = np.zeros((0, 3), np.float32)
    arrays["zstd"] = np.arange(100_000, dtype=np.int32)
    arrays["attributes"] = np.arange(3, dtype=np.int16)
    return arrays


def weights() -> np.ndarray[Any, Any]:
    """Elements as a model has them, which byte planes make smaller."""
    return np.random.default_rng(0).normal(0, 0.02, 20_000).astype(np.float32)


def packed(array: np.ndarray[Any, Any]) -> bytes:
    """The bytes of an array in a file: float4 takes half a byte, and the first element is in the low half."""
    if array.dtype.name == "float4_e2m1fn":
        nibbles = array.reshape(-1).view(np.uint8) & 15
        return bytes(nibbles[0::2] | nibbles[1::2] << 4)
    return np.ascontiguousarray(array).tobytes()


# --- what a reader sees: {name: {"dtype", "shape", "sha256"} or {"parts"} or {"error"}, and "attributes"} -------------


def seen_array(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    digest = hashlib.sha256(packed(array)).hexdigest()
    return {"dtype": array.dtype.name, "shape": list(array.shape), "sha256": digest}


def seen_parts(parts: dict[str, Any]) -> dict[str, Any]:
    return {"parts": {role: np.asarray(part).reshape(-1).tolist() for role, part in parts.items()}}


def error_text(error: BaseException, path: str) -> str:
    text = str(error).replace(path, "FILE").replace(os.path.basename(path), "FILE")
    text = re.sub(r"(Error in Reader open: FILE: )|(, found .*)|((?<=too large) .*)|\n.*", "", text, flags=re.DOTALL)
    return f"{type(error).__name__}: {text[:110]}".replace("|", "/")


def read_old(ztensor: Any, reader: Any, name: str) -> dict[str, Any]:
    """0.1 to 1.1."""
    value = reader.read_tensor(name)
    if not hasattr(value, "tocsr"):
        return seen_array(np.array(value))
    # These releases free the memory of their matrices too early, so we read the parts by name.
    parts = {}
    for role in CSR if value.format == "csr" else COO:
        dtype = VALUES.dtype if role == "values" else np.dtype(np.uint64)
        view, keep = reader._read_component(name, role, lambda dtype=dtype: dtype.type)
        parts[role] = np.frombuffer(bytes(view), dtype)
        del keep
    return seen_parts(parts)


def read_1_2(ztensor: Any, reader: Any, name: str) -> dict[str, Any]:
    tensor = reader.read(name)
    if tensor.format != "dense":
        return seen_parts(tensor.components)
    seen = seen_array(np.array(reader.read_numpy(name)))
    return seen | {"attributes": tensor.attributes}


def read_2(ztensor: Any, source: Any, name: str) -> dict[str, Any]:
    tensor = source[name]
    if len(tensor.parts) == 1:
        names = {short: long for long, short in STORAGE.items() if long in PLAIN and long != "bool"}
        names |= {short: long for long, short in LOGICAL.items()} | {"bool": "bool"}
        digest = hashlib.sha256(tensor.tobytes()).hexdigest()
        return {"dtype": names[tensor.logical or tensor.dtype], "shape": list(tensor.shape), "sha256": digest}
    words = {"f32": "<f4", "u64": "<u8", "u32": "<u4"}
    parts = {role: source[name][role] for role in tensor.parts}
    return seen_parts({role: np.frombuffer(part.tobytes(), words[part.dtype]) for role, part in parts.items()})


def read(path: str) -> dict[str, Any]:
    import ztensor

    try:
        if not hasattr(ztensor, "Reader"):
            reader, one = ztensor.open(path), read_2
        elif hasattr(ztensor.Reader, "read_numpy"):
            reader, one = ztensor.Reader(path), read_1_2
        else:
            reader, one = ztensor.Reader(path), read_old
        names = reader.keys() if hasattr(reader, "keys") else reader.get_tensor_names()
    except Exception as error:
        return {"error": error_text(error, path)}
    tensors = {}
    for name in names:
        try:
            tensors[name] = one(ztensor, reader, name)
        except Exception as error:
            tensors[name] = {"error": error_text(error, path)}
    answer = {"tensors": tensors}
    if hasattr(reader, "attributes"):
        answer["attributes"] = dict(reader.attributes or {})
    return answer


# --- what a release writes ------------------------------------------------------------------------------------------


def write_old(ztensor: Any, folder: str) -> dict[str, str]:
    path = os.path.join(folder, "plain.zt")
    compresses = hasattr(ztensor.Writer, "add_sparse_csr")
    with ztensor.Writer(path) as writer:
        for name, array in dense().items():
            if name in LOGICAL or name == "attributes" or (name == "zstd" and not compresses):
                continue
            writer.add_tensor(name, array, **({"compress": True} if name == "zstd" else {}))
        if compresses:
            writer.add_sparse_csr("csr", CSR["values"], CSR["indices"], CSR["indptr"], (2, 3))
            writer.add_sparse_coo("coo", COO["values"], COO["coords"].reshape(2, 3), (2, 3))
    return {"plain": path}


def write_1_2(ztensor: Any, folder: str) -> dict[str, str]:
    plain, grown = (os.path.join(folder, name) for name in ("plain.zt", "grown.zt"))
    Tensor = ztensor.Tensor
    with ztensor.Writer(plain) as writer:
        for name, array in dense().items():
            if name == "attributes":
                writer.write(name, Tensor({"data": array}, attributes=ATTRIBUTES), checksum="crc32c")
            elif name in LOGICAL:
                stored = np.frombuffer(packed(array), "u1" if name.startswith("float") else array.real.dtype)
                writer.write(name, Tensor({"data": stored}, shape=[2, 4], type=LOGICAL[name]))
            else:
                writer.write_numpy(name, array, compress=name == "zstd" or None)
        writer.write("csr", Tensor(CSR, shape=[2, 3], format="sparse_csr"))
        writer.write("coo", Tensor(COO, shape=[2, 3], format="sparse_coo"))
    with ztensor.Writer(grown) as writer:
        writer.write_numpy("kept", sample("int32"), checksum="crc32c")
    append(grown)
    return {"plain": plain, "appended": grown}


def write_2(ztensor: Any, folder: str) -> dict[str, str]:
    files = {kind: os.path.join(folder, f"{kind}.zt") for kind in ("canonical", "plain", "appended")}
    for kind, path in files.items():
        with ztensor.Writer(path, **({} if kind == "canonical" else {"canonical": False, "align": 4096})) as writer:
            if kind == "appended":
                writer.add("kept", packed(sample("int32")), [2, 4], "i32")
            else:
                fill_2(writer, kind == "canonical")
            writer.finish()
    append(files["appended"])
    return files


def fill_2(writer: Any, canonical: bool) -> None:
    writer.set_attributes(ATTRIBUTES)
    arrays, sparse = dense(), {"csr": CSR, "coo": COO}
    for name in sorted({*arrays, *sparse}):  # the canonical form requires this order
        if name in sparse:
            described = {
                role: {"dtype": STORAGE[part.dtype.name], "data": part.tobytes()} for role, part in sparse[name].items()
            }
            writer.add_object(name, [2, 3], described, layout=f"zt.sparse_{name}/1")
        elif name == "attributes":
            part = {"data": {"dtype": "i16", "data": packed(arrays[name])}}
            writer.add_object(name, [3], part, layout="dense", attributes=ATTRIBUTES)
        elif not (name == "zstd" and canonical):
            dtype = arrays[name].dtype.name
            logical = "bool" if dtype == "bool" else LOGICAL.get(dtype)
            encoding = "zt.zstd-seekable/1" if name == "zstd" else None
            shape = list(arrays[name].shape)
            storage = STORAGE.get(dtype, "u8")
            writer.add(name, packed(arrays[name]), shape, storage, logical=logical, encoding=encoding)


def write(folder: str) -> dict[str, str]:
    import ztensor

    if not hasattr(ztensor, "Reader"):
        return write_2(ztensor, folder)
    return (write_1_2 if hasattr(ztensor.Writer, "append") else write_old)(ztensor, folder)


def append(path: str) -> dict[str, str]:
    import ztensor

    array = sample("float32")
    if hasattr(ztensor.Writer, "append"):
        with ztensor.Writer.append(path) as writer:
            writer.write_numpy("added", array, checksum="crc32c")
    else:
        with ztensor.Writer(path, append=True, canonical=False) as writer:
            writer.add("added", array.tobytes(), [2, 4], "f32")
            writer.finish()
    return {}


if __name__ == "__main__":
    json.dump({"read": read, "write": write, "append": append}[sys.argv[1]](sys.argv[2]), sys.stdout)
