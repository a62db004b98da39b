"""Vector arithmetic: the instruction table of VEX and EVEX, from the Intel SDM, volume 2.

One line is one instruction form; the notation is explained in `rows`.
"""

from __future__ import annotations

from typing import Final

from baregrad.machine.rows import family

# SDM: ADDPS, MULPS, ... : the same seven forms under each opcode
_ARITHMETIC: Final = """
NAMEps v,v,v/mL                     RVM  avx      VEX.L.0F.WIG OP /r
NAMEpd v,v,v/mL                     RVM  avx      VEX.L.66.0F.WIG OP /r
NAMEss x,x,x/m32                    RVM  avx      VEX.LIG.F3.0F.WIG OP /r
NAMEsd x,x,x/m64                    RVM  avx      VEX.LIG.F2.0F.WIG OP /r
NAMEps v{kz},v,v/mL/b32{ROUND}      RVM  avx512f  EVEX.L.0F.W0 OP /r
NAMEpd v{kz},v,v/mL/b64{ROUND}      RVM  avx512f  EVEX.L.66.0F.W1 OP /r
NAMEss x{kz},x,x/m32{ROUND}         RVM  avx512f  EVEX.LIG.F3.0F.W0 OP /r
NAMEsd x{kz},x,x/m64{ROUND}         RVM  avx512f  EVEX.LIG.F2.0F.W1 OP /r
"""

# SDM: VFMADD132PS and its relatives; OP is the opcode's low nibble, FORM its high one
_FUSED_PACKED: Final = """
NAMEps v,v,v/mL                     RVM  fma      VEX.L.66.0F38.W0 OP /r
NAMEpd v,v,v/mL                     RVM  fma      VEX.L.66.0F38.W1 OP /r
NAMEps v{kz},v,v/mL/b32{er}         RVM  avx512f  EVEX.L.66.0F38.W0 OP /r
NAMEpd v{kz},v,v/mL/b64{er}         RVM  avx512f  EVEX.L.66.0F38.W1 OP /r
"""
_FUSED_SCALAR: Final = """
NAMEss x,x,x/m32                    RVM  fma      VEX.LIG.66.0F38.W0 OP /r
NAMEsd x,x,x/m64                    RVM  fma      VEX.LIG.66.0F38.W1 OP /r
NAMEss x{kz},x,x/m32{er}            RVM  avx512f  EVEX.LIG.66.0F38.W0 OP /r
NAMEsd x{kz},x,x/m64{er}            RVM  avx512f  EVEX.LIG.66.0F38.W1 OP /r
"""

# SDM: ANDPS, ANDNPS, ORPS, XORPS
_LOGIC: Final = """
NAMEps v,v,v/mL                     RVM  avx      VEX.L.0F.WIG OP /r
NAMEpd v,v,v/mL                     RVM  avx      VEX.L.66.0F.WIG OP /r
NAMEps v{kz},v,v/mL/b32             RVM  avx512dq EVEX.L.0F.W0 OP /r
NAMEpd v{kz},v,v/mL/b64             RVM  avx512dq EVEX.L.66.0F.W1 OP /r
"""

# forms of one operation that EVEX has and VEX has not, by element type
_EVEX_UNARY: Final = """
NAMEps v{kz},v/mL/b32{ROUND}        RM   FEATURE  EVEX.L.66.0F38.W0 OP /r
NAMEpd v{kz},v/mL/b64{ROUND}        RM   FEATURE  EVEX.L.66.0F38.W1 OP /r
"""
_EVEX_IMMEDIATE: Final = """
NAMEps v{kz},v/mL/b32{sae},imm8     RMI  FEATURE  EVEX.L.66.0F3A.W0 OP /r ib
NAMEpd v{kz},v/mL/b64{sae},imm8     RMI  FEATURE  EVEX.L.66.0F3A.W1 OP /r ib
"""

