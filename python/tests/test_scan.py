"""What `scan` finds, and that it runs nothing."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
import zlib

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
        b"Nr\xff\xff\xff\x7fcos\nsystem\n.",  # a large index of the memo
        b"I0x10\ncos\nsystem\n.",
    ],
)
def test_goes_on_where_python_goes_on(tmp_path, stream):
    report = scan_bytes(tmp_path, stream)
    assert ("os.system", "danger") in names(report)


def frame(content, length=None):
    return b"\x95" + struct.pack("<Q", len(content) if length is None else length) + content


HIDDEN = b"cposix\nsystem\nX\x02\x00\x00\x00id\x85R."


@pytest.mark.parametrize(
    "stream",
    [
        # Python's reader in C drops the rest of a frame behind which an item ends.
        b"\x80\x04" + frame(b"G" + bytes(7)) + b"\0B" + struct.pack("<I", 2 + len(HIDDEN)) + b"xx" + HIDDEN + b"0}.",
        b"\x80\x04" + frame(frame(b"B" + struct.pack("<I", len(HIDDEN)), len(HIDDEN))) + HIDDEN + b".",
        b"\x80\x04" + frame(b"N.", 5) + b"N.." + HIDDEN,
        b"\x80\x04" + frame(b"N.", 5),
    ],
)
def test_frames_that_readers_take_in_two_ways_are_danger(tmp_path, stream):
    assert scan_bytes(tmp_path, stream).risk == "danger"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/data.pkl", stream)
    assert scan_bytes(tmp_path, file.getvalue(), "a.pt").risk == "danger"


@pytest.mark.parametrize("descr", ["'T'", "'|T'", "('T',())", "[('a','T')]"])
def test_strings_of_any_length_are_pickled_in_npy_files(tmp_path, descr):
    header = f"{{'descr': {descr}, 'fortran_order': True, 'shape': ()}}\n".encode()
    npy = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\x80\x02" + HIDDEN
    assert scan_bytes(tmp_path, npy, "a.npy").risk == "danger"
    np.save(tmp_path / "plain.npy", np.asfortranarray(np.ones((2, 3))))
    assert not ztensor.scan(tmp_path / "plain.npy").pickles


@pytest.mark.parametrize(
    "call", [b"ctorch.jit._pickle\nrestore_type_tag\n(ccollections\nCounter\nS'x'\ntR",
             b"ctorch.jit._pickle\nbuild_intlist\n(ccollections\nCounter\ntR"]
)  # fmt: skip
def test_a_state_for_a_class_that_a_function_gives_back_is_danger(tmp_path, call):
    assert scan_bytes(tmp_path, b"\x80\x02" + call + b"N}S'most_common'\nctorch\nSize\ns\x86b.").risk == "danger"


def test_archives_whose_members_inflate_to_much_are_danger(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3):
            archive.writestr(f"a{i}.pkl", b"\x80\x02" + b"N0" * (50 << 20) + b"N.")
    report = scan_bytes(tmp_path, file.getvalue(), "a.zip")
    assert report.risk == "danger" and report.faults


@pytest.mark.parametrize(("members", "risk"), [(10, "inert"), (150, "danger")])
def test_headers_of_arrays_count_as_what_inflates(tmp_path, members, risk):
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': ()}".ljust((1 << 20) - 100) + b"\n"
    npy = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(header)) + header + b"\x80\x02N."
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(members):
            archive.writestr(f"a{i}.npy", npy)
    assert scan_bytes(tmp_path, file.getvalue(), "a.npz").risk == risk


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


def npy(descr, content, pad=0, version=2):
    header = (" " * pad + f"{{'descr': {descr}, 'fortran_order': False, 'shape': ()}}\n").encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes((version, 0)) + length + header + content


@pytest.mark.parametrize("descr", ["'|O'", "'object'", r"'\x4f'", "'obj' 'ect'", "[('a', '<f4'), ('b', '|O')]"])
def test_finds_objects_however_a_header_names_them(tmp_path, descr):
    for pad, version in ((0, 1), (0, 2), (70000, 2), (2000000, 3)):
        content = npy(descr, pickle.dumps(Evil()), pad, version)
        assert scan_bytes(tmp_path, content, "a.npy").risk == "danger"


def test_arrays_without_objects_are_not_pickles(tmp_path):
    stream = np.frombuffer(pickle.dumps(Evil()), np.uint8)
    np.save(tmp_path / "a.npy", stream)
    np.savez_compressed(tmp_path / "a.npz", a=stream, b=np.zeros(3, [("color", "f4"), ("o", "u1")]))
    for name in ("a.npy", "a.npz"):
        assert ztensor.scan(tmp_path / name) == ztensor.ScanReport("inert", [], [])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_looks_at_the_content_of_members_and_not_at_their_names(tmp_path, method):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a", npy("'|O'", pickle.dumps(Evil())))
        archive.writestr("b.npy", npy("'<f4'", bytes(4)))
    report = scan_bytes(tmp_path, file.getvalue(), "a.npz")
    assert report.risk == "danger"
    assert report.pickles[0].member == "a"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_only_member_of_an_archive_may_be_a_pickle(tmp_path, method):  # pandas.read_pickle() loads it
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a", b"cos\nsystem\n(S'exit 7'\ntR.")
    assert scan_bytes(tmp_path, file.getvalue(), "a.zip").risk == "danger"


def test_a_member_that_cannot_be_read_is_a_danger(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", npy("'|O'", pickle.dumps(Evil())))
        archive.writestr("b.npy", npy("'<f4'", bytes(4)))
    report = scan_bytes(tmp_path, file.getvalue(), "a.npz")
    assert report.risk == "danger"
    assert "method" in report.faults[0]


@pytest.mark.parametrize(
    ("packed", "word"),
    [
        (gzip.compress(pickle.dumps(1)), "gzip"),
        (zlib.compress(pickle.dumps(1)), "zlib"),
        (zlib.compress(pickle.dumps(1), 9), "zlib"),
        (bz2.compress(pickle.dumps(1)), "bzip2"),
        (lzma.compress(pickle.dumps(1)), "xz"),
        (lzma.compress(pickle.dumps(1), lzma.FORMAT_ALONE), "LZMA"),
        (b"\x04\x22\x4d\x18", "LZ4"),
        (b"\x28\xb5\x2f\xfd", "Zstandard"),
        (b"ZF0x10", "joblib"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("name", ["a.bin", "a.pkl"])
def test_compressed_files_are_a_danger(tmp_path, packed, word, name):
    report = scan_bytes(tmp_path, packed, name)
    assert report.risk == "danger"
    assert word in report.faults[0]


def test_files_that_begin_like_compressed_ones_are_not_taken_for_them(tmp_path):
    safetensors = b"{" + b" " * 0x9C76 + b"}"
    for content in (
        struct.pack("<Q", len(safetensors)) + safetensors,
        struct.pack("<Q", 0x5D) + b'{"a": 1}' + b" " * (0x5D - 8),
        b"x^2 + y^2 = z^2",
        b"]\x00",
    ):
        assert scan_bytes(tmp_path, content, "a.bin") == ztensor.ScanReport("inert", [], [])


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_tar_archives_are_a_danger(tmp_path, form):  # torch.load() reads pickles in them
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        archive.addfile(tarfile.TarInfo("pickle"), io.BytesIO())
    report = scan_bytes(tmp_path, file.getvalue(), "a.pt")
    assert report.risk == "danger"
    assert "tar" in report.faults[0]


class Loaded:
    """What torch loads from bytes of a pickle."""

    def __init__(self, content):
        self.content = content

    def __reduce__(self):
        torch = pytest.importorskip("torch", reason="torch is not installed")
        return torch.storage._load_from_bytes, (self.content,)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("protocol", range(6))
def test_finds_code_in_bytes_that_torch_loads(tmp_path, protocol, legacy):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    file = io.BytesIO()
    torch.save(Evil(), file, _use_new_zipfile_serialization=not legacy)
    for content in (file.getvalue(), bytearray(file.getvalue())):
        report = scan_bytes(tmp_path, pickle.dumps(Loaded(content), protocol))
        assert report.risk == "danger"


@pytest.mark.parametrize("protocol", range(6))
def test_tensors_are_inert_in_each_protocol(tmp_path, protocol):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tensors = {
        "w": torch.randn(30, 3),
        "p": torch.nn.Parameter(torch.ones(2)),
        "b": torch.ones(3, dtype=torch.bfloat16),
    }
    report = scan_bytes(tmp_path, pickle.dumps(tensors, protocol))
    assert report.risk == "inert"
    assert sum(one.nested for one in report.pickles) == 3
    for legacy in (False, True):
        if protocol < 2:
            continue
        path = tmp_path / "a.pt"
        torch.save(tensors, path, pickle_protocol=protocol, _use_new_zipfile_serialization=not legacy)
        assert ztensor.scan(path).risk == "inert"


def test_a_model_and_its_optimizer_are_inert(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    for legacy in (False, True):
        path = tmp_path / "a.pt"
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(state, path, _use_new_zipfile_serialization=not legacy)
        assert ztensor.scan(path).risk == "inert"


@pytest.mark.parametrize("protocol", range(2, 6))
def test_numeric_arrays_of_joblib_are_inert(tmp_path, protocol):
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    arrays = {
        "f8": np.arange(300.0),
        "u1": np.arange(256, dtype="u1"),
        "fortran": np.asfortranarray(np.ones((3, 4), "i2")),
        "U": np.array(["a", "bc"]),
        "S": np.array([b"a"]),
        "dates": np.array(["2020-01-01"], "M8[D]"),
        "records": np.zeros(3, [("x", "f4"), ("y", "i8")]),
        "long": np.ones(2, np.longdouble),
        "empty": np.zeros((0, 3)),
        "scalar": np.float64(3),
    }
    joblib.dump(arrays, tmp_path / "a.joblib", protocol=protocol)
    report = ztensor.scan(tmp_path / "a.joblib")
    assert report.risk == "inert", report


def test_finds_code_in_bytes_that_objects_of_joblib_load(tmp_path):
    pytest.importorskip("torch", reason="torch is not installed")
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    array = np.empty(1, object)
    array[0] = Loaded(pickle.dumps(Evil()))
    joblib.dump({"a": array}, tmp_path / "a.joblib")
    report = ztensor.scan(tmp_path / "a.joblib")
    assert (SYSTEM, "danger") in names(report)


def test_a_broken_pickle_is_a_danger(tmp_path):
    assert scan_bytes(tmp_path, pickle.dumps([1, 2])[:-1]).risk == "danger"


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        ztensor.scan(tmp_path / "none.pkl")
