#!/usr/bin/env python3
"""Writes tests/conformance/*/safetensors/: for each rule a file that breaks only it, controls, and expected.json.

Each file to reject is a valid file with one change. Controls are valid files, and expected.json has their tensors. The
controls are also seeds of the fuzz target.
"""

import json
import struct

from cases import write_cases, write_seeds

# A Git LFS pointer, which stands for a tensor file that was never fetched.
LOOKALIKES = (
    (
        "pointer",
        "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0123456789abcdef" * 4 + "\nsize 1234567\n",
        "format.pointer",
    ),
    ("html", "\n<!DOCTYPE html>\n<html><body>401 Unauthorized</body></html>\n", "format.html"),
    ("text.json", '{"error":"Repository not found"}\n', "format.text"),
    ("text.plain", "Entry not found", "format.text"),
)

files = {}
expected = {}
seeds = []


def entry(dtype, shape, begin, end, extra=""):
    """The object of one tensor. `shape`, begin and end may be raw JSON text."""
    shape = shape if isinstance(shape, str) else json.dumps(shape)
    return '{"dtype":"%s","shape":%s,"data_offsets":[%s,%s]%s}' % (dtype, shape, begin, end, extra)


def header(*members):
    """Members as (key, raw JSON text); the key is raw JSON text too, without its quotes."""
    return "{" + ",".join('"%s":%s' % member for member in members) + "}"


def data(length):
    return bytes(i % 251 for i in range(length))


def image(text, buffer=b"", length=None):
    text = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + buffer


def add(name, content, verdict):
    assert name not in files and len(content) < 4096, name
    files[name] = content
    expected[name] = verdict


def bad(name, content, rule, code="malformed", where="open", tensor=None):
    verdict = {"code": code, "rule": rule, "where": where}
    if tensor is not None:
        verdict["tensor"] = tensor
    add(name + ".safetensors", content, verdict)


def good(name, text, buffer, tensors, notes=0):
    """`tensors`: name -> (dtype as users see it, shape, begin, end); `notes`: how many notes the reader gives."""
    content = image(text, buffer)
    base = len(content) - len(buffer)
    found = {
        key: {"dtype": dtype, "shape": shape, "offset": base + begin, "length": end - begin}
        for key, (dtype, shape, begin, end) in tensors.items()
    }
    add(name + ".safetensors", content, {"code": "ok", "tensors": found, "notes": notes})
    seeds.append(name + ".safetensors")


def controls():
    good("ok.none", "{}", b"", {})
    good("ok.padded", "{}" + " " * 14, b"", {})
    good(
        "ok.page",
        " \t\r\n" + " " * 1000 + header(("w", entry("F32", [2], 0, 8))),
        data(8),
        {"w": ("float32", [2], 0, 8)},
    )
    good("ok.scalar", header(("s", entry("F32", [], 0, 4))), data(4), {"s": ("float32", [], 0, 4)})
    good(
        "ok.empty",
        header(("e", entry("F32", [2, 0], 0, 0)), ("w", entry("I8", [3], 0, 3)), ("z", entry("F64", [0], 3, 3))),
        data(3),
        {"e": ("float32", [2, 0], 0, 0), "w": ("int8", [3], 0, 3), "z": ("float64", [0], 3, 3)},
    )
    good(
        "ok.unsorted",
        header(("b", entry("I16", [4], 4, 12)), ("a", entry("BF16", [2], 0, 4))),
        data(12),
        {"b": ("int16", [4], 4, 12), "a": ("bfloat16", [2], 0, 4)},
    )
    good("ok.float4", header(("q", entry("F4", [3, 2], 0, 3))), data(3), {"q": ("float4_e2m1fn", [3, 2], 0, 3)})
    good(
        "ok.fields",
        header(("w", entry("U8", [1], 0, 1, ',"note":{"a":[1.5,null,{"a":-1}]}'))),
        data(1),
        {"w": ("uint8", [1], 0, 1)},
        notes=1,
    )
    good(
        "ok.metadata",
        header(
            ("__metadata__", r'{"format":"pt","config":"{\"a\": [1, 2]}","\u00e4":""}'),
            ("1", entry("U8", [1], 0, 1)),
            ("100", entry("U32", [1], 1, 5)),
        ),
        data(5),
        {"1": ("uint8", [1], 0, 1), "100": ("uint32", [1], 1, 5)},
    )
    good(
        "ok.metadata.null",
        header(("__metadata__", "null"), ("w", entry("U8", [1], 0, 1))),
        data(1),
        {"w": ("uint8", [1], 0, 1)},
    )
    good("ok.name.long", header(("n" * 1500, entry("U8", [1], 0, 1))), data(1), {"n" * 1500: ("uint8", [1], 0, 1)})
    good("ok.name.escaped", header((r"\u0077\/\"", entry("U8", [1], 0, 1))), data(1), {'w/"': ("uint8", [1], 0, 1)})
    every_dtype()


