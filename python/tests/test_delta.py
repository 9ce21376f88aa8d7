"""Tensors that are stored as what changed since others (spec/delta.md)."""

from __future__ import annotations

import functools
import json
import pickle
import subprocess
import sys
import threading

import delta_files
import ml_dtypes
import numpy as np
import pytest
from delta_files import delta_bytes, pair, same, save

import ztensor

LABEL = {"ztensor.base.main": "zt1:0123 base.zt"}
NAMED = {"base": {"file": "main"}}


part_of = functools.cache(delta_files.part_of)  # it takes a second for a megabyte


def delta(base, new, note, mode=delta_bytes.DELTA):
    return new, part_of(base.tobytes(), new.tobytes(), new.dtype.name, new.dtype.itemsize, mode), note


@pytest.fixture
def files(tmp_path):
    """base.zt, and delta.zt over it."""
    base, new = pair(700_000, ml_dtypes.bfloat16)
    base, new = base.reshape(700, 1000), new.reshape(700, 1000)
    save({"w": base, "other": np.arange(3)}, tmp_path / "base.zt")
    (tmp_path / "delta.zt").write_bytes(delta_files.file_of({"w": delta(base, new, NAMED)}, **LABEL))
    return tmp_path, base, new


def test_a_delta_reads_as_the_tensor_that_it_stands_for(files):
    folder, _, new = files
    with ztensor.open(folder / "delta.zt") as reader:
        assert list(reader) == ["w"] and reader.attributes == {} and not reader.unreadable
        tensor = reader["w"]
        assert tensor.attributes == {} and tensor.layout == "dense"
        assert reader.metadata("w").parts["data"].encoding == "delta"
        assert same(reader.read_tensor("w"), new)
        assert same(tensor[3:500:7, 5:9], new[3:500:7, 5:9]) and same(tensor[699], new[699])
        assert same(tensor[[5, 1, 600]], new[[5, 1, 600]])
        assert same(reader.read_all()["w"] if hasattr(reader, "read_all") else reader["w"][:], new)
        reader.verify()


@pytest.mark.parametrize("threads", [1, 4])
def test_any_thread_reads_any_piece(files, threads):
    folder, _, new = files
    with ztensor.open(folder / "delta.zt", threads=threads) as reader:
        wrong = []

        def read(first):
            for row in range(first, 700, 40):
                if not same(reader["w"][row : row + 3], new[row : row + 3]):
                    wrong.append(row)

        readers = [threading.Thread(target=read, args=(first,)) for first in range(4)]
        for thread in readers:
            thread.start()
        for thread in readers:
            thread.join()
        assert not wrong and same(reader.read_tensor("w"), new)


def test_a_base_may_be_given(files, tmp_path):
    folder, base, new = files
    there = folder / "elsewhere"
    there.mkdir()
    (folder / "delta.zt").rename(there / "delta.zt")
    with ztensor.open(there / "delta.zt") as reader:
        assert list(reader) == ["w"] and reader["w"].shape == (700, 1000)
        with pytest.raises(KeyError, match="base with id zt1:0123") as missing:
            reader.read_tensor("w")
        assert missing.value.rule == "delta.base.missing"
    np.save(tmp_path / "w.npy", np.zeros(3))
    with ztensor.open(folder / "base.zt") as given:
        for bases in ([folder / "base.zt"], [given], [tmp_path / "w.npy", str(folder / "base.zt")]):
            with ztensor.open(there / "delta.zt", bases=bases) as reader:
                assert same(reader.read_tensor("w"), new)
                again = pickle.loads(pickle.dumps(reader))
                assert same(again.read_tensor("w"), new)
    save({"w": base}, folder / "compressed.zt", compress=True)
    save({"w": base}, folder / "planes.safetensors")
    for name in ("compressed.zt", "planes.safetensors"):
        with ztensor.open(there / "delta.zt", bases=[folder / name]) as reader:
            assert same(reader.read_tensor("w"), new) and same(reader["w"][650:655], new[650:655])


