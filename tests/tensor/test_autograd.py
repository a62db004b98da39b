import copy
import gc
import math
import pickle
import threading
import weakref

import pytest
from hypothesis import given

import baregrad as bg
from baregrad import ArgumentError, DTypeError, GradientError, ShapeError, Tensor
from baregrad.tensor import autograd
from baregrad.tensor.graph import scope
from tests.tensor.helpers import broadcastable, close, numbers


def leaf(value, name=None) -> Tensor:
    return Tensor(value, "float64", requires_grad=True, name=name)


# --- the chain rule ---------------------------------------------------------------------------


def test_a_tensor_used_twice_gets_both_gradients():
    a = leaf(3.0)
    b = a + a
    c = b + b
    c.backward()
    assert (a.grad.item(), b.grad.item(), c.grad.item()) == (4.0, 2.0, 1.0)


def test_a_square_written_as_a_product():
    a = leaf(3.0)
    (a * a).backward()
    assert a.grad.item() == 6.0


def test_gradients_wait_for_all_paths_of_a_shared_subgraph():
    x = leaf(2.0)
    shared = x * x  # 4
    y = shared * 3 + shared.exp() * shared  # d/ds = 3 + e^s (s + 1)
    y.backward()
    assert shared.grad.item() == pytest.approx(3 + 5 * math.exp(4))
    assert x.grad.item() == pytest.approx(4 * (3 + 5 * math.exp(4)))


def test_an_exponential_number_of_paths_is_walked_once():
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**60


def test_the_classic_small_graph():
    a, b, c = leaf(2.0), leaf(-3.0), leaf(10.0)
    d = (a * b + c) * leaf(-2.0)
    d.backward()
    assert [x.grad.item() for x in (a, b, c)] == [6.0, -4.0, -2.0]


@given(broadcastable(2))
def test_what_was_broadcast_gets_the_sum_over_its_copies(drawn):
    shape, (left, right) = drawn
    x, y = numbers(left, seed=1), numbers(right, seed=2)
    (x + y).sum().backward()
    assert (x.grad.shape, y.grad.shape) == (left, right)
    assert x.grad.tolist() == bg.full(left, math.prod(shape) / max(x.size, 1), "float64").tolist()
    assert y.grad.tolist() == bg.full(right, math.prod(shape) / max(y.size, 1), "float64").tolist()


# --- backward() -------------------------------------------------------------------------------


def test_backward_adds_to_the_gradients_that_are_there():
    x = leaf([1.0, 2.0])
    for times in (1, 2, 3):
        (x * x).sum().backward()
        assert x.grad.tolist() == [2.0 * times, 4.0 * times]
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_graph_can_be_walked_again():
    x = leaf(3.0)
    y = x * x
    y.backward()
    y.backward()
    assert x.grad.item() == 12.0


def test_the_gradient_that_arrives_can_be_given():
    x = leaf([1.0, 2.0])
    (x * x).backward(Tensor([10.0, 100.0], "float64"))
    assert x.grad.tolist() == [20.0, 400.0]


def test_one_element_of_any_shape_counts_as_a_scalar():
    x = leaf([[3.0]])
    (x * x).backward()
    assert x.grad.tolist() == [[6.0]]


def test_a_leaf_is_its_own_gradient():
    x = leaf(3.0)
    x.backward()
    assert x.grad.item() == 1.0


def test_gradients_have_the_data_type_of_their_tensor():
    single = Tensor([1.0], requires_grad=True)
    double = leaf([2.0])
    (single * double).sum().backward()
    assert (single.grad.dtype, double.grad.dtype) == ("float32", "float64")
    y = single * 2
    y.backward(Tensor([3.0], "float64"))
    assert y.grad.dtype == "float32"


def test_gradients_of_results_along_the_way_are_kept_too():
    x = leaf(2.0)
    y = x * 3
    (y * y).backward()
    assert y.grad.item() == 12.0


def test_integers_bools_and_constants_get_no_gradient():
    x, scale, places = leaf([1.0, 2.0]), Tensor([2.0, 3.0]), Tensor([0, 0])
    mask = x > 1
    (mask.where(x, 0) * scale + x[places]).sum().backward()
    assert [y.grad for y in (scale, places, mask)] == [None] * 3
    assert not mask.requires_grad
    assert x.grad.tolist() == [2.0, 3.0]
    assert not x.astype("int64").requires_grad
    assert not x.argmax().requires_grad


