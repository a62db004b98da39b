"""Generated functions, run: what they compute, and that they give the caller's state back."""

import ctypes
import math
import sys
from random import Random

import pytest
from processor_marks import NAMES, needs_avx, needs_avx2, needs_avx512, needs_x86

from baregrad.machine.assembler import Assembler
from baregrad.machine.convention import (
    DENORMALS_ARE_ZERO,
    FLUSH_TO_ZERO,
    WINDOWS,
    enter,
    flush_denormals,
    leave,
    restore_mxcsr,
)
from baregrad.machine.cpu import ask, available_cores, processor_features, usable
from baregrad.machine.function import NativeFunction
from baregrad.machine.memory import AlignedBuffer
from baregrad.machine.registers import (
    GPR64,
    XMM,
    YMM,
    ZMM,
    Memory,
    eax,
    ecx,
    edi,
    esi,
    k1,
    k2,
    r8,
    r9,
    r9d,
    r10,
    rax,
    rcx,
    rdi,
    rdx,
    rsi,
    rsp,
    xmm0,
    xmm1,
    ymm0,
    ymm1,
    ymm2,
    zmm0,
    zmm1,
    zmm2,
    zmm3,
)

POINTER, INT64, INT32 = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32


def function(build, arguments, result=None, **frame) -> NativeFunction:
    asm = Assembler()
    enter(asm, **frame)
    build(asm)
    leave(asm, **frame)
    return NativeFunction(asm.finish(), arguments, result)


def buffer(values, format="f") -> AlignedBuffer:
    out = AlignedBuffer(len(values), format)
    for i, value in enumerate(values):
        out.view[i] = value
    return out


def add_with_masked_tail(asm):
    """rdi[i] = rsi[i] + rdx[i] for i < rcx; a mask of the last lanes instead of a rest loop."""
    loop, tail, done = asm.label("loop"), asm.label("tail"), asm.label("done")
    asm.xor(eax, eax)
    asm.bind(loop)
    asm.lea(r8, Memory(rax, displacement=16))
    asm.cmp(r8, rcx)
    asm.ja(tail)
    asm.vmovups(zmm0, Memory(rsi, rax, 4))
    asm.vaddps(zmm0, zmm0, Memory(rdx, rax, 4))
    asm.vmovups(Memory(rdi, rax, 4), zmm0)
    asm.mov(rax, r8)
    asm.jmp(loop)
    asm.bind(tail)
    asm.sub(rcx, rax)
    asm.jz(done)
    asm.mov(r9, -1)
    asm.bzhi(r9, r9, rcx)
    asm.kmovw(k1, r9d)
    asm.vmovups(zmm0, Memory(rsi, rax, 4), mask=k1, zero=True)
    asm.vmovups(zmm1, Memory(rdx, rax, 4), mask=k1, zero=True)
    asm.vaddps(zmm0, zmm0, zmm1)
    asm.vmovups(Memory(rdi, rax, 4), zmm0, mask=k1)
    asm.bind(done)


@needs_avx512
@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 31, 32, 100])
def test_vector_addition_with_a_masked_tail_touches_no_more_than_it_should(count):
    add = function(add_with_masked_tail, (POINTER, POINTER, POINTER, INT64))
    a, b = buffer([float(i) for i in range(128)]), buffer([0.5 * i for i in range(128)])
    out = buffer([-1.0] * 128)
    add(out.address, a.address, b.address, count)
    assert list(out.view) == [1.5 * i for i in range(count)] + [-1.0] * (128 - count)


@needs_avx2
def test_a_dot_product_by_fused_multiply_add_in_a_loop():
    def build(asm):
        loop = asm.label("loop")
        asm.vxorps(ymm0, ymm0, ymm0)
        asm.align(32)
        asm.bind(loop)
        asm.vmovups(ymm1, Memory(rdi, rdx, 4, -32))
        asm.vfmadd231ps(ymm0, ymm1, Memory(rsi, rdx, 4, -32))
        asm.sub(rdx, 8)
        asm.jnz(loop)
        asm.vextractf128(xmm1, ymm0, 1)
        asm.vaddps(xmm0, xmm0, xmm1)
        asm.vhaddps(xmm0, xmm0, xmm0)
        asm.vhaddps(xmm0, xmm0, xmm0)

    dot = function(build, (POINTER, POINTER, INT64), ctypes.c_float)
    a, b = buffer([float(i % 7) for i in range(64)]), buffer([float(i % 5) for i in range(64)])
    assert dot(a.address, b.address, 64) == sum((i % 7) * (i % 5) for i in range(64))


