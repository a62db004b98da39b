import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad import ArgumentError, ShapeError, Tensor
from tests.tensor.helpers import broadcastable, element, nested, numbers, shapes, stretched


def counting(shape) -> Tensor:
    """0, 1, 2, ... in row-major order."""
    return bg.arange(math.prod(shape)).reshape(shape)


def elements(x: Tensor) -> list:
    return list(x.buffer())


# --- reshape and its relatives ----------------------------------------------------------------


@given(shapes, st.data())
def test_reshape_keeps_the_order_of_the_elements(shape, data):
    x = counting(shape)
    other = tuple(data.draw(st.permutations(shape)))
    assert (x.reshape(other).shape, elements(x.reshape(*other))) == (other, elements(x))
    assert x.reshape(list(other)).shape == other
    if x.size:
        assert x.reshape(-1).shape == (x.size,)
        assert x.reshape(1, -1, *shape).shape == (1, 1, *shape)


def test_the_size_left_open_is_worked_out():
    assert bg.zeros(2, 6).reshape(3, -1).shape == (3, 4)
    assert bg.zeros(0, 2).reshape(-1, 2).shape == (0, 2)
    assert bg.zeros(0).reshape(-1).shape == (0,)
    assert bg.zeros(1).reshape(()).shape == ()


@pytest.mark.parametrize("shape", [(4, -1), (-1, -1), (0, -1)])
def test_a_size_that_cannot_be_worked_out_is_refused(shape):
    with pytest.raises(ShapeError, match=r"reshape: \(2, 3\) has 6 elements, which leaves no size"):
        bg.zeros(2, 3).reshape(shape)


def test_reshape_must_fit():
    with pytest.raises(
        ShapeError, match=r"reshape: \(2, 3\) has 6 elements and \(4,\) would have 4"
    ):
        bg.zeros(2, 3).reshape(4)


def test_sizes_and_axes_may_be_integers_of_any_kind():
    class Integer:  # like those of NumPy
        def __index__(self):
            return 2

    two = Integer()
    assert bg.zeros(two, 3).reshape(3, two).shape == (3, 2)
    assert bg.zeros(3).expand(two, -1).shape == (2, 3)
    assert bg.zeros(1, 1, 3).sum(two).shape == (1, 1)


@pytest.mark.parametrize("shape", [(-2, -3), (3.0, 2), (2.0, 3), ("6",), (-1, -6), ([2, 3], 1)])
def test_sizes_are_integers_that_are_not_negative(shape):
    with pytest.raises(
        ArgumentError, match="reshape: a shape is made of integers that are 0 or more"
    ):
        bg.zeros(2, 3).reshape(shape)


@given(shapes.filter(bool), st.data())
def test_flatten_joins_neighbouring_axes(shape, data):
    n = len(shape)
    start = data.draw(st.integers(0, n - 1))
    end = data.draw(st.integers(start, n - 1))
    x = counting(shape)
    y = x.flatten(start, end - n)
    joined = math.prod(shape[start : end + 1])
    assert y.shape == (*shape[:start], joined, *shape[end + 1 :])
    assert elements(y) == elements(x)
    assert x.flatten().shape == (x.size,)


def test_flatten_of_a_scalar_has_one_axis():
    assert Tensor(2.0).flatten().tolist() == [2.0]


@pytest.mark.parametrize(
    ("axes", "message"),
    [((1, 0), "axis 0 comes before axis 1"), ((2,), "axis 2 does not exist"), ((0, 5), "axis 5")],
)
def test_flatten_refuses_axes_that_are_not_there_or_backwards(axes, message):
    with pytest.raises(ArgumentError, match=f"flatten: {message}"):
        bg.zeros(2, 3).flatten(*axes)


@given(shapes, st.data())
def test_squeeze_undoes_unsqueeze(shape, data):
    x = counting(shape)
    axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    y = x.unsqueeze(axis)
    at = axis % (len(shape) + 1)
    assert y.shape == (*shape[:at], 1, *shape[at:])
    assert y.squeeze(axis).tolist() == x.tolist()
    assert y.squeeze().shape == tuple(size for size in shape if size != 1)


def test_squeeze_and_unsqueeze_refuse_what_they_cannot_do():
    x = bg.zeros(2, 1)
    with pytest.raises(ShapeError, match=r"squeeze: axis 0 of \(2, 1\) has size 2, not 1"):
        x.squeeze(-2)
    with pytest.raises(ArgumentError, match="squeeze: axis 2 does not exist; the axes are"):
        x.squeeze(2)
    with pytest.raises(ArgumentError, match="unsqueeze: axis 3 does not exist"):
        x.unsqueeze(3)
    with pytest.raises(ArgumentError, match="unsqueeze: an axis is numbered by an integer"):
        x.unsqueeze(None)


# --- order of the axes ------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 0, 3), (1, 1, 2)])
def test_permute_puts_the_axes_in_another_order(order, shape):
    x = counting(shape)
    y = x.permute(*order)
    assert y.shape == tuple(shape[axis] for axis in order)
    original = x.tolist()

    def value(index):
        place = [0, 0, 0]
        for axis, i in zip(order, index, strict=True):
            place[axis] = i
        return element(original, place)

    assert y.tolist() == nested(y.shape, value)
    assert x.permute([axis - 3 for axis in order]).tolist() == y.tolist()


