"""The backward pass, one operation at a time: the same gradients, and what is said of each step."""

import json
import math

import pytest

import baregrad as bg
from baregrad import Tensor
from baregrad.errors import ArgumentError, GradientError, OutOfRangeError
from baregrad.tensor.autograd import topological_order
from baregrad.tensor.graph import tracing
from baregrad.tensor.primitives import PRIMITIVES
from baregrad.view.stepper import stepper
from tests.tensor.test_every_gradient import CHECKS

UNDIFFERENTIABLE = {
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "argmax",
    "stop_gradient",
    "uniform",
}


def neuron():
    """a² · tanh(a b), where a is used three times."""
    a = Tensor(0.5, requires_grad=True, name="a")
    b = Tensor(-3.0, requires_grad=True, name="b")
    return a, b, a * a * (a * b).tanh()


def contributions(loss):
    """What each step sends, by the operation."""
    return {step.data()["operation"]: step.data()["contributions"] for step in stepper(loss)}


def assert_same_gradients(loss):
    steps = stepper(loss)
    steps.goto(len(steps))
    leaves = topological_order([loss])
    assert all(x.grad is None for x in leaves)
    loss.backward()
    for x in leaves:
        found = steps.gradient(x)
        assert (found is None) == (x.grad is None), x
        if found is not None:
            assert found.tolist() == x.grad.tolist()


# --- gradients ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHECKS)
def test_run_to_the_end_every_gradient_is_that_of_backward(name):
    function, *inputs = CHECKS[name]
    assert_same_gradients(
        function(*(Tensor(x, requires_grad=True) for x in inputs)).astype("float64").sum()
    )


@pytest.mark.parametrize("engine", ["reference", None])
def test_a_network_has_the_gradients_of_backward_to_the_last_bit(engine):
    chosen = bg.engine()
    bg.set_engine(engine or chosen)
    try:
        model = bg.MLP(9, [32, 3], seed=0)
        assert_same_gradients(bg.losses.mse(model(bg.Generator(1).randn(64, 9)), bg.ones(64, 3)))
    finally:
        bg.set_engine(chosen)


def test_gradients_that_are_there_are_left_alone():
    a, b, loss = neuron()
    loss.backward()
    before = a.grad, b.grad
    list(stepper(loss))
    assert (a.grad, b.grad) == before


def test_what_arrives_in_parts_is_added_up_and_said_to_be_complete_at_last():
    a, _, loss = neuron()
    loss.backward()
    sent = [
        transfer
        for step in stepper(loss)
        for transfer in step.transfers
        if step.tensor.parents[transfer.place] is a
    ]
    assert [t.complete for t in sent] == [False, False, True]
    assert sent[0].before is None
    assert [t.before for t in sent[1:]] == [t.after for t in sent[:-1]]
    assert math.fsum(t.contribution.item() for t in sent) == pytest.approx(a.grad.item(), rel=1e-6)
    assert sent[-1].after.item() == a.grad.item()


def test_a_graph_deeper_than_pythons_stack_is_walked():
    x = loss = Tensor(1.0, requires_grad=True)
    for _ in range(3000):
        loss = loss + 1
    steps = stepper(loss)
    assert len(steps) == 3000
    assert steps.goto(3000).transfers[0].after.item() == 1
    assert steps.gradient(x).item() == 1


# --- moving -------------------------------------------------------------------------------------


def test_one_can_go_forwards_and_backwards():
    a, b, loss = neuron()
    steps = stepper(loss)
    assert (steps.number, len(steps)) == (1, 4)
    assert steps.gradient(loss).item() == 1
    assert steps.gradient(b) is None
    second = steps.next()
    assert second.number == 2
    assert steps.goto(4).number == steps.step.number == 4
    assert steps.gradient(b) is not None
    assert steps.back().number == 3
    assert steps.goto(2) is second
    assert [step.number for step in steps] == [1, 2, 3, 4]
    assert repr(steps) == "Stepper(step 2 of 4)"
    assert repr(second) == f"Step(2 of 4: {second.tensor.op})"
    assert steps.gradient(a) is None


def test_beyond_either_end_is_an_error_and_no_move():
    steps = stepper(neuron()[2])
    with pytest.raises(OutOfRangeError, match=r"no step 0 in this backward pass; .* 1 to 4"):
        steps.back()
    with pytest.raises(OutOfRangeError, match="no step 5"):
        steps.goto(5)
    assert steps.number == 1


