"""Contractions: every transposition, size, plan and epilogue, against sums in Python."""

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
    program_of,
    run,
    runs_on_every_target,
)

from baregrad.compiler.kernel import COLUMNS, FULL, ROWS, SCALAR, Access, Operand
from baregrad.compiler.kernels import tiled
from baregrad.compiler.kernels.contraction import Swapped, plan_product
from baregrad.compiler.kernels.dot import Dot
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.kernels.plan import Size
from baregrad.compiler.kernels.plans import plan_kernel
from baregrad.compiler.kernels.tiled import DEPTH_BLOCK, Tiled
from baregrad.compiler.kernels.transposed import Transposed
from baregrad.compiler.vector.avx2 import AVX2
from baregrad.compiler.vector.avx512 import AVX512
from baregrad.compiler.vector.text import program_text
from baregrad.errors import ArgumentError

FORMS = ("NN", "NT", "TN", "TT")
# around every vector and tile of both targets
SIZES = st.sampled_from(
    [0, 1, 2, 3, 5, 6, 7, 8, 9, 11, 13, 14, 15, 16, 17, 23, 29, 31, 32, 33, 47, 48, 49, 64, 65]
)


def product(rows, columns, depth, form, seed=0, epilogue=None):
    """A contraction of small integers, whose sums are exact in float32, and its memory."""
    random = Random(f"{rows} {columns} {depth} {form} {seed}")
    nodes = Nodes(rows, columns)
    left = nodes.new([random.randint(-8, 8) for _ in range(rows * depth)])
    right = nodes.new([random.randint(-8, 8) for _ in range(depth * columns)])
    a = Access(1, rows) if form[0] == "T" else Access(depth, 1)
    b = Access(1, depth) if form[1] == "T" else Access(columns, 1)
    if epilogue is None:
        nodes.store(nodes.accumulator())
    else:
        epilogue(nodes, random)
    return contraction(nodes, depth, Operand(left, a), Operand(right, b)), nodes.memory


def check(kernel, memory, target, *, native=True, cuts=None, tolerance=0.0):
    found = run(kernel, memory, target, native=native, cuts=cuts)
    expected = Meaning(kernel, memory).result()
    for number in memory:
        assert_close(found[number], expected[number], tolerance)


@runs_on_every_target
@settings(max_examples=40)
@given(SIZES, SIZES, SIZES, st.sampled_from(FORMS), st.integers(0, 99), st.integers(0, 99))
def test_a_product_of_any_size_and_form_is_exact_for_small_integers(
    target, rows, columns, depth, form, cut, other
):
    kernel, memory = product(rows, columns, depth, form)
    check(kernel, memory, target, cuts=(cut, other))


@on_every_target
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("rows", "columns", "depth"), [(3, 5, 4), (9, 1, 17), (2, 33, 3)])
def test_the_interpreter_agrees_and_stays_within_the_buffers(target, form, rows, columns, depth):
    kernel, memory = product(rows, columns, depth, form)
    check(kernel, memory, target, native=False, cuts=(1,))


@runs_on_every_target
@pytest.mark.parametrize(
    ("rows", "columns", "depth", "form"),
    [
        (70, 33, 300, "NN"),  # the panels are copied
        (70, 33, 300, "NT"),  # they are transposed
        (20, 130, 40, "NT"),  # the product is computed as its transpose
        (3, 70, 90, "NT"),  # dot products
        (39, 10, 200, "NT"),  # of several rows at once
        (21, 2, 70, "NT"),
        (70, 1, 90, "NN"),  # with rows for columns
        (60, 200, 600, "TN"),  # both matrices are packed
        (200, 60, 300, "TN"),
        (2, 100, 3, "TT"),
        (29, 9, 40, "TN"),
    ],
)
def test_every_way_to_compute_a_product(target, rows, columns, depth, form):
    kernel, memory = product(rows, columns, depth, form)
    check(kernel, memory, target, cuts=(3,))


