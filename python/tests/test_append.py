"""Files that grow in place: Writer(mode="a")."""

import errno
import io
import os

import numpy as np
import pytest
from conftest import ALL_DTYPES, same_bits, sample

import ztensor

FORMATS = {"1.2": {}, "2 canonical": {"format": "2"}, "2 floor": {"format": "2", "canonical": False}}


@pytest.fixture(params=FORMATS)
def grown(request, tmp_path):
    """A file of two tensors, and one name for both."""
    path = tmp_path / "g.zt"
    with ztensor.Writer(path, attributes={"step": 1, "nested": {"a": [1]}}, **FORMATS[request.param]) as writer:
        writer.add_tensor("a", np.arange(1000.0), attributes={"unit": "m"})
        writer.add_tensor("b", np.arange(5, dtype=np.int8))
        writer.add_alias("tied", "a")
    return path


def test_tensors_are_added_and_old_ones_stay(grown):
    before = grown.read_bytes()
    old = ztensor.open(grown)
    view = old.read_tensor("a")
    arrays = {name: sample(name, (3, 5)) for name in ALL_DTYPES}
    with ztensor.Writer(grown, mode="a") as writer:
        for name, array in arrays.items():
            writer.add_tensor(name, array)
    with ztensor.Writer(grown, mode="a", compress=True) as writer:
        writer.add_tensor("zstd", np.zeros(100_000))
    reader = ztensor.open(grown)
    assert reader.format == old.format
    assert set(reader) == {"a", "b", "tied", "zstd", *arrays}
    for name, array in arrays.items():
        same_bits(reader.read_tensor(name, copy=True), array)
    assert reader.metadata("zstd").parts["data"].encoding == "zstd"
    assert reader["a"].location == reader["tied"].location == old["a"].location
    assert reader["a"].attributes == {"unit": "m"} and reader.attributes == {"step": 1, "nested": {"a": [1]}}
    same_bits(view, np.arange(1000.0))
    offset, length = reader["a"].location[1:]
    assert grown.read_bytes()[offset : offset + length] == before[offset : offset + length]
    reader.verify()


def test_sparse_tensors_and_objects_are_added_and_replaced(grown):
    csr = (np.float32([1, 2]), np.array([0, 2]), np.array([0, 1, 2]), (2, 3))
    coo = (np.float32([1, 2]), np.array([[0, 1], [1, 0]]), (2, 2))
    for replace in (False, True):
        with ztensor.Writer(grown, mode="a") as writer:
            writer.add_sparse_csr("csr", *csr, replace=replace)
            writer.add_sparse_coo("coo", *coo, replace=replace)
            writer.add_object("o", (2,), "x.own/1", {"p": np.ones(2)}, {"k": int(replace)}, replace=replace)
    reader = ztensor.open(grown)
    assert reader["csr"].numpy().toarray().tolist() == [[1, 0, 0], [0, 0, 2]]
    assert reader["coo"].numpy().toarray().tolist() == [[0, 1], [2, 0]]
    assert reader["o"].attributes == {"k": 1}
    with ztensor.Writer(grown, mode="a") as writer:
        for add, arguments in (
            (writer.add_sparse_csr, ("csr", *csr)),
            (writer.add_sparse_coo, ("coo", *coo)),
            (writer.add_object, ("o", (2,), "x.own/1", {"p": np.ones(2)})),
            (writer.add_tensor, ("a", np.ones(2))),
        ):
            with pytest.raises(ztensor.UsageError, match="already"):
                add(*arguments)


def test_a_replaced_tensor_has_new_contents_and_the_old_view_old_ones(grown):
    old = ztensor.open(grown)
    view, tensor = old.read_tensor("a"), old["a"]
    with ztensor.Writer(grown, mode="a") as writer:
        writer.add_tensor("a", np.float32([7, 8]), replace=True)
        writer.add_tensor("new", np.ones(1), replace=True)  # nothing to replace
    reader = ztensor.open(grown)
    same_bits(reader.read_tensor("a"), np.float32([7, 8]))
    same_bits(reader.read_tensor("tied"), np.arange(1000.0))
    assert reader["a"].attributes == {}
    same_bits(view, np.arange(1000.0))
    same_bits(tensor.numpy(copy=True), np.arange(1000.0))


def test_the_bytes_that_nothing_uses_are_counted(grown):
    with ztensor.Writer(grown, mode="a") as writer:
        writer.add_tensor("more", np.ones(100_000))
        assert writer.reclaimable == 0
    before = writer.reclaimable
    with ztensor.Writer(grown, mode="a") as writer:
        writer.remove("more")
    assert writer.reclaimable >= before + 800_000
    size = grown.stat().st_size
    assert ztensor.compact(grown).size_after <= size - 800_000


