"""The elementary functions on samples of all float32, against Python's math.

`benchmarks/ulp.py` does it for every float32. A result is right here if it is at most one or two
float32 away from the exact result rounded; so the error is below 1.5 or 2.5 ULP.
"""

import array
import math
import random
from fractions import Fraction
from itertools import pairwise

import pytest
from vector_programs import canonical, lanewise, run_native, runs_on_every_target

from baregrad.compiler.vector.avx2 import AVX2
from baregrad.compiler.vector.avx512 import AVX512
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compile import host_target
from baregrad.compiler.vector.functions.error import erf
from baregrad.compiler.vector.functions.exponential import exp, expm1, sigmoid
from baregrad.compiler.vector.functions.hyperbolic import tanh
from baregrad.compiler.vector.functions.logarithm import log, log1p, softplus
from baregrad.compiler.vector.functions.power import power
from baregrad.compiler.vector.functions.trigonometric import cos, far_table, sin
from baregrad.compiler.vector.program import INT64, LANES, POINTER
from baregrad.engines import ieee

INF, NAN = math.inf, math.nan
STEP = 1 << 16  # between the bit patterns of the sample


def reference_log1p(x):
    return math.log1p(x) if x > -1 else -INF if x == -1 else NAN


# name: function, reference, largest distance in float32, whether it is monotone
FUNCTIONS = {
    "exp": (exp, ieee.exp, 1, True),
    "expm1": (expm1, ieee.expm1, 1, False),
    "log": (log, ieee.log, 1, True),
    "log1p": (log1p, reference_log1p, 1, False),
    "tanh": (tanh, math.tanh, 1, True),
    "erf": (erf, math.erf, 1, True),
    "sigmoid": (sigmoid, ieee.sigmoid, 2, False),
    "softplus": (softplus, ieee.softplus, 2, False),
    "sin": (sin, ieee.sin, 1, False),
    "cos": (cos, ieee.cos, 1, False),
}
# around here formulas change, results overflow or vanish
TURNS = (
    0.0,
    1e-45,
    1e-38,
    2.0**-25,
    0.34657,
    0.625,
    0.6666667,
    0.9,
    1.0,
    1.0471976,
    1.5707964,
    4.0,
)
TURNS += (3.1415927, 9.02, 10.0, 17.33, 20.0, 65536.0, 87.33, 88.72284, 89.0, 103.9721, 104.0, 1e10)


def from_bits(patterns):
    return array.array("f", array.array("I", patterns).tobytes())


def ordered(numbers):
    """Integers in the order of float32, one apart for neighbours; NaN the largest."""
    patterns = array.array("i", array.array("f", numbers).tobytes())
    return [n if n >= 0 else -(2**31) - n for n in patterns]


def sample():
    """Every 2**16th bit pattern, all around the turns, and random ones; a multiple of 16."""
    draw = random.Random(5)
    patterns = list(range(0, 1 << 32, STEP))
    for turn in array.array("I", array.array("f", TURNS).tobytes()):
        around = [max(turn + near, 0) for near in range(-40, 41)]
        patterns += around + [pattern | 1 << 31 for pattern in around]
    patterns += [draw.getrandbits(32) for _ in range(10000)]
    return from_bits(patterns + [0] * (-len(patterns) % 16))


SAMPLE = sample()


def evaluate(function, target, numbers):
    """`function` of an array whose length is a multiple of 16, as machine code."""
    b = Builder("apply", x=POINTER, y=POINTER, n=INT64)
    x, y, n = b.parameters
    with b.loop(0, n, LANES) as loop:
        b.store(function(b, b.load(x, loop.counter)), y, loop.counter)
    zeros = array.array("f", bytes(4 * len(numbers)))
    return run_native(b.program, target, [numbers, zeros, len(numbers)])[1]


def rounded(numbers):
    """To float32, infinity beyond."""
    largest = float.fromhex("0x1.ffffffp127")
    return array.array("f", [math.copysign(INF, y) if abs(y) >= largest else y for y in numbers])


