"""Files of format 2 whose bytes are in other files beside them."""

import os
import pickle
import shutil

import numpy as np
import pytest
from conftest import same_bits

import ztensor

ARRAYS = {f"t{i}": np.arange(i, i + 20_000, dtype=np.int32).reshape(100, 200) for i in range(6)}


@pytest.fixture
def sharded(tmp_path):
    path = tmp_path / "m.zt"
    with ztensor.Writer(path, format="2", max_shard_size=200_000, attributes={"k": 1}) as writer:
        for name, array in ARRAYS.items():
            writer.add_tensor(name, array)
        writer.add_sparse_csr("csr", np.float32([1, 2]), np.array([0, 2]), np.array([0, 1, 2]), (2, 3))
        writer.add_alias("tied", "t0")
    return path


def shard_files(path):
    return sorted(file for file in path.parent.iterdir() if file != path)


def test_the_bytes_lie_in_files_beside_the_root(sharded):
    shards = shard_files(sharded)
    assert len(shards) >= 3
    assert all(file.name.startswith("m-") and file.stat().st_size <= 200_000 for file in shards)
    assert sharded.stat().st_size < 20_000
    reader = ztensor.open(sharded)
    assert reader.paths[0] == str(sharded) and sorted(reader.paths[1:]) == [str(file) for file in shards]
    assert reader.attributes == {"k": 1} and reader.notes == []
    for name, array in ARRAYS.items():
        part = reader.metadata(name).parts["data"]
        location = reader[name].location
        assert location.path == str(sharded.parent / f"m-{part.shard}.zt")
        with open(location.path, "rb") as file:
            file.seek(location.offset)
            assert file.read(location.length) == array.tobytes()


@pytest.mark.parametrize("backend", ["auto", "mmap", "read"])
def test_tensors_of_many_files_are_read(sharded, backend):
    reader = ztensor.open(sharded, backend=backend)
    for arrays in (reader.read_tensors(ARRAYS), reader.read_tensors(ARRAYS, copy=True)):
        for name, array in ARRAYS.items():
            same_bits(arrays[name], array)
    assert reader.read_tensor("csr").toarray().tolist() == [[1, 0, 0], [0, 0, 2]]
    same_bits(reader["t3"][5:90:3, ::-1], ARRAYS["t3"][5:90:3, ::-1])
    out = {name: np.empty_like(array) for name, array in ARRAYS.items()}
    reader.read_into(out)
    for name, array in ARRAYS.items():
        same_bits(out[name], array)


def test_views_lie_in_the_mapping_of_their_own_file(sharded):
    reader = ztensor.open(sharded, backend="mmap")
    views = {name: reader.read_tensor(name) for name in [*ARRAYS, *reversed(ARRAYS)]}
    mappings = {}
    for name, view in views.items():
        assert not view.flags.writeable and not view.flags.owndata
        same_bits(view, ARRAYS[name])
        again = reader.read_tensor(name)
        assert again.ctypes.data == view.ctypes.data
        mappings.setdefault(reader[name].location.path, set()).add(view.ctypes.data - reader[name].location.offset)
    assert len(mappings) > 1 and all(len(starts) == 1 for starts in mappings.values())
    assert reader.read_tensor("tied").ctypes.data == views["t0"].ctypes.data


def test_views_outlive_the_reader_and_the_files(sharded):
    reader = ztensor.open(sharded)
    views = reader.read_tensors(ARRAYS)
    rows = reader["t5"][7]
    reader.close()
    shutil.rmtree(sharded.parent)
    for name, array in ARRAYS.items():
        same_bits(views[name], array)
    same_bits(rows, ARRAYS["t5"][7])


def test_torch_tensors_of_shards_may_be_written_to(sharded):
    torch = pytest.importorskip("torch")
    reader = ztensor.open(sharded, backend="mmap")
    tensors = reader.read_tensors(ARRAYS, to="torch")
    for name, array in ARRAYS.items():
        assert np.array_equal(tensors[name].numpy(), array)
        tensors[name].fill_(-1)
    for name, array in ARRAYS.items():
        same_bits(reader.read_tensor(name), array)
        assert torch.from_dlpack(reader[name])[0, 0] == -1  # the same copy-on-write mapping
    for name, array in ARRAYS.items():
        same_bits(ztensor.open(sharded).read_tensor(name, copy=True), array)


def test_a_pickled_reader_opens_the_shards_again(sharded):
    reader = ztensor.open(sharded)
    data = pickle.dumps(reader)
    same_bits(pickle.loads(data).read_tensor("t4"), ARRAYS["t4"])
    same_bits(pickle.loads(pickle.dumps(reader["t2"])).numpy(), ARRAYS["t2"])
    # Other shards of the same sizes make another file, although only the digests in its root differ.
    with ztensor.Writer(sharded, format="2", max_shard_size=200_000, attributes={"k": 1}) as writer:
        for name, array in ARRAYS.items():
            writer.add_tensor(name, array + 1, checksum="none")
    with pytest.raises(ztensor.FormatError, match="pickled"):
        pickle.loads(data)


def test_a_shard_that_is_missing_concerns_its_own_tensors_alone(sharded):
    reader = ztensor.open(sharded)
    lost = reader["t3"].location.path
    os.remove(lost)
    reader = ztensor.open(sharded)
    assert lost in reader.paths
    for use in (
        lambda: reader.read_tensor("t3"),
        lambda: reader.read_tensor("t3", copy=True),
        lambda: reader["t3"][0],
        lambda: reader.verify(),
        lambda: ztensor.verify(sharded, shards=True),
    ):
        with pytest.raises(FileNotFoundError, match=r"m-.*\.zt"):
            use()
    here = [name for name in ARRAYS if reader[name].location.path != lost]
    for name in here:
        assert not reader.read_tensor(name).flags.owndata
        same_bits(reader.read_tensor(name), ARRAYS[name])
    with pytest.raises(FileNotFoundError):
        reader.read_tensors()
    (first, *_) = reader.read_tensors(here).values()
    assert not first.flags.writeable  # still a view: a lost shard does not affect the others


