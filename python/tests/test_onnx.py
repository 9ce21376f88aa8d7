"""ONNX models that the onnx package writes: each value as onnx.numpy_helper reads it."""

import os
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import ztensor

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
helper = onnx.helper
numpy_helper = onnx.numpy_helper
TensorProto = onnx.TensorProto

KNOWN = 26  # onnx has more types since: they are listed as unreadable
TYPES = [
    word for word, number in TensorProto.DataType.items() if word not in ("UNDEFINED", "STRING") and number <= KNOWN
]
SMALL = {"UINT4": 4, "INT4": 4, "UINT2": 2, "INT2": 2}


def values(word: str, count: int) -> Any:
    """Elements of a type that differ from one another, as far as the type lets them."""
    dtype = helper.tensor_dtype_to_np_dtype(getattr(TensorProto, word))
    numbers = np.arange(count) % 7
    if word == "FLOAT8E8M0":
        return (2.0**numbers).astype(dtype)
    if word.startswith(("U", "BOOL")):
        return (numbers % (2 if word == "BOOL" else 4)).astype(dtype)
    if word in SMALL:
        return (numbers % 4 - 2).astype(dtype)
    if word.startswith("COMPLEX"):
        return (numbers - 3 + 1j * numbers).astype(dtype)
    return (numbers - 3).astype(dtype)


def model_of(initializers: list[Any], nodes: list[Any] | None = None, **more: Any) -> Any:
    nodes = nodes or [helper.make_node("Identity", ["x"], ["y"])]
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "graph", info[:1], info[1:], initializers)
    for name in more.pop("sparse", []):
        graph.sparse_initializer.append(name)
    return helper.make_model(graph, **more)


def save(model: Any, path: Path) -> ztensor.Reader:
    path.write_bytes(model.SerializeToString())
    return ztensor.open(path)


def bits(array: Any) -> bytes:
    """The bytes of an array, one byte for each small element."""
    return np.ascontiguousarray(array).view(np.uint8 if array.dtype.itemsize == 1 else array.dtype).tobytes()


def unpacked(part: np.ndarray[Any, Any], width: int, signed: bool, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """The elements of a layout onnx.*/1."""
    per_byte = 8 // width
    fields = (part[:, None] >> (width * np.arange(per_byte, dtype=np.uint8))) & ((1 << width) - 1)
    flat = fields.reshape(-1)[: int(np.prod(shape))].astype(np.int8)
    if signed:
        flat = np.where(flat >= 1 << (width - 1), flat - (1 << width), flat).astype(np.int8)
    return flat.reshape(shape)


def check(reader: ztensor.Reader, tensor: Any) -> None:
    expected = numpy_helper.to_array(tensor)
    word = TensorProto.DataType.Name(tensor.data_type)
    found = reader[tensor.name]
    assert found.shape == expected.shape
    if word in SMALL:
        assert found.layout == f"onnx.{word.lower()}/1"
        part = reader[tensor.name].parts["data"]
        assert np.array_equal(
            unpacked(part, SMALL[word], not word.startswith("U"), expected.shape), expected.astype(np.int8)
        )
        return
    array = reader.read_tensor(tensor.name)
    assert array.dtype == expected.dtype
    assert bits(array) == bits(expected)


@pytest.mark.parametrize("word", TYPES)
@pytest.mark.parametrize("form", ["raw", "typed"])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (), (0, 4)])
def test_each_type_is_read_as_onnx_reads_it(tmp_path: Path, word: str, form: str, shape: tuple[int, ...]) -> None:
    array = values(word, int(np.prod(shape))).reshape(shape)
    if form == "raw":
        tensor = numpy_helper.from_array(array, "w")
    else:
        tensor = helper.make_tensor("w", getattr(TensorProto, word), shape, array.reshape(-1).tolist())
    assert form == "typed" or tensor.HasField("raw_data")
    check(save(model_of([tensor]), tmp_path / "m.onnx"), tensor)


def test_strings_and_unknown_types_are_listed_and_hide_nothing(tmp_path: Path) -> None:
    text = helper.make_tensor("s", TensorProto.STRING, [2], [b"a", b"b"])
    later = helper.make_tensor("t", TensorProto.UINT8, [2], [1, 2])
    later.data_type = KNOWN + 1
    good = numpy_helper.from_array(np.arange(3), "w")
    reader = save(model_of([text, later, good]), tmp_path / "m.onnx")
    assert reader.tensor_names == ["s", "t", "w"]
    assert sorted(reader.unreadable) == ["s", "t"]
    with pytest.raises(ztensor.UnsupportedError, match="strings"):
        reader.read_tensor("s")
    check(reader, good)


