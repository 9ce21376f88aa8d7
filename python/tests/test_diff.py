"""`diff` and `content_id`."""

from __future__ import annotations

import io

import numpy as np
import pytest

import ztensor


def write(path, tensors, *, attributes=None, tensor_attributes=None, **options):
    with ztensor.Writer(path, attributes=attributes, **options) as w:
        for name, tensor in tensors.items():
            w.add_tensor(name, tensor, attributes=tensor_attributes)
    return path


@pytest.fixture
def arrays():
    return {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.arange(4), "c": np.zeros((0, 2), np.int8)}


def test_the_same_tensors_are_the_same_however_stored(tmp_path, arrays):
    plain = write(tmp_path / "plain.zt", arrays)
    small = write(tmp_path / "small.zt", dict(reversed(arrays.items())), compress=True, checksum="sha256")
    assert ztensor.diff(plain, small) == ztensor.DiffReport(True, 3, [], [])
    assert ztensor.content_id(plain) == ztensor.content_id(small.read_bytes(), threads=2)
    assert ztensor.diff(plain.read_bytes(), io.BytesIO(small.read_bytes())).same


def test_differences_say_what_each_has(tmp_path, arrays):
    first = write(tmp_path / "first.zt", arrays, attributes={"k": 1})
    changed = {"a": arrays["a"].copy(), "b": arrays["b"].reshape(2, 2), "d": arrays["c"]}
    changed["a"][1, 0] = 7
    second = write(tmp_path / "second.zt", changed, tensor_attributes={"n": [1]})
    report = ztensor.diff(first, second)
    assert (report.same, report.compared, report.findings) == (False, 2, [])
    assert report.differences == [
        ztensor.Difference("attribute", None, None, "k", 1, None),
        ztensor.Difference("attribute", "a", None, "n", None, [1]),
        ztensor.Difference("contents", "a", "data", None, 3.0, 7.0, 6, 1, 3, (1, 0), 4.0),
        ztensor.Difference("shape", "b", None, None, [4], [2, 2]),
        ztensor.Difference("attribute", "b", None, "n", None, [1]),
        ztensor.Difference("only_in_a", "c", None, None, None, None),
        ztensor.Difference("only_in_b", "d", None, None, None, None),
    ]
    assert ztensor.content_id(first) != ztensor.content_id(second)


def test_nan_is_compared_bit_for_bit(tmp_path):
    bits = [np.array([n], np.uint32).view(np.float32) for n in (0x7FC00000, 0x7FC00001)]
    one, other = (write(tmp_path / f"{i}.zt", {"x": x}) for i, x in enumerate(bits))
    assert ztensor.diff(one, one).same
    (difference,) = ztensor.diff(one, other).differences
    assert (difference.a, difference.b, difference.largest) == ("nan 0x7fc00000", "nan 0x7fc00001", None)


def test_a_damaged_tensor_is_a_trouble_and_has_no_id(tmp_path, arrays):
    good = write(tmp_path / "good.zt", arrays)
    data = bytearray(good.read_bytes())
    data[ztensor.open(good)["a"].location.offset] ^= 1
    report = ztensor.diff(good, bytes(data))
    assert (report.same, report.compared, report.differences) == (False, 2, [])
    ((name, error),) = report.findings
    assert name == "a" and isinstance(error, ztensor.ChecksumError)
    with pytest.raises(ztensor.ChecksumError):
        ztensor.content_id(bytes(data))


def test_progress_may_stop_both(tmp_path, arrays):
    path = write(tmp_path / "x.zt", arrays)
    seen = []
    ztensor.diff(path, path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (56, 56)
    for call in (lambda f: ztensor.diff(path, path, progress=f), lambda f: ztensor.content_id(path, progress=f)):
        with pytest.raises(ztensor.ZTensorError) as stopped:
            call(lambda done, total: False)
        assert stopped.value.code == "cancelled"


def test_missing_files_are_os_errors(tmp_path, arrays):
    path = write(tmp_path / "x.zt", arrays)
    with pytest.raises(FileNotFoundError):
        ztensor.diff(path, tmp_path / "missing.zt")
    with pytest.raises(FileNotFoundError):
        ztensor.content_id(tmp_path / "missing.zt")
