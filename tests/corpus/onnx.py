#!/usr/bin/env python3
"""Writes tests/conformance/*/onnx/: for each rule a file that breaks only it, controls, and expected.json.

Each file to reject is a valid model with one change. The controls are also seeds of the fuzz target.
"""

import hashlib
import struct

from cases import write_cases, write_seeds
from onnx_bytes import (
    BFLOAT16,
    BOOL,
    COMPLEX64,
    COMPLEX128,
    DIMS,
    DOC,
    DOUBLE,
    DOUBLES,
    E4M3FN,
    E4M3FNUZ,
    E5M2,
    E5M2FNUZ,
    E8M0,
    EXTERNAL,
    FLOAT,
    FLOAT4,
    FLOAT16,
    FLOATS,
    INT2,
    INT4,
    INT8,
    INT16,
    INT32,
    INT32S,
    INT64,
    INT64S,
    NAME,
    PROPS,
    SEGMENT,
    STRING,
    STRINGS,
    TYPE,
    UINT2,
    UINT4,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    UINT64S,
    WHERE,
    attribute,
    dims,
    entry,
    external,
    fixed32,
    function,
    graph,
    initializer,
    model,
    node,
    number,
    of_graph,
    of_tensor,
    opset,
    packed,
    raw,
    sparse,
    sparse_initializer,
    tag,
    tensor,
    text,
    varint,
)

files = {}
expected = {}


def add(name, content, verdict):
    name += ".onnx"
    assert name not in files and len(content) < 16384, name
    files[name] = content
    expected[name] = verdict


def bad(name, content, rule, code="malformed", **verdict):
    """A file that cannot be opened."""
    add(name, content, {"code": code, "rule": rule, "where": "open", **verdict})


def odd(name, message, rule, code="malformed", where="read"):
    """A file whose tensor "w" is faulty; "valid" is not."""
    verdict = {"code": code, "rule": rule, "where": where, "tensor": "w"}
    add(name, message if message.startswith(b"\x08\x08\x12") else of_tensor(message), verdict)


def dense(dtype, shape, content, **more):
    """`content`: the decoded bytes. Parts in the catalog and in other files are not at their offset in the file."""
    parts = {"data": hashlib.sha256(content).hexdigest()}
    return {"dtype": dtype, "shape": list(shape), "layout": "dense", "parts": parts, "view": True, **more}


def good(name, content, tensors, notes=0):
    add("ok." + name, content, {"code": "ok", "tensors": tensors, "notes": notes})


def data(length):
    return bytes(i % 251 for i in range(length))


W = tensor("w", UINT8, [4], raw(data(4)))
W_SEEN = {"w": dense("uint8", [4], data(4))}

# Type -> dtype as users see it, bytes of an element, its numbers in the typed field, and the elements that they mean.
TYPED = {
    UINT8: ("uint8", packed(INT32S, [0, 255]), b"\0\xff"),
    INT8: ("int8", packed(INT32S, [-128, 127]), b"\x80\x7f"),
    UINT16: ("uint16", packed(INT32S, [0, 65535]), b"\0\0\xff\xff"),
    INT16: ("int16", packed(INT32S, [-2, 32767]), b"\xfe\xff\xff\x7f"),
    INT32: ("int32", packed(INT32S, [-(2**31), 2**31 - 1]), struct.pack("<2i", -(2**31), 2**31 - 1)),
    INT64: ("int64", packed(INT64S, [-(2**63), 2**63 - 1]), struct.pack("<2q", -(2**63), 2**63 - 1)),
    BOOL: ("bool", packed(INT32S, [1, 0]), b"\1\0"),
    FLOAT16: ("float16", packed(INT32S, [0x3C00, 0xC000]), struct.pack("<2e", 1, -2)),
    UINT32: ("uint32", packed(UINT64S, [1, 2**32 - 1]), struct.pack("<2I", 1, 2**32 - 1)),
    UINT64: ("uint64", packed(UINT64S, [1, 2**64 - 1]), struct.pack("<2Q", 1, 2**64 - 1)),
    BFLOAT16: ("bfloat16", packed(INT32S, [0x3F80, 0xC000]), b"\x80\x3f\x00\xc0"),
    E4M3FN: ("float8_e4m3fn", packed(INT32S, [56, 184]), b"\x38\xb8"),
    E4M3FNUZ: ("float8_e4m3fnuz", packed(INT32S, [56, 184]), b"\x38\xb8"),
    E5M2: ("float8_e5m2", packed(INT32S, [56, 184]), b"\x38\xb8"),
    E5M2FNUZ: ("float8_e5m2fnuz", packed(INT32S, [56, 184]), b"\x38\xb8"),
    E8M0: ("float8_e8m0fnu", packed(INT32S, [127, 128]), b"\x7f\x80"),
    FLOAT: ("float32", text(FLOATS, struct.pack("<2f", 1.5, -2)), struct.pack("<2f", 1.5, -2)),
    DOUBLE: ("float64", text(DOUBLES, struct.pack("<2d", 1.5, -2)), struct.pack("<2d", 1.5, -2)),
    COMPLEX64: ("complex64", text(FLOATS, struct.pack("<4f", 1, 2, 3, 4)), struct.pack("<4f", 1, 2, 3, 4)),
    COMPLEX128: ("complex128", text(DOUBLES, struct.pack("<4d", 1, 2, 3, 4)), struct.pack("<4d", 1, 2, 3, 4)),
    FLOAT4: ("float4_e2m1fn", packed(INT32S, [0x21]), b"\x21"),
}


