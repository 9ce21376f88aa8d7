#!/usr/bin/env python3
"""Writes tests/conformance/*/pt/: files of PyTorch that break one rule each, and controls.

Each file to reject is a valid file with one change. The ids PT-01 to PT-24 number the cases of a list of attacks;
zip.py
has those of archives.
"""

import hashlib
import struct

from cases import write_cases, write_seeds
from pt_bytes import (
    GOOD,
    ORDERED,
    call,
    checkpoint,
    integer,
    legacy,
    legacy_storage,
    name,
    storage,
    stream,
    tensor,
    tensor_v3,
    value,
)
from zip_bytes import Archive, File, deflated

files = {}
expected = {}

TWO = {"0": GOOD, "1": struct.pack("<4f", 5, 6, 7, 8)}


def add(key, content, verdict):
    key += ".pt"
    assert key not in files and len(content) < 9000, (key, len(content))
    files[key] = content
    expected[key] = verdict


def refused(key, content, rule, code="malformed", **more):
    """A file that cannot be opened."""
    add(key, content, {"code": code, "rule": rule, "where": "open"} | more)


def entry(key, root, rule, code="malformed", storages=None, where="read", **more):
    """The tensor "w" is faulty. `root`: the opcodes of "w", or a dict that has it."""
    if not isinstance(root, dict):
        root = {"good": tensor(), "w": root}
    limits = {"limits": more.pop("limits")} if "limits" in more else {}
    content = checkpoint(root, TWO if storages is None else storages, **more)
    add(key, content, {"code": code, "rule": rule, "tensor": "w", "where": where} | limits)


def shown(shape, dtype="float32", layout="dense", **parts):
    """How a tensor reads: the bytes of its parts. view=True: the parts have no bytes of their own."""
    view = {"view": True} if parts.pop("view", False) else {}
    digests = {role: hashlib.sha256(raw).hexdigest() for role, raw in parts.items()}
    return {"dtype": dtype, "shape": list(shape), "layout": layout, "parts": digests} | view


def good(key, content, tensors, notes=0):
    add("ok." + key, content, {"code": "ok", "tensors": tensors, "notes": notes})


def floats(*numbers):
    return struct.pack(f"<{len(numbers)}f", *numbers)


def storage_controls():
    whole = shown([4], data=GOOD)
    good("dense", checkpoint({"w": tensor()}), {"w": whole})
    good("bare", checkpoint(tensor()), {"data": whole})
    good("deflated", checkpoint({"w": tensor()}, files=deflated), {"w": whole})
    part = tensor(offset=2, size=(2,))
    good("deflated.part", checkpoint({"w": part}, files=deflated), {"w": shown([2], data=GOOD[8:], view=True)})
    big = struct.pack(">4f", 1, 2, 3, 4)
    good("byteorder.big", checkpoint({"w": tensor()}, {"0": big}, byteorder="big"), {"w": whole | {"view": True}})
    # PT-01
    transposed = shown([2, 2], data=floats(1, 3, 2, 4), view=True)
    good("transposed", checkpoint({"w": tensor(size=(2, 2), stride=(1, 2))}), {"w": transposed})
    expanded = shown([2, 4], data=2 * GOOD, view=True)
    good("expanded", checkpoint({"w": tensor(size=(2, 4), stride=(0, 1))}), {"w": expanded})
    # PT-14
    pairs = storage("0", "ComplexFloatStorage", 2)
    for key, bits, numbers in (
        ("conj", {"conj": True}, (1, -2, 3, -4)),
        ("neg", {"neg": True}, (-1, -2, -3, -4)),
        ("conj.neg", {"conj": True, "neg": True}, (-1, 2, -3, 4)),
    ):
        made = checkpoint({"w": tensor(pairs, size=(2,), metadata=bits)})
        good("complex." + key, made, {"w": shown([2], "complex64", data=floats(*numbers), view=True)})
    made = checkpoint({"w": tensor(metadata={"neg": True})})
    good("neg", made, {"w": shown([4], data=floats(-1, -2, -3, -4), view=True)})
    # PT-15, PT-16
    memo = tensor() + b"q\5"
    good("tied", checkpoint({"a": memo, "b": b"h\5", "c": tensor()}), dict.fromkeys("abc", whole))
    views = {"a": tensor(size=(3,)), "b": tensor(offset=1, size=(3,))}
    good(
        "overlapping",
        checkpoint(views),
        {"a": shown([3], data=GOOD[:12]), "b": shown([3], data=GOOD[4:])},
    )
    # PT-10: Python 2 writes tags as bytes
    py2 = b"(U\7storage" + name("torch", "FloatStorage") + value("0") + value("cpu") + value(4) + b"tQ"
    good("python2", checkpoint({"w": tensor(py2)}), {"w": whole})
    both = {"w": tensor(storage("0", "UntypedStorage", 16), size=(16,)), "v": tensor()}  # PT-08
    good("untyped", checkpoint(both), {"v": whole, "w": shown([16], "uint8", data=GOOD)})
    float4 = tensor_v3(storage("0", "UntypedStorage", 16), (2, 8), (8, 1), "float4_e2m1fn_x2")
    good("float4", checkpoint({"w": float4}), {"w": shown([2, 16], "float4_e2m1fn", data=GOOD)})