@runs_on_every_target
@pytest.mark.parametrize("form", ["NN", "NT"])
@pytest.mark.parametrize(("rows", "columns"), [(3, 5), (9, 1), (17, 20)])
@pytest.mark.parametrize("depth", [DEPTH_BLOCK + 1, 2 * DEPTH_BLOCK + 7])
def test_a_deep_product_is_summed_in_blocks(target, rows, columns, depth, form):
    kernel, memory = product(rows, columns, depth, form, epilogue=bias_and_relu)
    check(kernel, memory, target, cuts=(1,))


def bias_and_relu(nodes, random):
    bias = nodes.load([random.randint(-9, 9) for _ in range(nodes.columns)], COLUMNS)
    total = nodes.apply("add", nodes.accumulator(), bias)
    nodes.store(nodes.apply("maximum", total, nodes.constant(0.0)))


def every_extent(nodes, random):
    """Operands of every kind of access; two results."""
    total = nodes.accumulator()
    for extent in (FULL, ROWS, COLUMNS, SCALAR):
        count = nodes.count(extent)
        numbers = [random.randint(-9, 9) for _ in range(count)]
        total = nodes.apply("add", total, nodes.load(numbers, extent))
    across = Access(1, nodes.rows)
    numbers = [random.randint(-9, 9) for _ in range(nodes.rows * nodes.columns)]
    total = nodes.apply("subtract", total, nodes.load(numbers, FULL, access=across))
    nodes.store(total)
    nodes.store(nodes.apply("less", total, nodes.constant(0.0), dtype="bool"))


def adam(nodes, random):
    """An update in place of the weight and both moments, too long for registers."""
    count = nodes.rows * nodes.columns
    places = [nodes.new([random.uniform(0.1, 1) for _ in range(count)]) for _ in range(3)]
    weight, first, second = [nodes.load(place) for place in places]
    gradient = nodes.accumulator()
    rate = nodes.load([0.01], SCALAR)
    b1, b2 = nodes.constant(0.9), nodes.constant(0.999)
    c1, c2 = nodes.constant(0.1), nodes.constant(0.001)

    def mean(old, factor, new, rest):
        return nodes.apply(
            "add", nodes.apply("multiply", old, factor), nodes.apply("multiply", new, rest)
        )

    first = mean(first, b1, gradient, c1)
    second = mean(second, b2, nodes.apply("multiply", gradient, gradient), c2)
    root = nodes.apply("add", nodes.apply("sqrt", second), nodes.constant(1e-8))
    step = nodes.apply("multiply", rate, nodes.apply("divide", first, root))
    weight = nodes.apply("subtract", weight, step)
    for place, node in zip(places, (weight, first, second), strict=True):
        nodes.store(node, FULL, place)


@runs_on_every_target
@pytest.mark.parametrize("epilogue", [bias_and_relu, every_extent])
@settings(max_examples=12)
@given(SIZES, SIZES, st.sampled_from(FORMS), st.integers(0, 99))
def test_epilogues_read_and_write_at_every_extent(epilogue, target, rows, columns, form, cut):
    kernel, memory = product(rows, columns, 5, form, epilogue=epilogue)
    check(kernel, memory, target, cuts=(cut,))


@runs_on_every_target
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("rows", "columns", "depth"), [(20, 37, 9), (33, 1, 40), (1, 33, 40), (5, 90, 70)]
)
def test_a_weight_and_its_moments_are_updated_in_place(target, form, rows, columns, depth):
    kernel, memory = product(rows, columns, depth, form, epilogue=adam)
    check(kernel, memory, target, cuts=(2,), tolerance=1e-5)


@on_every_target
@pytest.mark.parametrize("epilogue", [every_extent, adam])
@pytest.mark.parametrize(("rows", "columns", "form"), [(3, 9, "NN"), (7, 1, "NT"), (2, 17, "NT")])
def test_the_interpreter_agrees_on_epilogues(target, epilogue, rows, columns, form):
    kernel, memory = product(rows, columns, 3, form, epilogue=epilogue)
    check(kernel, memory, target, native=False, tolerance=1e-5)


