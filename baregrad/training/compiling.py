"""When machine code is worth its compiling, and what is built into it.

The first is decided by sizes, never by the clock, which would give the same training other last
digits on a busy day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import FunctionType
from typing import Any, Final
from weakref import ref

from baregrad.nn.module import Module
from baregrad.optim.optimizer import Optimizer
from baregrad.tensor.random import Generator
from baregrad.tensor.tensor import Tensor

# Seconds in pure Python on a common computer of 2026: of a prediction at least, and of a weight and
# one sample in it.
PREDICTION: Final = 5e-4
PRODUCT: Final = 1e-7
TRAINING: Final = 3  # times a prediction: forward, and the gradients of inputs and of weights

COMPILING: Final = 0.5  # seconds, with a margin: the usual network takes a fifth of that

_PLAIN: Final = (int, float, complex, str, bytes)


def prediction_pays(model: Module, samples: int, batches: int) -> bool:
    """Whether to compile predictions for so many batches with so many samples each."""
    return batches * (PREDICTION + PRODUCT * samples * _weights(model)) > COMPILING


def training_pays(model: Module, samples: int, steps: int) -> bool:
    """Whether to compile so many training steps with so many samples each."""
    return prediction_pays(model, samples, TRAINING * steps)


def _weights(model: Module) -> int:
    return sum(parameter.size for parameter in model.parameters())


def narrowed(x: Tensor, model: Module) -> Tensor:
    """Data for a compiled step: float64 as float32, as the layers of a float32 model take it."""
    is_narrow = all(parameter.dtype == "float32" for parameter in model.parameters())
    return (x.astype("float32") if x.dtype == "float64" and is_narrow else x).detach()


def settings_of(module: Module) -> object:
    """What a captured step does not read anew, and equals only itself unchanged.

    All attributes but the numbers of tensors; and the numbers that functions find outside of them.
    """
    attributes = [(name, setting_of(value)) for name, value in vars(module).items()]
    return setting_of(type(module).forward), attributes


def setting_of(value: Any) -> object:
    """What tells whether an attribute, or a function, is still the same."""
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, Tensor):
        # what an operation made is kept to look at, and is another after each call
        return (_Same(value), value.requires_grad) if value.op is None else None
    if isinstance(value, Module):
        return _Same(value), settings_of(value)
    if isinstance(value, list | tuple):
        return [setting_of(item) for item in value]
    if isinstance(value, dict):
        return [(setting_of(key), setting_of(item)) for key, item in value.items()]
    if isinstance(value, FunctionType):
        return _Same(value), _plain(_found_outside(value))
    if isinstance(value, Generator):
        return _Same(value)  # its place is read anew
    return _Same(value), _plain(getattr(value, "__dict__", {}).values())


def _found_outside(function: FunctionType) -> Iterator[Any]:
    """What a function may read of its surroundings."""
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # nothing is in it yet
            yield cell.cell_contents
    yield from map(function.__globals__.get, function.__code__.co_names)
    yield from function.__defaults__ or ()


def _plain(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, _PLAIN)]


class _Same:
    """Equal to that of the same object; one that is at its address later is another.

    Objects are not kept alive, but where they have no weak references.
    """

    def __init__(self, value: Any) -> None:
        self._value: Callable[[], Any]
        try:
            self._value = ref(value)
        except TypeError:
            self._value = lambda: value

    def __eq__(self, other: object) -> bool:
        value = self._value()
        return isinstance(other, _Same) and value is not None and value is other._value()

    __hash__ = None  # type: ignore[assignment]


def options_of_groups(optimizer: Optimizer) -> object:
    """The options that a captured step does not read anew: all but the learning rates."""
    return [
        (name, setting_of(value))
        for group in optimizer.groups
        for name, value in group.items()
        if name != "lr"
    ]
