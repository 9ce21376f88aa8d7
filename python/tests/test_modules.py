"""How the modules of the package use one another."""

import ast
import graphlib
from pathlib import Path

import ztensor

PACKAGE = Path(ztensor.__file__).parent


def imported_by(path):
    """The modules of this package that a file imports, including imports for type checkers only."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names |= {node.module} if node.module else {alias.name for alias in node.names}
    return {name for name in names if (PACKAGE / f"{name}.py").exists() or name == "_ztensor"}


def test_modules_do_not_import_one_another_in_a_circle():
    files = {path.stem: path for path in PACKAGE.glob("*.py")}
    graph = {name: imported_by(path) for name, path in files.items()}
    graph["_ztensor"] = imported_by(PACKAGE / "_ztensor.pyi")
    assert {"_arrays", "_tensor"} <= graph["_reader"]
    assert list(graphlib.TopologicalSorter(graph).static_order())