def test_a_wrong_base_is_noticed_before_a_byte_is_given_out(files):
    folder, base, new = files
    save({"w": new}, folder / "base.zt")
    with ztensor.open(folder / "delta.zt") as reader:
        for read in (lambda: reader.read_tensor("w"), lambda: reader["w"][5], reader.verify):
            with pytest.raises(ztensor.ZTensorError) as error:
                read()
            assert error.value.rule == "delta.base.check"
    save({"w": base.astype(np.float32)}, folder / "base.zt")
    with ztensor.open(folder / "delta.zt") as reader, pytest.raises(ztensor.FormatError, match="no dense tensor 'w'"):
        reader.read_tensor("w")


def test_chains_of_files_and_of_hidden_tensors(tmp_path):
    steps = [pair(30_000, np.float32, 0)[0]]
    save({"w": steps[0]}, tmp_path / "s0.zt")
    for i in range(1, 5):
        steps.append(pair(30_000, np.float32, i)[1] if i == 3 else steps[-1] * np.float32(1 + 1e-6))
        mode = (delta_bytes.DELTA, delta_bytes.PATCH, delta_bytes.FULL)[i % 3]
        content = delta_files.file_of(
            {"w": delta(steps[-2], steps[-1], NAMED, mode)}, **{"ztensor.base.main": f"zt1:0 s{i - 1}.zt"}
        )
        (tmp_path / f"s{i}.zt").write_bytes(content)
    with ztensor.open(tmp_path / "s4.zt") as reader:
        assert same(reader.read_tensor("w"), steps[4])
    here = delta_files.file_of(
        {
            "w": delta(steps[1], steps[2], {"base": {"name": "w@1"}}),
            "w@1": delta(steps[0], steps[1], {"base": {"name": "w@0"}, "hidden": True}),
            "w@0": (steps[0], None, {"hidden": True}),
        }
    )
    (tmp_path / "here.zt").write_bytes(here)
    with ztensor.open(tmp_path / "here.zt") as reader:
        assert list(reader) == ["w"] and "w@0" not in reader and same(reader.read_tensor("w"), steps[2])
        reader.verify()


def test_circles_of_files_end(tmp_path):
    base, new = pair(50)
    for one, other in (("a", "b"), ("b", "a")):
        content = delta_files.file_of({"w": delta(base, new, NAMED)}, **{"ztensor.base.main": f"zt1:0 {other}.zt"})
        (tmp_path / f"{one}.zt").write_bytes(content)
    with ztensor.open(tmp_path / "a.zt") as reader, pytest.raises(ztensor.ZTensorError) as error:
        reader.read_tensor("w")
    assert error.value.rule == "delta.base.cycle"


def test_no_link_leads_out_of_the_folder(files):
    folder, _, _ = files
    there = folder / "elsewhere"
    there.mkdir()
    (folder / "delta.zt").rename(there / "delta.zt")
    (there / "base.zt").symlink_to(folder / "base.zt")
    with ztensor.open(there / "delta.zt") as reader, pytest.raises(ztensor.ZTensorError) as error:
        reader.read_tensor("w")
    assert error.value.rule == "external.link"


def test_copies_are_whole(files):
    folder, _, new = files
    for to in ("1.2", "2", "safetensors"):
        out = folder / f"out{to}.{'safetensors' if to == 'safetensors' else 'zt'}"
        ztensor.convert(folder / "delta.zt", out, to=to)
        with ztensor.open(out) as reader:
            assert same(reader.read_tensor("w"), new) and reader["w"].attributes == {}
            assert reader.metadata("w").parts["data"].encoding == "raw"
    ids = (
        {ztensor.content_id(folder / name) for name in ("delta.zt", "out1.2.zt")}
        if hasattr(ztensor, "content_id")
        else {0}
    )
    assert len(ids) == 1


