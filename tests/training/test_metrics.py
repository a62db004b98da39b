"""Metrics, against counts and sums by hand."""

import math

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError, ShapeError
from baregrad.training.metrics import METRICS, accuracy, metric_named


def test_accuracy_of_scores_and_class_numbers():
    scores = bg.Tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    assert accuracy(scores, bg.Tensor([1, 0, 0])) == pytest.approx(2 / 3)
    assert accuracy(scores, bg.Tensor([[0.2, 0.8], [0.0, 1.0], [0.0, 1.0]])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_accuracy_of_logits_of_two_classes(shape):
    logits = bg.Tensor([-1.0, 2.0, 0.5, -0.1]).reshape(shape)
    assert accuracy(logits, bg.Tensor([0, 1, 0, 0]).reshape(shape)) == 0.75


def test_errors_and_r2():
    prediction, target = bg.Tensor([[1.0], [2.0], [4.0]]), bg.Tensor([[1.0], [3.0], [2.0]])
    assert METRICS["mae"](prediction, target) == pytest.approx(1)
    assert METRICS["mse"](prediction, target) == pytest.approx(5 / 3)
    assert METRICS["rmse"](prediction, target) == pytest.approx(math.sqrt(5 / 3))
    assert METRICS["r2"](prediction, target) == pytest.approx(1 - 5 / 2)
    assert METRICS["r2"](target, target) == 1
    assert math.isnan(METRICS["r2"](prediction, bg.ones(3, 1)))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"accuracy: .*\(2, 3\).*\(3,\)"):
        accuracy(bg.zeros(2, 3), bg.zeros(3))
    with pytest.raises(ShapeError, match=r"mae: .* must have the same shape"):
        METRICS["mae"](bg.zeros(3, 1), bg.zeros(3))


def test_a_metric_is_found_by_name_or_is_a_function():
    assert metric_named("mae") == ("mae", METRICS["mae"])
    assert metric_named(accuracy) == ("accuracy", accuracy)
    with pytest.raises(ArgumentError, match="did you mean 'accuracy'"):
        metric_named("acuracy")
