"""Reads to CUDA devices: through a stand-in for the driver, since the machine of a test has none."""

import contextlib
import gc
import os
import threading
import types

import device_driver
import numpy as np
import pytest
import torch
from conftest import ALL_DTYPES, sample

import ztensor
import ztensor.torch
from ztensor import _device

pytestmark = pytest.mark.skipif(not device_driver.has_compiler(), reason="no C++ compiler for the stand-in driver")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    yield device_driver.Driver(tmp_path_factory.mktemp("driver"))
    del os.environ["ZTENSOR_CUDA_DRIVER"]  # other tests start programs


@pytest.fixture
def driver(loaded, monkeypatch):
    """The stand-in, where tensors for "cuda:N" go."""

    def memory_of(device):
        if device is None or torch.device(device).type != "cuda":
            return None
        return device_driver.HostMemory(loaded, torch.device(device).index or 0)

    loaded.reset()
    device_driver.HostMemory.blocks.clear()
    monkeypatch.setattr(_device, "memory_of", memory_of)
    monkeypatch.setattr(_device, "WORTH_A_RING", 0)
    yield loaded
    assert loaded.count("misuse") == 0
    ztensor.release_buffers()
    loaded.reset()
    assert loaded.count("pinned") == 0


SHAPES = {"matrix": (700, 1000), "long": (3_000_001,), "small": (3, 5), "scalar": (), "empty": (0, 4)}


def file_of(path, **options):
    tensors = {
        name: np.random.default_rng(i).standard_normal(shape, np.float32)
        for i, (name, shape) in enumerate(SHAPES.items())
    }
    with ztensor.Writer(path) as writer:
        for name, array in tensors.items():
            writer.add_tensor(name, array, **options)
    return path


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        assert tensor.dtype == expected[name].dtype
        assert tensor.shape == expected[name].shape
        assert torch.equal(tensor.reshape(-1).view(torch.uint8), expected[name].reshape(-1).view(torch.uint8)), name


@pytest.mark.parametrize("options", [{}, {"compress": 1}, {"compress": "float"}])
def test_reads_what_the_cpu_reads(driver, tmp_path, options):
    path = file_of(tmp_path / "a.zt", **options)
    expected = ztensor.torch.load_file(path)
    same(ztensor.torch.load_file(path, device="cuda:0"), expected)
    assert len(device_driver.HostMemory.blocks) == 1
    assert driver.count("cuMemcpyHtoDAsync_v2") > 0
    with ztensor.open(path) as reader:
        same(reader.read_tensors(to="torch", device="cuda:1"), expected)
        same({"matrix": reader.read_tensor("matrix", to="torch", device="cuda:0")}, {"matrix": expected["matrix"]})
        assert reader.read_tensors([], to="torch", device="cuda") == {}
    with ztensor.safe_open(path, "pt", device="cuda:0") as file:
        same(dict(file.prefetch()), expected)
        same(file.get_tensors(), expected)
        same({name: file.get_tensor(name) for name in file.keys()}, expected)
        copies = driver.count("cuMemcpyHtoDAsync_v2")
        assert torch.equal(file.get_slice("matrix")[5:600, ::-3], expected["matrix"].flip(1)[5:600, ::3])
        assert torch.equal(file.get_slice("long")[7], expected["long"][7])
        assert driver.count("cuMemcpyHtoDAsync_v2") == copies + 2


@pytest.mark.parametrize("dtype", [name for name in ALL_DTYPES if name != "float4_e2m1fn"])
def test_reads_every_dtype(driver, round_trip, dtype):
    reader = round_trip(sample(dtype, (300, 7)))
    same({"t": reader.read_tensor("t", to="torch", device="cuda:0")}, {"t": reader.read_tensor("t", to="torch")})


def test_reads_pairs_of_float4(driver, round_trip):
    reader = round_trip(sample("float4_e2m1fn", (30, 8)))
    found = reader.read_tensor("t", to="torch", device="cuda:0")
    assert found.shape == (30, 4)
    same({"t": found}, {"t": reader.read_tensor("t", to="torch")})


