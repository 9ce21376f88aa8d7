"""Hostile HDF5 files: the bytes of a good file are changed. The ids H5-nn name their kinds."""

import io
import os
import shutil
import struct
import subprocess
import zipfile

import numpy as np
import pytest
from conftest import same_bits
from hdf5_files import one_dataset, patched

import ztensor

h5py = pytest.importorskip("h5py", reason="h5py is not installed: nothing can make or read HDF5 files")


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::h5py.h5py_warnings.H5pyDeprecationWarning")


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


def npy_bytes(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


@pytest.mark.parametrize("place", ["user block", "end"])
def test_a_file_that_is_also_an_archive_is_the_same_for_open_and_convert(tmp_path, place):  # H5-23
    path = one_dataset(tmp_path / "m.h5", userblock_size=512)
    hdf5 = path.read_bytes()
    archive = io.BytesIO(hdf5 if place == "end" else b"")
    with zipfile.ZipFile(archive, "a") as members:
        members.writestr("z.npy", npy_bytes(np.arange(3, dtype="<f8")))
    content = archive.getvalue()
    path.write_bytes(content if place == "end" else content + bytes(512 - len(content)) + hdf5[512:])
    try:
        found = list(ztensor.open(path))
    except ztensor.ZTensorError as error:
        assert place == "user block"  # it begins as an archive, and has no end of one
        with pytest.raises(ztensor.ZTensorError) as caught:
            ztensor.convert(path, tmp_path / "m.zt")
        assert caught.value.rule == error.rule
    else:
        ztensor.convert(path, tmp_path / "m.zt")
        assert list(ztensor.open(tmp_path / "m.zt")) == found
        assert found == ["a"]


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
