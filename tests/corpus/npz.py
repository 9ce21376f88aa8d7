#!/usr/bin/env python3
"""Writes tests/conformance/*/numpy/: for each rule of npy and npz a file that breaks only it, controls, expected.json.

Each file to reject is a valid file with one change. Controls are valid files, and expected.json has their tensors. The
controls are also seeds of the fuzz target.
"""

import binascii
import hashlib
import struct

from cases import write_cases, write_seeds

files = {}
expected = {}
seeds = []

STORED, DEFLATED = 0, 8


def data(length):
    return bytes(i % 251 for i in range(length))


def text(descr="'<f4'", fortran="False", shape="(2, 3)"):
    return "{'descr': %s, 'fortran_order': %s, 'shape': %s, }" % (descr, fortran, shape)


def npy(header=None, content=None, major=1, minor=0, length=None, align=64, end="\n"):
    """An npy file. `header`: the text, which is padded; `length`: the length that the file claims for it."""
    header = text() if header is None else header
    header = header.encode("utf-8" if major == 3 else "latin-1") if isinstance(header, str) else header
    prefix = 10 if major == 1 else 12
    header += b" " * (-(prefix + len(header) + len(end)) % align) + end.encode()
    size = struct.pack("<H" if major == 1 else "<I", len(header) if length is None else length)
    return b"\x93NUMPY" + bytes([major, minor]) + size + header + (data(24) if content is None else content)


def deflate(content):
    """A deflate stream of blocks that are not compressed, so that it does not depend on a version of zlib."""
    blocks = [content[i : i + 65535] for i in range(0, len(content), 65535)] or [b""]
    stream = b""
    for i, block in enumerate(blocks):
        last = i == len(blocks) - 1
        stream += bytes([last]) + struct.pack("<HH", len(block), 0xFFFF ^ len(block)) + block
    return stream


class Member:
    def __init__(self, name, content, method=STORED, stored=None, length=None, crc=None, flags=0):
        self.name = name.encode()
        self.method = method
        self.stored = stored if stored is not None else deflate(content) if method == DEFLATED else content
        self.length = len(content) if length is None else length
        self.crc = binascii.crc32(content) if crc is None else crc
        self.flags = flags

    def common(self):
        sizes = struct.pack("<III", self.crc, len(self.stored), self.length)
        return struct.pack("<HHHHH", 20, self.flags, self.method, 0, 0x21) + sizes

    def head(self, extra=b""):
        return b"PK\x03\x04" + self.common() + struct.pack("<HH", len(self.name), len(extra)) + self.name + extra

    def entry(self, at):
        rest = struct.pack("<HHHHHII", len(self.name), 0, 0, 0, 0, 0, at)
        return b"PK\x01\x02" + struct.pack("<H", 20) + self.common() + rest + self.name


def archive(*members, extra=b""):
    out, directory = b"", b""
    for member in members:
        directory += member.entry(len(out))
        out += member.head(extra) + member.stored
    count = len(members)
    return out + directory + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(out), 0)


def add(name, content, verdict):
    assert name not in files and len(content) < 70000, (name, len(content))
    files[name] = content
    expected[name] = verdict


# Files of scipy.sparse have an array of text, which cannot be read.
LISTED = {"unreadable": ["format"]}


def bad(name, content, rule, code="malformed", where="open", tensor=None, **more):
    verdict = {"code": code, "rule": rule, "where": where, **more}
    if tensor is not None:
        verdict["tensor"] = tensor
    add(name, content, verdict)


def bad_npy(name, content, rule, code="malformed", **more):
    """The same bytes as a file, which cannot be opened, and as a member, which hides no other."""
    bad(name + ".npy", content, rule, code, **more)
    bad_member(name, rule, Member("w.npy", content), code=code, **more)


def bad_member(name, rule, member, code="malformed", where="read", **more):
    good = Member("good.npy", npy())
    bad("member." + name + ".npz", archive(good, member), rule, code, where=where, tensor="w", **more)


def unread(name, header, content=None):
    """An array that is listed, and whose type cannot be read."""
    bad(name + ".npy", npy(header, content), "npy.dtype", "unsupported", where="read", tensor="data")
    bad_member(name, "npy.dtype", Member("w.npy", npy(header, content)), code="unsupported")


