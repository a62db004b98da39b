"""Machine code: what instructions are chosen, how it is called, and what it leaves alone."""

import array
import ctypes
import math

import pytest
from vector_programs import (
    RandomProgram,
    aligned,
    on_every_target,
    run_native,
    runs_on_every_target,
)

from baregrad.compiler.vector import compile as compiling
from baregrad.compiler.vector.avx2 import AVX2
from baregrad.compiler.vector.avx512 import AVX512
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.calling import argument_registers
from baregrad.compiler.vector.compile import assemble, compile_vector, host_target
from baregrad.compiler.vector.errors import ProgramError
from baregrad.compiler.vector.lowering import lower
from baregrad.compiler.vector.operations import OPERATIONS
from baregrad.compiler.vector.program import FLOAT, INT64, LANES, POINTER
from baregrad.machine.assembler import Assembler
from baregrad.machine.errors import UnsupportedMachineError
from baregrad.machine.function import NativeFunction
from baregrad.machine.registers import XMM, rcx, rdi, rdx, rsi


def axpy():
    """y = a x + y over n elements, the last ones by a mask."""
    b = Builder("axpy", x=POINTER, y=POINTER, a=FLOAT, n=INT64)
    x, y, a, n = b.parameters
    with b.loop(0, n, LANES) as loop:
        lanes = b.mask_below(b.subtract_int64(n, loop.counter))
        term = b.load(x, loop.counter, mask=lanes)
        total = b.fma(a, term, b.load(y, loop.counter, mask=lanes))
        b.store(total, y, loop.counter, mask=lanes)
    return b.program


@runs_on_every_target
@pytest.mark.parametrize("n", [-1, 0, 1, 7, 8, 9, 16, 17, 100])
def test_a_masked_tail_is_computed_and_nothing_beyond_it(target, n):
    x = array.array("f", range(128))
    y = array.array("f", [0.5] * 128)
    out = run_native(axpy(), target, [x, y, 2.0, n])[1]
    assert list(out) == [2.0 * i + 0.5 for i in range(max(n, 0))] + [0.5] * (128 - max(n, 0))


@runs_on_every_target
def test_all_arguments_arrive(target):
    names = [f"p{i}" for i in range(5)]
    floats = [f"f{i}" for i in range(8)]
    b = Builder("many", **dict.fromkeys(names, INT64), **dict.fromkeys(floats, FLOAT), out=POINTER)
    *values, out = b.parameters
    for place, value in enumerate(values):
        vector = b.to_float(b.broadcast_int(value)) if value.type == INT64 else value
        b.store(vector, out, displacement=LANES * (4 * place))
    numbers = [3, -4, 5, 6, 7, *[0.5 * i for i in range(8)]]
    buffer = array.array("f", [0.0] * 16 * 13)
    got = run_native(b.program, target, [*numbers, buffer])[-1]
    assert list(got[:: target.lanes])[:13] == numbers


def test_arguments_of_the_other_conventions():
    program = Builder("p", x=POINTER, a=FLOAT, n=INT64, b=FLOAT).program
    registers = argument_registers(program, AVX2, windows=False)
    assert [r.name for r in registers] == ["rdi", "ymm0", "rsi", "ymm1"]
    registers = argument_registers(program, AVX512, windows=True)
    # Windows counts all arguments together; `enter` has moved the integers
    assert [r.name for r in registers] == [rdi.name, "zmm1", rdx.name, "zmm3"]
    assert {rsi, rcx}.isdisjoint(registers)
    assert XMM[0] not in registers


@pytest.mark.parametrize(
    ("types", "windows", "message"),
    [
        ([INT64] * 7, False, "'p' has more than 6 pointers and integers; pass one pointer"),
        ([FLOAT] * 9, False, "'p' has more than 8 floats in registers"),
        ([INT64] * 4 + [FLOAT], True, "'p' has more than 4 floats in registers"),
        ([FLOAT] * 3 + [INT64] * 4, True, "'p' has more than 6 pointers and integers"),
    ],
)
def test_too_many_parameters_are_refused(types, windows, message):
    program = Builder("p", **{f"x{i}": type for i, type in enumerate(types)}).program
    with pytest.raises(ProgramError, match=message):
        argument_registers(program, AVX2, windows=windows)


