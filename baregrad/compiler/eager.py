"""The native engine: operations one by one, and some of them together, as machine code.

An operation is compiled when its kind is first met: the same primitive of inputs of the same shapes
and data types, with the same attributes. What is small stays in Python. Reshaping and transposing
move nothing: whoever uses the result reads the original.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from math import prod
from typing import Any, Final, TypeAlias, cast

from baregrad.compiler.capture import capture
from baregrad.compiler.deferred import Transposed
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.program import Program
from baregrad.compiler.routine import Routine
from baregrad.compiler.value import INPUT, Value
from baregrad.compiler.vector.compile import target_named
from baregrad.compiler.vector.target import Target
from baregrad.engines.array import Array, Shape
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
# how the result of an operation is computed, of a kind that was met before
Way: TypeAlias = Callable[[Sequence[Array], Attributes], Array]

_COMPILED: Final = {id(row) for row in PRIMITIVES.values()}
_UNKNOWN: Final = object()
MOST_FUNCTIONS: Final = 128  # that are kept: each has memory of its own for what is between


class NativeEngine(Engine):
    """Machine code for what is large, the forward rules in Python for the rest.

    Args:
        target: whose instructions.
    """

    joins = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._ways: dict[Hashable, Way] = {}
        self._routines: dict[Hashable, Any] = {}  # a Routine, or None where there is none

    @property
    def name(self) -> str:
        """That of the instructions, such as ``avx2``."""
        return self._target.name

    def evaluate(self, operation: Kernel, inputs: Sequence[Array], attributes: Attributes) -> Array:
        """The result of an operation."""
        if id(operation) not in _COMPILED:
            return _REFERENCE.evaluate(operation, inputs, attributes)
        key = (id(operation), *_read_as(inputs), *attributes.values())
        way = self._ways.get(key)
        if way is None:
            way = self._way(operation, inputs, attributes)
            remember(self._ways, key, way)
        return way(inputs, attributes)

    def together(
        self, key: Hashable, function: Callable[..., Any], inputs: Sequence[Array]
    ) -> list[Array] | None:
        """The results of a function of tensors; None if it has no machine code, or is small."""
        whole = (key, *_read_as(inputs))
        try:
            routine = self._routines.get(whole, _UNKNOWN)
        except TypeError:  # a key with a list in it
            return None
        if routine is _UNKNOWN:
            routine = self._captured(function, inputs)
            remember(self._routines, whole, routine, MOST_FUNCTIONS)
        if routine is None:
            return None
        found: list[Array] | None = routine(_sources(inputs))
        return found

    # --- operations ---------------------------------------------------------------------------

    def _way(self, operation: Kernel, inputs: Sequence[Array], attributes: Attributes) -> Way:
        """How operations of this kind are computed, once its shape rule has agreed to them."""
        assert operation.infer is not None
        shape, dtype = operation.infer(*inputs, **attributes)
        if operation is primitives.reshape:
            return _reshaped
        if operation is primitives.permute and attributes["axes"] != tuple(range(len(shape))):
            return self._transposed
        forward = operation.forward

        def in_python(inputs: Sequence[Array], attributes: Attributes) -> Array:
            return forward(*inputs, **attributes)

        if prod(shape) + sum(prod(x.shape) for x in inputs) < LARGE:
            return in_python
        sources = [Value(INPUT, (), {"name": "x"}, x.shape, x.dtype) for x in _sources(inputs)]
        views = [_view(x, source) for x, source in zip(inputs, sources, strict=True)]
        result = Value(operation.name, tuple(views), attributes, shape, dtype)
        routine = self._compiled(Program(sources, {}, {}, [result]))
        if routine is None:
            return in_python

        def natively(inputs: Sequence[Array], attributes: Attributes) -> Array:
            found = routine(_sources(inputs))
            return found[0] if found is not None else forward(*inputs, **attributes)

        return natively

    def _transposed(self, inputs: Sequence[Array], attributes: Attributes) -> Array:
        (x,) = inputs
        return cast(Array, Transposed(x, attributes["axes"], self._copied))

    def _copied(self, x: Array, axes: Shape) -> Array:
        """What a transposed array looks like in order."""
        found = self.together(("permute", axes), lambda tensor: tensor.permute(axes), [x])
        return primitives.permute.forward(x, axes) if found is None else found[0]

    # --- functions ----------------------------------------------------------------------------

    def _captured(self, function: Callable[..., Any], inputs: Sequence[Array]) -> Routine | None:
        if sum(prod(x.shape) for x in inputs) < LARGE:
            return None

        def of_sources(*sources: Tensor) -> Any:
            return function(*map(_seen, inputs, sources))

        try:
            with using(_REFERENCE):
                program = capture(of_sources, *map(Tensor.leaf, _sources(inputs)))
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


def _reshaped(inputs: Sequence[Array], attributes: Attributes) -> Array:
    (x,) = inputs
    return Array(x.data, attributes["shape"], x.dtype)


# --- arrays that are read in another order --------------------------------------------------------


def _read_as(inputs: Sequence[Any]) -> list[Any]:
    """What machine code depends on: shapes, data types, and the order of axes."""
    kind: list[Any] = []
    for x in inputs:
        kind += (x.shape, x.dtype)
        if type(x) is Transposed:
            kind.append(x.axes)
    return kind


def _sources(inputs: Sequence[Any]) -> Sequence[Array]:
    """What lies in memory."""
    return [x.source if type(x) is Transposed else x for x in inputs]


def _view(x: Array, source: Value) -> Value:
    """An input of a program, read in the order of `x`."""
    if not isinstance(x, Transposed):
        return source
    return Value("permute", (source,), {"axes": x.axes}, x.shape, x.dtype)


def _seen(x: Array, source: Tensor) -> Tensor:
    """A tensor read in the order of `x`."""
    return source.permute(x.axes) if isinstance(x, Transposed) else source
