"""The native engine: operations of an eager program, as machine code.

What an operation is applied to is checked at once, and so is all that may fail by the numbers. All
else waits until somebody looks at a result. Then everything that this waits for is one function of
machine code, in which most of what lies between is never written to memory. It is compiled when
operations are first met in this arrangement: the same primitives of inputs of the same shapes and
data types, with the same attributes. What is small is computed at once, in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from math import prod
from typing import Any, Final, TypeAlias, cast

from baregrad.compiler.capture import capture
from baregrad.compiler.deferred import (
    MOST_DEFERRED,
    Backlog,
    Deferred,
    Kind,
    Order,
    program_of,
    structure,
    to_be_stored,
    waiting,
)
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.program import Program
from baregrad.compiler.routine import Routine
from baregrad.compiler.vector.compile import target_named
from baregrad.compiler.vector.target import Target
from baregrad.engines.array import Array, Exposed
from baregrad.engines.pending import known
from baregrad.engines.selection import (
    LARGE,
    Engine,
    Kernel,
    ReferenceEngine,
    remember,
    using,
    warn_of_refusal,
)
from baregrad.errors import ArgumentError
from baregrad.machine.errors import MachineError
from baregrad.tensor import primitives
from baregrad.tensor.primitives import PRIMITIVES
from baregrad.tensor.tensor import Tensor

Attributes: TypeAlias = Mapping[str, Any]

_COMPILED: Final = {id(row) for row in PRIMITIVES.values()}
_UNKNOWN: Final = object()
MOST_SINGLES: Final = 1024  # functions of one operation that are kept
MOST_FUNCTIONS: Final = 256  # of several, whose code is longer


class NativeEngine(Engine):
    """Machine code for what is large, the forward rules in Python for the rest.

    Args:
        target: whose instructions.
    """

    joins = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._kinds: dict[Hashable, Kind] = {}
        # routines, or None where there is none
        self._singles: dict[Hashable, Routine | None] = {}
        self._functions: dict[Hashable, Routine | None] = {}
        self._backlog = Backlog()

    @property
    def name(self) -> str:
        """That of the instructions, such as ``avx2``."""
        return self._target.name

    def evaluate(self, operation: Kernel, inputs: Sequence[Array], attributes: Attributes) -> Array:
        """The result of an operation, which may be computed later."""
        if id(operation) not in _COMPILED:
            return _REFERENCE.evaluate(operation, inputs, attributes)
        operands: list[Any] = []
        key: list[Any] = [id(operation), *attributes.values()]
        waits = is_exposed = False
        x: Any
        for x in inputs:
            key += x.shape, x.dtype
            if type(x) is Deferred and x.found is None and x.kind.engine is self:
                waits = True
            elif type(x) is not Array:
                x = known(x)
                is_exposed |= type(x) is Exposed
            operands.append(x)
        kind = self._kinds.get(tuple(key))
        if kind is None:
            kind = Kind(operation, inputs, attributes, self)
            remember(self._kinds, tuple(key), kind)
        if kind.may_wait and (waits or kind.begins) and not is_exposed:
            deferred = Deferred(kind, tuple(operands))
            if deferred.size >= LARGE or kind.is_view:
                if deferred.serial - deferred.since >= MOST_DEFERRED and deferred.is_long():
                    self._compute_singly(waiting(deferred))
                elif kind.counts:
                    self._backlog.add(deferred)
                return deferred.found or deferred  # type: ignore[return-value]
        return self._at_once(kind, tuple(map(known, operands)))

    def together(
        self, key: Hashable, function: Callable[..., Any], inputs: Sequence[Array]
    ) -> list[Array] | None:
        """The results of a function of tensors; None if it has no machine code, or is small."""
        whole = [key]
        for x in inputs:
            whole += x.shape, x.dtype
        try:
            routine = self._functions.get(tuple(whole), _UNKNOWN)
        except TypeError:  # a key with a list in it
            return None
        if routine is _UNKNOWN:
            routine = self._captured(function, inputs)
            remember(self._functions, tuple(whole), routine, MOST_FUNCTIONS)
        return _run(routine, inputs)

    # --- operations ---------------------------------------------------------------------------

    def _at_once(self, kind: Kind, inputs: tuple[Array, ...]) -> Array:
        """The result of an operation that does not wait."""
        if kind.size >= LARGE and kind.operation is not primitives.reshape:
            found = self._results([(Deferred(kind, inputs), inputs)], [0])
            if found is not None:
                return found[0]
        return kind.operation.forward(*inputs, **kind.attributes)

    # --- what was deferred --------------------------------------------------------------------

    def compute(self, wanted: Deferred) -> Array:
        """Computes an operation with all that it waits for, as one if that is possible."""
        order = waiting(wanted)
        if wanted.found is None and not self._compute_as_one(order):
            self._compute_singly(order)
        return cast(Array, wanted.found)

    def _compute_as_one(self, order: Order) -> bool:
        """Computes the last operation by one function, and what else is to be stored."""
        if sum([deferred.kind.size for deferred, _ in order]) < LARGE:
            return False
        stored = to_be_stored(order)
        found = self._results(order, stored)
        if found is None:
            return False
        for place, array in zip(stored, found, strict=True):
            order[place][0].settle(array)
        return True

    def _compute_singly(self, order: Order) -> None:
        """Computes one operation after the other; views are read where what they show lies."""
        wanted = order[-1][0]
        order.reverse()
        while order:  # what is computed and needed no more goes
            deferred, _ = order.pop()
            if deferred is not wanted and deferred.kind.is_view:
                continue
            below = waiting(deferred)
            if deferred.found is None and not self._compute_as_one(below):
                kind, inputs = deferred.kind, map(known, below[-1][1])
                deferred.settle(kind.operation.forward(*inputs, **kind.attributes))

    def _results(self, order: Order, stored: list[int]) -> list[Array] | None:
        """The results at some places of the order, by one function; None if there is none."""
        operations, sources = structure(order)
        key = tuple(operations + stored)
        routines, most = (
            (self._singles, MOST_SINGLES) if len(order) == 1 else (self._functions, MOST_FUNCTIONS)
        )
        routine = routines.get(key, _UNKNOWN)
        if routine is _UNKNOWN:
            routine = self._compiled(program_of(order, key, sources, stored))
            remember(routines, key, routine, most)
        return _run(routine, sources)

    # --- functions ----------------------------------------------------------------------------

    def _captured(self, function: Callable[..., Any], inputs: Sequence[Array]) -> Routine | None:
        if sum(prod(x.shape) for x in inputs) < LARGE:
            return None
        try:
            with using(_REFERENCE):
                program = capture(function, *map(Tensor.leaf, inputs))
        except Exception:  # of any kind: it may be the user's, who gets it from Python's engine
            return None
        return self._compiled(program)

    def _compiled(self, program: Program) -> Routine | None:
        """The machine code of a program; None if Python must do it."""
        try:
            return Routine(program, self._target)
        except MachineError as error:
            warn_of_refusal(error)
        except (UnsupportedKernelError, ArgumentError):
            pass
        return None


def _run(routine: Any, inputs: Sequence[Array]) -> list[Array] | None:
    """The results of a routine, if there is one; None if Python must find them."""
    if routine is None:
        return None
    try:
        found: list[Array] | None = routine(inputs)
    except MachineError as error:
        warn_of_refusal(error)
        return None
    return found


def native_engine(name: str | None) -> NativeEngine:
    """The native engine of a name, or the best one; there is one of each.

    Raises:
        MachineError: the processor or the system refuses.
    """
    return _engine_of(target_named(name))


@cache
def _engine_of(target: Target) -> NativeEngine:
    return NativeEngine(target)


_REFERENCE: Final = ReferenceEngine()
