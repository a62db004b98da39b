"""The model that chooses tiles, and the pieces that products are put together from."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_runs import on_every_target

from baregrad.compiler.kernels.shuffles import sum_each, transpose_square
from baregrad.compiler.kernels.tiling import (
    Split,
    TileShape,
    Traffic,
    Vectors,
    best_tile,
    product_cycles,
    tile_cycles,
)
from baregrad.compiler.vector.avx2 import AVX2
from baregrad.compiler.vector.avx512 import AVX512
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.interpreter import halves, interpret
from baregrad.compiler.vector.program import POINTER

WIDE, NARROW = Vectors.of(AVX512), Vectors.of(AVX2)
NEAR = Traffic.of(8, 64, strided=False)


def test_a_target_has_lanes_and_registers():
    assert Vectors(16, 32) == WIDE
    assert Vectors(8, 16) == NARROW


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), st.booleans())
def test_a_tile_fits_in_the_registers_and_the_product(rows, columns, depth, strided):
    for vectors in (WIDE, NARROW):
        shape = best_tile(rows, columns, depth, vectors, strided)
        assert shape.rows * shape.vectors + shape.vectors + 1 <= vectors.registers
        assert 1 <= shape.rows <= max(rows, 1)
        assert 1 <= shape.vectors <= max(-(-columns // vectors.lanes), 1)


@pytest.mark.parametrize("vectors", [WIDE, NARROW])
def test_large_products_have_tiles_that_the_multipliers_keep_up_with(vectors):
    """At least eight sums, and at least as many multiply-adds as loads."""
    shape = best_tile(256, 256, 256, vectors)
    assert shape.rows * shape.vectors >= 8
    assert shape.rows * shape.vectors >= shape.rows + shape.vectors


def test_a_single_row_is_many_vectors_wide():
    assert best_tile(1, 256, 64, WIDE) == TileShape(1, 8)


def test_a_narrow_product_is_many_rows_high():
    assert best_tile(256, 10, 256, WIDE).vectors == 1
    assert best_tile(256, 10, 256, WIDE).rows >= 16


def test_rows_that_leave_no_rest_are_preferred():
    assert 64 % best_tile(64, 64, 64, WIDE).rows == 0


def test_a_left_matrix_far_away_that_lies_along_its_rows_asks_for_high_tiles():
    assert best_tile(1000, 1000, 1000, WIDE, True).rows > best_tile(1000, 1000, 1000, WIDE).rows


def test_cycles_grow_with_the_tile_and_are_none_without_one():
    assert tile_cycles(0, 2, 64, NEAR) == tile_cycles(3, 0, 64, NEAR) == 0.0
    assert tile_cycles(4, 2, 64, NEAR) < tile_cycles(8, 2, 64, NEAR) < tile_cycles(8, 2, 65, NEAR)


def test_cycles_of_a_product_are_those_of_its_tiles():
    shape = TileShape(4, 2)
    tiles = [(4, 2)] * 2 + [(1, 2)] + [(4, 1)] * 2 + [(1, 1)]
    expected = sum(tile_cycles(rows, vectors, 7, NEAR) for rows, vectors in tiles)
    assert product_cycles(9, 48, 7, shape, 16, NEAR) == pytest.approx(expected)


def test_strided_and_far_matrices_cost_more():
    def cycles(rows, strided):
        return tile_cycles(8, 1, 1000, Traffic.of(rows, 1000, strided=strided))

    assert cycles(1000, False) < cycles(1000, True)
    assert cycles(10, True) < cycles(1000, True)
    assert tile_cycles(2, 4, 64, NEAR) < tile_cycles(2, 4, 64, NEAR, 1.0)


@pytest.mark.parametrize(
    ("length", "size", "whole", "rest", "parts"),
    [(10, 4, 2, 2, 3), (8, 4, 2, 0, 2), (3, 4, 0, 3, 1), (0, 4, 0, 0, 0)],
)
def test_an_axis_is_split(length, size, whole, rest, parts):
    split = Split.of(length, size)
    assert split == (size, whole, rest)
    assert split.parts == parts


@on_every_target
def test_a_square_of_lanes_is_transposed(target):
    lanes = target.lanes
    b = Builder("transpose", x=POINTER, y=POINTER)
    x, y = b.parameters
    rows = [b.load(x, displacement=4 * lanes * row) for row in range(lanes)]
    for row, vector in enumerate(transpose_square(b, rows)):
        b.store(vector, y, displacement=4 * lanes * row)
    numbers, result = array("f", range(lanes**2)), array("f", [0]) * lanes**2
    interpret(b.program, [numbers, result], lanes)
    assert list(result) == [numbers[i * lanes + j] for j in range(lanes) for i in range(lanes)]


@on_every_target
@pytest.mark.parametrize("count", [0, 1, 2, 5, 8, 16])
def test_each_of_some_vectors_is_summed_in_the_order_of_reduce_add(target, count):
    lanes = target.lanes
    b = Builder("sums", x=POINTER, y=POINTER)
    x, y = b.parameters
    rows = [b.load(x, displacement=4 * lanes * row) for row in range(lanes)]
    b.store(sum_each(b, rows[:count], lanes), y)
    numbers = array("f", [(-3) ** (i % 17) / (1 + i) for i in range(lanes**2)])
    result = array("f", [0]) * lanes
    interpret(b.program, [numbers, result], lanes)

    def add(p, q):
        return array("f", [p + q])[0]

    rows = [numbers[i * lanes : (i + 1) * lanes] for i in range(lanes)]
    expected = [halves(add, row) for row in rows[:count]]
    assert list(result) == [*expected, *[0.0] * (lanes - len(expected))]
