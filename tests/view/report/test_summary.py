"""Statistics, histograms and shortened numbers of tensors."""

import math
import statistics

import pytest

import baregrad as bg
from baregrad.view.report.summary import corner, histogram, rounded, summary

VALUES = [0.0, -1.5, 2.0, 4.25, 0.0, -3.0]


def test_a_summary_has_the_usual_statistics():
    mean, deviation, least, most, norm, zeros, bins, bad = summary(bg.Tensor(VALUES))
    assert (least, most, bad) == (-3.0, 4.25, 0.0)
    assert mean == pytest.approx(statistics.fmean(VALUES), rel=1e-12)
    assert deviation == pytest.approx(statistics.pstdev(VALUES), rel=1e-12)
    assert norm == pytest.approx(math.sqrt(sum(v * v for v in VALUES)), rel=1e-12)
    assert zeros == 2 / 6
    assert len(bins) == 20


def test_of_a_large_tensor_some_numbers_are_looked_at_and_the_norm_is_scaled():
    found = summary(bg.ones(100, 50))
    assert found[:6] == [1.0, 0.0, 1.0, 1.0, pytest.approx(math.sqrt(5000), rel=1e-9), 0.0]


def test_numbers_that_are_not_finite_are_counted_and_left_out():
    found = summary(bg.Tensor([1.0, math.inf, 3.0, math.nan]))
    assert (found[0], found[2], found[3], found[7]) == (2.0, 1.0, 3.0, 0.5)
    assert summary(bg.Tensor([math.nan])) == [None] * 6 + ["", 1.0]


def test_an_empty_tensor_has_no_statistics():
    assert summary(bg.zeros(0, 3)) == [None] * 6 + ["", 0.0]


def test_a_histogram_has_equal_bins_and_the_highest_is_z():
    assert histogram([0.0] * 4 + [1.0] * 2 + [20.0], 0.0, 20.0) == "zi" + "0" * 17 + "9"


def test_a_histogram_of_equal_values_is_empty():
    assert histogram([2.0, 2.0], 2.0, 2.0) == ""


def test_histograms_are_made_where_they_are_asked_for():
    assert summary(bg.Tensor(VALUES), bins=False)[6] == ""


@pytest.mark.parametrize(
    ("value", "side", "rows", "expected"),
    [
        ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], 2, 2, [[1.0, 2.0], [4.0, 5.0]]),
        ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], 2, 1, [1.0, 2.0]),
        ([1.0, 2.0, 3.0], 2, 2, [1.0, 2.0]),
        (7.0, 4, 4, [7.0]),
        ([[], []], 4, 4, []),
    ],
)
def test_a_corner_is_the_first_numbers_of_the_first_rows(value, side, rows, expected):
    assert corner(bg.Tensor(value, "float32"), side, rows) == expected


def test_rounding_goes_into_lists_and_dicts_and_leaves_the_rest():
    value = {"a": [1.23456, math.inf, ("x", 123456)], 3: True}
    assert rounded(value) == {"a": [1.235, None, ["x", 123456]], 3: True}
