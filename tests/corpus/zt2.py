#!/usr/bin/env python3
"""Writes tests/conformance/*/zt2/: the corpus of generation 2, and for each rule a file that breaks only this rule.

Files named "upstream.*" are the cases that the project of the format publishes. They are made again from their recipes,
and must have the published size and hash. "tag" is the verdict of that project's reader. TAGS maps our rules to tags.
The other fields are those of zt12.py. If the code is "ok", "where" may be "open": the file opens, and can do no more.
"""

import hashlib
import struct

from cases import write_cases, write_seeds
from zt2_bytes import MAGIC, PAGE, cbor, footer, image, patched, xxh3
from zt12_bytes import DROP, Raw, changed, struct_u64

# Rule -> the tag of the original reader for a file that breaks the rule. The original reader lacks all other rules.
TAGS = {
    "format.unknown": None,  # upstream opens by name: a file without the magic is HeaderMagic or FileTooSmall
    "zt2.size": "FileTooSmall",
    "zt2.header.magic": "HeaderMagic",
    "zt2.footer.magic": "FooterMagic",
    "zt2.footer.version": "Version",
    "zt2.footer.shard": "ManifestBounds",
    "zt2.manifest.size": "ManifestTooLarge",
    "zt2.manifest.align": "BlobAlignment",
    "zt2.manifest.bounds": "ManifestBounds",
    "zt2.manifest.hash": "ManifestHash",
    "zt2.manifest.depth": "CborDepth",
    "cbor.break": "CborSyntax",
    "cbor.count": "CborSyntax",
    "cbor.head.reserved": "CborSyntax",
    "cbor.simple": "CborSyntax",
    "cbor.trailing": "CborSyntax",
    "cbor.truncated": "CborSyntax",
    "cbor.utf8": "CborSyntax",
    "cbor.strict.indefinite": "CborSyntax",
    "cbor.strict.simple": "CborSyntax",
    "cbor.strict.tag": "CborSyntax",
    "cbor.strict.duplicate": "CborDuplicateKey",
    "cbor.strict.float": "CborDeterminism",
    "cbor.strict.order": "CborDeterminism",
    "cbor.strict.shortest": "CborDeterminism",
    "zt2.root": "Schema",
    "zt2.root.attributes": "Schema",
    "zt2.root.objects": "Schema",
    "zt2.root.shards": "Schema",
    "zt2.attributes.key": "Schema",
    "zt2.object": "Schema",
    "zt2.object.attributes": "Schema",
    "zt2.object.key": "Schema",
    "zt2.object.layout": "Schema",
    "zt2.object.parts": "Schema",
    "zt2.object.shape": "Schema",
    "zt2.part": "Schema",
    "zt2.part.blob": "Schema",
    "zt2.part.decoded": "Schema",
    "zt2.part.digest": "Schema",
    "zt2.part.dtype": "Schema",
    "zt2.part.dtype.unknown": "Schema",
    "zt2.part.encoding": "Schema",
    "zt2.part.key": "Schema",
    "zt2.part.shard": "Schema",
    "zt2.part.type": "Schema",
    "zt2.part.type.storage": "Schema",
    "zt2.shard": "Schema",
    "zt2.shard.digest": "Schema",
    "zt2.shard.key": "Schema",
    "zt2.shard.size": "Schema",
    "zt2.shard.name": "ShardName",
    "zt2.shard.unknown": "ShardRef",
    "zt2.name.form": "Name",
    "zt2.shape.overflow": "Shape",
    "zt2.shape.rank": "Shape",
    "zt2.csr.rows": "Shape",
    "zt2.blob.align": "BlobAlignment",
    "zt2.blob.bounds": "BlobBounds",
    "zt2.blob.overlap": "BlobOverlap",
    "zt2.dense.parts": "LayoutRule",
    "zt2.dense.length": "DenseSize",
    "zt2.csr.dtype": "LayoutRule",
    "zt2.csr.length": "LayoutRule",
    "zt2.csr.parts": "LayoutRule",
    "zt2.csr.rank": "LayoutRule",
    "zt2.encoding.unknown": "unsupported",
    "content.bool": "LayoutData",
    "content.float4": "LayoutData",
    "sparse.index.bounds": "LayoutData",
    "sparse.index.order": "LayoutData",
    "sparse.indptr.start": "LayoutData",
    "digest.mismatch": "Digest",
}

