#!/usr/bin/env python3
"""Writes tests/conformance/*/zt2/: the corpus of generation 2, and for each rule a file that breaks only this rule.

Files named "upstream.*" are the cases that the project of the format publishes. They are made again from their recipes,
and must have the published size and hash. "tag" is the verdict of that project's reader. TAGS in zt2_cases.py maps our
rules to tags. The other fields are those of zt12.py. If the code is "ok", "where" may be "open": the file opens, and
can do no more.
"""

import struct

from cases import write_cases, write_seeds
from delta_bytes import part as delta_part
from delta_bytes import piece as delta_piece
from zt2_bytes import MAGIC, PAGE, cbor, footer, image, patched, xxh3
from zt2_cases import (
    BASE,
    bad,
    csr,
    csr_object,
    d,
    data_shard,
    expected,
    files,
    good,
    listed,
    minimal,
    obj,
    objects,
    one,
    only_opens,
    part,
    with_shards,
)
from zt2_published import published_cases
from zt12_bytes import DROP, Raw, changed, struct_u64
from zt12_planes import FLOATS, planes_of, stored_planes


def frame_cases():
    whole = minimal()
    for size in (8, 47):
        bad("size.%d" % size, data_shard()[:size], "zt2.size")
    bad("footer.magic.cut", whole[:-1], "zt2.footer.magic")
    bad("footer.magic.trailing", whole + b"\0", "zt2.footer.magic")
    bad("footer.shard.hash", data_shard(hashed=1), "zt2.footer.shard")
    bad("footer.shard.reserved.hash", data_shard(4096, 1), "zt2.footer.shard")
    bad("footer.version.1", patched(whole, -16, struct.pack("<I", 1)), "zt2.footer.version")
    bad("manifest.size.one", patched(whole, -32, struct_u64(2**30 + 1)), "zt2.manifest.size")
    bad("manifest.limit", whole, "zt2.manifest.limit", "limit", limits={"index_bytes": 65})
    bad("manifest.align.zero", patched(whole, -40, struct_u64(0)), "zt2.manifest.align")
    bad("manifest.bounds.one", patched(whole, -32, struct_u64(67)), "zt2.manifest.bounds")
    bad("manifest.bounds.wrap", patched(whole, -40, struct_u64(2**64 - 4096)), "zt2.manifest.bounds")
    bad("manifest.hash.stated", patched(whole, -24, struct_u64(1)), "zt2.manifest.hash", "mismatch")
    shard = MAGIC + bytes(4096) + b"\xab" * 100 + footer(0, 0, 0)
    good("ok.data.shard", shard)


