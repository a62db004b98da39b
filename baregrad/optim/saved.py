"""The states of optimizers, as they are saved, and checked before any of it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from baregrad.errors import ArgumentError, ModelFileError
from baregrad.optim.options import Options, options_of
from baregrad.tensor.tensor import Tensor


def require(condition: bool, what: str) -> None:
    """Refuses a saved state.

    Raises:
        ModelFileError: the condition does not hold; the message says what must be there.
    """
    if not condition:
        raise ModelFileError(f"the state does not fit this optimizer: it must have {what}")


def copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """What is remembered of a parameter, so that later steps do not change it."""
    return {
        name: value.detach() if isinstance(value, Tensor) else value
        for name, value in state.items()
    }


def checked_options(
    saved: Any, own: Mapping[str, Any], check: Callable[[Options], None]
) -> dict[str, Any]:
    """The options of a saved group.

    Args:
        saved: the group.
        own: the group of the optimizer, saved as it is now.
        check: refuses options out of range, by an ArgumentError.

    Raises:
        ModelFileError: it has other options or parameters, or one that is out of range.
    """
    require(isinstance(saved, Mapping) and saved.keys() == own.keys(), f"options {list(own)}")
    require(saved["parameters"] == own["parameters"], f"parameters {own['parameters']}")
    options = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in options_of(dict(saved)).items()
    }
    try:
        check(options)
    except ArgumentError as error:
        raise ModelFileError(f"an optimizer's state is damaged: {error}") from None
    return options


def check_tensors(state: Mapping[str, Any], names: Iterable[str], parameter: Tensor) -> None:
    """Refuses a state without the count of steps, or without tensors like the parameter.

    Raises:
        ModelFileError: something is missing, or of another shape or data type.
    """
    label = parameter.label()
    needed = ["step", *names]
    require(set(needed) <= state.keys(), f"{needed} for {label}")
    step = state["step"]
    require(type(step) is int and step > 0, f"a step of at least 1 for {label}")
    for name, tensor in state.items():
        if name == "step":
            continue
        like = isinstance(tensor, Tensor) and (tensor.shape, tensor.dtype)
        expected = (parameter.shape, parameter.dtype)
        require(like == expected, f"{name!r} of shape and dtype {expected} for {label}")
