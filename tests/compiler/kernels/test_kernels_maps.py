"""Maps: expressions, reductions of every kind, and stores, against double precision."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_runs import (
    Meaning,
    Nodes,
    assert_close,
    contraction,
    float32,
    on_every_target,
    run,
    runs_on_every_target,
)

from baregrad.compiler.kernel import (
    COLUMNS,
    COMPARISONS,
    FULL,
    FUNCTIONS,
    ROWS,
    SCALAR,
    Access,
    Map,
    Operand,
    late_nodes,
)
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.kernels.maps import MapPlan, plan_map
from baregrad.compiler.kernels.narrow import NarrowPlan
from baregrad.compiler.kernels.plans import plan_kernel
from baregrad.compiler.vector.avx512 import AVX512

SIZES = st.sampled_from([0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 65, 100, 161])
EXTENTS = (FULL, ROWS, COLUMNS, SCALAR)


def made(nodes):
    return Map(nodes.rows, nodes.columns, nodes.nodes, nodes.stores)


def numbers(random, count, low=-4.0, high=4.0):
    return [float32(random.uniform(low, high)) for _ in range(count)]


def check(nodes, target, *, native=True, cuts=None, tolerance=1e-5, scale=1.0):
    kernel = made(nodes)
    found = run(kernel, nodes.memory, target, native=native, cuts=cuts)
    expected = Meaning(kernel, nodes.memory).result()
    for number in nodes.memory:
        assert_close(found[number], expected[number], tolerance, scale)


def loaded(nodes, random, extent=FULL, low=-4.0, high=4.0):
    return nodes.load(numbers(random, nodes.count(extent), low, high), extent)


# --- kernels --------------------------------------------------------------------------------------


def every_extent(nodes, random):
    total = loaded(nodes, random, FULL)
    for extent in (ROWS, COLUMNS, SCALAR):
        total = nodes.apply("add", total, loaded(nodes, random, extent))
    nodes.store(total)


def softmax(nodes, random):
    x = loaded(nodes, random)
    shifted = nodes.apply("subtract", x, nodes.reduce("max", x, COLUMNS))
    powers = nodes.apply("exp", shifted)
    nodes.store(nodes.apply("divide", powers, nodes.reduce("sum", powers, COLUMNS)))


def layer_norm(nodes, random):
    """Two reductions, one after the other; a result for each place and one for each row."""
    x = loaded(nodes, random)
    scale = nodes.constant(1 / max(nodes.columns, 1))
    mean = nodes.apply("multiply", nodes.reduce("sum", x, COLUMNS), scale)
    centred = nodes.apply("subtract", x, mean)
    square = nodes.apply("multiply", centred, centred)
    variance = nodes.apply("multiply", nodes.reduce("sum", square, COLUMNS), scale)
    deviation = nodes.apply("sqrt", nodes.apply("add", variance, nodes.constant(1e-3)))
    nodes.store(nodes.apply("divide", centred, deviation))
    nodes.store(mean, ROWS if nodes.rows != 1 else SCALAR)


def column_sums(nodes, random):
    """Bias gradients, and an update in place of what they belong to."""
    x = loaded(nodes, random)
    bias = nodes.new(numbers(random, nodes.columns))
    total = nodes.reduce("sum", x, ROWS)
    old = nodes.load(bias, COLUMNS)
    rate = loaded(nodes, random, SCALAR)
    nodes.store(nodes.apply("subtract", old, nodes.apply("multiply", rate, total)), COLUMNS, bias)


def cross_entropy(nodes, random):
    """Row-wise reductions, a gradient for each place, and the mean loss over the rows."""
    x = loaded(nodes, random)
    y = loaded(nodes, random, low=0.0, high=1.0)
    largest = nodes.reduce("max", x, COLUMNS)
    powers = nodes.apply("exp", nodes.apply("subtract", x, largest))
    total = nodes.reduce("sum", powers, COLUMNS)
    log_total = nodes.apply("add", nodes.apply("log", total), largest)
    log_softmax = nodes.apply("subtract", x, log_total)
    loss = nodes.reduce("sum", nodes.apply("multiply", y, log_softmax), COLUMNS)
    nodes.store(nodes.apply("subtract", nodes.apply("divide", powers, total), y))
    mean = nodes.apply("multiply", nodes.reduce("sum", loss, ROWS), nodes.constant(-0.25))
    nodes.store(mean)


def full_sums(nodes, random):
    """The sum and the largest of everything, and the sum of column sums."""
    x = loaded(nodes, random)
    nodes.store(nodes.reduce("sum", nodes.apply("multiply", x, x), FULL))
    nodes.store(nodes.reduce("max", x, FULL))
    columns = nodes.reduce("sum", x, ROWS)
    nodes.store(nodes.apply("abs", columns))


def largest_by_column(nodes, random):
    x = loaded(nodes, random)
    nodes.store(nodes.reduce("max", nodes.apply("negative", x), ROWS))
    nodes.store(nodes.apply("negative", x))


KERNELS = {
    kernel.__name__: kernel
    for kernel in (
        every_extent,
        softmax,
        layer_norm,
        column_sums,
        cross_entropy,
        full_sums,
        largest_by_column,
    )
}


def needs_rows(name):
    """Reductions over the rows of a space that has them."""
    return name in ("column_sums", "cross_entropy", "full_sums", "largest_by_column")


@runs_on_every_target
@pytest.mark.parametrize("name", KERNELS)
@settings(max_examples=12)
@given(SIZES, SIZES, st.integers(0, 99))
def test_a_map_of_any_size(name, target, rows, columns, cut):
    if rows * columns > 6000 or (rows == 1 and needs_rows(name)):
        rows = 2
    if columns == 0 and name != "every_extent":
        columns = 1
    if rows == 0 and name in ("full_sums", "largest_by_column"):
        rows = 3
    nodes = Nodes(rows, columns)
    KERNELS[name](nodes, Random(f"{name} {rows} {columns}"))
    check(nodes, target, cuts=(cut,), scale=10.0)


@runs_on_every_target
@pytest.mark.parametrize("name", sorted(KERNELS.keys() - {"layer_norm", "column_sums"}))
@pytest.mark.parametrize("columns", [2, 4])
@pytest.mark.parametrize("rows", [2, 3, 8, 9, 16, 37, 2500])
def test_rows_of_few_columns_share_vectors(name, target, rows, columns):
    nodes = Nodes(rows, columns)
    KERNELS[name](nodes, Random(f"{name} {rows}"))
    assert isinstance(plan_kernel(made(nodes), target), NarrowPlan)
    check(nodes, target, cuts=(1,), scale=100.0)


@runs_on_every_target
def test_rows_of_few_columns_read_one_element_for_each_row_and_any_steps(target):
    nodes = Nodes(21, 2)
    row, column = nodes.load(range(-9, 12), ROWS, "int64"), nodes.load([3, 7], COLUMNS, "int64")
    flags = nodes.load([i % 3 == 0 for i in range(21)], ROWS, "bool")
    x = nodes.load(range(42), FULL, access=Access(1, 21))
    near = nodes.apply("less", row, column, dtype="bool")
    chosen = nodes.apply(
        "where", nodes.apply("maximum", near, flags, dtype="bool"), x, row_of(nodes)
    )
    nodes.store(chosen)
    nodes.store(nodes.reduce("sum", row_of(nodes), ROWS))
    assert isinstance(plan_kernel(made(nodes), target), NarrowPlan)
    check(nodes, target)


def row_of(nodes):
    """A float for each row."""
    return loaded(nodes, Random(3), ROWS)


@runs_on_every_target
def test_what_does_not_lie_densely_is_stored_row_by_row(target):
    nodes = Nodes(9, 2)
    nodes.store(nodes.reduce("sum", loaded(nodes, Random(1)), COLUMNS), ROWS)
    assert isinstance(plan_kernel(made(nodes), target), MapPlan)
    check(nodes, target)


@on_every_target
@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(("rows", "columns"), [(3, 17), (2, 49), (5, 1), (11, 2), (7, 4)])
def test_the_interpreter_agrees_and_stays_within_the_buffers(name, target, rows, columns):
    nodes = Nodes(rows, columns)
    KERNELS[name](nodes, Random(name))
    check(nodes, target, native=False, cuts=(1,), scale=10.0)


@runs_on_every_target
@pytest.mark.parametrize("length", [1, 100, 4095, 4096, 4097, 9000])
def test_a_long_row_is_cut_into_blocks(target, length):
    nodes = Nodes(1, length)
    every_extent(nodes, Random(length))
    assert plan_map(made(nodes), target).blocks == -(-length // 4096)
    check(nodes, target, cuts=(1, 2))


@runs_on_every_target
def test_a_long_row_is_reduced_with_the_bits_of_one_order(target):
    nodes = Nodes(1, 5000)
    x = loaded(nodes, Random(5))
    nodes.store(nodes.reduce("sum", x, COLUMNS))
    assert plan_map(made(nodes), target).blocks == 1
    check(nodes, target)


@runs_on_every_target
@pytest.mark.parametrize("rows", [1, 64, 65, 300])
def test_rows_are_cut_into_blocks(target, rows):
    nodes = Nodes(rows, 64)
    softmax(nodes, Random(rows))
    assert plan_map(made(nodes), target).blocks == -(-rows // 64)
    check(nodes, target, cuts=(1, 2, 3))


@runs_on_every_target
def test_column_sums_are_cut_into_columns_with_the_same_bits(target):
    nodes = Nodes(50, 200)
    column_sums(nodes, Random(0))
    plan = plan_map(made(nodes), target)
    assert plan.blocks == -(-200 // (2 * target.lanes))
    together = run(made(nodes), nodes.memory, target)
    assert run(made(nodes), nodes.memory, target, cuts=range(99)) == together


# --- operations -----------------------------------------------------------------------------------

BINARY = {"add", "subtract", "multiply", "divide", "power", "maximum", *COMPARISONS}
UNARY = {"negative", "abs", *FUNCTIONS}


@runs_on_every_target
@pytest.mark.parametrize("op", sorted(BINARY | UNARY))
def test_every_operation_on_floats(target, op):
    random = Random(op)
    nodes = Nodes(2, 19)
    low = 0.1 if op in ("log", "sqrt", "power") else -4.0
    inputs = [loaded(nodes, random, low=low) for _ in range(2 if op in BINARY else 1)]
    inputs[-1] = inputs[0] if op == "equal" else inputs[-1]
    dtype = "bool" if op in COMPARISONS else "float32"
    nodes.store(nodes.apply(op, *inputs, dtype=dtype))
    check(nodes, target, tolerance=1e-6)


@runs_on_every_target
@settings(max_examples=10)
@given(st.integers(1, 40))
def test_choices_and_casts_between_data_types(target, columns):
    random = Random(columns)
    nodes = Nodes(2, columns)
    x, y = loaded(nodes, random), loaded(nodes, random)
    labels = [random.randint(-3, 3) for _ in range(2 * columns)]
    n = nodes.load(labels, FULL, "int64")
    flags = nodes.load([random.randint(0, 1) for _ in range(2 * columns)], FULL, "bool")
    zero, one = nodes.constant(0, "int64"), nodes.constant(1, "int64")
    masks = [
        nodes.apply("equal", n, zero, dtype="bool"),
        nodes.apply("not_equal", n, one, dtype="bool"),
        nodes.apply("less", n, zero, dtype="bool"),
        nodes.apply("less_equal", n, one, dtype="bool"),
        nodes.apply("equal", flags, nodes.apply("cast", n, dtype="bool"), dtype="bool"),
        nodes.apply("not_equal", flags, nodes.apply("cast", x, dtype="bool"), dtype="bool"),
        nodes.apply("where", flags, flags, nodes.constant(True, "bool"), dtype="bool"),
        nodes.apply("cast", flags, dtype="bool"),
    ]
    for mask in masks:
        nodes.store(mask)
        nodes.store(nodes.apply("where", mask, x, y))
    nodes.store(nodes.apply("where", flags, n, one, dtype="int64"))
    nodes.store(nodes.apply("cast", flags, dtype="int64"))
    nodes.store(nodes.apply("cast", flags))
    nodes.store(nodes.apply("cast", n))
    check(nodes, target, tolerance=0.0)


@runs_on_every_target
def test_integers_of_a_row_and_of_a_column_are_read_and_written(target):
    nodes = Nodes(3, 21)
    row = nodes.load(range(-2, 1), ROWS, "int64")
    column = nodes.load(range(-10, 11), COLUMNS, "int64")
    nodes.store(
        nodes.apply(
            "where", nodes.apply("less", row, column, dtype="bool"), row, column, dtype="int64"
        )
    )
    nodes.store(row, ROWS)
    check(nodes, target)


@runs_on_every_target
@pytest.mark.parametrize("native", [True, False])
def test_integers_are_written_whole_within_a_vector(target, native):
    nodes = Nodes(1, 16)
    nodes.store(nodes.load(range(-8, 8), COLUMNS, "int64"))
    nodes.store(nodes.load([-5], SCALAR, "int64"))
    check(nodes, target, native=native)


@runs_on_every_target
def test_transposed_and_offset_operands(target):
    nodes = Nodes(5, 18)
    x = nodes.load(range(90), FULL, access=Access(1, 5))
    y = nodes.load(range(200), FULL, access=Access(18, 1, 7))
    z = nodes.load(range(30), COLUMNS, "int64", access=Access(0, 1, 3))
    total = nodes.apply("add", nodes.apply("add", x, y), nodes.apply("cast", z))
    nodes.store(total)
    check(nodes, target, tolerance=0.0)


# --- NaN, infinity, zero --------------------------------------------------------------------------


@runs_on_every_target
@pytest.mark.parametrize("place", [0, 5, 20])
@pytest.mark.parametrize("over", [COLUMNS, ROWS, FULL])
@pytest.mark.parametrize("columns", [4, 21, 70])
def test_the_largest_is_nan_if_there_is_one(target, columns, over, place):
    nodes = Nodes(2, columns)
    values = [-math.inf] * (2 * columns)
    values[place % columns] = math.nan
    nodes.store(nodes.reduce("max", nodes.load(values), over))
    check(nodes, target)


@runs_on_every_target
@pytest.mark.parametrize("columns", [1, 17, 40])
def test_what_lies_beyond_a_row_does_not_count(target, columns):
    """exp of the zeros that masked lanes hold would be 1; the largest of them 0."""
    nodes = Nodes(3, columns)
    x = loaded(nodes, Random(1), low=-4.0, high=-3.0)
    nodes.store(nodes.reduce("sum", nodes.apply("exp", x), COLUMNS), ROWS)
    nodes.store(nodes.reduce("max", x, COLUMNS), ROWS)
    nodes.store(nodes.reduce("max", x, FULL))
    check(nodes, target)


@runs_on_every_target
def test_sums_of_nothing_are_zero(target):
    nodes = Nodes(0, 5)
    x = nodes.load([], FULL)
    nodes.store(nodes.reduce("sum", x, ROWS))
    nodes.store(nodes.reduce("sum", x, FULL))
    check(nodes, target)
    nodes = Nodes(3, 0)
    nodes.store(nodes.reduce("sum", nodes.load([], FULL), COLUMNS), ROWS)
    check(nodes, target)


# --- order ----------------------------------------------------------------------------------------


@runs_on_every_target
@pytest.mark.parametrize("columns", [5, 40, 100])
def test_in_place_all_passes_load_before_any_store(target, columns):
    """The softmax replaces its input, which every pass reads."""
    random = Random(columns)
    nodes = Nodes(3, columns)
    place = nodes.new(numbers(random, 3 * columns))
    x = nodes.load(place)
    powers = nodes.apply("exp", nodes.apply("subtract", x, nodes.reduce("max", x, COLUMNS)))
    total = nodes.reduce("sum", powers, COLUMNS)
    nodes.store(nodes.apply("divide", powers, total), FULL, place)
    check(nodes, target)


@runs_on_every_target
def test_two_buffers_in_one_place(target):
    nodes = Nodes(3, 40)
    x = loaded(nodes, Random(3))
    result = nodes.store(nodes.apply("exp", nodes.apply("negative", x)))
    kernel = made(nodes)
    expected = Meaning(kernel, nodes.memory).result()[result]
    found = run(kernel, nodes.memory, target, aliases={result: 0})
    assert_close(found[result], expected, 1e-6)


@runs_on_every_target
def test_what_is_the_same_in_all_rows_is_stored_once_after_them(target):
    """A counter and a factor for each column are advanced in place, once and not once a row."""
    nodes = Nodes(4, 20)
    random = Random(4)
    counter, factors = nodes.new([3.0]), nodes.new(numbers(random, 20))
    count, factor = nodes.load(counter, SCALAR), nodes.load(factors, COLUMNS)
    x = loaded(nodes, random)
    nodes.store(nodes.apply("multiply", nodes.apply("multiply", x, factor), count))
    nodes.store(nodes.apply("add", count, nodes.constant(1.0)), SCALAR, counter)
    nodes.store(nodes.apply("multiply", factor, nodes.constant(0.5)), COLUMNS, factors)
    nodes.store(nodes.apply("add", factor, nodes.reduce("sum", x, ROWS)))
    check(nodes, target, cuts=range(9))


@runs_on_every_target
@pytest.mark.parametrize("columns", [3, 50])
def test_a_sum_over_the_rows_of_what_each_row_has_once(target, columns):
    nodes = Nodes(6, columns)
    x = loaded(nodes, Random(6))
    weight = loaded(nodes, Random(7), ROWS)
    along = nodes.apply("multiply", nodes.reduce("sum", x, COLUMNS), weight)
    nodes.store(nodes.reduce("sum", along, ROWS))
    nodes.store(nodes.reduce("max", weight, ROWS))
    nodes.store(nodes.apply("add", x, weight))
    check(nodes, target)


@runs_on_every_target
def test_a_reduction_of_what_is_the_same_in_all_rows(target):
    nodes = Nodes(3, 40)
    column = loaded(nodes, Random(8), COLUMNS)
    x = loaded(nodes, Random(9))
    nodes.store(nodes.apply("add", x, nodes.reduce("sum", column, COLUMNS)))
    check(nodes, target)


@runs_on_every_target
def test_a_late_result_may_be_reduced_again(target):
    """The norm of the column sums."""
    nodes = Nodes(7, 40)
    total = nodes.reduce("sum", loaded(nodes, Random(10)), ROWS)
    norm = nodes.apply("sqrt", nodes.reduce("sum", nodes.apply("multiply", total, total), COLUMNS))
    nodes.store(nodes.apply("divide", total, norm))
    check(nodes, target)


@runs_on_every_target
def test_a_single_column_is_run_through_as_a_row(target):
    nodes = Nodes(5000, 1)
    x = loaded(nodes, Random(11), ROWS)
    nodes.store(nodes.apply("exp", x), ROWS)
    assert plan_map(made(nodes), target).blocks == 2
    check(nodes, target, cuts=(1,))


@runs_on_every_target
def test_a_single_number(target):
    nodes = Nodes(1, 1)
    x = nodes.load([2.0], SCALAR)
    nodes.store(nodes.apply("sqrt", x))
    nodes.store(nodes.apply("less", x, nodes.constant(3.0), dtype="bool"))
    check(nodes, target)


@runs_on_every_target
@pytest.mark.parametrize("columns", [2, 17, 40])
def test_a_reduction_along_a_row_of_what_is_late_is_late(target, columns):
    nodes = Nodes(3, columns)
    total = nodes.reduce("sum", loaded(nodes, Random(1)), ROWS)
    largest = nodes.reduce("max", total, COLUMNS)
    nodes.store(largest)
    nodes.store(nodes.apply("subtract", total, largest))
    assert late_nodes(made(nodes)) == [False, True, True, True]
    check(nodes, target, cuts=(1,))


# --- refusals -------------------------------------------------------------------------------------


def refusal(nodes):
    with pytest.raises(UnsupportedKernelError) as caught:
        run(made(nodes), nodes.memory, AVX512)
    return str(caught.value)


def test_division_of_integers_is_refused():
    nodes = Nodes(1, 4)
    n = nodes.load([1, 2, 3, 4], COLUMNS, "int64")
    nodes.store(nodes.apply("divide", n, n, dtype="int64"))
    assert refusal(nodes) == "there is no vector code for 'divide' of int64"


def test_sums_of_bools_are_refused():
    nodes = Nodes(1, 4)
    x = nodes.load([1, 0, 1, 1], COLUMNS, "bool")
    nodes.store(nodes.reduce("sum", x, COLUMNS, "bool"))
    assert refusal(nodes) == "there is no vector code for a sum of bool"


def test_float64_is_refused():
    nodes = Nodes(1, 4)
    nodes.store(nodes.load([1.0] * 4, COLUMNS, "float64"))
    assert refusal(nodes) == "there is no vector code for float64"


def test_a_constant_of_another_data_type_is_refused():
    nodes = Nodes(1, 4)
    wide = nodes.constant(1.0, "float64")
    x = nodes.load([1.0] * 4, COLUMNS)
    nodes.store(nodes.apply("add", x, nodes.apply("cast", wide)))
    assert refusal(nodes) == "there is no vector code for float64"


def test_casts_to_float64_are_refused():
    nodes = Nodes(1, 4)
    x = nodes.load([1.0] * 4, COLUMNS)
    nodes.store(nodes.apply("cast", x, dtype="float64"))
    assert refusal(nodes) == "there is no vector code that casts float32 to float64"


def test_an_output_whose_columns_are_apart_is_refused():
    nodes = Nodes(3, 4)
    nodes.store(loaded(nodes, Random(0)))
    (store,) = nodes.stores
    nodes.stores = [store._replace(access=Access(1, 3))]
    assert "3 elements apart" in refusal(nodes)


# --- drawn expressions ----------------------------------------------------------------------------


def drawn_nodes(draw, nodes, *roots):
    """More nodes, of operations that are exact on small integers, on top of these."""
    random = Random(draw(st.integers(0, 99)))
    known = [*roots, nodes.constant(2.0)]
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(["load", "add", "subtract", "maximum", "negative", "where"]))
        first, second = [known[draw(st.integers(0, len(known) - 1))] for _ in range(2)]
        if kind == "load":
            extent = draw(st.sampled_from(EXTENTS))
            values = [random.randint(-9, 9) for _ in range(nodes.count(extent))]
            known.append(nodes.load(values, extent))
        elif kind == "negative":
            known.append(nodes.apply("negative", first))
        elif kind == "where":
            less = nodes.apply("less", first, second, dtype="bool")
            known.append(nodes.apply("where", less, second, first))
        else:
            known.append(nodes.apply(kind, first, second))
    return known


@runs_on_every_target
@settings(max_examples=15)
@given(st.data(), st.sampled_from([1, 2, 5]), st.sampled_from([1, 3, 16, 33, 70]))
def test_drawn_expressions_with_reductions(target, data, rows, columns):
    nodes = Nodes(rows, columns)
    x = nodes.load([data.draw(st.integers(-9, 9)) for _ in range(3)] * (rows * columns), FULL)
    known = drawn_nodes(data.draw, nodes, x)
    for _ in range(data.draw(st.integers(0, 2))):
        inner = known[data.draw(st.integers(0, len(known) - 1))]
        if nodes.nodes[inner].extent & COLUMNS:
            op = data.draw(st.sampled_from(["sum", "max"]))
            known = drawn_nodes(data.draw, nodes, x, nodes.reduce(op, inner, COLUMNS))
    full = nodes.apply("add", x, known[-1])
    nodes.store(full)
    if rows != 1:
        nodes.store(nodes.reduce(data.draw(st.sampled_from(["sum", "max"])), full, ROWS))
        nodes.store(nodes.reduce("max", full, FULL))
    check(nodes, target, cuts=(data.draw(st.integers(0, 9)),), tolerance=0.0)


@runs_on_every_target
@settings(max_examples=15)
@given(
    st.data(), st.integers(1, 20), st.sampled_from([1, 3, 16, 33]), st.sampled_from(["NN", "NT"])
)
def test_drawn_epilogues(target, data, rows, columns, form):
    nodes = Nodes(rows, columns)
    depth = 3
    random = Random(rows)
    left = nodes.new([random.randint(-8, 8) for _ in range(rows * depth)])
    right = nodes.new([random.randint(-8, 8) for _ in range(depth * columns)])
    step = Access(1, depth) if form == "NT" else Access(columns, 1)
    known = drawn_nodes(data.draw, nodes, nodes.accumulator())
    nodes.store(nodes.apply("add", known[0], known[-1]))
    nodes.store(nodes.apply("subtract", known[0], known[len(known) // 2]))
    matrices = Operand(left, Access(depth, 1)), Operand(right, step)
    kernel = contraction(nodes, depth, *matrices)
    found = run(kernel, nodes.memory, target, cuts=(data.draw(st.integers(0, 9)),))
    expected = Meaning(kernel, nodes.memory).result()
    assert found == {number: expected[number] for number in found}