def cbor_cases():
    def manifest(value):
        """The encoded value is under an unknown key."""
        return image(8, {"a": Raw(bytes.fromhex(value)), "objects": {}})

    for name, value in (
        ("strict.shortest.64", "1b00000000ffffffff"),
        ("strict.shortest.text", "780161"),
        ("strict.shortest.array", "9800"),
        ("strict.shortest.map", "b90000"),
        ("strict.float.double", "fb3ff4000000000000"),
        ("strict.float.single", "fa3fa00000"),
        ("strict.float.nan.payload", "f97e01"),
        ("strict.float.nan.single", "fa7fc00000"),
        ("strict.float.nan.negative", "f9fe00"),
        ("strict.float.zero", "fa80000000"),
        ("strict.simple.undefined", "f7"),
        ("strict.simple.wide", "f8ff"),
        ("strict.simple.first", "e0"),
        ("strict.indefinite.map", "bfff"),
        ("strict.indefinite.text", "7fff"),
        ("strict.indefinite.bytes", "5f4100ff"),
        ("strict.tag.nested", "81c24100"),
        ("strict.order.length", "a2626161006162" + "00"),
        ("strict.order.kinds", "a2616100" + "0100"),
        ("strict.duplicate.number", "a201000100"),
    ):
        rule = ".".join(["cbor", *name.split(".")[:2]])
        bad("cbor." + name, manifest(value), rule)
    bad("cbor.simple", manifest("f800"), "cbor.simple")
    bad("cbor.break", image(8, b"\xa1\x61a\xff"), "cbor.break")
    bad("cbor.count", image(8, b"\x9a\xff\xff\xff\xff"), "cbor.count")
    bad("cbor.truncated", image(8, cbor({"objects": {}})[:-1]), "cbor.truncated")
    bad("cbor.utf8", manifest("61ff"), "cbor.utf8")
    bad("cbor.head.reserved", manifest("1c"), "cbor.head.reserved")
    bad("manifest.depth.33", manifest("81" * 32 + "00"), "zt2.manifest.depth")
    bad("cbor.depth", manifest("81" * 31 + "00"), "cbor.depth", "limit", limits={"depth": 20})
    good("ok.depth.32", manifest("81" * 31 + "00"))
    good("ok.values", manifest("87f97e00f98000f97c00fb3ff199999999999a3b7fffffffffffffff1bffffffffffffffff40"))
    good("ok.keys", manifest("a700000100200041000061610080" + "00" + "a000"))
    unknown = {1: None, "ztensor.free": [[PAGE, 1]], "objects": {"t": {**d("u8", [8]), -1: 0, "x": {}}}}
    good("ok.unknown.keys", image(4104, unknown), t=("dense", "uint8", [8], {"data": b"\xab" * 8}))


def schema_cases():
    bad("root.array", image(8, []), "zt2.root")
    bad("root.objects.null", image(8, {"objects": None}), "zt2.root.objects")
    bad("root.objects.array", image(8, {"objects": []}), "zt2.root.objects")
    bad("root.shards.null", with_shards(None), "zt2.root.shards")
    bad("root.attributes.null", image(8, {"objects": {}, "attributes": None}), "zt2.root.attributes")
    good("ok.shards.empty", with_shards({}))
    good("ok.attributes.empty", image(8, {"objects": {}, "attributes": {}}))
    nested = {"a": {1: 2, "": 3, "b\0": 4}}
    good("ok.attributes.nested", image(8, {"objects": {}, "attributes": nested}))

    def an_object(value, name="t", **root):
        return objects(4104, {name: value}, **root)

    whole = d("u8", [8])
    bad("object.key", an_object(whole, 1), "zt2.object.key")
    bad("object.null", an_object(None), "zt2.object")
    bad("object.attributes.null", an_object({**whole, "attributes": None}), "zt2.object.attributes")
    bad("object.attributes.key", an_object({**whole, "attributes": {b"a": 1}}), "zt2.attributes.key")
    bad("object.attributes.name", an_object({**whole, "attributes": {"": 1}}), "zt2.name.form")
    for field in ("layout", "shape", "parts"):
        bad("object.%s.missing" % field, an_object(changed(whole, {field: DROP})), "zt2.object." + field)
        bad("object.%s.null" % field, an_object({**whole, field: None}), "zt2.object." + field)
    bad("object.layout.bytes", an_object({**whole, "layout": b"dense"}), "zt2.object.layout")
    bad("object.parts.empty", an_object({**whole, "parts": {}}), "zt2.object.parts")
    bad("object.shape.negative", an_object({**whole, "shape": [-1]}), "zt2.object.shape")
    bad("object.shape.float", an_object({**whole, "shape": [8.0]}), "zt2.object.shape")
    bad("object.limit", csr(), "zt2.object.limit", "limit", limits={"parts": 2})
    two = {"t": d("u8", [2, 4]), "good": d("u8", [8])}
    bad("shape.limit", objects(4104, two), "zt2.shape.limit", "limit", "read", "t", {"rank": 1})
    bad("shape.overflow.zero", objects(4096, {"t": d("u8", [2**63, 4, 0], length=0)}), "zt2.shape.overflow")
    listed("shape.wide", objects(4096, {"t": d("u8", [0, 2**63, 4], length=0)}), "zt2.shape.wide", "unsupported")
    good("ok.rank.64", one([1] * 63 + [8]), t=("dense", "uint8", [1] * 63 + [8], {"data": b"\xab" * 8}))
    good("ok.name.long", an_object(whole, "n" * 1024), **{"n" * 1024: ("dense", "uint8", [8], {"data": b"\xab" * 8})})


