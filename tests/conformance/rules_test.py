#!/usr/bin/env python3
"""Checks that spec/rules.md, the rule ids in the code and the files that break the rules agree. Exits with 1 if not.

A rule id is a literal such as "zt12.blob.bounds" in library code: lower-case words with dots between them.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REJECT = ROOT / "tests" / "conformance" / "reject"
LITERAL = re.compile(r'"([a-z][a-z0-9]*(?:\.[a-z0-9]+)+)"')
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| `([^`]+)` \|$", re.MULTILINE)
# Literals that have the form of a rule id and are none.
NO_RULE = {
    "ai.onnx",
    "config.json",
    "constants.pkl",
    "cpu.max",
    "data.pkl",
    "eye.zt",
    "general.alignment",
    "gguf.unknown",
    "libcuda.so.1",
    "model.weights.h5",
    "nvcuda.dll",
    "scipy.sparse",
    "six.zt",
    "sse4.2",
    "split.count",
    "split.no",
    "split.tensors.count",
    "torch.distributed.tensor",
    "zt.delta",
    "zt.planes.dtype",
    "ztensor.attributes.order",
    "ztensor.free",
    "ztensor.gguf.types",
    "ztensor.gguf.version",
    "ztensor.pickle.objects",
    "ztensor.pickle.state.",
    "ztensor.scipy",
    "ztensor.source.format",
    "ztensor.structure",
}


def rules_in_code():
    found = set()
    sources = [
        path
        for pattern in ("src/**/*.cc", "src/**/*.h", "python/bindings/*", "python/ztensor/*.py")
        for path in sorted(ROOT.glob(pattern))
    ]
    for path in sources:
        if path.name.endswith("_test.cc"):
            continue
        for line in path.read_text().splitlines():
            if not line.startswith("#include"):
                found |= set(LITERAL.findall(line.split("//")[0]))
    return found - NO_RULE


def verdicts():
    """File below tests/conformance/reject -> its entry in expected.json."""
    found = {}
    for listing in REJECT.glob("*/expected.json"):
        for name, verdict in json.loads(listing.read_text()).items():
            found[f"{listing.parent.name}/{name}"] = verdict
    return found


def complaints():
    rows = ROW.findall((ROOT / "spec" / "rules.md").read_text())
    listed = [row[0] for row in rows]
    in_code = rules_in_code()
    if listed != sorted(set(listed)):
        yield "spec/rules.md: ids are not in order, or one is there twice"
    for rule in sorted(in_code - set(listed)):
        yield f"{rule} is in the code, not in spec/rules.md"
    for rule in sorted(set(listed) - in_code):
        yield f"{rule} is in spec/rules.md, not in the code"
    known = verdicts()
    for rule, _, _, where in rows:
        if where.startswith(("src/", "python/tests/")):
            path = ROOT / where
            if not path.name.endswith(("_test.cc", ".py")) or not path.is_file() or rule not in path.read_text():
                yield f"{rule}: {where} is no test that names it"
        elif where not in known or not (REJECT / where).is_file():
            yield f"{rule}: no file {where} with a verdict"
        elif known[where].get("rule") != rule:
            yield f"{rule}: {where} breaks {known[where].get('rule')}"
    for name, verdict in sorted(known.items()):
        if verdict["rule"] not in listed:
            yield f"{name} breaks {verdict['rule']}, which is not in spec/rules.md"


# The rows of docs/security.md, and the folders whose files they count; the first row counts all others.
COUNTED = {"GGUF": "gguf", "NumPy": "numpy", "ONNX": "onnx", "PyTorch": "pt", "ZIP": "zip"}
COUNTED |= {"pickle": "pickle", "safetensors": "safetensors"}


def wrong_counts():
    counts = dict(re.findall(r"^\| ([^|]+) \| ([0-9]+) \|$", (ROOT / "docs/security.md").read_text(), re.MULTILINE))
    folders = [name.split("/")[0] for name in verdicts()]
    actual = {row: folders.count(folder) for row, folder in COUNTED.items()}
    actual["`.zt`"] = len(folders) - sum(actual.values())
    for row, count in actual.items():
        if counts.get(row) != str(count):
            yield f"docs/security.md: {row} has {count} files, not {counts.get(row)}"


def main():
    found = [*complaints(), *wrong_counts()]
    for complaint in found:
        print(complaint)
    print(f"{len(rules_in_code())} rules, {len(verdicts())} files, {len(found)} complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
