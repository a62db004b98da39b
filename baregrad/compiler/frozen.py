"""Programs whose tensors will not change any more: predictions with weights as they are now.

What depends on the tensors alone is computed once, when the code is made: a weight is transposed,
the factor of a normalisation is divided out. All of it lies in memory that the code never writes,
so that any number of callers may share it. What is written to belongs to a *desk*, of which each
caller has one of its own; so no locks are needed.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from math import prod

from baregrad.compiler.cost import size_in_bytes
from baregrad.compiler.fusion import fuse
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.launch import Launch
from baregrad.compiler.memory import plan_memory
from baregrad.compiler.program import Program
from baregrad.compiler.residence import FORMATS
from baregrad.compiler.simplify import simplify
from baregrad.compiler.value import CONSTANT, INPUT, Value, in_order
from baregrad.compiler.vector.target import Target
from baregrad.engines import array as arrays
from baregrad.engines import selection
from baregrad.engines.array import Array
from baregrad.machine.memory import AlignedBuffer
from baregrad.tensor.primitives import PRIMITIVES
from baregrad.tensor.tensor import Tensor


def freeze(program: Program) -> Program:
    """The same program, with what depends on the tensors that it reads alone computed.

    It reads new tensors, which hold that. What would take more memory than what it is computed
    from, such as a vector repeated for each row, is left to the program.

    Args:
        program: simplified, without writes and draws.
    """
    known: dict[Value, Array] = {value: tensor.array for tensor, value in program.reads.items()}
    reads: dict[Tensor, Value] = {}
    new: dict[Value, Value] = {value: value for value in program.arguments}

    def renewed(value: Value) -> Value:
        if value not in new:
            if value in known:
                new[value] = Value(INPUT, (), {"name": "frozen"}, value.shape, value.dtype)
                reads[Tensor.leaf(known[value])] = new[value]
            else:
                inputs = tuple(map(renewed, value.inputs))
                new[value] = Value(value.op, inputs, value.attributes, value.shape, value.dtype)
        return new[value]

    for value in in_order(program.outputs()):
        if _is_frozen(value, known):
            known[value] = _computed(value, known)
        elif value not in known:
            renewed(value)  # its inputs were, so that no recursion goes deep
    return program._replace(reads=reads, results=list(map(renewed, program.results)))


def _is_frozen(value: Value, known: dict[Value, Array]) -> bool:
    """Whether a value depends on known ones alone, and is no larger than they are."""
    sizes = [prod(x.shape) for x in value.inputs if x in known]
    given = all(x in known or x.op == CONSTANT for x in value.inputs)
    return bool(sizes) and given and prod(value.shape) <= sum(sizes)


def _computed(value: Value, known: dict[Value, Array]) -> Array:
    inputs = [
        known[x] if x in known else arrays.filled(x.attributes["value"], x.shape, x.dtype)
        for x in value.inputs
    ]
    return selection.current().evaluate(PRIMITIVES[value.op], inputs, value.attributes)


class FrozenCode:
    """The machine code of a program with one argument and one result.

    Args:
        program: as it was captured; without writes and draws.
        target: whose instructions.
        is_stream: whether a call runs many steps, with the next argument and result right after
            the last; else each step has the same places.

    Attributes:
        program: with everything computed that depends on the tensors alone.

    Raises:
        UnsupportedKernelError: there is no vector code for a part of it, or it draws or writes.
    """

    def __init__(self, program: Program, target: Target, *, is_stream: bool) -> None:
        if program.writes or program.draws:
            raise UnsupportedKernelError(
                "it changes tensors or draws random numbers, so that it is not the same each time"
            )
        program.require_checks()
        self.program = freeze(simplify(program))
        self._fused = fuse(self.program)
        self._memory = plan_memory(self._fused)
        ends = self._fused.inputs[self.program.arguments[0]], *self._fused.results
        self._ends = [buffer.number for buffer in ends]
        strides = {buffer.number: size_in_bytes(buffer) * is_stream for buffer in ends}
        self._launch = Launch(self._fused, self._memory, strides, target)
        self._constants = [
            (self._fused.inputs[value].number, _aligned(tensor.array))
            for tensor, value in self.program.reads.items()
        ]

    def desk(self) -> Desk:
        """Memory for a caller."""
        first = self._memory.inputs
        arena = AlignedBuffer(max(self._memory.size - first, 1), "B")
        table = array("q", [arena.address - first + at for at in self._memory.offsets])
        for number, constant in self._constants:
            table[number] = constant.address
        return Desk(self, self._launch.another(), table, self._ends, arena)


class Desk:
    """What one caller at a time needs to run frozen code."""

    def __init__(
        self,
        code: FrozenCode,
        launch: Launch,
        table: array[int],
        ends: list[int],
        arena: AlignedBuffer,
    ) -> None:
        self._kept = code, arena  # as long as the addresses in the table are used
        self._launch = launch
        self._table = table
        self._ends = ends

    def run(self, argument: int, result: int, steps: int) -> None:
        """So many steps, with the first one's argument and result at these addresses."""
        self._place(argument, result)
        self._launch.run(self._table, steps)

    def bound(self, argument: int, result: int) -> Callable[[], None]:
        """A function that makes one step, with its argument and result at these addresses.

        It must not live longer than the desk.
        """
        self._place(argument, result)
        return self._launch.bound(self._table)

    def _place(self, argument: int, result: int) -> None:
        for number, address in zip(self._ends, (argument, result), strict=True):
            self._table[number] = address


def _aligned(value: Array) -> AlignedBuffer:
    code = FORMATS[value.dtype]
    buffer = AlignedBuffer(len(value.data), code)
    buffer.view[:] = value.data if value.data.typecode == code else array(code, value.data)
    return buffer
