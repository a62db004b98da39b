"""Simplification: every value once, arithmetic on constants done, nothing that is not needed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from baregrad.compiler.identities import simpler
from baregrad.compiler.kernel import ELEMENTWISE
from baregrad.compiler.program import Program
from baregrad.compiler.rewriting import rewritten
from baregrad.compiler.value import CONSTANT, INPUT, Value, in_order
from baregrad.engines import array as arrays
from baregrad.engines.array import DType, Shape
from baregrad.errors import BaregradError
from baregrad.tensor.primitives import PRIMITIVES

COMMUTATIVE = frozenset({"add", "multiply", "equal", "not_equal"})


def simplify(program: Program) -> Program:
    """A program of fewer values with the same results, exactly.

    Values that are computed alike become one (J. Cocke, "Global common subexpression
    elimination", 1970), those of constants are computed, identities are applied (see
    `identities`), what no kernel computes is written in other terms (see `rewriting`), and what
    nothing needs is left out, reads and writes included. Arguments stay.
    """
    table = _Table()
    simple: dict[Value, Value] = {}
    for value in in_order(program.outputs()):
        inputs = tuple([simple[x] for x in value.inputs])
        simple[value] = (
            value
            if value.op == INPUT
            else table.value(value.op, inputs, value.attributes, value.shape, value.dtype)
        )
    smaller = program._replace(
        writes={
            tensor: simple[value]
            for tensor, value in program.writes.items()
            if simple[value] is not program.reads.get(tensor)
        },
        results=[simple[value] for value in program.results],
    )
    needed = set(in_order(smaller.outputs()))
    reads = {tensor: value for tensor, value in program.reads.items() if value in needed}
    return smaller._replace(reads=reads)


class _Table:
    """Values in their simplest form, each once, by what they are computed from."""

    def __init__(self) -> None:
        self.values: dict[Hashable, Value] = {}

    def value(
        self,
        op: str,
        inputs: tuple[Value, ...],
        attributes: Mapping[str, Any],
        shape: Shape,
        dtype: DType,
    ) -> Value:
        """The simplest value equal to one whose inputs are from this table, or are inputs."""
        key = _key(op, inputs, attributes, shape, dtype)
        found = self.values.get(key)
        if found is None:
            value = Value(op, inputs, attributes, shape, dtype)
            found = self._computed(value) or simpler(value, self) or rewritten(value, self) or value
            self.values[key] = found
        return found

    def apply(self, op: str, *inputs: Value, **attributes: Any) -> Value:
        """The result of an operation."""
        infer = PRIMITIVES[op].infer
        assert infer is not None
        return self.value(op, inputs, attributes, *infer(*inputs, **attributes))

    def constant(self, number: float, shape: Shape, dtype: DType) -> Value:
        """A number that fills a shape."""
        return self.value(CONSTANT, (), {"value": number}, shape, dtype)

    def _computed(self, value: Value) -> Value | None:
        """The number that an operation on constants gives, rounded to its data type."""
        if value.op not in ELEMENTWISE or any(x.op != CONSTANT for x in value.inputs):
            return None
        numbers = [arrays.filled(x.attributes["value"], (), x.dtype) for x in value.inputs]
        try:
            result = PRIMITIVES[value.op].forward(*numbers, **value.attributes)
        except (BaregradError, OverflowError):
            return None  # the error is for whoever runs it
        return self.constant(result.data[0], value.shape, value.dtype)


def _key(
    op: str, inputs: tuple[Value, ...], attributes: Mapping[str, Any], shape: Shape, dtype: DType
) -> Hashable:
    """The same for values that are computed alike."""
    if op == CONSTANT:  # 0.0 == -0.0, but they are not alike
        return op, repr(attributes["value"]), shape, dtype
    if op in COMMUTATIVE:
        inputs = tuple(sorted(inputs, key=id))
    return op, inputs, tuple(attributes.items())
