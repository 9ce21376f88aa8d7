"""The cases of dense tensors that are stored as deltas (spec/delta.md). See zt12.py."""

import struct

from delta_bytes import DELTA, FULL, PATCH, SAME, head, part, piece
from zt2_bytes import xxh3
from zt12_bytes import DROP, Map, changed, crc_text, frame, image, lay
from zt12_cases import GOOD, entry, good

BASE = struct.pack("<8H", 0x3F80, 0xBF00, 0x3C00, 0x4000, 0x3F80, 0x3F40, 0x3BF6, 0xBF80)
NEW = struct.pack("<8H", 0x3F80, 0xBF01, 0x3BFE, 0x4000, 0x3F80, 0x3F40, 0x3BF8, 0x3F80)
LAST = struct.pack("<8H", 0x3F80, 0xBF01, 0x3BFE, 0x4001, 0x3F80, 0x7FC1, 0x3BF8, 0x8000)
SKIP = 0x184D2A5E  # what a table begins with
HIDDEN = {"zt.delta": {"hidden": True}}
HERE = {"base": {"name": "b"}, "dtype": "bf16"}


class Blobs:
    """Blobs that lie one after another behind that of "good"."""

    def __init__(self):
        self.bytes = lay(b"abc")

    def add(self, blob):
        """Its place, as fields of a component."""
        at = 8 + len(self.bytes)
        self.bytes += lay(blob, start=at)
        return {"offset": at, "length": len(blob)}


def dense(place, dtype="bf16", shape=(8,), **fields):
    return {"shape": list(shape), "format": "dense", "components": {"data": {"dtype": dtype, **place}}, **fields}


def delta(place, note=None, shape=(8,), component=None, **fields):
    stored = changed({"dtype": "u8", **place}, component or {})
    attributes = {"zt.delta": HERE if note is None else note}
    fields = {"attributes": attributes, "components": {"delta": stored}, **fields}
    return changed({"shape": list(shape), "format": "zt.delta/1"}, fields)


def file_of(make, root=()):
    """`make` gets the blobs, and returns the tensors beside "good"."""
    blobs = Blobs()
    objects = make(blobs)
    return image(Map([("good", GOOD), *objects]), blobs.bytes, extra=root)


def over(content, base=BASE, b=None, root=(), **fields):
    """A file of a tensor "b", and of "w", which is stored as `content` over it."""

    def make(blobs):
        return [("b", {**dense(blobs.add(base)), **(b or {})}), ("w", delta(blobs.add(content), **fields))]

    return file_of(make, root)


def refused(case):
    whole = part(piece(BASE, NEW))
    place = {"offset": 64, "length": 3}
    case("parts.none", "zt12.delta.parts", over(whole, components={}))
    case("parts.role", "zt12.delta.parts", over(whole, components={"data": {"dtype": "u8", **place}}))
    both = Map([("delta", {"dtype": "u8", **place}), ("data", {"dtype": "u8", **place})])
    case("parts.two", "zt12.delta.parts", over(whole, components=both))
    for name, fields in (
        ("dtype", {"dtype": "bf16"}),
        ("type", {"type": "f8_e5m2"}),
        ("zstd", {"encoding": "zstd", "uncompressed_length": 16}),
        ("length", {"uncompressed_length": 84}),
    ):
        case("part." + name, "zt12.delta.part", over(whole, component=fields))
    case("dtype.missing", "zt12.delta.dtype", over(whole, note={"base": {"name": "b"}}))
    case("dtype.unknown", "zt12.part.dtype", over(whole, note={**HERE, "dtype": "f12"}), code="unsupported")
    case("ratio", "zt12.zstd.ratio", over(whole, shape=(2**40,)))


def refused_bases(case):
    whole = part(piece(BASE, NEW))
    for name, note in (
        ("none", {"dtype": "bf16"}),
        ("number", 7),
        ("text", {**HERE, "base": "b"}),
        ("name.number", {**HERE, "base": {"name": 7}}),
        ("twice", Map([("base", {"name": "b"}), ("base", {"name": "good"}), ("dtype", "bf16")])),
        ("hidden.number", {**HERE, "hidden": 1}),
        ("label.letter", {**HERE, "base": {"file": "a b"}}),
        ("label.long", {**HERE, "base": {"file": "a" * 65}}),
        ("missing", {**HERE, "base": {"name": "c"}}),
        ("dtype", {**HERE, "base": {"name": "good"}}),
        ("label.unknown", {**HERE, "base": {"file": "main", "name": "b"}}),
    ):
        case("base." + name, "delta.base", over(whole, note=note))
    case("base.attribute", "delta.base", over(whole, attributes=DROP))
    there = Map([("zt.delta", HERE), ("zt.delta", HERE)])
    case("base.attribute.twice", "delta.base", over(whole, attributes=there))
    case("base.sparse", "delta.base", over(whole, b={"format": "sparse_odd", "attributes": HIDDEN}))
    named = {**HERE, "base": {"file": "main", "name": "b"}}

    def names(text):
        return over(whole, note=named, root=[("attributes", {"ztensor.base.main": text})])

    for name, text in (
        ("number", 7),
        ("empty", ""),
        ("slash", "id a/b.zt"),
        ("up", "id .."),
        ("here", "id ."),
        ("nul", "id a\0b"),
    ):
        case("hint." + name, "delta.base", names(text))
    case("hint.missing", "delta.base.missing", names("id no-such-file.zt"), code="not_found")
    case("hint.none", "delta.base.missing", names("id"), code="not_found")
    many = {"ztensor.base.main": "id", **{f"ztensor.base.m{i}": "id" for i in range(64)}}
    case("labels", "delta.base.labels", over(whole, note=named, root=[("attributes", many)]), code="limit")
    case("cycle.self", "delta.base.cycle", over(whole, note={**HERE, "base": {"name": "w"}}))

    def circle(blobs):
        return [
            ("v", delta(blobs.add(whole), note={**HERE, "base": {"name": "w"}, "hidden": True})),
            ("w", delta(blobs.add(whole), note={**HERE, "base": {"name": "v"}})),
        ]

    case("cycle.two", "delta.base.cycle", file_of(circle))
    case("depth", "delta.base.depth", file_of(lambda blobs: chain(blobs, 9)), code="limit")


