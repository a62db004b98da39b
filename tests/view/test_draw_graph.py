"""Drawings at the zoom "tensors", and what all zooms have in common."""

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError
from baregrad.nn.mlp import MLP
from baregrad.tensor.autograd import topological_order
from baregrad.tensor.graph import scope
from baregrad.view.graph import draw_graph
from tests.view.reading import Read


@pytest.fixture
def loss():
    """The squared error of a small network, with gradients."""
    x = bg.Tensor([[1.0, 2.0, 3.0]], name="x")
    target = bg.Tensor([[0.5]], name="target")
    loss = ((MLP(3, [2, 1], seed=0)(x) - target) ** 2).mean()
    loss.name = "loss"
    loss.backward()
    return loss


def test_values_operations_and_edges_are_drawn():
    a = bg.Tensor(2.0, requires_grad=True, name="a")
    b = bg.Tensor(-3.0, requires_grad=True, name="b")
    out = a * b + a
    out.backward()
    read = Read(draw_graph(out))
    assert read.kinds() == {"box": 4, "ellipse": 2}
    first, second = read.find("a scalar"), read.find("b scalar")
    times, plus = read.find("×"), read.find("+")
    product = read.out_of(times)[0]
    assert read.into(times) == [first, second]
    assert read.into(plus) == [product, first]
    assert read.out_of(plus) == [read.find("output")]
    assert read.nodes[first].numbers("value") == ["2"]
    assert read.nodes[first].numbers("grad") == ["-2"]  # b + 1
    assert read.nodes[second].numbers("grad") == ["2"]  # a
    assert read.nodes[product].numbers("value") == ["-6"]
    assert read.nodes[product].numbers("grad") == ["1"]


def test_a_tensor_used_twice_has_two_arrows():
    x = bg.Tensor([2.0], name="x")
    read = Read(draw_graph(x * x))
    assert read.into(read.find("×")) == [read.find("x (1,)")] * 2


def test_arrows_are_numbered_where_their_order_matters():
    x, y = bg.Tensor([2.0], name="x"), bg.Tensor([3.0], name="y")
    labels = [edge[3] for edge in Read(draw_graph(y - x)).edges[:2]]
    assert ['headlabel="1"' in labels[0], 'headlabel="2"' in labels[1]] == [True, True]
    for operation in (x + y, x / 2, x.maximum(y)):
        assert "headlabel" not in draw_graph(operation).dot


def test_attributes_stand_under_the_operation():
    read = Read(draw_graph(bg.Tensor([[1.0]]).sum(0, keepdims=True)))
    assert read.nodes[read.find("Σ")].text == "Σaxis 0, keepdims"


def test_constants_are_written_into_operations():
    read = Read(draw_graph(bg.Tensor([1.0], name="x") / 9))
    assert read.nodes[read.find("÷")].text == "÷ 9"
    assert len(read.nodes) == 3


def test_modules_are_nested_frames(loss):
    read = Read(draw_graph(loss))
    assert read.nodes[read.find("layers.0.weight")].cluster == ("MLP", "layers.0")
    assert read.nodes[read.find("tanh")].cluster == ("MLP", "layers.0")
    assert read.nodes[read.find("layers.1.bias")].cluster == ("MLP", "layers.1")
    for outside in ("data x", "data target", "output loss", "^ 2"):
        assert read.nodes[read.find(outside)].cluster == ()


def test_every_tensor_is_drawn_with_its_numbers(loss):
    read = Read(draw_graph(loss))
    boxes = [node for name, node in read.nodes.items() if name.startswith("t")]
    tensors = dict(enumerate(topological_order([loss])))
    assert len(boxes) == len(tensors) - 2  # the 2 of the square and the 1 of the mean
    for name, node in read.nodes.items():
        if name.startswith("t"):
            tensor = tensors[int(name[1:])]
            values = [float(text) for text in node.numbers("value")]
            assert values == pytest.approx(list(tensor.array.data), rel=5e-4)
            expected = [] if tensor.grad is None else list(tensor.grad.array.data)
            gradients = [float(text) for text in node.numbers("grad")]
            assert gradients == pytest.approx(expected, rel=5e-4)


