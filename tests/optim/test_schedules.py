"""Schedules; the learning rates of PyTorch's are in test_against_pytorch."""

import json
import math

import pytest

from baregrad import ArgumentError, ModelFileError, Tensor, zeros
from baregrad.optim.schedules import (
    ReduceOnPlateau,
    Schedule,
    cosine,
    exponential,
    one_cycle,
    step_decay,
)
from baregrad.optim.sgd import SGD


def optimizer(*rates):
    return SGD([{"parameters": [zeros(1, requires_grad=True)], "lr": rate} for rate in rates])


def test_any_function_of_step_and_rate_is_a_schedule():
    sgd = optimizer(0.5)
    schedule = Schedule(sgd, lambda step, rate: rate / (1 + step))
    found = [sgd.lr]
    for _ in range(3):
        schedule.step()
        found.append(sgd.lr)
    assert found == [0.5, 0.25, 0.5 / 3, 0.125]


def test_every_group_keeps_its_own_rate():
    sgd = optimizer(0.5, 0.1)
    Schedule(sgd, exponential(0.5)).step()
    assert [group["lr"] for group in sgd.groups] == [0.25, 0.05]


def test_a_rule_that_gives_no_learning_rate_is_refused():
    schedule = Schedule(optimizer(0.1), lambda step, rate: rate - step)
    with pytest.raises(ArgumentError, match="lr must be a number of at least 0"):
        schedule.step()


