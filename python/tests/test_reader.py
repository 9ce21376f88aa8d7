"""A Reader as a mapping, and the metadata of a file."""

import copy
import gc
import inspect
import io
import json
import operator
import os
import pickle
import shutil
from collections.abc import Mapping

import numpy as np
import pytest

import ztensor


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.zt"
    with ztensor.Writer(path, attributes={"license": "MIT"}) as writer:
        writer.add_tensor("b", np.zeros((2, 3), np.float32), attributes={"layer": 1})
        writer.add_tensor("a", np.arange(4))
        writer.add_alias("tied", "b")
        writer.add_object(
            "q", (2, 4), "quantized_group", {"packed": np.arange(4, dtype=np.uint8), "scales": np.ones(2)}
        )
    return path


def test_it_is_a_mapping_in_the_files_order(path):
    reader = ztensor.Reader(path)
    assert isinstance(reader, Mapping)
    assert list(reader) == list(reader.keys()) == reader.tensor_names == ["b", "a", "tied", "q"]
    assert len(reader) == 4
    assert [tensor.name for tensor in reader.values()] == list(reader)
    assert all(name == tensor.name for name, tensor in reader.items())
    assert "a" in reader
    assert "z" not in reader
    assert 5 not in reader
    assert "\ud800" not in reader
    assert reader.get("z") is None
    assert reader.get("z", 1) == 1
    assert reader == reader
    assert reader != ztensor.Reader(path)
    assert len({reader, ztensor.Reader(path)}) == 2
    with pytest.raises(TypeError):
        reader[5]


def test_a_reader_of_no_tensors_is_true(tmp_path):
    with ztensor.Writer(tmp_path / "none.zt"):
        pass
    reader = ztensor.Reader(tmp_path / "none.zt")
    assert reader
    assert len(reader) == 0
    assert reader.read_tensors() == {}
    assert reader.verify() == ([], [], [])


def test_metadata_is_there_without_reading(path):
    reader = ztensor.open(path)
    assert reader.format == "zt-1.2"
    assert reader.attributes == {"license": "MIT"}
    assert reader.paths == [str(path)]
    assert reader.unreadable == {}
    assert reader.notes == []
    tensor = reader["b"]
    assert (tensor.shape, tensor.ndim, tensor.size, tensor.nbytes) == ((2, 3), 2, 6, 24)
    assert (tensor.dtype, tensor.dtype_name, tensor.layout) == (np.dtype("float32"), "float32", "dense")
    assert tensor.attributes == {"layer": 1}
    assert tensor.location.path == str(path)
    assert tensor.location.offset % 64 == 0
    assert tensor.location.length == 24
    metadata = reader.metadata("b")
    assert metadata.shape == (2, 3)
    assert metadata.dtype == "float32"
    assert metadata.parts["data"].encoding == "raw"
    assert metadata.parts["data"].digest.startswith("crc32c:")
    assert reader["tied"].location == tensor.location
    assert "float32" in repr(tensor)
    assert "4 tensors" in repr(reader)
    with pytest.raises(KeyError):
        reader.metadata("z")


def test_an_unknown_layout_is_listed_and_its_parts_are_read(path):
    reader = ztensor.open(path)
    tensor = reader["q"]
    assert tensor.layout == "quantized_group"
    assert list(tensor.parts) == ["packed", "scales"]
    assert tensor.parts["packed"].tolist() == [0, 1, 2, 3]
    assert tensor.parts["scales"].dtype == np.float64
    assert tensor.location is None
    assert reader.metadata("q").dtype is None
    with pytest.raises(KeyError):
        tensor.parts["zeros"]
    with pytest.raises(ztensor.UnsupportedError):
        reader.read_tensor("q")
    with pytest.raises(ztensor.UnsupportedError):
        tensor.dtype  # noqa: B018


def test_a_closed_reader_lets_go_of_its_file(path):
    def is_open():
        links = [os.path.join("/proc/self/fd", descriptor) for descriptor in os.listdir("/proc/self/fd")]
        return any(os.path.exists(link) and os.path.samefile(link, path) for link in links)

    reader = ztensor.open(path)
    tensor = reader["a"]
    tensor.numpy(copy=True)
    assert is_open()
    reader.close()
    assert not is_open()
    with pytest.raises(ztensor.UsageError, match="the reader is closed"):
        tensor.numpy()
    with pytest.raises(ztensor.UsageError, match="the reader is closed"):
        with ztensor.Writer(io.BytesIO()) as writer:
            writer.add_tensor("a", tensor)


def test_a_tensor_outlives_the_variable_of_its_reader(path):
    tensor = ztensor.open(path)["a"]
    parts = tensor.parts
    gc.collect()
    assert tensor.numpy().tolist() == [0, 1, 2, 3]
    del tensor
    assert parts["data"].tolist() == [0, 1, 2, 3]


def test_a_closed_reader_is_a_usage_error(path):
    reader = ztensor.open(path)
    tensor = reader["a"]
    view = tensor.numpy()
    with reader:
        pass
    reader.close()
    for use in (
        lambda: reader["a"],
        lambda: list(reader),
        lambda: len(reader),
        lambda: "a" in reader,
        lambda: reader.attributes,
        lambda: tensor.shape,
        lambda: tensor[0],
        lambda: reader.__enter__(),
        lambda: pickle.dumps(reader),
    ):
        with pytest.raises(ztensor.UsageError):
            use()
    assert view.tolist() == [0, 1, 2, 3]
    assert "closed" in repr(reader)
    assert "closed" in repr(tensor)