_FLOATING: Final = """
vsqrtps v,v/mL                      RM   avx      VEX.L.0F.WIG 51 /r
vsqrtpd v,v/mL                      RM   avx      VEX.L.66.0F.WIG 51 /r
vsqrtss x,x,x/m32                   RVM  avx      VEX.LIG.F3.0F.WIG 51 /r
vsqrtsd x,x,x/m64                   RVM  avx      VEX.LIG.F2.0F.WIG 51 /r
vsqrtps v{kz},v/mL/b32{er}          RM   avx512f  EVEX.L.0F.W0 51 /r
vsqrtpd v{kz},v/mL/b64{er}          RM   avx512f  EVEX.L.66.0F.W1 51 /r
vsqrtss x{kz},x,x/m32{er}           RVM  avx512f  EVEX.LIG.F3.0F.W0 51 /r
vsqrtsd x{kz},x,x/m64{er}           RVM  avx512f  EVEX.LIG.F2.0F.W1 51 /r
vrcpps v,v/mL                       RM   avx      VEX.L.0F.WIG 53 /r
vrsqrtps v,v/mL                     RM   avx      VEX.L.0F.WIG 52 /r
vroundps v,v/mL,imm8                RMI  avx      VEX.L.66.0F3A.WIG 08 /r ib
vroundpd v,v/mL,imm8                RMI  avx      VEX.L.66.0F3A.WIG 09 /r ib
vroundss x,x,x/m32,imm8             RVMI avx      VEX.LIG.66.0F3A.WIG 0A /r ib
vroundsd x,x,x/m64,imm8             RVMI avx      VEX.LIG.66.0F3A.WIG 0B /r ib
vrndscaleps v{kz},v/mL/b32{sae},imm8    RMI  avx512f EVEX.L.66.0F3A.W0 08 /r ib
vrndscalepd v{kz},v/mL/b64{sae},imm8    RMI  avx512f EVEX.L.66.0F3A.W1 09 /r ib
vrndscaless x{kz},x,x/m32{sae},imm8     RVMI avx512f EVEX.LIG.66.0F3A.W0 0A /r ib
vscalefps v{kz},v,v/mL/b32{er}      RVM  avx512f  EVEX.L.66.0F38.W0 2C /r
vscalefpd v{kz},v,v/mL/b64{er}      RVM  avx512f  EVEX.L.66.0F38.W1 2C /r
vscalefss x{kz},x,x/m32{er}         RVM  avx512f  EVEX.LIG.66.0F38.W0 2D /r
vgetexpss x{kz},x,x/m32{sae}        RVM  avx512f  EVEX.LIG.66.0F38.W0 43 /r
vgetmantss x{kz},x,x/m32{sae},imm8  RVMI avx512f  EVEX.LIG.66.0F3A.W0 27 /r ib
vrcp14ss x{kz},x,x/m32              RVM  avx512f  EVEX.LIG.66.0F38.W0 4D /r
vrsqrt14ss x{kz},x,x/m32            RVM  avx512f  EVEX.LIG.66.0F38.W0 4F /r
vrangeps v{kz},v,v/mL/b32{sae},imm8     RVMI avx512dq EVEX.L.66.0F3A.W0 50 /r ib
vrangepd v{kz},v,v/mL/b64{sae},imm8     RVMI avx512dq EVEX.L.66.0F3A.W1 50 /r ib
vfixupimmps v{kz},v,v/mL/b32{sae},imm8  RVMI avx512f  EVEX.L.66.0F3A.W0 54 /r ib
vhaddps v,v,v/mL                    RVM  avx      VEX.L.F2.0F.WIG 7C /r
vhaddpd v,v,v/mL                    RVM  avx      VEX.L.66.0F.WIG 7C /r
vaddsubps v,v,v/mL                  RVM  avx      VEX.L.F2.0F.WIG D0 /r
vdpps v,v,v/mL,imm8                 RVMI avx      VEX.L.66.0F3A.WIG 40 /r ib
vdpbf16ps v{kz},v,v/mL/b32          RVM  avx512_bf16 EVEX.L.F3.0F38.W0 52 /r
"""

