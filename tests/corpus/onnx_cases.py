"""What a case of onnx.py is, and what its files are made of."""

import hashlib
import struct

from onnx_bytes import (
    FLOAT,
    INT64,
    UINT8,
    initializer,
    of_graph,
    of_tensor,
    raw,
    sparse,
    sparse_initializer,
    tensor,
)

files = {}
expected = {}


def add(name, content, verdict):
    name += ".onnx"
    assert name not in files and len(content) < 16384, name
    files[name] = content
    expected[name] = verdict


def bad(name, content, rule, code="malformed", **verdict):
    """A file that cannot be opened."""
    add(name, content, {"code": code, "rule": rule, "where": "open", **verdict})


def odd(name, message, rule, code="malformed", where="read"):
    """A file whose tensor "w" is faulty; "valid" is not."""
    verdict = {"code": code, "rule": rule, "where": where, "tensor": "w"}
    add(name, message if message.startswith(b"\x08\x08\x12") else of_tensor(message), verdict)


def dense(dtype, shape, content, **more):
    """`content`: the decoded bytes. Parts in the catalog and in other files are not at their offset in the file."""
    parts = {"data": hashlib.sha256(content).hexdigest()}
    return {"dtype": dtype, "shape": list(shape), "layout": "dense", "parts": parts, "view": True, **more}


def good(name, content, tensors, notes=0):
    add("ok." + name, content, {"code": "ok", "tensors": tensors, "notes": notes})


def data(length):
    return bytes(i % 251 for i in range(length))


W = tensor("w", UINT8, [4], raw(data(4)))
W_SEEN = {"w": dense("uint8", [4], data(4))}


def coo(shape, coordinates, values):
    indices = b"".join(struct.pack("<Q", at) for axis in zip(*coordinates) for at in axis)
    parts = {"values": hashlib.sha256(values).hexdigest(), "coords": hashlib.sha256(indices).hexdigest()}
    return {"dtype": "float32", "shape": shape, "layout": "sparse_coo", "parts": parts, "view": True}


VALUES = struct.pack("<3f", 1, 2, 3)


def sparse_model(indices, shape=(2, 3), values=None, more=()):
    values = tensor("w", FLOAT, [3], raw(VALUES)) if values is None else values
    valid = initializer(tensor("valid", UINT8, [2], raw(b"\1\2")))
    return of_graph(sparse_initializer(sparse(values, indices, *shape)), valid, *more)


def linear(*numbers):
    return tensor(None, INT64, [len(numbers)], raw(struct.pack(f"<{len(numbers)}q", *numbers)))
