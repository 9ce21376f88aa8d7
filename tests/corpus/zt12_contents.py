"""The cases of what parts hold, whatever the manifest says: zstd, digests and sparse tensors. See zt12.py."""

import struct

from zt12_bytes import (
    DROP,
    crc32c,
    crc_text,
    frame,
    raw_block,
    seek_table,
    sha_text,
    struct_u64,
)
from zt12_cases import (
    DATA,
    as_part,
    composite,
    coo,
    csr,
    dense,
    entry,
    good,
    rle_frame,
    zstd_part,
)


def zstd_cases():
    def stored(name, rule, stored_bytes, decoded, **verdict):
        entry("zstd", name, rule, zstd_part(stored_bytes, decoded), **verdict)

    def seekable(frames, sizes=None):
        return b"".join(frames) + seek_table(sizes or [(len(f), 4) for f in frames])

    halves = [frame(DATA[:4], checksum=True), frame(DATA[4:8], checksum=True)]
    flipped = halves[1][:-1] + bytes([halves[1][-1] ^ 1])
    stored("frame.checksum", "zstd.frame.checksum", halves[0] + flipped, 8)
    stored("frame.checksum.table", "zstd.frame.checksum", seekable([halves[0], flipped]), 8)
    stored("frame.corrupt.block", "zstd.frame.corrupt", frame(DATA, blocks=struct.pack("<I", 3 | 3 << 1)[:3]), 16)
    stored("frame.corrupt.size", "zstd.frame.corrupt", frame(DATA, size=20), 16)
    stored(
        "frame.corrupt.table",
        "zstd.frame.corrupt",
        seekable([halves[0], frame(DATA[4:8], blocks=struct.pack("<I", 3 | 3 << 1)[:3])]),
        8,
    )
    stored("frame.header", "zstd.frame.header", frame(DATA, descriptor=8), 16)
    stored("frame.magic.first", "zstd.frame.magic", b"ABCD" + frame(DATA), 16)
    stored("frame.magic.trailing", "zstd.frame.magic", frame(DATA) + b"ABCD", 16)
    stored("frame.magic.0.7", "zstd.frame.magic", b"\x27" + frame(DATA)[1:], 16)
    stored("frame.size.less", "zstd.frame.size", seekable(halves, [(len(halves[0]), 5), (len(halves[1]), 3)]), 8)
    # With these tables, pieces cannot be counted. So the frames are read as a stream, whatever the table says.
    uneven = [frame(DATA[:1]), frame(DATA[1:8])]
    for name, frames, sizes in (
        ("larger", uneven, (1, 7)),
        ("lies", halves, (3, 5)),
        ("empty", [frame(DATA[:8]), frame(b"")], (8, 0)),
    ):
        table = [(len(stored_frame), size) for stored_frame, size in zip(frames, sizes)]
        good("zstd", "ok.table.last." + name, zstd_part(seekable(frames, table), 8), "uint8", [8], {"data": DATA[:8]})
    stored("truncated.table", "zstd.truncated", seekable(halves, [(len(halves[0]) - 1, 4), (len(halves[1]) + 1, 4)]), 8)
    stored("window", "zstd.window", frame(DATA, window=0x89), 16, code="limit")
    stored("window.single", "zstd.window", frame(DATA, size=2**31), 16, code="limit")
    stored("dictionary", "zstd.dictionary", frame(DATA, dictionary=7), 16, code="unsupported")
    stored(
        "dictionary.table",
        "zstd.dictionary",
        seekable([halves[0], frame(DATA[:4], dictionary=7)]),
        8,
        code="unsupported",
    )
    stored("stream.empty", "zstd.stream.empty", b"", 0)
    stored("stream.long", "zstd.stream.long", frame(DATA), 15)
    stored("stream.long.second", "zstd.stream.long", frame(DATA) + frame(b"x"), 16)
    stored("stream.short", "zstd.stream.short", frame(DATA), 17)
    stored("stream.short.none", "zstd.stream.short", b"", 17)
    stored("stream.short.skippable", "zstd.stream.short", b"\x50\x2a\x4d\x18\x02\0\0\0ab", 1)
    stored("stream.truncated", "zstd.stream.truncated", frame(DATA, blocks=raw_block(DATA, last=False)), 16)
    stored("stream.truncated.header", "zstd.stream.truncated", frame(DATA) + frame(b"x")[:5], 16)
    stored("stream.truncated.checksum", "zstd.stream.truncated", frame(DATA, checksum=True)[:-1], 16)
    measured = {"uncompressed_length": DROP, "encoding": "zstd"}
    for name, content, rule, code, limits in (
        ("stream.limit", rle_frame(100), "zstd.stream.limit", "limit", {"decoded_bytes": 64}),
        ("stream.truncated.measured", rle_frame(100)[:-1], "zstd.stream.truncated", "malformed", None),
    ):
        entry(
            "zstd",
            name,
            rule,
            composite("acme", [9], {"a": ("u8", content)}, {"a": measured}),
            code=code,
            limits=limits,
        )

    def fine(name, stored_bytes, decoded, **part):
        good(
            "zstd",
            "ok." + name,
            zstd_part(stored_bytes, len(decoded), part),
            "uint8",
            [len(decoded)],
            {"data": decoded},
        )

    fine("frame", frame(DATA), DATA)
    fine("frames", frame(DATA[:4]) + frame(b"") + frame(DATA[4:], checksum=True), DATA)
    fine("skippable", b"\x5f\x2a\x4d\x18\0\0\0\0" + frame(DATA) + b"\x50\x2a\x4d\x18\x02\0\0\0ab", DATA)
    fine("skippable.only", b"\x50\x2a\x4d\x18\x02\0\0\0ab", b"")
    fine("empty", frame(b""), b"")
    fine("table", seekable(halves), DATA[:8])
    fine("table.wrong", seekable(halves, [(len(halves[0]), 4), (len(halves[1]), 5)]), DATA[:8])
    fine("table.huge", seekable(halves)[:-9] + b"\xff\xff\xff\x1f" + seekable(halves)[-5:], DATA[:8])
    fine("rle", rle_frame(200), b"\7" * 200)
    fine("window", frame(DATA, window=0x88), DATA)
    fine("unsaid", frame(DATA), DATA, uncompressed_length=DROP)
    fine("digest", frame(DATA), DATA, digest=crc_text(frame(DATA)))
    good(
        "zstd",
        "ok.measured",
        composite("acme", [9], {"a": ("u8", rle_frame(100))}, {"a": measured}),
        None,
        [9],
        {"a": b"\7" * 100},
        "acme",
    )


