"""Checks of numbers: what they let through, and what their words say of the rest."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest

from baregrad.arguments import checked_count, checked_number
from baregrad.errors import ArgumentError


def test_counts_and_numbers_of_other_libraries_are_taken():
    numpy = pytest.importorskip("numpy")
    count = checked_count(numpy.int64(3), "n")
    assert (type(count), count) == (int, 3)
    assert checked_number(numpy.float32(0.5), "x", below=1) == 0.5
    assert checked_number(Fraction(1, 2), "x", above=0) == 0.5


@pytest.mark.parametrize("value", [2, 3.0, "3", None, True, math.nan])
def test_what_is_no_large_enough_count_is_refused(value):
    with pytest.raises(ArgumentError, match=f"n must be an integer of at least 3, not {value!r}"):
        checked_count(value, "n", 3)


@pytest.mark.parametrize(
    ("value", "bounds", "words"),
    [
        (0, {"above": 0}, "above 0"),
        (-1e-9, {"least": 0, "below": math.inf}, "of at least 0 and finite"),
        (math.inf, {"least": 0, "below": math.inf}, "of at least 0 and finite"),
        (1, {"above": 0, "below": 1}, "above 0 and below 1"),
        (1.5, {"above": 0, "most": 1}, "above 0 and at most 1"),
        (math.nan, {"most": 1}, "at most 1"),
        ("1", {"least": 0.5}, "of at least 0.5"),
        (True, {"least": 0}, "of at least 0"),
        (Decimal(1), {"least": 0}, "of at least 0"),
    ],
)
def test_numbers_out_of_bounds_are_refused(value, bounds, words):
    with pytest.raises(ArgumentError) as raised:
        checked_number(value, "x", **bounds)
    assert str(raised.value) == f"x must be a number {words}, not {value!r}"