def test_tensors_are_removed(grown):
    view = ztensor.open(grown).read_tensor("a")
    with ztensor.Writer(grown, mode="a") as writer:
        writer.remove("a")
        with pytest.raises(ztensor.TensorNotFoundError):
            writer.remove("a")
        with pytest.raises(ztensor.TensorNotFoundError):
            writer.remove("none")
    reader = ztensor.open(grown)
    assert set(reader) == {"b", "tied"}
    same_bits(reader.read_tensor("tied"), np.arange(1000.0))
    same_bits(view, np.arange(1000.0))


def test_a_name_is_free_again_once_it_is_removed(grown):
    with ztensor.Writer(grown, mode="a") as writer:
        writer.remove("b")
        writer.add_tensor("b", np.ones(2))
    same_bits(ztensor.open(grown).read_tensor("b"), np.ones(2))


def test_attributes_start_as_the_files(grown):
    with ztensor.Writer(grown, mode="a") as writer:
        assert writer.attributes == {"step": 1, "nested": {"a": [1]}}
        writer.attributes["nested"]["a"].append(2)
        writer.attributes["new"] = b"\x00"
        del writer.attributes["step"]
    assert ztensor.open(grown).attributes == {"nested": {"a": [1, 2]}, "new": b"\x00"}
    with ztensor.Writer(grown, mode="a", attributes={"step": 2}) as writer:
        assert set(writer.attributes) == {"nested", "new", "step"}
    assert ztensor.open(grown).attributes == {"nested": {"a": [1, 2]}, "new": b"\x00", "step": 2}
    with ztensor.Writer(grown, mode="a") as writer:
        writer.attributes.clear()
    assert ztensor.open(grown).attributes == {}


def test_attributes_of_a_tensor_are_replaced(grown):
    with ztensor.Writer(grown, mode="a") as writer:
        writer.set_tensor_attributes("a", {"unit": "km", "list": [1, None]})
        writer.set_tensor_attributes("b", {"x": 1})
        with pytest.raises(ztensor.TensorNotFoundError):
            writer.set_tensor_attributes("none", {})
        with pytest.raises(TypeError):
            writer.set_tensor_attributes("a", [1])
    with ztensor.Writer(grown, mode="a") as writer:
        writer.set_tensor_attributes("b", None)
    reader = ztensor.open(grown)
    assert reader["a"].attributes == {"unit": "km", "list": [1, None]}
    assert reader["b"].attributes == {}
    same_bits(reader.read_tensor("a"), np.arange(1000.0))


def test_a_tensor_that_the_file_has_gets_a_second_name(grown):
    with ztensor.Writer(grown, mode="a") as writer:
        writer.add_alias("again", "b")
        writer.add_alias("third", "again")
    reader = ztensor.open(grown)
    assert reader["again"].location == reader["third"].location == reader["b"].location


@pytest.mark.parametrize("leave", ["exception", "abort", "drop", "late"])
def test_what_is_given_up_leaves_every_byte_as_it_was(grown, leave):
    before = grown.read_bytes()
    if leave in ("exception", "late"):
        with pytest.raises(KeyboardInterrupt):
            with ztensor.Writer(grown, mode="a", compress=leave == "late") as writer:
                writer.add_tensor("new", np.random.default_rng(1).random(1_000_000))
                writer.remove("a")
                writer.attributes["x"] = 1
                raise KeyboardInterrupt
    else:
        writer = ztensor.Writer(grown, mode="a")
        writer.add_tensor("new", np.ones(1_000_000))
        if leave == "abort":
            writer.abort()
        del writer
    assert grown.read_bytes() == before
    with ztensor.Writer(grown, mode="a") as writer:  # the lock is gone
        writer.add_tensor("new", np.ones(3))
    assert os.listdir(grown.parent) == ["g.zt"]


def test_wrong_attributes_at_the_end_leave_every_byte_as_it_was(grown):
    before = grown.read_bytes()
    with pytest.raises(TypeError):
        with ztensor.Writer(grown, mode="a") as writer:
            writer.add_tensor("new", np.ones(1_000))
            writer.attributes["x"] = {1, 2}
    writer.abort()
    assert grown.read_bytes() == before


def test_a_second_writer_is_told_at_once(grown):
    with ztensor.Writer(grown, mode="a") as writer:
        with pytest.raises(BlockingIOError) as caught:
            ztensor.Writer(grown, mode="a")
        assert caught.value.errno == errno.EWOULDBLOCK
        assert caught.value.filename == str(grown)
        writer.add_tensor("c", np.ones(3))
    with ztensor.Writer(grown, mode="a") as writer:
        writer.add_tensor("d", np.ones(3))
    assert {"c", "d"} <= set(ztensor.open(grown))


@pytest.mark.parametrize("options", [{"format": "9"}, {"alignment": 1024}, {"checksum": "md5"}, {"canonical": True}])
def test_other_options_than_the_files_are_usage_errors(grown, options):
    before = grown.read_bytes()
    with pytest.raises(ztensor.UsageError):
        ztensor.Writer(grown, mode="a", **options)
    other = "2" if ztensor.open(grown).format == "zt-1.2" else "1.2"
    for options in ({"format": other}, {"format": f"zt-{other}"}, {"max_shard_size": 1 << 20}):
        with pytest.raises(ztensor.UsageError):
            ztensor.Writer(grown, mode="a", **options)
    assert grown.read_bytes() == before


