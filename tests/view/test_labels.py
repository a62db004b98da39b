"""What is written on nodes."""

import math

import pytest

import baregrad as bg
from baregrad.tensor.custom import with_gradient
from baregrad.view.labels import (
    Show,
    attributes_text,
    number,
    operation_text,
    rows_label,
    shape_text,
    tensor_label,
)
from tests.view.reading import Node

ALL = Show(values=True, gradients=True)


def label(tensor, kind="result", show=ALL):
    return Node(tensor_label(tensor, kind, show), "", ())


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (0.123456, "float32", "0.1235"),
        (-1.23456e-5, "float32", "-1.235e-05"),
        (12345.0, "float64", "1.234e+04"),
        (2.0, "float32", "2"),
        (math.nan, "float32", "nan"),
        (-math.inf, "float32", "-inf"),
        (1234567890, "int64", "1234567890"),
        (12345678901, "int64", "1.235e+10"),
        (1, "bool", "True"),
        (0, "bool", "False"),
    ],
)
def test_numbers_have_four_significant_digits(value, dtype, expected):
    assert number(value, dtype) == expected


def test_a_shape_is_written_as_in_python():
    assert shape_text((2, 3)) == "(2, 3)"
    assert shape_text(()) == "scalar"


# --- operations -------------------------------------------------------------------------------

x = bg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (x + x, "+"),
        (x - x, "−"),
        (x * x, "×"),
        (x / x, "÷"),
        (x**x, "^"),
        (x @ x.T, "@"),
        (-x, "neg"),
        (x.tanh(), "tanh"),
        (x.sum(), "Σ"),
        (x.sqrt(), "√"),
        (x == x, "="),
        (x != x, "≠"),
        (x < x, "<"),
        (x <= x, "≤"),
        (x.apply(bg.tensor.primitives.stop_gradient, x), "stop gradient"),
    ],
)
def test_an_operation_is_written_by_its_sign_or_name(tensor, expected):
    assert operation_text(tensor, set()) == expected


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (x / 9, "÷ 9"),
        (9 - x, "9 −"),
        (x.maximum(0.5), "maximum(·, 0.5)"),
        ((x > 0).where(1, x), "where(·, 1, ·)"),
    ],
)
def test_inlined_operands_stand_at_their_place(tensor, expected):
    constants = {parent for parent in tensor.parents if parent.ndim == 0}
    assert operation_text(tensor, constants) == expected


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (x.sum(0), "axis 0"),
        (x.sum(), "axes 0, 1"),
        (x.sum(1, keepdims=True), "axis 1, keepdims"),
        (x.T, "axes 1, 0"),
        (x.reshape(3, 2), ""),
        (x.astype("float64"), "float64"),
        (x.take([0]), "axis 0"),
        (x.slice(((0, 1, 2), (1, 1, 2))), "[0:2, 1:3]"),
        (x.slice(((1, 1, 1), (0, 2, 2))), "[1, 0:4:2]"),
        (x.slice(((1, -1, 2), (0, 1, 3))), "[1::-1, 0:3]"),
        (x.tanh(), ""),
    ],
)
def test_attributes_of_an_operation(tensor, expected):
    assert attributes_text(tensor) == expected


def test_attributes_of_ones_own_operations():
    @with_gradient(lambda g, y, x, **_: g)
    def own(x, factor, how, why, on):
        return x * factor

    made = own(x, factor=2.5, how="<b>", why=object(), on=True)
    assert attributes_text(made) == "factor 2.5, how <b>, why object, on"


# --- tensors ----------------------------------------------------------------------------------


def test_a_small_tensor_is_shown_in_full_with_its_gradient():
    w = bg.Tensor([[1.0, -0.5], [0.25, 3.0]], requires_grad=True, name="w")
    (w * w).sum().backward()
    shown = label(w, "parameter")
    assert shown.rows == [
        ["parameter w"],
        ["(2, 2) float32"],
        ["value", "1", "-0.5"],
        ["", "0.25", "3"],
        ["grad", "2", "-1"],
        ["", "0.5", "6"],
    ]


def test_a_larger_tensor_is_shown_by_smallest_mean_and_largest():
    w = bg.arange(0, 10, dtype="float32")
    w.requires_grad = True
    (w * w).sum().backward()
    assert label(w).rows[2:] == [
        ["", "min", "mean", "max"],
        ["value", "0", "4.5", "9"],
        ["grad", "0", "9", "18"],
    ]


def test_statistics_do_not_hide_nan():
    assert label(bg.Tensor([1.0] * 9 + [math.nan])).rows[3] == ["value", "nan", "nan", "nan"]


def test_a_tensor_without_elements():
    assert label(bg.zeros(0, 3)).rows[3] == ["value", "none", "none", "none"]


@pytest.mark.parametrize("shape", [(), (4,), (4, 4)])
def test_up_to_four_by_four_is_in_full(shape):
    assert len(label(bg.ones(shape)).numbers("value")) == math.prod(shape)


@pytest.mark.parametrize("shape", [(5,), (5, 1), (1, 5), (1, 2, 2)])
def test_beyond_four_by_four_are_statistics(shape):
    assert label(bg.ones(shape)).numbers("value") == ["1", "1", "1"]


def test_values_and_gradients_can_be_left_out():
    w = bg.Tensor([2.0], requires_grad=True)
    (w * w).sum().backward()
    assert label(w, show=Show(False, False)).rows == [["result"], ["(1,) float32"]]
    assert label(w, show=Show(True, False)).rows[2:] == [["value", "2"]]
    assert label(w, show=Show(False, True)).rows[2:] == [["grad", "4"]]


def test_a_heading_says_kind_and_name():
    assert label(bg.Tensor([1.0]), "data").rows[0] == ["data"]
    assert label(bg.Tensor([1.0], name="h"), "result").rows[0] == ["h"]


def test_every_number_has_room_for_the_widest():
    one, other = (tensor_label(bg.Tensor([v]), "data", ALL) for v in (1.0, -0.0001234))
    assert one.replace(">1<", ">-0.0001234<") == other
    assert 'width="60"' in one


def test_rows_are_escaped():
    node = Node(rows_label("<n>", "run", [("word", "<text>", "black")]), "", ())
    assert node.rows == [["run <n>"], ["word", "<text>"]]
