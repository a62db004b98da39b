"""The zoom "modules", and folding what is too large."""

import math

import pytest

import baregrad as bg
from baregrad.nn.mlp import MLP
from baregrad.tensor.graph import scope
from baregrad.view.graph import draw_graph
from tests.view.reading import Read


def deep(modules, nested=False):
    """A tensor through so many modules, all within one if nested."""
    x = bg.Tensor([1.0], requires_grad=True, name="x")
    for i in range(modules):
        if nested:
            with scope("whole"), scope(f"part{i}"):
                x = x.tanh()
        else:
            with scope(f"part{i}"):
                x = x.tanh()
    return x


def test_a_node_for_each_module_and_each_operation_outside():
    model = MLP(3, [2, 1], seed=0)
    x = bg.Tensor([[1.0, 2.0, 3.0], [0.0, 1.0, -1.0]], name="x")
    loss = model(x).mean()
    loss.backward()
    read = Read(draw_graph(loss, zoom="modules"))
    first, second = read.find("module layers.0"), read.find("module layers.1")
    assert read.nodes[first].cluster == ("MLP",)
    assert read.into(first) == [read.find("data x")]
    assert read.into(second) == [first]
    assert read.into(read.find("Σ")) == [second]
    assert read.into(read.find("output")) == [read.find("÷ 2")]
    assert len(read.nodes) == 6
    assert read.nodes[first].numbers("operations") == ["permute, matmul, add, tanh"]
    assert read.nodes[first].numbers("parameters") == ["8"]
    layer = model.layers[0]
    gradients = [*layer.weight.grad.array.data, *layer.bias.grad.array.data]
    norm = math.sqrt(sum(g * g for g in gradients))
    assert float(read.nodes[first].numbers("grad norm")[0]) == pytest.approx(norm, rel=5e-4)
    labels = {(tail, head): label for tail, head, label, _ in read.edges}
    assert labels[first, second] == "(2, 2)"
    assert labels[read.find("data x"), first] == "(2, 3)"
    assert read.title == ""


def test_gradient_norms_are_there_only_if_asked_for_and_known():
    model = MLP(3, [2, 1], seed=0)
    loss = model(bg.ones(1, 3)).sum()
    assert "grad norm" not in draw_graph(loss, zoom="modules").dot
    loss.backward()
    assert "grad norm" in draw_graph(loss, zoom="modules").dot
    assert "grad norm" not in draw_graph(loss, zoom="modules", gradients=False).dot


def test_a_module_with_modules_in_it_is_a_frame_with_a_node_for_its_own():
    model = MLP(3, [2, 1], norm="layer", seed=0)
    read = Read(draw_graph(model(bg.ones(1, 3)), zoom="modules"))
    own, norm = read.find("module layers.0"), read.find("module norm")
    assert read.nodes[own].cluster == read.nodes[norm].cluster == ("MLP", "layers.0")
    assert own in read.into(norm)
    assert norm in read.into(own)


def test_the_output_of_a_module_is_drawn_beside_it():
    read = Read(draw_graph(deep(1), zoom="modules"))
    assert read.into(read.find("output")) == [read.find("module part0")]


def test_arrows_between_the_same_nodes_are_one_with_all_shapes():
    a, b = bg.ones(2), bg.ones(3)
    with scope("one"):
        tensors = [a * 2, a * 3, b * 2]
    with scope("two"):
        together = bg.concat(tensors)
    read = Read(draw_graph(together, zoom="modules"))
    arrows = [edge[2] for edge in read.edges if edge[1] == read.find("module two")]
    assert arrows == ["2× (2,), (3,)"]


def test_more_kinds_than_can_be_listed_are_cut():
    x = bg.ones(2)
    with scope("many"):
        y = ((x.exp() + 1).tanh() * 2).sqrt().sin()
    read = Read(draw_graph(y, zoom="modules"))
    operations = read.nodes[read.find("many")].numbers("operations")
    assert operations == ["exp, add, tanh, multiply, …"]


