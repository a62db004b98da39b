import pytest

import baregrad as bg
from baregrad import ArgumentError, DTypeError, GradientError, Tensor


def leaf(value, name=None) -> Tensor:
    return Tensor(value, "float64", requires_grad=True, name=name)


def test_a_right_gradient_passes():
    assert bg.gradcheck(lambda x: x * x * x, [leaf([1.0, -2.0])], order=2) is True
    assert bg.gradcheck(lambda x: x.sum(), [leaf([])], order=2) is True


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, y, x: g * 2 * x + 0.001,
        lambda g, y, x: -g * 2 * x,
        lambda g, y, x: g * x,
        lambda g, y, x: 2 * x,
        lambda g, y, x: g * 2 * x * float("nan"),
        lambda g, y, x: (g * 2 * x)[::-1],
    ],
    ids=["offset", "sign", "factor", "without g", "nan", "order"],
)
def test_a_wrong_gradient_is_caught(rule):
    square = bg.elementwise("square", lambda x: x * x, rule)
    with pytest.raises(
        GradientError, match=r"gradcheck: gradient of input 0 \('x'\) at element \d"
    ):
        bg.gradcheck(square, [leaf([1.0, 3.0, -2.0], name="x")])


def test_the_message_says_where_and_by_how_much():
    wrong = bg.elementwise(
        "f", lambda x, y: x * y, lambda g, z, x, y: g * y, lambda g, z, x, y: g * 0
    )
    with pytest.raises(
        GradientError,
        match=r"input 1 \('y'\) at element 0: the rule gives 0, differences give 3(\.0|$)|2\.99",
    ):
        bg.gradcheck(lambda x, y: wrong(x, y) * 2, [leaf(3.0), leaf(4.0, name="y")])


@pytest.mark.parametrize(
    "rule",
    [lambda g, y, x: g * 2 * x.detach(), lambda g, y, x: g.detach() * 2 * x.detach()],
    ids=["partly", "wholly"],
)
def test_a_cut_off_second_derivative_is_caught_at_order_2_only(rule):
    square = bg.elementwise("square", lambda x: x * x, rule)
    x = leaf([1.0, 3.0])
    assert bg.gradcheck(square, [x])
    with pytest.raises(GradientError, match="gradcheck: second derivative of input 0"):
        bg.gradcheck(square, [x], order=2)


def test_tolerances_can_be_chosen():
    nearly = bg.elementwise("nearly", lambda x: x * x, lambda g, y, x: g * (2 * x + 0.01))
    assert bg.gradcheck(nearly, [leaf(1.0)], atol=0.1)
    assert bg.gradcheck(nearly, [leaf(1.0)], rtol=0.1)
    with pytest.raises(GradientError, match="gradcheck"):
        bg.gradcheck(nearly, [leaf(1.0)])


def test_only_inputs_that_require_a_gradient_are_varied():
    constant = Tensor([1, 0])
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    assert bg.gradcheck(lambda x, places: x.take(places, 1), [x, constant], order=2)
    assert constant.tolist() == [1, 0]


def test_inputs_are_as_they_were_afterwards():
    x = leaf([1.0, 2.0])
    bg.gradcheck(lambda x: x * x, [x], order=2)
    assert (x.tolist(), x.grad) == ([1.0, 2.0], None)


def test_a_single_input_needs_no_list():
    assert bg.gradcheck(bg.sin, Tensor([1.0, 2.0], "float64", requires_grad=True))


def test_gradcheck_needs_float64():
    with pytest.raises(DTypeError, match="gradcheck needs float64, and 'x' is float32"):
        bg.gradcheck(lambda x: x, [Tensor([1.0], requires_grad=True, name="x")])


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda x: x.detach(), [leaf(1.0)]),
        (lambda x: x > 0, [leaf(1.0)]),
        (lambda x: 3.0, [leaf(1.0)]),
        (lambda x: x, [Tensor([1.0])]),
    ],
)
def test_an_output_that_depends_on_nothing_is_an_error(function, inputs):
    with pytest.raises(GradientError, match="output does not depend on a gradient input"):
        bg.gradcheck(function, inputs)


@pytest.mark.parametrize("order", [0, 3, "2"])
def test_there_are_two_orders(order):
    with pytest.raises(ArgumentError, match=f"gradcheck: the order is 1 or 2, not {order!r}"):
        bg.gradcheck(lambda x: x, [leaf(1.0)], order=order)