def controls():  # OX-26
    good("none", of_graph(), {})
    good("raw", of_tensor(W), W_SEEN)
    every_type()
    good(
        "scalar", of_tensor(tensor("w", FLOAT, [], raw(struct.pack("<f", 2)))), {"w": dense("float32", [], b"\0\0\0@")}
    )
    good("empty", of_tensor(tensor("w", FLOAT, [0, 3])), {"w": dense("float32", [0, 3], b"")})
    good("empty.raw", of_tensor(tensor("w", INT8, [0], raw(b""))), {"w": dense("int8", [0], b"")})
    good(
        "dims.packed",
        of_tensor(packed(DIMS, [2, 1]) + dims(2) + tensor("w", UINT8, [], raw(data(4)))),
        {"w": dense("uint8", [2, 1, 2], data(4))},
    )
    good("doc", of_tensor(W + text(DOC, "a doc") + text(PROPS, entry("k", "v"))), W_SEEN)
    good(
        "metadata",
        model(text(7, graph(initializer(W))), text(14, entry("author", "a")), text(14, entry("domain", "b")))
        + opset("ai.onnx.ml", 3)
        + text(4, "d"),
        W_SEEN,
    )
    good("metadata.key", model(text(7, graph(initializer(W))), text(14, entry("", "a"))), W_SEEN, notes=1)
    good(
        "reversed",
        text(7, graph(initializer(text(NAME, "w") + raw(data(4)) + number(TYPE, 2) + dims(4)))) + number(1, 8),
        W_SEEN,
    )
    good(
        "unknown",
        of_graph(initializer(W + number(900, 7) + text(901, "x")), text(500, "y")) + fixed32(777, 1.0),
        W_SEEN,
    )
    typed_controls()
    layout_controls()
    graph_controls()
    external_controls()
    sparse_controls()


def every_type():
    members, tensors = [], {}
    for kind, (dtype, field, content) in TYPED.items():
        for form, source in (("typed", field), ("raw", raw(content))):
            name = f"{dtype}.{form}"
            members.append(initializer(tensor(name, kind, [2], source)))
            tensors[name] = dense(dtype, [2], content)
    good("types", of_graph(*members), tensors)