def loads(*, store_between=False, twice=False, masked=False):
    """x[1] + 3 * x[0], where x[1] may be a memory operand or not."""
    b = Builder("p", x=POINTER, y=POINTER)
    x, y = b.parameters
    first = b.load(x)
    second = b.load(x, displacement=64, mask=b.mask_below(3) if masked else None)
    if store_between:
        b.store(first, y)
    result = b.add(b.multiply(first, 3.0), second)
    b.store(b.add(result, second) if twice else result, y)
    return b.program


@on_every_target
def test_a_load_with_one_use_becomes_a_memory_operand(target):
    assert "[rdi+0x40]" in next(
        line for line in assemble(loads(), target).listing().splitlines() if "vaddps" in line
    )


@on_every_target
@pytest.mark.parametrize("reason", ["store_between", "twice", "masked"])
def test_a_load_stays_apart_where_it_must(target, reason):
    text = assemble(loads(**{reason: True}), target).listing()
    adds = [line for line in text.splitlines() if "vaddps" in line]
    assert adds
    assert not any("[rdi" in line for line in adds)


def test_a_load_is_not_folded_into_a_loop():
    b = Builder("p", x=POINTER, n=INT64)
    x, n = b.parameters
    value = b.load(x)
    with b.loop(0, n, LANES) as loop:
        b.store(b.add(value, 1.0), x, loop.counter)
    assert "vmovups zmm0, zmmword ptr [rdi]" in assemble(b.program, AVX512).listing()


def test_a_broadcast_load_is_embedded_on_avx512_only():
    b = Builder("p", x=POINTER, y=POINTER)
    x, y = b.parameters
    b.store(b.multiply(b.load_broadcast(x), b.negate(b.load(y))), y)
    assert "{1to16}" in assemble(b.program, AVX512).listing()
    assert "vbroadcastss" in assemble(b.program, AVX2).listing()


@runs_on_every_target
def test_each_fused_form_gives_the_same_numbers(target):
    """All choices of which operand dies, which is memory, and which is used twice."""
    import itertools

    b = Builder("fused", x=POINTER, y=POINTER)
    x, y = b.parameters
    place = 0
    for dies in itertools.product((False, True), repeat=3):
        for memory in (None, 0, 1, 2):
            operands = [
                b.load(x, displacement=LANES * (4 * i))
                if memory == i
                else b.add(b.load(x, displacement=LANES * (4 * i)), 0.0)
                for i in range(3)
            ]
            result = b.fma(*operands)
            for i, value in enumerate(operands):
                if not dies[i] and memory != i:
                    result = b.add(b.multiply(value, float(i + 1)), result)
            b.store(result, y, displacement=LANES * (4 * place))
            place += 1
    n = target.lanes
    numbers = array.array("f", [2.0] * n + [3.0] * n + [5.0] * n)
    got = run_native(b.program, target, [numbers, array.array("f", [0.0] * n * place)])[1]
    expected = []
    for dies in itertools.product((False, True), repeat=3):
        for memory in (None, 0, 1, 2):
            kept = [i for i in range(3) if not dies[i] and memory != i]
            expected.append(11.0 + sum((i + 1) * (2.0, 3.0, 5.0)[i] for i in kept))
    assert list(got[::n]) == expected


@runs_on_every_target
def test_denormals_are_flushed_only_if_asked(target):
    b = Builder("p", x=POINTER)
    (x,) = b.parameters
    b.store(b.multiply(b.load(x), 0.5), x)
    tiny = array.array("f", [2.0**-126] * 16)
    assert run_native(b.program, target, [tiny])[0][0] == 2.0**-127
    assert run_native(b.program, target, [tiny], flush_to_zero=True)[0][0] == 0.0
    # and the caller's own arithmetic is as before
    assert run_native(b.program, target, [tiny])[0][0] == 2.0**-127
    assert 2.0**-1030 * 0.5 > 0