def test_files_with_deltas_grow(files):
    folder, base, new = files
    path = folder / "here.zt"
    tensors = {"w": delta(base, new, {"base": {"name": "b"}}), "b": (base, None, {"hidden": True})}
    path.write_bytes(delta_files.file_of(tensors))
    with ztensor.Writer(path, mode="a") as writer:
        writer.add_tensor("more", np.arange(100_000))
        with pytest.raises(ztensor.ZTensorError):
            writer.add_tensor("b", np.arange(3))
    with pytest.raises(ztensor.UsageError, match="stored as what changed since"):
        ztensor.remove(path, ["b"])
    ztensor.compact(path)
    with ztensor.open(path) as reader:
        assert list(reader) == ["w", "more"] and same(reader.read_tensor("w"), new)
        reader.verify()


def test_attributes_that_are_set_leave_bases_alone(files):
    folder, _, new = files
    path = folder / "delta.zt"
    with ztensor.Writer(path, mode="a", attributes={"a": "b"}) as writer:
        writer.set_tensor_attributes("w", {"c": 1})
    with ztensor.open(path) as reader:
        assert reader.attributes == {"a": "b"} and reader["w"].attributes == {"c": 1}
        assert same(reader.read_tensor("w"), new)


def test_models_in_several_files_have_none(files):
    folder, _, _ = files
    save({"v": np.arange(3)}, folder / "more.zt")
    with ztensor.open([folder / "more.zt", folder / "delta.zt"]) as reader:
        assert reader.unreadable["w"].rule == "delta.joined"


def test_info_tells_the_base(files):
    folder, _, _ = files
    command = [sys.executable, "-m", "ztensor", "info", "--json", folder / "delta.zt"]
    told = subprocess.run(command, capture_output=True, check=True, text=True)
    [tensor] = json.loads(told.stdout)["tensors"]
    assert tensor["attributes"] in ({}, None) and tensor["parts"][0]["encoding"] == "delta"
    assert tensor["parts"][0]["base"] == {"file": "main", "name": None, "id": "zt1:0123", "hint": "base.zt"}


def stored_of(path, name):
    place = ztensor.open(path)[name].location
    with open(path, "rb") as file:
        file.seek(place.offset)
        return file.read(place.length)


@pytest.mark.parametrize("to", ["1.2", "2"])
@pytest.mark.parametrize("patch", [False, True])
def test_what_is_written_reads_back(tmp_path, to, patch):
    random = np.random.default_rng(5)
    old, new = {}, {}
    for dtype in ("bfloat16", "float16", "float32", "float64", "int8", "uint16", "float8_e4m3fn", "complex64"):
        kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
        words = (random.standard_normal(400_000) * 0.02).astype(np.float32).astype(kind).view(np.uint8)
        changed = words.copy()
        places = np.flatnonzero(random.random(400_000) < 0.02) * kind.itemsize
        changed[places] += 1
        old[dtype], new[dtype] = words.view(kind), changed.view(kind)
    old |= {"same": np.arange(9), "grown": np.ones((3, 4)), "gone": np.arange(2), "other": np.ones(3, np.float32)}
    new |= {"same": np.arange(9), "grown": np.ones((5, 4)), "new": np.arange(4), "other": np.ones(3, np.float64)}
    new |= {"empty": np.ones((0, 3)), "scalar": np.float32(2)}
    save(old, tmp_path / "base.zt", compress=True)
    with ztensor.Writer(tmp_path / "new.zt", attributes={"step": "7"}) as writer:
        for name, array in new.items():
            writer.add_tensor(name, array, attributes={"a": 1} if name == "same" else None)
    out = tmp_path / "delta.zt"
    report = ztensor.delta(tmp_path / "base.zt", tmp_path / "new.zt", out, patch=patch, to=to)
    assert report.tensors == len(new) and report.same == 1 and report.bytes_out == out.stat().st_size
    assert report.base == ztensor.content_id(tmp_path / "base.zt")
    with ztensor.open(out) as reader:
        assert reader.attributes == {"step": "7"} and reader["same"].attributes == {"a": 1}
        assert set(reader) == set(new) and not reader.unreadable
        for name, array in new.items():
            assert same(np.asarray(reader.read_tensor(name)), np.asarray(array)), name
        reader.verify()
        kinds = {name: reader.metadata(name).parts["data"].encoding for name in reader}
        assert (
            kinds["bfloat16"] == kinds["same"] == kinds["int8"] == "delta" and kinds["new"] == kinds["empty"] == "raw"
        )
    assert ztensor.content_id(out) == ztensor.content_id(tmp_path / "new.zt")
    assert ztensor.diff(out, tmp_path / "new.zt").same
    if sys.byteorder == "little":
        for name in ("bfloat16", "float16", "float32", "float64", "int8", "uint16"):
            width = new[name].dtype.itemsize
            part = stored_of(out, name)
            assert delta_files.decoded(part, old[name].tobytes(), new[name].nbytes, name, width) == new[name].tobytes()


