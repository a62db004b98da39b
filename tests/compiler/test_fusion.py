"""What is fused with what, and how many kernels are left."""

from itertools import product
from math import prod

import pytest
from fused_programs import assert_exact, fused_step, kinds, mlp_program
from hypothesis import given, settings
from hypothesis import strategies as st

import baregrad as bg
from baregrad import Tensor, losses
from baregrad.compiler.capture import capture
from baregrad.compiler.fusion import fuse, in_execution_order
from baregrad.compiler.fusion_views import linear_step, reshaped_steps
from baregrad.compiler.kernel import (
    COLUMNS,
    FULL,
    ROWS,
    Access,
    Accumulator,
    Apply,
    Buffer,
    Contraction,
    Load,
    Map,
    Reduce,
    Store,
    buffers_read,
    buffers_written,
    late_nodes,
)
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.simplify import simplify
from baregrad.engines.array import offsets, strides


def ops(kernel):
    return [node.op for node in kernel.nodes if isinstance(node, Apply)]


def reductions(kernel):
    return [(node.op, node.over) for node in kernel.nodes if isinstance(node, Reduce)]


def contractions(fused):
    return [kernel for kernel in fused.kernels if isinstance(kernel, Contraction)]


def copied(source, target):
    """A kernel that copies one number from one buffer to another."""
    buffers = [Buffer(number, "float32", 1, "") for number in (source, target)]
    load = Load(buffers[0], Access(0, 0), 0, "float32")
    return Map(1, 1, [load], [Store(0, buffers[1], Access(0, 0))])


def only(fused):
    (kernel,) = fused.kernels
    return kernel


# --- a training step --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def regression():
    """8-64-64-1, relu, MSE, Adam, batch of 64."""
    program, model = mlp_program()
    return program, model, fuse(program)


def test_a_training_step_has_few_kernels(regression):
    _, _, fused = regression
    # three products forward, two back, three of weights; 1 - βᵗ; two biases; the last and the loss
    assert kinds(fused) == {"Contraction": 8, "Map": 3}


def test_bias_and_activation_follow_the_product(regression):
    first = contractions(regression[2])[0]
    assert (first.rows, first.columns, first.depth) == (64, 64, 8)
    assert ops(first) == ["add", "less_equal", "where"]
    assert len(first.stores) == 1


def test_the_update_of_a_weight_follows_its_gradient_which_is_not_kept(regression):
    _, model, fused = regression
    weight = model.layers[1].weight
    (writer,) = [
        k for k in fused.kernels if isinstance(k, Contraction) and stores(k, weight, fused)
    ]
    assert len(writer.stores) == 3  # the weight and Adam's two means
    assert isinstance(writer.nodes[writer.stores[0].node], Apply)
    kept = {*fused.inputs.values(), *fused.writes.values()}
    temporaries = [buffer for buffer in fused.buffers if buffer not in kept]
    # two layers' activations and their gradients, the error and its gradient, 1 - βᵗ, the loss
    assert sorted(b.size for b in temporaries) == [1, 1, 1, 64, 64, 4096, 4096, 4096, 4096]


def stores(kernel, tensor, fused):
    return fused.writes[tensor] in {store.buffer for store in kernel.stores}


def test_the_mask_of_a_relu_is_had_from_its_result(regression):
    fused = regression[2]
    assert all(buffer.dtype == "float32" for buffer in fused.buffers)
    first, second, *_, backward = contractions(fused)[:5]
    assert ops(backward) == ["less_equal", "where"]
    (load,) = (node for node in backward.nodes if isinstance(node, Load))
    assert load.buffer in {first.stores[0].buffer, second.stores[0].buffer}


def test_a_weight_is_read_before_it_is_updated(regression):
    fused = regression[2]
    assert len(fused.updates) == 18
    for old, new in fused.updates:
        readers = [i for i, k in enumerate(fused.kernels) if old in buffers_read(k)]
        (writer,) = (
            i
            for i, kernel in enumerate(fused.kernels)
            if new in {store.buffer for store in kernel.stores}
        )
        assert max(readers) == writer


