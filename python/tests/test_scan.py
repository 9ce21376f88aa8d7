"""What `scan` finds, and that it runs nothing."""

from __future__ import annotations

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

import ztensor


class Evil:
    def __reduce__(self):
        return (os.system, ("exit 7",))


def names(report):
    return [(f"{one.module}.{one.name}", one.risk) for found in report.pickles for one in found.globals]


def scan_bytes(tmp_path, content, name="a.pkl"):
    path = tmp_path / name
    path.write_bytes(content)
    return ztensor.scan(path)


SYSTEM = f"{os.system.__module__}.system"


@pytest.mark.parametrize("protocol", range(6))
def test_finds_code(tmp_path, protocol):
    report = scan_bytes(tmp_path, pickle.dumps({"a": np.ones(2), "x": Evil()}, protocol))
    assert report.risk == "danger"
    assert (SYSTEM, "danger") in names(report)
    assert {risk for name, risk in names(report) if name != SYSTEM} == {"inert"}
    found = next(one for one in report.pickles[0].globals if one.name == "system")
    assert found.called
    assert found.offset > 0


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_are_inert(tmp_path, protocol):
    report = scan_bytes(tmp_path, pickle.dumps({"a": np.ones(2), "n": [1, "x", None]}, protocol))
    assert report.risk == "inert"
    assert report.pickles[0].fault is None


def test_unknown_classes_are_unknown(tmp_path):
    report = scan_bytes(tmp_path, b"\x80\x02cmymodule\nMyClass\n)\x81}b.")
    assert names(report) == [("mymodule.MyClass", "unknown")]
    assert report.risk == "unknown"


def test_finds_what_runs_before_the_stream_breaks(tmp_path):
    report = scan_bytes(tmp_path, b"cos\nsystem\n(S'id'\ntR\xff")
    assert report.risk == "danger"
    assert report.pickles[0].fault is not None


def test_finds_the_second_pickle(tmp_path):
    content = pickle.dumps(1) + pickle.dumps(Evil())
    report = scan_bytes(tmp_path, content)
    assert report.risk == "danger"
    assert [one.offset for one in report.pickles] == [0, len(pickle.dumps(1))]


def test_follows_the_memo(tmp_path):
    stream = b"\x80\x04\x8c\x06system\x94\x8c\x02os\x94\x8c\x0bcollections\x94h\x01h\x00\x93."
    assert names(scan_bytes(tmp_path, stream)) == [("os.system", "danger")]


def test_says_that_a_name_is_computed(tmp_path):
    stream = b"\x80\x04cmymodule\nname\n)R\x8c\x06system\x93."
    assert ("?.system", "danger") in names(scan_bytes(tmp_path, stream))


@pytest.mark.parametrize(
    "stream",
    [
        b"(S'id'\nios\nsystem\n.",  # INST
        b"(cos\nsystem\nS'id'\no.",  # OBJ
        b"\x80\x02N\x80\x02cos\nsystem\n.",  # a second PROTO
        b"N(cos\nsystem\n.",  # values left on the stack
        b"\x80\x01cos\nsystem\n.",
        b"P0\ncos\nsystem\n.",
        b"\x80\x02\x82\x01cos\nsystem\n.",  # EXT1
        b"\x80\x05\x97cos\nsystem\n.",  # NEXT_BUFFER
        b"\x80\x04\x95\x03\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n.",  # an item runs past its frame
        b"Nr\xff\xff\xff\x7fcos\nsystem\n.",  # a large index of the memo
        b"I0x10\ncos\nsystem\n.",
    ],
)
def test_goes_on_where_python_goes_on(tmp_path, stream):
    report = scan_bytes(tmp_path, stream)
    assert ("os.system", "danger") in names(report)


def test_looks_into_archives(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(Evil()))
        archive.writestr("model/data/0", bytes(16))
    report = scan_bytes(tmp_path, file.getvalue(), "a.pt")
    assert report.risk == "danger"
    assert report.pickles[0].member == "model/data.pkl"


def test_looks_into_deflated_members(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data.pkl", pickle.dumps([Evil()] * 100))
    assert scan_bytes(tmp_path, file.getvalue(), "a.pt").risk == "danger"


def test_looks_into_arrays_of_objects(tmp_path):
    np.save(tmp_path / "a.npy", np.array([Evil()], object))
    assert ztensor.scan(tmp_path / "a.npy").risk == "danger"
    np.savez(tmp_path / "a.npz", a=np.ones(2), b=np.array([Evil()], object))
    report = ztensor.scan(tmp_path / "a.npz")
    assert report.risk == "danger"
    assert report.pickles[0].member == "b.npy"


def test_a_broken_archive_is_a_danger(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(1))
    report = scan_bytes(tmp_path, file.getvalue()[:-5], "a.pt")
    assert report.risk == "danger"
    assert report.faults


def test_other_files_have_no_pickle(tmp_path):
    for name, content in (("a.txt", b"import os\nprint(1)\n"), ("empty", b""), ("a.bin", bytes(100))):
        report = scan_bytes(tmp_path, content, name)
        assert report == ztensor.ScanReport("inert", [], [])
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        writer.add_tensor("a", np.ones(3))
    assert ztensor.scan(tmp_path / "a.zt").pickles == []


def test_torch_files(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    for legacy in (False, True):
        path = tmp_path / f"{legacy}.pt"
        torch.save({"w": torch.ones(3), "n": 1}, path, _use_new_zipfile_serialization=not legacy)
        report = ztensor.scan(path)
        assert report.risk == "inert", report
        assert ("torch._utils._rebuild_tensor_v2", "inert") in names(report)
        torch.save({"w": torch.ones(3), "x": Evil()}, path, _use_new_zipfile_serialization=not legacy)
        assert ztensor.scan(path).risk == "danger"


def test_a_tensor_that_is_pickled_has_a_pickle_inside(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    report = scan_bytes(tmp_path, pickle.dumps({"w": torch.ones(3)}))
    assert report.risk == "inert"
    assert any(one.nested for one in report.pickles)


def test_joblib_files(tmp_path):
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    path = tmp_path / "a.joblib"
    joblib.dump({"a": np.ones(3)}, path)
    assert ztensor.scan(path).risk == "inert"
    joblib.dump({"a": np.ones(3), "o": np.array([Evil()], object)}, path)
    assert ztensor.scan(path).risk == "danger"


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        ztensor.scan(tmp_path / "none.pkl")
