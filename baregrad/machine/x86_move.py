"""Moves, broadcasts, permutations, gathers: the instruction table, from the Intel SDM, volume 2.

One line is one instruction form; the notation is explained in `rows`.
"""

from typing import Final

from baregrad.machine.rows import family

# loads and stores of whole vectors; LOAD and STORE are opcodes
_FLOAT_MOVE: Final = """
NAMEps v,v/mL                       RM   avx      VEX.L.0F.WIG LOAD /r
NAMEps mL,v                         MR   avx      VEX.L.0F.WIG STORE /r
NAMEpd v,v/mL                       RM   avx      VEX.L.66.0F.WIG LOAD /r
NAMEpd mL,v                         MR   avx      VEX.L.66.0F.WIG STORE /r
NAMEps v{kz},v/mL                   RM   avx512f  EVEX.L.0F.W0 LOAD /r
NAMEps mL{k},v                      MR   avx512f  EVEX.L.0F.W0 STORE /r
NAMEpd v{kz},v/mL                   RM   avx512f  EVEX.L.66.0F.W1 LOAD /r
NAMEpd mL{k},v                      MR   avx512f  EVEX.L.66.0F.W1 STORE /r
"""
_INTEGER_MOVE_VEX: Final = """
NAME v,v/mL                         RM   avx      VEX.L.PREFIX.0F.WIG 6F /r
NAME mL,v                           MR   avx      VEX.L.PREFIX.0F.WIG 7F /r
"""
_INTEGER_MOVE_EVEX: Final = """
NAME v{kz},v/mL                     RM   FEATURE  EVEX.L.PREFIX.0F.WBIT 6F /r
NAME mL{k},v                        MR   FEATURE  EVEX.L.PREFIX.0F.WBIT 7F /r
"""