@runs_on_every_target
@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_are_at_most_so_many_float32_away(name, target):
    function, reference, allowed, _ = FUNCTIONS[name]
    got = evaluate(function, target, SAMPLE)
    expected = rounded(map(reference, SAMPLE))
    wrong = [
        (x, y, want)
        for x, y, want, distance in zip(
            SAMPLE, got, expected, map(int.__sub__, ordered(got), ordered(expected)), strict=True
        )
        if abs(distance) > allowed and not (y != y and want != want)
    ]
    assert not wrong, (len(wrong), wrong[:5])
    # zero has the right sign
    zeros = [(y, want) for y, want in zip(got, expected, strict=True) if y == 0 == want]
    assert all(math.copysign(1, y) == math.copysign(1, want) for y, want in zeros)


@pytest.mark.parametrize("name", [name for name, row in FUNCTIONS.items() if row[3]])
def test_monotone_functions_never_fall(name):
    """On runs of neighbouring float32: where a step of the result is many steps of the argument."""
    starts = array.array(
        "I", array.array("f", [2.0**n for n in range(-30, 7)] + [*TURNS]).tobytes()
    )
    for sign in (0, 1 << 31):
        for start in starts:
            run = from_bits([(start + i) | sign for i in range(512)])
            results = evaluate(FUNCTIONS[name][0], host_target(), run)
            pairs = [(a, b) for a, b in pairwise(results) if a == a and b == b]
            assert all(b <= a if sign else b >= a for a, b in pairs), run[0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_interpreter_agrees_to_the_bit(name):
    numbers = [*SAMPLE[:: len(SAMPLE) // 150], *TURNS, -1.0, 1e30, -3e38, INF, -INF, NAN]
    numbers = array.array("f", numbers + [0.0] * (-len(numbers) % 16))
    function = FUNCTIONS[name][0]
    interpreted = lanewise(function, numbers, lanes=8)
    native = evaluate(function, host_target(), numbers)
    differ = [
        (x, a, b)
        for x, a, b in zip(numbers, interpreted, native, strict=True)
        if not (a == b and math.copysign(1, a) == math.copysign(1, b)) and not (a != a and b != b)
    ]
    assert not differ


@pytest.mark.parametrize("name", FUNCTIONS)
def test_targets_agree_to_the_bit(name):
    for target in (AVX2, AVX512):
        if not target.features <= host_target().features:
            pytest.skip(f"the processor has no {target.name}")
    function = FUNCTIONS[name][0]
    narrow, wide = (evaluate(function, target, SAMPLE) for target in (AVX2, AVX512))
    assert canonical(narrow) == canonical(wide)


SPECIAL = {
    "exp": [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (88.8, INF), (-104.0, 0.0)],
    "expm1": [(-0.0, -0.0), (INF, INF), (-INF, -1.0), (-50.0, -1.0), (1e-45, 1e-45)],
    "log": [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (-1.0, NAN), (INF, INF), (-INF, NAN)],
    "log1p": [(-0.0, -0.0), (-1.0, -INF), (-1.5, NAN), (INF, INF), (-INF, NAN), (1e-45, 1e-45)],
    "tanh": [(-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (20.0, 1.0), (1e-45, 1e-45)],
    "erf": [(-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (4.0, 1.0)],
    "sigmoid": [(0.0, 0.5), (INF, 1.0), (-INF, 0.0), (-200.0, 0.0)],
    "softplus": [(INF, INF), (-INF, 0.0), (100.0, 100.0), (-200.0, 0.0)],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (1e-45, 1e-45)],
    "cos": [(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN)],
}


@runs_on_every_target
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name, target):
    cases = [*SPECIAL[name], (NAN, NAN)]
    numbers = array.array("f", [x for x, _ in cases])
    numbers.extend([0.0] * (-len(numbers) % 16))
    got = evaluate(FUNCTIONS[name][0], target, numbers)
    for (x, want), y in zip(cases, got, strict=False):
        want = array.array("f", [want])[0]
        same = (
            y != y
            if want != want
            else (y == want and math.copysign(1, y) == math.copysign(1, want))
        )
        assert same, (x, y, want)


def evaluate_power(target, pairs):
    pairs = list(pairs)
    count = -(-len(pairs) // 16) * 16
    pairs += [(1.0, 1.0)] * (count - len(pairs))
    b = Builder("apply", x=POINTER, y=POINTER, z=POINTER, n=INT64)
    x, y, z, n = b.parameters
    with b.loop(0, n, LANES) as loop:
        result = power(b, b.load(x, loop.counter), b.load(y, loop.counter))
        b.store(result, z, loop.counter)
    columns = [array.array("f", column) for column in zip(*pairs, strict=True)]
    zeros = array.array("f", bytes(4 * count))
    return columns, run_native(b.program, target, [*columns, zeros, count])[2]


@runs_on_every_target
def test_powers_are_at_most_one_float32_away(target):
    draw = random.Random(7)
    pairs = []
    for _ in range(20000):
        x = 2.0 ** draw.uniform(-140, 127)
        if draw.random() < 0.5:
            x = draw.uniform(0.5, 2)
        x = array.array("f", [x])[0]
        pairs.append((x, draw.uniform(-150, 128) / (math.log2(x) or 1)))
    pairs += [(-x, float(draw.randrange(-5, 6))) for x, _ in pairs[:2000]]
    (x, y), got = evaluate_power(target, pairs)
    expected = rounded(map(ieee.power, x, y))
    distances = map(int.__sub__, ordered(got), ordered(expected))
    assert max(map(abs, distances)) <= 1


@runs_on_every_target
def test_special_powers_are_those_of_ieee_754(target):
    numbers = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, INF, -INF, NAN]
    numbers += [1e-40, -1e-40, 1e38, -1e38, 1.0000001, 16777215.0, -16777216.0, 2.5]
    (x, y), got = evaluate_power(target, [(a, b) for a in numbers for b in numbers])
    expected = rounded(map(ieee.power, x, y))
    for a, b, result, want in zip(x, y, got, expected, strict=True):
        if want != want or want in (0.0, 1.0, INF, -INF):
            same = (result != result) == (want != want)
            same = same and (want != want or result == want)
            assert same, (a, b, result, want)
            if want == 0:
                assert math.copysign(1, result) == math.copysign(1, want), (a, b)
        else:
            near, exact = ordered([result, want])
            assert abs(near - exact) <= 1, (a, b)


def test_the_interpreter_agrees_on_powers_to_the_bit():
    draw = random.Random(9)
    x = array.array("f", [draw.uniform(-1, 3) for _ in range(64)])
    y = array.array("f", [float(draw.randrange(-4, 5)) for _ in range(64)])
    interpreted = lanewise(power, x, y, lanes=8)
    _, native = evaluate_power(host_target(), zip(x, y, strict=True))
    assert all(a == b or (a != a and b != b) for a, b in zip(interpreted, native, strict=True))


def test_the_table_of_two_over_pi_is_exact_to_ninety_bits():
    # Machin: pi = 16 arctan(1/5) - 4 arctan(1/239), in integers of 600 bits
    def arctan(n):
        total, term, k = 0, (1 << 600) // n, 0
        while term:
            total += (-1) ** k * (term // (2 * k + 1))
            term //= n * n
            k += 1
        return total

    two_over_pi = 2 * Fraction(1 << 600, 16 * arctan(5) - 4 * arctan(239))
    table = array.array("f", far_table())
    rows = len(table) // 4
    for row in range(rows):
        exact = two_over_pi * Fraction(2) ** (row + 16 - 23)
        parts = sum(Fraction(table[row + rows * part]) for part in range(4))
        distance = (exact - parts) % 4
        assert min(distance, 4 - distance) < Fraction(1, 1 << 90)
