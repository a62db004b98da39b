"""Which engine computes, and what it makes of the tensors that a step reads and writes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from baregrad.engines.array import Array, DType, Resident

T = TypeVar("T")


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


class Engine(ABC):
    """Computes the values of operations whose inputs have been checked.

    The other methods are for an engine that does not compute at once but captures what a step
    does, to compute it later and more than once. They say what is different at each step and what
    stays. Here, they are those of an engine that computes.
    """

    name: str

    @abstractmethod
    def evaluate(
        self, operation: Kernel, inputs: Sequence[Array], attributes: Mapping[str, Any]
    ) -> Array:
        """The result of an operation."""
        ...

    def load(self, tensor: Any, held: Array) -> Array:
        """The value of a tensor that holds an array."""
        return held

    def store(self, tensor: Any, held: Array | Resident, new: Array) -> Array | Resident:
        """What a tensor is to hold instead of `held`, now that it is assigned a new value."""
        return new

    def check(self, values: Array, check: Callable[[Any], None]) -> None:
        """Calls `check`, which raises if it does not like them, with the elements of an array."""
        check(values.data)

    def dynamic(
        self, draw: Callable[[int], Sequence[float]], dtype: DType, name: str
    ) -> "float | Array":
        """A number that `draw` gives anew at each step: `draw(steps)` those of so many steps."""
        return draw(1)[0]

    def lasting(self, make: Callable[[], T]) -> T:
        """A tensor that is made once and kept from step to step."""
        return make()


class ReferenceEngine(Engine):
    """Runs each operation's own forward rule, in pure Python."""

    name = "reference"

    def evaluate(
        self, operation: Kernel, inputs: Sequence[Array], attributes: Mapping[str, Any]
    ) -> Array:
        """The operation's forward rule, applied."""
        return operation.forward(*inputs, **attributes)


_REFERENCE: Engine = ReferenceEngine()

# Of this thread alone: others go on with their own while one captures a step.
_current = ContextVar("engine", default=_REFERENCE)

current = _current.get  # the engine that computes now


@contextmanager
def using(engine: Engine) -> Iterator[None]:
    """Within this block, and this thread, another engine computes."""
    token = _current.set(engine)
    try:
        yield
    finally:
        _current.reset(token)


def engine() -> str:
    """The name of the engine that computes operations one by one: ``"reference"``, pure Python.

    Within a step that is being captured it is ``"capture"``. Compiled steps use no engine.
    """
    return current().name
