"""Entering and leaving a generated function by the rules of the host's C functions.

System V AMD64 ABI, section 3.2 (Linux, macOS): arguments in rdi, rsi, rdx, rcx, r8, r9; rbx, rbp,
r12 to r15 belong to the caller. Microsoft x64: arguments in rcx, rdx, r8, r9, then the stack;
rdi, rsi and xmm6 to xmm15 belong to the caller too. `enter` brings the arguments to the System V
registers on both, so that what lies between is written once.
"""

from __future__ import annotations

import sys
from typing import Final

from baregrad.machine.assembler import Assembler
from baregrad.machine.registers import (
    XMM,
    Memory,
    Register,
    eax,
    r8,
    r9,
    r12,
    r13,
    r14,
    r15,
    rax,
    rbp,
    rbx,
    rcx,
    rdi,
    rdx,
    rsi,
    rsp,
)

WINDOWS: Final = sys.platform == "win32"
# where a function entered by `enter` finds its arguments
ARGUMENTS: Final = (rdi, rsi, rdx, rcx, r8, r9)
# where the host's C functions expect theirs, the first four
PLACES: Final = (rcx, rdx, r8, r9) if WINDOWS else ARGUMENTS[:4]
SHADOW_SPACE: Final = 32  # Microsoft x64: kept free by the caller for the called

_SAVED_SYSTEM_V: Final = (rbx, rbp, r12, r13, r14, r15)
_SAVED_WINDOWS: Final = (*_SAVED_SYSTEM_V, rdi, rsi)
_SAVED_VECTORS: Final = XMM[6:16]
# MXCSR (Intel SDM volume 1, section 10.2.3): flush to zero, and denormals are zero
FLUSH_TO_ZERO: Final = 0x8000
DENORMALS_ARE_ZERO: Final = 0x0040


def enter(asm: Assembler, frame: int = 0, *, windows: bool = WINDOWS, vectors: bool = True) -> None:
    """Save the caller's registers and make a frame of `frame` bytes at [rsp], aligned to 16.

    Args:
        asm: where to.
        frame: bytes.
        windows: Microsoft's convention rather than System V's.
        vectors: whether the function may change vector registers (needs AVX).
    """
    saved = _SAVED_WINDOWS if windows else _SAVED_SYSTEM_V
    for register in saved:
        asm.push(register)
    asm.sub(rsp, _frame_size(frame, windows))
    if not windows:
        return
    for number, vector in enumerate(_SAVED_VECTORS if vectors else ()):
        asm.vmovups(Memory(rsp, displacement=_round_up(frame) + 16 * number), vector)
    for target, source in zip(ARGUMENTS, (rcx, rdx, r8, r9), strict=False):
        asm.mov(target, source)
    # the fifth argument lies over the return address and the shadow space
    stack = _frame_size(frame, windows) + 8 * len(saved) + 8 + SHADOW_SPACE
    asm.mov(r8, Memory(rsp, displacement=stack))
    asm.mov(r9, Memory(rsp, displacement=stack + 8))


def leave(asm: Assembler, frame: int = 0, *, windows: bool = WINDOWS, vectors: bool = True) -> None:
    """Undo `enter` (given the same) and return; the upper parts of vector registers are zeroed."""
    if vectors:
        asm.vzeroupper()
    if windows and vectors:
        for number, vector in enumerate(_SAVED_VECTORS):
            asm.vmovups(vector, Memory(rsp, displacement=_round_up(frame) + 16 * number))
    asm.add(rsp, _frame_size(frame, windows))
    for register in reversed(_SAVED_WINDOWS if windows else _SAVED_SYSTEM_V):
        asm.pop(register)
    asm.ret()


def call(asm: Assembler, target: Register, *arguments: Register | Memory) -> None:
    """Call a C function by the host's rules; at most four arguments.

    The frame needs `SHADOW_SPACE` bytes free at [rsp]. An argument must not lie in a register
    that an earlier one is moved to. rax must not be the target's nor an argument's.
    """
    asm.mov(rax, target)
    for place, argument in zip(PLACES, arguments, strict=False):
        asm.mov(place, argument)
    asm.call(rax)


def pass_on(asm: Assembler, function: int, *arguments: int) -> None:
    """Go on in a C function, with these arguments; it returns to this one's caller.

    Args:
        asm: where to; nothing may be on the stack.
        function: its address.
        *arguments: four at most.
    """
    for place, argument in zip(PLACES, arguments, strict=False):
        asm.mov(place, argument)
    asm.mov(rax, function)
    asm.jmp(rax)


def flush_denormals(asm: Assembler, saved: Memory, scratch: Memory) -> None:
    """Treat denormal numbers as zero from here on; MXCSR as it was goes to `saved`.

    Changes eax and flags. `restore_mxcsr` undoes it.
    """
    asm.stmxcsr(saved)
    asm.mov(eax, saved)
    asm.or_(eax, FLUSH_TO_ZERO | DENORMALS_ARE_ZERO)
    asm.mov(scratch, eax)
    asm.ldmxcsr(scratch)


def restore_mxcsr(asm: Assembler, saved: Memory) -> None:
    """Give the caller's MXCSR back."""
    asm.ldmxcsr(saved)


def _round_up(size: int) -> int:
    return -(-size // 16) * 16


def _frame_size(frame: int, windows: bool) -> int:
    """With the return address and the (even number of) pushes, a multiple of 16."""
    return 8 + _round_up(frame) + (16 * len(_SAVED_VECTORS) if windows else 0)