def chain(blobs, levels):
    """Deltas that change nothing, over each other: hidden "b0" is raw, and "w" the last of `levels` deltas."""
    hidden = {"hidden": True}
    made = [("b0", dense(blobs.add(BASE), attributes={"zt.delta": hidden}))]
    for level in range(1, levels + 1):
        note = {**HERE, "base": {"name": f"b{level - 1}"}, **hidden}
        made.append((f"b{level}", delta(blobs.add(b""), note=note)))
    last = made.pop()[1]
    note = {key: value for key, value in last["attributes"]["zt.delta"].items() if key != "hidden"}
    return [*made, ("w", {**last, "attributes": {"zt.delta": note}})]


def refused_bytes(case):
    whole = part(piece(BASE, NEW))
    stored, content = piece(BASE, NEW)
    case("table.magic", "delta.table", over(whole[:-1] + b"\0"))
    case("table.rows", "delta.table", over(part(piece(BASE, NEW), piece(BASE, NEW))))
    case(
        "table.sum",
        "delta.table",
        over(part((stored + b"\0", content)).replace(b"\0" + struct.pack("<I", SKIP), struct.pack("<I", SKIP))),
    )
    case("table.none", "delta.table", over(stored))
    case("empty.short", "delta.base", over(b"", base=BASE + bytes(2), b={"shape": [9]}))
    case("header.mode", "delta.header", over(part(piece(BASE, NEW, mode=DELTA, **{"zero": 1}))))
    wrong = head(9, BASE, NEW) + frame(b"")
    case("header.unknown", "delta.header", over(part((wrong, 0))))
    case("lengths.row", "delta.lengths", over(part((stored, content - 1))))
    lists = head(PATCH, BASE, NEW, 0, 2) + frame(b"\0\0\1\2\3")
    case("lengths.odd", "delta.lengths", over(part((lists, 5))))
    behind = head(PATCH, BASE, NEW, 0, 1) + frame(b"\x08\1\2")
    case("position", "delta.position", over(part((behind, 3))))
    case("base.check", "delta.base.check", over(whole, base=NEW), code="mismatch")
    result = piece(BASE, LAST)[0][24:32]
    case(
        "result.check", "delta.result.check", over(part((stored[:24] + result + stored[32:], content))), code="mismatch"
    )
    case("frame.size", "zstd.frame.size", over(part((stored, content + 4))))
    digest = {**HERE, "digest": "xxh3:%016x" % xxh3(LAST)}
    case("digest", "digest.mismatch", over(whole, note=digest), code="mismatch")


def accepted():
    def fine(name, content, decoded=NEW, dtype="bfloat16"):
        good("delta", "ok." + name, content, dtype, [len(decoded) // 2], {"data": decoded})

    for name, mode in (("bf16", DELTA), ("patch", PATCH), ("full", FULL)):
        fine(name, over(part(piece(BASE, NEW, mode=mode))))
    fine("same", over(part(piece(BASE, BASE, mode=SAME))), BASE)
    fine("empty", over(b""), BASE)
    fine("component.digest", over(part(piece(BASE, NEW)), component={"digest": crc_text(part(piece(BASE, NEW)))}))
    fine("digest", over(part(piece(BASE, NEW)), note={**HERE, "digest": "xxh3:%016x" % xxh3(NEW)}))
    fine("attributes", over(part(piece(BASE, NEW)), attributes={"a": 1, "zt.delta": HERE}))
    grown = NEW + struct.pack("<2H", 0x3C01, 0x8000)
    fine("grown", over(part(piece(BASE, grown)), shape=(10,)), grown)
    fine("cut", over(part(piece(BASE, NEW[:10])), shape=(5,)), NEW[:10])
    fine("hidden", over(part(piece(BASE, NEW)), b={"attributes": HIDDEN}))
    fine("depth", file_of(lambda blobs: chain(blobs, 8)), BASE)

    def steps(blobs):
        return [
            ("b", dense(blobs.add(BASE), attributes={"zt.delta": {"hidden": True}})),
            ("v", delta(blobs.add(part(piece(BASE, NEW))))),
            ("w", delta(blobs.add(part(piece(NEW, LAST))), note={**HERE, "base": {"name": "v"}})),
        ]

    fine("chain", file_of(steps), LAST)


def delta_cases():
    def case(name, rule, content, **verdict):
        entry("delta", name, rule, content, **verdict)

    refused(case)
    refused_bases(case)
    refused_bytes(case)
    accepted()
