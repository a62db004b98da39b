"""Register allocation by linear scan.

Poletto & Sarkar, "Linear scan register allocation" (1999), with the splitting of Wimmer & Franz,
"Linear scan register allocation on SSA form" (2010) in its simplest form: a value that loses its
register stays in memory from there on. Its later uses are memory operands where the instruction
has room for one, and otherwise reloads into a register for that instruction alone.

Since every value has one definition, it is stored once, after that, and never has to be brought
from one place to another where the flow of control joins. Two cases need care:

- A value that loses its register within a loop and was defined before it is in memory from the
  loop's beginning, for the next iteration finds it there.
- A carried value is written again and again; once it loses its register it is in memory for all of
  its life, each time stored after it is written.

Constants are not stored but made anew (Briggs, Cooper & Torczon, "Rematerialization", 1992).
"""

from __future__ import annotations

from heapq import heappop, heappush
from operator import attrgetter
from typing import Final

from baregrad.compiler.vector.errors import AllocationError
from baregrad.compiler.vector.folding import Folding
from baregrad.compiler.vector.liveness import FOREVER, IN_LOOP, UNSPILLABLE, Interval, Liveness
from baregrad.compiler.vector.program import Instruction
from baregrad.compiler.vector.target import VECTOR, Target
from baregrad.machine.registers import Register

_WORD: Final = 8


class Allocation:
    """Where everything is.

    Attributes:
        homes: the interval of each value, by its number.
        scratch: scratch registers' intervals, by the number of their instruction.
        exceptions: by the number of an instruction, the operands that are not read from their
            value's register: index, and the interval of the reload or None for a memory operand.
        results: the interval that a result is written to, where it is not its value's.
        constants: those that get a register, by the position of the instruction they precede.
        positions: of instructions, by number.
        frame_size: bytes of the spill slots; the first one is free.
    """

    def __init__(self, live: Liveness) -> None:
        self.homes = live.homes
        self.scratch = live.scratch
        self.positions = live.positions
        self.exceptions: dict[int, list[tuple[int, Interval | None]]] = {}
        self.results: dict[int, Interval] = {}
        self.constants: dict[int, list[Interval]] = {}
        self.frame_size = 0


def allocate(target: Target, folding: Folding, live: Liveness) -> Allocation:
    """Give every interval a register or memory.

    Raises:
        AllocationError: an instruction needs more registers at once than there are.
    """
    scan = _Scan(target, folding, live)
    scan.run()
    allocation = scan.allocation
    allocation.frame_size = _assign_slots(live.intervals, 4 * target.lanes)
    for interval in live.intervals:
        if interval.constant is not None and interval.memory_from > interval.start:
            allocation.constants.setdefault(interval.start + 1, []).append(interval)
    return allocation