def test_what_is_expensive_and_the_same_for_all_parameters_is_computed_once(regression):
    (kernel,) = [kernel for kernel in regression[2].kernels if "expm1" in ops(kernel)]
    assert (kernel.rows, kernel.columns) == (1, 1)
    assert ops(kernel).count("expm1") == 2


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_gradients_of_activations_of_their_result_keep_nothing_more(activation):
    program, _ = mlp_program((3, 5, 7, 2), 4, activation, bg.SGD)
    fused = fuse(program)
    kept = {*fused.inputs.values(), *fused.writes.values()}
    sizes = sorted(buffer.size for buffer in fused.buffers if buffer not in kept)
    error, gradient = 8, 8
    assert sizes == sorted([20, 28, 20, 28, error, gradient, 1])


def test_softmax_cross_entropy_is_one_kernel_forward_and_backward():
    fused = fused_step(lambda x, t: bg.grad(losses.cross_entropy(x, t), x)[0], *classes())
    kernel = only(fused)
    assert (kernel.rows, kernel.columns) == (6, 4)
    assert sorted(reductions(kernel)) == [("max", COLUMNS), ("sum", COLUMNS), ("sum", COLUMNS)]


def classes():
    logits = bg.ones(6, 4)
    logits.requires_grad = True
    return logits, Tensor([0, 1, 2, 3, 0, 1])


def test_a_row_sum_of_inputs_alone_joins_the_kernel_that_needs_it():
    def step(x, weights, y):
        return (y.sum(axis=1, keepdims=True) / (x @ weights).exp().sum(axis=1, keepdims=True)).sum()

    shapes = [(9, 5), (5, 3), (9, 3)]
    fused = fused_step(step, *[bg.rand(*shape) for shape in shapes])
    assert kinds(fused) == {"Contraction": 1, "Map": 1}


def test_a_row_sum_of_inputs_alone_that_is_needed_twice_has_its_own_kernel():
    def step(x, weights, y):
        total = y.sum(axis=1, keepdims=True)
        first = total / (x @ weights).exp().sum(axis=1, keepdims=True)
        return first.sum(), (total * first.sum()).max()

    shapes = [(9, 5), (5, 3), (9, 3)]
    fused = fused_step(step, *[bg.rand(*shape) for shape in shapes])
    assert len([k for k in fused.kernels if reductions(k) == [("sum", COLUMNS)]]) == 1


def test_layer_normalisation_follows_its_product_in_one_kernel():
    layer, norm = bg.Linear(3, 5, seed=0), bg.LayerNorm(5)
    fused = fused_step(lambda x: norm(layer(x)).relu(), bg.ones(4, 3))
    assert kinds(fused) == {"Contraction": 1, "Map": 1}
    assert reductions(fused.kernels[1]) == [("sum", COLUMNS)] * 2


def test_batch_normalisation_needs_a_kernel_for_each_pass_over_the_batch():
    norm = bg.BatchNorm1d(5)
    fused = fused_step(lambda x: norm(x).relu(), bg.ones(4, 5))
    assert [reductions(kernel) for kernel in fused.kernels] == [
        [("sum", ROWS)],
        [("sum", ROWS)],
        [],
    ]


# --- maps -------------------------------------------------------------------------------------


def test_element_wise_operations_are_a_single_row():
    kernel = only(fused_step(lambda x: (x * 2).tanh() + x, bg.ones(3, 5)))
    assert (kernel.rows, kernel.columns) == (1, 15)


def test_a_full_reduction_of_element_wise_operations_is_a_single_row():
    kernel = only(fused_step(lambda x: ((x * x).sum() * 2, x.exp().max()), bg.ones(3, 5)))
    assert (kernel.rows, kernel.columns) == (1, 15)
    assert reductions(kernel) == [("sum", COLUMNS), ("max", COLUMNS)]
    assert not any(late_nodes(kernel))


