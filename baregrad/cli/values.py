"""Values on the command line: text that is checked and converted, one function for each kind.

All raise `argparse.ArgumentTypeError` for text that does not do.
"""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable

from baregrad.data.synthetic import DATASETS
from baregrad.data.table import Kind, checked_kind_name
from baregrad.errors import ArgumentError, unknown_name
from baregrad.nn.activations import ACTIVATIONS
from baregrad.nn.losses import LOSSES
from baregrad.optim.named import OPTIMIZERS
from baregrad.optim.schedules import Rule, cosine, one_cycle

# The losses that fit the targets of each task; the first is the default. (A poisson loss needs
# counts as they are, and here targets are standardised.)
LOSSES_OF_TASK = {
    "regression": ("mse", "mae", "huber", "quantile"),
    "classification": ("cross_entropy", "binary_cross_entropy"),
}

SCHEDULES: dict[str, Callable[[int], Rule | None]] = {  # of the learning rate, for so many steps
    "one_cycle": one_cycle,
    "cosine": cosine,
    "constant": lambda steps: None,
}


def count(text: str) -> int:
    """An integer of 1 or more."""
    return _integer(text, 1, math.inf, "an integer of 1 or more")


def rows(text: str) -> int:
    """An integer of 0 or more."""
    return _integer(text, 0, math.inf, "an integer of 0 or more")


def seed(text: str) -> int:
    """An integer that random numbers can start from."""
    return _integer(text, 0, 2**64 - 1, "an integer from 0 to 2**64 - 1")


def positive(text: str) -> float:
    """A finite number above 0."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return value


def not_negative(text: str) -> float:
    """A finite number of 0 or more."""
    value = _number(text)
    if not 0 <= value < math.inf:
        raise ArgumentTypeError(f"must be a number of 0 or more, not {text!r}")
    return value


def share(text: str) -> float:
    """A number from 0 up to but without 1."""
    value = _number(text)
    if not 0 <= value < 1:
        raise ArgumentTypeError(f"must be a number from 0 up to but without 1, not {text!r}")
    return value


def sizes(text: str) -> list[int]:
    """Layer sizes with commas between, such as ``16,16``."""
    kind = "layer sizes of 1 or more with commas between, such as 16,16,"
    try:
        return [_integer(part, 1, math.inf, kind) for part in text.split(",")]
    except ArgumentTypeError:
        raise ArgumentTypeError(f"must be {kind} not {text!r}") from None


def numbers(text: str) -> list[float]:
    """Finite numbers with commas between, such as ``-1,0.5``."""
    found = [_number(part) for part in text.split(",")]
    if not all(map(math.isfinite, found)):
        raise ArgumentTypeError(
            f"must be numbers with commas between, such as -1,0.5, not {text!r}"
        )
    return found


def activations(text: str) -> list[str]:
    """Names of activations with commas between."""
    return list(map(activation, text.split(",")))


def activation(text: str) -> str:
    """The name of an activation."""
    return _known("activation", text, ACTIVATIONS)


def loss(text: str) -> str:
    """The name of a loss."""
    return _known("loss", text, LOSSES)


def optimizer(text: str) -> str:
    """The name of an optimizer."""
    return _known("optimizer", text, OPTIMIZERS)


def dataset(text: str) -> str:
    """The name of a made-up data set."""
    return _known("data set", text, DATASETS)


def column_kind(text: str) -> tuple[str, Kind]:
    """The name of a column and its kind, such as ``zip=category``."""
    name, _, kind = text.rpartition("=")
    if not name:
        raise ArgumentTypeError(f"must be a column and its kind, as in zip=category, not {text!r}")
    try:
        return name, checked_kind_name(kind)
    except ArgumentError as error:
        raise ArgumentTypeError(str(error)) from None


def _integer(text: str, low: int, high: float, kind: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise ArgumentTypeError(f"must be {kind}, not {text!r}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan  # which is in no range


def _known(kind: str, name: str, names: Iterable[str]) -> str:
    if name not in names:
        raise ArgumentTypeError(str(unknown_name(kind, name, names)))
    return name