def tensor(dtype, shape, decoded=None, **more):
    parts = {"data": hashlib.sha256(data(24) if decoded is None else decoded).hexdigest()}
    return {"dtype": dtype, "shape": shape, "layout": "dense", "parts": parts, **more}


def good(name, content, tensors, notes=0, **more):
    add("ok." + name, content, {"code": "ok", "tensors": tensors, "notes": notes, **more})
    seeds.append("ok." + name)


def transposed(content, rows, columns, width):
    """The elements of a matrix whose first axis moves fastest, in C order."""
    cell = [content[i * width : (i + 1) * width] for i in range(rows * columns)]
    return b"".join(cell[column * rows + row] for row in range(rows) for column in range(columns))


def swapped(content, width):
    return b"".join(content[i : i + width][::-1] for i in range(0, len(content), width))


def npy_controls():  # NZ-22
    plain = {"data": tensor("float32", [2, 3])}
    good("npy", npy(), plain)
    good("version2.npy", npy(major=2), plain)
    good("version3.npy", npy(major=3), plain)
    good("old.npy", npy(align=16), plain)
    quotes = text().replace("'", '"')
    good("quotes.npy", npy(quotes), plain)
    good("order.npy", npy("{'shape':(2,3),'descr':'<f4',\t'fortran_order':False}"), plain)
    good("native.npy", npy(text("'=f4'")), plain)
    good("native.none.npy", npy(text("'f4'")), plain)
    good("native.pipe.npy", npy(text("'|f4'")), plain)
    good("long.npy", npy(text(shape="(2L, 3L)")), plain)
    good("comma.npy", npy(text(shape="(2, 3,)")), plain)
    good("scalar.npy", npy(text(shape="()"), data(4)), {"data": tensor("float32", [], data(4))})
    good("vector.npy", npy(text(shape="(6,)")), {"data": tensor("float32", [6])})
    good("vector.long.npy", npy(text(shape="(6L,)")), {"data": tensor("float32", [6])})
    good("empty.npy", npy(text(shape="(0, 3)"), b""), {"data": tensor("float32", [0, 3], b"")})
    # Fortran order makes no difference unless two axes have more than one position.
    good("fortran.vector.npy", npy(text(fortran="True", shape="(1, 6, 1)")), {"data": tensor("float32", [1, 6, 1])})
    good("fortran.empty.npy", npy(text(fortran="True", shape="(0, 3)"), b""), {"data": tensor("float32", [0, 3], b"")})
    rows = transposed(data(24), 2, 3, 4)
    good("fortran.npy", npy(text(fortran="True")), {"data": tensor("float32", [2, 3], rows, view=True)})  # NZ-09
    big = swapped(data(24), 4)
    good("big.npy", npy(text("'>f4'")), {"data": tensor("float32", [2, 3], big, view=True)})  # NZ-10
    both = swapped(rows, 4)
    good("big.fortran.npy", npy(text("'>f4'", "True")), {"data": tensor("float32", [2, 3], both, view=True)})
    for descr, dtype, width in TYPES:
        shape, content = "(2,)", data(2 * width)
        content = b"\0\1" if dtype == "bool" else content
        name = descr.strip("<>|")
        good(f"type.{name}.npy", npy(text(f"'{descr}'", shape=shape), content), {"data": tensor(dtype, [2], content)})


TYPES = (
    ("|b1", "bool", 1),
    ("|i1", "int8", 1),
    ("|u1", "uint8", 1),
    ("<i2", "int16", 2),
    ("<u2", "uint16", 2),
    ("<f2", "float16", 2),
    ("<i4", "int32", 4),
    ("<u4", "uint32", 4),
    ("<f4", "float32", 4),
    ("<i8", "int64", 8),
    ("<u8", "uint64", 8),
    ("<f8", "float64", 8),
    ("<c8", "complex64", 8),
    ("<c16", "complex128", 16),
)


