"""The computational graph: tensors that keep their parents and the operation that made them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from itertools import count
from math import prod
from typing import Any, Self, TypeVar

from baregrad.engines import selection
from baregrad.engines.array import FLOATS, Array, DType, Resident, Shape
from baregrad.errors import DTypeError, GradientError
from baregrad.tensor.operation import Operation

T = TypeVar("T")

_recording: ContextVar[bool] = ContextVar("recording", default=True)
_scope: ContextVar[tuple[str, ...]] = ContextVar("scope", default=())
_modules: ContextVar[Any] = ContextVar("modules", default=None)
_tracing: ContextVar[bool] = ContextVar("tracing", default=False)
_clock = count(1)
_FLOOR = __name__.rpartition(".")[0] + "."  # of the modules whose lines say nothing about a model
_NOTHING: Mapping[str, Any] = {}


class Node:
    """A place in the graph: a value, and how it was made.

    Attributes:
        held: its value, or where native code keeps it; see `array`.
        op: the operation that made it; None for a leaf.
        parents: the inputs of the operation, in order; the same tensor may stand there twice.
        attributes: the operation's other arguments, such as its axes.
        grad: after `backward()`, the gradient of what it was called on with respect to this
            tensor, a tensor of the same shape and data type; None before.
        name: what pictures and messages call it.
        scope: the names of the modules it was made in, outermost first.
        serial: the moment it was made, on the clock that also counts assignments.
        source: the file and line it was made in, if that was within `tracing()`; else not there.
        assigned: the moment of the last assignment; 0 if there was none.
        required: the moment from which on it has required a gradient; 0 if it requires none, or
            is a result.
    """

    __slots__ = (
        "__weakref__",
        "_requires_grad",
        "assigned",
        "attributes",
        "grad",
        "held",
        "name",
        "op",
        "parents",
        "required",
        "scope",
        "serial",
        "source",
    )

    held: Array | Resident
    op: Operation | None
    parents: tuple[Self, ...]
    attributes: Mapping[str, Any]
    grad: Self | None
    name: str | None
    scope: tuple[str, ...]
    source: tuple[str, int]

    def __init__(self, array: Array, requires_grad: bool = False, name: str | None = None) -> None:
        self._set(array, None, (), _NOTHING, False)
        self.name = name
        if requires_grad:
            self.requires_grad = True

    @classmethod
    def leaf(cls, array: Array | Resident) -> Self:
        """A tensor that no operation made, holding `array`."""
        node = cls.__new__(cls)
        node._set(array, None, (), _NOTHING, False)
        return node

    @classmethod
    def lasting(cls, make: Callable[[], Self]) -> Self:
        """A tensor kept from step to step; if a step is being captured, it is made before it."""
        return selection.current().lasting(make)

    @classmethod
    def dynamic(
        cls, draw: Callable[[int], Sequence[float]], dtype: DType, name: str
    ) -> float | Self:
        """A number that is another at each step.

        `draw(steps)` gives those of so many steps, and moves on what it counts; less than 0 moves
        it back. Here it is called for one. But if a step is being captured, this is a scalar tensor
        that stands for what `draw` gives when the step is run.
        """
        number = selection.current().dynamic(draw, dtype, name)
        return number if isinstance(number, int | float) else cls.leaf(number)

    @classmethod
    def apply(cls, op: Operation, *inputs: Self, **attributes: Any) -> Self:
        """The result of an operation, recorded with its parents.

        Raises:
            ShapeError, DTypeError, ArgumentError: the inputs do not fit the operation.
            DTypeError: also a result too large for int64.
        """
        try:
            engine = selection.current()
            array = engine.evaluate(op, _arrays(inputs, engine), attributes)
        except OverflowError:
            if op.infer is None or op.infer(*inputs, **attributes)[1] != "int64":
                raise  # by a function of the user's own
            raise DTypeError(
                f"{op.name}: a result does not fit int64 (-2**63 to 2**63 - 1); use a float dtype"
            ) from None
        if not _recording.get():
            return cls.leaf(array)
        needed = _is_needed(op, inputs)
        node = cls.__new__(cls)
        node._set(array, op, inputs, attributes, needed and array.dtype in FLOATS)
        return node

    def _set(
        self,
        array: Array | Resident,
        op: Operation | None,
        parents: tuple[Self, ...],
        attributes: Mapping[str, Any],
        requires_grad: bool,
    ) -> None:
        self.held = array
        self.op = op
        self.parents = parents
        self.attributes = attributes
        self._requires_grad = requires_grad
        self.grad = None
        self.name = None
        self.scope = _scope.get()
        self.serial = next(_clock)
        self.assigned = 0
        self.required = 0
        if _tracing.get():
            self.source = _line()

    def become(
        self,
        op: Operation | None,
        parents: tuple[Self, ...],
        attributes: Mapping[str, Any],
        requires_grad: bool,
    ) -> None:
        """Makes a leaf a result, as if its value had been computed by this operation."""
        self.op = op
        self.parents = parents
        self.attributes = attributes
        self._requires_grad = requires_grad

    @property
    def array(self) -> Array:
        """The value; while a step is captured, what stands for it."""
        held = self.held
        if isinstance(held, Resident):
            held = held.bring_out(self)
        return selection.current().load(self, held)

    @property
    def known(self) -> bool:
        """Whether its numbers are there to be looked at; while a step is captured, few are."""
        return self.array.known

    @property
    def shape(self) -> Shape:
        """The size along each axis."""
        return self.held.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.held.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.held.shape)

    @property
    def dtype(self) -> DType:
        """``"float32"``, ``"float64"``, ``"int64"`` or ``"bool"``."""
        return self.held.dtype

    @property
    def requires_grad(self) -> bool:
        """Whether `backward()` computes a gradient for it; can be set on a leaf of floats."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if self.op is not None:
            raise GradientError(
                f"requires_grad cannot be set on {self.label()}, the result of {self.op.name}: "
                "set it on the leaves it is made from, or detach() it first"
            )
        if wanted and self.dtype not in FLOATS:
            raise DTypeError(
                f"only float tensors carry gradients, and {self.label()} is {self.dtype}; "
                'make it one with dtype="float32" or astype("float32")'
            )
        if bool(wanted) != self._requires_grad:
            self._requires_grad = bool(wanted)
            self.required = next(_clock) if wanted else 0

    def label(self) -> str:
        """How messages name this tensor: its own name, or what it is."""
        made = f"{self.op.name} result" if self.op else "leaf"
        where = f" in {'.'.join(self.scope)}" if self.scope else ""
        return f"{self.name!r}" if self.name else f"the {made} of shape {self.shape}{where}"

    def replace(self, array: Array) -> None:
        """Gives a leaf another value, and notes the moment. `Tensor.assign` checks and converts."""
        if self.op is not None:
            raise GradientError(
                f"{self.label()} is the result of {self.op.name} and cannot be assigned to: only a "
                "leaf can, since its value is not computed from others"
            )
        self.hold(selection.current().store(self, self.held, array))

    def hold(self, value: Array | Resident) -> None:
        """Puts another value in place, and notes the moment."""
        self.held = value
        self.assigned = next(_clock)


