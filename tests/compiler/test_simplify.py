"""Simplified programs need fewer operations and give the same bits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program_evaluation import operations, run

import baregrad as bg
from baregrad import Tensor
from baregrad.compiler.capture import capture
from baregrad.compiler.program import Program
from baregrad.compiler.simplify import simplify
from baregrad.compiler.value import CONSTANT, Value, in_order
from baregrad.tensor import primitives

INF, NAN = math.inf, math.nan
NUMBERS = Tensor([[0.0, -0.0, 1.5, -2.0, INF], [-INF, NAN, 3e38, 1e-45, -1e-38]], name="x")
INTEGERS = Tensor([[3, 0, -2], [7, -1, 5]], name="n")
TRUTHS = Tensor([[True, False, True]], name="b")


def bits(tensors):
    """The numbers, with signed zeros told apart and all NaN the same."""
    return [str(x) for tensor in tensors for x in tensor.flatten().tolist()]


def checked(step, *arguments):
    """The operations that are left, after a check that the results are those of before."""
    program = capture(step, *arguments)
    smaller = simplify(program)
    before, after = run(program, *arguments), run(smaller, *arguments)
    assert [(t.shape, t.dtype) for t in after] == [(t.shape, t.dtype) for t in before]
    assert bits(after) == bits(before)
    return operations(smaller)


def permuted(x, *axes):
    return x.permute(*axes)


GONE = {
    "x * 1": lambda x: x * 1,
    "1 * x": lambda x: 1 * x,
    "x / 1": lambda x: x / 1,
    "x ** 1": lambda x: x**1,
    "x - 0": lambda x: x - 0,
    "x + -0": lambda x: x + (-0.0),
    "-0 + x": lambda x: -0.0 + x,
    "negative twice": lambda x: -(-x),  # noqa: B002
    "max(x, x)": lambda x: x.maximum(x),
    "where(true, x, 0)": lambda x: Tensor(True).where(x, 0),
    "where(false, 0, x)": lambda x: Tensor([False] * 5).where(0, x),
    "where(?, x, x)": lambda x: (x > 1).where(x, x),
    "stop_gradient": lambda x: Tensor.apply(primitives.stop_gradient, x),
    "transposed twice": lambda x: x.T.T,
    "reshaped and back": lambda x: x.reshape(5, 2).reshape(10).reshape(2, 5),
    "axes moved and back": lambda x: x.unsqueeze(0).permute(2, 0, 1).permute(1, 2, 0).squeeze(0),
    "a slice of all": lambda x: x[:, :],
    "laid into its own size": lambda x: x.unslice((2, 5), ((0, 1, 2), (0, 1, 5))),
    "a concatenation of one": lambda x: Tensor.concat([x]),
    "expanded to its own shape": lambda x: Tensor.apply(primitives.expand, x, shape=(2, 5)),
    "the largest of one": lambda x: x.unsqueeze(1).max(1),
}


@pytest.mark.parametrize("step", GONE.values(), ids=GONE)
def test_what_changes_nothing_goes(step):
    assert checked(step, NUMBERS) == []


LEFT = {
    "-1 * x": (lambda x: -1 * x, "negative"),
    "x / 4": (lambda x: x / 4, "multiply"),
    "x / -0.5": (lambda x: x / -0.5, "multiply"),
    "x ** 2": (lambda x: x**2, "multiply"),
    "x + -y": (lambda x: x + -(x + 1), "add subtract"),
    "-x + y": (lambda x: -x + (x + 1), "add subtract"),
    "x - -y": (lambda x: x - -(x * 3), "add multiply"),
    "-x * -y": (lambda x: -x * -(x + 1), "add multiply"),
    "|-x|": (lambda x: (-x).abs(), "abs"),
    "||x||": (lambda x: x.abs().abs(), "abs"),
    "permuted twice": (lambda x: x[None].expand(3, 2, 5).permute(1, 2, 0).permute(1, 2, 0),
                       "expand permute"),
    "axes of size 1 moved": (lambda x: x.unsqueeze(1).permute(1, 0, 2), "reshape"),
    "reshapes": (lambda x: x.reshape(10).reshape(5, 2), "reshape"),
    "axes in front": (lambda x: x.unsqueeze(0).expand(3, 2, 5), "expand"),
    "expanded twice": (lambda x: x[:, None].expand(2, 3, 5).expand(4, 2, 3, 5), "expand reshape"),
    "one element laid out": (lambda x: x[0, 2].expand(1, 6).reshape(2, 3), "expand reshape slice"),
    "before expansion": (lambda x: x.expand(3, 2, 5).exp() * 2, "exp expand multiply"),
    "no expansion": (lambda x: x[0].expand(2, 5) + x, "add reshape slice"),
    "a constant of the shape": (lambda x: x * bg.full((2, 5), 3), "multiply"),
    "a constant of a larger shape": (lambda x: x * bg.full((3, 2, 5), 3), "expand multiply"),
    "where, expanded": (lambda x: bg.ones(3, 2, 5).where(x, 0), "expand"),
    "the same twice": (lambda x: x.exp() + x.exp(), "add exp"),
    "the same either way round": (lambda x: (x + 3) * (3 + x), "add multiply"),
    "a backward slice": (lambda x: x[::-1], "slice"),
    "parts": (lambda x: Tensor.concat([x, x]), "concat"),
    # what must not go
    "x + 0": (lambda x: x + 0, "add"),
    "x - -0": (lambda x: x - (-0.0), "subtract"),
    "x * 0": (lambda x: x * 0, "multiply"),
    "x - x": (lambda x: x - x, "subtract"),
    "x / x": (lambda x: x / x, "divide"),
    "x / 3": (lambda x: x / 3, "divide"),
    "x / 1e-38": (lambda x: x / 2.0**-127, "divide"),
    "x / 0": (lambda x: x / 0, "divide"),
    "x == x": (lambda x: x == x, "equal"),
    "cut and back": (lambda x: (x < 9).where(x, 0).maximum(0).astype("int64").astype("float32"),
                     "cast cast less maximum where"),
    "the larger, either way": (lambda x: x.maximum(0.0) * Tensor(0.0).maximum(x),
                               "maximum maximum multiply"),
}  # fmt: skip


@pytest.mark.parametrize(("step", "left"), LEFT.values(), ids=LEFT)
def test_what_is_left_is_the_least_that_gives_the_same_bits(step, left):
    assert checked(step, NUMBERS) == left.split()


@pytest.mark.parametrize(
    ("step", "left"),
    [
        (lambda n: n + 0, ""),
        (lambda n: 0 + n, ""),
        (lambda n: (n - 0) * 1, ""),
        (lambda n: n.astype("int64"), ""),
        (lambda n: n**2, "multiply"),
        (lambda n: n.astype("float32").astype("int64"), "cast cast"),
    ],
)
def test_integers_have_identities_of_their_own(step, left):
    assert checked(step, INTEGERS) == left.split()


@pytest.mark.parametrize(
    ("step", "left"),
    [
        (lambda b: b.astype("float32").astype("bool"), ""),
        (lambda b: b.astype("int64").astype("float32"), "cast"),
        (lambda b: b.astype("float32").astype("int64"), "cast"),
    ],
)
def test_truth_values_pass_through_other_data_types(step, left):
    assert checked(step, TRUTHS) == left.split()


def test_the_sum_of_single_elements_is_a_reshape():
    x = Tensor([[1.0], [-2.0]])
    assert checked(lambda x: x.sum(1), x) == ["reshape"]
    assert checked(lambda x: x.sum(1, keepdims=True), x) == []
    assert checked(lambda x: x.sum(()), x) == []
    assert checked(lambda x: x.sum(0), x) == ["sum"]


# --- constants ----------------------------------------------------------------------------------


def constant_of(step):
    (value,) = simplify(capture(step)).results
    assert value.op == CONSTANT
    return value.attributes["value"], value.shape, value.dtype


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (lambda: Tensor(0.1) + 0.2, (Tensor(0.1) + 0.2).item()),
        (lambda: Tensor(1.0) / 3 * 7, (Tensor(1.0) / 3 * 7).item()),
        (lambda: Tensor(3) * 7 - 1, 20),
        (lambda: Tensor(2.0).exp().sqrt().astype("int64"), 2),
        (lambda: Tensor(3.0) < 4, True),
    ],
)
def test_arithmetic_on_constants_is_done_in_their_data_type(step, expected):
    value, shape, dtype = constant_of(step)
    assert (value, shape, dtype) == (expected, (), step().dtype)


def test_constants_are_moved_about_without_operations():
    def step():
        x = bg.full((2, 3), 5.0).T.reshape(6)[1:5] * 2
        return x.expand(7, 4).take([0, 1, 1]).max(1)

    assert constant_of(step) == (10.0, (3,), "float32")


def test_zeros_of_either_sign_and_nans_are_told_apart():
    def step(x):
        return [x * 0.0, x * -0.0, x * NAN, x * Tensor(NAN)]

    assert checked(step, NUMBERS) == ["multiply"] * 3


@pytest.mark.parametrize(
    "step",
    [lambda: Tensor(2**62) * 2, lambda: Tensor(NAN).astype("int64"), lambda: Tensor(2) ** -1],
)
def test_arithmetic_that_fails_is_left_to_whoever_runs_it(step):
    assert len(operations(simplify(capture(step)))) == 1


# --- dead code ----------------------------------------------------------------------------------


def test_what_nothing_needs_is_left_out_but_arguments_stay():
    used, unused = Tensor(2.0), Tensor(3.0)

    def step(x, y):
        (unused * y).exp()
        return x * used

    program = simplify(capture(step, Tensor(1.0), Tensor(1.0)))
    assert list(program.reads) == [used]
    assert len(program.arguments) == 2
    assert operations(program) == ["multiply"]


def test_reads_that_only_what_is_simplified_away_used_are_left_out():
    used, unused = Tensor(2.0), Tensor(3.0)
    program = simplify(capture(lambda: Tensor(True).where(used, unused)))
    assert list(program.reads) == [used]


def test_a_tensor_assigned_to_itself_is_not_written():
    weight, other = Tensor([1.0]), Tensor([2.0])

    def step(x):
        weight.assign(weight * 1)
        other.assign(weight)

    program = simplify(capture(step, Tensor([1.0])))
    assert list(program.writes) == [other]
    run(program, Tensor([1.0]))
    assert other.tolist() == [1]


def test_a_training_step_shrinks_and_does_not_repeat_itself():
    model = bg.MLP(3, [4, 1], seed=0)
    optimizer = bg.Adam(model.parameters())

    def step(x, y):
        optimizer.zero_grad()
        loss = bg.losses.mse(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    program = capture(step, bg.ones(8, 3), bg.ones(8, 1))
    smaller = simplify(program)
    values = in_order(smaller.outputs())
    assert len(values) < 0.75 * len(in_order(program.outputs()))
    computed = [(v.op, v.inputs, str(v.attributes), v.shape) for v in values if v.op != "input"]
    assert len(set(computed)) == len(computed)
    assert operations(simplify(smaller)) == operations(smaller)
    assert not {"expand", "power", "stop_gradient"} & set(operations(smaller))


def test_deep_programs_need_no_deep_stack():
    value = x = Value("input", (), {"name": "x"}, (), "float32")
    for _ in range(5000):
        value = Value("exp", (value,), {}, (), "float32")
    program = simplify(Program([x], {}, {}, [value]))
    assert len(operations(program)) == 5000


# --- at random ----------------------------------------------------------------------------------

UNARY = ["neg", "abs", "T", "T", "reshape", "expand", "slice", "exp", "relu", "cast", "max"]
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "where", "equal"]


@given(st.data())
def test_random_programs_give_the_same_bits(data):
    def step(x):
        pool = [x, Tensor(0.0), Tensor(-1.0), Tensor(1.0), bg.full((2, 2), 2.0)]
        for _ in range(data.draw(st.integers(1, 12))):
            pool.append(applied(data, pool))
        return pool[-1]

    drawn = st.sampled_from([0.0, -0.0, 1.0, -2.5, INF, -INF, NAN])
    values = data.draw(st.lists(drawn, min_size=4, max_size=4))
    program = capture(step, Tensor(values).reshape(2, 2))
    arguments = [Tensor(values).reshape(2, 2)]
    assert bits(run(simplify(program), *arguments)) == bits(run(program, *arguments))


def applied(data, pool):
    """An operation at random on tensors of shape (2, 2) or ()."""
    name = data.draw(st.sampled_from(UNARY + BINARY))
    x, y = (data.draw(st.sampled_from(pool)) for _ in range(2))
    square = x.expand(2, 2)
    rules = {
        "neg": lambda: -x,
        "abs": lambda: x.abs(),
        "T": lambda: square.T,
        "reshape": lambda: square.reshape(1, 4).reshape(4, 1).reshape(2, 2),
        "expand": lambda: square.expand(3, 2, 2)[1],
        "slice": lambda: square[::-1],
        "exp": lambda: x.exp(),
        "relu": lambda: x.relu(),
        "cast": lambda: x.astype("bool").astype("float32"),
        "max": lambda: square.unsqueeze(1).max(1),
        "add": lambda: x + y,
        "subtract": lambda: x - y,
        "multiply": lambda: x * y,
        "divide": lambda: x / y,
        "maximum": lambda: x.maximum(y),
        "where": lambda: (x > y).where(x, y),
        "equal": lambda: (x == y).astype("float32"),
    }
    return rules[name]()
