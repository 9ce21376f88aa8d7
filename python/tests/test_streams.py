"""Tensors that are written chunk by chunk."""

import contextlib
import gc
import io
import os
import subprocess
import sys
import textwrap

import ml_dtypes
import numpy as np
import pytest
from conftest import ALL_DTYPES, same_bits, sample
from hypothesis import given, settings
from hypothesis import strategies as st

import ztensor

FORMS = [
    {"format": "1.0"},
    {"format": "1.2"},
    {"format": "2", "canonical": True},
    {"format": "2", "canonical": False},
    {"format": "safetensors"},
    {"format": "npz"},
]


def streamed(path, array, cuts, *, known=True, name="t", **options):
    with ztensor.Writer(path, **options) as writer:
        shape = (array.shape[0] if known else None, *array.shape[1:])
        with writer.stream(name, shape, array.dtype) as stream:
            at = 0
            for count in cuts:
                stream.write(array[at : at + count])
                at += count
            assert stream.rows == at
    return path


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_of_file_takes_a_stream(tmp_path, form, known):
    array = np.arange(60, dtype=np.int32).reshape(10, 2, 3)
    path = streamed(tmp_path / "a", array, [1, 4, 0, 5], known=known, **form)
    with ztensor.open(path) as reader:
        same_bits(reader.read_tensor("t"), array)
        reader.verify()


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_file_is_the_same_as_without_a_stream(tmp_path, form):
    array = np.arange(60, dtype=np.int32).reshape(10, 2, 3)
    streamed(tmp_path / "a", array, [3, 7], known=False, **form)
    with ztensor.Writer(tmp_path / "b", **form) as writer:
        writer.add_tensor("t", array)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 700_000), min_size=1, max_size=8),
    compress=st.sampled_from([False, True]),
    noise=st.booleans(),
)
def test_cuts_never_change_the_bytes(tmp_path_factory, cuts, compress, noise):
    folder = tmp_path_factory.mktemp("cuts")
    total = sum(cuts)
    rng = np.random.default_rng(1)
    array = rng.integers(0, 2**32 if noise else 3, (total, 2), dtype=np.uint32)
    one = streamed(folder / "one", array, [total], compress=compress, known=False)
    many = streamed(folder / "many", array, cuts, compress=compress)
    assert one.read_bytes() == many.read_bytes()
    same_bits(ztensor.open(many).read_tensor("t"), array)


def test_a_codec_that_does_not_shrink_gives_way_after_its_first_pieces(tmp_path):
    noise = np.random.default_rng(0).integers(0, 2**63, (40, 1 << 16), dtype=np.int64)  # 20 MiB
    path = streamed(tmp_path / "a.zt", noise, [7] * 5 + [5], compress=True)
    with ztensor.open(path) as reader:
        assert reader.metadata("t").parts["data"].encoding == "raw"
        same_bits(reader.read_tensor("t"), noise)
        reader.verify()


@pytest.mark.parametrize("name", ALL_DTYPES)
def test_every_dtype_streams(tmp_path, name):
    array = sample(name, (6, 4))
    path = streamed(tmp_path / "a.zt", array, [1, 2, 3])
    same_bits(ztensor.open(path).read_tensor("t"), array)


def test_dtypes_are_named_as_users_name_them(tmp_path):
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        for i, dtype in enumerate(["bfloat16", np.float32, np.dtype("<i8"), ml_dtypes.bfloat16, "uint8", bool]):
            with writer.stream(f"t{i}", (None,), dtype):
                pass
        with pytest.raises(ztensor.UnsupportedError):
            writer.stream("no", (None,), np.dtype("M8[s]"))
        with pytest.raises(TypeError):
            writer.stream("no", (None,), "nonsense")
    with ztensor.open(tmp_path / "a.zt") as reader:
        names = [tensor.dtype_name for tensor in reader.values()]
        assert names == ["bfloat16", "float32", "int64", "bfloat16", "uint8", "bool"]
        assert all(tensor.shape == (0,) for tensor in reader.values())


