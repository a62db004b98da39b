"""The vector language imports one way, in the order that its docstring gives."""

import ast
import re
from pathlib import Path

import baregrad.compiler.vector

FOLDER = Path(baregrad.compiler.vector.__file__).parent
NAME = "baregrad.compiler.vector"
ORDER = re.findall(r"``(\w+)``", baregrad.compiler.vector.__doc__)


def imported(path) -> set[str]:
    """Files of the vector language that one of them imports."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    modules = [
        f"{node.module}.{alias.name}"
        for node in tree
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    return {m.removeprefix(f"{NAME}.").split(".")[0] for m in modules if m.startswith(NAME)}


def test_every_file_is_in_the_order():
    files = {path.stem for path in FOLDER.iterdir() if path.stem not in ("__init__", "__pycache__")}
    assert sorted(ORDER) == sorted(files)


def test_imports_go_one_way():
    for place, name in enumerate(ORDER):
        path = FOLDER / name
        for file in path.glob("*.py") if path.is_dir() else [path.with_suffix(".py")]:
            above = imported(file) - set(ORDER[:place]) - {name if path.is_dir() else ""}
            assert not above, f"{file.name} imports {above}"