class _Scan:
    """The state of the scan: what is still to come, what has a register now, what is free."""

    def __init__(self, target: Target, folding: Folding, live: Liveness) -> None:
        self.allocation = Allocation(live)
        self.target = target
        self.foldable = target.selection.foldable
        self.memory_operands = folding.operands
        self.live = live
        self.free = [list(reversed(registers)) for registers in target.registers]
        # by class: heaps of (end, serial number, interval); those that lost their register linger
        self.active: list[list[tuple[int, int, Interval]]] = [[], [], []]
        self.reloads: list[tuple[int, int, Interval]] = []  # a heap, by their start
        self.serial = 0

    def run(self) -> None:
        intervals = sorted(self.live.intervals, key=attrgetter("start"))
        for interval in intervals:
            constant = interval.constant
            # integers are immediates; another constant is worth a register if a loop uses it
            if constant is not None and (
                constant.op == "constant_int64" or interval.weight < IN_LOOP
            ):
                self.spill(interval, interval.start)
        reloads = self.reloads
        for interval in intervals:
            while reloads and reloads[0][0] <= interval.start:
                self.place(heappop(reloads)[2])
            if interval.memory_from > interval.start:
                self.place(interval)
        while reloads:
            self.place(heappop(reloads)[2])

    def place(self, interval: Interval) -> None:
        """Give an interval a register, if need be another's."""
        start, kind = interval.start, interval.kind
        active, free = self.active[kind], self.free[kind]
        while active and active[0][0] < start:
            ended = heappop(active)[2]
            if ended.memory_from == FOREVER:
                free.append(ended.register)
        hint = interval.hint
        if hint is not None and hint.register in free:
            free.remove(hint.register)
            interval.register = hint.register
        elif free:
            # the one that was freed last, which is most often an operand's that dies here
            interval.register = free.pop()
        else:
            interval.register = self.evict(kind, start)
        self.serial += 1
        heappush(active, (interval.end, self.serial, interval))

    def evict(self, kind: int, position: int) -> Register:
        """Take the register of the interval that is cheapest to keep in memory."""
        victim, lowest = None, UNSPILLABLE
        for _, _, interval in self.active[kind]:
            if interval.memory_from == FOREVER:
                cost = interval.weight / (interval.end - interval.start + 1)
                if cost < lowest and not _is_read_at(interval, position):
                    victim, lowest = interval, cost
        if victim is None:
            names = ("vector", "mask", "general")
            raise AllocationError(
                f"{self.target.name} with {len(self.target.registers[kind])} {names[kind]} "
                "registers: a single instruction needs more"
            )
        self.spill(victim, position)
        return victim.register

    def spill(self, interval: Interval, position: int) -> None:
        """Keep an interval in memory from `position` on."""
        interval.memory_from = since = self._memory_from(interval, position)
        for at, instruction, index in interval.uses:
            if at >= since:
                self._use_memory(interval, instruction, index, at, position)
        for at, number in interval.definitions:
            if at >= position and number >= 0:
                self.allocation.results[number] = self._short(interval.kind, at, at)

    def _memory_from(self, interval: Interval, position: int) -> int:
        if interval.mutable:
            return interval.start
        for header, end in self.live.loops:
            if header < position <= end and header >= interval.start:
                # a constant that was to be made just before the loop need not be
                is_new = interval.constant is not None and header == interval.start + 1
                return interval.start if is_new else header + 1
        return position

    def _use_memory(
        self, interval: Interval, instruction: Instruction, index: int, at: int, position: int
    ) -> None:
        """One use of an interval in memory: a memory operand, or a reload."""
        number = instruction.number
        exceptions = self.allocation.exceptions.setdefault(number, [])
        if number not in self.memory_operands and index in self.foldable.get(instruction.op, ()):
            self.memory_operands[number] = index
            exceptions.append((index, None))
        elif at < position:
            # until now it had its register to itself
            past = Interval(at, interval.kind)
            past.register = interval.register
            exceptions.append((index, past))
        else:
            # the operands of an instruction are brought together, before it reads any
            exceptions.append((index, self._short(interval.kind, at & ~1, at)))

    def _short(self, kind: int, start: int, end: int) -> Interval:
        """An interval for one instruction's sake, which will get a register when its turn comes."""
        interval = Interval(start, kind)
        interval.end = end
        interval.weight = UNSPILLABLE
        self.serial += 1
        heappush(self.reloads, (start, self.serial, interval))
        return interval


def _is_read_at(interval: Interval, position: int) -> bool:
    """Whether an instruction that is about to read its operands at `position` reads this one."""
    return any(at == position or at == position | 1 for at, _, _ in interval.uses)


def _assign_slots(intervals: list[Interval], vector_size: int) -> int:
    """Give what is in memory its slots, vectors first; returns the bytes of all slots.

    Intervals that do not live together may share one. The first slot is nobody's: moves in a circle
    go by way of it.
    """
    spilled = [i for i in intervals if i.memory_from != FOREVER and i.constant is None]
    size = vector_size
    for vectors in (True, False):
        slots: list[tuple[int, list[Interval]]] = []
        for interval in spilled:
            if (interval.kind == VECTOR) is not vectors:
                continue
            for offset, owners in slots:
                if all(o.end < interval.start or interval.end < o.start for o in owners):
                    owners.append(interval)
                    interval.slot = offset
                    break
            else:
                interval.slot = size
                slots.append((size, [interval]))
                size += vector_size if vectors else _WORD
    return size
