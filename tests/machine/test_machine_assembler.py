"""The assembler's choices: rows, jump lengths, alignment, constants; and what it refuses."""

import pytest

from baregrad.errors import BaregradError
from baregrad.machine.assembler import Assembler
from baregrad.machine.encoding import nop_padding
from baregrad.machine.errors import (
    AssemblyError,
    LabelError,
    OperandError,
    UnknownInstructionError,
    UnsupportedInstructionError,
)
from baregrad.machine.registers import (
    Label,
    Memory,
    al,
    cl,
    eax,
    ebx,
    ecx,
    k0,
    k1,
    rax,
    rbx,
    rcx,
    rdi,
    rsp,
    xmm1,
    xmm2,
    xmm16,
    xmm31,
    ymm1,
    ymm2,
    ymm3,
    zmm1,
    zmm2,
    zmm3,
)


def assemble(build) -> bytes:
    asm = Assembler()
    build(asm)
    return asm.finish().data


@pytest.mark.parametrize(
    ("build", "code"),
    [
        # examples of the SDM and of the AMD APM, and bytes that two assemblers agree on
        (lambda a: a.vaddps(ymm1, ymm2, ymm3), "c5ec58cb"),
        (lambda a: a.vaddps(zmm1, zmm2, zmm3), "62f16c4858cb"),
        (lambda a: a.vaddps(zmm1, zmm2, Memory(rax, displacement=64)), "62f16c48584801"),
        (lambda a: a.vaddps(zmm1, zmm2, Memory(rax, displacement=60)), "62f16c4858883c000000"),
        (lambda a: a.vaddps(ymm1, ymm2, Memory(rax, displacement=60)), "c5ec58483c"),
        (lambda a: a.vaddps(zmm1, zmm2, Memory(rax, displacement=4).to_all(16)), "62f16c58584801"),
        (lambda a: a.vaddps(zmm1, zmm2, zmm3, mask=k1, zero=True), "62f16cc958cb"),
        (lambda a: a.vaddps(zmm1, zmm2, zmm3, rounding="rz"), "62f16c7858cb"),
        (lambda a: a.vmovss(xmm1, Memory(rax)), "c5fa1008"),
        (lambda a: a.mov(rax, 1), "48c7c001000000"),
        (lambda a: a.mov(rax, 1 << 31), "48b80000008000000000"),
        (lambda a: a.add(rax, 127), "4883c07f"),
        (lambda a: a.add(rax, 128), "4881c080000000"),
        (lambda a: a.and_(eax, 0xFFFFFFF0), "81e0f0ffffff"),
        (lambda a: a.shl(eax, cl), "d3e0"),
        (lambda a: a.lock_xadd(Memory(rdi), eax), "f00fc107"),
        (lambda a: a.ret(), "c3"),
    ],
)
def test_an_instruction_has_its_shortest_encoding(build, code):
    assert assemble(build).hex() == code


def test_vex_is_preferred_and_evex_taken_where_it_is_needed():
    assert assemble(lambda a: a.vmulps(xmm1, xmm1, xmm2))[0] in (0xC4, 0xC5)
    assert assemble(lambda a: a.vmulps(xmm1, xmm1, xmm16))[0] == 0x62
    assert assemble(lambda a: a.vmulps(xmm1, xmm1, xmm2, mask=k1))[0] == 0x62
    assert assemble(lambda a: a.vmulps(xmm1, xmm1, Memory(rax).to_all(4)))[0] == 0x62
    assert assemble(lambda a: a.vcmpps(k1, ymm1, ymm2, 1))[0] == 0x62
    assert assemble(lambda a: a.vcmpps(ymm1, ymm1, ymm2, 1))[0] == 0xC5


def test_a_jump_is_short_as_long_as_its_target_is_in_reach():
    def loop(fill):
        def build(a):
            top = a.label()
            a.bind(top)
            for _ in range(fill):
                a.nop()
            a.jb(top)

        return assemble(build)

    assert loop(126)[126:].hex() == "7280"
    assert loop(127)[127:].hex() == "0f82" + (-133 & 0xFFFFFFFF).to_bytes(4, "little").hex()


def test_a_forward_jump_is_short_as_long_as_its_target_is_in_reach():
    def skip(fill):
        def build(a):
            end = a.label()
            a.jmp(end)
            for _ in range(fill):
                a.nop()
            a.bind(end)

        return assemble(build)

    assert skip(0).hex() == "eb00"
    assert skip(127)[:2].hex() == "eb7f"
    assert skip(128)[:5].hex() == "e980000000"


