"""`import baregrad as bg` has every public name, whether it is imported at once or on first use."""

import ast
import builtins
from collections import defaultdict
from pathlib import Path

import pytest

import baregrad as bg


def later_names():
    return sorted(" ".join(bg._LATER.values()).split())


@pytest.mark.parametrize("name", later_names())
def test_a_name_that_is_imported_on_first_use_is_what_its_module_has(name):
    module = next(module for module, names in bg._LATER.items() if name in names.split())
    assert getattr(bg, name) is getattr(__import__(module, fromlist=[name]), name)
    assert vars(bg)[name] is getattr(bg, name)  # it is looked up once


def test_type_checkers_and_python_find_the_same_names():
    tree = ast.parse(Path(bg.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    assert imported(block) == {module: set(names.split()) for module, names in bg._LATER.items()}


def imported(tree):
    names = defaultdict(set)
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module.startswith("baregrad"):
            names[statement.module].update(alias.name for alias in statement.names)
    return names


def test_every_name_is_exported_and_listed():
    tree = ast.parse(Path(bg.__file__).read_text(encoding="utf-8"))
    at_once = set().union(*imported(tree).values())
    assert dir(bg) == sorted(at_once | set(later_names()))
    assert bg.__all__ == [name for name in dir(bg) if not hasattr(builtins, name)]


def test_importing_everything_leaves_the_built_in_functions_alone():
    names = {}
    exec("from baregrad import *", names)
    assert names["exp"] is bg.exp
    assert "sum" not in names
    assert bg.sum([1.0, 2.0]).item() == 3.0


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'baregrad' has no attribute 'tensr'"):
        bg.tensr  # noqa: B018


def test_the_engine_has_a_name():
    assert bg.engine() in ("reference", "avx2", "avx512")
