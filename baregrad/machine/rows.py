"""The notation of the instruction tables, and its reading.

One line of a table is ``mnemonic operands roles feature encoding``; it is the SDM's own notation
(volume 2, section 3.1.1), made regular:

operands
    ``r8 r16 r32 r64 cl`` general registers; ``x y z`` vector registers; ``k`` mask registers;
    ``m`` memory of any size, ``m32`` memory of 32 bits; ``imm8 simm8 imm32 simm32 imm64``
    immediates (``s``: sign-extended to the operand size); ``rel8 rel32`` jump targets;
    ``b32`` one 32-bit element broadcast to all; ``vm32x`` 32-bit elements at addresses whose
    index is an xmm register. A slash separates alternatives.
    ``v mL`` a vector of the row's length L, ``h mH`` half of it, ``q mQ`` a quarter;
    ``rv mv immv`` operands of 32 and of 64 bits: such a line stands for one row for each.
    ``{k}`` takes a mask, ``{kz}`` also zeroing, ``{k!}`` must have a mask; ``{er}`` takes embedded
    rounding, ``{sae}`` suppresses exceptions.
roles
    where each operand goes, in order (``-`` where there are none): R ModRM.reg, M ModRM.rm,
    V vvvv, I immediate, S immediate bits 7:4, O low bits of the opcode, D displacement of a jump.
feature
    the CPUID feature, as `cpu` names it; ``-`` for what every x86-64 processor has.
encoding
    ``VEX.L.66.0F38.W0 B8 /r``: vector length, mandatory prefix, opcode map, W, opcode, ModRM;
    ``/2`` a digit in ModRM.reg, ``+r`` the register in the opcode, ``ib id iq cb cd`` bytes that
    follow, ``/is4`` a register in an immediate byte.

EVEX's tuple types (SDM volume 2, section 2.7.5), by which an 8-bit displacement is scaled, need no
column: in every row here N is the size of the memory operand, or of the broadcast element.
"""

from functools import cache
from typing import Final

# kinds of immediates (see `registers.immediate_kind`) that each pattern takes
_IMMEDIATES: Final = {
    "imm8": frozenset({"i8", "u8"}),
    "simm8": frozenset({"i8"}),
    "imm32": frozenset({"i8", "u8", "i32", "u32"}),
    "simm32": frozenset({"i8", "u8", "i32"}),
    "imm64": frozenset({"i8", "u8", "i32", "u32", "i64"}),
    "rel8": frozenset({"label"}),
    "rel32": frozenset({"label"}),
}
_SIZES: Final = (8, 16, 32, 64, 128, 256, 512)
_VECTOR_NAMES: Final = {"x": "xmm", "y": "ymm", "z": "zmm"}
_IMMEDIATE_BYTES: Final = {"ib": 1, "id": 4, "iq": 8, "cb": 1, "cd": 4, "/is4": 1}
_MAPS: Final = {"0F": 1, "0F38": 2, "0F3A": 3}
_MANDATORY: Final = {"66": 1, "F3": 2, "F2": 3}
_LENGTHS: Final = {"LIG": 0, "L0": 0, "L1": 1, "128": 0, "256": 1, "512": 2}
_SCHEMES: Final = ("VEX", "EVEX")


class Pattern:
    """What one operand of a row may be."""

    __slots__ = ("broadcast_bits", "kinds", "memory_bits", "text")

    def __init__(
        self, text: str, kinds: frozenset[str], memory_bits: int, broadcast_bits: int
    ) -> None:
        self.text = text
        self.kinds = kinds
        self.memory_bits = memory_bits
        self.broadcast_bits = broadcast_bits


class Encoding:
    """How the rows of a line are encoded.

    Attributes:
        prefix: legacy: lock, operand-size and repeat prefixes.
        opcode: legacy: with the escape bytes.
        digit: ModRM.reg where no operand is there.
        immediate_bytes: how many follow.
        opcode_map: of VEX and EVEX.
        mandatory: pp of VEX and EVEX.
    """

    __slots__ = ("digit", "immediate_bytes", "mandatory", "opcode", "opcode_map", "prefix")

    def __init__(self, parts: tuple[str, ...]) -> None:
        fields = parts[0].split(".")
        if fields[0] in _SCHEMES:
            self.prefix, self.opcode = b"", bytes.fromhex(parts[1])
        else:
            self.prefix, self.opcode = _legacy_opcode(parts)
        self.opcode_map = next((_MAPS[f] for f in fields if f in _MAPS), 0)
        self.mandatory = next((_MANDATORY[f] for f in fields if f in _MANDATORY), 0)
        digits = [part[1:] for part in parts if part[0] == "/" and part[1:].isdigit()]
        self.digit = int(digits[0]) if digits else 0
        self.immediate_bytes = sum([_IMMEDIATE_BYTES.get(part, 0) for part in parts])


class Row:
    """One instruction form: one line of a table at one vector length and operand size.

    Attributes:
        mnemonic: the instruction's name.
        patterns: of its operands.
        roles: where each of them goes.
        features: of the processor, which it needs.
        scheme: ``"VEX"``, ``"EVEX"`` or ``"legacy"``.
        wide: W.
        length: L'L.
        masking: ``"k"``, ``"kz"``, ``"k!"`` or empty.
        rounding: ``"er"``, ``"sae"`` or empty.
    """

    __slots__ = (
        "_parts",
        "features",
        "length",
        "masking",
        "mnemonic",
        "patterns",
        "roles",
        "rounding",
        "scheme",
        "wide",
    )

    def __init__(
        self,
        mnemonic: str,
        patterns: tuple[Pattern, ...],
        roles: str,
        features: frozenset[str],
        scheme: str,
        wide: int,
        length: int,
        masking: str,
        rounding: str,
        parts: tuple[str, ...],
    ) -> None:
        self.mnemonic = mnemonic
        self.patterns = patterns
        self.roles = roles
        self.features = features
        self.scheme = scheme
        self.wide = wide
        self.length = length
        self.masking = masking
        self.rounding = rounding
        self._parts = parts

    @property
    def encoding(self) -> Encoding:
        """Read only once it is needed: most rows are looked at, and do not fit."""
        return _encoding(self._parts)


