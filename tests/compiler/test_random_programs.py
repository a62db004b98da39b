"""Random programs, run by machine code and by the reference engine."""

from itertools import cycle

import pytest
from random_programs import Run, differences

from baregrad.compiler import deferred, eager, routine
from baregrad.compiler.eager import native_engine
from baregrad.compiler.vector.compile import TARGETS
from baregrad.engines import selection
from baregrad.machine.cpu import is_x86_64, processor_features
from baregrad.tensor import replay

NAMES = processor_features() if is_x86_64() else frozenset()
TARGET_NAMES = [target.name for target in TARGETS if target.features <= NAMES]
REFERENCE = selection.ReferenceEngine()

pytestmark = pytest.mark.skipif(not TARGET_NAMES, reason="no machine code")


@pytest.fixture
def small(monkeypatch):
    """Small arrays wait, are compiled, and their buffers used again; short chains are long."""
    for module in (deferred, eager, replay, selection):
        monkeypatch.setattr(module, "LARGE", 6)
    monkeypatch.setattr(replay, "LEAST_MEAN_SIZE", 1)
    monkeypatch.setattr(routine, "LEAST_BYTES", 64)
    monkeypatch.setattr(deferred, "MOST_DEFERRED", 12)
    monkeypatch.setattr(eager, "MOST_DEFERRED", 12)


def assert_alike(seed, statements, name):
    with selection.using(REFERENCE):
        reference = Run(seed)
        expected = reference.run(statements)
    engines = [REFERENCE, *map(native_engine, TARGET_NAMES)]
    run = Run(seed, looks=seed + 1, others=engines)
    with selection.using(native_engine(name)):
        found = run.run(statements)
    trace = "\n".join(reference.trace)
    assert run.errors == reference.errors, trace
    assert list(differences(found, expected)) == [], trace


@pytest.mark.parametrize("seed", range(3))
def test_random_programs_do_the_same_on_all_engines(small, seed):
    assert_alike(seed, 25, TARGET_NAMES[seed % len(TARGET_NAMES)])


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 2000, 100))
def test_many_random_programs_do_the_same_on_all_engines(small, first):
    for seed, name in zip(range(first, first + 100), cycle(TARGET_NAMES), strict=False):
        assert_alike(seed, 10 + seed % 41, name)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 500, 100))
def test_many_random_programs_of_usual_sizes_do_the_same_on_all_engines(first):
    for seed, name in zip(range(first, first + 100), cycle(TARGET_NAMES), strict=False):
        assert_alike(10_000 + seed, 10 + seed % 41, name)
