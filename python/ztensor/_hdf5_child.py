"""The process that reads an HDF5 file. `_hdf5.py` starts it, once for each file.

libhdf5 crashes, loops and takes memory without a bound on broken files. So it runs here, under limits of the system,
and the parent believes nothing that this process says. It writes what it read as a .zt file, and a report in JSON.
"""

from __future__ import annotations

import json
import mmap
import os
import resource
import sys
import tempfile
from typing import Any

import numpy as np

from ._errors import FormatError, LimitError, UnsupportedError, ZTensorError
from ._writer import Writer

_SPACE = 1 << 30  # bytes of address space, beside what the tensors need
_SECONDS = 10  # of processor time for the listing
_BYTES_PER_SECOND = 10 << 20  # further processor time, by the bytes that are copied or inflated
_IN_MEMORY = 64 << 20  # a chunked dataset with more bytes is put together in a temporary file
_MOST_ATTRIBUTES = 64 << 20  # bytes of all attributes


def _limit(space: int, seconds: int, file_bytes: int) -> None:
    """Sets soft limits: what the listing finds decides how far they are raised."""
    for what, value in (
        (resource.RLIMIT_AS, space),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _open(descriptor: int) -> Any:
    from h5py import h5f, h5p

    access = h5p.create(h5p.FILE_ACCESS)
    access.set_fapl_sec2()
    access.set_file_locking(False, True)
    try:
        return h5f.open(f"/proc/self/fd/{descriptor}".encode(), h5f.ACC_RDONLY, access)
    except (OSError, RuntimeError) as error:
        raise FormatError(f"libhdf5 cannot open the file: {error}", rule="hdf5.file.open") from None


class Job:
    """One file."""

    def __init__(self, source: int, target: int, options: dict[str, Any]) -> None:
        self.source, self.target, self.options = source, target, options
        self.size = os.fstat(source).st_size
        self.notes: list[str] = []
        self.unreadable: list[tuple[str, ZTensorError]] = []

    def run(self) -> None:
        from h5py import h5g

        from ._hdf5_walk import BROKEN, Walk

        file = _open(self.source)
        try:
            listing = Walk(file, self.size, self.options["decoded_bytes"]).run(h5g.open(file, b"/"))
        except BROKEN as error:
            raise FormatError(f"libhdf5 cannot list the file: {error}", rule="hdf5.object.broken") from None
        self.unreadable = listing.unreadable
        self.notes = listing.notes
        attributes = self._attributes(listing.groups)
        self._raise_limits(listing.datasets)
        self._write(listing, attributes)

    def _attributes(self, groups: list[Any]) -> dict[str, Any]:
        """The attributes of the root by their keys, those of groups by `path.key`."""
        found: dict[str, Any] = dict(self.options["attributes"])
        for group in groups:
            prefix = f"{group.name}." if group.name else ""
            where = f"group {group.name!r}" if group.name else "the file"
            for key, value in self._plain(group.handle, where):
                if found.setdefault(prefix + key, value) is not value:
                    self.notes.append(f"attribute {key!r} of {where} was left out: another one has this name")
        size = len(json.dumps(found, default=repr))
        if size > _MOST_ATTRIBUTES:
            raise LimitError(f"the attributes take more than {_MOST_ATTRIBUTES} bytes", rule="hdf5.attribute.size")
        return found

    def _plain(self, handle: Any, where: str) -> list[tuple[str, Any]]:
        from ._hdf5_attributes import attributes_of

        def note(name: str, cause: str) -> None:
            self.notes.append(f"attribute {name!r} of {where} was left out: {cause}")

        return list(attributes_of(handle, note))

    def _raise_limits(self, datasets: list[Any]) -> None:
        total = sum(one.nbytes for one in datasets)
        disk = os.fstatvfs(self.target)
        if total > disk.f_bavail * disk.f_frsize:
            raise LimitError(
                f"the tensors take {total} bytes, and the folder for temporary files has less room: set TMPDIR to "
                "a folder that has more",
                rule="hdf5.temporary.room",
            )
        largest = max((one.nbytes for one in datasets), default=0)
        chunk = max((one.grid.chunk_bytes for one in datasets if one.grid is not None), default=0)
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime) + _SECONDS + total // _BYTES_PER_SECOND
        room = self.size + 2 * largest + 6 * chunk
        _limit(_SPACE + room, seconds, 2 * total + _SPACE)

    def _write(self, listing: Any, attributes: dict[str, Any]) -> None:
        bytes_of_file = mmap.mmap(self.source, 0, access=mmap.ACCESS_READ)
        written: set[str] = set()
        with os.fdopen(self.target, "wb", closefd=False) as file:
            writer = Writer(file, format="1.2", checksum="none", attributes=attributes, threads=1)
            for one in listing.datasets:
                try:
                    own = dict(self._plain(one.handle, f"tensor {one.name!r}"))
                    writer.add_tensor(one.name, _elements(one, bytes_of_file), attributes=own)
                    written.add(one.name)
                except ZTensorError as error:
                    self.unreadable.append((one.name, error))
                except MemoryError:
                    cause = LimitError("reading it takes too much memory", rule="hdf5.child.limit")
                    self.unreadable.append((one.name, cause))
            causes = dict(self.unreadable)
            for name, former in listing.aliases:
                if former in written:
                    writer.add_alias(name, former)
                elif former in causes:
                    self.unreadable.append((name, causes[former]))
            writer.finalize()


def _elements(one: Any, file: mmap.mmap) -> np.ndarray[Any, Any]:
    """The elements of a dataset, in memory that the system can take back as soon as they are written."""
    if one.constant is not None:
        raw = one.constant
    elif one.grid is None:
        raw = np.ndarray(one.shape, one.kind.stored, buffer=file, offset=one.ranges[0][0])
    else:
        raw = _room(one)
        one.grid.fill(raw)
    found: np.ndarray[Any, Any] = one.kind.elements(raw)
    return found


def _room(one: Any) -> np.ndarray[Any, Any]:
    if one.nbytes <= _IN_MEMORY:
        return np.empty(one.shape, one.kind.stored)
    with tempfile.TemporaryFile() as file:
        file.truncate(one.nbytes)
        scratch: np.ndarray[Any, Any] = np.ndarray(
            one.shape, one.kind.stored, buffer=mmap.mmap(file.fileno(), one.nbytes)
        )
        return scratch


def _say(error: ZTensorError) -> dict[str, str]:
    return {"code": error.code, "rule": error.rule, "message": str(error)}


def main(arguments: list[str]) -> None:
    """Gets the descriptors of the HDF5 file, of the .zt file to write and of the report, and options in JSON."""
    source, target, answer = (int(text) for text in arguments[:3])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit(_SPACE, _SECONDS, 0)
    report: dict[str, Any] = {}
    job = Job(source, target, json.loads(arguments[3]))
    try:
        job.run()
    except ZTensorError as error:
        report["error"] = _say(error)
    except ImportError as error:
        cause = f"h5py cannot be imported: {error}: pip install 'ztensor[hdf5]'"
        report["error"] = _say(UnsupportedError(cause, rule="hdf5.h5py.missing"))
    except MemoryError:
        report["error"] = _say(LimitError("reading it takes too much memory", rule="hdf5.child.limit"))
    except OSError as error:
        report["errno"] = error.errno
        report["error"] = {"code": "io", "rule": "", "message": str(error)}
    report["notes"] = job.notes
    report["unreadable"] = [[name, _say(error)] for name, error in job.unreadable]
    with os.fdopen(answer, "w", encoding="utf-8") as file:
        json.dump(report, file)


if __name__ == "__main__":
    main(sys.argv[1:])
