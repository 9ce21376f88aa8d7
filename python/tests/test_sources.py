"""What a Reader can be opened from: lists of paths, remote file systems, fsspec files."""

import io
import os
import pickle
import threading

import numpy as np
import pytest
from conftest import same_bits

import ztensor


@pytest.fixture
def files(tmp_path):
    paths = []
    for i in range(3):
        paths.append(tmp_path / f"part{i}.zt")
        with ztensor.Writer(paths[-1], attributes={"part": "same"}) as writer:
            writer.add_tensor(f"a{i}", np.arange(i + 3.0))
            writer.add_tensor(f"b{i}", np.full(50_000, i), compress=True)
    return paths


def test_a_list_of_paths_is_one_source_in_its_order(files):
    with ztensor.open([files[2], str(files[0]), files[1]]) as reader:
        assert list(reader) == ["a2", "b2", "a0", "b0", "a1", "b1"]
        assert reader.paths == [str(files[2]), str(files[0]), str(files[1])]
        assert reader.attributes == {"part": "same"}
        same_bits(reader.read_tensor("a1"), np.arange(4.0))
        assert {name: array.sum() for name, array in reader.read_tensors(["b0", "b1", "b2"]).items()} == {
            "b0": 0,
            "b1": 50_000,
            "b2": 100_000,
        }
        reader.verify()
        again = pickle.loads(pickle.dumps(reader))
        assert list(again) == list(reader)


def test_a_list_of_one_path_is_that_file(files):
    assert list(ztensor.open([files[0]])) == ["a0", "b0"]
    assert list(ztensor.open((files[0],))) == ["a0", "b0"]


def test_foreign_files_of_one_format_are_one_source(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    for i in range(2):
        safetensors.save_file({f"t{i}": np.full(3, i)}, tmp_path / f"{i}.safetensors")
    with ztensor.open([tmp_path / "0.safetensors", tmp_path / "1.safetensors"]) as reader:
        assert reader.format == "safetensors"
        assert reader.read_tensor("t1").tolist() == [1, 1, 1]


def test_npy_files_that_are_joined_have_the_names_of_their_files(tmp_path):
    paths = [tmp_path / "a.npy", tmp_path / "b.b.npy"]
    for i, path in enumerate(paths):
        np.save(path, np.full((2, 3), i, order="F"))
    np.savez(tmp_path / "more.npz", c=np.arange(3))
    with ztensor.open(paths) as reader:
        assert list(reader) == ["a", "b.b"]
        assert reader.read_tensor("b.b").tolist() == [[1] * 3] * 2
    assert list(ztensor.open(paths[0])) == list(ztensor.open(paths[:1])) == ["data"]
    done = ztensor.merge([*paths, tmp_path / "more.npz"], tmp_path / "out.zt", check_output=True)
    assert done.tensors == 3
    with ztensor.open(tmp_path / "out.zt") as reader:
        assert list(reader) == ["a", "b.b", "c"]
        assert reader.read_tensor("a").tolist() == [[0] * 3] * 2
    ztensor.merge([*paths, tmp_path / "more.npz"], tmp_path / "b.zt", include=["b*"])
    assert list(ztensor.open(tmp_path / "b.zt")) == ["b.b"]
    ztensor.convert(paths[0], tmp_path / "one.zt")
    assert list(ztensor.open(tmp_path / "one.zt")) == ["data"]
    ztensor.append(tmp_path / "one.zt", paths[1])
    assert list(ztensor.open(tmp_path / "one.zt")) == ["data", "b.b"]
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "other" / "a.npy", np.zeros(1))
    with pytest.raises(ztensor.UsageError, match=r"tensor 'a' is in both .*a\.npy and .*other.a\.npy"):
        ztensor.merge([paths[0], tmp_path / "other" / "a.npy"], tmp_path / "clash.zt")


def test_an_npy_file_without_a_name_of_its_own_keeps_data(tmp_path):
    odd = os.fsencode(tmp_path) + b"/\xff.npy"
    np.save(tmp_path / "a.npy", np.zeros(1))
    os.rename(tmp_path / "a.npy", odd)
    np.save(tmp_path / "objects.npy", np.array([{"x": np.ones(2)}, None], object), allow_pickle=True)
    ztensor.merge([os.fsdecode(odd), tmp_path / "objects.npy"], tmp_path / "out.zt")
    assert list(ztensor.open(tmp_path / "out.zt")) == ["data", "0.x"]