def part_cases():
    def a_part(value, role="data"):
        return objects(4104, {"t": obj([8], "dense", {role: value})})

    bad("part.key", a_part(part("u8", 4096, 8), 1), "zt2.part.key")
    bad("part.name", a_part(part("u8", 4096, 8), ""), "zt2.name.form")
    bad("part.null", a_part(None), "zt2.part")
    for field in ("dtype", "blob"):
        bad("part.%s.missing" % field, one(**{field: DROP}), "zt2.part." + field)
    for field in ("dtype", "blob", "type", "shard", "encoding", "digest"):
        bad("part.%s.null" % field, one(**{field: None}), "zt2.part." + field)
    bad("part.dtype.bool", one(dtype="bool"), "zt2.part.dtype.unknown")
    bad("part.dtype.empty", one(dtype=""), "zt2.part.dtype.unknown")
    bad("part.blob.negative", one(blob=[4096, -1]), "zt2.part.blob")
    bad("part.blob.text", one(blob=["4096", 8]), "zt2.part.blob")
    bad("part.blob.map", one(blob={4096: 8}), "zt2.part.blob")
    bad("part.decoded.alone", one(decoded_length=8), "zt2.part.decoded")
    bad("part.decoded.null", one(encoding="x.z/1", decoded_length=None), "zt2.part.decoded")
    bad("part.decoded.negative", one(encoding="x.z/1", decoded_length=-1), "zt2.part.decoded")
    for name, text in (
        ("empty", ""),
        ("bare", "00ff00ff00ff00ff"),
        ("hexless", "xxh3:"),
        ("nameless", ":00"),
        ("upper", "XXH3:00"),
        ("letter", "xxh3:0g"),
        ("space", "xxh3: 00"),
        ("two", "xxh3:00:00"),
    ):
        bad("part.digest." + name, one(digest=text), "zt2.part.digest")
    custom = objects(4104, {"t": obj([8], "x.y/1", {"p": part("i8", 4096, 8, type="f8_e5m2")})})
    bad("part.type.storage.custom", custom, "zt2.part.type.storage")
    listed("part.type.unknown.empty", one(type=""), "zt2.part.type.unknown", "unsupported")
    listed("encoding.unknown.raw", one(encoding="raw", decoded_length=8), "zt2.encoding.unknown", "unsupported")
    bad("part.limit", minimal(), "zt2.part.limit", "limit", "read", "t", {"decoded_bytes": 7})
    big = objects(4113, {"t": d("u8", [2**40], 4096, 17, encoding="zt.zstd-seekable/1", decoded_length=2**40)})
    listed("zstd.ratio", big, "zt2.zstd.ratio")
    types = {"a": d("u8", [8], type="bool"), "c": d("f32", [1], type="complex64"), "f": d("u8", [15], type="f4_e2m1")}
    only_opens("ok.types", objects(4104, types))


