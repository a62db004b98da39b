"""Schedules: learning rates that change as training goes on.

A schedule is a rule, made by one of the functions here or written by yourself, attached to an
optimizer:

    schedule = Schedule(optimizer, cosine(steps=1000, warmup=100))

Then call ``schedule.step()`` after each step of the optimizer, or after each epoch; whichever it
is, that is what the rule's steps count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from baregrad.arguments import checked_count, checked_number
from baregrad.errors import ArgumentError, ModelFileError, checked_name, counted
from baregrad.optim.optimizer import Optimizer
from baregrad.optim.options import check_option

# (steps done, the group's own learning rate) -> the learning rate now
Rule: TypeAlias = Callable[[int, float], float]


class Schedule:
    """Sets the learning rate of each group of an optimizer by a rule.

    Args:
        optimizer: whose learning rates they are; those it has now are the groups' own.
        rule: a function of the number of steps done, from 0, and a group's own learning rate.

    Attributes:
        steps: how many steps were done.
        rates: the own learning rate of each group.

    Raises:
        ArgumentError: `optimizer` is no optimizer, `rule` is no rule.
    """

    def __init__(self, optimizer: Optimizer, rule: Rule) -> None:
        if not isinstance(optimizer, Optimizer):
            raise ArgumentError(
                f"{type(self).__name__}: the first argument is the optimizer, not {optimizer!r}"
            )
        if not callable(rule):
            raise ArgumentError(
                "Schedule: the rule must be a function of steps done and learning rate, such as "
                f"cosine(steps=1000), not {rule!r}"
            )
        if rule in MAKERS:
            raise ArgumentError(
                f"Schedule: {rule.__name__} is not a rule but makes one: write {rule.__name__}(...)"
            )
        self.optimizer = optimizer
        self.rule = rule
        self.steps = 0
        self.rates = [group["lr"] for group in optimizer.groups]
        self._apply()

    def step(self, metric: Any = None) -> None:
        """Goes on by one step; a `metric` only matters to `ReduceOnPlateau`.

        Raises:
            ArgumentError: the rule gives no learning rate.
        """
        self.advance(1)

    def advance(self, steps: int) -> None:
        """Goes on by so many steps."""
        self.steps += steps
        self._apply()

    def planned(self, steps: int) -> list[list[float]]:
        """For each group its learning rates at this step and those that follow, so many in all.

        Raises:
            ArgumentError: the rule gives no learning rate.
        """
        return [
            [self._at(step, rate) for step in range(self.steps, self.steps + steps)]
            for rate in self.rates
        ]

    def _apply(self) -> None:
        for group, rate in zip(self.optimizer.groups, self.rates, strict=True):
            group["lr"] = self._at(self.steps, rate)

    def _at(self, step: int, rate: float) -> float:
        """What the rule makes of a group's own learning rate."""
        new = self.rule(step, rate)
        check_option("lr", new)
        return new

    def __repr__(self) -> str:
        rates = ", ".join(f"{group['lr']:.4g}" for group in self.optimizer.groups)
        return f"{type(self).__name__}(step {self.steps}, lr {rates})"

    def state_dict(self) -> dict[str, Any]:
        """All that changes, as plain numbers, lists and None."""
        return {"steps": self.steps, "rates": list(self.rates)}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes over what `state_dict` returned, and sets the learning rates.

        Raises:
            ModelFileError: it is of another kind of schedule, or of other groups.
        """
        own = self.state_dict()
        if not isinstance(saved, Mapping) or saved.keys() != own.keys() or not _is_state(saved):
            raise ModelFileError(
                f"the state does not fit this {type(self).__name__}: it must have {list(own)}, "
                f"like {own}"
            )
        if len(saved["rates"]) != len(self.rates):
            raise ModelFileError(
                f"the state is of {counted(len(saved['rates']), 'group')}, and this optimizer has "
                f"{len(self.rates)}"
            )
        for name, value in saved.items():
            setattr(self, name, list(value) if name == "rates" else value)
        self._apply()


class ReduceOnPlateau(Schedule):
    """Lowers the learning rate when a quantity, such as the validation loss, stops improving.

    Args:
        optimizer: whose learning rates they are.
        factor: what they are multiplied by, between 0 and 1.
        patience: how many steps without improvement are allowed; the next one lowers the rate.
        threshold: an improvement must be by more than this share of the best so far.
        cooldown: how many steps after lowering do not count.
        min_lr: never lower than this.
        mode: ``"min"`` if less is better, ``"max"`` if more is.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        mode: str = "min",
    ) -> None:
        checked_name("mode", mode, ["min", "max"])
        _check_factor(factor)
        _check_not_negative(
            patience=patience, threshold=threshold, cooldown=cooldown, min_lr=min_lr
        )
        self.patience, self.threshold, self.cooldown = patience, threshold, cooldown
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.bad_steps = 0
        self.resting = 0
        super().__init__(
            optimizer, lambda steps, rate: max(rate * factor**steps, min(rate, min_lr))
        )

    def step(self, metric: Any = None) -> None:
        """Compares a metric, a number, with the best so far; `steps` counts the reductions.

        Raises:
            ArgumentError: there is no metric.
        """
        if metric is None:
            raise ArgumentError("ReduceOnPlateau: step(metric) needs the quantity to watch")
        value = float(metric)
        self.bad_steps += 1
        if self._improves(value):
            self.best, self.bad_steps = value, 0
        if self.resting > 0:
            self.resting, self.bad_steps = self.resting - 1, 0
        if self.bad_steps > self.patience:
            self.resting, self.bad_steps = self.cooldown, 0
            super().step()

    def _improves(self, value: float) -> bool:
        if self.best is None:
            return math.isfinite(value)
        return self.sign * (self.best - value) > self.threshold * abs(self.best)

    def state_dict(self) -> dict[str, Any]:
        """All that changes, as plain numbers, lists and None."""
        own = {"best": self.best, "bad_steps": self.bad_steps, "resting": self.resting}
        return super().state_dict() | own


