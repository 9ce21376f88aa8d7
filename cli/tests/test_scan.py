"""`ztensor scan`."""

from __future__ import annotations

import json
import pickle
import subprocess

DANGER = b"cos\nsystem\n(S'exit 7'\ntR."


def scan(*arguments):
    return subprocess.run(["ztensor", "scan", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_danger_is_exit_code_1(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(DANGER)
    done = scan(path)
    assert done.returncode == 1
    assert done.stdout == f"{path}: danger in 1 pickle\n  danger  os.system, called at byte 0\n"


def test_a_harmless_pickle_is_exit_code_0(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"a": 1}))
    done = scan(path)
    assert (done.returncode, done.stdout) == (0, f"{path}: inert in 1 pickle\n")


def test_other_files_have_no_pickle(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Hello, world\n")
    done = scan(path)
    assert (done.returncode, done.stdout) == (0, f"{path}: no pickle\n")


def test_json_has_all_files(tmp_path):
    paths = [tmp_path / "a.pkl", tmp_path / "b.pkl", tmp_path / "none.pkl"]
    paths[0].write_bytes(pickle.dumps(1))
    paths[1].write_bytes(DANGER)
    done = scan(*paths, "--json")
    assert done.returncode == 1
    files = json.loads(done.stdout)["files"]
    assert [one["file"] for one in files] == [str(path) for path in paths]
    assert [one.get("risk") for one in files] == ["inert", "danger", None]
    found = {"module": "os", "name": "system", "risk": "danger", "called": True, "offset": 0, "count": 1}
    assert files[1]["pickles"] == [{"member": None, "offset": 0, "nested": False, "globals": [found], "fault": None}]
    assert "error" in files[2]


def test_a_folder_is_scanned_file_by_file(tmp_path):
    folder = tmp_path / "m"
    (folder / "below").mkdir(parents=True)
    assert scan(folder).stdout == f"{folder}: no pickle\n"
    (folder / "b.bin").write_bytes(pickle.dumps(1))
    (folder / "notes.txt").write_text("Hello, world\n")
    (folder / "below" / "c.pkl").write_bytes(DANGER)  # not directly in the folder
    done = scan(folder)
    assert (done.returncode, done.stdout) == (0, f"{folder}/b.bin: inert in 1 pickle\n")
    (folder / "a.pkl").write_bytes(DANGER)
    done = scan(folder, "--json")
    assert done.returncode == 1
    assert [one["file"] for one in json.loads(done.stdout)["files"]] == [f"{folder}/a.pkl", f"{folder}/b.bin"]


def test_nothing_to_scan_is_a_wrong_command_line():
    assert scan().returncode == 2