@runs_on_every_target
@settings(max_examples=10)
@given(st.sampled_from(FORMS), st.integers(0, 2**32))
def test_rounding_errors_are_within_the_bound_of_a_sum(target, form, seed):
    random = Random(seed)
    rows, columns, depth = 5, 19, 200
    kernel, memory = product(rows, columns, depth, form)
    for number in (0, 1):
        memory[number] = [random.uniform(-1, 1) for _ in memory[number]]
        memory[number] = [float32(x) for x in memory[number]]
    found = run(kernel, memory, target)[2]
    expected = Meaning(kernel, memory).result()[2]
    # Higham, "Accuracy and stability of numerical algorithms", section 3.1: n u Σ|x||y|
    bound = depth * 2.0**-24 * depth
    assert all(abs(x - y) <= bound for x, y in zip(found, expected, strict=True))
    assert any(x != y for x, y in zip(found, expected, strict=True))


@runs_on_every_target
@pytest.mark.parametrize("form", FORMS)
def test_the_blocks_may_be_computed_one_by_one_with_the_same_bits(target, form):
    random = Random(form)
    kernel, memory = product(40, 70, 33, form)
    memory[0] = [random.uniform(-1, 1) for _ in memory[0]]
    together = run(kernel, memory, target)
    assert run(kernel, memory, target, cuts=range(100)) == together


@runs_on_every_target
def test_products_of_matrices_that_begin_within_a_buffer(target):
    kernel, memory = product(4, 6, 5, "NN")
    left = kernel.left.buffer._replace(size=4 * 5 + 3)
    memory[0] = [9.0, 9.0, 9.0, *memory[0]]
    kernel = kernel._replace(left=Operand(left, Access(5, 1, 3)))
    check(kernel, memory, target)


# --- what is asked for ahead ------------------------------------------------------------------


@on_every_target
def test_what_the_epilogue_uses_is_asked_for_only_if_it_is_far_away(target):
    def prefetches(rows, epilogue):
        kernel, _ = product(rows, 128, 64, "TN", epilogue=epilogue)
        return "prefetch" in program_text(program_of(kernel, target)[1])

    # three matrices of 128 columns that are read and written: 256 KiB are 85 rows
    assert not prefetches(80, adam)
    assert prefetches(96, adam)
    # one that is written: 512 rows
    assert not prefetches(504, bias_and_relu)
    assert prefetches(520, bias_and_relu)


@on_every_target
def test_the_next_panel_is_asked_for_only_if_the_right_matrix_is_far_away(target):
    def prefetches(columns):
        assert plan(64, columns, 512, "NN", target).packing == "copy"
        kernel, _ = product(64, columns, 512, "NN")
        return program_text(program_of(kernel, target)[1]).count("prefetch")

    # 256 KiB are 128 columns; of those rows packing asks for a few, and each row of a tile for 8
    assert prefetches(128) < 8 <= prefetches(144)


@runs_on_every_target
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("rows", "columns", "depth"),
    [
        (20, 37, 80),
        (33, 16, 137),
        (9, 70, 36),
        (7, 17, 3),
        (8, 8, 44),  # with so few sums, iterations are of several steps
        (8, 56, 20),
        (40, 90, 300),  # the panels are packed
    ],
)
def test_asking_ahead_changes_no_result(target, form, rows, columns, depth, monkeypatch):
    kernel, memory = product(rows, columns, depth, form, epilogue=adam)
    usual = run(kernel, memory, target)
    monkeypatch.setattr(tiled, "_NEAR", 0)
    assert run(kernel, memory, target, cuts=(1,)) == usual


