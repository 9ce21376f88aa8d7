"""HDF5 files: equal to what h5py reads, and hostile files. The ids H5-nn name the kinds of hostile files."""

import os
import pickle
import shutil
import struct
import subprocess
import sys
import types
import zlib

import ml_dtypes
import numpy as np
import pytest
from conftest import same_bits

import ztensor
from ztensor import _hdf5

h5py = pytest.importorskip("h5py", reason="h5py is not installed: nothing can make or read HDF5 files")
from h5py import h5d, h5p, h5s, h5t  # noqa: E402

from ztensor import _hdf5_chunks, _hdf5_types, _hdf5_walk  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::h5py.h5py_warnings.H5pyDeprecationWarning")


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


# --- controls ---------------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(3)
PLAIN = {
    f"{order}{kind}{size}": RNG.integers(0, 2, 12).astype(f"{order}{kind}{size}").reshape(3, 4)
    for order in "<>"
    for kind, sizes in (("i", (1, 2, 4, 8)), ("u", (1, 2, 4, 8)), ("f", (2, 4, 8)), ("c", (8, 16)))
    for size in sizes
}


def bfloat16_type(order=h5t.ORDER_LE):
    kind = h5t.IEEE_F32LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_precision(16)
    kind.set_size(2)
    kind.set_ebias(127)
    kind.set_order(order)
    return kind


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("userblock", [0, 512, 2048])
def test_every_kind_of_dataset_equals_what_h5py_reads(tmp_path, libver, userblock):  # H5-18, H5-23, H5-25
    path = tmp_path / "m.h5"
    with h5py.File(path, "w", libver=libver, userblock_size=userblock) as file:
        for name, array in PLAIN.items():
            file[f"plain/{name}"] = array
        file["bool"] = np.array([[True], [False]])
        file["scalar"] = np.float64(2.5)
        file["empty"] = np.zeros((0, 3), "i2")
        file.create_dataset("never", (3, 2), ">i4", fillvalue=-9)
        file.create_dataset("never2", (3, 2), "f4", chunks=(1, 2))
        file.create_dataset("neverbool", (3,), "?", fillvalue=True)
        data = RNG.standard_normal((37, 11))
        for i, options in enumerate(
            (
                {},
                {"compression": "gzip"},
                {"shuffle": True, "compression": "gzip", "fletcher32": True},
                {"fletcher32": True},
                {"shuffle": True},
            )
        ):
            file.create_dataset(f"chunks{i}", data=data, chunks=(5, 4), **options)
        file.create_dataset("one", data=data, chunks=data.shape)
        file.create_dataset("odd", data=np.arange(7, dtype="u1"), chunks=(3,), fletcher32=True)
        properties = h5p.create(h5p.DATASET_CREATE)
        properties.set_layout(h5d.COMPACT)
        compact = h5d.create(file.id, b"compact", h5t.IEEE_F32BE, h5s.create_simple((5,)), properties)
        compact.write(h5s.ALL, h5s.ALL, np.arange(5, dtype="f4"))
        if userblock == 0:
            file["alias"] = file["one"]
    if userblock:
        with open(path, "r+b") as file:
            file.write(b"\x01 a block of the user")
    reader = ztensor.open(path)
    with h5py.File(path) as file:
        names = []
        file.visititems(lambda name, node: names.append(name) if isinstance(node, h5py.Dataset) else None)
        assert set(names) <= set(reader)
        for name in reader:
            wanted = np.asarray(file[name][()])
            same_bits(reader[name].numpy(), wanted.astype(wanted.dtype.newbyteorder("<")))
    assert reader.unreadable == {}
    assert reader.notes == []
    assert reader.format == "hdf5"
    assert reader.paths == [str(path)]


@pytest.mark.parametrize("order", [h5t.ORDER_LE, h5t.ORDER_BE])
def test_bfloat16_is_known_by_its_fields(tmp_path, order):
    values = np.arange(6, dtype="f4").astype(ml_dtypes.bfloat16)
    raw = values.view("<u2").astype("<u2" if order == h5t.ORDER_LE else ">u2")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        dataset = h5d.create(file.id, b"b", bfloat16_type(order), h5s.create_simple((6,)))
        dataset.write(h5s.ALL, h5s.ALL, raw.view("V2"), mtype=bfloat16_type(order))
    same_bits(ztensor.open(tmp_path / "b.h5").read_tensor("b"), values)


def test_names_attributes_and_order_are_those_of_the_file(tmp_path):
    with h5py.File(tmp_path / "k.h5", "w", track_order=True) as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["layer_names"] = [b"dense_1", b"dense"]
        file.attrs["epochs"] = 3
        file.attrs["rate"] = np.float32(0.5)
        file.attrs["trained"] = True
        file.attrs["grid"] = np.arange(4, dtype="u8").reshape(2, 2)
        file.attrs["none"] = h5py.Empty("f4")
        file.attrs["raw"] = np.bytes_(b"\xff\xfe")
        for name in ("dense_1", "dense"):
            group = file.create_group(name, track_order=True)
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode()]
            group["kernel:0"] = np.ones((2, 2), "f4")
            group["kernel:0"].attrs["regularized"] = np.False_
    reader = ztensor.open(tmp_path / "k.h5")
    assert list(reader) == ["dense_1/kernel:0", "dense/kernel:0"]
    assert reader.attributes == {
        "keras_version": "2.15.0",
        "layer_names": ["dense_1", "dense"],
        "epochs": 3,
        "rate": 0.5,
        "trained": True,
        "grid": [[0, 1], [2, 3]],
        "none": None,
        "raw": b"\xff\xfe",
        "dense_1.weight_names": ["dense_1/kernel:0"],
        "dense.weight_names": ["dense/kernel:0"],
    }
    assert reader["dense/kernel:0"].attributes == {"regularized": False}


