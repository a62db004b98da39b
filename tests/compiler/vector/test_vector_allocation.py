"""Register allocation: programs stay right however few registers there are; loops stay tight."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vector_programs import (
    RandomProgram,
    canonical,
    random_arguments,
    run_interpreted,
    run_native,
    runs_on_every_target,
)

from baregrad.compiler.vector.avx2 import AVX2
from baregrad.compiler.vector.avx512 import AVX512
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compile import assemble
from baregrad.compiler.vector.errors import AllocationError
from baregrad.compiler.vector.moves import FREE_SLOT, move_all
from baregrad.compiler.vector.program import INT64, LANES, MASK, POINTER
from baregrad.machine.registers import GPR64


def few(target, vectors, masks, general):
    """The target with fewer registers; AVX2 has no mask registers to begin with."""
    return target.with_registers(vectors, masks if target.registers[1] else 0, general)


@runs_on_every_target
@pytest.mark.parametrize("registers", [(32, 7, 13), (8, 3, 7), (5, 3, 5), (5, 7, 13), (32, 3, 4)])
@given(seed=st.integers(0, 1 << 32))
def test_random_programs_do_the_same_interpreted_and_with_any_number_of_registers(
    target, registers, seed
):
    source = random.Random(seed)
    program = RandomProgram(source, source.choice((10, 30, 60))).program
    arguments = random_arguments(source)
    expected = run_interpreted(program, target.lanes, arguments)
    got = run_native(program, few(target, *registers), arguments)
    assert canonical(got[2]) == canonical(expected[2])
    assert [a.tobytes() for a in got[:2]] == [a.tobytes() for a in arguments[:2]]


def body_of(program, target):
    """The instructions of the innermost loop, as text without addresses and bytes."""
    lines = [line[32:].strip() for line in assemble(program, target).listing().splitlines()]
    jump = next(i for i, line in enumerate(lines) if line.startswith("jl "))
    label = lines[jump].split()[1]
    listing = assemble(program, target).listing().splitlines()
    return lines[listing.index(f"{label}:") + 1 : jump + 1]


def dot_products(rows, columns):
    """A kernel that keeps rows * columns sums over a loop."""
    b = Builder("tile", a=POINTER, b=POINTER, c=POINTER, k=INT64)
    left, right, out, k = b.parameters
    initial = [b.constant(0.0)] * (rows * columns)
    with b.loop(0, k, 1, [*initial, left, right]) as loop:
        *sums, p, q = loop.carried
        vectors = [b.load(q, displacement=LANES * (4 * column)) for column in range(columns)]
        for row in range(rows):
            factor = b.load_broadcast(p, displacement=4 * row)
            for column, vector in enumerate(vectors):
                place = row * columns + column
                sums[place] = b.fma(factor, vector, sums[place])
        loop.carry(*sums, b.advance(p, 4 * rows), b.advance(q, LANES * (4 * columns)))
    for place, total in enumerate(loop.results[: rows * columns]):
        b.store(total, out, displacement=LANES * (4 * place))
    return b.program


@pytest.mark.parametrize(
    ("target", "rows", "columns"), [(AVX512, 14, 2), (AVX512, 6, 4), (AVX2, 6, 2)]
)
def test_sums_keep_their_registers_over_a_loop(target, rows, columns):
    lines = body_of(dot_products(rows, columns), target)
    # loads, broadcasts, products, two addresses, and three of the loop: nothing is moved or spilled
    assert len(lines) == columns + rows + rows * columns + 2 + 3
    assert not any("rsp" in line or line.startswith("vmovaps") for line in lines)


def test_a_nested_loop_hands_its_sums_on_without_moving_them():
    b = Builder("nest", x=POINTER, n=INT64, m=INT64)
    x, n, m = b.parameters
    with b.loop(0, n, 1, [b.constant(0.0)]) as outer:
        with b.loop(0, m, 1, list(outer.carried)) as inner:
            inner.carry(b.fma(b.load(x, inner.counter), 2.0, inner.carried[0]))
        outer.carry(*inner.results)
    b.store(outer.results[0], x)
    assert "vmovaps" not in assemble(b.program, AVX512).listing()


def test_constants_of_a_loop_are_made_before_it():
    b = Builder("scale", x=POINTER, n=INT64)
    x, n = b.parameters
    with b.loop(0, n, LANES) as loop:
        value = b.load(x, loop.counter)
        b.store(b.fma(value, 3.0, b.multiply(value, value)), x, loop.counter)
    assert not any("rip" in line for line in body_of(b.program, AVX2))


def test_constants_that_find_no_register_become_memory_operands():
    b = Builder("sums", x=POINTER, n=INT64)
    x, n = b.parameters
    with b.loop(0, n, LANES) as loop:
        value = b.load(x, loop.counter)
        for number in range(1, 40):
            value = b.fma(value, value, float(number))
        b.store(value, x, loop.counter)
    text = assemble(b.program, AVX512).listing()
    assert "{1to16}" in text
    assert "[rsp" not in text


def test_a_value_that_dies_gives_its_register_to_the_result():
    b = Builder("forms", x=POINTER)
    (x,) = b.parameters
    first, second, third = (b.load(x, displacement=64 * i) for i in range(3))
    for value in (first, second):
        b.store(value, x, displacement=256)
    # third dies: 231; then the sum dies as a factor: 132
    total = b.fma(first, second, third)
    b.store(b.fma(total, first, second), x)
    text = assemble(b.program, AVX512).listing()
    assert "vfmadd231ps" in text
    assert "vfmadd132ps" in text
    assert "vmovaps" not in text


def test_too_few_registers_are_refused():
    b = Builder("fused", x=POINTER)
    (x,) = b.parameters
    values = [b.load(x, displacement=64 * i, mask=b.mask_below(3)) for i in range(4)]
    b.store(b.fma(values[0], values[1], values[2]), x)
    b.store(values[3], x)
    with pytest.raises(AllocationError, match="avx2 with 1 vector registers: a single instruction"):
        assemble(b.program, AVX2.with_registers(1, 0, 5))
    mask = b.compare("less", values[0], values[1])
    b.store(b.select(b.mask_and(mask, b.mask_not(mask)), 1.0, 0.0), x)
    with pytest.raises(AllocationError, match="avx512 with 1 mask registers: a single instruction"):
        assemble(b.program, AVX512.with_registers(32, 1, 5))


@runs_on_every_target
@pytest.mark.parametrize("type", ["float32", INT64, MASK])
def test_carried_values_can_change_places(target, type):
    """Rotations of carried values are moves in a circle, in registers and in memory."""
    import array

    b = Builder("rotate", x=POINTER, n=INT64)
    x, n = b.parameters
    count = 7
    if type == MASK:
        initial = [b.mask_below(i) for i in range(count)]
    elif type == INT64:
        initial = [b.add_int64(n, i) for i in range(count)]
    else:
        initial = [b.load_broadcast(x, displacement=4 * i) for i in range(count)]
    with b.loop(0, n, 1, initial) as loop:
        a, c, *rest = loop.carried
        loop.carry(c, a, *rest[1:], rest[0])
    for place, value in enumerate(loop.results):
        if type == MASK:
            value = b.select(value, 1.0, 0.0)
        elif type == INT64:
            value = b.to_float(b.broadcast_int(value))
        b.store(value, x, displacement=LANES * (4 * place))
    for registers in ((32, 7, 13), (5, 3, 5), (4, 2, 5)):
        for n in range(5):
            arguments = [array.array("f", range(128)), n]
            expected = run_interpreted(b.program, target.lanes, arguments)
            assert run_native(b.program, few(target, *registers), arguments) == expected


@given(st.permutations(range(8)), st.lists(st.integers(0, 7), min_size=8, max_size=8))
def test_parallel_moves_read_everything_before_they_write(order, sources):
    # places are registers and slots, so that circles go through both
    places = [*GPR64[:4], 64, 128, 192, 256]
    moves = [(places[to], places[of], 2) for to, of in zip(order, sources, strict=True)]
    contents = {place: f"value{i}" for i, place in enumerate(places)}
    expected = {to: contents[of] for to, of, _ in moves}

    def emit(to, of, kind):
        assert kind == 2
        contents[to] = contents[of]

    move_all(moves, emit)
    contents.pop(FREE_SLOT, None)
    assert contents == expected


def test_moves_to_where_things_are_are_not_made():
    made = []
    move_all([(64, 64, 0), (128, 192, 0)], lambda *move: made.append(move))
    assert made == [(128, 192, 0)]
