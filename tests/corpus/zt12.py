#!/usr/bin/env python3
"""Writes tests/conformance/*/{zt12,cbor,zstd,digest,sparse,planes,delta}/: for each rule a file that breaks only it.

Each file to reject is a valid file with one change. If the change breaks one tensor, the file also has a valid tensor.
"where" is the step that meets the fault: opening the file, reading the named tensor, or verifying it. "limits" are the
limits for opening the file. Files whose code is "ok" must read, with the SHA-256 of the decoded bytes of each part.
These files and small golden files are also seeds of the fuzz target.
"""

import struct

from cases import golden_seeds, write_cases, write_seeds
from zt12_bytes import (
    DROP,
    MAGIC,
    Map,
    Raw,
    cbor,
    changed,
    crc_text,
    frame,
    image,
    lay,
)
from zt12_cases import (
    DATA,
    GOOD,
    bad,
    composite,
    dense,
    entry,
    expected,
    files,
    good,
    rle_frame,
    zstd_part,
)
from zt12_contents import digest_cases, sparse_cases, zstd_cases
from zt12_delta import delta_cases
from zt12_planes import planes_cases


def controls():
    def one(name, content, dtype="float32", shape=(4,), parts=None, layout="dense"):
        good("zt12", "ok." + name, content, dtype, list(shape), parts or {"data": DATA}, layout)

    one("plain", dense())
    one("digest", dense({"digest": crc_text(DATA)}))
    one("scalar", dense({"length": 4}, {"shape": []}, DATA[:4]), shape=(), parts={"data": DATA[:4]})
    one("empty", dense({"length": 0, "offset": 0}, {"shape": [0, 7]}, b""), shape=(0, 7), parts={"data": b""})
    one(
        "float4",
        dense({"dtype": "u8", "type": "f4_e2m1"}, {"shape": [3]}, b"\x21\x03"),
        "float4_e2m1fn",
        (3,),
        {"data": b"\x21\x03"},
    )
    one("complex", dense({"type": "complex64"}, {"shape": [2]}), "complex64", (2,))
    one("bool", dense({"dtype": "bool"}, {"shape": [3]}, b"\1\0\1"), "bool", (3,), {"data": b"\1\0\1"})
    one(
        "nulls",
        dense({"type": None, "encoding": None, "digest": None, "uncompressed_length": None}, {"attributes": None}),
    )
    one("unknown.fields", dense({"note": [1, {"a": 1.5}]}, {"more": None, "k" * 5000: 1}))
    one("attributes", dense(obj={"attributes": {"bits": 4, "nested": {"a": [None, True, 1.5, b"\0"]}}}))
    one("trailing", image({"w": changed(GOOD, {})}, lay(b"abc"), trailing=b"junk"), "uint8", (3,), {"data": b"abc"})
    one(
        "shared",
        dense({"offset": 64, "length": 3, "dtype": "u8"}, {"shape": [3]}, b""),
        "uint8",
        (3,),
        {"data": b"abc"},
    )
    one(
        "composite",
        composite("acme.odd", [9], {"a": ("i16", DATA), "": ("u8", b"")}),
        None,
        (9,),
        {"a": DATA, "": b""},
        "acme.odd",
    )
    one("name.empty", image({"w": GOOD, "": GOOD}, lay(b"abc")), "uint8", (3,), {"data": b"abc"})
    one(
        "attribute.key",
        image({"w": GOOD}, lay(b"abc"), extra=[("attributes", Map([(1, 2)]))]),
        "uint8",
        (3,),
        {"data": b"abc"},
    )
    one("version.1.1", image({"w": GOOD}, lay(b"abc"), version="1.1.0"), "uint8", (3,), {"data": b"abc"})


