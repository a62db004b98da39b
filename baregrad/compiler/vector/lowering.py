"""Lowering: a program whose values all have their place becomes instructions.

Frame of the function, from rsp upwards: the spill slots (aligned to 64 bytes), two words for MXCSR.
rbp keeps where the stack was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from baregrad.compiler.vector.allocation import Allocation, allocate
from baregrad.compiler.vector.calling import argument_registers, spread_floats
from baregrad.compiler.vector.emitter import Emitter
from baregrad.compiler.vector.folding import Folding, fold_loads
from baregrad.compiler.vector.liveness import Interval, live_intervals
from baregrad.compiler.vector.moves import Move, Place, move_all
from baregrad.compiler.vector.operations import ALIASES
from baregrad.compiler.vector.program import Instruction, Loop, Program, Value, resolve
from baregrad.compiler.vector.target import Target
from baregrad.compiler.vector.verifier import verify
from baregrad.machine.assembler import Assembler
from baregrad.machine.convention import enter, flush_denormals, leave, restore_mxcsr
from baregrad.machine.registers import Memory, Operand, Register, eax, rbp, rsp

_LOOP_ALIGNMENT: Final = 32
_FRAME_ALIGNMENT: Final = 64
_WORD: Final = 8
_PAGE: Final = 4096


def lower(program: Program, target: Target, asm: Assembler, *, flush_to_zero: bool = False) -> None:
    """Append a function that runs `program` by the host's C convention.

    Args:
        program: is verified first.
        target: whose instructions.
        asm: where to; bind a label first if there is more than one function.
        flush_to_zero: whether denormal numbers are taken and given as zero.

    Raises:
        ProgramError: the program is not well formed, or has too many parameters.
    """
    verify(program)
    arguments = argument_registers(program, target)
    folding = fold_loads(program, target.selection)
    live = live_intervals(program, target, folding, arguments)
    allocation = allocate(target, folding, live)
    _Lowering(program, target, asm, folding, allocation).run(arguments, flush_to_zero)


class _Lowering:
    """The walk over one program."""

    def __init__(
        self,
        program: Program,
        target: Target,
        asm: Assembler,
        folding: Folding,
        allocation: Allocation,
    ) -> None:
        self.program = program
        self.asm = asm
        self.emitter = Emitter(asm, target)
        self.selection = target.selection
        self.folding = folding
        self.allocation = allocation
        self.homes = allocation.homes
        self.lanes = target.lanes

    def run(self, arguments: list[Register], flush_to_zero: bool) -> None:
        asm, slots = self.asm, self.allocation.frame_size
        saved = Memory(rsp, displacement=slots, size=32)
        scratch = Memory(rsp, displacement=slots + _WORD, size=32)
        enter(asm)
        asm.mov(rbp, rsp)
        for page in range(_PAGE, slots, _PAGE):
            # Windows gives a stack its pages one after the other, as they are touched
            asm.test(Memory(rsp, displacement=-page), eax)
        asm.sub(rsp, slots + 2 * _WORD)
        asm.and_(rsp, -_FRAME_ALIGNMENT)
        if flush_to_zero:
            # changes eax, where a parameter may be brought only after this
            flush_denormals(asm, saved, scratch)
        self.enter_parameters(arguments)
        self.region(self.program.body, outermost=True)
        if flush_to_zero:
            restore_mxcsr(asm, saved)
        asm.mov(rsp, rbp)
        leave(asm)

    def enter_parameters(self, arguments: list[Register]) -> None:
        for whole, part in spread_floats(self.program, arguments):
            self.asm.vbroadcastss(whole, part)
        intervals = [self.homes[p.value.number] for p in self.program.parameters]
        moves: list[Move] = [
            (_place(interval, interval.start), register, interval.kind)
            for interval, register in zip(intervals, arguments, strict=True)
        ]
        move_all(moves, self.emitter.move)
        for interval in intervals:
            if interval.slot >= 0 and interval.memory_from > interval.start:
                self.emitter.store(interval.slot, interval.register, interval.kind)

    def region(self, region: list[Instruction], *, outermost: bool = False) -> None:
        allocation, folding, homes = self.allocation, self.folding, self.homes
        exceptions, memory_operands = allocation.exceptions, folding.operands
        results, scratches = allocation.results, allocation.scratch
        emit, emitter = self.selection.emit, self.emitter
        for instruction in region:
            number, op = instruction.number, instruction.op
            if outermost:
                self.make_constants(allocation.positions[number])
            if op in ALIASES or number in folding.folded:
                continue
            if type(instruction) is Loop:
                self.loop(instruction)
                continue
            if number in exceptions or number in memory_operands:
                operands = self.operands(instruction)
            else:
                operands = [homes[value.number].register for value in instruction.operands]
            scratch = [i.register for i in scratches[number]] if number in scratches else ()
            if instruction.result is None:
                emit[op](emitter, instruction, None, operands, scratch)
                continue
            home = homes[instruction.result.number]
            register = results.get(number, home).register
            emit[op](emitter, instruction, register, operands, scratch)
            if home.slot >= 0:
                emitter.store(home.slot, register, home.kind)

    def make_constants(self, position: int) -> None:
        """Those that have a register from here on."""
        for interval in self.allocation.constants.get(position, ()):
            assert interval.constant is not None
            self.emitter.make(interval.register, interval.constant)

    def operands(self, instruction: Instruction) -> list[Operand]:
        """The operands of an instruction not all of which are in registers; emits reloads."""
        number = instruction.number
        operands: list[Operand] = [self.homes[v.number].register for v in instruction.operands]
        for index, reload in self.allocation.exceptions.get(number, ()):
            home = self.homes[instruction.operands[index].number]
            if reload is not None:
                source: Place = home.slot if home.constant is None else home.constant
                self.emitter.move(reload.register, source, home.kind)
                operands[index] = reload.register
            elif home.constant is not None:
                operands[index] = self.emitter.constant(home.constant)
            else:
                operands[index] = self.emitter.slot(home.slot)
        load = self.folding.loads.get(number)
        if load is not None:
            memory = self.emitter.address(load, self.operands(load))
            broadcast = load.op == "load_broadcast"
            index = self.folding.operands[number]
            operands[index] = memory.to_all(self.lanes) if broadcast else memory
        return operands

    def loop(self, loop: Loop) -> None:
        asm, positions = self.asm, self.allocation.positions
        head, end = asm.label(f"loop{loop.number}"), asm.label(f"end{loop.number}")
        position = positions[loop.number]
        runs = self.compare_bounds(loop)
        carried = (loop.counter, *loop.carried)
        self.move(carried, (loop.operands[0], *loop.initial), position + 1, position)
        if runs:
            asm.emit(runs, end)
        asm.align(_LOOP_ALIGNMENT)
        asm.bind(head)
        self.region(loop.body)
        latch = positions[loop.latch.number]
        self.move(loop.carried, loop.next, latch, latch - 2)
        self.latch(loop)
        asm.jl(head)
        asm.bind(end)

    def compare_bounds(self, loop: Loop) -> str:
        """Compare start and stop; returns the jump to take if there is nothing to do, if any."""
        start, stop = (self.homes[value.number].constant for value in loop.operands[:2])
        if start is not None and stop is not None:
            first, last = self.emitter.integer(start), self.emitter.integer(stop)
            return "" if first < last else "jmp"
        a, b = self.operands(loop)[:2]
        if isinstance(a, int):
            self.asm.cmp(b, a)
            return "jle"
        self.asm.cmp(a, b)
        return "jge"

    def latch(self, loop: Loop) -> None:
        """Count on, and compare with stop."""
        asm, latch = self.asm, loop.latch
        counter, stop = self.operands(latch)
        assert isinstance(counter, Register)
        home = self.homes[loop.counter.number]
        register = self.allocation.results.get(latch.number, home).register
        asm.lea(register, Memory(counter, displacement=resolve(loop.step, self.lanes)))
        if home.slot >= 0:
            self.emitter.store(home.slot, register, home.kind)
        asm.cmp(register, stop)

    def move(self, to: Sequence[Value], source: Sequence[Value], after: int, before: int) -> None:
        """All values of `source` to their places in `to` at once; flags are left alone."""
        moves: list[Move] = []
        for target, value in zip(to, source, strict=True):
            interval = self.homes[target.number]
            place = _place(interval, after)
            moves.append((place, _place(self.homes[value.number], before), interval.kind))
        move_all(moves, self.emitter.move)


def _place(interval: Interval, position: int) -> Place:
    """Where an interval is at some position."""
    if position < interval.memory_from:
        return interval.register
    return interval.slot if interval.constant is None else interval.constant