def test_a_delta_of_a_delta(tmp_path):
    steps = [pair(300_000, ml_dtypes.bfloat16)[0]]
    save({"w": steps[0]}, tmp_path / "s0.zt")
    for i in range(1, 4):
        steps.append(steps[-1].copy())
        steps[-1][i::50] += np.asarray(2**-8, ml_dtypes.bfloat16)
        save({"w": steps[-1]}, tmp_path / "whole.zt")
        ztensor.delta(tmp_path / f"s{i - 1}.zt", tmp_path / "whole.zt", tmp_path / f"s{i}.zt")
    with ztensor.open(tmp_path / "s3.zt") as reader:
        assert same(reader.read_tensor("w"), steps[3])
        reader.verify()


def test_forms_without_deltas_are_refused(tmp_path):
    save({"w": np.arange(3)}, tmp_path / "a.zt")
    for name, to in (("d.zt", "1.0"), ("d.safetensors", None), ("d.npz", None)):
        with pytest.raises(ztensor.UsageError, match=r"1\.2 and 2 have deltas"):
            ztensor.delta(tmp_path / "a.zt", tmp_path / "a.zt", tmp_path / name, to=to)
        assert not (tmp_path / name).exists()


@pytest.mark.skipif(sys.byteorder != "little", reason="the decoder views words")
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64", "int8", "uint16"])
@pytest.mark.parametrize("mode", [delta_bytes.DELTA, delta_bytes.PATCH, delta_bytes.FULL])
def test_a_second_decoder_agrees(tmp_path, dtype, mode):
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    random = np.random.default_rng(3)
    base = np.frombuffer(random.bytes(3000 * kind.itemsize), kind)
    words = np.frombuffer(base.tobytes(), delta_files.WORDS[kind.itemsize]).copy()
    words[random.random(3000) < 0.3] += 3
    words[7] ^= 1 << 8 * kind.itemsize - 1
    new = words.view(kind)
    part = delta(base, new, {}, mode)[1]
    assert delta_files.decoded(part, base.tobytes(), new.nbytes, dtype, kind.itemsize) == new.tobytes()
    path = tmp_path / "a.zt"
    path.write_bytes(delta_files.file_of({"w": (new, part, {"base": {"name": "b"}}), "b": (base, None, {})}))
    with ztensor.open(path) as reader:
        assert same(reader.read_tensor("w"), new)


# --- bases that are odd ---


