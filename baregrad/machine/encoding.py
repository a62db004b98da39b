"""The encoding rules: from a chosen row and its operands to bytes. One function is one rule.

Legacy: Intel SDM volume 2, section 2.1 (ModRM, SIB) and 2.2.1 (REX). VEX: section 2.3. EVEX:
section 2.7. AMD APM volume 3, sections 1.1 to 1.2.9, says the same of all but EVEX.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from baregrad.machine.registers import Memory, Operand, Register
from baregrad.machine.rows import Row

_SCALE_BITS: Final = {1: 0x00, 2: 0x40, 4: 0x80, 8: 0xC0}
_ROUNDING: Final = {"rn": 0, "rd": 1, "ru": 2, "rz": 3}
# EVEX as one number, first byte lowest: 62, three payload bytes, opcode, ModRM. What the operands'
# numbers change in it; R, X, B, R', V' and vvvv are inverted
_EVEX_REG: Final = [(n & 8) << 12 | (n & 16) << 8 | (n & 7) << 43 for n in range(32)]
_EVEX_VVVV: Final = [(n & 15) << 19 | (n & 16) << 23 for n in range(32)]
# a vector register's fifth bit is X, which no index needs here
_EVEX_RM: Final = [(n & 24) << 10 | (n & 7) << 40 for n in range(32)]
_EVEX_BASE: Final = [(n & 8) << 10 for n in range(16)]
# the fifth bit of a vector index is V'
_EVEX_INDEX: Final = [(n & 8) << 11 | (n & 16) << 23 for n in range(32)]
_EVEX_MASK_SHIFT: Final = 24
_WITHOUT_MODRM: Final = (1 << 40) - 1

Operands = Sequence[Any]  # of the kinds for which the form was made


class Form:
    """A row fitted to one combination of operand kinds, with all that is known ahead worked out.

    Attributes:
        row: of the tables.
        zeroing: whether elements without their mask bit become zero.
        rounding: embedded rounding, if any.
        reg: which operand is ModRM.reg; like those that follow, negative for none.
        rm: which operand is ModRM.rm.
        vvvv: which operand is vvvv.
        prefix: before the opcode, of legacy encodings.
        opcode: of legacy encodings with the escape bytes.
        digit: ModRM.reg where no operand is there.
        wide: W.
        immediate: which operand is the immediate.
        register_immediate: which operand is a register in an immediate byte.
        in_opcode: which operand is the low bits of the opcode.
        memory: which operand is memory.
        displacement_scale: N of disp8*N.
        word: EVEX without the operands, as one number.
        p0: first payload byte of VEX, without register numbers.
        p1: second payload byte of VEX.
        byte_operand: whether there may be a register of 8 bits.
        rule: the function that encodes it.
    """

    __slots__ = (
        "byte_operand",
        "digit",
        "displacement_scale",
        "immediate",
        "immediate_bytes",
        "in_opcode",
        "memory",
        "opcode",
        "p0",
        "p1",
        "prefix",
        "reg",
        "register_immediate",
        "rm",
        "rounding",
        "row",
        "rule",
        "vvvv",
        "wide",
        "word",
        "zeroing",
    )

    def __init__(
        self, row: Row, kinds: Sequence[str], zeroing: bool = False, rounding: str | None = None
    ) -> None:
        """Work out the constant parts of the encoding."""
        self.row = row
        self.zeroing = zeroing
        self.rounding = rounding
        roles = row.roles
        self.reg, self.rm, self.vvvv = roles.find("R"), roles.find("M"), roles.find("V")
        self.immediate, self.register_immediate = roles.find("I"), roles.find("S")
        self.in_opcode = roles.find("O")
        encoding = row.encoding
        self.prefix, self.opcode, self.digit = encoding.prefix, encoding.opcode, encoding.digit
        self.wide = row.wide
        self.byte_operand = any(pattern.text.startswith("r8") for pattern in row.patterns)
        self.immediate_bytes = encoding.immediate_bytes
        kind = kinds[self.rm] if self.rm >= 0 else ""
        broadcast = kind.startswith("b")
        self.memory = self.rm if broadcast or kind.startswith(("m", "vm")) else -1
        self.displacement_scale = 1
        self.word = self.p0 = self.p1 = 0
        self.rule: Callable[[bytearray, Form, Operands, int], None] = legacy
        if row.scheme == "VEX":
            self.rule = vex
            self.p0 = 0xE0 | encoding.opcode_map
            self.p1 = 0x78 | row.wide << 7 | row.length << 2 | encoding.mandatory
        elif row.scheme == "EVEX":
            self.rule = evex
            self._evex_constants(broadcast)

    def _evex_constants(self, broadcast: bool) -> None:
        row, rounding = self.row, self.rounding
        if self.rm >= 0:
            pattern = row.patterns[self.rm]
            bits = pattern.broadcast_bits if broadcast else pattern.memory_bits
            self.displacement_scale = max(bits // 8, 1)
        length = row.length if rounding in (None, "sae") else _ROUNDING[rounding or ""]
        special = broadcast or rounding is not None
        encoding = row.encoding
        p0 = 0xF0 | encoding.opcode_map
        p1 = 0x7C | row.wide << 7 | encoding.mandatory
        p2 = 0x08 | self.zeroing << 7 | length << 5 | special << 4
        self.word = int.from_bytes((0x62, p0, p1, p2, encoding.opcode[0], 0xC0), "little")


# what the assembler keeps of an instruction, to list it: its place, among the bytes and after how
# many items of the layout; its form, operands and mask
Emitted = tuple[int, int, Form, Sequence[Operand], int]


def encode(code: bytearray, form: Form, operands: Operands, mask: int) -> None:
    """Append one instruction. Of a rip-relative operand, the displacement is left zero."""
    form.rule(code, form, operands, mask)
    if form.immediate >= 0:
        size = form.immediate_bytes
        code += (operands[form.immediate] & (1 << 8 * size) - 1).to_bytes(size, "little")
    elif form.register_immediate >= 0:
        code.append(operands[form.register_immediate].index << 4)


def evex(code: bytearray, form: Form, operands: Operands, mask: int) -> None:
    """EVEX: 62, three payload bytes, opcode, ModRM."""
    reg = operands[form.reg].index if form.reg >= 0 else form.digit
    word = form.word ^ _EVEX_REG[reg] | mask << _EVEX_MASK_SHIFT
    if form.vvvv >= 0:
        word ^= _EVEX_VVVV[operands[form.vvvv].index]
    rm = operands[form.rm]
    if form.memory < 0:
        code += (word ^ _EVEX_RM[rm.index]).to_bytes(6, "little")
        return
    if rm.base is not None:
        word ^= _EVEX_BASE[rm.base.index]
    if rm.index is not None:
        word ^= _EVEX_INDEX[rm.index.index]
    code += (word & _WITHOUT_MODRM).to_bytes(5, "little")
    modrm_memory(code, reg, rm, form.displacement_scale)


def vex(code: bytearray, form: Form, operands: Operands, _: int) -> None:
    """VEX: C5 with one payload byte where X, B, W and the map allow it, else C4 with two."""
    reg = operands[form.reg].index if form.reg >= 0 else form.digit
    vvvv = operands[form.vvvv].index if form.vvvv >= 0 else 0
    rm = operands[form.rm] if form.rm >= 0 else None
    p0 = form.p0 ^ (reg & 8) << 4
    p1 = form.p1 ^ vvvv << 3
    if type(rm) is Register:
        p0 ^= (rm.index & 8) << 2
    elif type(rm) is Memory:
        if rm.base is not None:
            p0 ^= (rm.base.index & 8) << 2
        if rm.index is not None:
            p0 ^= (rm.index.index & 8) << 3
    opcode = form.opcode[0]
    if p0 & 0x7F == 0x61 and not p1 & 0x80:
        code += bytes((0xC5, p0 & 0x80 | p1 & 0x7F, opcode))
    else:
        code += bytes((0xC4, p0, p1, opcode))
    if type(rm) is Register:
        code.append(0xC0 | (reg & 7) << 3 | rm.index & 7)
    elif type(rm) is Memory:
        modrm_memory(code, reg, rm, 1)


def legacy(code: bytearray, form: Form, operands: Operands, _: int) -> None:
    """Legacy prefixes, REX where a bit of it or a byte register needs it, opcode, ModRM."""
    code += form.prefix
    reg = operands[form.reg].index if form.reg >= 0 else form.digit
    rex = form.wide << 3 | (reg & 8) >> 1
    rm = operands[form.rm] if form.rm >= 0 else None
    low = operands[form.in_opcode] if form.in_opcode >= 0 else None
    if type(rm) is Register:
        rex |= rm.index >> 3
    elif type(rm) is Memory:
        if rm.base is not None:
            rex |= rm.base.index >> 3
        if rm.index is not None:
            rex |= rm.index.index >> 3 << 1
    elif type(low) is Register:
        rex |= low.index >> 3
    if rex or (form.byte_operand and _needs_rex(operands)):
        code.append(0x40 | rex)
    code += form.opcode
    if type(rm) is Register:
        code.append(0xC0 | (reg & 7) << 3 | rm.index & 7)
    elif type(rm) is Memory:
        modrm_memory(code, reg, rm, 1)
    elif type(low) is Register:
        code[-1] |= low.index & 7


def _needs_rex(operands: Operands) -> bool:
    """Without REX, byte registers 4 to 7 are ah, ch, dh, bh and not spl, bpl, sil, dil."""
    return any(type(o) is Register and o.bits == 8 and 4 <= o.index < 8 for o in operands)


def modrm_memory(code: bytearray, reg: int, memory: Memory, scale: int) -> None:
    """ModRM, SIB and displacement of a memory operand; `scale` is N of disp8*N."""
    base, index, displacement = memory.base, memory.index, memory.displacement
    reg = (reg & 7) << 3
    if base is None:
        _without_base(code, reg, memory)
        return
    low = base.index & 7
    mode, size = 0x80, 4
    # mod 00 with base 101 means "no base": rbp and r13 always take a displacement
    if displacement == 0 and low != 5:
        mode, size = 0, 0
    elif displacement % scale == 0 and -128 <= displacement // scale <= 127:
        mode, size, displacement = 0x40, 1, displacement // scale
    if index is not None:
        code += bytes((mode | reg | 4, _SCALE_BITS[memory.scale] | (index.index & 7) << 3 | low))
    elif low == 4:
        # rm 100 means "SIB follows": rsp and r12 are written as a SIB without index (100)
        code += bytes((mode | reg | 4, 0x24))
    else:
        code.append(mode | reg | low)
    if size:
        code += (displacement & (0xFF if size == 1 else 0xFFFF_FFFF)).to_bytes(size, "little")


def _without_base(code: bytearray, reg: int, memory: Memory) -> None:
    """``[rip + label]``, ``[index * scale + disp32]`` or ``[disp32]``."""
    if memory.label is not None:
        code += bytes((reg | 5, 0, 0, 0, 0))
        return
    index = memory.index
    sib = 0x25 if index is None else _SCALE_BITS[memory.scale] | (index.index & 7) << 3 | 5
    code += bytes((reg | 4, sib))
    code += (memory.displacement & 0xFFFF_FFFF).to_bytes(4, "little")


# SDM volume 2, NOP, table 4-12: the recommended sequences of one to nine bytes
_NOPS: Final = tuple(
    bytes.fromhex(text)
    for text in (
        "90",
        "6690",
        "0F1F00",
        "0F1F4000",
        "0F1F440000",
        "660F1F440000",
        "0F1F8000000000",
        "0F1F840000000000",
        "660F1F840000000000",
    )
)


def nop_padding(size: int) -> bytes:
    """`size` bytes that do nothing, in as few instructions as there can be."""
    longest = _NOPS[-1]
    whole, rest = divmod(size, len(longest))
    return longest * whole + (_NOPS[rest - 1] if rest else b"")
