"""Files of tests/conformance and their verdicts, which the README there describes.

A script of this folder takes the root of the tree that it writes to. The default is the tree of the script.
"""

import hashlib
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTPUT = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT


def split(verdicts):
    """The names of the folders, by what a reader must do with their files."""
    accept = [name for name, verdict in verdicts.items() if verdict["code"] == "ok"]
    return {"accept": accept, "reject": [name for name in verdicts if name not in accept]}


def write_cases(folder, files, verdicts):
    """Files and verdicts by name. The "ok." before the name of a valid file is not part of the name."""
    for kind, names in split(verdicts).items():
        place = OUTPUT / "tests" / "conformance" / kind / folder
        place.mkdir(parents=True, exist_ok=True)
        for old in place.iterdir():  # a case that is gone leaves no file
            old.unlink()
        shown = {name.removeprefix("ok."): name for name in names}
        listing = {name: verdicts[known] for name, known in shown.items()}
        (place / "expected.json").write_text(json.dumps(listing, indent=1, sort_keys=True) + "\n")
        for name, known in shown.items():
            (place / name).write_bytes(files[known])
    print(f"{folder}: {len(files)} files", file=sys.stderr)


def write_seeds(target, seeds):
    """The seeds of a fuzz target, by name. Fuzzing adds other seeds, which stay."""
    folder = OUTPUT / "fuzz" / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds.items():
        (folder / name).write_bytes(content)


def golden_seeds(patterns, most):
    """Golden files that match a pattern and are below the size, as seeds."""
    found = {}
    for pattern in patterns:
        for path in (ROOT / "tests" / "golden").glob(pattern):
            if path.stat().st_size < most:
                found[f"golden.{path.parent.name}.{path.name}"] = path.read_bytes()
    return found


class Cases:
    def __init__(self, folder):
        self.folder = folder
        self.files = {}  # name -> content
        self.verdicts = {}

    def add(self, name, content, verdict):
        name += ".zt"
        assert name not in self.files and len(content) < 16384, name
        self.files[name] = content
        self.verdicts[name] = verdict

    def refused(self, name, content, rule, code="malformed", **verdict):
        """A file that cannot be opened."""
        self.add(name, content, {"code": code, "rule": rule, "where": "open", **verdict})

    def entry(self, name, content, rule, code="malformed", **verdict):
        """A file whose tensor "w" cannot be read, or is faulty; its other tensors are valid."""
        self.add(name, content, {"code": code, "rule": rule, "tensor": "w", "where": "read", **verdict})

    def good(self, name, content, dtype, shape, parts, layout="dense", **more):
        """`parts`: role -> decoded bytes of the tensor "w". view=True: the parts have no blobs of their own."""
        digests = {role: hashlib.sha256(decoded).hexdigest() for role, decoded in parts.items()}
        tensor = {"dtype": dtype, "shape": list(shape), "layout": layout, "parts": digests, **more}
        self.add("ok." + name, content, {"code": "ok", "tensors": {"w": tensor}})

    def write(self, golden):
        """Writes the files, and the valid ones also as seeds of the fuzz target. `golden`: patterns for more seeds."""
        write_cases(self.folder, self.files, self.verdicts)
        good = {name: content for name, content in self.files.items() if name.startswith("ok.")}
        write_seeds(self.folder, good | golden_seeds(golden, 4096))