_MOVES: Final = """
vmovss x,m32                        RM   avx      VEX.LIG.F3.0F.WIG 10 /r
vmovss m32,x                        MR   avx      VEX.LIG.F3.0F.WIG 11 /r
vmovss x,x,x                        RVM  avx      VEX.LIG.F3.0F.WIG 10 /r
vmovss x{kz},m32                    RM   avx512f  EVEX.LIG.F3.0F.W0 10 /r
vmovss m32{k},x                     MR   avx512f  EVEX.LIG.F3.0F.W0 11 /r
vmovss x{kz},x,x                    RVM  avx512f  EVEX.LIG.F3.0F.W0 10 /r
vmovsd x,m64                        RM   avx      VEX.LIG.F2.0F.WIG 10 /r
vmovsd m64,x                        MR   avx      VEX.LIG.F2.0F.WIG 11 /r
vmovsd x{kz},m64                    RM   avx512f  EVEX.LIG.F2.0F.W1 10 /r
vmovsd m64{k},x                     MR   avx512f  EVEX.LIG.F2.0F.W1 11 /r
vmovd x,r32/m32                     RM   avx      VEX.128.66.0F.W0 6E /r
vmovd r32/m32,x                     MR   avx      VEX.128.66.0F.W0 7E /r
vmovd x,r32/m32                     RM   avx512f  EVEX.128.66.0F.W0 6E /r
vmovd r32/m32,x                     MR   avx512f  EVEX.128.66.0F.W0 7E /r
vmovq x,r64/m64                     RM   avx      VEX.128.66.0F.W1 6E /r
vmovq r64/m64,x                     MR   avx      VEX.128.66.0F.W1 7E /r
vmovq x,r64/m64                     RM   avx512f  EVEX.128.66.0F.W1 6E /r
vmovq r64/m64,x                     MR   avx512f  EVEX.128.66.0F.W1 7E /r
vmovntps mL,v                       MR   avx      VEX.L.0F.WIG 2B /r
vmovntps mL,v                       MR   avx512f  EVEX.L.0F.W0 2B /r
vmovntdq mL,v                       MR   avx      VEX.L.66.0F.WIG E7 /r
vmovntdq mL,v                       MR   avx512f  EVEX.L.66.0F.W0 E7 /r
vmovhlps x,x,x                      RVM  avx      VEX.128.0F.WIG 12 /r
vmovhlps x,x,x                      RVM  avx512f  EVEX.128.0F.W0 12 /r
vmovlhps x,x,x                      RVM  avx      VEX.128.0F.WIG 16 /r
vmovlhps x,x,x                      RVM  avx512f  EVEX.128.0F.W0 16 /r
vmovshdup v,v/mL                    RM   avx      VEX.L.F3.0F.WIG 16 /r
vmovshdup v{kz},v/mL                RM   avx512f  EVEX.L.F3.0F.W0 16 /r
vmovsldup v,v/mL                    RM   avx      VEX.L.F3.0F.WIG 12 /r
vmovsldup v{kz},v/mL                RM   avx512f  EVEX.L.F3.0F.W0 12 /r
vmovddup x,x/m64                    RM   avx      VEX.128.F2.0F.WIG 12 /r
vmovddup y,y/m256                   RM   avx      VEX.256.F2.0F.WIG 12 /r
vmovmskps r32,v                     RM   avx      VEX.L.0F.WIG 50 /r
vmovmskpd r32,v                     RM   avx      VEX.L.66.0F.WIG 50 /r
vpmovmskb r32,v                     RM   avx2     VEX.L.66.0F.WIG D7 /r
vmaskmovps v,v,mL                   RVM  avx      VEX.L.66.0F38.W0 2C /r
vmaskmovps mL,v,v                   MVR  avx      VEX.L.66.0F38.W0 2E /r
vmaskmovpd v,v,mL                   RVM  avx      VEX.L.66.0F38.W0 2D /r
vmaskmovpd mL,v,v                   MVR  avx      VEX.L.66.0F38.W0 2F /r
vpmaskmovd v,v,mL                   RVM  avx2     VEX.L.66.0F38.W0 8C /r
vpmaskmovd mL,v,v                   MVR  avx2     VEX.L.66.0F38.W0 8E /r
vpmaskmovq v,v,mL                   RVM  avx2     VEX.L.66.0F38.W1 8C /r
vpmaskmovq mL,v,v                   MVR  avx2     VEX.L.66.0F38.W1 8E /r
vzeroupper                         -    -    avx      VEX.128.0F.WIG 77
vzeroall                           -    -    avx      VEX.256.0F.WIG 77
vldmxcsr m32                        M    avx      VEX.L0.0F.WIG AE /2
vstmxcsr m32                        M    avx      VEX.L0.0F.WIG AE /3
"""

_BROADCASTS: Final = """
vbroadcastss v,m32                  RM   avx      VEX.L.66.0F38.W0 18 /r
vbroadcastss v,x                    RM   avx2     VEX.L.66.0F38.W0 18 /r
vbroadcastss v{kz},x/m32            RM   avx512f  EVEX.L.66.0F38.W0 18 /r
vbroadcastsd y,m64                  RM   avx      VEX.256.66.0F38.W0 19 /r
vbroadcastsd y,x                    RM   avx2     VEX.256.66.0F38.W0 19 /r
vbroadcastsd v{kz},x/m64            RM   avx512f  EVEX.256+.66.0F38.W1 19 /r
vbroadcastf128 y,m128               RM   avx      VEX.256.66.0F38.W0 1A /r
vbroadcasti128 y,m128               RM   avx2     VEX.256.66.0F38.W0 5A /r
vbroadcastf32x4 v{kz},m128          RM   avx512f  EVEX.256+.66.0F38.W0 1A /r
vbroadcastf64x4 z{kz},m256          RM   avx512f  EVEX.512.66.0F38.W1 1B /r
vbroadcasti32x4 v{kz},m128          RM   avx512f  EVEX.256+.66.0F38.W0 5A /r
vpbroadcastd v,x/m32                RM   avx2     VEX.L.66.0F38.W0 58 /r
vpbroadcastd v{kz},x/m32            RM   avx512f  EVEX.L.66.0F38.W0 58 /r
vpbroadcastd v{kz},r32              RM   avx512f  EVEX.L.66.0F38.W0 7C /r
vpbroadcastq v,x/m64                RM   avx2     VEX.L.66.0F38.W0 59 /r
vpbroadcastq v{kz},x/m64            RM   avx512f  EVEX.L.66.0F38.W1 59 /r
vpbroadcastq v{kz},r64              RM   avx512f  EVEX.L.66.0F38.W1 7C /r
vpbroadcastb v,x/m8                 RM   avx2     VEX.L.66.0F38.W0 78 /r
vpbroadcastw v,x/m16                RM   avx2     VEX.L.66.0F38.W0 79 /r
vpbroadcastb v{kz},x/m8             RM   avx512bw EVEX.L.66.0F38.W0 78 /r
vpbroadcastw v{kz},x/m16            RM   avx512bw EVEX.L.66.0F38.W0 79 /r
"""

