"""What can be set in the playground, and the limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, Final, NamedTuple

from baregrad.data.synthetic import DATASETS
from baregrad.errors import ArgumentError, checked_name, counted
from baregrad.nn.activations import ACTIVATIONS
from baregrad.optim.named import OPTIMIZERS

MOST_LAYERS: Final = 6
MOST_NEURONS: Final = 16
MOST_SAMPLES: Final = 5000
MOST_POINTS: Final = 1000  # that are drawn
FEWEST: Final = 5  # of a class that is drawn, so that one of them is to test with
DRAWN, CSV = "drawn", "csv"
SOURCES: Final = (*DATASETS, DRAWN, CSV)
HIDDEN_ACTIVATIONS: Final = tuple(n for n in ACTIVATIONS if "softmax" not in n)
LBFGS: Final = "lbfgs"  # it takes all rows to each step
# A step of L-BFGS is one iteration here, so that each can be seen.
LBFGS_OPTIONS: Final = {
    "max_iter": 1,
    "max_eval": 25,
    "history_size": 10,
    "line_search_fn": "strong_wolfe",
}
OPTIONS: Final = {"decay": "weight_decay", "momentum": "momentum"}  # of optimizers, by settings
TAKEN: Final = {
    name: tuple(s for s, option in OPTIONS.items() if option in signature(kind).parameters)
    for name, kind in OPTIMIZERS.items()
}


class Settings(NamedTuple):
    """All that makes a training what it is; the same settings give the same network.

    Attributes:
        data: a made-up set, ``"drawn"`` or ``"csv"``.
        samples: of a made-up set.
        noise: of a made-up set, its standard deviation; None for the set's own.
        points: those drawn, each (x1, x2, class).
        target: the column of the CSV file that is predicted.
        axes: the two features that surfaces are drawn over.
        hidden: neurons in each hidden layer.
        activations: one for each hidden layer.
        loss: its name; None for the one that suits the data.
        optimizer: its name.
        lr: the learning rate.
        batch: samples to a step; of no meaning to L-BFGS.
        dropout: the probability with which training drops a hidden neuron.
        decay: the optimizer's weight decay, if it has any.
        momentum: the optimizer's, if it has any.
        seed: of data, weights, dropout and the order of samples.
    """

    data: str = "spirals"
    samples: int = 500
    noise: float | None = None
    points: tuple[tuple[float, float, int], ...] = ()
    target: str | None = None
    axes: tuple[int, int] = (0, 1)
    hidden: tuple[int, ...] = (8, 8)
    activations: tuple[str, ...] = ("tanh", "tanh")
    loss: str | None = None
    optimizer: str = "adam"
    lr: float = 0.02
    batch: int = 16
    dropout: float = 0.0
    decay: float = 0.0
    momentum: float = 0.0
    seed: int = 0

    @property
    def options(self) -> dict[str, Any]:
        """What the optimizer is made with, beside the learning rate."""
        if self.optimizer == LBFGS:
            return dict(LBFGS_OPTIONS)
        return {OPTIONS[name]: getattr(self, name) for name in TAKEN[self.optimizer]}

    def changed(self, given: Mapping[str, Any]) -> Settings:
        """These settings with others in their place, as JSON has them.

        Raises:
            ArgumentError: an unknown setting, or one out of its range.
        """
        for name in given:
            checked_name("setting", name, CHECKS)
        new = self._replace(**{name: CHECKS[name](name, v) for name, v in given.items()})
        if len(new.activations) != len(new.hidden):
            raise ArgumentError(
                f"activations: {len(new.activations)} for "
                f"{counted(len(new.hidden), 'hidden layer')}; give one for each"
            )
        return new


Check = Callable[[str, Any], Any]


def _integer(low: int, high: int) -> Check:
    def check(name: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ArgumentError(f"{name} must be a whole number from {low} to {high}")
        return value

    return check


def _number(low: float, high: float, without_low: bool = False) -> Check:
    def check(name: str, value: Any) -> float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits or not low <= value <= high or (without_low and value == low):
            bound = f"above {low:g}, at most" if without_low else f"from {low:g} to"
            raise ArgumentError(f"{name} must be a number {bound} {high:g}")
        return float(value)

    return check


def _one_of(names: tuple[str, ...]) -> Check:
    def check(name: str, value: Any) -> str:
        return checked_name(name, value, names)

    return check


def _many(check: Check, least: int, most: int) -> Check:
    def checked(name: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            raise ArgumentError(f"{name} must be a list of {least} to {most}")
        return tuple(check(f"{name}, number {i + 1},", x) for i, x in enumerate(value))

    return checked


def _or_none(check: Check) -> Check:
    return lambda name, value: None if value is None else check(name, value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ArgumentError(f"{name} must be a text")
    return value


def _point(name: str, value: Any) -> tuple[float, float, int]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ArgumentError(f"{name} must be [x1, x2, class]")
    place = _number(-1e6, 1e6)
    return place(name, value[0]), place(name, value[1]), _integer(0, 5)(name, value[2])


CHECKS: Final[dict[str, Check]] = {
    "data": _one_of(SOURCES),
    "samples": _integer(10, MOST_SAMPLES),
    "noise": _or_none(_number(0, 10)),
    "points": _many(_point, 0, MOST_POINTS),
    "target": _or_none(_text),
    "axes": _many(_integer(0, 999), 2, 2),
    "hidden": _many(_integer(1, MOST_NEURONS), 0, MOST_LAYERS),
    "activations": _many(_one_of(HIDDEN_ACTIVATIONS), 0, MOST_LAYERS),
    "loss": _or_none(_text),
    "optimizer": _one_of(tuple(OPTIMIZERS)),
    "lr": _number(0, 1000, without_low=True),
    "batch": _integer(1, MOST_SAMPLES),
    "dropout": _number(0, 0.9),
    "decay": _number(0, 10),
    "momentum": _number(0, 0.999),
    "seed": _integer(0, 2**53),
}

# What the page offers, and how many points of a class it asks for; of each data set its name,
# description and noise, of each optimizer its name and which settings have a meaning for it.
CHOICES: Final = {
    "fewest": FEWEST,
    "data": [[n, r.description, (r.make.__defaults__ or (0, 0))[1]] for n, r in DATASETS.items()],
    "activations": HIDDEN_ACTIVATIONS,
    "optimizers": [[n, [*taken, *(["batch"] if n != LBFGS else [])]] for n, taken in TAKEN.items()],
}