def test_no_two_gradients_are_the_same_tensor():
    a, b = leaf(1.0), leaf(2.0)
    seed = Tensor(1.0, "float64")
    c = a + b
    c.backward(seed)
    a.grad.assign(7.0)
    seed.assign(9.0)
    assert (a.grad.item(), b.grad.item(), c.grad.item()) == (7.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: (x * x).backward(),
            GradientError,
            r"the multiply result of shape \(2,\) is not a scalar. Reduce it first.* shape \(2,\)",
        ),
        (
            lambda x: Tensor([1.0]).backward(),
            GradientError,
            r"the leaf of shape \(1,\) has no gradient: nothing .* requires_grad=True",
        ),
        (
            lambda x: (x > 0).sum().backward(),
            GradientError,
            "the sum result of shape .* no gradient",
        ),
        (
            lambda x: x.backward(Tensor([1.0])),
            ShapeError,
            r"the gradient given has shape \(1,\) and 'x' has \(2,\)",
        ),
        (
            lambda x: x.backward(Tensor([1, 2])),
            DTypeError,
            "the gradient given is int64, not a float",
        ),
        (lambda x: x.backward([1.0, 2.0]), DTypeError, r"must be a Tensor, not \[1.0, 2.0\]"),
    ],
)
def test_backward_refuses_what_has_no_gradient(call, error, message):
    with pytest.raises(error, match=f"^backward: .*{message}"):
        call(leaf([1.0, 2.0], name="x"))


def test_messages_name_the_module_a_tensor_was_made_in():
    with scope("mlp"), scope("layers.0"):
        x = leaf([1.0, 2.0]) * 2
    with pytest.raises(
        GradientError, match=r"the multiply result of shape \(2,\) in mlp.layers.0 is"
    ):
        x.backward()
    assert x.scope == ("mlp", "layers.0")
    assert (x * 2).scope == ()


# --- grad() -----------------------------------------------------------------------------------


def test_grad_returns_gradients_and_leaves_grad_alone():
    x, y = leaf(3.0), leaf(4.0)
    assert [g.item() for g in bg.grad(x * y, [x, y])] == [4.0, 3.0]
    assert bg.grad(x * y, x)[0].item() == 4.0
    assert x.grad is y.grad is None


def test_grad_of_several_outputs_is_that_of_their_sum():
    x = leaf([1.0, 2.0])
    outputs = [(x * x).sum(), x * 10]
    (g,) = bg.grad(outputs, x, [None, Tensor([1.0, 2.0], "float64")])
    assert g.tolist() == [2.0 + 10.0, 4.0 + 20.0]


def test_grad_with_respect_to_a_result():
    x = leaf(2.0)
    y = x * x
    assert bg.grad(y * y * y, y)[0].item() == 48.0


def test_grad_is_zero_where_nothing_depends():
    x, y = leaf([1.0, 2.0]), leaf(3.0)
    (g,) = bg.grad(y * y, x)
    assert (g.tolist(), g.dtype) == ([0.0, 0.0], "float64")


def test_grad_refuses_what_does_not_fit():
    x = leaf(1.0)
    with pytest.raises(GradientError, match=r"grad: 'c' has requires_grad=False"):
        bg.grad(x * x, Tensor(1.0, name="c"))
    with pytest.raises(ArgumentError, match="must be as many as outputs, 1, and are 2"):
        bg.grad(x * x, x, [None, None])
    with pytest.raises(GradientError, match="no gradient: nothing it was made from"):
        bg.grad(Tensor(1.0), x)


# --- higher derivatives -----------------------------------------------------------------------


def derivatives(function, at, count):
    x = leaf(at)
    y = function(x)
    values = []
    for _ in range(count):
        (y,) = bg.grad(y, x, create_graph=True)
        values.append(y.item())
    return values


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (lambda x: x**4, 2.0, [32.0, 48.0, 48.0, 24.0]),
        (lambda x: x.exp(), 0.5, [math.exp(0.5)] * 4),
        (lambda x: x.sin(), 0.5, [math.cos(0.5), -math.sin(0.5), -math.cos(0.5), math.sin(0.5)]),
        (lambda x: x.log(), 2.0, [1 / 2, -1 / 4, 2 / 8, -6 / 16]),
        (lambda x: 1 / x, 2.0, [-1 / 4, 2 / 8, -6 / 16, 24 / 32]),
        (lambda x: x * x * x, 0.0, [0.0, 0.0, 6.0]),
    ],
)
def test_derivatives_up_to_the_fourth(function, at, expected):
    assert close(derivatives(function, at, len(expected)), expected)