def test_broadcast_and_transposed_operands_are_read_where_they_lie():
    def step(x, row, column, scalar, transposed):
        return x + row + column.unsqueeze(1) + scalar + transposed.T

    arguments = bg.ones(3, 5), bg.ones(5), bg.ones(3), bg.ones(), bg.ones(5, 3)
    kernel = only(fused_step(step, *arguments))
    assert (kernel.rows, kernel.columns) == (3, 5)
    accesses = [tuple(node.access) for node in kernel.nodes if isinstance(node, Load)]
    assert sorted(accesses) == [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 3, 0), (5, 1, 0)]
    extents = [node.extent for node in kernel.nodes if isinstance(node, Load)]
    assert sorted(extents) == [0, ROWS, COLUMNS, FULL, FULL]


def test_a_slice_is_read_where_it_lies():
    kernel = only(fused_step(lambda x: x[1::2, 2:5].exp(), bg.ones(5, 7)))
    (load,) = (node for node in kernel.nodes if isinstance(node, Load))
    assert tuple(load.access) == (14, 1, 9)


def test_a_slice_that_is_reshaped_is_read_where_it_lies():
    kernel = only(fused_step(lambda x: x[:, :4].reshape(3, 2, 2).exp(), bg.ones(3, 7)))
    (load,) = (node for node in kernel.nodes if isinstance(node, Load))
    assert (kernel.rows, kernel.columns, tuple(load.access)) == (3, 4, (7, 1, 0))


def test_a_slice_of_what_is_computed_is_read_from_memory():
    fused = fused_step(lambda x: (x * 2)[1:].exp(), bg.ones(5))
    assert [ops(kernel) for kernel in fused.kernels] == [["multiply"], ["exp"]]


def test_several_leading_axes_are_rows():
    kernel = only(fused_step(lambda x: x.softmax(), bg.ones(2, 3, 5)))
    assert (kernel.rows, kernel.columns) == (6, 5)


def test_several_last_axes_can_be_the_columns():
    kernel = only(fused_step(lambda x: x - x.mean((1, 2), keepdims=True), bg.ones(2, 3, 5)))
    assert (kernel.rows, kernel.columns) == (2, 15)


def test_a_result_for_each_column_is_used_in_the_next_kernel():
    fused = fused_step(lambda x: x - x.sum(0), bg.ones(3, 5))
    first, second = fused.kernels
    assert reductions(first) == [("sum", ROWS)]
    assert late_nodes(first) == [False, True]
    assert reductions(second) == []


def test_what_is_late_is_finished_in_the_same_kernel():
    kernel = only(fused_step(lambda x, y: y - 0.1 * x.sum(0), bg.ones(3, 5), bg.ones(5)))
    (store,) = kernel.stores
    assert late_nodes(kernel)[store.node]
    assert tuple(store.access) == (0, 1, 0)


def test_row_and_column_sums_of_a_square_matrix_are_not_confused():
    fused = fused_step(lambda x: x.sum(0) + x.sum(1), bg.ones(3, 3))
    assert kinds(fused) == {"Map": 2}


def test_a_reduction_is_computed_once_with_and_without_its_axes():
    kernel = only(fused_step(lambda x: (x.sum(1), x / x.sum(1, keepdims=True)), bg.ones(3, 5)))
    assert reductions(kernel) == [("sum", COLUMNS)]


def test_reductions_of_the_same_array_share_a_kernel():
    assert reductions(only(fused_step(lambda x: (x.sum(0), x.sum(1), x.sum()), bg.ones(3, 5)))) == [
        ("sum", ROWS),
        ("sum", COLUMNS),
        ("sum", FULL),
    ]


def test_a_reduction_over_axes_of_size_one_costs_nothing():
    kernel = only(fused_step(lambda x: x.exp().sum(1), bg.ones(3, 1)))
    assert reductions(kernel) == []


