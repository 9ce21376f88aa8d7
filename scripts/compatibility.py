#!/usr/bin/env python3
"""Exchanges files with the published releases, and says which tensors came through.

    ZTENSOR_PEERS=.venvs .venv/bin/python scripts/compatibility.py [--write]

ZTENSOR_PEERS is a folder with an environment for each release (./dev test python makes them). Prints the page
docs/compatibility.md; --write writes the page. Exits with 1 if anything was read wrongly instead of refused. Each
release reads and writes with python/tests/peer.py, in its own environment, with one process for each file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import ztensor

ROOT = Path(__file__).resolve().parents[1]
PEER = ROOT / "python" / "tests" / "peer.py"
PAGE = ROOT / "docs" / "compatibility.md"
RELEASES = ("0.1.4", "1.0.1", "1.1.1", "1.2.3", "2.1.2")

sys.path.insert(0, str(PEER.parent))
import peer  # noqa: E402

Expected = dict[str, dict[str, Any]]  # tensors by name, in the form of peer.read()
Table = dict[str, dict[str, str]]  # cells by row and column

WRONG = "WRONG"


class File:
    """A file, with the tensors and attributes that a reader should see in it."""

    def __init__(self, path: Path, expected: Expected, attributes: dict[str, Any] | None = None) -> None:
        self.path = path
        self.expected = expected
        self.attributes = attributes


# --- what we write --------------------------------------------------------------------------------------------------


def write_all(path: Path, **options: Any) -> File:
    """Writes each tensor of peer.py that the format can hold."""
    old = options.get("format") == "1.0"
    canonical = options == {"format": "2"}
    expected: Expected = {}
    with ztensor.Writer(path, **options) as writer:
        for name, array in peer.dense().items():
            if old and (name in peer.LOGICAL or name == "attributes"):
                continue
            attributes = peer.ATTRIBUTES if name == "attributes" else None
            writer.add_tensor(name, array, compress=name == "zstd" and not canonical, attributes=attributes)
            expected[name] = peer.seen_array(array) | ({"attributes": attributes} if attributes else {})
        if not old and not canonical:
            writer.add_tensor("planes", peer.weights(), compress="float")
            expected["planes"] = peer.seen_array(peer.weights())
        csr, coo = peer.CSR, peer.COO
        writer.add_sparse_csr("csr", csr["values"], csr["indices"], csr["indptr"], (2, 3))
        writer.add_sparse_coo("coo", coo["values"], coo["coords"].reshape(2, 3), (2, 3))
        writer.add_alias("second name", "int32")
        expected |= {"csr": peer.seen_parts(csr), "coo": peer.seen_parts(coo), "second name": expected["int32"]}
    return File(path, expected, options.get("attributes"))


def grow(path: Path, expected: Expected) -> File:
    """Appends, replaces and removes tensors. Returns the file, with the tensors that a reader should see."""
    arrays = {"added": peer.sample("float32"), "added zstd": np.arange(50_000), "int32": peer.sample("uint16")}
    expected = dict(expected)
    with ztensor.Writer(path, mode="a") as writer:
        for name, array in arrays.items():
            writer.add_tensor(name, array, compress=name.endswith("zstd"), replace=name in expected)
            expected[name] = peer.seen_array(array)
        writer.remove("float64")
        writer.add_alias("added second name", "uint8")
    del expected["float64"]
    expected["added second name"] = expected["uint8"]
    return File(path, expected)


def write_and_grow(path: Path, **options: Any) -> File:
    return grow(path, write_all(path, **options).expected)


def write_overlay(path: Path) -> File:
    base = write_all(path.with_name(f"{path.stem}-base.zt"), format="2")
    expected = dict(base.expected)
    with ztensor.Writer(path, format="2", canonical=False) as writer, ztensor.open(base.path) as source:
        for name in source:
            if name != "int8":
                writer.add_reference(name, source[name])
        writer.add_tensor("int8", peer.sample("float16"))
    expected["int8"] = peer.seen_array(peer.sample("float16"))
    return File(path, expected)


def write_delta(path: Path, to: str) -> File:
    """A tensor that is as in the base, one that changed, and one that the base lacks."""
    before, after = path.with_name("base.zt"), path.with_name("new.zt")
    kept, changed, added = peer.weights(), peer.weights().copy(), peer.sample("float32")
    changed[::9] += changed[::9]
    for file, arrays in {
        before: {"kept": kept, "changed": kept},
        after: {"kept": kept, "changed": changed, "added": added},
    }.items():
        with ztensor.Writer(file) as writer:
            for name, array in arrays.items():
                writer.add_tensor(name, array)
    ztensor.delta(before, after, path, to=to)
    return File(path, {name: peer.seen_array(array) for name, array in arrays.items()})


OURS: dict[str, Callable[[Path], File]] = {
    "1.0": lambda path: write_all(path, format="1.0"),
    "1.2": write_all,
    "1.2 with texts as attributes of the file": lambda path: write_all(path, attributes={"by": "us"}),
    "1.2 with other attributes of the file": lambda path: write_all(path, attributes=peer.ATTRIBUTES),
    "1.2 grown": write_and_grow,
    "2 canonical": lambda path: write_all(path, format="2"),
    "2": lambda path: write_all(path, format="2", canonical=False, attributes=peer.ATTRIBUTES),
    "2 grown": lambda path: write_and_grow(path, format="2", canonical=False),
    "2 canonical then grown": lambda path: write_and_grow(path, format="2"),
    "2 in shards": lambda path: write_all(path, format="2", max_shard_size=60_000),
    "2 in shards then grown": lambda path: write_and_grow(path, format="2", max_shard_size=60_000),
    "2 that refers to another file": write_overlay,
    "1.2 of what changed": lambda path: write_delta(path, "1.2"),
    "2 of what changed": lambda path: write_delta(path, "2"),
}


# --- what a reader sees ---------------------------------------------------------------------------------------------


def python_of(release: str) -> Path:
    return Path(os.environ["ZTENSOR_PEERS"]).absolute() / f"zt-{release}" / "bin" / "python"


def installed() -> list[str]:
    return [release for release in RELEASES if python_of(release).exists()]


def ask(release: str, *arguments: str | Path) -> Any:
    """Runs peer.py in a process of a release, and returns its answer."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [str(python_of(release)), "-W", "ignore", str(PEER), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [""]
        return {"error": f"the process ended with {done.returncode}: {lines[-1][:100]}"}
    return json.loads(done.stdout)