@needs_avx512
def test_constants_are_read_whole_and_broadcast():
    def build(asm):
        asm.vmovups(zmm0, asm.constant(b"".join(ctypes.c_float(i) for i in range(16))))
        asm.vmulps(zmm0, zmm0, asm.float32(3.0).to_all(16))
        asm.vaddps(zmm0, zmm0, asm.float32(0.25, 16))
        asm.vmovaps(Memory(rdi), zmm0)

    out = AlignedBuffer(16)
    function(build, (POINTER,))(out.address)
    assert list(out.view) == [3.0 * i + 0.25 for i in range(16)]


@needs_avx512
def test_comparison_masks_blend_and_rounding():
    def build(asm):
        asm.vmovups(zmm0, Memory(rdi))
        asm.vxorps(zmm1, zmm1, zmm1)
        asm.vcmpps(k1, zmm0, zmm1, 1)
        asm.vrndscaleps(zmm2, zmm0, 0x01)
        asm.vblendmps(zmm3, zmm2, zmm1, mask=k1)
        asm.kmovw(eax, k1)
        asm.vmovups(Memory(rdi), zmm3)

    values = buffer([i - 7.5 for i in range(16)])
    mask = function(build, (POINTER,), INT32)(values.address)
    assert mask == 0x00FF
    assert list(values.view) == [0.0] * 8 + [float(i) for i in range(8)]


@needs_avx512
def test_embedded_rounding_rounds_as_told():
    def build(asm):
        asm.vmovss(xmm0, Memory(rdi))
        asm.vaddss(XMM[2], xmm0, Memory(rdi, displacement=4))
        for lane, rounding in enumerate(("rd", "ru", "rz", "rn")):
            asm.vmovss(xmm1, Memory(rdi, displacement=4))
            asm.vaddss(XMM[2], xmm0, xmm1, rounding=rounding)
            asm.vmovss(Memory(rsi, displacement=4 * lane), XMM[2])

    inputs, out = buffer([1.0, 2.0**-30]), AlignedBuffer(4)
    function(build, (POINTER, POINTER))(inputs.address, out.address)
    assert list(out.view) == [1.0, 1.0 + 2.0**-23, 1.0, 1.0]


@needs_avx512
def test_gathers_of_both_encodings_agree():
    def build(asm):
        asm.vmovups(ymm1, Memory(rsi))
        asm.vpcmpeqd(ymm2, ymm2, ymm2)
        asm.vgatherdps(ymm0, Memory(rdi, ymm1, 4), ymm2)
        asm.vmovups(Memory(rdx), ymm0)
        asm.kxnorw(k2, k2, k2)
        asm.vmovdqu32(zmm1, Memory(rsi))
        asm.vgatherdps(zmm0, Memory(rdi, zmm1, 4), mask=k2)
        asm.vmovups(Memory(rdx, displacement=32), zmm0)

    table = buffer([float(i * i) for i in range(64)])
    indices = buffer([(i * 13) % 64 for i in range(16)], "i")
    out = AlignedBuffer(24)
    function(build, (POINTER,) * 3)(table.address, indices.address, out.address)
    wanted = [table.view[i] for i in indices.view]
    assert list(out.view) == wanted[:8] + wanted


@needs_x86
def test_backward_and_forward_jumps_both_ways():
    def build(asm):
        loop, odd, next_one = asm.label("loop"), asm.label("odd"), asm.label("next")
        asm.xor(eax, eax)
        asm.bind(loop)
        asm.bt(edi, 0)
        asm.jb(odd)
        asm.add(eax, edi)
        asm.jmp(next_one)
        asm.bind(odd)
        asm.sub(eax, edi)
        asm.bind(next_one)
        asm.dec(edi)
        asm.jnz(loop)

    run = function(build, (INT32,), INT32, vectors=False)
    assert run(10) == 2 + 4 + 6 + 8 + 10 - 1 - 3 - 5 - 7 - 9
    assert run(1) == -1