# --- contractions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("multiply", "left", "right"),
    [
        (lambda x, y: x @ y, (5, 1), (5, 1)),
        (lambda x, y: x.T @ y, (1, 5), (5, 1)),
        (lambda x, y: x @ y.T, (5, 1), (1, 5)),
        (lambda x, y: x.T @ y.T, (1, 5), (1, 5)),
        (lambda x, y: (x @ y).T, (1, 5), (1, 5)),
        (lambda x, y: (x.T @ y).T.exp(), (1, 5), (5, 1)),
        (lambda x, y: x[1:4, :3] @ y[:3], (5, 1), (5, 1)),
    ],
)
def test_products_read_transposes_and_slices_where_they_lie(multiply, left, right):
    kernel = only(fused_step(multiply, bg.ones(5, 5), bg.ones(5, 5)))
    assert isinstance(kernel, Contraction)
    assert (tuple(kernel.left.access)[:2], tuple(kernel.right.access)[:2]) == (left, right)


@pytest.mark.parametrize(
    "operand",
    [
        lambda x: x.exp(),
        lambda x: x[:, ::2].expand(2, 3, 2)[0],
        lambda x: x.sum().expand(3, 4),
        lambda x: bg.full((3, 4), 2.0),
    ],
)
def test_an_operand_that_is_no_matrix_in_memory_is_made_one_first(operand):
    fused = fused_step(lambda x, y: operand(x) @ y[: operand(bg.ones(3, 4)).shape[1]], *matrices())
    assert isinstance(fused.kernels[-1], Contraction)
    assert kinds(fused)["Contraction"] == 1
    assert kinds(fused)["Map"] >= 1


def matrices():
    return bg.ones(3, 4), bg.ones(4, 5)


def test_a_transposed_product_that_is_used_both_ways_is_computed_once():
    fused = fused_step(lambda x: (x @ x, (x @ x).T.exp()), bg.ones(3, 3))
    assert kinds(fused) == {"Contraction": 1, "Map": 1}


def test_the_sum_of_two_products_is_in_the_epilogue_of_the_second():
    first, second = fused_step(lambda x: x @ x + x.T @ x, bg.ones(3, 3)).kernels
    assert [ops(first), ops(second)] == [[], ["add"]]
    assert sum(isinstance(node, Accumulator) for node in second.nodes) == 1


def test_a_value_between_two_products_does_not_join_the_first_if_it_needs_the_second():
    def step(x):
        y = x @ x
        return y + (y @ x)

    first, second = fused_step(step, bg.ones(3, 3)).kernels
    assert [ops(first), ops(second)] == [[], ["add"]]


def test_other_rows_than_those_of_the_product_begin_a_new_kernel():
    fused = fused_step(lambda x, b: (x @ x.T).reshape(8, 2) + b, bg.ones(4, 3), bg.ones(2))
    assert kinds(fused) == {"Contraction": 1, "Map": 1}


def test_a_kernel_waits_for_what_those_that_need_it_did_not_wait_for_before():
    def step(x, y):
        early = x @ x
        middle = (x @ y).softmax()
        return early, middle @ y, middle * early

    kernels = fused_step(step, bg.ones(3, 3), bg.ones(3, 3)).kernels
    assert [type(kernel).__name__ for kernel in kernels] == [
        "Contraction",
        "Contraction",
        "Map",
        "Contraction",
    ]
    assert "multiply" in ops(kernels[2])


# --- index and reference kernels --------------------------------------------------------------


def test_rows_are_taken_and_added_up_by_index_kernels():
    def step(table, rows):
        taken = table.exp().take(rows)
        return bg.grad((taken * taken).sum(), table)[0]

    table = bg.ones(7, 3)
    table.requires_grad = True
    fused = fused_step(step, table, Tensor([1, 2, 1]))
    index = [kernel for kernel in fused.kernels if type(kernel).__name__ == "Index"]
    assert [(k.op, k.rows, k.columns) for k in index] == [("take", 7, 3), ("scatter_add", 3, 3)]


@pytest.mark.parametrize(("axis", "expected"), [(None, (1, 6)), (-1, (2, 3)), (0, (3, 2))])
def test_the_place_of_the_largest_is_found_in_rows(axis, expected):
    *copies, kernel = fused_step(lambda x: x.argmax(axis), bg.ones(2, 3)).kernels
    assert (kernel.rows, kernel.columns) == expected
    assert len(copies) == (axis == 0)


