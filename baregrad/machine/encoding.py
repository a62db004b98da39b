"""The encoding rules: from a chosen row and its operands to bytes. One function is one rule.

Legacy: Intel SDM volume 2, section 2.1 (ModRM, SIB) and 2.2.1 (REX). VEX: section 2.3. EVEX:
section 2.7. AMD APM volume 3, sections 1.1 to 1.2.9, says the same of all but EVEX.
"""

from collections.abc import Sequence
from typing import Final

from baregrad.machine.registers import Memory, Operand, Register
from baregrad.machine.rows import Row

_SCALE_BITS: Final = {1: 0x00, 2: 0x40, 4: 0x80, 8: 0xC0}
_ROUNDING: Final = {"rn": 0, "rd": 1, "ru": 2, "rz": 3}
ABSENT: Final = -1


class Form:
    """A row fitted to one combination of operand kinds, with all that is known ahead worked out.

    `reg`, `rm`, `vvvv`, `immediate` and `register_immediate` say which operand goes where.
    """

    def __init__(
        self, row: Row, kinds: Sequence[str], zeroing: bool = False, rounding: str | None = None
    ) -> None:
        """Work out the constant parts of the encoding."""
        self.row = row
        roles = row.roles
        self.reg, self.rm, self.vvvv = roles.find("R"), roles.find("M"), roles.find("V")
        self.immediate, self.register_immediate = roles.find("I"), roles.find("S")
        self.in_opcode = roles.find("O")
        self.scheme = row.scheme
        self.digit = row.digit
        self.opcode = row.opcode[0]
        self.opcode_bytes, self.prefix = row.opcode, row.prefix
        self.byte_operand = any(pattern.text.startswith("r8") for pattern in row.patterns)
        self.wide = row.wide
        self.immediate_bytes = row.immediate_bytes
        pattern = row.patterns[self.rm] if self.rm >= 0 else None
        broadcast = self.rm >= 0 and kinds[self.rm].startswith("b")
        bits = 0 if pattern is None else pattern.memory_bits
        if pattern is not None and broadcast:
            bits = pattern.broadcast_bits
        self.displacement_scale = max(bits // 8, 1) if row.scheme == "EVEX" else 1
        self._vector_constants(broadcast, zeroing, rounding)

    def _vector_constants(self, broadcast: bool, zeroing: bool, rounding: str | None) -> None:
        """The payload bytes of VEX or EVEX without register numbers (those are stored inverted)."""
        row = self.row
        if row.scheme == "VEX":
            self.p0 = 0xE0 | row.opcode_map
            self.p1 = 0x78 | row.wide << 7 | row.length << 2 | row.mandatory
            self.p2 = 0
            return
        length = row.length if rounding in (None, "sae") else _ROUNDING[rounding or ""]
        special = broadcast or rounding is not None
        self.p0 = 0xF0 | row.opcode_map
        self.p1 = 0x7C | row.wide << 7 | row.mandatory
        self.p2 = 0x08 | zeroing << 7 | length << 5 | special << 4


def encode(code: bytearray, form: Form, operands: Sequence[Operand], mask: int) -> None:
    """Append one instruction. Of a rip-relative operand, the displacement is left zero."""
    scheme = form.scheme
    if scheme == "EVEX":
        evex(code, form, operands, mask)
    elif scheme == "VEX":
        vex(code, form, operands)
    else:
        legacy(code, form, operands)
    size = form.immediate_bytes
    if size:
        if form.immediate != ABSENT:
            value = operands[form.immediate]
            assert isinstance(value, int)
            code += (value & (1 << 8 * size) - 1).to_bytes(size, "little")
        elif form.register_immediate != ABSENT:
            code.append(_number(operands[form.register_immediate]) << 4)


def _number(operand: Operand) -> int:
    """The number of a register operand."""
    assert type(operand) is Register
    return operand.index


def evex(code: bytearray, form: Form, operands: Sequence[Operand], mask: int) -> None:
    """EVEX: 62, three payload bytes, opcode, ModRM. R, X, B, R', V' and vvvv are inverted."""
    reg = _number(operands[form.reg]) if form.reg >= 0 else form.digit
    vvvv = _number(operands[form.vvvv]) if form.vvvv >= 0 else 0
    rm = operands[form.rm]
    p0 = form.p0 ^ (reg & 8) << 4 ^ (reg & 16)
    p1 = form.p1 ^ (vvvv & 15) << 3
    p2 = form.p2 ^ (vvvv & 16) >> 1 | mask
    if type(rm) is Register:
        number = rm.index
        # a vector register's fifth bit is X, which no index needs here
        code += bytes((0x62, p0 ^ (number & 24) << 2, p1, p2, form.opcode))
        code.append(0xC0 | (reg & 7) << 3 | number & 7)
        return
    assert type(rm) is Memory
    if rm.base is not None:
        p0 ^= (rm.base.index & 8) << 2
    if rm.index is not None:
        p0 ^= (rm.index.index & 8) << 3
        p2 ^= (rm.index.index & 16) >> 1  # the fifth bit of a vector index is V'
    code += bytes((0x62, p0, p1, p2, form.opcode))
    modrm_memory(code, reg, rm, form.displacement_scale)


def vex(code: bytearray, form: Form, operands: Sequence[Operand]) -> None:
    """VEX: C5 with one payload byte where X, B, W and the map allow it, else C4 with two."""
    reg = _number(operands[form.reg]) if form.reg >= 0 else form.digit
    vvvv = _number(operands[form.vvvv]) if form.vvvv >= 0 else 0
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
    if p0 & 0x7F == 0x61 and not p1 & 0x80:
        code += bytes((0xC5, p0 & 0x80 | p1 & 0x7F, form.opcode))
    else:
        code += bytes((0xC4, p0, p1, form.opcode))
    if type(rm) is Register:
        code.append(0xC0 | (reg & 7) << 3 | rm.index & 7)
    elif type(rm) is Memory:
        modrm_memory(code, reg, rm, 1)


def legacy(code: bytearray, form: Form, operands: Sequence[Operand]) -> None:
    """Legacy prefixes, REX where a bit of it or a byte register needs it, opcode, ModRM."""
    code += form.prefix
    reg = _number(operands[form.reg]) if form.reg >= 0 else form.digit
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
    code += form.opcode_bytes
    if type(rm) is Register:
        code.append(0xC0 | (reg & 7) << 3 | rm.index & 7)
    elif type(rm) is Memory:
        modrm_memory(code, reg, rm, 1)
    elif type(low) is Register:
        code[-1] |= low.index & 7


def _needs_rex(operands: Sequence[Operand]) -> bool:
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
