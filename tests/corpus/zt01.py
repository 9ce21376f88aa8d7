#!/usr/bin/env python3
"""Writes tests/conformance/*/zt01/: for each rule of 0.1 a file that breaks only this rule, and valid files."""

import struct

from cases import Cases
from zt12_bytes import DROP, Map, Raw, cbor, changed, crc_text, frame, lay, rle_block, struct_u64

cases = Cases("zt01")

DATA = bytes(range(16))
FIELDS = {"dtype": "uint8", "layout": "dense", "shape": [3], "encoding": "raw"}
GOOD = {"name": "good", "offset": 64, "size": 3, **FIELDS}


def image(entries, blobs=b"", index=None, trailing=b""):
    """A whole file. `trailing`: bytes after the index's item."""
    if index is None:
        index = cbor(entries) + trailing
    return b"ZTEN0001" + blobs + index + struct.pack("<Q", len(index))


def tensor(changes=None, stored=DATA):
    """A file whose tensor "w" is float32 [4], with some fields changed."""
    fields = {"name": "w", "offset": 128, "size": len(stored), **FIELDS, "dtype": "float32", "shape": [4]}
    return image([GOOD, changed(fields, changes or {})], lay(b"abc") + lay(stored, start=128))


def zstd_part(stored, decoded, **changes):
    return tensor({"encoding": "zstd", "dtype": "uint8", "shape": [decoded], **changes}, stored)


CSR = {"values": struct.pack("<3f", 1, 2, 3), "indices": struct_u64(1, 0, 2), "indptr": struct_u64(0, 1, 3)}
COO = {"values": struct.pack("<2f", 5, 6), "coords": struct_u64(0, 2, 1, 0)}


def csr(blob=None, shape=(2, 3), **changes):
    if blob is None:
        blob = CSR["indptr"] + CSR["indices"] + CSR["values"]
    return tensor({"layout": "sparsecsr", "shape": list(shape), **changes}, blob)


def coo(blob=None, shape=(3, 2), **changes):
    if blob is None:
        blob = struct.pack("<QQfQQf", 0, 1, 5, 2, 0, 6)
    return tensor({"layout": "sparsecoo", "shape": list(shape), **changes}, blob)


def controls():
    def one(name, content, dtype="float32", shape=(4,), parts=None, layout="dense", **more):
        cases.good(name, content, dtype, shape, parts or {"data": DATA}, layout, **more)

    one("plain", tensor())
    one("digest", tensor({"checksum": crc_text(DATA)}))
    one("little", tensor({"data_endianness": "little"}))
    one("layout.missing", tensor({"layout": DROP}))
    one("nulls", tensor({"layout": None, "data_endianness": None, "checksum": None}))
    one("custom", tensor({"note": {"a": [1, 2.5, None, b"x"]}, "scale": 0.5}))
    one("scalar", tensor({"shape": []}, DATA[:4]), shape=(), parts={"data": DATA[:4]})
    one("empty", tensor({"shape": [0, 7], "data_endianness": "big"}, b""), shape=(0, 7), parts={"data": b""})
    one("bool", tensor({"dtype": "bool", "shape": [3]}, b"\1\0\1"), "bool", (3,), {"data": b"\1\0\1"})
    one("byte.big", tensor({"dtype": "int8", "shape": [16], "data_endianness": "big"}), "int8", (16,))
    one("zstd", zstd_part(frame(DATA), 16), "uint8", (16,))
    one("zstd.big", zstd_part(frame(DATA), 4, dtype="float32", data_endianness="big"))
    shared = tensor({"offset": 64, "size": 3, "dtype": "uint8", "shape": [3]}, b"")
    one("shared", shared, "uint8", (3,), {"data": b"abc"})
    w = {**GOOD, "name": "w"}
    one("duplicate", image([w, GOOD, {**w, "size": 2, "shape": [2]}], lay(b"abc")), "uint8", (3,), {"data": b"abc"})
    one("trailing", image([w], lay(b"abc"), trailing=b"junk"), "uint8", (3,), {"data": b"abc"})
    pairs = Raw(b"\xbf" + b"".join(cbor(key) + cbor(value) for key, value in w.items()) + b"\xff")
    one("indefinite", image(Raw(b"\x9f" + pairs + b"\xff"), lay(b"abc")), "uint8", (3,), {"data": b"abc"})
    loose = Map([(key.encode(), value.encode() if isinstance(value, str) else value) for key, value in w.items()])
    one("bytes", image([loose], lay(b"abc")), "uint8", (3,), {"data": b"abc"})
    cases.add("ok.none", image(None, index=b""), {"code": "ok", "tensors": {}})
    cases.add("ok.none.blobs", image(None, lay(b"abc"), index=b""), {"code": "ok", "tensors": {}})

    def view(name, content, dtype="float32", shape=(4,), parts=None, layout="dense"):
        one("view." + name, content, dtype, shape, parts, layout, view=True)

    view("big", tensor({"data_endianness": "big"}, struct.pack(">4f", 1, 2, 3, 4)),
         parts={"data": struct.pack("<4f", 1, 2, 3, 4)})  # fmt: skip
    half = tensor({"data_endianness": "big", "dtype": "bfloat16", "shape": [8], "checksum": crc_text(DATA)})
    view("big.digest", half, "bfloat16", (8,), {"data": bytes(i ^ 1 for i in range(16))})
    view("csr", csr(), shape=(2, 3), parts=CSR, layout="sparse_csr")
    view("coo", coo(), shape=(3, 2), parts=COO, layout="sparse_coo")
    blob = struct.pack("<QQfQQf", 0, 1, 5, 2, 0, 6)
    view("coo.digest", coo(checksum=crc_text(blob)), shape=(3, 2), parts=COO, layout="sparse_coo")
    # The bytes of value words and of index words are reversed, in words of their own size.
    big = struct.pack(">QQfQQf", 0, 1, 5, 2, 0, 6)
    view("coo.big", coo(big, data_endianness="big"), shape=(3, 2), parts=COO, layout="sparse_coo")
    big = struct.pack(">3Q3Q3f", 0, 1, 3, 1, 0, 2, 1, 2, 3)
    view("csr.big", csr(big, data_endianness="big"), shape=(2, 3), parts=CSR, layout="sparse_csr")
    empty = {"values": b"", "indices": b"", "indptr": struct_u64(0, 0)}
    view("csr.empty", csr(struct_u64(0, 0), (1, 7)), shape=(1, 7), parts=empty, layout="sparse_csr")
    view("coo.empty", coo(b"", (1, 7)), shape=(1, 7), parts={"values": b"", "coords": b""}, layout="sparse_coo")
    # With zstd, only a blob with as many bytes as the dense tensor can be read: the releases wrote no other.
    entry = struct.pack("<QQf", 3, 0, 7)
    one_entry = {"values": entry[16:], "coords": entry[:16]}
    coded = coo(frame(entry), (5, 1), encoding="zstd", data_endianness="big")
    view("coo.zstd", coded, shape=(5, 1), parts=one_entry, layout="sparse_coo")
    entry = struct.pack("<3Qf", 0, 1, 5, 7)
    one_entry = {"values": entry[24:], "indices": entry[16:24], "indptr": entry[:16]}
    view("csr.zstd", csr(frame(entry), (1, 7), encoding="zstd"), shape=(1, 7), parts=one_entry, layout="sparse_csr")


