import math
import operator
import sys

import pytest
from hypothesis import given

import baregrad as bg
from baregrad import DTypeError, GradientError, ShapeError, Tensor
from tests.tensor.helpers import nested, same, shapes


def test_a_leaf_knows_that_nothing_made_it():
    x = Tensor([[1.0, 2.0, 3.0]], name="x", requires_grad=True)
    assert (x.shape, x.ndim, x.size, x.dtype) == ((1, 3), 2, 3, "float32")
    assert (x.op, x.parents, x.grad, x.name, x.requires_grad) == (None, (), None, "x", True)
    assert x.label() == "'x'"


def test_a_result_knows_its_operation_and_its_parents_in_order():
    x, y = Tensor([1.0]), Tensor([2.0])
    z = x - y
    assert z.op.name == str(z.op) == repr(z.op) == "subtract"
    assert z.parents == (x, y)
    square = x * x
    assert square.parents[0] is square.parents[1] is x
    assert x.reshape(1, 1).attributes == {"shape": (1, 1)}


# --- values -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "kind"), [(1.5, float), (3, int), (True, bool), ([[2.0]], float)])
def test_item_is_a_python_number(data, kind):
    value = Tensor(data).item()
    assert type(value) is kind
    assert value == (data[0][0] if isinstance(data, list) else data)


@pytest.mark.parametrize("shape", [(2,), (0,), (1, 2)])
def test_item_is_of_one_element_only(shape):
    with pytest.raises(ShapeError, match=rf"item\(\): shape .* has {math.prod(shape)} elements"):
        bg.zeros(shape).item()


@given(shapes)
def test_tolist_nests_the_elements_in_row_major_order(shape):
    count = math.prod(shape)
    steps = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    expected = nested(shape, lambda index: sum(i * s for i, s in zip(index, steps, strict=True)))
    assert Tensor(range(count), "int64").reshape(shape).tolist() == expected


def test_tolist_of_bools_holds_bools():
    assert Tensor([[True], [False]]).tolist() == [[True], [False]]
    assert type(Tensor([True]).tolist()[0]) is bool


def test_a_buffer_is_a_read_only_view():
    x = Tensor([[1.0, 2.0]], "float64")
    view = x.buffer()
    assert (view.format, view.tolist()) == ("d", [1.0, 2.0])
    with pytest.raises(TypeError):
        view[0] = 5.0


def test_python_conversions_are_of_one_element():
    x = Tensor(2.5)
    assert (float(x), int(x), bool(x), bool(Tensor(0))) == (2.5, 2, True, False)
    assert f"{x:.3f} {x}" == "2.500 Tensor(2.5)"
    with pytest.raises(ShapeError, match="has 2 elements"):
        float(Tensor([1.0, 2.0]))


@pytest.mark.parametrize("data", [[1, 2], []])
def test_several_elements_are_neither_true_nor_false(data):
    with pytest.raises(ShapeError, match=r"neither true nor false; compare .*\.sum\(\)"):
        bool(Tensor(data))


def test_tensors_can_be_keys_although_equality_compares_elements():
    x, y = Tensor([1.0]), Tensor([1.0])
    assert {x: "x", y: "y"}[y] == "y"
    assert bool(x == y)


