import math
import operator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad import ArgumentError, DTypeError, ShapeError, Tensor
from tests.tensor.helpers import (
    INF,
    NAN,
    broadcastable,
    close,
    nested,
    numbers,
    same,
    stretched,
)

DTYPES = ["bool", "int64", "float32", "float64"]
SPECIAL = [0.0, -0.0, 1.0, -2.5, 1e308, -1e308, 5e-324, INF, -INF, NAN]


def divide(x, y):
    try:
        return x / y
    except ZeroDivisionError:
        if x == 0 or math.isnan(x):
            return NAN
        return math.copysign(INF, x) * math.copysign(1, y)


def larger(x, y):
    return NAN if math.isnan(x) or math.isnan(y) else max(x, y)


def smaller(x, y):
    return NAN if math.isnan(x) or math.isnan(y) else min(x, y)


# --- values under broadcasting ----------------------------------------------------------------

BINARY = {
    "add": (operator.add, operator.add),
    "subtract": (operator.sub, operator.sub),
    "multiply": (operator.mul, operator.mul),
    "divide": (operator.truediv, divide),
    "less": (operator.lt, operator.lt),
    "less_equal": (operator.le, operator.le),
    "greater": (operator.gt, operator.gt),
    "greater_equal": (operator.ge, operator.ge),
    "equal": (operator.eq, operator.eq),
    "not_equal": (operator.ne, operator.ne),
    "maximum": (bg.maximum, larger),
    "minimum": (bg.minimum, smaller),
}


@given(broadcastable(2), st.sampled_from(sorted(BINARY)))
def test_operands_broadcast_against_each_other(drawn, name):
    of_tensors, of_numbers = BINARY[name]
    shape, (left, right) = drawn
    x, y = numbers(left, seed=1), numbers(right, seed=2)
    z = of_tensors(x, y)
    expected = nested(
        shape,
        lambda index: of_numbers(
            stretched(x.tolist(), left, index), stretched(y.tolist(), right, index)
        ),
    )
    assert z.shape == shape
    assert same(z.tolist(), expected) or expected == z.tolist()


@given(broadcastable(3))
def test_where_broadcasts_all_three(drawn):
    shape, (a, b, c) = drawn
    condition = numbers(a, seed=1) > 0
    x, y = numbers(b, seed=2), numbers(c, seed=3)
    z = condition.where(x, y)
    expected = nested(
        shape,
        lambda index: (
            stretched(x.tolist(), b, index)
            if stretched(condition.tolist(), a, index)
            else stretched(y.tolist(), c, index)
        ),
    )
    assert (z.shape, z.tolist()) == (shape, expected)


@pytest.mark.parametrize("name", sorted(BINARY))
def test_special_numbers_give_what_ieee_754_says(name):
    of_tensors, of_numbers = BINARY[name]
    column = Tensor(SPECIAL, "float64").unsqueeze(1)
    table = of_tensors(column, Tensor(SPECIAL, "float64")).tolist()
    for x, row in zip(SPECIAL, table, strict=True):
        for y, z in zip(SPECIAL, row, strict=True):
            expected = of_numbers(x, y)
            assert z == expected or same(z, expected), (x, y)


@pytest.mark.parametrize("name", sorted(BINARY))
def test_shapes_that_do_not_fit_are_named_with_the_operation(name):
    known = {"greater": "less", "greater_equal": "less_equal", "minimum": "maximum"}
    message = rf"{known.get(name, name)}: shapes \(\d,\) and \(\d,\) do not broadcast: axis -1"
    with pytest.raises(ShapeError, match=message):
        BINARY[name][0](Tensor([1.0, 2.0]), Tensor([1.0, 2.0, 3.0]))


def test_where_with_shapes_that_do_not_fit_is_named():
    with pytest.raises(ShapeError, match=r"where: shapes .* do not broadcast"):
        Tensor([True, False]).where(bg.ones(3), 0)


# --- powers -----------------------------------------------------------------------------------


@given(broadcastable(2))
def test_powers_broadcast(drawn):
    shape, (left, right) = drawn
    x, y = numbers(left, low=0.1, seed=1), numbers(right, seed=2)
    expected = nested(
        shape,
        lambda index: stretched(x.tolist(), left, index) ** stretched(y.tolist(), right, index),
    )
    assert close((x**y).tolist(), expected)


def test_powers_of_special_numbers():
    x = Tensor([0.0, -0.0, -0.0, -8.0, INF, NAN, 1e200], "float64")
    y = Tensor([-1.0, -1.0, -2.0, 1 / 3, -1.0, 0.0, 2.0], "float64")
    assert same((x**y).tolist(), [INF, -INF, INF, NAN, 0.0, 1.0, INF])