def typed_controls():
    floats = struct.pack("<4f", 1, 2, 3, 4)
    seen = {"w": dense("float32", [4], floats)}
    one_by_one = b"".join(fixed32(FLOATS, value) for value in (1, 2, 3, 4))
    good("typed.unpacked", of_tensor(tensor("w", FLOAT, [4], one_by_one)), seen)  # OX-08
    mixed = fixed32(FLOATS, 1) + text(FLOATS, floats[4:12]) + text(FLOATS, b"") + fixed32(FLOATS, 4)
    good("typed.mixed", of_tensor(tensor("w", FLOAT, [4], mixed)), seen)  # OX-08
    ints = number(INT32S, 1) + packed(INT32S, [2, 3]) + number(INT32S, -4)
    good(
        "typed.mixed.ints",
        of_tensor(tensor("w", INT32, [4], ints)),
        {"w": dense("int32", [4], struct.pack("<4i", 1, 2, 3, -4))},
    )
    good(
        "typed.halves",
        of_tensor(tensor("w", FLOAT16, [2], packed(INT32S, [-1, 0xFFFF]))),
        {"w": dense("float16", [2], b"\xff" * 4)},
    )
    # OX-14, small: a test in src/foreign/onnx has 10^7 numbers.
    good(
        "typed.bytes",
        of_tensor(tensor("w", UINT8, [8000], packed(INT32S, [7] * 8000))),
        {"w": dense("uint8", [8000], b"\7" * 8000)},
    )


def packed_bits(shape, word, content):
    parts = {"data": hashlib.sha256(content).hexdigest()}
    return {"shape": shape, "layout": f"onnx.{word}/1", "parts": parts, "view": True}


def layout_controls():
    # Such a tensor has no dtype, so that reading it as one is unsupported. Its part is right.
    for word, kind, shape, content in (
        ("uint4", UINT4, [3], b"\x21\x03"),
        ("int4", INT4, [2, 2], b"\x21\xf8"),
        ("uint2", UINT2, [5], b"\xe4\x01"),
        ("int2", INT2, [4], b"\xe4"),
    ):
        good(
            "layout." + word,
            of_tensor(tensor("w", kind, shape, raw(content))),
            {"w": packed_bits(shape, word, content)},
        )
        field = packed(INT32S, list(content))
        good(
            "layout.typed." + word, of_tensor(tensor("w", kind, shape, field)), {"w": packed_bits(shape, word, content)}
        )
    good(
        "float4", of_tensor(tensor("w", FLOAT4, [3], raw(b"\x21\x03"))), {"w": dense("float4_e2m1fn", [3], b"\x21\x03")}
    )


def graph_controls():
    constant = node("Constant", attribute("value", text(5, tensor(None, UINT8, [4], raw(data(4))))), outputs=["w"])
    good("constant", of_graph(constant), W_SEEN)
    other = tensor("inner", INT8, [1], raw(b"\5"))
    seen = {"w": dense("uint8", [4], data(4))}
    branch = graph(initializer(other), name="b")
    branches = attribute("then_branch", text(6, branch)) + attribute("else_branch", text(6, branch))
    good(
        "subgraph",
        of_graph(node("If", branches, name="if"), node("If", branches), initializer(W)),
        seen
        | {
            f"{place}/{arm}/inner": dense("int8", [1], b"\5")
            for place in ("if", "1")
            for arm in ("then_branch", "else_branch")
        },
    )
    # OX-23: the same name in a subgraph.
    same = graph(initializer(tensor("w", INT8, [1], raw(b"\5"))), name="b")
    good(
        "subgraph.same",
        of_graph(node("Loop", attribute("body", text(6, same)), name="l"), initializer(W)),
        seen | {"l/body/w": dense("int8", [1], b"\5")},
    )
    good(
        "subgraph.clash",
        of_graph(
            initializer(tensor("l/body/w", UINT8, [1], raw(b"\6"))),
            node("Loop", attribute("body", text(6, same)), name="l"),
        ),
        {"l/body/w": dense("uint8", [1], b"\6"), "l/body/w.2": dense("int8", [1], b"\5")},
        notes=1,
    )
    body = node("Constant", attribute("value", text(5, tensor("", INT8, [1], raw(b"\5")))), outputs=["c"])
    body = body.replace(body[:1], tag(7, 2), 1)
    good(
        "function",
        model(text(7, graph(initializer(W))), function("f", body, domain="d"), opset("d", 1)),
        seen | {"functions/d:f/c": dense("int8", [1], b"\5")},
    )
    good(
        "training",
        model(text(7, graph(initializer(W))), text(20, text(1, graph(initializer(other))))),
        seen | {"training/0/initialization/inner": dense("int8", [1], b"\5")},
    )
    trees = attribute("splits", text(5, other)) + attribute("more", text(10, other), text(10, other))
    good(
        "attribute",
        of_graph(node("Trees", trees, domain="ai.onnx.ml", name="t"), initializer(W)),
        seen | {f"t/{place}": dense("int8", [1], b"\5") for place in ("splits", "more/0", "more/1")},
    )
    good("fill", of_graph(node("ConstantOfShape", attribute("value", text(5, other))), initializer(W)), W_SEEN)
    long = "n" * 900
    good("name.long", of_tensor(tensor(long, INT8, [1], raw(b"\5"))), {long: dense("int8", [1], b"\5")})
    good(
        "name.node.long",
        of_graph(node("If", attribute("then_branch", text(6, branch)), name=long)),
        {"0/then_branch/inner": dense("int8", [1], b"\5")},
    )


