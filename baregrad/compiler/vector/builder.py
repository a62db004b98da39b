"""Building a program: memory, integers and loops on top of the vector arithmetic.

b = Builder("axpy", x=POINTER, y=POINTER, a=FLOAT, n=INT64)
x, y, a, n = b.parameters
with b.loop(0, n, LANES) as loop:
    lanes = b.mask_below(b.subtract_int64(n, loop.counter))
    term = b.load(x, loop.counter, mask=lanes)
    total = b.fma(a, term, b.load(y, loop.counter, mask=lanes))
    b.store(total, y, loop.counter, mask=lanes)
program = b.program
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from baregrad.compiler.vector.arithmetic import Arithmetic
from baregrad.compiler.vector.construction import Int64
from baregrad.compiler.vector.errors import ProgramError
from baregrad.compiler.vector.program import (
    FLOAT32,
    INT32,
    INT64,
    MASK,
    POINTER,
    Address,
    Extent,
    Instruction,
    Loop,
    Type,
    Value,
)


class Builder(Arithmetic):
    """Appends instructions to a program, at the end of the region that is open.

    Every address is ``base + index * scale + displacement``: `base` a pointer, `index` an integer
    or None, `displacement` in bytes, known when compiling. Alignment is not needed.
    """

    def load(
        self,
        base: Value,
        index: Value | None = None,
        *,
        scale: int = 4,
        displacement: int | Extent = 0,
        mask: Value | None = None,
        type: Type = FLOAT32,
    ) -> Value:
        """As many neighbouring elements as there are lanes; 0 in lanes outside the mask."""
        operands = _operands((), base, index, mask)
        address = Address(scale, displacement, index is not None, mask is not None)
        return self._append("load", operands, type, None, address)

    def load_broadcast(
        self,
        base: Value,
        index: Value | None = None,
        *,
        scale: int = 4,
        displacement: int | Extent = 0,
        type: Type = FLOAT32,
    ) -> Value:
        """One element, in all lanes."""
        return self._load("load_broadcast", type, base, index, scale, displacement)

    def load_int64(
        self,
        base: Value,
        index: Value | None = None,
        *,
        scale: int = 8,
        displacement: int | Extent = 0,
    ) -> Value:
        """One 64-bit integer."""
        return self._load("load_int64", INT64, base, index, scale, displacement)

    def load_pointer(
        self,
        base: Value,
        index: Value | None = None,
        *,
        scale: int = 8,
        displacement: int | Extent = 0,
    ) -> Value:
        """One address, such as an entry of a block of arguments."""
        return self._load("load_pointer", POINTER, base, index, scale, displacement)

    def _load(
        self,
        op: str,
        type: Type,
        base: Value,
        index: Value | None,
        scale: int,
        displacement: int | Extent,
    ) -> Value:
        address = Address(scale, displacement, index is not None)
        return self._append(op, _operands((), base, index, None), type, None, address)

    def gather(
        self,
        base: Value,
        indices: Value,
        *,
        scale: int = 4,
        displacement: int | Extent = 0,
        mask: Value | None = None,
        type: Type = FLOAT32,
    ) -> Value:
        """In each lane the element at its own (signed) index; 0 in lanes outside the mask."""
        address = Address(scale, displacement, False, mask is not None)
        return self._append("gather", _operands((indices,), base, None, mask), type, None, address)

    def store(
        self,
        value: Value,
        base: Value,
        index: Value | None = None,
        *,
        scale: int = 4,
        displacement: int | Extent = 0,
        mask: Value | None = None,
    ) -> None:
        """All lanes to neighbouring elements; those outside the mask are left alone."""
        address = Address(scale, displacement, index is not None, mask is not None)
        self._append_effect("store", _operands((value,), base, index, mask), address)

    def store_first(
        self,
        value: Value,
        base: Value,
        index: Value | None = None,
        *,
        scale: int = 4,
        displacement: int | Extent = 0,
    ) -> None:
        """Lane 0 to one element."""
        address = Address(scale, displacement, index is not None)
        self._append_effect("store_first", _operands((value,), base, index, None), address)

    def prefetch(
        self,
        base: Value,
        index: Value | None = None,
        *,
        scale: int = 4,
        displacement: int | Extent = 0,
    ) -> None:
        """Ask for a cache line that will be needed; never fails, changes nothing."""
        address = Address(scale, displacement, index is not None)
        self._append_effect("prefetch", _operands((), base, index, None), address)

    def add_int64(self, a: Int64, b: Int64) -> Value:
        """a + b."""
        return self._int64s("add_int64", a, b)

    def subtract_int64(self, a: Int64, b: Int64) -> Value:
        """a - b."""
        return self._int64s("subtract_int64", a, b)

    def multiply_int64(self, a: Int64, b: Int64) -> Value:
        """a * b."""
        return self._int64s("multiply_int64", a, b)

    def min_int64(self, a: Int64, b: Int64) -> Value:
        """The smaller."""
        return self._int64s("min_int64", a, b)

    def max_int64(self, a: Int64, b: Int64) -> Value:
        """The larger."""
        return self._int64s("max_int64", a, b)

    def _int64s(self, op: str, a: Int64, b: Int64) -> Value:
        return self._append(op, (self._int64(a), self._int64(b)), INT64)

    def advance(self, pointer: Value, distance: Int64) -> Value:
        """The address `distance` bytes further on."""
        return self._append("advance", (pointer, self._int64(distance)), POINTER)

    def broadcast_int(self, a: Int64) -> Value:
        """The lower 32 bits in all lanes."""
        return self._append("broadcast_int", (self._int64(a),), INT32)

    def mask_below(self, count: Int64) -> Value:
        """The first `count` lanes; none for 0 and below, all for as many as there are or more."""
        return self._append("mask_below", (self._int64(count),), MASK)

    def loop(
        self,
        start: Int64,
        stop: Int64,
        step: int | Extent = 1,
        carried: Sequence[Value] = (),
    ) -> OpenLoop:
        """``for counter in range(start, stop, step)``; use it in a ``with`` statement.

        Args:
            start: first value of the counter.
            stop: the counter stays below.
            step: positive.
            carried: values of the first iteration; see `OpenLoop`.
        """
        return OpenLoop(self, self._int64(start), self._int64(stop), step, tuple(carried))

    def when(self, mask: Value, values: Sequence[Value]) -> OpenLoop:
        """A region that only runs if a lane of `mask` is set; `values` as a loop's carried ones."""
        return self.loop(0, self.any(mask), 1, values)

    def _open(self, loop: Loop) -> list[Instruction]:
        """From now on append to the loop's body; returns the region that was open."""
        outer = self._region
        outer.append(loop)
        self._region = loop.body
        return outer

    def _close(self, outer: list[Instruction]) -> None:
        self._region = outer


