"""HDF5 files: equal to what h5py reads; the process that reads them. The ids H5-nn name kinds of hostile files."""

import pickle
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
from conftest import same_bits
from hdf5_files import bfloat16_type, one_dataset, signature_only

import ztensor
from ztensor import _hdf5

h5py = pytest.importorskip("h5py", reason="h5py is not installed: nothing can make or read HDF5 files")
from h5py import h5d, h5p, h5s, h5t  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::h5py.h5py_warnings.H5pyDeprecationWarning")


RNG = np.random.default_rng(3)
PLAIN = {
    f"{order}{kind}{size}": RNG.integers(0, 2, 12).astype(f"{order}{kind}{size}").reshape(3, 4)
    for order in "<>"
    for kind, sizes in (("i", (1, 2, 4, 8)), ("u", (1, 2, 4, 8)), ("f", (2, 4, 8)), ("c", (8, 16)))
    for size in sizes
}


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


def test_a_folder_with_one_hdf5_file_is_read(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    one_dataset(folder / "m.h5")
    (folder / "config.json").write_text("{}")
    assert list(ztensor.open(folder)) == ["a"]
    ztensor.convert(folder, tmp_path / "m.zt")
    assert list(ztensor.open(tmp_path / "m.zt")) == ["a"]
    one_dataset(folder / "n.h5")
    with pytest.raises(ztensor.UnsupportedError):
        ztensor.open(folder)


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
