"""The end of a program: it ends normally, whatever its threads are doing."""

import subprocess
import sys
import textwrap

import pytest

TRIES = 5  # each of these is a race

# These classes have their own module: a reader keeps its file object alive, and so its class and its module, in a way
# that Python's collector of cycles does not see.
OBJECTS = """
import time

class Remote:
    delay = 0

    def __init__(self, path):
        self.file = open(path, "rb", buffering=0)

    def seek(self, *to):
        return self.file.seek(*to)

    def read(self, count):
        return self.file.read(count)

    def readinto(self, buffer):
        time.sleep(self.delay)
        return self.file.readinto(buffer)

class Odd(Remote):
    def seek(self, *to):
        raise LookupError

class Sink:
    delay = 0

    def write(self, data):
        time.sleep(self.delay)
        return len(data)
"""

PRELUDE = """
import os, sys, threading, time
import numpy as np, ztensor
from objects import Odd, Remote, Sink

def in_threads(work):
    def repeat():
        while True:
            work()
    for _ in range(3):
        threading.Thread(target=repeat, daemon=True).start()

with ztensor.Writer("a.zt") as w:
    w.add_tensor("x", np.arange(200_000) // 1000)
    w.add_tensor("packed", np.arange(200_000) // 1000, compress=True)
    w.add_tensor("large", np.zeros(2_000_000))
"""


def run(tmp_path, program):
    (tmp_path / "objects.py").write_text(OBJECTS)
    program = PRELUDE + textwrap.dedent(program)
    return subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )


WORK = {
    "views": "ztensor.open('a.zt').read_tensor('x')",
    "copies": "reader.read_tensor('packed')",
    "file": "over_file.read_tensor('packed')",
    "file object": "remote.read_tensor('x')",
    "large reads of a file object": "remote.read_tensor('large')",
    "errors": """
    try: reader.read_tensor('none')
    except KeyError: pass""",
    "errors of a file object": """
    try: ztensor.open(Odd("a.zt"))
    except LookupError: pass""",
    "writer": "ztensor.Writer(f'{threading.get_ident()}.zt', compress=True).add_tensor('x', np.zeros(300_000))",
    "writer to a file object": "ztensor.Writer(Sink()).add_tensor('x', np.zeros(3_000_000))",
    "one writer": "shared.add_tensor(str(time.monotonic_ns()) + str(threading.get_ident()), np.zeros(100_000))",
    "progress": """
    name = f'{threading.get_ident()}.zt'
    ztensor.convert('a.zt', name, force=True, progress=lambda done, total: sum(range(1000)) > 0)""",
}


@pytest.mark.parametrize("work", WORK)
def test_a_program_ends_while_daemon_threads_work(tmp_path, work):
    program = f"""
reader = ztensor.open("a.zt")
over_file = ztensor.open(open("a.zt", "rb"))
remote = ztensor.open(Remote("a.zt"))
shared = ztensor.Writer(Sink())
def work():
    {WORK[work]}
sys.setswitchinterval(1e-5)
in_threads(work)
time.sleep(0.15)
print("main is done")
"""
    for _ in range(TRIES):
        done = run(tmp_path, program)
        assert (done.returncode, done.stdout, done.stderr) == (0, "main is done\n", "")


@pytest.mark.parametrize("source", ["'a.zt'", "open('a.zt', 'rb')", "Remote('a.zt')", "open('a.zt', 'rb').read()"])
def test_the_last_object_of_a_program_may_read_for_the_first_time(tmp_path, source):
    program = f"""
        class Last:
            def __del__(self, write=os.write, open=ztensor.open, np=np):
                x = self.reader.read_tensor("x", copy=True)
                large = self.reader.read_tensor("large", copy=True)
                part = self.reader["packed"][999:1001]
                try:
                    self.reader.read_tensor("none")
                except Exception as error:
                    write(1, f"{{len(x)}} {{len(large)}} {{part.tolist()}} {{type(error).__name__}}".encode())
        last = Last()
        last.reader = ztensor.open({source})
    """
    done = run(tmp_path, program)
    assert (done.returncode, done.stdout) == (0, "200000 2000000 [0, 1] TensorNotFoundError"), done.stderr


def test_the_last_object_does_not_wait_for_threads_that_have_stopped(tmp_path):
    program = """
        remote, sink = Remote("a.zt"), Sink()
        reader, writer = ztensor.open(remote), ztensor.Writer(sink)
        remote.delay, sink.delay = 0.05, 5  # so a thread is within a write when the program ends
        class Last:
            def __del__(self, reader=reader, writer=writer, write=os.write):
                for use in (lambda: reader.read_tensor("x"), writer.abort):
                    try:
                        use()
                    except Exception as error:
                        write(1, f"{type(error).__name__}: {error}\\n".encode())
        sys.last = Last()  # the threads keep what is global here
        in_threads(lambda: reader.read_tensor("x"))
        in_threads(lambda: writer.add_tensor(str(time.monotonic_ns()), np.zeros(300_000)))
        time.sleep(0.2)
    """
    for _ in range(TRIES):
        done = run(tmp_path, program)
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert len(lines) == 2
        # Where no thread was within a read, the read goes on, and the methods of Remote have lost their globals.
        if lines[0] == "TypeError: 'NoneType' object is not callable":
            lines.pop(0)
        assert all(line.startswith("UsageError: ") and "end of the program" in line for line in lines), lines
