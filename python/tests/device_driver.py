"""The stand-in for a CUDA driver (tests/device/stand_in.cc), and memory of it that torch sees as memory of the CPU."""

import ctypes
import os
import pathlib
import shutil
import subprocess
import weakref
from typing import ClassVar

import torch

from ztensor import _device, _ztensor

SOURCE = pathlib.Path(__file__).parents[2] / "tests/device/stand_in.cc"
LOST = 700


class Driver:
    def __init__(self, folder):
        library = folder / "libstand_in.so"
        compiler = os.environ.get("CXX", "c++").split()
        flags = ["-std=c++20", "-O1", "-shared", "-fPIC", "-pthread", "-fvisibility=hidden"]
        subprocess.run([*compiler, *flags, str(SOURCE), "-o", str(library)], check=True)
        os.environ["ZTENSOR_CUDA_DRIVER"] = str(library)
        assert _ztensor.device_trouble() == ""
        self._library = ctypes.CDLL(str(library))
        self._library.zt_stand_in_count.restype = ctypes.c_uint64
        self._library.zt_stand_in_allocate.restype = ctypes.c_uint64

    def count(self, what):
        return self._library.zt_stand_in_count(what.encode())

    def fail(self, call, after, status=LOST):
        self._library.zt_stand_in_fail(call.encode(), ctypes.c_uint64(after), status)

    def reset(self):
        self._library.zt_stand_in_reset()

    def allocate(self, device, size):
        return self._library.zt_stand_in_allocate(device, ctypes.c_size_t(size))

    def free(self, address):
        self._library.zt_stand_in_free(ctypes.c_uint64(address))


class HostMemory(_device.Memory):
    """Device memory of the stand-in, freed with the last tensor in it."""

    blocks: ClassVar[list[int]] = []

    def __init__(self, driver, index):
        super().__init__(index)
        self._driver = driver

    def allocate(self, size):
        address = self._driver.allocate(self.index, size)
        self.blocks.append(size)
        held = (ctypes.c_uint8 * size).from_address(address)
        weakref.finalize(held, self._driver.free, address)
        return _device.Block(torch.frombuffer(held, dtype=torch.uint8), 0), address, 0

    def empty(self, shape, dtype):
        return torch.empty(shape, dtype=dtype)

    def keep_for_current_stream(self, block):
        pass


def has_compiler():
    return shutil.which(os.environ.get("CXX", "c++").split()[0]) is not None
