"""Curves in a line of text, and in notebooks."""

import math

import pytest

from baregrad.training.curves import PLAIN_BARS, averaged, sparkline
from baregrad.training.history import History


@pytest.mark.parametrize(
    ("values", "width", "line"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
        ([7, 0], 8, "█▁"),
        ([0, 0, 10, 10, 0, 0], 3, "▁█▁"),
        ([3.5, 3.5], 5, "▁▁"),
        ([math.inf, 1, math.nan, 2], 4, "?▁?█"),
        ([math.nan], 4, "?"),
        ([-1e308, 1e308], 2, "▁█"),
        ([], 4, ""),
    ],
)
def test_a_line_of_bars_goes_from_the_lowest_to_the_highest(values, width, line):
    assert sparkline(values, width) == line


def test_bars_may_be_of_plain_letters():
    assert sparkline([0, 7], 2, PLAIN_BARS) == "_#"


def test_many_values_are_averaged_in_parts_that_leave_none_out():
    assert averaged([1, 3, 10, 20, 30], 2) == [2, 20]
    assert averaged(range(1000), 4) == pytest.approx([124.5, 374.5, 624.5, 874.5])


def history():
    found = History()
    for epoch, loss in enumerate([4.0, 2.0, math.nan, 0.0]):
        found.add(epoch, {"loss": loss, "<script>": 1.0})
    return found


def test_a_notebook_shows_a_history_with_its_curves():
    shown = history()._repr_mimebundle_()
    title, loss, _ = shown["text/plain"].splitlines()
    assert title == "History(4 epochs: loss=0, <script>=1)"
    assert loss.split() == ["loss", "█▅?▁", "0"]
    html = shown["text/html"]
    assert 'points="0,0.0 80,20.0 240,40.0"' in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_an_empty_history_can_be_shown():
    assert History()._repr_mimebundle_()["text/plain"] == "History(0 epochs)"