def test_lengthening_one_jump_can_lengthen_another():
    def build(a):
        first, second = a.label(), a.label()
        a.jmp(first)  # reaches `first` only while the next jump is short
        a.jmp(second)
        for _ in range(125):
            a.nop()
        a.bind(first)
        for _ in range(10):
            a.nop()
        a.bind(second)

    code = assemble(build)
    assert code[0] == 0xE9
    assert code[5] == 0xE9
    assert int.from_bytes(code[1:5], "little") == 5 + 125


def test_calls_are_always_near():
    code = assemble(lambda a: [label := a.label(), a.bind(label), a.call(label)])
    assert code.hex() == "e8fbffffff"


def test_alignment_is_kept_when_jumps_before_it_grow():
    asm = Assembler()
    far, aligned = asm.label(), asm.label()
    asm.jmp(far)
    asm.align(32)
    asm.bind(aligned)
    for _ in range(300):
        asm.nop()
    asm.bind(far)
    code = asm.finish()
    assert code.offset(aligned) == 32
    assert code.offset(far) == 332
    assert code.data[5:32] == nop_padding(27)


def test_constants_are_kept_once_and_aligned_to_their_size():
    asm = Assembler()
    asm.ret()
    for data in (b"abcd", b"x" * 64, b"abcd", b"y" * 32):
        asm.vmovups(zmm1, asm.constant(data))
    code = asm.finish()
    places = [code.data.index(d) for d in (b"abcd", b"x" * 64, b"y" * 32)]
    assert [p % n for p, n in zip(places, (4, 64, 32), strict=True)] == [0, 0, 0]
    assert code.data.count(b"abcd") == 1
    assert len(code.data) == 64 + 64 + 32 + 4


def test_an_address_into_a_constant_can_be_displaced():
    asm = Assembler()
    asm.mov(eax, asm.constant(bytes(range(16))) + 4)
    asm.add(eax, 0x12345678)  # bytes after the displacement do not matter to the one before
    code = asm.finish()
    distance = int.from_bytes(code.data[2:6], "little")
    assert 6 + distance == 64 + 4


def test_immediate_bytes_count_in_a_rip_relative_address():
    asm = Assembler()
    asm.cmp(asm.int32(7), 0x12345678)
    code = asm.finish()
    assert 10 + int.from_bytes(code.data[2:6], "little") == 64


def test_finishing_twice_gives_the_same():
    asm = Assembler()
    asm.vmulps(ymm1, ymm2, asm.float32(2.0, 8))
    assert asm.finish().data == asm.finish().data


def test_padding_is_of_the_recommended_sequences():
    assert [len(nop_padding(n)) for n in range(40)] == list(range(40))
    assert nop_padding(12).hex() == "660f1f840000000000" + "0f1f00"


def test_the_listing_shows_labels_addresses_bytes_and_text():
    asm = Assembler()
    loop = asm.label("loop")
    asm.xor(eax, eax)
    asm.align(16)
    asm.bind(loop)
    asm.comment("sixteen products")
    asm.vfmadd231ps(zmm1, zmm2, Memory(rdi, rax, 4, 64), mask=k1, zero=True)
    asm.vcvtps2dq(zmm1, zmm2, rounding="rd")
    asm.vmulps(zmm3, zmm3, asm.float32(2.0).to_all(16))
    asm.jb(loop)
    asm.lock_inc(Memory(rbx, size=32))
    asm.comment("the end")
    lines = asm.finish().listing().splitlines()
    texts = [line if line.endswith(":") else line.split("  ", 2)[-1].strip() for line in lines]
    assert [text for text in texts if not text.startswith("440000")] == [
        "xor eax, eax",
        ".align 16",
        "loop:",
        "; sixteen products",
        "vfmadd231ps zmm1{k1}{z}, zmm2, zmmword ptr [rdi+rax*4+0x40]",
        "vcvtps2dq zmm1, zmm2, {rd-sae}",
        "vmulps zmm3, zmm3, dword ptr [rip+constant0]{1to16}",
        "jb loop",
        "lock inc dword ptr [rbx]",
        "; the end",
        ".align 64",
        *texts[12:-2],
        "constant0:",
        ".byte",
    ]
    assert lines[-1].split()[1] == "00000040"
    assert lines[0].startswith("000000  33c0 ")
    assert lines[5].startswith("000010  62f26dc9b84c8701")


def test_code_says_which_features_it_needs():
    asm = Assembler()
    asm.vaddps(ymm1, ymm1, ymm2)
    asm.vandps(xmm1, xmm1, xmm16)
    assert asm.finish().features == {"avx", "avx512dq", "avx512vl"}


