"""Vector integers and mask registers: the instruction table, from the Intel SDM, volume 2.

One line is one instruction form; the notation is explained in `rows`.
"""

from __future__ import annotations

from typing import Final

from baregrad.machine.rows import family

_LOGIC: Final = """
vpNAME v,v,v/mL                     RVM  avx2     VEX.L.66.0F.WIG OP /r
vpNAMEd v{kz},v,v/mL/b32            RVM  avx512f  EVEX.L.66.0F.W0 OP /r
vpNAMEq v{kz},v,v/mL/b64            RVM  avx512f  EVEX.L.66.0F.W1 OP /r
"""

# elements of 32 bits, 64 bits, and of 8 or 16 (which have no broadcast)
_DOUBLEWORD: Final = """
NAME v,v,v/mL                       RVM  avx2     VEX.L.66.MAP.WIG OP /r
NAME v{kz},v,v/mL/b32               RVM  avx512f  EVEX.L.66.MAP.W0 OP /r
"""
_QUADWORD: Final = """
NAME v,v,v/mL                       RVM  avx2     VEX.L.66.MAP.WIG OP /r
NAME v{kz},v,v/mL/b64               RVM  avx512f  EVEX.L.66.MAP.W1 OP /r
"""
_SMALL: Final = """
NAME v,v,v/mL                       RVM  avx2     VEX.L.66.MAP.WIG OP /r
NAME v{kz},v,v/mL                   RVM  avx512bw EVEX.L.66.MAP.WIG OP /r
"""
_QUADWORD_EVEX: Final = """
NAME v{kz},v,v/mL/b64               RVM  avx512f  EVEX.L.66.0F38.W1 OP /r
"""

_SHIFT_BY_IMMEDIATE: Final = """
NAME v,v,imm8                       VMI  avx2     VEX.L.66.0F.WIG OP /DIGIT ib
NAME v{kz},v/mL/bWIDTH,imm8         VMI  avx512f  EVEX.L.66.0F.WBIT OP /DIGIT ib
"""
_SHIFT_BY_XMM: Final = """
NAME v,v,x/m128                     RVM  avx2     VEX.L.66.0F.WIG OP /r
NAME v{kz},v,x/m128                 RVM  avx512f  EVEX.L.66.0F.WBIT OP /r
"""
_SHIFT_BY_ELEMENT: Final = """
NAMEd v,v,v/mL                      RVM  avx2     VEX.L.66.0F38.W0 OP /r
NAMEd v{kz},v,v/mL/b32              RVM  avx512f  EVEX.L.66.0F38.W0 OP /r
NAMEq v{kz},v,v/mL/b64              RVM  avx512f  EVEX.L.66.0F38.W1 OP /r
"""

