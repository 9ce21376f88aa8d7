"""What a case of zt12.py is, and what its files are made of."""

import hashlib

from zt12_bytes import (
    Map,
    changed,
    frame,
    image,
    lay,
    rle_block,
    struct_u64,
)

files = {}  # (folder, name) -> content
expected = {}  # folder -> name -> verdict

DATA = bytes(range(16))
GOOD = {"shape": [3], "format": "dense", "components": {"data": {"dtype": "u8", "offset": 64, "length": 3}}}


def add(folder, name, content, verdict):
    name += ".zt"
    assert (folder, name) not in files and len(content) < 16384, name
    files[folder, name] = content
    expected.setdefault(folder, {})[name] = verdict


def bad(folder, name, content, rule, code="malformed", where="open", tensor=None, limits=None):
    verdict = {"code": code, "rule": rule, "where": where}
    if tensor is not None:
        verdict["tensor"] = tensor
    if limits is not None:
        verdict["limits"] = limits
    add(folder, name, content, verdict)


def entry(folder, name, rule, content, **verdict):
    """A file with a tensor "w" that cannot be read, or is faulty, and a valid tensor "good"."""
    verdict.setdefault("where", "read")
    bad(folder, name, content, rule, tensor="w", **verdict)


def beside_good(w, blobs):
    """A file of the object `w` and of "good"; `blobs` begin at 128."""
    return image(Map([("good", GOOD), ("w", w)]), lay(b"abc") + blobs)


def dense(part=None, obj=None, stored=DATA):
    """A file whose tensor "w" is f32 [4], with some fields of the object and of its part changed."""
    data = changed({"dtype": "f32", "offset": 128, "length": len(stored)}, part or {})
    w = changed({"shape": [4], "format": "dense", "components": {"data": data}}, obj or {})
    return beside_good(w, lay(stored, start=128))


def zstd_part(stored, decoded, part=None, **obj):
    """A file whose tensor "w" is u8 [decoded] under zstd."""
    fields = {"uncompressed_length": decoded, "encoding": "zstd", "dtype": "u8"}
    return dense({**fields, **(part or {})}, {"shape": [decoded], **obj}, stored)


def composite(layout, shape, parts, changes=None):
    """A file whose tensor "w" has `parts`: role -> (dtype, stored bytes). `changes`: role -> fields of that part."""
    components, blobs = {}, b""
    for role, (dtype, stored) in parts.items():
        fields = {"dtype": dtype, "offset": 128 + len(blobs), "length": len(stored)}
        components[role] = changed(fields, (changes or {}).get(role, {}))
        blobs += lay(stored, start=128)
    return beside_good({"shape": shape, "format": layout, "components": components}, blobs)


def csr(values=b"\0" * 12, indices=(0, 2, 1), indptr=(0, 2, 3), shape=(2, 3), values_type="f32"):
    return composite(
        "sparse_csr",
        list(shape),
        {"values": (values_type, values), "indices": as_part(indices), "indptr": as_part(indptr)},
    )


def coo(values=b"\0" * 12, coords=(0, 1, 1, 0, 2, 1), shape=(2, 3)):
    return composite("sparse_coo", list(shape), {"values": ("f32", values), "coords": as_part(coords)})


def as_part(indices):
    return indices if isinstance(indices[0], str) else ("u64", struct_u64(*indices))


def good(folder, name, content, dtype, shape, parts, layout="dense"):
    """`parts`: role -> decoded bytes of the tensor "w"."""
    digests = {role: hashlib.sha256(decoded).hexdigest() for role, decoded in parts.items()}
    tensor = {"shape": shape, "layout": layout, "parts": digests}
    if dtype is not None:
        tensor["dtype"] = dtype
    add(folder, name, content, {"code": "ok", "tensors": {"w": tensor}})


def rle_frame(length):
    return frame(None, blocks=rle_block(7, length), size=length)
