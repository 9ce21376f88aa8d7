#!/usr/bin/env python3
"""Writes tests/conformance/*/zip/: archives of PyTorch whose records break one rule each, and controls.

Each file to reject is a valid archive with one change. The ids Z-01 to Z-23 number the cases of a list of attacks.
"""

import hashlib
import struct
import zlib

from cases import write_cases, write_seeds
from pt_bytes import GOOD, call, storage, stream, tensor
from zip_bytes import Archive, File, block, deflated, end_record

files = {}
expected = {}

ROOT = {"w": tensor(), "good": tensor(storage("1"))}
PICKLE = File("m/data.pkl", stream(ROOT))
SECOND = File("m/data/1", GOOD)
FULL = 0xFFFFFFFF


def archive(first=None, *more):
    """An archive with the storages "0" (of the tensor "w", which may be given) and "1"."""
    return Archive(PICKLE, first or File("m/data/0", GOOD), SECOND, *more)


def bad(name, content, rule, code="malformed", where="open", **more):
    name += ".pt"
    assert name not in files and len(content) < 70000, name
    files[name] = content
    verdict = {"code": code, "rule": rule, "where": where} | more
    expected[name] = verdict | ({} if where == "open" else {"tensor": "w"})


def entry(name, first, rule, code="malformed", **more):
    """The tensor "w" cannot be read, and the other can."""
    bad(name, archive(first).finish(), rule, code, "read", **more)


def good(name, content, view=False):
    part = {"data": hashlib.sha256(GOOD).hexdigest()}
    tensors = {key: {"dtype": "float32", "shape": [4], "layout": "dense", "parts": part} for key in ("w", "good")}
    files["ok." + name + ".pt"] = content
    expected["ok." + name + ".pt"] = {"code": "ok", "tensors": tensors, "notes": 0}


def zip64(*numbers):
    return block(1, b"".join(struct.pack("<Q", number) for number in numbers))


def descriptor(content, width=4, magic=True):
    sizes = struct.pack("<II" if width == 4 else "<QQ", len(content), len(content))
    return (b"PK\7\10" if magic else b"") + struct.pack("<I", zlib.crc32(content)) + sizes


def controls():
    # Z-23: sizes behind the content and a padded head, as PyTorch writes them
    late = {"crc": 0, "stored": 0, "decoded": 0, "extra": block(0x4246, b"Z" * 200)}
    for name, width, magic in (("plain", 4, True), ("wide", 8, True), ("bare", 4, False), ("bare.wide", 8, False)):
        behind = descriptor(GOOD, width, magic)
        file = File("m/data/0", GOOD, both={"flags": 0x0808}, local=late, behind=behind)
        made = archive(file)
        good("torch." + name, made.finish(made.end64()))
    # Z-23: a ZIP64 block in the head alone, as NumPy writes it, with and without the sizes in the head
    for name, plain in (("real", {}), ("full", {"stored": FULL, "decoded": FULL})):
        good("numpy." + name, archive(File("m/data/0", GOOD, local=plain | {"extra": zip64(16, 16)})).finish())
    # PyTorch writes the place of a head behind 4 GiB into its block, and 0 for a length that is not known yet
    place = len(Archive(PICKLE).bytes)
    for name, numbers in (("place", [place]), ("length", [16, 0]), ("all", [16, 16, place])):
        both = {"flags": 0x0808}
        local = {"crc": 0, "stored": 0, "decoded": 0, "extra": zip64(*numbers)}
        good("torch." + name, archive(File("m/data/0", GOOD, both=both, local=local, behind=descriptor(GOOD))).finish())
    good("deflated", archive(deflated("m/data/0", GOOD)).finish())
    good("deflated.pickle", Archive(deflated("m/data.pkl", stream(ROOT)), File("m/data/0", GOOD), SECOND).finish())
    good("folder", Archive(File("m/"), File("m/data/"), PICKLE, File("m/data/0", GOOD), SECOND).finish())
    good("gap.zeros", archive(File("m/data/0", GOOD, behind=b"\0" * 100)).finish())
    good("comment", archive().finish(comment=5) + b"PK\5\6!")
    made = archive(File("m/data/0", GOOD, central={"decoded": FULL, "extra": zip64(16)}))
    good("zip64", made.finish(made.end64(), here=0xFFFF, entries=0xFFFF, size=FULL, offset=FULL))
    made = archive()
    good("unsorted", Archive.finish(_reordered(made)))
    good("crc.none", archive(File("m/data/0", GOOD, both={"crc": 0})).finish())


def _reordered(made):
    made.entries.reverse()
    return made


