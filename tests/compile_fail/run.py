"""Compiles each file here twice. With ZT_WRONG it must fail, for the right reason. Without, it must compile.

The first comments of a file are instructions:
  // expects: REGEX        the error must match it, so that the file does not fail for another reason
  // compiler: clang++     only clang sees this mistake; the default is the compiler of the build
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FLAGS = ["-std=c++20", "-fsyntax-only", "-Werror=unused-result", "-Werror=dangling", "-Werror=return-stack-address"]
INCLUDES = [f"-I{ROOT / 'include'}", f"-I{ROOT / 'src'}"]


def find_clang() -> str | None:
    return shutil.which("clang++-14") or shutil.which("clang++")


def compile_case(compiler: str, source: Path, *defines: str) -> tuple[bool, str]:
    flags = FLAGS if "clang" in compiler else FLAGS[:3]  # g++ has not heard of the last two
    command = [compiler, *flags, *INCLUDES, *defines, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def judge(source: Path, compiler: str, expected: str) -> str:
    """The fault of a case, or an empty string."""
    accepted, text = compile_case(compiler, source)
    if not accepted:
        return f"the safe twin is refused:\n{text}"
    accepted, text = compile_case(compiler, source, "-DZT_WRONG")
    if accepted:
        return "the mistake compiles"
    if not expected or not re.search(expected, text):
        return f"refused, but not by {expected!r}:\n{text}"
    return ""


def directive(text: str, name: str) -> str:
    found = re.search(rf"^// {name}: (.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gxx", default="g++", help="the compiler of the build")
    options = parser.parse_args()
    failed = passed = 0
    for source in sorted(HERE.glob("*.cc")):
        text = source.read_text(encoding="utf-8")
        compiler = find_clang() if directive(text, "compiler") == "clang++" else options.gxx
        if compiler is None:
            print(f"{source.name}: skipped, only clang sees this mistake and there is none here")
            continue
        fault = judge(source, compiler, directive(text, "expects"))
        print(f"{source.name}: {fault or 'ok'}")
        failed += bool(fault)
        passed += not fault
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
