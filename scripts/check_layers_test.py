#!/usr/bin/env python3
"""Tests check_layers on small trees, each with one fault."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "check_layers"


def run(files: dict[str, list[str]]) -> tuple[int, list[str]]:
    """The exit code and the faults for a tree of these files, each with these includes."""
    with tempfile.TemporaryDirectory() as folder:
        for name, includes in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"#include {header}\n" for header in includes))
        done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()[:-1]


class CheckLayers(unittest.TestCase):
    def test_takes_a_tree_without_faults(self) -> None:
        tree = {
            "src/container/zt2/decode.cc": [
                '"container/zt2/decode.h"',
                "<vector>",
                '"wire/cbor.h"',
                '"ztensor/value.h"',
            ],
            "src/container/zt2/decode.h": ['"container/shared/fields.h"'],
            "src/wire/cbor.cc": ['"wire/cbor.h"', "<simdjson.h>"],
            "src/read/pieces_test.cc": ["<thread>", '"read/pieces.h"'],
            "cli/info.cc": ['"info.h"', '"ztensor/info.h"'],
            "cli/info.h": ["<string>"],
        }
        self.assertEqual(run(tree), (0, []))

    def test_finds_a_room_that_may_not_be_included(self) -> None:
        code, faults = run({"src/wire/cbor.cc": ['"io/file.h"']})
        self.assertEqual((code, faults), (1, ["src/wire/cbor.cc: wire may not include io/file.h (io)"]))

    def test_finds_the_same_in_a_subfolder_however_deep(self) -> None:
        for name in ("src/container/zt2/decode.cc", "src/container/zt2/old/decode.h"):
            code, faults = run({name: ['"read/pieces.h"']})
            self.assertEqual((code, faults), (1, [f"{name}: container may not include read/pieces.h (read)"]))

    def test_finds_a_public_header_of_a_room_that_may_not_be_included(self) -> None:
        code, faults = run({"src/wire/json/parse.cc": ['"ztensor/dtype.h"']})
        self.assertEqual((code, faults), (1, ["src/wire/json/parse.cc: wire may not include ztensor/dtype.h (model)"]))

    def test_finds_a_header_that_a_room_keeps_to_itself(self) -> None:
        code, faults = run({"src/write/parts/part.cc": ["<thread>"]})
        self.assertEqual((code, faults), (1, ["src/write/parts/part.cc: only run may include thread"]))

    def test_finds_that_the_own_header_is_not_the_first_one(self) -> None:
        for name, own in (
            ("src/wire/cbor.cc", "wire/cbor.h"),
            ("src/container/zt2/decode.cc", "container/zt2/decode.h"),
            ("src/tools/whole/diff.cc", "ztensor/diff.h"),
        ):
            code, faults = run({name: ['"base/checked.h"', f'"{own}"']})
            self.assertEqual((code, faults), (1, [f"{name}: includes base/checked.h before its own {own}"]))

    def test_finds_a_folder_that_is_in_no_row(self) -> None:
        self.assertEqual(
            run({"src/utils/x/y.cc": []}), (1, ["src/utils/x/y.cc: the folder utils is in no row of the table"])
        )
        self.assertEqual(run({"src/y.cc": []}), (1, ["src/y.cc: the folder src is in no row of the table"]))

    def test_finds_a_path_that_climbs_out_of_its_room(self) -> None:
        code, faults = run({"src/wire/json/parse.cc": ['"../../io/file.h"']})
        self.assertEqual(
            (code, faults), (1, ["src/wire/json/parse.cc: ../../io/file.h must be named from src, without .."])
        )

    def test_finds_a_public_header_that_needs_more_than_the_standard_library(self) -> None:
        code, faults = run({"include/ztensor/a.h": ['"base/checked.h"']})
        self.assertEqual((code, faults), (1, ["include/ztensor/a.h: a public header may not include base/checked.h"]))

    def test_does_not_pass_where_it_finds_no_sources(self) -> None:
        self.assertEqual(run({"README.md": []}), (1, []))


if __name__ == "__main__":
    unittest.main()
