"""Live intervals: from where to where each value needs a place.

Instructions are numbered in the order of the code, two positions each: at the even one the
operands are read, at the odd one after it the result is written. An interval is one range without
holes, as in Poletto & Sarkar, "Linear scan register allocation" (1999); what is live into a loop
and used in it stays live to the loop's end. Values that can share a place are coalesced into one
interval: a carried value with its initial value and with its next one, where the one dies before
the other is born, and the two sides of a reinterpretation of bits.
"""

from __future__ import annotations

from typing import Final

from baregrad.compiler.vector.folding import Folding
from baregrad.compiler.vector.operations import ALIASES
from baregrad.compiler.vector.program import Instruction, Loop, Program, Value
from baregrad.compiler.vector.target import VECTOR, Target
from baregrad.machine.registers import Register

FOREVER: Final = 1 << 60
NOWHERE: Final = Register("nowhere", "none", -1, 0)
UNSPILLABLE: Final = float("inf")
# the weight of a use by the depth of the loops around it; a use in a loop outweighs many outside
_DEPTH_WEIGHTS: Final = (1.0, 1e3, 1e4, 1e5, 1e6, 1e7)
IN_LOOP: Final = _DEPTH_WEIGHTS[1]


class Interval:
    """A value, or several coalesced, from `start` to `end`.

    Attributes:
        start: first position.
        end: last position.
        kind: register class.
        uses: position, instruction and operand index of each use that needs a register.
        definitions: position and instruction number of each; a loop's moves are not among them.
        weight: of the uses, by the depth of their loops.
        constant: the instruction that makes it anew wherever it is needed, if there is one.
        mutable: whether it is written more than once, being carried by a loop.
        hint: whose register it would best have.
        register: where it is, from `start` to before `memory_from`.
        memory_from: from this position on it is in memory (or made anew).
        slot: where in memory: bytes from the frame's start; negative for none.
        merged_into: the interval that this one was coalesced into, if it was.
    """

    __slots__ = (
        "constant",
        "definitions",
        "end",
        "hint",
        "kind",
        "memory_from",
        "merged_into",
        "mutable",
        "register",
        "slot",
        "start",
        "uses",
        "weight",
    )

    def __init__(self, start: int, kind: int, constant: Instruction | None = None) -> None:
        self.start = start
        self.end = start
        self.kind = kind
        self.uses: list[tuple[int, Instruction, int]] = []
        self.definitions: list[tuple[int, int]] = []
        self.weight = 0.0
        self.constant = constant
        self.mutable = False
        self.hint: Interval | None = None
        self.register = NOWHERE
        self.memory_from = FOREVER
        self.slot = -1
        self.merged_into: Interval | None = None


UNUSED: Final = Interval(0, VECTOR)  # stands for the interval of a value that nothing uses


class Liveness:
    """What there is to allocate.

    Attributes:
        homes: the interval of each value, by its number.
        intervals: all of them once.
        scratch: scratch registers' intervals, by the number of their instruction.
        loops: first and last position of each loop, outer ones first.
        positions: of each instruction, by its number.
    """

    __slots__ = ("homes", "intervals", "loops", "positions", "scratch")

    def __init__(self, program: Program) -> None:
        self.homes = [UNUSED] * program.value_count
        self.intervals: list[Interval] = []
        self.scratch: dict[int, list[Interval]] = {}
        self.loops: list[tuple[int, int]] = []
        self.positions = [0] * program.instruction_count


def live_intervals(
    program: Program, target: Target, folding: Folding, arguments: list[Register]
) -> Liveness:
    """The live intervals of a program whose parameters arrive in these registers."""
    walk = _Walk(program, target, folding)
    for parameter, register in zip(program.parameters, arguments, strict=True):
        interval = walk.define(parameter.value, 1, -1)
        interval.hint = Interval(0, interval.kind)
        interval.hint.register = register
    walk.region(program.body)
    return walk.finish()