def frame_cases():
    whole = dense()
    bad("zt12", "format.unknown", b"nothing\0known", "format.unknown", code="unsupported")
    bad("zt12", "format.unknown.none", b"", "format.unknown", code="unsupported")
    for name, content in (
        ("last", whole[:-1] + b"1"),
        ("cut", whole[:-1]),
        ("unfinished", whole[:160]),
        ("far", MAGIC + bytes(16) + struct.pack("<Q", 17)),
    ):
        bad("zt12", "footer.magic." + name, content, "zt12.footer.magic")
    for name, content in (("8", MAGIC), ("23", MAGIC + bytes(15)), ("twice", MAGIC + MAGIC)):
        bad("zt12", "size." + name, content, "zt12.size")
    bad("zt12", "format.unread.hdf5", b"\x89HDF\r\n\x1a\n" + bytes(32), "format.unread", code="unsupported")
    for name, text in (
        ("pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12\n"),
        ("pointer.annex", b"/annex/objects/SHA256E-s12--00.zt\n"),
        ("html", b"<html><head><title>Sign in</title></head></html>"),
        ("html.mark", b"\xef\xbb\xbf \r\n<!doctype HTML><p>gone"),
        ("text.xml", b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
        ("text.json", b'{"message": "rate limit exceeded"}'),
        ("text.utf8", "Übertragung abgebrochen".encode()),
    ):
        rule = "format." + name.split(".")[0]
        bad("zt12", "format." + name, text, rule, code="unsupported")
    for name, length in (("one", len(whole) - 23), ("most", 2**64 - 1), ("half", 2**63)):
        content = whole[:-16] + struct.pack("<Q", length) + MAGIC
        bad("zt12", "manifest.bounds." + name, content, "zt12.manifest.bounds")
    bad("zt12", "manifest.limit", whole, "zt12.manifest.limit", code="limit", limits={"index_bytes": 16})
    bad("zt12", "catalog.size", dense(obj={"shape": [1] * 256}), "catalog.size", code="limit", limits={"rank": 300})


def root_cases():
    def root(name, rule, manifest):
        bad("zt12", name, image(None, lay(b"abc"), manifest=cbor(manifest)), rule)

    objects = {"w": GOOD}
    root("root.array", "zt12.root", ["1.2.0", objects])
    root("root.text", "zt12.root", "1.2.0")
    root("root.version", "zt12.root.version", {"version": 1.2, "objects": objects})
    root("root.version.missing", "zt12.root.version", {"objects": objects})
    root("root.version.bytes", "zt12.root.version", {"version": b"\xff", "objects": objects})
    root("root.attributes", "zt12.root.attributes", {"version": "1.2.0", "attributes": [], "objects": objects})
    root("root.objects", "zt12.root.objects", {"version": "1.2.0", "objects": []})
    root("root.objects.null", "zt12.root.objects", {"version": "1.2.0", "objects": None})
    root("root.objects.missing", "zt12.root.objects", {"version": "1.2.0"})
    root("key.root", "zt12.key", Map([("version", "1.2.0"), ("objects", objects), (1, 2)]))
    root("key.name", "zt12.key", {"version": "1.2.0", "objects": Map([(1, GOOD)])})
    root("key.name.bytes", "zt12.key", {"version": "1.2.0", "objects": Map([(b"\xff", GOOD)])})
    root(
        "field.duplicate.root",
        "zt12.field.duplicate",
        Map([("version", "1.2.0"), ("objects", {}), ("objects", objects)]),
    )
    root("name.duplicate", "zt12.name.duplicate", {"version": "1.2.0", "objects": Map([("w", GOOD), ("w", GOOD)])})
    root(
        "name.duplicate.bytes", "zt12.name.duplicate", {"version": "1.2.0", "objects": Map([("w", GOOD), (b"w", GOOD)])}
    )


def object_cases():
    def obj(name, rule, fields, **verdict):
        entry("zt12", name, rule, dense(obj=fields), **verdict)

    entry("zt12", "object", "zt12.object", image(Map([("good", GOOD), ("w", [1])]), lay(b"abc")))
    obj("key.object", "zt12.key", {1: 2})
    obj("field.duplicate.object", "zt12.field.duplicate", {Raw(cbor("shape")): [4]})
    for name, shape in (
        ("missing", DROP),
        ("number", 4),
        ("negative", [-4]),
        ("float", [4.0]),
        ("text", ["4"]),
        ("nested", [[4]]),
        ("null", None),
    ):
        obj("object.shape." + name, "zt12.object.shape", {"shape": shape})
    obj("object.format", "zt12.object.format", {"format": 1})
    obj("object.format.missing", "zt12.object.format", {"format": DROP})
    obj("object.attributes", "zt12.object.attributes", {"attributes": "text"})
    obj("object.components", "zt12.object.components", {"components": []})
    obj("object.components.null", "zt12.object.components", {"components": None})
    obj("object.components.missing", "zt12.object.components", {"components": DROP})
    obj("shape.rank", "zt12.shape.rank", {"shape": [1] * 65}, code="limit")
    for name, shape in (
        ("elements", [2**32, 2**32]),
        ("bytes", [2**31, 2**31]),
        ("empty", [0, 2**63, 2]),
        ("bits", [2**62]),
    ):
        obj("shape.overflow." + name, "zt12.shape.overflow", {"shape": shape})
    obj("dense.data", "zt12.dense.data", {"components": {}})
    obj("dense.data.role", "zt12.dense.data", {"components": {"values": {"dtype": "f32", "offset": 128, "length": 16}}})
    for name, shape in (("more", [5]), ("less", [3]), ("scalar", []), ("zero", [0]), ("wraps", [2**61 + 4])):
        obj("dense.length." + name, "zt12.dense.length", {"shape": shape})
    entry("zt12", "dense.length.zstd", "zt12.dense.length", zstd_part(frame(DATA), 16, shape=[15]))
    entry(
        "zt12",
        "dense.length.float4",
        "zt12.dense.length",
        dense({"dtype": "u8", "type": "f4_e2m1"}, {"shape": [4]}, b"123"),
    )
    entry("zt12", "layout.unknown", "layout.unknown", dense(obj={"format": "acme"}), code="unsupported")


def part_cases():
    def part(name, rule, fields, **verdict):
        entry("zt12", name, rule, dense(fields), **verdict)

    entry("zt12", "part", "zt12.part", dense(obj={"components": {"data": "raw"}}))
    part("key.part", "zt12.key", {1: 2})
    part("field.duplicate.part", "zt12.field.duplicate", {Raw(cbor("offset")): 64})
    data = {"dtype": "f32", "offset": 128, "length": 16}
    entry("zt12", "key.role", "zt12.key", dense(obj={"components": Map([("data", data), (1, data)])}))
    entry(
        "zt12",
        "part.duplicate",
        "zt12.part.duplicate",
        dense(obj={"components": Map([("data", data), ("data", {**data, "dtype": "i32"})])}),
    )
    entry(
        "zt12",
        "object.parts",
        "zt12.object.parts",
        dense(obj={"components": {"data": data, "b": data, "c": data}}),
        code="limit",
        limits={"parts": 2},
    )
    part("part.dtype", "zt12.part.dtype", {"dtype": "f128"}, code="unsupported")
    part("part.dtype.case", "zt12.part.dtype", {"dtype": "F32"}, code="unsupported")
    part("part.dtype.logical", "zt12.part.dtype", {"dtype": "complex64"}, code="unsupported")
    part("part.dtype.text", "zt12.part.dtype.text", {"dtype": 32})
    part("part.dtype.null", "zt12.part.dtype.text", {"dtype": None})
    part("part.dtype.missing", "zt12.part.dtype.text", {"dtype": DROP})
    part("part.type", "zt12.part.type", {"type": "f32x"}, code="unsupported")
    part("part.type.text", "zt12.part.type.text", {"type": 1})
    part("part.type.storage", "zt12.part.type.storage", {"type": "f8_e5m2"})
    part("part.type.storage.complex", "zt12.part.type.storage", {"type": "complex128"})
    part("part.encoding", "zt12.part.encoding", {"encoding": "lz4"}, code="unsupported")
    part("part.encoding.case", "zt12.part.encoding", {"encoding": "ZSTD"}, code="unsupported")
    part("part.encoding.text", "zt12.part.encoding.text", {"encoding": 0})
    for field, rule in (("offset", "zt12.part.offset"), ("length", "zt12.part.size")):
        for name, value in (("missing", DROP), ("negative", -64), ("float", 64.0), ("text", "64"), ("null", None)):
            part(rule[5:] + "." + name, rule, {field: value})
    for name, value in (("negative", -16), ("float", 16.0), ("text", "16")):
        part("part.decoded." + name, "zt12.part.decoded", {"uncompressed_length": value})
    part("part.length", "zt12.part.length", {"uncompressed_length": 17})
    part("part.limit", "zt12.part.limit", {}, code="limit", limits={"decoded_bytes": 15})
    entry(
        "zt12",
        "part.limit.zstd",
        "zt12.part.limit",
        zstd_part(frame(DATA), 40),
        code="limit",
        limits={"decoded_bytes": 39},
    )
    entry(
        "zt12",
        "part.limit.shape",
        "zt12.part.limit",
        zstd_part(rle_frame(100), 100, {"uncompressed_length": DROP}),
        code="limit",
        limits={"decoded_bytes": 99},
    )
    entry("zt12", "content.bool", "content.bool", dense({"dtype": "bool"}, {"shape": [3]}, b"\0\1\2"), where="verify")
    entry(
        "zt12", "content.bool.zstd", "content.bool", zstd_part(frame(b"\0\1\2"), 3, {"dtype": "bool"}), where="verify"
    )


def blob_cases():
    def blob(name, rule, offset, length=16, shape=(4,)):
        entry("zt12", name, rule, dense({"offset": offset, "length": length}, {"shape": list(shape)}))

    blob("blob.align.one", "zt12.blob.align", 129, 12, (3,))
    blob("blob.align.32", "zt12.blob.align", 96)
    blob("blob.header", "zt12.blob.header", 0)
    blob("blob.bounds.manifest", "zt12.blob.bounds", 128, 68, (17,))
    blob("blob.bounds.past", "zt12.blob.bounds", 192)
    blob("blob.bounds.empty", "zt12.blob.bounds", 256, 0, (0,))
    blob("blob.bounds.wrap", "zt12.blob.bounds", 2**64 - 64, 128, (32,))
    blob("blob.bounds.most", "zt12.blob.bounds", 64, 2**64 - 4, (2**62 - 1,))
    blob("blob.bounds.far", "zt12.blob.bounds", 2**63)
    for name, decoded in (("one", 32768 * 26), ("most", 2**64 - 1)):
        entry("zt12", "zstd.ratio." + name, "zt12.zstd.ratio", zstd_part(frame(DATA), decoded))
    entry("zt12", "zstd.ratio.shape", "zt12.zstd.ratio", zstd_part(frame(DATA), 2**40, {"uncompressed_length": DROP}))


def cbor_cases():
    """One item of the manifest is not CBOR: the file cannot be opened."""

    def item(name, rule, raw, **verdict):
        bad("cbor", name, image({"w": GOOD}, lay(b"abc"), extra=[("x", Raw(raw))]), rule, **verdict)

    item("break", "cbor.break", b"\x81\xff")
    item("break.key", "cbor.break", b"\xa1\xff\x01")
    item("break.value", "cbor.break", b"\xbf\x01\xff")
    item("chunk.kind", "cbor.chunk", b"\x7f\x41a\xff")
    item("chunk.nested", "cbor.chunk", b"\x5f\x5f\x41a\xff\xff")
    item("chunk.number", "cbor.chunk", b"\x5f\x01\xff")
    item("count.array", "cbor.count", b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff")
    item("count.map", "cbor.count", b"\xbb\x7f\xff\xff\xff\xff\xff\xff\xff")
    item("count.objects", "cbor.count", b"\x9a\x00\x10\x00\x00\x01")
    item("depth", "cbor.depth", b"\x81" * 300 + b"\x00", code="limit")
    item("depth.map", "cbor.depth", b"\xbf\x00" * 300 + b"\x00" + b"\xff" * 300, code="limit")
    for name, head in (
        ("28", b"\x1c"),
        ("map", b"\xbd\x00\x00"),
        ("tag", b"\xdf\x00"),
        ("integer", b"\x1f"),
        ("simple", b"\xfd"),
    ):
        item("head.reserved." + name, "cbor.head.reserved", head)
    item("simple", "cbor.simple", b"\xf8\x18")
    item("truncated.text", "cbor.truncated", b"\x7b\x00\x00\x00\x01\x00\x00\x00\x00")
    for name, text in (
        ("byte", b"\x61\xff"),
        ("overlong", b"\x62\xc0\x80"),
        ("surrogate", b"\x63\xed\xa0\x80"),
        ("chunks", b"\x7f\x61\xc3\x61a\xff"),
    ):
        item("utf8." + name, "cbor.utf8", text)
    for name, manifest in (
        ("none", b""),
        ("map", b"\xa2\x67version\x651.2.0"),
        ("open", b"\xbf"),
        ("head", b"\xb9\x00"),
        ("tag", b"\xc1" * 9),
    ):
        rule = "cbor.truncated"
        bad("cbor", "truncated.root." + name, image(None, manifest=manifest), rule)
    bad("cbor", "utf8.name", image(Map([(Raw(b"\x61\xff"), GOOD)]), lay(b"abc")), "cbor.utf8")
    entry("cbor", "bignum.shape", "cbor.bignum", dense(obj={"shape": [Raw(b"\xc2\x49\x01" + bytes(8))]}))
    entry("cbor", "bignum.offset", "cbor.bignum", dense({"offset": Raw(b"\xc2\x4a\x80" + bytes(9))}))
    odd = Map(
        [
            (Raw(b"\xd9\xd9\xf7\x7f\x61d\x64type\xff"), b"u8"),
            (b"type", None),
            ("offset", Raw(b"\xc2\x41\x40")),
            ("length", Raw(b"\x1b" + bytes(7) + b"\x03")),
        ]
    )
    w = Map(
        [
            ("format", Raw(b"\x7f\x62de\x63nse\xff")),
            ("shape", Raw(b"\x9f\xc1\x19\x00\x03\xff")),
            ("components", Raw(b"\xbf" + cbor("data") + cbor(odd) + b"\xff")),
        ]
    )
    good("cbor", "ok.loose", image(Map([(b"w", w)]), lay(b"abc"), wrap=b"\xd9\xd9\xf7"), "uint8", [3], {"data": b"abc"})
    deep = Raw(b"\x81" * 250 + b"\x00")
    good("cbor", "ok.deep", image({"w": GOOD}, lay(b"abc"), extra=[("x", deep)]), "uint8", [3], {"data": b"abc"})
    odd_values = {
        "a": [
            Raw(b"\xf7"),
            Raw(b"\xe0"),
            Raw(b"\xf8\xff"),
            Raw(b"\xc1\x00"),
            Raw(b"\xfb\x7f\xf0" + bytes(5) + b"\1"),
            Raw(b"\xf9\x80\x00"),
            Raw(b"\x3b" + b"\xff" * 8),
            Raw(b"\xc2\x49\x01" + bytes(8)),
        ],
        Raw(b"\x01"): Raw(b"\x5f\x41a\x40\xff"),
    }
    good(
        "cbor",
        "ok.values",
        image({"w": {**GOOD, "attributes": odd_values}}, lay(b"abc")),
        "uint8",
        [3],
        {"data": b"abc"},
    )


def main():
    for make in (
        controls,
        frame_cases,
        root_cases,
        object_cases,
        part_cases,
        blob_cases,
        cbor_cases,
        zstd_cases,
        planes_cases,
        delta_cases,
        digest_cases,
        sparse_cases,
    ):
        make()
    for folder, verdicts in expected.items():
        write_cases(folder, {name: files[folder, name] for name in verdicts}, verdicts)
    good = {f"{folder}.{name}": content for (folder, name), content in files.items() if name.startswith("ok.")}
    golden = ["1.1.1/*.zt", "1.2.0/*.zt", "1.2.3/*.zt", "*/v12_*.zt"]
    write_seeds("zt12", good | golden_seeds(golden, 2048))


if __name__ == "__main__":
    main()