def npz_controls():
    def inside(**more):
        return tensor("float32", [2, 3], view=True, **more)

    good("npz", archive(Member("a.npy", npy()), Member("b/c.npy", npy())), {"a": inside(), "b/c": inside()})
    good("deflated.npz", archive(Member("a.npy", npy(), DEFLATED)), {"a": inside()})
    rows = transposed(data(24), 2, 3, 4)
    fortran = npy(text(fortran="True"))
    good("deflated.fortran.npz", archive(Member("a.npy", fortran, DEFLATED)), {"a": tensor("float32", [2, 3], rows)})
    swap = npy(text("'>f4'"))
    big = tensor("float32", [2, 3], swapped(data(24), 4))
    good("deflated.big.npz", archive(Member("a.npy", swap, DEFLATED)), {"a": big})
    none = npy(text(shape="(0,)"), b"")
    good("deflated.empty.npz", archive(Member("a.npy", none, DEFLATED)), {"a": tensor("float32", [0], b"")})
    good("readme.npz", archive(Member("a.npy", npy()), Member("README", b"text")), {"a": inside()}, notes=1)
    # CPython writes ZIP64 blocks into the heads of members.
    zip64 = struct.pack("<HHQQ", 1, 16, len(npy()), len(npy()))
    good("zip64.npz", archive(Member("a.npy", npy()), extra=zip64), {"a": inside()})


def vector(values, descr="<i4"):
    code = {"<i4": "<i", "<i8": "<q", "<f4": "<f", "<u2": "<H"}[descr]
    content = b"".join(struct.pack(code, value) for value in values)
    return npy(text(f"'{descr}'", shape=f"({len(values)},)"), content)


def scipy(layout, method=STORED, without=(), **arrays):
    """An archive as scipy.sparse.save_npz writes it; arrays by name."""
    label = npy(text("'|S3'", shape="()"), layout.encode())
    given = {"format": label, "shape": vector([2, 3], "<i8"), "data": vector([1, 2, 3], "<f4"), **arrays}
    names = [name for name in given if name not in without]
    return archive(*(Member(name + ".npy", given[name], method) for name in names))


CSR = {"indices": vector([0, 2, 1]), "indptr": vector([0, 2, 3])}
COO = {"row": vector([0, 0, 1]), "col": vector([0, 2, 1])}


def sha(content):
    return hashlib.sha256(content).hexdigest()


def ints(*values):
    return struct.pack(f"<{len(values)}i", *values)


def scipy_cases():
    values = sha(struct.pack("<3f", 1, 2, 3))
    csr = {"values": values, "indices": sha(ints(0, 2, 1)), "indptr": sha(ints(0, 2, 3))}
    coo = {"values": values, "coords": sha(ints(0, 0, 1, 0, 2, 1))}
    coords = npy(text("'<i4'", shape="(2, 3)"), ints(0, 0, 1, 0, 2, 1))

    def sparse(layout, parts):
        return {"matrix": {"dtype": "float32", "shape": [2, 3], "layout": layout, "parts": parts, "view": True}}

    for method, kind in ((STORED, ""), (DEFLATED, ".deflated")):
        good(f"scipy.csr{kind}.npz", scipy("csr", method, **CSR), sparse("sparse_csr", csr), **LISTED)
        good(f"scipy.coo{kind}.npz", scipy("coo", method, **COO), sparse("sparse_coo", coo), **LISTED)
        good(f"scipy.coords{kind}.npz", scipy("coo", method, coords=coords), sparse("sparse_coo", coo), **LISTED)
    # The format of an archive that scipy.sparse did not write.
    other = archive(Member("format.npy", npy(text("'<i4'", shape="()"), ints(1))), Member("data.npy", npy()))
    good("scipy.none.npz", other, {"data": tensor("float32", [2, 3], view=True)})
    bad("scipy.format.npz", scipy("csr", **CSR), "npy.dtype", "unsupported", where="read", tensor="format")