@pytest.mark.parametrize(
    ("loss", "error", "said"),
    [
        (3.0, ArgumentError, "must be a Tensor, not 3.0"),
        (Tensor(1.0, requires_grad=True, name="w"), ArgumentError, "'w' is a leaf"),
        (Tensor(1.0) * 2, GradientError, "has no gradient"),
        (Tensor([1.0, 2.0], requires_grad=True) * 2, GradientError, "is not a scalar"),
    ],
)
def test_what_has_no_backward_pass_is_refused(loss, error, said):
    with pytest.raises(error, match=said):
        stepper(loss)


def test_numbers_that_no_longer_fit_are_refused():
    a, _, loss = neuron()
    steps = stepper(loss)
    step = steps.goto(3)
    a.assign(7.0)
    with pytest.raises(GradientError, match="'a' was assigned a new value"):
        str(step)
    with pytest.raises(GradientError, match="'a' was assigned a new value"):
        steps.goto(4)


# --- formulas -----------------------------------------------------------------------------------

RULES = {
    "add": ["∂L/∂z", "∂L/∂z"],
    "subtract": ["∂L/∂z", "-∂L/∂z"],
    "multiply": ["∂L/∂z · y", "∂L/∂z · x"],
    "divide": ["∂L/∂z / y", "-∂L/∂z · z / y"],
    "power": [
        "∂L/∂z · y · x^(y − [y ≠ 0])",
        "∂L/∂z · z · log(where(x = 0, 1, x))",
    ],
    "negative": ["-∂L/∂y"],
    "abs": ["∂L/∂y · sign(x)"],
    "exp": ["∂L/∂y · y"],
    "expm1": ["∂L/∂y · (y + 1)"],
    "log": ["∂L/∂y / x"],
    "sqrt": ["∂L/∂y / (2 · y)"],
    "sin": ["∂L/∂y · cos(x)"],
    "cos": ["-∂L/∂y · sin(x)"],
    "erf": ["∂L/∂y · 1.128 · exp(-x · x)"],
    "tanh": ["∂L/∂y · (1 − y²)"],
    "sigmoid": ["∂L/∂y · y · (1 − y)"],
    "softplus": ["∂L/∂y · sigmoid(x)"],
    "maximum": [
        "∂L/∂z · ([y < x] + 0.5 · [x = y])",
        "∂L/∂z · ([x < y] + 0.5 · [x = y])",
    ],
    "where": ["where(condition, ∂L/∂z, 0)", "where(condition, 0, ∂L/∂z)"],
    "sum": ["spread(∂L/∂y)"],
    "max": ["spread(∂L/∂y) · [x = spread(y)] / Σ([x = spread(y)], axis 1, keepdims)"],
    "matmul": ["∂L/∂z @ yᵀ", "xᵀ @ ∂L/∂z"],
    "reshape": ["reshape(∂L/∂y)"],
    "permute": ["permute(∂L/∂y, axes 2, 0, 1)"],
    "expand": ["∂L/∂y"],
    "concat": ["(∂L/∂y)[0:2, 0:3]", "(∂L/∂y)[2, 0:3]", "(∂L/∂y)[3:5, 0:3]"],
    "slice": ["unslice(∂L/∂y, [2:0:-1, 0:4:2])"],
    "unslice": ["(∂L/∂y)[2:0:-1, 0:4:2]"],
    "take": ["scatter_add(∂L/∂y, indices, axis 0, size 3)"],
    "scatter_add": ["take(∂L/∂y, indices, axis 0)"],
    "cast": ["∂L/∂y"],
}


def test_every_row_of_the_table_has_its_rules_written():
    assert RULES.keys() | UNDIFFERENTIABLE == PRIMITIVES.keys()


@pytest.mark.parametrize("name", RULES)
def test_the_rule_is_written_as_a_formula(name):
    row = {"sum": "sum_", "max": "max_", "slice": "slice_", "abs": "absolute"}.get(name, name)
    function, *inputs = CHECKS[row]
    loss = function(*(Tensor(x, requires_grad=True) for x in inputs)).astype("float64").sum()
    steps = [step for step in stepper(loss) if step.tensor.op.name == name]
    sent = steps[-1].data()["contributions"]
    assert [s["rule"].partition(" = ")[2] for s in sent] == RULES[name]
    assert all(s["rule"].startswith(f"∂L/∂{s['to']} = ") for s in sent)


def test_the_numbers_are_put_in():
    _, _, loss = neuron()
    (sent,) = contributions(loss)["tanh"]
    # ∂L/∂y = a² = 0.25 and y = tanh(-1.5) = -0.9051
    assert sent["rule"] == "∂L/∂x = ∂L/∂y · (1 − y²)"
    assert sent["numbers"] == "0.25 · (1 − (-0.9051)²) = 0.04518"
    assert sent["element"] == []