def digest_cases():
    def digest(name, text, **verdict):
        entry("digest", name, "digest." + name.split(".")[0], dense({"digest": text}), code="mismatch", **verdict)

    wrong = crc_text(DATA[:-1])
    entry("digest", "text", "zt12.digest.text", dense({"digest": 1}))
    entry("digest", "text.bytes", "zt12.digest.text", dense({"digest": b"\xff"}))
    digest("mismatch.crc32c", wrong)
    digest("mismatch.sha256", sha_text(DATA[:-1]), where="verify")
    for name, text in (("letters", "crc32c:0xZZZZZZZZ"), ("none", "crc32c:0x"), ("wide", "crc32c:0x1FFFFFFFF")):
        digest("form.crc32c." + name, text)
    for name, text in (
        ("short", sha_text(DATA)[:-1]),
        ("long", sha_text(DATA) + "0"),
        ("letters", "sha256:" + "g" * 64),
    ):
        digest("form.sha256." + name, text, where="verify")
    coded = frame(DATA)
    entry(
        "digest",
        "mismatch.decoded",
        "digest.mismatch",
        zstd_part(coded, 16, {"digest": crc_text(DATA)}),
        code="mismatch",
    )
    table = coded + seek_table([(len(coded), 16)])
    entry(
        "digest",
        "mismatch.table",
        "digest.mismatch",
        zstd_part(table[:-5] + b"\x80" + table[-4:], 16, {"digest": crc_text(table)}),
        code="mismatch",
    )
    crc = crc32c(DATA)
    for name, text in (
        ("lower", "crc32c:0X%08x" % crc),
        ("zeros", "crc32c:0x+000%08x" % crc),
        ("sha256", sha_text(DATA)),
        ("sha256.upper", "sha256:" + sha_text(DATA)[7:].upper()),
        ("unknown", "md5:0"),
        ("no.prefix", "crc32c:00000000"),
        ("none", ""),
    ):
        good("digest", "ok." + name, dense({"digest": text}), "float32", [4], {"data": DATA})


