"""Machine code that makes numbers from 0 to 1 of bytes."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Final

from baregrad.machine.assembler import Assembler
from baregrad.machine.convention import enter, leave
from baregrad.machine.cpu import is_x86_64, processor_features
from baregrad.machine.errors import MachineError
from baregrad.machine.function import NativeFunction
from baregrad.machine.registers import YMM, Memory, rdi, rdx, rsi

GROUP: Final = 32  # bytes that are converted at a time
_LANES: Final = 8
_LARGEST: Final = 255


@cache
def fractions_function() -> NativeFunction | None:
    """``void fractions(const uint8 source[count], int64 count, float target[count])``.

    Each byte divided by 255. `count` is a multiple of `GROUP`, and not 0.

    None where the processor or the system does not run it.
    """
    try:
        if not is_x86_64() or "avx2" not in processor_features():
            return None
        asm = Assembler()
        _emit(asm)
        return NativeFunction(asm.finish(), (ctypes.c_char_p, ctypes.c_int64, ctypes.c_void_p))
    except MachineError:
        return None


def _emit(asm: Assembler) -> None:
    divisor, *values = YMM[: 1 + GROUP // _LANES]
    enter(asm)
    asm.vmovups(divisor, asm.float32(_LARGEST, _LANES))
    again = asm.label("again")
    asm.bind(again)
    for number, value in enumerate(values):
        asm.vpmovzxbd(value, Memory(rdi, displacement=_LANES * number))
        asm.vcvtdq2ps(value, value)
        asm.vdivps(value, value, divisor)  # rounded as the quotient in Python's numbers is
        asm.vmovups(Memory(rdx, displacement=4 * _LANES * number), value)
    asm.add(rdi, GROUP)
    asm.add(rdx, 4 * GROUP)
    asm.sub(rsi, GROUP)
    asm.jne(again)
    leave(asm)