def test_transpose_exchanges_two_axes():
    x = counting((2, 3, 4))
    assert x.transpose().tolist() == x.mT.tolist() == x.permute(0, 2, 1).tolist()
    assert x.transpose(0, -1).tolist() == x.permute(2, 1, 0).tolist()
    assert counting((2, 3)).T.tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: x.permute(0, 0, 1),
            ArgumentError,
            r"permute: axes \(0, 0, 1\) must name each of",
        ),
        (lambda x: x.permute(0, 1), ArgumentError, "permute: axes .* must name each of the 3 axes"),
        (lambda x: x.permute(0, 1, 3), ArgumentError, "permute: axis 3 does not exist"),
        (lambda x: x.transpose(0, 3), ArgumentError, "transpose: axis 3 does not exist"),
        (lambda x: x[0, 0].mT, ArgumentError, "transpose: axis -2 does not exist"),
        (lambda x: x.T, ShapeError, r"\.T is of matrices, .* \(2, 3, 4\); use \.mT"),
    ],
)
def test_axes_to_exchange_must_be_there(call, error, message):
    with pytest.raises(error, match=message):
        call(bg.zeros(2, 3, 4))


# --- expand -----------------------------------------------------------------------------------


@given(broadcastable(2))
def test_expand_copies_along_axes_of_size_1(drawn):
    shape, operands = drawn
    for own in operands:
        x = counting(own)
        expected = nested(shape, lambda index, x=x, own=own: stretched(x.tolist(), own, index))
        assert (x.expand(shape).shape, x.expand(*shape).tolist()) == (shape, expected)


def test_minus_one_keeps_a_size():
    assert bg.zeros(1, 3).expand(2, -1).shape == (2, 3)
    assert bg.zeros(3).expand(2, -1).shape == (2, 3)


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        (
            (2, 4),
            ShapeError,
            r"expand: \(2, 3\) does not broadcast to \(2, 4\); only axes of size 1",
        ),
        ((3,), ShapeError, "does not broadcast"),
        ((1, 3), ShapeError, "does not broadcast"),
        ((-1, 2, 3), ArgumentError, "expand: a shape is made of integers"),
        ((2.0, 3), ArgumentError, "expand: a shape is made of integers"),
    ],
)
def test_expand_must_fit(shape, error, message):
    with pytest.raises(error, match=message):
        bg.zeros(2, 3).expand(shape)


# --- several tensors --------------------------------------------------------------------------


@given(shapes.filter(bool), st.lists(st.integers(0, 3), min_size=1, max_size=3), st.data())
def test_concat_puts_tensors_one_after_another(shape, lengths, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    whole = list(shape)
    whole[axis] = sum(lengths)
    x = counting(whole)
    parts, start = [], 0
    for length in lengths:
        parts.append(x[(*[slice(None)] * axis, slice(start, start + length))])
        start += length
    for given_axis in (axis, axis - len(shape)):
        joined = bg.concat(parts, given_axis)
        assert (joined.shape, joined.tolist()) == (tuple(whole), x.tolist())


def test_concat_of_empty_tensors():
    assert bg.concat([bg.zeros(0), bg.zeros(0)]).shape == (0,)
    assert bg.concat([bg.zeros(0, 2), bg.ones(1, 2)]).tolist() == [[1, 1]]
    assert bg.concat([[1, 2], [0.5]]).tolist() == [1.0, 2.0, 0.5]


@given(shapes, st.integers(1, 3), st.data())
def test_stack_puts_tensors_beside_each_other(shape, count, data):
    axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    tensors = [counting(shape) + 100 * i for i in range(count)]
    x = bg.stack(tensors, axis)
    at = axis % (len(shape) + 1)
    assert x.shape == (*shape[:at], count, *shape[at:])
    for i, tensor in enumerate(tensors):
        assert x[(*[slice(None)] * at, i)].tolist() == tensor.tolist()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: bg.concat([]), ArgumentError, "concat: there must be at least one tensor"),
        (lambda: bg.stack([]), ArgumentError, "concat: there must be at least one tensor"),
        (lambda: bg.concat([1.0, 2.0]), ArgumentError, "concat: axis 0 does not exist in a scalar"),
        (
            lambda: bg.concat([[1.0], 2.0]),
            ShapeError,
            r"\(1,\) and \(\) differ in the number of axes",
        ),
        (lambda: bg.concat([bg.ones(2, 3), bg.ones(2)], 1), ShapeError, "differ in the number of"),
        (
            lambda: bg.concat([bg.ones(2, 3), bg.ones(2, 4)]),
            ShapeError,
            r"concat: shapes \(2, 3\) and \(2, 4\) differ elsewhere than along axis 0",
        ),
        (lambda: bg.concat([[1.0]], 1), ArgumentError, "concat: axis 1 does not exist"),
        (
            lambda: bg.stack([[1.0], [1.0, 2.0]]),
            ShapeError,
            r"stack: tensors must have one shape, and these have \(1,\) and \(2,\)",
        ),
    ],
)
def test_tensors_that_do_not_fit_together_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@given(shapes.filter(bool), st.data())
def test_a_window_laid_out_and_cut_out_again_is_the_same(shape, data):
    window = []
    for size in shape:
        start = data.draw(st.integers(0, max(size - 1, 0)))
        count = data.draw(st.integers(0, size - start)) if size else 0
        window.append((start, 1, count))
    window = tuple(window)
    x = numbers(tuple(count for _, _, count in window))
    laid_out = x.unslice(shape, window)
    assert laid_out.shape == shape
    assert laid_out.slice(window).tolist() == x.tolist()
    assert laid_out.sum().item() == pytest.approx(x.sum().item(), abs=1e-12)
