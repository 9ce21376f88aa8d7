"""Pickles, compared with what NumPy and joblib read from them."""

from __future__ import annotations

import argparse
import collections
import os
import pickle
import pickletools
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
from conftest import ALL_DTYPES, numpy_dtype, same_bits, sample

import ztensor

PROTOCOLS = range(6)


class Model:
    """A class that only this test knows."""


def save(path, value, protocol=pickle.DEFAULT_PROTOCOL):
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def expect(path, arrays):
    with ztensor.open(path) as reader:
        assert reader.format == "pickle"
        assert list(reader) == list(arrays)
        for name, array in arrays.items():
            same_bits(reader[name].numpy(), array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", [name for name in ALL_DTYPES if name != "float4_e2m1fn"])
def test_every_dtype_of_every_protocol(tmp_path, protocol, dtype):
    arrays = {"a": sample(dtype, (3, 5)), "empty": sample(dtype, (0, 3)), "scalar": sample(dtype, ())}
    expect(save(tmp_path / "a.pkl", arrays, protocol), arrays)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_orders_of_bytes_and_axes(tmp_path, protocol):
    base = np.arange(24, dtype="f4").reshape(2, 3, 4)
    stored = {
        "fortran": np.asfortranarray(base),
        "transposed": base.transpose(1, 0, 2),
        "big": base.astype(">f4"),
        "big_fortran": np.asfortranarray(base.astype(">f8")),
        "big_complex": base.astype(">c8"),
        "slice": base[:, ::2, ::-1],
    }
    path = save(tmp_path / "a.pkl", stored, protocol)
    loaded = pickle.loads(path.read_bytes())
    expect(path, {name: array.astype(array.dtype.newbyteorder("=")) for name, array in loaded.items()})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nested_containers_are_named_with_dots(tmp_path, protocol):
    a, b = np.arange(4.0), np.ones(2, "i2")
    value = {
        "layers": [a, {"w": b, 7: a}],
        "ordered": collections.OrderedDict(x=b, y=collections.defaultdict(list, z=a)),
        "pair": (b,),
    }
    names = {
        "layers.0": a,
        "layers.1.w": b,
        "layers.1.7": a,
        "ordered.x": b,
        "ordered.y.z": a,
        "pair.0": b,
    }
    path = save(tmp_path / "a.pkl", value, protocol)
    expect(path, names)
    with ztensor.open(path) as reader:
        assert reader.attributes["ztensor.structure"] == {
            "": "dict",
            "layers": "list",
            "layers.1": "dict of integers",
            "ordered": "OrderedDict",
            "ordered.y": "defaultdict",
            "pair": "tuple",
        }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_values_are_attributes(tmp_path, protocol):
    plain = {
        "epoch": 7,
        "negative": -(2**40),
        "large": 2**63,
        "rate": 1e-3,
        "text": "zwölf",
        "none": None,
        "flag": True,
        "bytes": b"\xff\x00",
        "config": {"betas": [0.9, 0.99], "names": ["a", "b"]},
        "float32": np.float32(1.5),
        "int64": np.int64(-3),
        "bool_": np.bool_(True),
        "half": np.float16(0.5),
        "bfloat16": ml_dtypes.bfloat16(2.5),
    }
    path = save(tmp_path / "a.pkl", {"w": np.ones(2), **plain}, protocol)
    with ztensor.open(path) as reader:
        found = dict(reader.attributes)
        assert list(reader) == ["w"]
    assert found == plain
    assert [type(value) for value in found.values()] == [
        type(value.item()) if isinstance(value, np.generic) else type(value) for value in plain.values()
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_unknown_objects_are_never_made(tmp_path, protocol):
    model = Model()
    model.weight = np.ones(3)
    value = {"w": np.ones(2), "args": argparse.Namespace(lr=0.1), "model": model}
    with pytest.warns(UserWarning, match="left out"):
        opened = ztensor.open(save(tmp_path / "a.pkl", value, protocol))
    with opened as reader:
        assert list(reader) == ["w", "model.weight"]
        same_bits(reader["w"].numpy(), np.ones(2))
        with pytest.raises(ztensor.UnsupportedError, match="Model"):
            reader["model.weight"].numpy()
        assert reader.attributes["ztensor.pickle.objects"] == ["argparse.Namespace", f"{__name__}.Model"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_array_is_named_data(tmp_path, protocol):
    expect(save(tmp_path / "a.pickle", np.arange(5), protocol), {"data": np.arange(5)})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_array_with_several_names_is_stored_once(tmp_path, protocol):
    array = np.arange(1000.0)
    path = save(tmp_path / "a.pkl", {"a": array, "b": array, "c": [array]}, protocol)
    expect(path, {"a": array, "b": array, "c.0": array})
    ztensor.convert(path, tmp_path / "a.zt")
    assert (tmp_path / "a.zt").stat().st_size < 2 * array.nbytes


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_without_a_dtype_of_ours_hide_nothing(tmp_path, protocol):
    value = {
        "text": np.array(["a", "bc"]),
        "bytes": np.array([b"a"]),
        "objects": np.array([1, "x"], object),
        "record": np.zeros(2, [("a", "f4")]),
        "date": np.array(["2026-01-01"], "M8[D]"),
        "long": np.zeros(2, "g"),
        "w": np.ones(2),
    }
    with ztensor.open(save(tmp_path / "a.pkl", value, protocol)) as reader:
        assert list(reader) == list(value)
        same_bits(reader["w"].numpy(), np.ones(2))
        for name in set(value) - {"w"}:
            with pytest.raises(ztensor.UnsupportedError):
                reader[name].numpy()


def test_large_arrays_are_mapped(tmp_path):
    array = np.arange(1 << 18, dtype="u1")
    path = save(tmp_path / "a.pkl", {"a": array}, 4)
    with ztensor.open(path) as reader:
        same_bits(reader["a"].numpy(), array)
        assert path.read_bytes().find(array.tobytes()) == reader["a"].location.offset


def test_optimized_pickles_are_read(tmp_path):
    value = {"a": np.arange(3), "b": np.arange(4)}
    path = tmp_path / "a.pkl"
    for protocol in PROTOCOLS:
        path.write_bytes(pickletools.optimize(pickle.dumps(value, protocol)))
        expect(path, value)


class Evil:
    def __reduce__(self):
        return (eval, ("1/0",))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_code_refuses_the_file(tmp_path, protocol):
    path = save(tmp_path / "a.pkl", {"w": np.ones(2), "x": Evil()}, protocol)
    with pytest.raises(ztensor.RefusedError, match="eval"):
        ztensor.open(path)


def test_compressed_pickles_are_named(tmp_path):
    gzip = pytest.importorskip("gzip")
    path = tmp_path / "a.pkl"
    path.write_bytes(gzip.compress(pickle.dumps({"w": np.ones(2)})))
    with pytest.raises(ztensor.UnsupportedError, match="gzip"):
        ztensor.open(path)


def test_joblib_files(tmp_path):
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    value = {
        "a": np.arange(6, dtype="f4").reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(3, dtype=">i4"),
        "empty": np.zeros((0, 2)),
        "scalar": np.array(1.5),
        "objects": np.array([1, "x"], object),
        "text": np.array(["abc", "d"]),
        "bfloat16": np.ones(3, ml_dtypes.bfloat16),
        "last": np.arange(5),
        "plain": 3,
    }
    path = tmp_path / "a.joblib"
    joblib.dump(value, path)
    with ztensor.open(path) as reader:
        assert list(reader) == [name for name in value if name != "plain"]
        for name in set(reader) - {"objects", "text"}:
            array = value[name]
            same_bits(reader[name].numpy(), array.astype(array.dtype.newbyteorder("=")))
        assert reader.attributes["plain"] == 3
    joblib.dump(value, path, compress=3)
    with pytest.raises(ztensor.UnsupportedError, match="compressed"):
        ztensor.open(path)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_tensors_of_torch(tmp_path, protocol):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    value = {"w": base, "transposed": base.t(), "half": base.half(), "array": np.arange(3)}
    with ztensor.open(save(tmp_path / "a.pkl", value, protocol)) as reader:
        assert list(reader) == list(value)
        for name, tensor in value.items():
            same_bits(reader[name].numpy(), np.asarray(tensor))


def test_every_extended_dtype_is_the_one_of_ml_dtypes():
    assert numpy_dtype("bfloat16") == ml_dtypes.bfloat16


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tensors_of_torch_in_every_protocol(tmp_path, protocol):
    torch = pytest.importorskip("torch", reason="torch is not installed", exc_type=ImportError)
    base = torch.arange(300, dtype=torch.float32).reshape(15, 20)
    value = {"w": base, "bytes": torch.arange(256).to(torch.uint8), "turned": base.T, "list": [base[3:5], base > 7]}
    path = save(tmp_path / "a.pkl", value, protocol)
    wanted = {"w": base, "bytes": value["bytes"], "turned": base.T, "list.0": base[3:5], "list.1": base > 7}
    with ztensor.open(path) as reader:
        assert not reader.unreadable
        for name, tensor in wanted.items():
            assert reader[name].torch().equal(tensor), name


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_odd_plain_values_are_left_out_with_notes(tmp_path, protocol):
    array = np.arange(4.0)
    odd = {
        "w": array,
        "large": 10**30,
        "long": "x" * (2**20 + 1),
        "surrogate": "\ud800",
        "date": np.datetime64("2020-01-01"),
        "\udfff": 5,
        "y" * (2**20 + 1): 6,
        "nested": {"\ud800": 1, None: 2, "fine": 3, "large": -(10**40)},
    }
    path = save(tmp_path / "a.pkl", odd, protocol)
    with pytest.warns(UserWarning, match="left out"):
        reader = ztensor.open(path)
    with reader:
        assert list(reader) == ["w"]
        same_bits(reader["w"].numpy(), array)
        assert reader.attributes == {"nested": {"fine": 3}}
        assert len(reader.notes) >= 7


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.parametrize("item", [b"]", b"}", b")"], ids=["lists", "dicts", "tuples"])
def test_a_list_of_empty_containers_takes_a_bounded_multiple_of_its_bytes(tmp_path, item):
    """docs/formats/pickle.md states the multiple."""
    path = tmp_path / "hostile.pkl"
    path.write_bytes(b"\x80\x04](" + item * 900_000 + b"e.")
    script = """if True:
        import sys, warnings
        warnings.simplefilter("ignore")
        import ztensor
        def peak():
            line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
            return 1024 * int(line.split()[1])
        before = peak()
        try:
            ztensor.open(sys.argv[1])
        except ztensor.LimitError:
            pass
        print(peak() - before)
    """
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 128 * path.stat().st_size