def our_view(path: Path) -> dict[str, Any]:
    """What we read, in the form of peer.read()."""
    reader = ztensor.open(path)
    tensors: dict[str, Any] = {}
    for name in reader:
        tensor = reader[name]
        try:
            seen = (
                peer.seen_array(tensor.numpy(copy=True)) if tensor.layout == "dense" else peer.seen_parts(tensor.parts)
            )
            tensors[name] = seen | {"attributes": tensor.attributes}
        except Exception as error:
            tensors[name] = {"error": peer.error_text(error, str(path))}
    reader.verify()
    return {"tensors": tensors, "attributes": reader.attributes}


def judge(expected: dict[str, Any], seen: dict[str, Any] | None) -> str:
    """The cell of the table for one tensor."""
    if seen is None:
        return f"{WRONG}: not there"
    for coded in ("planes", "delta"):
        if list(seen.get("parts", {})) == [coded]:
            return f"no, gives the bytes of its {coded}"
    if "error" in seen:
        return f"no: {seen['error']}"
    remarks = []
    if "parts" in expected:
        if seen.get("parts") != expected["parts"]:
            return f"{WRONG}: {seen}"
    elif seen.get("sha256") != expected["sha256"]:
        return f"{WRONG}: {seen}"
    elif seen["dtype"] != expected["dtype"]:
        remarks.append(f"as {seen['dtype']}")
    if seen.get("shape") != expected.get("shape"):
        if expected["shape"] != [] or seen["shape"] != [1]:
            return f"{WRONG}: {seen}"
        remarks.append("of shape (1,)")
    if "attributes" in expected:
        if "attributes" not in seen:
            remarks.append("shows no attributes")
        elif seen["attributes"] != expected["attributes"]:
            return f"{WRONG}: {seen}"
    return ", ".join(["yes", *remarks])


