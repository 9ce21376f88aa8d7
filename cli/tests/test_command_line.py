"""Parsing of command lines, and errors for wrong ones."""

import os

import pytest
from conftest import write_safetensors

COMMANDS = [
    *["info", "convert", "compress", "decompress", "merge", "migrate", "verify", "diff", "delta", "apply", "fold"],
    *["id", "append", "remove", "set", "compact", "repair", "scan", "extract", "cat", "completion"],
]


def test_the_version_is_one_line(at):
    assert at.ok("--version") == "ztensor 0.1.0\n"


def test_help_lists_the_commands_that_exist_and_no_others(at):
    lines = at.ok("--help").split("Commands:\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines] == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_shows_an_example(at, command):
    text = at.ok(command, "--help")
    assert f"Usage: ztensor {command} " in text
    assert f"\n  ztensor {command} " in text.split("Example")[1]


@pytest.mark.parametrize(
    "arguments, cause",
    [
        ([], "a command is needed (see 'ztensor --help')"),
        (["frob"], "there is no command 'frob' (see 'ztensor --help')"),
        (["--frob"], "there is no option '--frob' (see 'ztensor --help')"),
        (["info", "a", "--frob"], "The following argument was not expected: --frob (see 'ztensor info --help')"),
        (["info"], "one FILE is needed; got 0 (see 'ztensor info --help')"),
        (["info", "a", "b"], "one FILE is needed; got 2 (see 'ztensor info --help')"),
        (["verify"], "a FILE is needed (see 'ztensor verify --help')"),
        (["id"], "a FILE is needed (see 'ztensor id --help')"),
        (["diff", "a"], "two files are needed, A and B; got 1 (see 'ztensor diff --help')"),
        (["diff", "a", "b", "c"], "two files are needed, A and B; got 3 (see 'ztensor diff --help')"),
        (["convert", "a"], "without -o OUT, two operands are needed, IN and OUT; got 1 (see 'ztensor convert --help')"),
        (
            ["convert", "a", "b", "c"],
            "without -o OUT, two operands are needed, IN and OUT; got 3 (see 'ztensor convert --help')",
        ),
        (["convert", "-o", "x"], "an input is needed (see 'ztensor convert --help')"),
        (["convert", "a", "-o"], "--output: 1 required OUT missing (see 'ztensor convert --help')"),
        (["compress", "a", "b", "-o", "c"], "with -o OUT, one input is needed; got 2 (see 'ztensor compress --help')"),
        (["compress", "a", "b", "-l", "23"], "--level: Value 23 not in range 1 to 22 (see 'ztensor compress --help')"),
        (
            ["convert", "a", "b", "-l", "fast"],
            "--level: Value fast not in range 1 to 22 (see 'ztensor convert --help')",
        ),
        (
            ["convert", "a", "b", "--threads", "0"],
            "--threads: Value 0 not in range 1 to 1024 (see 'ztensor convert --help')",
        ),
        *(
            (
                ["convert", "a", "b", "--to", "2", "--max-shard-size", size],
                f"--max-shard-size: '{size}' is not a size: expected a whole number over 0, alone or as in 5GB or "
                "512MiB (see 'ztensor convert --help')",
            )
            for size in [
                "0",
                "00",
                "0x10",
                "010",
                "+5",
                " 5",
                "0GB",
                "1.5kB",
                "abc",
                "-3",
                "5 apples",
                "99999999EB",
                str(2**64),
            ]
        ),
        (["merge", "a", "b"], "-o OUT is needed (see 'ztensor merge --help')"),
        *(
            (
                [command, "a", "b", "--to", "7"],
                f"--to: '7' is not one of 1.0, 1.2, 2, safetensors, npz or gguf (see 'ztensor {command} --help')",
            )
            for command in ("convert", "migrate")
        ),
        (
            ["convert", "a", "b", "--to", ""],
            "--to: '' is not one of 1.0, 1.2, 2, safetensors, npz or gguf (see 'ztensor convert --help')",
        ),
        (
            ["convert", "a", "b", "--to", "0.1"],
            "--to: '0.1' is not one of 1.0, 1.2, 2, safetensors, npz or gguf (see 'ztensor convert --help')",
        ),
        (
            ["convert", "a", "b", "-f", "bogus"],
            "--format: 'bogus' is not a format: expected auto, zt-1.2, zt-1.1, zt-2, zt-1.0, zt-0.1, safetensors, "
            "gguf, pt, npz, pickle, npy, onnx (see 'ztensor convert --help')",
        ),
        *(
            (
                ["verify", "a", "--threads", threads],
                f"--threads: Value {threads} not in range 1 to 1024 (see 'ztensor verify --help')",
            )
            for threads in ("0", "-1", "1025", "many")
        ),
    ],
)
def test_what_cannot_be_parsed_exits_with_2_and_a_hint(at, arguments, cause):
    assert at.fails(*arguments, code=2) == cause


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert", "--delete-original", "a.safetensors", "b.safetensors", "-o", "model.zt"],
        ["convert", "a.safetensors", "-o", "model.zt", "b.safetensors", "--delete-original"],
        ["convert", "-omodel.zt", "a.safetensors", "--delete-original", "--", "b.safetensors"],
        ["merge", "-o", "model.zt", "a.safetensors", "b.safetensors", "--delete-original"],
        ["merge", "a.safetensors", "b.safetensors", "--output=model.zt", "--delete-original"],
    ],
)
def test_options_may_stand_anywhere_among_operands(at, arguments):
    write_safetensors(at / "a.safetensors", {"a": ("U8", [1], b"a")})
    write_safetensors(at / "b.safetensors", {"b": ("U8", [1], b"b")})
    assert at.ok(*arguments).startswith("model.zt: 2 tensors, ")
    assert at.files() == ["model.zt"]
    assert list(at.tensors("model.zt")) == ["a", "b"]


