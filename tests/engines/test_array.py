from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad import ShapeError
from baregrad.engines import array as arrays

sizes = st.lists(st.integers(0, 3), max_size=4).map(tuple)


def test_an_array_holds_its_values_rounded_to_the_data_type():
    x = arrays.new([0.1, 2.0], (2,), "float32")
    assert x.data.tolist() == [0.10000000149011612, 2.0]
    assert (x.shape, x.dtype) == ((2,), "float32")


@pytest.mark.parametrize(
    ("dtype", "bytes_each"), [("float32", 4), ("float64", 8), ("int64", 8), ("bool", 1)]
)
def test_elements_take_the_bytes_their_data_type_says(dtype, bytes_each):
    assert arrays.new([1], (), dtype).data.itemsize == bytes_each


def test_a_filled_array_repeats_one_value():
    assert arrays.filled(7, (2, 3), "int64").data.tolist() == [7] * 6
    assert arrays.filled(7, (2, 0), "int64").data.tolist() == []
    assert arrays.filled(7, (), "int64").data.tolist() == [7]


@given(sizes)
def test_strides_and_offsets_count_the_elements_in_row_major_order(shape):
    places = arrays.offsets(shape, arrays.strides(shape))
    count = len(list(product(*map(range, shape))))
    assert places == list(range(count))


def test_offsets_read_a_transposed_and_shifted_view():
    assert arrays.offsets((3, 2), (1, 3)) == [0, 3, 1, 4, 2, 5]
    assert arrays.offsets((2, 2), (3, -1), start=2) == [2, 1, 5, 4]


@pytest.mark.parametrize(
    ("shapes", "result"),
    [
        ((), ()),
        (((2, 3),), (2, 3)),
        (((2, 3), (3,)), (2, 3)),
        (((2, 1), (1, 3)), (2, 3)),
        (((4, 1, 1), (2, 1), (3,)), (4, 2, 3)),
        (((0,), (1,)), (0,)),
        (((2, 0), ()), (2, 0)),
        (((1, 1), (1,)), (1, 1)),
    ],
)
def test_shapes_broadcast_as_in_numpy(shapes, result):
    assert arrays.broadcast_shapes(*shapes) == result


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((0,), (2,)), ((2, 3), (2, 1, 4))])
def test_sizes_that_differ_and_are_not_1_do_not_broadcast(shapes):
    with pytest.raises(ShapeError, match=r"do not broadcast: axis -1 has sizes \d and \d") as error:
        arrays.broadcast_shapes(*shapes)
    assert all(str(shape) in str(error.value) for shape in shapes)


@given(sizes, st.data())
def test_a_broadcast_array_is_read_through_steps_of_zero(shape, data):
    keep = data.draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
    own = tuple(size if kept else 1 for size, kept in zip(shape, keep, strict=True))
    own = own[data.draw(st.integers(0, len(own))) :]
    places = arrays.offsets(shape, arrays.broadcast_steps(own, shape))
    steps = arrays.strides(own)
    expected = []
    for index in product(*map(range, shape)):
        inner = index[len(shape) - len(own) :]
        at = [0 if size == 1 else i for i, size in zip(inner, own, strict=True)]
        expected.append(sum(i * step for i, step in zip(at, steps, strict=True)))
    assert places == expected
