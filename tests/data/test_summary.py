"""Columns of numbers as their rows go by: the same as if all were looked at together."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad.data import summary, table
from baregrad.data.summary import Summary, summaries
from baregrad.data.table import Table

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_blocks_have_the_mean_and_deviation_of_all_their_numbers(blocks):
    whole = [value for block in blocks for value in block]
    found = Summary()
    for block in blocks:
        found.add(block)
    mean, scale = found.mean_and_scale("x")
    assert mean == pytest.approx(statistics.fmean(whole), rel=1e-12, abs=1e-9)
    expected = statistics.pstdev(whole)
    if expected > 1e-6:
        assert scale == pytest.approx(expected, rel=1e-9)
    assert (found.count, found.lowest, found.highest) == (len(whole), min(whole), max(whole))
    assert found.varied == (len(set(whole)) > 1)


def test_a_single_block_has_the_exact_mean():
    values = [0.1, 0.2, 0.3, 1e9]
    assert Summary.of(values).mean_and_scale("x")[0] == math.fsum(values) / 4


def test_far_from_zero_the_deviation_stays_exact():
    found = Summary()
    for start in range(0, 1000, 10):
        found.add([1e9 + (i % 7) for i in range(start, start + 10)])
    assert found.mean_and_scale("x")[1] == pytest.approx(
        statistics.pstdev(i % 7 for i in range(1000)), rel=1e-9
    )


def test_blanks_are_counted_and_left_out():
    found = Summary()
    for block in ([math.nan, 1.0], [math.nan, math.nan], [2.5]):
        found.add(block)
    assert (found.missing, found.count, found.integral, found.distinct) == (3, 2, False, {1.0, 2.5})


def test_more_than_a_few_different_values_are_not_kept():
    assert Summary.of(range_of(20)).distinct == set(range_of(20))
    assert Summary.of(range_of(21)).distinct is None


def range_of(count):
    return [float(i) for i in range(count)]


def test_tables_in_one_block_or_many_have_the_same_summaries(monkeypatch):
    rows = Table({"x": [i * 0.5 for i in range(50)], "d": ["2024-01-01", "?"] * 25})
    whole = summaries(rows, {"x": "number", "d": "date"}, {"x"})
    monkeypatch.setattr(table, "BLOCK_ROWS", 7)
    monkeypatch.setattr(table, "BLOCK_CELLS", 7)
    parts = summaries(rows, {"x": "number", "d": "date"}, {"x"})
    assert parts["x"].sample == whole["x"].sample
    assert parts["d"].missing == whole["d"].missing == 25
    assert parts["x"].mean_and_scale("x") == pytest.approx(whole["x"].mean_and_scale("x"))


def test_of_many_rows_a_sample_of_one_in_each_interval_is_kept(monkeypatch):
    monkeypatch.setattr(summary, "SAMPLE", 100)
    monkeypatch.setattr(table, "BLOCK_ROWS", 64)
    monkeypatch.setattr(table, "BLOCK_CELLS", 64)
    sample = summaries(Table({"x": range_of(2400)}), {"x": "number"}, {"x"})["x"].sample
    assert [value // 24 for value in sample] == list(range(100))
    # what repeats itself every 24 rows is met at every phase, about as often
    phases = [value % 24 // 6 for value in sample]
    assert [phases.count(phase) for phase in range(4)] == pytest.approx([25] * 4, abs=2)
