"""The emitter: what the selections of all targets share when they emit instructions."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from baregrad.compiler.vector.moves import Place
from baregrad.compiler.vector.program import Address, Extent, Instruction, resolve
from baregrad.compiler.vector.scalars import float_bits
from baregrad.compiler.vector.target import GENERAL, MASKS, VECTOR, Target
from baregrad.machine.assembler import Assembler
from baregrad.machine.registers import INT32_MAX, INT32_MIN, Memory, Operand, Register, rax, rsp

_WORD: Final = 8
_BITS_32: Final = 0xFFFF_FFFF


class Emitter:
    """An assembler with the constants, addresses and moves of one target's vectors.

    Attributes:
        asm: the assembler.
        lanes: of a vector.
    """

    def __init__(self, asm: Assembler, target: Target) -> None:
        self.asm = asm
        self.lanes = target.lanes
        self._vector_bytes = 4 * target.lanes
        self._broadcasts = target.selection.folds_broadcasts
        self._bits: dict[int, Memory] = {}

    def bits(self, pattern: int) -> Memory:
        """Memory operand: these 32 bits in all lanes."""
        memory = self._bits.get(pattern)
        if memory is None:
            if self._broadcasts:
                memory = self.asm.int32(pattern).to_all(self.lanes)
            else:
                memory = self.asm.int32(pattern, self.lanes)
            self._bits[pattern] = memory
        return memory

    def lane_bits(self, constant: Instruction) -> list[int]:
        """The bits of each lane of a constant vector."""
        if constant.op == "iota":
            return list(range(self.lanes))
        return [_pattern(constant)] * self.lanes

    def constant(self, constant: Instruction) -> Operand:
        """A constant as an operand: memory, or an immediate if it is a small enough integer."""
        if constant.op == "constant_int64":
            number = self.integer(constant)
            if INT32_MIN <= number <= INT32_MAX:
                return number
            return self.asm.constant(struct.pack("<q", number), 64)
        if constant.op == "iota":
            return self.iota()
        return self.bits(_pattern(constant))

    def iota(self) -> Memory:
        """Memory operand: 0, 1, 2, ..."""
        return self.asm.constant(struct.pack(f"<{self.lanes}i", *range(self.lanes)))

    def integer(self, constant: Instruction) -> int:
        """The value of an int64 constant."""
        immediate = constant.immediate
        assert isinstance(immediate, int | Extent)
        return resolve(immediate, self.lanes)

    def make(self, register: Register, constant: Instruction) -> None:
        """Bring a constant to a register; flags are left alone."""
        asm = self.asm
        if constant.op == "constant_int64":
            asm.mov(register, self.integer(constant))
        elif constant.op == "table":
            assert isinstance(constant.immediate, bytes)
            padding = bytes(-len(constant.immediate) % 64)
            asm.lea(register, asm.constant(constant.immediate + padding))
        elif constant.op == "iota":
            asm.vmovups(register, self.iota())
        elif _pattern(constant) == 0:
            asm.vxorps(register, register, register)
        else:
            asm.vbroadcastss(register, asm.int32(_pattern(constant)))

    def slot(self, offset: int, pushed: int = 0) -> Memory:
        """A spill slot; `pushed` bytes are on the stack beyond the frame."""
        return Memory(rsp, displacement=offset + pushed)

    def address(self, instruction: Instruction, operands: Sequence[Operand]) -> Memory:
        """The memory operand of a memory access; `operands` are base and index."""
        address = instruction.address
        assert address is not None
        return self._memory(address, operands[0], operands[1] if address.indexed else None)

    def vector_address(self, instruction: Instruction, operands: Sequence[Operand]) -> Memory:
        """The memory operand of a gather; `operands` are indices and base."""
        assert instruction.address is not None
        return self._memory(instruction.address, operands[1], operands[0])

    def _memory(self, address: Address, base: Operand, index: Operand | None) -> Memory:
        assert type(base) is Register
        assert index is None or type(index) is Register
        far = address.displacement
        return Memory(
            base, index, address.scale, far if type(far) is int else resolve(far, self.lanes)
        )

    def move(self, to: Place, source: Place, kind: int) -> None:
        """Move one value of a register class from any place to a register or slot."""
        if isinstance(to, Register):
            if isinstance(source, Register):
                self.copy(to, source)
            elif isinstance(source, Instruction):
                self.make(to, source)
            else:
                self.load(to, source, kind)
            return
        assert isinstance(to, int)
        if isinstance(source, Register):
            self.store(to, source, kind)
        elif isinstance(source, Instruction):
            self._make_in_slot(to, source)
        else:
            self._copy_slot(to, source, kind)

    def copy(self, to: Register, source: Register) -> None:
        """Register to register, of one class."""
        kind = to.kind
        self.asm.emit("kmovw" if kind == "k" else "mov" if kind == "r64" else "vmovaps", to, source)

    def load(self, to: Register, offset: int, kind: int) -> None:
        """Slot to register."""
        self.asm.emit(_SLOT_MOVES[kind], to, self.slot(offset))

    def store(self, offset: int, source: Register, kind: int) -> None:
        """Register to slot."""
        self.asm.emit(_SLOT_MOVES[kind], self.slot(offset), source)

    def _copy_slot(self, to: int, source: int, kind: int) -> None:
        """Slot to slot without a register. pop forms its address after rsp has gone up."""
        size = self._vector_bytes if kind == VECTOR else _WORD
        for at in range(0, size, _WORD):
            self.asm.push(Memory(rsp, displacement=source + at, size=64))
            self.asm.pop(Memory(rsp, displacement=to + at, size=64))

    def _make_in_slot(self, to: int, constant: Instruction) -> None:
        """A constant to a slot, where no register is free."""
        asm = self.asm
        if constant.op in ("constant_int64", "table"):
            asm.push(rax)
            self.make(rax, constant)
            asm.mov(self.slot(to, _WORD), rax)
            asm.pop(rax)
            return
        for lane, pattern in enumerate(self.lane_bits(constant)):
            asm.mov(Memory(rsp, displacement=to + 4 * lane, size=32), pattern)


_SLOT_MOVES: Final = {VECTOR: "vmovups", MASKS: "kmovw", GENERAL: "mov"}


def _pattern(constant: Instruction) -> int:
    """The 32 bits of a constant's every lane."""
    immediate = constant.immediate
    if isinstance(immediate, int):
        return immediate & _BITS_32
    assert isinstance(immediate, float)
    return float_bits(immediate) & _BITS_32