def test_detach_keeps_the_value_and_forgets_the_history():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = (x * 2).detach()
    assert (y.tolist(), y.op, y.parents, y.requires_grad) == ([2.0, 4.0], None, (), False)
    (y * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_as_tensor_leaves_a_tensor_as_it_is():
    x = Tensor([1.0])
    assert bg.as_tensor(x) is x
    assert bg.as_tensor(x, "float32") is x
    assert bg.as_tensor(x, "float64").dtype == "float64"
    assert bg.as_tensor([1, 2], "float64").tolist() == [1.0, 2.0]


# --- NumPy ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "kind"), [("float32", "f4"), ("float64", "f8"), ("int64", "i8"), ("bool", "b1")]
)
def test_the_array_interface_tells_shape_data_type_and_elements(dtype, kind):
    x = Tensor([[0, 1, 1], [1, 0, 1]], dtype)
    interface = x.__array_interface__
    assert (interface["version"], interface["shape"]) == (3, (2, 3))
    assert interface["typestr"] == {"little": "<", "big": ">"}[sys.byteorder] + kind
    assert interface["data"].readonly
    assert interface["data"].nbytes == 6 * int(kind[1])
    assert interface["data"].tolist() == [0, 1, 1, 1, 0, 1]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 0), (0,)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_numpy_reads_a_tensor(shape, dtype):
    numpy = pytest.importorskip("numpy")
    x = bg.arange(math.prod(shape)).reshape(shape).astype(dtype)
    array = numpy.asarray(x)
    assert (array.shape, array.dtype.name, array.tolist()) == (shape, dtype, x.tolist())
    assert same(Tensor(array).tolist(), x.tolist())


def test_what_numpy_reads_is_no_copy_and_cannot_be_written_to():
    numpy = pytest.importorskip("numpy")
    x = Tensor([1.0, 2.0], requires_grad=True)
    array = numpy.asarray(x)
    assert array.ctypes.data == x.array.data.buffer_info()[0]
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 5.0
    x.assign([3.0, 4.0])
    assert (array.tolist(), x.tolist()) == ([1.0, 2.0], [3.0, 4.0])


# --- assignment -------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [[3.0, 4.0], [3, 4], Tensor([3.0, 4.0])])
def test_assign_gives_a_leaf_a_new_value(value):
    x = Tensor([1.0, 2.0], requires_grad=True)
    x.assign(value)
    assert (x.tolist(), x.dtype, x.requires_grad, x.op) == ([3.0, 4.0], "float32", True, None)


def test_assign_does_not_change_what_was_computed_before():
    x = Tensor([1.0, 2.0])
    results = [x * 1, x[:], x[...], x.detach(), Tensor(x), x.permute(0)]
    x.assign([8.0, 9.0])
    assert [y.tolist() for y in results] == [[1.0, 2.0]] * len(results)


def test_assigning_one_tensor_to_another_does_not_join_them():
    x, y = Tensor([1.0]), Tensor([2.0])
    x.assign(y)
    y.assign([3.0])
    assert x.tolist() == [2.0]


def test_only_a_leaf_can_be_assigned_to():
    y = Tensor([1.0]) * 2
    with pytest.raises(GradientError, match=r"the multiply result of shape .* only a leaf can"):
        y.assign([3.0])


def test_assign_keeps_shape_and_data_type():
    x = Tensor([1.0, 2.0], name="w")
    with pytest.raises(ShapeError, match=r"'w' has shape \(2,\) and the value \(3,\)"):
        x.assign([1.0, 2.0, 3.0])
    with pytest.raises(DTypeError, match=r"'w' is float32 and the value float64.*astype"):
        x.assign(Tensor([1.0, 2.0], "float64"))
    with pytest.raises(DTypeError, match=r"0.5 is not an integer"):
        Tensor([1]).assign([0.5])
    assert x.tolist() == [1.0, 2.0]


# --- requires_grad ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        (operator.iadd, [3.0, 6.0]),
        (operator.isub, [1.0, 2.0]),
        (operator.imul, [2.0, 8.0]),
        (operator.itruediv, [2.0, 2.0]),
        (operator.ipow, [2.0, 16.0]),
    ],
)
def test_a_parameter_is_updated_in_place_within_no_grad(update, expected):
    w = Tensor([2.0, 4.0], requires_grad=True)
    with bg.no_grad():
        updated = update(w, Tensor([1.0, 2.0]))
    assert updated is w
    assert (w.tolist(), w.requires_grad, w.op) == (expected, True, None)


