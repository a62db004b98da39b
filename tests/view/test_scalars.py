"""The zoom "scalars": every number, and each neuron's products, sum and activation."""

import pytest

import baregrad as bg
from baregrad.nn.mlp import MLP
from baregrad.tensor.custom import with_gradient
from baregrad.view.elements import sources
from baregrad.view.graph import draw_graph
from tests.view.reading import Read


def scalars(root):
    drawing = draw_graph(root, zoom="scalars")
    assert drawing.folded is None
    return Read(drawing)


def value(read, name, word="value"):
    return float(read.nodes[name].numbers(word)[0])


def heading(read, name):
    return read.nodes[name].rows[0][0]


def test_a_network_is_drawn_neuron_by_neuron():
    model = MLP(3, [2, 3, 1], seed=0)
    x = bg.Tensor([1.0, 2.0, 3.0], name="x")
    output = model(x)
    output.sum().backward()
    read = scalars(output)
    headings = [heading(read, name) for name in read.nodes]
    assert headings.count("×") == 3 * 2 + 2 * 3 + 3 * 1
    assert headings.count("Σ") == 2 + 3 + 1
    assert headings.count("tanh") == 2 + 3
    assert sum("parameter" in text for text in headings) == 21
    assert headings.count("output +") == 1


def test_a_neuron_is_products_a_sum_a_bias_and_an_activation():
    layer = MLP(2, [2, 1], seed=0).layers[0]
    x = bg.Tensor([1.5, -2.0], name="x")
    hidden = layer(x)
    hidden.sum().backward()
    read = scalars(hidden)
    for neuron in range(2):
        weights = [read.find(f"weight[{neuron}, {i}]") for i in range(2)]
        products = [read.out_of(name)[0] for name in weights]
        for i, product in enumerate(products):
            assert set(read.into(product)) == {weights[i], read.find(f"x[{i}]")}
            w = layer.weight.array.data[2 * neuron + i]
            assert value(read, product) == pytest.approx(w * x.array.data[i], rel=5e-4)
        (total,) = read.out_of(products[0])
        assert read.into(total) == products
        (biased,) = read.out_of(total)
        assert set(read.into(biased)) == {total, read.find(f"bias[{neuron}]")}
        (active,) = read.out_of(biased)
        assert heading(read, active) == "output tanh"
        assert value(read, active) == pytest.approx(hidden.array.data[neuron], rel=5e-4)
        bias_gradient = layer.bias.grad.array.data[neuron]
        for name in (*products, total, biased):
            assert value(read, name, "grad") == pytest.approx(bias_gradient, rel=5e-4)
        for i, name in enumerate(weights):
            expected = layer.weight.grad.array.data[2 * neuron + i]
            assert value(read, name, "grad") == pytest.approx(expected, rel=5e-4)


def test_elements_that_only_move_keep_their_node():
    x = bg.Tensor([[1.0, 2.0], [3.0, 4.0]], name="x")
    moved = bg.concat([x.T.reshape(4)[1:3], x.take([1, 0], 1).flatten()])
    read = scalars(moved.exp())
    assert len(read.nodes) == 4 + 2 + 6  # x, the indices and the results
    results = [name for name in read.nodes if heading(read, name) == "output exp"]
    origins = [value(read, read.into(name)[0]) for name in results]
    assert origins == moved.tolist() == [3.0, 2.0, 2.0, 1.0, 4.0, 3.0]


def test_a_moved_output_is_marked_where_it_is():
    x = bg.Tensor([1.0, 2.0], name="x")
    read = scalars((x * 2).reshape(2, 1))
    assert [heading(read, name) for name in read.nodes].count("output × 2") == 2


def test_broadcast_operands_are_shared():
    x = bg.Tensor([[1.0, 2.0], [3.0, 4.0]], name="x")
    b = bg.Tensor([10.0, 20.0], name="b")
    read = scalars(x + b)
    assert len(read.out_of(read.find("b[0]"))) == 2
    results = [name for name in read.nodes if "output" in heading(read, name)]
    for name in results:
        assert value(read, name) == sum(value(read, parent) for parent in read.into(name))
    assert [value(read, name) for name in results] == [11.0, 22.0, 13.0, 24.0]


def test_a_reduction_has_arrows_from_what_it_reduces():
    x = bg.Tensor([[1.0, 2.0], [3.0, 4.0]], name="x")
    read = scalars(x.sum(0))
    totals = [name for name in read.nodes if "Σ" in heading(read, name)]
    assert [[value(read, parent) for parent in read.into(name)] for name in totals] == [
        [1.0, 3.0],
        [2.0, 4.0],
    ]
    read = scalars(x.max(1, keepdims=True))
    largest = [name for name in read.nodes if "max" in heading(read, name)]
    assert [[value(read, parent) for parent in read.into(name)] for name in largest] == [
        [1.0, 2.0],
        [3.0, 4.0],
    ]


