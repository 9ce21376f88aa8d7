#!/usr/bin/env python3
"""Tests check_threads on small trees."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "check_threads"


def run(files: dict[str, str], tests: str = "Threads*:*/Threads*") -> tuple[int, list[str]]:
    """The exit code and the faults for a tree of these files whose preset tsan runs `tests`."""
    preset = {"name": "tsan", "cacheVariables": {"ZTENSOR_TEST_FILTER": tests}}
    presets = json.dumps({"configurePresets": [preset]})
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**files, "CMakePresets.json": presets}.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()[:-1]


class CheckThreads(unittest.TestCase):
    def test_finds_each_kind_of_sharing_without_a_test(self) -> None:
        for line in (
            "  run::parallel_for(1, 2, 3, meter, work);",
            "  std::thread other(work);",
            "  std::shared_mutex lock;",
            "  std::atomic<int> count;",
            "  std::call_once(flag, make);",
            "  mutable int cached_ = 0;",
            "thread_local int here;",
        ):
            code, faults = run({"src/read/some_parts.cc": line + "\n"})
            what = "src/read/some_parts.cc: shared by threads, but there is no test in a suite ThreadsSomeParts"
            self.assertEqual((code, faults), (1, [what]), line)

    def test_takes_a_test_of_that_suite_wherever_it_lies(self) -> None:
        for place in ("src/read/some_parts_test.cc", "tests/threads/a_test.cc"):
            for macro in ("TEST", "TEST_F", "TEST_P"):
                text = f"{macro}(ThreadsSomeParts, AreRead) {{\n"
                self.assertEqual(run({"src/a/b/some_parts.h": "std::mutex m;\n", place: text}), (0, []))

    def test_does_not_take_a_suite_of_another_name_or_a_file_that_is_no_test(self) -> None:
        shared = {"src/read/some_parts.h": "std::mutex m;\n"}
        self.assertEqual(run({**shared, "src/read/x_test.cc": "TEST(SomeParts, AreReadByThreads) {\n"})[0], 1)
        self.assertEqual(run({**shared, "src/read/x.cc": "TEST(ThreadsSomeParts, AreRead) {\n"})[0], 1)

    def test_passes_over_what_shares_nothing(self) -> None:
        shared = {"src/a/a.cc": "std::mutex m;\n", "tests/a_test.cc": "TEST(ThreadsA, B) {\n"}
        for line in ("// std::mutex", "std::thread::id me;", "auto f = [i = 0]() mutable { return i; };"):
            self.assertEqual(run({**shared, "src/a/b.cc": line + "\n"}), (0, []), line)

    def test_finds_that_the_preset_runs_other_tests(self) -> None:
        shared = {"src/a/a.cc": "std::mutex m;\n", "tests/a_test.cc": "TEST(ThreadsA, B) {\n"}
        code, faults = run(shared, "*Parallel*")
        self.assertEqual((code, faults), (1, ["CMakePresets.json: the preset tsan must run Threads*:*/Threads*"]))

    def test_does_not_pass_where_it_finds_nothing(self) -> None:
        self.assertEqual(run({"src/a/a.cc": ""}), (1, []))


if __name__ == "__main__":
    unittest.main()