def test_an_assembler_for_a_processor_refuses_what_it_has_not():
    asm = Assembler(frozenset({"avx", "avx2", "fma"}))
    asm.vfmadd231ps(ymm1, ymm1, ymm2)
    with pytest.raises(UnsupportedInstructionError, match="avx512f"):
        asm.vfmadd231ps(zmm1, zmm1, zmm2)
    with pytest.raises(UnsupportedInstructionError, match="avx512vl"):
        asm.vaddps(xmm1, xmm1, xmm31)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda a: a.vaddqs(zmm1, zmm1, zmm1), UnknownInstructionError, "did you mean"),
        (lambda a: a.emit("frobnicate"), UnknownInstructionError, "frobnicate"),
        (lambda a: a.vaddps(zmm1, zmm2), OperandError, "no encoding"),
        (lambda a: a.vaddps(zmm1, zmm2, ymm3), OperandError, "no encoding"),
        (lambda a: a.vaddps(zmm1, zmm2, 5), OperandError, "no encoding"),
        (lambda a: a.vaddps(zmm1, zmm2, 0.5), OperandError, "float"),
        (lambda a: a.mov(rax, ebx), OperandError, "no encoding"),
        (lambda a: a.mov(al, 256), OperandError, "no encoding"),
        (lambda a: a.mov(rax, 1 << 64), OperandError, "64 bits"),
        (lambda a: a.add(rax, 1 << 31), OperandError, "no encoding"),
        (lambda a: a.vshufps(ymm1, ymm2, ymm3, 256), OperandError, "no encoding"),
        (lambda a: a.inc(Memory(rax)), OperandError, "32 or 64 bits"),
        (lambda a: a.vcvtpd2ps(xmm1, Memory(rax)), OperandError, "128 or 256 bits"),
        (lambda a: a.vaddps(zmm1, zmm2, zmm3, mask=k0), OperandError, "k1 to k7"),
        (lambda a: a.vaddps(zmm1, zmm2, zmm3, mask=zmm1), OperandError, "k1 to k7"),
        (lambda a: a.vaddps(zmm1, zmm2, zmm3, mask=1), OperandError, "k1 to k7"),
        (lambda a: a.vaddps(zmm1, zmm2, zmm3, rounding="up"), OperandError, "rounding is one of"),
        (lambda a: a.vaddps(zmm1, zmm2, zmm3, zero=True), OperandError, "no encoding"),
        (lambda a: a.vmovups(Memory(rax), zmm1, mask=k1, zero=True), OperandError, "no encoding"),
        (lambda a: a.vgatherdps(zmm1, Memory(rax, zmm2, 4)), OperandError, "no encoding"),
        (lambda a: a.vaddps(ymm1, ymm2, ymm3, rounding="rz"), OperandError, "no encoding"),
        (lambda a: a.vaddps(zmm1, zmm2, Memory(rax), rounding="rz"), OperandError, "no enc"),
        (lambda a: a.vmaxps(zmm1, zmm2, zmm3, rounding="rz"), OperandError, "no encoding"),
        (lambda a: a.vaddps(zmm1, zmm2, Memory(rax).to_all(8)), OperandError, "no encoding"),
        (lambda a: a.vpermps(xmm1, xmm2, xmm2), OperandError, "no encoding"),
        (lambda a: a.mov(eax, Label("x")), OperandError, "no encoding"),
        (lambda a: a.inc(Label("x")), OperandError, "does not take a label"),
        (lambda a: a.align(3), OperandError, "power of two"),
        (lambda a: a.constant(b""), OperandError, "at least one byte"),
        (lambda a: Memory(eax), OperandError, "64-bit"),
        (lambda a: Memory(rax, rsp), OperandError, "index"),
        (lambda a: Memory(rax, ecx), OperandError, "index"),
        (lambda a: Memory(rax, rcx, 3), OperandError, "scale"),
        (lambda a: Memory(rax, displacement=1 << 31), OperandError, "32 bits"),
        (lambda a: Memory(rax, label=Label("x")), OperandError, "rip"),
        (lambda a: (a.jmp(Label("nowhere")), a.finish()), LabelError, "nowhere"),
        (lambda a: (a.lea(rax, Memory(label=Label("gone"))), a.finish()), LabelError, "gone"),
        (lambda a: [x := a.label("twice"), a.bind(x), a.bind(x)], LabelError, "twice"),
        (lambda a: a.finish().offset(Label("other")), LabelError, "other"),
    ],
)
def test_what_cannot_be_encoded_is_refused_by_name(build, error, message):
    asm = Assembler()
    with pytest.raises(error, match=message):
        build(asm)
    assert issubclass(error, AssemblyError)
    assert issubclass(error, BaregradError)
    assert issubclass(error, ValueError)


def test_a_refused_instruction_leaves_no_bytes_behind():
    asm = Assembler()
    with pytest.raises(OperandError):
        asm.vaddps(zmm1, zmm2, zmm3, mask=k0)
    asm.ret()
    assert asm.finish().data == b"\xc3"
