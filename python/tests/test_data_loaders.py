"""DataLoader workers, threads over safe_open, the end of a program, and Ctrl-C in the calls that take long."""

import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import ztensor

torch = pytest.importorskip("torch", reason="torch is not installed")

import ztensor.torch  # noqa: E402 - needs torch

COUNT = 48
PROGRAM_SECONDS = 120  # a child that takes longer hangs


def row(i):
    return torch.full((3, 500), float(i))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("loaders") / "rows.zt"
    with ztensor.Writer(path) as writer:
        for i in range(COUNT):
            writer.add_tensor(f"row {i}", row(i), compress=i % 2 == 1)
    return path


class OfReader(torch.utils.data.Dataset):
    """Reads from a Reader that the parent opened: a spawned worker gets it by pickling."""

    def __init__(self, path):
        self.reader = ztensor.open(path)

    def __len__(self):
        return len(self.reader)

    def __getitem__(self, i):
        whole = self.reader.read_tensor(f"row {i}", to="torch")
        part = torch.from_numpy(np.array(self.reader[f"row {i}"][1:, ::2]))
        return i, whole, part


class OfSafeOpen(torch.utils.data.Dataset):
    """Opens the file in the worker, at the first access, as programs of safetensors do."""

    def __init__(self, path):
        self.path = path
        self.file = None

    def __len__(self):
        return COUNT

    def __getitem__(self, i):
        if self.file is None:
            self.file = ztensor.safe_open(self.path, framework="pt")
        return i, self.file.get_tensor(f"row {i}"), self.file.get_slice(f"row {i}")[1:, ::2]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("dataset", [OfReader, OfSafeOpen])
def test_the_workers_of_a_data_loader_read(path, dataset, method):
    data = dataset(path)
    assert torch.equal(data[3][1], row(3))  # the parent reads too, before the workers begin
    if isinstance(data, OfSafeOpen):
        data.file = None
    loader = torch.utils.data.DataLoader(
        data, batch_size=5, num_workers=2, shuffle=True, multiprocessing_context=method, timeout=PROGRAM_SECONDS
    )
    for _ in range(2):
        seen = []
        for numbers, whole, part in loader:
            for i, a, b in zip(numbers.tolist(), whole, part, strict=True):
                assert torch.equal(a, row(i))
                assert torch.equal(b, row(i)[1:, ::2])
                seen.append(i)
        assert sorted(seen) == list(range(COUNT))
    assert torch.equal(data[3][1], row(3))


@pytest.mark.parametrize("framework", ["np", "pt"])
@pytest.mark.parametrize("backend", ["mmap", "pread"])
def test_16_threads_read_through_one_safe_open(path, framework, backend):
    file = ztensor.safe_open(path, framework, backend=backend)

    def work(turn):
        i = turn * 7 % COUNT
        wanted = row(i).numpy()
        found = file.get_tensor(f"row {i}")
        assert np.array_equal(found, wanted)
        if backend == "pread":  # a mapped tensor is the same memory in each thread
            found[0] = -1
        assert np.array_equal(file.get_slice(f"row {i}")[1:, ::2], wanted[1:, ::2])
        assert file.get_tensor_meta(f"row {i}").shape == [3, 500]
        return len(file.keys())

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(work, range(480))) == {COUNT}
    assert len(file.get_tensors()) == COUNT


def run(tmp_path, program):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path, capture_output=True, text=True, timeout=PROGRAM_SECONDS, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("daemon", [True, False])
def test_a_program_ends_with_all_of_it_open(tmp_path, path, daemon):
    program = f"""
        import threading
        import numpy as np, torch, ztensor, ztensor.numpy, ztensor.torch
        path = {str(path)!r}
        arrays, tensors = ztensor.numpy.load_file(path), ztensor.torch.load_file(path)
        of_numpy, of_torch = ztensor.safe_open(path, "np"), ztensor.safe_open(path, "pt", backend="pread")
        part = of_torch.get_slice("row 3")
        view = ztensor.open(path)["row 0"][1:]
        end = threading.Event()
        def work():
            while not end.is_set():
                for name in of_numpy.keys():
                    of_numpy.get_tensor(name), of_numpy.get_slice(name)[1:]
                    if not {daemon}:  # torch itself aborts where a daemon thread is in one of its calls at the end
                        of_torch.get_tensor(name)
        threads = [threading.Thread(target=work, daemon={daemon}) for _ in range(3)]
        for thread in threads:
            thread.start()
        writer = ztensor.Writer("open.zt")
        stream = writer.stream("s", (None, 1000), "float32")
        stream.write(np.zeros((1000, 1000), np.float32))
        held = [arrays, tensors, of_numpy, of_torch, part, view, writer, stream]
        held.append(held)  # a cycle, which is there until the end
        threading.Timer(0.3, end.set).start()
        print("main is done")
    """
    for _ in range(3):
        done = run(tmp_path, program)
        assert (done.returncode, done.stdout, done.stderr) == (0, "main is done\n", "")
        assert os.listdir(tmp_path) == []


MIB = 1 << 20
# Each call takes seconds or more, or is repeated until it is stopped.
LONG = {
    "load_file": "while True: X.load_file('in.zt', backend='pread')",
    "load_file of compressed tensors": "while True: X.load_file('packed.zt', backend='pread')",
    "save_file": "while True: X.save_file(tensors, 'out/new.zt')",
    "save_file compressed": "X.save_file(tensors, 'out/new.zt', compress=19)",
    "stream": """
    with ztensor.Writer('out/new.zt', compress=19) as writer, writer.stream('s', (None, 1024), 'uint8') as rows:
        rows.write(noise.reshape(-1, 1024))""",
    "convert": "ztensor.convert('in.zt', 'out/new.zt', compress=19)",
}


@pytest.mark.parametrize("call", LONG)
def test_ctrl_c_stops_a_long_call_and_leaves_no_litter(tmp_path, call):
    noise = np.random.default_rng(0).integers(0, 50, 64 * MIB, dtype=np.uint8)
    with ztensor.Writer(tmp_path / "in.zt") as writer:
        writer.add_tensor("noise", noise)
    with ztensor.Writer(tmp_path / "packed.zt", compress=1) as writer:
        writer.add_tensor("noise", noise)
    (tmp_path / "out").mkdir()
    program = f"""
import os, signal, threading, time
import numpy as np, torch, ztensor, ztensor.torch as X
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job begins with it ignored
noise = np.array(ztensor.open("in.zt").read_tensor("noise"))
tensors = {{"noise": torch.from_numpy(noise)}}
sent = []
def send():
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)
threading.Timer(0.5, send).start()
try:
    {LONG[call]}
    print("done before")
except KeyboardInterrupt:
    print("stopped" if time.monotonic() - sent[0] < 10 else "late")
"""
    done = run(tmp_path, program)
    assert (done.returncode, done.stdout) == (0, "stopped\n"), done.stderr
    assert set(os.listdir(tmp_path / "out")) <= ({"new.zt"} if call == "save_file" else set())
    if call == "save_file" and (tmp_path / "out" / "new.zt").exists():  # an earlier call has published it
        ztensor.verify(tmp_path / "out" / "new.zt")
