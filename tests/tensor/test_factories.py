import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad import ArgumentError, DTypeError, ShapeError
from tests.tensor.helpers import nested, shapes

DTYPES = ["float32", "float64", "int64", "bool"]


@given(shapes, st.sampled_from(DTYPES))
def test_zeros_ones_and_full_fill_any_shape(shape, dtype):
    for tensor, value in [
        (bg.zeros(shape, dtype=dtype), 0),
        (bg.ones(*shape, dtype=dtype), 1),
        (bg.full(shape, 1, dtype), 1),
    ]:
        assert (tensor.shape, tensor.dtype) == (shape, dtype)
        assert tensor.tolist() == nested(shape, lambda index, value=value: value)


def test_full_takes_a_single_size_a_name_and_a_gradient():
    x = bg.full(2, 0.5, requires_grad=True, name="bias")
    assert (x.tolist(), x.requires_grad, x.name) == ([0.5, 0.5], True, "bias")
    assert bg.zeros(2, requires_grad=True).requires_grad
    assert bg.full([2, 1], 7, "int64").tolist() == [[7], [7]]


def test_a_full_tensor_of_bools_holds_0_or_1():
    assert bg.full(3, 2, "bool").sum().item() == 3


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (-1, 0.0),
            ArgumentError,
            r"full: a shape is made of integers that are 0 or more.*\(-1,\)",
        ),
        (((2, 0.5), 0.0), ArgumentError, "integers that are 0 or more"),
        ((2.5, 0.0), ArgumentError, "integers that are 0 or more"),
        ((2, 0.5, "int64"), DTypeError, "0.5 is not an integer"),
        ((2, 2**70, "int64"), DTypeError, "does not fit int64"),
        ((2, "x"), DTypeError, "convert text"),
        ((2, [1.0, 2.0]), ShapeError, "has 2 elements, not one"),
        ((2, 0.0, "float16"), ArgumentError, "unknown dtype 'float16'"),
        ((2, 0.0, "int64", True), DTypeError, "only float tensors carry gradients"),
    ],
)
def test_full_refuses_what_makes_no_tensor(arguments, error, message):
    with pytest.raises(error, match=message):
        bg.full(*arguments)


@given(
    st.integers(-20, 20), st.integers(-20, 20), st.integers(-5, 5).filter(lambda step: step != 0)
)
def test_arange_of_integers_is_pythons_range(start, stop, step):
    x = bg.arange(start, stop, step)
    assert (x.dtype, x.tolist()) == ("int64", list(range(start, stop, step)))
    y = bg.arange(float(start), stop, step, dtype="float64")
    assert y.tolist() == x.tolist()


def test_arange_counts_from_zero():
    assert bg.arange(3).tolist() == [0, 1, 2]
    assert bg.arange(0, 1, 0.25).tolist() == [0.0, 0.25, 0.5, 0.75]
    assert bg.arange(0, 1, 0.25).dtype == "float32"
    assert bg.arange(3, dtype="float64").dtype == "float64"
    assert bg.arange(0, 2**60 + 1, 2**59).tolist() == [0, 2**59, 2**60]


def test_arange_of_numpys_integers_is_of_integers():
    numpy = pytest.importorskip("numpy")
    assert bg.arange(numpy.int64(3)).dtype == "int64"


def test_bounds_are_numbers():
    for made in (lambda: bg.arange("3"), lambda: bg.linspace(0, [1], 3)):
        with pytest.raises(DTypeError, match="is neither a tensor nor a number"):
            made()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 5, 0), "the step cannot be 0"),
        ((0, math.inf), "there is no last number from 0 to inf by 1"),
        ((math.nan, 1.0), "no last number"),
    ],
)
def test_arange_must_end(arguments, message):
    with pytest.raises(ArgumentError, match=f"arange: .*{message}"):
        bg.arange(*arguments)


@given(st.floats(-10, 10), st.floats(-10, 10), st.integers(0, 10))
def test_linspace_has_equal_distances_and_exact_ends(start, stop, count):
    values = bg.linspace(start, stop, count, "float64").tolist()
    assert len(values) == count
    if count:
        assert values[0] == start
    if count > 1:
        assert values[-1] == stop
        gaps = [b - a for a, b in itertools.pairwise(values)]
        assert gaps == pytest.approx([(stop - start) / (count - 1)] * len(gaps), abs=1e-14)


def test_linspace_of_integers_must_hit_them():
    assert bg.linspace(0, 10, 6, "int64").tolist() == [0, 2, 4, 6, 8, 10]
    with pytest.raises(DTypeError, match=r"2.5 is not an integer"):
        bg.linspace(0, 10, 5, "int64")


@pytest.mark.parametrize("count", [-1, 2.5])
def test_linspace_has_a_whole_number_of_points(count):
    with pytest.raises(ArgumentError, match=r"linspace: .* integers that are 0 or more"):
        bg.linspace(0, 1, count)


@given(st.integers(0, 4), st.one_of(st.none(), st.integers(0, 4)), st.sampled_from(DTYPES))
def test_eye_is_one_on_the_diagonal(rows, columns, dtype):
    x = bg.eye(rows, columns, dtype)
    shape = (rows, rows if columns is None else columns)
    assert (x.shape, x.dtype, x.op) == (shape, dtype, None)
    assert x.tolist() == nested(shape, lambda index: int(index[0] == index[1]))


def test_eye_has_no_negative_size():
    with pytest.raises(ArgumentError, match="eye: a shape is made of integers"):
        bg.eye(2, -1)