def test_hard_links_are_names_of_one_tensor(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["a/w"] = np.arange(3)
        file["b"] = file["a/w"]
    reader = ztensor.open(tmp_path / "t.h5")
    assert reader["a/w"].location == reader["b"].location


def test_all_functions_that_take_a_path_take_an_hdf5_file(tmp_path):
    source = one_dataset(tmp_path / "m.h5")
    with h5py.File(source, "a") as file:
        file.attrs["key"] = "value"
    with ztensor.Writer(tmp_path / "other.zt") as writer:
        writer.add_tensor("b", np.zeros(2))
    done = ztensor.convert(source, tmp_path / "m.zt", from_="hdf5")
    assert (done.tensors, done.bytes_in) == (1, source.stat().st_size)
    converted = ztensor.open(tmp_path / "m.zt")
    assert converted.attributes == {"key": "value", "ztensor.source.format": "hdf5"}
    assert ztensor.diff(source, tmp_path / "m.zt").same
    assert ztensor.content_id(source) == ztensor.content_id(tmp_path / "m.zt")
    assert ztensor.merge([tmp_path / "other.zt", source], tmp_path / "both.zt").tensors == 2
    assert list(ztensor.open(tmp_path / "both.zt")) == ["b", "a"]
    assert ztensor.verify(source) == ([], ["a"], [])
    shown = ztensor.info(source)
    assert (shown["file"], shown["format"], shown["tensors"][0]["name"]) == (str(source), "hdf5", "a")
    again = pickle.loads(pickle.dumps(ztensor.open(source)))
    assert list(again) == ["a"]
    with open(source, "rb") as file:
        same_bits(ztensor.open(file).read_tensor("a"), np.arange(16, dtype="f4"))
    same_bits(ztensor.open(source.read_bytes()).read_tensor("a"), np.arange(16, dtype="f4"))


def test_convert_refuses_what_it_cannot_keep(tmp_path):
    source = one_dataset(tmp_path / "m.h5")
    with h5py.File(source, "a") as file:
        file["text"] = "a text"
    with pytest.raises(ztensor.UnsupportedError, match=r"m\.h5: tensor 'text'"):
        ztensor.convert(source, tmp_path / "m.zt")
    done = ztensor.convert(source, tmp_path / "m.zt", skip_unreadable=True)
    assert done.tensors == 1
    assert [line.split(":")[0] for line in done.skipped] == ["text"]
    assert ztensor.convert(source, tmp_path / "m2.zt", exclude="te*").skipped == []
    with pytest.raises(ztensor.UsageError, match="keep the original"):
        ztensor.convert(source, tmp_path / "n.zt", skip_unreadable=True, delete_original=True)
    with pytest.raises(ztensor.UsageError, match="is hdf5, not safetensors"):
        ztensor.convert(source, tmp_path / "n.zt", from_="safetensors")
    with pytest.raises(ztensor.UsageError, match="is not hdf5"):
        ztensor.convert(tmp_path / "m.zt", tmp_path / "n.zt", from_="hdf5")


def test_convert_takes_names_and_the_configuration_beside_an_hdf5_file(tmp_path):
    source = one_dataset(tmp_path / "m.h5")
    with h5py.File(source, "a") as file:
        file["b"] = np.arange(3)
        file["text"] = "a text"
    (tmp_path / "config.json").write_text('{"layers": 2}')
    done = ztensor.convert(source, tmp_path / "m.zt", names=["b"], with_config=True)
    assert (done.tensors, done.skipped) == (1, [])
    assert ztensor.open(tmp_path / "m.zt").attributes["config.json"] == {"layers": 2}


def test_an_output_that_is_also_the_input_is_refused(tmp_path):
    source = one_dataset(tmp_path / "m.h5")
    (tmp_path / "link.zt").symlink_to(source)
    before = source.read_bytes()
    with pytest.raises(ztensor.UsageError, match="the output is also the input"):
        ztensor.convert(source, tmp_path / "link.zt", force=True)
    assert source.read_bytes() == before


def test_temporary_files_are_gone_when_the_file_is_open(tmp_path, monkeypatch):
    source = one_dataset(tmp_path / "m.h5")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    reader = ztensor.open(source)
    assert list(folder.iterdir()) == []
    same_bits(reader.read_tensor("a"), np.arange(16, dtype="f4"))
    with pytest.raises(ztensor.FormatError):
        ztensor.open(signature_only(tmp_path / "s.h5"))
    assert list(folder.iterdir()) == []


def test_large_chunked_datasets_are_put_together_outside_of_memory(tmp_path):
    data = np.zeros((9 << 20,), "f8")
    data[5::1000] = 1
    with h5py.File(tmp_path / "l.h5", "w") as file:
        file.create_dataset("l", data=data, chunks=(1 << 20,), compression="gzip", compression_opts=1)
    same_bits(ztensor.open(tmp_path / "l.h5").read_tensor("l"), data)


# --- the child process ------------------------------------------------------------------------------------------------


def test_without_h5py_the_error_says_what_to_install(tmp_path, monkeypatch):
    source = one_dataset(tmp_path / "m.h5")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ztensor.UnsupportedError, match=r"pip install 'ztensor\[hdf5\]'") as caught:
        ztensor.open(source)
    assert caught.value.rule == "hdf5.h5py.missing"


