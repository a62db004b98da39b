"""Index kernels and random numbers, against plain Python and the reference engine."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_runs import FORMATS, buffer, on_every_target, run, runs_on_every_target

from baregrad.compiler.kernel import Index, Uniform
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.kernels.plans import plan_kernel
from baregrad.compiler.vector.avx512 import AVX512
from baregrad.engines import philox

SIZES = st.sampled_from([0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 70])


def take(rows, columns, indices, dtype="float32", seed=0):
    random = Random(seed)
    low, high = {"float32": (-99, 99), "int64": (-(1 << 40), 1 << 40), "bool": (0, 1)}[dtype]
    source = [random.randint(low, high) for _ in range(rows * columns)]
    kernel = Index(
        "take",
        rows,
        columns,
        buffer(0, rows * columns, dtype),
        buffer(1, len(indices), "int64"),
        buffer(2, len(indices) * columns, dtype),
    )
    memory = {0: source, 1: indices, 2: [0] * (len(indices) * columns)}
    expected = [x for i in indices for x in source[i * columns : (i + 1) * columns]]
    return kernel, memory, expected


@runs_on_every_target
@settings(max_examples=20)
@given(st.integers(1, 9), SIZES, SIZES, st.sampled_from(list(FORMATS)), st.integers(0, 99))
def test_rows_are_chosen_by_integers(target, rows, columns, count, dtype, cut):
    random = Random(cut)
    indices = [random.randrange(rows) for _ in range(count)]
    kernel, memory, expected = take(rows, columns, indices, dtype)
    assert run(kernel, memory, target, cuts=(cut,))[2] == expected


@on_every_target
@pytest.mark.parametrize("columns", [1, 5, 17])
def test_the_interpreter_chooses_the_same_rows(target, columns):
    kernel, memory, expected = take(4, columns, [3, 0, 3])
    assert run(kernel, memory, target, native=False)[2] == expected


@runs_on_every_target
def test_many_rows_are_chosen_block_by_block(target):
    kernel, memory, expected = take(50, 100, [i * 7 % 50 for i in range(90)])
    assert plan_kernel(kernel, target).blocks == 3
    assert run(kernel, memory, target, cuts=(1, 2))[2] == expected


def scatter(rows, columns, count, seed=0, dtype="float32"):
    random = Random(seed)
    most = 99 if dtype == "float32" else 1 << 50
    source = [random.randint(-most, most) for _ in range(rows * columns)]
    indices = [random.randrange(count) for _ in range(rows)]
    kernel = Index(
        "scatter_add",
        rows,
        columns,
        buffer(0, rows * columns, dtype),
        buffer(1, rows, "int64"),
        buffer(2, count * columns, dtype),
    )
    expected = [0] * (count * columns)
    for row, index in enumerate(indices):
        for column in range(columns):
            expected[index * columns + column] += source[row * columns + column]
    return kernel, {0: source, 1: indices, 2: [5] * (count * columns)}, expected


@runs_on_every_target
@settings(max_examples=20)
@given(SIZES, SIZES, st.integers(1, 9), st.integers(0, 99), st.sampled_from(["float32", "int64"]))
def test_rows_are_added_up_at_integers(target, rows, columns, count, cut, dtype):
    kernel, memory, expected = scatter(rows, columns, count, cut, dtype)
    assert run(kernel, memory, target, cuts=(cut,))[2] == expected


@runs_on_every_target
def test_rows_that_are_added_up_are_cut_into_columns(target):
    kernel, memory, expected = scatter(300, 40, 5)
    assert plan_kernel(kernel, target).blocks == -(-40 // 16)
    assert run(kernel, memory, target, cuts=(1, 2))[2] == expected


@on_every_target
def test_the_interpreter_adds_up_the_same_rows(target):
    kernel, memory, expected = scatter(3, 19, 2)
    assert run(kernel, memory, target, native=False, cuts=(1,))[2] == expected


def largest(rows, dtype="float32"):
    columns = len(rows[0])
    kernel = Index(
        "argmax",
        len(rows),
        columns,
        buffer(0, len(rows) * columns, dtype),
        None,
        buffer(2, len(rows), "int64"),
    )
    return kernel, {0: [x for row in rows for x in row], 2: [-1] * len(rows)}


def first_largest(row):
    for place, x in enumerate(row):
        if x != x:
            return place
    return row.index(max(row))


@runs_on_every_target
@settings(max_examples=20)
@given(
    st.integers(1, 70).flatmap(
        lambda n: st.lists(
            st.lists(
                st.sampled_from([0.0, -0.0, 1.0, 2.0, -1.0, math.inf, -math.inf, math.nan]),
                min_size=n,
                max_size=n,
            ),
            min_size=1,
            max_size=4,
        )
    ),
    st.integers(0, 9),
)
def test_the_place_of_the_first_largest_or_nan(target, rows, cut):
    kernel, memory = largest(rows)
    assert run(kernel, memory, target, cuts=(cut,))[2] == [first_largest(row) for row in rows]


@runs_on_every_target
@settings(max_examples=20)
@given(st.integers(1, 40), st.integers(0, 99))
def test_the_place_of_the_first_largest_integer(target, columns, seed):
    random = Random(seed)
    numbers = [-(1 << 63), (1 << 63) - 1, 0, 1, -1, 1 << 32, (1 << 32) - 1, -(1 << 32), 1 << 31]
    choice = random.sample(numbers, 3)
    rows = [[random.choice(choice) for _ in range(columns)] for _ in range(3)]
    kernel, memory = largest(rows, "int64")
    assert run(kernel, memory, target)[2] == [first_largest(row) for row in rows]


@runs_on_every_target
@pytest.mark.parametrize("columns", [1, 7, 16, 40, 5000])
def test_the_place_of_the_largest_in_every_position(target, columns):
    for place in {0, columns // 2, columns - 1}:
        rows = [[-math.inf] * columns, [-5.0] * columns]
        rows[1][place] = -4.0
        kernel, memory = largest(rows)
        assert run(kernel, memory, target)[2] == [0, place]


@on_every_target
def test_the_interpreter_finds_the_same_place(target):
    rows = [[1.0, 3.0, 3.0], [math.nan, 9.0, math.nan], [0.0, 9.0, math.nan]]
    kernel, memory = largest(rows)
    assert run(kernel, memory, target, native=False)[2] == [1, 0, 2]


def uniform(start, count, seed=1, stream=2, dtype="float32"):
    kernel = Uniform(seed, stream, buffer(0, 1, "int64"), buffer(2, count, dtype))
    numbers = philox.integers(seed, stream, start, count)
    expected = [(n >> 40) * 2**-24 for n in numbers]
    return kernel, {0: [start], 2: [-1.0] * count}, expected


@runs_on_every_target
@pytest.mark.parametrize(
    ("start", "count", "seed", "stream"),
    [
        (0, 1, 0, 0),
        (0, 100, 3, 1 << 32),
        (1, 1, 5, 7),
        (7, 33, (1 << 64) - 1, (1 << 64) - 1),
        (1, 32, 6, 1),
        (1, 0, 6, 1),
        ((1 << 33) - 5, 70, 11, 13),  # the lower half of the counter overflows
        ((1 << 50) + 3, 64, 1 << 40, 1 << 33),
        (3, 9000, 2, 2),
    ],
)
def test_random_numbers_are_those_of_the_reference(target, start, count, seed, stream):
    kernel, memory, expected = uniform(start, count, seed, stream)
    assert run(kernel, memory, target, cuts=(1, 2))[2] == expected


@on_every_target
def test_the_interpreter_draws_the_same_numbers(target):
    kernel, memory, expected = uniform(5, 20)
    assert run(kernel, memory, target, native=False)[2] == expected


@pytest.mark.parametrize("op", ["scatter_add", "argmax"])
@pytest.mark.parametrize("dtype", ["bool", "float64"])
def test_rows_of_other_data_types_are_refused(op, dtype):
    kernel, _, _ = scatter(3, 4, 2)
    kernel = kernel._replace(op=op, source=buffer(0, 12, dtype))
    with pytest.raises(UnsupportedKernelError, match=f"{op}.*{dtype}"):
        plan_kernel(kernel, AVX512)


def test_the_largest_of_a_row_too_long_for_its_places_is_refused():
    columns = 1 << 31
    kernel = Index("argmax", 1, columns, buffer(0, columns), None, buffer(1, 1, "int64"))
    with pytest.raises(UnsupportedKernelError, match="largest of 2147483648 elements"):
        plan_kernel(kernel, AVX512)


def test_random_numbers_of_float64_are_refused():
    kernel, _, _ = uniform(0, 4, dtype="float64")
    with pytest.raises(UnsupportedKernelError, match="random numbers of float64"):
        plan_kernel(kernel, AVX512)
