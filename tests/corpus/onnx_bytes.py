"""Protobuf messages of ONNX, field by field, so that any field can be wrong. Uses only the standard library."""

import struct

FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, STRING, BOOL, FLOAT16 = range(1, 11)
DOUBLE, UINT32, UINT64, COMPLEX64, COMPLEX128, BFLOAT16, E4M3FN, E4M3FNUZ, E5M2, E5M2FNUZ = range(11, 21)
UINT4, INT4, FLOAT4, E8M0, UINT2, INT2 = range(21, 27)

# Fields of TensorProto.
DIMS, TYPE, SEGMENT, FLOATS, INT32S, STRINGS, INT64S, NAME, RAW, DOUBLES, UINT64S, DOC, EXTERNAL, WHERE = range(1, 15)
PROPS = 16


def varint(number):
    number &= 2**64 - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def tag(field, kind):
    return varint(field << 3 | kind)


def number(field, value):
    return tag(field, 0) + varint(value)


def text(field, content):
    content = content.encode() if isinstance(content, str) else content
    return tag(field, 2) + varint(len(content)) + content


def packed(field, numbers):
    return text(field, b"".join(varint(one) for one in numbers))


def fixed32(field, value):
    return tag(field, 5) + struct.pack("<f", value)


def dims(*sizes):
    return b"".join(number(DIMS, size) for size in sizes)


def tensor(name, kind, shape, *fields):
    """A TensorProto: its shape and type, then `fields`, then its name unless that is None."""
    named = b"" if name is None else text(NAME, name)
    return dims(*shape) + (b"" if kind is None else number(TYPE, kind)) + b"".join(fields) + named


def raw(content):
    return text(RAW, content)


def entry(key, value):
    return text(1, key) + text(2, value)


def external(**keys):
    """External data with these keys, in this order."""
    return b"".join(text(EXTERNAL, entry(key, value)) for key, value in keys.items()) + number(WHERE, 1)


def graph(*fields, name="g"):
    return text(2, name) + b"".join(fields)


def initializer(message):
    return text(5, message)


def sparse_initializer(message):
    return text(15, message)


def sparse(values, indices, *sizes):
    return text(1, values) + text(2, indices) + b"".join(number(3, size) for size in sizes)


def attribute(name, *fields):
    return text(5, text(1, name) + b"".join(fields))


def node(op, *fields, name=None, outputs=(), domain=None):
    message = b"".join(text(2, output) for output in outputs)
    message += b"" if name is None else text(3, name)
    message += text(4, op) + b"".join(fields)
    return text(1, message + (b"" if domain is None else text(7, domain)))


def function(name, *fields, domain=""):
    return text(25, text(1, name) + b"".join(fields) + text(10, domain))


def opset(domain, version):
    return text(8, text(1, domain) + number(2, version))


def model(*fields, version=8):
    """A ModelProto. Its graph is one of the `fields`."""
    return number(1, version) + text(2, "zt") + b"".join(fields)


def of_graph(*fields):
    """A model whose graph has these fields."""
    return model(text(7, graph(*fields)), opset("", 17))


def of_tensor(message, *more):
    """A model with this initializer, and one more that is valid, so that one fault hides nothing."""
    return of_graph(initializer(message), *more, initializer(tensor("valid", UINT8, [2], raw(b"\1\2"))))
