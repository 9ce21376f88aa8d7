"""ZIP archives, of which a caller may change any field of both heads of a file and of the end records."""

import struct
import zlib

LOCAL = {"flags": 0, "method": 0, "crc": None, "stored": None, "decoded": None, "extra": b"", "name": None}
CENTRAL = LOCAL | {"disk": 0, "mode": 0, "at": None}


class File:
    """One file. `local` and `central` are fields that differ from the right ones; `both` sets them in both heads."""

    def __init__(self, name, content=b"", both=None, local=None, central=None, behind=b"", stored=None):
        self.name = name if isinstance(name, bytes) else name.encode()
        self.content = content
        self.stored = content if stored is None else stored  # what lies in the archive
        self.local = (both or {}) | (local or {})
        self.central = (both or {}) | (central or {})
        self.behind = behind

    def fields(self, changes, base):
        right = base | {
            "crc": zlib.crc32(self.content),
            "stored": len(self.stored),
            "decoded": len(self.content),
            "name": self.name,
        }
        assert not changes.keys() - right.keys(), changes
        return right | changes


def deflated(name, content, **more):
    """A deflated file."""
    maker = zlib.compressobj(9, zlib.DEFLATED, -15)
    stored = maker.compress(content) + maker.flush()
    return File(name, content, both={"method": 8} | more.pop("both", {}), stored=more.pop("stored", stored), **more)


def block(number, body):
    """One block of an extra field."""
    return struct.pack("<HH", number, len(body)) + body


def end_record(**fields):
    """The end record without its comment."""
    right = {"disk": 0, "directory_disk": 0, "here": 0, "entries": 0, "size": 0, "offset": 0, "comment": 0}
    assert not fields.keys() - right.keys(), fields
    return b"PK\5\6" + struct.pack("<HHHHIIH", *(right | fields).values())


class Archive:
    def __init__(self, *files):
        self.bytes = b""
        self.entries = []
        for file in files:
            self.add(file)

    def add(self, file):
        at = len(self.bytes)
        head = file.fields(file.local, LOCAL)
        self.bytes += b"PK\3\4" + struct.pack(
            "<HHHIIIIHH",
            20,
            head["flags"],
            head["method"],
            0,
            head["crc"],
            head["stored"],
            head["decoded"],
            len(head["name"]),
            len(head["extra"]),
        )
        self.bytes += head["name"] + head["extra"] + file.stored + file.behind
        entry = {"at": at} | file.central
        entry = file.fields(entry, CENTRAL)
        self.entries.append(
            b"PK\1\2"
            + struct.pack(
                "<BBHHHIIIIHHHHHII",
                20,
                3,
                20,
                entry["flags"],
                entry["method"],
                0,
                entry["crc"],
                entry["stored"],
                entry["decoded"],
                len(entry["name"]),
                len(entry["extra"]),
                0,
                entry["disk"],
                0,
                entry["mode"] << 16,
                entry["at"],
            )
            + entry["name"]
            + entry["extra"]
        )

    @property
    def directory(self):
        return b"".join(self.entries)

    def end64(self, size=44, at=None, **fields):
        """The ZIP64 end record and its locator."""
        count = len(self.entries)
        right = {"here": count, "entries": count, "size": len(self.directory), "offset": len(self.bytes)} | fields
        place = len(self.bytes) + len(self.directory)
        record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", size, 45, 45, 0, 0, *right.values())
        return record + b"PK\6\7" + struct.pack("<IQI", 0, place if at is None else at, 1)

    def finish(self, end64=b"", **end):
        """All bytes of the archive. `end`: fields of the end record that differ from the right ones."""
        count = len(self.entries)
        right = {"here": count, "entries": count, "size": len(self.directory), "offset": len(self.bytes)}
        return self.bytes + self.directory + end64 + end_record(**(right | end))
