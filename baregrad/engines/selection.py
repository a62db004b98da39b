"""Which engine computes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from baregrad.engines.array import Array


class Kernel(Protocol):
    """What an engine needs to know of an operation: its name and its reference rule."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def forward(self) -> Callable[..., Array]:
        """Computes the result from the inputs and attributes."""
        ...


class Engine(Protocol):
    """Computes the values of an operation whose inputs have been checked."""

    name: str

    def evaluate(
        self, operation: Kernel, inputs: Sequence[Array], attributes: Mapping[str, Any]
    ) -> Array:
        """The result of an operation."""
        ...


class ReferenceEngine:
    """Runs each operation's own forward rule, in pure Python."""

    name = "reference"

    def evaluate(
        self, operation: Kernel, inputs: Sequence[Array], attributes: Mapping[str, Any]
    ) -> Array:
        """The operation's forward rule, applied."""
        return operation.forward(*inputs, **attributes)


_current: Engine = ReferenceEngine()


def current() -> Engine:
    """The engine that computes now."""
    return _current


def engine() -> str:
    """The name of the engine that computes: today always ``"reference"``, pure Python."""
    return _current.name