def test_third_derivative_of_tanh():
    t = math.tanh(0.3)
    slope = 1 - t * t
    expected = [slope, -2 * t * slope, slope * (6 * t * t - 2)]
    assert close(derivatives(lambda x: x.tanh(), 0.3, 3), expected)


def test_backward_can_record_gradients_for_more():
    x = leaf(3.0)
    (x * x * x).backward(create_graph=True)
    first = x.grad
    assert first.requires_grad
    x.grad = None
    first.backward()
    assert (first.item(), x.grad.item()) == (27.0, 18.0)


def test_without_create_graph_gradients_are_leaves():
    x = leaf(3.0)
    (x * x).backward()
    (x * x).backward()
    assert (x.grad.op, x.grad.requires_grad) == (None, False)
    assert bg.grad(x * x, x)[0].op is None


def test_a_gradient_penalty():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (g,) = bg.grad((w * x * x).sum(), x, create_graph=True)  # 2wx
    (g * g).sum().backward()  # 4w²x²
    assert w.grad.tolist() == [8 * 3 * 1, 8 * 4 * 4]
    assert x.grad.tolist() == [8 * 9 * 1, 8 * 16 * 2]


# --- assignment cannot falsify a gradient -----------------------------------------------------


def test_assigning_after_use_makes_backward_raise():
    x = leaf([1.0, 2.0], name="weight")
    y = (x * x).sum()
    x.assign([3.0, 4.0])
    message = "'weight' was assigned a new value after multiply used the old one.*loss again"
    with pytest.raises(GradientError, match=message):
        y.backward()
    assert x.grad is None


def test_assigning_a_constant_after_use_makes_backward_raise():
    x, c = leaf(1.0), Tensor(2.0, "float64")
    y = x * c
    c.assign(3.0)
    with pytest.raises(GradientError, match="assigned a new value"):
        bg.grad(y, x)


def test_asking_for_a_gradient_after_use_makes_backward_raise():
    x, w = Tensor(3.0, "float64", name="x"), leaf(2.0)
    z = (x * 2) * w + x * w
    x.requires_grad = True
    message = r"'x' was given requires_grad=True after multiply used it.*again, or detach\(\)"
    with pytest.raises(GradientError, match=message):
        z.backward()
    assert (x.grad, w.grad) == (None, None)
    ((x * 2) * w + x * w).backward()
    assert x.grad.item() == 6.0


def test_asking_for_the_gradient_of_what_a_constant_was_made_from_raises():
    x, w = Tensor(3.0), leaf(2.0)
    z = (x * 2) * w  # there is no way back from x * 2 to x
    x.requires_grad = True
    with pytest.raises(GradientError, match="was given requires_grad=True after"):
        bg.grad(z, x)


def test_a_gradient_asked_for_in_time_or_no_longer_does_no_harm():
    x, w = Tensor([3.0, -1.0], "float64"), leaf(2.0)
    y = (x > 0).where(w, 0) * x.detach() + (x * 2).detach() * w
    x.requires_grad = True
    assert bg.grad(y.sum(), w)[0].item() == 3 + 2 * (3 - 1)
    z = (x * w).sum()
    x.requires_grad = True  # as it was
    assert bg.grad(z, x)[0].tolist() == [2.0, 2.0]
    x.requires_grad = False
    assert bg.grad(z, w)[0].item() == 2.0


def test_assigning_before_use_or_elsewhere_does_no_harm():
    x, other = leaf(1.0), leaf(1.0)
    x.assign(3.0)
    y = x * x
    other.assign(5.0)
    y.backward()
    assert x.grad.item() == 6.0


def test_assigning_between_a_gradient_and_its_gradient_raises():
    x, w = leaf(2.0), leaf(3.0)
    (g,) = bg.grad(x * x * w, x, create_graph=True)
    w.assign(4.0)
    with pytest.raises(GradientError, match="assigned a new value"):
        bg.grad(g, x)


def test_assigning_to_what_was_copied_into_another_data_type_does_no_harm():
    x, c = leaf(1.0), Tensor(2.0)
    y = x * c  # multiplies by a float64 copy of c
    c.assign(3.0)
    assert bg.grad(y, x)[0].item() == 2.0