def judge_all(file: File, seen: dict[str, Any]) -> dict[str, str]:
    if "error" in seen:
        return {"opens": f"no: {seen['error']}"}
    cells = {"opens": "yes"}
    for name, expected in file.expected.items():
        cells[name] = judge(expected, seen["tensors"].get(name))
    for name in set(seen["tensors"]) - set(file.expected):
        cells[name] = f"{WRONG}: it was removed, or never there"
    if file.attributes is not None:
        given = seen.get("attributes")
        cells["attributes of the file"] = "not shown" if given is None else "yes" if given == file.attributes else WRONG
    return cells


# --- the two directions ---------------------------------------------------------------------------------------------


def ours_read_by_them(folder: Path, releases: list[str]) -> dict[str, Table]:
    files = {}
    for number, (kind, write) in enumerate(OURS.items()):
        (folder / f"ours-{number}").mkdir()
        files[kind] = write(folder / f"ours-{number}" / "f.zt")
    tables: dict[str, Table] = {kind: {} for kind in files}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        asked = {
            (kind, release): pool.submit(ask, release, "read", file.path)
            for kind, file in files.items()
            for release in releases
        }
        for (kind, release), answer in asked.items():
            for row, cell in judge_all(files[kind], answer.result()).items():
                tables[kind].setdefault(row, {})[release] = cell
    return tables


def everything() -> Expected:
    expected = {name: peer.seen_array(array) for name, array in peer.dense().items()}
    expected["attributes"]["attributes"] = peer.ATTRIBUTES
    return expected | {"csr": peer.seen_parts(peer.CSR), "coo": peer.seen_parts(peer.COO)}


def theirs_read_by_us(folder: Path, releases: list[str]) -> Table:
    """A table with a row for each tensor that a release can write, and a column for each of its files."""
    table: Table = {}
    appended = {"kept": peer.seen_array(peer.sample("int32")), "added": peer.seen_array(peer.sample("float32"))}
    for release in releases:
        place = folder / f"theirs-{release}"
        place.mkdir()
        for kind, path in ask(release, "write", place).items():
            seen = our_view(Path(path))
            if kind == "appended":
                expected = appended
            else:  # the file lacks tensors that the release cannot write
                expected = {name: one for name, one in everything().items() if name in seen["tensors"]}
            attributes = peer.ATTRIBUTES if seen["attributes"] else None
            column = release if kind == "plain" else f"{release} {kind}"
            for row, cell in judge_all(File(Path(path), expected, attributes), seen).items():
                table.setdefault(row, {})[column] = cell
    return table


def grown_in_turns(folder: Path, releases: list[str]) -> Table:
    """A table of files that one side writes, the other appends to, and both read."""
    rows: Table = {}
    for release, options in (("1.1.1", {}), ("1.2.3", {}), ("2.1.2", {"format": "2", "canonical": False})):
        if release not in releases:
            continue
        place = folder / f"turns-{release}"
        place.mkdir()
        theirs = Path(ask(release, "write", place)["plain"])
        seen = our_view(theirs)
        present = {name: one for name, one in everything().items() if name in seen["tensors"]}
        if seen["tensors"]["zero-d"].get("shape") == [1]:
            present["zero-d"]["shape"] = [1]
        grown = grow(theirs, present)
        cell = summary(judge_all(grown, ask(release, "read", theirs)), summary(judge_all(grown, our_view(theirs))))
        rows.setdefault("it writes, we append", {})[release] = cell
        if release == "1.1.1":
            rows.setdefault("we write, it appends", {})[release] = "cannot append"
            continue
        ours = write_all(place / "ours.zt", **options)
        failure = ask(release, "append", ours.path).get("error")
        ours.expected["added"] = peer.seen_array(peer.sample("float32"))
        cell = failure or summary(
            judge_all(ours, ask(release, "read", ours.path)), summary(judge_all(ours, our_view(ours.path)))
        )
        rows.setdefault("we write, it appends", {})[release] = cell
        del ours.expected["added"]
        again = ztensor.Writer(ours.path, mode="a")
        again.remove("added")
        again.finalize()
        cell = summary(judge_all(ours, ask(release, "read", ours.path)), summary(judge_all(ours, our_view(ours.path))))
        rows.setdefault("then we remove what it appended", {})[release] = cell
    return rows


