"""Machine code that puts random integers in order: a permutation comes of their places.

It is a radix sort (D. Knuth, "The Art of Computer Programming", volume 3, section 5.2.5, algorithm
R): in three passes, by 11 bits at a time from the lower ones on, every integer is brought to its
place among those with the same bits, before the ones that were after it.
"""

from __future__ import annotations

import ctypes
from array import array
from functools import cache
from typing import Any, Final

from baregrad.machine.assembler import Assembler
from baregrad.machine.convention import enter, leave
from baregrad.machine.cpu import is_x86_64
from baregrad.machine.errors import MachineError
from baregrad.machine.function import NativeFunction
from baregrad.machine.registers import (
    Memory,
    cl,
    eax,
    edx,
    esi,
    r8,
    r9,
    r10,
    r11,
    r12,
    r13,
    r14,
    rax,
    rbx,
    rcx,
    rdi,
    rdx,
    rsi,
)

_DIGIT: Final = 11  # bits
_VALUES: Final = 1 << _DIGIT
_PASSES: Final = range(32, 64, _DIGIT)  # the lowest bit of each
_LOWER: Final = (1 << 32) - 1
_ALL: Final = (1 << 64) - 1

# Of the parameters, 8 bytes each: addresses of integers, of their new places, and of a zero for
# each value of a digit; how many integers; the lowest bit; the bits that are taken from an integer,
# and the others from its number; and which of these bits are stored.
_REGISTERS: Final = (r8, r9, r11, r10, rcx, r12, r14, r13)


def natively_ordered(integers: array[int]) -> array[int] | None:
    """The numbers of 64-bit integers, in the order of their upper halves, as `array('q')`.

    Of equals the first comes first.

    Args:
        integers: `array('Q')`, at least one.

    Returns:
        None where the processor or the system does not run machine code, or for 2**32 or more.
    """
    function, count = _function(), len(integers)
    if function is None or count > _LOWER:
        return None
    source: array[Any] = integers
    for lowest in _PASSES:
        target, counts = array("q", [0]) * count, array("q", [0]) * _VALUES
        addresses = [part.buffer_info()[0] for part in (source, target, counts)]
        taken = _ALL ^ _LOWER if source is integers else _ALL
        stored = _LOWER if lowest == _PASSES[-1] else _ALL
        parameters = array("Q", [*addresses, count, lowest, taken, _ALL ^ taken, stored])
        function(parameters.buffer_info()[0])
        source = target
    return source


@cache
def _function() -> NativeFunction | None:
    """``void pass(parameters)``; None where it does not run."""
    if not is_x86_64():
        return None
    asm = Assembler()
    _emit(asm)
    try:
        return NativeFunction(asm.finish(), [ctypes.c_void_p])
    except MachineError:
        return None


def _emit(asm: Assembler) -> None:
    source, target, counts, count, _, taken, numbered, stored = _REGISTERS
    enter(asm, vectors=False)
    for number, register in enumerate(_REGISTERS):
        asm.mov(register, Memory(rdi, displacement=8 * number))
    asm.comment("how many integers have each digit")
    asm.xor(esi, esi)
    again = asm.label("again")
    asm.bind(again)
    asm.mov(rax, Memory(source, rsi, 8))
    asm.shr(rax, cl)
    asm.and_(eax, _VALUES - 1)
    asm.inc(Memory(counts, rax, 8, size=64))
    asm.inc(rsi)
    asm.cmp(rsi, count)
    asm.jb(again)
    asm.comment("where the first of them goes")
    asm.xor(esi, esi)
    asm.xor(edx, edx)
    again = asm.label("again")
    asm.bind(again)
    asm.mov(rax, Memory(counts, rsi, 8))
    asm.mov(Memory(counts, rsi, 8), rdx)
    asm.add(rdx, rax)
    asm.inc(rsi)
    asm.cmp(rsi, _VALUES)
    asm.jb(again)
    asm.comment("all of them go there")
    asm.xor(esi, esi)
    again = asm.label("again")
    asm.bind(again)
    asm.mov(rax, Memory(source, rsi, 8))
    asm.and_(rax, taken)
    asm.mov(rdx, rsi)
    asm.and_(rdx, numbered)
    asm.or_(rax, rdx)
    asm.mov(rdx, rax)
    asm.shr(rdx, cl)
    asm.and_(edx, _VALUES - 1)
    asm.mov(rbx, Memory(counts, rdx, 8))
    asm.inc(Memory(counts, rdx, 8, size=64))
    asm.and_(rax, stored)
    asm.mov(Memory(target, rbx, 8), rax)
    asm.inc(rsi)
    asm.cmp(rsi, count)
    asm.jb(again)
    leave(asm, vectors=False)
