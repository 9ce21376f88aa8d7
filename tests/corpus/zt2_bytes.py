"""Makes the bytes of files of generation 2 without a library: deterministic CBOR, XXH3, footer."""

import struct

from zt12_bytes import Map, Raw, head

MAGIC = b"\x89ZT2\r\n\x1a\n"
PAGE = 4096
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
P32 = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
P64 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
MASK = 2**64 - 1


def shortest_float(value):
    """The first of half, single and double that restores the value."""
    for first, form in ((b"\xf9", ">e"), (b"\xfa", ">f")):
        try:
            encoded = struct.pack(form, value)
        except OverflowError:
            continue
        if struct.unpack(form, encoded)[0] == value:
            return first + encoded
    return b"\xfb" + struct.pack(">d", value)


def cbor(value):
    """Deterministic CBOR: keys in the order of their encoded bytes. A Map keeps its order. Raw is not encoded."""
    if isinstance(value, Raw):
        return bytes(value)
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return shortest_float(value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, Map):
        return head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value)
    if isinstance(value, dict):
        pairs = sorted((cbor(key), cbor(item)) for key, item in value.items())
        return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    return head(4, len(value)) + b"".join(map(cbor, value))


def u32(data, at):
    return struct.unpack_from("<I", data, at)[0]


def u64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def rotate(x, n):
    return (x << n | x >> 64 - n) & MASK


def fold(a, b):
    return (a * b & MASK) ^ (a * b >> 64)


def mix16(data, at, key):
    return fold(u64(data, at) ^ u64(SECRET, key), u64(data, at + 8) ^ u64(SECRET, key + 8))


def avalanche(h):
    h = (h ^ h >> 37) * 0x165667919E3779F9 & MASK
    return h ^ h >> 32


def old_avalanche(h):
    h = (h ^ h >> 33) * P64[1] & MASK
    h = (h ^ h >> 29) * P64[2] & MASK
    return h ^ h >> 32


def xxh3_to_16(data):
    n = len(data)
    if n == 0:
        return old_avalanche(u64(SECRET, 56) ^ u64(SECRET, 64))
    if n < 4:
        combined = data[0] << 16 | data[n >> 1] << 24 | data[-1] | n << 8
        return old_avalanche(combined ^ u32(SECRET, 0) ^ u32(SECRET, 4))
    if n < 9:
        h = (u32(data, n - 4) + (u32(data, 0) << 32)) ^ u64(SECRET, 8) ^ u64(SECRET, 16)
        h = (h ^ rotate(h, 49) ^ rotate(h, 24)) * 0x9FB21C651E98DF25 & MASK
        h = (h ^ (h >> 35) + n) * 0x9FB21C651E98DF25 & MASK
        return h ^ h >> 28
    low = u64(data, 0) ^ u64(SECRET, 24) ^ u64(SECRET, 32)
    high = u64(data, n - 8) ^ u64(SECRET, 40) ^ u64(SECRET, 48)
    swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
    return avalanche(n + swapped + high + fold(low, high) & MASK)


def xxh3_to_240(data):
    n = len(data)
    acc = n * P64[0]
    if n <= 128:
        for i in range((n - 1) // 32 + 1):
            acc += mix16(data, 16 * i, 32 * i) + mix16(data, n - 16 * (i + 1), 32 * i + 16)
        return avalanche(acc & MASK)
    acc = avalanche(acc + sum(mix16(data, 16 * i, 16 * i) for i in range(8)) & MASK)
    acc += sum(mix16(data, 16 * i, 16 * (i - 8) + 3) for i in range(8, n // 16))
    return avalanche(acc + mix16(data, n - 16, 136 - 17) & MASK)


def xxh3_long(data):
    acc = [P32[2], P64[0], P64[1], P64[2], P64[3], P32[1], P64[4], P32[0]]

    def stripe(at, key):
        for i in range(8):
            value = u64(data, at + 8 * i)
            keyed = value ^ u64(SECRET, key + 8 * i)
            acc[i ^ 1] = acc[i ^ 1] + value & MASK
            acc[i] = acc[i] + (keyed & 0xFFFFFFFF) * (keyed >> 32) & MASK

    n = len(data)
    for at in range(0, n - 1 - (n - 1) % 64, 64):
        if at > 0 and at % 1024 == 0:
            acc = [(a ^ a >> 47 ^ u64(SECRET, 128 + 8 * i)) * P32[0] & MASK for i, a in enumerate(acc)]
        stripe(at, at % 1024 // 8)
    if (n - 1) // 1024 * 1024 == n - 1 - (n - 1) % 64 and n > 1024:
        acc = [(a ^ a >> 47 ^ u64(SECRET, 128 + 8 * i)) * P32[0] & MASK for i, a in enumerate(acc)]
    stripe(n - 64, 192 - 64 - 7)
    merged = n * P64[0] + sum(
        fold(acc[2 * i] ^ u64(SECRET, 11 + 16 * i), acc[2 * i + 1] ^ u64(SECRET, 19 + 16 * i)) for i in range(4)
    )
    return avalanche(merged & MASK)


def xxh3(data):
    return (xxh3_to_16 if len(data) <= 16 else xxh3_to_240 if len(data) <= 240 else xxh3_long)(data)


for length, value in (
    (0x10, 0x8355E3A6F61770DB),
    (0x11, 0x9EF341A99DE37328),
    (0x81, 0xEC7642B431BA3E5A),
    (0xF0, 0x375A384D957FE865),
    (0xF1, 0x02E8CD95421C6D02),
    (1025, 0x78C86E91EE939852),
):
    assert xxh3(bytes(i & 255 for i in range(length))) == value, length
assert xxh3(b"") == 0x2D06800538D394C2 and xxh3(b"a") == 0xE6C632B61E964E1F and xxh3(b"abc") == 0x78AF5F94892F3950
assert xxh3(b"\xab" * 8) == 0xF88E5E79BD7C033D


def footer(offset, length, hashed, version=2, reserved=0):
    return struct.pack("<QQQII", offset, length, hashed, version, reserved) + MAGIC


def image(end, manifest):
    """A file of AB bytes up to `end`, the manifest (a value, or its bytes) on the next page, and a valid footer."""
    encoded = manifest if isinstance(manifest, bytes) else cbor(manifest)
    blobs = MAGIC + b"\xab" * (end - 8)
    start = max(PAGE, -(-end // PAGE) * PAGE)
    blobs += bytes(start - len(blobs))
    return blobs + encoded + footer(start, len(encoded), xxh3(encoded))


def patched(content, at, new):
    """A negative `at` counts from the end."""
    at = at if at >= 0 else len(content) + at
    return content[:at] + new + content[at + len(new) :]
