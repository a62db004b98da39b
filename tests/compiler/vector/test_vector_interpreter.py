"""The interpreter's checks of memory and arguments. What it computes: `test_vector_operations`."""

import array

import pytest

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.errors import AccessError, ProgramError
from baregrad.compiler.vector.interpreter import Memory, interpret
from baregrad.compiler.vector.program import INT32, LANES, POINTER


def copy_program(displacement=0, **options):
    b = Builder("copy", x=POINTER, y=POINTER)
    x, y = b.parameters
    b.store(b.load(x, displacement=displacement, **options), y)
    return b.program


def floats(count):
    return array.array("f", range(count))


def test_a_load_beyond_the_end_is_refused_by_name():
    message = r"instruction '%2 = load \[%x\]': 4 bytes at offset 60 of a buffer of 60 bytes"
    with pytest.raises(AccessError, match=message):
        interpret(copy_program(), [floats(15), floats(16)])


def test_a_load_before_the_beginning_is_refused():
    with pytest.raises(AccessError, match=r"address 0xffffc is in no buffer"):
        interpret(copy_program(-4), [floats(16), floats(16)])


def test_a_store_beyond_the_end_is_refused():
    with pytest.raises(AccessError, match=r"store %2, \[%y\]': 4 bytes at offset 56"):
        interpret(copy_program(), [floats(16), floats(14)])


def test_buffers_do_not_touch():
    with pytest.raises(AccessError, match="a buffer of 64 bytes"):
        interpret(copy_program(64), [floats(16), floats(16)])


def test_masked_lanes_are_not_touched():
    b = Builder("tail", x=POINTER)
    (x,) = b.parameters
    mask = b.mask_below(3)
    b.store(b.add(b.load(x, mask=mask), 1.0), x, mask=mask)
    numbers = floats(3)
    interpret(b.program, [numbers])
    assert list(numbers) == [1.0, 2.0, 3.0]


def test_a_gather_may_reach_both_ways():
    b = Builder("gather", x=POINTER, i=POINTER, y=POINTER)
    x, i, y = b.parameters
    b.store(b.gather(x, b.load(i, type=INT32), displacement=16), y)
    out = array.array("f", [0.0] * 4)
    interpret(b.program, [floats(6), array.array("i", [-4, 1, 0, -1]), out], lanes=4)
    assert list(out) == [0.0, 5.0, 4.0, 3.0]


def test_the_number_of_lanes_is_the_callers():
    b = Builder("lanes", x=POINTER)
    b.store(b.to_float(b.broadcast_int(LANES)), b.parameters[0], displacement=LANES * 4)
    for lanes in (2, 8, 16):
        numbers = array.array("f", [0.0] * 2 * lanes)
        interpret(b.program, [numbers], lanes)
        assert list(numbers) == [0.0] * lanes + [float(lanes)] * lanes


def test_wrong_arguments_are_refused():
    with pytest.raises(ProgramError, match="'copy' has 2 parameters, not 1"):
        interpret(copy_program(), [floats(16)])


def test_a_program_is_verified_before_it_runs():
    b = Builder("bad", x=POINTER)
    with b.loop(0, 4):
        inner = b.load(b.parameters[0])
    b.store(inner, b.parameters[0])
    with pytest.raises(ProgramError, match="is not defined"):
        interpret(b.program, [floats(16)])


def test_addresses_of_a_memory_can_be_given():
    memory = Memory()
    numbers, out = floats(16), floats(16)
    addresses = memory.add(numbers), memory.add(out)
    out[0] = 7.0
    interpret(copy_program(), addresses, memory=memory)
    assert out == numbers