def test_of_several_bases_the_one_is_taken_that_fits(tmp_path):
    first, second = pair(600_000, np.uint16)
    third = second.copy()
    third[550_000] += 1  # in the last piece
    save({"w": first}, tmp_path / "s0.zt")
    save({"w": second}, tmp_path / "w1.zt")
    save({"w": third}, tmp_path / "w2.zt")
    ztensor.delta(tmp_path / "s0.zt", tmp_path / "w1.zt", tmp_path / "s1.zt")
    ztensor.delta(tmp_path / "s1.zt", tmp_path / "w2.zt", tmp_path / "s2.zt")
    for folder, name in (("a", "s1.zt"), ("b", "s2.zt")):
        (tmp_path / folder).mkdir()
        (tmp_path / name).rename(tmp_path / folder / name)
    like = first.copy()
    like[599_999] += 1  # differs from the base in the last piece alone
    save({"w": like}, tmp_path / "like.zt")
    given = [tmp_path / "like.zt", tmp_path / "s0.zt", tmp_path / "a/s1.zt"]
    for bases in (given, given[::-1]):
        assert same(ztensor.open(tmp_path / "b/s2.zt", bases=bases)["w"][:], third)
        assert same(ztensor.open(tmp_path / "a/s1.zt", bases=bases)["w"][:], second)
    assert same(ztensor.open(tmp_path / "a/s1.zt", bases=tmp_path / "s0.zt")["w"][:], second)
    assert same(ztensor.open(tmp_path / "a/s1.zt", bases=ztensor.open(tmp_path / "s0.zt"))["w"][:], second)
    with pytest.raises(ztensor.ChecksumError, match="the base is not the one"):
        ztensor.open(tmp_path / "a/s1.zt", bases=tmp_path / "like.zt")["w"][:]
    ztensor.open(tmp_path / "s0.zt", bases=None).close()


def test_the_file_beside_is_taken_where_what_was_given_does_not_fit(files):
    folder, _, new = files
    save({"w": new}, folder / "other.zt")
    assert same(ztensor.open(folder / "delta.zt", bases=folder / "other.zt")["w"][:], new)


def test_a_file_without_changes_is_not_applied(files):
    folder, _, _ = files
    (folder / "plain.zt").write_bytes((folder / "base.zt").read_bytes())
    with pytest.raises(ztensor.UsageError, match="no tensor is stored as what changed"):
        ztensor.apply(folder / "base.zt", folder / "plain.zt")


def test_equal_tensors_notice_a_wrong_base_too(tmp_path):
    base, new = pair(50_000)
    save({"w": base}, tmp_path / "base.zt")
    for to, checksum in (("1.2", None), ("2", "none")):
        save({"w": base}, tmp_path / "base.zt")
        ztensor.delta(tmp_path / "base.zt", tmp_path / "base.zt", tmp_path / f"{to}.zt", to=to, checksum=checksum)
        save({"w": new}, tmp_path / "base.zt")
        with pytest.raises(ztensor.ChecksumError, match="the base is not the one"):
            ztensor.open(tmp_path / f"{to}.zt")["w"][:]


def test_a_base_without_seeking_is_read_once(tmp_path):
    base = np.zeros(24 << 20, np.uint8)
    new = base.copy()
    new[5] = new[-1] = 1
    np.savez_compressed(tmp_path / "base.npz", w=base)
    save({"w": new}, tmp_path / "new.zt")
    ztensor.delta(tmp_path / "base.npz", tmp_path / "new.zt", tmp_path / "d.zt")
    for threads in (1, 4):
        with ztensor.open(tmp_path / "d.zt", threads=threads) as reader:
            assert same(reader.read_tensor("w"), new)
            assert reader["w"][-1] == 1 and reader["w"][5] == 1  # a step back begins again


def test_what_says_bases_is_not_for_users(files):
    folder, base, _ = files
    path = folder / "delta.zt"
    for attempt in (
        lambda: ztensor.set(path, {"zt.delta": "x"}, tensor="w"),
        lambda: ztensor.set(path, {"ztensor.base.main": "x y.zt"}),
        lambda: ztensor.Writer(folder / "a.zt", attributes={"ztensor.base.x": "y"}).finalize(),
        lambda: ztensor.Writer(path, mode="a", attributes={"ztensor.base.x": "y"}).finalize(),
        lambda: ztensor.Writer(folder / "a.zt").add_tensor("w", base, attributes={"zt.delta": {"hidden": True}}),
    ):
        with pytest.raises(ztensor.UsageError, match="only zTensor writes it"):
            attempt()


