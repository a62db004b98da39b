"""General-purpose instructions: the instruction table, from the Intel SDM, volume 2.

One line is one instruction form; the notation is explained in `rows`.
"""

from __future__ import annotations

from typing import Final

from baregrad.machine.rows import family

# SDM: ADD, OR, ...; the eight share their forms; DIGIT extends the opcode
_ARITHMETIC: Final = """
NAME rv,rv/mv             RM   - REGISTER /r
NAME mv,rv                MR   - MEMORY /r
NAME rv/mv,simm8          MI   - 83 /DIGIT ib
NAME rv/mv,immv           MI   - 81 /DIGIT id
NAME r8,r8/m8             RM   - REGISTER8 /r
NAME m8,r8                MR   - MEMORY8 /r
NAME r8/m8,imm8           MI   - 80 /DIGIT ib
"""
_SHIFT: Final = """
NAME rv/mv,imm8           MI   - C1 /DIGIT ib
NAME rv/mv,cl             M    - D3 /DIGIT
"""
_UNARY: Final = """
NAME rv/mv                M    - F7 /DIGIT
"""
_CONDITIONAL: Final = """
jCC rel8                  D    - SHORT cb
jCC rel32                 D    - 0F NEAR cd
setCC r8/m8               M    - 0F SET /0
cmovCC rv,rv/mv           RM   - 0F MOVE /r
"""
# SDM volume 1, appendix B: the condition codes in their order, with their second names
_CONDITION_NAMES: Final = (
    "o/no/b c nae/ae nb nc/e z/ne nz/be na/a nbe/s/ns/p pe/np po/l nge/ge nl/le ng/g nle"
)
CONDITIONS: Final = {
    name: code for code, names in enumerate(_CONDITION_NAMES.split("/")) for name in names.split()
}
# VEX-encoded, three operands, flags left alone (BMI2) or not (BMI1)
_BIT_MANIPULATION: Final = """
shlx rv,rv/mv,rv          RMV  bmi2 VEX.L0.66.0F38.Wv F7 /r
shrx rv,rv/mv,rv          RMV  bmi2 VEX.L0.F2.0F38.Wv F7 /r
sarx rv,rv/mv,rv          RMV  bmi2 VEX.L0.F3.0F38.Wv F7 /r
bzhi rv,rv/mv,rv          RMV  bmi2 VEX.L0.0F38.Wv F5 /r
pext rv,rv,rv/mv          RVM  bmi2 VEX.L0.F3.0F38.Wv F5 /r
pdep rv,rv,rv/mv          RVM  bmi2 VEX.L0.F2.0F38.Wv F5 /r
mulx rv,rv,rv/mv          RVM  bmi2 VEX.L0.F2.0F38.Wv F6 /r
rorx rv,rv/mv,imm8        RMI  bmi2 VEX.L0.F2.0F3A.Wv F0 /r ib
andn rv,rv,rv/mv          RVM  bmi1 VEX.L0.0F38.Wv F2 /r
blsr rv,rv/mv             VM   bmi1 VEX.L0.0F38.Wv F3 /1
"""