def test_powers_of_integers_stay_integers():
    x = Tensor([3, -2, 0])
    assert (x**2).tolist() == [9, 4, 0]
    assert (x**2).dtype == "int64"
    assert (2 ** Tensor([0, 10])).tolist() == [1, 1024]
    assert (Tensor([2]) ** -1.0).tolist() == [0.5]


def test_an_integer_to_a_negative_power_is_refused():
    with pytest.raises(ArgumentError, match=r"2 to the negative power -1 .* float first"):
        Tensor([2]) ** -1


# --- data types -------------------------------------------------------------------------------


@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", DTYPES)
def test_operands_meet_at_the_more_general_data_type(left, right):
    x, y = bg.ones(2, dtype=left), bg.ones(2, dtype=right)
    more = max(left, right, key=DTYPES.index)
    assert (x + y).dtype == (x @ y).dtype == ("int64" if more == "bool" else more)
    assert (x**y).dtype == (x - y).dtype == (x * y).dtype == (x + y).dtype
    assert (x / y).dtype == (more if more.startswith("float") else "float32")
    assert x.maximum(y).dtype == x.minimum(y).dtype == more
    assert Tensor([True, False]).where(x, y).dtype == more
    assert (x < y).dtype == (x == y).dtype == "bool"
    assert bg.concat([x, y]).dtype == more


@pytest.mark.parametrize(
    ("dtype", "number", "result"),
    [
        ("float32", 2.5, "float32"),
        ("float64", 2.5, "float64"),
        ("float64", 2, "float64"),
        ("int64", 2.5, "float32"),
        ("int64", 2, "int64"),
        ("int64", True, "int64"),
        ("bool", True, "int64"),
        ("bool", 2.5, "float32"),
        ("float32", Fraction(1, 2), "float32"),
    ],
)
def test_a_python_number_has_the_least_general_type_of_its_kind(dtype, number, result):
    x = bg.ones(1, dtype=dtype)
    assert (x + number).dtype == (number + x).dtype == (number * x).dtype == result
    assert (x + number).item() == 1 + number


def test_arithmetic_on_bools_counts():
    x = Tensor([True, True, False])
    assert (x + x).tolist() == [2, 2, 0]
    assert (-x).tolist() == [-1, -1, 0]
    assert abs(x).dtype == "int64"
    assert (x + True).dtype == "int64"


def test_results_are_rounded_to_their_data_type():
    x = Tensor([0.1, 3e38])
    assert (x * 10).tolist() == [1.0, INF]
    assert (Tensor([2**24], "float32") + 1).item() == 2**24
    assert (Tensor([0.1]) + Tensor([0.2], "float64")).item() == 0.10000000149011612 + 0.2


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (lambda x: x + 1, "add"),
        (lambda x: x * 2, "multiply"),
        (lambda x: x**2, "power"),
        (lambda x: x**1000, "power"),
        (lambda x: Tensor([x.item(), 1]).sum(), "sum"),
        (lambda x: x @ Tensor([2]), "matmul"),
        (lambda x: (x * 1.0).astype("int64"), "cast"),
        (lambda x: -(-x - 1), "negative"),
        (lambda x: abs(-x - 1), "abs"),
    ],
)
def test_integers_that_grow_beyond_int64_raise(operation, name):
    with pytest.raises(DTypeError, match=rf"^{name}: a result does not fit int64 .* use a float"):
        operation(Tensor([2**63 - 1]))


def test_numbers_that_fit_no_operand_raise():
    with pytest.raises(DTypeError, match="an integer does not fit int64"):
        Tensor([1]) + 2**63
    with pytest.raises(DTypeError, match="too large for float32"):
        Tensor([1.0]) + 10**400
    assert (Tensor([1.0]) + 2**63).item() == 2.0**63


def test_casts_cut_towards_zero():
    x = Tensor([1.9, -1.9, 0.0, -0.5])
    assert x.astype("int64").tolist() == [1, -1, 0, 0]
    assert x.astype("bool").tolist() == [True, True, False, True]
    assert x.astype("float32") is x
    assert Tensor([True, False]).astype("float64").tolist() == [1.0, 0.0]
    assert Tensor([NAN]).astype("bool").tolist() == [True]


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_what_is_not_finite_cannot_be_cast_to_an_integer(value):
    with pytest.raises(DTypeError, match=f"{value} cannot become an integer"):
        Tensor([value]).astype("int64")