def test_the_files_own_format_and_alignment_may_be_said(grown):
    reader = ztensor.open(grown)
    alignment = {"zt-1.2": 64}.get(reader.format, 65536 if reader["a"].location.offset == 65536 else 4096)
    with ztensor.Writer(grown, mode="a", format=reader.format, alignment=alignment) as writer:
        writer.add_tensor("c", np.ones(3))
    assert ztensor.open(grown)["c"].location.offset % alignment == 0


def test_what_cannot_grow_is_unsupported(tmp_path):
    old = tmp_path / "old.zt"
    with ztensor.Writer(old, format="1.0") as writer:
        writer.add_tensor("t", np.ones(3))
    v01 = tmp_path / "v01.zt"
    v01.write_bytes(b"ZTEN0001\x80" + (1).to_bytes(8, "little"))
    foreign = tmp_path / "f.st"
    foreign.write_bytes((2).to_bytes(8, "little") + b"{}")
    for path in (old, v01, foreign):
        before = path.read_bytes()
        with pytest.raises(ztensor.UnsupportedError, match=path.name):
            ztensor.Writer(path, mode="a")
        assert path.read_bytes() == before


def test_what_is_no_tensor_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"not a tensor file at all, but text of some length")
    with pytest.raises(ztensor.ZTensorError):
        ztensor.Writer(path, mode="a")
    assert path.read_bytes() == b"not a tensor file at all, but text of some length"


@pytest.mark.parametrize("options", [{}, {"format": "2"}])
def test_a_file_that_is_not_there_is_made(tmp_path, options):
    path = tmp_path / "new.zt"
    for name in "abc":
        with ztensor.Writer(path, mode="a", **(options if name == "a" else {})) as writer:
            writer.add_tensor(name, np.ones(2))
            writer.attributes[name] = 1
    reader = ztensor.open(path)
    assert reader.format == f"zt-{options.get('format', '1.2')}"
    assert list(reader) == ["a", "b", "c"] and reader.attributes == {"a": 1, "b": 1, "c": 1}


def test_a_sink_does_not_grow():
    with pytest.raises(ztensor.UsageError):
        ztensor.Writer(io.BytesIO(), mode="a")


def test_only_a_file_that_grows_has_tensors_to_replace_and_remove(tmp_path):
    with ztensor.Writer(tmp_path / "w.zt") as writer:
        writer.add_tensor("t", np.ones(1))
        for use in (
            lambda: writer.add_tensor("t", np.ones(1), replace=True),
            lambda: writer.remove("t"),
            lambda: writer.set_tensor_attributes("t", {"a": 1}),
        ):
            with pytest.raises(ztensor.UsageError, match="new file"):
                use()
        with pytest.raises(TypeError):
            writer.remove(5)


def test_replacing_makes_a_file_that_is_not_there_yet(tmp_path):
    for step in range(3):
        with ztensor.Writer(tmp_path / "w.zt", mode="a") as writer:
            writer.add_tensor("t", np.full(2, step), replace=True)
            with pytest.raises(ztensor.UsageError, match="added already"):
                writer.add_tensor("t", np.ones(1), replace=True)
    assert ztensor.open(tmp_path / "w.zt").read_tensor("t").tolist() == [2, 2]


def test_a_tensor_of_a_reader_is_appended(grown, tmp_path):
    with ztensor.Writer(tmp_path / "other.zt") as writer:
        writer.add_tensor("q", np.arange(12).reshape(3, 4), attributes={"k": "v"})
    other = ztensor.open(tmp_path / "other.zt")
    with ztensor.Writer(grown, mode="a") as writer:
        writer.add_tensor("q", other["q"])
        writer.add_tensor("b", other["q"], replace=True)
    reader = ztensor.open(grown)
    same_bits(reader.read_tensor("b"), np.arange(12).reshape(3, 4))
    assert reader["q"].attributes == reader["b"].attributes == {"k": "v"}


def test_values_that_python_does_not_have_stay_in_a_file_that_grows(tmp_path):
    path = tmp_path / "g.zt"
    with ztensor.Writer(path, attributes={"mark": b"12345678"}) as writer:
        writer.add_tensor("t", np.ones(1))
    tagged = b"\xc1\x471234567"  # has the length of the bytes that it replaces: CBOR's tag 1
    path.write_bytes(path.read_bytes().replace(b"\x4812345678", tagged))
    with ztensor.Writer(path, mode="a") as writer:
        writer.add_tensor("u", np.ones(1))
    assert path.read_bytes().count(tagged) == 2  # in the former manifest and in the new one
    assert set(ztensor.open(path)) == {"t", "u"}