def test_chunks_have_any_strides_and_byte_order(tmp_path):
    array = np.arange(240, dtype=np.int32).reshape(10, 24)
    chunks = [array[:3][::-1], np.asfortranarray(array[3:6]), array[6:8].astype(">i4"), array[8:, ::-1]]
    with ztensor.Writer(tmp_path / "a.zt") as writer, writer.stream("t", (None, 24), "int32") as stream:
        for chunk in chunks:
            stream.write(chunk)
    same_bits(ztensor.open(tmp_path / "a.zt").read_tensor("t"), np.concatenate(chunks).astype("<i4"))


def test_torch_chunks(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    whole = torch.randn(6, 4).bfloat16()
    with ztensor.Writer(tmp_path / "a.zt") as writer, writer.stream("t", (6, 4), torch.bfloat16) as stream:
        stream.write(whole[:2])
        stream.write(whole[2:].t().contiguous().t())
    assert torch.equal(ztensor.open(tmp_path / "a.zt").read_tensor("t", "torch"), whole)


def test_a_refused_chunk_leaves_the_stream_as_it_was(tmp_path):
    array = np.arange(12, dtype=np.float32).reshape(4, 3)
    with ztensor.Writer(tmp_path / "a.zt") as writer, writer.stream("t", (4, 3), "float32") as stream:
        stream.write(array[:2])
        for bad in (array[:, :2], array.astype(np.float64), array, np.float32(3), array[0]):
            with pytest.raises(ztensor.UsageError, match="tensor 't'"):
                stream.write(bad)
        with pytest.raises(TypeError, match="tensor 't'"):
            stream.write([1, 2, 3])
        with pytest.raises(ztensor.UsageError, match="2 of 4 rows"):
            stream.finish()
        assert stream.rows == 2
        stream.write(array[2:])
    same_bits(ztensor.open(tmp_path / "a.zt").read_tensor("t"), array)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_an_exception_leaves_out_that_tensor_alone(tmp_path, form):
    array = np.arange(12, dtype=np.float32).reshape(4, 3)
    with ztensor.Writer(tmp_path / "a", **form) as writer:
        writer.add_tensor("before", array)
        with pytest.raises(ZeroDivisionError), writer.stream("t", (None, 3), "float32") as stream:
            stream.write(array)
            raise ZeroDivisionError
        with writer.stream("t", (None, 3), "float32") as stream:  # the name is free again
            stream.write(array + 1)
        writer.add_tensor("after", array)
    with ztensor.open(tmp_path / "a") as reader:
        assert sorted(reader) == ["after", "before", "t"]
        same_bits(reader.read_tensor("t"), array + 1)
        reader.verify()


def test_the_writer_waits_for_its_stream(tmp_path):
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        stream = writer.stream("t", (2,), "int8")
        with pytest.raises(ztensor.UsageError, match="'t' is being streamed"):
            writer.add_tensor("u", np.zeros(2))
        with pytest.raises(ztensor.UsageError, match="being streamed"):
            writer.stream("u", (2,), "int8")
        with pytest.raises(ztensor.UsageError, match="being streamed"):
            writer.add_alias("u", "t")
        stream.write(np.zeros(2, np.int8))
        stream.finish()
        with pytest.raises(ztensor.UsageError, match="finished or cancelled"):
            stream.write(np.zeros(1, np.int8))
        stream.cancel()  # too late to change anything
        writer.add_tensor("u", np.zeros(2))
    assert list(ztensor.open(tmp_path / "a.zt")) == ["t", "u"]


def test_a_stream_of_before_does_not_touch_the_next_one(tmp_path):
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        old = writer.stream("t", (None,), "int8")
        old.cancel()
        with writer.stream("t", (None,), "int8") as stream:
            old.cancel()
            with pytest.raises(ztensor.UsageError):
                old.write(np.zeros(1, np.int8))
            stream.write(np.ones(3, np.int8))
    assert ztensor.open(tmp_path / "a.zt").read_tensor("t").tolist() == [1, 1, 1]


def test_an_ended_stream_never_reaches_the_next_one(tmp_path):
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        first = writer.stream("a", [None], "u1")
        first.write(np.zeros(3, "u1"))
        writer._writer.finish_stream(first._number)  # as if another thread was between finish() and its end
        second = writer.stream("b", [None], "u1")
        with pytest.raises(ztensor.UsageError, match="finished or cancelled"):
            first.write(np.ones(5, "u1"))
        assert second.rows == 0
        del first
        gc.collect()
        second.write(np.ones(1, "u1"))
        second.cancel()
        second = writer.stream("b", [None], "u1")  # the same name again
        second.write(np.ones(2, "u1"))
        second.finish()
    with ztensor.open(tmp_path / "a.zt") as reader:
        assert reader.read_tensor("a").tolist() == [0, 0, 0] and reader.read_tensor("b").tolist() == [1, 1]


def test_a_block_that_ends_too_early_gives_up_its_tensor(tmp_path):
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        with pytest.raises(ztensor.UsageError, match="3 of 10 rows"), writer.stream("a", [10], "u1") as stream:
            stream.write(np.zeros(3, "u1"))
        writer.add_tensor("b", np.zeros(2))
        assert stream._of is None
    assert list(ztensor.open(tmp_path / "a.zt")) == ["b"]


def test_finalize_with_an_open_stream_changes_nothing(tmp_path):
    writer = ztensor.Writer(tmp_path / "a.zt")
    stream = writer.stream("a", [None], "u1")
    stream.write(np.zeros(3, "u1"))
    with pytest.raises(ztensor.UsageError, match="'a' is being streamed"):
        writer.finalize()
    stream.write(np.ones(2, "u1"))
    stream.finish()
    writer.finalize()
    assert ztensor.open(tmp_path / "a.zt").read_tensor("a").tolist() == [0, 0, 0, 1, 1]


def test_a_stream_that_is_given_up_does_not_grow_a_file_by_what_was_announced(tmp_path):
    path = tmp_path / "a.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", np.zeros(4))
    with ztensor.Writer(path, mode="a") as writer:
        stream = writer.stream("big", [2**40], "f4")
        stream.write(np.zeros(1000, np.float32))
        stream.cancel()
        writer.add_tensor("u", np.zeros(4))
    assert path.stat().st_size < 100_000
    ztensor.verify(path)


