"""Programs that are not well formed are refused, and the message names the instruction."""

import re

import pytest

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.errors import ProgramError
from baregrad.compiler.vector.program import (
    FLOAT32,
    INT32,
    INT64,
    LANES,
    POINTER,
    Address,
    Extent,
    Instruction,
    Loop,
    Parameter,
    Value,
)
from baregrad.compiler.vector.verifier import verify
from baregrad.errors import ArgumentError


def base():
    """A builder with a pointer, an integer, and a float32 value."""
    b = Builder("broken", x=POINTER, n=INT64)
    return b, *b.parameters, b.load(b.parameters[0])


def add(b, op, operands=(), type=None, immediate=None, address=None):
    """Append an instruction that the builder would not make."""
    result = None if type is None else b._value(type)
    b.program.body.append(Instruction(b._number(), op, tuple(operands), result, immediate, address))
    return result


def refused(b, message, error=ProgramError):
    with pytest.raises(error, match=message) as caught:
        verify(b.program)
    return str(caught.value)


def test_a_well_formed_program_is_accepted():
    b, x, n, value = base()
    with b.loop(0, n, LANES, [value, x]) as loop:
        loop.carry(b.add(loop.carried[0], 1.0), b.advance(loop.carried[1], 4))
    b.store(loop.results[0], loop.results[1])
    verify(b.program)


def test_the_message_names_the_program_and_the_instruction():
    b, x, _, value = base()
    add(b, "add", (value, x), FLOAT32)
    message = refused(b, "operands are")
    assert message == (
        "program 'broken', instruction '%3 = add %2, %x': "
        "operands are (float32, pointer), not (float32, float32)"
    )


def test_an_unknown_operation():
    b, _, _, value = base()
    add(b, "ad", (value, value), FLOAT32)
    refused(b, "unknown operation 'ad'; did you mean 'add'", ArgumentError)


@pytest.mark.parametrize(
    ("op", "count", "type", "immediate", "message"),
    [
        ("add", 1, FLOAT32, None, r"operands are \(float32\), not \(float32, float32\)"),
        ("add", 2, INT32, None, "the result is int32, not float32"),
        ("add", 2, None, None, "the result is None, not float32"),
        ("add", 2, FLOAT32, 1.0, "immediate 1.0 is not wanted"),
        ("round", 1, FLOAT32, "nearst", "immediate 'nearst' is not rounding"),
        ("round", 1, FLOAT32, None, "immediate None is not rounding"),
        ("constant", 0, FLOAT32, 1, "immediate 1 is not float"),
        ("constant_int64", 0, INT64, 1.0, "immediate 1.0 is not extent"),
        ("table", 0, POINTER, "x", "immediate 'x' is not bytes"),
        ("constant_int", 0, INT32, None, "immediate None is not int"),
    ],
)
def test_wrong_operands_results_and_immediates(op, count, type, immediate, message):
    b, _, _, value = base()
    add(b, op, [value] * count, type, immediate)
    refused(b, message)


def test_a_shift_too_far():
    b, x, _, _ = base()
    add(b, "shift_left", [b.load(x, type=INT32)], INT32, 32)
    refused(b, "immediate 32 is not shift")


def test_a_selection_of_different_types():
    b, x, _, value = base()
    mask = b.compare("less", value, 1.0)
    add(b, "select", [mask, value, b.load(x, type=INT32)], FLOAT32)
    refused(b, r"operands are \(mask, float32, int32\), not \(mask, float32, float32\)")


def test_data_that_is_no_vector():
    b, x, n, _ = base()
    add(b, "store", [n, x], None, None, Address(4, 0, False))
    refused(b, r"operands are \(int64\), not \(a vector\)")


def test_a_value_that_is_not_defined_yet():
    b, _, _, value = base()
    b.program.body.append(
        Instruction(b._number(), "negate", (Value(4, FLOAT32),), b._value(FLOAT32))
    )
    refused(b, "%4 is used where it is not defined")
    assert value.number == 2


def test_a_value_of_a_loop_does_not_outlive_it():
    b, x, n, value = base()
    with b.loop(0, n):
        inner = b.negate(value)
    b.store(inner, x)
    refused(b, f"instruction 'store {inner}, \\[%x\\]': {inner} is used where it is not defined")


