"""What each tensor of a graph is, and where it belongs."""

import baregrad as bg
from baregrad.nn.mlp import MLP
from baregrad.tensor.graph import scope
from baregrad.view.trace import Trace


def test_kinds():
    w = bg.Tensor([1.0], requires_grad=True)
    x = bg.Tensor([2.0])
    named = bg.Tensor(3.0, name="three")
    number = bg.Tensor(4.0)
    hidden = w * x
    loss = hidden * named * number
    trace = Trace([loss])
    kinds = [trace.kind(t) for t in (w, x, named, number, hidden, loss)]
    assert kinds == ["parameter", "data", "data", "constant", "result", "output"]


def test_a_constant_that_is_used_once_is_inlined():
    x = bg.Tensor([2.0])
    y = 2 * x
    assert Trace([y]).inlined == {y.parents[0]}
    assert Trace([y]).shown == [x, y]


def test_a_constant_that_is_used_twice_is_shown():
    x, c = bg.Tensor([2.0]), bg.Tensor(3.0)
    assert Trace([x * c + c]).inlined == set()


def test_constants_among_themselves_are_shown():
    assert Trace([bg.Tensor(2.0) * bg.Tensor(3.0)]).inlined == set()
    assert Trace([bg.Tensor(2.0).exp()]).inlined == set()


def test_a_root_is_an_output_even_if_it_is_a_leaf():
    c = bg.Tensor(2.0)
    trace = Trace([c, bg.Tensor([1.0]) * c])
    assert trace.kind(c) == "output"
    assert trace.inlined == set()


def test_the_same_root_twice_counts_once():
    c = bg.Tensor(2.0)
    assert Trace([c, c]).roots == [c]


def test_parameters_belong_to_the_module_that_uses_them():
    model = MLP(2, [3, 1], seed=0)
    x = bg.Tensor([[1.0, 2.0]])
    trace = Trace([model(x)])
    scopes = {name: trace.scope(t) for name, t in model.named_parameters()}
    assert scopes == {
        "layers.0.weight": ("MLP", "layers.0"),
        "layers.0.bias": ("MLP", "layers.0"),
        "layers.1.weight": ("MLP", "layers.1"),
        "layers.1.bias": ("MLP", "layers.1"),
    }
    assert trace.scope(x) == ()


def test_a_parameter_of_two_modules_belongs_to_what_they_share():
    w = bg.Tensor([1.0], requires_grad=True)
    with scope("whole"):
        with scope("left"):
            a = w * 2
        with scope("right"):
            b = w * 3
    assert Trace([a + b]).scope(w) == ("whole",)
    assert Trace([a]).scope(w) == ("whole", "left")
    assert Trace([a + w]).scope(w) == ()