def every_dtype():
    tags = {
        "BOOL": ("bool", 1),
        "U8": ("uint8", 1),
        "I8": ("int8", 1),
        "U16": ("uint16", 2),
        "I16": ("int16", 2),
        "U32": ("uint32", 4),
        "I32": ("int32", 4),
        "U64": ("uint64", 8),
        "I64": ("int64", 8),
        "F16": ("float16", 2),
        "BF16": ("bfloat16", 2),
        "F32": ("float32", 4),
        "F64": ("float64", 8),
        "C64": ("complex64", 8),
        "F8_E4M3": ("float8_e4m3fn", 1),
        "F8_E5M2": ("float8_e5m2", 1),
        "F8_E8M0": ("float8_e8m0fnu", 1),
        "F8_E4M3FNUZ": ("float8_e4m3fnuz", 1),
        "F8_E5M2FNUZ": ("float8_e5m2fnuz", 1),
    }
    members, tensors, at = [], {}, 0
    for tag, (dtype, size) in tags.items():
        members.append((tag, entry(tag, [2], at, at + 2 * size)))
        tensors[tag] = (dtype, [2], at, at + 2 * size)
        at += 2 * size
    good("ok.dtypes", header(*members), bytes(at), tensors)


def frame_cases():
    w = header(("w", entry("U8", [4], 0, 4)))
    bad("file.size.none", b"", "safetensors.file.size")
    bad("file.size.7", bytes(7), "safetensors.file.size")
    bad("file.size.8", image("", length=2), "safetensors.file.size")
    bad("file.size.9", image("{", length=1), "safetensors.file.size")
    bad("header.size.0", image(w, data(4), length=0), "safetensors.header.size")
    bad("header.size.1", image(w, data(4), length=1), "safetensors.header.size")
    for name, length in (("most", 2**64 - 1), ("half", 2**63), ("wrap", 2**64 - 7)):
        bad("header.bounds." + name, image(w, data(4), length=length), "safetensors.header.bounds")
    bad("header.bounds.short", image(w, b"", length=len(w) + 1), "safetensors.header.bounds")


def json_cases():
    w = ("w", entry("U8", [4], 0, 4))
    bad("json.syntax.comma", image(header(w)[:-1] + ",}", data(4)), "json.syntax")
    bad("json.syntax.nul", image(header(w) + "\0\0", data(4)), "json.syntax")
    bad("json.syntax.two", image(header(w) + "{}", data(4)), "json.syntax")
    bad("json.syntax.bom", image(b"\xef\xbb\xbf" + header(w).encode(), data(4)), "json.syntax")
    bad("json.syntax.surrogate", image(header((r"\ud800", w[1])), data(4)), "json.syntax")
    bad("json.syntax.nan", image(header(("w", entry("U8", "[NaN]", 0, 4))), data(4)), "json.syntax")
    bad("json.syntax.big", image(header(("w", entry("U8", "[18446744073709551616]", 0, 4))), data(4)), "json.syntax")
    for name, key in (("byte", b"\xff"), ("overlong", b"\xc1\xb7"), ("surrogate", b"\xed\xa0\x80")):
        bad("json.utf8." + name, image(header(w).encode().replace(b'"w"', b'"' + key + b'"'), data(4)), "json.utf8")
    deep = "[" * 1000 + "]" * 1000
    bad("json.depth.metadata", image(header(("__metadata__", '{"k":' + deep + "}"), w), data(4)), "json.depth")
    bad("json.depth.nine", image(header(("w", entry("U8", [4], 0, 4, ',"x":[[[[[[[1]]]]]]]'))), data(4)), "json.depth")
    twice = "json.key.duplicate"
    bad(twice + ".dtype", image(header(("w", entry("U8", [4], 0, 4, ',"dtype":"I8"'))), data(4)), twice)
    bad(twice + ".escaped", image(header(("w", entry("U8", [4], 0, 4, r',"sh\u0061pe":[4]'))), data(4)), twice)
    bad(twice + ".inner", image(header(("w", entry("U8", [4], 0, 4, ',"x":[{"y":1,"y":1}]'))), data(4)), twice)
    bad(twice + ".metadata", image(header(("__metadata__", '{"a":"1","a":"2"}'), w), data(4)), twice)


