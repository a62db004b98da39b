"""Groups of parameters and the options of optimizers: made complete, and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from reprlib import repr as brief
from typing import Any, TypeAlias

from baregrad.arguments import checked_count, checked_number
from baregrad.errors import ArgumentError, DTypeError, GradientError, unknown_name
from baregrad.tensor.tensor import Tensor

Parameters: TypeAlias = Iterable[Tensor] | Iterable[Mapping[str, Any]]
Options: TypeAlias = Mapping[str, Any]
Group: TypeAlias = dict[str, Any]  # "parameters", a list of tensors, and every option by its name

# An option means the same in every optimizer, so what it may be is said once.
# Numbers are at least 0, and below this:
BELOW: dict[str, float] = {
    "lr": inf,
    "momentum": 1,
    "dampening": 1,
    "weight_decay": inf,
    "alpha": 1,
    "eps": inf,
    "lr_decay": inf,
    "initial_accumulator_value": inf,
    "tolerance_grad": inf,
    "tolerance_change": inf,
}
COUNTS = ("max_iter", "max_eval", "history_size")
FLAGS = ("nesterov", "amsgrad", "centered")


def check_option(name: str, value: Any) -> None:
    """Refuses a value that the option of this name cannot have.

    Raises:
        ArgumentError: it is out of range or of another type.
    """
    if name == "betas":
        if not isinstance(value, Sequence) or len(value) != 2:
            raise ArgumentError(f"betas must be two numbers, not {value!r}")
        for beta in value:
            checked_number(beta, "each of betas", least=0, below=1)
    elif name in BELOW:
        checked_number(value, name, least=0, below=BELOW[name])
    elif name in COUNTS:
        checked_count(value, name)
    elif name in FLAGS and not isinstance(value, bool):
        raise ArgumentError(f"{name} must be True or False, not {value!r}")


def options_of(group: Group) -> dict[str, Any]:
    """A group without its parameters."""
    return {name: value for name, value in group.items() if name != "parameters"}


def grouped(parameters: Parameters, defaults: Options) -> list[Group]:
    """The groups, each with every option filled in.

    Raises:
        ArgumentError: a group that is none, or an option that no one knows.
        DTypeError: neither a list of tensors nor one of groups.
    """
    entries = _listed(parameters, "an optimizer")
    if not any(isinstance(entry, Mapping) for entry in entries):
        entries = [{"parameters": entries}]
    return [_completed(entry, number, defaults) for number, entry in enumerate(entries)]


def _completed(entry: Any, number: int, defaults: Options) -> Group:
    if not isinstance(entry, Mapping):
        raise ArgumentError(
            f'group {number} must be a dict with a list "parameters" and options, not {entry!r}'
        )
    if "parameters" not in entry:
        raise ArgumentError(
            f'group {number} needs its tensors as "parameters", and has only '
            f"{', '.join(map(repr, entry)) or 'nothing'}"
        )
    for name in entry:
        if name not in ("parameters", *defaults):
            raise unknown_name(f"option in group {number}:", name, list(defaults))
    return {**defaults, **entry, "parameters": _listed(entry["parameters"], f"group {number}")}


def _listed(parameters: Any, what: str) -> list[Any]:
    if isinstance(parameters, Tensor) or not isinstance(parameters, Iterable):
        raise DTypeError(
            f"{what} needs a list of tensors, such as model.parameters(), not a single "
            f"{type(parameters).__name__}"
        )
    return list(parameters)


def check_parameters(parameters: Sequence[Any]) -> None:
    """Refuses what cannot be optimized.

    Raises:
        ArgumentError: nothing at all, or one parameter twice.
        DTypeError: something that is no tensor.
        GradientError: a tensor that requires no gradient, or is computed from others.
    """
    if not parameters:
        raise ArgumentError("an optimizer needs at least one parameter, and the list is empty")
    seen: set[Tensor] = set()
    for number, parameter in enumerate(parameters):
        if not isinstance(parameter, Tensor):
            raise DTypeError(f"parameter {number} is {brief(parameter)}, not a tensor")
        if parameter.op is not None:
            raise GradientError(
                f"parameter {number} is {parameter.label()}: only leaves can be optimized, which "
                "are not computed from others"
            )
        if not parameter.requires_grad:
            raise GradientError(
                f"parameter {number}, {parameter.label()}, has requires_grad=False; set it to "
                "True, or leave the parameter out"
            )
        if parameter in seen:
            raise ArgumentError(
                f"parameter {number}, {parameter.label()}, is listed before; list each once"
            )
        seen.add(parameter)
