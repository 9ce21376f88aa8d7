"""An assembler of pickles, which writes opcodes one by one."""

import struct

MARK, STOP, POP, DUP, NONE, TRUE, FALSE = b"(", b".", b"0", b"2", b"N", b"\x88", b"\x89"
REDUCE, BUILD, APPEND, APPENDS, SETITEM, SETITEMS = b"R", b"b", b"a", b"e", b"s", b"u"
TUPLE, TUPLE1, TUPLE2, EMPTY_TUPLE, EMPTY_LIST, EMPTY_DICT = b"t", b"\x85", b"\x86", b")", b"]", b"}"
NEWOBJ, EMPTY_SET, ADDITEMS, STACK_GLOBAL, MEMOIZE = b"\x81", b"\x8f", b"\x90", b"\x93", b"\x94"
PERSID, BINPERSID, INST, OBJ = b"P", b"Q", b"i", b"o"


def proto(version=3):
    return bytes([0x80, version])


def text(value):
    """BINUNICODE of text, or of bytes as they are."""
    value = value.encode() if isinstance(value, str) else value
    return b"X" + struct.pack("<I", len(value)) + value


def short_text(value):
    return b"\x8c" + bytes([len(value)]) + value.encode()


def binary(value):
    """BINBYTES."""
    return b"B" + struct.pack("<I", len(value)) + value


def number(value):
    return b"J" + struct.pack("<i", value) if -(2**31) <= value < 2**31 else b"\x8a\x08" + struct.pack("<q", value)


def double(value):
    return b"G" + struct.pack(">d", value)


def name(module, symbol):
    """GLOBAL."""
    return f"c{module}\n{symbol}\n".encode()


def put(index):
    return b"q" + bytes([index])


def get(index):
    return b"h" + bytes([index])


def tuple_(*items):
    return MARK + b"".join(items) + TUPLE


def list_(*items):
    return EMPTY_LIST + MARK + b"".join(items) + APPENDS


def dict_(*pairs):
    return EMPTY_DICT + MARK + b"".join(key + value for key, value in pairs) + SETITEMS


def call(target, *arguments):
    return target + tuple_(*arguments) + REDUCE


def dtype_state(order="<", version=3, size=-1, align=-1, flags=0, subdtype=NONE, names=NONE, more=()):
    state = (number(version), text(order), subdtype, names, NONE, number(size), number(align), number(flags))
    return tuple_(*state, *more)


def dtype(code="f4", **state):
    made = call(name("numpy", "dtype"), code if isinstance(code, bytes) else text(code), FALSE, TRUE)
    return made + dtype_state(**state) + BUILD


NDARRAY = name("numpy", "ndarray")


def blank(module="numpy.core.multiarray", of=NDARRAY):
    """An array before it gets its state."""
    return call(name(module, "_reconstruct"), of, tuple_(number(0)), binary(b"b"))


def shape(*dimensions):
    return tuple_(*map(number, dimensions))


def array(payload, dimensions, kind=None, fortran=FALSE, version=1, **how):
    """`payload`, `dimensions` and `kind` (the dtype) may be opcodes. Data as bytes must be in `binary`."""
    dimensions = dimensions if isinstance(dimensions, bytes) else shape(*dimensions)
    state = tuple_(number(version), dimensions, kind if kind is not None else dtype(), fortran, payload)
    return blank(**how) + state + BUILD


def from_buffer(payload, dimensions, order="C", kind=None, module="numpy.core.numeric"):
    arguments = (payload, kind if kind is not None else dtype(), shape(*dimensions), text(order))
    return call(name(module, "_frombuffer"), *arguments)


def latin1(data):
    """What Python 3 writes for bytes with protocols 0 to 2."""
    return call(name("_codecs", "encode"), text(data.decode("latin1")), text("latin1"))


def pickled(value, version=3):
    return proto(version) + value + STOP