def test_if_h5py_cannot_be_imported_the_error_says_so(tmp_path, monkeypatch):
    source = one_dataset(tmp_path / "m.h5")
    code = _hdf5._START + "sys.modules['h5py'] = None; child.main(sys.argv[1:])"
    monkeypatch.setattr(_hdf5, "_MAIN", code)
    with pytest.raises(ztensor.UnsupportedError, match=r"pip install 'ztensor\[hdf5\]'"):
        ztensor.open(source)


def test_this_process_never_loads_libhdf5(tmp_path):
    source = one_dataset(tmp_path / "m.h5")
    code = "import sys, ztensor; print(list(ztensor.open(sys.argv[1])), 'h5py' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, source], capture_output=True, text=True, check=True)
    assert done.stdout == "['a'] False\n"


def test_without_an_interpreter_the_error_says_so(tmp_path, monkeypatch):
    source = one_dataset(tmp_path / "m.h5")
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(ztensor.UnsupportedError) as caught:
        ztensor.open(source)
    assert caught.value.rule == "hdf5.child.start"


SAY = "import json, os, sys; say = lambda text: os.write(int(sys.argv[4]), text.encode()); "
EMPTY = 'say(\'{"notes": [], "unreadable": []}\')'


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("import os; os.abort()", "hdf5.child.died"),
        ("raise SystemExit(3)", "hdf5.child.died"),
        ("import os; os.kill(os.getpid(), 24)", "hdf5.child.limit"),
        ("pass", "hdf5.report.form"),
        (SAY + "say('[]')", "hdf5.report.form"),
        (SAY + "say('[' * 100000)", "hdf5.report.form"),
        (SAY + 'say(\'{"notes": [3], "unreadable": []}\')', "hdf5.report.form"),
        (SAY + 'say(\'{"notes": [], "unreadable": [["a", {"code": 1}]]}\')', "hdf5.report.form"),
        (SAY + EMPTY, "hdf5.child.output"),
        (SAY + EMPTY + "; os.write(int(sys.argv[3]), b'ZTEN1000' + bytes(100))", "hdf5.child.output"),
    ],
)
def test_nothing_that_the_child_says_is_believed(tmp_path, monkeypatch, code, rule):
    source = one_dataset(tmp_path / "m.h5")
    monkeypatch.setattr(_hdf5, "_MAIN", code)
    with pytest.raises((ztensor.FormatError, ztensor.LimitError)) as caught:
        ztensor.open(source)
    assert caught.value.rule == rule
    assert str(caught.value).startswith(str(source))


def test_a_report_without_an_end_is_cut_short(tmp_path, monkeypatch):
    source = one_dataset(tmp_path / "m.h5")
    monkeypatch.setattr(_hdf5, "_MOST_REPORT", 1 << 20)
    monkeypatch.setattr(_hdf5, "_MAIN", SAY + "\nwhile True: say('x' * 65536)")
    with pytest.raises(ztensor.LimitError) as caught:
        ztensor.open(source)
    assert caught.value.rule == "hdf5.report.size"


def test_a_child_that_loops_is_stopped(tmp_path, monkeypatch):  # H5-22
    source = one_dataset(tmp_path / "m.h5")
    loop = _hdf5._START + "child._SECONDS = 1\nfrom ztensor import _hdf5_walk\n"
    loop += "def run(*_):\n  while True: pass\n_hdf5_walk.Walk.run = run\nchild.main(sys.argv[1:])"
    monkeypatch.setattr(_hdf5, "_MAIN", loop)
    with pytest.raises(ztensor.LimitError) as caught:
        ztensor.open(source)
    assert caught.value.rule == "hdf5.child.limit"


def test_a_child_that_takes_memory_is_stopped(tmp_path, monkeypatch):
    source = one_dataset(tmp_path / "m.h5")
    greedy = _hdf5._START + "from ztensor import _hdf5_walk\n"
    greedy += "_hdf5_walk.Walk.run = lambda *_: bytes(2 << 30)\nchild.main(sys.argv[1:])"
    monkeypatch.setattr(_hdf5, "_MAIN", greedy)
    with pytest.raises(ztensor.LimitError) as caught:
        ztensor.open(source)
    assert caught.value.rule == "hdf5.child.limit"


