"""The cases that the project of generation 2 publishes, made again from their recipes: see zt2.py."""

import hashlib
import struct

from zt2_bytes import image, patched
from zt2_cases import (
    BASE,
    TAGS,
    bad,
    canonical_basic,
    csr,
    csr_object,
    d,
    data_shard,
    expected,
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
from zt12_bytes import struct_u64

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


def published_cases():
    published_good()
    published_frame_cases()
    published_cbor_cases()
    published_schema_cases()
    published_blob_cases()
    published_layout_cases()
    assert len(PUBLISHED) == 76