def blob_cases():
    bad("blob.align.empty", objects(4096, {"t": d("u8", [0], 4097, 0)}), "zt2.blob.align")
    bad("blob.align.empty.zero", objects(4096, {"t": d("u8", [0], 0, 0)}), "zt2.blob.align")
    bad("blob.bounds.footer", objects(8, {"t": d("u8", [4096], 4096, 4096)}), "zt2.blob.bounds")
    bad("blob.bounds.empty", objects(8, {"t": d("u8", [0], 8192, 0)}), "zt2.blob.bounds")
    bad("blob.bounds.wrap", one((2**64 - 4096,), blob=[4096, 2**64 - 4096]), "zt2.blob.bounds")
    bad("blob.bounds.most", one((8,), blob=[2**64 - 4096, 8]), "zt2.blob.bounds")

    def in_shard(offset, length):
        return objects(8, {"t": d("u8", [length], offset, length, shard="base")}, shards=BASE)

    only_opens("ok.shard.last", in_shard(1044480, 4056))
    bad("blob.bounds.shard", in_shard(1044480, 4057), "zt2.blob.bounds")
    bad("blob.overlap.manifest", objects(8, {"t": d("u8", [8], 4096, 8)}), "zt2.blob.overlap")
    manifest = cbor({"objects": {"t": d("u8", [68], 4096, 68)}})
    assert len(manifest) == 68  # as it says of itself
    good("ok.manifest.itself", image(8, manifest), t=("dense", "uint8", [68], {"data": manifest}))
    inside = {"a": d("u8", [8192], 4096, 8192), "z": d("u8", [0], 8192, 0)}
    good(
        "ok.empty.inside",
        objects(12288, inside),
        a=("dense", "uint8", [8192], {"data": b"\xab" * 8192}),
        z=("dense", "uint8", [0], {"data": b""}),
    )
    longer = {"a": d("u8", [8]), "b": d("u8", [9], length=9)}
    bad("blob.overlap.prefix", objects(4105, longer), "zt2.blob.overlap")
    three = {"a": d("u8", [8]), "b": d("f32", [2]), "c": d("u8", [8]), "d": d("u8", [7], length=7)}
    bad("blob.overlap.shared", objects(4104, three), "zt2.blob.overlap")
    apart = {"a": d("u8", [8192], 4096, 8192), "b": d("u8", [8], 8192, 8, shard="base")}
    only_opens("ok.shards.apart", objects(12288, apart, shards=BASE))


def shard_cases():
    entry = BASE["base"]
    for name, changes, rule in (
        ("size.missing", {"size": DROP}, "zt2.shard.size"),
        ("size.null", {"size": None}, "zt2.shard.size"),
        ("size.47", {"size": 47}, "zt2.shard.size"),
        ("size.negative", {"size": -48}, "zt2.shard.size"),
        ("digest.missing", {"digest": DROP}, "zt2.shard.digest"),
        ("digest.null", {"digest": None}, "zt2.shard.digest"),
        ("digest.upper", {"digest": "xxh3:FF"}, "zt2.shard.digest"),
    ):
        bad("shard." + name, with_shards({"base": changed(entry, changes)}), rule)
    bad("shard.null", with_shards({"base": None}), "zt2.shard")
    bad("shard.name.65", with_shards({"s" * 65: entry}), "zt2.shard.name")
    bad("shard.unknown.case", objects(8, {"t": d("u8", [8], shard="Base")}, shards=BASE), "zt2.shard.unknown")
    names = ["a..b", "b", "s" * 64, "a", "0", "_-.", "zz"]
    table = {name: {**entry, "size": PAGE + 48 + i, "x": None} for i, name in enumerate(names)}
    # Each part ends at the end of its shard. So a reader that confuses the shards would be refused.
    foreign = {name: d("u8", [8 + i], PAGE, 8 + i, shard=name) for i, name in enumerate(names)}
    only_opens("ok.shard.names", objects(8, foreign, shards=table))


