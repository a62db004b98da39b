"""Kernels called directly; through tensors they are tested in `tests/tensor`."""

from baregrad.engines import reference
from baregrad.engines.array import new


def test_gather_reads_a_strided_view_from_a_start():
    x = new(range(6), (2, 3), "int64")
    assert reference.gather(x, (2, 2), (-3, 1), start=4).data.tolist() == [4, 5, 1, 2]


def test_elementwise_rounds_once_to_the_result_type():
    x = new([0.1], (1,), "float64")
    y = new([0.2], (1,), "float64")
    result = reference.elementwise(lambda a, b: a + b, x, y, dtype="float32")
    assert result.data.tolist() == [0.30000001192092896]


def test_a_permutation_that_moves_nothing_copies_nothing():
    x = new(range(6), (2, 3), "int64")
    assert reference.permute(x, (0, 1)) is x


def test_the_first_of_several_nans_is_the_largest():
    values = new([1.0, float("nan"), 5.0, float("nan")], (4,), "float64").data
    assert reference.first_nan(values) == reference.index_of_largest(values) == 1
    assert reference.first_nan([1.0, 2.0]) is None


def test_sums_of_a_matrix_product_are_rounded_once():
    big = new([2.0**24, 1.0, -(2.0**24)], (1, 3), "float32")
    ones = new([1.0, 1.0, 1.0], (3, 1), "float32")
    assert reference.matmul(big, ones).data.tolist() == [1.0]