@needs_x86
@pytest.mark.parametrize("seed", range(20))
def test_jumps_of_all_lengths_in_any_order_arrive(seed):
    random = Random(seed)
    count = 40

    def build(asm):
        blocks = [asm.label(f"block{i}") for i in range(count + 1)]
        asm.xor(eax, eax)
        asm.jmp(blocks[0])
        for number in random.sample(range(count), count):
            asm.align(random.choice((1, 1, 16, 64)))
            asm.bind(blocks[number])
            asm.imul(eax, eax, 31)
            asm.add(eax, asm.int32(number))
            for _ in range(random.choice((0, 1, 20, 60, 110, 130, 300))):
                asm.nop()
            asm.test(rsp, rsp)
            (asm.jnz if random.random() < 0.5 else asm.jmp)(blocks[number + 1])
        asm.bind(blocks[count])

    expected = 0
    for number in range(count):
        expected = (expected * 31 + number) & 0xFFFF_FFFF
    assert function(build, (), ctypes.c_uint32, vectors=False)() == expected


@needs_x86
def test_a_function_calls_another_of_the_same_code():
    asm = Assembler()
    square, main = asm.label("square"), asm.label("main")
    asm.bind(square)
    asm.imul(ecx, ecx)
    asm.mov(eax, ecx)
    asm.ret()
    asm.bind(main)
    enter(asm, 32, vectors=False)
    asm.mov(ecx, edi)
    asm.call(square)
    asm.inc(eax)
    leave(asm, 32, vectors=False)
    assert NativeFunction(asm.finish(), (INT32,), INT32, entry=main)(12) == 145


@needs_x86
def test_locked_instructions_exchange_and_add():
    def build(asm):
        asm.mov(eax, esi)
        asm.lock_xadd(Memory(rdi), eax)
        asm.mov(ecx, 100)
        asm.mov(rdx, rax)
        asm.mov(eax, Memory(rdi))
        asm.lock_cmpxchg(Memory(rdi, displacement=4), ecx)
        asm.mov(rax, rdx)

    cells = buffer([5, 12], "i")
    assert function(build, (POINTER, INT32), INT32, vectors=False)(cells.address, 7) == 5
    assert list(cells.view) == [12, 100]


SAVED = {False: (3, 5, 12, 13, 14, 15), True: (3, 5, 12, 13, 14, 15, 7, 6)}
PLACES = {False: (7, 6, 2, 1, 8, 9), True: (1, 2, 8, 9)}


def spoil_everything(asm, windows):
    """A function that returns its six arguments as decimal digits and changes all registers."""
    enter(asm, 40, windows=windows)
    asm.xor(eax, eax)
    for register in (rdi, rsi, rdx, rcx, r8, r9):
        asm.imul(rax, rax, 10)
        asm.add(rax, register)
    for register in GPR64:
        if register not in (rax, rsp):
            asm.mov(register, -1)
    for vector in YMM[:16]:
        asm.vpcmpeqd(vector, vector, vector)
    asm.mov(Memory(rsp, displacement=32, size=64), -1)
    leave(asm, 40, windows=windows)


def call_with_known_registers(asm, callee, windows):
    """Call with arguments 1 to 6; write the result, saved registers and vectors to rdi."""
    enter(asm, 64)
    asm.mov(Memory(rsp, displacement=56), rdi)
    for number in SAVED[windows]:
        asm.mov(GPR64[number], 1000 + number)
    for number in range(6, 16):
        asm.vbroadcastss(XMM[number], asm.float32(float(number)))
    for digit, number in enumerate(PLACES[windows], 1):
        asm.mov(GPR64[number], digit)
    asm.mov(Memory(rsp, displacement=32, size=64), 5)
    asm.mov(Memory(rsp, displacement=40, size=64), 6)
    asm.call(callee)
    asm.mov(r10, Memory(rsp, displacement=56))
    asm.mov(Memory(r10), rax)
    for at, number in enumerate(SAVED[windows], 1):
        asm.mov(Memory(r10, displacement=8 * at), GPR64[number])
    for number in range(6, 16):
        asm.vmovups(Memory(r10, displacement=16 * number), XMM[number])
    leave(asm, 64)