def test_an_unknown_data_type_cannot_be_cast_to():
    with pytest.raises(ArgumentError, match=r"unknown dtype 'int32'.*'int64'"):
        Tensor([1.0]).astype("int32")


# --- operands that are no numbers -------------------------------------------------------------


@pytest.mark.parametrize("other", ["1", None, [1.0, 2.0], 1j])
@pytest.mark.parametrize(
    "operation",
    [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.lt],
)
def test_operators_with_what_is_no_number_are_pythons_type_error(operation, other):
    for arguments in [(Tensor([1.0]), other), (other, Tensor([1.0]))]:
        with pytest.raises(TypeError, match="Tensor"):
            operation(*arguments)


@pytest.mark.parametrize("other", ["1", None, [1.0, 2.0], 1j])
def test_methods_with_what_is_no_number_say_so(other):
    x = Tensor([1.0, 2.0])
    for call in [x.maximum, x.minimum, lambda y: (x > 1).where(y, 0), lambda y: x.where(0, y)]:
        with pytest.raises(DTypeError, match="is neither a tensor nor a number; make it a Tensor"):
            call(other)


def test_a_tensor_is_not_equal_to_what_is_no_number():
    assert (Tensor([1.0]) == "x") is False
    assert (Tensor([1.0]) != None) is True  # noqa: E711 - the comparison is what is tested


# --- functions --------------------------------------------------------------------------------

ARGUMENTS = [NAN, INF, -INF, 0.0, -0.0, 1000.0, -1000.0, 0.5, -0.5]
FUNCTIONS = {
    "exp": [NAN, INF, 0.0, 1.0, 1.0, INF, 0.0, math.exp(0.5), math.exp(-0.5)],
    "expm1": [NAN, INF, -1.0, 0.0, -0.0, INF, -1.0, math.expm1(0.5), math.expm1(-0.5)],
    "log": [NAN, INF, NAN, -INF, -INF, math.log(1000), NAN, math.log(0.5), NAN],
    "sqrt": [NAN, INF, NAN, 0.0, -0.0, math.sqrt(1000), NAN, math.sqrt(0.5), NAN],
    "sin": [
        NAN,
        NAN,
        NAN,
        0.0,
        -0.0,
        math.sin(1000),
        -math.sin(1000),
        math.sin(0.5),
        -math.sin(0.5),
    ],
    "cos": [NAN, NAN, NAN, 1.0, 1.0, math.cos(1000), math.cos(1000), math.cos(0.5), math.cos(0.5)],
    "erf": [NAN, 1.0, -1.0, 0.0, -0.0, 1.0, -1.0, math.erf(0.5), -math.erf(0.5)],
    "abs": [NAN, INF, INF, 0.0, 0.0, 1000.0, 1000.0, 0.5, 0.5],
    "isfinite": [False, False, False, True, True, True, True, True, True],
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_are_defined_for_every_number(name):
    x = Tensor(ARGUMENTS, "float64")
    assert same(getattr(x, name)().tolist(), FUNCTIONS[name])


def test_signs():
    x = Tensor([NAN, INF, -INF, 0.0, -0.0, 2.0, -5e-324], "float64")
    assert same((x.sign() + 0.0).tolist(), [NAN, 1.0, -1.0, 0.0, 0.0, 1.0, -1.0])
    assert x.sign().dtype == "float64"
    assert Tensor([3, 0, -7]).sign().tolist() == [1, 0, -1]
    assert Tensor([3, 0, -7]).sign().dtype == "int64"


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"abs", "isfinite"}))
def test_functions_of_integers_and_bools_are_float32(name):
    assert getattr(Tensor([1, 2]), name)().dtype == "float32"
    assert getattr(Tensor([True]), name)().dtype == "float32"
    assert getattr(bg.zeros(0, 2), name)().shape == (0, 2)


def test_integers_and_bools_are_always_finite():
    assert Tensor([1, -2]).isfinite().tolist() == [True, True]
    assert Tensor([True]).isfinite().tolist() == [True]


def test_the_smaller_and_larger_of_bools_are_bools():
    x, y = Tensor([True, True, False]), Tensor([True, False, False])
    assert (x.maximum(y).dtype, x.maximum(y).tolist()) == ("bool", [True, True, False])
    assert (x.minimum(y).dtype, x.minimum(y).tolist()) == ("bool", [True, False, False])


def test_plus_changes_nothing():
    x = Tensor([1.0])
    assert +x is x


