"""`import baregrad as bg` has every public name, whether it is imported at once or on first use."""

import ast
from pathlib import Path

import pytest

import baregrad as bg


def later_names():
    return sorted(" ".join(bg._LATER.values()).split())


@pytest.mark.parametrize("name", later_names())
def test_a_name_that_is_imported_on_first_use_is_what_its_module_has(name):
    module = next(module for module, names in bg._LATER.items() if name in names.split())
    assert getattr(bg, name) is getattr(__import__(module, fromlist=[name]), name)


def test_type_checkers_and_python_find_the_same_names():
    tree = ast.parse(Path(bg.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    assert imported(block) == {module: set(names.split()) for module, names in bg._LATER.items()}


def imported(tree):
    return {
        statement.module: {alias.name for alias in statement.names}
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom) and statement.module.startswith("baregrad")
    }


def test_every_name_is_exported_and_listed():
    tree = ast.parse(Path(bg.__file__).read_text(encoding="utf-8"))
    at_once = set().union(*imported(tree).values())
    assert bg.__all__ == sorted(at_once | set(later_names()))
    assert dir(bg) == bg.__all__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'baregrad' has no attribute 'tensr'"):
        bg.tensr  # noqa: B018


def test_the_engine_has_a_name():
    assert bg.engine() == "reference"