def external_controls():
    # The model none.onnx, which is a file of the folder, serves as external data.
    content = files["ok.none.onnx"]
    seen = {"w": dense("uint8", [8], content[4:12])}
    where = external(location="none.onnx", offset="4", length="8")
    good("external", of_tensor(tensor("w", UINT8, [8], where)), seen)
    good(
        "external.dot",
        of_tensor(tensor("w", UINT8, [8], external(location="./none.onnx", offset="4", length="8"))),
        seen,
    )
    rest = tensor("w", UINT8, [len(content) - 4], external(location="none.onnx", offset="4"))
    good("external.rest", of_tensor(rest), {"w": dense("uint8", [len(content) - 4], content[4:])})
    known = external(location="none.onnx", offset="4", length="8", checksum="0", basepath="/etc")
    good("external.keys", of_tensor(tensor("w", UINT8, [8], known)), seen, notes=2)  # OX-20: unknown keys
    # OX-22: two tensors of one range are tied, and one that overlaps them is noted.
    tied = initializer(tensor("tied", UINT8, [8], where))
    part = initializer(tensor("part", UINT8, [8], external(location="none.onnx", offset="8", length="8")))
    good(
        "external.tied",
        of_tensor(tensor("w", UINT8, [8], where), tied, part),
        seen | {"tied": seen["w"], "part": dense("uint8", [8], content[8:16])},
        notes=1,
    )
    # A file that is not here: a model with 64 KiB offsets opens.
    far = tensor("w", FLOAT, [16384], external(location="weights/w.bin", offset="65536", length="65536"))
    add("ok.external.far", of_tensor(far), {"code": "ok", "where": "open"})


def coo(shape, coordinates, values):
    indices = b"".join(struct.pack("<Q", at) for axis in zip(*coordinates) for at in axis)
    parts = {"values": hashlib.sha256(values).hexdigest(), "coords": hashlib.sha256(indices).hexdigest()}
    return {"dtype": "float32", "shape": shape, "layout": "sparse_coo", "parts": parts, "view": True}


VALUES = struct.pack("<3f", 1, 2, 3)


def sparse_model(indices, shape=(2, 3), values=None, more=()):
    values = tensor("w", FLOAT, [3], raw(VALUES)) if values is None else values
    valid = initializer(tensor("valid", UINT8, [2], raw(b"\1\2")))
    return of_graph(sparse_initializer(sparse(values, indices, *shape)), valid, *more)


def linear(*numbers):
    return tensor(None, INT64, [len(numbers)], raw(struct.pack(f"<{len(numbers)}q", *numbers)))


def sparse_controls():
    seen = {"w": coo([2, 3], [(0, 1), (1, 0), (1, 2)], VALUES)}
    good("sparse.linear", sparse_model(linear(1, 3, 5)), seen)
    good("sparse.typed", sparse_model(tensor(None, INT64, [3], packed(INT64S, [1, 3, 5]))), seen)
    pairs = tensor(None, INT64, [3, 2], raw(struct.pack("<6q", 0, 1, 1, 0, 1, 2)))
    good("sparse.pairs", sparse_model(pairs), seen)
    good("sparse.one", sparse_model(linear(1, 3, 5), [6]), {"w": coo([6], [(1,), (3,), (5,)], VALUES)})
    nothing = tensor("w", FLOAT, [0])
    empty = {
        "w": coo([2, 3], [], b"") | {"parts": {role: hashlib.sha256(b"").hexdigest() for role in ("values", "coords")}}
    }
    good("sparse.none", sparse_model(tensor(None, INT64, [0]), values=nothing), empty)