def _arrays(inputs: tuple[Node, ...], engine: selection.Engine) -> list[Array]:
    """The values of tensors; where nothing is captured, what most of them hold."""
    if not engine.computes:
        return [x.array for x in inputs]
    arrays = []
    for x in inputs:
        held = x.held
        arrays.append(x.array if isinstance(held, Resident) else held)
    return arrays


def _is_needed(op: Operation, inputs: tuple[Node, ...]) -> bool:
    """Whether a result needs a gradient, as an input does that it is differentiable in."""
    for vjp, x in zip(op.vjps, inputs, strict=False):
        if x._requires_grad and vjp is not None:
            return True
    return False


def _line() -> tuple[str, int]:
    """The file and the line of the innermost call from outside of the tensor's own floor."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(_FLOOR):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


# --- what is noted of tensors that are made within a block --------------------------------------


@contextmanager
def _within(variable: ContextVar[T], value: T) -> Iterator[T]:
    token = variable.set(value)
    try:
        yield value
    finally:
        variable.reset(token)


def recording(on: bool) -> AbstractContextManager[bool]:
    """Within this block the graph is recorded, or not."""
    return _within(_recording, on)


def no_grad() -> AbstractContextManager[bool]:
    """A context, to be used with ``with``, in which no graph is recorded.

    Results have no parents and need no gradient, so their history is not kept in memory.
    """
    return recording(False)


def tracing() -> AbstractContextManager[bool]:
    """Within this block tensors note the line of source that they are made in.

    `stepper` shows it. Looking for it makes a small operation about half as slow again.
    """
    return _within(_tracing, True)


def scope(name: str, module: Any = None) -> AbstractContextManager[tuple[str, ...]]:
    """Tensors made within this block say that they belong to the module of this name."""
    noted = _modules.get()
    if noted is not None and module is not None:
        noted.append(module)
    return _within(_scope, (*_scope.get(), name))


def noting_modules() -> AbstractContextManager[list[Any]]:
    """Within this block, the modules that are called are put in a list."""
    return _within(_modules, [])
