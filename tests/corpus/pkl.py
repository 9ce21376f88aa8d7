#!/usr/bin/env python3
"""Writes tests/conformance/*/pickle/: for each rule a file that breaks only it, controls, and expected.json.

Each file to reject is a valid pickle with one change. The ids in comments are those of a list of attacks on unpicklers.
The controls are also seeds of the fuzz target.
"""

import hashlib
import struct

from cases import write_cases, write_seeds
from pkl_bytes import (
    ADDITEMS,
    APPEND,
    APPENDS,
    BUILD,
    EMPTY_DICT,
    EMPTY_LIST,
    EMPTY_TUPLE,
    FALSE,
    MARK,
    MEMOIZE,
    NEWOBJ,
    NONE,
    OBJ,
    POP,
    REDUCE,
    SETITEM,
    SETITEMS,
    STACK_GLOBAL,
    STOP,
    TRUE,
    TUPLE1,
    TUPLE2,
    array,
    binary,
    blank,
    call,
    dict_,
    double,
    dtype,
    dtype_state,
    from_buffer,
    get,
    latin1,
    list_,
    name,
    number,
    pickled,
    proto,
    put,
    shape,
    short_text,
    text,
    tuple_,
)

files = {}
expected = {}


def data(length):
    return bytes(i % 251 for i in range(length))


W = binary(data(8))
GOOD = array(W, [2])
KEY = text("w")


def add(name, content, verdict):
    name += ".pkl"
    assert name not in files and len(content) < 16384, (name, len(content))
    files[name] = content
    expected[name] = verdict


def bad(name, content, rule, code="malformed"):
    add(name, content, {"code": code, "rule": rule, "where": "open"})


def entry(name, value, rule, code="malformed", key=KEY):
    """A value that cannot be read, beside an array that can. `key`: of the value; its name is "w", or "?"."""
    content = pickled(dict_((text("a"), GOOD), (key, value)))
    tensor = "w" if key == KEY else "?"
    add(name, content, {"code": code, "rule": rule, "where": "read", "tensor": tensor})


def good(name, content, tensors, notes=0):
    """`tensors`: name -> (dtype as users see it, shape, decoded bytes[, is a view])."""
    found = {}
    for key, (kind, dimensions, decoded) in tensors.items():
        digest = hashlib.sha256(decoded).hexdigest()
        found[key] = {"dtype": kind, "shape": dimensions, "layout": "dense", "parts": {"data": digest}, "view": True}
    add("ok." + name, content, {"code": "ok", "tensors": found, "notes": notes})


F4 = ("float32", [2], data(8))


