"""What changed: files of deltas that are listed, folded, applied, and written as checkpoints."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from delta_files import pair, same, save

import ztensor


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, np.uint8, np.complex64, np.bool_])
@pytest.mark.parametrize("patch", [False, True])
def test_changes_turn_the_base_into_the_tensor(tmp_path, dtype, patch):
    random = np.random.default_rng(1)
    size = 2_300_000 // np.dtype(dtype).itemsize
    base = (random.standard_normal(size) * 3).astype(dtype)
    new = base.copy()
    new[random.integers(0, size // 2, 900)] = np.asarray(1, dtype)
    new[-50_000:] = base[:50_000]  # most of a piece
    save({"w": base.reshape(2, -1)}, tmp_path / "base.zt")
    save({"w": new.reshape(2, -1)}, tmp_path / "new.zt")
    ztensor.delta(tmp_path / "base.zt", tmp_path / "new.zt", tmp_path / "d.zt", patch=patch)
    reader = ztensor.open(tmp_path / "d.zt")
    if patch and dtype != np.complex64:
        (tmp_path / "base.zt").unlink()
    seen = -1
    for index, elements in reader.changes("w"):
        first = index.start if isinstance(index, slice) else index[0]
        assert first > seen
        seen = index.stop - 1 if isinstance(index, slice) else index[-1]
        base[index] = elements
    assert same(base, new)
    with pytest.raises(ztensor.UsageError, match="stored whole"):
        list(ztensor.open(tmp_path / "new.zt").changes("w"))


def test_a_writer_takes_any_array_over_its_base(tmp_path):
    base, new = pair(60_000, ml_dtypes.bfloat16)
    base, new = base.reshape(200, 300), new.reshape(200, 300)
    save({"w": base, "x": base.view(np.uint16)}, tmp_path / "base.zt")
    with ztensor.open(tmp_path / "base.zt") as reader, ztensor.Writer(tmp_path / "d.zt", base=reader) as writer:
        writer.add_tensor("w", new.T.copy().T, delta=True, attributes={"k": 1})
        writer.add_tensor("x", new.view(np.uint16).astype(">u2"), delta=True)
        writer.add_tensor("y", np.arange(9), delta=True)
        writer.attributes["a"] = "b"
    reader = ztensor.open(tmp_path / "d.zt")
    assert same(reader["w"][:], new) and same(reader["x"][:], new.view(np.uint16)) and reader["y"][8] == 8
    assert reader.attributes == {"a": "b"} and reader["w"].attributes == {"k": 1}
    assert (tmp_path / "d.zt").stat().st_size < 20_000
    with pytest.raises(ztensor.UsageError, match="no base"):
        ztensor.Writer(tmp_path / "e.zt").add_tensor("w", new, delta=True)
    for refused in ({"mode": "a"}, {"format": "1.0"}, {"format": "2", "canonical": True}):
        target = tmp_path / ("d.zt" if "mode" in refused else "e.zt")
        with pytest.raises(ztensor.UsageError):
            ztensor.Writer(target, base=tmp_path / "base.zt", **refused)
    with pytest.raises(ztensor.UsageError, match="also the base"):
        ztensor.Writer(tmp_path / "base.zt", base=tmp_path / "base.zt")


def test_each_checkpoint_needs_its_bases_alone(tmp_path):
    torch = pytest.importorskip("torch")
    import ztensor.torch

    torch.manual_seed(0)
    for chain in (1, 3):
        state = {f"l{i}.w": torch.randn(64, 300).to(torch.bfloat16) for i in range(3)}
        state["tied"] = state["l0.w"]
        saved, states, previous = [], [], None
        for step in range(7):
            path = tmp_path / f"c{chain}-{step}.zt"
            report = ztensor.torch.save_checkpoint(state, path, previous, chain=chain, metadata={"step": str(step)})
            saved.append(report.base)
            states.append({name: tensor.clone() for name, tensor in state.items()})
            assert step == 0 or report.bytes < 20_000
            previous = path
            for i in range(3):
                state[f"l{i}.w"].view(torch.int16)[step, i::40] += 1
        expected = [None, 0, 0, 0, 0, 0, 0] if chain == 1 else [None, 0, 1, 2, 0, 4, 5]
        assert saved == [None if base is None else f"c{chain}-{base}.zt" for base in expected]
        for step, expected_state in enumerate(states):
            loaded = ztensor.torch.load_file(tmp_path / f"c{chain}-{step}.zt")
            assert loaded.keys() == expected_state.keys()
            assert all(torch.equal(loaded[name], expected_state[name]) for name in loaded)
    for step in (1, 2, 3):
        (tmp_path / f"c3-{step}.zt").unlink()
    assert torch.equal(ztensor.torch.load_file(tmp_path / "c3-6.zt")["l1.w"], states[6]["l1.w"])
    (tmp_path / "other").mkdir()
    with pytest.raises(ztensor.UsageError, match="in the folder of the new checkpoint"):
        ztensor.torch.save_checkpoint(state, tmp_path / "other/c.zt", tmp_path / "c3-6.zt")
    with pytest.raises(ztensor.UsageError, match="chain is 9"):
        ztensor.torch.save_checkpoint(state, tmp_path / "c.zt", chain=9)


@pytest.mark.parametrize("count", [3, 4, 7])
@pytest.mark.parametrize("base_is_given", [False, True])
def test_long_lines_of_changes_fold(tmp_path, count, base_is_given):
    now = np.arange(5000, dtype=np.uint16)
    save({"w": now, "same": now}, tmp_path / "s0.zt")
    for step in range(1, count + 1):
        now = now.copy()
        now[step] += 1
        save({"w": now, "same": now * 0 + np.arange(5000, dtype=np.uint16)}, tmp_path / "w.zt")
        ztensor.delta(tmp_path / f"s{step - 1}.zt", tmp_path / "w.zt", tmp_path / f"s{step}.zt")
    deltas = [tmp_path / f"s{step}.zt" for step in range(1, count + 1)]
    base = None
    if base_is_given:
        (tmp_path / "elsewhere").mkdir()
        base = (tmp_path / "s0.zt").rename(tmp_path / "elsewhere/s0.zt")
    report = ztensor.fold(deltas, tmp_path / "all.zt", base=base)
    assert report.deltas == 2 and report.same == 1 and bool(report.notes) == base_is_given
    given = [tmp_path / "elsewhere/s0.zt", *deltas[:-1]] if base_is_given else None
    assert same(ztensor.open(deltas[-1], bases=given)["w"][:], now)
    assert same(ztensor.open(deltas[-1], bases=given and given[::-1])["same"][:], np.arange(5000, dtype=np.uint16))
    with ztensor.open(tmp_path / "all.zt", bases=base) as reader:
        assert same(reader["w"][:], now)


def test_a_broken_change_is_refused_where_all_is_checked(tmp_path):
    base = np.zeros(3 << 20, np.uint8)
    new = base.copy()
    new[5 :: 1 << 10] = 7
    save({"w": base}, tmp_path / "f.zt")
    save({"w": new}, tmp_path / "new.zt")
    ztensor.delta(tmp_path / "f.zt", tmp_path / "new.zt", tmp_path / "d.zt")
    content = bytearray((tmp_path / "d.zt").read_bytes())
    at = content.rindex(b"\x50\x2a\x4d\x18\x18") + 24  # the hash of the last piece
    content[at] ^= 1
    (tmp_path / "d.zt").write_bytes(content)
    size = (tmp_path / "f.zt").stat().st_size
    with pytest.raises(ztensor.ChecksumError):
        ztensor.apply(tmp_path / "f.zt", tmp_path / "d.zt", verify=True)
    assert (tmp_path / "f.zt").stat().st_size == size and same(ztensor.open(tmp_path / "f.zt")["w"][:], base)


def test_bases_in_the_file_stay_as_long_as_they_are_needed(tmp_path):
    base, new = pair(50_000)
    save({"w": base, "x": base}, tmp_path / "f.zt")
    save({"w": new, "x": base}, tmp_path / "new.zt")
    ztensor.delta(tmp_path / "f.zt", tmp_path / "new.zt", tmp_path / "d.zt")
    ztensor.apply(tmp_path / "f.zt", tmp_path / "d.zt")
    size = ztensor.compact(tmp_path / "f.zt").size_after
    assert same(ztensor.open(tmp_path / "f.zt")["w"][:], new)
    ztensor.remove(tmp_path / "f.zt", ["w"])
    assert ztensor.compact(tmp_path / "f.zt").size_after < size / 1.9  # the hidden base is gone
