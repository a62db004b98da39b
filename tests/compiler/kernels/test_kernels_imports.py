"""The files of the kernels package import one way, in the order that its docstring gives."""

import ast
import re
from pathlib import Path

import baregrad.compiler.kernels

FOLDER = Path(baregrad.compiler.kernels.__file__).parent
NAME = "baregrad.compiler.kernels"
ORDER = re.findall(r"``(\w+)``", baregrad.compiler.kernels.__doc__)


def imported(path) -> set[str]:
    """Files of the package that one of them imports."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    nodes = [node for node in tree if isinstance(node, ast.ImportFrom)]
    modules = [f"{node.module}.{alias.name}" for node in nodes for alias in node.names]
    return {m.removeprefix(f"{NAME}.").split(".")[0] for m in modules if m.startswith(f"{NAME}.")}


def test_every_file_is_in_the_order():
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert sorted(ORDER) == sorted(files)


def test_imports_go_one_way():
    for place, name in enumerate(ORDER):
        above = imported(FOLDER / f"{name}.py") - set(ORDER[:place])
        assert not above, f"{name} imports {above}"