def controls():
    # PK-24, NP-18
    good("none", pickled(EMPTY_DICT), {}, notes=1)
    good("bare", pickled(GOOD), {"data": F4})
    good("bytes", pickled(dict_((KEY, GOOD))), {"w": F4})
    good("modules", pickled(dict_((KEY, array(W, [2], module="numpy._core.multiarray")))), {"w": F4})
    good("protocol.2", pickled(dict_((KEY, array(latin1(data(8)), [2]))), 2), {"w": F4})
    high = bytes(range(248, 256))
    good("protocol.2.high", pickled(dict_((KEY, array(latin1(high), [2]))), 2), {"w": ("float32", [2], high)})
    empty = call(name("__builtin__", "bytes"))
    good("protocol.2.empty", pickled(dict_((KEY, array(empty, [0, 3]))), 2), {"w": ("float32", [0, 3], b"")})
    python2 = b"T" + struct.pack("<i", 8) + data(8)
    good("python2", pickled(dict_((b"U\x01w", array(python2, [2]))), 2), {"w": F4})
    good("python2.quoted", quoted(), {"w": F4})
    good("protocol.0", protocol_0(), {"w": F4})
    good("protocol.4", framed(), {"w": F4})
    buffer = b"\x96" + struct.pack("<Q", 8) + data(8)
    good("protocol.5", pickled(dict_((KEY, from_buffer(buffer, [2]))), 5), {"w": F4})
    good(
        "order.big", pickled(array(W, [2], dtype(order=">"))), {"data": ("float32", [2], swapped(data(8), 4))}
    )  # NP-04
    columns = b"".join(data(24)[4 * i : 4 * i + 4] for i in (0, 2, 4, 1, 3, 5))
    fortran = array(binary(data(24)), [2, 3], fortran=TRUE)
    good("order.fortran", pickled(fortran), {"data": ("float32", [2, 3], columns)})  # NP-05
    good("order.buffer", pickled(from_buffer(binary(data(24)), [2, 3], "F")), {"data": ("float32", [2, 3], columns)})
    # NP-13
    names = dict_((text("a"), GOOD + put(1)), *((text(f"b{i}"), get(1)) for i in range(100)))
    good("tied", pickled(names), {"a": F4, "b0": F4, "b99": F4})
    nested = dict_((text("m"), list_(GOOD, dict_((number(7), GOOD)))), (text("epoch"), number(3)))
    good("nested", pickled(nested), {"m.0": F4, "m.1.7": F4})
    good("scalar", pickled(array(binary(data(4)), [])), {"data": ("float32", [], data(4))})
    good("bfloat16", pickled(array(W, [4], dtype(name("ml_dtypes", "bfloat16")))), {"data": ("bfloat16", [4], data(8))})
    # NP-15: two keys with the same text
    both = dict_((number(1), GOOD), (text("1"), GOOD), (binary(b"1"), GOOD))
    good("key.same", pickled(both), {"1": F4, "1_2": F4, "1_3": F4}, notes=2)
    # PK-16: what BUILD gives to an OrderedDict is no item of it
    ordered = name("collections", "OrderedDict") + EMPTY_TUPLE + REDUCE + MARK + KEY + GOOD + SETITEMS
    good("state", pickled(ordered + dict_((text("x"), array(W, [2]))) + BUILD), {"w": F4}, notes=1)
    # PK-23
    good("pops", pickled((NONE + POP) * 4000 + GOOD), {"data": F4})
    # PK-08
    good("marks", pickled(MARK * 4000 + b"1" * 4000 + GOOD), {"data": F4})
    unknown = call(name("argparse", "Namespace"))
    good("object", pickled(dict_((KEY, GOOD), (text("args"), unknown))), {"w": F4}, notes=1)


def swapped(content, size):
    return b"".join(content[i : i + size][::-1] for i in range(0, len(content), size))


def quoted():
    """Protocol 0 of Python 2."""
    made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    kind = b"cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
    payload = b"S'\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07'\n"
    return b"(dS'w'\n" + made + b"(I1\n(I2\nt" + kind + b"I00\n" + payload + b"tbs."