_BLENDS: Final = """
vblendps v,v,v/mL,imm8              RVMI avx      VEX.L.66.0F3A.WIG 0C /r ib
vpblendd v,v,v/mL,imm8              RVMI avx2     VEX.L.66.0F3A.W0 02 /r ib
vblendvps v,v,v/mL,v                RVMS avx      VEX.L.66.0F3A.W0 4A /r /is4
vblendvpd v,v,v/mL,v                RVMS avx      VEX.L.66.0F3A.W0 4B /r /is4
vpblendvb v,v,v/mL,v                RVMS avx2     VEX.L.66.0F3A.W0 4C /r /is4
vblendmps v{kz},v,v/mL/b32          RVM  avx512f  EVEX.L.66.0F38.W0 65 /r
vblendmpd v{kz},v,v/mL/b64          RVM  avx512f  EVEX.L.66.0F38.W1 65 /r
vpblendmd v{kz},v,v/mL/b32          RVM  avx512f  EVEX.L.66.0F38.W0 64 /r
vpblendmq v{kz},v,v/mL/b64          RVM  avx512f  EVEX.L.66.0F38.W1 64 /r
"""

# SDM: UNPCKLPS, PUNPCKLDQ, ...
_UNPACK: Final = """
NAMEps v,v,v/mL                     RVM  avx      VEX.L.0F.WIG OP /r
NAMEpd v,v,v/mL                     RVM  avx      VEX.L.66.0F.WIG OP /r
NAMEps v{kz},v,v/mL/b32             RVM  avx512f  EVEX.L.0F.W0 OP /r
NAMEpd v{kz},v,v/mL/b64             RVM  avx512f  EVEX.L.66.0F.W1 OP /r
"""
_UNPACK_INTEGER: Final = """
NAME v,v,v/mL                       RVM  avx2     VEX.L.66.0F.WIG OP /r
NAME v{kz},v,v/mL/bWIDTH            RVM  avx512f  EVEX.L.66.0F.WBIT OP /r
"""
# SDM: VPERMT2PS, VPERMI2PS: full permutations from two tables
_TWO_TABLES: Final = """
NAMEps v{kz},v,v/mL/b32             RVM  avx512f  EVEX.L.66.0F38.W0 OP /r
NAMEpd v{kz},v,v/mL/b64             RVM  avx512f  EVEX.L.66.0F38.W1 OP /r
"""
_TWO_TABLES_INTEGER: Final = """
NAMEd v{kz},v,v/mL/b32              RVM  avx512f  EVEX.L.66.0F38.W0 OP /r
NAMEq v{kz},v,v/mL/b64              RVM  avx512f  EVEX.L.66.0F38.W1 OP /r
"""