def test_a_constant_stands_for_itself_and_is_calculated_away():
    x = Tensor(3.0, requires_grad=True, name="speed")
    (sent,) = contributions(x**2)["power"]
    assert sent["rule"] == "∂L/∂speed = ∂L/∂z · 2 · speed"
    assert sent["numbers"] == "1 · 2 · 3 = 6"


def test_of_a_product_of_matrices_one_element_is_written_out():
    x = Tensor([[1.0, 2.0]] * 5, name="x")
    w = Tensor([[1.0], [-1.0]], requires_grad=True)
    loss = (x @ w * Tensor([[1.0], [2.0], [3.0], [4.0], [5.0]])).sum()
    (sent,) = contributions(loss)["matmul"]
    assert sent["rule"] == "∂L/∂y = xᵀ @ ∂L/∂z"
    assert sent["element"] == [1, 0]
    assert sent["numbers"] == "2 · 1 + 2 · 2 + 2 · 3 + … (2 more) = 30"


def test_of_products_of_stacked_matrices_the_right_elements_meet():
    x = Tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    y = Tensor([[3.0], [-5.0]], requires_grad=True, name="y")
    (sent,) = contributions((x @ y * Tensor([[[10.0]], [[20.0]]])).sum())["matmul"]
    assert sent["element"] == [1, 1, 0]
    assert sent["numbers"] == "1 · 20 = 20"
    assert "summed over axis 0" in sent["broadcast"]


def test_the_sum_over_the_copies_of_a_broadcast_operand_is_said():
    b = Tensor([1.0, 2.0], requires_grad=True, name="b")
    loss = (Tensor([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]) * b).sum()
    (sent,) = contributions(loss)["multiply"]
    assert sent["broadcast"] == (
        "b, (2,), was broadcast to (3, 2): its copies' gradients are summed over axis 0"
    )
    assert sent["contribution"]["grid"] == [["7", "7"]]
    assert sent["element"] == [2, 0]
    assert sent["numbers"] == "1 · 4 = 4"


def test_the_element_chosen_is_the_largest_or_one_that_is_not_a_number():
    x = Tensor([1.0, -4.0, 2.0], requires_grad=True)
    (sent,) = contributions((x * Tensor([1.0, -4.0, 2.0])).sum())["multiply"]
    assert (sent["element"], sent["numbers"]) == ([1], "1 · (-4) = -4")
    (sent,) = contributions((x * Tensor([1.0, -4.0, math.nan])).sum())["multiply"]
    assert (sent["element"], sent["numbers"]) == ([2], "1 · nan = nan")


def test_rules_of_ones_own_are_written_too():
    cube = bg.elementwise("cube", lambda x: x**3, lambda g, y, x: g * 3 * x * x)
    (sent,) = contributions(cube(Tensor(2.0, requires_grad=True)))["cube"]
    assert sent["rule"] == "∂L/∂x = ∂L/∂y · 3 · x · x"
    assert sent["numbers"] == "1 · 3 · 2 · 2 = 12"


def test_a_rule_of_ones_own_may_be_deep_and_use_other_tensors():
    other = Tensor([5.0, 6.0], name="other")

    def gradient(g, *inputs):
        for _ in range(2000):
            g = g + 0
        return g * other

    twice = bg.elementwise("twice", lambda x, y: x, gradient, None)
    x = Tensor([1.0, 2.0], requires_grad=True)
    (sent,) = contributions(twice(x, 1.0).sum())["twice"]
    assert sent["rule"].startswith("∂L/∂x1 = (… + 0 + 0")
    assert sent["rule"].endswith(" + 0) · …")
    assert sent["contribution"]["grid"] == [["5", "6"]]


def test_letters_make_way_for_names_and_long_names_are_told_beside_them():
    y = Tensor(2.0, requires_grad=True, name="y")
    x = Tensor(3.0, requires_grad=True, name="layers.0.weight")
    step = next(iter(stepper(x * y)))
    assert step.data()["formula"] == "z = x · y"
    assert "x, 'layers.0.weight' = 3" in str(step)
    step = next(iter(stepper(y * x)))
    assert step.data()["formula"] == "z = y · y′"
    twins = Tensor(1.0, requires_grad=True, name="w"), Tensor(2.0, name="w")
    assert next(iter(stepper(twins[0] * twins[1]))).data()["formula"] == "z = x · y"


# --- what is shown ------------------------------------------------------------------------------