def wire_cases():
    head = number(1, 8)
    bad("protobuf.length.32", head + tag(7, 2) + varint(2**32 + 8) + data(8), "protobuf.length")  # OX-01
    for name, length in (("half", 2**63), ("most", 2**64 - 1), ("one", 9)):  # OX-03, OX-25
        bad("protobuf.length." + name, head + tag(7, 2) + varint(length) + data(8), "protobuf.length")
    bad("protobuf.length.skipped", of_graph() + tag(900, 2) + varint(2**31 + 8) + data(8), "protobuf.length")  # OX-25
    bad("protobuf.length.fixed", of_graph() + tag(900, 5) + b"\0\0\0", "protobuf.length")
    # OX-02
    bad("protobuf.tag.wide", of_graph() + b"\x80\x80\x80\x80\x10" + varint(1), "protobuf.tag")
    bad("protobuf.tag.long", of_graph() + b"\x88\x80\x80\x80\x80\x00" + varint(1), "protobuf.tag")
    bad("protobuf.tag.0", of_graph() + tag(0, 0) + varint(1), "protobuf.tag")
    bad("protobuf.tag.19000", of_graph() + number(19000, 1), "protobuf.tag")
    bad("protobuf.tag.most", of_graph() + number(2**29, 1), "protobuf.tag")
    # OX-03
    bad("protobuf.varint.eleven", of_graph() + tag(900, 0) + b"\x80" * 10 + b"\1", "protobuf.varint")
    bad("protobuf.varint.bit65", of_graph() + tag(900, 0) + b"\xff" * 9 + b"\2", "protobuf.varint")
    bad("protobuf.varint.cut", of_graph() + tag(900, 0) + b"\x80", "protobuf.varint")
    bad("protobuf.varint.inner", of_graph(text(5, b"\x08\x80")), "protobuf.varint")
    for kind in (3, 4, 6, 7):  # OX-25
        bad(f"protobuf.type.{kind}", of_graph() + tag(900, kind), "protobuf.type")


def file_cases():
    bad("graph.missing", model(opset("", 17)), "onnx.graph.missing")
    bad("graph.missing.empty", b"", "onnx.graph.missing")
    bad("field.type.graph", model(number(7, 1)), "onnx.field.type")
    bad("field.type.version", text(1, "8") + text(7, graph()), "onnx.field.type")
    # OX-05
    other = tensor("x", UINT8, [1], raw(b"\0"))
    bad(
        "field.repeated.graph",
        model(text(7, graph(initializer(W))), text(7, graph(initializer(other)))),
        "onnx.field.repeated",
    )
    bad("field.repeated.name", of_tensor(W + text(NAME, "x")), "onnx.field.repeated")  # OX-06
    nested = graph()
    for _ in range(400):  # OX-04; a test in src/foreign/onnx has 100,000 levels
        nested = graph(node("If", attribute("a", text(6, nested))))
    deep = of_graph(node("If", attribute("a", text(6, nested))))
    bad("graph.depth", deep, "onnx.graph.depth", code="limit")
    # OX-23
    bad("name.empty", of_tensor(tensor("", UINT8, [1], raw(b"\0"))), "onnx.name.empty")
    bad("name.empty.missing", of_tensor(tensor(None, UINT8, [1], raw(b"\0"))), "onnx.name.empty")
    value = attribute("value", text(5, tensor(None, UINT8, [1], raw(b"\0"))))
    bad("name.empty.constant", of_graph(node("Constant", value)), "onnx.name.empty")
    bad(
        "name.empty.sparse",
        sparse_model(linear(1, 3, 5), values=tensor(None, FLOAT, [3], raw(VALUES))),
        "onnx.name.empty",
    )
    bad("name.nul", of_tensor(tensor("a\0b", UINT8, [1], raw(b"\0"))), "onnx.name.nul")
    bad("name.utf8", of_tensor(tensor(b"\xff", UINT8, [1], raw(b"\0"))), "onnx.name.utf8")
    bad("name.duplicate", of_tensor(W, initializer(W)), "onnx.name.duplicate")
    bad(
        "name.duplicate.constant",
        of_graph(node("Constant", value, outputs=["w"]), initializer(W)),
        "onnx.name.duplicate",
    )
    twice = sparse_initializer(sparse(tensor("w", FLOAT, [1], raw(b"\0" * 4)), linear(0), 1))
    bad("name.duplicate.sparse", of_tensor(W, twice), "onnx.name.duplicate")
    twins = text(14, entry("k", "1")) + text(14, entry("k", "2"))
    bad("metadata.duplicate", model(text(7, graph(initializer(W))), twins), "onnx.metadata.duplicate")
    texts = model(text(7, graph(initializer(W))), text(6, "t" * 4000))
    bad("texts.limit", texts, "onnx.texts.limit", code="limit", limits={"index_bytes": 1000})


