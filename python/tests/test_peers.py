"""Exchanges files with the published releases of ztensor. docs/compatibility.md lists what each one reads.

ZTENSOR_PEERS is a folder with a virtual environment for each release: zt-0.1.4, zt-1.0.1, ...
"""

import importlib.util
import os
from pathlib import Path

import pytest

PEERS = os.environ.get("ZTENSOR_PEERS")
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "compatibility.py"
pytestmark = pytest.mark.skipif(PEERS is None, reason="ZTENSOR_PEERS is not set: no released ztensor to compare with")


@pytest.fixture(scope="module")
def compatibility():
    spec = importlib.util.spec_from_file_location("compatibility", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page(compatibility, tmp_path_factory, request):
    """The page that this run makes. It is printed at the end of the run."""
    if not compatibility.installed():
        pytest.skip(f"no release is installed in {PEERS}")
    page = compatibility.run(tmp_path_factory.mktemp("peers"))
    request.config.stash.setdefault("compatibility", page)
    return page


def test_nothing_is_read_wrongly(compatibility, page):
    assert [line for line in page.splitlines() if compatibility.WRONG in line] == []


def test_every_release_reads_what_is_of_its_generation(compatibility, page):
    opens = page.split("\n## ")[1]
    for release, kind in (("1.0.1", "1.0"), ("1.1.1", "1.2"), ("1.2.3", "1.2"), ("2.1.2", "2 canonical")):
        if release in compatibility.installed():
            column = [cell.strip() for cell in opens.splitlines()[2].split("|")].index(release)
            rows = [line.split("|") for line in opens.splitlines()[4:] if line.startswith("|")]
            (row,) = [cells for cells in rows if kind in cells[1].strip().split(", ")]
            assert row[column].strip() == "yes"


def test_the_page_says_what_was_found(compatibility, page):
    missing = set(compatibility.RELEASES) - set(compatibility.installed())
    if missing:
        pytest.skip(f"not installed: {', '.join(sorted(missing))}")
    assert page == compatibility.PAGE.read_text(), "scripts/compatibility.py --write brings it up to date"
