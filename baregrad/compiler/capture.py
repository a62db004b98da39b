"""Capture: what a Python function does with tensors, as a program of values.

The function is run once, with symbols in place of arrays. Every operation on tensors goes through
the current engine, and the one here computes nothing: it notes a value. So the backward pass and
the optimizer's rule are captured like the forward pass, as they are written in operations too.

What Python decides, it decides once: numbers, shapes, branches and modes such as `training` are in
the program as they were at the capture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from baregrad.compiler.checking import check_of_origin, is_in_range, origin
from baregrad.compiler.program import Program
from baregrad.compiler.returned import tensors_of
from baregrad.compiler.symbol import Symbol, capture_error, described
from baregrad.compiler.value import CONSTANT, INPUT, Value
from baregrad.engines import selection
from baregrad.engines.array import Array, DType, Resident, Shape
from baregrad.engines.selection import Engine, Kernel
from baregrad.errors import CaptureError
from baregrad.tensor.primitives import PRIMITIVES
from baregrad.tensor.tensor import Tensor

T = TypeVar("T")


def capture(function: Callable[..., Any], *arguments: Tensor) -> Program:
    """What `function(*arguments)` computes, and what it assigns to tensors of the world around.

    Tensors that were there before, such as parameters, are read anew at each run of the program,
    and written where the function assigns to them. The capture itself changes none of them.

    Gradients are of one run alone: those of before must be set to None within the function, and
    those it computes are not left behind. Return them to see them.

    Args:
        function: returns a tensor, a list, tuple or dict of tensors, or None.
        *arguments: examples, for their shapes and data types.

    Raises:
        CaptureError: the function looks at the numbers of a tensor, uses float64, an operation
            made of a function of Python numbers, or a gradient computed before; the message has
            the line of the user's program.
    """
    outside = selection.current()
    if isinstance(outside, _Capture):
        raise capture_error("a step is being captured already; capture one after another")
    capturing = _Capture(outside)
    with selection.using(capturing):
        try:
            examples = enumerate(arguments)
            returned = function(*[capturing.argument(x, number) for number, x in examples])
            results = [capturing.value_of(tensor.array) for tensor in tensors_of(returned)]
        finally:
            capturing.restore()
    return capturing.program(results)


def _value(
    op: str, inputs: tuple[Value, ...], attributes: Mapping[str, Any], shape: Shape, dtype: DType
) -> Value:
    if dtype == "float64":
        raise capture_error(
            f"{op} of float64: this is computed on the reference engine only; convert to float32 "
            "before the step, or do not compile it"
        )
    return Value(op, inputs, attributes, shape, dtype)


def _input(name: str, shape: Shape, dtype: DType) -> Value:
    return _value(INPUT, (), {"name": name}, shape, dtype)


def _foreign(symbol: Symbol) -> CaptureError:
    return capture_error(
        f"a tensor is from a step that was captured before, where it was "
        f"{described(symbol.value)}; it has no numbers and cannot be used in another step"
    )


class _Capture(Engine):
    """An engine that notes what it would have to compute.

    Attributes:
        outside: the engine that computed before.
        began: when, on the clock of tensors: those made before are of the world around.
        made: later ones that are of the world as well.
        present: what tensors of the world hold by now, as symbols.
        before: what is put back at them in the end: their gradient and last assignment.
        is_checked: whether all indices are checked, or known to be in range.
        constants: arrays of numbers that the function made, kept so that their ids stay theirs.
    """

    name = "capture"
    computes = False

    def __init__(self, outside: Engine) -> None:
        self.outside = outside
        self.began = Tensor(0).serial
        self.made: set[Tensor] = set()
        self.present: dict[Tensor, Symbol] = {}
        self.before: dict[Tensor, tuple[Tensor | None, int]] = {}
        self.constants: dict[tuple[int, Shape], tuple[Array, Value]] = {}
        self.arguments: list[Value] = []
        self.scalars: list[Value] = []
        self.draws: list[Callable[[int], Sequence[float]]] = []
        self.checks: list[tuple[int | Tensor, Callable[[Any], None]]] = []
        self.is_checked = True
        self.reads: dict[Tensor, Value] = {}
        self.writes: dict[Tensor, Value] = {}

    # --- what an engine does ------------------------------------------------------------------

    def evaluate(
        self, operation: Kernel, inputs: Sequence[Array], attributes: Mapping[str, Any]
    ) -> Array:
        """The symbol of a new value; operations made of others are captured as those."""
        row = PRIMITIVES.get(operation.name)
        if row is operation and row.infer is not None:
            shape, dtype = row.infer(*inputs, **attributes)
            values = tuple(map(self.value_of, inputs))
            return self._symbol(_value(row.name, values, attributes, shape, dtype))
        if getattr(operation, "infer", None) is not None:
            raise capture_error(
                f"{operation.name} is made of a function of Python numbers, which cannot be "
                "compiled; write it with tensor operators, under with_gradient if need be"
            )
        return operation.forward(*inputs, **attributes)

    def load(self, tensor: Any, held: Array) -> Array:
        """What a tensor holds; one of the world, at first, is an input."""
        if not self._of_the_world(tensor):
            return held
        if tensor not in self.present:
            if isinstance(held, Symbol):
                raise _foreign(held)
            if tensor.op is not None and tensor.requires_grad:
                raise capture_error(
                    f"{tensor.label()} was computed before the step, and the step would need its "
                    "gradient; compute it within the step, or detach() it before"
                )
            self.reads[tensor] = value = _input(tensor.name or "tensor", held.shape, held.dtype)
            self.present[tensor] = cast(Symbol, self._symbol(value))
            self._remember(tensor)
        return cast(Array, self.present[tensor])

    def store(self, tensor: Any, held: Array | Resident, new: Array) -> Array | Resident:
        """Notes that a tensor of the world is to be written, and leaves it as it is."""
        if not self._of_the_world(tensor):
            return new
        self.writes[tensor] = value = self.value_of(new)
        self.present[tensor] = cast(Symbol, self._symbol(value))
        self._remember(tensor)
        return held

    def check(self, values: Array, check: Callable[[Any], None]) -> None:
        """Notes what is to be checked before each run, of arguments and tensors of the world.

        Of numbers that the step itself computes, integers must be known to pass, as they may be
        indices; others are not checked.
        """
        if not isinstance(values, Symbol):
            check(values.data)
            return
        path = origin(values.value)
        known: list[int | Tensor] = [tensor for tensor, x in self.reads.items() if x is path[0]]
        if path[0] in self.arguments:
            known.append(self.arguments.index(path[0]))
        self.checks += [(place, check_of_origin(path, check)) for place in known]
        if not known and values.dtype == "int64":
            self.is_checked &= is_in_range(values.value, check)

    def dynamic(
        self, draw: Callable[[int], Sequence[float]], dtype: DType, name: str
    ) -> float | Array:
        """A further argument of the program."""
        self.scalars.append(_input(name, (), dtype))
        self.draws.append(draw)
        return self._symbol(self.scalars[-1])

    def lasting(self, make: Callable[[], T]) -> T:
        """A tensor of the world, with numbers."""
        with selection.using(self.outside):
            tensor: Any = make()
        self.made.add(tensor)
        return cast(T, tensor)

    # --- values -------------------------------------------------------------------------------

    def argument(self, example: Tensor, number: int) -> Tensor:
        """A tensor that stands for an argument."""
        if not isinstance(example, Tensor):
            raise capture_error(f"argument {number} of the step is {example!r}, not a Tensor")
        value = _input(example.name or f"argument {number}", example.shape, example.dtype)
        self.arguments.append(value)
        tensor = Tensor.leaf(self._symbol(value))
        tensor.requires_grad, tensor.name = example.requires_grad, example.name
        return tensor

    def value_of(self, array: Array) -> Value:
        """What an array stands for; numbers that are all the same are a constant."""
        if isinstance(array, Symbol):
            if array.owner is not self:
                raise _foreign(array)
            return array.value
        key = id(array.data), array.shape
        if key not in self.constants:
            self.constants[key] = array, self._constant(array)
        return self.constants[key][1]

    def _constant(self, array: Array) -> Value:
        data = array.data
        if data.tobytes() == data[:1].tobytes() * len(data):
            attributes = {"value": data[0] if data else 0}
            return _value(CONSTANT, (), attributes, array.shape, array.dtype)
        tensor = Tensor.leaf(array)
        self.reads[tensor] = _input("constant", array.shape, array.dtype)
        return self.reads[tensor]

    def _symbol(self, value: Value) -> Array:
        return cast(Array, Symbol(value, self))

    # --- the world around ---------------------------------------------------------------------

    def _of_the_world(self, tensor: Tensor) -> bool:
        return tensor.serial < self.began or tensor in self.made

    def _remember(self, tensor: Tensor) -> None:
        own = tensor.grad is not None and not self._of_the_world(tensor.grad)
        self.before.setdefault(tensor, (None if own else tensor.grad, tensor.assigned))

    def restore(self) -> None:
        """Puts back what the function changed at tensors of the world."""
        for tensor, (grad, assigned) in self.before.items():
            tensor.grad, tensor.assigned = grad, assigned

    def program(self, results: list[Value]) -> Program:
        """All that was noted.

        Raises:
            CaptureError: a gradient of before is among what is read.
        """
        for tensor, (grad, _) in self.before.items():
            if grad in self.reads:
                raise capture_error(
                    f"the step uses the gradient that {tensor.label()} had before; compute it "
                    "within the step, and call zero_grad() before backward()"
                )
        # after a step of many they are others, which nobody has checked
        changing = [x for x in self.writes if x.dtype == "int64" and x in dict(self.checks)]
        return Program(
            arguments=self.arguments + self.scalars,
            reads=self.reads,
            writes=self.writes,
            results=results,
            draws=self.draws,
            checks=self.checks,
            is_checked=self.is_checked and not changing,
        )