_PERMUTATIONS: Final = """
vpermps y,y,y/m256                  RVM  avx2     VEX.256.66.0F38.W0 16 /r
vpermd y,y,y/m256                   RVM  avx2     VEX.256.66.0F38.W0 36 /r
vpermpd y,y/m256,imm8               RMI  avx2     VEX.256.66.0F3A.W1 01 /r ib
vpermq y,y/m256,imm8                RMI  avx2     VEX.256.66.0F3A.W1 00 /r ib
vpermps v{kz},v,v/mL/b32            RVM  avx512f  EVEX.256+.66.0F38.W0 16 /r
vpermd v{kz},v,v/mL/b32             RVM  avx512f  EVEX.256+.66.0F38.W0 36 /r
vpermpd v{kz},v,v/mL/b64            RVM  avx512f  EVEX.256+.66.0F38.W1 16 /r
vpermq v{kz},v,v/mL/b64             RVM  avx512f  EVEX.256+.66.0F38.W1 36 /r
vpermpd v{kz},v/mL/b64,imm8         RMI  avx512f  EVEX.256+.66.0F3A.W1 01 /r ib
vpermq v{kz},v/mL/b64,imm8          RMI  avx512f  EVEX.256+.66.0F3A.W1 00 /r ib
vpermilps v,v,v/mL                  RVM  avx      VEX.L.66.0F38.W0 0C /r
vpermilps v,v/mL,imm8               RMI  avx      VEX.L.66.0F3A.W0 04 /r ib
vpermilpd v,v/mL,imm8               RMI  avx      VEX.L.66.0F3A.W0 05 /r ib
vpermilps v{kz},v,v/mL/b32          RVM  avx512f  EVEX.L.66.0F38.W0 0C /r
vpermilps v{kz},v/mL/b32,imm8       RMI  avx512f  EVEX.L.66.0F3A.W0 04 /r ib
vpermilpd v{kz},v/mL/b64,imm8       RMI  avx512f  EVEX.L.66.0F3A.W1 05 /r ib
vshufps v,v,v/mL,imm8               RVMI avx      VEX.L.0F.WIG C6 /r ib
vshufpd v,v,v/mL,imm8               RVMI avx      VEX.L.66.0F.WIG C6 /r ib
vshufps v{kz},v,v/mL/b32,imm8       RVMI avx512f  EVEX.L.0F.W0 C6 /r ib
vshufpd v{kz},v,v/mL/b64,imm8       RVMI avx512f  EVEX.L.66.0F.W1 C6 /r ib
vpshufd v,v/mL,imm8                 RMI  avx2     VEX.L.66.0F.WIG 70 /r ib
vpshufd v{kz},v/mL/b32,imm8         RMI  avx512f  EVEX.L.66.0F.W0 70 /r ib
vshuff32x4 v{kz},v,v/mL/b32,imm8    RVMI avx512f  EVEX.256+.66.0F3A.W0 23 /r ib
vshuff64x2 v{kz},v,v/mL/b64,imm8    RVMI avx512f  EVEX.256+.66.0F3A.W1 23 /r ib
vshufi32x4 v{kz},v,v/mL/b32,imm8    RVMI avx512f  EVEX.256+.66.0F3A.W0 43 /r ib
vperm2f128 y,y,y/m256,imm8          RVMI avx      VEX.256.66.0F3A.W0 06 /r ib
vperm2i128 y,y,y/m256,imm8          RVMI avx2     VEX.256.66.0F3A.W0 46 /r ib
vpalignr v,v,v/mL,imm8              RVMI avx2     VEX.L.66.0F3A.WIG 0F /r ib
valignd v{kz},v,v/mL/b32,imm8       RVMI avx512f  EVEX.L.66.0F3A.W0 03 /r ib
vcompressps v{kz},v                 MR   avx512f  EVEX.L.66.0F38.W0 8A /r
vexpandps v{kz},v                   RM   avx512f  EVEX.L.66.0F38.W0 88 /r
"""