# --- folding ----------------------------------------------------------------------------------


def test_too_many_tensors_are_folded_by_module():
    loss = MLP(3, [2] * 10, seed=0)(bg.ones(1, 3)).sum()
    drawing = draw_graph(loss, max_nodes=30)
    tensors = 2 + 2 * 10 + 4 * 10 - 1  # data and sum; parameters; each layer's results
    assert drawing.folded == f"folded, as max_nodes is 30: {tensors} tensors are drawn by module"
    read = Read(drawing)
    assert read.title == drawing.folded.replace(": ", ":<BR/>")
    assert sum("module layers." in node.text for node in read.nodes.values()) == 10


def test_what_fits_is_not_folded():
    x = bg.Tensor([1.0]).exp()
    assert draw_graph(x, max_nodes=2).folded is None
    assert draw_graph(x, max_nodes=1).folded is not None


def test_too_many_numbers_are_drawn_as_tensors():
    drawing = draw_graph(bg.ones(20, 20).exp(), zoom="scalars")
    assert drawing.folded == "folded, as max_nodes is 400: 800 numbers are drawn as tensors"
    assert list(Read(drawing).nodes) == ["t0", "t1", "o1"]


def test_too_many_modules_are_folded_into_the_one_they_are_in():
    drawing = draw_graph(deep(30, nested=True), zoom="modules", max_nodes=20)
    assert "modules are folded into those that they are in" in drawing.folded
    read = Read(drawing)
    assert read.nodes[read.find("module whole")].numbers("operations") == ["30× tanh"]
    assert len(read.nodes) == 2  # x belongs to the module that uses it


def test_modules_that_nothing_contains_are_folded_into_runs():
    read = Read(draw_graph(deep(30), zoom="modules", max_nodes=5))
    runs = [node for node in read.nodes.values() if node.text.startswith("run of")]
    assert 0 < len(runs) <= 5
    assert "module" not in " ".join(node.text for node in read.nodes.values())


def test_too_many_operations_outside_of_modules_are_folded_into_runs():
    x = w = bg.Tensor([1.0], requires_grad=True, name="w")
    for _ in range(50):
        x = x * w + 1
    drawing = draw_graph(x, max_nodes=11)
    assert drawing.folded == (
        "folded, as max_nodes is 11: 101 tensors are drawn by module; "
        "101 tensors outside of modules are folded into 11"
    )
    read = Read(drawing)
    runs = [node for node in read.nodes.values() if node.text.startswith("run of 10 tensors")]
    assert len(runs) == 10
    assert runs[0].numbers("parameters") == ["1"]
    assert runs[1].numbers("operations") == ["5× add, 5× multiply"]
    assert read.nodes[read.find("output")].numbers("value") == ["51"]


def test_runs_beside_modules_leave_the_modules_as_they_are():
    x = deep(3)
    for _ in range(50):
        x = x.exp().tanh()
    read = Read(draw_graph(x, max_nodes=10))
    assert sum("module part" in node.text for node in read.nodes.values()) == 3
    assert len(read.nodes) == 11  # and the output's value


def test_many_outputs_are_folded_too():
    x = bg.Tensor([1.0])
    drawing = draw_graph([x * float(i) for i in range(100)], max_nodes=8)
    assert "the first 8 of 100 outputs have their values" in drawing.folded
    assert len(Read(drawing).nodes) <= 16


def test_a_run_of_data_alone_has_no_operations():
    read = Read(draw_graph([bg.Tensor([float(i)]) for i in range(100)], max_nodes=2))
    runs = [node for node in read.nodes.values() if node.text.startswith("run of 50")]
    assert [node.numbers("operations") for node in runs] == [["none"]] * 2


def test_a_hundred_thousand_operations_are_drawn():
    x = bg.Tensor([1.0], requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y.tanh()
    drawing = draw_graph(y)
    assert "100,001 tensors" in drawing.folded
    assert len(Read(drawing).nodes) <= 401