def csr_cases():
    def a_csr(changes=None, **fields):
        tensor = csr_object(**fields)
        for role, fields_of_part in (changes or {}).items():
            tensor["parts"][role] = changed(tensor["parts"][role], fields_of_part)
        return objects(12300, {"m": tensor})

    bad("csr.rank", a_csr(shape=(2, 3, 1)), "zt2.csr.rank")
    extra = csr_object()
    extra["parts"]["more"] = part("u8", 4096, 24)
    bad("csr.parts.extra", objects(12300, {"m": extra}), "zt2.csr.parts")
    bad("csr.dtype.differs", a_csr({"indptr": {"dtype": "u32", "blob": [8192, 12]}}), "zt2.csr.dtype")
    bad("csr.dtype.small", a_csr(dtype="u16"), "zt2.csr.dtype")
    bad("csr.dtype.typed", a_csr({"indices": {"dtype": "u64", "type": "x.y/1"}}), "zt2.csr.dtype")
    bad("csr.length.part", a_csr(indices=25), "zt2.csr.length")
    bad("csr.length.wide", a_csr(shape=(2**61, 0)), "zt2.csr.length")
    bad("csr.rows", a_csr(shape=(2**64 - 1, 0), indices=0, values=0), "zt2.csr.rows")
    listed_type = a_csr({"values": {"dtype": "u8", "type": "x.y/1"}})
    bad("csr.values.unknown", listed_type, "zt2.part.type.unknown", "unsupported", "read", "m")
    bad("csr.indices.falling", csr((0, 1, 1), (0, 2, 1)), "sparse.indptr.order", "malformed", "read", "m")


def coo_cases():
    def coo(shape=(2, 3), coords=("u64", 48), values=("f32", 12), **changes):
        parts = {"coords": part(coords[0], 4096, coords[1]), "values": part(values[0], 8192, values[1])}
        content = objects(8204, {"t": obj(list(shape), "zt.sparse_coo/1", changed(parts, changes))})
        return patched(content, 4096, struct_u64(0, 1, 1, 0, 2, 1))

    decoded = {"coords": struct_u64(0, 1, 1, 0, 2, 1), "values": b"\xab" * 12}
    good("ok.coo", coo(), t=("sparse_coo", "float32", [2, 3], decoded))
    listed("coo.rank", coo(()), "zt2.coo.rank")
    lonely = obj([2, 3], "zt.sparse_coo/1", {"values": part("f32", 4096, 12)})
    listed("coo.parts.missing", objects(4108, {"t": lonely}), "zt2.coo.parts")
    listed("coo.parts.extra", coo(more=part("u8", 4096, 48)), "zt2.coo.parts")
    listed("coo.dtype.signed", coo(coords=("i64", 48)), "zt2.coo.dtype")
    listed("coo.length.cells", coo(coords=("u64", 40)), "zt2.coo.length")
    listed("coo.length.values", coo(values=("f32", 8)), "zt2.coo.length")
    twice = patched(coo(), 4096, struct_u64(1, 0, 1, 2, 1, 2))
    listed("coo.index.duplicate", twice, "sparse.index.duplicate")
    outside = patched(coo(), 4096, struct_u64(0, 2))
    listed("coo.index.bounds", outside, "sparse.index.bounds")


def layout_cases():
    bad("dense.parts.role", objects(4104, {"t": obj([8], "dense", {"values": part("u8", 4096, 8)})}), "zt2.dense.parts")
    bad("dense.length.overflow", objects(4104, {"t": d("f64", [2**61])}), "zt2.dense.length")
    for word in ("sparse_csr", "sparse_coo"):
        tensor = obj([2, 3], word, csr_object()["parts"])
        content = patched(objects(12300, {"t": tensor}), 4096, struct_u64(0, 2, 1))
        listed("layout.reserved." + word, content, "zt2.layout.reserved", "unsupported")
    content = objects(4104, {"t": obj([9], "zt1.quantized_group/1", {"p": part("u8", 4096, 8)})})
    good("ok.layout.old", content, t=("quantized_group", None, [9], {"p": b"\xab" * 8}))


