"""Machine code that takes a block of text apart into cells, and reads the numbers among them.

A decimal number w · 10^q becomes the nearest float64 by the method of D. Lemire, "Number parsing at
a gigabyte per second" (2021), section 5: the 64 bits of w are multiplied with the first 128 bits of
the power of ten. Whatever that cannot decide, or is written in another way than plain digits, is
left to Python, by its place in the text. So are the cells of columns of text.
"""

from __future__ import annotations

import ctypes
from array import array
from functools import cache
from typing import Final

from baregrad.machine.assembler import Assembler
from baregrad.machine.convention import enter, leave
from baregrad.machine.cpu import is_x86_64
from baregrad.machine.errors import MachineError
from baregrad.machine.function import NativeFunction
from baregrad.machine.registers import (
    Label,
    Memory,
    Register,
    cl,
    eax,
    ebp,
    ebx,
    ecx,
    edi,
    edx,
    r8,
    r9,
    r10,
    r11,
    r12,
    r13,
    r14,
    r15,
    r15d,
    rax,
    rbp,
    rbx,
    rcx,
    rdi,
    rdx,
    rsi,
    rsp,
)

# The powers of ten that are known: with them and up to 19 digits every result is a normal number.
SMALLEST, LARGEST = -290, 288
DIGITS: Final = 19  # so many fit into 64 bits

# The parameters, 8 bytes each: addresses, the number of columns, and the delimiter. REST is
# set to where the last of it ends.
TEXT, TEXT_END, NUMBERS, SPANS, REST, IS_TEXT, COLUMNS, DELIMITER, POWERS = range(9)

# What does not fit into registers, in 8 bytes of the stack each.
(_PARAMETERS, _CELL, _DIGITS, _FRACTION, _EXPONENT_SIGN, _EXPONENT_DIGITS, _POWER, _ZEROS,
 _WEIGHT, _UPPER, _TEXT) = range(11)  # fmt: skip
_FRAME: Final = 88


