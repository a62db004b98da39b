"""Vector programs: instructions in static single assignment form, in nested regions.

A *value* is defined once, by a parameter, a constant or an instruction, and never changes (Rosen,
Wegman & Zadeck, "Global value numbers and redundant computations", 1988). A *region* is a list of
instructions. The only instruction with a region of its own is the counted loop; what changes from
one iteration to the next are its *carried values*, which other compilers call phi functions.

A program does not know how many lanes a vector has: that is the target's. Where a number depends
on it (a step, a distance in memory), the program says `LANES`.
"""

from __future__ import annotations

from typing import Final

Type = str
FLOAT32: Final = "float32"  # a vector of 32-bit floats
INT32: Final = "int32"  # a vector of 32-bit integers, which wrap around
MASK: Final = "mask"  # a vector of booleans
INT64: Final = "int64"  # one integer
POINTER: Final = "pointer"  # one address
FLOAT: Final = "float"  # only of parameters: one 32-bit float, seen as a vector of equal lanes

VECTOR_TYPES: Final = (FLOAT32, INT32)
PARAMETER_TYPES: Final = (POINTER, INT64, FLOAT)


class Extent:
    """An integer that is known once the target is: ``constant + per_lane * lanes``."""

    __slots__ = ("constant", "per_lane")

    def __init__(self, constant: int, per_lane: int) -> None:
        self.constant = constant
        self.per_lane = per_lane

    def at(self, lanes: int) -> int:
        """The integer, on a target with so many lanes."""
        return self.constant + self.per_lane * lanes

    def __add__(self, other: int | Extent) -> Extent:
        if isinstance(other, int):
            return Extent(self.constant + other, self.per_lane)
        return Extent(self.constant + other.constant, self.per_lane + other.per_lane)

    __radd__ = __add__

    def __neg__(self) -> Extent:
        return Extent(-self.constant, -self.per_lane)

    def __sub__(self, other: int | Extent) -> Extent:
        return self + -other

    def __rsub__(self, other: int) -> Extent:
        return -self + other

    def __mul__(self, factor: int) -> Extent:
        return Extent(self.constant * factor, self.per_lane * factor)

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Extent):
            return NotImplemented
        return (self.constant, self.per_lane) == (other.constant, other.per_lane)

    def __hash__(self) -> int:
        return hash((self.constant, self.per_lane))

    def __repr__(self) -> str:
        lanes = "lanes" if self.per_lane == 1 else f"{self.per_lane}*lanes"
        return f"{lanes}{self.constant:+}" if self.constant else lanes


LANES: Final = Extent(0, 1)


def resolve(extent: int | Extent, lanes: int) -> int:
    """The integer that `extent` is on a target with so many lanes."""
    return extent if isinstance(extent, int) else extent.at(lanes)


class Value:
    """What a parameter, constant or instruction defines. Identity is what counts.

    Attributes:
        number: its place among the program's values.
        type: one of the types above.
        name: of a parameter; else empty.
    """

    __slots__ = ("name", "number", "type")

    def __init__(self, number: int, type: Type, name: str = "") -> None:
        self.number = number
        self.type = type
        self.name = name

    def __repr__(self) -> str:
        return f"%{self.name or self.number}"


class Address:
    """How an instruction forms an address from its operands: base + index * scale + displacement.

    Attributes:
        scale: of the index; 1, 2, 4 or 8.
        displacement: bytes.
        indexed: whether an index follows the base among the operands.
        masked: whether the last operand is a mask; lanes outside it are not touched.
    """

    __slots__ = ("displacement", "indexed", "masked", "scale")

    def __init__(
        self, scale: int, displacement: int | Extent, indexed: bool, masked: bool = False
    ) -> None:
        self.scale = scale
        self.displacement = displacement
        self.indexed = indexed
        self.masked = masked


Immediate = float | int | str | bytes | Extent | None


class Instruction:
    """One operation on values.

    Attributes:
        number: its place among the program's instructions.
        op: the name of an operation in `operations.OPERATIONS`.
        operands: what it uses; of a memory access: data, base, index, mask, as there are.
        result: what it defines, if anything.
        immediate: a constant, shift count, predicate or rounding mode.
        address: of a memory access.
    """

    __slots__ = ("address", "immediate", "number", "op", "operands", "result")

    def __init__(
        self,
        number: int,
        op: str,
        operands: tuple[Value, ...] = (),
        result: Value | None = None,
        immediate: Immediate = None,
        address: Address | None = None,
    ) -> None:
        self.number = number
        self.op = op
        self.operands = operands
        self.result = result
        self.immediate = immediate
        self.address = address


class Loop(Instruction):
    """``for counter in range(start, stop, step)`` with values carried from one iteration on.

    As an instruction its operands are start, stop and the carried values' initial ones.

    Attributes:
        step: positive.
        counter: the counter's value within the body.
        carried: within the body, the values of the iteration that runs.
        body: the region.
        next: for each carried value, the one that the next iteration has.
        results: after the loop, the carried values last reached, or the initial ones.
        end: after the loop, the counter that was no longer below stop.
        latch: counts on and decides whether to go round again; its operands are counter and stop.
    """

    __slots__ = ("body", "carried", "counter", "end", "latch", "next", "results", "step")

    def __init__(
        self,
        number: int,
        operands: tuple[Value, ...],
        step: int | Extent,
        counter: Value,
        carried: tuple[Value, ...],
        end: Value,
        results: tuple[Value, ...],
        latch: Instruction,
    ) -> None:
        super().__init__(number, "loop", operands)
        self.step = step
        self.counter = counter
        self.carried = carried
        self.end = end
        self.results = results
        self.latch = latch
        self.body: list[Instruction] = []
        self.next: tuple[Value, ...] = ()

    @property
    def initial(self) -> tuple[Value, ...]:
        """The carried values of the first iteration."""
        return self.operands[2:]


class Parameter:
    """What the caller gives: a pointer, an integer, or a float that fills all lanes."""

    __slots__ = ("type", "value")

    def __init__(self, type: Type, value: Value) -> None:
        self.type = type
        self.value = value


class Program:
    """One function.

    Attributes:
        name: for messages and listings.
        parameters: in the caller's order.
        constants: defined before everything else, each once.
        body: the region that runs.
        value_count: values are numbered from 0 to one below this.
        instruction_count: likewise instructions.
    """

    __slots__ = ("body", "constants", "instruction_count", "name", "parameters", "value_count")

    def __init__(self, name: str) -> None:
        self.name = name
        self.parameters: list[Parameter] = []
        self.constants: list[Instruction] = []
        self.body: list[Instruction] = []
        self.value_count = 0
        self.instruction_count = 0