def member_cases():
    w = ("w", entry("U8", [4], 0, 4))
    for name, text, rule in LOOKALIKES:
        bad("format." + name, text.encode(), rule, code="unsupported")
    bad("header.object", image('[["w",' + w[1] + "]]", data(4)), "safetensors.header.object")
    for name, value in (("number", "1"), ("list", '["a"]'), ("text", '"a"')):
        bad(
            "metadata.object." + name, image(header(("__metadata__", value), w), data(4)), "safetensors.metadata.object"
        )
    for name, value in (("null", "null"), ("object", '{"a":"b"}'), ("number", "1")):
        bad(
            "metadata.value." + name,
            image(header(("__metadata__", '{"k":%s}' % value), w), data(4)),
            "safetensors.metadata.value",
        )
    bad(
        "metadata.value.tensor",
        image(header(("__metadata__", w[1]), ("w", entry("U8", [4], 4, 8))), data(8)),
        "safetensors.metadata.value",
    )
    bad(
        "metadata.duplicate.null",
        image(header(("__metadata__", "null"), w, ("__metadata__", '{"a":"b"}')), data(4)),
        "safetensors.metadata.duplicate",
    )
    bad(
        "metadata.duplicate",
        image(header(("__metadata__", "{}"), w, ("__metadata__", "{}")), data(4)),
        "safetensors.metadata.duplicate",
    )
    bad("name.empty", image(header(("", w[1])), data(4)), "safetensors.name.empty")
    bad("name.nul", image(header((r"a\u0000b", w[1])), data(4)), "safetensors.name.nul")
    bad(
        "name.duplicate.same",
        image(header(("w", entry("F32", [1], 0, 4)), ("w", entry("I32", [1], 0, 4))), data(4)),
        "safetensors.name.duplicate",
    )
    bad("name.duplicate.next", image(header(w, ("w", entry("U8", [4], 4, 8))), data(8)), "safetensors.name.duplicate")
    bad(
        "name.duplicate.escaped",
        image(header(w, (r"\u0077", entry("U8", [4], 4, 8))), data(8)),
        "safetensors.name.duplicate",
    )
    bad("tensor.object", image(header(("w", "[4]")), b""), "safetensors.tensor.object")
    for field in ('"dtype":"U8",', '"shape":[4],', ',"data_offsets":[0,4]'):
        name = field.strip(',"').split('"')[0]
        bad(
            "tensor.fields." + name, image(header(("w", w[1].replace(field, ""))), data(4)), "safetensors.tensor.fields"
        )


