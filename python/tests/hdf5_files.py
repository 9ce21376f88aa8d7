"""Makes HDF5 files for the tests, which are skipped without h5py."""

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="h5py is not installed: nothing can make or read HDF5 files")
from h5py import h5d, h5s, h5t  # noqa: E402


def signature_only(path):
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    return path


def one_dataset(path, **options):
    with h5py.File(path, "w", **options) as file:
        file["a"] = np.arange(16, dtype="f4")
    return path


def patched(path, *changes):
    """Changes bytes of a file: each change is (old, new), and `old` must be there once."""
    content = path.read_bytes()
    for old, new in changes:
        assert content.count(old) == 1, (old, content.count(old))
        assert len(old) == len(new)
        content = content.replace(old, new)
    path.write_bytes(content)
    return path


def add_typed(file, name, kind, data, shape):
    dataset = h5d.create(file.id, name.encode(), kind, h5s.create_simple(shape))
    dataset.write(h5s.ALL, h5s.ALL, data, mtype=kind)


def bfloat16_type(order=h5t.ORDER_LE):
    kind = h5t.IEEE_F32LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_precision(16)
    kind.set_size(2)
    kind.set_ebias(127)
    kind.set_order(order)
    return kind