class _Walk:
    """One pass over the program in the order of the code."""

    def __init__(self, program: Program, target: Target, folding: Folding) -> None:
        self.live = Liveness(program)
        self.folding = folding
        self.classes = target.classes
        self.selection = target.selection
        self.position = 0
        self.depth = 0
        self.top = 0  # the position of the outermost instruction that is being walked
        # of the innermost loop: its position, and what was defined before it and used in it
        self.header = -1
        self.inherited: set[Interval] = set()
        self.constants = {c.result.number: c for c in program.constants if c.result is not None}
        self.weight = _DEPTH_WEIGHTS[0]

    def finish(self) -> Liveness:
        live = self.live
        # most are not part of another
        live.homes = [x if x.merged_into is None else _current(x) for x in live.homes]
        live.intervals = [i for i in live.intervals if i.merged_into is None]
        return live

    def define(self, value: Value, position: int, number: int) -> Interval:
        """A new interval for a value that is written at `position`."""
        interval = Interval(position, self.classes[value.type])
        interval.definitions.append((position, number))
        self.live.homes[value.number] = interval
        self.live.intervals.append(interval)
        return interval

    def home(self, value: Value) -> Interval:
        """The interval of a value; a constant's begins with the outermost loop that uses it."""
        interval = self.live.homes[value.number]
        if interval is UNUSED:
            constant = self.constants[value.number]
            # it is made before that loop, at the odd position
            interval = Interval(self.top - 1, self.classes[value.type], constant)
            self.live.homes[value.number] = interval
            self.live.intervals.append(interval)
        return _current(interval)

    def need(self, value: Value, position: int) -> Interval:
        """`value` must still be somewhere at `position`."""
        interval = self.home(value)
        if position > interval.end:
            interval.end = position
        if interval.start < self.header:
            self.inherited.add(interval)
        return interval

    def use(self, instruction: Instruction, position: int) -> None:
        """The operands of an instruction are read from registers at `position`."""
        number, homes, header = instruction.number, self.live.homes, self.header
        weight = self.weight
        folded = self.folding.operands.get(number, -1)
        for index, value in enumerate(instruction.operands):
            if index == folded:
                self.use(self.folding.loads[number], position)
                continue
            interval = homes[value.number]
            if interval is UNUSED or interval.merged_into is not None:
                interval = self.home(value)
            interval.uses.append((position, instruction, index))
            interval.weight += weight
            if position > interval.end:
                interval.end = position
            if interval.start < header:
                self.inherited.add(interval)

    def region(self, region: list[Instruction]) -> None:
        scratch, early = self.selection.scratch, self.selection.early
        positions, folded = self.live.positions, self.folding.folded
        for instruction in region:
            number = instruction.number
            if number in folded:
                continue  # its operands are read where it is used
            self.position = position = self.position + 2
            positions[number] = position
            if not self.depth:
                self.top = position
            op = instruction.op
            if type(instruction) is Loop:
                self.loop(instruction)
                continue
            result = instruction.result
            if op in ALIASES:
                assert result is not None
                self.live.homes[result.number] = self.home(instruction.operands[0])
                continue
            self.use(instruction, position + 1 if op in early else position)
            if op in scratch:
                self._scratch(number, position, scratch[op])
            if result is not None:
                self.define(result, position + 1, number)

    def _scratch(self, number: int, position: int, kinds: tuple[int, ...]) -> None:
        intervals = [Interval(position, kind) for kind in kinds]
        for interval in intervals:
            interval.end = position + 1
            interval.weight = UNSPILLABLE
        self.live.scratch[number] = intervals
        self.live.intervals += intervals

    def loop(self, loop: Loop) -> None:
        header = self.position
        place = len(self.live.loops)
        self.live.loops.append((header, header))
        bounds = loop.operands[:2]
        if not all(value.number in self.constants for value in bounds):
            for index, value in enumerate(bounds):
                self.need(value, header).uses.append((header, loop, index))
        carried = self._enter(loop, header)
        outer_header, outer_inherited = self.header, self.inherited
        self.header, self.inherited = header, set()
        self._enter_depth(self.depth + 1)
        self.region(loop.body)
        self.position += 2
        following = [self.need(value, self.position) for value in loop.next]
        self._coalesce(carried[1:], following)
        self.position = latch = self.position + 2
        self.live.positions[loop.latch.number] = latch
        self.use(loop.latch, latch)
        carried[0].definitions.append((latch + 1, loop.latch.number))
        self._enter_depth(self.depth - 1)
        self.live.loops[place] = (header, latch + 1)
        for interval in (*self.inherited, *carried):
            interval = _current(interval)
            interval.end = max(interval.end, latch + 1)
            if interval.start < outer_header:
                outer_inherited.add(interval)
        self.header, self.inherited = outer_header, outer_inherited
        for value, interval in zip((loop.end, *loop.results), carried, strict=True):
            self.live.homes[value.number] = interval

    def _enter_depth(self, depth: int) -> None:
        self.depth = depth
        self.weight = _DEPTH_WEIGHTS[min(depth, len(_DEPTH_WEIGHTS) - 1)]

    def _enter(self, loop: Loop, header: int) -> list[Interval]:
        """The intervals of the counter and the carried values, best where the initial ones are."""
        intervals = []
        initial = (loop.operands[0], *loop.initial)
        for value, first in zip((loop.counter, *loop.carried), initial, strict=True):
            source = self.need(first, header)
            interval = self.define(value, header + 1, -1)
            interval.mutable = True
            interval.hint = source
            intervals.append(interval)
        return intervals

    def _coalesce(self, carried: list[Interval], following: list[Interval]) -> None:
        """Let a carried value and its next one share a place, if they never live together."""
        for interval, after in zip(carried, following, strict=True):
            if after.merged_into is not None or after in carried or after.constant is not None:
                continue
            if interval.end < after.start and after.start > self.header:
                interval.uses += after.uses
                interval.definitions += after.definitions
                interval.weight += after.weight
                interval.end = after.end
                after.merged_into = interval


def _current(interval: Interval) -> Interval:
    """The interval that `interval` is part of now."""
    while interval.merged_into is not None:
        interval = interval.merged_into
    return interval
