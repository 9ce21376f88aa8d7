"""Pickles as torch.save writes them, opcode by opcode, and the files around them."""

import struct

from zip_bytes import Archive, File

GOOD = struct.pack("<4f", 1, 2, 3, 4)  # the storage "0" of most files


def text(value):
    raw = value if isinstance(value, bytes) else value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def integer(value):
    if 0 <= value < 256:
        return b"K" + bytes([value])
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def value(item):
    """The opcodes of a Python value; bytes are opcodes already."""
    if isinstance(item, bytes):
        return item
    if item is None:
        return b"N"
    if isinstance(item, bool):
        return b"\x88" if item else b"\x89"
    if isinstance(item, int):
        return integer(item)
    if isinstance(item, float):
        return b"G" + struct.pack(">d", item)
    if isinstance(item, str):
        return text(item)
    if isinstance(item, tuple):
        return b"(" + b"".join(map(value, item)) + b"t"
    if isinstance(item, list):
        return b"](" + b"".join(map(value, item)) + b"e"
    return b"}(" + b"".join(value(key) + value(content) for key, content in item.items()) + b"u"


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def call(module, attribute, *arguments):
    return name(module, attribute) + value(arguments) + b"R"


ORDERED = name("collections", "OrderedDict") + b")R"


def storage(key="0", kind="FloatStorage", elements=4, module="torch"):
    return value(("storage", name(module, kind), key, "cpu", elements)) + b"Q"


def tensor(store=None, offset=0, size=(4,), stride=(1,), metadata=None):
    """The call that rebuilds a tensor."""
    more = () if metadata is None else (metadata,)
    store = storage() if store is None else store
    return call("torch._utils", "_rebuild_tensor_v2", store, offset, size, stride, False, ORDERED, *more)


def tensor_v3(store, size, stride, dtype):
    return call("torch._utils", "_rebuild_tensor_v3", store, 0, size, stride, False, ORDERED, name("torch", dtype))


def stream(root):
    return b"\x80\x02" + value(root) + b"."


def checkpoint(root, storages=None, extra=(), byteorder="little", files=File):
    """An archive of torch.save. `extra`: more files, which replace those of the same name."""
    storages = {"0": GOOD} if storages is None else storages
    members = [File("m/data.pkl", stream(root)), File("m/byteorder", byteorder.encode())]
    members += [files(f"m/data/{key}", content) for key, content in storages.items()]
    members.append(File("m/version", b"3\n"))
    replaced = {file.name for file in extra}
    return Archive(*(file for file in members if file.name not in replaced), *extra).finish()


MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")


def legacy_storage(key="0", kind="FloatStorage", elements=4, view=None):
    return value(("storage", name("torch", kind), key, "cpu", elements, view)) + b"Q"


def legacy(root, storages=None, keys=None, little=True, version=1001, tail=b"", magic=MAGIC):
    """A file of torch.save before 1.6. `storages`: key -> (count, bytes)."""
    storages = {"0": (4, GOOD)} if storages is None else storages
    sizes = {"short": 2, "int": 4, "long": 4}
    machine = {"protocol_version": 1001, "little_endian": little, "type_sizes": sizes}
    content = magic + stream(version) + stream(machine) + stream(root)
    content += stream(list(storages) if keys is None else keys)
    for count, raw in storages.values():
        content += struct.pack("<q", count) + raw
    return content + tail