def value_controls():
    whole = shown([4], data=GOOD)
    # PT-24
    good("scalar", checkpoint({"w": tensor(size=(), stride=())}), {"w": shown([], data=GOOD[:4])})
    good("empty", checkpoint({"w": tensor(size=(0, 3), stride=(3, 1))}), {"w": shown([0, 3], data=b"")})
    made = checkpoint({"w": call("torch._utils", "_rebuild_parameter", tensor(), True, ORDERED)})
    good("parameter", made, {"w": whole})
    metadata = value({"_metadata": value({"": {"version": 1}})}) + b"b"
    ordered = name("collections", "OrderedDict") + b")R(" + value("w") + tensor() + b"u" + metadata
    good("metadata", checkpoint(ordered), {"w": whole})
    state = {"state": {0: {"step": 3, "avg": tensor()}}, "param_groups": [{"lr": 0.5, "params": [0]}]}
    good("optimizer", checkpoint(state), {"state.0.avg": whole})
    args = name("argparse", "Namespace") + b")R" + value({"lr": 0.5}) + b"b"
    good("namespace", checkpoint({"args": args, "w": tensor()}), {"w": whole}, notes=1)  # PT-23
    good("none", checkpoint({"epoch": 3}, {}), {}, notes=1)
    good("unused", checkpoint({"w": tensor()}, TWO), {"w": whole}, notes=1)
    good("version", checkpoint({"w": tensor()}, extra=[File("m/version", b"10\n")]), {"w": whole})
    script = name("__torch__", "M") + b")\x81" + value({"w": tensor(), "training": False}) + b"b"
    constants = File("m/constants.pkl", stream((tensor(storage("0")), 5)))
    made = checkpoint(script, extra=[constants, File("m/constants/0", GOOD), File("m/code/__torch__.py", b"exit()")])
    good("script", made, {"w": whole, "constants.0": whole}, notes=1)


def sparse(kind, *parts):
    layout = call("torch.serialization", "_get_layout", "torch.sparse_" + kind)
    return call("torch._utils", "_rebuild_sparse_tensor", layout, parts)


def longs(key, shape):
    strides = (shape[1], 1) if len(shape) == 2 else (1,)
    count = shape[0] * (shape[1] if len(shape) == 2 else 1)
    return tensor(storage(key, "LongStorage", count), size=shape, stride=strides)