_PARTS: Final = """
vextractf128 x/m128,y,imm8          MRI  avx      VEX.256.66.0F3A.W0 19 /r ib
vextracti128 x/m128,y,imm8          MRI  avx2     VEX.256.66.0F3A.W0 39 /r ib
vinsertf128 y,y,x/m128,imm8         RVMI avx      VEX.256.66.0F3A.W0 18 /r ib
vinserti128 y,y,x/m128,imm8         RVMI avx2     VEX.256.66.0F3A.W0 38 /r ib
vextractf32x4 x{kz},v,imm8          MRI  avx512f  EVEX.256+.66.0F3A.W0 19 /r ib
vextractf32x4 m128{k},v,imm8        MRI  avx512f  EVEX.256+.66.0F3A.W0 19 /r ib
vextracti32x4 x{kz},v,imm8          MRI  avx512f  EVEX.256+.66.0F3A.W0 39 /r ib
vextractf64x2 x{kz},v,imm8          MRI  avx512dq EVEX.256+.66.0F3A.W1 19 /r ib
vextractf64x4 y{kz},z,imm8          MRI  avx512f  EVEX.512.66.0F3A.W1 1B /r ib
vextractf64x4 m256{k},z,imm8        MRI  avx512f  EVEX.512.66.0F3A.W1 1B /r ib
vextracti64x4 y{kz},z,imm8          MRI  avx512f  EVEX.512.66.0F3A.W1 3B /r ib
vextractf32x8 y{kz},z,imm8          MRI  avx512dq EVEX.512.66.0F3A.W0 1B /r ib
vinsertf32x4 v{kz},v,x/m128,imm8    RVMI avx512f  EVEX.256+.66.0F3A.W0 18 /r ib
vinsertf64x4 z{kz},z,y/m256,imm8    RVMI avx512f  EVEX.512.66.0F3A.W1 1A /r ib
vinserti64x4 z{kz},z,y/m256,imm8    RVMI avx512f  EVEX.512.66.0F3A.W1 3A /r ib
vinsertf32x8 z{kz},z,y/m256,imm8    RVMI avx512dq EVEX.512.66.0F3A.W0 1A /r ib
vinsertps x,x,x/m32,imm8            RVMI avx      VEX.128.66.0F3A.WIG 21 /r ib
vinsertps x,x,x/m32,imm8            RVMI avx512f  EVEX.128.66.0F3A.W0 21 /r ib
vextractps r32/m32,x,imm8           MRI  avx      VEX.128.66.0F3A.WIG 17 /r ib
vpextrd r32/m32,x,imm8              MRI  avx      VEX.128.66.0F3A.W0 16 /r ib
vpextrq r64/m64,x,imm8              MRI  avx      VEX.128.66.0F3A.W1 16 /r ib
vpinsrd x,x,r32/m32,imm8            RVMI avx      VEX.128.66.0F3A.W0 22 /r ib
vpinsrq x,x,r64/m64,imm8            RVMI avx      VEX.128.66.0F3A.W1 22 /r ib
"""

# widening and narrowing of integers; 'q' and mQ are a quarter of the vector's length
_RESIZING: Final = """
vpmovzxbd v,q/mQ                    RM   avx2     VEX.L.66.0F38.WIG 31 /r
vpmovzxbd v{kz},q/mQ                RM   avx512f  EVEX.L.66.0F38.WIG 31 /r
vpmovsxbd v,q/mQ                    RM   avx2     VEX.L.66.0F38.WIG 21 /r
vpmovsxbd v{kz},q/mQ                RM   avx512f  EVEX.L.66.0F38.WIG 21 /r
vpmovzxwd v,h/mH                    RM   avx2     VEX.L.66.0F38.WIG 33 /r
vpmovzxwd v{kz},h/mH                RM   avx512f  EVEX.L.66.0F38.WIG 33 /r
vpmovsxwd v,h/mH                    RM   avx2     VEX.L.66.0F38.WIG 23 /r
vpmovzxdq v,h/mH                    RM   avx2     VEX.L.66.0F38.WIG 35 /r
vpmovzxdq v{kz},h/mH                RM   avx512f  EVEX.L.66.0F38.W0 35 /r
vpmovsxdq v,h/mH                    RM   avx2     VEX.L.66.0F38.WIG 25 /r
vpmovdb q{kz},v                     MR   avx512f  EVEX.L.F3.0F38.W0 31 /r
vpmovdb mQ{k},v                     MR   avx512f  EVEX.L.F3.0F38.W0 31 /r
vpmovdw h{kz},v                     MR   avx512f  EVEX.L.F3.0F38.W0 33 /r
vpmovdw mH{k},v                     MR   avx512f  EVEX.L.F3.0F38.W0 33 /r
vpmovqd h{kz},v                     MR   avx512f  EVEX.L.F3.0F38.W0 35 /r
vpmovqd mH{k},v                     MR   avx512f  EVEX.L.F3.0F38.W0 35 /r
"""