def test_constants_are_written_into_the_operation_of_each_element():
    x = bg.Tensor([1.0, 2.0], name="x")
    read = scalars(3 - x)
    assert [heading(read, name) for name in read.nodes] == [
        "data x[0]",
        "data x[1]",
        "output 3 −",
        "output 3 −",
    ]


def test_order_is_numbered_where_it_matters():
    x, y = bg.Tensor(1.0, name="x"), bg.Tensor(2.0, name="y")
    labels = {edge[0]: edge[3] for edge in scalars(x - y).edges}
    assert 'headlabel="1"' in labels["t0_0"]
    assert 'headlabel="2"' in labels["t1_0"]


def test_an_operation_from_elsewhere_is_one_node():
    @with_gradient(lambda g, y, x: g)
    def mixed(x):
        return x[::-1] * 2

    x = bg.Tensor([1.0, 2.0], name="x", requires_grad=True)
    read = scalars(mixed(x) * x)
    inside = read.find("mixed")
    assert set(read.into(inside)) == {read.find("x[0]"), read.find("x[1]")}
    assert [value(read, name) for name in read.out_of(inside)] == [4.0, 2.0]


def test_an_elementwise_operation_of_ones_own_is_drawn_by_elements():
    cube = bg.elementwise("cube", lambda x: x**3, lambda g, y, x: g * 3 * x**2)
    x = bg.Tensor([2.0, 3.0], name="x")
    read = scalars(cube(x))
    assert [len(read.into(name)) for name in read.nodes] == [0, 0, 1, 1]


def test_a_name_stands_before_the_operation():
    x = bg.Tensor([2.0], name="x")
    y = x.exp()
    y.name = "y"
    read = scalars(y)
    assert heading(read, read.find("y[0]")) == "output y[0]: exp"


def test_values_and_gradients_can_be_left_out():
    x = bg.Tensor([2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward()
    dot = draw_graph(y, zoom="scalars", values=False, gradients=False).dot
    assert ">value<" not in dot
    assert ">grad<" not in dot


# --- where elements come from -----------------------------------------------------------------


def test_the_factors_of_a_matrix_product():
    a, b = bg.arange(6).reshape(2, 3).detach(), bg.arange(12).reshape(3, 4).detach()
    product = a @ b
    for element, factors in zip(product.array.data, sources(product), strict=True):
        numbers = [product.parents[operand].array.data[place] for operand, place in factors]
        assert element == sum(x * y for x, y in zip(numbers[::2], numbers[1::2], strict=True))
        assert [operand for operand, _ in factors] == [0, 1] * 3


def test_the_factors_of_a_batch_of_matrix_products():
    a = bg.arange(12).reshape(3, 1, 2, 2).detach()
    b = bg.arange(8).reshape(2, 2, 2).detach()
    product = a @ b
    assert product.shape == (3, 2, 2, 2)
    for element, factors in zip(product.array.data, sources(product), strict=True):
        numbers = [product.parents[operand].array.data[place] for operand, place in factors]
        assert element == numbers[0] * numbers[1] + numbers[2] * numbers[3]


x = bg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (x.T, [0, 3, 1, 4, 2, 5]),
        (x.reshape(3, 2), [0, 1, 2, 3, 4, 5]),
        (x.slice(((1, 1, 1), (2, -1, 2))), [5, 4]),
        (x[:1].expand(2, 3), [0, 1, 2, 0, 1, 2]),
        (x.take([1, 1], 1), [1, 1, 4, 4]),
        (x.exp(), [0, 1, 2, 3, 4, 5]),
        (x.astype("int64"), [0, 1, 2, 3, 4, 5]),
    ],
)
def test_sources_of_a_result_of_one_operand(result, expected):
    assert sources(result) == [[(0, place)] for place in expected]


def test_sources_of_a_concatenation():
    assert sources(bg.concat([x[:, :1].detach(), x], axis=1)) == [
        [(0, 0)],
        [(1, 0)],
        [(1, 1)],
        [(1, 2)],
        [(0, 1)],
        [(1, 3)],
        [(1, 4)],
        [(1, 5)],
    ]


def test_the_gradient_of_a_gradient_can_be_drawn():
    w = bg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    (gradient,) = bg.grad(w[0] ** 3, w, create_graph=True)
    read = scalars(gradient)
    assert read.into(read.find("unslice"))