def end_cases():
    made = archive()
    whole = made.finish()
    bad("end.missing.cut", whole[:-1], "zip.end.missing")
    bad("end.missing.tail", whole + b"tail", "zip.end.missing")  # Z-15
    bad("end.missing.comment", made.finish(comment=4), "zip.end.missing")
    bad("end.twice", made.finish(comment=22) + end_record(), "zip.end.twice")  # Z-13
    bad("end.disks.disk", made.finish(disk=1), "zip.end.disks", "unsupported")
    bad("end.disks.here", made.finish(here=2), "zip.end.disks", "unsupported")
    bad("end64.form", made.finish(made.end64(size=2**64 - 12)), "zip.end64.form")  # Z-18
    bad("end64.place.far", made.finish(made.end64(at=2**63)), "zip.end64.place")  # Z-18
    bad("end64.place.near", made.finish(made.end64(at=0)), "zip.end64.place")
    bad("end64.fields", made.finish(made.end64(), size=len(made.directory) - 1), "zip.end64.fields")
    bad("directory.place.prefix", b"PK\3\4...." + whole, "zip.directory.place")  # Z-14
    bad("directory.place.gap", made.finish(offset=len(made.bytes) - 1), "zip.directory.place")
    bad("directory.count.fewer", made.finish(here=2, entries=2), "zip.directory.count")  # Z-12
    bad("directory.count.more", made.finish(here=65535, entries=65535), "zip.directory.count")  # Z-21
    bad("directory.limit", whole, "zip.directory.limit", "limit", limits={"index_bytes": 100})


def entry_cases():
    def changed(**central):
        return archive(File("m/data/0", GOOD, central=central)).finish()

    bad("member.bounds", changed(stored=0x7FFFFFFF, decoded=0x7FFFFFFF), "zip.member.bounds")  # Z-01
    bad("head.bounds", changed(at=0xFFFFFFF0), "zip.head.bounds")  # Z-02
    bad("head.bounds.wide", changed(at=FULL, extra=zip64(2**64 - 8)), "zip.head.bounds")  # Z-02
    bad("entry.stored.shorter", changed(decoded=15), "zip.entry.stored")  # Z-06
    bad("entry.stored.longer", changed(decoded=17), "zip.entry.stored")  # Z-06
    bad("entry.zip64.missing", changed(decoded=FULL), "zip.entry.zip64")  # Z-16
    bad("entry.zip64.short", changed(decoded=FULL, extra=block(1, b"1234")), "zip.entry.zip64")  # Z-16
    bad("extra.zip64", changed(decoded=FULL, extra=2 * zip64(16)), "zip.extra.zip64")  # Z-16
    bad("entry.zip64.spare", changed(extra=zip64(99)), "zip.entry.zip64")  # Z-17
    bad("entry.disk", changed(disk=1), "zip.entry.disk")
    bad("extra.form", changed(extra=b"\1\0\xff"), "zip.extra.form")
    made = archive()
    made.entries[-1] = made.entries[-1][:28] + b"\xff" + made.entries[-1][29:]
    bad("entry.bounds", made.finish(), "zip.entry.bounds")
    made.entries[-1] = b"QK" + made.entries[-1][2:]
    bad("entry.form", made.finish(), "zip.entry.form")


def name_cases():
    # Z-20
    def named(name, rule, code="malformed", flags=0):
        return archive(None, File(name, b"x", both={"flags": flags})).finish(), rule, code

    bad("name.path.parent", *named("m/../../x", "zip.name.path", "refused"))
    bad("name.path.root", *named("/abs", "zip.name.path", "refused"))
    bad("name.path.drive", *named("c:/x", "zip.name.path", "refused"))
    bad("name.path.backslash", *named("m\\x", "zip.name.path", "refused"))
    bad("name.nul", *named("m/a\0b", "zip.name.nul"))
    bad("name.empty", *named("", "zip.name.empty"))
    bad("name.length", *named("m/" + "x" * 1023, "zip.name.length"))
    bad("name.length.most", *named("m/" + "x" * 30000, "zip.name.length"))
    bad("name.encoding.unmarked", *named("m/ä", "zip.name.encoding"))
    bad("name.encoding.utf8", *named(b"m/\xc3", "zip.name.encoding", flags=1 << 11))
    bad("name.folder", *named("m/folder/", "zip.name.folder"))
    bad("name.twice", *named("m/data/0", "zip.name.twice"))  # Z-11