def test_kinds_differ_in_shape_or_line_and_not_only_in_colour(loss):
    read = Read(draw_graph(loss))
    looks = {
        kind: {
            key: value
            for key, value in read.nodes[read.find(kind)].attributes.items()
            if key in ("shape", "style", "peripheries", "penwidth")
        }
        for kind in ("layers.0.weight", "data x", "output", "tanh")
    }
    different = {tuple(sorted(look.items())) for look in looks.values()}
    assert len(different) == 4


def test_values_and_gradients_can_be_left_out(loss):
    plain = draw_graph(loss, values=False, gradients=False).dot
    assert ">value<" not in plain
    assert ">grad<" not in plain
    assert ">grad<" in draw_graph(loss, values=False).dot


def test_the_same_graph_gives_the_same_text(loss):
    for zoom in ("modules", "tensors", "scalars"):
        assert draw_graph(loss, zoom).dot == draw_graph(loss, zoom).dot


def test_another_step_differs_in_numbers_only():
    model = MLP(3, [2, 1], seed=0)
    x = bg.Tensor([[1.0, 2.0, 3.0]], name="x")

    def skeleton(zoom):
        output = model(x).sum()
        output.backward()
        read = Read(draw_graph(output, zoom))
        shapes = {name: [len(row) for row in node.rows] for name, node in read.nodes.items()}
        return list(read.nodes), read.edges, shapes

    before = {zoom: skeleton(zoom) for zoom in ("modules", "tensors", "scalars")}
    for parameter in model.parameters():
        parameter.assign(parameter - 1e-6 * parameter.grad)
    assert {zoom: skeleton(zoom) for zoom in before} == before


@pytest.mark.parametrize("name", ['"', "<script>alert(1)</script>", "\\N\\", "a\nb", "->{}];é"])
@pytest.mark.parametrize("zoom", ["modules", "tensors", "scalars"])
def test_names_and_titles_are_inert(name, zoom):
    x = bg.Tensor([1.0], requires_grad=True, name=name)
    with scope(name):
        y = x * bg.Tensor([2.0], name=name)
    y.name = name
    y = y + x
    y.name = name
    read = Read(draw_graph(y, zoom, title=name))
    visible = name.replace("\n", "\\n")
    assert read.title.replace("\\\\", "\\") == visible
    outputs = [node for node in read.nodes.values() if node.text.startswith("output")]
    assert len(outputs) == 1
    assert visible in outputs[0].text


def test_several_tensors_are_drawn_together():
    x = bg.Tensor([2.0], name="x")
    read = Read(draw_graph((x + 1, x * 3)))
    assert sum("output" in node.text for node in read.nodes.values()) == 2
    assert len(read.out_of(read.find("data x"))) == 2


@pytest.mark.parametrize("zoom", ["modules", "tensors"])
def test_a_single_leaf_is_a_drawing_too(zoom):
    assert list(Read(draw_graph(bg.Tensor([1.0]), zoom)).nodes) == ["t0"]


def test_a_title_stands_above():
    assert Read(draw_graph(bg.Tensor([1.0]), title="first try")).title == "first try"
    assert Read(draw_graph(bg.Tensor([1.0]))).title == ""


@pytest.mark.parametrize("root", [3.0, None, ["x"], "loss"])
def test_only_tensors_can_be_drawn(root):
    with pytest.raises(ArgumentError, match="draw_graph draws a tensor"):
        draw_graph(root)


def test_there_must_be_something_to_draw():
    with pytest.raises(ArgumentError, match="is empty"):
        draw_graph([])


def test_an_unknown_zoom_is_named():
    with pytest.raises(ArgumentError, match=r"unknown zoom 'tensor'; did you mean 'tensors'\?"):
        draw_graph(bg.Tensor([1.0]), zoom="tensor")


def test_max_nodes_must_be_positive():
    with pytest.raises(ArgumentError, match="max_nodes must be at least 1, not 0"):
        draw_graph(bg.Tensor([1.0]), max_nodes=0)