def test_it_pickles_by_path(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reader = ztensor.Reader("model.zt", verify=True, threads=2)
    data = pickle.dumps(reader)
    monkeypatch.chdir("/")
    again = pickle.loads(data)
    assert again.read_tensor("a").tolist() == [0, 1, 2, 3]
    assert copy.copy(reader).tensor_names == reader.tensor_names
    shutil.copy(path, tmp_path / "kept")
    with ztensor.Writer(path) as writer:
        writer.add_tensor("b", np.ones((2, 3), np.float32))
    with pytest.raises(ztensor.FormatError) as caught:
        pickle.loads(data)
    assert caught.value.rule == "python.pickle.changed"
    with pytest.raises(TypeError):
        pickle.dumps(ztensor.Reader(path.read_bytes()))


def test_info_and_verify_take_a_path(path):
    found = ztensor.info(path)
    assert found["format"] == "zt-1.2"
    assert [tensor["name"] for tensor in found["tensors"]] == ["b", "a", "tied", "q"]
    verified = ztensor.verify(path)
    assert verified.checked == ["b", "a", "tied", "q"]
    assert ztensor.verify(path, ["a"]).checked == ["a"]
    with pytest.raises(KeyError):
        ztensor.verify(path, ["z"])


def test_verify_and_info_take_a_list_of_files_as_open_does(path, tmp_path):
    with ztensor.Writer(tmp_path / "more.zt") as writer:
        writer.add_tensor("c", np.ones(3))
    assert ztensor.verify([path, tmp_path / "more.zt"]).checked == ["b", "a", "tied", "q", "c"]
    assert [tensor["name"] for tensor in ztensor.info((path, tmp_path / "more.zt"))["tensors"]][-1] == "c"
    with pytest.raises(ztensor.FormatError, match=r"is in both .*: if they are different models, open one of them"):
        ztensor.verify([path, path])
    with pytest.raises(ztensor.UsageError, match="give at least one path"):
        ztensor.verify([])


def test_attributes_refuse_changes_and_are_a_dict_otherwise(path):
    reader = ztensor.open(path)
    for found in (reader.attributes, reader["b"].attributes, reader.metadata("b").attributes):
        plain = dict(found)
        for change in (
            lambda found=found: found.__setitem__("x", 1),
            lambda found=found: found.__delitem__(next(iter(found))),
            lambda found=found: found.update(x=1),
            lambda found=found: found.setdefault("x", 1),
            lambda found=found: found.pop("license", None),
            lambda found=found: found.popitem(),
            lambda found=found: found.clear(),
            lambda found=found: operator.ior(found, {"x": 1}),
        ):
            with pytest.raises(TypeError, match=r"cannot be changed: copy them with dict\(\).*ztensor.set\(\)"):
                change()
        assert isinstance(found, dict) and found == plain and repr(found) == repr(plain)
        assert json.dumps(found) == json.dumps(plain) and {**found} == plain
        for copied in (
            found.copy(),
            found | {},
            copy.copy(found),
            copy.deepcopy(found),
            pickle.loads(pickle.dumps(found)),
        ):
            assert type(copied) is dict and copied == plain
    with ztensor.Writer(io.BytesIO(), attributes=reader.attributes) as writer:
        writer.attributes["step"] = 1  # a Writer's are the caller's to change


def test_files_are_converted_and_merged(path, tmp_path):
    told = []
    done = ztensor.convert(path, tmp_path / "z.zt", compress=True, exclude=["q"], progress=lambda *n: told.append(n))
    assert done.tensors == 3
    assert ztensor.open(tmp_path / "z.zt").tensor_names == ["b", "a", "tied"]
    with ztensor.Writer(tmp_path / "more.zt") as writer:
        writer.add_tensor("c", np.ones(3))
    assert ztensor.merge([tmp_path / "z.zt", tmp_path / "more.zt"], tmp_path / "m.zt").tensors == 4
    with pytest.raises(FileExistsError):
        ztensor.convert(path, tmp_path / "m.zt")
    ztensor.convert(path, tmp_path / "m.zt", force=True)
    with pytest.raises(ztensor.UsageError):
        ztensor.merge([path, tmp_path / "z.zt"], tmp_path / "n.zt")


def test_the_functions_spell_out_their_options(path, tmp_path):
    for call in (ztensor.convert, ztensor.merge, ztensor.verify, ztensor.info, ztensor.open):
        kinds = [parameter.kind for parameter in inspect.signature(call).parameters.values()]
        assert inspect.Parameter.VAR_KEYWORD not in kinds
    convert, merge = (list(inspect.signature(f).parameters.values())[1:] for f in (ztensor.convert, ztensor.merge))
    assert convert == merge
    with pytest.raises(TypeError):
        ztensor.merge(path, tmp_path / "m.zt")
    assert ztensor.verify(path, backend="read", threads=1).checked == ["b", "a", "tied", "q"]
    with pytest.raises(ztensor.LimitError):
        ztensor.info(path, limits=ztensor.Limits(index_bytes=4))


@pytest.mark.parametrize("alignment", [0, 3, 32, -64, 1 << 64])
def test_a_wrong_alignment_is_refused_in_the_same_words_everywhere(path, tmp_path, alignment):
    words = f"alignment {alignment}: expected a power of two from 64 to 2097152"
    for use in (
        lambda: ztensor.Writer(tmp_path / "w.zt", alignment=alignment),
        lambda: ztensor.convert(path, tmp_path / "w.zt", alignment=alignment),
        lambda: ztensor.merge([path], tmp_path / "w.zt", alignment=alignment),
    ):
        with pytest.raises(ztensor.UsageError, match=words):
            use()