files = {}  # name -> content
expected = {}  # name -> verdict

BASE = {"base": {"size": 1048576, "digest": "xxh3:00112233445566aa"}}


def add(name, content, verdict):
    name += ".zt"
    assert name not in files, name
    files[name] = content
    expected[name] = verdict


def bad(name, content, rule, code="malformed", where="open", tensor=None, limits=None):
    verdict = {"code": code, "rule": rule, "where": where}
    verdict.update({} if tensor is None else {"tensor": tensor})
    verdict.update({} if limits is None else {"limits": limits})
    if TAGS.get(rule) is not None:
        verdict["tag"] = TAGS[rule]
    add(name, content, verdict)


def listed(name, content, rule, code="malformed", where="read"):
    """A file that opens, with a tensor "t" that cannot be read, or is faulty."""
    bad(name, content, rule, code, where, "t")


def only_opens(name, content):
    add(name, content, {"code": "ok", "where": "open"})


def good(name, content, **tensors):
    """`tensors`: name -> layout, dtype or None, shape, decoded bytes by role."""
    verdicts = {}
    for tensor, (layout, dtype, shape, parts) in tensors.items():
        digests = {role: hashlib.sha256(decoded).hexdigest() for role, decoded in parts.items()}
        verdicts[tensor] = {"shape": shape, "layout": layout, "parts": digests}
        verdicts[tensor].update({} if dtype is None else {"dtype": dtype})
    add(name, content, {"code": "ok", "tensors": verdicts})


def part(kind, offset, length, **extra):
    return changed({"dtype": kind, "blob": [offset, length]}, extra)


def obj(shape, layout, parts, **extra):
    return changed({"shape": shape, "layout": layout, "parts": parts}, extra)


def d(kind, shape, offset=PAGE, length=8, **extra):
    return obj(shape, "dense", {"data": part(kind, offset, length, **extra)})


def objects(end, named, **root):
    return image(end, {**root, "objects": named})


def minimal():
    return objects(4104, {"t": d("u8", [8])})


def one(shape=(8,), **extra):
    """`minimal` with fields of the part changed."""
    return objects(4104, {"t": d("u8", list(shape), **extra)})


def csr_object(dtype="u64", indices=24, indptr=24, values=12, shape=(2, 3)):
    parts = {
        "indices": part(dtype, 4096, indices),
        "indptr": part(dtype, 8192, indptr),
        "values": part("f32", 12288, values),
    }
    return obj(list(shape), "zt.sparse_csr/1", parts)


def csr(indices=(0, 2, 1), indptr=(0, 2, 3)):
    content = objects(12300, {"m": csr_object()})
    content = patched(content, 4096, struct_u64(*indices))
    return patched(content, 8192, struct_u64(*indptr))


def canonical_basic():
    def entry(dtype, shape, at, byte):
        digest = "xxh3:%016x" % xxh3(bytes([byte]) * 16)
        return d(dtype, shape, at, 16, digest=digest)

    weight = entry("bf16", [2, 4], 131072, 2)
    manifest = cbor({"objects": {"a.bias": entry("f32", [4], 65536, 1), "a.weight": weight, "tied": weight}})
    content = MAGIC.ljust(65536, b"\0") + (b"\1" * 16).ljust(65536, b"\0") + (b"\2" * 16).ljust(65536, b"\0")
    return content + manifest + footer(len(content), len(manifest), xxh3(manifest))


def data_shard(offset=0, hashed=0):
    return MAGIC + footer(offset, 0, hashed)


def with_shards(shards, **root):
    return image(8, {"objects": {}, "shards": shards, **root})


