"""Which loads become memory operands of the instruction that uses them.

A load is folded if its result is used once, further on in the same region, with no store or loop
between, by an operation that takes memory there. An instruction has one memory operand at most.
"""

from __future__ import annotations

from baregrad.compiler.vector.program import Instruction, Loop, Program
from baregrad.compiler.vector.target import Selection


class Folding:
    """The decision.

    Attributes:
        use_counts: how often each value is used, by its number.
        loads: the folded load, by the number of the instruction that uses it.
        operands: the operand that is memory, by the number of the instruction.
        folded: the numbers of the folded loads.
    """

    __slots__ = ("folded", "loads", "operands", "use_counts")

    def __init__(self, program: Program) -> None:
        self.use_counts = [0] * program.value_count
        self.loads: dict[int, Instruction] = {}
        self.operands: dict[int, int] = {}
        self.folded: set[int] = set()


def fold_loads(program: Program, selection: Selection) -> Folding:
    """Decide for a whole program."""
    folding = Folding(program)
    _count(program.body, folding.use_counts)
    _fold(program.body, selection, folding)
    return folding


def _count(region: list[Instruction], counts: list[int]) -> None:
    for instruction in region:
        for value in instruction.operands:
            counts[value.number] += 1
        if type(instruction) is Loop:
            for value in (*instruction.next, *instruction.latch.operands):
                counts[value.number] += 1
            _count(instruction.body, counts)


def _fold(region: list[Instruction], selection: Selection, folding: Folding) -> None:
    foldable, broadcasts = selection.foldable, selection.folds_broadcasts
    counts = folding.use_counts
    pending: dict[int, Instruction] = {}  # loads that may still be folded, by value
    for instruction in region:
        op = instruction.op
        if op == "load" or (broadcasts and op == "load_broadcast"):
            result, address = instruction.result, instruction.address
            assert result is not None
            assert address is not None
            if counts[result.number] == 1 and not address.masked:
                pending[result.number] = instruction
        elif type(instruction) is Loop:
            pending.clear()
            _fold(instruction.body, selection, folding)
        elif pending:
            for index in foldable.get(op, ()):
                load = pending.get(instruction.operands[index].number)
                if load is not None:
                    folding.loads[instruction.number] = load
                    folding.operands[instruction.number] = index
                    folding.folded.add(load.number)
                    break
            if op == "store" or op == "store_first":
                pending.clear()