def shape_cases():
    def shaped(name, rule, sizes, code="malformed"):  # OX-10
        odd(name, tensor("w", UINT8, sizes, raw(data(4))), rule, code=code)

    shaped("shape.dimension.negative", "onnx.shape.dimension", [-1])
    shaped("shape.dimension.2^63", "onnx.shape.dimension", [2**63])
    odd("shape.dimension.packed", packed(DIMS, [4, -1]) + tensor("w", UINT8, [], raw(data(4))), "onnx.shape.dimension")
    odd("shape.dimension.type", fixed32(DIMS, 1) + tensor("w", UINT8, [], raw(data(4))), "onnx.field.type")
    shaped("shape.overflow.elements", "onnx.shape.overflow", [2**32, 2**32])
    shaped("shape.overflow.empty", "onnx.shape.overflow", [0, 2**62, 8])
    odd("shape.overflow.bits", tensor("w", FLOAT, [2**62], raw(data(4))), "onnx.shape.overflow")
    shaped("shape.rank", "onnx.shape.rank", [1] * 65, code="limit")
    odd(
        "shape.rank.packed",
        packed(DIMS, [1] * 65) + tensor("w", UINT8, [], raw(data(1))),
        "onnx.shape.rank",
        code="limit",
    )


def tensor_cases():
    odd("type.missing", tensor("w", None, [4], raw(data(4))), "onnx.type.missing")
    for kind in (0, 27, 2**32 + 2):
        odd(f"type.unknown.{kind}", tensor("w", kind, [4], raw(data(4))), "onnx.type.unknown", code="unsupported")
    odd("type.string", tensor("w", STRING, [1], text(STRINGS, "text")), "onnx.type.string", code="unsupported")
    odd("tensor.segment", W + text(SEGMENT, number(1, 0)), "onnx.tensor.segment", code="unsupported")
    # OX-06
    odd("field.repeated.raw", W + raw(data(4)), "onnx.field.repeated")
    odd("field.repeated.type", W + number(TYPE, INT8), "onnx.field.repeated")
    odd("field.type.raw", tensor("w", UINT8, [4], number(9, 1)), "onnx.field.type")
    # OX-07
    two = raw(data(4)) + fixed32(FLOATS, 1)
    odd("tensor.sources.both", tensor("w", FLOAT, [1], two), "onnx.tensor.sources")
    odd("tensor.sources.none", tensor("w", FLOAT, [1]), "onnx.tensor.sources")
    odd("tensor.field.floats", tensor("w", INT64, [1], fixed32(FLOATS, 1)), "onnx.tensor.field")
    odd("tensor.field.ints", tensor("w", FLOAT, [1], number(INT32S, 1)), "onnx.tensor.field")
    odd("tensor.field.strings", tensor("w", FLOAT, [1], text(STRINGS, "x")), "onnx.tensor.field")
    # OX-09
    cut = text(FLOATS, data(7)) + text(FLOATS, b"\0")
    odd("typed.length", tensor("w", FLOAT, [2], cut), "onnx.typed.length")
    odd("tensor.length.typed", tensor("w", FLOAT, [2], text(FLOATS, data(7))), "onnx.tensor.length")
    # OX-11
    odd("tensor.length.more", tensor("w", UINT8, [10], raw(data(11))), "onnx.tensor.length")
    odd("tensor.length.less", tensor("w", UINT8, [10], raw(data(9))), "onnx.tensor.length")
    odd("tensor.length.few", tensor("w", UINT8, [10**9], packed(INT32S, [1, 2])), "onnx.tensor.length")
    odd("tensor.length.empty", tensor("w", UINT8, [0], raw(data(1))), "onnx.tensor.length")
    odd("typed.count.more", tensor("w", UINT8, [2], packed(INT32S, [1, 2, 3])), "onnx.typed.count")
    odd(
        "typed.count.fewer",
        tensor("w", UINT8, [3], packed(INT32S, [1]) + packed(INT32S, [2]) + packed(INT32S, [])),
        "onnx.tensor.length",
    )
    odd("typed.count.wide", tensor("w", FLOAT16, [3], packed(INT32S, [1000, 2000])), "onnx.typed.count")
    odd("typed.count.floats", tensor("w", FLOAT, [1], fixed32(FLOATS, 1) + fixed32(FLOATS, 1)), "onnx.typed.count")
    # OX-12
    for name, kind, value in (
        ("uint8", UINT8, 300),
        ("uint8.negative", UINT8, -1),
        ("int8", INT8, 128),
        ("float16", FLOAT16, 70000),
        ("bool", BOOL, -1),
        ("bool.2", BOOL, 2),
        ("int32", INT32, 2**32),
        ("float8", E4M3FN, 256),
    ):
        odd("typed.range." + name, tensor("w", kind, [1], number(INT32S, value)), "onnx.typed.range")
    odd("typed.range.uint32", tensor("w", UINT32, [1], number(UINT64S, 2**32)), "onnx.typed.range")
    odd("typed.varint", tensor("w", UINT8, [1], text(INT32S, b"\x80")), "protobuf.varint")
    odd("typed.limit", tensor("w", UINT8, [100], packed(INT32S, [1] * 100)), "onnx.typed.limit", code="limit")
    expected["typed.limit.onnx"]["limits"] = {"decoded_bytes": 99}
    # OX-13
    odd("tensor.spare.raw", tensor("w", UINT4, [3], raw(b"\x21\x13")), "onnx.tensor.spare")
    odd("tensor.spare.typed", tensor("w", UINT4, [3], packed(INT32S, [0x21, 0x13])), "onnx.tensor.spare")
    odd("tensor.spare.uint2", tensor("w", UINT2, [3], raw(b"\x64")), "onnx.tensor.spare")
    odd("typed.count.int4", tensor("w", INT4, [16], number(INT32S, 0x21) + number(INT32S, 0x43)), "onnx.tensor.length")