@pytest.mark.parametrize("suffix", ["safetensors", "npz", "pt", "gguf"])
def test_reads_other_formats(driver, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    tensors = {"a": torch.randn(700, 800), "turned": torch.randn(300, 400).t(), "n": torch.arange(5)}
    if suffix == "pt":
        torch.save(tensors, path)
    else:
        ztensor.torch.save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    same(ztensor.torch.load_file(path, device="cuda:0"), tensors)


def test_tied_names_share_memory(driver, tmp_path):
    weight = torch.randn(500, 600)
    ztensor.torch.save_file({"a": weight, "b": weight, "c": torch.randn(3)}, tmp_path / "a.zt")
    found = ztensor.torch.load_file(tmp_path / "a.zt", device="cuda:0")
    assert found["a"].data_ptr() == found["b"].data_ptr()
    with ztensor.open(tmp_path / "a.zt") as reader:
        copies = reader.read_tensors(to="torch", device="cuda:0", copy=True)
    assert copies["a"].data_ptr() != copies["b"].data_ptr()
    assert torch.equal(copies["b"], weight)


def test_prefetches_slices_and_whole_tensors(driver, tmp_path):
    path = file_of(tmp_path / "a.zt", compress="float")
    plan = {
        "matrix": np.s_[100:600, 250:500],
        "long": np.s_[5:2_900_000:3],
        "small": np.s_[::-1],
        "scalar": None,
        "empty": None,
    }
    expected = ztensor.torch.load_file(path)
    with ztensor.open(path) as reader, reader.prefetch(plan, device="cuda:0", device_memory_limit=2 << 20) as found:
        assert torch.equal(found.take("matrix"), expected["matrix"][100:600, 250:500])
        rest = dict(found)
    assert torch.equal(rest["long"], expected["long"][5:2_900_000:3])
    assert torch.equal(rest["small"], expected["small"].flip(0))
    assert rest["scalar"].shape == ()
    assert rest["empty"].shape == (0, 4)


def test_a_prefetch_holds_no_more_than_asked(driver, tmp_path):
    path = tmp_path / "a.zt"
    with ztensor.Writer(path) as writer:
        for i in range(30):
            writer.add_tensor(f"t{i}", np.full(250_000, i, np.float32))
    with ztensor.open(path) as reader:
        with reader.prefetch(device="cuda:0", device_memory_limit=5_000_000) as found:
            assert sum(device_driver.HostMemory.blocks) < 5_100_000
            for name, tensor in found:
                assert torch.all(tensor == int(name[1:]))
        assert max(device_driver.HostMemory.blocks) < 5_100_000
        for device in (None, "cpu"):
            with pytest.raises(ztensor.UsageError, match="device_memory_limit"):
                reader.prefetch(device=device, device_memory_limit=5)
        with pytest.raises(ztensor.UsageError, match="device_memory_limit"):
            reader.prefetch(device="cuda:0", device_memory_limit=-1)
        with pytest.raises(TypeError, match="device_memory_limit"):
            reader.prefetch(device="cuda:0", device_memory_limit=1.5)


def test_a_wrong_digest_is_raised_where_its_tensor_is_handed_out(driver, tmp_path):
    path = file_of(tmp_path / "a.zt")
    with ztensor.open(path) as reader:
        place = reader["long"].location
    with open(path, "r+b") as file:
        file.seek(place.offset + 11_000_000)
        file.write(b"!")
    with ztensor.open(path) as reader:
        with pytest.raises(ztensor.ChecksumError, match="long"):
            reader.read_tensors(to="torch", device="cuda:0")
        reader.read_tensors(to="torch", device="cuda:0", verify=False)
        found = []
        with reader.prefetch(device="cuda:0") as prefetch:
            while len(prefetch):
                try:
                    found.append(next(prefetch)[0])
                except ztensor.ChecksumError as error:
                    assert "long" in str(error)
        assert sorted(found) == ["empty", "matrix", "scalar", "small"]


def test_an_error_of_the_driver_is_told(driver, tmp_path):
    path = file_of(tmp_path / "a.zt")
    driver.fail("cuMemcpyHtoDAsync_v2", 1)
    with pytest.raises(OSError, match="CUDA_ERROR_ILLEGAL_ADDRESS"):
        ztensor.torch.load_file(path, device="cuda:0")
    ztensor.release_buffers()  # the process would have to be started again
    driver.reset()
    same(ztensor.torch.load_file(path, device="cuda:0"), ztensor.torch.load_file(path))
    with pytest.raises(ztensor.UsageError, match="no CUDA device 7"):
        ztensor.torch.load_file(path, device="cuda:7")


def test_what_the_allocator_raises_is_raised(driver, tmp_path, monkeypatch):
    path = file_of(tmp_path / "a.zt")

    def allocate(self, size):
        raise torch.OutOfMemoryError("the device is full")

    monkeypatch.setattr(device_driver.HostMemory, "allocate", allocate)
    with pytest.raises(torch.OutOfMemoryError, match="full"):
        ztensor.torch.load_file(path, device="cuda:0")
    with ztensor.open(path) as reader, pytest.raises(torch.OutOfMemoryError, match="full"):
        reader.prefetch(device="cuda:0")


def fails(done, total):
    raise RuntimeError("mine")


def test_progress_is_told_and_stops(driver, tmp_path):
    path = file_of(tmp_path / "a.zt")
    with ztensor.open(path) as reader:
        seen = []
        reader.read_tensors(to="torch", device="cuda:0", progress=lambda done, total: seen.append((done, total)))
        size = sum(tensor.nbytes for tensor in reader.values())
        assert seen[-1] == (size, size)
        with pytest.raises(ztensor.ZTensorError, match="stopped"):
            reader.read_tensors(to="torch", device="cuda:0", progress=lambda done, total: False)
        with pytest.raises(RuntimeError, match="mine"):
            reader.read_tensors(to="torch", device="cuda:0", progress=fails)


def test_a_block_lives_as_long_as_its_last_tensor(driver, tmp_path):
    path = file_of(tmp_path / "a.zt")
    found = ztensor.torch.load_file(path, device="cuda:0")
    kept = found["small"]
    del found
    gc.collect()
    assert driver.count("memory") == 1
    assert torch.equal(kept, ztensor.torch.load_file(path)["small"])
    del kept
    gc.collect()
    assert driver.count("memory") == 0


class Recorded:
    """What torch's caching allocator is told."""

    def __init__(self, size):
        self.memory = torch.zeros(size, dtype=torch.uint8)
        self.streams = []

    def data_ptr(self):
        return self.memory.data_ptr()

    def view(self, dtype):
        return self.memory.view(dtype)

    def record_stream(self, stream):
        self.streams.append(stream.cuda_stream)


def test_torch_is_told_which_streams_use_a_block(monkeypatch):
    """The real calls of torch, replaced one by one: this torch may have no CUDA."""
    current = types.SimpleNamespace(cuda_stream=5)
    monkeypatch.setattr(torch.cuda, "device", lambda index: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda index: current)
    monkeypatch.setattr(torch, "empty", lambda size, **options: Recorded(size))
    memory = _device.Memory(3)
    block, address, stream = memory.allocate(1024)
    assert (address, stream) == (block.memory.data_ptr(), 5)
    assert memory.tensor((block, 512, 16, "float32", (2, 2))).data_ptr() == address + 512
    assert block.memory.streams == []
    current.cuda_stream = 6
    memory.tensor((block, 0, 8, "float16", (4,)))
    assert block.memory.streams == [6]


def test_several_readers_at_once(driver, tmp_path):
    path = file_of(tmp_path / "a.zt", compress="float")
    expected = ztensor.torch.load_file(path)
    failures = []

    def load(number):
        try:
            for _ in range(3):
                same(ztensor.torch.load_file(path, device=f"cuda:{number % 2}"), expected)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=load, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert driver.count("cuMemHostAlloc") <= 32


def test_a_dropped_prefetch_leaves_nothing_under_way(driver, tmp_path):
    path = file_of(tmp_path / "a.zt")
    reader = ztensor.open(path)
    for taken in range(5):
        prefetch = reader.prefetch(device="cuda:0")
        for _ in range(taken):
            next(prefetch)
        del prefetch
        gc.collect()
    reader.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_is_told(driver, tmp_path):
    path = file_of(tmp_path / "a.zt")
    ztensor.torch.load_file(path, device="cuda:0")
    child = os.fork()
    if child == 0:
        try:
            ztensor.torch.load_file(path, device="cuda:0")
        except ztensor.UnsupportedError as error:
            os._exit(0 if "spawn" in str(error) else 2)
        except BaseException:
            os._exit(3)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_torch_copies_where_there_is_no_driver(monkeypatch, tmp_path):
    """The device is the CPU, under another name."""
    monkeypatch.setattr(_device, "is_elsewhere", lambda device: True)
    path = tmp_path / "a.zt"
    weight = torch.randn(500, 600)
    sparse = torch.eye(4).to_sparse_csr()
    ztensor.torch.save_file({"a": weight, "b": weight, "c": torch.randn(3), "s": sparse}, path)
    with ztensor.open(path) as reader:
        seen = []
        found = reader.read_tensors(to="torch", device="cpu", progress=lambda done, total: seen.append((done, total)))
        assert seen[-1][0] == seen[-1][1] == weight.nbytes + 12
        assert found["a"].data_ptr() == found["b"].data_ptr()
        assert torch.equal(found["b"], weight)
        assert torch.equal(found["s"].to_dense(), torch.eye(4))
        assert list(found) == ["a", "b", "c", "s"]
        only = reader.read_tensors(["b"], to="torch", device="cpu")
        assert torch.equal(only["b"], weight)
        copies = reader.read_tensors(["a", "b"], to="torch", device="cpu", copy=True)
        assert copies["a"].data_ptr() != copies["b"].data_ptr()
        with pytest.raises(ztensor.ZTensorError, match="stopped"):
            reader.read_tensors(to="torch", device="cpu", progress=lambda done, total: False)