def sparse_cases():
    def index(name, rule, content, **verdict):
        entry("sparse", name, rule, content, **verdict)

    index(
        "parts.values",
        "zt12.sparse.parts",
        composite("sparse_csr", [1, 1], {"indices": as_part((0,)), "indptr": as_part((0, 1))}),
    )
    index(
        "parts.indices",
        "zt12.sparse.parts",
        composite("sparse_csr", [1, 1], {"values": ("f32", bytes(4)), "indptr": as_part((0, 1))}),
    )
    index(
        "parts.indptr",
        "zt12.sparse.parts",
        composite("sparse_csr", [1, 1], {"values": ("f32", bytes(4)), "indices": as_part((0,))}),
    )
    index("parts.coords", "zt12.sparse.parts", composite("sparse_coo", [1, 1], {"values": ("f32", bytes(4))}))
    index("rank", "zt12.sparse.rank", csr(shape=(2, 3, 1)))
    index("rank.one", "zt12.sparse.rank", csr(shape=(2,)))
    index("shape.overflow", "zt12.shape.overflow", coo(shape=(2**33, 2**33)))
    index("values.length", "sparse.values.length", csr(values=bytes(11)))
    index("values.length.coo", "sparse.values.length", coo(values=bytes(13)))
    index("index.dtype", "sparse.index.dtype", csr(indices=("f64", bytes(24))))
    index("index.dtype.indptr", "sparse.index.dtype", csr(indptr=("bool", bytes(3))))
    index("index.length.ragged", "sparse.index.length", csr(indices=("u64", bytes(23))))
    index("index.length.csr", "sparse.index.length", csr(indices=(0, 2)))
    index("index.length.coo", "sparse.index.length", coo(coords=(0, 1, 1, 0, 2)))
    index("index.length.values", "sparse.index.length", coo(values=bytes(16)))
    index("index.bounds.csr", "sparse.index.bounds", csr(indices=(0, 3, 1)))
    index("index.bounds.coo", "sparse.index.bounds", coo(coords=(0, 2, 1, 0, 2, 1)))
    index("index.bounds.most", "sparse.index.bounds", csr(indices=(0, 2**64 - 1, 1)))
    index("index.bounds.negative", "sparse.index.bounds", csr(indices=("i32", struct.pack("<3i", 0, -1, 1))))
    index("indptr.length", "sparse.indptr.length", csr(indptr=(0, 3)))
    index("indptr.length.none", "sparse.indptr.length", csr(indptr=("u64", b"")))
    index("indptr.length.wrap", "sparse.indptr.length", csr(indptr=("u64", b""), shape=(2**64 - 1, 1)))
    index("indptr.start", "sparse.indptr.start", csr(indptr=(1, 2, 3)))
    index("indptr.order", "sparse.indptr.order", csr(indptr=(0, 4, 3)))
    index("indptr.end.less", "sparse.indptr.end", csr(indptr=(0, 2, 2)))
    index("indptr.end.more", "sparse.indptr.end", csr(indptr=(0, 2, 4)))

    def fine(name, content, shape, layout, parts):
        good("sparse", "ok." + name, content, "float32", shape, parts, layout)

    values = bytes(12)
    fine(
        "csr",
        csr(),
        [2, 3],
        "sparse_csr",
        {"values": values, "indices": struct_u64(0, 2, 1), "indptr": struct_u64(0, 2, 3)},
    )
    fine(
        "csr.unsorted",
        csr(indices=(2, 2, 1)),
        [2, 3],
        "sparse_csr",
        {"values": values, "indices": struct_u64(2, 2, 1), "indptr": struct_u64(0, 2, 3)},
    )
    narrow = csr(indices=("i16", struct.pack("<3h", 0, 2, 1)), indptr=("u8", bytes((0, 2, 3))))
    fine(
        "csr.narrow",
        narrow,
        [2, 3],
        "sparse_csr",
        {"values": values, "indices": struct.pack("<3h", 0, 2, 1), "indptr": bytes((0, 2, 3))},
    )
    fine(
        "csr.empty",
        csr(b"", ("u64", b""), (0,), (0, 0)),
        [0, 0],
        "sparse_csr",
        {"values": b"", "indices": b"", "indptr": struct_u64(0)},
    )
    fine("coo", coo(), [2, 3], "sparse_coo", {"values": values, "coords": struct_u64(0, 1, 1, 0, 2, 1)})
    fine("coo.scalar", coo(bytes(4), ("u64", b""), ()), [], "sparse_coo", {"values": bytes(4), "coords": b""})