def npy_cases():
    # NZ-01, NZ-02: the header runs past the end, or is no header
    bad_npy("header.bounds.most", npy(length=0xFFFF), "npy.header.bounds")
    bad_npy("header.bounds.one", npy(content=b"", length=119), "npy.header.bounds")
    bad_npy("header.limit", npy(major=2, length=0xFFFFFFFF), "npy.header.limit", "limit")
    bad_npy("header.end.none", npy(content=b"", length=0), "npy.header.end")
    bad_npy("header.end.space", npy(end=" "), "npy.header.end")
    bad_npy("file.short.9", npy()[:9], "npy.file.short")
    bad_npy("file.short.11", npy(major=2)[:11], "npy.file.short")
    # NZ-03
    for major in (0, 4, 255):
        content = bytearray(npy())
        content[6] = major
        bad_npy(f"version.{major}", bytes(content), "npy.version", "unsupported")
    bad_npy("version.minor", npy(minor=1), "npy.version", "unsupported")
    # A header of version 2 whose version says 1: two bytes of the length become text.
    content = bytearray(npy(major=2))
    content[6] = 1
    bad_npy("version.confused", bytes(content), "npy.header.end")
    shapes()
    keys()
    forms()


def shapes():
    # NZ-04
    wrong = {
        "reversed": ")2(",
        "open": "(",
        "commas": "(2,,3)",
        "blank": "(2 3)",
        "number": "2",
        "parentheses": "(2)",
        "list": "[2]",
        "negative": "(-1,)",
        "plus": "(+2,)",
        "hexadecimal": "(0x2,)",
        "underscore": "(1_0,)",
        "superscript": "(\u00b2,)",
        "zero": "(02,)",
        "fraction": "(2.0,)",
        "only.comma": "(,)",
        "large": "(99999999999999999999,)",  # NZ-05
    }
    for name, shape in wrong.items():
        bad_npy("shape.form." + name, npy(text(shape=shape)), "npy.shape.form")
    # NZ-05
    bad_npy("shape.overflow", npy(text(shape="(4294967296, 4294967296)")), "npy.shape.overflow")
    bad_npy("shape.overflow.bytes", npy(text(shape="(4611686018427387904,)")), "npy.shape.overflow")
    bad_npy("shape.overflow.empty", npy(text(shape="(0, 4294967296, 4294967296)"), b""), "npy.shape.overflow")
    bad_npy("shape.rank", npy(text(shape="(" + "1," * 65 + ")"), data(4)), "npy.shape.rank", "limit")


def keys():
    # NZ-06
    bad_npy("header.keys.twice", npy(text()[:-1] + "'shape': (2, 3)}"), "npy.header.keys")
    bad_npy("header.keys.extra", npy(text()[:-1] + "'x': 1}"), "npy.header.keys")
    for key in ("descr", "fortran_order", "shape"):
        kept = [member for member in text()[1:-3].split(", '") if key not in member]
        header = "{" + ", ".join("'" + member.lstrip("'") for member in kept) + "}"
        bad_npy(f"header.keys.no.{key}", npy(header), "npy.header.keys")
    # NZ-07: the shape is inside a text
    hidden = "{'descr': \"x'shape': (1,)\", 'fortran_order': False, }"
    bad_npy("header.keys.hidden", npy(hidden), "npy.header.keys")


def forms():
    # NZ-08
    for name, value in (("number", "1"), ("text", "'True'"), ("lower", "true"), ("longer", "Trues")):
        bad_npy("header.form.fortran." + name, npy(text(fortran=value)), "npy.header.form")
    # NZ-13
    bad("header.form.nested.npy", npy(text(descr="(" * 60000)), "npy.header.form")
    bad("header.form.minus.npy", npy(text(descr="-" * 60000)), "npy.header.form")
    # NZ-20, NZ-21
    bad_npy("header.form.nul", npy("\0" + text()), "npy.header.form")
    bad_npy("header.form.nul.inside", npy(text(descr="'<f4\0'")), "npy.header.form")
    bad_npy("header.form.latin", npy("\u00e9" + text()), "npy.header.form")
    bad_npy("header.text", npy(text(descr="'\u00e9'").encode("latin-1"), major=3), "npy.header.text")
    bad_npy("header.form.bom", npy(b"\xff\xfe" + text().encode()), "npy.header.form")
    bad_npy("header.form.return", npy(end="\r\n"), "npy.header.form")
    bad_npy("header.form.rest", npy(text() + "{}"), "npy.header.form")
    bad_npy("header.form.colon", npy(text().replace(": False", " False")), "npy.header.form")
    bad_npy("header.form.descr.number", npy(text(descr="4")), "npy.header.form")
    bad_npy("header.form.quote", npy(text(descr="'<f4")), "npy.header.form")
    # NZ-14
    bad_npy("data.length.less", npy(content=data(23)), "npy.data.length")
    bad_npy("data.length.more", npy(content=data(25)), "npy.data.length")
    bad_npy("data.length.empty", npy(text(shape="(0, 3)")), "npy.data.length")
    bad("data.several.npy", npy() + npy(), "npy.data.several", "unsupported")
    bad("data.limit.npy", npy(), "npy.data.limit", "limit", limits={"decoded_bytes": 64})


