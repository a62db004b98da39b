"""The interpreter: runs a program lane by lane in Python, to test what the compiler makes of it.

float32 arithmetic is exact to the bit (`scalars`). Memory is that of the buffers handed over; every
access is checked against their sizes.
"""

from __future__ import annotations

import math
import operator
import struct
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from baregrad.compiler.vector import scalars
from baregrad.compiler.vector.errors import AccessError, ProgramError
from baregrad.compiler.vector.operations import SHUFFLES
from baregrad.compiler.vector.program import (
    FLOAT,
    INT32,
    POINTER,
    Instruction,
    Loop,
    Program,
    resolve,
)
from baregrad.compiler.vector.text import instruction_text
from baregrad.compiler.vector.verifier import verify

# between the addresses of two buffers, so that an access beyond the end of one misses the next
_GAP: Final = 1 << 20
_FORMATS: Final = {INT32: "<i", "float32": "<f", "int64": "<q", POINTER: "<q"}


class Memory:
    """Buffers at made-up addresses."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._views: list[Any] = []
        self._next = _GAP

    def add(self, buffer: Any) -> int:
        """The address of a buffer (anything `memoryview` takes), which is read and written."""
        view = memoryview(buffer).cast("B")
        address = self._next
        self._starts.append(address)
        self._views.append(view)
        self._next += -(-view.nbytes // _GAP) * _GAP + _GAP
        return address

    def read(self, format: str, address: int) -> Any:
        """The number at an address."""
        view, offset = self._find(address, struct.calcsize(format))
        return struct.unpack_from(format, view, offset)[0]

    def write(self, format: str, address: int, number: float) -> None:
        """Store a number."""
        view, offset = self._find(address, struct.calcsize(format))
        struct.pack_into(format, view, offset, number)

    def _find(self, address: int, size: int) -> tuple[Any, int]:
        place = bisect_right(self._starts, address) - 1
        if place < 0:
            raise AccessError(f"address {address:#x} is in no buffer")
        offset = address - self._starts[place]
        nbytes = self._views[place].nbytes
        if offset + size > nbytes:
            raise AccessError(f"{size} bytes at offset {offset} of a buffer of {nbytes} bytes")
        return self._views[place], offset


def interpret(
    program: Program, arguments: Sequence[Any], lanes: int = 16, memory: Memory | None = None
) -> None:
    """Run a program.

    Args:
        program: is verified first.
        arguments: one for each parameter; for a pointer a buffer, or an address in `memory`.
        lanes: of the vectors.
        memory: where addresses lie that the program loads from memory.

    Raises:
        ProgramError: the program is not well formed, or the arguments are not as many.
        AccessError: an access outside the buffers.
    """
    verify(program)
    if len(arguments) != len(program.parameters):
        raise ProgramError(
            f"program {program.name!r} has {len(program.parameters)} parameters, "
            f"not {len(arguments)}"
        )
    run = _Run(lanes, memory or Memory())
    for parameter, argument in zip(program.parameters, arguments, strict=True):
        if parameter.type == FLOAT:
            argument = [scalars.float32(argument)] * lanes
        elif parameter.type == POINTER and not isinstance(argument, int):
            argument = run.memory.add(argument)
        run.values[parameter.value.number] = argument
    run.region(program.constants)
    run.region(program.body)


class _Run:
    """The state of one run. A vector is a list of its lanes."""

    def __init__(self, lanes: int, memory: Memory) -> None:
        self.lanes = lanes
        self.memory = memory
        self.values: dict[int, Any] = {}

    def region(self, region: list[Instruction]) -> None:
        for instruction in region:
            if isinstance(instruction, Loop):
                self.loop(instruction)
                continue
            operands = [self.values[value.number] for value in instruction.operands]
            try:
                result = self.evaluate(instruction, operands)
            except AccessError as error:
                text = instruction_text(instruction)
                raise AccessError(f"instruction '{text}': {error}") from None
            if instruction.result is not None:
                self.values[instruction.result.number] = result

    def loop(self, loop: Loop) -> None:
        values = self.values
        start, stop, *carried = [values[value.number] for value in loop.operands]
        step = resolve(loop.step, self.lanes)
        counter = start
        while counter < stop:
            values[loop.counter.number] = counter
            for value, current in zip(loop.carried, carried, strict=True):
                values[value.number] = current
            self.region(loop.body)
            carried = [values[value.number] for value in loop.next]
            counter += step
        values[loop.end.number] = counter
        for value, current in zip(loop.results, carried, strict=True):
            values[value.number] = current

    def evaluate(self, instruction: Instruction, operands: list[Any]) -> Any:
        """The result of one instruction that is no loop."""
        op = instruction.op
        if op in _LANEWISE:
            return [_LANEWISE[op](*lane) for lane in zip(*operands, strict=True)]
        if op in _WITH_IMMEDIATE:
            function, immediate = _WITH_IMMEDIATE[op], instruction.immediate
            return [function(immediate, *lane) for lane in zip(*operands, strict=True)]
        if op in _INTEGERS:
            return scalars.wrap64(_INTEGERS[op](*operands))
        if op in _REDUCTIONS:
            return [halves(_REDUCTIONS[op], operands[0])] * self.lanes
        if op in ("interleave_low", "interleave_high"):
            pairs = [lane for pair in zip(*operands, strict=True) for lane in pair]
            return pairs[: self.lanes] if op == "interleave_low" else pairs[self.lanes :]
        if op == "shuffle":
            return self.shuffle(str(instruction.immediate), *operands)
        if op == "exchange":
            distance = cast(int, instruction.immediate)
            return [operands[0][lane ^ distance] for lane in range(self.lanes)]
        if instruction.address is not None:
            return self.access(instruction, operands)
        return self.other(instruction, operands)

    def shuffle(self, how: str, x: list[float], y: list[float]) -> list[float]:
        """See `operations.SHUFFLES`."""
        fours = [(x[i : i + 4], y[i : i + 4]) for i in range(0, self.lanes, 4)]
        if SHUFFLES[how]:
            return [(*a, *b)[lane] for a, b in fours for lane in SHUFFLES[how]]
        chosen = fours[how == "odd_fours" :: 2]
        return [lane for parts in zip(*chosen, strict=True) for part in parts for lane in part]

    def other(self, instruction: Instruction, operands: list[Any]) -> Any:
        """Constants, and what goes between integers and vectors."""
        op, immediate = instruction.op, instruction.immediate
        if op == "constant_int64":
            assert not isinstance(immediate, float | str | bytes | None)
            return resolve(immediate, self.lanes)
        if op == "table":
            return self.memory.add(bytearray(immediate))  # type: ignore[arg-type]
        if op == "iota":
            return list(range(self.lanes))
        if op == "broadcast_int":
            return [scalars.wrap32(operands[0])] * self.lanes
        if op == "mask_below":
            return [lane < operands[0] for lane in range(self.lanes)]
        if op == "any":
            return int(any(operands[0]))
        return [immediate] * self.lanes

    def access(self, instruction: Instruction, operands: list[Any]) -> Any:
        """A memory access."""
        address = instruction.address
        assert address is not None
        op = instruction.op
        data: Any = operands.pop(0) if op in ("store", "store_first", "gather") else ()
        mask = operands.pop() if address.masked else [True] * self.lanes
        place = operands[0] + resolve(address.displacement, self.lanes)
        if address.indexed:
            place += operands[1] * address.scale
        if op == "prefetch":
            return None
        if op.startswith("store"):
            format = _FORMATS[instruction.operands[0].type]
            lanes = self.lanes if op == "store" else 1
            for lane in range(lanes):
                if mask[lane]:
                    self.memory.write(format, place + 4 * lane, data[lane])
            return None
        assert instruction.result is not None
        format = _FORMATS[instruction.result.type]
        if op in ("load_int64", "load_pointer"):
            return self.memory.read(format, place)
        steps = [4 * lane for lane in range(self.lanes)]
        if op == "load_broadcast":
            return [self.memory.read(format, place)] * self.lanes
        if op == "gather":
            steps = [index * address.scale for index in data]
        read = self.memory.read
        zero = 0 if format == "<i" else 0.0
        return [read(format, place + s) if on else zero for s, on in zip(steps, mask, strict=True)]


def halves(combine: Callable[[float, float], float], lanes: Sequence[float]) -> float:
    """All lanes combined: those of the lower half with those of the upper, until one is left."""
    while len(lanes) > 1:
        middle = len(lanes) // 2
        lanes = [combine(a, b) for a, b in zip(lanes[:middle], lanes[middle:], strict=True)]
    return lanes[0]


def _maximum(a: float, b: float) -> float:
    return a if a > b else b


def _minimum(a: float, b: float) -> float:
    return a if a < b else b


def _add(a: float, b: float) -> float:
    return scalars.float32(a + b)


_fma = scalars.fused_multiply_add
_REDUCTIONS: Final[dict[str, Callable[[float, float], float]]] = {
    "reduce_add": _add,
    "reduce_max": _maximum,
    "reduce_min": _minimum,
}
_INTEGERS: Final[dict[str, Callable[..., int]]] = {
    "add_int64": operator.add,
    "advance": operator.add,
    "subtract_int64": operator.sub,
    "multiply_int64": operator.mul,
    "min_int64": min,
    "max_int64": max,
}
_LANEWISE: Final[dict[str, Callable[..., Any]]] = {
    "add": _add,
    "subtract": lambda a, b: scalars.float32(a - b),
    "multiply": lambda a, b: scalars.float32(a * b),
    "divide": scalars.divide,
    "fma": _fma,
    "fms": lambda a, b, c: _fma(a, b, -c),
    "fnma": lambda a, b, c: _fma(-a, b, c),
    "fnms": lambda a, b, c: _fma(-a, b, -c),
    "max": _maximum,
    "min": _minimum,
    "sqrt": scalars.square_root,
    "negate": operator.neg,
    "absolute": abs,
    "copy_sign": math.copysign,
    "scale": scalars.scale,
    "add_int": lambda a, b: scalars.wrap32(a + b),
    "subtract_int": lambda a, b: scalars.wrap32(a - b),
    "multiply_int": lambda a, b: scalars.wrap32(a * b),
    "bit_and": operator.and_,
    "bit_or": operator.or_,
    "bit_xor": operator.xor,
    "to_int": lambda a: scalars.to_int32(a, truncate=False),
    "truncate_to_int": lambda a: scalars.to_int32(a, truncate=True),
    "to_float": lambda n: scalars.float32(n),
    "bits": scalars.float_bits,
    "float_from_bits": scalars.bits_float,
    "mask_and": operator.and_,
    "mask_or": operator.or_,
    "mask_xor": operator.xor,
    "mask_not": operator.not_,
    "select": lambda on, a, b: a if on else b,
}
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "unordered": lambda a, b: a != a or b != b,
}
_WITH_IMMEDIATE: Final[dict[str, Callable[..., Any]]] = {
    "compare": lambda predicate, a, b: _COMPARISONS[predicate](a, b),
    "compare_int": lambda predicate, a, b: _COMPARISONS[predicate](a, b),
    "round": lambda mode, a: scalars.round_to_integer(a, mode),
    "shift_left": lambda count, n: scalars.wrap32(n << count),
    "shift_right": lambda count, n: scalars.wrap32((n % (1 << 32)) >> count),
    "shift_right_signed": lambda count, n: n >> count,
}
