"""Whether a network has learned is said in words, beside what guessing gives."""

import math

import pytest

from baregrad.view.report.verdict import number, verdict


def classes(accuracy, usual):
    scores = [["accuracy", accuracy]]
    return {"kind": "classes", "scores": scores, "usual": usual, "of": "60 validation samples"}


def numbers(r2, mae=12345.6):
    scores = [["r2", r2], ["rmse", 2.0], ["mae", mae]]
    return {"kind": "numbers", "scores": scores, "target": "price", "of": "9 training samples"}


@pytest.mark.parametrize(
    ("results", "words"),
    [
        (classes(0.95, 0.5), "It learned. Of 60 validation samples, 95.0% are classified right;"),
        (classes(0.92, 0.9), "It learned a little."),
        (classes(0.9, 0.9), "It is no better than guessing."),
        (classes(0.4, 0.9), "the most frequent class each time would be right for 90.0%."),
        (classes(1.0, 1.0), "Of 60 validation samples, 100.0%"),
        (numbers(0.9), "For 9 training samples, predictions of price are 12,350 off on average"),
        (numbers(0.9), "explain 90.0% of its variance"),
        (numbers(0.3), "It learned a little."),
        (numbers(-2.0), "It is no better than guessing. For 9"),
        (numbers(-2.0), "12,350 off on average, and farther from it than its mean would be"),
    ],
)
def test_predictions_are_held_against_guessing(results, words):
    assert words in verdict({}, results)


def test_where_there_is_nothing_to_tell_apart_there_is_no_verdict():
    assert verdict({}, numbers(math.nan)) == ""
    assert not verdict({}, classes(1.0, 1.0)).startswith("It")
    assert verdict({}, {"kind": "other", "scores": []}) == ""


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ({"loss": [2.0, 0.5]}, "The training loss fell from 2 to 0.5 in 2 epochs."),
        ({"loss": [0.5, 2.0]}, "The training loss rose from 0.5 to 2 in 2 epochs."),
        (
            {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.0, 2.5]},
            "The validation loss was lowest after epoch 2, and 1.2 times that at the end",
        ),
    ],
)
def test_what_became_of_the_losses_is_said(history, words):
    assert words in verdict(history, {"kind": "other", "scores": []})


@pytest.mark.parametrize("last", [2.0, 2.3, 1.0])
def test_a_validation_loss_that_hardly_rises_is_no_trouble(last):
    assert "lowest" not in verdict({"val_loss": [3.0, 2.0, last]}, {"kind": "other", "scores": []})


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (12345.6, "12,350"), (0.123456, "0.1235"), (-1e12, "-1e+12"), (999.96, "1,000")],
)
def test_numbers_have_four_digits(value, text):
    assert number(value) == text
