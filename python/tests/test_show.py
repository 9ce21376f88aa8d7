"""How readers and tensors look."""

import html.parser

import numpy as np
import pytest

import ztensor
from ztensor._show import size_text


@pytest.fixture
def model(tmp_path):
    with ztensor.Writer(tmp_path / "m.zt", attributes={"made": "<today>", "note": "x" * 500}) as writer:
        writer.add_tensor("weights", np.zeros((1000, 10), np.float32))
        writer.add_tensor("small", np.zeros(0), compress=True)
        writer.add_tensor("packed", np.zeros(10000), compress=True)
        writer.add_tensor("<b>\x1b[31mred\n", np.zeros(3))
        writer.add_object("own", (4,), "my.layout/1", {"a": np.zeros(4), "b": np.zeros(2, np.int8)})
    with ztensor.open(tmp_path / "m.zt") as reader:
        yield reader


def test_a_reader_shows_its_tensors(model):
    lines = repr(model).splitlines()
    assert lines[0].startswith("<ztensor.Reader '") and lines[0].endswith("m.zt' zt-1.2, 5 tensors>")
    assert lines[1].split() == ["weights", "float32", "(1000,", "10)", "40.0", "KB"]
    assert lines[3].endswith(" zstd")
    assert lines[4].lstrip().startswith("<b>\\x1b[31mred\\n ")
    assert lines[5].split()[:2] == ["own", "?"]
    assert len(lines) == 6
    assert repr(model).isprintable() is False and "\x1b" not in repr(model)


def test_a_reader_of_many_tensors_shows_the_first(tmp_path):
    with ztensor.Writer(tmp_path / "m.zt") as writer:
        for i in range(1000):
            writer.add_tensor(f"t{i}", np.zeros(1))
    with ztensor.open(tmp_path / "m.zt") as reader:
        lines = repr(reader).splitlines()
        assert len(lines) == 13 and lines[-1] == "  ... and 989 more"
        assert "… and 500 more" in reader._repr_html_()


def test_a_tensor_shows_itself(model):
    assert repr(model["weights"]) == "<ztensor.Tensor 'weights' float32 (1000, 10), 40.0 KB>"
    assert repr(model["own"]).startswith("<ztensor.Tensor 'own' ? (4,) my.layout/1, ")
    tensor = model["weights"]
    model.close()
    assert repr(model) == "<ztensor.Reader, closed>"
    assert repr(tensor) == "<ztensor.Tensor 'weights' of a closed reader>"
    assert "closed" in model._repr_html_() and "closed" in tensor._repr_html_()


class Checker(html.parser.HTMLParser):
    """Collects the text, and holds every opened element against its end."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.text = ""

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + "|"


def test_a_notebook_shows_a_table_and_escapes_what_the_file_says(model):
    for page in (model._repr_html_(), model["weights"]._repr_html_(), model["own"]._repr_html_()):
        checker = Checker()
        checker.feed(page)
        assert checker.open == []
    page = model._repr_html_()
    assert "<b>\x1b" not in page and "\x1b" not in page
    assert "&lt;b&gt;\\x1b[31mred\\n" in page and "&lt;today&gt;" in page
    assert "width:120px" in page


def test_an_unreadable_tensor_shows_its_cause(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"")
    np.savez(tmp_path / "a.npz", good=np.zeros(2), objects=np.array([{}], dtype=object))
    with ztensor.open(tmp_path / "a.npz") as reader:
        assert "unreadable" in repr(reader) and "unreadable" in repr(reader["objects"])
        assert "object" in reader._repr_html_()


def test_sizes_have_three_digits_or_four():
    sizes = [0, 999, 1000, 999_949, 999_950, 5 * 10**9, 2**63]
    assert [size_text(size) for size in sizes] == ["0 B", "999 B", "1.0 KB", "999.9 KB", "1.0 MB", "5.0 GB", "9.2 EB"]