def seekable_cases():
    # The output of the original writer for sixteen bytes of 01, and for no bytes.
    table = "5e2a4d181100000015000000100000000100000000b1ea928f"
    sixteen = bytes.fromhex("28b52ffd0458450000100101010032c002062f6528" + table)
    empty = bytes.fromhex("5e2a4d18090000000000000000b1ea928f")
    assert (len(sixteen), len(empty)) == (46, 17)
    encoded = {"encoding": "zt.zstd-seekable/1"}
    both = {
        "e": d("u8", [0, 2], 8192, 17, decoded_length=0, **encoded),
        "s": d("u8", [16], 4096, 46, decoded_length=16, **encoded),
    }
    content = patched(patched(objects(8209, both), 4096, sixteen), 8192, empty)
    good(
        "ok.seekable",
        content,
        e=("dense", "uint8", [0, 2], {"data": b""}),
        s=("dense", "uint8", [16], {"data": b"\1" * 16}),
    )


def delta_cases():
    new = bytes([FLOATS[0] ^ 1]) + FLOATS[1:]
    stored = delta_part(delta_piece(FLOATS, new))
    base = d("bf16", [4], 4096, 8)
    encoded = {"encoding": "zt.delta/1", "decoded_length": 8}

    def over(note, base=base, length=None, layout="dense", **extra):
        length = len(stored) if length is None else length
        attributes = {} if note is None else {"attributes": {"zt.delta": note}}
        delta = obj([4], layout, {"data": part("bf16", 8192, length, **{**encoded, **extra})}, **attributes)
        content = objects(8192 + len(stored), {"base": base, "t": delta})
        return patched(patched(content, 4096, FLOATS), 8192, stored)

    named = {"base": {"name": "base"}}
    good("ok.delta", over(named), t=("dense", "bfloat16", [4], {"data": new}))
    good("ok.delta.empty", over(named, length=0), t=("dense", "bfloat16", [4], {"data": FLOATS}))
    hidden = obj([4], "dense", {"data": part("bf16", 4096, 8)}, attributes={"zt.delta": {"hidden": True}})
    good("ok.delta.hidden", over(named, hidden), t=("dense", "bfloat16", [4], {"data": new}))
    digest = {"digest": "xxh3:%016x" % xxh3(new)}
    good("ok.delta.digest", over(named, **digest), t=("dense", "bfloat16", [4], {"data": new}))
    listed("delta.base.none", over(None), "delta.base")
    listed("delta.base.missing", over({"base": {"name": "c"}}), "delta.base")
    listed("delta.base.layout", over(named, layout="zt.odd/1"), "delta.base")
    listed("delta.digest", over(named, digest="xxh3:%016x" % xxh3(FLOATS)), "digest.mismatch", "mismatch")


def planes_cases():
    stored = stored_planes([planes_of(FLOATS, 2, True)])
    encoded = {"encoding": "zt.planes/1", "decoded_length": 8}
    content = patched(objects(4096 + len(stored), {"t": d("bf16", [4], 4096, len(stored), **encoded)}), 4096, stored)
    good("ok.planes", content, t=("dense", "bfloat16", [4], {"data": FLOATS}))
    big = objects(4113, {"t": d("u8", [2**40], 4096, 17, encoding="zt.planes/1", decoded_length=2**40)})
    listed("planes.ratio", big, "zt2.zstd.ratio")


def manifest_of(content):
    offset, length = struct.unpack_from("<QQ", content, len(content) - 40)
    return content[offset : offset + length]


def main():
    for make in (
        published_cases,
        frame_cases,
        cbor_cases,
        schema_cases,
        part_cases,
        blob_cases,
        shard_cases,
        csr_cases,
        coo_cases,
        layout_cases,
        seekable_cases,
        planes_cases,
        delta_cases,
    ):
        make()
    write_cases("zt2", files, expected)
    good = {name: content for name, content in files.items() if expected[name]["code"] == "ok"}
    # The target puts a manifest into a file.
    write_seeds("zt2", {name.replace(".zt", ".cbor"): manifest_of(content) for name, content in good.items()})


if __name__ == "__main__":
    main()
