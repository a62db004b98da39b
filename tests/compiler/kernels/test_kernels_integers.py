"""Arithmetic on integers of 64 bits, against Python's integers."""

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_runs import FUNCTIONS, Nodes, float32, run, runs_on_every_target

from baregrad.compiler.kernel import COLUMNS, FULL, ROWS, Map

EDGES = [0, 1, -1, 2, 1 << 31, -(1 << 31), (1 << 32) - 1, 1 << 32, -(1 << 32), 3037000500]
EXTREMES = [(1 << 63) - 1, -(1 << 63), 1 << 62, (1 << 63) - (1 << 32)]
INTEGERS = st.one_of(
    st.sampled_from(EDGES + EXTREMES),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.integers(-99, 99),
)
PAIRS = st.lists(st.tuples(INTEGERS, INTEGERS), min_size=1, max_size=20)


def wrapped(number):
    """Modulo 2⁶⁴, with a sign."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def made(nodes):
    return Map(nodes.rows, nodes.columns, nodes.nodes, nodes.stores)


def computed(op, target, *operands, dtypes, dtype):
    """An operation on lists of numbers."""
    nodes = Nodes(1, len(operands[0]))
    pairs = zip(operands, dtypes, strict=True)
    loads = [nodes.load(numbers, FULL, kind) for numbers, kind in pairs]
    place = nodes.store(nodes.apply(op, *loads, dtype=dtype))
    return run(made(nodes), nodes.memory, target)[place]


@runs_on_every_target
@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "maximum"])
@settings(max_examples=12)
@given(PAIRS)
def test_arithmetic_is_that_of_integers_modulo_two_to_the_64(target, op, pairs):
    x, y = zip(*pairs, strict=True)
    found = computed(op, target, x, y, dtypes=["int64"] * 2, dtype="int64")
    assert found == [wrapped(FUNCTIONS[op](a, b)) for a, b in pairs]


@runs_on_every_target
@pytest.mark.parametrize("op", ["negative", "abs"])
@settings(max_examples=12)
@given(st.lists(INTEGERS, min_size=1, max_size=20))
def test_signs(target, op, x):
    found = computed(op, target, x, dtypes=["int64"], dtype="int64")
    assert found == [wrapped(FUNCTIONS[op](a)) for a in x]


@runs_on_every_target
@pytest.mark.parametrize("dtype", ["int64", "bool"])
@pytest.mark.parametrize("op", ["equal", "not_equal", "less", "less_equal"])
@settings(max_examples=12)
@given(st.data())
def test_comparisons(target, op, dtype, data):
    numbers = INTEGERS if dtype == "int64" else st.booleans().map(int)
    pairs = data.draw(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20))
    x, y = zip(*pairs, strict=True)
    found = computed(op, target, x, y, dtypes=[dtype] * 2, dtype="bool")
    assert found == [FUNCTIONS[op](a, b) for a, b in pairs]


@runs_on_every_target
@settings(max_examples=12)
@given(st.lists(st.tuples(INTEGERS, st.integers(0, 70)), min_size=1, max_size=20))
def test_powers(target, pairs):
    x, y = zip(*pairs, strict=True)
    found = computed("power", target, x, y, dtypes=["int64"] * 2, dtype="int64")
    assert found == [wrapped(a**b) for a, b in pairs]


@runs_on_every_target
@settings(max_examples=12)
@given(PAIRS)
def test_choices(target, pairs):
    x, y = zip(*pairs, strict=True)
    chosen = [(a ^ b) & 1 for a, b in pairs]
    found = computed(
        "where", target, chosen, x, y, dtypes=["bool", "int64", "int64"], dtype="int64"
    )
    assert found == [a if c else b for c, (a, b) in zip(chosen, pairs, strict=True)]


@runs_on_every_target
@settings(max_examples=12)
@given(st.lists(INTEGERS, min_size=1, max_size=20))
def test_integers_become_floats_and_bools(target, x):
    found = computed("cast", target, x, dtypes=["int64"], dtype="float32")
    for number, result in zip(x, found, strict=True):
        # two roundings beyond 2³¹
        tolerance = 0 if abs(number) < 1 << 31 else 2**-23
        assert result == pytest.approx(float32(number), rel=tolerance, abs=0)
    assert computed("cast", target, x, dtypes=["int64"], dtype="bool") == [n != 0 for n in x]


FLOATS = st.floats(-(2.0**63), 2.0**63, width=32, exclude_max=True)


@runs_on_every_target
@settings(max_examples=20)
@given(st.lists(FLOATS, min_size=1, max_size=20))
def test_floats_become_integers(target, x):
    found = computed("cast", target, x, dtypes=["float32"], dtype="int64")
    assert found == [int(number) for number in array("f", x)]


@runs_on_every_target
def test_what_no_integer_holds_becomes_the_least(target):
    x = [2.0**63, -(2.0**64), float("inf"), float("-inf"), float("nan"), -(2.0**63), 2.0**31]
    found = computed("cast", target, x, dtypes=["float32"], dtype="int64")
    assert found == [-(1 << 63)] * 6 + [1 << 31]


@runs_on_every_target
@pytest.mark.parametrize("number", [5, -7, 1 << 40, -(1 << 63)])
def test_constants(target, number):
    nodes = Nodes(1, 19)
    x = nodes.load([*EDGES, *EDGES[:9]], FULL, "int64")
    place = nodes.store(nodes.apply("maximum", x, nodes.constant(number, "int64"), dtype="int64"))
    expected = [max(x, number) for x in [*EDGES, *EDGES[:9]]]
    assert run(made(nodes), nodes.memory, target)[place] == expected


@runs_on_every_target
@pytest.mark.parametrize("op", ["sum", "max"])
@settings(max_examples=12)
@given(st.integers(1, 4), st.sampled_from([1, 3, 8, 16, 17, 40]), st.data())
def test_reductions_in_every_direction(target, op, rows, columns, data):
    count = rows * columns
    kinds = data.draw(st.sampled_from([INTEGERS, st.integers(-9, 9)]))
    numbers = data.draw(st.lists(kinds, min_size=count, max_size=count))
    nodes = Nodes(rows, columns)
    x = nodes.load(numbers, FULL, "int64")
    places = {}
    for over in (COLUMNS, ROWS, FULL):
        if columns > 1 and (rows > 1 or over == COLUMNS):
            places[over] = nodes.store(nodes.reduce(op, x, over, "int64"))
    found = run(made(nodes), nodes.memory, target) if places else {}
    reduced = sum if op == "sum" else max
    lines = [numbers[i * columns : (i + 1) * columns] for i in range(rows)]
    expected = {
        COLUMNS: [reduced(line) for line in lines],
        ROWS: [reduced(column) for column in zip(*lines, strict=True)],
        FULL: [reduced(numbers)],
    }
    for over, place in places.items():
        assert found[place] == [wrapped(x) for x in expected[over]]
