import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad.data.scaling import (
    SCALINGS,
    Scaling,
    checked_scaling_name,
    fitted_scaling,
    smoothly_clipped,
)
from baregrad.data.summary import Summary
from baregrad.errors import ArgumentError, DataError

EXACT = 1e-12  # relative; float64 with a few roundings

numbers = st.lists(st.integers(-1000, 1000).map(float), min_size=2, max_size=50)


@given(numbers)
def test_standard_scaling_has_mean_0_and_deviation_1(values):
    found = fitted_scaling("standard", Summary.of(values), "x")(values)
    deviation = statistics.pstdev(values)
    expected = [(v - statistics.fmean(values)) / (deviation or 1) for v in values]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_robust_scaling_is_that_of_realmlp():
    values = [1.0, 2.0, 3.0, 4.0, 100.0]
    found = fitted_scaling("robust", Summary.of(values), "x")(values)
    z = [(v - 3) / (4 - 2) for v in values]
    assert found == pytest.approx([v / math.sqrt(1 + (v / 3) ** 2) for v in z], rel=EXACT)


@pytest.mark.parametrize(
    ("values", "scale"), [([0.0, 5.0, 5.0, 5.0, 5.0, 9.0], 4.5), ([5.0, 5.0], 1.0)]
)
def test_robust_scaling_of_equal_quartiles_takes_the_range(values, scale):
    assert fitted_scaling("robust", Summary.of(values), "x").scale == scale


def test_a_range_beyond_float64_is_scaled_too():
    found = fitted_scaling("robust", Summary.of([-1.7e308, 1.7e308]), "x")([-1.7e308, 0.0, 1.7e308])
    assert found[0] == -found[2]
    assert all(map(math.isfinite, found))


@pytest.mark.parametrize(("value", "clipped"), [(0, 0), (1e-9, 1e-9), (1e300, 3), (-math.inf, -3)])
def test_smooth_clipping_keeps_within_3(value, clipped):
    assert smoothly_clipped(value) == pytest.approx(clipped, rel=EXACT)


def test_quantile_scaling_gives_the_normal_distribution():
    values = [float(i**3) for i in range(101)]
    found = fitted_scaling("quantile", Summary.of(values), "x")(values)
    normal = statistics.NormalDist()
    assert found[1:-1] == pytest.approx([normal.inv_cdf(i / 100) for i in range(1, 100)], rel=1e-9)
    assert (found[0], found[-1]) == (-5.2, 5.2)


def test_quantile_scaling_interpolates_and_holds_the_ends():
    scaling = fitted_scaling("quantile", Summary.of([0.0, 10.0]), "x")
    assert scaling([2.5]) == pytest.approx([statistics.NormalDist().inv_cdf(0.25)], rel=EXACT)
    assert scaling([-1.0, 11.0]) == [-5.2, 5.2]


@given(numbers, numbers)
def test_quantile_scaling_keeps_the_order(values, others):
    found = fitted_scaling("quantile", Summary.of(values), "x")(sorted(others))
    assert found == sorted(found)


@pytest.mark.parametrize("name", SCALINGS)
def test_what_is_missing_is_the_center(name):
    assert fitted_scaling(name, Summary.of([1.0, 2.0, 4.0]), "x")([math.nan]) == [0.0]


@pytest.mark.parametrize("name", SCALINGS)
def test_the_state_comes_back(name):
    scaling = fitted_scaling(name, Summary.of([1.0, 2.0, 4.0]), "x")
    assert Scaling.from_state(scaling.state()) == scaling
    assert scaling != fitted_scaling(name, Summary.of([1.0, 2.0, 5.0]), "x")


@pytest.mark.parametrize(
    "changes",
    [{"name": "x"}, {"name": "quantile"}, {"name": "quantile", "points": [2, 1]},
     {"points": ["a"]}, {"scale": -1}, {"center": None}],
)  # fmt: skip
def test_a_damaged_state_is_refused(changes):
    state = {"name": "standard", "center": 0.0, "scale": 1.0, "points": []}
    with pytest.raises((ValueError, TypeError)):
        Scaling.from_state(state | changes)


@pytest.mark.parametrize("values", [[1e200, 0.0], [1.7e308, 1.6e308]])
def test_numbers_too_large_to_square_are_refused(values):
    with pytest.raises(DataError, match="x has numbers too large to square"):
        fitted_scaling("standard", Summary.of(values), "x")


def test_an_unknown_scaling_suggests_the_nearest():
    with pytest.raises(ArgumentError, match="unknown scaling 'quantiles'; did you mean 'quantile'"):
        checked_scaling_name("quantiles")