def damage(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_verify_holds_whole_shards_against_their_digests(sharded):
    assert set(ztensor.verify(sharded, shards=True).checked) == {*ARRAYS, "csr", "tied"}
    victim = shard_files(sharded)[0]
    damage(victim, victim.stat().st_size - 1 if victim.stat().st_size < 70_000 else 20)  # no byte of any tensor
    ztensor.verify(sharded)
    assert ztensor.open(sharded).verify(["t0"]).checked == ["t0"]
    with pytest.raises(ztensor.ZTensorError, match="shard"):
        ztensor.verify(sharded, shards=True)
    with pytest.raises(ztensor.ZTensorError, match="shard"):
        ztensor.open(sharded).verify(["t0"], shards=True)


def test_a_damaged_tensor_in_a_shard_is_a_checksum_error(sharded):
    location = ztensor.open(sharded)["t2"].location
    with open(location.path, "r+b") as file:
        file.seek(location.offset)
        file.write(b"\xff\xff")
    reader = ztensor.open(sharded)
    with pytest.raises(ztensor.ChecksumError, match=r"t2.*shard"):
        reader.read_tensor("t2", copy=True)
    with pytest.raises(ztensor.ChecksumError):
        reader.verify()
    with pytest.raises(ztensor.ChecksumError):
        ztensor.open(sharded, verify=True).read_tensor("t2")
    same_bits(ztensor.open(sharded, verify=True).read_tensor("t1"), ARRAYS["t1"])


def test_a_root_in_memory_has_no_shards(sharded):
    reader = ztensor.open(sharded.read_bytes())
    assert set(reader) == {*ARRAYS, "csr", "tied"} and reader.paths == []
    assert reader["t0"].location.path is None
    with pytest.raises(ztensor.UnsupportedError, match="shard"):
        reader.read_tensor("t0")


def test_a_sharded_file_grows(sharded):
    before = {file: file.read_bytes() for file in shard_files(sharded)}
    view = ztensor.open(sharded).read_tensor("t1")
    with ztensor.Writer(sharded, mode="a") as writer:
        writer.add_tensor("new", np.ones(7))
        writer.add_tensor("t1", np.zeros(3), replace=True)
        writer.remove("t2")
    assert {file: file.read_bytes() for file in shard_files(sharded)} == before
    reader = ztensor.open(sharded)
    assert reader["new"].location.path == str(sharded)
    same_bits(reader.read_tensor("new"), np.ones(7))
    same_bits(reader.read_tensor("t1"), np.zeros(3))
    same_bits(reader.read_tensor("t3"), ARRAYS["t3"])
    same_bits(view, ARRAYS["t1"])
    assert "t2" not in reader
    reader.verify(shards=True)


def test_a_sink_and_an_aborted_save_leave_no_shards(tmp_path):
    import io

    with pytest.raises(ztensor.UsageError):
        ztensor.Writer(io.BytesIO(), format="2", max_shard_size=100_000)
    with pytest.raises(KeyboardInterrupt):
        with ztensor.Writer(tmp_path / "m.zt", format="2", max_shard_size=100_000) as writer:
            for name, array in ARRAYS.items():
                writer.add_tensor(name, array)
            raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


# --- references: a file that names another one as a shard ------------------------------------------------------------


def test_an_overlay_refers_to_the_tensors_of_another_file(tmp_path):
    base, overlay = tmp_path / "base.zt", tmp_path / "tuned.zt"
    with ztensor.Writer(base, format="2") as writer:
        for name, array in ARRAYS.items():
            writer.add_tensor(name, array, attributes={"layer": name})
    source = ztensor.open(base)
    with ztensor.Writer(overlay, format="2", canonical=False) as writer:
        for name in source:
            if name == "t2":
                writer.add_tensor(name, np.zeros(5))
            else:
                writer.add_reference(name, source[name])
    reader = ztensor.open(overlay)
    assert overlay.stat().st_size < 20_000
    assert reader["t0"].location == source["t0"].location and reader["t2"].location.path == str(overlay)
    assert reader.metadata("t0").parts["data"].shard == "base"
    same_bits(reader.read_tensor("t0"), ARRAYS["t0"])
    same_bits(reader.read_tensor("t2"), np.zeros(5))
    reader.verify(shards=True)


def test_references_are_of_format_2_on_disk(tmp_path):
    with ztensor.Writer(tmp_path / "old.zt") as writer:
        writer.add_tensor("t", np.ones(3))
    with ztensor.Writer(tmp_path / "base.zt", format="2") as writer:
        writer.add_tensor("t", np.ones(3))
    old, base = ztensor.open(tmp_path / "old.zt"), ztensor.open(tmp_path / "base.zt")
    memory = ztensor.open((tmp_path / "base.zt").read_bytes())
    for options in ({"format": "1.2"}, {"format": "2"}):
        with ztensor.Writer(tmp_path / "w.zt", **options) as writer, pytest.raises(ztensor.UsageError):
            writer.add_reference("t", base["t"])
    with ztensor.Writer(tmp_path / "w.zt", format="2", canonical=False) as writer:
        for tensor in (old["t"], memory["t"]):
            with pytest.raises((ztensor.UnsupportedError, ztensor.UsageError)):
                writer.add_reference("t", tensor)
        with pytest.raises(TypeError):
            writer.add_reference("t", np.ones(3))