def test_lists_that_are_no_source(files, tmp_path):
    with pytest.raises(ztensor.UsageError, match="no files"):
        ztensor.open([])
    with pytest.raises(ztensor.FormatError, match="'a0' is in both"):
        ztensor.open([files[0], files[0]])
    with pytest.raises(FileNotFoundError):
        ztensor.open([files[0], tmp_path / "none.zt"])
    with pytest.raises(TypeError):
        ztensor.open([files[0], 3])
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(ztensor.ZTensorError):
        ztensor.open([files[0], tmp_path / "a.npy"])


@pytest.mark.parametrize("wrap", [list, tuple])
def test_a_broken_file_of_a_list_is_that_files_error(files, tmp_path, wrap):
    (tmp_path / "bad.zt").write_bytes(b"garbage" * 100)
    for source in ([files[0], tmp_path / "bad.zt"], [tmp_path / "bad.zt"]):
        with pytest.raises(ztensor.ZTensorError, match=r"bad\.zt"):
            ztensor.open(wrap(source))


def test_tensors_are_tied_whatever_else_begins_at_their_place(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    base = torch.zeros(40_000)
    torch.save({"a": base, "b": base.view(200, 200), "c": base.view(200, 200)}, tmp_path / "m.pt")
    with ztensor.open(tmp_path / "m.pt", backend="read") as reader:
        found = reader.read_tensors(to="torch")
    found["b"][0, 0] = 5
    assert found["c"][0, 0] == 5


def test_a_file_of_a_list_that_is_replaced_stays_as_it_was_opened(files):
    with ztensor.open(files) as reader:
        with ztensor.Writer(files[1]) as writer:
            writer.add_tensor("a1", np.zeros(4))
            writer.add_tensor("b1", np.zeros(50_000))
        same_bits(reader.read_tensor("a1"), np.arange(4.0))


def test_an_fsspec_file_is_a_source_and_a_target(files):
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    memory = fsspec.filesystem("memory")
    memory.pipe("/m.zt", files[0].read_bytes())
    with memory.open("/m.zt", "rb") as file, ztensor.open(file) as reader:
        same_bits(reader.read_tensor("a0"), np.arange(3.0))
        assert reader["b0"][10:12].tolist() == [0, 0]
        reader.verify()
    with memory.open("/n.zt", "wb") as file, ztensor.Writer(file) as writer:
        writer.add_tensor("t", np.arange(5))
    assert ztensor.open(memory.cat("/n.zt")).read_tensor("t").tolist() == [0, 1, 2, 3, 4]
    local = fsspec.filesystem("file")
    with local.open(str(files[1]), "rb") as file, ztensor.open(file) as reader:
        same_bits(reader.read_tensor("a1"), np.arange(4.0))


def test_release_keeps_arrays_valid_and_writes_of_torch_in_place(files):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    big = np.arange(1 << 20, dtype=np.float64)
    path = files[0].with_name("big.zt")
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", big)
        writer.add_tensor("u", big, compress=True)
    with ztensor.open(path) as reader:
        view, tensor = reader.read_tensor("t"), reader.read_tensor("t", to="torch")
        tensor[1000:200_000] = -1
        reader.release("t")
        reader.release("u")
        same_bits(view, big)
        assert (tensor[1000:200_000] == -1).all()
        assert torch.equal(tensor[200_000:], torch.from_numpy(big[200_000:]))
        with pytest.raises(KeyError):
            reader.release("none")
    with ztensor.open(path.read_bytes()) as reader:
        reader.release("t")
    with ztensor.open(io.BytesIO(path.read_bytes())) as reader:
        reader.release("t")


def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_release_gives_memory_back(tmp_path):
    path = tmp_path / "big.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", np.ones(8 << 20, np.float64))
    with ztensor.open(path) as reader:
        view = reader.read_tensor("t")
        before = rss()
        assert view.sum() == 8 << 20
        touched = rss()
        reader.release("t")
        assert touched - before > 60 << 20
        assert rss() - before < 8 << 20
        assert view[12345] == 1


def test_many_threads_read_and_release(tmp_path):
    path = tmp_path / "big.zt"
    array = np.arange(1 << 18, dtype=np.float64)
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", array)
    failures = []
    with ztensor.open(path) as reader:

        def work():
            for _ in range(50):
                if reader.read_tensor("t").sum() != array.sum():
                    failures.append("sum")
                reader.release("t")

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
