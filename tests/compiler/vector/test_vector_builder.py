"""Building programs, and reading them as text."""

import math

import pytest

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.errors import ProgramError
from baregrad.compiler.vector.program import (
    FLOAT,
    FLOAT32,
    INT32,
    INT64,
    LANES,
    POINTER,
    Extent,
    Instruction,
    resolve,
)
from baregrad.compiler.vector.text import instruction_text, program_text
from baregrad.errors import ArgumentError


def test_parameters_become_values_in_order():
    b = Builder("p", x=POINTER, a=FLOAT, n=INT64)
    assert [(v.name, v.type) for v in b.parameters] == [
        ("x", POINTER),
        ("a", FLOAT32),
        ("n", INT64),
    ]


def test_equal_constants_are_one_value():
    b = Builder("p")
    assert b.constant(1.5) is b.constant(1.5)
    assert b.constant(0.0) is not b.constant(-0.0)
    assert b.constant(math.nan) is b.constant(math.nan)
    assert b.constant_int(-1) is b.constant_int(0xFFFFFFFF)
    assert b.constant_int64(LANES * 2) is b.constant_int64(LANES + LANES)
    assert b.table(b"ab") is b.table(b"ab")
    assert b.iota() is b.iota()
    # 1.5, two zeros, NaN, and one of each other kind
    assert len(b.program.constants) == 8


def test_numbers_stand_for_constants():
    b = Builder("p")
    b.add(1.0, 2.0)
    b.add_int(1, 2)
    b.add_int64(1, LANES)
    assert [v.type for i in b.program.body for v in i.operands] == [FLOAT32] * 2 + [INT32] * 2 + [
        INT64
    ] * 2


def test_a_selection_is_of_the_type_of_its_operands():
    b = Builder("p")
    mask = b.compare("less", 1.0, 2.0)
    assert b.select(mask, 1.0, 2.0).type == FLOAT32
    assert b.select(mask, b.constant_int(1), 2).type == INT32
    assert b.select(mask, 1, b.constant_int(2)).type == INT32


def test_extents_know_their_size_once_lanes_are_known():
    extent = 3 * LANES * 2 - 1 + LANES
    assert extent.at(8) == 55
    assert resolve(extent, 16) == 111
    assert resolve(5, 16) == 5
    assert (LANES - LANES).at(16) == 0
    assert extent == Extent(-1, 7)
    assert extent != 55
    assert hash(extent) == hash(Extent(-1, 7))
    assert [repr(e) for e in (LANES, extent, 2 + LANES)] == ["lanes", "7*lanes-1", "lanes+2"]


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda b: b.constant(1e39), ProgramError, r"constant 1e\+39 does not fit in float32"),
        (lambda b: b.constant_int(1 << 32), ProgramError, "4294967296 does not fit in 32 bits"),
        (lambda b: b.constant_int64(1 << 63), ProgramError, "does not fit in 64 bits"),
        (lambda b: b.table(b""), ProgramError, "at least one byte"),
        (lambda b: b.shift_left(b.iota(), 32), ProgramError, "shift_left by 32: .* 0 to 31"),
        (lambda b: b.exchange(1.0, 3), ProgramError, "exchange over 3 lanes: .* 1, 2, 4 or 8"),
        (lambda b: b.compare("lss", 1.0, 2.0), ArgumentError, "unknown predicate 'lss'.*'less'"),
        (lambda b: b.compare_int("less", 1, 2), ArgumentError, "unknown integer predicate 'less'"),
        (lambda b: b.shuffle("low", 1.0, 2.0), ArgumentError, "unknown shuffle 'low'"),
        (lambda b: b.round(1.0, "nearst"), ArgumentError, "unknown rounding 'nearst'.*'nearest'"),
        (lambda b: Builder("q", x="pointr"), ArgumentError, "parameter 'x' 'pointr'.*'pointer'"),
    ],
)
def test_what_cannot_be_built_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build(Builder("p"))


def test_a_loop_must_carry_on_as_many_values_as_it_began_with():
    b = Builder("p")
    with (
        pytest.raises(ProgramError, match=r"carries 1 values was given 0.*carry\(...\)"),
        b.loop(0, 4, carried=[b.constant(0.0)]),
    ):
        pass


def test_an_error_within_a_loop_is_not_hidden():
    b = Builder("p")
    with pytest.raises(ProgramError, match="float32"), b.loop(0, 4, carried=[b.constant(0.0)]):
        b.constant(1e39)
    b.add(1.0, 2.0)
    assert b.program.body[-1].op == "add"


def test_a_program_reads_as_text():
    b = Builder("sum", x=POINTER, n=INT64, a=FLOAT)
    x, n, a = b.parameters
    table = b.table(bytes(range(20)))
    with b.loop(0, n, LANES, [b.constant(0.0)]) as loop:
        mask = b.mask_below(b.subtract_int64(n, loop.counter))
        value = b.load(x, loop.counter, displacement=LANES * 4, mask=mask)
        value = b.round(b.fma(a, value, b.load_broadcast(table)), "up")
        loop.carry(b.add(loop.carried[0], value))
    b.store_first(loop.results[0], x)
    indices = b.shift_left(b.iota(), 2)
    b.store(b.gather(x, indices, scale=8, displacement=12, mask=b.compare("less", a, 1.0)), x)
    assert program_text(b.program) == TEXT


TEXT = """\
program sum(%x: pointer, %n: int64, %a: float)
  %3 = table 0001020304050607... (20 bytes)
  %4 = constant 0.0
  %5 = constant_int64 0
  %17 = iota
  %19 = constant 1.0
  loop %6 = %5 to %n step lanes carrying %7 = %4
    %10 = subtract_int64 %n, %6
    %11 = mask_below %10
    %12 = load [%x + %6*4 + 4*lanes] where %11
    %13 = load_broadcast [%3]
    %14 = fma %a, %12, %13
    %15 = round up, %14
    %16 = add %7, %15
    carry %16
  end loop giving %8, %9
  store_first %9, [%x]
  %18 = shift_left 2, %17
  %20 = compare less, %a, %19
  %21 = gather [%x + %18*8 + 12] where %20
  store %21, [%x]
"""


def test_short_tables_and_unknown_operations_read_as_text_too():
    b = Builder("p", x=POINTER)
    assert instruction_text(Instruction(0, "unheard_of", b.parameters)) == "unheard_of %x"
    assert instruction_text(Instruction(0, "table", (), None, b"ab")) == "table 6162"
