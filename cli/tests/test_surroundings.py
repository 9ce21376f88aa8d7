"""Pipes, full disks, terminals and signals."""

import os
import pty
import random
import re
import resource
import signal
import subprocess
import time

import pytest
from conftest import write_safetensors


@pytest.fixture
def slow(at):
    """Takes many seconds to compress at a high level."""
    letters = bytes(random.Random(1).choices(range(16), k=1 << 20))
    write_safetensors(at / "slow.safetensors", {f"t{i}": ("U8", [64, 1 << 20], letters * 64) for i in range(1)})
    return at


def test_a_closed_pipe_ends_quietly_with_0(at):
    write_safetensors(at / "many", {f"tensor{i:05}": ("U8", [1], b"a") for i in range(20000)})
    for arguments in [["info", "many"], ["info", "many", "--json"]]:
        process = at.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.read(10)
        process.stdout.close()
        error = process.stderr.read()
        process.stderr.close()
        assert (process.wait(60), error) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["info", "model.safetensors"], ["verify", "model.safetensors"]])
def test_a_full_disk_is_an_error(model, arguments):
    with open("/dev/full", "w") as full:
        done = model.run(*arguments, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "ztensor: error: cannot write to standard output: No space left on device\n"


def test_a_closed_output_never_becomes_the_file_that_is_written(model):
    model.ok("convert", "model.safetensors", "model.zt")
    done = model.run("convert", "model.safetensors", "-o", "out.zt", preexec_fn=lambda: os.close(1), stdout=None)
    assert done.returncode == 1
    assert (model / "out.zt").read_bytes() == (model / "model.zt").read_bytes()


def test_a_file_size_limit_is_an_error_that_leaves_nothing(model):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = model.run("convert", "model.safetensors", "-o", "out.zt", preexec_fn=limit)
    assert done.returncode == 1
    assert done.stderr.endswith("out.zt: cannot write: File too large\n") and done.stderr.count("\n") == 1
    assert model.files() == ["model.safetensors"]


def run_on_terminal(at, *arguments, until=None):
    """Runs the command on a terminal. Presses Ctrl-C after `until` appears. Returns standard error and exit code."""
    master, terminal = pty.openpty()
    # A background job begins with SIGINT ignored, and its children inherit this.
    heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    process = at.start(*arguments, stdout=subprocess.DEVNULL, stderr=terminal, preexec_fn=heard)
    os.close(terminal)
    seen = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # EIO: the other side is closed
            break
        if not piece:
            break
        seen += piece
        if until is not None and until in seen:
            process.send_signal(signal.SIGINT)
            until = None
    os.close(master)
    return seen, process.wait(60)


def test_a_terminal_gets_a_bar_that_is_wiped_and_q_silences_it(slow):
    arguments = ["compress", "slow.safetensors", "-o", "out.zt", "--force", "-l", "5"]
    seen, code = run_on_terminal(slow, *arguments)
    assert code == 0
    assert b"% " in seen and b"of 67.1 MB" in seen and b"/s" in seen
    assert seen.endswith(b" \r") and b"\n" not in seen
    assert run_on_terminal(slow, *arguments, "-q") == (b"", 0)


def test_the_bar_tells_the_time_that_is_left(slow):
    seen, code = run_on_terminal(slow, "compress", "slow.safetensors", "-o", "out.zt", "-l", "19", until=b" left")
    assert code == -signal.SIGINT
    assert re.search(rb"B/s  (\d+:)?\d+:\d\d left", seen)


def test_a_pipe_gets_no_bar(slow):
    done = slow.run("compress", "slow.safetensors", "-o", "out.zt", "-l", "5")
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_leaves_no_litter_and_ends_by_the_signal(slow):
    start = time.monotonic()
    seen, code = run_on_terminal(slow, "compress", "slow.safetensors", "-o", "out.zt", "-l", "19", until=b"%")
    assert code == -signal.SIGINT
    assert seen.endswith(b"ztensor: error: interrupted\r\n")
    assert slow.files() == ["slow.safetensors"]
    assert time.monotonic() - start < 60


NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs commands as another user")


@needs_root
def test_what_a_replaced_file_had_and_the_new_one_cannot_have_is_a_note(model):
    model.ok("convert", "model.safetensors", "a.zt")
    (model / "a.zt").chmod(0o664)
    model.folder.chmod(0o777)
    done = model.run("convert", "model.safetensors", "-o", "a.zt", "--force", **NOBODY)
    assert (done.returncode, done.stderr) == (
        0,
        "ztensor: note: a.zt: its owner 0 could not be kept: Operation not permitted\n"
        "ztensor: note: a.zt: its group 0 could not be kept: Operation not permitted\n",
    )
    assert (model / "a.zt").stat().st_mode & 0o7777 == 0o644


@needs_root
@pytest.mark.parametrize("mode", [0o555, 0o1777])
def test_a_file_that_may_only_be_written_in_place_is_left_and_says_what_would_do(model, mode):
    model.ok("convert", "model.safetensors", "a.zt")
    (model / "a.zt").chmod(0o666)
    before = (model / "a.zt").read_bytes()
    model.folder.chmod(mode)
    done = model.run("convert", "model.safetensors", "-o", "a.zt", "--force", "-c", **NOBODY)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ztensor: error: a.zt: cannot ")
    assert done.stderr.endswith("; write a file in another folder, and copy it over this file\n")
    assert (model / "a.zt").read_bytes() == before
    model.folder.chmod(0o755)
