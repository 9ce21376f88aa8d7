"""The files of onnx.py that a reader must accept."""

import hashlib
import struct

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
    TYPE,
    UINT2,
    UINT4,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    UINT64S,
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
    tag,
    tensor,
    text,
)
from onnx_cases import (
    VALUES,
    W_SEEN,
    W,
    add,
    coo,
    data,
    dense,
    files,
    good,
    linear,
    sparse_model,
)

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