class OpenLoop:
    """A loop whose body is being built.

    Attributes:
        counter: within the body.
        carried: within the body, the values carried to this iteration.
        results: after the loop, the values carried out of the last iteration.
        end: after the loop, the counter.
    """

    def __init__(
        self,
        builder: Builder,
        start: Value,
        stop: Value,
        step: int | Extent,
        initial: tuple[Value, ...],
    ) -> None:
        self._builder = builder
        self.counter = builder._value(INT64)
        self.carried = tuple([builder._value(value.type) for value in initial])
        self.end = builder._value(INT64)
        self.results = tuple([builder._value(value.type) for value in initial])
        operands = (start, stop, *initial)
        number = builder._number()
        latch = Instruction(builder._number(), "latch", (self.counter, stop))
        self._loop = Loop(
            number, operands, step, self.counter, self.carried, self.end, self.results, latch
        )
        self._outer: list[Instruction] = []

    def carry(self, *values: Value) -> None:
        """Give the next iteration its carried values, one for each, as the body's last act."""
        self._loop.next = values

    def __enter__(self) -> OpenLoop:
        self._outer = self._builder._open(self._loop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._builder._close(self._outer)
        if kind is None and len(self._loop.next) != len(self.carried):
            raise ProgramError(
                f"a loop that carries {len(self.carried)} values was given "
                f"{len(self._loop.next)} for the next iteration; end its body with carry(...)"
            )


def _operands(
    data: tuple[Value, ...], base: Value, index: Value | None, mask: Value | None
) -> tuple[Value, ...]:
    """A memory access's operands in their order."""
    operands = (*data, base) if index is None else (*data, base, index)
    return operands if mask is None else (*operands, mask)
