"""Makes parts that are stored as exact differences, from spec/delta.md alone, so that one thing can be wrong."""

import struct

from zt2_bytes import xxh3
from zt12_bytes import frame
from zt12_planes import planes_of

PIECE = 1 << 20
SAME, FULL, DELTA, PATCH = range(4)


def words_of(elements, width):
    return [int.from_bytes(elements[i : i + width], "little") for i in range(0, len(elements), width)]


def head(mode, base, result, shift=0, gaps=0, **changes):
    """`base` and `result`: the hashes, or the pieces."""
    hashes = [xxh3(piece) if isinstance(piece, bytes) else piece for piece in (base, result)]
    fields = {"magic": 0x184D2A50, "size": 24, "mode": mode, "shift": shift, "zero": 0, "gaps": gaps}
    fields.update(changes)
    return struct.pack("<IIBBHIQQ", *fields.values(), *hashes)


def gaps_of(places):
    out, next_place = b"", 0
    for place in places:
        gap = place - next_place
        out += b"\xff" * (gap // 255) + bytes([gap % 255])
        next_place = place + 1
    return out


def value_of(old, new, bits):
    up = new - old & (1 << bits) - 1
    if up == 1 << bits - 1:
        return 1
    return 2 * up if up < 1 << bits - 1 else 2 * ((1 << bits) - up) + 1


def lists_of(base, new, width, shift):
    """The gaps and the values of a delta. `base` is as long as `new`."""
    bits = 8 * width
    old, words = words_of(base, width), words_of(new, width)
    order = sorted(range(len(old)), key=lambda i: (old[i] & (1 << bits - 1) - 1) >> shift)
    places = [place for place, i in enumerate(order) if old[i] != words[i]]
    values = [value_of(old[order[place]], words[order[place]], bits) for place in places]
    return gaps_of(places), b"".join(value.to_bytes(width, "little") for value in values)


def piece(base, new, width=2, shift=7, mode=DELTA, rotates=True, **changes):
    """The stored bytes of a piece, and the length of its content."""
    base = base[: len(new)].ljust(len(new), b"\0")
    if mode == SAME:
        return head(SAME, base, new, **changes), 0
    if mode == FULL:
        content = planes_of(new, width, rotates)
        return head(FULL, 0, new, **changes) + frame(content), len(content)
    if mode == DELTA:
        gaps, values = lists_of(base, new, width, shift)
        content = gaps + planes_of(values, width, False)
        return head(DELTA, base, new, shift, len(gaps), **changes) + frame(content), len(content)
    places = [i for i in range(len(new) // width) if base[i * width :][:width] != new[i * width :][:width]]
    gaps, values = gaps_of(places), b"".join(new[i * width :][:width] for i in places)
    content = gaps + planes_of(values, width, rotates)
    return head(PATCH, base, new, 0, len(gaps), **changes) + frame(content), len(content)


def part(*pieces):
    rows = [(len(stored), content) for stored, content in pieces]
    table = b"".join(struct.pack("<II", *row) for row in rows) + struct.pack("<IBI", len(rows), 0, 0x8F92EAB1)
    return b"".join(stored for stored, _ in pieces) + struct.pack("<II", 0x184D2A5E, len(table)) + table