def test_a_step_is_shown_as_text():
    _, _, loss = neuron()
    steps = stepper(loss)
    shown = [str(step) for step in steps]
    assert str(steps) == shown[0]
    product = next(text for text in shown if "z = a · b" in text)
    assert product == (
        "step 3 of 4: multiply\n"
        "  z = a · b\n"
        "  z = -1.5\n"
        "  a = 0.5\n"
        "  b = -3\n"
        "  arriving: ∂L/∂z = 0.04518\n"
        "  to a (operand 1):\n"
        "    ∂L/∂a = ∂L/∂z · b\n"
        "      0.04518 · (-3) = -0.1355\n"
        "    the first; more is to come\n"
        "  to b (operand 2):\n"
        "    ∂L/∂b = ∂L/∂z · a\n"
        "      0.04518 · 0.5 = 0.02259\n"
        "    nothing else arrives there"
    )
    assert "arrived before: -0.1355" in shown[-1]
    assert "more is to come" in shown[-1]
    assert "with that it is complete" in shown[-1]


def test_large_tensors_are_shortened():
    x = Tensor([[0.5] * 40] * 30, requires_grad=True)
    step = next(step for step in stepper((x * 2).sum()) if step.tensor.op.name == "multiply")
    assert len(str(step).splitlines()) < 40
    assert all(len(line) <= 100 for line in str(step).splitlines())
    assert step.data()["gradient"]["shape"] == [30, 40]
    assert len(step.data()["gradient"]["grid"]) == 5
    assert step.data()["gradient"]["norm"] == pytest.approx(math.sqrt(1200))


def test_tensors_without_elements_have_steps_too():
    loss = (Tensor([], requires_grad=True) * 2).sum()
    assert "arriving: ∂L/∂z = []" in str(list(stepper(loss))[1])


def test_modules_are_named_and_so_is_the_line_if_it_was_traced():
    model = bg.MLP(2, [1], seed=0)
    with tracing():
        loss = model([1.0, 2.0]).sum() * 2  # this line
    plain = model([1.0, 2.0]).sum()
    steps = [step.data() for step in stepper(loss)]
    assert steps[-1]["scope"] == "MLP.layers.0"
    assert steps[0]["source"]["file"] == "test_stepper.py"
    assert steps[0]["source"]["code"].endswith("# this line")
    assert "layers.py" in str(list(stepper(loss))[-1])
    assert stepper(plain).step.data()["source"] is None


def test_the_data_is_strict_json_even_of_numbers_that_are_not_finite():
    x = Tensor([math.inf, 1.0], requires_grad=True)
    data = stepper((x * x).sum()).data()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data[1]["contributions"][0]["contribution"]["norm"] is None


def test_nodes_are_numbered_as_in_drawings():
    a, _, loss = neuron()
    a.name = "inert"
    dot = bg.draw_graph(loss).dot
    operands = [x for step in stepper(loss).data() for x in step["operands"]]
    node = next(x["node"] for x in operands if x["name"] == "inert")
    assert any(f"t{node} [" in line and "inert" in line for line in dot.splitlines())


def test_in_notebooks_a_step_is_text_and_html():
    a, _, loss = neuron()
    a.name = "<script>"
    steps = stepper(loss)
    shown = steps.goto(3)._repr_mimebundle_()
    assert shown["text/plain"] == str(steps.step)
    assert "<script>" not in shown["text/html"]
    assert "&lt;script&gt;" in shown["text/html"]
    assert "<b>step 3 of 4: multiply</b>" in shown["text/html"]
    assert "0.04518 · (-3) = -0.1355" in shown["text/html"]
    assert "<td>-0.1355</td>" in steps.goto(4)._repr_mimebundle_()["text/html"]


def test_in_notebooks_a_stepper_has_every_step_to_be_unfolded_and_the_present_one_open():
    steps = stepper(neuron()[2])
    steps.next()
    shown = steps._repr_mimebundle_()
    assert shown["text/plain"] == str(steps)
    assert shown["text/html"].count("<details") == 4
    assert shown["text/html"].count("<details open><summary>step 2 of 4") == 1
    assert shown["text/html"].count("step 2 of 4") == 1  # the summary is the heading


def test_of_a_long_backward_pass_a_notebook_has_the_steps_around_the_present_one():
    loss = Tensor(1.0, requires_grad=True)
    for _ in range(300):
        loss = loss + 1
    html = stepper(loss)._repr_mimebundle_()["text/html"]
    assert html.count("<details") == 101
    assert "step 101 of 300" in html
    assert "step 102 of 300" not in html