def coo(numbers, size=(3, 3), nnz=2):
    """A COO tensor with nnz values and these indices, and its storages."""
    raw = struct.pack(f"<{len(numbers)}q", *numbers)
    values = tensor(storage("1", "FloatStorage", 2), size=(2,))
    return sparse("coo", longs("i", (len(numbers) // nnz, nnz)), values, size), {"0": GOOD, "1": GOOD[:8], "i": raw}


def csr(pointers, indices, size=(3, 3)):
    parts = [longs("p", (len(pointers),)), longs("i", (len(indices),)), tensor(storage("1", elements=2), size=(2,))]
    pack = {key: struct.pack(f"<{len(of)}q", *of) for key, of in (("p", pointers), ("i", indices))}
    return sparse("csr", *parts, size), {"0": GOOD, "1": GOOD[:8]} | pack


def sparse_cases():
    # PT-18
    numbers = struct.pack("<4q", 0, 2, 1, 0)
    made, storages = coo((0, 2, 1, 0))
    one = shown([3, 3], "float32", "sparse_coo", values=GOOD[:8], coords=numbers)
    good("coo", checkpoint({"w": made, "v": tensor()}, storages), {"w": one})
    made, storages = csr((0, 1, 2, 2), (2, 0))
    parts = {"indptr": storages["p"], "indices": storages["i"], "values": GOOD[:8]}
    one = shown([3, 3], "float32", "sparse_csr", **parts)
    good("csr", checkpoint({"w": made, "v": tensor()}, storages), {"w": one})

    def bad(key, made, rule, code="malformed"):
        entry(key, made[0], rule, code, storages=made[1])

    bad("sparse.index.wide", coo((0, 2, 1, 3)), "sparse.index.bounds")
    bad("sparse.index.negative", coo((0, -1, 1, 0)), "sparse.index.bounds")
    bad("sparse.index.far", coo((0, -(2**63), 1, 0)), "sparse.index.bounds")
    bad("sparse.indptr.order", csr((0, 2, 1, 2), (2, 0)), "sparse.indptr.order")
    bad("sparse.parts.csr", csr((0, 1, 2), (2, 0)), "torch.sparse.parts")
    bad("sparse.parts.indices", csr((0, 1, 2, 2), (2, 0, 1)), "torch.sparse.parts")
    bad("sparse.parts.coo", coo((0, 2, 1), nnz=1), "torch.sparse.parts")
    bad("sparse.hybrid", csr((0, 1, 2, 2), (2, 0), (3, 3, 4)), "torch.sparse.hybrid", "unsupported")
    half = sparse("coo", tensor(size=(1, 4), stride=(4, 1)), tensor(), (9,))
    bad("sparse.index.float", (half, {"0": GOOD}), "torch.sparse.index", "unsupported")


def geometry_cases():
    # PT-02
    entry("stride.negative", tensor(stride=(-1,)), "pickle.tensor.stride")
    entry("stride.wide", tensor(stride=(2**63,)), "pickle.tensor.stride")
    entry("offset.negative", tensor(offset=-1), "pickle.tensor.offset")
    entry("offset.wide", tensor(offset=2**63), "pickle.tensor.offset")
    entry("tensor.bounds.offset", tensor(offset=2**61), "torch.tensor.bounds")
    entry("tensor.bounds.size", tensor(offset=3, size=(2,)), "torch.tensor.bounds")  # PT-03
    entry("tensor.bounds.stride", tensor(size=(3,), stride=(2**62,)), "torch.tensor.bounds")  # PT-04
    entry("tensor.bounds.wrap", tensor(size=(5, 5), stride=(2**62, 2**62)), "torch.tensor.bounds")  # PT-04
    entry("tensor.bounds.empty", tensor(offset=5, size=(0,)), "torch.tensor.bounds")
    entry("tensor.expanded", tensor(size=(2**40,), stride=(0,)), "torch.tensor.expanded", "limit")  # PT-05
    entry("tensor.size", tensor(size=(2**32, 2**32, 0), stride=(0, 0, 1)), "torch.tensor.size")  # PT-06
    rank = {"limits": {"rank": 1}}
    entry("tensor.rank", tensor(size=(2, 2), stride=(2, 1)), "torch.tensor.rank", "limit", **rank)
    entry("metadata.unknown", tensor(metadata={"odd": True}), "pickle.tensor.metadata", "unsupported")  # PT-14
    entry("tensor.sign.conj", tensor(metadata={"conj": True}), "torch.tensor.sign", "unsupported")  # PT-14
    longs_of = tensor(storage("0", "LongStorage", 2), size=(2,), metadata={"neg": True})
    entry("tensor.sign.neg", {"w": longs_of}, "torch.tensor.sign", "unsupported")  # PT-14


def storage_cases():
    # PT-07
    entry("storage.length.wide", tensor(storage("1", elements=10**12)), "torch.storage.length")
    entry("storage.length.short", tensor(storage("1", elements=2), size=(2,)), "torch.storage.length")
    entry("storage.length.wrap", tensor(storage("1", elements=2**62)), "torch.storage.length")
    # PT-08
    entry("storage.type", tensor(storage("0", "LongStorage", 2), size=(2,)), "torch.storage.type")
    untyped = tensor(storage("0", "UntypedStorage", 8), size=(8,))
    entry("storage.length.untyped", untyped, "torch.storage.length")
    # PT-09
    for key, of in (("path", "../version"), ("parts", "0/../1"), ("empty", ""), ("long", "1" * 300)):
        entry("storage.key." + key, tensor(storage(of)), "torch.storage.key")
    number = value(("storage", name("torch", "FloatStorage"), 0, "cpu", 4)) + b"Q"
    entry("storage.key.number", tensor(number), "pickle.text.kind")
    entry("storage.missing", tensor(storage("2")), "torch.storage.missing")
    # PT-10
    four = value(("storage", name("torch", "FloatStorage"), "0", "cpu")) + b"Q"
    entry("storage.id.four", tensor(four), "pickle.storage.id")
    entry("storage.id.view", tensor(legacy_storage()), "torch.storage.id")
    tagged = value(("module", name("torch", "FloatStorage"), "0", "cpu", 4)) + b"Q"
    entry("storage.id.tag", tensor(tagged), "pickle.storage.id")
    # PT-11
    entry("type.unknown", tensor(storage(kind="FooStorage")), "pickle.storage.type", "refused")
    entry("type.module", tensor(storage(module="evil")), "pickle.storage.type", "refused")
    quantized = {"w": tensor(storage("0", "QInt8Storage", 16), size=(16,)), "good": tensor(storage("1"))}
    entry("dtype.unknown", quantized, "torch.dtype.unknown", "unsupported")
    odd = tensor_v3(storage("1", "UntypedStorage", 16), (4,), (1,), "complex32")
    entry("dtype.unknown.v3", odd, "torch.dtype.unknown", "unsupported")
    # PT-17
    root = {"w": tensor(size=(4096,), store=storage("1", elements=4096)), "good": tensor()}
    bomb = deflated("m/data/1", b"\0" * 16384)
    limits = {"limits": {"decoded_bytes": 8192}}
    entry("tensor.expanded.deflated", root, "torch.tensor.expanded", "limit", {"0": GOOD}, extra=[bomb], **limits)
    # PT-19
    params = (name("torch", "per_channel_affine"), [0.5], [0], 9)
    made = call("torch._utils", "_rebuild_qtensor", storage(), 0, (4,), (1,), params, False, ORDERED)
    entry("quantized", made, "pickle.tensor.quantized", "unsupported")
    # PT-23
    module = name("models", "Net") + b")R" + value({"_parameters": {"w": tensor()}}) + b"b"
    content = checkpoint({"good": tensor(storage("1")), "net": module}, TWO)
    verdict = {"code": "unsupported", "rule": "pickle.object.unknown", "tensor": "net._parameters.w", "where": "read"}
    add("module", content, verdict)


def embedded(content):
    """The call that reads a storage from bytes."""
    data = b"B" + struct.pack("<I", len(content)) + content
    return name("torch.storage", "_load_from_bytes") + value((data,)) + b"R"


def embedded_cases():
    # PT-22
    inner = legacy(legacy_storage())
    entry("storage.embedded.archive", tensor(embedded(inner)), "torch.storage.embedded", "unsupported")
    outer = {"w": tensor(embedded(inner)), "v": tensor(legacy_storage())}
    whole = shown([4], data=GOOD)
    good("embedded", legacy(outer), {"w": whole, "v": whole})

    def bad(key, content, rule, code="malformed"):
        outer = legacy({"w": tensor(embedded(content)), "v": tensor(legacy_storage())})
        add(key, outer, {"code": code, "rule": rule, "tensor": "w", "where": "read"})

    bad("storage.embedded.tensor", legacy(tensor(legacy_storage())), "torch.storage.embedded")
    bad("storage.embedded.pickle", stream({"a": 1}), "torch.legacy.magic")
    bad("storage.embedded.zip", checkpoint({"w": tensor()}), "pickle.opcode.unsupported", "unsupported")
    deep = inner
    for _ in range(20):
        deep = legacy(embedded(deep), {}, [])
    bad("storage.embedded.deep", deep, "torch.storage.embedded")


def record_cases():
    """Calls with arguments of the wrong kind."""
    two = tensor(size=(2,))
    entry("sparse.layout", sparse("csc", two, two, two, (3, 3)), "pickle.sparse.layout", "unsupported")
    entry("sparse.parts.kind", sparse("coo", 5, two, (3, 3)), "pickle.sparse.parts")
    entry("sparse.size", sparse("coo", two, two, (3, -1)), "pickle.sparse.size")
    entry("storage.elements", tensor(storage(elements=-1)), "pickle.storage.elements")
    entry("storage.form", tensor(integer(5)), "pickle.storage.form")
    rebuild = ("torch._utils", "_rebuild_tensor_v2")
    entry("tensor.arguments", call(*rebuild, storage(), 0, (4,)), "pickle.tensor.arguments")
    entry("tensor.grad", call(*rebuild, storage(), 0, (4,), (1,), 5, ORDERED), "pickle.tensor.grad")
    typed = call("torch._utils", "_rebuild_tensor_v3", storage(), 0, (4,), (1,), False, ORDERED, name("torch", "Size"))
    entry("tensor.dtype", typed, "pickle.tensor.dtype")
    entry("tensor.form", call("torch._utils", "_rebuild_parameter", 5, True, ORDERED), "pickle.tensor.form")
    meta = call("torch._utils", "_rebuild_meta_tensor_no_storage", name("torch", "float32"), (2,), (1,), False)
    entry("tensor.meta", meta, "pickle.tensor.meta", "unsupported")
    entry("tensor.size.negative", tensor(size=(-1,)), "pickle.tensor.size")
    entry("tensor.size.bool", tensor(size=(True,)), "pickle.tensor.size")
    entry("tensor.state", name("torch", "FloatTensor") + b")\x81", "pickle.tensor.state")


def archive_cases():
    def made(*extra):
        return checkpoint({"w": tensor()}, extra=extra)

    pickle = stream({"w": tensor()})
    # PT-12
    refused("archive.twice", made(File("n/data.pkl", pickle)), "torch.archive.twice")
    refused("archive.folder.root", made(File("data.pkl", pickle)), "torch.archive.folder")
    refused("archive.folder", made(File("n/notdata.pkl", pickle)), "torch.archive.folder")
    # PT-13
    refused("archive.byteorder", checkpoint({"w": tensor()}, byteorder="middle"), "torch.archive.byteorder")
    long = checkpoint({"w": tensor()}, byteorder="little" + " " * 4000)
    refused("archive.byteorder.long", long, "torch.archive.byteorder")
    version = "torch.archive.version", "unsupported"
    refused("archive.version", made(File("m/version", b"99\n")), *version)
    refused("archive.version.zero", made(File("m/version", b"0\n")), *version)
    refused("archive.version.text", made(File("m/version", b"3x")), *version)
    refused("archive.version.format", made(File("m/.format_version", b"7")), *version)
    refused("archive.tail", made(File("m/data.pkl", pickle + b"N.")), "torch.archive.tail")
    constants = File("m/constants.pkl", stream([1]))
    refused("archive.constants", made(constants), "torch.archive.constants")
    # Archives of other kinds
    kind = "torch.archive.kind", "unsupported"
    package = Archive(File("p/.data/version", b"3"), File("p/.data/0.storage", GOOD), File("p/m/data.pkl", pickle))
    refused("archive.kind.package", package.finish(), *kind)
    refused("archive.kind.export", made(File("m/archive_format", b"pt2")), *kind)
    refused("archive.kind.keras", Archive(File("config.json", b"{}"), File("model.weights.h5")).finish(), *kind)
    refused("archive.kind.script", Archive(File("m/model.json", b"{}"), File("m/tensors/0", GOOD)).finish(), *kind)
    refused("archive.kind.other", Archive(File("x/notdata.pkl", pickle)).finish(), *kind)
    tar = b"sys_info".ljust(257, b"\0") + b"ustar\00000" + b"\0" * 247
    refused("tar", tar, "torch.tar", "unsupported")


def legacy_cases():
    whole = shown([4], data=GOOD)
    root = {"w": tensor(legacy_storage())}
    good("legacy", legacy(root), {"w": whole})
    view = tensor(legacy_storage(view=("v", 1, 2)), size=(2,))
    good("legacy.view", legacy({"w": view}), {"w": shown([2], data=GOOD[4:12])})
    module = value(("module", name("models", "Net"), "net.py", "import os")) + b"Q"
    good("legacy.module", legacy({"net": module} | root), {"w": whole}, notes=1)

    def bad(key, rule, code="malformed", of=None, **more):
        refused("legacy." + key, legacy(root if of is None else of, **more), rule, code)

    # PT-20
    bad("bounds.count", "torch.legacy.bounds", storages={"0": (4, GOOD[:-1])})
    bad("count.wide", "torch.legacy.count", storages={"0": (-(2**63), GOOD)})
    bad("count", "torch.legacy.count", storages={"0": (3, GOOD)})
    bad("keys.more", "torch.legacy.keys", keys=["0", "1"])
    bad("keys.twice", "torch.legacy.keys", keys=["0", "0"])
    bad("keys.fewer", "torch.legacy.keys", keys=[], storages={})
    bad("keys.kind", "torch.legacy.keys", keys={})
    bad("tail", "torch.legacy.tail", tail=b"\0")
    bad("endian", "torch.legacy.endian", "unsupported", little=False)
    bad("version", "torch.legacy.version", "unsupported", version=1000)
    other = {"w": tensor(legacy_storage()), "v": tensor(legacy_storage(elements=5))}
    bad("claims", "torch.legacy.claims", of=other)
    # PT-21
    for key, of in (("bounds", ("v", 3, 2)), ("wrap", ("v", 2**63 - 1, 2)), ("form", ("v", 1))):
        faulty = {"v": tensor(legacy_storage()), "w": tensor(legacy_storage(view=of), size=(2,))}
        verdict = {"code": "malformed", "rule": "torch.legacy.view", "tensor": "w", "where": "read"}
        add("legacy.view." + key, legacy(faulty), verdict)


def main():
    makers = (storage_controls, value_controls, sparse_cases, geometry_cases, storage_cases, embedded_cases)
    for make in (*makers, record_cases, archive_cases, legacy_cases):
        make()
    write_cases("pt", files, expected)
    write_seeds("torch", {key: content for key, content in files.items() if key.startswith("ok.")})


if __name__ == "__main__":
    main()