@runs_on_every_target
def test_flushing_does_not_disturb_parameters(target):
    program = axpy()
    y = run_native(
        program,
        target,
        [array.array("f", [1.0] * 16), array.array("f", [2.0] * 16), 3.0, 16],
        flush_to_zero=True,
    )[1]
    assert list(y) == [5.0] * 16


@runs_on_every_target
def test_several_programs_can_share_one_piece_of_code(target):
    asm = Assembler()
    first, second = asm.label("first"), asm.label("second")
    asm.bind(first)
    lower(axpy(), target, asm)
    asm.bind(second)
    b = Builder("fill", x=POINTER)
    b.store(b.constant(7.0), b.parameters[0])
    lower(b.program, target, asm)
    code = asm.finish()
    x, y = aligned(array.array("f", [1.0] * 16)), aligned(array.array("f", [2.0] * 16))
    types = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_float, ctypes.c_int64)
    NativeFunction(code, types, entry=first)(x.address, y.address, 2.0, 16)
    assert list(y.view) == [4.0] * 16
    NativeFunction(code, (ctypes.c_void_p,), entry=second)(x.address)
    assert list(x.view)[: target.lanes] == [7.0] * target.lanes


@on_every_target
def test_code_needs_no_more_than_the_target_says(target):
    import random

    for seed in range(10):
        program = RandomProgram(random.Random(seed), 60).program
        assert assemble(program, target).features <= target.features


@on_every_target
def test_every_operation_has_its_instructions(target):
    outside = {"constant", "constant_int", "constant_int64", "table", "iota"}
    outside |= {"bits", "float_from_bits"}
    assert set(target.selection.emit) == set(OPERATIONS) - outside


@pytest.fixture
def host(monkeypatch):
    """Gives this processor other features."""

    def has(features):
        monkeypatch.setattr(compiling, "processor_features", lambda: features)
        host_target.cache_clear()

    yield has
    host_target.cache_clear()


def test_the_host_runs_the_widest_target_that_it_can(host):
    host(AVX2.features)
    assert host_target() is AVX2
    host(AVX512.features)
    assert host_target() is AVX512
    host(frozenset({"avx"}))
    with pytest.raises(UnsupportedMachineError, match="native code needs avx2, fma, which"):
        host_target()


def test_code_for_another_processor_is_not_run(host):
    host(AVX2.features)
    with pytest.raises(UnsupportedMachineError, match="avx512 needs avx512dq, avx512f, avx512vl"):
        compile_vector(axpy(), AVX512)


@runs_on_every_target
def test_a_frame_of_many_pages_is_touched_page_by_page(target):
    count = 400
    b = Builder("deep", x=POINTER, y=POINTER)
    x, y = b.parameters
    values = [b.load_broadcast(x, displacement=4 * i) for i in range(count)]
    for i, value in enumerate(values):
        b.store_first(value, y, displacement=4 * i)
    text = assemble(b.program, target).listing()
    # every value but those in registers has a slot
    pages = (count - len(target.registers[0])) * 4 * target.lanes // 4096
    assert all(f"test dword ptr [rsp-{n * 4096:#x}], eax" in text for n in range(1, pages + 1))
    numbers = array.array("f", range(count))
    assert (
        run_native(b.program, target, [numbers, array.array("f", bytes(4 * count))])[1] == numbers
    )


@runs_on_every_target
def test_addresses_take_negative_and_large_displacements(target):
    b = Builder("p", x=POINTER, n=INT64)
    x, n = b.parameters
    middle = b.advance(x, 512)
    value = b.add(
        b.load(middle, n, displacement=-512), b.load(middle, n, scale=8, displacement=-64)
    )
    b.store(value, middle, b.subtract_int64(n, n), displacement=64)
    numbers = array.array("f", range(256))
    got = run_native(b.program, target, [numbers, 3])[0]
    assert got[144] == 3 + (128 - 16 + 6)
    assert math.isfinite(got[144])