@needs_avx2
@pytest.mark.skipif(WINDOWS, reason="the caller here follows System V")
@pytest.mark.parametrize("windows", [False, True])
def test_a_function_keeps_the_callers_registers_and_finds_its_arguments(windows):
    asm = Assembler()
    inner, outer = asm.label("inner"), asm.label("outer")
    asm.bind(inner)
    spoil_everything(asm, windows)
    asm.bind(outer)
    call_with_known_registers(asm, inner, windows)
    out = AlignedBuffer(32, "q")
    NativeFunction(asm.finish(), (POINTER,), entry=outer)(out.address)
    assert out.view[0] == 123456
    saved = SAVED[windows]
    assert list(out.view[1 : 1 + len(saved)]) == [1000 + number for number in saved]
    vectors = list(out.view[12:].cast("B").cast("f"))
    if windows:
        assert vectors == [float(number) for number in range(6, 16) for _ in range(4)]
    else:
        assert all(math.isnan(value) for value in vectors)


def read_mxcsr() -> int:
    def build(asm):
        asm.stmxcsr(Memory(rsp))
        asm.mov(eax, Memory(rsp))

    return function(build, (), ctypes.c_uint32, frame=16)()


@needs_avx
def test_denormals_are_flushed_inside_and_the_callers_mxcsr_is_restored():
    def build(asm):
        flush_denormals(asm, saved=Memory(rsp), scratch=Memory(rsp, displacement=4))
        asm.stmxcsr(Memory(rsp, displacement=4))
        asm.vmovss(xmm0, Memory(rdi))
        asm.vmulss(xmm0, xmm0, Memory(rdi, displacement=4))
        asm.vmovss(Memory(rdi, displacement=8), xmm0)
        asm.mov(eax, Memory(rsp, displacement=4))
        restore_mxcsr(asm, Memory(rsp))

    values = buffer([2.0**-120, 2.0**-10, 1.0])
    control = 0xFFC0  # all but the sticky exception flags
    before = read_mxcsr() & control
    inside = function(build, (POINTER,), ctypes.c_uint32, frame=16)(values.address)
    assert values.view[2] == 0.0
    assert inside & control == before | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO
    assert read_mxcsr() & control == before
    assert 2.0**-1074 * 1.0 != 0.0


@needs_x86
def test_the_processor_says_what_it_can_do():
    assert processor_features() == NAMES
    assert ask(0)[0] >= 1
    assert available_cores() >= 1


@needs_x86
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_features_agree_with_what_linux_found():
    with open("/proc/cpuinfo") as file:
        flags = next(line for line in file if line.startswith("flags")).split(":")[1].split()
    other_names = {"sse41": "sse4_1", "lzcnt": "abm", "prefetchw": "3dnowprefetch"}
    shared = set(NAMES) - {"prefetchw"}
    assert {other_names.get(name, name) for name in shared} <= set(flags)
    for name in ("avx", "avx2", "fma", "avx512f", "avx512vl", "avx512dq", "avx512bw", "f16c"):
        assert (name in NAMES) == (name in flags)


def test_features_whose_registers_the_system_does_not_save_are_not_used():
    names = {"popcnt", "avx", "fma", "avx2", "f16c", "avx512f", "avx512_bf16"}
    assert usable(names, 0xE7) == names
    assert usable(names, 0x07) == {"popcnt", "avx", "fma", "avx2", "f16c"}
    assert usable(names, 0x03) == {"popcnt"}
    assert usable(names, 0) == {"popcnt"}


@needs_avx512
def test_every_vector_register_can_be_used():
    def build(asm):
        for number, vector in enumerate(ZMM):
            asm.vpbroadcastd(vector, asm.int32(number))
        for vector in ZMM[1:]:
            asm.vpaddd(ZMM[0], ZMM[0], vector)
        asm.vmovd(eax, xmm0)

    assert function(build, (), INT32)() == sum(range(32))
