#!/usr/bin/env python3
"""Writes tests/conformance/*/zt10/: for each rule of 1.0 a file that breaks only this rule, and valid files."""

import struct

from cases import Cases
from zt12_bytes import DROP, MAGIC, Map, Raw, cbor, changed, crc_text, frame, lay, rle_block, seek_table, struct_u64

cases = Cases("zt10")

DATA = bytes(range(16))
GOOD = {"dtype": "uint8", "shape": [3], "format": "dense", "components": {"data": {"offset": 64, "length": 3}}}
ROOT = [("version", "1.0"), ("generator", "a test"), ("attributes", {})]


def image(tensors, blobs=b"", root=ROOT, manifest=None, trailing=b""):
    """A whole file. `trailing`: bytes after the manifest's item."""
    if manifest is None:
        manifest = cbor(Map([*root, ("tensors", tensors)])) + trailing
    return MAGIC + blobs + manifest + struct.pack("<Q", len(manifest))


def beside_good(w, blobs, **more):
    return image(Map([("good", GOOD), ("w", w)]), lay(b"abc") + blobs, **more)


def dense(part=None, tensor=None, stored=DATA):
    """A file whose tensor "w" is float32 [4], with some fields of the tensor and of its part changed."""
    data = changed({"offset": 128, "length": len(stored)}, part or {})
    w = changed({"dtype": "float32", "shape": [4], "format": "dense", "components": {"data": data}}, tensor or {})
    return beside_good(w, lay(stored, start=128))


def zstd_part(stored, decoded, part=None):
    return dense({"encoding": "zstd", **(part or {})}, {"dtype": "uint8", "shape": [decoded]}, stored)


def composite(layout, shape, dtype, parts, changes=None):
    """A file whose tensor "w" has `parts`: role -> stored bytes. `changes`: role -> fields of that part."""
    components, blobs = {}, b""
    for role, stored in parts.items():
        components[role] = changed({"offset": 128 + len(blobs), "length": len(stored)}, (changes or {}).get(role, {}))
        blobs += lay(stored, start=128)
    return beside_good({"dtype": dtype, "shape": shape, "format": layout, "components": components}, blobs)


CSR = {"values": bytes(12), "indices": struct_u64(0, 2, 1), "indptr": struct_u64(0, 2, 3)}
COO = {"values": bytes(12), "coords": struct_u64(0, 1, 1, 0, 2, 1)}


def without(parts, role):
    return {key: value for key, value in parts.items() if key != role}


def controls():
    def one(name, content, dtype="float32", shape=(4,), parts=None, layout="dense"):
        cases.good(name, content, dtype, shape, parts or {"data": DATA}, layout)

    abc = {"data": b"abc"}
    one("plain", dense())
    one("digest", dense({"digest": crc_text(DATA)}))
    one("digest.unknown", dense({"digest": "md5:0"}))
    one("scalar", dense({"length": 4}, {"shape": []}, DATA[:4]), shape=(), parts={"data": DATA[:4]})
    one("empty", dense({"length": 0, "offset": 0}, {"shape": [0, 7]}, b""), shape=(0, 7), parts={"data": b""})
    one("bool", dense({}, {"dtype": "bool", "shape": [3]}, b"\1\0\1"), "bool", (3,), {"data": b"\1\0\1"})
    one("nulls", dense({"encoding": None, "digest": None}))
    one("unknown.fields", dense({"note": [1, {"a": 1.5}]}, {"more": None, "k" * 5000: 1}))
    one("trailing", image({"w": GOOD}, lay(b"abc"), trailing=b"junk"), "uint8", (3,), abc)
    one("root.least", image({"w": GOOD}, lay(b"abc"), root=[("version", "7")]), "uint8", (3,), abc)
    attributes = [("version", "1.0"), ("attributes", {"k": "v", "n": 1})]
    one("attributes", image({"w": GOOD}, lay(b"abc"), root=attributes), "uint8", (3,), abc)
    one("zstd", zstd_part(frame(DATA), 16), "uint8", (16,))
    halves = [frame(DATA[:8], checksum=True), frame(DATA[8:], checksum=True)]
    table = seek_table([(len(half), 8) for half in halves])
    one("zstd.table", zstd_part(b"".join(halves) + table, 16), "uint8", (16,))
    one("csr", composite("sparse_csr", [2, 3], "float32", CSR), shape=(2, 3), parts=CSR, layout="sparse_csr")
    one("coo", composite("sparse_coo", [2, 3], "float32", COO), shape=(2, 3), parts=COO, layout="sparse_coo")
    coded = {**CSR, "indices": frame(CSR["indices"])}
    one(
        "csr.zstd",
        composite("sparse_csr", [2, 3], "float32", coded, {"indices": {"encoding": "zstd"}}),
        shape=(2, 3),
        parts=CSR,
        layout="sparse_csr",
    )
    loose = Map(
        [
            (
                b"components",
                Raw(b"\xbf" + cbor("data") + cbor({"offset": Raw(b"\xc2\x41\x40"), "length": 3}) + b"\xff"),
            ),
            ("format", Raw(b"\x7f\x62de\x63nse\xff")),
            ("dtype", b"uint8"),
            ("shape", Raw(b"\x9f\xc1\x19\x00\x03\xff")),
        ]
    )
    one("loose", image(Map([(b"w", loose)]), lay(b"abc")), "uint8", (3,), abc)


