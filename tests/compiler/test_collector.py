"""Compiling without the garbage collector."""

import gc
import sys

import pytest

import baregrad as bg
from baregrad.compiler.collector import collection_paused, importing


@pytest.fixture(autouse=True)
def _collector():
    yield
    gc.enable()


def test_nothing_is_collected_within_and_afterwards_it_is_as_before():
    with collection_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    with collection_paused():
        pass
    assert not gc.isenabled()


def test_an_exception_switches_it_on_again():
    with pytest.raises(ZeroDivisionError), collection_paused():
        raise ZeroDivisionError
    assert gc.isenabled()


def is_old_after_importing(module, monkeypatch):
    """Whether an object that was made meanwhile is in the oldest generation."""
    made = []
    with importing():
        if module:
            monkeypatch.setitem(sys.modules, module, made)
        made.append(made)
    return any(x is made for x in gc.get_objects(2))


def test_what_is_imported_counts_as_old(monkeypatch):
    gc.unfreeze()  # the tests freeze what they import
    try:
        assert is_old_after_importing("a module of this test", monkeypatch)
        assert not is_old_after_importing("", monkeypatch)
    finally:
        gc.freeze()


def test_what_somebody_has_frozen_stays_frozen(monkeypatch):
    gc.freeze()
    assert not is_old_after_importing("a module of this test", monkeypatch)
    assert gc.get_freeze_count() > 0


def test_a_step_is_compiled_without_it_and_run_with_it():
    seen = []

    @bg.compile
    def step(x):
        seen.append(gc.isenabled())
        return x + 1

    step(bg.Tensor([1.0]))
    assert seen[0] is False
    assert gc.isenabled()