def root_cases():
    whole = tensor()
    for name, content in (("8", whole[:8]), ("15", whole[:15])):
        cases.refused("size." + name, content, "zt01.size")
    for name, length in (("one", len(whole) - 15), ("most", 2**64 - 1)):
        cases.refused("index.bounds." + name, whole[:-8] + struct.pack("<Q", length), "zt01.index.bounds")
    cases.refused("index.limit", whole, "zt01.index.limit", code="limit", limits={"index_bytes": 16})

    def root(name, rule, entries):
        cases.refused(name, image(entries, lay(b"abc")), rule)

    root("root.map", "zt01.root", {"version": "1.0", "tensors": {}})
    root("root.text", "zt01.root", "tensors")
    root("entry", "zt01.entry", [GOOD, [1]])
    for name, value in (("missing", DROP), ("number", 1), ("null", None), ("bytes", b"\xff")):
        root("name." + name, "zt01.name", [GOOD, changed(GOOD, {"name": value})])
    root("cbor.truncated", "cbor.truncated", Raw(b"\x81\xa1\x64name"))
    root("cbor.value", "cbor.head.reserved", [GOOD, changed(GOOD, {"name": "w", "x": Raw(b"\x1c")})])


def field_cases():
    def field(name, rule, changes, **verdict):
        cases.entry(name, tensor(changes), rule, **verdict)

    # The fault comes before the name, and the entry is still listed.
    late = Map([("dtype", 1), (2, 3), ("offset", 64), ("name", "w"), *FIELDS.items()])
    cases.entry("late.name", image([GOOD, late], lay(b"abc")), "zt01.dtype.text")
    field("key", "zt01.key", {1: 2})
    field("key.array", "zt01.key", {Raw(b"\x82\x01\x02"): 2})
    field("field.duplicate", "zt01.field.duplicate", {Raw(cbor("shape")): [4]})
    field("field.duplicate.name", "zt01.field.duplicate", {Raw(cbor("name")): "x"})
    for name, rule in (("offset", "zt01.offset"), ("size", "zt01.blob.size")):
        for kind, value in (("missing", DROP), ("negative", -64), ("float", 64.0), ("null", None)):
            field(rule[5:] + "." + kind, rule, {name: value})
    for kind, value in (("missing", DROP), ("number", 32), ("null", None)):
        field("dtype.text." + kind, "zt01.dtype.text", {"dtype": value})
        field("encoding.text." + kind, "zt01.encoding.text", {"encoding": value})
    for kind, value in (("short", "f32"), ("float8", "float8_e5m2")):
        field("dtype." + kind, "zt01.dtype", {"dtype": value}, code="unsupported")
    field("encoding", "zt01.encoding", {"encoding": "lz4"}, code="unsupported")
    field("layout.text", "zt01.layout.text", {"layout": 1})
    for kind, value in (("sparse", "sparse"), ("csr", "sparse_csr"), ("coo", "sparse_coo"), ("empty", "")):
        field("layout." + kind, "zt01.layout", {"layout": value}, code="unsupported")
    field("endianness", "zt01.endianness", {"data_endianness": "middle"}, code="unsupported")
    field("endianness.text", "zt01.endianness.text", {"data_endianness": 1})
    field("digest.text", "zt01.digest.text", {"checksum": 1})
    field("digest.mismatch", "digest.mismatch", {"checksum": crc_text(DATA[:-1])}, code="mismatch")
    for kind, shape in (("missing", DROP), ("number", 4), ("negative", [-4]), ("float", [4.0]), ("null", None)):
        field("shape." + kind, "zt01.shape", {"shape": shape})
    field("shape.rank", "zt01.shape.rank", {"shape": [1] * 65}, code="limit")
    for kind, shape in (("elements", [2**32, 2**32]), ("bytes", [2**31, 2**31]), ("empty", [0, 2**63, 2])):
        field("shape.overflow." + kind, "zt01.shape.overflow", {"shape": shape})
    for kind, shape in (("more", [5]), ("less", [3]), ("scalar", []), ("zero", [0])):
        field("dense.length." + kind, "zt01.dense.length", {"shape": shape})
    big = {"data_endianness": "big"}
    field("dense.length.big", "zt01.dense.length", {"shape": [3], **big})
    field("part.limit", "zt01.part.limit", {}, code="limit", limits={"decoded_bytes": 15})
    limited = zstd_part(frame(None, blocks=rle_block(7, 100), size=100), 100)
    cases.entry("part.limit.zstd", limited, "zt01.part.limit", code="limit", limits={"decoded_bytes": 99})
    cases.entry("zstd.ratio", zstd_part(frame(DATA), 2**40), "zt01.zstd.ratio")
    cases.entry("zstd.short", zstd_part(frame(DATA), 17), "zstd.stream.short")


