"""Every row of the tables with operands at every boundary of its encoding, for the test of rows."""

import re
from collections.abc import Iterator
from functools import cache

from baregrad.machine import x86
from baregrad.machine.encoding import Form, encode
from baregrad.machine.listing import Instruction
from baregrad.machine.registers import (
    GPR8,
    GPR16,
    GPR32,
    GPR64,
    MASK,
    XMM,
    YMM,
    ZMM,
    Label,
    Memory,
    immediate_kind,
)
from baregrad.machine.registers import cl as CL
from baregrad.machine.x86_general import CONDITIONS

CLASSES = {"r8": GPR8, "r16": GPR16, "r32": GPR32, "r64": GPR64, "k": MASK}
VECTORS = {"xmm": XMM, "ymm": YMM, "zmm": ZMM}
RSP, RBP, R12, R13 = GPR64[4], GPR64[5], GPR64[12], GPR64[13]
IMMEDIATES = {
    "imm8": (5, 0, 127, 128, 255, -128),
    "simm8": (5, 0, -1, 127, -128),
    "imm32": (0x12345678, -1, 0x7FFFFFFF, 0xFFFFFFFF, -0x80000000),
    "simm32": (0x12345678, -1, 0x7FFFFFFF, -0x80000000),
    "imm64": (0x123456789ABCDEF0, -1, 0xFFFFFFFFFFFFFFFF, 1 << 63, 0x80000000),
}


def memories(size: int, broadcast: int, scale: int) -> list[Memory]:
    """Addresses at every boundary; `scale` is N of disp8*N."""
    keys = {"broadcast": broadcast, "size": 0 if broadcast else size}
    out = [Memory(GPR64[i], **keys) for i in (0, 3, 4, 5, 7, 8, 12, 13, 15)]
    for displacement in (1, -1, scale, -scale, 127 * scale, -128 * scale, 128 * scale):
        out.append(Memory(GPR64[3], displacement=displacement, **keys))
    for base in (RSP, RBP, R12, R13):
        out.append(Memory(base, displacement=-129 * scale, **keys))
        out.append(Memory(base, displacement=3 * scale, **keys))
        out.append(Memory(base, GPR64[9], 4, **keys))
        out.append(Memory(base, R12, 1, 2 * scale, **keys))
    out += [Memory(GPR64[0], GPR64[i], s, **keys) for i, s in ((1, 1), (5, 2), (7, 4), (8, 8))]
    out += [Memory(GPR64[15], GPR64[i], 8, 0x12345678, **keys) for i in (12, 13, 15)]
    out += [Memory(None, GPR64[i], 4, 0x40, **keys) for i in (1, 5, 13)]
    out += [Memory(displacement=0x1234, **keys), Memory(label=Label("here"), **keys)]
    return out


def vector_indexed(kind: str) -> list[Memory]:
    """Addresses of gathers and scatters."""
    out = []
    for number in (19, 16, 31) if kind.endswith("+") else (9, 0, 7, 8, 15):
        index = VECTORS[kind[2:5]][number]
        out += [Memory(GPR64[3], index, 4), Memory(R13, index, 1, -128 * 4)]
        out += [Memory(None, index, 8, 64), Memory(RSP, index, 2, 12)]
    return out