def test_warmup_rises_in_equal_parts_to_the_full_rate():
    rule = cosine(steps=10, warmup=4)
    assert [rule(step, 1.0) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


@pytest.mark.parametrize(
    ("rule", "last"), [(cosine(10, minimum=0.01), 0.01), (one_cycle(10), 0.5 / 25 / 1e4)]
)
def test_after_its_end_a_rule_stays_where_it_is(rule, last):
    assert [rule(step, 0.5) for step in (10, 15, 1000)] == pytest.approx([last] * 3)


@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_one_cycle_of_any_length_stays_within_its_bounds(steps):
    rule = one_cycle(steps, rise=0.5)
    rates = [rule(step, 0.5) for step in range(steps + 1)]
    assert all(0 < rate <= 0.5 for rate in rates)


def test_a_plateau_counts_steps_without_improvement():
    sgd = optimizer(1.0)
    schedule = ReduceOnPlateau(sgd, factor=0.5, patience=1)
    found = []
    for metric in (3.0, Tensor(2.0), 2.0, 2.0, 1.0, math.nan, math.nan):
        schedule.step(metric)
        found.append(sgd.lr)
    assert found == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_a_negative_metric_must_improve_too():
    sgd = optimizer(1.0)
    schedule = ReduceOnPlateau(sgd, factor=0.5, patience=0, threshold=0.1)
    for metric in (-10.0, -10.5):  # by less than a tenth
        schedule.step(metric)
    assert sgd.lr == 0.5
    schedule.step(-12.0)
    assert (sgd.lr, schedule.best) == (0.5, -12.0)


def test_nan_is_never_the_best():
    schedule = ReduceOnPlateau(optimizer(1.0))
    schedule.step(math.nan)
    assert schedule.best is None


def test_a_rate_below_the_least_is_not_raised_to_it():
    sgd = optimizer(0.001)
    ReduceOnPlateau(sgd, min_lr=0.1)
    assert sgd.lr == 0.001


def test_a_plateau_is_found_after_values_that_are_not_finite():
    opt = optimizer(0.1)
    schedule = ReduceOnPlateau(opt, patience=1)
    for value in (math.inf, 3.0, 2.0, 1.0):
        schedule.step(value)
    assert opt.lr == 0.1
    assert schedule.best == 1


def test_a_plateau_needs_a_metric():
    with pytest.raises(ArgumentError, match=r"step\(metric\) needs the quantity to watch"):
        ReduceOnPlateau(optimizer(0.1)).step()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: step_decay(0), "every must be an integer of at least 1, not 0"),
        (lambda: step_decay(2, 0), "factor must be a number above 0 and at most 1, not 0"),
        (lambda: step_decay(2, "half"), "factor must be a number .* not 'half'"),
        (lambda: exponential(1.5), "factor must be"),
        (lambda: cosine(0), "steps must be an integer"),
        (lambda: cosine(10, warmup=10), "warmup must be below steps, 10, and is 10"),
        (lambda: cosine(10, warmup=-1), "warmup must be an integer of at least 0, not -1"),
        (lambda: cosine(10, warmup=0.1), "warmup must be an integer of at least 0, not 0.1"),
        (lambda: cosine(10, warmup=None), "warmup must be an integer .* not None"),
        (
            lambda: cosine(10, minimum=-1),
            "minimum must be a .* of at least 0 and finite, not -1",
        ),
        (lambda: one_cycle(1.5), "steps must be an integer"),
        (
            lambda: cosine(10, minimum=None),
            "minimum must be a .* of at least 0 and finite, not None",
        ),
        (lambda: one_cycle(10, rise=1), "rise must be a number above 0 and below 1, not 1"),
        (lambda: one_cycle(10, rise="0.3"), "rise must be a number above 0 and below 1, not '0.3'"),
        (lambda: one_cycle(10, start=0), "start must be a number above 0, not 0"),
        (lambda: one_cycle(10, end="low"), "end must be a number above 0, not 'low'"),
        (lambda: ReduceOnPlateau(optimizer(0.1), mode="mix"), "unknown mode 'mix'"),
        (lambda: ReduceOnPlateau(optimizer(0.1), factor=2), "factor must be"),
        (lambda: ReduceOnPlateau(optimizer(0.1), patience=-1), "patience must be"),
        (lambda: ReduceOnPlateau(0.1), "ReduceOnPlateau: the first argument is the optimizer"),
        (lambda: Schedule(cosine(10), optimizer(0.1)), "Schedule: the first argument is the opt"),
        (lambda: Schedule(optimizer(0.1), "cosine"), "rule must be a function .* not 'cosine'"),
        (lambda: Schedule(optimizer(0.1), cosine), r"cosine is not a rule .* cosine\(\.\.\.\)"),
        (lambda: Schedule(optimizer(0.1), exponential), "exponential is not a rule but makes"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def through_json(state):
    return json.loads(json.dumps(state))


def test_a_schedule_goes_on_from_a_saved_state():
    first, second = optimizer(0.5, 0.1), optimizer(0.9, 0.9)
    schedule, other = (Schedule(o, cosine(10, 2)) for o in (first, second))
    for _ in range(4):
        schedule.step()
    other.load_state_dict(through_json(schedule.state_dict()))
    for _ in range(3):
        assert [g["lr"] for g in second.groups] == [g["lr"] for g in first.groups]
        schedule.step()
        other.step()


def test_a_plateau_goes_on_from_a_saved_state():
    first, second = optimizer(0.5), optimizer(0.9)
    schedule, other = (ReduceOnPlateau(o, patience=1, cooldown=1) for o in (first, second))
    metrics = [3.0, 2.0, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5]
    for metric in metrics[:4]:
        schedule.step(metric)
    other.load_state_dict(through_json(schedule.state_dict()))
    for metric in metrics[4:]:
        assert second.lr == first.lr
        schedule.step(metric)
        other.step(metric)
    assert other.state_dict() == schedule.state_dict()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (None, "does not fit this Schedule"),
        ({"steps": 1}, "does not fit this Schedule"),
        ({"steps": -1, "rates": [0.1]}, "does not fit this Schedule"),
        ({"steps": 1, "rates": "fast"}, "does not fit this Schedule"),
        ({"steps": 1, "rates": ["fast"]}, "does not fit this Schedule"),
        ({"steps": 1, "rates": [0.1, 0.2]}, "of 2 groups, and this optimizer has 1"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(state, message):
    sgd = optimizer(0.1)
    schedule = Schedule(sgd, exponential(0.5))
    with pytest.raises(ModelFileError, match=message):
        schedule.load_state_dict(state)
    assert (sgd.lr, schedule.state_dict()) == (0.1, {"steps": 0, "rates": [0.1]})


def test_a_plateau_refuses_a_best_that_is_no_number():
    schedule = ReduceOnPlateau(optimizer(0.1))
    with pytest.raises(ModelFileError, match="does not fit this ReduceOnPlateau"):
        schedule.load_state_dict(schedule.state_dict() | {"best": "low"})


def test_a_schedule_shows_its_step_and_rates():
    schedule = Schedule(SGD([zeros(1, requires_grad=True)], lr=0.1), step_decay(1))
    schedule.step()
    assert repr(schedule) == "Schedule(step 1, lr 0.01)"
