"""Reads HDF5 files through h5py, in a child process with limits.

libhdf5 is no safe reader of files that one does not trust, so this process never loads it. The child writes the tensors
into a temporary .zt file, which we open as any other file: its decoder believes nothing.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from . import _errors, _ztensor
from ._errors import FormatError, LimitError, UnsupportedError, ZTensorError
from ._limits import Limits

FORMAT = "hdf5"
SUFFIXES = (".h5", ".hdf5")

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MOST_REPORT = 256 << 20  # bytes
_MOST_NOTES = 100  # lines; the rest is counted
_PIECE = 1 << 20
# Isolated, so that neither the environment nor the working folder says which modules it imports. It gets our own path.
_START = "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); from ztensor import _hdf5_child as child; "
_MAIN = _START + "child.main(sys.argv[1:])"
_UNSET = "HDF5_"  # how the names of variables begin that the child must not see
_CODES: dict[str, type[ZTensorError]] = {
    kind.code: kind
    for kind in (
        _errors.FormatError,
        _errors.ChecksumError,
        _errors.UnsupportedError,
        _errors.LimitError,
        _errors.RefusedError,
        _errors.UsageError,
        _errors.InternalError,
    )
}


class Contents(NamedTuple):
    """What the child found, beside the tensors that it wrote."""

    remarks: list[str]
    unreadable: dict[str, Exception]

    @property
    def notes(self) -> list[str]:
        """The remarks, and a line for each dataset that is not among the tensors."""
        return _shortened(self.remarks + [str(cause) for cause in self.unreadable.values()])


class Translated(NamedTuple):
    path: str  # of the temporary .zt file, which has the name of the original
    contents: Contents


def is_hdf5(descriptor: int) -> bool:
    """Whether a file has the signature of HDF5: at its begin, or behind a user block of 512, 1024, 2048... bytes."""
    at, size = 0, os.fstat(descriptor).st_size
    while at + len(_SIGNATURE) <= size:
        if os.pread(descriptor, len(_SIGNATURE), at) == _SIGNATURE:
            return True
        at = at * 2 or 512
    return False


@contextlib.contextmanager
def descriptor_of(source: Any) -> Iterator[int]:
    """A descriptor of the bytes of a path, a buffer or a seekable file object."""
    if isinstance(source, (str, os.PathLike)):
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile(prefix="ztensor-") as copy:  # libhdf5 opens no file without a name
        if hasattr(source, "read"):
            at = source.tell() if hasattr(source, "tell") else 0
            source.seek(0)
            shutil.copyfileobj(source, copy, _PIECE)
            source.seek(at)
        else:
            copy.write(source)
        copy.flush()
        yield copy.fileno()


def file_of(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """The only HDF5 file of a folder; any other path is given back."""
    if not os.path.isdir(path):
        return path
    files = sorted(name for name in os.listdir(path) if name.endswith((".h5", ".hdf5")) and not name.startswith("."))
    return os.path.join(os.fspath(path), files[0]) if len(files) == 1 else path


@contextlib.contextmanager
def translate(
    source: Any,
    name: str,
    cause: ZTensorError | None,
    limits: Limits | None,
    attributes: Mapping[str, Any] | None = None,
) -> Iterator[Translated]:
    """A temporary .zt file with the tensors of an HDF5 file. It is gone when the context ends; an open Reader keeps it.

    `cause` is the error with which the library refused the source, and is raised again if this is no HDF5 file.
    `attributes` are put before those of the file.
    """
    if isinstance(source, (str, os.PathLike)):
        source = file_of(source)
        if os.path.isdir(source):
            raise cause or IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    with descriptor_of(source) as descriptor:
        if cause is not None and not is_hdf5(descriptor):
            raise cause
        _require_h5py(name)
        folder = tempfile.mkdtemp(prefix="ztensor-")
        try:
            path = os.path.join(folder, os.path.basename(name) or "file")
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            target = os.open(path, flags, 0o600)
            try:
                contents = _run(descriptor, target, name, limits, dict(attributes or {}))
            finally:
                os.close(target)
            _check_output(path, name)
            yield Translated(path, contents)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _require_h5py(name: str) -> None:
    if importlib.util.find_spec("h5py") is None:
        raise UnsupportedError(
            f"{name}: this is an HDF5 file, which is read through h5py: pip install 'ztensor[hdf5]'",
            rule="hdf5.h5py.missing",
        )
    if not sys.executable or not os.path.isdir("/proc/self/fd"):
        raise UnsupportedError(
            f"{name}: this is an HDF5 file, which is read in a child process: that needs sys.executable and /proc",
            rule="hdf5.child.start",
        )


def _run(source: int, target: int, name: str, limits: Limits | None, attributes: dict[str, Any]) -> Contents:
    options = {"decoded_bytes": limits.decoded_bytes if limits else None, "attributes": attributes}
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_UNSET)}
    environment |= {"HDF5_PLUGIN_PRELOAD": "::", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    path = [os.path.abspath(entry) for entry in sys.path]
    answer, question = os.pipe()
    try:
        child = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", _MAIN, json.dumps(path), str(source), str(target), str(question),
             json.dumps(options)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
            pass_fds=(source, target, question),
        )  # fmt: skip
    except BaseException:
        os.close(answer)
        raise
    finally:
        os.close(question)
    with io.FileIO(answer, "rb") as report:
        try:
            text = _read_all(report)
        except BaseException:
            child.kill()
            raise
        finally:
            if child.poll() is None:
                child.wait()
    _check_end(child.returncode, name)
    return _contents(text, name)


def _check_output(path: str, name: str) -> None:
    """The child may have been made to write anything. Only the one format that it should write gets further."""
    try:
        source = _ztensor.open_path(os.fsencode(path), _ztensor.OpenOptions())
        found = source.format
        source.close()
    except ZTensorError as error:
        found = str(error).replace(path, "the temporary file")
    if found != "zt-1.2":
        raise FormatError(
            f"{name}: the process that read the file wrote no tensors that can be read: {found}",
            rule="hdf5.child.output",
        )


def _read_all(file: io.FileIO) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := file.read(_PIECE):
        size += len(piece)
        if size > _MOST_REPORT:
            raise LimitError("the report on an HDF5 file is too long", rule="hdf5.report.size")
        pieces.append(piece)
    return b"".join(pieces)


def _check_end(code: int, name: str) -> None:
    if code == 0:
        return
    if -code in (signal.SIGXCPU, signal.SIGKILL):
        raise LimitError(
            f"{name}: reading the file took too much processor time or memory, and was stopped", rule="hdf5.child.limit"
        )
    what = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
    raise FormatError(f"{name}: the process that read the file {what}: the file is broken", rule="hdf5.child.died")


def _contents(text: bytes, name: str) -> Contents:
    """The report, checked in all it says."""
    try:
        report = json.loads(text)
        error = report.get("error")
        if error is not None:
            raised = _error_of(error, name)
        remarks = [f"{name}: {_line(note)}" for note in report["notes"]]
        unreadable: dict[str, Exception] = {
            _line(one): _error_of(cause, f"{name}: tensor {one!r}") for one, cause in report["unreadable"]
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FormatError(
            f"{name}: the process that read the file gave no report: the file is broken", rule="hdf5.report.form"
        ) from None
    if error is not None:
        if isinstance(report.get("errno"), int):
            raise OSError(report["errno"], os.strerror(report["errno"]), tempfile.gettempdir())
        raise raised
    return Contents(remarks, unreadable)


def _shortened(notes: list[str]) -> list[str]:
    more = len(notes) - _MOST_NOTES
    return notes if more <= 0 else [*notes[:_MOST_NOTES], f"{more} more notes were left out"]


def _line(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError("expected text")
    return text.encode("utf-8", "backslashreplace").decode()


def _error_of(said: Any, where: str) -> ZTensorError:
    kind = _CODES.get(said["code"], UnsupportedError if said["code"] == "io" else FormatError)
    return kind(f"{where}: {_line(said['message'])}", rule=_line(said["rule"]))


def open_source(
    source: Any, name: str, cause: ZTensorError, options: _ztensor.OpenOptions, limits: Limits | None
) -> tuple[_ztensor.Source, Contents]:
    """Opens an HDF5 file that the library refused for `cause`; raises `cause` if it is none."""
    if not cause.rule.startswith("format."):
        raise cause
    with translate(source, name, cause, limits) as translated:
        return _ztensor.open_path(os.fsencode(translated.path), options), translated.contents
