"""What is wrong is said in words, with the threshold."""

import math

import pytest

import baregrad as bg
from baregrad.tensor.autograd import topological_order
from baregrad.view.report.flags import flags, gradient_norms


def found(loss, outputs=()):
    loss.backward()
    order = topological_order([loss])
    named = {i: t.name for i, t in enumerate(order) if t.name in outputs}
    return [text for _, text in flags(order, named, gradient_norms(order))]


def weight(values, name="w"):
    return bg.Tensor(values, requires_grad=True, name=name)


def test_a_unit_that_is_0_for_all_samples_is_dead():
    hidden = bg.Tensor([[1.0, -1.0], [2.0, -3.0]]) * weight([1.0, 1.0])
    out = hidden.relu()
    out.name = "layer"
    assert found(out.sum(), ["layer"]) == ["1 of 2 units of layer are dead: 0 for all 2 samples"]


def test_a_tanh_that_is_near_1_for_all_samples_is_saturated():
    out = (bg.Tensor([[9.0, 0.1], [-9.0, 0.2]]) * weight([1.0, 1.0])).tanh()
    out.name = "layer"
    (text,) = found(out.sum(), ["layer"])
    assert text == "1 of 2 units of layer are saturated: beyond ±0.99 for all 2 samples"


def test_units_of_one_sample_are_not_judged():
    out = (bg.Tensor([[-1.0]]) * weight([1.0])).relu()
    out.name = "layer"
    assert not any("dead" in text for text in found(out.sum(), ["layer"]))


def test_a_gradient_far_smaller_than_the_largest_vanishes():
    (text,) = found((weight([1.0], "near") + 1e-5 * weight([1.0], "far")).sum())
    assert text.startswith("vanishing gradient: that of far is 100,000 times smaller")
    assert "threshold 1,000" in text


def test_a_gradient_of_0_is_said_to_be():
    texts = found((weight([1.0], "near") + 0.0 * weight([1.0], "off")).sum())
    assert texts == ["the gradient of off is 0, so it does not learn"]


def test_a_norm_beyond_the_threshold_explodes():
    (text,) = found((2000.0 * weight([1.0])).sum())
    assert text == "exploding gradients: their norm is 2,000, most of it in w (threshold 1,000)"


def test_a_gradient_that_is_not_finite_is_said_to_be():
    assert found((math.inf * weight([1.0])).sum()) == ["the gradient of w is not finite"]


def test_where_nothing_is_wrong_nothing_is_said():
    assert found(weight([1.0, 2.0]).sum()) == []


@pytest.mark.parametrize("factor", [1.0, 999.0])
def test_a_norm_below_the_threshold_is_none(factor):
    assert found((factor * weight([1.0])).sum()) == []
