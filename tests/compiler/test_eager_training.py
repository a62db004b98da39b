"""The backward pass and optimizers, each computed as one by machine code, against the reference."""

import math
import pickle

import pytest
from test_eager import ENGINES, REFERENCE, drawn

import baregrad as bg
from baregrad import Tensor, losses
from baregrad.compiler.eager import native_engine
from baregrad.engines import selection
from baregrad.errors import GradientError
from baregrad.machine.cpu import is_x86_64
from baregrad.tensor import replay

pytestmark = pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")


@pytest.fixture(params=ENGINES)
def engine(request):
    return native_engine(request.param)


def graph(root):
    """Every tensor below the root: what it is, what it is made from, and its gradient."""
    nodes = sorted(replay.nodes_below(root), key=lambda node: node.serial)
    places = {node: place for place, node in enumerate(nodes)}
    return [
        (
            node.name,
            node.scope,
            node.op and node.op.name,
            [places[parent] for parent in node.parents],
            dict(node.attributes),
            node.requires_grad,
            node.shape,
            node.dtype,
            node.grad is not None and (node.grad.shape, node.grad.dtype, node.grad.op),
        )
        for node in nodes
    ]


def gradients(root):
    nodes = sorted(replay.nodes_below(root), key=lambda node: node.serial)
    return [list(node.grad.array.data) for node in nodes if node.grad is not None]


def assert_close(found, expected, tolerance=1e-5):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        for x, y in zip(a, b, strict=True):
            assert math.isclose(x, y, rel_tol=tolerance, abs_tol=tolerance)


def model_loss(activation, loss):
    model = bg.MLP(8, [16, 16, 3], activation=activation, seed=1)
    x = drawn(20, 8)
    if loss == "cross_entropy":
        return losses.cross_entropy(model(x), Tensor([i % 3 for i in range(20)]))
    return losses.LOSSES[loss](model(x), drawn(20, 3, low=0.0, high=1.0, seed=2))


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu", "softplus"])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy", "binary_cross_entropy", "huber"])
def test_the_graph_is_the_same_and_so_are_all_gradients(engine, activation, loss):
    results = []
    for each in (engine, REFERENCE):
        with selection.using(each):
            root = model_loss(activation, loss)
            root.backward()
            results.append((graph(root), gradients(root)))
    assert results[0][0] == results[1][0]
    assert_close(results[0][1], results[1][1])


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: (x @ w).softmax().log().sum(),
        lambda x, w: (x * w.T[:1]).max(1).sum() + x.max(),
        lambda x, w: bg.concat([x, x * x], axis=1).reshape(-1)[3:77:2].sum(),
        lambda x, w: x.take([3, 3, 0]).sum() * w.mean(),
        lambda x, w: (x.permute(1, 0) @ x).sin().sum() / w.std(),
        lambda x, w: (x.clip(-1, 1) ** 2).sum() + (x.detach() * w.T.sum()).sum(),
        lambda x, w: (x.argmax(1) == 1).where(x.sum(1), 0).sum(),
    ],
)
def test_gradients_of_all_kinds_of_operations(engine, function):
    results = []
    for each in (engine, REFERENCE):
        with selection.using(each):
            x, w = drawn(20, 16), drawn(16, 5, seed=2)
            x.requires_grad = w.requires_grad = True
            root = function(x, w)
            root.backward()
            results.append((graph(root), gradients(root)))
    assert results[0][0] == results[1][0]
    assert_close(results[0][1], results[1][1], 1e-4)


def test_gradients_of_between_are_computed_when_looked_at_even_after_an_update(engine):
    with selection.using(engine):
        w = drawn(20, 20)
        w.requires_grad = True
        between = w * 2
        (between * between).sum().backward()
        w.assign(bg.zeros(20, 20))
        found = between.grad.tolist()
    assert found == (drawn(20, 20) * 4).tolist()


def test_gradients_of_between_are_computed_in_python_where_machine_code_is_lacking(engine):
    class Half(selection.Engine):
        name, joins, evaluate = "half", True, engine.evaluate

        def together(self, key, function, inputs):
            _, of_leaves = key
            return engine.together(key, function, inputs) if of_leaves else None

    with selection.using(Half()):
        w = bg.ones(20, 20, requires_grad=True)
        between = w * 3
        (between * between).sum().backward()
        copied = pickle.loads(pickle.dumps(between.grad.array))
    assert between.grad.tolist() == [[6.0] * 20] * 20
    assert copied == (between.grad.array.data, (20, 20), "float32")


def test_graphs_of_small_tensors_are_walked_one_by_one(engine):
    with selection.using(engine):
        w = bg.ones(2, requires_grad=True)
        x = w
        for _ in range(150):
            x = x * 1
        x.sum().backward()
    assert w.grad.tolist() == [1.0, 1.0]


def test_gradients_add_up_over_backward_passes(engine):
    with selection.using(engine):
        w = bg.ones(400, requires_grad=True)
        for _ in range(3):
            (w * 2).sum().backward()
    assert w.grad.tolist() == [6.0] * 400


def test_a_gradient_may_be_given_and_grad_leaves_tensors_alone(engine):
    with selection.using(engine):
        w = bg.ones(20, 20, requires_grad=True)
        (found,) = bg.grad(w * w, w, [bg.full((20, 20), 3.0)])
    assert w.grad is None
    assert found.tolist() == [[6.0] * 20] * 20


