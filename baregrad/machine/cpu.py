"""What the processor can do: CPUID for the instructions, XGETBV for what the system saves.

An instruction may only be used where the processor has it *and* the operating system saves the
registers it works on (Intel SDM volume 1, sections 13.2, 14.3 and 15.2). CPUID: Intel SDM volume
2, and AMD APM volume 3, appendix E. Both are run as small generated functions.
"""

import ctypes
import os
import struct
from functools import cache
from typing import Final

from baregrad.machine.assembler import Assembler
from baregrad.machine.convention import enter, leave
from baregrad.machine.errors import UnsupportedMachineError
from baregrad.machine.function import NativeFunction
from baregrad.machine.memory import AlignedBuffer
from baregrad.machine.registers import Memory, eax, ebx, ecx, edi, edx, esi, r8, rdx

# leaf and subleaf, then register (0 eax to 3 edx), then bit: name
_BITS: Final[dict[tuple[int, int], dict[int, dict[int, str]]]] = {
    (1, 0): {2: {12: "fma", 19: "sse41", 23: "popcnt", 28: "avx", 29: "f16c"}},
    (7, 0): {
        1: {3: "bmi1", 5: "avx2", 8: "bmi2", 16: "avx512f", 17: "avx512dq", 28: "avx512cd"}
        | {30: "avx512bw", 31: "avx512vl"},
        2: {11: "avx512_vnni", 14: "avx512_vpopcntdq"},
    },
    (7, 1): {0: {5: "avx512_bf16"}},
    (0x8000_0001, 0): {2: {5: "lzcnt", 8: "prefetchw"}, 3: {27: "rdtscp"}},
}
_YMM_STATE: Final = 0x06  # XCR0: the system saves xmm and ymm
_ZMM_STATE: Final = 0xE6  # and the masks, and all of zmm
_NEEDS_YMM: Final = frozenset({"avx", "avx2", "fma", "f16c"})
_OSXSAVE: Final = 27
AVX2_LEVEL: Final = frozenset({"avx", "avx2", "fma"})
AVX512_LEVEL: Final = AVX2_LEVEL | {"avx512f", "avx512vl", "avx512dq"}


def architecture() -> str:
    """The name that the operating system has for the processor's kind."""
    if hasattr(os, "uname"):
        return os.uname().machine
    return os.environ.get("PROCESSOR_ARCHITECTURE", "this processor")  # Windows


def is_x86_64() -> bool:
    """Whether code for x86-64 can run in this process."""
    return architecture().lower() in ("x86_64", "amd64") and struct.calcsize("P") == 8


@cache
def processor_features() -> frozenset[str]:
    """What generated code may use of this computer's processor, asked once.

    Raises:
        UnsupportedMachineError: it is none of those that this package writes code for.
    """
    if not is_x86_64():
        raise UnsupportedMachineError(f"{architecture()} does not run x86-64 code")
    highest, highest_extended = ask(0)[0], ask(0x8000_0000)[0]
    names = set()
    for (leaf, subleaf), registers in _BITS.items():
        if leaf <= (highest_extended if leaf >= 0x8000_0000 else highest):
            answer = ask(leaf, subleaf)
            for register, bits in registers.items():
                names |= {name for bit, name in bits.items() if answer[register] >> bit & 1}
    return usable(names, _saved_state())


def available_cores() -> int:
    """Logical processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _function() -> NativeFunction:
    """``void ask(leaf, subleaf, uint32 out[4])``; leaf -1 asks XGETBV for XCR0."""
    asm = Assembler()
    enter(asm, vectors=False)
    xcr0, done = asm.label("xcr0"), asm.label("done")
    asm.mov(r8, rdx)
    asm.mov(eax, edi)
    asm.mov(ecx, esi)
    asm.cmp(eax, -1)
    asm.je(xcr0)
    asm.cpuid()
    asm.jmp(done)
    asm.bind(xcr0)
    asm.xgetbv()
    asm.bind(done)
    for number, register in enumerate((eax, ebx, ecx, edx)):
        asm.mov(Memory(r8, displacement=4 * number), register)
    leave(asm, vectors=False)
    arguments = (ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p)
    return NativeFunction(asm.finish(), arguments)


def ask(leaf: int, subleaf: int = 0) -> tuple[int, int, int, int]:
    """CPUID: eax, ebx, ecx, edx."""
    out = AlignedBuffer(4, "I")
    _function()(leaf, subleaf, out.address)
    return out.view[0], out.view[1], out.view[2], out.view[3]


def _saved_state() -> int:
    """XCR0; XGETBV only exists where the system has enabled it (OSXSAVE)."""
    return ask(0xFFFF_FFFF)[0] if ask(1)[2] >> _OSXSAVE & 1 else 0


def usable(names: set[str], saved_state: int) -> frozenset[str]:
    """Those features whose registers the operating system saves."""
    kept = names
    if saved_state & _YMM_STATE != _YMM_STATE:
        kept = {name for name in kept if name not in _NEEDS_YMM}
    if saved_state & _ZMM_STATE != _ZMM_STATE:
        kept = {name for name in kept if not name.startswith("avx512")}
    return frozenset(kept)
