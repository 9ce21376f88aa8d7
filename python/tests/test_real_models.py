"""Model files that packages ship, compared value for value with what the library of each format reads.

scripts/fetch_models gets the files. ZT_MODELS is their folder, if it is another one than .cache/models. The .npz files
are those of an installed SciPy.
"""

import importlib.machinery
import importlib.util
import os
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from conftest import same_bits

import ztensor

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("ZT_MODELS", ROOT / ".cache" / "models"))
ALONE = "the folder of the tests has no scripts: this is a copy of the tests alone"

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")


def model_files():
    script = ROOT / "scripts" / "fetch_models"
    if not script.is_file():
        return []
    loader = importlib.machinery.SourceFileLoader("fetch_models", str(script))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fetch_models", loader))
    loader.exec_module(module)
    return [path for package in module.packages() for path in package.files(FOLDER)]


def scipy_files():
    found = importlib.util.find_spec("scipy")
    if found is None or found.origin is None:
        return []
    folder = Path(found.origin).parent
    names = ["stats/_sobol_direction_numbers.npz", "special/tests/data/gsl.npz", "linalg/tests/data/carex_6_data.npz"]
    return [folder / name for name in names]


# --- what the library of each format reads: names and arrays ----------------------------------------------------------


def of_safetensors(path):
    from safetensors.numpy import load_file

    return load_file(path)


def of_torch(path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    return flat_tensors(torch.load(path, map_location="cpu", weights_only=True))


def of_torchscript(path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    return flat_tensors(torch.jit.load(path, map_location="cpu").state_dict())


def flat_tensors(value, prefix=""):
    import torch

    if isinstance(value, torch.Tensor):
        return {prefix: array_of(value)}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    found = {}
    for key, one in items:
        found |= flat_tensors(one, f"{prefix}.{key}" if prefix else str(key))
    return found


def array_of(tensor):
    import torch

    tensor = tensor.detach().contiguous()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def of_onnx(path):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    graph = onnx.load(path).graph
    found = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                found[node.output[0]] = onnx.numpy_helper.to_array(attribute.t)
    return found


def of_hdf5(path):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    found = {}

    def take(name, node):
        if isinstance(node, h5py.Dataset):
            found[name] = node[()]

    with h5py.File(path) as file:
        file.visititems(take)
    return found


def of_npz(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def of_npy(path):
    value = np.load(path, allow_pickle=True)
    return flat_arrays(value.item()) if value.dtype == object else {"data": value}


def flat_arrays(value, prefix=""):
    if isinstance(value, np.ndarray) and value.dtype != object:
        return {prefix: value}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    found = {}
    for key, one in items:
        found |= flat_arrays(one, f"{prefix}.{key}" if prefix else str(key))
    return found


def of_gguf(path):
    gguf = pytest.importorskip("gguf", reason="gguf is not installed")
    return {tensor.name: tensor.data for tensor in gguf.GGUFReader(path).tensors}


READERS = {  # ending -> the name of the format, and its library
    ".safetensors": ("safetensors", of_safetensors),
    ".pt": ("pt", of_torch),
    ".pth": ("pt", of_torch),
    ".jit": ("pt", of_torchscript),
    ".onnx": ("onnx", of_onnx),
    ".h5": ("hdf5", of_hdf5),
    ".npz": ("npz", of_npz),
    ".npy": ("npy", of_npy),
    ".gguf": ("gguf", of_gguf),
}
FILES = model_files() + scipy_files()


def is_read(format):
    """Whether this build reads a format: then it is one that an input may be said to have."""
    if format == "hdf5":
        return importlib.util.find_spec("h5py") is not None
    with pytest.raises((ztensor.UsageError, OSError)) as caught:
        ztensor.convert("no such file", "no such output.zt", from_=format)
    return "no format is named" not in str(caught.value)


def opened(path):
    if not path.is_file():
        pytest.skip(f"{path.name} is not there: scripts/fetch_models gets the model files")
    format = READERS[path.suffix][0]
    if not is_read(format):
        pytest.skip(f"{path.name}: this build does not read {format}")
    return ztensor.open(path)


def is_vocabulary(path):
    return path.name.startswith("ggml-vocab-")


@pytest.mark.skipif(not FILES, reason=ALONE)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_model_file_has_the_tensors_that_its_library_reads(path):
    reader = opened(path)
    wanted = READERS[path.suffix][1](path)
    assert wanted or is_vocabulary(path)
    assert set(wanted) <= set(reader)
    for name, array in wanted.items():
        plain = np.asarray(array)
        same_bits(reader[name].numpy(), plain.astype(plain.dtype.newbyteorder("<")))


@pytest.mark.skipif(not FILES, reason=ALONE)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_model_file_converts_to_the_same_tensors(path, tmp_path):
    reader = opened(path)
    done = ztensor.convert(path, tmp_path / "m.zt", skip_unreadable=True)
    assert done.tensors + len(done.skipped) == len(set(reader) | set(reader.unreadable))
    report = ztensor.diff(path, tmp_path / "m.zt")
    assert {name for name, _ in report.findings} <= set(reader.unreadable)
    lost = [one for one in report.differences if one.kind != "attribute" and one.tensor not in reader.unreadable]
    assert lost == []


@pytest.mark.parametrize("path", [path for path in FILES if is_vocabulary(path)], ids=lambda path: path.name)
def test_a_vocabulary_has_the_metadata_that_its_library_reads(path):
    reader = opened(path)
    gguf = pytest.importorskip("gguf", reason="gguf is not installed")
    fields = gguf.GGUFReader(path).fields
    wanted = {name: field.contents() for name, field in fields.items() if not name.startswith("GGUF.")}
    found = {name: value for name, value in reader.attributes.items() if not name.startswith("ztensor.")}
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert found[name] == value, name


def test_the_attributes_of_a_keras_file_are_those_that_h5py_reads():
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    path = next((path for path in FILES if path.suffix == ".h5" and path.is_file()), None)
    if path is None:
        pytest.skip("no .h5 file is there: scripts/fetch_models gets the model files")
    attributes = ztensor.open(path).attributes
    with h5py.File(path) as file:
        assert set(file.attrs) <= set(attributes)
        for key, value in file.attrs.items():
            assert attributes[key] == (value.decode() if isinstance(value, bytes) else value), key
        layers = file["model_weights"].attrs["layer_names"]
        assert attributes["model_weights.layer_names"] == [name.decode() for name in layers]
