import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad import ArgumentError, DTypeError
from baregrad.engines import ieee

INF, NAN = math.inf, math.nan
floats = st.floats(width=64)


def same(x: float, y: float) -> bool:
    """Equal, down to the sign of zero; NaN is the same as NaN."""
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    return x == y and math.copysign(1, x) == math.copysign(1, y)


@pytest.mark.parametrize(
    ("x", "y", "quotient"),
    [
        (1.0, 0.0, INF),
        (1.0, -0.0, -INF),
        (-1.0, 0.0, -INF),
        (-1.0, -0.0, INF),
        (0.0, 0.0, NAN),
        (-0.0, 0.0, NAN),
        (NAN, 0.0, NAN),
        (INF, 0.0, INF),
        (INF, INF, NAN),
        (1.0, INF, 0.0),
        (-1.0, INF, -0.0),
        (1e308, 1e-308, INF),
        (7.0, 2.0, 3.5),
    ],
)
def test_division_is_defined_everywhere(x, y, quotient):
    assert same(ieee.divide(x, y), quotient)


@pytest.mark.parametrize(
    ("x", "y", "result"),
    [
        (2.0, 0.5, math.sqrt(2)),
        (NAN, 0.0, 1.0),
        (1.0, NAN, 1.0),
        (NAN, 1.0, NAN),
        (0.0, 0.0, 1.0),
        (0.0, -1.0, INF),
        (-0.0, -1.0, -INF),
        (-0.0, -3.0, -INF),
        (-0.0, -2.0, INF),
        (0.0, -0.5, INF),
        (-0.0, 3.0, -0.0),
        (-8.0, 1 / 3, NAN),
        (-2.0, 3.0, -8.0),
        (1e200, 2.0, INF),
        (-1e200, 2.0, INF),
        (-1e200, 3.0, -INF),
        (1e-200, 2.0, 0.0),
        (INF, -1.0, 0.0),
        (-INF, 3.0, -INF),
        (0.5, INF, 0.0),
        (2.0, -INF, 0.0),
        (0.0, -INF, INF),
    ],
)
def test_powers_of_floats_follow_ieee_754(x, y, result):
    assert same(ieee.power(x, y), result)


def test_powers_of_integers_are_exact_integers():
    assert ieee.power(3, 39) == 4052555153018976267
    assert ieee.power(-2, 63) == -(2**63)
    assert ieee.power(0, 0) == 1
    assert [ieee.power(-1, 10**12 + 1), ieee.power(1, 10**12), ieee.power(0, 10**12)] == [-1, 1, 0]


def test_a_power_far_beyond_int64_is_refused_before_it_is_computed():
    with pytest.raises(OverflowError):
        ieee.power(2, 10**12)


def test_an_integer_to_a_negative_power_is_refused():
    with pytest.raises(ArgumentError, match=r"2 to the negative power -1 .* make the tensor float"):
        ieee.power(2, -1)


@pytest.mark.parametrize(
    ("function", "table"),
    [
        (ieee.exp, {INF: INF, -INF: 0.0, 0.0: 1.0, 1000.0: INF, -1000.0: 0.0}),
        (ieee.expm1, {INF: INF, -INF: -1.0, 1000.0: INF, 1e-20: 1e-20, 0.0: 0.0}),
        (ieee.log, {INF: INF, -INF: NAN, 0.0: -INF, -1.0: NAN, 1.0: 0.0}),
        (ieee.sqrt, {INF: INF, -INF: NAN, -1.0: NAN, 4.0: 2.0, 0.0: 0.0}),
        (ieee.sin, {INF: NAN, -INF: NAN, 0.0: 0.0}),
        (ieee.cos, {INF: NAN, -INF: NAN, 0.0: 1.0}),
        (ieee.sigmoid, {INF: 1.0, -INF: 0.0, 0.0: 0.5, 1000.0: 1.0, -1000.0: 0.0}),
        (ieee.softplus, {INF: INF, -INF: 0.0, 0.0: math.log(2), 1000.0: 1000.0, -1000.0: 0.0}),
    ],
)
def test_functions_are_defined_at_the_ends_of_the_number_line(function, table):
    assert math.isnan(function(NAN))
    for x, y in table.items():
        assert same(function(x), y), x


def test_negative_zero_keeps_its_sign_where_the_standard_says_so():
    assert same(ieee.sqrt(-0.0), -0.0)
    assert same(ieee.expm1(-0.0), -0.0)
    assert same(ieee.log(-0.0), -INF)


@given(st.floats(-30, 30))
def test_sigmoid_and_softplus_agree_with_their_formulas(x):
    assert ieee.sigmoid(x) == pytest.approx(1 / (1 + math.exp(-x)), rel=1e-14)
    assert ieee.softplus(x) == pytest.approx(math.log1p(math.exp(x)), rel=1e-13)


@given(st.floats(-700, -40))
def test_sigmoid_and_softplus_keep_their_digits_far_in_the_tail(x):
    assert ieee.sigmoid(x) == pytest.approx(math.exp(x), rel=1e-14)
    assert ieee.softplus(x) == pytest.approx(math.exp(x), rel=1e-14)


@given(floats, floats)
def test_the_maximum_is_the_larger_or_nan(x, y):
    expected = NAN if math.isnan(x) or math.isnan(y) else max(x, y)
    assert same(ieee.maximum(x, y), expected)


@given(st.floats(-(2**52), 2**52))
def test_truncation_goes_towards_zero(x):
    whole = ieee.truncate(x)
    assert abs(whole) <= abs(x) < abs(whole) + 1
    assert whole * x >= 0


@pytest.mark.parametrize("x", [INF, -INF, NAN])
def test_what_is_not_finite_has_no_integer_part(x):
    with pytest.raises(DTypeError, match=f"{x} cannot become an integer"):
        ieee.truncate(x)
