"""What a case of zt2.py is, and what its files are made of."""

import hashlib

from zt2_bytes import MAGIC, PAGE, cbor, footer, image, patched, xxh3
from zt12_bytes import changed, struct_u64

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
