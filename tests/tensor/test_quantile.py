"""The quantile function, compared with the standard library's."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad.tensor.quantile import log, normal


@given(st.floats(2**-53, 1 - 2**-53))
def test_normal_is_the_inverse_of_the_normal_distribution_function(probability):
    assert normal(probability) == pytest.approx(
        NormalDist().inv_cdf(probability), rel=1e-14, abs=1e-15
    )


@pytest.mark.parametrize("probability", [2**-53, 1e-15, 1e-13, 1e-11, 0.0749, 0.075, 0.5, 0.93])
def test_normal_agrees_in_the_centre_and_in_the_tails(probability):
    expected = NormalDist().inv_cdf(probability)
    assert normal(probability) == pytest.approx(expected, rel=1e-14)


def test_normal_is_finite_at_zero():
    assert normal(0.0) == pytest.approx(NormalDist().inv_cdf(2**-54), rel=1e-14)


@given(st.floats(2**-1022, 0.5))
def test_the_logarithm_is_that_of_the_library(x):
    assert log(x) == pytest.approx(math.log(x), rel=2**-50, abs=0)


@pytest.mark.parametrize("exponent", [-1, -2, -3, -54, -1022])
def test_the_logarithm_is_right_about_powers_of_two(exponent):
    for x in (2.0**exponent, math.nextafter(2.0**exponent, 1), 2**0.5 * 2.0**exponent / 2):
        assert log(x) == pytest.approx(math.log(x), rel=2**-50, abs=0)
