"""A file of many tensors, for the tests of prefetching."""

import numpy as np

import ztensor

COUNT = 20


def values(i):
    return np.arange(60_000, dtype=np.int32).reshape(300, 200) + i


def write_file(folder):
    path = folder / "a.zt"
    with ztensor.Writer(path) as writer:
        for i in range(COUNT):
            writer.add_tensor(f"t{i}", values(i), compress=i % 2 == 1)
    return path
