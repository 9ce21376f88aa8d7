"""Helpers that the tests share."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import ztensor

NATIVE = ("float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool complex64 complex128").split()
EXTENDED = ("bfloat16 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn").split()
ALL_DTYPES = NATIVE + EXTENDED


def numpy_dtype(name):
    return np.dtype(name) if name in NATIVE else np.dtype(getattr(ml_dtypes, name))


def sample(name, shape, seed=0):
    """Elements of any bits that the dtype allows. Compare them with same_bits(), because there are NaNs."""
    dtype = numpy_dtype(name)
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape, dtype=np.int64))
    if name == "bool":
        return rng.integers(0, 2, count).astype(bool).reshape(shape)
    high = 16 if name == "float4_e2m1fn" else 256
    raw = rng.integers(0, high, count * dtype.itemsize, dtype=np.uint8)
    return raw.view(dtype).reshape(shape)


def same_bits(a, b):
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    assert np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


@pytest.fixture
def round_trip(tmp_path):
    """Writes one tensor, and returns an open reader."""
    readers = []

    def run(tensor, *, open_options=None, **options):
        path = tmp_path / f"{len(readers)}.zt"
        with ztensor.Writer(path) as writer:
            writer.add_tensor("t", tensor, **options)
        readers.append(ztensor.Reader(path, **(open_options or {})))
        return readers[-1]

    yield run
    for reader in readers:
        reader.close()


def pytest_terminal_summary(terminalreporter, config):
    page = config.stash.get("compatibility", None)
    if page is not None:
        terminalreporter.write_line(page)