@pytest.mark.parametrize(
    ("step", "shapes", "expected"),
    [
        (lambda x, y: x @ y, [(2, 3, 3), (2, 3, 3)], {"Batch": 1}),
        (lambda x, y: x @ y, [(2, 3, 3), (3, 3)], {"Contraction": 1}),
        (lambda x, y: x @ y, [(3, 3), (2, 3, 3)], {"Batch": 1}),
        (lambda x, y: x @ y.mT, [(2, 1, 3, 3), (4, 3, 3)], {"Copy": 2, "Batch": 1}),
        (lambda x, y: x + y, [(0, 3), (3,)], {}),
        (lambda x, y: x @ y, [(2, 0), (0, 3)], {"Map": 1}),
        (lambda x, y: x[:0, :3].flatten() + y, [(2, 5), (1,)], {}),
        (lambda x, y: bg.concat([x, y]), [(2, 3), (1, 3)], {"Copy": 1}),
        (lambda x, y: bg.concat([x, y]), [(0, 3), (1, 3)], {"Map": 1}),
        (lambda x, y: x + y, [(2, 3, 5), (3, 1)], {"Copy": 1, "Map": 1}),
        (lambda x, y: (x + y).sum(1), [(2, 3, 5), (2, 3, 5)], {"Map": 2, "Copy": 1}),
        (lambda x, y: (x * y).permute(2, 1, 0), [(2, 3, 5), (5,)], {"Map": 1, "Copy": 1}),
        (lambda x, y: x.take(Tensor([0, 2]), 1), [(2, 3), (2, 2)], {"Map": 2, "Index": 1}),
    ],
)
def test_what_a_single_kernel_cannot_read_is_brought_in_order_first(step, shapes, expected):
    assert kinds(fused_step(step, *(bg.ones(*shape) for shape in shapes))) == expected


def test_integers_are_compared_and_chosen_by_kernels():
    def step(x, labels):
        return ((x.argmax(1) == labels).where(labels, 7), labels <= 3)

    fused = fused_step(step, bg.ones(2, 3), Tensor([1, 2]))
    assert kinds(fused) == {"Index": 1, "Map": 1} or kinds(fused) == {"Index": 1, "Map": 2}


# --- nothing more than needed -----------------------------------------------------------------


def test_a_program_of_nothing_has_no_kernels():
    fused = fused_step(lambda x: None, bg.ones(3))
    assert fused.kernels == []
    assert [buffer.name for buffer in fused.buffers] == ["argument 0"]


def test_what_is_returned_unchanged_is_copied():
    x = bg.ones(2, 3)
    assert [ops(k) for k in fused_step(lambda x: (x, x.T), x).kernels] == [[], []]


def test_every_result_has_a_buffer_of_its_own():
    tensor = bg.ones(3)

    def step(x):
        y = x.exp()
        tensor.assign(y)
        return y, y, y.reshape(3, 1), y.sum(), y.sum()

    fused = fused_step(step, bg.ones(3))
    assert len({*fused.results, *fused.writes.values()}) == 6


def test_an_expensive_operation_of_inputs_is_computed_once_for_all():
    def step(x, y):
        scale = y.exp()
        return (x @ x) * scale, (x @ x.T) * scale

    fused = fused_step(step, bg.ones(3, 3), bg.ones(3))
    assert sum(ops(kernel).count("exp") for kernel in fused.kernels) == 1


def test_expensive_scalars_with_a_vector_between_them_are_not_computed_together():
    def step(x, row):
        inverse = 1 / x
        scaled = inverse * row
        return inverse, scaled, (scaled[:1] + scaled[1:]) / x

    arguments = bg.full((1,), 2.0), Tensor([3.0, 5.0])
    assert_exact(simplify(capture(step, *arguments)), *arguments)


def test_kernels_that_need_each_other_are_refused():
    with pytest.raises(UnsupportedKernelError, match="in a circle"):
        in_execution_order([copied(0, 1), copied(1, 0)], [])


def test_an_expensive_scalar_that_one_kernel_needs_is_computed_there():
    assert ops(only(fused_step(lambda x, s: x * s.exp(), bg.ones(3), bg.ones()))) == [
        "exp",
        "multiply",
    ]


