"""Holds the functions that c.h declares against a list, and against what the shared library exports.

usage: symbols.py HEADER LIST [LIBRARY]
A function that programs may call already must stay, so a line of the list is never changed or removed.
"""

import re
import subprocess
import sys
from pathlib import Path


def main(header: str, listed: str, library: str | None = None) -> int:
    text = re.sub(r"/\*.*?\*/", "", Path(header).read_text(encoding="utf-8"), flags=re.DOTALL)
    declared = set(re.findall(r"ZT_API [^;(]*?\b(zt_\w+)\(", text))
    known = set(Path(listed).read_text(encoding="utf-8").split())
    faults = [f"{name} is in the list, but {header} does not declare it" for name in sorted(known - declared)]
    faults += [f"{name} is declared, but not in {listed}: add it" for name in sorted(declared - known)]
    if library:
        lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True)
        names = {line.split()[-1].split("@")[0] for line in lines.stdout.splitlines()}
        exported = {name for name in names if not name.startswith("_Z")}
        faults += [f"{library} does not export {name}" for name in sorted(known - exported)]
        faults += [f"{library} exports {name}, which is none of ours" for name in sorted(exported - known)]
    print("\n".join(faults) if faults else f"{len(known)} functions")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