_COMPARISONS: Final = """
vcmpps v,v,v/mL,imm8                RVMI avx      VEX.L.0F.WIG C2 /r ib
vcmppd v,v,v/mL,imm8                RVMI avx      VEX.L.66.0F.WIG C2 /r ib
vcmpss x,x,x/m32,imm8               RVMI avx      VEX.LIG.F3.0F.WIG C2 /r ib
vcmpsd x,x,x/m64,imm8               RVMI avx      VEX.LIG.F2.0F.WIG C2 /r ib
vcmpps k{k},v,v/mL/b32{sae},imm8    RVMI avx512f  EVEX.L.0F.W0 C2 /r ib
vcmppd k{k},v,v/mL/b64{sae},imm8    RVMI avx512f  EVEX.L.66.0F.W1 C2 /r ib
vcmpss k{k},x,x/m32{sae},imm8       RVMI avx512f  EVEX.LIG.F3.0F.W0 C2 /r ib
vcmpsd k{k},x,x/m64{sae},imm8       RVMI avx512f  EVEX.LIG.F2.0F.W1 C2 /r ib
vucomiss x,x/m32                    RM   avx      VEX.LIG.0F.WIG 2E /r
vucomisd x,x/m64                    RM   avx      VEX.LIG.66.0F.WIG 2E /r
vcomiss x,x/m32                     RM   avx      VEX.LIG.0F.WIG 2F /r
vucomiss x,x/m32{sae}               RM   avx512f  EVEX.LIG.0F.W0 2E /r
vcomiss x,x/m32{sae}                RM   avx512f  EVEX.LIG.0F.W0 2F /r
vtestps v,v/mL                      RM   avx      VEX.L.66.0F38.W0 0E /r
vptest v,v/mL                       RM   avx      VEX.L.66.0F38.WIG 17 /r
vpcmpd k{k},v,v/mL/b32,imm8         RVMI avx512f  EVEX.L.66.0F3A.W0 1F /r ib
vpcmpud k{k},v,v/mL/b32,imm8        RVMI avx512f  EVEX.L.66.0F3A.W0 1E /r ib
vpcmpq k{k},v,v/mL/b64,imm8         RVMI avx512f  EVEX.L.66.0F3A.W1 1F /r ib
vpcmpuq k{k},v,v/mL/b64,imm8        RVMI avx512f  EVEX.L.66.0F3A.W1 1E /r ib
vpcmpeqd v,v,v/mL                   RVM  avx2     VEX.L.66.0F.WIG 76 /r
vpcmpgtd v,v,v/mL                   RVM  avx2     VEX.L.66.0F.WIG 66 /r
vpcmpeqq v,v,v/mL                   RVM  avx2     VEX.L.66.0F38.WIG 29 /r
vpcmpgtq v,v,v/mL                   RVM  avx2     VEX.L.66.0F38.WIG 37 /r
vpcmpeqb v,v,v/mL                   RVM  avx2     VEX.L.66.0F.WIG 74 /r
vpcmpeqd k{k},v,v/mL/b32            RVM  avx512f  EVEX.L.66.0F.W0 76 /r
vpcmpgtd k{k},v,v/mL/b32            RVM  avx512f  EVEX.L.66.0F.W0 66 /r
vpcmpeqq k{k},v,v/mL/b64            RVM  avx512f  EVEX.L.66.0F38.W1 29 /r
vpcmpgtq k{k},v,v/mL/b64            RVM  avx512f  EVEX.L.66.0F38.W1 37 /r
vptestmd k{k},v,v/mL/b32            RVM  avx512f  EVEX.L.66.0F38.W0 27 /r
vptestmq k{k},v,v/mL/b64            RVM  avx512f  EVEX.L.66.0F38.W1 27 /r
vptestnmd k{k},v,v/mL/b32           RVM  avx512f  EVEX.L.F3.0F38.W0 27 /r
vfpclassps k{k},v,imm8              RMI  avx512dq EVEX.L.66.0F3A.W0 66 /r ib
"""