@pytest.mark.parametrize("format", ["auto", "safetensors"])
@pytest.mark.parametrize("to", ["1.0", "zt-1.0", "2", "zt-2"])
def test_every_name_of_a_format_is_taken(at, format, to):
    write_safetensors(at / "a", {"t": ("U8", [1], b"a")})
    at.ok("convert", "a", "out.zt", "-f", format, "--to", to)
    assert at.info("out.zt")["format"] == "zt-" + to.removeprefix("zt-")
    at.ok("convert", "out.zt", "back.zt", "-f", to)


@pytest.mark.parametrize("threads", ["abc", "0", "-1", "1025", "9" * 30])
def test_a_number_of_threads_in_the_environment_that_is_none_is_an_error(model, threads):
    done = model.run("verify", "model.safetensors", env={**os.environ, "ZTENSOR_THREADS": threads})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"ztensor: error: the environment variable ZTENSOR_THREADS is '{threads}': "
        "expected a whole number from 1 to 1024\n"
    )
    done = model.run("verify", "model.safetensors", "--threads", "1", env={**os.environ, "ZTENSOR_THREADS": threads})
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [["info", ""], ["verify", ""], ["convert", "", "-o", "b.zt"], ["repair", ""]])
def test_an_empty_name_of_a_file_is_named(at, arguments):
    assert at.fails(*arguments) == "'': a path must not be empty: No such file or directory"


@pytest.mark.parametrize("name", ["info", "[a,b]", "-", "-q", "--help", "a b'\""])
def test_file_names_that_look_like_something_else_are_file_names(at, name):
    write_safetensors(at / name, {"t": ("U8", [1], b"a")})
    assert at.ok("info", "--", name).startswith(f"{name}: safetensors, 1 tensor, ")
    assert at.ok("convert", "-q", "-o", "out.zt", "--", name) == ""
    assert at.ok("verify", "out.zt") == "out.zt: 1 tensor ok, 0 without digest\n"


def test_a_glob_takes_one_argument_and_leaves_the_operands(model):
    model.ok("convert", "--include", "w*", "--include", "[s]*", "--exclude", "ste?s", "model.safetensors", "out.zt")
    assert list(model.tensors("out.zt")) == ["weight"]