def test_a_value_that_is_defined_twice():
    b, _, _, value = base()
    b.program.body.append(Instruction(b._number(), "negate", (value,), value))
    refused(b, "%2 is defined twice")


def test_a_parameter_that_is_defined_twice():
    b, x, _, _ = base()
    b.program.parameters.append(Parameter(POINTER, x))
    refused(b, "program 'broken': parameter %x is defined twice")


def test_a_value_number_beyond_the_program():
    b, _, _, value = base()
    b.program.body.append(Instruction(b._number(), "negate", (value,), Value(99, FLOAT32)))
    refused(b, "%99 is defined twice, or its number is not this program's")


@pytest.mark.parametrize("number", [0, 99, -1])
def test_an_instruction_number_that_is_not_its_own(number):
    b, _, _, value = base()
    b.program.body.append(Instruction(number, "negate", (value,), b._value(FLOAT32)))
    refused(b, f"instruction number {number} is not its own")


def loads(b, x, n, value):
    """Addresses that are wrong, each with its message."""
    mask = b.compare("less", value, 0.0)
    far = Address(4, 1 << 31, False)
    lanes_far = Address(4, Extent(0, 1 << 27), False)
    return [
        ("load", [x], Address(3, 0, False), "the scale is 1, 2, 4 or 8, not 3"),
        ("load", [x], far, "the displacement 2147483648 does not fit"),
        ("load", [x], lanes_far, r"the displacement 134217728\*lanes does not fit"),
        ("load", [n], Address(4, 0, False), r"address is of \(int64\), not \(pointer\)"),
        ("load", [x, x], Address(4, 0, True), r"\(pointer, pointer\), not \(pointer, int64\)"),
        ("load", [x, n], Address(4, 0, False), r"\(pointer, int64\), not \(pointer\)"),
        ("load", [x], Address(4, 0, False, True), r"\(pointer\), not \(pointer, mask\)"),
        ("load_broadcast", [x, mask], Address(4, 0, False, True), "load_broadcast takes no mask"),
        ("load", [x], None, "load has no address"),
        ("sqrt", [x], Address(4, 0, False), "sqrt has an address"),
    ]


@pytest.mark.parametrize("case", range(10))
def test_wrong_addresses(case):
    b, x, n, value = base()
    op, operands, address, message = loads(b, x, n, value)[case]
    add(b, op, operands, FLOAT32, None, address)
    text = refused(b, message)
    assert re.search(rf"instruction '%\d+ = {op}", text)


def broken_loop(change):
    """A loop that carries one float32, changed before it is verified."""
    b, _, n, value = base()
    with b.loop(0, n, 1, [value]) as open_loop:
        open_loop.carry(b.negate(open_loop.carried[0]))
    loop = b.program.body[-1]
    assert isinstance(loop, Loop)
    change(b, loop)
    return b


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b, loop: setattr(loop, "step", 0), "the step 0 is not positive"),
        (
            lambda b, loop: setattr(loop, "step", 8 - LANES),
            r"the step -1\*lanes\+8 is not positive",
        ),
        (
            lambda b, loop: setattr(loop, "operands", (loop.initial[0], *loop.operands[1:])),
            "start and stop are int64",
        ),
        (
            lambda b, loop: setattr(loop, "next", ()),
            r"carry: \(\), but the initial values are \(float32\)",
        ),
        (
            lambda b, loop: setattr(loop, "next", (loop.counter,)),
            r"carry: \(int64\), but the initial values are \(float32\)",
        ),
        (lambda b, loop: setattr(loop, "carried", ()), r"carried: \(\), but the initial"),
        (lambda b, loop: setattr(loop, "results", ()), r"results: \(\), but the initial"),
        (
            lambda b, loop: setattr(loop, "next", (loop.results[0],)),
            r"%\d+ is carried on where it is not defined",
        ),
        (
            lambda b, loop: setattr(loop.latch, "operands", (loop.counter, loop.counter)),
            "the latch compares the counter with stop",
        ),
        (lambda b, loop: setattr(loop.latch, "number", 0), "instruction number 0 is not its own"),
    ],
)
def test_broken_loops(change, message):
    text = refused(broken_loop(change), message)
    assert "instruction 'l" in text