# The published cases: name -> (size, first digits of the SHA-256).
PUBLISHED = {}


def upstream(name, size, sha, content):
    assert len(content) == size, (name, len(content))
    assert hashlib.sha256(content).hexdigest()[:16] == sha, name
    PUBLISHED[name] = content
    return "upstream." + name, content


def published_bad(name, size, sha, content, tag, rule, code="malformed", where="open", tensor=None):
    assert TAGS[rule] in (tag, None), name
    bad(*upstream(name, size, sha, content), rule, code, where, tensor)
    expected["upstream." + name + ".zt"]["tag"] = tag


def published_good():
    ab = b"\xab" * 8
    good(
        *upstream("canonical-basic", 196941, "638a90bf6fdd9b4e", canonical_basic()),
        **{
            "a.bias": ("dense", "float32", [4], {"data": b"\1" * 16}),
            "a.weight": ("dense", "bfloat16", [2, 4], {"data": b"\2" * 16}),
            "tied": ("dense", "bfloat16", [2, 4], {"data": b"\2" * 16}),
        },
    )
    u8 = ("dense", "uint8", [8], {"data": ab})
    good(*upstream("minimal", 8298, "3b51f3daf7e5c795", minimal()), t=u8)
    good(*upstream("empty-objects", 4146, "3fd0b74e4ae7ca8a", objects(8, {})))
    scalar = objects(4100, {"s": d("f32", [], length=4)})
    good(*upstream("scalar", 8298, "8884e1f8ad008838", scalar), s=("dense", "float32", [], {"data": ab[:4]}))
    empty = objects(4096, {"z": d("f32", [0, 4], length=0)})
    good(*upstream("zero-size-tensor", 4204, "c62bb6048e0e56e9", empty), z=("dense", "float32", [0, 4], {"data": b""}))
    shared = objects(4104, {"a": d("u8", [8]), "b": d("u8", [8])})
    good(*upstream("aliased-identical-blobs", 8354, "9c2d3bcc1dff4848", shared), a=u8, b=u8)
    parts = {"data": part("u8", 4096, 32), "scales": part("u8", 8192, 104)}
    custom = objects(8296, {"q": obj([64], "x.custom/1", parts)})
    good(
        *upstream("unknown-layout-structural", 12429, "1b55d0d762d607eb", custom),
        q=("x.custom/1", None, [64], {"data": b"\xab" * 32, "scales": b"\xab" * 104}),
    )
    future = objects(4104, {"t": d("u8", [999], type="x.future/1")})
    listed(
        *upstream("unknown-ltype-structural", 8316, "e41fabb6656c42bd", future), "zt2.part.type.unknown", "unsupported"
    )
    f4 = objects(4099, {"t": d("u8", [5], length=3, type="f4_e2m1")})
    only_opens(*upstream("f4-packed-odd-count", 8311, "55e09f6c0c76944a", f4))
    table = objects(8, {"t": d("u8", [8], shard="base")}, shards=BASE)
    only_opens(*upstream("shards-table", 4266, "9143da091fc3562c", table))
    only_opens(*upstream("shard-reference-is-a-valid-image", 4266, "9143da091fc3562c", table))
    both = objects(8192, {"here": d("u8", [8]), "there": d("u8", [8], shard="base")}, shards=BASE)
    only_opens(*upstream("local-and-foreign-parts-together", 8425, "3df42d3efc01ad42", both))
    reserved = patched(minimal(), -12, struct.pack("<I", 1))
    good(*upstream("nonzero-reserved-ignored", 8298, "3f54c3b3642affe0", reserved), t=u8)
    sink = {"float": 1.25, "neg": -42, "nested": [None, True], "raw": b"\0\1\2"}
    sink = objects(8, {}, attributes=sink)
    good(*upstream("attributes-kitchen-sink", 4191, "dc96c99eaad8c464", sink))
    good(*upstream("data-shard", 48, "dab5003f76923865", data_shard()))
    digest = one(digest="xxh3:f88e5e79bd7c033d")
    good(*upstream("verify-ok", 8327, "48a9d8fa27deae7e", digest), t=u8)
    parts = {"values": b"\xab" * 12, "indices": struct_u64(0, 2, 1), "indptr": struct_u64(0, 2, 3)}
    only_opens(*upstream("csr-metadata-valid", 16563, "0bacc21375b2c4a8", csr()))
    good(*upstream("csr-data-valid", 16563, "0bacc21375b2c4a8", csr()), m=("sparse_csr", "float32", [2, 3], parts))


