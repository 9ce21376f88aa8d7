"""Reading in the background: the bound of memory, closing, threads, processes, and the end of the program."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest
from prefetch_files import COUNT, values, write_file

import ztensor

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def path(tmp_path):
    return write_file(tmp_path)


@pytest.fixture
def reader(path):
    return ztensor.open(path)


# --- memory ---


def test_memory_stays_under_the_bound(tmp_path):
    program = """
        import resource, sys, numpy as np, ztensor

        def rss():
            return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

        size, count, ahead = 4 << 20, 40, 12 << 20
        with ztensor.Writer("a.zt") as writer:
            for i in range(count):
                writer.add_tensor(str(i), np.full(size, i, np.uint8))
        reader = ztensor.open("a.zt")
        with reader.prefetch(to="numpy", ahead=ahead) as warm:
            next(warm)
        before, most = rss(), 0
        for name, array in reader.prefetch(to="numpy", ahead=ahead):
            most = max(most, rss() - before)
            array.sum()
            del array
        print(most // (1 << 20))
        assert most <= ahead + 3 * size, most  # the consumer has one; what a thread is about to free may be another
    """
    run(tmp_path, program)


# --- closing and ending ---


def test_close_in_the_middle(reader):
    prefetch = reader.prefetch(to="numpy")
    _, array = next(prefetch)
    prefetch.close()
    prefetch.close()
    assert array.sum() > 0
    for use in (lambda: next(prefetch), lambda: prefetch.take("t9"), prefetch.__enter__):
        with pytest.raises(ztensor.UsageError, match="closed"):
            use()
    assert repr(prefetch) == "<ztensor.Prefetch, closed>"
    with reader.prefetch(to="numpy") as prefetch:
        next(prefetch)
    with pytest.raises(ztensor.UsageError, match="closed"):
        next(prefetch)


def threads_of_process():
    return len(os.listdir("/proc/self/task"))


def test_no_thread_outlives_it(reader):
    before = threads_of_process()
    for leave in (lambda it: it.close(), lambda it: None):
        prefetch = reader.prefetch(to="numpy", ahead=1, threads=4)
        next(prefetch)
        assert threads_of_process() == before + 4
        leave(prefetch)
        del prefetch
        assert threads_of_process() == before


def test_threads_share_the_tensors(reader):
    prefetch = reader.prefetch(to="numpy", ahead=3 * 240_000, threads=2)
    found, wrong = [], []

    def iterate():
        for name, array in prefetch:
            found.append(name)
            if not (array == values(int(name[1:]))).all():
                wrong.append(name)

    def take():
        for name in ("t3", "t17", "t8"):
            try:
                prefetch.take(name)
                found.append(name)
            except ztensor.UsageError:
                pass

    threads = [threading.Thread(target=work) for work in (iterate, take, iterate, take)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(reader) and not wrong


def run(tmp_path, program, *, code=0, timeout=60):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


PRELUDE = """
import os, signal, sys, threading, time
import numpy as np, ztensor
reader = ztensor.open("a.zt")
"""


@pytest.mark.parametrize(
    "end",
    [
        "",
        "del reader",
        "sys.exit(0)",
        "threading.Thread(target=lambda: [time.sleep(0.01) for _ in iter(prefetch.next, None)], daemon=True).start()",
        "class Last:\n    def __del__(self, it=prefetch): next(it, None)\nsys.last = Last()",
    ],
)
def test_a_program_ends_with_a_live_prefetch(path, tmp_path, end):
    program = PRELUDE + f"prefetch = reader.prefetch(to='numpy', ahead=500_000, threads=3)\nnext(prefetch)\n{end}\n"
    for _ in range(3):
        done = run(tmp_path, program)
        assert "Error" not in done.stderr.replace("AttributeError", "").replace("UsageError", ""), done.stderr


SLOW = (
    PRELUDE
    + """
class Slow:
    slow = False

    def __init__(self):
        self.file = open("a.zt", "rb")

    def seek(self, *to):
        return self.file.seek(*to)

    def read(self, count):
        return self.file.read(count)

    def readinto(self, buffer):
        if self.slow:
            busy.set()
            time.sleep(10)
        return self.file.readinto(buffer)

busy, slow = threading.Event(), Slow()
source = ztensor.open(slow)
slow.slow = True  # before a thread may have read the tensor
prefetch = source.prefetch(["t5"], "numpy")
threading.Thread(target=lambda: prefetch.take("t5"), daemon=True).start()
busy.wait()
"""
)


def test_a_program_ends_while_a_thread_waits(path, tmp_path):
    assert run(tmp_path, SLOW + "print('done')", timeout=9).stdout == "done\n"


def test_a_forked_child_may_not_use_it(reader):
    prefetch = reader.prefetch(to="numpy", ahead=500_000, threads=3)
    next(prefetch)
    back, out = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        told = []
        for use in (lambda: next(prefetch), lambda: prefetch.take("t9"), lambda: len(prefetch)):
            try:
                use()
                told.append("nothing")
            except ztensor.UsageError as error:
                told.append(str(error))
        prefetch.close()
        prefetch.__dict__.clear()
        prefetch = None
        told.append(str(len(list(reader.prefetch(to="numpy")))))
        os.write(out, "\n".join(told).encode())
        os._exit(0)
    os.close(out)
    with open(back) as file:
        told = file.read().split("\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(told) == 4 and all("belongs to the process that made it" in line for line in told[:3])
    assert told[3] == str(COUNT)
    assert len(list(prefetch)) == COUNT - 1


def test_a_forked_child_ends_as_programs_do(path, tmp_path):
    program = (
        PRELUDE
        + """
prefetch = reader.prefetch(to="numpy", ahead=500_000, threads=3)
next(prefetch)
pid = os.fork()
if pid == 0:
    signal.alarm(20)
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
assert len(list(prefetch)) == 19
"""
    )
    run(tmp_path, program)


def test_ctrl_c_ends_a_wait(path, tmp_path):
    program = (
        SLOW
        + """
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores SIGINT
start = time.monotonic()
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    next(prefetch)  # waits for the tensor that another thread takes
except KeyboardInterrupt:
    print("interrupted", len(prefetch), time.monotonic() - start < 9)
"""
    )
    assert run(tmp_path, program).stdout == "interrupted 1 True\n"  # the end may wait for a thread of the prefetch