def test_a_condition_may_be_any_number():
    assert Tensor([0.0, 2.0, NAN]).where(1, 0).tolist() == [0, 1, 1]
    assert Tensor(True).where(1.5, 0).item() == 1.5


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"low": -1}, [-1.0, -1.0, 0.0, 1.0, 3.0, NAN]),
        ({"high": 1}, [-3.0, -1.0, 0.0, 1.0, 1.0, NAN]),
        ({"low": -1, "high": 1}, [-1.0, -1.0, 0.0, 1.0, 1.0, NAN]),
        ({}, [-3.0, -1.0, 0.0, 1.0, 3.0, NAN]),
        ({"low": 2, "high": 1}, [1.0, 1.0, 1.0, 1.0, 1.0, NAN]),
    ],
)
def test_clip_keeps_elements_within_the_bounds(bounds, expected):
    x = Tensor([-3.0, -1.0, 0.0, 1.0, 3.0, NAN])
    assert same(x.clip(**bounds).tolist(), expected)


def test_bounds_of_clip_may_be_tensors():
    x = Tensor([1.0, 5.0, 9.0])
    assert x.clip(Tensor([2.0]), Tensor([9.0, 4.0, 8.0])).tolist() == [2.0, 4.0, 8.0]


# --- gradients at the edges -------------------------------------------------------------------


def slopes(function, values):
    x = Tensor(values, "float64", requires_grad=True)
    function(x).sum().backward()
    return x.grad.tolist()


@pytest.mark.parametrize(
    ("function", "values", "expected"),
    [
        (abs, [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]),
        (lambda x: x.maximum(1), [0.0, 1.0, 2.0], [0.0, 0.5, 1.0]),
        (lambda x: x.minimum(1), [0.0, 1.0, 2.0], [1.0, 0.5, 0.0]),
        (lambda x: x.maximum(x), [3.0], [1.0]),
        (lambda x: x.clip(-1, 1), [-2.0, -1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 1.0, 1.0, 0.0]),
        (lambda x: x.sign(), [-1.0, 0.0, 1.0], [0.0, 0.0, 0.0]),
        (lambda x: x**0, [0.0, 2.0], [0.0, 0.0]),
        (lambda x: x**1, [0.0, -2.0], [1.0, 1.0]),
        (lambda x: x**2, [0.0, -2.0], [0.0, -4.0]),
        (lambda x: x**0.5, [0.0], [INF]),
        (lambda x: 0**x, [0.0, 2.0], [0.0, 0.0]),
        (lambda x: x.sqrt(), [0.0, 4.0], [INF, 0.25]),
        (lambda x: x.log(), [0.0, 4.0], [INF, 0.25]),
        (lambda x: (x > 0).where(x.log(), 0), [2.0], [0.5]),
        (lambda x: 1 / x, [2.0], [-0.25]),
    ],
)
def test_gradients_where_functions_have_a_corner_or_a_pole(function, values, expected):
    assert same([g + 0.0 for g in slopes(function, values)], expected)


def test_the_second_derivative_of_a_power_is_right_at_zero():
    x = Tensor([0.0], "float64", requires_grad=True)
    (slope,) = bg.grad((x**2).sum(), x, create_graph=True)
    assert bg.grad(slope.sum(), x)[0].tolist() == [2.0]


# --- logic --------------------------------------------------------------------------------------


@pytest.mark.parametrize("logic", [operator.and_, operator.or_, operator.xor])
@pytest.mark.parametrize("compiled", [False, True])
def test_logic_is_that_of_python(logic, compiled):
    x, y = Tensor([False, False, True, True]), Tensor([False, True, False, True])
    function = bg.compile(logic) if compiled else logic
    result = function(x, y)
    assert result.dtype == "bool"
    assert result.tolist() == [logic(*pair) for pair in zip(x.tolist(), y.tolist(), strict=True)]
    assert logic(x, True).tolist() == [logic(value, True) for value in x.tolist()]
    assert logic(True, x).tolist() == logic(x, True).tolist()


def test_masks_are_inverted_and_combined():
    x = Tensor([0.5, -1.0, 2.0, NAN])
    assert (~(x > 0)).tolist() == [False, True, False, True]
    assert ((x > 0) & (x < 1)).tolist() == [True, False, False, False]


@pytest.mark.parametrize("logic", [operator.and_, operator.or_, operator.xor])
def test_logic_is_of_bools_alone(logic):
    with pytest.raises(DTypeError, match=r"are of bools, not of float32; .* \(x > 0\) & \(x < 1\)"):
        logic(Tensor([True]), Tensor([1.0]))
    with pytest.raises(DTypeError, match="not of int64"):
        logic(Tensor([True]), 1)
    with pytest.raises(DTypeError, match="are of bools"):
        ~Tensor([1])
