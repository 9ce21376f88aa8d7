"""A file that grows while others open it: they see one version or another, and never a mixture."""

import contextlib
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import ztensor

APPENDS = 500
STEP = 20
GROW = """
    import sys, numpy as np, ztensor
    path, appends, step, compress = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "zstd"
    for i in range(1, appends + 1):
        if i % step == 0:
            sys.stdin.readline()  # a reader sends a line for each version that it saw, so no reader falls far behind
        with ztensor.Writer(path, mode="a", compress=compress and i % 3 == 0, threads=1) as writer:
            writer.add_tensor(f"t{i}", np.arange(i, i + 50))
            writer.add_tensor("last", np.array([i]), replace=True)
            writer.attributes["count"] = i
"""


def values_of(name):
    start = int(name[1:])
    return np.arange(start, start + 50)


def check(reader, seen):
    """Checks that the reader has one version, not older than the last one seen, and returns its number."""
    names = reader.tensor_names
    count = reader.attributes["count"]
    assert set(names) == {"last", *(f"t{i}" for i in range(count + 1))}
    assert count >= seen
    arrays = reader.read_tensors()
    assert arrays["last"].tolist() == [count]
    for name in [*names[:3], *names[-3:]] if count % 10 else names:
        if name != "last":
            assert np.array_equal(arrays[name], values_of(name))
    return count


@pytest.mark.parametrize(
    ("options", "encoding"),
    [({"format": "1.2"}, "raw"), ({"format": "2", "canonical": False}, "zstd"), ({"format": "2"}, "raw")],
    ids=["1.2", "2", "2 canonical"],
)
def test_whoever_opens_a_growing_file_sees_a_whole_version(tmp_path, options, encoding):
    path = tmp_path / "g.zt"
    with ztensor.Writer(path, attributes={"count": 0}, **options) as writer:
        writer.add_tensor("t0", values_of("t0"))
        writer.add_tensor("last", np.array([0]))
    command = [sys.executable, "-c", textwrap.dedent(GROW), str(path), str(APPENDS), str(STEP), encoding]
    versions = set()
    count = 0
    kept = ztensor.open(path)
    view = kept.read_tensor("t0")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as grower:
        while grower.poll() is None:
            with ztensor.open(path, threads=1, backend="read" if len(versions) % 2 else "mmap") as reader:
                count = check(reader, count)
            if count not in versions:
                versions.add(count)
                with contextlib.suppress(BrokenPipeError):  # it has just ended
                    os.write(grower.stdin.fileno(), b"\n")
        assert grower.returncode == 0, grower.stderr.read()
    assert check(ztensor.open(path), count) == APPENDS
    assert len(versions) >= APPENDS // STEP  # it was opened in between
    assert kept.tensor_names == sorted(["t0", "last"], key=kept.tensor_names.index)
    assert np.array_equal(view, values_of("t0"))
    assert np.array_equal(kept.read_tensor("t0", copy=True), values_of("t0"))
    assert kept.read_tensor("last", copy=True).tolist() == [0]
    ztensor.verify(path)


@pytest.mark.parametrize("options", [{"format": "1.2"}, {"format": "2"}], ids=str)
def test_writers_that_meet_are_told_and_lose_nothing(tmp_path, options):
    path = tmp_path / "g.zt"
    with ztensor.Writer(path, **options) as writer:
        writer.add_tensor("t0", values_of("t0"))
    program = """
        import sys, numpy as np, ztensor
        path, who = sys.argv[1:]
        done = refused = 0
        while done < 40:
            try:
                with ztensor.Writer(path, mode="a") as writer:
                    writer.add_tensor(f"{who} {done}", np.array([done]))
                done += 1
            except BlockingIOError:
                refused += 1
    """
    running = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(program), str(path), who], stderr=subprocess.PIPE)
        for who in "ab"
    ]
    for process in running:
        assert process.wait() == 0, process.stderr.read()
        process.stderr.close()
    reader = ztensor.open(path)
    assert set(reader) == {"t0", *(f"{who} {i}" for who in "ab" for i in range(40))}
    assert all(reader.read_tensor(f"{who} {i}").tolist() == [i] for who in "ab" for i in range(40))
    reader.verify()
