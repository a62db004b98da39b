"""float32 arithmetic of the interpreter against exact rational arithmetic."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad.compiler.vector import scalars

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


def nearest(exact: Fraction, zero_sign: float = 1.0) -> float:
    """The float32 nearest to a rational number, ties to even, by integer arithmetic alone."""
    if exact == 0:
        return math.copysign(0.0, zero_sign)
    magnitude = abs(exact)
    exponent = max(magnitude.numerator.bit_length() - magnitude.denominator.bit_length(), -126)
    while magnitude >= Fraction(2) ** (exponent + 1):
        exponent += 1
    while exponent > -126 and magnitude < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (exponent - 23)
    number = round(magnitude / unit) * unit
    rounded = math.inf if number >= Fraction(2) ** 128 else float(number)
    return math.copysign(rounded, -1.0 if exact < 0 else 1.0)


@given(floats, floats, floats)
def test_fused_multiply_add_rounds_once(a, b, c):
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact:
        assert scalars.fused_multiply_add(a, b, c) == nearest(exact)


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [
        # the sum's float64 lies half-way between two float32, the exact sum a little beside it
        (1.0, 1.0 + 2.0**-23, 2.0**-80),
        (1 + 2.0**-12, 1 + 2.0**-12, 2.0**-70),
        (1 + 2.0**-12, 1 + 2.0**-12, -(2.0**-70)),
        (2.0**-75, 2.0**-74, 2.0**-149),
        (2.0**-75, -(2.0**-74), 2.0**-149),
        (3 * 2.0**-76, 2.0**-74, 2.0**-149),
    ],
)
def test_fused_multiply_add_where_rounding_twice_would_err(a, b, c):
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    assert scalars.fused_multiply_add(a, b, c) == nearest(exact)


def test_fused_multiply_add_of_infinities():
    assert scalars.fused_multiply_add(math.inf, 1.0, 5.0) == math.inf
    assert math.isnan(scalars.fused_multiply_add(math.inf, 0.0, 5.0))
    assert scalars.fused_multiply_add(3e38, 3e38, -1.0) == math.inf
    assert math.isnan(scalars.fused_multiply_add(math.inf, 1.0, -math.inf))


@given(floats, floats)
def test_a_quotient_rounds_once(a, b):
    if b:
        exact = Fraction(a) / Fraction(b)
        assert scalars.divide(a, b) == nearest(exact)


def test_quotients_by_zero():
    assert scalars.divide(1.0, -0.0) == -math.inf
    assert scalars.divide(-1.0, -0.0) == math.inf
    assert math.isnan(scalars.divide(0.0, 0.0))
    assert math.isnan(scalars.divide(math.nan, 0.0))


@given(st.floats(width=32, min_value=0, allow_infinity=False))
def test_a_square_root_is_the_nearest(a):
    root = Fraction(scalars.square_root(a))
    for neighbour in (math.nextafter(float(root), 0.0), math.nextafter(float(root), math.inf)):
        other = Fraction(scalars.float32(neighbour))
        middle = (root + other) / 2
        # the root lies on the same side of the middle as its rounded value
        assert other == root or (middle**2 <= Fraction(a)) == (middle <= root)


def test_square_roots_without_a_number():
    assert math.copysign(1.0, scalars.square_root(-0.0)) == -1.0
    assert math.isnan(scalars.square_root(-1.0))
    assert math.isnan(scalars.square_root(math.nan))
    assert scalars.square_root(math.inf) == math.inf


@pytest.mark.parametrize(
    ("a", "nearest_integer", "truncated"),
    [
        (0.5, 0, 0),
        (1.5, 2, 1),
        (-1.5, -2, -1),
        (-2.7, -3, -2),
        (2147483520.0, 2147483520, 2147483520),
        (2147483648.0, -(2**31), -(2**31)),
        (-2147483648.0, -(2**31), -(2**31)),
        (-1e10, -(2**31), -(2**31)),
        (math.nan, -(2**31), -(2**31)),
        (math.inf, -(2**31), -(2**31)),
    ],
)
def test_conversion_to_int32(a, nearest_integer, truncated):
    assert scalars.to_int32(a, truncate=False) == nearest_integer
    assert scalars.to_int32(a, truncate=True) == truncated


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("nearest", (2.0, -2.0, -0.0, 0.0)),
        ("down", (1.0, -2.0, -1.0, 0.0)),
        ("up", (2.0, -1.0, -0.0, 1.0)),
        ("truncate", (1.0, -1.0, -0.0, 0.0)),
    ],
)
def test_rounding_to_integers_keeps_the_sign_of_zero(mode, expected):
    rounded = [scalars.round_to_integer(a, mode) for a in (1.5, -1.5, -0.25, 0.25)]
    assert [math.copysign(1, r) * abs(r) for r in rounded] == list(expected)
    assert [math.copysign(1, r) for r in rounded] == [math.copysign(1, e) for e in expected]
    assert scalars.round_to_integer(math.inf, mode) == math.inf


@given(st.floats(width=32, min_value=1, max_value=2, exclude_max=True), st.integers(-150, 150))
def test_scaling_rounds_once(a, exponent):
    assert scalars.scale(a, float(exponent)) == nearest(Fraction(a) * Fraction(2) ** exponent)


def test_scaling_of_what_is_not_finite():
    assert scalars.scale(math.inf, -3.0) == math.inf
    assert math.isnan(scalars.scale(math.nan, 3.0))
    assert math.isnan(scalars.scale(1.0, math.nan))


@given(st.integers(-(2**31), 2**31 - 1))
def test_bits_come_back(n):
    a = scalars.bits_float(n)
    if a == a:
        assert scalars.float_bits(a) == n


@given(st.integers(-(2**70), 2**70))
def test_wrapping_is_modulo_a_power_of_two(n):
    for wrap, bits in ((scalars.wrap32, 32), (scalars.wrap64, 64)):
        assert (wrap(n) - n) % (1 << bits) == 0
        assert -(1 << bits - 1) <= wrap(n) < 1 << bits - 1
