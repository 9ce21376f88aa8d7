#!/usr/bin/env python3
"""Writes tests/conformance/*/gguf/: for each rule a file that breaks only it, controls, and expected.json.

Each file to reject is a valid file with one change. Comments give the numbers of the cases in the list of hostile files
that the decoder was designed against; cases that need large files are in src/foreign/gguf/*_test.cc.
"""

import hashlib
import struct

from cases import write_cases, write_seeds

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = dict(zip(range(13), "B b H h I i f ? - - Q q d".split(), strict=True))
F32_TYPE, F16_TYPE, Q4_0, Q8_0, I8_TYPE = 0, 1, 2, 8, 24

files = {}
expected = {}
seeds = []


class Form:
    """How a file spells numbers. `old`: version 1, whose lengths have 32 bits."""

    def __init__(self, version=3, order="<", magic=b"GGUF"):
        self.version, self.order, self.magic = version, order, magic

    def pack(self, code, *values):
        return struct.pack(self.order + code, *values)

    def length(self, number):
        return self.pack("I" if self.version == 1 else "Q", number)

    def string(self, text, length=None):
        text = text if isinstance(text, bytes) else text.encode()
        return self.length(len(text) if length is None else length) + text

    def value(self, kind, value):
        if kind == STRING:
            return self.string(value)
        if kind == ARRAY:
            item, items = value
            return self.pack("I", item) + self.length(len(items)) + b"".join(self.value(item, one) for one in items)
        return self.pack(FORMATS[kind], value)

    def member(self, key, kind, value):
        return self.string(key) + self.pack("I", kind) + self.value(kind, value)

    def info(self, name, dimensions, kind, offset, rank=None):
        sizes = b"".join(self.length(size) for size in dimensions)
        rank = len(dimensions) if rank is None else rank
        return self.string(name) + self.pack("I", rank) + sizes + self.pack("IQ", kind, offset)

    def head(self, tensors, keys):
        return self.magic + self.pack("I", self.version) + self.length(tensors) + self.length(keys)


LITTLE = Form()


def data(length):
    return bytes(i % 251 for i in range(length))


def pad(content, alignment=32):
    return content + bytes(-len(content) % alignment)


def image(members=(), infos=(), buffer=b"", form=LITTLE, alignment=32):
    """A file of encoded members and infos. Without infos there is no data, and no padding."""
    content = form.head(len(infos), len(members)) + b"".join(members) + b"".join(infos)
    return pad(content, alignment) + buffer if infos else content


W = LITTLE.info("w", [8], F32_TYPE, 0)  # the tensor of most files
ONE = LITTLE.member("general.name", STRING, "x")


def add(name, content, verdict):
    name += ".gguf"
    assert name not in files and len(content) < 4096, name
    files[name] = content
    expected[name] = verdict


def bad(name, content, rule, code="malformed", **verdict):
    """A file that cannot be opened."""
    add(name, content, {"code": code, "rule": rule, "where": "open", **verdict})


def entry(name, infos, buffer, rule, code="malformed", members=(), **more):
    """A file whose tensor "odd" is unreadable; its others are valid."""
    verdict = {"code": code, "rule": rule, "where": "read", "tensor": "odd"}
    add(name, image(members, infos, buffer, **more), verdict)


def good(name, content, tensors, notes=0, buffer=b"", alignment=32):
    """`tensors`: name -> (dtype, layout, shape, begin, end) in the buffer, which ends the file."""
    base = len(content) - len(buffer)
    found = {}
    for key, (dtype, layout, shape, begin, end) in tensors.items():
        found[key] = {"layout": layout, "shape": shape, "offset": base + begin, "length": end - begin}
        if dtype is not None:
            found[key]["dtype"] = dtype
    add("ok." + name, content, {"code": "ok", "tensors": found, "notes": notes})
    seeds.append("ok." + name + ".gguf")


