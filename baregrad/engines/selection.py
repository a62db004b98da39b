"""Which engine computes, and what it makes of the tensors that a step reads and writes."""

import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import Any, Protocol, TypeVar

from baregrad.engines.array import Array, DType, Resident, Shape
from baregrad.errors import ArgumentError, BaregradError, checked_name

T = TypeVar("T")

NAMES = ("reference", "avx2", "avx512")
VARIABLE = "BAREGRAD_ENGINE"  # of the environment: the name of the engine to begin with

# Elements that an operation reads and writes, from which on the native engine computes it. Less is
# done sooner in Python than the machine code for it is made and called. The rule knows sizes alone,
# not what was computed before: the same operation on the same numbers always gives the same bits.
LARGE = 256


class Kernel(Protocol):
    """What an engine needs to know of an operation: its name and its rules."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def infer(self) -> Callable[..., tuple[Shape, DType]] | None:
        """The shape rule: the result's shape and data type; raises if the inputs do not fit."""
        ...

    @property
    def forward(self) -> Callable[..., Array]:
        """Computes the result from the inputs and attributes."""
        ...


class Engine(ABC):
    """Computes the values of operations, once their shape rules have agreed to the inputs.

    The methods from `load` on are for an engine that does not compute at once but captures what a
    step does, to compute it later and more than once. They say what is different at each step and
    what stays. Here, they are those of an engine that computes.

    Attributes:
        joins: whether `together` may do anything.
        computes: whether arrays have numbers; not if it captures. Then `load` may be left out.
    """

    joins = False
    computes = True

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called."""

    @abstractmethod
    def evaluate(
        self, operation: Kernel, inputs: Sequence[Array], attributes: Mapping[str, Any]
    ) -> Array:
        """The result of an operation."""
        ...

    def together(
        self, key: Hashable, function: Callable[..., Any], inputs: Sequence[Array]
    ) -> list[Array] | None:
        """The results of many operations, computed as one; None if the engine does not do that.

        Args:
            key: what the operations depend on besides the inputs. With the same key, and inputs
                of the same shapes and data types, `function` does the same operations.
            function: takes a tensor for each input and returns tensors, and looks at no number.
            inputs: what these tensors hold.
        """
        return None

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
        if operation.infer is not None:
            operation.infer(*inputs, **attributes)
        return operation.forward(*inputs, **attributes)


class _SmallScale(Engine):
    """Computes in Python what is small. The native engine is loaded for the first large thing."""

    joins = True

    def __init__(self, wanted: str | None) -> None:
        self._wanted = wanted
        self._name = ""

    @property
    def name(self) -> str:
        self._name = self._name or _native_name(self._wanted)
        return self._name

    def evaluate(
        self, operation: Kernel, inputs: Sequence[Array], attributes: Mapping[str, Any]
    ) -> Array:
        size = sum(prod(x.shape) for x in inputs)
        if operation.infer is not None:
            size += prod(operation.infer(*inputs, **attributes)[0])
        if size >= LARGE:
            return self._native().evaluate(operation, inputs, attributes)
        return operation.forward(*inputs, **attributes)

    def together(
        self, key: Hashable, function: Callable[..., Any], inputs: Sequence[Array]
    ) -> list[Array] | None:
        if sum(prod(x.shape) for x in inputs) < LARGE:
            return None
        return self._native().together(key, function, inputs)

    def _native(self) -> Engine:
        """The native engine, which computes everything from now on; or that of Python."""
        global _process
        engine = native_engine(self._wanted) or _REFERENCE
        if _process is self:
            _process = engine
        return engine


_REFERENCE: Engine = ReferenceEngine()

_process: Engine | None = None  # of all threads; None before the first use

# Of this thread alone: others go on with their own while one captures a step.
_current: ContextVar[Engine | None] = ContextVar("engine", default=None)


def current() -> Engine:
    """The engine that computes now."""
    return _current.get() or _process or _begin()


def remember(known: dict[Hashable, T], key: Hashable, value: T, most: int = 1024) -> None:
    """Keeps a value under a key; of too many, the one that was kept first is dropped."""
    while len(known) >= most:
        known.pop(next(iter([*known])), None)  # a list, as other threads may change the dict
    known[key] = value


@contextmanager
def using(engine: Engine) -> Iterator[None]:
    """Within this block, and this thread, another engine computes."""
    token = _current.set(engine)
    try:
        yield
    finally:
        _current.reset(token)


# --- the choice -----------------------------------------------------------------------------------


def engine() -> str:
    """The name of the engine that computes.

    ``"avx512"`` and ``"avx2"`` run machine code for vectors of this kind: compiled steps, and of
    everything else what is large. They agree with ``"reference"``, pure Python for everything, up
    to rounding, and take numbers below 2⁻¹²⁶ for 0. Operations that cannot fail wait until somebody
    looks at a result, and are computed together with what it waits for. So whether a value on the
    way is looked at, or kept, may change the last bits of what comes after; nothing else that was
    computed before does. At first it is the widest that this computer
    runs, or the one that the environment variable ``BAREGRAD_ENGINE`` names. Within a step that is
    being captured it is ``"capture"``.

    Raises:
        ArgumentError: the environment variable names no engine.
    """
    return current().name


def process_engine() -> str:
    """The name of the engine that was chosen for all threads, which compiled steps go by.

    Raises:
        ArgumentError: the environment variable names no engine.
    """
    return (_process or _begin()).name


def set_engine(name: str) -> None:
    """Choose the engine that computes from now on, in all threads; see `engine`.

    Where the processor or the system refuses it, there is a warning, once in a process, and Python
    computes instead.

    Raises:
        ArgumentError: there is no engine of this name.
    """
    global _process
    _process = _named(checked_name("engine", name, NAMES))


def _begin() -> Engine:
    """The engine that the environment asks for."""
    global _process
    wanted = os.environ.get(VARIABLE, "").strip() or None
    if wanted is not None and wanted not in NAMES:
        raise ArgumentError(
            f"the environment variable {VARIABLE} must be one of {', '.join(NAMES)}, not {wanted!r}"
        )
    _process = _named(wanted)
    return _process


def _named(name: str | None) -> Engine:
    return _REFERENCE if name == "reference" else _SmallScale(name)


# --- the native engine, which is on a higher floor ------------------------------------------------

_make_native: Callable[[str | None], Engine] | None = None
_name_native: Callable[[str | None], str] | None = None
_warned = False


def register_native(
    make: Callable[[str | None], Engine], name: Callable[[str | None], str]
) -> None:
    """Says how to get the native engine of a name; of None, the best that this computer runs.

    `name` says which that is, and need not make it. Both raise BaregradError where the processor
    or the system refuses.
    """
    global _make_native, _name_native
    _make_native, _name_native = make, name


def native_engine(name: str | None) -> Engine | None:
    """The native engine of a name, or the best one; None where it is refused, with a warning."""
    assert _make_native is not None
    try:
        return _make_native(name)
    except BaregradError as error:
        warn_of_refusal(error)
        return None


def _native_name(name: str | None) -> str:
    """The name of that engine; of Python's where it is refused, with a warning."""
    assert _name_native is not None
    try:
        return _name_native(name)
    except BaregradError as error:
        warn_of_refusal(error)
        return _REFERENCE.name


def warn_of_refusal(reason: BaregradError) -> None:
    """Warns that Python computes what machine code should; only once in a process."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"machine code is not used, and everything takes longer: {reason}",
            RuntimeWarning,
            stacklevel=2,
        )
