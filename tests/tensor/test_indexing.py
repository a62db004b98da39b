import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad import ArgumentError, DTypeError, OutOfRangeError, ShapeError, Tensor
from baregrad.tensor import primitives
from tests.tensor.helpers import element, nested, numbers, shapes


def counting(*shape) -> Tensor:
    count = 1
    for size in shape:
        count *= size
    return bg.arange(count).reshape(shape)


# --- integers and slices ----------------------------------------------------------------------


@st.composite
def cut(draw):
    """A shape, an index of integers and slices for it, and its meaning by brute force.

    The meaning is the shape of the result and, for each of its indices, the place it shows.
    """
    shape = draw(shapes)
    key, places = [], []
    for size in shape[: draw(st.integers(0, len(shape)))]:
        if size and draw(st.booleans()):
            i = draw(st.integers(-size, size - 1))
            key.append(i)
            places.append(range(size)[i])
        else:
            part = draw(st.slices(size))
            key.append(part)
            places.append(range(size)[part])
    places += [range(size) for size in shape[len(places) :]]
    return shape, tuple(key), places


@given(cut())
def test_integers_and_slices_choose_as_in_nested_lists(drawn):
    shape, key, places = drawn
    x = numbers(shape)
    result = x[key]
    kept = [place for place in places if not isinstance(place, int)]

    def value(index):
        rest = iter(index)
        where = [p if isinstance(p, int) else p[next(rest)] for p in places]
        return element(x.tolist(), where)

    assert result.shape == tuple(map(len, kept))
    assert result.tolist() == nested(result.shape, value)


def test_dots_and_none():
    x = counting(2, 3, 4)
    assert x[..., 0].tolist() == x[:, :, 0].tolist()
    assert x[1, ..., 0].tolist() == x[1, :, 0].tolist()
    assert x[0, 1, 2, ...].item() == x[0, 1, 2].item() == 6
    assert x[None].shape == (1, 2, 3, 4)
    assert x[:, None, ..., None].shape == (2, 1, 3, 4, 1)
    assert x[None, 1, None].shape == (1, 1, 3, 4)
    assert Tensor(5)[...].item() == Tensor(5)[()].item() == 5
    assert Tensor(5)[None].tolist() == [5]


def test_an_index_is_a_new_tensor_never_a_view():
    x = Tensor([[1.0, 2.0]])
    for y in (x[:], x[...], x[()], x[0], x[[0]]):
        assert y is not x
        assert y.op is not None


def test_numpy_integers_are_indices():
    numpy = pytest.importorskip("numpy")
    assert counting(3)[numpy.int64(-1)].item() == 2
    assert counting(2, 3)[numpy.array([1, 0]), 0].tolist() == [3, 0]
    assert counting(3)[numpy.array([True, False, True])].tolist() == [0, 2]
    with pytest.raises(DTypeError, match="indices must be integers or bools, not float64"):
        counting(3)[numpy.float64(1)]


def test_a_range_chooses_as_a_list_does():
    assert counting(2, 3)[:, range(2, 0, -1)].tolist() == [[2, 1], [5, 4]]


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (2, OutOfRangeError, r"index 2 is out of range for axis 0 of size 2 in shape \(2, 3\)"),
        (-3, OutOfRangeError, "index -3 is out of range for axis 0"),
        ((0, 3), OutOfRangeError, "index 3 is out of range for axis 1 of size 3"),
        (
            (0, 0, 0),
            OutOfRangeError,
            r"index \(0, 0, 0\): there are more indices \(3\) than axes in shape \(2, 3\)",
        ),
        ((..., 0, ...), ArgumentError, r"`\.\.\.` stands 2 times; it may stand once"),
        (1.5, ArgumentError, r"index 1.5: use integers, slices"),
        (True, ArgumentError, "index True: use integers"),
        ("a", ArgumentError, "index 'a': use integers"),
        (([0], [0]), ArgumentError, r"index \[0\]: .* at most one list"),
        (slice(None, None, 0), ArgumentError, r"index slice\(None, None, 0\): slice step cannot"),
        (slice(0.5, None), ArgumentError, r"index slice\(0.5, None, None\): slice indices must be"),
    ],
)
def test_indices_that_choose_nothing_are_refused(key, error, message):
    with pytest.raises(error, match=message):
        counting(2, 3)[key]


def test_an_index_out_of_range_is_an_index_error():
    with pytest.raises(IndexError):
        Tensor([1])[1]


# --- iteration --------------------------------------------------------------------------------


def test_a_tensor_is_a_sequence_of_its_rows():
    x = counting(2, 3)
    assert len(x) == 2
    assert [row.tolist() for row in x] == x.tolist()
    assert [value.item() for value in x[0]] == [0, 1, 2]
    assert list(bg.zeros(0, 3)) == []
    assert 5 in x[1]
    first, second = x
    assert [first.tolist(), second.tolist()] == x.tolist()


def test_a_scalar_is_no_sequence():
    for use in (len, iter, list):
        with pytest.raises(ShapeError, match="a scalar tensor has no length"):
            use(Tensor(1.0))


# --- lists and tensors of places --------------------------------------------------------------