def every_kind(form):
    """A member of each type of values."""
    numbers = {U8: 200, I8: -5, U16: 60000, I16: -30000, U32: 4000000000, I32: -2000000000, F32: 0.5, U64: 2**64 - 1}
    numbers |= {I64: -(2**63), F64: 0.1}
    members = [form.member(f"number.{kind}", kind, value) for kind, value in numbers.items()]
    members += [form.member(f"list.{kind}", ARRAY, (kind, [value, value])) for kind, value in numbers.items()]
    members += [form.member(f"none.{kind}", ARRAY, (kind, [])) for kind in range(13)]
    members.append(form.member("flag", BOOL, True))
    members.append(form.member("flags", ARRAY, (BOOL, [True, False])))
    members.append(form.member("text", STRING, "a\u00e4\u4e2d"))
    members.append(form.member("piece", STRING, b"\xe4\xb8"))  # a piece of a character
    members.append(form.member("texts", ARRAY, (STRING, ["a", "", b"\xff"])))
    members.append(form.member("nested", ARRAY, (ARRAY, [(U8, [1, 2]), (STRING, ["a"]), (ARRAY, [(I32, [])])])))
    # GG-24: a NaN keeps its bits
    members.append(form.string("nan") + form.pack("II", F32, 0x7FA00001))
    return members


def controls():
    # GG-26
    for name, form in (
        ("v1", Form(1)),
        ("v2", Form(2)),
        ("v3", Form(3)),
    ):
        infos = [form.info("a", [3, 2], F32_TYPE, 0), form.info("b", [32, 2], Q4_0, 32)]
        content = image(every_kind(form)[:20], infos, data(24) + bytes(8) + data(36) + bytes(28), form)
        tensors = {"a": ("float32", "dense", [2, 3], 0, 24), "b": (None, "gguf.q4_0/1", [2, 32], 32, 68)}
        good(name, content, tensors, buffer=bytes(96))
    good("kinds", image(every_kind(LITTLE)), {})
    good("vocabulary", image([ONE]), {})
    good("vocabulary.padded", pad(image([ONE])), {})
    good("none", image(), {})
    for number, (name, magic) in enumerate((("old", b"GGUF"), ("new", b"FUGG"))):
        form = Form(3, ">", magic)
        infos = [form.info("w", [3, 2], F32_TYPE, 0), form.info("b", [4], I8_TYPE, 32)]
        buffer = struct.pack(">6f", 1, 2, 3, 4, 5, 6) + bytes(8) + data(4)
        content = image(every_kind(form)[number : 20 + number], infos, buffer, form)
        little = hashlib.sha256(struct.pack("<6f", 1, 2, 3, 4, 5, 6)).hexdigest()
        parts = {
            "w": {"dtype": "float32", "shape": [2, 3], "layout": "dense", "parts": {"data": little}, "view": True},
            "b": {"dtype": "int8", "shape": [4], "layout": "dense", "offset": len(content) - 4, "length": 4},
        }
        add("ok.big." + name, content, {"code": "ok", "tensors": parts, "notes": 0})
        seeds.append("ok.big." + name + ".gguf")
    aligned = [LITTLE.member("general.alignment", U32, 1024)]
    content = image(aligned, [W, LITTLE.info("x", [4], I8_TYPE, 1024)], data(32) + bytes(992) + data(4), alignment=1024)
    tensors = {"w": ("float32", "dense", [8], 0, 32), "x": ("int8", "dense", [4], 1024, 1028)}
    good("alignment", content, tensors, buffer=bytes(1028))
    single = image(
        [LITTLE.member("general.alignment", U32, 1)], [LITTLE.info("x", [3], I8_TYPE, 0)], data(3), alignment=1
    )
    good("alignment.one", single, {"x": ("int8", "dense", [3], 0, 3)}, buffer=bytes(3))
    # GG-15: a scalar
    good(
        "scalar",
        image([], [LITTLE.info("s", [], F32_TYPE, 0)], data(4)),
        {"s": ("float32", "dense", [], 0, 4)},
        buffer=bytes(4),
    )
    # GG-22: the padding behind the last tensor may be missing, or cut
    for name, size in (("none", 36), ("cut", 50), ("whole", 64)):
        content = image([], [LITTLE.info("w", [9], F32_TYPE, 0)], data(36) + bytes(size - 36))
        good("tail." + name, content, {"w": ("float32", "dense", [9], 0, 36)}, buffer=bytes(size))
    infos = [LITTLE.info("w", [8], F32_TYPE, 0), LITTLE.info("e", [4, 0], F32_TYPE, 0), LITTLE.info("z", [0], Q8_0, 32)]
    empty = {
        "w": ("float32", "dense", [8], 0, 32),
        "e": ("float32", "dense", [0, 4], 0, 0),
        "z": (None, "gguf.q8_0/1", [0], 32, 32),
    }
    good("empty", image([], infos, data(32)), empty, buffer=bytes(32))
    infos = [LITTLE.info("b", [8], F32_TYPE, 96), LITTLE.info("a", [4], I8_TYPE, 0)]
    content = image([], infos, data(128))
    loose = {"b": ("float32", "dense", [8], 96, 128), "a": ("int8", "dense", [4], 0, 4)}
    good("loose", content, loose, notes=1, buffer=bytes(128))
    # GG-25: the file tells that it is one of several
    split = [
        LITTLE.member("split.no", U16, 0),
        LITTLE.member("split.count", U16, 3),
        LITTLE.member("split.tensors.count", I32, 7),
    ]
    good("split", image(split, [W], data(32)), {"w": ("float32", "dense", [8], 0, 32)}, notes=1, buffer=bytes(32))
    every_type()


