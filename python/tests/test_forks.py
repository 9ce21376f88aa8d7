"""A forked child: which readers and writers of its parent it may use, and that it never hangs."""

import functools
import gzip
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import ztensor

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Remote(io.BytesIO):
    """A file object of an unknown class."""


def in_child(work):
    """Runs `work` in a child, and returns the result as text. Kills the child if it hangs."""
    back, out = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        try:
            text = str(work())
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(out, text.encode()[:4000])
        os._exit(0)
    os.close(out)
    with open(back, "rb") as told:
        text = told.read().decode()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "the child hung"
    return text


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.zt"
    with ztensor.Writer(path) as writer:
        for i in range(20):
            writer.add_tensor(f"t{i}", np.full((20, 500), i), compress=i % 2 == 1)
    return path


def read_all(reader, times=1):
    """How many reads gave wrong tensors."""
    wrong = 0
    for _ in range(times):
        for i in range(20):
            wrong += not (reader[f"t{i}"][3:5] == i).all()
            wrong += not (reader.read_tensor(f"t{i}", copy=True) == i).all()
    return wrong


@pytest.mark.parametrize("mode", ["path", "rb", "raw", "r+b", "memory"])
def test_processes_share_a_reader(path, mode):
    source = {
        "path": lambda: path,
        "rb": lambda: path.open("rb"),
        "raw": lambda: path.open("rb", buffering=0),
        "r+b": lambda: path.open("r+b"),
        "memory": lambda: io.BytesIO(path.read_bytes()),
    }[mode]()
    reader = ztensor.open(source)
    told, pids = [], []
    for _ in range(3):
        back, out = os.pipe()
        pids.append(os.fork())
        if pids[-1] == 0:
            signal.alarm(60)
            os.write(out, str(read_all(reader, 20)).encode())
            os._exit(0)
        os.close(out)
        told.append(back)
    assert read_all(reader, 20) == 0
    for back, pid in zip(told, pids, strict=True):
        with open(back) as file:
            assert file.read() == "0"
        os.waitpid(pid, 0)


def test_a_file_object_of_another_kind_belongs_to_its_process(path, tmp_path):
    with gzip.open(tmp_path / "a.gz", "wb") as packed:
        packed.write(path.read_bytes())
    for file in (Remote(path.read_bytes()), gzip.open(tmp_path / "a.gz"), io.BufferedReader(Remote(path.read_bytes()))):
        reader = ztensor.open(file)
        tensor = reader["t1"]
        for use in (
            reader.read_tensors,
            reader.verify,
            tensor.numpy,
            functools.partial(tensor.__getitem__, slice(3, 5)),
        ):
            assert in_child(use).startswith("UsageError: the reader of a file object belongs to the process")
        assert read_all(reader) == 0


@pytest.mark.parametrize("kind", [Remote, "path", "rb"])
def test_a_child_does_not_wait_for_a_thread_that_it_lacks(path, kind):
    source = {Remote: lambda: Remote(path.read_bytes()), "path": lambda: path, "rb": lambda: path.open("rb")}[kind]()
    reader = ztensor.open(source)
    stop = threading.Event()

    def work():
        while not stop.is_set():
            read_all(reader)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            told = in_child(lambda: read_all(reader))
            assert told == "0" or (kind is Remote and told.startswith("UsageError"))
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_child_drops_the_writer_that_a_thread_of_its_parent_uses(tmp_path):
    for target in (tmp_path / "w.zt", io.BytesIO()):
        writer = ztensor.Writer(target, compress=True)
        busy = threading.Event()

        def work(writer=writer, busy=busy):
            for i in range(20):
                writer.add_tensor(str(i), np.arange(300_000) // 7)
                busy.set()

        thread = threading.Thread(target=work)
        thread.start()
        busy.wait()

        def leave(writer=writer):
            told = ""
            try:
                writer.add_tensor("child", np.zeros(3))
            except ztensor.UsageError as error:
                told = str(error)
            writer.abort()
            writer.__dict__.clear()
            return told

        for _ in range(5):
            assert in_child(leave).startswith("the writer belongs to the process that made it")
        thread.join()
        writer.finalize()
        reader = ztensor.open(target)
        assert len(reader) == 20
        reader.verify()


WRITERS = {
    "new": {},
    "canonical": {"format": "2"},
    "shards": {"format": "2", "max_shard_size": 100_000},
    "append": {"mode": "a"},
    "file object": {},
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_writer_belongs_to_the_process_that_made_it(tmp_path, kind):
    path = tmp_path / "a.zt"
    if kind == "append":
        with ztensor.Writer(path) as writer:
            writer.add_tensor("old", np.arange(9))
    stored = ztensor.open(path)["old"] if kind == "append" else np.zeros(3)
    target = path.open("wb") if kind == "file object" else path
    writer = ztensor.Writer(target, **WRITERS[kind])
    writer.add_tensor("first", np.arange(30_000.0))

    def leave_block():
        with writer:
            pass

    def leave_block_by_an_exception():
        with writer:
            raise LookupError("left")

    uses = [
        lambda: writer.add_tensor("child", np.zeros(300_000)),
        lambda: writer.add_tensor("child", stored),
        lambda: writer.add_sparse_csr("child", np.zeros(1), np.array([0]), np.array([0, 1]), (1, 1)),
        lambda: writer.add_object("child", (3,), "own", {"p": np.zeros(3)}),
        lambda: writer.add_alias("child", "first"),
        lambda: writer.remove("old"),
        writer.finalize,
        leave_block,
    ]
    for use in uses:
        assert in_child(use).startswith("UsageError: the writer belongs to the process that made it"), use
    assert in_child(leave_block_by_an_exception) == "LookupError: left"
    assert in_child(writer.abort) == "None"
    before = sorted(os.listdir(tmp_path))
    assert in_child(lambda: writer.__dict__.clear()) == "None"
    assert sorted(os.listdir(tmp_path)) == before
    if kind == "append":  # the child let go of no lock
        with pytest.raises(BlockingIOError):
            ztensor.Writer(path, mode="a")
    writer.add_tensor("last", np.arange(30_000.0))
    writer.finalize()
    if kind == "file object":
        target.close()
    reader = ztensor.open(path)
    assert sorted(name for name in reader if name != "old") == ["first", "last"]
    assert all(np.array_equal(reader.read_tensor(name), np.arange(30_000.0)) for name in ("first", "last"))
    reader.verify()


def test_a_child_that_ends_as_programs_do_leaves_the_writer_to_its_parent(tmp_path):
    program = """
        import os, sys, numpy as np, ztensor
        new, grown = ztensor.Writer("new.zt"), ztensor.Writer("old.zt", mode="a")
        new.add_tensor("a", np.arange(50_000))
        grown.add_tensor("a", np.arange(50_000))
        pid = os.fork()
        if pid == 0:
            sys.exit(0)
        os.waitpid(pid, 0)
        for writer in (new, grown):
            writer.add_tensor("b", np.arange(50_000))
            writer.finalize()
        for path in ("new.zt", "old.zt"):
            with ztensor.open(path) as reader:
                reader.verify()
                print(len(reader))
    """
    with ztensor.Writer(tmp_path / "old.zt") as writer:
        writer.add_tensor("o", np.zeros(3))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n3\n", "")
    assert sorted(os.listdir(tmp_path)) == ["new.zt", "old.zt"]