def test_a_model_is_recognized_without_its_name(tmp_path: Path) -> None:
    model = model_of([numpy_helper.from_array(np.arange(3), "w")])
    for producer in ("", "pytorch"):
        model.producer_name = producer
        assert save(model, tmp_path / "model.bin").format == "onnx"


@pytest.mark.parametrize("one_file", [True, False])
def test_external_data_are_mapped_from_beside_the_model(tmp_path: Path, one_file: bool) -> None:
    rng = np.random.default_rng(1)
    arrays = {f"w{i}": rng.standard_normal((64, 64)).astype(np.float32) for i in range(3)}
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    path = tmp_path / "m.onnx"
    onnx.save_model(
        model_of(tensors),
        path,
        save_as_external_data=True,
        all_tensors_to_one_file=one_file,
        location="weights.bin" if one_file else None,
        size_threshold=0,
    )
    reader = ztensor.open(path)
    for name, array in arrays.items():
        assert np.array_equal(reader.read_tensor(name), array)
        location = reader[name].location
        assert location is not None and location.path is not None
        assert Path(location.path).name == ("weights.bin" if one_file else name)
        assert not reader.read_tensor(name).flags.owndata
    assert len(reader.paths) == (2 if one_file else 4)
    ztensor.convert(path, tmp_path / "m.zt")
    (tmp_path / "weights.bin").unlink(missing_ok=True)
    with ztensor.open(tmp_path / "m.zt") as copy:
        assert all(np.array_equal(copy.read_tensor(name), array) for name, array in arrays.items())


def external(path: Path, location: str, link: str | None = None) -> ztensor.Reader:
    """A model with two tensors, of which "w" is in another file."""
    tensor = numpy_helper.from_array(np.arange(4, dtype=np.uint8), "w")
    onnx.external_data_helper.set_external_data(tensor, location, offset=0, length=4)
    tensor.ClearField("raw_data")
    return save(model_of([tensor, numpy_helper.from_array(np.arange(3), "good")]), path)


def test_a_model_reads_nothing_outside_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"1234")
    (folder / "plain.bin").write_bytes(b"1234")
    (folder / "link.bin").symlink_to("../secret")
    (folder / "inner.bin").symlink_to("plain.bin")
    (folder / "up").symlink_to("..")
    os.link(tmp_path / "secret", folder / "hard.bin")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "fifo")
    for location in ("../secret", str(tmp_path / "secret"), "link.bin", "inner.bin", "up/secret", "hard.bin", "folder"):
        reader = external(folder / "m.onnx", location)
        with pytest.raises(ztensor.RefusedError, match="w"):
            reader.read_tensor("w")
        assert reader.read_tensor("good").tolist() == [0, 1, 2]
    for location in ("fifo", "m.onnx"):
        with pytest.raises(ztensor.RefusedError):
            external(folder / "m.onnx", location).read_tensor("w")
    assert external(folder / "m.onnx", "plain.bin").read_tensor("w").tobytes() == b"1234"


def test_a_missing_or_short_file_of_external_data_is_named(tmp_path: Path) -> None:
    reader = external(tmp_path / "m.onnx", "data.bin")
    with pytest.raises(OSError, match=r"data\.bin"):
        reader.read_tensor("w")
    (tmp_path / "data.bin").write_bytes(b"123")
    with pytest.raises(ztensor.FormatError, match=r"data\.bin.*run past the end"):
        reader.read_tensor("w")