def summary(*judged: dict[str, str] | str) -> str:
    """ "yes", unless a tensor was read wrongly or the file did not open. Other tables show refused dtypes."""
    for cells in judged:
        wrong = cells if isinstance(cells, str) else next((cell for cell in cells.values() if WRONG in cell), "yes")
        opens = cells["opens"] if isinstance(cells, dict) else "yes"
        for cell in (wrong, opens):
            if cell != "yes":
                return cell
    return "yes"


# --- the page -------------------------------------------------------------------------------------------------------

HEAD = """# What the published releases read and write

Made by `scripts/compatibility.py`, which exchanges files with the releases on PyPI; `./dev test python` holds this page
to what it finds. A cell is "yes" when all elements came through, bit for bit; "as uint8" means that the release gives
the right bytes but does not know the type. Each release is driven through its Python, and its C or Rust may do more.
"Grown" files were appended to by us, with a tensor replaced and another removed (see [the guide](guide.md#append)).
"""


def markdown(corner: str, columns: list[str], table: Table) -> list[str]:
    """A table in Markdown. Rows with the same cells become one row."""
    merged: dict[tuple[str, ...], list[str]] = {}
    for row, cells in table.items():
        merged.setdefault(tuple(cells.get(column, "—") for column in columns), []).append(row)
    lines = [f"| {' | '.join([corner, *columns])} |", f"|{' --- |' * (len(columns) + 1)}"]
    lines += [f"| {', '.join(rows)} | {' | '.join(cells)} |" for cells, rows in merged.items()]
    return lines


def page_of(ours: dict[str, Table], theirs: Table, turns: Table, releases: list[str]) -> str:
    lines = [HEAD, "## Ours, opened by them", ""]
    lines += markdown("we write", releases, {kind: table["opens"] for kind, table in ours.items()})
    lines += ["", "## Ours, read by those that open them", ""]
    for kind, table in ours.items():
        columns = [release for release in releases if table["opens"].get(release) == "yes"]
        rows = {row: cells for row, cells in table.items() if row != "opens"}
        lines += [f"### {kind}", "", *markdown("tensor", columns, rows), ""]
    columns = list(dict.fromkeys(column for cells in theirs.values() for column in cells))
    rows = {row: cells for row, cells in theirs.items() if row != "opens"}
    lines += ["## Theirs, read by us", "", "`—`: that file of that release does not have it.", ""]
    lines += markdown("tensor", columns, rows)
    lines += ["", "## Grown in turns", "", "Read by the release and by us after each step.", ""]
    lines += markdown("", list(dict.fromkeys(column for cells in turns.values() for column in cells)), turns)
    return "\n".join(lines) + "\n"


def run(folder: Path) -> str:
    releases = installed()
    for release in RELEASES:
        if release not in releases:
            print(f"{python_of(release)} does not exist: release {release} is left out", file=sys.stderr)
    ours = ours_read_by_them(folder, releases)
    theirs = theirs_read_by_us(folder, releases)
    return page_of(ours, theirs, grown_in_turns(folder, releases), releases)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        page = run(Path(folder))
    print(page, end="")
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page)
    return 1 if WRONG in page else 0


if __name__ == "__main__":
    sys.exit(main())
