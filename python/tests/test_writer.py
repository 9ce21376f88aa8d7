"""What a Writer publishes, and when."""

import gc
import io
import os
import warnings

import numpy as np
import pytest

import ztensor


def test_nothing_appears_before_it_is_finalized(tmp_path):
    path = tmp_path / "w.zt"
    writer = ztensor.Writer(path)
    writer.add_tensor("a", np.ones(3))
    assert os.listdir(tmp_path) == []
    writer.finalize()
    assert os.listdir(tmp_path) == ["w.zt"]
    for use in (
        lambda: writer.finalize(),
        lambda: writer.add_tensor("b", np.ones(3)),
        lambda: writer.__enter__(),
    ):
        with pytest.raises(ztensor.UsageError):
            use()
    writer.abort()


@pytest.mark.parametrize("leave", ["exception", "abort", "drop"])
def test_what_is_given_up_leaves_the_target_as_it_was(tmp_path, leave):
    path = tmp_path / "w.zt"
    path.write_bytes(b"before")
    if leave == "exception":
        with pytest.raises(KeyboardInterrupt):
            with ztensor.Writer(path) as writer:
                writer.add_tensor("a", np.ones(3))
                raise KeyboardInterrupt
    else:
        writer = ztensor.Writer(path)
        writer.add_tensor("a", np.ones(3))
        if leave == "abort":
            writer.abort()
            writer.abort()
        del writer
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["w.zt"]


def test_a_writer_that_is_dropped_warns_that_its_tensors_are_lost(tmp_path):
    for target in (tmp_path / "w.zt", io.BytesIO()):
        writer = ztensor.Writer(target)
        writer.add_tensor("a", np.ones(3))
        name = "w.zt" if target is not None and hasattr(target, "parent") else "BytesIO"
        with pytest.warns(ResourceWarning, match=rf"{name}.*: the Writer was dropped.* use `with`"):
            del writer
            gc.collect()
    assert os.listdir(tmp_path) == []


def test_what_is_finished_or_read_is_dropped_without_a_warning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        with ztensor.Writer(tmp_path / "a.zt") as writer:
            writer.add_tensor("a", np.ones(3))
        given_up = ztensor.Writer(tmp_path / "b.zt")
        given_up.abort()
        with pytest.raises(ztensor.UsageError):
            ztensor.Writer(tmp_path / "c.zt", format="none")
        reader = ztensor.open(tmp_path / "a.zt")
        child = ztensor.Writer(tmp_path / "d.zt")
        child._made_by -= 1  # as if a forked child had this object
        del writer, given_up, reader, child
        gc.collect()


def test_mode_x_refuses_a_file_that_exists(tmp_path):
    path = tmp_path / "w.zt"
    with ztensor.Writer(path, mode="x"):
        pass
    with pytest.raises(FileExistsError) as caught:
        ztensor.Writer(path, mode="x")
    assert caught.value.filename == str(path)


def test_a_file_object_is_a_target(tmp_path):
    array = np.arange(3_000_000)
    memory = io.BytesIO()
    with ztensor.Writer(memory, compress=1) as writer:
        writer.add_tensor("a", array)
    assert np.array_equal(ztensor.open(memory).read_tensor("a"), array)
    with (tmp_path / "raw.zt").open("wb", buffering=0) as file, ztensor.Writer(file) as writer:
        writer.add_tensor("a", array)
    assert np.array_equal(ztensor.open(tmp_path / "raw.zt").read_tensor("a"), array)


