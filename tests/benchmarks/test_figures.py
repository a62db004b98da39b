"""Medians, ratios and tables of the benchmarks."""

import pytest
from harness.figures import Spread, fastest, number, ratio, spread, table


def test_spread_has_quartiles_between_the_sorted_values():
    assert spread([5.0, 1.0, 4.0, 2.0, 3.0]) == Spread(2.0, 3.0, 4.0, 1.0)
    assert spread([1.0, 2.0]) == Spread(1.25, 1.5, 1.75, 1.0)


def test_a_single_value_is_its_own_median_and_quartiles():
    assert spread([7.0]) == Spread(7.0, 7.0, 7.0, 7.0)


def test_nothing_has_no_median():
    with pytest.raises(ValueError, match="nothing"):
        spread([])


def test_a_ratio_pairs_the_rounds_so_that_a_slow_machine_does_not_count():
    own, other = [1.0, 10.0, 1.0], [2.0, 20.0, 3.0]
    assert ratio(other, own) == 2.0  # that of the medians is 3


def test_rounds_must_be_as_many_for_both():
    with pytest.raises(ValueError, match="longer"):
        ratio([1.0, 2.0], [1.0, 2.0, 3.0])


def test_the_fastest_has_the_least_median_among_those_that_were_measured():
    measured = {"a": [5.0, 1.0, 5.0], "b": [4.0, 4.0, 4.0], "c": [1.0], "d": []}
    assert fastest(measured, ["a", "b", "d", "e"]) == "b"
    assert fastest(measured, ["d", "e"]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.2567, "0.257"), (2.0, "2.00"), (16.34, "16.3"), (99.96, "100"), (401808.2, "401,808")],
)
def test_numbers_have_three_digits_that_count(value, text):
    assert number(value) == text


def test_a_table_is_markdown():
    lines = table(["", "µs"], [["a", "1.0"], ["b", "2.0"]]).splitlines()
    assert lines == ["|  | µs |", "| --- | ---: |", "| a | 1.0 |", "| b | 2.0 |"]