def test_a_second_name_is_over_the_same_base(files):
    folder, _, new = files
    with ztensor.Writer(folder / "delta.zt", mode="a") as writer:
        with pytest.raises(ztensor.UnsupportedError) as refused:
            writer.add_alias("second", "w")  # it would be over a tensor "second"
        assert refused.value.rule == "write.delta"
    save({"w": new}, folder / "new.zt")
    ztensor.delta(folder / "base.zt", folder / "new.zt", folder / "d.zt")  # says the name of the base
    with ztensor.Writer(folder / "d.zt", mode="a") as writer:
        writer.add_alias("second", "w")
    assert same(ztensor.open(folder / "d.zt")["second"][:], new)


@pytest.mark.parametrize("to", ["1.2", "2"])
def test_files_with_deltas_get_smaller_without_their_base(tmp_path, to):
    base, new = pair(50_000)
    save({"w": base}, tmp_path / "base.zt")
    save({"w": new, "k": base}, tmp_path / "new.zt")
    ztensor.delta(tmp_path / "base.zt", tmp_path / "new.zt", tmp_path / "d.zt", to=to)
    (tmp_path / "base.zt").rename(tmp_path / "away.zt")
    copied = ztensor.remove(tmp_path / "d.zt", ["k"], output=tmp_path / "o.zt")
    assert any("will not find" in note for note in copied.notes)
    ztensor.remove(tmp_path / "d.zt", ["k"])
    assert ztensor.compact(tmp_path / "d.zt").changed
    (tmp_path / "away.zt").rename(tmp_path / "base.zt")
    for name in ("d.zt", "o.zt"):
        assert list(ztensor.open(tmp_path / name)) == ["w"]
        assert same(ztensor.open(tmp_path / name).read_tensor("w"), new)


def test_a_base_that_users_see_may_change_too(tmp_path):
    base, new = pair(50_000)
    _, third = pair(50_000, seed=1)
    path = tmp_path / "f.zt"
    for changes in ({"b": third}, {"w": third}, {"b": third, "w": third}, {"w": third, "b": None}):
        tensors = {"b": (base, None, {}), "w": delta(base, new, {"base": {"name": "b"}})}
        path.write_bytes(delta_files.file_of(tensors))
        wanted = {name: array for name, array in {"b": base, "w": new, **changes}.items() if array is not None}
        save(wanted, tmp_path / "new.zt")
        ztensor.delta(path, tmp_path / "new.zt", tmp_path / "d.zt", force=True)
        ztensor.apply(path, tmp_path / "d.zt")
        with ztensor.open(path) as reader:
            assert set(reader) == set(wanted) and all(same(reader[name][:], wanted[name]) for name in wanted)


def test_no_file_is_written_that_cannot_be_read(tmp_path):
    now = np.arange(5000, dtype=np.uint16)
    save({"w": now}, tmp_path / "s0.zt")
    for step in range(1, 10):
        now = now.copy()
        now[step] += 1
        save({"w": now}, tmp_path / "w.zt")
        written = ztensor.delta(tmp_path / f"s{step - 1}.zt", tmp_path / "w.zt", tmp_path / f"s{step}.zt")
        assert written.deltas == (1 if step < 9 else 0) and bool(written.notes) == (step == 9)
        assert same(ztensor.open(tmp_path / f"s{step}.zt").read_tensor("w"), now)
    (tmp_path / "latest.zt").symlink_to("s0.zt")
    assert not ztensor.delta(tmp_path / "latest.zt", tmp_path / "w.zt", tmp_path / "l.zt").notes
    assert same(ztensor.open(tmp_path / "l.zt")["w"][:], now)
    (tmp_path / "elsewhere").mkdir()
    written = ztensor.delta(tmp_path / "s0.zt", tmp_path / "w.zt", tmp_path / "elsewhere/d.zt")
    assert "readers will not find the base by themselves" in written.notes[0]
    ztensor.delta(tmp_path / "s0.zt", tmp_path / "w.zt", tmp_path / "two.zt", to="2")
    with ztensor.Writer(tmp_path / "r.zt", format="2", canonical=False) as writer:
        with pytest.raises(ztensor.UnsupportedError, match="stored as what changed"):
            writer.add_reference("w", ztensor.open(tmp_path / "two.zt")["w"])