def test_a_file_with_an_open_stream_is_not_published(tmp_path):
    with pytest.raises(ztensor.UsageError, match="being streamed"):
        with ztensor.Writer(tmp_path / "a.zt") as writer:
            stream = writer.stream("t", (2,), "int8")
    assert not (tmp_path / "a.zt").exists()
    del stream, writer
    gc.collect()
    assert os.listdir(tmp_path) == []


def test_close_completes_the_tensor_once(tmp_path):
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        stream = writer.stream("t", (3,), "int8")
        stream.write(np.ones(1, np.int8))
        with pytest.raises(ztensor.UsageError, match="1 of 3 rows"):
            stream.close()
        stream.write(np.ones(2, np.int8))
        stream.close()
        stream.close()
        with contextlib.closing(writer.stream("u", (None,), "int8")) as stream:
            stream.write(np.zeros(2, np.int8))
        with writer.stream("v", (None,), "int8") as stream:
            stream.close()
        stream = writer.stream("w", (None,), "int8")
        stream.cancel()
        stream.close()
    with ztensor.open(tmp_path / "a.zt") as reader:
        assert {name: tensor.numpy().tolist() for name, tensor in reader.items()} == {
            "t": [1, 1, 1],
            "u": [0, 0],
            "v": [],
        }
    writer = ztensor.Writer(tmp_path / "b.zt")
    stream = writer.stream("t", (3,), "int8")
    writer.abort()
    stream.close()  # the writer has given up, and its stream with it


def test_a_dropped_stream_is_given_up(tmp_path):
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        writer.stream("t", (2,), "int8").write(np.zeros(1, np.int8))
        gc.collect()
        writer.add_tensor("u", np.zeros(2))
    assert list(ztensor.open(tmp_path / "a.zt")) == ["u"]


def test_shapes_that_cannot_be_streamed(tmp_path):
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        with pytest.raises(ztensor.UsageError, match="no rows"):
            writer.stream("t", (), "int8")
        with pytest.raises(ztensor.UnsupportedError, match="odd number of float4"):
            writer.stream("t", (4, 3), "float4_e2m1fn")
        with pytest.raises(ztensor.UsageError):
            writer.stream("t", (2**40, 2**40), "int8")
        with pytest.raises(TypeError):
            writer.stream("t", (2, None), "int8")
        writer.add_tensor("t", np.zeros(1))
        with pytest.raises(ztensor.UsageError, match="added already"):
            writer.stream("t", (1,), "int8")