def external_cases():
    def outside(name, rule, code="malformed", fields=b"", shape=(8,), **keys):
        odd("external." + name, tensor("w", UINT8, shape, external(**keys), fields), rule, code=code)

    # OX-15
    for name, location in {
        "up": "../../etc/passwd",
        "absolute": "/etc/passwd",
        "inner": "a/../../x",
        "drive": "C:\\x",
        "drive.slash": "C:/x",
        "host": "\\\\host\\x",
        "nul": "x\0y",
        "none": "",
        "dot": ".",
        "dots": "..",
        "slash": "a//b",
        "end": "a/",
        "scheme": "file:///x",
        "home": "~/x",
        "utf8": b"\xff",
        "memory": "*/_ORT_MEM_ADDR_/*",  # OX-21
    }.items():
        outside("path." + name, "onnx.external.path", code="refused", location=location, offset="4096", length="8")
    outside("self", "external.self", code="refused", location="external.self.onnx", offset="0", length="8")  # OX-17
    # OX-18
    for name, number_text in {
        "negative": "-1",
        "exponent": "1e3",
        "hex": "0x10",
        "space": " 4",
        "plus": "+4",
        "wide": "18446744073709551616",
        "half": "9223372036854775809",
        "empty": "",
    }.items():
        outside("number." + name, "onnx.external.number", location="type.missing.onnx", offset=number_text, length="8")
    outside("number.nan", "onnx.external.number", location="type.missing.onnx", length="NaN")
    # OX-19
    outside("bounds", "external.bounds", location="type.missing.onnx", offset="100000", length="8")
    outside("bounds.most", "external.bounds", location="type.missing.onnx", offset=str(2**63), length="8")
    wide = tensor("w", UINT8, [2**62, 3], external(location="x", offset=str(2**63)))
    odd("external.wrap", wide, "onnx.shape.overflow")
    outside("length", "onnx.tensor.length", location="type.missing.onnx", length="9")
    outside("rest", "external.size", location="type.missing.onnx", offset="1")
    # OX-20
    entries = text(EXTERNAL, entry("location", "x"))
    odd("tensor.sources.external", tensor("w", UINT8, [8], entries), "onnx.tensor.sources")
    outside("raw", "onnx.tensor.sources", fields=raw(data(8)), location="x")
    twice = external(location="x") + text(EXTERNAL, entry("location", "y"))
    odd("external.repeated", tensor("w", UINT8, [8], twice), "onnx.external.repeated")
    outside("location", "onnx.external.location", offset="0")
    odd("tensor.location", tensor("w", UINT8, [4], raw(data(4)), number(WHERE, 2)), "onnx.tensor.location")
    outside("value", "onnx.external.value", location="x" * 5000)