def published_frame_cases():
    whole = minimal()
    case = published_bad
    case("file-too-small", 10, "01d448afd9280654", bytes(10), "FileTooSmall", "format.unknown", "unsupported")
    header = patched(whole, 0, b"\0")
    case("header-magic", 8298, "174ecabd2f475cc9", header, "HeaderMagic", "format.unknown", "unsupported")
    case("footer-magic", 8298, "f58306ef7c3b319e", patched(whole, -1, b"\0"), "FooterMagic", "zt2.footer.magic")
    version = patched(whole, -16, struct.pack("<I", 3))
    case("version-unsupported", 8298, "106aca14375b6040", version, "Version", "zt2.footer.version")
    large = patched(whole, -32, struct_u64(2**31))
    case("manifest-too-large", 8298, "415336c2d7c62183", large, "ManifestTooLarge", "zt2.manifest.size")
    apart = patched(whole, -40, struct_u64(4100))
    case("manifest-misaligned", 8298, "0c47c70ab63c6aaf", apart, "BlobAlignment", "zt2.manifest.align")
    beyond = patched(whole, -40, struct_u64(2**20))
    case("manifest-out-of-bounds", 8298, "3fb02bb790b23fb5", beyond, "ManifestBounds", "zt2.manifest.bounds")
    broken = patched(whole, 8192, b"\xff")
    case("manifest-hash-mismatch", 8298, "1531f2ec8cb3f6c5", broken, "ManifestHash", "zt2.manifest.hash", "mismatch")
    offset = data_shard(4096)
    case("data-shard-nonzero-offset", 48, "f184c27f143c442a", offset, "ManifestBounds", "zt2.footer.shard")


def published_cbor_cases():
    def case(name, size, sha, hexed, tag, rule):
        published_bad(name, size, sha, image(8, bytes.fromhex(hexed)), tag, rule)

    case("cbor-trailing-bytes", 4138, "645e37d085970b53", "a000", "CborSyntax", "cbor.trailing")
    case("cbor-tag", 4138, "c7ab25aec298fdb3", "c000", "CborSyntax", "cbor.strict.tag")
    case("cbor-indefinite", 4138, "85d20885abc2d087", "9fff", "CborSyntax", "cbor.strict.indefinite")
    case("cbor-non-shortest", 4138, "2b7fa64f639687ed", "1805", "CborDeterminism", "cbor.strict.shortest")
    case("cbor-unsorted-keys", 4143, "05f509de1cbc93af", "a2616200616100", "CborDeterminism", "cbor.strict.order")
    case("cbor-duplicate-key", 4143, "bf03da8e2986a57b", "a2616100616100", "CborDuplicateKey", "cbor.strict.duplicate")
    case("cbor-depth", 4177, "9f21de674010e217", "81" * 40 + "00", "CborDepth", "zt2.manifest.depth")