def root_cases():
    whole = dense()
    cases.refused("manifest.limit", whole, "zt10.manifest.limit", code="limit", limits={"index_bytes": 16})
    cases.refused("footer.cut", whole[:-1], "zt12.footer.magic")
    cases.refused("cbor.truncated", image(None, manifest=b"\xa2\x67version\x631.0"), "cbor.truncated")

    def root(name, rule, manifest):
        cases.refused(name, image(None, lay(b"abc"), manifest=cbor(manifest)), rule)

    tensors = {"w": GOOD}
    root("root.version", "zt10.root.version", {"version": 1.0, "tensors": tensors})
    root("root.version.missing", "zt10.root.version", {"tensors": tensors})
    root("root.attributes", "zt10.root.attributes", {"version": "1.0", "attributes": [], "tensors": tensors})
    root("root.tensors", "zt10.root.tensors", {"version": "1.0", "tensors": []})
    root("root.tensors.missing", "zt10.root.tensors", {"version": "1.0", "objects": tensors})
    root("key.root", "zt10.key", Map([("version", "1.0"), ("tensors", tensors), (1, 2)]))
    root("key.name", "zt10.key", {"version": "1.0", "tensors": Map([(1, GOOD)])})
    root(
        "field.duplicate.root", "zt10.field.duplicate", Map([("version", "1.0"), ("tensors", {}), ("tensors", tensors)])
    )
    root("name.duplicate", "zt10.name.duplicate", {"version": "1.0", "tensors": Map([("w", GOOD), ("w", GOOD)])})


def tensor_cases():
    def tensor(name, rule, fields, **verdict):
        cases.entry(name, dense(tensor=fields), rule, **verdict)

    cases.entry("tensor", image(Map([("good", GOOD), ("w", [1])]), lay(b"abc")), "zt10.tensor")
    tensor("key.tensor", "zt10.key", {1: 2})
    tensor("field.duplicate.tensor", "zt10.field.duplicate", {Raw(cbor("shape")): [4]})
    for name, shape in (("missing", DROP), ("number", 4), ("negative", [-4]), ("float", [4.0]), ("null", None)):
        tensor("tensor.shape." + name, "zt10.tensor.shape", {"shape": shape})
    for name, dtype in (("missing", DROP), ("number", 32), ("null", None)):
        tensor("tensor.dtype.text." + name, "zt10.tensor.dtype.text", {"dtype": dtype})
    for name, dtype in (("short", "f32"), ("case", "Float32"), ("logical", "complex64"), ("float8", "float8_e5m2")):
        tensor("tensor.dtype." + name, "zt10.tensor.dtype", {"dtype": dtype}, code="unsupported")
    tensor("tensor.format", "zt10.tensor.format", {"format": 1})
    tensor("tensor.format.missing", "zt10.tensor.format", {"format": DROP})
    tensor("tensor.components", "zt10.tensor.components", {"components": []})
    tensor("tensor.components.missing", "zt10.tensor.components", {"components": DROP})
    data = {"offset": 128, "length": 16}
    tensor("tensor.parts", "zt10.tensor.parts", {"components": dict.fromkeys("abc", data)}, code="limit",
           limits={"parts": 2})  # fmt: skip
    tensor("shape.rank", "zt10.shape.rank", {"shape": [1] * 65}, code="limit")
    for name, shape in (("elements", [2**32, 2**32]), ("bytes", [2**31, 2**31]), ("empty", [0, 2**63, 2])):
        tensor("shape.overflow." + name, "zt10.shape.overflow", {"shape": shape})
    tensor("dense.data", "zt10.dense.data", {"components": {}})
    for name, shape in (("more", [5]), ("less", [3]), ("scalar", []), ("zero", [0])):
        tensor("dense.length." + name, "zt10.dense.length", {"shape": shape})
    tensor("layout.unknown", "layout.unknown", {"format": "acme"}, code="unsupported")


