"""Makes the bytes of 1.2 files without a library, so that one thing can be wrong: CBOR, digests, zstd frames."""

import hashlib
import struct

MAGIC = b"ZTEN1000"
DROP = object()  # as a changed field: leave it out


class Raw(bytes):
    """Encoded CBOR. It goes unchanged into a manifest, also as a key."""


class Map(list):
    """A CBOR map as pairs, for keys that repeat or are not text."""


def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for info, form in ((24, ">B"), (25, ">H"), (26, ">I"), (27, ">Q")):
        if number < 1 << 8 * struct.calcsize(form):
            return bytes([major << 5 | info]) + struct.pack(form, number)
    raise ValueError(number)


def cbor(value):
    if isinstance(value, Raw):
        return bytes(value)
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    pairs = value if isinstance(value, Map) else value.items() if isinstance(value, dict) else None
    if pairs is not None:
        return head(5, len(pairs)) + b"".join(cbor(key) + cbor(item) for key, item in pairs)
    return head(4, len(value)) + b"".join(map(cbor, value))


def changed(fields, changes):
    """A copy of a dict with fields replaced or added. The value DROP removes a field."""
    merged = {**fields, **changes}
    return {key: value for key, value in merged.items() if value is not DROP}


def struct_u64(*numbers):
    return struct.pack("<%dQ" % len(numbers), *numbers)


def lay(blob, start=8):
    """A blob with its padding, in a file whose bytes so far end at `start`: aligned to 64 before and after."""
    padded = bytes(-start % 64) + blob
    return padded + bytes(-len(padded) - start & 63)


def image(objects, blobs=b"", version="1.2.0", manifest=None, extra=(), trailing=b"", wrap=b""):
    """A whole file. `extra`: more members of the root; `trailing`: bytes after the manifest's item."""
    if manifest is None:
        manifest = wrap + cbor(Map([("version", version), *extra, ("objects", objects)])) + trailing
    return MAGIC + blobs + manifest + struct.pack("<Q", len(manifest)) + MAGIC


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def crc_text(data):
    return "crc32c:0x%08X" % crc32c(data)


def sha_text(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def xxh64(data):
    """XXH64 with seed 0: the low four bytes are the content checksum of a zstd frame."""
    p1, p2, p3, p4, p5 = (
        11400714785074694791,
        14029467366897019727,
        1609587929392839161,
        9650029242287828579,
        2870177450012600261,
    )
    mask = 2**64 - 1

    def rotate(x, n):
        return (x << n | x >> 64 - n) & mask

    def mix(state, word):
        return rotate((state + word * p2) & mask, 31) * p1 & mask

    at, state = 0, p5
    if len(data) >= 32:
        lanes = [(p1 + p2) & mask, p2, 0, -p1 & mask]
        while at + 32 <= len(data):
            lanes = [mix(lane, word) for lane, word in zip(lanes, struct.unpack_from("<4Q", data, at))]
            at += 32
        state = sum(rotate(lane, n) for lane, n in zip(lanes, (1, 7, 12, 18))) & mask
        for lane in lanes:
            state = ((state ^ mix(0, lane)) * p1 + p4) & mask
    state = (state + len(data)) & mask
    while at + 8 <= len(data):
        state = (rotate(state ^ mix(0, struct.unpack_from("<Q", data, at)[0]), 27) * p1 + p4) & mask
        at += 8
    if at + 4 <= len(data):
        state = (rotate(state ^ struct.unpack_from("<I", data, at)[0] * p1 & mask, 23) * p2 + p3) & mask
        at += 4
    for byte in data[at:]:
        state = rotate(state ^ byte * p5 & mask, 11) * p1 & mask
    for shift, factor in ((33, p2), (29, p3), (32, 1)):
        state = (state ^ state >> shift) * factor & mask
    return state


assert xxh64(b"") == 0xEF46DB3751D8E999 and xxh64(b"abc") == 0x44BC2CF5AD770999
assert crc32c(b"123456789") == 0xE3069283


def raw_block(payload, last=True):
    return struct.pack("<I", len(payload) << 3 | last)[:3] + payload


def rle_block(byte, length, last=True):
    return struct.pack("<I", length << 3 | 1 << 1 | last)[:3] + bytes([byte])


def frame(payload, checksum=False, descriptor=0, size=None, window=None, dictionary=None, blocks=None):
    """A zstd frame of one raw block, or of `blocks`. `size`: the size that it states; `window`: a byte instead."""
    size = len(payload) if size is None else size
    wide = size > 255
    flags = descriptor | (4 if checksum else 0) | (0 if dictionary is None else 1)
    flags |= 0 if window is not None else 0x20 | (0x80 if wide else 0)
    out = b"\x28\xb5\x2f\xfd" + bytes([flags])
    out += b"" if window is None else bytes([window])
    out += b"" if dictionary is None else bytes([dictionary])
    out += b"" if window is not None else struct.pack("<I" if wide else "<B", size)
    out += raw_block(payload) if blocks is None else blocks
    return out + (struct.pack("<I", xxh64(payload) & 0xFFFFFFFF) if checksum else b"")


def seek_table(sizes):
    """`sizes`: stored and decoded bytes of each frame."""
    rows = b"".join(struct.pack("<II", stored, decoded) for stored, decoded in sizes)
    return struct.pack("<II", 0x184D2A5E, len(rows) + 9) + rows + struct.pack("<IBI", len(sizes), 0, 0x8F92EAB1)
