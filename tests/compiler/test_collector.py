"""Compiling without the garbage collector."""

import gc

import pytest

import baregrad as bg
from baregrad.compiler.collector import collection_paused


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


def test_a_step_is_compiled_without_it_and_run_with_it():
    seen = []

    @bg.compile
    def step(x):
        seen.append(gc.isenabled())
        return x + 1

    step(bg.Tensor([1.0]))
    assert seen[0] is False
    assert gc.isenabled()