@runs_on_every_target
@pytest.mark.parametrize("form", ["NN", "TN"])
@pytest.mark.parametrize("rest", [1, 90])
def test_in_a_deep_product_the_last_block_asks_ahead(target, form, rest, monkeypatch):
    kernel, memory = product(9, 20, DEPTH_BLOCK + rest, form, epilogue=adam)
    usual = run(kernel, memory, target)
    monkeypatch.setattr(tiled, "_NEAR", 0)
    assert run(kernel, memory, target) == usual


# --- plans ----------------------------------------------------------------------------------------


def plan(rows, columns, depth, form, target=AVX512, length=1):
    left = (1, rows) if form[0] == "T" else (depth, 1)
    right = (1, depth) if form[1] == "T" else (columns, 1)
    return plan_product(Size(rows, columns, depth), left, right, target, length)


def test_small_products_are_read_from_where_they_lie():
    assert plan(64, 64, 64, "NN").packing == "none"
    assert plan(64, 64, 64, "NN").scratch_bytes == 0


def test_large_panels_are_packed():
    chosen = plan(1024, 1024, 1024, "NN")
    assert chosen.packing == "copy"
    assert not chosen.packs_left


def test_a_large_left_matrix_is_packed_if_it_lies_along_its_rows():
    assert plan(1024, 1024, 1024, "TN").packs_left


def test_with_few_rows_and_a_transposed_right_matrix_dot_products_are_taken():
    assert isinstance(plan(1, 256, 784, "NT"), Dot)


def test_with_few_columns_dot_products_are_taken_of_more_rows_at_once():
    chosen = plan(256, 10, 256, "NT")
    assert isinstance(chosen, Dot)
    assert chosen.down == (2, 128, 0)
    assert chosen.blocks == 128


def test_columns_of_dot_products_are_in_equal_groups_if_more_rows_fit_beside_them():
    assert plan(256, 10, 256, "NT", AVX2).across == (5, 2, 0)
    assert plan(256, 10, 256, "NT", AVX2).down.size == 2
    assert plan(1, 33, 256, "NT", AVX2).across == (8, 4, 1)


def test_with_more_columns_than_rows_the_left_matrix_is_transposed():
    chosen = plan(32, 256, 784, "NT")
    assert isinstance(chosen, Transposed)
    assert chosen.cycles < plan(256, 256, 784, "NT").cycles


def test_a_large_right_matrix_is_not_read_with_steps_of_a_power_of_two():
    assert isinstance(plan(32, 1000, 700, "NN"), Transposed)
    assert isinstance(plan(32, 1024, 700, "NN"), Tiled)


def test_with_more_rows_than_columns_the_right_matrix_is_transposed():
    chosen = plan(256, 32, 784, "NT")
    assert isinstance(chosen, Tiled)
    assert chosen.packing == "transpose"


def test_a_single_column_is_computed_as_a_row():
    chosen = plan(256, 1, 64, "NN")
    assert isinstance(chosen, Swapped)
    assert chosen.size == Size(256, 1, 64)
    assert chosen.cycles == chosen.inner.cycles


def test_long_epilogues_go_through_memory_and_short_ones_do_not():
    assert not plan(64, 64, 64, "NN", length=2).staged
    assert plan(64, 64, 64, "NN", length=30).staged


def test_flops_count_multiplications_and_additions():
    assert plan(3, 4, 5, "NN").size.flops == 120


def test_a_right_matrix_that_is_nowhere_contiguous_is_refused():
    with pytest.raises(ArgumentError, match=r"strides \(20, 2\).*copy it first"):
        plan_product(Size(3, 4, 5), (5, 1), (20, 2), AVX512)


def test_products_of_other_data_types_are_refused():
    kernel, _ = product(3, 4, 5, "NN")
    wide = kernel.left.buffer._replace(dtype="float64")
    with pytest.raises(UnsupportedKernelError, match="product of float64"):
        plan_kernel(kernel._replace(left=Operand(wide, kernel.left.access)), AVX512)