# vm32v: a vector of 32-bit indices as long as the data; {k!}: a mask is obligatory
_GATHERS: Final = """
vgatherdps v,vm32v,v                RMV  avx2     VEX.L.66.0F38.W0 92 /r
vgatherdps v{k!},vm32v              RM   avx512f  EVEX.L.66.0F38.W0 92 /r
vpgatherdd v,vm32v,v                RMV  avx2     VEX.L.66.0F38.W0 90 /r
vpgatherdd v{k!},vm32v              RM   avx512f  EVEX.L.66.0F38.W0 90 /r
vgatherdpd v,vm64h,v                RMV  avx2     VEX.L.66.0F38.W1 92 /r
vgatherdpd v{k!},vm64h              RM   avx512f  EVEX.L.66.0F38.W1 92 /r
vscatterdps vm32v{k!},v             MR   avx512f  EVEX.L.66.0F38.W0 A2 /r
vpscatterdd vm32v{k!},v             MR   avx512f  EVEX.L.66.0F38.W0 A0 /r
"""

TABLE: Final = (
    family(_FLOAT_MOVE, {"vmovu": 0}, LOAD="10", STORE="11")
    + family(_FLOAT_MOVE, {"vmova": 0}, LOAD="28", STORE="29")
    + family(_INTEGER_MOVE_VEX, {"vmovdqu": 0}, PREFIX="F3")
    + family(_INTEGER_MOVE_VEX, {"vmovdqa": 0}, PREFIX="66")
    + family(_INTEGER_MOVE_EVEX, {"vmovdqu32": 0}, PREFIX="F3", BIT="0", FEATURE="avx512f")
    + family(_INTEGER_MOVE_EVEX, {"vmovdqu64": 0}, PREFIX="F3", BIT="1", FEATURE="avx512f")
    + family(_INTEGER_MOVE_EVEX, {"vmovdqa32": 0}, PREFIX="66", BIT="0", FEATURE="avx512f")
    + family(_INTEGER_MOVE_EVEX, {"vmovdqa64": 0}, PREFIX="66", BIT="1", FEATURE="avx512f")
    + family(_INTEGER_MOVE_EVEX, {"vmovdqu8": 0}, PREFIX="F2", BIT="0", FEATURE="avx512bw")
    + family(_INTEGER_MOVE_EVEX, {"vmovdqu16": 0}, PREFIX="F2", BIT="1", FEATURE="avx512bw")
    + _MOVES
    + _BROADCASTS
    + _BLENDS
    + family(_UNPACK, {"vunpckl": 0x14, "vunpckh": 0x15})
    + family(_UNPACK_INTEGER, {"vpunpckldq": 0x62, "vpunpckhdq": 0x6A}, WIDTH="32", BIT="0")
    + family(_UNPACK_INTEGER, {"vpunpcklqdq": 0x6C, "vpunpckhqdq": 0x6D}, WIDTH="64", BIT="1")
    + family(_TWO_TABLES, {"vpermt2": 0x7F, "vpermi2": 0x77})
    + family(_TWO_TABLES_INTEGER, {"vpermt2": 0x7E, "vpermi2": 0x76})
    + _PERMUTATIONS
    + _PARTS
    + _RESIZING
    + _GATHERS
)
