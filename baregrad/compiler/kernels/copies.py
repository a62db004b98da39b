"""Copies: strided arrays laid into a dense one.

Neighbouring axes along which both arrays go on evenly are one. Along the last axis that is left,
vectors are copied if the target's elements are neighbours there, else single elements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from baregrad.compiler.kernel import Copy, Part
from baregrad.compiler.kernels import arithmetic
from baregrad.compiler.kernels.expression import Pointers
from baregrad.compiler.kernels.integers import Vector
from baregrad.compiler.kernels.loops import Span
from baregrad.compiler.kernels.operands import Operand, Place, advanced, moved, product
from baregrad.compiler.kernels.sweep import UNROLL, Stretch, sweep
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.compiler.vector.target import Target
from baregrad.record import Record


class CopyPlan(Record):
    """How arrays are copied.

    Attributes:
        kernel: the kernel.
        lanes: of a vector.
    """

    kernel: Copy
    lanes: int

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""
        return 1

    @property
    def scratch_bytes(self) -> int:
        """None is needed."""
        return 0

    def write(self, builder: Builder, pointers: Pointers, blocks: Span, scratch: Value) -> None:
        """Append the code for a range of blocks; see `maps.MapPlan`."""
        b, kernel = builder, self.kernel
        target = Operand(pointers[kernel.target.number], 0, 1, kernel.target.dtype)
        with b.loop(*blocks):
            if not kernel.is_covered:
                zero = arithmetic.constant(b, 0, target.dtype)
                self._line(b, kernel.target.size, target, lambda _: zero)
            for part in kernel.parts:
                self._lay(b, pointers, part, target)

    def _lay(self, b: Builder, pointers: Pointers, part: Part, target: Operand) -> None:
        """One array."""
        target = moved(b, target, 0, part.begin)
        *outer, inner = _merged(part)
        if inner.into != 1:
            outer, inner = [*outer, inner], _Axis(1, 1, 1)
        if part.buffer is None:
            source = target
            number = arithmetic.constant(b, part.value, target.dtype)
        else:
            source = Operand(pointers[part.buffer.number], 0, 1, target.dtype)
            source = moved(b, source, 0, part.offset)._replace(column_stride=inner.step)
        with ExitStack() as loops:
            for axis in outer:
                counter = loops.enter_context(b.loop(0, axis.size)).counter
                source = _shifted(b, source, counter, axis.step)
                target = _shifted(b, target, counter, axis.into)
            if part.buffer is None:
                self._line(b, inner.size, target, lambda _: number)
            else:
                size, source, target = _as_words(inner.size, source, target)
                self._line(b, size, target, lambda place: place.load(source))

    def _line(
        self, b: Builder, size: int, target: Operand, element: Callable[[Place], Vector]
    ) -> None:
        """Neighbouring elements of the target."""

        def body(places: Sequence[Place], _: Sequence[Value]) -> Sequence[Value]:
            for place in places:
                place.store(element(place), target)
            return ()

        sweep(b, Stretch(0, 0, size, size, self.lanes), UNROLL, (), body)


class _Axis(Record):
    """An axis along which is copied.

    Attributes:
        size: how many elements.
        step: from one to the next, in the source.
        into: likewise, in the target.
    """

    size: int
    step: int
    into: int


def _merged(part: Part) -> list[_Axis]:
    """The axes of an array, those along which both arrays go on evenly as one; at least one."""
    merged = [_Axis(1, 1, 1)]
    for axis in map(_Axis, part.shape, part.steps, part.into):
        last = merged[-1]
        if last.size == 1:
            merged[-1] = axis
        elif (last.step, last.into) == (axis.step * axis.size, axis.into * axis.size):
            merged[-1] = _Axis(last.size * axis.size, axis.step, axis.into)
        elif axis.size != 1:
            merged.append(axis)
    return merged


def _shifted(b: Builder, operand: Operand, counter: Value, step: int) -> Operand:
    """The operand `counter` steps further on."""
    distance = product(b, counter, operand.itemsize * step)
    return operand._replace(pointer=advanced(b, operand.pointer, distance))


def _as_words(size: int, source: Operand, target: Operand) -> tuple[int, Operand, Operand]:
    """The same copy as one of elements of 4 bytes, whatever they mean, if there is one."""
    if source.dtype != "int64":
        factor = 1
    elif source.column_stride == 1:
        factor = 2
    else:
        return size, source, target
    return size * factor, source._replace(dtype="float32"), target._replace(dtype="float32")


def plan_copy(kernel: Copy, target: Target) -> CopyPlan:
    """Decide how arrays are copied."""
    return CopyPlan(kernel, target.lanes)
