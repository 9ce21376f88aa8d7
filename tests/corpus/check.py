#!/usr/bin/env python3
"""Checks that the scripts still make the files of tests/conformance and fuzz/seeds. Exits with 1 if not.

All scripts run again, into a temporary folder. They need only Python and the golden files. They must write the
committed files, byte for byte. Seeds that fuzzing has found are not checked.
"""

import pathlib
import subprocess
import sys
import tempfile

from cases import ROOT

HERE = pathlib.Path(__file__).resolve().parent


def scripts():
    return [
        path for path in sorted(HERE.glob("*.py")) if "\ndef main():" in path.read_text() and path.name != "check.py"
    ]


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def differences(committed, made, also_others):
    for name in sorted(made.keys() - committed.keys()):
        yield f"{name}: made by a script, but not committed"
    for name in sorted(made.keys() & committed.keys()):
        if made[name] != committed[name]:
            yield f"{name}: is not what its script makes"
    for name in sorted(committed.keys() - made.keys()):
        if not also_others:
            yield f"{name}: committed, but no script makes it"


def is_made(name):
    """Whether a script must make this file of tests/conformance."""
    return "/" in name


def main():
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder)
        for script in scripts():
            subprocess.run([sys.executable, "-B", script, output], check=True, stderr=subprocess.DEVNULL)
        committed = files_below(ROOT / "tests" / "conformance")
        made = files_below(output / "tests" / "conformance")
        seeds = files_below(output / "fuzz" / "seeds")
        found = list(differences({k: v for k, v in committed.items() if is_made(k)}, made, False))
        found += differences(files_below(ROOT / "fuzz" / "seeds"), seeds, True)
    for difference in found:
        print(difference)
    print(f"{len(scripts())} scripts, {len(made)} files, {len(seeds)} seeds, {len(found)} differences")
    return 1 if found or not made or not seeds else 0


if __name__ == "__main__":
    sys.exit(main())