def test_a_growing_file_takes_streams(tmp_path):
    path = tmp_path / "a.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("old", np.zeros(4))
        writer.add_tensor("t", np.zeros(4))
    with ztensor.open(path) as before, ztensor.Writer(path, mode="a") as writer:
        view = before.read_tensor("t")
        with pytest.raises(ztensor.UsageError):
            writer.stream("t", (None,), "int8")
        with writer.stream("t", (None, 2), "float32", replace=True, compress=True) as stream:
            for i in range(100):
                stream.write(np.full((100, 2), i, np.float32))
        assert view.sum() == 0
    with ztensor.open(path) as after:
        assert after["t"].shape == (10000, 2)
        assert after.read_tensor("t")[:, 0].tolist() == [i for i in range(100) for _ in range(100)]
        after.verify()


def test_file_objects_take_streams(tmp_path):
    out = io.BytesIO()
    with ztensor.Writer(out) as writer:
        with pytest.raises(KeyError), writer.stream("lost", (None,), "int8") as stream:
            stream.write(np.ones(1000, np.int8))
            raise KeyError
        with writer.stream("t", (None,), "int8", compress=True) as stream:
            stream.write(np.ones(1000, np.int8))
    with ztensor.open(out.getvalue()) as reader:
        assert list(reader) == ["t"]
        assert reader.read_tensor("t").sum() == 1000
        reader.verify()


def test_equal_tensors_of_a_canonical_file_are_stored_once(tmp_path):
    array = np.arange(1 << 15)
    for name in ("streams", "adds"):
        with ztensor.Writer(tmp_path / name, format="2") as writer:
            for tensor in ("a", "b"):
                if name == "adds":
                    writer.add_tensor(tensor, array)
                else:
                    with writer.stream(tensor, (None,), "int64") as stream:
                        stream.write(array[:5])
                        stream.write(array[5:])
    assert (tmp_path / "streams").read_bytes() == (tmp_path / "adds").read_bytes()


@pytest.mark.parametrize("name", ["m.zt", "m.safetensors"])
def test_shards_take_streams(tmp_path, name):
    array = np.arange(30_000, dtype=np.float32).reshape(300, 100)
    format = "2" if name.endswith(".zt") else None
    with ztensor.Writer(tmp_path / name, max_shard_size=100_000, format=format) as writer:
        for i in range(3):
            with writer.stream(f"t{i}", (None, 100), "float32") as stream:
                stream.write(array[:200] + i)
                stream.write(array[200:250] + i)
    with ztensor.open(tmp_path / name if format else tmp_path) as reader:
        assert len(reader.paths) > 2
        for i in range(3):
            same_bits(reader.read_tensor(f"t{i}"), array[:250] + i)


def test_a_forked_child_cannot_write_to_the_stream(tmp_path):
    with ztensor.Writer(tmp_path / "a.zt") as writer, writer.stream("t", (None,), "int8") as stream:
        stream.write(np.zeros(5, np.int8))
        child = os.fork()
        if child == 0:
            try:
                stream.write(np.ones(5, np.int8))
            except ztensor.UsageError:
                stream.cancel()
                os._exit(0)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        stream.write(np.zeros(5, np.int8))
    assert ztensor.open(tmp_path / "a.zt").read_tensor("t").tolist() == [0] * 10


@pytest.mark.parametrize("compress", [False, True])
def test_memory_does_not_grow_with_the_tensor(tmp_path, compress):
    program = f"""
        import resource, numpy as np, ztensor
        chunk = np.arange(1 << 18, dtype=np.float32).reshape(256, 1024)
        with ztensor.Writer("big.zt", compress={compress}) as writer, writer.stream("t", (None, 1024), "f4") as stream:
            stream.write(chunk)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            for _ in range(300):
                stream.write(chunk)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 64, "MiB for 300 MiB"
    with ztensor.open(tmp_path / "big.zt") as reader:
        assert reader["t"].shape == (301 * 256, 1024)