def test_an_operation_of_inputs_that_another_space_cannot_read_has_a_kernel_of_its_own():
    def step(x, y):
        return (x + y).max(2)

    first, second = fused_step(step, bg.ones(2, 3, 5), bg.ones(2, 1, 1)).kernels
    assert [(k.rows, k.columns) for k in (first, second)] == [(2, 15), (6, 5)]


def test_the_mask_of_another_threshold_is_kept_or_computed_from_what_it_compares():
    def step(x, y):
        z = x @ y
        active = z <= 1
        return active.where(0, z) @ y * active.where(0.0, 1.0)

    first, second = fused_step(step, bg.ones(3, 3), bg.ones(3, 3)).kernels
    assert len(first.stores) == 2
    assert "less_equal" in ops(second)


@pytest.mark.parametrize(("below", "kept"), [(0, 1), (-1.5, 1), (0.5, 2)])
def test_the_mask_is_had_from_the_result_only_if_that_is_never_positive_below(below, kept):
    def step(x, y):
        z = x @ y
        active = z <= 0
        return active.where(below, z) @ y * active.where(0.0, 1.0)

    first, second = fused_step(step, bg.ones(3, 3), bg.ones(3, 3)).kernels
    assert len(first.stores) == kept
    assert ops(second) == ["less_equal", "where", "multiply"]


def test_a_cheap_operation_of_inputs_is_computed_where_it_is_needed():
    def step(x, y):
        scale = y * 0.5
        return (x @ x) * scale, (x @ x.T) * scale

    fused = fused_step(step, bg.ones(3, 3), bg.ones(3))
    assert kinds(fused) == {"Contraction": 2}


# --- strides ----------------------------------------------------------------------------------

SHAPES = st.lists(st.integers(1, 4), max_size=4).map(tuple)


@st.composite
def strided(draw):
    """A shape, and the steps of a permuted and partly repeated array."""
    shape = draw(SHAPES)
    dense = strides(shape)
    order = draw(st.permutations(range(len(shape))))
    kept = [draw(st.sampled_from([1, 1, 1, 0])) for _ in shape]
    return tuple(shape[a] for a in order), tuple(
        dense[a] * keep for a, keep in zip(order, kept, strict=True)
    )


@settings(deadline=None, max_examples=60, derandomize=True)
@given(strided())
def test_a_linear_step_reaches_the_same_elements(array):
    shape, steps = array
    expected = offsets(shape, steps)
    step = linear_step(shape, steps)
    found = {s for s in range(prod(shape) + 65) if [s * i for i in range(prod(shape))] == expected}
    assert step in found if found else step is None


@settings(deadline=None, max_examples=60, derandomize=True)
@given(strided(), st.data())
def test_reshaped_steps_reach_the_same_elements(array, data):
    shape, steps = array
    total = prod(shape)
    shapes = [
        s
        for n in range(4)
        for s in product([1, 2, 3, 4, 6, 8, 9, 12, 16], repeat=n)
        if prod(s) == total
    ]
    if not shapes:
        return
    new = data.draw(st.sampled_from(shapes))
    expected = offsets(shape, steps)
    # if there are steps at all, they lead from the first element to the next along each axis
    dense = strides(new)
    right = tuple(expected[dense[a]] if size > 1 else 0 for a, size in enumerate(new))
    found = reshaped_steps(shape, steps, new)
    assert found == (right if offsets(new, right) == expected else None)


def test_a_number_that_results_of_several_sizes_need_is_stored_for_them():
    def step(p, q, rate, count):
        weight = rate / (count * 0.5).expm1()
        return p * weight, q * weight

    fused = fused_step(step, bg.ones(20, 30), bg.ones(1), Tensor(0.5), Tensor(1.0))
    written = {buffer for kernel in fused.kernels for buffer in buffers_written(kernel)}
    needed = {buffer for kernel in fused.kernels for buffer in buffers_read(kernel)}
    assert needed <= written | set(fused.inputs.values())