@pytest.mark.parametrize("update", [operator.iadd, operator.imul])
def test_a_parameter_does_not_become_a_result_by_being_updated(update):
    w = Tensor([2.0], requires_grad=True, name="w")
    with pytest.raises(GradientError, match=r"'w' requires a gradient, .* within no_grad\(\)"):
        update(w, 1.0)
    assert w.tolist() == [2.0]


def test_an_update_that_would_change_the_shape_is_refused():
    w = Tensor([2.0], requires_grad=True)
    with bg.no_grad(), pytest.raises(ShapeError, match=r"has shape \(1,\) and the value \(2,\)"):
        w += Tensor([1.0, 2.0])


def test_sums_can_be_added_up_with_their_gradients():
    x = Tensor(3.0, requires_grad=True)
    total = first = Tensor(0.0)
    for _ in range(2):
        total += x * x
    total.backward()
    assert (total.item(), first.item(), x.grad.item()) == (18.0, 0.0, 12.0)


def test_a_loop_without_an_optimizer_descends_compiled_or_not():
    found = []
    for compiled in (False, True):
        w = Tensor(0.0, requires_grad=True)

        def step(w=w):
            loss = (w - 3) ** 2
            w.grad = None
            loss.backward()
            with bg.no_grad():
                w -= 0.25 * w.grad
            return loss

        run = bg.compile(step) if compiled else step
        for _ in range(3):
            run()
        found.append(w.item())
    assert found == [2.625, 2.625]


def test_requires_grad_can_be_set_on_a_leaf_of_floats():
    x = Tensor([1.0])
    x.requires_grad = True
    assert (x * 2).requires_grad
    x.requires_grad = False
    assert not (x * 2).requires_grad


def test_requires_grad_cannot_be_set_on_a_result():
    y = Tensor([1.0]) * 2
    with pytest.raises(GradientError, match=r"cannot be set on the multiply .* detach\(\)"):
        y.requires_grad = True


@pytest.mark.parametrize("data", [[1], [True]])
def test_integers_and_bools_never_require_gradients(data):
    x = Tensor(data, name="ids")
    with pytest.raises(DTypeError, match="only float tensors carry gradients, and 'ids' is"):
        x.requires_grad = True
    x.requires_grad = False


# --- text -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (Tensor(1.0), "Tensor(1.0)"),
        (Tensor(3), "Tensor(3)"),
        (Tensor([True, False]), "Tensor([True, False])"),
        (Tensor([1.5, -2.0, 1e30, math.inf, math.nan]), "Tensor([1.5, -2.0, 1e+30, inf, nan])"),
        (Tensor([0.1]), "Tensor([0.1])"),
        (Tensor([1.0], "float64"), "Tensor([1.0], dtype=float64)"),
        (Tensor([1.0], requires_grad=True), "Tensor([1.0], requires_grad=True)"),
        (Tensor([1.0], name="w"), "Tensor([1.0], name='w')"),
        (Tensor([1.0], requires_grad=True) * 2, "Tensor([2.0], op=multiply)"),
        (Tensor([[1, 2], [3, 4]]), "Tensor([[1, 2],\n        [3, 4]])"),
        (Tensor([[[1], [2]]]), "Tensor([[[1],\n         [2]]])"),
        (Tensor([]), "Tensor([], shape=(0,))"),
        (bg.zeros(0, 3, dtype="int64"), "Tensor([], shape=(0, 3), dtype=int64)"),
    ],
)
def test_a_tensor_prints_what_it_holds(tensor, text):
    assert repr(tensor) == text


def test_a_long_tensor_is_shortened():
    text = repr(bg.arange(1001))
    assert text == "Tensor([0, 1, 2, ..., 998, 999, 1000], shape=(1001,))"
    assert "..." not in repr(bg.arange(1000))
    lines = repr(bg.zeros(200, 6)).splitlines()
    assert len(lines) == 7
    assert lines[3].strip() == "...,"
    assert lines[0] == "Tensor([[0.0, 0.0, 0.0, 0.0, 0.0, 0.0],"
    assert len(repr(bg.zeros(100_000, 0)).splitlines()) == 7