def test_gradients_have_gradients(engine):
    with selection.using(engine):
        w = bg.full(400, 2.0, requires_grad=True)
        (first,) = bg.grad((w**3).sum(), w, create_graph=True)
        (second,) = bg.grad(first.sum(), w)
    assert second.tolist() == [12.0] * 400


def test_an_assignment_after_use_is_noticed(engine):
    with selection.using(engine):
        w = bg.ones(400, requires_grad=True)
        loss = (w * w).sum()
        w.assign(bg.zeros(400))
        with pytest.raises(GradientError, match="was assigned a new value after multiply"):
            loss.backward()


def test_a_late_wish_for_a_gradient_is_noticed(engine):
    with selection.using(engine):
        w, v = bg.ones(400, requires_grad=True), bg.ones(400)
        loss = (w * v).sum()
        v.requires_grad = True
        with pytest.raises(GradientError, match="was given requires_grad=True after multiply"):
            loss.backward()


def test_operations_of_ones_own_take_part(engine):
    square = bg.elementwise("square", lambda x: x * x, lambda g, y, x: 2 * g * x)
    with selection.using(engine):
        w = bg.full(400, 3.0, requires_grad=True)
        square(w).sum().backward()
    assert w.grad.tolist() == [6.0] * 400


def test_graphs_of_many_operations_are_walked_one_by_one(engine):
    with selection.using(engine):
        w = bg.ones(400, requires_grad=True)
        x = w
        for _ in range(replay.MOST_NODES + 1):
            x = -x
        x.sum().backward()
    assert set(w.grad.tolist()) == {-1.0}


OPTIMIZERS = {
    "sgd": lambda p: bg.SGD(p, lr=0.1),
    "momentum": lambda p: bg.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True),
    "dampening": lambda p: bg.SGD(p, lr=0.1, momentum=0.9, dampening=0.5),
    "adam": lambda p: bg.Adam(p, lr=0.1),
    "amsgrad": lambda p: bg.Adam(p, lr=0.1, amsgrad=True),
    "adamw": lambda p: bg.AdamW(p, lr=0.1),
    "adagrad": lambda p: bg.Adagrad(p, lr=0.1),
    "rmsprop": lambda p: bg.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "betas as a list": lambda p: bg.Adam(p, lr=0.1, betas=[0.8, 0.9]),
    "groups": lambda p: bg.Adam([{"parameters": p[:1], "lr": 0.2}, {"parameters": p[1:]}]),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_take_the_same_steps(engine, name):
    results = []
    for each in (engine, REFERENCE):
        with selection.using(each):
            parameters = [drawn(20, 20, seed=3), drawn(20, seed=4), drawn(1, seed=5)]
            for parameter in parameters:
                parameter.requires_grad = True
            optimizer = OPTIMIZERS[name](parameters)
            for count in range(3):
                optimizer.zero_grad()
                optimizer.lr = 0.1 / (count + 1)
                sum((p * p * p).sum() for p in parameters[: 3 - count // 2]).backward()
                optimizer.step()
            results.append(
                [list(p.array.data) for p in parameters]
                + [
                    [value] if type(value) is int else list(value.array.data)
                    for p in parameters
                    for value in optimizer.state[p].values()
                ]
            )
    assert_close(results[0], results[1], 1e-4)


def test_a_rule_that_looks_at_numbers_is_run_as_it_is(engine):
    class Signed(bg.Optimizer):
        def __init__(self, parameters, lr=0.5):
            super().__init__(parameters, lr=lr)

        @staticmethod
        def buffers(**options):
            return {}

        @staticmethod
        def rule(parameter, gradient, state, lr):
            return parameter - lr * (1 if gradient.sum().item() > 0 else -1), {}

    with selection.using(engine):
        w = bg.ones(400, requires_grad=True)
        (w * 2).sum().backward()
        Signed([w]).step()
    assert w.tolist() == [0.5] * 400


def test_parameters_of_float64_are_updated_in_python(engine):
    with selection.using(engine):
        w = bg.ones(400, dtype="float64", requires_grad=True)
        (w * w).sum().backward()
        bg.SGD([w], lr=0.1).step()
    assert w.tolist() == [0.8] * 400


def test_a_whole_training_follows_the_reference(engine):
    results = []
    for each in (engine, REFERENCE):
        with selection.using(each):
            model = bg.MLP(4, [16, 16, 1], activation="tanh", seed=3)
            optimizer = bg.Adam(model.parameters(), lr=0.01)
            x, y = drawn(32, 4), drawn(32, 1, seed=7)
            history = []
            for _ in range(30):
                optimizer.zero_grad()
                loss = losses.mse(model(x), y)
                loss.backward()
                optimizer.step()
                history.append([loss.item()])
            results.append(history)
    assert results[0][-1][0] < results[0][0][0]
    assert_close(results[0], results[1], 1e-4)


def test_a_single_bias_of_a_whole_matrix_gets_the_sum_of_all(engine):
    with selection.using(engine):
        bias = Tensor([2.0], requires_grad=True)
        y = bg.ones(40, 40) + bias + Tensor([1.0] * 40)
        ((y * 0.5).sum() + (y * 0.25).sum()).backward()
        assert bias.grad.tolist() == [1200.0]