def object_array(shape, items):
    """The pickle of an array of objects, in protocol 0; `items` is what is appended to its list."""
    array = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    dtype = "cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI63\ntb"
    return f"{array}(I1\n{shape}{dtype}I00\n(l{items}tb.".encode()


def type_cases():
    evil = npy(text("'|O'"), b"cos\nsystem\n(S'exit 1'\ntR.")  # NZ-11
    bad("dtype.object.npy", evil, "pickle.global.danger", "refused")
    bad_member("dtype.object", "npy.dtype", Member("w.npy", evil), code="unsupported")
    texts = object_array("(I2\nt", "S'a'\naS'b'\na")
    bad("dtype.object.texts.npy", npy(text("'|O'"), texts), "npy.dtype", "unsupported", where="read", tensor="data")
    bad("dtype.object.cut.npy", npy(text("'|O'"), texts[:-1]), "pickle.stream.truncated", where="read", tensor="data")
    # NZ-12
    unread("dtype.records", text("[('a', '<f4'), ('b', [('c', '|i1', (2,))])]"))
    unread("dtype.array", text("('<f4', (1000000,))"))
    for descr in ("<U4", "|S0", "|S4", "|V0", "|V2", "<f0", "<f16", "<M8[ns]", "<f3", "float32", ""):
        name = "".join(c for c in descr if c.isalnum()) or "none"
        unread("dtype." + name, text(f"'{descr}'"))
    # NZ-22
    header = text("[('\u00e9', '<f4')]")
    bad("dtype.field.npy", npy(header, major=3), "npy.dtype", "unsupported", where="read", tensor="data")
    # NZ-19
    flags = npy(text("'|b1'", shape="(3,)"), b"\0\1\2")
    bad("content.bool.npy", flags, "content.bool", where="verify", tensor="data")


def member_cases():
    bad_member("magic", "npy.magic", Member("w.npy", b"text"))
    bad_member("none", "npy.magic", Member("w.npy", b""))
    bad_member("zip", "npy.magic", Member("w.npy", archive(Member("a.npy", npy()))))  # NZ-18
    # NZ-14: the directory says another length than header and elements have
    bad_member("length", "npy.data.length", Member("w.npy", npy(content=data(30))))
    # NZ-15
    large = npy(text(shape="(1099511627776,)"))
    bad_member("deflated.claim", "npy.data.length", Member("w.npy", large, DEFLATED))
    claim = Member("w.npy", large, DEFLATED, length=len(large) - 24 + (1 << 42) & 0xFFFFFFFF)
    bad_member("deflated.claim.both", "npy.data.length", claim)
    # NZ-16: the library has no flat cap. What the stored bytes cannot give is refused, and so is what a limit forbids.
    bad_member("deflated.ratio", "zip.member.ratio", Member("w.npy", npy(), DEFLATED, length=1 << 30))
    larger = npy(text(shape="(3, 4)"), data(48))
    bad_member("limit", "npy.data.limit", Member("w.npy", larger), "limit", limits={"decoded_bytes": 152})
    deflated = Member("w.npy", larger, DEFLATED)
    bad_member("deflated.limit", "npy.data.limit", deflated, "limit", limits={"decoded_bytes": 152})
    stream = deflate(npy())
    bad_member("deflated.trailing", "deflate.stream.trailing", Member("w.npy", npy(), DEFLATED, stream + b"abc"))
    bad_member("deflated.truncated", "deflate.stream.short", Member("w.npy", npy(), DEFLATED, stream[:-1]))
    bad_member("deflated.header", "deflate.stream.short", Member("w.npy", npy(), DEFLATED, stream[:50]))
    bad_member("deflated.corrupt", "deflate.stream.corrupt", Member("w.npy", npy(), DEFLATED, b"\7" + stream[1:]))
    longer = deflate(npy() + b"x")
    bad_member("deflated.long", "deflate.stream.long", Member("w.npy", npy(), DEFLATED, longer))
    bad_member("digest", "digest.mismatch", Member("w.npy", npy(), crc=1), "mismatch")
    bad_member("digest.deflated", "digest.mismatch", Member("w.npy", npy(), DEFLATED, crc=1), "mismatch")
    bad_member(
        "digest.header",
        "digest.mismatch",
        Member("w.npy", npy(), crc=binascii.crc32(npy(text(shape="(3, 2)")))),
        "mismatch",
    )
    # NZ-17
    twice = archive(Member("w.npy", npy()), Member("w.npy", npy()))
    bad("name.twice.npz", twice, "zip.name.twice")
    for other in ("w.npy.npy", "w"):
        two = archive(Member("w.npy", npy()), Member(other, npy()))
        bad(f"name.ambiguous.{other}.npz", two, "npz.name.ambiguous")
    bad("name.empty.npz", archive(Member("a.npy", npy()), Member(".npy", npy())), "npz.name.empty")