def head_cases():
    def changed(content=GOOD, **local):
        return archive(File("m/data/0", content, local=local)).finish()

    bad("head.name", changed(name=b"m/data/1"), "zip.head.name")  # Z-08
    bad("head.form.name", changed(name=b"m/data/11"), "zip.head.form")
    bad("head.form", changed().replace(b"PK\3\4", b"PK\3\5").replace(b"PK\3\5", b"PK\3\4", 1), "zip.head.form")
    bad("head.method", changed(method=8), "zip.head.method")  # Z-09
    bad("head.method.flags", changed(flags=8), "zip.head.method")
    bad("head.sizes", changed(stored=17), "zip.head.sizes")
    bad("head.sizes.zip64", changed(extra=zip64(17, 16)), "zip.head.sizes")  # Z-17
    bad("head.crc", changed(crc=1), "zip.head.crc")
    bad("head.extra", changed(extra=b"\1\0\xff"), "zip.extra.form")
    # Z-10: a longer extra field moves the content
    moved = bytearray(archive(File("m/data/0", b"\xfe\xca\0\0" + GOOD[4:])).finish())
    moved[moved.index(b"m/data/0") - 2] = 4
    bad("member.overlap.extra", bytes(moved), "zip.member.overlap")  # Z-10
    moved[moved.index(b"m/data/0") - 2 : moved.index(b"m/data/0")] = b"\xff\xff"
    bad("member.bounds.extra", bytes(moved), "zip.member.bounds")  # Z-10


def space_cases():
    # Z-03: two entries lead to one head. Z-04: heads lie in the contents of others, in steps.
    made = archive()
    made.entries.append(made.entries[1].replace(b"m/data/0", b"m/data/2"))
    bad("member.overlap.shared", made.finish(), "zip.member.overlap")  # Z-03
    kernel = Archive(File("m/data/2", b"x" * 20)).bytes
    made = archive(File("m/data/0", kernel))
    at = made.bytes.index(kernel)
    inner = Archive()
    inner.bytes = made.bytes[:at]
    inner.add(File("m/data/2", b"x" * 20))
    made.entries.append(inner.entries[0])
    bad("member.overlap.nested", made.finish(), "zip.member.overlap")  # Z-04
    bad("gap", archive(File("m/data/0", GOOD, behind=b"hidden")).finish(), "zip.gap")
    bad("gap.long", archive(File("m/data/0", GOOD, behind=b"\0" * 65537)).finish(), "zip.gap")
    late = {"flags": 8}
    wrong = descriptor(GOOD[:-1])
    bad("descriptor", archive(File("m/data/0", GOOD, both=late, behind=wrong)).finish(), "zip.descriptor")  # Z-22
    bad("descriptor.missing", archive(File("m/data/0", GOOD, both=late)).finish(), "zip.descriptor")


def member_cases():
    def changed(**both):
        return File("m/data/0", GOOD, both=both)

    entry("member.flags.encrypted", changed(flags=1), "zip.member.flags", "unsupported")  # Z-19
    entry("member.flags.patch", changed(flags=32), "zip.member.flags", "unsupported")
    entry("member.method.aes", changed(method=99), "zip.member.method", "unsupported")  # Z-19
    entry("member.method.zstd", changed(method=93), "zip.member.method", "unsupported")  # Z-19
    entry("member.link", File("m/data/0", GOOD, central={"mode": 0o120777}), "zip.member.link", "refused")
    entry("member.ratio", changed(method=8, decoded=2**30), "zip.member.ratio")  # Z-05
    for name, decoded, rule in (("shorter", 15, "deflate.stream.long"), ("longer", 17, "deflate.stream.short")):
        claims = {"w": tensor(storage("0", "ByteStorage", decoded), size=(decoded,)), "good": tensor(storage("1"))}
        first = File("m/data.pkl", stream(claims))
        made = Archive(first, deflated("m/data/0", GOOD, both={"decoded": decoded}), SECOND)  # Z-06
        bad("deflated." + name, made.finish(), rule, where="read")
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = raw.compress(GOOD) + raw.flush() + b"\0\0\0"
    entry("deflated.tail", deflated("m/data/0", GOOD, stored=packed), "deflate.stream.trailing")  # Z-07
    wrong = File("m/data.pkl", stream(ROOT), both={"crc": 1})
    bad("member.crc", Archive(wrong, File("m/data/0", GOOD), SECOND).finish(), "zip.member.crc", "mismatch")
    long = Archive(deflated("m/data.pkl", stream(ROOT), both={"decoded": len(stream(ROOT)) + 1}), SECOND)
    bad("member.length", long.finish(), "zip.member.length")
    words = stream({"w": call("torch", "device", "x" * 1500)})
    wide = Archive(File("m/data.pkl", words))
    bad("member.limit", wide.finish(), "zip.member.limit", "limit", limits={"index_bytes": 1000})


def main():
    for make in (controls, end_cases, entry_cases, name_cases, head_cases, space_cases, member_cases):
        make()
    write_cases("zip", files, expected)
    write_seeds("zip", {name: content for name, content in files.items() if name.startswith("ok.")})


if __name__ == "__main__":
    main()
