"""One folder of hostile files and its expected.json, as tests/hostile/hostile_test.cc reads them."""

import hashlib
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


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
        """A file whose tensor "w" cannot be read, or is not right, beside others that are."""
        self.add(name, content, {"code": code, "rule": rule, "tensor": "w", "where": "read", **verdict})

    def good(self, name, content, dtype, shape, parts, layout="dense", **more):
        """`parts`: role -> decoded bytes of the tensor "w". view=True: they do not lie as a blob of their own."""
        digests = {role: hashlib.sha256(decoded).hexdigest() for role, decoded in parts.items()}
        tensor = {"dtype": dtype, "shape": list(shape), "layout": layout, "parts": digests, **more}
        self.add("ok." + name, content, {"code": "ok", "tensors": {"w": tensor}})

    def write(self, golden):
        """Writes the files, and good ones of them as seeds of the fuzz target; `golden`: folders with more seeds."""
        hostile, seeds = ROOT / "tests" / "hostile" / self.folder, ROOT / "fuzz" / "seeds" / self.folder
        hostile.mkdir(parents=True, exist_ok=True)
        seeds.mkdir(parents=True, exist_ok=True)  # fuzzing adds seeds of its own, which stay
        for old in hostile.iterdir():  # a case that is gone leaves no file
            old.unlink()
        (hostile / "expected.json").write_text(json.dumps(self.verdicts, indent=1, sort_keys=True) + "\n")
        for name, content in self.files.items():
            (hostile / name).write_bytes(content)
            if name.startswith("ok."):
                (seeds / name).write_bytes(content)
        for pattern in golden:
            for path in (ROOT / "tests" / "golden").glob(pattern):
                if path.stat().st_size < 4096:
                    (seeds / f"golden.{path.parent.name}.{path.name}").write_bytes(path.read_bytes())
        print(len(self.files), "files", file=sys.stderr)
