"""Metrics, against counts and sums by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad.errors import ArgumentError, ShapeError
from baregrad.tensor.random import Generator
from baregrad.training.class_metrics import accuracy, balanced_accuracy, f1_macro, roc_auc
from baregrad.training.metrics import METRICS, metric_named


def test_accuracy_of_scores_and_class_numbers():
    scores = bg.Tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    assert accuracy(scores, bg.Tensor([1, 0, 0])) == pytest.approx(2 / 3)
    assert accuracy(scores, bg.Tensor([[0.2, 0.8], [0.0, 1.0], [0.0, 1.0]])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_accuracy_of_logits_of_two_classes(shape):
    logits = bg.Tensor([-1.0, 2.0, 0.5, -0.1]).reshape(shape)
    assert accuracy(logits, bg.Tensor([0, 1, 0, 0]).reshape(shape)) == 0.75


def test_one_column_of_logits_fits_a_row_of_classes():
    logits, classes = bg.Tensor([[2.0], [-1.0], [3.0]]), bg.Tensor([1, 0, 1])
    for metric in (accuracy, balanced_accuracy, f1_macro):
        assert metric(logits, classes) == 1


def test_accuracy_refuses_targets_of_several_classes_at_once():
    with pytest.raises(ArgumentError, match="accuracy: a sample has one class"):
        accuracy(bg.zeros(2, 3), bg.Tensor([[1, 1, 0], [1, 0, 0]]))


RARE = bg.Tensor([0, 0, 0, 0, 1, 2])
GUESSED = bg.Tensor([0, 0, 0, 1, 1, 0]).one_hot(3)


def test_balanced_accuracy_is_the_mean_recall():
    assert balanced_accuracy(GUESSED, RARE) == pytest.approx((3 / 4 + 1 + 0) / 3)
    assert balanced_accuracy(bg.Tensor([1.0, -1.0, 2.0]), bg.Tensor([1, 1, 0])) == 0.25


def test_f1_macro_is_the_mean_f1():
    assert f1_macro(GUESSED, RARE) == pytest.approx((2 * 3 / 8 + 2 * 1 / 3 + 0) / 3)
    assert f1_macro(RARE.one_hot(3), RARE) == 1


def test_metrics_of_classes_are_those_of_scikit_learn():
    reference = pytest.importorskip("sklearn.metrics")
    generator = Generator(0)
    scores, classes = generator.randn(60, 3), generator.randint(0, 3, (60,))
    predicted = scores.argmax(-1).tolist()
    assert balanced_accuracy(scores, classes) == pytest.approx(
        reference.balanced_accuracy_score(classes.tolist(), predicted), rel=1e-12
    )
    assert f1_macro(scores, classes) == pytest.approx(
        reference.f1_score(classes.tolist(), predicted, average="macro"), rel=1e-12
    )


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=20))
def test_roc_auc_is_the_share_of_pairs_in_the_right_order(samples):
    found = roc_auc(bg.Tensor([float(s) for s, _ in samples]), bg.Tensor([c for _, c in samples]))
    pairs = [
        (s > other) + 0.5 * (s == other)
        for s, c in samples
        for other, of_class in samples
        if c and not of_class
    ]
    if pairs:
        assert found == pytest.approx(sum(pairs) / len(pairs), rel=1e-12)
    else:
        assert math.isnan(found)


def test_roc_auc_takes_the_scores_of_two_classes():
    scores = bg.Tensor([[0.0, 1.0], [5.0, 5.5], [1.0, 0.0]])
    assert roc_auc(scores, bg.Tensor([1, 0, 0])) == 1
    assert math.isnan(roc_auc(bg.Tensor([1.0, math.nan]), bg.Tensor([0, 1])))


def test_roc_auc_refuses_more_than_two_classes():
    with pytest.raises(ArgumentError, match=r"the classes must be 0 and 1, not \[0, 2\]"):
        roc_auc(bg.zeros(2), bg.Tensor([0, 2]))
    with pytest.raises(ShapeError, match=r"roc_auc: .*\(2, 3\).*\(2,\)"):
        roc_auc(bg.zeros(2, 3), bg.zeros(2))


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