def matrix_cases():
    def wrong(name, content, rule="npz.scipy.form", code="malformed", **more):
        bad(f"scipy.{name}.npz", content, rule, code, where="read", tensor="matrix", **LISTED, **more)

    for layout in ("csc", "bsr", "dia"):
        wrong("layout." + layout, scipy(layout, **CSR), "npz.scipy.layout", "unsupported")
    wrong("form.indptr", scipy("csr", without=("indptr",), **CSR))
    wrong("form.rows", scipy("csr", **{**CSR, "indptr": vector([0, 3])}))
    wrong("form.data", scipy("csr", data=vector([1, 2], "<f4"), **CSR))
    wrong("form.type", scipy("csr", **{**CSR, "indices": vector([0, 2, 1], "<u2")}))
    wrong("form.rank", scipy("csr", **CSR, data=npy(text(shape="(1, 3)"), data(12))))
    wrong("form.shape", scipy("csr", **CSR, shape=vector([-2, 3], "<i8")))
    wrong("form.shape.rank", scipy("csr", **CSR, shape=vector([2, 3, 1], "<i8")))
    mixed = scipy("coo", **{**COO, "row": vector([0, 0, 1], "<i8")})
    wrong("layout.coo.types", mixed, "npz.scipy.layout", "unsupported")
    line = scipy("csr", **CSR, shape=vector([3], "<i8"))
    wrong("layout.csr.rank", line, "npz.scipy.layout", "unsupported")
    wide = npy(text("'<f16'", shape="(3,)"), bytes(48))
    listed = {"unreadable": ["format", "data"]}
    content = scipy("csr", **CSR, data=wide)
    bad("scipy.layout.data.npz", content, "npz.scipy.layout", "unsupported", where="read", tensor="matrix", **listed)
    wrong("form.coo.length", scipy("coo", **{**COO, "row": vector([0, 0])}))
    coords = npy(text("'<i4'", shape="(3, 2)"), ints(0, 0, 1, 0, 2, 1))
    wrong("form.coords", scipy("coo", coords=coords))
    many = {"row": vector([0] * 200), "col": vector([0] * 200), "data": vector([1] * 200, "<f4")}
    wrong("limit", scipy("coo", DEFLATED, **many), "npz.scipy.limit", "limit", limits={"index_bytes": 1599})
    wrong("index", scipy("csr", **{**CSR, "indices": vector([0, 3, 1])}), "sparse.index.bounds")


def main():
    for make in (npy_controls, npz_controls, npy_cases, type_cases, member_cases, scipy_cases, matrix_cases):
        make()
    write_cases("numpy", files, expected)
    write_seeds("numpy", {name: files[name] for name in seeds})


if __name__ == "__main__":
    main()
