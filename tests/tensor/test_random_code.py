"""Random numbers by machine code, compared with Python's, to the last bit."""

import ctypes
import math
import subprocess
import sys
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad import Generator
from baregrad.engines import philox
from baregrad.engines.selection import ReferenceEngine, using
from baregrad.machine.assembler import Assembler
from baregrad.machine.convention import enter, leave
from baregrad.machine.errors import ExecutableMemoryError
from baregrad.machine.function import NativeFunction
from baregrad.machine.registers import YMM, Memory, rdi
from baregrad.tensor import draws, random_code
from baregrad.tensor.quantile import normal
from baregrad.tensor.random_code import BLOCK, natively_drawn

HERE = random_code._function("integer", "Q") is not None
native = pytest.mark.skipif(not HERE, reason="this processor runs no machine code")

SEEDS = st.integers(0, 2**64 - 1)
STARTS = st.one_of(st.integers(0, 9), st.integers(2**33 - 9, 2**33 + 9))


@native
@given(seed=SEEDS, stream=SEEDS, start=STARTS, count=st.integers(0, 40))
def test_integers_are_those_of_philox(seed, stream, start, count):
    found = natively_drawn("integer", "Q", seed, stream, start, count, 1.0)
    assert found.tolist() == philox.integers(seed, stream, start, count)


def expected(kind, typecode, bits, scale):
    function = normal if kind == "normal" else lambda probability: probability - 0.5
    return array(typecode, [function((value >> 11) * 2**-53) * scale for value in bits])


@native
@pytest.mark.parametrize("kind", ["uniform", "normal"])
@pytest.mark.parametrize("typecode", ["f", "d"])
@pytest.mark.parametrize("start", [0, 7])
def test_numbers_are_pythons_on_both_sides_of_a_block(kind, typecode, start):
    count = BLOCK + 11
    bits = philox.integers(3, 4, start, count)
    found = natively_drawn(kind, typecode, 3, 4, start, count, 0.3)
    assert found == expected(kind, typecode, bits, 0.3)


@pytest.fixture(scope="module")
def native_normal():
    """The normal numbers of any probabilities."""
    asm = Assembler()
    enter(asm)
    asm.vmovupd(YMM[0], Memory(rdi))
    random_code._emit_normal(asm, YMM[0])
    asm.vmovupd(Memory(rdi), YMM[0])
    leave(asm)
    function = NativeFunction(asm.finish(), [ctypes.c_void_p])

    def numbers(probabilities):
        found = []
        for begin in range(0, len(probabilities), 4):
            four = [p - 0.5 for p in probabilities[begin : begin + 4]]
            values = array("d", four + [0.0] * (4 - len(four)))
            function(values.buffer_info()[0])
            found += values[: len(four)]
        return found

    return numbers


def same_bits(found, wanted):
    return array("d", found).tobytes() == array("d", wanted).tobytes()


@native
@given(st.lists(st.integers(0, 2**53 - 1), min_size=1, max_size=8))
def test_normal_numbers_are_pythons_anywhere(native_normal, steps):
    probabilities = [step * 2**-53 for step in steps]
    assert same_bits(native_normal(probabilities), map(normal, probabilities))


@native
def test_normal_numbers_are_pythons_in_the_far_tails_and_at_the_seams(native_normal):
    far = math.exp(-25)
    points = [0.0, 2**-53, 2**-52, 1e-15, far, 1e-9, 0.01, 0.075, 0.25, 0.5, 0.925, 0.99, 1 - far]
    steps = [round(point * 2**53) + offset for point in points for offset in range(-3, 4)]
    probabilities = [step * 2**-53 for step in steps if 0 <= step < 2**53]
    probabilities += [1 - 2**-53]
    found = native_normal(probabilities)
    assert same_bits(found, map(normal, probabilities))
    assert min(found) < -8
    assert max(found) > 8


# --- when it is used ------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch):
    """How many numbers machine code was asked for."""
    counts = []

    def noted(kind, typecode, seed, stream, start, count, scale):
        counts.append(count)
        return natively_drawn(kind, typecode, seed, stream, start, count, scale)

    monkeypatch.setattr(random_code, "natively_drawn", noted)
    monkeypatch.setattr(draws, "LARGE", 20)
    return counts


DRAWS = {
    "bits": lambda g, n: g.bits(n),
    "randn": lambda g, n: g.randn(n, dtype="float64").tolist(),
    "normal": lambda g, n: g.normal((n,), 0.1).tolist(),
    "symmetric": lambda g, n: g.symmetric((n,), 0.1).tolist(),
    "randint": lambda g, n: g.randint(-5, 5, n).tolist(),
    "permutation": lambda g, n: g.permutation(n).tolist(),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_few_and_many_numbers_are_the_same(calls, draw):
    with using(ReferenceEngine()):
        in_python = draw(Generator(8), 33)
    assert calls == []
    assert draw(Generator(8), 33) == in_python
    assert calls == [33]
    draw(Generator(8), 19)
    assert calls == [33]


def test_without_machine_code_python_draws(calls, monkeypatch):
    many = Generator(8).randn(33).tolist()
    monkeypatch.setattr(random_code, "_function", lambda kind, typecode: None)
    assert Generator(8).randn(33).tolist() == many
    assert calls == [33, 33]


def test_there_is_no_machine_code_where_it_cannot_run(monkeypatch):
    make = random_code._function.__wrapped__
    monkeypatch.setattr(random_code, "is_x86_64", lambda: False)
    assert make("normal", "f") is None
    monkeypatch.undo()
    if HERE:
        monkeypatch.setattr(random_code, "processor_features", frozenset)
        assert make("normal", "f") is None
        monkeypatch.undo()
        monkeypatch.setattr(random_code, "NativeFunction", refuse)
        assert make("normal", "f") is None


def refuse(*arguments):
    raise ExecutableMemoryError("no pages today")


def test_a_small_layer_does_not_load_the_assembler():
    script = (
        "import sys, baregrad; baregrad.MLP(64, [64, 1], seed=0);"
        "print([name for name in sys.modules if name.startswith('baregrad.machine')])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr
