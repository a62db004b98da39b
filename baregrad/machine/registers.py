"""Operands: registers, memory, labels; and the *kind* by which a table row is chosen.

The register numbers are those of the Intel SDM, volume 2, section 2.1 (ModRM), 2.2.1.2 (REX),
2.3 (VEX) and 2.7 (EVEX). A kind is a short string; the tuple of an instruction's kinds is the key
under which its encoding is found. Vector registers 16 to 31 have a kind of their own (``xmm+``)
because only EVEX can name them.
"""

from __future__ import annotations

from typing import Final

from baregrad.machine.errors import OperandError

INT32_MIN: Final = -(1 << 31)
INT32_MAX: Final = (1 << 31) - 1


class Register:
    """One architectural register. There is one object for each: compare with ``is``."""

    __slots__ = ("bits", "index", "kind", "name")

    def __init__(self, name: str, kind: str, index: int, bits: int) -> None:
        self.name = name
        self.kind = kind
        self.index = index
        self.bits = bits

    def __repr__(self) -> str:
        return self.name


class Label:
    """A place in the code, made before it is known where. Identity is what counts."""

    __slots__ = ("name",)
    kind: Final = "label"

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


class Memory:
    """A memory operand: ``[base + index * scale + displacement]`` or ``[rip + label]``.

    Args:
        base: a 64-bit general register, or None.
        index: a 64-bit general register other than rsp, or a vector register (gather, scatter).
        scale: 1, 2, 4 or 8.
        displacement: signed, 32 bits.
        broadcast: N of EVEX's embedded broadcast ``{1toN}``; 0 for none.
        size: the access in bits; only needed where the other operands leave it open.
        label: address relative to the instruction pointer; base and index are None then.
    """

    __slots__ = ("base", "broadcast", "displacement", "index", "kind", "label", "scale", "size")

    def __init__(
        self,
        base: Register | None = None,
        index: Register | None = None,
        scale: int = 1,
        displacement: int = 0,
        *,
        broadcast: int = 0,
        size: int = 0,
        label: Label | None = None,
    ) -> None:
        self.base = base
        self.index = index
        self.scale = scale
        self.displacement = displacement
        self.broadcast = broadcast
        self.size = size
        self.label = label
        if base is not None and base.kind != "r64":
            raise OperandError(f"the base of an address is a 64-bit register, not {base}")
        if not INT32_MIN <= displacement <= INT32_MAX:
            raise OperandError(f"displacement {displacement} does not fit in 32 bits")
        if label is not None and (base is not None or index is not None):
            raise OperandError("an address relative to rip has neither base nor index")
        vector_index = "" if index is None else self._index_kind(index)
        if broadcast:
            self.kind = f"b{broadcast}"
        elif vector_index:
            self.kind = "vm" + vector_index
        else:
            self.kind = f"m{size}" if size else "m"

    def _index_kind(self, index: Register) -> str:
        """The kind of a vector index; empty for a general register."""
        if self.scale not in (1, 2, 4, 8):
            raise OperandError(f"the scale of an index is 1, 2, 4 or 8, not {self.scale}")
        if index.kind == "r64" and index is not rsp:
            return ""
        if index.kind in VECTOR_KINDS and not self.broadcast:
            return index.kind
        raise OperandError(f"{index} cannot be the index of an address")

    def __add__(self, offset: int) -> Memory:
        return Memory(
            self.base,
            self.index,
            self.scale,
            self.displacement + offset,
            broadcast=self.broadcast,
            size=self.size,
            label=self.label,
        )

    def to_all(self, lanes: int) -> Memory:
        """The same address with an embedded broadcast ``{1to<lanes>}``."""
        return Memory(
            self.base,
            self.index,
            self.scale,
            self.displacement,
            broadcast=lanes,
            label=self.label,
        )

    def __repr__(self) -> str:
        terms = [r.name for r in (self.base,) if r is not None]
        if self.label is not None:
            terms = ["rip", self.label.name]
        if self.index is not None:
            terms.append(f"{self.index.name}*{self.scale}")
        text = "+".join(terms)
        if self.displacement or not text:
            sign = "-" if self.displacement < 0 else "+" if text else ""
            text += f"{sign}{abs(self.displacement):#x}"
        return f"[{text}]" + (f"{{1to{self.broadcast}}}" if self.broadcast else "")


Operand = Register | Memory | Label | int


def immediate_kind(value: int) -> str:
    """The narrowest immediate that holds `value`."""
    if -0x80 <= value <= 0x7F:
        return "i8"
    if 0 <= value <= 0xFF:
        return "u8"
    if INT32_MIN <= value <= INT32_MAX:
        return "i32"
    if 0 <= value <= 0xFFFF_FFFF:
        return "u32"
    if -(1 << 63) <= value < 1 << 64:
        return "i64"
    raise OperandError(f"{value} does not fit in 64 bits")


VECTOR_KINDS: Final = frozenset({"xmm", "xmm+", "ymm", "ymm+", "zmm", "zmm+"})

_LEGACY = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")
_NAMES64 = ["r" + name for name in _LEGACY] + [f"r{i}" for i in range(8, 16)]
_NAMES32 = ["e" + name for name in _LEGACY] + [f"r{i}d" for i in range(8, 16)]
_NAMES16 = [*_LEGACY] + [f"r{i}w" for i in range(8, 16)]
_NAMES8 = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"] + [f"r{i}b" for i in range(8, 16)]


def _vector_class(name: str, bits: int) -> tuple[Register, ...]:
    kinds = [name] * 16 + [name + "+"] * 16
    return tuple(Register(f"{name}{i}", kinds[i], i, bits) for i in range(32))


GPR64: Final = tuple(Register(n, "r64", i, 64) for i, n in enumerate(_NAMES64))
GPR32: Final = tuple(Register(n, "r32", i, 32) for i, n in enumerate(_NAMES32))
GPR16: Final = tuple(Register(n, "r16", i, 16) for i, n in enumerate(_NAMES16))
# cl has a kind of its own because shifts take their count in it
GPR8: Final = tuple(Register(n, "cl" if n == "cl" else "r8", i, 8) for i, n in enumerate(_NAMES8))
XMM: Final = _vector_class("xmm", 128)
YMM: Final = _vector_class("ymm", 256)
ZMM: Final = _vector_class("zmm", 512)
MASK: Final = tuple(Register(f"k{i}", "k", i, 64) for i in range(8))

rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi = GPR64[0:8]
r8, r9, r10, r11, r12, r13, r14, r15 = GPR64[8:16]
eax, ecx, edx, ebx, esp, ebp, esi, edi = GPR32[0:8]
r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d = GPR32[8:16]
ax, cx, dx, bx, sp, bp, si, di = GPR16[0:8]
r8w, r9w, r10w, r11w, r12w, r13w, r14w, r15w = GPR16[8:16]
al, cl, dl, bl, spl, bpl, sil, dil = GPR8[0:8]
r8b, r9b, r10b, r11b, r12b, r13b, r14b, r15b = GPR8[8:16]
xmm0, xmm1, xmm2, xmm3, xmm4, xmm5, xmm6, xmm7 = XMM[0:8]
xmm8, xmm9, xmm10, xmm11, xmm12, xmm13, xmm14, xmm15 = XMM[8:16]
xmm16, xmm17, xmm18, xmm19, xmm20, xmm21, xmm22, xmm23 = XMM[16:24]
xmm24, xmm25, xmm26, xmm27, xmm28, xmm29, xmm30, xmm31 = XMM[24:32]
ymm0, ymm1, ymm2, ymm3, ymm4, ymm5, ymm6, ymm7 = YMM[0:8]
ymm8, ymm9, ymm10, ymm11, ymm12, ymm13, ymm14, ymm15 = YMM[8:16]
ymm16, ymm17, ymm18, ymm19, ymm20, ymm21, ymm22, ymm23 = YMM[16:24]
ymm24, ymm25, ymm26, ymm27, ymm28, ymm29, ymm30, ymm31 = YMM[24:32]
zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7 = ZMM[0:8]
zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm14, zmm15 = ZMM[8:16]
zmm16, zmm17, zmm18, zmm19, zmm20, zmm21, zmm22, zmm23 = ZMM[16:24]
zmm24, zmm25, zmm26, zmm27, zmm28, zmm29, zmm30, zmm31 = ZMM[24:32]
k0, k1, k2, k3, k4, k5, k6, k7 = MASK[0:8]
