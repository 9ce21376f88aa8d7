"""progress= of the long calls."""

import sys

import numpy as np
import pytest

import ztensor
from ztensor.numpy import load_file, save_file

SIZE = 4 << 20


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "m.zt"
    save_file({name: np.full(SIZE // 8, ord(name)) for name in "abcd"}, path, compress=True)
    return path


def grown(path):
    with ztensor.Writer(path, mode="a") as writer:
        writer.remove("a")
    return path


CALLS = {
    "convert": lambda path, progress: ztensor.convert(path, path.with_name("o.zt"), compress=False, progress=progress),
    "merge": lambda path, progress: ztensor.merge([path], path.with_name("o.zt"), progress=progress),
    "extract": lambda path, progress: ztensor.extract(path, ["a", "b"], path.with_name("o.zt"), progress=progress),
    "migrate": lambda path, progress: ztensor.migrate(path, path.with_name("o.zt"), to="1.2", progress=progress),
    "append": lambda path, progress: ztensor.append(path.with_name("o.zt"), path, progress=progress),
    "compact": lambda path, progress: ztensor.compact(grown(path), progress=progress),
    "remove": lambda path, progress: ztensor.remove(path, "a", output=path.with_name("o.zt"), progress=progress),
    "verify": lambda path, progress: ztensor.verify(path, progress=progress),
    "diff": lambda path, progress: ztensor.diff(path, path, progress=progress),
    "content_id": lambda path, progress: ztensor.content_id(path, progress=progress),
    "load_file": lambda path, progress: load_file(path, progress=progress),
    "read_tensors": lambda path, progress: ztensor.open(path).read_tensors(progress=progress),
}


# These have one measure of their bytes from the first report to the last; migrate begins anew when it reads back.
PLAIN = [name for name in CALLS if name != "migrate"]
# These may be done before their first report, and do not fail then.
SHORT = ("convert", "merge", "extract")
# This one is stopped while it reads its complete output back, which stays.
READ_BACK = ("migrate",)


@pytest.mark.parametrize("call", PLAIN)
def test_a_function_is_called_with_the_bytes_done_and_in_all(model, call):
    seen = []
    CALLS[call](model, lambda done, total: seen.append((done, total)))
    assert seen
    assert all(0 <= done <= total for done, total in seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]


def test_migrate_counts_what_it_writes_and_then_what_it_reads_back(model):
    seen = []
    CALLS["migrate"](model, lambda done, total: seen.append((done, total)))
    assert all(0 <= done <= total for done, total in seen)
    assert seen[-1] == (4 * SIZE, 4 * SIZE)


@pytest.mark.parametrize("call", SHORT)
def test_false_stops_the_call_before_its_output_appears_or_not_at_all(model, call):
    try:
        CALLS[call](model, lambda done, total: False)
    except ztensor.ZTensorError as error:
        assert error.code == "cancelled" and not model.with_name("o.zt").exists()
    else:
        ztensor.verify(model.with_name("o.zt"))


@pytest.mark.parametrize("call", [name for name in CALLS if name not in SHORT + READ_BACK])
def test_false_stops_the_call_and_nothing_is_left_behind(model, call):
    before = sorted(path.name for path in model.parent.iterdir())
    with pytest.raises(ztensor.ZTensorError, match="stopped by the progress callback") as caught:
        CALLS[call](model, lambda done, total: False)
    assert caught.value.code == "cancelled"
    assert sorted(path.name for path in model.parent.iterdir()) == before
    assert "d" in ztensor.open(model)


@pytest.mark.parametrize("call", CALLS)
def test_an_exception_of_the_function_is_that_of_the_call(model, call):
    def fail(done, total):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        CALLS[call](model, fail)
    assert "d" in ztensor.open(model)


@pytest.mark.parametrize("call", CALLS)
def test_other_results_do_not_stop_the_call(model, call):
    CALLS[call](model, lambda done, total: 0)


@pytest.mark.parametrize("progress", ["bar", 3, 1.5, [print]])
@pytest.mark.parametrize("call", CALLS)
def test_what_cannot_be_called_is_a_type_error(model, call, progress):
    with pytest.raises(TypeError, match="progress must be"):
        CALLS[call](model, progress)


@pytest.mark.parametrize("call", CALLS)
def test_true_shows_a_bar_on_stderr(model, call, capsys):
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    CALLS[call](model, True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "100%" in shown.err


@pytest.mark.parametrize("call", CALLS)
def test_neither_none_nor_false_shows_anything(model, call, capsys):
    for progress in (None, False):
        CALLS[call](model, progress)
        model.with_name("o.zt").unlink(missing_ok=True)
        if call == "compact":
            save_file({name: np.zeros(9) for name in "ab"}, model)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test_without_tqdm_the_error_says_what_to_install(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match=r'pip install "ztensor\[progress\]"'):
        ztensor.verify(model, progress=True)
