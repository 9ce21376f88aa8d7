"""Runs the examples of the README and of the guide."""

import os
import re
import shutil
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import ztensor

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

if not (ROOT / "README.md").exists():
    pytest.skip("README.md is not here", allow_module_level=True)


def blocks(page, language, heading=None):
    """The fenced blocks of a page, or of one of its sections."""
    text = (ROOT / page).read_text()
    if heading is not None:
        text = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [body for name, body in FENCE.findall(text) if name == language]


def run_python(program, folder):
    for module in ("torch", "scipy", "safetensors", "h5py"):
        if re.search(rf"^import {module}\b", program, re.MULTILINE):
            pytest.importorskip(module, reason=f"{module} is not installed")
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


PYTHON = blocks("README.md", "python", "Python")
COMMANDS = [line for block in blocks("README.md", "", "Shell") for line in block.splitlines()]


def test_the_readme_has_examples():
    assert len(PYTHON) == 3
    assert len(COMMANDS) >= 10
    assert all(command.startswith("ztensor ") for command in COMMANDS)


@pytest.mark.parametrize("block", PYTHON, ids=range(len(PYTHON)))
def test_a_python_block_runs_in_an_empty_folder(tmp_path, block):
    run_python(block, tmp_path)


def test_the_training_example_goes_on_where_it_stopped(tmp_path):
    command = [sys.executable, ROOT / "examples/train.py", tmp_path / "run.zt"]
    for steps, last in ((3, 3), (2, 5)):
        done = subprocess.run([*command, str(steps)], capture_output=True, text=True, check=True)
        assert done.stdout.startswith(f"step {last}, loss ")


@pytest.mark.parametrize("page", ["README.md", "docs/guide/c.md"])
def test_c_blocks_compile(page):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    found = blocks(page, "c")
    assert found
    for block in found:
        program = (
            f"#include <stdio.h>\n#include <stdlib.h>\n#include <ztensor/c.h>\nint main(void) {{\n{block}return 0; }}\n"
        )
        command = [compiler, "-std=c11", "-Wall", "-Wno-unused-variable", "-Werror", "-fsyntax-only", "-xc", "-"]
        done = subprocess.run([*command, f"-I{ROOT}/include"], input=program, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


GUIDE = {page.stem: "\n".join(blocks(page, "python")) for page in sorted((ROOT / "docs" / "guide").glob("*.md"))}
PROGRAMS = [name for name, program in GUIDE.items() if program]


def test_the_guide_has_python_lines():
    assert PROGRAMS == ["changes", "cli", "formats", "growing", "python", "safetensors"]


@pytest.mark.parametrize("page", PROGRAMS)
def test_the_python_lines_of_a_page_of_the_guide_are_one_program(tmp_path, page):
    run_python(GUIDE[page], tmp_path)


def write_input(path):
    """A file of one tensor that is named after it."""
    array = np.arange(5000, dtype=np.float32)
    if path.suffix == ".safetensors":
        header = f'{{"{path.stem}": {{"dtype": "F32", "shape": [5000], "data_offsets": [0, 20000]}}}}'.encode()
        path.write_bytes(struct.pack("<Q", len(header)) + header + array.tobytes())
        return
    with ztensor.Writer(path, compress=path.stem == "compressed") as writer:
        writer.add_tensor(path.stem, array)


def files_of(command):
    """The inputs, and the output or None, of a line like `ztensor merge -o merged.zt part1.zt part2.zt`."""
    _, verb, *words = command.split()
    output = None
    if "-o" in words:
        at = words.index("-o")
        output = words[at + 1]
        del words[at : at + 2]
    elif verb in ("convert", "compress", "decompress"):
        output = words.pop()
    return [word for word in words if Path(word).suffix in (".zt", ".safetensors")], output


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs_on_fresh_inputs(tmp_path, command):
    program = shutil.which("ztensor", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if program is None:
        pytest.skip("no ztensor on the PATH")
    inputs, output = files_of(command)
    for name in inputs:
        write_input(tmp_path / name)
    if command.split()[1] == "remove":
        with ztensor.Writer(tmp_path / inputs[0], mode="a") as writer:
            writer.add_tensor(command.split()[-1], np.zeros(1))
    words = [program, *command.split()[1:]]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    if output is not None:
        reader = ztensor.open(tmp_path / output)
        assert reader.tensor_names == [Path(name).stem for name in inputs]
        assert all(reader[name][3] == 3 for name in reader)
        encoding = reader.metadata(reader.tensor_names[0]).parts["data"].encoding
        assert encoding == ("zstd" if "compress" in words else "raw")


def plain_lines(text):
    """The text without indentation, and without the brace that ends a scope in the test."""
    lines = [line.strip() for line in textwrap.dedent(text).splitlines()]
    return [line for line in lines if line not in ("", "}")]


def test_the_cpp_block_is_what_the_test_compiles():
    (block,) = blocks("README.md", "cpp", "C++")
    source = (ROOT / "tests" / "quick_start_test.cc").read_text()
    marked = source.split("// [quick start]\n")[1].split("// [/quick start]")[0]
    assert plain_lines(block) == plain_lines(marked)