_OTHER: Final = """
vpackssdw v,v,v/mL                  RVM  avx2     VEX.L.66.0F.WIG 6B /r
vpackssdw v{kz},v,v/mL/b32          RVM  avx512bw EVEX.L.66.0F.W0 6B /r
vpackusdw v,v,v/mL                  RVM  avx2     VEX.L.66.0F38.WIG 2B /r
vpackusdw v{kz},v,v/mL/b32          RVM  avx512bw EVEX.L.66.0F38.W0 2B /r
vpmullq v{kz},v,v/mL/b64            RVM  avx512dq EVEX.L.66.0F38.W1 40 /r
vpabsd v,v/mL                       RM   avx2     VEX.L.66.0F38.WIG 1E /r
vpabsd v{kz},v/mL/b32               RM   avx512f  EVEX.L.66.0F38.W0 1E /r
vpsllvq v,v,v/mL                    RVM  avx2     VEX.L.66.0F38.W1 47 /r
vpsrlvq v,v,v/mL                    RVM  avx2     VEX.L.66.0F38.W1 45 /r
vpsraq v{kz},v/mL/b64,imm8          VMI  avx512f  EVEX.L.66.0F.W1 72 /4 ib
vpsraq v{kz},v,x/m128               RVM  avx512f  EVEX.L.66.0F.W1 E2 /r
vprold v{kz},v/mL/b32,imm8          VMI  avx512f  EVEX.L.66.0F.W0 72 /1 ib
vprord v{kz},v/mL/b32,imm8          VMI  avx512f  EVEX.L.66.0F.W0 72 /0 ib
vprolvd v{kz},v,v/mL/b32            RVM  avx512f  EVEX.L.66.0F38.W0 15 /r
vprorvd v{kz},v,v/mL/b32            RVM  avx512f  EVEX.L.66.0F38.W0 14 /r
vpslldq v,v,imm8                    VMI  avx2     VEX.L.66.0F.WIG 73 /7 ib
vpsrldq v,v,imm8                    VMI  avx2     VEX.L.66.0F.WIG 73 /3 ib
vpternlogd v{kz},v,v/mL/b32,imm8    RVMI avx512f  EVEX.L.66.0F3A.W0 25 /r ib
vpternlogq v{kz},v,v/mL/b64,imm8    RVMI avx512f  EVEX.L.66.0F3A.W1 25 /r ib
vplzcntd v{kz},v/mL/b32             RM   avx512cd EVEX.L.66.0F38.W0 44 /r
vpconflictd v{kz},v/mL/b32          RM   avx512cd EVEX.L.66.0F38.W0 C4 /r
vpopcntd v{kz},v/mL/b32             RM   avx512_vpopcntdq EVEX.L.66.0F38.W0 55 /r
vpdpbusd v{kz},v,v/mL/b32           RVM  avx512_vnni EVEX.L.66.0F38.W0 50 /r
vpsadbw v,v,v/mL                    RVM  avx2     VEX.L.66.0F.WIG F6 /r
vpmovm2d v,k                        RM   avx512dq EVEX.L.F3.0F38.W0 38 /r
vpmovm2q v,k                        RM   avx512dq EVEX.L.F3.0F38.W1 38 /r
vpmovm2b v,k                        RM   avx512bw EVEX.L.F3.0F38.W0 28 /r
vpmovm2w v,k                        RM   avx512bw EVEX.L.F3.0F38.W1 28 /r
vpmovd2m k,v                        RM   avx512dq EVEX.L.F3.0F38.W0 39 /r
vpmovq2m k,v                        RM   avx512dq EVEX.L.F3.0F38.W1 39 /r
vpmovb2m k,v                        RM   avx512bw EVEX.L.F3.0F38.W0 29 /r
vpmovw2m k,v                        RM   avx512bw EVEX.L.F3.0F38.W1 29 /r
"""

# the suffix letter of a mask instruction is its width: b 8, w 16, d 32, q 64 bits
_MASK_MOVES: Final = """
kmovb k,k/m8                        RM   avx512dq VEX.L0.66.0F.W0 90 /r
kmovb m8,k                          MR   avx512dq VEX.L0.66.0F.W0 91 /r
kmovb k,r32                         RM   avx512dq VEX.L0.66.0F.W0 92 /r
kmovb r32,k                         RM   avx512dq VEX.L0.66.0F.W0 93 /r
kmovw k,k/m16                       RM   avx512f  VEX.L0.0F.W0 90 /r
kmovw m16,k                         MR   avx512f  VEX.L0.0F.W0 91 /r
kmovw k,r32                         RM   avx512f  VEX.L0.0F.W0 92 /r
kmovw r32,k                         RM   avx512f  VEX.L0.0F.W0 93 /r
kmovd k,k/m32                       RM   avx512bw VEX.L0.66.0F.W1 90 /r
kmovd m32,k                         MR   avx512bw VEX.L0.66.0F.W1 91 /r
kmovd k,r32                         RM   avx512bw VEX.L0.F2.0F.W0 92 /r
kmovd r32,k                         RM   avx512bw VEX.L0.F2.0F.W0 93 /r
kmovq k,k/m64                       RM   avx512bw VEX.L0.0F.W1 90 /r
kmovq m64,k                         MR   avx512bw VEX.L0.0F.W1 91 /r
kmovq k,r64                         RM   avx512bw VEX.L0.F2.0F.W1 92 /r
kmovq r64,k                         RM   avx512bw VEX.L0.F2.0F.W1 93 /r
kunpckbw k,k,k                      RVM  avx512f  VEX.L1.66.0F.W0 4B /r
kshiftlb k,k,imm8                   RMI  avx512dq VEX.L0.66.0F3A.W0 32 /r ib
kshiftrb k,k,imm8                   RMI  avx512dq VEX.L0.66.0F3A.W0 30 /r ib
kshiftlw k,k,imm8                   RMI  avx512f  VEX.L0.66.0F3A.W1 32 /r ib
kshiftrw k,k,imm8                   RMI  avx512f  VEX.L0.66.0F3A.W1 30 /r ib
"""
_MASK_BINARY: Final = """
NAMEb k,k,k                         RVM  avx512dq VEX.L1.66.0F.W0 OP /r
NAMEw k,k,k                         RVM  avx512f  VEX.L1.0F.W0 OP /r
NAMEd k,k,k                         RVM  avx512bw VEX.L1.66.0F.W1 OP /r
NAMEq k,k,k                         RVM  avx512bw VEX.L1.0F.W1 OP /r
"""
_MASK_UNARY: Final = """
NAMEb k,k                           RM   avx512dq VEX.L0.66.0F.W0 OP /r
NAMEw k,k                           RM   WORD     VEX.L0.0F.W0 OP /r
NAMEd k,k                           RM   avx512bw VEX.L0.66.0F.W1 OP /r
NAMEq k,k                           RM   avx512bw VEX.L0.0F.W1 OP /r
"""