@cache
def powers_of_ten() -> array[int]:
    """For each power from SMALLEST to LARGEST its first 128 bits, the upper 64 before the lower."""
    table = array("Q")
    for power in range(SMALLEST, LARGEST + 1):
        if power >= 0:
            value = 10**power
            shift = value.bit_length() - 128
            bits = value >> shift if shift > 0 else value << -shift
        else:  # the reciprocal, rounded up
            value = 10**-power
            bits = -(-(1 << (value.bit_length() + 127)) // value)
        table.extend((bits >> 64, bits & (1 << 64) - 1))
    return table


@cache
def cell_function() -> NativeFunction | None:
    """``int64 cells(parameters)``: 0, or 1 if a row has too few or too many cells.

    None where the processor or the system does not run it.
    """
    if not is_x86_64():
        return None
    asm = Assembler()
    _emit(asm)
    try:
        return NativeFunction(asm.finish(), (ctypes.c_void_p,), ctypes.c_int64)
    except MachineError:
        return None


def _parameter(number: int) -> Memory:
    return Memory(rdi, displacement=8 * number, size=64)


def _stack(place: int) -> Memory:
    return Memory(rsp, displacement=8 * place, size=64)


def _emit(asm: Assembler) -> None:
    """Rows and cells: rsi is the place in the text, edx its character, rbx the column."""
    row, blank, begun, text, rest, stored, last, bad, end = (
        asm.label(name)
        for name in ("row", "blank", "begun", "text", "rest", "stored", "last", "bad", "end")
    )
    enter(asm, _FRAME, vectors=False)
    asm.mov(_stack(_PARAMETERS), rdi)
    for number, register in enumerate((rsi, r8, r9, r10, r11, r13, r14, r15, r12)):
        asm.mov(register, _parameter(number))
    asm.mov(_stack(_TEXT), rsi)
    asm.bind(row)
    asm.cmp(rsi, r8)
    done = asm.label("done")
    asm.jae(done)
    asm.xor(ebx, ebx)

    asm.bind(blank)
    asm.movzx(edx, Memory(rsi, size=8))
    asm.cmp(edx, ord(" "))
    asm.jne(begun)
    asm.inc(rsi)
    asm.jmp(blank)
    asm.bind(begun)
    asm.mov(_stack(_CELL), rsi)
    asm.cmp(Memory(r13, rbx, 1, size=8), 0)
    asm.jne(text)
    _emit_number(asm, rest)
    asm.mov(Memory(r9), rdx)

    asm.bind(stored)
    asm.add(r9, 8)
    asm.movzx(edx, Memory(rsi, size=8))
    asm.inc(rsi)
    asm.inc(rbx)
    asm.cmp(edx, ord("\n"))
    asm.je(last)
    asm.cmp(rbx, r14)
    asm.jb(blank)
    asm.jmp(bad)
    asm.bind(last)
    asm.cmp(rbx, r14)
    asm.je(row)
    asm.bind(bad)
    asm.mov(eax, 1)
    asm.jmp(end)

    asm.bind(rest)
    _emit_to_end_of_cell(asm)
    asm.mov(Memory(r11), r9)
    _emit_span(asm, r11, 8)
    asm.add(r11, 24)
    asm.jmp(stored)
    asm.bind(text)
    _emit_to_end_of_cell(asm)
    _emit_span(asm, r10, 0)
    asm.add(r10, 16)
    asm.jmp(stored)

    asm.bind(done)
    asm.xor(eax, eax)
    asm.bind(end)
    asm.mov(rdi, _stack(_PARAMETERS))
    asm.mov(_parameter(REST), r11)
    leave(asm, _FRAME, vectors=False)


def _emit_span(asm: Assembler, target: Register, displacement: int) -> None:
    """Where the cell begins and ends, from the beginning of the text."""
    asm.mov(rdx, _stack(_CELL))
    asm.sub(rdx, _stack(_TEXT))
    asm.mov(Memory(target, displacement=displacement), rdx)
    asm.mov(rdx, rsi)
    asm.sub(rdx, _stack(_TEXT))
    asm.mov(Memory(target, displacement=displacement + 8), rdx)


def _emit_to_end_of_cell(asm: Assembler) -> None:
    scan, found = asm.label("scan"), asm.label("found")
    asm.bind(scan)
    asm.movzx(edx, Memory(rsi, size=8))
    _emit_jump_at_end_of_cell(asm, found)
    asm.inc(rsi)
    asm.jmp(scan)
    asm.bind(found)


def _emit_jump_at_end_of_cell(asm: Assembler, target: Label) -> None:
    asm.cmp(edx, r15d)
    asm.je(target)
    asm.cmp(edx, ord("\n"))
    asm.je(target)


def _emit_number(asm: Assembler, rest: Label) -> None:
    """The bits of the number that begins at rsi to rdx; what is not understood goes to `rest`.

    rax has the digits as an integer, rcx the power of ten, rbp the sign.
    """
    minus, plus, digits, no_fraction, exponent, value, complete, nonzero, signed = (
        asm.label(name)
        for name in ("minus", "plus", "digits", "no_fraction", "exponent", "value", "complete",
                     "nonzero", "signed")
    )  # fmt: skip
    asm.xor(eax, eax)
    asm.xor(ebp, ebp)
    asm.cmp(edx, ord("-"))
    asm.je(minus)
    asm.cmp(edx, ord("+"))
    asm.je(plus)
    asm.jmp(digits)
    asm.bind(minus)
    asm.mov(ebp, 1)
    asm.bind(plus)
    asm.inc(rsi)
    asm.bind(digits)
    asm.mov(_stack(_DIGITS), rsi)
    _emit_digits(asm, rax, eax)
    asm.mov(rdi, rsi)
    asm.sub(rdi, _stack(_DIGITS))
    asm.xor(ecx, ecx)
    asm.cmp(edx, ord("."))
    asm.jne(no_fraction)
    asm.inc(rsi)
    asm.mov(_stack(_FRACTION), rsi)
    _emit_digits(asm, rax, eax)
    asm.mov(rcx, rsi)
    asm.sub(rcx, _stack(_FRACTION))
    asm.bind(no_fraction)
    asm.lea(rdi, Memory(rdi, rcx, 1, -1))
    asm.cmp(rdi, DIGITS - 1)
    asm.ja(rest)  # too many, or none: 0 - 1 is large without a sign
    asm.neg(rcx)
    asm.or_(edx, 0x20)  # as a small letter
    asm.cmp(edx, ord("e"))
    asm.je(exponent)
    asm.bind(value)
    asm.movzx(edx, Memory(rsi, size=8))
    _emit_jump_at_end_of_cell(asm, complete)
    asm.jmp(rest)
    asm.bind(exponent)
    _emit_exponent(asm, rest)
    asm.jmp(value)

    asm.bind(complete)
    asm.test(rax, rax)
    asm.jne(nonzero)
    asm.xor(edx, edx)
    asm.jmp(signed)
    asm.bind(nonzero)
    _emit_rounded(asm, rest)
    asm.bind(signed)
    asm.shl(rbp, 63)
    asm.or_(rdx, rbp)


def _emit_digits(asm: Assembler, total: Register, total_32: Register) -> None:
    """Reads digits on to an integer; edx is then the character behind them."""
    again, end = asm.label("again"), asm.label("end")
    asm.bind(again)
    asm.movzx(edx, Memory(rsi, size=8))
    asm.sub(edx, ord("0"))
    asm.cmp(edx, 9)
    asm.ja(end)
    asm.lea(total, Memory(total, total, 4))
    asm.lea(total, Memory(rdx, total, 2))
    asm.inc(rsi)
    asm.jmp(again)
    asm.bind(end)
    asm.add(edx, ord("0"))


def _emit_exponent(asm: Assembler, rest: Label) -> None:
    """Adds what stands behind the e, up to four digits, to rcx."""
    minus, plus, digits, positive = (
        asm.label(name) for name in ("minus", "plus", "digits", "positive")
    )
    asm.inc(rsi)
    asm.xor(edi, edi)
    asm.mov(_stack(_EXPONENT_SIGN), rdi)
    asm.movzx(edx, Memory(rsi, size=8))
    asm.cmp(edx, ord("-"))
    asm.je(minus)
    asm.cmp(edx, ord("+"))
    asm.je(plus)
    asm.jmp(digits)
    asm.bind(minus)
    asm.mov(_stack(_EXPONENT_SIGN), 1)
    asm.bind(plus)
    asm.inc(rsi)
    asm.bind(digits)
    asm.mov(_stack(_EXPONENT_DIGITS), rsi)
    _emit_digits(asm, rdi, edi)
    asm.mov(rdx, rsi)
    asm.sub(rdx, _stack(_EXPONENT_DIGITS))
    asm.dec(rdx)
    asm.cmp(rdx, 3)
    asm.ja(rest)
    asm.cmp(_stack(_EXPONENT_SIGN), 0)
    asm.je(positive)
    asm.neg(rdi)
    asm.bind(positive)
    asm.add(rcx, rdi)


def _emit_rounded(asm: Assembler, rest: Label) -> None:
    """The float64 nearest to rax times ten to the power of rcx: its bits, without sign, to rdx."""
    precise, no_tie = asm.label("precise"), asm.label("no_tie")
    asm.lea(rdi, Memory(rcx, displacement=-SMALLEST))
    asm.cmp(rdi, LARGEST - SMALLEST)
    asm.ja(rest)
    asm.shl(rdi, 4)
    asm.add(rdi, r12)
    asm.mov(_stack(_POWER), rcx)
    asm.comment("the digits without leading zero bits")
    asm.bsr(rcx, rax)
    asm.xor(ecx, 63)
    asm.mov(_stack(_ZEROS), rcx)
    asm.shl(rax, cl)
    asm.mov(_stack(_WEIGHT), rax)
    asm.comment("times the upper 64 bits of the power, and the lower if they might matter")
    asm.mul(Memory(rdi, size=64))
    asm.mov(ecx, edx)
    asm.and_(ecx, 0x1FF)
    asm.cmp(ecx, 0x1FF)
    asm.jne(precise)
    asm.mov(rcx, rax)
    asm.mov(_stack(_UPPER), rdx)
    asm.mov(rax, _stack(_WEIGHT))
    asm.mul(Memory(rdi, displacement=8, size=64))
    asm.add(rcx, rdx)
    asm.mov(rdx, _stack(_UPPER))
    asm.adc(rdx, 0)
    asm.mov(rax, rcx)
    asm.cmp(rax, -1)
    asm.je(rest)  # a carry may be missing
    asm.bind(precise)
    asm.comment("54 bits of the product: those of the result, and one to round by")
    asm.mov(rdi, rdx)
    asm.shr(rdi, 63)
    asm.lea(rcx, Memory(rdi, displacement=9))
    asm.mov(_stack(_UPPER), rdx)
    asm.shr(rdx, cl)
    asm.cmp(rax, 1)
    asm.ja(no_tie)
    asm.mov(rax, rdx)
    asm.and_(eax, 3)
    asm.cmp(eax, 1)
    asm.jne(no_tie)
    asm.mov(rax, rdx)
    asm.shl(rax, cl)
    asm.cmp(rax, _stack(_UPPER))
    asm.je(rest)  # as near to the one as to the other, it seems
    asm.bind(no_tie)
    asm.mov(rax, rdx)
    asm.and_(eax, 1)
    asm.add(rdx, rax)
    asm.shr(rdx, 1)
    asm.comment("the exponent: floor(log2(10) q), in fixed point with 16 bits")
    asm.mov(rcx, _stack(_POWER))
    asm.imul(rcx, rcx, 217706)
    asm.sar(rcx, 16)
    asm.add(rcx, 63 + 1023)
    asm.add(rcx, rdi)
    asm.sub(rcx, _stack(_ZEROS))
    asm.shl(rcx, 52)
    asm.mov(rax, 1 << 52)
    asm.sub(rdx, rax)  # the leading bit, which is not stored; one too high raises the exponent
    asm.add(rdx, rcx)
