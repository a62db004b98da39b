"""Instruction selection: what all targets share.

Each function emits one operation. It is given the emitter, the instruction, the register of the
result (None where there is none), the operands and the scratch registers. An operand is a register,
or where `FOLDABLE` allows it memory; of an integer operation also an immediate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from baregrad.compiler.vector.emitter import Emitter
from baregrad.compiler.vector.program import Instruction
from baregrad.compiler.vector.target import Emit
from baregrad.machine.registers import GPR8, GPR32, XMM, Memory, Operand, Register

Operands = Sequence[Operand]
Scratch = Sequence[Register]

SIGN_BIT: Final = 0x8000_0000
ALL_BUT_SIGN: Final = 0x7FFF_FFFF
_SUPPRESS_INEXACT: Final = 8
_UNPACKS: Final = {
    "low_lanes": "vunpcklps",
    "high_lanes": "vunpckhps",
    "low_pairs": "vunpcklpd",
    "high_pairs": "vunpckhpd",
}
_ROUNDING_MODES: Final = {"nearest": 0, "down": 1, "up": 2, "truncate": 3}
# Intel SDM volume 2, VCMPPD, table 3-1: those that do not signal
PREDICATE_CODES: Final = {
    "equal": 0,
    "not_equal": 4,
    "less": 17,
    "less_equal": 18,
    "greater": 30,
    "greater_equal": 29,
    "unordered": 3,
}


def register(operand: Operand) -> Register:
    """An operand that is never folded."""
    assert type(operand) is Register
    return operand


def plain(mnemonic: str) -> Emit:
    """Result and operands in the order of the instruction."""

    def emit(e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch) -> None:
        e.asm.emit(mnemonic, d, *operands)

    return emit


def commutative(mnemonic: str) -> Emit:
    """Either operand may be memory."""

    def emit(e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch) -> None:
        a, b = operands
        if type(a) is Memory:
            a, b = b, a
        e.asm.emit(mnemonic, d, a, b)

    return emit


def with_immediate(mnemonic: str) -> Emit:
    """The instruction's immediate is the operation's."""

    def emit(
        e: Emitter, instruction: Instruction, d: Register, operands: Operands, _: Scratch
    ) -> None:
        assert isinstance(instruction.immediate, int)
        e.asm.emit(mnemonic, d, *operands, instruction.immediate)

    return emit


def shuffle(across: str, fours: Mapping[str, int]) -> Emit:
    """Two vectors become one.

    Args:
        across: the instruction that chooses 128-bit parts of two vectors.
        fours: its immediate for the shuffles of such parts.
    """

    def emit(
        e: Emitter, instruction: Instruction, d: Register, operands: Operands, _: Scratch
    ) -> None:
        how = str(instruction.immediate)
        if how in _UNPACKS:
            e.asm.emit(_UNPACKS[how], d, *operands)
        else:
            e.asm.emit(across, d, *operands, fours[how])

    return emit


def exchange(across: str, sides: Mapping[int, int]) -> Emit:
    """Pairs of lanes change places: within each 128 bits, or these as wholes.

    Args:
        across: the instruction that puts together 128-bit parts of two vectors.
        sides: its immediate for distances from 4 on.
    """
    within = {1: 0xB1, 2: 0x4E}

    def emit(
        e: Emitter, instruction: Instruction, d: Register, operands: Operands, _: Scratch
    ) -> None:
        a, distance = operands[0], instruction.immediate
        assert isinstance(distance, int)
        if distance in within:
            e.asm.vpermilps(d, a, within[distance])
        else:
            e.asm.emit(across, d, a, a, sides[distance])

    return emit


def sign_bits(mnemonic: str, bits: int) -> Emit:
    """A logical operation with the same bits in all lanes."""

    def emit(e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch) -> None:
        e.asm.emit(mnemonic, d, operands[0], e.bits(bits))

    return emit


def rounding(mnemonic: str) -> Emit:
    """To an integer."""

    def emit(
        e: Emitter, instruction: Instruction, d: Register, operands: Operands, _: Scratch
    ) -> None:
        mode = _ROUNDING_MODES[str(instruction.immediate)]
        e.asm.emit(mnemonic, d, operands[0], mode | _SUPPRESS_INEXACT)

    return emit


def fused(name: str) -> Emit:
    """The form by which operand's register is the result's.

    213 is d = b * d + c, 231 is d = a * b + d, 132 is d = d * c + b, in the order of the
    instruction's operands d, second, third; only the third may be memory.
    """

    def emit(e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch) -> None:
        a, b, c = operands
        if type(a) is Memory or (d is b and type(b) is Register):
            a, b = b, a
        # a is a register now, and if d is a factor's register it is that
        assert type(a) is Register
        if type(c) is Memory:
            if d is not a:
                e.copy(d, a)
            e.asm.emit(name + "213ps", d, b, c)
        elif d is a:
            e.asm.emit(name + "132ps", d, c, b)
        else:
            if d is not c:
                assert type(c) is Register
                e.copy(d, c)
            e.asm.emit(name + "231ps", d, a, b)

    return emit


def reduction(mnemonic: str, first_half: str) -> Emit:
    """Lanes combined by halves; `first_half` extracts the upper half of a whole vector."""

    def emit(e: Emitter, _: Instruction, d: Register, operands: Operands, scratch: Scratch) -> None:
        halve(e, mnemonic, first_half, d, operands[0], scratch[0])

    return emit


def halve(e: Emitter, mnemonic: str, extract: str, d: Register, a: Operand, t: Register) -> None:
    """From 8 lanes in ymm `a` to all lanes of `d`; `t` is scratch."""
    asm = e.asm
    low, high = XMM[d.index], XMM[t.index]
    asm.emit(extract, high, a, 1)
    asm.emit(mnemonic, low, XMM[register(a).index], high)
    for swap in (0b01_00_11_10, 0b10_11_00_01):  # pairs of lanes, then neighbours
        asm.vpermilps(high, low, swap)
        asm.emit(mnemonic, low, low, high)
    asm.vbroadcastss(d, low)


def load_broadcast(
    e: Emitter, instruction: Instruction, d: Register, operands: Operands, _: Scratch
) -> None:
    """One element to all lanes."""
    e.asm.vbroadcastss(d, e.address(instruction, operands))


def load_integer(
    e: Emitter, instruction: Instruction, d: Register, operands: Operands, _: Scratch
) -> None:
    """A 64-bit integer or address."""
    e.asm.mov(d, e.address(instruction, operands))


def store_first(
    e: Emitter, instruction: Instruction, _: None, operands: Operands, __: Scratch
) -> None:
    """Lane 0."""
    e.asm.vmovss(e.address(instruction, operands[1:]), XMM[register(operands[0]).index])


def prefetch(
    e: Emitter, instruction: Instruction, _: None, operands: Operands, __: Scratch
) -> None:
    """To all levels of the cache."""
    e.asm.prefetcht0(e.address(instruction, operands))


def add_integer(e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch) -> None:
    """Integers, and addresses."""
    a, b = operands
    if type(a) is not Register or d is b:
        a, b = b, a
    assert type(a) is Register
    if d is a:
        e.asm.add(d, b)
    elif type(b) is Register:
        e.asm.lea(d, Memory(a, b))
    elif isinstance(b, int):
        e.asm.lea(d, Memory(a, displacement=b))
    else:
        e.asm.mov(d, a)
        e.asm.add(d, b)


def subtract_integer(
    e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch
) -> None:
    """Integers."""
    a, b = operands
    if d is b and d is not a:
        e.asm.neg(d)
        e.asm.add(d, a)
        return
    if d is not a:
        e.asm.mov(d, a)
    e.asm.sub(d, b)


def multiply_integer(
    e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch
) -> None:
    """Integers."""
    a, b = operands
    if type(a) is not Register or d is b:
        a, b = b, a
    if isinstance(b, int):
        e.asm.imul(d, a, b)
        return
    if d is not a:
        e.asm.mov(d, a)
    e.asm.imul(d, b)


def choose_integer(move: str) -> Emit:
    """The smaller or larger: `move` replaces the first by the second after a comparison."""

    def emit(e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch) -> None:
        a, b = operands
        if d is b:
            a, b = b, a
        if d is not a:
            e.asm.mov(d, a)
        e.asm.cmp(d, b)
        e.asm.emit(move, d, b)

    return emit


def below_all(e: Emitter, count: Operand, t: Register) -> Register:
    """The smaller of `count` and the number of lanes, in the lower half of `t`."""
    e.asm.mov(t, e.lanes)
    e.asm.cmp(count, t)
    e.asm.cmovl(t, count)
    return GPR32[t.index]


def flag_to_integer(e: Emitter, d: Register) -> None:
    """1 where the last comparison was unequal, else 0."""
    e.asm.mov(GPR32[d.index], 0)
    e.asm.setne(GPR8[d.index])


EMIT: Final[dict[str, Emit]] = {
    "add": commutative("vaddps"),
    "subtract": plain("vsubps"),
    "multiply": commutative("vmulps"),
    "divide": plain("vdivps"),
    "fma": fused("vfmadd"),
    "fms": fused("vfmsub"),
    "fnma": fused("vfnmadd"),
    "fnms": fused("vfnmsub"),
    "max": plain("vmaxps"),
    "min": plain("vminps"),
    "sqrt": plain("vsqrtps"),
    "negate": sign_bits("vxorps", SIGN_BIT),
    "absolute": sign_bits("vandps", ALL_BUT_SIGN),
    "add_int": commutative("vpaddd"),
    "subtract_int": plain("vpsubd"),
    "multiply_int": commutative("vpmulld"),
    "shift_left": with_immediate("vpslld"),
    "shift_right": with_immediate("vpsrld"),
    "shift_right_signed": with_immediate("vpsrad"),
    "to_int": plain("vcvtps2dq"),
    "truncate_to_int": plain("vcvttps2dq"),
    "to_float": plain("vcvtdq2ps"),
    "load_broadcast": load_broadcast,
    "load_int64": load_integer,
    "load_pointer": load_integer,
    "store_first": store_first,
    "prefetch": prefetch,
    "add_int64": add_integer,
    "advance": add_integer,
    "subtract_int64": subtract_integer,
    "multiply_int64": multiply_integer,
    "min_int64": choose_integer("cmovg"),
    "max_int64": choose_integer("cmovl"),
}

_BOTH: Final = (1, 0)
FOLDABLE: Final[dict[str, tuple[int, ...]]] = {
    "add": _BOTH,
    "subtract": (1,),
    "multiply": _BOTH,
    "divide": (1,),
    "fma": (2, 1, 0),
    "fms": (2, 1, 0),
    "fnma": (2, 1, 0),
    "fnms": (2, 1, 0),
    "max": (1,),
    "min": (1,),
    "sqrt": (0,),
    "round": (0,),
    "add_int": _BOTH,
    "subtract_int": (1,),
    "multiply_int": _BOTH,
    "bit_and": _BOTH,
    "bit_or": _BOTH,
    "bit_xor": _BOTH,
    "to_int": (0,),
    "truncate_to_int": (0,),
    "to_float": (0,),
    "compare": (1,),
    "compare_int": (1,),
    "select": (1,),
    "add_int64": _BOTH,
    "advance": (1,),
    "subtract_int64": (1,),
    "multiply_int64": _BOTH,
    # a loop's first and last comparison
    "loop": _BOTH,
    "latch": (1,),
}