def choices(pattern, at: int, scheme: str) -> list:
    """Operands for one pattern; the first is the usual one."""
    out = []
    for kind in sorted(pattern.kinds, key=lambda kind: (kind[0] in "bm", kind)):
        if kind in CLASSES:
            numbers = {"k": (at + 1, 0, 7)}.get(kind, (at + 1, 0, 4, 5, 6, 7, 8, 12, 15))
            out += [CLASSES[kind][i] for i in numbers]
        elif kind in VECTORS:
            out += [VECTORS[kind][i] for i in (at + 1, 0, 7, 8, 15)]
        elif kind in ("xmm+", "ymm+", "zmm+"):
            out += [VECTORS[kind[:3]][i] for i in (16, 23, 24, 31)]
        elif kind == "cl":
            out.append(CL)
        elif kind.startswith("vm"):
            out += vector_indexed(kind)
    memory_kinds = [kind for kind in pattern.kinds if re.fullmatch(r"m\d*", kind)]
    if memory_kinds:
        n = max(pattern.memory_bits // 8, 1) if scheme == "EVEX" else 1
        out += memories(pattern.memory_bits, 0, n)
    for kind in pattern.kinds:
        if kind[0] == "b":
            out += memories(0, int(kind[1:]), pattern.broadcast_bits // 8)
    return out or list(IMMEDIATES.get(pattern.text, []))


def immediates(pattern) -> list[int]:
    """Immediates for a pattern that takes none but those."""
    if pattern.text == "immv":
        return list(IMMEDIATES["imm32" if "u32" in pattern.kinds else "simm32"])
    return list(IMMEDIATES.get(pattern.text, ()))


def variants(row) -> Iterator[Instruction]:
    """The row with each operand at each of its boundaries, one after the other."""
    gather = any(kind.startswith("vm") for p in row.patterns for kind in p.kinds)
    options = [immediates(p) or choices(p, i, row.scheme) for i, p in enumerate(row.patterns)]
    usual = [option[0] for option in options]
    always = 1 if row.masking == "k!" else 0
    yield _variant(row, usual, always)
    for at, option in enumerate(options):
        for operand in option[1:]:
            operands = [*usual[:at], operand, *usual[at + 1 :]]
            if not (gather and _clash(operands)):
                yield _variant(row, operands, always)
    if row.masking:
        yield _variant(row, usual, 1)
        yield _variant(row, usual, 7)
    if row.masking == "kz":
        yield _variant(row, usual, 3, zero=True)
    if row.rounding:
        for rounding in ("sae",) if row.rounding == "sae" else ("rn", "rd", "ru", "rz"):
            yield _variant(row, usual, always, rounding=rounding)


def _clash(operands) -> bool:
    """Data, index and mask of a gather must be different registers."""
    numbers = [o.index.index if isinstance(o, Memory) else o.index for o in operands]
    return len(set(numbers)) < len(numbers)


def _variant(row, operands, mask, zero=False, rounding=None) -> Instruction:
    kinds = [immediate_kind(o) if isinstance(o, int) else o.kind for o in operands]
    for kind, pattern in zip(kinds, row.patterns, strict=True):
        assert kind in pattern.kinds, (row, kinds)
    form = Form(row, kinds, zero, rounding)
    return Instruction(0, 0, form, operands, mask)


def encoded(instruction: Instruction) -> bytes:
    """Its bytes."""
    code = bytearray()
    encode(code, instruction.form, instruction.operands, instruction.mask)
    return bytes(code)


def all_variants() -> list[Instruction]:
    """Every row of every table."""
    out = []
    for mnemonic in x86.mnemonics():
        for row in x86.rows(mnemonic):
            if "D" not in row.roles:
                out += variants(row)
    return out


PREDICATES = [
    "eq",
    "lt",
    "le",
    "unord",
    "neq",
    "nlt",
    "nle",
    "ord",
    "eq_uq",
    "nge",
    "ngt",
    "false",
    "neq_oq",
    "ge",
    "gt",
    "true",
    "eq_os",
    "lt_oq",
    "le_oq",
    "unord_s",
    "neq_us",
    "nlt_uq",
    "nle_uq",
    "ord_s",
    "eq_us",
    "nge_uq",
    "ngt_uq",
    "false_os",
    "neq_os",
    "ge_oq",
    "gt_oq",
    "true_us",
]
INTEGER_PREDICATES = ["eq", "lt", "le", "false", "neq", "nlt", "nle", "true"]
FIRST_NAMES = {code: name for name, code in reversed(CONDITIONS.items())}
SIZES = {"byte": 8, "word": 16, "dword": 32, "qword": 64, "xmmword": 128, "ymmword": 256}
SIZES["zmmword"] = 512
LANES = re.compile(r"\{1to(\d+)\}")


def canonical(text: str) -> tuple:
    """One disassembled or listed instruction, free of the taste of who wrote it."""
    text = text.split("#")[0].lower().replace("{evex} ", "").replace(" ptr", "").strip()
    text = text.replace("rep ", "rep_")
    if text.startswith("lock "):
        text = "lock_" + text[5:]
    mnemonic, _, rest = text.partition(" ")
    if mnemonic.startswith(("rep_", "nop")):
        return (mnemonic[:8],)
    mnemonic = {"movabs": "mov"}.get(mnemonic, mnemonic)
    if "gather" in mnemonic or "scatter" in mnemonic:
        rest = re.sub(r",(k\d),", r"{\1},", rest)  # the mask as an operand of its own
    # rounding is an operand of its own to some, a suffix of the last or first operand to others
    rounding = re.search(r"\{(\w+-)?sae\}", rest)
    if rounding:
        rest = rest.replace(rounding[0], "")
    operands = [_operand(part.strip()) for part in rest.split(",") if part.strip()]
    for prefix in ("set", "cmov"):
        if mnemonic.startswith(prefix) and mnemonic[len(prefix) :] in CONDITIONS:
            mnemonic = prefix + FIRST_NAMES[CONDITIONS[mnemonic[len(prefix) :]]]
    mnemonic, *operands = _without_predicate(mnemonic, operands)
    if mnemonic in ("vpcmpd", "vpcmpq") and operands[-1] == ("imm", 0):
        mnemonic = "vpcmpeq" + mnemonic[-1]  # objdump names it so, the opcode is another
        operands.pop()
    return (mnemonic, *operands, *([rounding[0].replace("rne", "rn")] if rounding else []))


def _without_predicate(mnemonic: str, operands: list) -> tuple:
    """``vcmpltps a,b,c`` as ``vcmpps a,b,c,1``."""
    match = re.fullmatch(r"(vp?cmp)(\w+?)(u?[bwdq]|[ps][sd])", mnemonic)
    names = PREDICATES if mnemonic.startswith("vcmp") else INTEGER_PREDICATES
    if match is None or match[2] not in names or re.fullmatch("vpcmp(eq|gt)[bwdq]", mnemonic):
        return (mnemonic, *operands)
    return (match[1] + match[3], *operands, ("imm", names.index(match[2])))


def expected(instruction: Instruction) -> tuple:
    """The listing's own text in canonical form, with immediates as wide as the processor's."""
    mnemonic, *operands = canonical(str(instruction))
    row = instruction.form.row
    if mnemonic.startswith("prefetch"):
        operands[0] = ("memory", 8, *operands[0][2:])
    width = 32 if row.mnemonic != "push" and not row.wide else 64
    for at, pattern in enumerate(row.patterns):
        if isinstance(instruction.operands[at], int):
            bits = 8 if pattern.text == "imm8" else width
            at = next((i for i, operand in enumerate(operands) if operand[0] == "imm"), None)
            if at is None:
                continue
            operands[at] = ("imm", operands[at][1] & (1 << bits) - 1)
    return (mnemonic, *operands)


@cache
def _operand(text: str) -> tuple:
    if "[" in text or "ds:" in text:
        return _address(text)
    if re.fullmatch(r"-?(0x[0-9a-f]+|\d+)", text):
        return ("imm", int(text, 0) & (1 << 64) - 1)
    return ("register", text.replace("}{", "} {"))


def _address(text: str) -> tuple:
    size = SIZES.get(text.split()[0].split("[")[0], 0)
    text = re.sub(r"ds:(0x\w+)", r"[\1]", text)
    inner = text[text.index("[") + 1 : text.index("]")].replace("-", "+-")
    terms, displacement = [], 0
    for term in filter(None, inner.split("+")):
        if re.fullmatch(r"-?(0x[0-9a-f]+|\d+)", term):
            displacement += int(term, 0)
        elif term not in ("here", "ds:"):
            terms.append(term if "*" in term or not terms else term + "*1")
    suffix = LANES.sub("", text[text.index("]") + 1 :])
    broadcast = "bcst" in text or bool(LANES.search(text))
    return ("memory", size, tuple(terms), displacement, broadcast, suffix)