def _is_state(saved: Mapping[str, Any]) -> bool:
    """Whether every value is of the kind that its name says."""
    values = dict(saved)
    rates, best = values.pop("rates"), values.pop("best", None)
    return (
        isinstance(rates, list)
        and all(isinstance(rate, int | float) for rate in rates)
        and isinstance(best, int | float | None)
        and all(type(count) is int and count >= 0 for count in values.values())
    )


# --- rules --------------------------------------------------------------------------------------


def step_decay(every: int, factor: float = 0.1) -> Rule:
    """Multiplies the learning rate by `factor` after each `every` steps: lr · factor^⌊t/every⌋."""
    checked_count(every, "every")
    _check_factor(factor)
    return lambda step, rate: rate * factor ** (step // every)


def exponential(factor: float) -> Rule:
    """Multiplies the learning rate by `factor` at each step: lr · factorᵗ."""
    return step_decay(1, factor)


def cosine(steps: int, warmup: int = 0, minimum: float = 0.0) -> Rule:
    """A linear rise for `warmup` steps, then half a cosine wave down to `minimum`.

    The rise is lr · (t + 1) / (warmup + 1) (P. Goyal et al., "Accurate, large minibatch SGD",
    2017, section 2.2); the fall, with s = t - warmup, min + ½ (lr - min)(1 + cos(π s / S)), where
    S = steps - warmup (I. Loshchilov and F. Hutter, "SGDR", 2017, eq. 5). It stays at the minimum.
    """
    checked_count(steps, "steps")
    if checked_count(warmup, "warmup", 0) >= steps:
        raise ArgumentError(f"warmup must be below steps, {steps}, and is {warmup}")
    _check_not_negative(minimum=minimum)

    def rule(step: int, rate: float) -> float:
        if step < warmup:
            return rate * (step + 1) / (warmup + 1)
        return _between(rate, minimum, (step - warmup) / (steps - warmup))

    return rule


def one_cycle(steps: int, rise: float = 0.3, start: float = 25.0, end: float = 1e4) -> Rule:
    """One wave: half a cosine up to the group's own learning rate, and half a cosine down.

    L. Smith and N. Topin, "Super-convergence", 2018, with cosines for straight lines. The peak is
    at step rise · steps - 1, the end at steps - 1, where it stays.

    Args:
        steps: how many steps it takes.
        rise: the share of them that goes up, between 0 and 1.
        start: the learning rate is lr / start at first.
        end: at the end, it is that divided by `end`.
    """
    checked_count(steps, "steps")
    checked_number(rise, "rise", above=0, below=1)
    checked_number(start, "start", above=0)
    checked_number(end, "end", above=0)
    peak = rise * steps - 1

    def rule(step: int, rate: float) -> float:
        if step < peak:
            return _between(rate / start, rate, step / peak)
        return _between(rate, rate / start / end, (step - peak) / (steps - 1 - peak))

    return rule


MAKERS: tuple[object, ...] = (step_decay, exponential, cosine, one_cycle)


def _between(first: float, last: float, share: float) -> float:
    """From `first` at share 0 to `last` at share 1 and beyond, along half a cosine wave."""
    return last + (first - last) * (1 + math.cos(math.pi * min(share, 1.0))) / 2


def _check_factor(factor: Any) -> None:
    checked_number(factor, "factor", above=0, most=1)


def _check_not_negative(**values: Any) -> None:
    for name, value in values.items():
        checked_number(value, name, least=0, below=math.inf)