def test_what_a_file_object_raises_is_raised():
    class Broken(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        with ztensor.Writer(Broken()) as writer:
            writer.add_tensor("a", np.ones(10))


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "r"},
        {"format": "9"},
        {"compress": 23},
        {"compress": 0},
        {"compress": -1},
        {"checksum": "md5"},
        {"alignment": 3},
        {"alignment": 0},
        {"alignment": 1},
        {"alignment": 32},
        {"alignment": -64},
        {"alignment": 1 << 64},
        {"alignment": 4 << 20},
        {"threads": 0},
        {"threads": 1025},
        {"attributes": {"a": 1 << 64}},
    ],
    ids=str,
)
def test_wrong_options_are_usage_errors(tmp_path, options):
    with pytest.raises(ztensor.UsageError):
        ztensor.Writer(tmp_path / "w.zt", **options)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "options",
    [{"compress": "yes"}, {"checksum": 1}, {"attributes": [1]}, {"attributes": {"a": {1}}}, {"limits": {}}],
)
def test_options_of_a_wrong_type_are_type_errors(tmp_path, options):
    with pytest.raises(TypeError):
        ztensor.Writer(tmp_path / "w.zt", **options)
    with pytest.raises(TypeError):
        ztensor.Writer(5)


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 1025, "\ud800", "taken"])
def test_wrong_names_are_usage_errors(tmp_path, name):
    with ztensor.Writer(tmp_path / "w.zt") as writer:
        writer.add_tensor("taken", np.ones(1))
        with pytest.raises(ztensor.UsageError):
            writer.add_tensor(name, np.ones(1))
        with pytest.raises(TypeError):
            writer.add_tensor(5, np.ones(1))


def test_options_of_a_call_go_before_the_writers(tmp_path):
    path = tmp_path / "w.zt"
    with ztensor.Writer(path, compress=True, checksum="none", alignment=4096) as writer:
        writer.add_tensor("plain", np.zeros(100_000), compress=False, checksum="sha256")
        writer.add_tensor("own", np.zeros(100_000))
    reader = ztensor.open(path)
    plain, own = (reader.metadata(name).parts["data"] for name in ("plain", "own"))
    assert (plain.encoding, plain.digest[:7], plain.offset % 4096) == ("raw", "sha256:", 0)
    assert (own.encoding, own.digest, own.offset % 4096) == ("zstd", "", 0)
    assert reader.verify().undigested == ["own"]


def test_attributes_of_every_kind_read_back(tmp_path):
    path = tmp_path / "w.zt"
    attributes = {
        "text": "zażółć \U0001f9e0",
        "int": -5,
        "most": 2**64 - 1,
        "least": -(2**64),
        "float": 0.1,
        "inf": float("inf"),
        "bool": True,
        "none": None,
        "bytes": b"\0\xff",
        "list": [1, [2.5, "x"], {}],
        "dict": {"a": {"b": [None]}},
    }
    with ztensor.Writer(path, attributes=attributes) as writer:
        writer.attributes["late"] = (1, 2)
        writer.attributes["numpy"] = [np.float32(0.5), np.int16(3), np.bool_(True)]
        writer.add_tensor("t", np.ones(1), attributes=attributes)
    reader = ztensor.open(path)
    assert reader.attributes == attributes | {"late": [1, 2], "numpy": [0.5, 3, True]}
    assert reader["t"].attributes == attributes
    assert type(reader.attributes["bool"]) is bool


def test_attributes_that_hold_themselves_are_refused(tmp_path):
    loop = []
    loop.append(loop)
    with pytest.raises(ztensor.UsageError):
        ztensor.Writer(tmp_path / "w.zt", attributes={"loop": loop})


def test_an_alias_is_stored_once(tmp_path):
    path = tmp_path / "w.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("a", np.zeros(100_000))
        writer.add_alias("b", "a")
        with pytest.raises(ztensor.TensorNotFoundError):
            writer.add_alias("c", "z")
    assert path.stat().st_size < 900_000
    assert ztensor.open(path).read_tensor("b").shape == (100_000,)


def test_a_writer_is_not_called_from_its_own_sink(tmp_path):
    class Nosy(io.BytesIO):
        def write(self, data):
            if self.tell() == 0:
                writer.add_tensor("b", np.ones(1))
            return super().write(data)

    with pytest.raises(ztensor.UsageError):
        writer = ztensor.Writer(Nosy())
        writer.add_tensor("a", np.ones(10_000_000))
        writer.finalize()


def test_a_format_is_text(tmp_path):
    with pytest.raises(TypeError, match=r"format must be a str, .*, not int"):
        ztensor.Writer(tmp_path / "w.zt", format=2)
    with ztensor.Writer(tmp_path / "w.zt") as writer:
        writer.add_tensor("a", np.zeros(3))
    with pytest.raises(TypeError, match="format must be a str"):
        ztensor.convert(tmp_path / "w.zt", tmp_path / "out.zt", to=2)
