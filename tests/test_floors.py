"""The package is built in floors: imports go downwards only, and never in a circle."""

import ast
from pathlib import Path

import pytest

import baregrad

ROOT = Path(baregrad.__file__).parent
FLOORS = {
    "arguments": 1,
    "errors": 0,
    "record": 0,
    "version": 0,
    "engines": 1,
    "machine": 1,
    "tensor": 2,
    "compiler": 3,
    "nn": 3,
    "optim": 3,
    "data": 4,
    "training": 4,
    "files": 4,
    "estimators": 5,
    "view": 5,
    "play": 6,
    "": 6,  # baregrad/__init__.py, which shows what is below it (some of it on first use)
    "cli": 7,
    "__main__": 8,
}


def module_name(path: Path) -> str:
    parts = ["baregrad", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def floor(module: str) -> int:
    return FLOORS[module.split(".")[1] if "." in module else ""]


def imported(source: str) -> set[str]:
    """The modules of baregrad that some source imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else str(node.module))
    return {name for name in found if name.split(".")[0] == "baregrad"}


IMPORTS = {name: imported(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def upward(imports: dict[str, set[str]]) -> list[tuple[str, str]]:
    return [
        (importer, target)
        for importer, targets in imports.items()
        for target in targets
        if floor(target) > floor(importer)
    ]


def cycle(imports: dict[str, set[str]]) -> list[str]:
    """Modules that remain when those that import no remaining one are taken away."""
    remaining = {name: set(targets) for name, targets in imports.items()}
    while free := [name for name, targets in remaining.items() if not targets & set(remaining)]:
        for name in free:
            del remaining[name]
    return sorted(remaining)


def test_every_module_belongs_to_a_floor():
    assert {
        name for name in MODULES if name.split(".")[1:2] and name.split(".")[1] not in FLOORS
    } == set()


def test_modules_import_only_from_their_own_floor_or_below():
    assert upward(IMPORTS) == []


def test_no_modules_import_each_other_in_a_circle():
    assert cycle(IMPORTS) == []


def test_an_upward_import_would_be_noticed():
    source = "def f():\n    from baregrad.tensor import graph\n"
    assert upward({"baregrad.engines.array": imported(source)}) == [
        ("baregrad.engines.array", "baregrad.tensor.graph")
    ]


def test_a_circle_would_be_noticed():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}) == list("abcd")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import baregrad.errors", {"baregrad.errors"}),
        ("from baregrad.tensor import graph", {"baregrad.tensor.graph"}),
        ("from baregrad.tensor.graph import Node", {"baregrad.tensor.graph"}),
        ("import math", set()),
    ],
)
def test_imports_are_read_from_the_source(source, expected):
    assert imported(source) == expected