_encoding = cache(Encoding)


def family(template: str, opcodes: dict[str, int], **columns: str) -> str:
    """Rows that differ in name and opcode: NAME and OP of the template, once for each pair.

    Other words in capitals are replaced from `columns`.
    """
    for word in sorted(columns, key=len, reverse=True):
        template = template.replace(word, columns[word])
    return "".join(
        template.replace("NAME", name).replace("OP", f"{opcode:02X}")
        for name, opcode in opcodes.items()
    )


def read(line: str) -> list[Row]:
    """The rows that one line of a table stands for."""
    mnemonic, operands, roles, feature, *parts = line.split()
    if operands == "-":
        operands = roles = ""
    fields = tuple(parts[0].split("."))
    scheme = fields[0] if fields[0] in _SCHEMES else "legacy"
    masking = rounding = ""
    texts = []
    for operand in operands.split(",") if operands else ():
        text, *flags = operand.split("{")
        texts.append(text)
        for flag in flags:
            if flag[0] == "k":
                masking = flag[:-1]
            else:
                rounding = flag[:-1]
    wide = "W1" in fields or parts[0] == "REX.W"
    sizes = (32, 64) if "rv" in operands or "mv" in operands else (0,)
    rows = []
    for length in _lengths_of(fields):
        # embedded rounding takes the place of the vector length: 512 bits or scalar only
        rounds = rounding if length == 2 or "LIG" in fields else ""
        features = _features(feature, scheme, fields, length)
        for size in sizes:
            patterns = tuple([_pattern(text, scheme, length, size) for text in texts])
            w = int(wide or size == 64)
            how = (scheme, w, length, masking, rounds, tuple(parts))
            rows.append(Row(mnemonic, patterns, roles, features, *how))
    return rows


def _lengths_of(fields: tuple[str, ...]) -> tuple[int, ...]:
    """Encoded vector lengths (0, 1, 2 for 128, 256, 512 bits) of one encoding."""
    if fields[0] not in _SCHEMES:
        return (0,)
    if fields[1] == "L":
        return (0, 1) if fields[0] == "VEX" else (0, 1, 2)
    if fields[1] == "256+":
        return (1, 2)
    return (_LENGTHS[fields[1]],)


@cache
def _features(feature: str, scheme: str, fields: tuple[str, ...], length: int) -> frozenset[str]:
    """EVEX below 512 bits is AVX512VL's, but for scalars."""
    needed = set() if feature == "-" else {feature}
    if scheme == "EVEX" and length < 2 and "LIG" not in fields and fields[1] != "128":
        needed.add("avx512vl")
    return frozenset(needed)


def _legacy_opcode(encoding: tuple[str, ...]) -> tuple[bytes, bytes]:
    """Prefixes and opcode of an encoding without VEX: its leading bytes in hexadecimal."""
    parts = [p for p in encoding if len(p) == 2 and p[0] in "0123456789ABCDEF"]
    raw = bytes(int(part, 16) for part in parts)
    count = 0
    while count < len(raw) - 1 and raw[count] in (0xF0, 0x66, 0xF2, 0xF3):
        count += 1
    return raw[:count], raw[count:]


@cache
def _pattern(text: str, scheme: str, length: int, size: int) -> Pattern:
    kinds: set[str] = set()
    memory_bits = 0
    broadcast_bits = 0
    for token in text.split("/"):
        if token.startswith("b"):
            broadcast_bits = int(token[1:])
            kinds.add(f"b{memory_bits // broadcast_bits}")
            continue
        token_kinds, bits = _token(token, scheme, length, size)
        kinds |= token_kinds
        memory_bits = bits or memory_bits
    return Pattern(text, frozenset(kinds), memory_bits, broadcast_bits)


def _token(token: str, scheme: str, length: int, size: int) -> tuple[frozenset[str], int]:
    """The operand kinds of one alternative, and its size where it is memory."""
    if token == "immv":
        token = "imm32" if size == 32 else "simm32"
    if token in _IMMEDIATES:
        return _IMMEDIATES[token], 0
    if token in ("rv", "mv"):
        token = f"{token[0]}{size}"
    if token.startswith("vm"):
        index = _vector_kinds(token[-1], scheme, length)
        return frozenset("vm" + kind for kind in index), int(token[2:4])
    if token == "m":
        return frozenset({"m"} | {f"m{bits}" for bits in _SIZES}), 0
    if token.startswith("m"):
        shift = {"mL": 0, "mH": 1, "mQ": 2}.get(token)
        bits = int(token[1:]) if shift is None else 128 << length >> shift
        return frozenset({"m", f"m{bits}"}), bits
    if token == "r8":
        return frozenset({"r8", "cl"}), 0
    if token in ("cl", "k") or token.startswith("r"):
        return frozenset({token}), 0
    return _vector_kinds(token, scheme, length), 0


def _vector_kinds(letter: str, scheme: str, length: int) -> frozenset[str]:
    shift = {"v": 0, "h": 1, "q": 2}.get(letter)
    if shift is not None:
        letter = "xyz"[max(length - shift, 0)]
    name = _VECTOR_NAMES[letter]
    return frozenset({name, name + "+"} if scheme == "EVEX" else {name})
