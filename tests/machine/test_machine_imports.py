"""The machine floor imports one way, in the order its docstring gives, and nothing from above."""

import ast
import re
import sys
from pathlib import Path

import baregrad.machine

FOLDER = Path(baregrad.machine.__file__).parent
ORDER = re.findall(r"``(\w+)``", baregrad.machine.__doc__)


def imported(path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            separate = node.module == "baregrad.machine"
            names |= {f"{node.module}.{a.name}" if separate else node.module for a in node.names}
    return names


def test_every_file_is_in_the_order():
    assert sorted(ORDER) == sorted(p.stem for p in FOLDER.glob("*.py") if p.stem != "__init__")


def test_imports_go_one_way_and_to_the_standard_library():
    for place, name in enumerate(ORDER):
        below = {f"baregrad.machine.{other}" for other in ORDER[:place]} | {"baregrad.errors"}
        for module in imported(FOLDER / f"{name}.py") - below:
            assert module.split(".")[0] in sys.stdlib_module_names, f"{name} imports {module}"