def published_schema_cases():
    def case(name, size, sha, content, rule):
        published_bad(name, size, sha, content, TAGS[rule], rule)

    case("schema-missing-objects", 4137, "3b21b9a60d66578e", image(8, {}), "zt2.root.objects")
    case("schema-unknown-dtype", 8298, "a2c22ca33132b288", one(dtype="f4"), "zt2.part.dtype.unknown")
    case("schema-blob-arity", 8297, "437b304b667e0dde", one(blob=[4096]), "zt2.part.blob")
    three = objects(8, {"t": d("u8", [8], blob=[0, 4096, 8])})
    case("blob-array-with-three-elements", 4203, "73820934fcb75567", three, "zt2.part.blob")
    encoded = one(encoding="x.z/1")
    case("schema-encoding-without-decoded-length", 8313, "a2109a84c1621ec1", encoded, "zt2.part.decoded")
    typed = objects(4104, {"t": d("f32", [2], type="bool")})
    case("schema-ltype-dtype-mismatch", 8309, "839403838d927f83", typed, "zt2.part.type.storage")
    upper = one(digest="xxh3:00FF00FF00FF00FF")
    case("schema-digest-uppercase-hex", 8327, "fac6489e10c37e98", upper, "zt2.part.digest")

    def attributes(value):
        return objects(8, {}, attributes=value)

    case("attributes-not-a-map", 4158, "b15ad7930c512709", attributes(7), "zt2.root.attributes")
    case("attribute-key-not-text", 4160, "312e3676f9ae9e96", attributes({1: None}), "zt2.attributes.key")
    case("attribute-key-empty", 4160, "9fa2101457ca4101", attributes({"": None}), "zt2.name.form")
    case("attribute-key-nul", 4163, "d2c5e8f20c89bd42", attributes({"a\0b": None}), "zt2.name.form")
    of_object = objects(4104, {"t": {**d("u8", [8]), "attributes": 1}})
    case("object-attributes-not-a-map", 8310, "a3ec4d9a6d5d8fe7", of_object, "zt2.object.attributes")
    for name, key, size, sha in (
        ("name-empty", "", 8297, "2bd3779a48e16393"),
        ("name-nul", "a\0b", 8300, "ec058b95743fd1d2"),
        ("name-too-long", "n" * 1025, 9324, "85d3571fb32dc33f"),
    ):
        case(name, size, sha, objects(4104, {key: d("u8", [8])}), "zt2.name.form")
    rank = objects(4097, {"t": d("u8", [1] * 65, length=1)})
    case("shape-rank-65", 8363, "aabe00480bf2cada", rank, "zt2.shape.rank")
    case("shape-product-overflow", 8307, "20b57d3a74fc2729", one((2**64 - 1, 2)), "zt2.shape.overflow")


def published_blob_cases():
    def case(name, size, sha, content, rule):
        published_bad(name, size, sha, content, TAGS[rule], rule)

    case("blob-misaligned", 8298, "8be105818e76e79a", objects(4108, {"t": d("u8", [8], 4100)}), "zt2.blob.align")
    case("blob-offset-zero", 8296, "9b925df9d88793c4", objects(4104, {"t": d("u8", [8], 0)}), "zt2.blob.align")
    far = objects(4104, {"t": d("u8", [2**40], 4096, 2**40)})
    case("blob-out-of-bounds", 8314, "1158f5226f25d0b0", far, "zt2.blob.bounds")

    def two(**extra):
        return {"a": d("f32", [2048], 4096, 8192, **extra), "b": d("f32", [2], 8192, 8, **extra)}

    case("blob-partial-overlap", 12456, "e8254b490ba0a918", objects(12288, two()), "zt2.blob.overlap")
    shard = objects(8, two(shard="base"), shards=BASE)
    case("shard-blob-partial-overlap", 4339, "cdc3cb262d504230", shard, "zt2.blob.overlap")
    lost = objects(8, {"t": d("u8", [8], shard="base")})
    case("shard-ref-not-in-table", 4213, "533b2fef708406b1", lost, "zt2.shard.unknown")
    for name, key, size, sha, rule in (
        ("shard-table-key-not-text", 1, 4195, "9fbbb3eb96ca49bb", "zt2.shard.key"),
        ("shard-name-traversal", "../etc/passwd", 4208, "a1ca3896cf126425", "zt2.shard.name"),
        ("shard-name-separator", "sub/dir", 4202, "4f7dfdac79a8f4e7", "zt2.shard.name"),
        ("shard-name-empty", "", 4195, "079c346aa7548640", "zt2.shard.name"),
        ("shard-name-leading-dot", ".hidden", 4202, "580e0b0479d51e85", "zt2.shard.name"),
    ):
        case(name, size, sha, with_shards({key: BASE["base"]}), rule)


