"""Runs the examples in the docstrings of the package."""

import doctest
import importlib
import pkgutil

import pytest

import ztensor

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(ztensor.__path__, "ztensor.")
    if not info.name.endswith(("._ztensor", ".__main__"))
)


def examples_of(name):
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        pytest.skip(str(error))
    return [test for test in doctest.DocTestFinder(exclude_empty=True).find(module) if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for test in examples_of(name):
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        runner.run(test)
        assert runner.summarize(verbose=False).failed == 0


def test_there_are_examples():
    assert sum(len(examples_of(name)) for name in ("ztensor.numpy", "ztensor._safe_open")) >= 2