_OTHER: Final = """
mov rv,rv/mv              RM   - 8B /r
mov mv,rv                 MR   - 89 /r
mov r8,r8/m8              RM   - 8A /r
mov m8,r8                 MR   - 88 /r
mov r16,r16/m16           RM   - 66 8B /r
mov m16,r16               MR   - 66 89 /r
mov r32,imm32             OI   - B8 +r id
mov r64,simm32            MI   - REX.W C7 /0 id
mov r64,imm64             OI   - REX.W B8 +r iq
mov mv,immv               MI   - C7 /0 id
mov m8,imm8               MI   - C6 /0 ib
movzx rv,r8/m8            RM   - 0F B6 /r
movzx rv,r16/m16          RM   - 0F B7 /r
movsx rv,r8/m8            RM   - 0F BE /r
movsx rv,r16/m16          RM   - 0F BF /r
movsxd r64,r32/m32        RM   - REX.W 63 /r
lea rv,m                  RM   - 8D /r
test rv/mv,rv             MR   - 85 /r
test rv/mv,immv           MI   - F7 /0 id
test r8/m8,r8             MR   - 84 /r
test r8/m8,imm8           MI   - F6 /0 ib
imul rv,rv/mv             RM   - 0F AF /r
imul rv,rv/mv,simm8       RMI  - 6B /r ib
imul rv,rv/mv,immv        RMI  - 69 /r id
inc rv/mv                 M    - FF /0
dec rv/mv                 M    - FF /1
cdq                      -    -    - 99
cqo                      -    -    - REX.W 99
bswap rv                  O    - 0F C8 +r
bt rv/mv,imm8             MI   - 0F BA /4 ib
bsf rv,rv/mv              RM   - 0F BC /r
bsr rv,rv/mv              RM   - 0F BD /r
tzcnt rv,rv/mv            RM   bmi1 F3 0F BC /r
lzcnt rv,rv/mv            RM   lzcnt F3 0F BD /r
popcnt rv,rv/mv           RM   popcnt F3 0F B8 /r
push r64                  O    - 50 +r
pop r64                   O    - 58 +r
push m64                  M    - FF /6
pop m64                   M    - 8F /0
push simm8                I    - 6A ib
push simm32               I    - 68 id
call rel32                D    - E8 cd
call r64/m64              M    - FF /2
jmp rel8                  D    - EB cb
jmp rel32                 D    - E9 cd
jmp r64/m64               M    - FF /4
ret                      -    -    - C3
xchg rv/mv,rv             MR   - 87 /r
xadd rv/mv,rv             MR   - 0F C1 /r
cmpxchg rv/mv,rv          MR   - 0F B1 /r
lock_xadd mv,rv           MR   - F0 0F C1 /r
lock_cmpxchg mv,rv        MR   - F0 0F B1 /r
lock_add mv,rv            MR   - F0 01 /r
lock_add mv,simm8         MI   - F0 83 /0 ib
lock_sub mv,simm8         MI   - F0 83 /5 ib
lock_or mv,simm8          MI   - F0 83 /1 ib
lock_inc mv               M    - F0 FF /0
lock_dec mv               M    - F0 FF /1
prefetcht0 m              M    - 0F 18 /1
prefetcht1 m              M    - 0F 18 /2
prefetcht2 m              M    - 0F 18 /3
prefetchnta m             M    - 0F 18 /0
prefetchw m               M    prefetchw 0F 0D /1
ldmxcsr m32               M    - 0F AE /2
stmxcsr m32               M    - 0F AE /3
mfence                   -    -    - 0F AE F0
lfence                   -    -    - 0F AE E8
sfence                   -    -    - 0F AE F8
pause                    -    -    - F3 90
nop                      -    -    - 90
cpuid                    -    -    - 0F A2
xgetbv                   -    -    - 0F 01 D0
rdtsc                    -    -    - 0F 31
rdtscp                   -    -    rdtscp 0F 01 F9
syscall                  -    -    - 0F 05
ud2                      -    -    - 0F 0B
int3                     -    -    - CC
cld                      -    -    - FC
rep_movsb                -    -    - F3 A4
rep_stosb                -    -    - F3 AA
rep_stosd                -    -    - F3 AB
"""


def _arithmetic() -> str:
    """ADD to CMP: the opcodes of operation n start at 8 n (SDM volume 2, table A-2)."""
    text = ""
    for digit, name in enumerate(("add", "or", "adc", "sbb", "and", "sub", "xor", "cmp")):
        opcodes = {"MEMORY8": 0, "MEMORY": 1, "REGISTER8": 2, "REGISTER": 3}
        columns = {column: f"{8 * digit + low:02X}" for column, low in opcodes.items()}
        text += family(_ARITHMETIC, {name: 0}, DIGIT=str(digit), **columns)
    return text


def _by_digit(template: str, digits: dict[str, int]) -> str:
    return "".join(family(template, {name: 0}, DIGIT=str(n)) for name, n in digits.items())


def _conditional() -> str:
    text = ""
    for name, code in CONDITIONS.items():
        bases = {"SHORT": 0x70, "NEAR": 0x80, "SET": 0x90, "MOVE": 0x40}
        opcodes = {column: f"{base | code:02X}" for column, base in bases.items()}
        text += family(_CONDITIONAL, {"": 0}, CC=name, **opcodes)
    return text


TABLE: Final = (
    _arithmetic()
    + _by_digit(_SHIFT, {"rol": 0, "ror": 1, "shl": 4, "shr": 5, "sar": 7})
    + _by_digit(_UNARY, {"not": 2, "neg": 3, "mul": 4, "div": 6, "idiv": 7})
    + _conditional()
    + _BIT_MANIPULATION
    + _OTHER
)