def _shifts() -> str:
    """Shifts of whole vectors: by immediate (opcode and ModRM digit) and by an xmm register."""
    text = ""
    for name, opcode, digit, opcode_xmm, width in (
        ("vpslld", 0x72, 6, 0xF2, 32),
        ("vpsrld", 0x72, 2, 0xD2, 32),
        ("vpsrad", 0x72, 4, 0xE2, 32),
        ("vpsllq", 0x73, 6, 0xF3, 64),
        ("vpsrlq", 0x73, 2, 0xD3, 64),
    ):
        bit = str(width // 64)
        by_immediate = {"DIGIT": str(digit), "WIDTH": str(width), "BIT": bit}
        text += family(_SHIFT_BY_IMMEDIATE, {name: opcode}, **by_immediate)
        text += family(_SHIFT_BY_XMM, {name: opcode_xmm}, BIT=bit)
    return text


TABLE: Final = (
    family(_LOGIC, {"and": 0xDB, "andn": 0xDF, "or": 0xEB, "xor": 0xEF})
    + family(_DOUBLEWORD, {"vpaddd": 0xFE, "vpsubd": 0xFA}, MAP="0F")
    + family(
        _DOUBLEWORD,
        {"vpmulld": 0x40, "vpminsd": 0x39, "vpmaxsd": 0x3D, "vpminud": 0x3B, "vpmaxud": 0x3F},
        MAP="0F38",
    )
    + family(_QUADWORD, {"vpaddq": 0xD4, "vpsubq": 0xFB, "vpmuludq": 0xF4}, MAP="0F")
    + family(_QUADWORD, {"vpmuldq": 0x28}, MAP="0F38")
    + family(_QUADWORD_EVEX, {"vpminsq": 0x39, "vpmaxsq": 0x3D})
    + family(
        _SMALL,
        {"vpaddb": 0xFC, "vpaddw": 0xFD, "vpsubb": 0xF8, "vpsubw": 0xF9}
        | {"vpmullw": 0xD5, "vpmaddwd": 0xF5},
        MAP="0F",
    )
    + family(_SMALL, {"vpmaddubsw": 0x04, "vpshufb": 0x00}, MAP="0F38")
    + _shifts()
    + family(_SHIFT_BY_ELEMENT, {"vpsllv": 0x47, "vpsrlv": 0x45, "vpsrav": 0x46})
    + _OTHER
    + _MASK_MOVES
    + family(
        _MASK_BINARY,
        {"kand": 0x41, "kandn": 0x42, "kor": 0x45, "kxnor": 0x46, "kxor": 0x47},
    )
    + family(_MASK_UNARY, {"knot": 0x44, "kortest": 0x98}, WORD="avx512f")
    + family(_MASK_UNARY, {"ktest": 0x99}, WORD="avx512dq")
)
