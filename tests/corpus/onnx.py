#!/usr/bin/env python3
"""Writes tests/conformance/*/onnx/: for each rule a file that breaks only it, controls, and expected.json.

Each file to reject is a valid model with one change. The controls are also seeds of the fuzz target.
"""

import struct

from cases import write_cases, write_seeds
from onnx_bytes import (
    BOOL,
    DIMS,
    E4M3FN,
    EXTERNAL,
    FLOAT,
    FLOAT16,
    FLOATS,
    INT4,
    INT8,
    INT32,
    INT32S,
    INT64,
    NAME,
    SEGMENT,
    STRING,
    STRINGS,
    TYPE,
    UINT2,
    UINT4,
    UINT8,
    UINT32,
    UINT64S,
    WHERE,
    attribute,
    entry,
    external,
    fixed32,
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
from onnx_cases import (
    VALUES,
    W,
    bad,
    data,
    expected,
    files,
    linear,
    odd,
    sparse_model,
)
from onnx_controls import (
    controls,
)


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