def published_layout_cases():
    def case(name, size, sha, content, rule, **verdict):
        published_bad(name, size, sha, content, TAGS[rule], rule, **verdict)

    parts = {"data": part("u8", 4096, 8), "extra": part("u8", 8192, 8)}
    extra = objects(8296, {"t": obj([8], "dense", parts)})
    case("dense-extra-part", 12420, "21dbc8d838c40178", extra, "zt2.dense.parts")
    case("dense-size-mismatch", 8299, "dde8b9f602bd9c13", objects(4104, {"t": d("f32", [3])}), "zt2.dense.length")
    f4 = objects(4100, {"t": d("u8", [5], length=4, type="f4_e2m1")})
    case("dense-f4-size-mismatch", 8311, "579252049d22ca8f", f4, "zt2.dense.length")
    parts = {"indices": part("u64", 4096, 24), "values": part("f32", 8192, 12)}
    missing = objects(8300, {"m": obj([2, 3], "zt.sparse_csr/1", parts)})
    case("csr-missing-part", 12438, "4841fc2fd7b09920", missing, "zt2.csr.parts")
    signed = objects(12300, {"m": csr_object("i64")})
    case("csr-signed-indices", 16563, "10e86d3403d58d1c", signed, "zt2.csr.dtype")
    short = objects(12300, {"m": csr_object(indptr=16)})
    case("csr-indptr-count", 16562, "2b86b03f4f62884f", short, "zt2.csr.length")
    values = objects(12300, {"m": csr_object(values=8)})
    case("csr-values-size", 16563, "634e229fe27e6a4f", values, "zt2.csr.length")
    for name, content, sha, rule in (
        ("csr-indptr-not-zero-based", csr(indptr=(1, 2, 3)), "d87fc7af5acc43aa", "sparse.indptr.start"),
        ("csr-index-out-of-cols", csr((0, 5, 1)), "769d5b4bda10f627", "sparse.index.bounds"),
        ("csr-row-not-increasing", csr((2, 0, 1)), "0607fe80f32aa0ab", "sparse.index.order"),
    ):
        case(name, 16563, sha, content, rule, where="read", tensor="m")
    boolean = one(type="bool")
    case("bool-invalid-byte", 8308, "55547578a0ab3f91", boolean, "content.bool", where="verify", tensor="t")
    f4 = objects(4099, {"t": d("u8", [5], length=3, type="f4_e2m1")})
    case("f4-nonzero-odd-nibble", 8311, "55e09f6c0c76944a", f4, "content.float4", where="verify", tensor="t")
    digest = one(digest="xxh3:" + "0" * 16)
    published_bad(
        "verify-digest-mismatch", 8327, "34c9497c78c00b52", digest, "Digest", "digest.mismatch", "mismatch", "read", "t"
    )
    encoded = objects(4101, {"t": d("u8", [8], length=5, encoding="x.z/1", decoded_length=8)})
    published_bad(
        "view-unknown-encoding-refused",
        8329,
        "0e8aeaf09c993ec0",
        encoded,
        "unsupported",
        "zt2.encoding.unknown",
        "unsupported",
        "read",
        "t",
    )


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


def manifest_of(content):
    offset, length = struct.unpack_from("<QQ", content, len(content) - 40)
    return content[offset : offset + length]


def main():
    for make in (
        published_good,
        published_frame_cases,
        published_cbor_cases,
        published_schema_cases,
        published_blob_cases,
        published_layout_cases,
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
    ):
        make()
    assert len(PUBLISHED) == 76
    write_cases("zt2", files, expected)
    good = {name: content for name, content in files.items() if expected[name]["code"] == "ok"}
    # The target puts a manifest into a file.
    write_seeds("zt2", {name.replace(".zt", ".cbor"): manifest_of(content) for name, content in good.items()})


if __name__ == "__main__":
    main()