# 'h' and mH are half the vector's length: float32 beside float64, float16 beside float32
_CONVERSIONS: Final = """
vcvtdq2ps v,v/mL                    RM   avx      VEX.L.0F.WIG 5B /r
vcvtps2dq v,v/mL                    RM   avx      VEX.L.66.0F.WIG 5B /r
vcvttps2dq v,v/mL                   RM   avx      VEX.L.F3.0F.WIG 5B /r
vcvtdq2ps v{kz},v/mL/b32{er}        RM   avx512f  EVEX.L.0F.W0 5B /r
vcvtps2dq v{kz},v/mL/b32{er}        RM   avx512f  EVEX.L.66.0F.W0 5B /r
vcvttps2dq v{kz},v/mL/b32{sae}      RM   avx512f  EVEX.L.F3.0F.W0 5B /r
vcvtudq2ps v{kz},v/mL/b32{er}       RM   avx512f  EVEX.L.F2.0F.W0 7A /r
vcvtps2udq v{kz},v/mL/b32{er}       RM   avx512f  EVEX.L.0F.W0 79 /r
vcvttps2udq v{kz},v/mL/b32{sae}     RM   avx512f  EVEX.L.0F.W0 78 /r
vcvtps2pd v,h/mH                    RM   avx      VEX.L.0F.WIG 5A /r
vcvtps2pd v{kz},h/mH/b32{sae}       RM   avx512f  EVEX.L.0F.W0 5A /r
vcvtdq2pd v,h/mH                    RM   avx      VEX.L.F3.0F.WIG E6 /r
vcvtdq2pd v{kz},h/mH/b32            RM   avx512f  EVEX.L.F3.0F.W0 E6 /r
vcvtpd2ps h,v/mL                    RM   avx      VEX.L.66.0F.WIG 5A /r
vcvtpd2ps h{kz},v/mL/b64{er}        RM   avx512f  EVEX.L.66.0F.W1 5A /r
vcvttpd2dq h,v/mL                   RM   avx      VEX.L.66.0F.WIG E6 /r
vcvttpd2dq h{kz},v/mL/b64{sae}      RM   avx512f  EVEX.L.66.0F.W1 E6 /r
vcvtpd2dq h,v/mL                    RM   avx      VEX.L.F2.0F.WIG E6 /r
vcvtpd2dq h{kz},v/mL/b64{er}        RM   avx512f  EVEX.L.F2.0F.W1 E6 /r
vcvtqq2pd v{kz},v/mL/b64{er}        RM   avx512dq EVEX.L.F3.0F.W1 E6 /r
vcvttpd2qq v{kz},v/mL/b64{sae}      RM   avx512dq EVEX.L.66.0F.W1 7A /r
vcvtss2sd x,x,x/m32                 RVM  avx      VEX.LIG.F3.0F.WIG 5A /r
vcvtsd2ss x,x,x/m64                 RVM  avx      VEX.LIG.F2.0F.WIG 5A /r
vcvtss2sd x{kz},x,x/m32{sae}        RVM  avx512f  EVEX.LIG.F3.0F.W0 5A /r
vcvtsd2ss x{kz},x,x/m64{er}         RVM  avx512f  EVEX.LIG.F2.0F.W1 5A /r
vcvtsi2ss x,x,rv/mv                 RVM  avx      VEX.LIG.F3.0F.Wv 2A /r
vcvtsi2sd x,x,rv/mv                 RVM  avx      VEX.LIG.F2.0F.Wv 2A /r
vcvtss2si rv,x/m32                  RM   avx      VEX.LIG.F3.0F.Wv 2D /r
vcvttss2si rv,x/m32                 RM   avx      VEX.LIG.F3.0F.Wv 2C /r
vcvttsd2si rv,x/m64                 RM   avx      VEX.LIG.F2.0F.Wv 2C /r
vcvtusi2ss x,x,rv/mv                RVM  avx512f  EVEX.LIG.F3.0F.Wv 7B /r
vcvtph2ps v,h/mH                    RM   f16c     VEX.L.66.0F38.W0 13 /r
vcvtps2ph h/mH,v,imm8               MRI  f16c     VEX.L.66.0F3A.W0 1D /r ib
vcvtph2ps v{kz},h/mH{sae}           RM   avx512f  EVEX.L.66.0F38.W0 13 /r
vcvtps2ph h{kz},v{sae},imm8         MRI  avx512f  EVEX.L.66.0F3A.W0 1D /r ib
vcvtps2ph mH{k},v,imm8              MRI  avx512f  EVEX.L.66.0F3A.W0 1D /r ib
vcvtneps2bf16 h{kz},v/mL/b32        RM   avx512_bf16 EVEX.L.F3.0F38.W0 72 /r
"""


def _fused() -> str:
    text = ""
    for form, high in (("132", 0x90), ("213", 0xA0), ("231", 0xB0)):
        packed = {"fmaddsub": 6, "fmsubadd": 7, "fmadd": 8, "fmsub": 10, "fnmadd": 12, "fnmsub": 14}
        scalar = {"fmadd": 9, "fmsub": 11, "fnmadd": 13, "fnmsub": 15}
        text += family(
            _FUSED_PACKED, {f"v{name}{form}": high | low for name, low in packed.items()}
        )
        text += family(
            _FUSED_SCALAR, {f"v{name}{form}": high | low for name, low in scalar.items()}
        )
    return text


TABLE: Final = (
    family(_ARITHMETIC, {"vadd": 0x58, "vmul": 0x59, "vsub": 0x5C, "vdiv": 0x5E}, ROUND="er")
    + family(_ARITHMETIC, {"vmin": 0x5D, "vmax": 0x5F}, ROUND="sae")
    + _fused()
    + family(_LOGIC, {"vand": 0x54, "vandn": 0x55, "vor": 0x56, "vxor": 0x57})
    + family(_EVEX_UNARY, {"vgetexp": 0x42}, ROUND="sae", FEATURE="avx512f")
    + family(_EVEX_UNARY, {"vrcp14": 0x4C, "vrsqrt14": 0x4E}, ROUND="", FEATURE="avx512f")
    + family(_EVEX_IMMEDIATE, {"vgetmant": 0x26}, FEATURE="avx512f")
    + family(_EVEX_IMMEDIATE, {"vreduce": 0x56}, FEATURE="avx512dq")
    + _FLOATING
    + _COMPARISONS
    + _CONVERSIONS
)