def test_a_download_cache_is_followed_to_its_blobs(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--a--b" / "snapshots" / "0123"
    blobs = tmp_path / "models--a--b" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (blobs / ("d" * 64)).write_bytes(b"1234")
    (snapshot / "data.bin").symlink_to(f"../../blobs/{'d' * 64}")
    external(blobs / ("e" * 40), "data.bin")
    (snapshot / "m.onnx").symlink_to(f"../../blobs/{'e' * 40}")
    with ztensor.open(snapshot / "m.onnx") as reader:
        assert reader.read_tensor("w").tobytes() == b"1234"
    (tmp_path / "linked.onnx").symlink_to(snapshot / "m.onnx")
    with ztensor.open(tmp_path / "linked.onnx") as reader:
        assert reader.read_tensor("w").tobytes() == b"1234"
        assert np.array_equal(reader.read_tensor("good"), np.arange(3))


def test_constants_branches_and_functions_have_paths(tmp_path: Path) -> None:
    arrays = {name: np.full(3, i, np.float32) for i, name in enumerate(("main", "inner", "deep", "body"))}
    tensors = {name: numpy_helper.from_array(array, name) for name, array in arrays.items()}
    out = helper.make_tensor_value_info("o", TensorProto.FLOAT, [3])
    deep = helper.make_graph([helper.make_node("Identity", ["deep"], ["o"])], "d", [], [out], [tensors["deep"]])
    loop = helper.make_node("Loop", ["n", "c"], ["o2"], name="loop", body=deep)
    branch = helper.make_graph(
        [loop, helper.make_node("Identity", ["inner"], ["o"])], "b", [], [out], [tensors["inner"]]
    )
    constant = helper.make_node("Constant", [], ["main"], value=tensors["main"])
    nodes = [constant, helper.make_node("If", ["c"], ["y"], name="if", then_branch=branch, else_branch=branch)]
    scalars = [
        helper.make_node("Constant", [], ["i"], value_int=3),
        helper.make_node("Constant", [], ["f"], value_floats=[1.0]),
    ]
    in_function = helper.make_node("Constant", [], ["body"], value=tensors["body"])
    function = helper.make_function("my.domain", "F", [], ["body"], [in_function], [helper.make_opsetid("", 17)])
    model = model_of([], nodes + scalars, functions=[function])
    reader = save(model, tmp_path / "m.onnx")
    expected = {"main": arrays["main"], "functions/my.domain:F/body": arrays["body"]}
    for arm in ("then_branch", "else_branch"):
        expected |= {f"if/{arm}/loop/body/deep": arrays["deep"], f"if/{arm}/inner": arrays["inner"]}
    assert set(reader.tensor_names) == set(expected)
    for name, array in expected.items():
        assert np.array_equal(reader.read_tensor(name), array), name


@pytest.mark.parametrize("linear", [True, False])
def test_sparse_initializers_are_coordinates(tmp_path: Path, linear: bool) -> None:
    dense = np.zeros((4, 5), np.float32)
    dense[0, 1], dense[2, 4], dense[3, 0] = 1, 2, 3
    places = np.argwhere(dense)
    indices = np.ravel_multi_index(tuple(places.T), dense.shape) if linear else places
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(dense[dense != 0], "w"), numpy_helper.from_array(indices.astype(np.int64)), dense.shape
    )
    reader = save(model_of([], sparse=[sparse]), tmp_path / "m.onnx")
    assert reader["w"].layout == "sparse_coo"
    coo = reader.read_tensor("w")
    assert np.array_equal(coo.toarray() if hasattr(coo, "toarray") else coo.todense(), dense)
    for target in ("1.2", "1.0", "2"):
        ztensor.convert(tmp_path / "m.onnx", tmp_path / "m.zt", to=target, force=True, lossy=target == "1.0")
        with ztensor.open(tmp_path / "m.zt") as copy:
            assert np.array_equal(copy.read_tensor("w").toarray(), dense)


def test_metadata_become_attributes(tmp_path: Path) -> None:
    tensor = numpy_helper.from_array(np.arange(3), "w")
    tensor.doc_string = "three numbers"
    model = model_of([tensor], producer_name="me", producer_version="1", doc_string="a model")
    model.model_version = -5
    helper.set_model_props(model, {"author": "a", "Größe": "klein"})
    reader = save(model, tmp_path / "m.onnx")
    assert reader.attributes == {
        "ir_version": model.ir_version,
        "producer_name": "me",
        "producer_version": "1",
        "model_version": -5,
        "doc_string": "a model",
        "graph_name": "graph",
        "opset_import": {"ai.onnx": model.opset_import[0].version},
        "author": "a",
        "Größe": "klein",
    }
    assert reader["w"].attributes == {"doc_string": "three numbers"}


def test_typed_numbers_are_in_no_file_and_are_read_all_the_same(tmp_path: Path) -> None:
    tensor = helper.make_tensor("w", TensorProto.INT64, [3], [1, -2, 3])
    reader = save(model_of([tensor]), tmp_path / "m.onnx")
    assert reader["w"].location is None
    assert reader.read_tensor("w").tolist() == [1, -2, 3]
    assert reader["w"][1:].tolist() == [-2, 3]
    assert reader.read_tensors(["w"])["w"].tolist() == [1, -2, 3]
    reader["w"].verify()
    info = ztensor.info(tmp_path / "m.onnx")
    assert info["tensors"][0]["parts"][0]["offset"] is None


def test_small_integers_keep_their_layout_in_a_zt_file(tmp_path: Path) -> None:
    tensor = helper.make_tensor("w", TensorProto.INT4, [5], [-8, 7, 0, 1, -1])
    save(model_of([tensor]), tmp_path / "m.onnx").close()
    ztensor.convert(tmp_path / "m.onnx", tmp_path / "m.zt")
    with ztensor.open(tmp_path / "m.zt") as copy:
        assert copy["w"].layout == "onnx.int4/1"
        assert copy["w"].shape == (5,)
        assert copy["w"].parts["data"].tobytes() == b"\x78\x10\x0f"


def test_ml_dtypes_are_those_of_onnx() -> None:
    assert helper.tensor_dtype_to_np_dtype(TensorProto.BFLOAT16) == np.dtype(ml_dtypes.bfloat16)
