"""Optimizers, clipping and schedules compared with PyTorch's figures; see tests/reference."""

import json
import math
from pathlib import Path

import pytest

from baregrad import Tensor, zeros
from baregrad.nn.losses import mse
from baregrad.optim import schedules
from baregrad.optim.clip import clip_grad_norm
from baregrad.optim.lbfgs import LBFGS
from baregrad.optim.named import OPTIMIZERS, optimizer_named
from baregrad.optim.schedules import ReduceOnPlateau, Schedule
from baregrad.optim.sgd import SGD

FOLDER = Path(__file__).parents[1] / "reference"
REFERENCE = json.loads((FOLDER / "optimizers.json").read_text())
CLIPPING = json.loads((FOLDER / "clipping.json").read_text())
SCHEDULES = json.loads((FOLDER / "schedules.json").read_text())
TOLERANCE = {"rel": 1e-10, "abs": 1e-15}


def leaf(data):
    return Tensor(data, "float64", requires_grad=True)


def one_layer():
    weight, bias = leaf(REFERENCE["weight"]), leaf(REFERENCE["bias"])
    x = Tensor(REFERENCE["x"], "float64")

    def loss():
        return mse((x @ weight.T + bias).tanh(), REFERENCE["y"])

    return weight, bias, loss


def check_path(optimizer, weight, bias, loss, path):
    for expected in path:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        found = [*weight.flatten().tolist(), *bias.tolist()]
        assert found == pytest.approx(expected, **TOLERANCE)


def identity(case):
    first, options = case.values() if len(case) == 2 else list(case.values())[:2]
    return f"{first}-{options}"


@pytest.mark.parametrize("case", REFERENCE["first_order"], ids=identity)
def test_twenty_steps_are_those_of_pytorch(case):
    weight, bias, loss = one_layer()
    optimizer = optimizer_named(case["optimizer"])([weight, bias], **case["options"])
    assert len(case["path"]) == 20
    check_path(optimizer, weight, bias, loss, case["path"])


def test_every_optimizer_has_reference_figures():
    assert {case["optimizer"] for case in REFERENCE["first_order"]} | {"lbfgs"} == set(OPTIMIZERS)


def test_groups_have_options_of_their_own_like_those_of_pytorch():
    weight, bias, loss = one_layer()
    groups = [{"parameters": [weight], "lr": 0.02, "weight_decay": 0.1}, {"parameters": [bias]}]
    optimizer = SGD(groups, lr=0.2, momentum=0.5)
    check_path(optimizer, weight, bias, loss, REFERENCE["groups"])


@pytest.mark.parametrize("case", REFERENCE["lbfgs"], ids=lambda case: str(case["options"]))
def test_twenty_steps_of_lbfgs_are_those_of_pytorch(case):
    weight, bias, loss = one_layer()
    optimizer = LBFGS([weight, bias], **case["options"])
    evaluations = 0

    def closure():
        nonlocal evaluations
        evaluations += 1
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    for expected, before in zip(case["path"], case["losses"], strict=True):
        assert optimizer.step(closure).item() == pytest.approx(before, **TOLERANCE)
        found = [*weight.flatten().tolist(), *bias.tolist()]
        assert found == pytest.approx(expected, **TOLERANCE)
    assert evaluations == case["evaluations"]


@pytest.mark.parametrize(
    "case", CLIPPING["cases"], ids=lambda c: f"{c['norm_type']}-{c['max_norm']}"
)
def test_clipped_gradients_are_those_of_pytorch(case):
    parameters = [zeros(2, 2, dtype="float64", requires_grad=True), leaf([0.0, 0.0])]
    for parameter, gradient in zip(parameters, CLIPPING["gradients"], strict=True):
        parameter.grad = Tensor(gradient, "float64")
    norm = clip_grad_norm(parameters, case["max_norm"], float(case["norm_type"]))
    assert norm.item() == pytest.approx(case["norm"], **TOLERANCE)
    for parameter, expected in zip(parameters, case["clipped"], strict=True):
        rows = expected if isinstance(expected[0], list) else [expected]
        found = parameter.grad.reshape(len(rows), 2).tolist()
        for row, wanted in zip(found, rows, strict=True):
            assert row == pytest.approx(wanted, **TOLERANCE)


@pytest.mark.parametrize("case", SCHEDULES, ids=lambda c: f"{c['schedule']}-{c['arguments']}")
def test_learning_rates_are_those_of_pytorch(case):
    optimizer = SGD([zeros(1, requires_grad=True)], lr=0.3)
    if case["schedule"] == "plateau":
        schedule = ReduceOnPlateau(optimizer, **case["arguments"])
    else:
        rule = getattr(schedules, case["schedule"])(**case["arguments"])
        schedule = Schedule(optimizer, rule)
    metrics = case["metrics"] or [math.nan] * (len(case["rates"]) - 1)
    found = [optimizer.lr]
    for metric in metrics:
        schedule.step(metric)
        found.append(optimizer.lr)
    assert found == pytest.approx(case["rates"], **TOLERANCE)