def test_neither_the_folder_nor_the_environment_says_what_the_child_imports(tmp_path, monkeypatch):
    source = one_dataset(tmp_path / "m.h5")
    (tmp_path / "h5py.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert list(ztensor.open(source)) == ["a"]


def test_tensors_that_do_not_fit_the_temporary_folder_are_a_limit(tmp_path, monkeypatch):
    source = one_dataset(tmp_path / "m.h5")
    full = _hdf5._START + "import os, types\n"
    full += "os.fstatvfs = lambda _: types.SimpleNamespace(f_bavail=0, f_frsize=4096)\nchild.main(sys.argv[1:])"
    monkeypatch.setattr(_hdf5, "_MAIN", full)
    with pytest.raises(ztensor.LimitError, match="TMPDIR") as caught:
        ztensor.open(source)
    assert caught.value.rule == "hdf5.temporary.room"


# --- hostile datasets: each is unreadable by itself, and hides no other -----------------------------------------------


def add_chunks(file, name, shape, chunk, pieces, *, mask=0, dtype="u1", **options):
    dataset = file.create_dataset(name, shape, dtype, chunks=chunk, **options)
    for i, piece in enumerate(pieces):
        dataset.id.write_direct_chunk((i * chunk[0],), piece, filter_mask=mask)


def add_stacked(file, name):
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_chunk((64,))
    for _ in range(32):
        properties.set_deflate(9)
    kind = h5t.STD_U8LE
    h5d.create(file.id, name.encode(), kind, h5s.create_simple((64,)), properties).write(
        h5s.ALL, h5s.ALL, np.zeros(64, "u1")
    )


def add_virtual(file, name):
    whole = h5s.create_simple((4, 16), (h5s.UNLIMITED, 16))
    whole.select_hyperslab((0, 0), (h5s.UNLIMITED, 1), (1, 16), (1, 16))
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_virtual(whole, b"source-%b.h5", b"a", h5s.create_simple((1, 16)))
    h5d.create(file.id, name.encode(), h5t.IEEE_F32LE, h5s.create_simple((4, 16), (h5s.UNLIMITED, 16)), properties)


def enum_type(base, **values):
    kind = h5t.enum_create(base)
    for name, value in values.items():
        kind.enum_insert(name.encode(), value)
    return kind


def compound_type(size, *members):
    kind = h5t.create(h5t.COMPOUND, size)
    for name, at, member in members:
        kind.insert(name.encode(), at, member)
    return kind


def changed(kind, change):
    copy = kind.copy()
    change(copy)
    return copy


BOMB = 32 << 20
F4, F8 = h5t.IEEE_F32LE, h5t.IEEE_F64LE
TYPES = {  # H5-18, H5-19, H5-20
    "f32-bias-126": changed(F4, lambda t: t.set_ebias(126)),
    "i24-in-4": changed(h5t.STD_I32LE, lambda t: t.set_precision(24)),
    "i31-in-4": changed(h5t.STD_I32LE, lambda t: t.set_precision(31)),
    "enum-exchanged": enum_type(h5t.STD_I8LE, FALSE=1, TRUE=0),
    "enum-of-3": enum_type(h5t.STD_I8LE, FALSE=0, TRUE=1, OTHER=2),
    "enum-lower-case": enum_type(h5t.STD_I8LE, false=0, true=1),
    "enum-of-i32": enum_type(h5t.STD_I32LE, FALSE=0, TRUE=1),
    "mixed": compound_type(12, ("r", 0, F4), ("i", 4, h5t.STD_I64LE)),
    "mixed-floats": compound_type(12, ("r", 0, F4), ("i", 4, F8)),
    "i-before-r": compound_type(8, ("i", 0, F4), ("r", 4, F4)),
    "other-names": compound_type(8, ("x", 0, F4), ("y", 4, F4)),
    "padded": compound_type(12, ("r", 0, F4), ("i", 4, F4)),
    "padded-inside": compound_type(12, ("r", 0, F4), ("i", 8, F4)),
    "three": compound_type(12, ("r", 0, F4), ("i", 4, F4), ("j", 8, F4)),
    "members": compound_type(4000, *((f"m{i}", 4 * i, F4) for i in range(1000))),
    "opaque": h5t.create(h5t.OPAQUE, 4),
    "array": h5t.array_create(F4, (2,)),
    "bits": h5t.STD_B8LE,
    "reference": h5t.STD_REF_OBJ,
}
DATASETS = (
    {  # name -> how to add it, the code and the rule
        "bomb": (  # H5-03
            lambda f, n: add_chunks(f, n, (4096,), (4096,), [zlib.compress(bytes(BOMB), 9)], compression="gzip"),
            "malformed",
            "hdf5.chunk.deflate",
        ),
        "short": (  # H5-04
            lambda f, n: add_chunks(f, n, (64,), (64,), [zlib.compress(b"abcd")], compression="gzip"),
            "malformed",
            "hdf5.chunk.deflate",
        ),
        "tail": (
            lambda f, n: add_chunks(f, n, (64,), (64,), [zlib.compress(bytes(64)) + b"x"], compression="gzip"),
            "malformed",
            "hdf5.chunk.deflate",
        ),
        "cut": (
            lambda f, n: add_chunks(f, n, (64,), (64,), [zlib.compress(bytes(64))[:-2]], compression="gzip"),
            "malformed",
            "hdf5.chunk.deflate",
        ),
        "masked-short": (  # H5-07
            lambda f, n: add_chunks(f, n, (64,), (64,), [bytes(16)], mask=1, compression="gzip"),
            "malformed",
            "hdf5.chunk.length",
        ),
        "missing": (  # H5-06
            lambda f, n: add_chunks(f, n, (64,), (32,), [bytes(32)]),
            "malformed",
            "hdf5.chunk.missing",
        ),
        "checksum": (
            lambda f, n: add_chunks(f, n, (64,), (64,), [bytes(64) + b"abcd"], fletcher32=True),
            "malformed",
            "hdf5.chunk.checksum",
        ),
        "checksum-alone": (
            lambda f, n: add_chunks(f, n, (64,), (64,), [b"abc"], fletcher32=True),
            "malformed",
            "hdf5.chunk.checksum",
        ),
        "stacked": (add_stacked, "unsupported", "hdf5.filter.twice"),  # H5-08
        "lzf": (  # H5-10
            lambda f, n: f.create_dataset(n, data=np.arange(99), chunks=(9,), compression="lzf"),
            "unsupported",
            "hdf5.filter.unknown",
        ),
        "scaled": (
            lambda f, n: f.create_dataset(n, data=np.arange(99), chunks=(9,), scaleoffset=0),
            "unsupported",
            "hdf5.filter.unknown",
        ),
        "external": (  # H5-11
            lambda f, n: f.create_dataset(n, (4,), "u1", external=[("/etc/hostname", 0, 4)]),
            "refused",
            "hdf5.storage.external",
        ),
        "external-up": (
            lambda f, n: f.create_dataset(n, (4,), "u1", external=[("../x", 0, 4)]),
            "refused",
            "hdf5.storage.external",
        ),
        "external-origin": (
            lambda f, n: f.create_dataset(n, (4,), "u1", external=[("${ORIGIN}/x", 0, 4)]),
            "refused",
            "hdf5.storage.external",
        ),
        "soft": (lambda f, n: f.__setitem__(n, h5py.SoftLink("/soft2")), "refused", "hdf5.link.kind"),  # H5-12
        "soft2": (lambda f, n: f.__setitem__(n, h5py.SoftLink("/soft")), "refused", "hdf5.link.kind"),
        "soft-external": (lambda f, n: f.__setitem__(n, h5py.SoftLink("/linked")), "refused", "hdf5.link.kind"),
        "linked": (lambda f, n: f.__setitem__(n, h5py.ExternalLink("o.h5", "/x")), "refused", "hdf5.link.kind"),
        "virtual": (add_virtual, "refused", "hdf5.storage.virtual"),  # H5-13
        "huge": (
            lambda f, n: f.create_dataset(n, (1 << 40,), "f4", chunks=(1 << 20,)),
            "limit",
            "hdf5.fill.size",
        ),  # H5-15
        "huge-contiguous": (lambda f, n: f.create_dataset(n, (1 << 40,), "f4"), "limit", "hdf5.fill.size"),
        "huge-empty": (lambda f, n: f.create_dataset(n, (0, 1 << 62, 8), "f4"), "malformed", "hdf5.shape.overflow"),
        "text": (lambda f, n: f.__setitem__(n, "text"), "unsupported", "hdf5.type.unknown"),  # H5-21
        "texts": (
            lambda f, n: f.__setitem__(n, np.array(["a", "b"], dtype=object)),
            "unsupported",
            "hdf5.type.unknown",
        ),
        "fixed": (lambda f, n: f.__setitem__(n, np.array([b"ab"])), "unsupported", "hdf5.type.unknown"),
        "lists": (
            lambda f, n: f.create_dataset(n, (2,), h5py.vlen_dtype(np.int32)),
            "unsupported",
            "hdf5.type.unknown",
        ),
        "null": (lambda f, n: f.__setitem__(n, h5py.Empty("f4")), "unsupported", "hdf5.space.null"),
        "bool-7": (  # H5-19
            lambda f, n: add_typed(f, n, enum_type(h5t.STD_I8LE, FALSE=0, TRUE=1), np.full(3, 7, "i1"), (3,)),
            "malformed",
            "hdf5.bool.value",
        ),
        "n" * 1025: (lambda f, n: f.__setitem__(n, np.zeros(1)), "unsupported", "hdf5.name.length"),
    }
    | {
        name: (
            lambda f, n, kind=kind: h5d.create(f.id, n.encode(), kind, h5s.create_simple((2,))),
            "unsupported",
            "hdf5.type.unknown",
        )
        for name, kind in TYPES.items()
    }
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    path = tmp_path_factory.mktemp("hdf5") / "hostile.h5"
    with h5py.File(path, "w") as file:
        for name, (add, _, _) in DATASETS.items():
            add(file, name)
        file["good"] = np.arange(3)
        add_chunks(file, "masked", (64,), (64,), [bytes(range(64))], mask=1, compression="gzip")  # H5-07: a control
        file[".."] = np.arange(4)  # H5-12: a name like any other
    return ztensor.open(path)


@pytest.mark.parametrize("name", DATASETS)
def test_a_hostile_dataset_is_unreadable_with_its_cause(hostile, name):
    _, code, rule = DATASETS[name]
    cause = hostile.unreadable[name]
    assert (cause.code, cause.rule) == (code, rule)
    assert name not in hostile
    with pytest.raises(type(cause)):
        hostile.read_tensor(name)
    assert any(repr(name) in note for note in hostile.notes)


def test_hostile_datasets_hide_no_other(hostile):
    assert sorted(hostile) == ["..", "good", "masked"]
    assert set(hostile.unreadable) == set(DATASETS)
    same_bits(hostile.read_tensor("good"), np.arange(3))
    same_bits(hostile.read_tensor("masked"), np.arange(64, dtype="u1"))
    assert set(hostile.verify().unreadable) == set(DATASETS)


def test_a_limit_on_decoded_bytes_holds_before_anything_is_decoded(tmp_path):
    source = one_dataset(tmp_path / "m.h5")
    with h5py.File(source, "a") as file:
        file["b"] = np.zeros(100)
    reader = ztensor.open(source, limits=ztensor.Limits(decoded_bytes=100))
    assert list(reader) == ["a"]
    assert reader.unreadable["b"].rule == "hdf5.decoded.limit"


# --- what libhdf5 might say: today's versions refuse some of it themselves --------------------------------------------


class Says:
    """An object of h5py whose methods return what the test wants."""

    def __init__(self, **answers):
        for name, answer in answers.items():
            setattr(self, name, lambda *_, answer=answer: answer)


class Chunks(Says):
    def chunk_iter(self, take):
        for origin, offset, size in self.chunks():
            take(types.SimpleNamespace(chunk_offset=origin, filter_mask=0, byte_offset=offset, size=size))


def walk(file_size=1000):
    return _hdf5_walk.Walk(Says(get_create_plist=Says(get_userblock=512)), file_size, None)


def contiguous(size=16, offset=600):
    handle = Says(get_storage_size=size, get_offset=offset)
    return _hdf5_walk.Dataset("d", handle, _hdf5_types.kind_of(F4), (4,))


def grid(shape, chunk, *chunks, filters=()):
    properties = Says(get_chunk=chunk, get_nfilters=len(filters), get_filter=filters and filters[0])
    handle = Chunks(get_num_chunks=len(chunks), chunks=chunks, read_direct_chunk=(1, b"abcd"))
    return _hdf5_chunks.Grid(handle, properties, shape, 4, 1000)


NO_FILL = Says(fill_value_defined=h5d.FILL_VALUE_UNDEFINED)


@pytest.mark.parametrize(
    ("work", "rule"),
    [
        (lambda: walk()._place_contiguous(contiguous(size=12)), "hdf5.contiguous.length"),
        (lambda: walk()._place_contiguous(contiguous(offset=985)), "hdf5.contiguous.bounds"),
        (lambda: walk()._place_contiguous(contiguous(offset=2**64 - 8)), "hdf5.contiguous.bounds"),
        (lambda: walk()._place_contiguous(contiguous(offset=None)), "hdf5.contiguous.bounds"),
        (lambda: walk()._place(contiguous(offset=100), None, h5d.CONTIGUOUS), "hdf5.range.header"),
        (lambda: walk()._place(contiguous(size=12), None, h5d.COMPACT), "hdf5.compact.length"),
        (lambda: walk()._place(contiguous(), None, 9), "hdf5.storage.unknown"),
        (lambda: _hdf5_walk._fill(contiguous(), NO_FILL), "hdf5.fill.undefined"),
        (lambda: grid((8,), (4, 1)), "hdf5.chunk.shape"),
        (lambda: grid((8,), (0,)), "hdf5.chunk.shape"),
        (lambda: grid((8,), (1 << 30,)), "hdf5.chunk.shape"),
        (lambda: grid((8,), (4,), ((0,), 600, 16), ((0,), 700, 16)), "hdf5.chunk.place"),
        (lambda: grid((8,), (4,), ((0,), 600, 16), ((3,), 700, 16)), "hdf5.chunk.place"),
        (lambda: grid((8,), (4,), ((0,), 600, 16), ((8,), 700, 16)), "hdf5.chunk.place"),
        (lambda: grid((8,), (4,), ((0,), 600, 16)), "hdf5.chunk.missing"),
        (lambda: grid((4,), (4,), ((0,), 985, 16)), "hdf5.chunk.bounds"),
        (lambda: grid((4,), (4,), ((0,), 0, 2**32 - 1)), "hdf5.chunk.bounds"),
        (lambda: grid((4,), (4,), ((0,), 600, 16)).fill(np.zeros(4, "<f4")), "hdf5.chunk.bounds"),
        (lambda: grid((4,), (4,), filters=[(2, 0, (), b"")]), "hdf5.filter.shuffle"),
    ],
)  # fmt: skip
def test_what_libhdf5_says_is_checked(work, rule):
    with pytest.raises(ztensor.ZTensorError) as caught:
        work()
    assert caught.value.rule == rule


def test_links_are_counted(monkeypatch, tmp_path):
    monkeypatch.setattr(_hdf5_walk, "_MOST_OBJECTS", 3)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        for i in range(4):
            file.create_group(f"g{i}")
        with pytest.raises(ztensor.LimitError) as caught:
            _hdf5_walk.Walk(file.id, 10000, None).run(file["/"].id)
    assert caught.value.rule == "hdf5.link.count"


def test_attributes_have_a_limit(tmp_path, monkeypatch):
    source = one_dataset(tmp_path / "m.h5")
    with h5py.File(source, "a") as file:
        file.attrs["text"] = "x" * 1000
    monkeypatch.setattr(_hdf5, "_MAIN", _hdf5._START + "child._MOST_ATTRIBUTES = 500; child.main(sys.argv[1:])")
    with pytest.raises(ztensor.LimitError) as caught:
        ztensor.open(source)
    assert caught.value.rule == "hdf5.attribute.size"


# --- hostile files: bytes of a good one are changed -------------------------------------------------------------------


def rules_of(path):
    """The rules that a file breaks: as a whole, or by dataset."""
    try:
        reader = ztensor.open(path)
    except ztensor.ZTensorError as error:
        assert error.code in ("malformed", "limit", "unsupported")
        assert error.rule
        return error.rule
    reader.read_tensors()
    return {name: cause.rule for name, cause in reader.unreadable.items()}


@pytest.mark.parametrize(
    ("at", "bytes_"),
    [
        (0, b""),
        (13, b"\0"),
        (13, b"\3"),
        (13, b"\xff"),
        (40, b"\xff" * 8),
        (64, b"\xff" * 8),
        (64, b"\0\0\0\0\1\0\0\0"),
    ],
    ids=["cut", "size-0", "size-3", "size-255", "end", "root-undefined", "root-outside"],
)
def test_a_broken_superblock_is_malformed(tmp_path, at, bytes_):  # H5-01, H5-02
    path = one_dataset(tmp_path / "m.h5")
    content = bytearray(path.read_bytes())
    content[at : at + len(bytes_)] = bytes_
    path.write_bytes(content if bytes_ else content[:8])
    assert rules_of(path) == "hdf5.file.open"


def test_a_signature_behind_a_block_without_a_file_is_malformed(tmp_path):  # H5-01
    path = tmp_path / "m.h5"
    path.write_bytes(bytes(range(255, -1, -1)) * 2 + b"\x89HDF\r\n\x1a\n")
    assert rules_of(path) == "hdf5.file.open"


def test_a_file_without_the_signature_keeps_its_own_error(tmp_path):
    path = tmp_path / "m.h5"
    path.write_bytes(bytes(range(1, 256)) * 20)
    with pytest.raises(ztensor.UnsupportedError, match="unknown format"):
        ztensor.open(path)


def two_chunks(path, **options):
    with h5py.File(path, "w", libver="earliest") as file:
        dataset = file.create_dataset("d", (8,), "<f4", chunks=(4,), **options)
        dataset[...] = np.arange(8)
        file["good"] = np.arange(3)
        places = []
        dataset.id.chunk_iter(places.append)
    return places


def key_of(place, **other):
    """The entry of a chunk in the tree of chunks: size, mask, origin, address."""
    size = other.get("size", place.size)
    origin = other.get("origin", place.chunk_offset[0])
    return struct.pack("<IIQQQ", size, place.filter_mask, origin, 0, other.get("address", place.byte_offset))


@pytest.mark.parametrize(
    "change",
    [
        {"size": 0xFFFFFFFF},
        {"address": 1 << 40},
        {"address": 2**64 - 4},
        {"address": 0},
        {"address": 8},
        {"origin": 3},
        {"origin": 0},
        {"origin": 400},
    ],
    ids=str,
)
def test_a_chunk_at_a_wrong_place_is_malformed(tmp_path, change):  # H5-05, H5-06
    path = tmp_path / "m.h5"
    second = two_chunks(path)[1]
    patched(path, (key_of(second), key_of(second, **change)))
    found = rules_of(path)
    assert set(found) == {"d"}
    assert found["d"].startswith(("hdf5.chunk.", "hdf5.range.", "hdf5.object."))


@pytest.mark.parametrize("parameter", [0, 3, 2**31])
def test_a_shuffle_for_another_size_is_malformed(tmp_path, parameter):  # H5-09
    path = tmp_path / "m.h5"
    two_chunks(path, shuffle=True)
    patched(path, (b"shuffle\0" + struct.pack("<I", 4), b"shuffle\0" + struct.pack("<I", parameter)))
    assert rules_of(path) == {"d": "hdf5.filter.shuffle"}


def test_no_plugin_is_loaded_for_a_filter(tmp_path, monkeypatch):  # H5-10
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler: nothing can make a plugin that shows that it was loaded")
    path, plugins = tmp_path / "m.h5", tmp_path / "plugins"
    two_chunks(path, compression="gzip")
    head = struct.pack("<HHHH", 1, 8, 1, 1) + b"deflate\0"
    patched(path, (head, struct.pack("<H", 40000) + head[2:]))
    plugins.mkdir()
    loaded = tmp_path / "loaded"
    (tmp_path / "p.c").write_text(
        f'#include <stdio.h>\n__attribute__((constructor)) void run(void) {{ fclose(fopen("{loaded}", "w")); }}\n'
    )
    subprocess.run([compiler, "-shared", "-fPIC", "-o", plugins / "libp.so", tmp_path / "p.c"], check=True)
    monkeypatch.setenv("HDF5_PLUGIN_PATH", str(plugins))
    assert rules_of(path) == {"d": "hdf5.filter.unknown"}
    assert not loaded.exists()


def two_contiguous(path):
    with h5py.File(path, "w", libver="earliest") as file:
        file["a"] = np.arange(16, dtype="f4")
        file["b"] = np.arange(16, dtype="f4") + 1
        return file["a"].id.get_offset(), file["b"].id.get_offset()


def test_a_contiguous_dataset_of_a_wrong_size_is_malformed(tmp_path):  # H5-16
    _, b = two_contiguous(tmp_path / "m.h5")
    patched(tmp_path / "m.h5", (struct.pack("<QQ", b, 64), struct.pack("<QQ", b, 60)))
    assert set(rules_of(tmp_path / "m.h5")) == {"b"}


@pytest.mark.parametrize(
    ("offset", "rule"),
    [(1 << 40, "hdf5.contiguous.bounds"), (2**64 - 8, "hdf5.contiguous.bounds"), (0, "hdf5.range.header")],
)
def test_a_contiguous_dataset_at_a_wrong_place_is_malformed(tmp_path, offset, rule):
    _, b = two_contiguous(tmp_path / "m.h5")
    patched(tmp_path / "m.h5", (struct.pack("<QQ", b, 64), struct.pack("<QQ", offset, 64)))
    found = rules_of(tmp_path / "m.h5")
    assert found["b"] in (rule, "hdf5.object.broken")  # some versions of libhdf5 look at places themselves
    assert set(found) == {"b"}


def test_datasets_that_share_a_part_of_their_bytes_are_malformed(tmp_path):  # H5-17
    a, b = two_contiguous(tmp_path / "m.h5")
    patched(tmp_path / "m.h5", (struct.pack("<QQ", b, 64), struct.pack("<QQ", a + 4, 64)))
    assert rules_of(tmp_path / "m.h5") == {"a": "hdf5.range.overlap", "b": "hdf5.range.overlap"}


def test_datasets_with_the_same_bytes_are_one_tensor_with_a_note(tmp_path):  # H5-17
    a, b = two_contiguous(tmp_path / "m.h5")
    patched(tmp_path / "m.h5", (struct.pack("<QQ", b, 64), struct.pack("<QQ", a, 64)))
    reader = ztensor.open(tmp_path / "m.h5")
    assert reader["a"].location == reader["b"].location
    assert [note for note in reader.notes if "'b' has the same bytes" in note]


def test_groups_in_rings_and_diamonds_are_visited_once(tmp_path):  # H5-14
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["self"] = file["/"]
        one, two = file.create_group("one"), file.create_group("two")
        one["ring"], two["ring"] = two, one
        last = file
        for i in range(40):
            group = file.create_group(f"node{i}")
            last["left"] = last["right"] = group
            last = group
        last["t"] = np.arange(3)
    reader = ztensor.open(tmp_path / "m.h5")
    assert len(reader) == 1
    same_bits(next(iter(reader.values())).numpy(), np.arange(3))
    assert any("another name of the group" in note for note in reader.notes)


def test_groups_that_are_nested_too_deep_are_listed(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["/".join("g" * 100) + "/t"] = np.arange(3)
        file["ok"] = np.arange(2)
    reader = ztensor.open(tmp_path / "m.h5")
    assert list(reader) == ["ok"]
    assert [cause.rule for cause in reader.unreadable.values()] == ["hdf5.group.depth"]


@pytest.mark.parametrize("name", [b".", b"a/b", b"\xff\xfe"])
def test_a_link_whose_name_is_no_part_of_a_path_is_listed(tmp_path, name):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["NAME".ljust(len(name), "_")[: len(name)] if len(name) > 1 else "N"] = np.arange(3)
        file["good"] = np.arange(3)
    stored = b"NAME"[: len(name)] if len(name) < 4 else name
    patched(tmp_path / "m.h5", (b"\0" + stored + b"\0", b"\0" + name + b"\0"))
    reader = ztensor.open(tmp_path / "m.h5")
    assert list(reader) == ["good"]
    assert [cause.rule for cause in reader.unreadable.values()] == ["hdf5.link.name"]


def test_structures_that_point_to_themselves_end(tmp_path):  # H5-22
    path = one_dataset(tmp_path / "m.h5", libver="earliest")
    content = path.read_bytes()
    tree, symbols = content.index(b"TREE"), content.index(b"SNOD")
    for change in (
        {tree + 5: b"\1", tree + 32: struct.pack("<Q", tree)},
        {symbols + 6: b"\xff\xff"},
        {tree + 6: b"\xff\xff"},
    ):
        broken = bytearray(content)
        for at, new in change.items():
            broken[at : at + len(new)] = new
        path.write_bytes(broken)
        assert rules_of(path)


def test_a_zip_archive_in_the_user_block_gives_no_other_tensors(tmp_path):  # H5-23
    path = one_dataset(tmp_path / "m.h5", userblock_size=512)
    path.write_bytes(b"PK\x03\x04" + path.read_bytes()[4:])
    try:
        assert list(ztensor.open(path)) == ["a"]
    except ztensor.ZTensorError as error:
        assert error.rule


def test_mutants_of_a_keras_file_are_refused_or_read(tmp_path):  # H5-24
    path = tmp_path / "k.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"dense"]
        group = file.create_group("dense/dense")
        group.attrs["weight_names"] = [b"kernel:0", b"bias:0"]
        group["kernel:0"] = np.ones((8, 8), "f4")
        group.create_dataset("bias:0", data=np.ones(8, "f4"), chunks=(4,), compression="gzip")
    content = path.read_bytes()
    rng = np.random.default_rng(int(os.environ.get("ZT_SEED", "1")))
    for i in range(int(os.environ.get("ZT_MUTANTS", "12"))):
        broken = bytearray(content)
        for at in rng.integers(0, len(content), rng.integers(1, 9)):
            broken[at] = rng.integers(0, 256)
        mutant = tmp_path / f"{i}.h5"
        mutant.write_bytes(broken)
        try:
            ztensor.open(mutant).read_tensors()
        except ztensor.ZTensorError as error:
            assert error.rule, i
        mutant.unlink()