def sparse_cases():  # OX-24
    def entries(name, rule, indices, **more):
        odd("sparse." + name, sparse_model(indices, **more), rule)

    pairs = tensor(None, INT64, [3, 2], raw(struct.pack("<6q", 0, 1, 1, 0, 1, 3)))
    entries("bounds.linear", "onnx.sparse.bounds", linear(1, 3, 6))
    entries("bounds.negative", "onnx.sparse.bounds", linear(-1, 3, 5))
    entries("bounds.pairs", "onnx.sparse.bounds", pairs)
    entries("order.linear", "onnx.sparse.order", linear(1, 5, 3))
    entries("order.same", "onnx.sparse.order", linear(1, 1, 3))
    unsorted = tensor(None, INT64, [3, 2], raw(struct.pack("<6q", 1, 0, 0, 1, 1, 2)))
    entries("order.pairs", "onnx.sparse.order", unsorted)
    entries("shape.rank", "onnx.sparse.shape", linear(1, 3, 5), shape=())
    entries("shape.zero", "onnx.sparse.shape", linear(1, 3, 5), shape=(0, 3))
    entries("shape.overflow", "onnx.shape.overflow", linear(1, 3, 5), shape=(2**32, 2**32))
    entries("shape.negative", "onnx.shape.dimension", linear(1, 3, 5), shape=(-1, 3))
    entries("indices.type", "onnx.sparse.indices", tensor(None, INT32, [3], raw(data(12))))
    entries("indices.count", "onnx.sparse.indices", linear(1, 3))
    entries("indices.rank", "onnx.sparse.indices", tensor(None, INT64, [3, 3], raw(data(72))))
    entries("indices.length", "onnx.tensor.length", tensor(None, INT64, [3], raw(data(16))))
    wide = tensor("w", FLOAT, [2**62], raw(VALUES))
    entries("wrap", "onnx.shape.overflow", tensor(None, INT64, [2**62, 8], raw(b"")), values=wide, shape=[1] * 8)
    entries("values", "onnx.sparse.values", linear(1, 3, 5), values=tensor("w", FLOAT, [3, 1], raw(VALUES)))
    away = tensor(None, INT64, [3], external(location="x"))
    odd("sparse.external", sparse_model(away), "onnx.sparse.external", code="unsupported")
    small = tensor("w", UINT4, [3], raw(b"\x21\x03"))
    odd("sparse.type", sparse_model(linear(1, 3, 5), values=small), "onnx.sparse.type", code="unsupported")
    odd("sparse.rank", sparse_model(linear(1, 3, 5), [2] * 9), "onnx.sparse.rank", code="limit")


def main():
    for make in (controls, wire_cases, file_cases, shape_cases, tensor_cases, external_cases, sparse_cases):
        make()
    write_cases("onnx", files, expected)
    write_seeds("onnx", {name: content for name, content in files.items() if name.startswith("ok.")})


if __name__ == "__main__":
    main()