def protocol_0():
    """Protocol 0 of Python 3."""
    encode = b"c_codecs\nencode\n"
    made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\nt" + encode + b"(Vb\nVlatin1\ntRtR"
    kind = b"cnumpy\ndtype\n(Vf4\nI00\nI01\ntR(I3\nV<\nNNNI-1\nI-1\nI0\ntb"
    payload = encode + b"(V\\u0000\x01\x02\x03\x04\x05\x06\x07\nVlatin1\ntR"
    return b"(dVw\n" + made + b"(I1\n(I2\nt" + kind + b"I00\n" + payload + b"tbs."


def framed():
    body = dict_((KEY, GOOD)) + STOP
    return proto(4) + b"\x95" + struct.pack("<Q", len(body)) + body


def code_cases():
    danger = "pickle.global.danger"
    # PK-01, PK-02
    bad("danger.system", b"cos\nsystem\n(S'id'\ntR.", danger, "refused")
    memo = proto(4) + short_text("system") + MEMOIZE + short_text("os") + MEMOIZE + get(1) + get(0) + STACK_GLOBAL
    bad("danger.memo", memo + short_text("id") + TUPLE1 + REDUCE + STOP, danger, "refused")
    decoys = proto(4) + short_text("collections") + put(5) + POP + short_text("os") + put(5) + POP
    bad("danger.decoy", decoys + get(5) + short_text("system") + STACK_GLOBAL + STOP, danger, "refused")
    names = (
        ("posix", "system"),
        ("nt", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("__builtin__", "eval"),
        ("builtins", "exec"),
        ("builtins", "getattr"),
        ("builtins", "__import__"),
        ("operator", "attrgetter"),
        ("operator", "methodcaller"),
        ("functools", "partial"),
        ("importlib", "import_module"),
        ("pkgutil", "resolve_name"),
        ("runpy", "run_path"),
        ("pickle", "loads"),
        ("_pickle", "loads"),
        ("marshal", "loads"),
        ("types", "FunctionType"),
        ("timeit", "timeit"),
        ("cProfile", "runctx"),
        ("webbrowser", "open"),
        ("ctypes", "CDLL"),
        ("socket", "create_connection"),
        ("torch", "load"),
        ("torch.serialization", "load"),
        ("torch.hub", "load"),
        ("torch.jit", "load"),
        ("torch.utils.collect_env", "run"),
        ("torch.fx.graph_module", "reduce_graph_module"),
        ("numpy", "load"),
        ("numpy", "memmap"),
        ("numpy.testing._private.utils", "runstring"),
        ("numpy.f2py.crackfortran", "getlincoef"),
        ("joblib", "load"),
        ("torch._utils", "_rebuild_tensor_v2.__globals__"),  # PK-03
        ("collections", "OrderedDict.__init__"),
        ("mymodule", "os.system"),
    )
    for module, symbol in names:
        bad(f"danger.{module}.{symbol}", pickled(call(name(module, symbol))), danger, "refused")
    # NP-08, NP-10, NP-16: named inside of an array or a scalar
    objects = dtype("O8", order="|", flags=63)
    bad("danger.objects", pickled(array(list_(name("os", "system")), [1], objects)), danger, "refused")
    # PK-03
    rule = "pickle.global.name"
    bad("global.name.space", pickled(name("os ", "system")), rule)
    bad("global.name.return", pickled(name("os\r", "system")), rule)
    bad("global.name.utf8", pickled(b"c\xff\nsystem\n"), rule)
    bad("global.name.empty", pickled(b"c\n\n"), rule)
    bad("global.name.long", pickled(name("a" * 1025, "b")), rule)
    bad("global.name.call", proto(4) + name("m", "f") + EMPTY_TUPLE + REDUCE + text("f") + STACK_GLOBAL + STOP, rule)
    # PK-04
    unsupported = "pickle.opcode.unsupported"
    bad("opcode.obj", pickled(MARK + name("m", "C") + OBJ), unsupported, "unsupported")
    bad("opcode.inst", pickled(MARK + b"im\nC\n"), unsupported, "unsupported")
    for symbol, opcode in (("ext1", b"\x82\x01"), ("ext2", b"\x83\x01\x01"), ("ext4", b"\x84\x01\x01\x01\x01")):
        bad("opcode." + symbol, pickled(opcode), unsupported, "unsupported")
    bad("opcode.persid", pickled(b"P0\n"), unsupported, "unsupported")
    bad("opcode.buffer", pickled(b"\x97", 5), unsupported, "unsupported")  # PK-20


def stream_cases():
    # PK-05
    tree = EMPTY_LIST + put(0)
    for i in range(40):
        tree += get(i) + TUPLE2 + put(i + 1)
    bad("tree.limit.tuples", pickled(tree), "pickle.tree.limit", "limit")
    arrays = GOOD + put(0) + POP + get(0)
    for i in range(40):
        arrays += get(i) + TUPLE2 + put(i + 1)
    bad("tree.limit.arrays", pickled(arrays), "pickle.tree.limit", "limit")
    # PK-06
    cycle = "pickle.graph.cycle"
    bad("graph.cycle.list", pickled(EMPTY_LIST + put(0) + get(0) + APPEND), cycle)
    bad("graph.cycle.dict", pickled(EMPTY_DICT + put(0) + KEY + get(0) + SETITEM), cycle)
    ring = EMPTY_DICT + put(0) + KEY + EMPTY_DICT + put(1) + KEY + get(0) + SETITEM + SETITEM
    bad("graph.cycle.ring", pickled(ring), cycle)
    # PK-07
    bad("depth.limit.tuples", pickled(NONE + TUPLE1 * 10000), "pickle.depth.limit", "limit")
    bad("depth.limit.lists", pickled(EMPTY_LIST * 5000 + APPEND * 4999), "pickle.depth.limit", "limit")
    # PK-08, PK-13, PK-15
    bad("mark.missing", pickled(NONE + b"1"), "pickle.mark.missing")
    underflow = "pickle.stack.underflow"
    bad("stack.underflow.stop", pickled(b""), underflow)
    bad("stack.underflow.pop", pickled(POP + NONE), underflow)
    bad("stack.underflow.mark", pickled(NONE + MARK + POP), underflow)
    bad("stack.underflow.put", pickled(put(0) + NONE), underflow)
    bad("stack.underflow.tuple", pickled(NONE + TUPLE2), underflow)
    bad("stack.underflow.append", pickled(EMPTY_LIST + MARK + NONE + APPEND), underflow)
    bad("stack.left.value", pickled(NONE + NONE), "pickle.stack.left")
    bad("stack.left.mark", pickled(MARK + NONE), "pickle.stack.left")
    bad("stream.truncated.stop", proto() + NONE, "pickle.stream.truncated")
    bad("stream.truncated.line", proto() + b"cos", "pickle.stream.truncated")
    bad("stream.trailing.zero", pickled(GOOD) + b"\0", "pickle.stream.trailing")
    bad("stream.trailing.pickle", pickled(GOOD) + pickled(GOOD), "pickle.stream.trailing")  # NP-17
    # PK-09
    limit = ("pickle.memo.limit", "limit")
    bad("memo.limit.long", pickled(NONE + b"r\xff\xff\xff\xff"), *limit)
    bad("memo.limit.text", pickled(NONE + b"p1000000000000000000\n"), *limit)
    bad("memo.index.letters", pickled(NONE + b"px\n"), "pickle.memo.index")
    bad("memo.index.negative", pickled(NONE + b"p-1\n"), "pickle.memo.index")
    bad("memo.unset", pickled(get(0)), "pickle.memo.unset")
    bad("memo.unset.sparse", pickled(NONE + b"r\x00\x00\x10\x00" + POP + get(9)), "pickle.memo.unset")
    # PK-10, NP-14
    most = b"\xff" * 8
    for symbol, opcode in (("text8", b"\x8d" + most), ("bytes8", b"\x8e" + most), ("array8", b"\x96" + most)):
        bad("stream.truncated." + symbol, pickled(opcode), "pickle.stream.truncated")
    bad("stream.truncated.bytes", pickled(b"B\xff\xff\xff\xff"), "pickle.stream.truncated")
    bad("stream.truncated.gigabytes", pickled(b"\x8e" + struct.pack("<Q", 10**10)), "pickle.stream.truncated")
    # PK-11
    bad("number.length", pickled(b"\x8b\xff\xff\xff\xff"), "pickle.number.length")
    bad("number.form.digits", b"L" + b"9" * 10000 + b"L\n.", "pickle.number.form")
    bad("number.form.letters", b"I12x\n.", "pickle.number.form")
    bad("number.form.float", b"F1,5\n.", "pickle.number.form")
    # PK-12
    bounds = "pickle.frame.bounds"
    bad("frame.bounds.most", proto(4) + b"\x95" + most + NONE + STOP, bounds)
    bad("frame.bounds.operand", proto(4) + b"\x95" + struct.pack("<Q", 3) + text("abc") + STOP, bounds)
    bad("frame.bounds.stop", proto(4) + b"\x95" + struct.pack("<Q", 4) + NONE + STOP + b"NN", bounds)
    frame = b"\x95" + struct.pack("<Q", 11) + b"\x95" + struct.pack("<Q", 2) + NONE + STOP
    bad("frame.nested", proto(4) + frame, "pickle.frame.nested")
    # PK-14
    for version in (1, 6, 255):
        bad(f"proto.version.{version}", b"\x80" + bytes([version]) + NONE + STOP, "pickle.proto.version")
    bad("proto.place", proto() + NONE + proto() + STOP, "pickle.proto.place")
    bad("proto.missing", b"(" + short_text("a") + b"t.", "pickle.proto.missing")
    # PK-15
    bad("call.arguments.list", pickled(name("m", "f") + EMPTY_LIST + REDUCE), "pickle.call.arguments")
    bad("call.arguments.none", pickled(name("m", "f") + NONE + NEWOBJ), "pickle.call.arguments")
    keywords = name("m", "f") + EMPTY_TUPLE + EMPTY_LIST + b"\x92"
    bad("call.arguments.keywords", pickled(keywords, 4), "pickle.call.arguments")
    bad("opcode.unknown.D", pickled(b"D"), "pickle.opcode.unknown")
    bad("opcode.unknown.ff", pickled(b"\xff"), "pickle.opcode.unknown")


def kind_cases():
    # SETITEM, APPEND, ADDITEMS and BUILD on values of the wrong kind
    target = "pickle.items.target"
    bad("items.target.setitem", pickled(EMPTY_LIST + NONE + NONE + SETITEM), target)
    bad("items.target.setitems", pickled(NONE + MARK + NONE + NONE + SETITEMS), target)
    bad("items.target.append", pickled(EMPTY_DICT + NONE + APPEND), target)
    bad("items.target.appends", pickled(name("m", "f") + MARK + NONE + APPENDS), target)
    bad("items.target.additems", pickled(EMPTY_LIST + MARK + NONE + ADDITEMS), target)
    bad("items.target.text", pickled(KEY + NONE + APPEND), target)
    bad("items.odd.setitems", pickled(EMPTY_DICT + MARK + NONE + SETITEMS), "pickle.items.odd")
    bad("items.odd.dict", pickled(MARK + NONE + b"d"), "pickle.items.odd")
    for symbol, value in (("dict", EMPTY_DICT), ("class", name("m", "C")), ("none", NONE), ("list", EMPTY_LIST)):
        bad("build.target." + symbol, pickled(value + EMPTY_DICT + BUILD), "pickle.build.target")
    # PK-17
    twice = GOOD + tuple_(number(1), shape(1), dtype(), FALSE, W) + BUILD
    bad("build.twice.array", pickled(twice), "pickle.build.twice")
    # PK-19
    entry("text.utf8.dtype", array(W, [2], dtype(text(b"\xff4"))), "pickle.text.utf8")
    bad("text.escape.unicode", b"V\\u12\n.", "pickle.text.escape")
    bad("text.escape.quotes", b"Sabc\n.", "pickle.text.escape")
    bad("text.escape.hex", b"S'\\x1'\n.", "pickle.text.escape")
    bad("text.length", pickled(b"T\xff\xff\xff\xff"), "pickle.text.length")
    twice = dict_((KEY, GOOD), (KEY, array(W, [2])))
    bad("key.duplicate", pickled(twice), "pickle.key.duplicate")
    equal = dict_((number(1), GOOD), (TRUE, GOOD))
    bad("key.duplicate.equal", pickled(equal), "pickle.key.duplicate")
    lost = dict_((KEY, GOOD), (KEY, number(1)))
    bad("key.duplicate.lost", pickled(lost), "pickle.key.duplicate")
    compressed = ("pickle.file.compressed", "unsupported")
    bad("file.compressed.gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00", *compressed)
    bad("file.compressed.bzip2", b"BZh91AY&SY", *compressed)
    bad("file.compressed.xz", b"\xfd7zXZ\x00\x00\x04", *compressed)
    bad("file.compressed.zlib", b"\x78\x9c\x03\x00\x00\x00\x00\x01", *compressed)


def array_cases():
    def one(rule_name, value, code="malformed"):
        rule = "pickle." + ".".join(rule_name.split(".")[:2])
        entry(rule_name, value, rule, code)

    # NP-01
    one("shape.overflow.product", array(binary(b""), shape(2**31, 2**31, 4, 2**31)))
    one("shape.overflow.zero", array(binary(b""), shape(2**62, 2**62, 0)))
    # NP-02
    one("array.length.short", array(binary(data(7)), [2]))
    one("array.length.long", array(binary(data(9)), [2]))
    one("array.length.text", array(latin1(data(7)), [2]))
    one("array.length.huge", array(binary(data(8)), shape(2**31, 2**28)))
    # NP-03, NP-07
    for symbol in ("f3", "f", "<f4", "V4", "f4,f4", "U2", "S3", "M8", "f16", "c32", "x" * 1000):
        one(
            "dtype.unknown." + symbol[:5].replace("<", "le").replace(",", "_"),
            array(W, [2], dtype(symbol)),
            "unsupported",
        )
    one("dtype.unknown.float4", array(W, [8], dtype(name("ml_dtypes", "float4_e2m1fn"))), "unsupported")
    fields = tuple_(text("a"))
    one("dtype.unknown.fields", array(W, [1], dtype("V8", order="|", names=fields, size=8)), "unsupported")
    subdtype = tuple_(dtype(), shape(2))
    one("dtype.unknown.subdtype", array(W, [1], dtype("V8", order="|", subdtype=subdtype, size=8)), "unsupported")
    one("dtype.itemsize", array(W, [2], dtype(size=10**9)))
    one("dtype.state.align", array(W, [2], dtype(align=-5)))
    one("dtype.state.version", array(W, [2], dtype(version=5)))
    one("dtype.state.items", array(W, [2], dtype(more=(NONE, NONE))))
    one("dtype.order", array(W, [2], dtype(order="<>")))
    one("dtype.form.text", array(W, [2], text("f4")))
    one("dtype.form.call", array(W, [2], call(name("numpy", "ndarray"))))
    # NP-06: the dtype gets its state after the array has used it
    late = call(name("numpy", "dtype"), text("f4"), FALSE, TRUE) + put(9)
    used = array(W, [2], late)
    later = get(9) + dtype_state(order=">") + BUILD
    one("dtype.late", used + put(8) + POP + later + POP + get(8))
    # NP-08
    objects = dtype("O8", order="|", flags=63)
    one("array.objects", array(list_(NONE, NONE), [2], objects), "unsupported")
    # NP-09
    one("array.payload.text", array(text("abcdefgh"), [2]))
    one("array.payload.number", array(number(7), [2]))
    one("array.payload.list", array(list_(), [0]))
    one("array.payload.buffer", from_buffer(text("abcdefgh"), [2]))
    one("array.payload.buffer.number", from_buffer(number(7), [2]))
    # NP-10
    for symbol in ("matrix", "recarray"):
        one("array.class." + symbol, array(W, [2], of=name("numpy", symbol)), "refused")
    one("array.class.module", array(W, [2], of=name("evil", "ndarray")), "refused")
    # NP-11, PK-11, PK-21
    one("array.shape.negative", array(W, shape(-2)))
    one("array.shape.true", array(W, tuple_(TRUE, number(2))))
    one("array.shape.list", array(W, list_(number(2))))
    one("array.shape.rank", array(W, shape(*[1] * 65)))
    one("array.shape.nan", array(W, tuple_(double(float("nan")))))
    one("array.shape.long", array(W, tuple_(b"\x8a\xff" + b"\x01" * 255)))
    one("array.order.none", array(W, [2], fortran=NONE))
    one("array.order.letter", from_buffer(W, [2], "A"))
    one("array.state.version", array(W, [2], version=2))
    one("array.state.none", blank())
    one("array.state.list", blank() + list_(number(1)) + BUILD)
    one("array.form.arguments", call(name("numpy.core.multiarray", "_reconstruct"), name("numpy", "ndarray")))
    one("array.form.buffer", call(name("numpy.core.numeric", "_frombuffer"), W))
    # NP-12, PK-22
    one("codec.range", array(call(name("_codecs", "encode"), text("\u0100" * 8), text("latin1")), [2]))
    for codec in ("rot13", "base64", "utf-8"):
        made = call(name("_codecs", "encode"), text("abcdefgh"), text(codec))
        one("codec.name." + codec, array(made, [2]), "refused")
    one("text.kind", array(W, [2], dtype(NONE)))
    # PK-18
    subclass = name("__main__", "MyDict") + EMPTY_TUPLE + NEWOBJ + MARK + text("x") + GOOD + SETITEMS
    content = pickled(dict_((text("a"), array(W, [2])), (KEY, subclass)))
    add(
        "object.unknown.items",
        content,
        {"code": "unsupported", "rule": "pickle.object.unknown", "where": "read", "tensor": "w.x"},
    )
    state = name("m", "C") + EMPTY_TUPLE + NEWOBJ + dict_((text("x"), GOOD)) + BUILD
    content = pickled(dict_((text("a"), array(W, [2])), (KEY, state)))
    add(
        "object.unknown.state",
        content,
        {"code": "unsupported", "rule": "pickle.object.unknown", "where": "read", "tensor": "w.x"},
    )
    # NP-15
    odd = {
        "float": double(1.5),
        "tuple": tuple_(number(1), number(2)),
        "utf8": text(b"\xff"),
        "surrogate": text(b"\xed\xa0\x80"),
        "python2": b"U\x01\xff",
    }
    for symbol, key in odd.items():
        entry("key.kind." + symbol, GOOD, "pickle.key.kind", "unsupported", key)


def main():
    for make in (controls, code_cases, stream_cases, kind_cases, array_cases):
        make()
    write_cases("pickle", files, expected)
    write_seeds("pickle", {name: content for name, content in files.items() if name.startswith("ok.")})


if __name__ == "__main__":
    main()