def blob_cases():
    def blob(name, rule, offset, length=16, shape=(4,)):
        cases.entry(name, tensor({"offset": offset, "size": length, "shape": list(shape)}), rule)

    blob("blob.align", "zt01.blob.align", 96)
    blob("blob.align.eight", "zt01.blob.align", 8)
    blob("blob.header", "zt01.blob.header", 0)
    blob("blob.header.empty", "zt01.blob.header", 0, 0, (0,))
    blob("blob.bounds.index", "zt01.blob.bounds", 128, 68, (17,))
    blob("blob.bounds.wrap", "zt01.blob.bounds", 2**64 - 64, 128, (32,))
    blob("blob.bounds.far", "zt01.blob.bounds", 2**63)


def sparse_cases():
    cases.entry("sparse.rank.csr", csr(shape=(6,)), "zt01.sparse.rank")
    cases.entry("sparse.rank.coo", coo(struct.pack("<f", 1), shape=()), "zt01.sparse.rank")
    cases.entry("sparse.length.csr", csr(shape=(3, 3)), "zt01.sparse.length")
    cases.entry("sparse.length.short", csr(shape=(9, 3)), "zt01.sparse.length")
    cases.entry("sparse.length.wrap", csr(shape=(2**64 - 1, 1)), "zt01.sparse.length")
    cases.entry("sparse.length.wide", csr(shape=(2**61, 1)), "zt01.sparse.length")
    cases.entry("sparse.length.coo", coo(shape=(3, 2, 1)), "zt01.sparse.length")
    cases.entry("shape.overflow.coo", coo(shape=(2**33, 2**33)), "zt01.shape.overflow")
    coded = frame(struct.pack("<QQf", 2, 1, 7))
    for name, shape in (("uneven", (3, 3)), ("ratio", (2**20, 2**20)), ("bytes", (2**31, 2**31))):
        cases.entry("sparse.zstd." + name, coo(coded, shape, encoding="zstd"), "zt01.sparse.zstd", code="unsupported")
    limited = coo(frame(None, blocks=rle_block(0, 20), size=20), (5, 1), encoding="zstd")
    cases.entry("sparse.limit.zstd", limited, "zt01.part.limit", code="limit", limits={"decoded_bytes": 19})


def main():
    for make in (controls, root_cases, field_cases, blob_cases, sparse_cases):
        make()
    cases.write(["0.1.4/*.zt", "hand/v01_*.zt"])


if __name__ == "__main__":
    main()
