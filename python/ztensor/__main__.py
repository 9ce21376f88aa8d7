"""`python -m ztensor` is the command `ztensor`, which is installed beside Python."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from importlib import metadata
from pathlib import Path


def command() -> str | None:
    """The path of the command that belongs to this package; None if there is none."""
    try:
        files = metadata.files("ztensor") or []
    except metadata.PackageNotFoundError:
        files = []
    installed = [Path(str(file.locate())) for file in files if file.name == "ztensor"]
    schemes = [sysconfig.get_path("scripts"), sysconfig.get_path("scripts", f"{os.name}_user")]
    for path in [*installed, *(Path(scheme) / "ztensor" for scheme in schemes)]:
        if path.is_file() and os.access(path, os.X_OK):
            return str(path.resolve())
    return shutil.which("ztensor")


def main() -> None:
    path = command()
    if path is None:
        sys.exit("ztensor: error: the command is not installed beside this package: install the package with pip")
    os.execv(path, ["ztensor", *sys.argv[1:]])


if __name__ == "__main__":
    main()
