"""Many threads, forks and signals."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import ztensor


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "t.zt"
    with ztensor.Writer(path) as writer:
        for i in range(64):
            writer.add_tensor(f"t{i}", np.full(20_000, i), compress=i % 2 == 1)
    return path


@pytest.mark.parametrize("kind", ["path", "bytes", "file"])
def test_a_reader_is_used_by_many_threads(path, kind):
    data = path.read_bytes()
    source = {"path": path, "bytes": data, "file": io.BytesIO(data)}[kind]
    reader = ztensor.open(source, threads=2)

    def work(i):
        name = f"t{i % 64}"
        assert reader.read_tensor(name)[7] == i % 64
        assert reader[name][5:9].sum() == 4 * (i % 64)
        assert reader.read_tensor(name, copy=True).shape == (20_000,)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(256)))
    assert len(reader.read_tensors(copy=True)) == 64


def test_a_writer_takes_one_call_at_a_time(tmp_path):
    memory = io.BytesIO()
    for target in (tmp_path / "w.zt", memory):
        with ztensor.Writer(target) as writer, ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: writer.add_tensor(f"t{i}", np.full(30_000, i)), range(40)))
        reader = ztensor.open(target)
        assert all(reader[f"t{i}"][0] == i for i in range(40))


@pytest.mark.parametrize("size", [1000, 4_000_000])
def test_a_reader_is_not_called_from_its_own_file(tmp_path, size):
    class Nosy(io.BytesIO):
        reader = None

        def readinto(self, buffer):
            if self.reader is not None:
                self.reader.read_tensor("t")
            return super().readinto(buffer)

    memory = io.BytesIO()
    with ztensor.Writer(memory) as writer:
        writer.add_tensor("t", np.zeros(size))
        writer.add_tensor("packed", np.zeros(size), compress=True)
    file = Nosy(memory.getvalue())
    reader = ztensor.open(file, threads=2)
    file.reader = reader
    for name in ("t", "packed"):
        with pytest.raises(ztensor.UsageError, match="from within"):
            reader.read_tensor(name)
    with pytest.raises(ztensor.UsageError, match="from within"):
        reader["t"][3:5]
    file.reader = None
    assert reader.read_tensor("t").shape == (size,)


def test_a_file_may_use_another_reader(path):
    class Chained(io.BytesIO):
        def readinto(self, buffer):
            assert inner.read_tensor("t1")[0] == 1
            return super().readinto(buffer)

    data = path.read_bytes()
    inner = ztensor.open(io.BytesIO(data))
    assert ztensor.open(Chained(data)).read_tensor("t2")[0] == 2


def test_closing_while_others_read_is_safe(path):
    reader = ztensor.open(path)
    errors = []

    def work():
        for i in range(200):
            try:
                assert reader.read_tensor(f"t{i % 64}")[0] == i % 64
            except ztensor.UsageError:
                return
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    reader.close()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_reads_on(path):
    reader = ztensor.open(path)
    reader.read_tensors(copy=True)
    child = os.fork()
    if child == 0:
        ok = len(reader.read_tensors(copy=True)) == 64
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_other_threads_run_while_a_tensor_is_written(tmp_path):
    ticks = 0
    stop = threading.Event()

    def tick():
        nonlocal ticks
        while not stop.wait(0.001):
            ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    with ztensor.Writer(tmp_path / "w.zt", compress=9) as writer:
        writer.add_tensor("t", np.random.default_rng(0).integers(0, 50, 30_000_000, dtype=np.uint8))
    stop.set()
    thread.join()
    assert ticks > 20


def test_ctrl_c_stops_a_long_write(tmp_path):
    program = f"""
        import numpy as np, os, signal, threading, time, ztensor
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job begins with it ignored
        data = np.random.default_rng(0).integers(0, 50, 400_000_000, dtype=np.uint8)
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        start = time.monotonic()
        try:
            with ztensor.Writer({str(tmp_path / "w.zt")!r}, compress=19) as writer:
                writer.add_tensor("t", data)
        except KeyboardInterrupt:
            print("stopped" if time.monotonic() - start < 10 else "late")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=300)
    assert done.stdout == "stopped\n", done.stderr
    assert os.listdir(tmp_path) == []


def test_a_progress_callback_stops_a_long_conversion(tmp_path):
    handler = signal.getsignal(signal.SIGINT)

    def fail(done, total):
        assert done < total == 40_000_000
        raise LookupError("enough")

    path = tmp_path / "long.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", np.random.default_rng(0).integers(0, 50, 40_000_000, dtype=np.uint8))
    with pytest.raises(LookupError, match="enough"):
        ztensor.convert(path, tmp_path / "c.zt", compress=19, progress=fail)
    with pytest.raises(ztensor.ZTensorError) as caught:
        ztensor.merge([path], tmp_path / "c.zt", compress=19, progress=lambda done, total: False)
    assert caught.value.code == "cancelled"
    assert os.listdir(tmp_path) == ["long.zt"]
    assert signal.getsignal(signal.SIGINT) is handler