def field_cases():
    def one(name, rule, content, length=16, code="malformed"):
        bad(name, image(header(("w", content)), data(length)), rule, code=code)

    one("dtype.text", "safetensors.dtype.text", entry("U8", [16], 0, 16).replace('"U8"', "8"))
    shapes = {
        "number": "16",
        "negative": "[-16]",
        "exponent": "[1.6e1]",
        "fraction": "[16.0]",
        "text": '["16"]',
        "nested": "[[16]]",
        "large": "[0,9007199254740993]",
    }
    for name, shape in shapes.items():
        length = 0 if name == "large" else 16
        one("shape.form." + name, "safetensors.shape.form", entry("U8", shape, 0, length), length)
    one("shape.rank", "safetensors.shape.rank", entry("U8", [1] * 65, 0, 1), 1, code="limit")
    for name, shape in (("elements", [2**33, 2**31]), ("bytes", [2**31, 2**31]), ("empty", [0, 2**52, 2**52])):
        one("shape.overflow." + name, "safetensors.shape.overflow", entry("F32", shape, 0, 0), 0)
    one("shape.bits.float4", "safetensors.shape.bits", entry("F4", [3], 0, 2), 2)
    one("shape.bits.float6", "safetensors.shape.bits", entry("F6_E2M3", [3], 0, 3), 3)
    one("tensor.length.more", "safetensors.tensor.length", entry("F32", [5], 0, 16))
    one("tensor.length.less", "safetensors.tensor.length", entry("F32", [3], 0, 16))
    one("tensor.length.float4", "safetensors.tensor.length", entry("F4", [16], 0, 16))
    whole = entry("U8", [16], 0, 16)
    offsets = {
        "number": "16",
        "none": "[]",
        "one": "[16]",
        "three": "[0,16,16]",
        "negative": "[-1,16]",
        "exponent": "[0,1.6e1]",
        "fraction": "[0,16.0]",
        "text": '[0,"16"]',
        "large": "[0,18446744073709551615]",
        "object": '{"begin":0,"end":16}',
    }
    for name, value in offsets.items():
        one("offsets.form." + name, "safetensors.offsets.form", whole.replace("[0,16]", value))
    one("offsets.order", "safetensors.offsets.order", entry("U8", [16], 16, 0))
    one("offsets.bounds.more", "safetensors.offsets.bounds", entry("U8", [17], 0, 17))
    one("offsets.bounds.most", "safetensors.offsets.bounds", entry("U8", [2**53], 0, 2**53))


def tiling_cases():
    def two(name, rule, first, second, length):
        members = (
            ("a", entry("U8", [first[1] - first[0]], *first)),
            ("b", entry("U8", [second[1] - second[0]], *second)),
        )
        bad(name, image(header(*members), data(length)), rule)

    overlap, gap, tail = ("safetensors.tiling." + kind for kind in ("overlap", "gap", "tail"))
    two("tiling.overlap.part", overlap, (0, 8), (4, 12), 12)
    two("tiling.overlap.room", overlap, (0, 8), (4, 12), 16)
    two("tiling.overlap.same", overlap, (0, 16), (0, 16), 16)
    two("tiling.overlap.empty", overlap, (0, 16), (8, 8), 16)
    two("tiling.gap.between", gap, (0, 4), (8, 12), 12)
    two("tiling.gap.before", gap, (12, 20), (4, 12), 20)
    two("tiling.tail", tail, (0, 8), (8, 16), 17)
    bad("tiling.tail.none", image("{}", b"PK\x05\x06"), tail)


def tensor_cases():
    """One tensor cannot be read, or is faulty; the file opens."""
    good_one = ("w", entry("F32", [1], 3, 7))
    for name, tag, shape in (("float6", "F6_E2M3", [4]), ("case", "u8", [3]), ("quantized", "Q4_0", [32])):
        bad(
            "dtype.unknown." + name,
            image(header(("odd", entry(tag, shape, 0, 3)), good_one), data(7)),
            "safetensors.dtype.unknown",
            code="unsupported",
            where="read",
            tensor="odd",
        )
    bad(
        "content.bool",
        image(header(("flags", entry("BOOL", [3], 0, 3))), b"\x00\x01\x02"),
        "content.bool",
        where="verify",
        tensor="flags",
    )


def main():
    for make in (controls, frame_cases, json_cases, member_cases, field_cases, tiling_cases, tensor_cases):
        make()
    write_cases("safetensors", files, expected)
    write_seeds("safetensors", {name: files[name] for name in seeds})


if __name__ == "__main__":
    main()