def part_cases():
    def part(name, rule, fields, **verdict):
        cases.entry(name, dense(fields), rule, **verdict)

    cases.entry("part", dense(tensor={"components": {"data": "raw"}}), "zt10.part")
    part("key.part", "zt10.key", {1: 2})
    part("field.duplicate.part", "zt10.field.duplicate", {Raw(cbor("offset")): 64})
    data = {"offset": 128, "length": 16}
    cases.entry("key.role", dense(tensor={"components": Map([("data", data), (1, data)])}), "zt10.key")
    twice = Map([("data", data), ("data", data)])
    cases.entry("part.duplicate", dense(tensor={"components": twice}), "zt10.part.duplicate")
    part("part.encoding", "zt10.part.encoding", {"encoding": "lz4"}, code="unsupported")
    part("part.encoding.text", "zt10.part.encoding.text", {"encoding": 0})
    part("digest.text", "zt10.digest.text", {"digest": 1})
    for field, rule in (("offset", "zt10.part.offset"), ("length", "zt10.part.size")):
        for name, value in (("missing", DROP), ("negative", -64), ("float", 64.0), ("null", None)):
            part(rule[5:] + "." + name, rule, {field: value})
    part("part.limit", "zt10.part.limit", {}, code="limit", limits={"decoded_bytes": 15})
    limited = zstd_part(frame(None, blocks=rle_block(7, 100), size=100), 100)
    cases.entry("part.limit.zstd", limited, "zt10.part.limit", code="limit", limits={"decoded_bytes": 99})
    part("digest.mismatch", "digest.mismatch", {"digest": crc_text(DATA[:-1])}, code="mismatch")
    cases.entry("zstd.short", zstd_part(frame(DATA), 17), "zstd.stream.short")
    cases.entry("zstd.ratio", zstd_part(frame(DATA), 2**40), "zt10.zstd.ratio")

    def blob(name, rule, offset, length=16, shape=(4,)):
        cases.entry(name, dense({"offset": offset, "length": length}, {"shape": list(shape)}), rule)

    blob("blob.align", "zt10.blob.align", 96)
    blob("blob.header", "zt10.blob.header", 0)
    blob("blob.bounds.manifest", "zt10.blob.bounds", 128, 68, (17,))
    blob("blob.bounds.wrap", "zt10.blob.bounds", 2**64 - 64, 128, (32,))
    blob("blob.bounds.far", "zt10.blob.bounds", 2**63)


def sparse_cases():
    for role in CSR:
        content = composite("sparse_csr", [2, 3], "float32", without(CSR, role))
        cases.entry("sparse.parts." + role, content, "zt10.sparse.parts")
    content = composite("sparse_coo", [2, 3], "float32", without(COO, "coords"))
    cases.entry("sparse.parts.coords", content, "zt10.sparse.parts")
    cases.entry("sparse.rank", composite("sparse_csr", [6], "float32", CSR), "zt10.sparse.rank")
    huge = composite("sparse_coo", [2**33, 2**33], "float32", COO)
    cases.entry("shape.overflow.coo", huge, "zt10.shape.overflow")
    outside = {**CSR, "indices": struct_u64(0, 3, 1)}
    cases.entry("sparse.bounds", composite("sparse_csr", [2, 3], "float32", outside), "sparse.index.bounds")


def main():
    for make in (controls, root_cases, tensor_cases, part_cases, sparse_cases):
        make()
    cases.write(["1.0.1/*.zt", "hand/v10_*.zt"])


if __name__ == "__main__":
    main()
