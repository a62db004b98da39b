"""Clipping gradients; what PyTorch does with them is in test_against_pytorch."""

import math

import pytest

from baregrad import ArgumentError, NonFiniteError, Tensor, zeros
from baregrad.optim.clip import clip_grad_norm, clip_grad_value


def with_gradients(*gradients, dtype="float32"):
    parameters = [zeros(len(g), dtype=dtype, requires_grad=True) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = Tensor(gradient, dtype)
    return parameters


def test_the_norm_is_of_all_gradients_together():
    parameters = with_gradients([3.0], [0.0, 4.0])
    assert clip_grad_norm(parameters, 1.0).item() == 5
    found = [g for p in parameters for g in p.grad.tolist()]
    assert found == pytest.approx([0.6, 0.0, 0.8], rel=1e-5)
    assert all(p.grad.dtype == "float32" and p.grad.op is None for p in parameters)


def test_small_gradients_stay():
    parameters = with_gradients([0.25, -0.5])
    clip_grad_norm(parameters, 10.0)
    assert parameters[0].grad.tolist() == [0.25, -0.5]


def test_float32_gradients_whose_squares_overflow_are_scaled():
    parameters = with_gradients([3e30, 4e30])
    assert clip_grad_norm(parameters, 1.0).item() == pytest.approx(5e30)
    assert parameters[0].grad.tolist() == pytest.approx([0.6, 0.8])


def test_parameters_without_a_gradient_are_passed_over():
    parameter = zeros(2, requires_grad=True)
    assert clip_grad_norm([parameter], 1.0).item() == 0
    clip_grad_value([parameter], 1.0)
    assert parameter.grad is None


def test_a_single_tensor_is_a_parameter_too():
    (parameter,) = with_gradients([30.0, 40.0])
    assert clip_grad_norm(parameter, 1.0).item() == 50
    assert parameter.grad.tolist() == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_norm_that_is_not_finite_is_an_error_if_asked_for(wrong):
    parameters = with_gradients([wrong, 1.0])
    with pytest.raises(NonFiniteError, match=f"the norm of the gradients is {wrong}"):
        clip_grad_norm(parameters, 1.0, error_if_nonfinite=True)
    assert parameters[0].grad.tolist()[1] == 1.0
    assert not math.isfinite(clip_grad_norm(parameters, 1.0).item())


def test_values_are_clipped_one_by_one():
    parameters = with_gradients([0.5, -3.0, 2.0], [-0.25])
    clip_grad_value(parameters, 1.0)
    assert [p.grad.tolist() for p in parameters] == [[0.5, -1.0, 1.0], [-0.25]]


@pytest.mark.parametrize("wrong", [0, -1.0, math.nan])
def test_limits_that_are_not_above_0_are_refused(wrong):
    with pytest.raises(ArgumentError, match="max_norm must be a number above 0"):
        clip_grad_norm([], wrong)
    with pytest.raises(ArgumentError, match="norm_type must be a number above 0"):
        clip_grad_norm([], 1.0, norm_type=wrong)
    with pytest.raises(ArgumentError, match="clip_value must be a number above 0"):
        clip_grad_value([], wrong)