def test_assigning_to_what_a_detached_copy_came_from_does_no_harm():
    x, w = leaf(2.0), leaf(3.0)
    y = x * w.detach()
    w.assign(10.0)
    y.backward()
    assert x.grad.item() == 3.0


# --- no_grad ----------------------------------------------------------------------------------


def test_within_no_grad_nothing_is_recorded():
    x = leaf(2.0)
    with bg.no_grad():
        y = x * x
        assert x.requires_grad
    assert (y.op, y.parents, y.requires_grad, y.item()) == (None, (), False, 4.0)
    assert (x * x).requires_grad


def test_recording_goes_on_after_an_error_and_after_nesting():
    x = leaf(2.0)
    with pytest.raises(ShapeError), bg.no_grad(), bg.no_grad():
        Tensor([1.0, 2.0]) + Tensor([1.0, 2.0, 3.0])
    assert (x * x).requires_grad


def test_a_result_made_within_no_grad_says_why_it_has_no_gradient():
    with bg.no_grad():
        y = leaf(2.0) * 2
    with pytest.raises(GradientError, match=r"or it was made within no_grad\(\)"):
        y.backward()


def test_no_grad_holds_in_its_own_thread_only():
    inside, done = threading.Event(), threading.Event()
    seen = {}

    def other():
        inside.wait(60)
        seen["requires_grad"] = (leaf(1.0) * 2).requires_grad
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with bg.no_grad():
        inside.set()
        assert done.wait(60)
        assert not (leaf(1.0) * 2).requires_grad
    thread.join()
    assert seen == {"requires_grad": True}


def test_threads_can_train_beside_each_other():
    results = {}

    def train(number):
        x = leaf(float(number))
        for _ in range(50):
            (x * x).backward()
        results[number] = x.grad.item()

    threads = [threading.Thread(target=train, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: 100.0 * number for number in range(4)}


# --- graphs -----------------------------------------------------------------------------------


def test_parents_come_before_children_each_once():
    a, b = leaf(1.0, "a"), leaf(2.0, "b")
    c = a * b
    d = c + a
    e = d * c
    order = autograd.topological_order([e])
    assert sorted(map(id, order)) == sorted(map(id, [a, b, c, d, e]))
    place = {node: i for i, node in enumerate(order)}
    assert all(place[parent] < place[node] for node in order for parent in node.parents)
    assert order[0] is a
    assert autograd.topological_order([c, e, c])[-1] is e


def test_a_chain_of_100_000_operations():
    x = leaf(2.0)
    y = x
    for _ in range(100_000):
        y = -y
    assert y.item() == 2.0
    middle = weakref.ref(y.parents[0].parents[0])
    y.backward()
    assert x.grad.item() == 1.0
    del y
    gc.collect()
    assert middle() is None


def test_a_chain_is_freed_without_the_garbage_collector():
    y = leaf(2.0) * 3
    last = weakref.ref(y)
    z = y.exp()
    gc.disable()
    try:
        z.backward()
        del y, z
        assert last() is None
    finally:
        gc.enable()


def test_a_copy_of_a_chain_of_10_000_operations_is_as_deep():
    x = leaf(2.0)
    y = x
    for _ in range(10_000):
        y = -y
    copied, of_x = copy.deepcopy([y, x])
    copied.backward()
    assert (copied.item(), of_x.grad.item(), x.grad) == (2.0, 1.0, None)


def test_a_gradient_is_copied_with_its_graph():
    x = leaf(3.0)
    (x**3).backward(create_graph=True)
    copied = copy.deepcopy(x)
    assert copied.grad is not x.grad
    assert bg.grad(copied.grad, copied)[0].item() == 18.0


def test_a_result_is_pickled_without_its_graph():
    y = leaf(2.0) * 3
    with pytest.raises(GradientError, match=r"a result of multiply cannot be pickled.*detach\(\)"):
        pickle.dumps({"losses": [y]})
    assert pickle.loads(pickle.dumps(y.detach())).item() == 6.0


def test_a_copied_graph_was_made_by_the_same_operations():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    loss = (x.T @ x).sum()
    copied = copy.deepcopy(loss)
    assert copied.op is loss.op
    copied.backward()
    (found,) = [n for n in autograd.topological_order([copied]) if n.op is None and n.requires_grad]
    loss.backward()
    assert x.grad is not None
    assert found.grad.tolist() == x.grad.tolist()
