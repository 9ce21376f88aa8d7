"""The cases of dense tensors that are stored as byte planes (spec/planes.md). See zt12.py."""

import struct

from zt12_bytes import DROP, Map, Raw, changed, frame, lay, seek_table
from zt12_cases import beside_good, entry, good

FLOATS = struct.pack("<4H", 0x3F80, 0xBF80, 0x3F00, 0x4049)  # bfloat16 1, -1, 0.5, 3.140625


def planes_of(elements, width, rotates):
    """The least significant plane first. Floats are rotated left by a bit."""
    words = [int.from_bytes(elements[i : i + width], "little") for i in range(0, len(elements), width)]
    if rotates:
        top = 8 * width - 1
        words = [word << 1 & (1 << 8 * width) - 1 | word >> top for word in words]
    return b"".join(bytes(word >> 8 * k & 255 for word in words) for k in range(width))


def stored_planes(pieces, sizes=None):
    frames = [frame(piece, checksum=True) for piece in pieces]
    return b"".join(frames) + seek_table(
        [(len(made), size) for made, size in zip(frames, sizes or [len(piece) for piece in pieces])]
    )


def tensor(content, part=None, obj=None, dtype="bf16", decoded=8):
    fields = {"dtype": "u8", "offset": 128, "length": len(content), "uncompressed_length": decoded, "encoding": "zstd"}
    w = {
        "shape": [4],
        "format": "zt.planes/1",
        "attributes": {"zt.planes.dtype": dtype},
        "components": {"planes": changed(fields, part or {})},
    }
    return beside_good(changed(w, obj or {}), lay(content, start=128))


def planes_cases():
    whole = stored_planes([planes_of(FLOATS, 2, True)])

    def case(name, rule, content, **verdict):
        entry("planes", name, rule, content, **verdict)

    case("parts.none", "zt12.planes.parts", tensor(whole, obj={"components": {}}))
    data = {"dtype": "u8", "offset": 64, "length": 3}
    case("parts.role", "zt12.planes.parts", tensor(whole, obj={"components": {"data": data}}))
    both = Map([("planes", data), ("data", data)])
    case("parts.two", "zt12.planes.parts", tensor(whole, obj={"components": both}))
    for name, fields in (
        ("dtype", {"dtype": "bf16"}),
        ("type", {"type": "f8_e5m2"}),
        ("raw", {"encoding": "raw", "uncompressed_length": DROP}),
        ("unsaid", {"uncompressed_length": DROP}),
    ):
        case("part." + name, "zt12.planes.part", tensor(whole, fields))
    for name, attributes in (
        ("none", DROP),
        ("missing", {"a": 1}),
        ("number", {"zt.planes.dtype": 2}),
        ("empty", {"zt.planes.dtype": ""}),
    ):
        case("dtype." + name, "zt12.planes.dtype", tensor(whole, obj={"attributes": attributes}))
    twice = Map([("zt.planes.dtype", "bf16"), ("zt.planes.dtype", "i16")])
    case("dtype.twice", "zt12.planes.dtype", tensor(whole, obj={"attributes": twice}))
    empty = Map([("zt.planes.dtype", ""), ("zt.planes.dtype", "bf16")])
    case("dtype.twice.empty", "zt12.planes.dtype", tensor(whole, obj={"attributes": empty}))
    case("dtype.unknown", "zt12.part.dtype", tensor(whole, dtype="f12"), code="unsupported")
    case("length", "zt12.dense.length", tensor(whole, decoded=7))
    case("length.dtype", "zt12.dense.length", tensor(whole, dtype="f32"))
    case("ratio", "zt12.zstd.ratio", tensor(whole, obj={"shape": [2**40]}, decoded=2**41))
    thirds = [planes_of(FLOATS, 2, True)[i : i + 3] for i in (0, 3, 6)]
    case("width", "planes.width", tensor(stored_planes(thirds)))
    case("table.magic", "zstd.table.magic", tensor(whole[:-1] + b"\0"))
    case("table.decoded", "zstd.table.decoded", tensor(stored_planes([planes_of(FLOATS, 2, True)], [6])))
    case("frame.size", "zstd.frame.size", tensor(stored_planes([planes_of(FLOATS[:4], 2, True)], [8])))
    flipped = bytearray(whole)
    flipped[9] ^= 1
    case("frame.checksum", "zstd.frame.checksum", tensor(bytes(flipped)))

    def fine(name, content, decoded, dtype):
        good("planes", "ok." + name, content, dtype, [4], {"data": decoded})

    fine("bf16", tensor(whole), FLOATS, "bfloat16")
    fine("attributes", tensor(whole, obj={"attributes": {"a": 1, "zt.planes.dtype": "bf16"}}), FLOATS, "bfloat16")
    chunks = Raw(b"\x7f\x62bf\x6216\xff")
    fine("chunks", tensor(whole, obj={"attributes": {"zt.planes.dtype": chunks}}), FLOATS, "bfloat16")
    bytes_too = Map([(b"zt.planes.dtype", "i16"), ("zt.planes.dtype", "bf16")])
    fine("bytes.key", tensor(whole, obj={"attributes": bytes_too}), FLOATS, "bfloat16")
    halves = stored_planes([planes_of(FLOATS[:4], 2, True), planes_of(FLOATS[4:], 2, True)])
    fine("pieces", tensor(halves), FLOATS, "bfloat16")
    for word, name, width, rotates in (
        ("i16", "int16", 2, False),
        ("f32", "float32", 4, True),
        ("u32", "uint32", 4, False),
        ("f64", "float64", 8, True),
        ("i64", "int64", 8, False),
        ("f8_e4m3fn", "float8_e4m3fn", 1, False),
    ):
        elements = bytes(range(0x7B, 0x7B + 4 * width))
        content = tensor(stored_planes([planes_of(elements, width, rotates)]), dtype=word, decoded=len(elements))
        fine(word, content, elements, name)
    pairs = bytes(range(0x70, 0x90))
    content = tensor(stored_planes([planes_of(pairs, 4, True)]), dtype="complex64", decoded=len(pairs))
    fine("complex64", content, pairs, "complex64")