@given(shapes.filter(lambda shape: shape and 0 not in shape), st.data())
def test_take_chooses_slices_along_an_axis(shape, data):
    x = numbers(shape)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    at = axis % len(shape)
    size = shape[at]
    form = data.draw(st.sampled_from([(), (0,), (3,), (2, 2), (2, 0)]))
    places = nested(form, lambda index: data.draw(st.integers(-size, size - 1)))
    result = x.take(places if form != (2, 0) else Tensor(places, "int64"), axis)
    assert result.shape == (*shape[:at], *form, *shape[at + 1 :])

    def value(index):
        middle = index[at : at + len(form)]
        place = (*index[:at], element(places, middle) % size, *index[at + len(form) :])
        return element(x.tolist(), place)

    assert result.tolist() == nested(result.shape, value)


def test_one_axis_may_be_indexed_by_a_list_or_a_tensor():
    x = counting(3, 4)
    assert x[[2, 0, -1]].tolist() == [x.tolist()[2], x.tolist()[0], x.tolist()[2]]
    assert x[:, [3, 3]].tolist() == [[3, 3], [7, 7], [11, 11]]
    assert x[1:, Tensor([0])].tolist() == [[4], [8]]
    assert x[1, [0, 2]].tolist() == [4, 6]
    assert x[Tensor(1)].tolist() == x.tolist()[1]
    assert x[Tensor([[0, 1], [1, 0]])].shape == (2, 2, 4)
    assert x[None, [1]].shape == (1, 1, 4)
    assert counting(2, 3, 4)[0, :, [0, 2]].tolist() == [[0, 2], [4, 6], [8, 10]]
    assert x[[]].shape == (0, 4)
    assert bg.zeros(0, 4)[[]].shape == bg.zeros(2, 0, 4).take([], 1).shape[1:] == (0, 4)
    assert bg.zeros(3, 0)[[2, 0]].shape == (2, 0)


def test_bools_choose_the_slices_to_keep():
    x = counting(3, 2)
    assert x[[True, False, True]].tolist() == [[0, 1], [4, 5]]
    assert x[x[:, 0] > 1].tolist() == [[2, 3], [4, 5]]
    assert x[:, Tensor([False, True])].tolist() == [[1], [3], [5]]
    assert x[[False] * 3].shape == (0, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: x[[3]], OutOfRangeError, r"index 3 is out of range for axis 0 of size 3"),
        (lambda x: x.take([0, -3], axis=1), OutOfRangeError, "index -3 is out of range for axis 1"),
        (lambda x: x[[0.5]], DTypeError, "indices must be integers or bools, not float32"),
        (lambda x: x[["a"]], DTypeError, "not a number"),
        (
            lambda x: x[[True]],
            ShapeError,
            r"a mask of shape \(1,\) .* axis 0 .*must have shape \(3,\)",
        ),
        (lambda x: x[x > 1], ShapeError, r"a mask of shape \(3, 2\) cannot choose along axis 0"),
        (lambda x: x.take([0], axis=2), ArgumentError, "take: axis 2 does not exist"),
        (lambda x: Tensor(1.0).take([0]), ArgumentError, "take: axis 0 does not exist in a scalar"),
        (lambda x: bg.zeros(0, 2)[[0]], OutOfRangeError, "axis 0 of size 0"),
    ],
)
def test_places_that_are_not_there_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(counting(3, 2))


def test_indices_of_the_primitive_are_integers():
    x = bg.zeros(2)
    with pytest.raises(DTypeError, match="take: indices must be int64, not float32"):
        Tensor.apply(primitives.take, x, x, axis=0)


def test_a_slice_taken_twice_gets_the_sum_of_the_gradients():
    x = Tensor([1.0, 2.0, 3.0], "float64", requires_grad=True)
    weights = Tensor([1.0, 10.0, 100.0, 1000.0])
    (x[[0, 2, 0, -1]] * weights).sum().backward()
    assert x.grad.tolist() == [101.0, 0.0, 1010.0]


# --- one_hot ----------------------------------------------------------------------------------


@given(shapes, st.integers(1, 4), st.data())
def test_one_hot_has_a_one_at_the_place_of_the_class(shape, classes, data):
    labels = nested(shape, lambda index: data.draw(st.integers(0, classes - 1)))
    x = Tensor(labels, "int64")
    expected = nested((*x.shape, classes), lambda at: float(element(labels, at[:-1]) == at[-1]))
    result = x.one_hot(classes)
    assert (result.shape, result.dtype) == ((*x.shape, classes), "float32")
    assert result.tolist() == expected
    assert bg.one_hot(x, classes, "int64").dtype == "int64"


@pytest.mark.parametrize(
    ("labels", "classes", "error", "message"),
    [
        ([0, 3], 3, OutOfRangeError, "one_hot: 3 is none of the classes 0 to 2"),
        ([0, -1], 3, OutOfRangeError, "one_hot: -1 is none of the classes 0 to 2"),
        ([0.0], 3, DTypeError, "one_hot: classes must be int64, not float32"),
        ([0], -1, ArgumentError, "one_hot: a shape is made of integers that are 0 or more"),
        ([0], 2.5, ArgumentError, "one_hot: a shape is made of integers"),
    ],
)
def test_labels_that_are_no_class_are_refused(labels, classes, error, message):
    with pytest.raises(error, match=message):
        bg.one_hot(labels, classes)


def test_elements_cannot_be_set_one_by_one():
    x = Tensor([1.0, 2.0])
    with pytest.raises(DTypeError, match=r"cannot be set one by one: .* where\(\)"):
        x[0] = 3.0
    assert x.tolist() == [1.0, 2.0]