def every_type():
    dense = {
        0: ("float32", 4),
        1: ("float16", 2),
        24: ("int8", 1),
        25: ("int16", 2),
        26: ("int32", 4),
        27: ("int64", 8),
    }
    dense |= {28: ("float64", 8), 30: ("bfloat16", 2)}
    blocks = "2 q4_0 32 18, 3 q4_1 32 20, 6 q5_0 32 22, 7 q5_1 32 24, 8 q8_0 32 34, 9 q8_1 32 36, 10 q2_k 256 84, "
    blocks += "11 q3_k 256 110, 12 q4_k 256 144, 13 q5_k 256 176, 14 q6_k 256 210, 15 q8_k 256 292, 16 iq2_xxs 256 66, "
    blocks += (
        "17 iq2_xs 256 74, 18 iq3_xxs 256 98, 19 iq1_s 256 50, 20 iq4_nl 32 18, 21 iq3_s 256 110, 22 iq2_s 256 82, "
    )
    blocks += "23 iq4_xs 256 136, 29 iq1_m 256 56, 34 tq1_0 256 54, 35 tq2_0 256 66, 39 mxfp4 32 17, 40 nvfp4 64 36, "
    blocks += "41 q1_0 128 18, 42 q2_0 64 18"
    types = {kind: (dtype, dtype, 1, size) for kind, (dtype, size) in dense.items()}
    for row in blocks.split(", "):
        kind, word, elements, size = row.split()
        types[int(kind)] = (None, word, int(elements), int(size))
    for number, chosen in enumerate((sorted(types)[:18], sorted(types)[18:])):
        infos, tensors, at = [], {}, 0
        for kind in chosen:
            dtype, word, elements, size = types[kind]
            infos.append(LITTLE.info(word, [elements], kind, at))
            tensors[word] = (dtype, "dense" if dtype else f"gguf.{word}/1", [elements], at, at + size)
            at += -(-size // 32) * 32
        good(f"types.{number}", image([], infos, data(at)), tensors, buffer=bytes(at))


# GG-06, GG-13 and the long string of GG-26: KeepsAnArrayOfBytesAsBytes, OpensManyKeysAndTensors and
# TakesStringsThatAreLongerThanItsWindow in src/foreign/gguf/decode_test.cc.


def frame_cases():
    whole = image([ONE], [W], data(32))
    # GG-01
    bad("magic.none", b"\0GGU" + whole[4:], "gguf.magic")
    bad("file.text", whole[:3], "format.text", code="unsupported")
    for size in (0, 4, 7, 8, 15, 16, 23):
        bad(f"file.truncated.{size}", whole[:size], "gguf.file.truncated")
    for name, size in (("value", 49), ("info", 70)):
        bad("file.truncated." + name, whole[:size], "gguf.file.truncated")
    bad("file.truncated.key", image([ONE])[:40], "gguf.file.truncated")
    # GG-02
    for name, version in (("0", 0), ("4", 4), ("v2big", 0x02000000), ("low", 0x00030000), ("most", 2**32 - 1)):
        bad("version." + name, b"GGUF" + struct.pack("<I", version) + whole[8:], "gguf.version", code="unsupported")
    bad("version.v2fugg", b"FUGG" + struct.pack(">I", 2) + whole[8:], "gguf.version", code="unsupported")
    # GG-03
    for name, count in (("most", 2**64 - 1), ("half", 2**63), ("billion", 10**9)):
        head = b"GGUF" + struct.pack("<I", 3)
        bad("count.tensors." + name, head + struct.pack("<QQ", count, 0) + bytes(40), "gguf.count.tensors")
        bad("count.keys." + name, head + struct.pack("<QQ", 0, count) + bytes(40), "gguf.count.keys")
    # GG-23
    bad("file.tail.zip", whole + b"PK\3\4" + bytes(1000), "gguf.file.tail")
    bad("file.tail.one", whole + b"\0", "gguf.file.tail")
    bad("file.tail.vocabulary", pad(image([ONE])) + b"\0", "gguf.file.tail")
    bad("header.limit", whole, "gguf.header.limit", code="limit", limits={"index_bytes": 60})


def key_cases():
    def one(name, member, rule, code="malformed", more=b""):
        bad(name, LITTLE.head(0, 1) + member + more, rule, code=code)

    # GG-04
    for name, length in (("most", 2**64 - 1), ("half", 2**63), ("one", 2)):
        one("string." + name, LITTLE.string("k") + struct.pack("<IQ", STRING, length) + b"a", "gguf.file.truncated")
        one("key." + name, struct.pack("<Q", length) + b"a" * 13, "gguf.file.truncated") if length > 99 else None
    one("key.empty", LITTLE.member("", U32, 1) + b"\0", "gguf.key.empty")
    one("key.utf8", LITTLE.member(b"\xffk", U32, 1), "gguf.key.utf8")
    one("key.own", LITTLE.member("ztensor.gguf.types", U32, 1), "gguf.key.own", code="unsupported")
    # GG-05, GG-08
    for name, item, count in (
        ("u8", U8, 2**60),
        ("strings", STRING, 2**32),
        ("arrays", ARRAY, 2**32),
        ("wide", F64, 2**61),
    ):
        array = LITTLE.string("k") + struct.pack("<IIQ", ARRAY, item, count)
        one("array.count." + name, array + bytes(48), "gguf.array.count")
    # GG-07
    deep = LITTLE.string("k") + struct.pack("<I", ARRAY) + struct.pack("<IQ", ARRAY, 1) * 300
    one("array.depth.deep", deep + struct.pack("<IQ", U8, 0), "gguf.array.depth")
    five = LITTLE.string("k") + struct.pack("<I", ARRAY) + struct.pack("<IQ", ARRAY, 1) * 4
    one("array.depth.five", five + struct.pack("<IQ", U8, 0), "gguf.array.depth")
    # GG-09
    for item in (13, 255):
        one(f"array.type.{item}", LITTLE.string("k") + struct.pack("<IIQ", ARRAY, item, 0), "gguf.array.type")
    one("value.type", LITTLE.string("k") + struct.pack("<IQ", 13, 0), "gguf.value.type")
    # GG-24
    one("value.bool", LITTLE.string("k") + struct.pack("<IB", BOOL, 2), "gguf.value.bool")
    one("value.bool.list", LITTLE.string("k") + struct.pack("<IIQBB", ARRAY, BOOL, 2, 1, 255), "gguf.value.bool")
    # GG-10
    twice = [LITTLE.member("general.alignment", U32, 32), LITTLE.member("general.alignment", U32, 1)]
    bad("key.duplicate", image(twice, [W], data(32)), "gguf.key.duplicate")
    apart = [LITTLE.member("a", U8, 1), LITTLE.member("b", U8, 1), LITTLE.member("a", U8, 1)]
    bad("key.duplicate.apart", image(apart), "gguf.key.duplicate")
    # GG-11, GG-12
    for value in (0, 3, 2**31, 2**25):
        member = LITTLE.member("general.alignment", U32, value)
        bad(f"alignment.value.{value}", image([member], [LITTLE.info("e", [0], F32_TYPE, 0)]), "gguf.alignment.value")
    for name, kind, value in (("i32", I32, 32), ("string", STRING, "32"), ("u64", U64, 32)):
        member = LITTLE.member("general.alignment", kind, value)
        bad("alignment.type." + name, image([member], [W], data(32)), "gguf.alignment.type")
    for name, kind, value in (("negative", I32, -1), ("text", STRING, "1"), ("list", ARRAY, (U8, [1]))):
        bad("split.number." + name, image([LITTLE.member("split.no", kind, value)]), "gguf.split.number")


def name_cases():
    # GG-14
    for name, text, rule, code in (
        ("empty", b"", "gguf.name.empty", "malformed"),
        ("nul", b"a\0b", "gguf.name.nul", "malformed"),
        ("utf8", b"a\xff", "gguf.name.utf8", "malformed"),
        ("length", b"n" * 1025, "gguf.name.length", "unsupported"),
    ):
        bad("name." + name, image([], [LITTLE.info(text, [8], F32_TYPE, 0)], data(32)), rule, code=code)
    bad("name.duplicate", image([], [W, LITTLE.info("w", [8], F32_TYPE, 32)], data(64)), "gguf.name.duplicate")
    # GG-15
    for rank in (65, 2**32 - 1):
        info = LITTLE.info("w", [1] * 65, F32_TYPE, 0, rank=rank)
        bad(f"tensor.rank.{rank}", image([], [info], data(32)), "gguf.tensor.rank")
    deep = image([], [LITTLE.info("w", [1] * 9, F32_TYPE, 0)], data(4))
    bad("shape.limit", deep, "gguf.shape.limit", code="limit", limits={"rank": 8})


def tensor_cases():
    """One tensor cannot be read; the file opens."""
    # GG-16
    shapes = {
        "range": ([0, 2**63], I8_TYPE, "gguf.shape.range"),
        "overflow": ([2**32, 2**32], F32_TYPE, "gguf.shape.overflow"),
        "overflow.four": ([2**62, 4], I8_TYPE, "gguf.shape.overflow"),
        "overflow.empty": ([2**33, 2**33, 0], I8_TYPE, "gguf.shape.overflow"),
        "bytes": ([2**62], F32_TYPE, "gguf.shape.bytes"),
        # GG-18
        "bytes.blocks": ([2**59, 31], Q8_0, "gguf.shape.bytes"),
    }
    for name, (dimensions, kind, rule) in shapes.items():
        entry("shape." + name, [W, LITTLE.info("odd", dimensions, kind, 32)], data(64), rule)
    # GG-17
    entry("row.divide", [LITTLE.info("odd", [16, 2], Q4_0, 32), W], data(64), "gguf.row.divide")
    entry("row.divide.scalar", [LITTLE.info("odd", [], Q4_0, 32), W], data(64), "gguf.row.divide")
    # GG-19
    for kind in (43, 2**31, 2**32 - 1):
        entry(
            f"type.unknown.{kind}",
            [LITTLE.info("odd", [32], kind, 32), W],
            data(64),
            "gguf.type.unknown",
            "unsupported",
        )
    for kind in (4, 5, 31, 32, 33, 36, 37, 38):
        entry(
            f"type.removed.{kind}",
            [LITTLE.info("odd", [32], kind, 32), W],
            data(64),
            "gguf.type.removed",
            "unsupported",
        )
    # GG-20
    entry("tensor.align.half", [W, LITTLE.info("odd", [4], I8_TYPE, 48)], data(64), "gguf.tensor.align")
    entry("tensor.bounds.wrap", [W, LITTLE.info("odd", [4], I8_TYPE, 2**64 - 32)], data(64), "gguf.tensor.bounds")
    entry("tensor.bounds.past", [W, LITTLE.info("odd", [4], I8_TYPE, 64)], data(64), "gguf.tensor.bounds")
    entry("tensor.bounds.empty", [W, LITTLE.info("odd", [0], I8_TYPE, 96)], data(64), "gguf.tensor.bounds")
    entry("tensor.bounds.far", [W, LITTLE.info("odd", [4], 43, 2**63)], data(64), "gguf.type.unknown", "unsupported")
    # GG-22
    entry("tensor.bounds.cut", [W, LITTLE.info("odd", [8], F32_TYPE, 32)], data(63), "gguf.tensor.bounds")
    # GG-21; an offset that reaches back into the header is tensor.bounds.wrap
    for name, offset in (("same", 0), ("part", 32)):
        infos = [LITTLE.info("a", [64], I8_TYPE, 0), LITTLE.info("b", [64], I8_TYPE, offset)]
        bad("tensor.overlap." + name, image([], infos, data(96)), "gguf.tensor.overlap")
    big = Form(3, ">", b"FUGG")
    infos = [big.info("odd", [32], Q4_0, 32), big.info("w", [8], F32_TYPE, 0)]
    entry("blocks.big", infos, data(50), "gguf.blocks.big", "unsupported", form=big)


def main():
    for make in (controls, frame_cases, key_cases, name_cases, tensor_cases):
        make()
    write_cases("gguf", files, expected)
    write_seeds("gguf", {name: files[name] for name in seeds})


if __name__ == "__main__":
    main()
