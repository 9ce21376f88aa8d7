"""Runs the command for Windows, as a user there would, with names that are not ASCII.

usage: windows_command.py PROGRAM [EMULATOR...]
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = [*sys.argv[2:], str(Path(sys.argv[1]).resolve())]


def safetensors(name: str, values: range) -> bytes:
    header = json.dumps({name: {"dtype": "U8", "shape": [len(values)], "data_offsets": [0, len(values)]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(values)


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run([*PROGRAM, *arguments], cwd=folder, capture_output=True, timeout=300)
    output = (done.stdout + done.stderr).decode()
    if done.returncode != code:
        sys.exit(f"ztensor {' '.join(arguments)}: ended with {done.returncode}, expected {code}:\n{output}")
    return output


def expect(output: str, *texts: str) -> None:
    for text in texts:
        if text not in output:
            sys.exit(f"expected {text!r} in:\n{output}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "größe.safetensors").write_bytes(safetensors("w", range(200)))
        (folder / "b.safetensors").write_bytes(safetensors("v", range(10, 20)))
        run(folder, "convert", "größe.safetensors", "-o", "模型.zt")
        run(folder, "append", "模型.zt", "--from", "b.safetensors")
        expect(run(folder, "info", "模型.zt"), "w ", "v ", "uint8")
        expect(run(folder, "verify", "模型.zt"), "模型.zt: 2 tensors ok")
        run(folder, "compress", "模型.zt", "-o", "small.zt")
        run(folder, "compress", "模型.zt", "-o", "small.zt", "--force")  # replaces it
        run(folder, "diff", "模型.zt", "small.zt")
        if run(folder, "id", "模型.zt") != run(folder, "id", "small.zt"):
            sys.exit("compressing changed the id")
        expect(run(folder, "cat", "模型.zt", "v", "2:5"), "12 13 14\n")  # no carriage return
        run(folder, "remove", "模型.zt", "v")
        expect(run(folder, "info", "none.zt", code=1), "none.zt: cannot open")
        expect(run(folder, "info", "NUL", code=1), "not a regular file")
        expect(run(folder, "convert", "b.safetensors", "-o", "x:y.zt", code=1), "x:y.zt")
        left = sorted(path.name for path in folder.iterdir())
        if left != sorted(["größe.safetensors", "b.safetensors", "模型.zt", "small.zt"]):
            sys.exit(f"files were left: {left}")


main()
