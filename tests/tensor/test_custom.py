import math

import pytest

import baregrad as bg
from baregrad import ArgumentError, DTypeError, GradientError, ShapeError, Tensor
from baregrad.tensor.operation import elementwise as operation

cube = bg.elementwise("cube", lambda x: x**3, lambda g, y, x: g * 3 * x**2)


def leaf(value) -> Tensor:
    return Tensor(value, "float64", requires_grad=True)


# --- elementwise ------------------------------------------------------------------------------


def test_a_function_of_numbers_becomes_an_operation():
    x = leaf([[1.0, 2.0]])
    y = cube(x)
    assert (y.tolist(), y.op.name, y.parents, cube.__name__) == ([[1.0, 8.0]], "cube", (x,), "cube")
    y.sum().backward()
    assert x.grad.tolist() == [[3.0, 12.0]]
    assert bg.gradcheck(cube, [x], order=2)


def test_it_takes_numbers_and_lists_and_makes_floats_of_them():
    assert cube(2).dtype == cube([True]).dtype == "float32"
    assert cube([1, 2]).tolist() == [1.0, 8.0]


def test_its_inputs_broadcast_and_meet_at_one_data_type():
    hypot = bg.elementwise(
        "hypot", math.hypot, lambda g, z, x, y: g * x / z, lambda g, z, x, y: g * y / z
    )
    x, y = leaf([[3.0], [6.0]]), leaf([4.0, 8.0])
    assert hypot(x, y).tolist() == [[5.0, math.hypot(3, 8)], [math.hypot(6, 4), 10.0]]
    assert bg.gradcheck(hypot, [x, y], order=2)
    for pair in [(x, Tensor(1.0)), (Tensor(1.0), x), (x, 1), (1, x)]:
        assert hypot(*pair).dtype == "float64"
    with pytest.raises(ShapeError, match=r"hypot: shapes .* do not broadcast"):
        hypot([1.0, 2.0], [1.0, 2.0, 3.0])


def test_without_rules_there_is_no_gradient():
    floor = bg.elementwise("floor", math.floor)
    y = floor(leaf([1.5, -1.5]))
    assert (y.tolist(), y.requires_grad) == ([1.0, -2.0], False)


def test_none_stands_for_an_input_without_gradient():
    scaled = bg.elementwise("scaled", lambda x, s: x * s, lambda g, z, x, s: g * s, None)
    x, s = leaf(2.0), leaf(3.0)
    scaled(x, s).backward()
    assert (x.grad.item(), s.grad) == (3.0, None)
    assert not scaled(Tensor(1.0), s).requires_grad


@pytest.mark.parametrize("inputs", [(1.0,), (1.0, 2.0, 3.0)])
def test_every_input_needs_a_rule(inputs):
    product = bg.elementwise("product", lambda *x: math.prod(x), None, lambda g, z, x, y: g * x)
    with pytest.raises(
        ArgumentError, match=f"product has 2 gradient rules and .* {len(inputs)} inputs"
    ):
        product(*inputs)


def test_an_overflow_in_a_function_of_ones_own_is_not_called_an_integer_overflow():
    with pytest.raises(OverflowError, match="math range error"):
        bg.elementwise("exp", math.exp)(1000.0)


# --- with_gradient ----------------------------------------------------------------------------


def test_a_function_of_tensors_becomes_one_operation():
    @bg.with_gradient(lambda g, y, x: g)
    def straight_through(x):
        """Steps forwards, lets gradients through backwards."""
        return (x > 0).astype(x.dtype)

    x = leaf([-1.0, 2.0])
    y = straight_through(x)
    assert (y.tolist(), y.op.name, y.parents) == ([0.0, 1.0], "straight_through", (x,))
    assert straight_through.__doc__.startswith("Steps")
    (y * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert straight_through([1.0, -1.0]).tolist() == [1.0, 0.0]


def test_keyword_arguments_reach_the_function_and_the_rule():
    @bg.with_gradient(lambda g, y, x, times: g * times)
    def scale(x, times):
        return x * times

    x = leaf([1.0, 2.0])
    y = scale(x, times=5)
    assert (y.attributes, y.tolist()) == ({"times": 5}, [5.0, 10.0])
    assert bg.gradcheck(lambda x: scale(x, times=5), [x], order=2)


def test_every_tensor_needs_a_rule_here_too():
    @bg.with_gradient(lambda g, z, x, y: g * y)
    def product(x, y):
        return x * y

    with pytest.raises(ArgumentError, match="product has 1 gradient rules and was given 2 inputs"):
        product(1.0, 2.0)


def test_the_function_must_return_a_tensor():
    @bg.with_gradient(lambda g, y, x: g)
    def total(x):
        return x.sum().item()

    with pytest.raises(DTypeError, match=r"total: the function must return a Tensor, not 3.0"):
        total([1.0, 2.0])


def test_integers_that_overflow_within_are_named():
    @bg.with_gradient(None)
    def doubled(x):
        return x * 2

    with pytest.raises(DTypeError, match="multiply: a result does not fit int64"):
        doubled(Tensor([2**62]))


# --- rules that return the wrong thing --------------------------------------------------------


def test_a_rule_that_returns_no_tensor_is_named():
    wrong = bg.elementwise("wrong", lambda x: x, lambda g, y, x: 1.0)
    with pytest.raises(GradientError, match=r"a gradient rule of wrong returned 1.0, which is no"):
        wrong(leaf(1.0)).backward()


@pytest.mark.parametrize("shape", [(3, 2), (6,), (), (1, 3), (2, 3, 1)])
def test_a_rule_that_returns_another_shape_is_named(shape):
    wrong = bg.elementwise("wrong", lambda x: x, lambda g, y, x: bg.ones(shape))
    with pytest.raises(
        ShapeError, match=r"cannot be that of an input of \(2, 3\)|do not broadcast"
    ):
        wrong(leaf([[1.0] * 3] * 2)).sum().backward()


def test_a_row_of_the_table_says_its_name():
    row = operation("half", lambda x: x / 2, dtype="float64")
    assert str(row) == repr(row) == "half"
    assert Tensor.apply(row, Tensor([1.0])).dtype == "float64"
