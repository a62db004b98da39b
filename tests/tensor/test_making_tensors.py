import ctypes
import math
import mmap
import struct
from array import array
from collections import deque
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad import ArgumentError, BaregradError, DTypeError, ShapeError, Tensor
from baregrad.tensor import convert
from tests.tensor.helpers import indices, nested, same, shapes

# --- numbers and nested sequences -------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.5, "float32"),
        (3, "int64"),
        (True, "bool"),
        ([1, 2.0], "float32"),
        ([True, 2], "int64"),
        ([True, 2, 0.5], "float32"),
        ([], "float32"),
        (Fraction(1, 2), "float32"),
    ],
)
def test_the_most_general_number_decides_the_data_type(data, dtype):
    assert Tensor(data).dtype == dtype


@given(shapes)
def test_nested_lists_keep_their_shape_and_values(shape):
    data = nested(shape, lambda index: float(sum(i * 4**n for n, i in enumerate(index))))
    x = Tensor(data)
    cut = (
        shape[: shape.index(0) + 1] if 0 in shape else shape
    )  # [[], []] does not say what is in it
    assert x.shape == cut
    assert (x.ndim, x.size) == (len(cut), math.prod(cut))
    assert x.tolist() == data


@pytest.mark.parametrize(
    "data",
    [
        ((1, 2), (3, 4)),
        [range(1, 3), range(3, 5)],
        [array("i", [1, 2]), [3, 4]],
        [memoryview(bytes([1, 2])), memoryview(bytes([3, 4]))],
        deque([[1, 2], [3, 4]]),
    ],
)
def test_any_kind_of_sequence_will_do(data):
    assert Tensor(data).tolist() == [[1, 2], [3, 4]]


def test_data_is_copied():
    values = array("d", [1.0, 2.0])
    x = Tensor(values)
    values[0] = 9.0
    assert x.tolist() == [1.0, 2.0]


def test_a_tensor_of_a_tensor_is_a_new_leaf():
    x = Tensor([1.0, 2.5], requires_grad=True) * 2
    y = Tensor(x, dtype="float64", name="copy")
    assert (y.op, y.parents, y.requires_grad, y.name) == (None, (), False, "copy")
    assert y.tolist() == [2.0, 5.0]


def test_gradients_make_integers_float_unless_a_data_type_is_asked_for():
    assert Tensor([1, 2], requires_grad=True).dtype == "float32"
    assert Tensor([True], requires_grad=True).dtype == "float32"
    assert Tensor([1], requires_grad=True, dtype="float64").dtype == "float64"
    with pytest.raises(DTypeError, match=r"only float tensors carry gradients.*int64"):
        Tensor([1, 2], dtype="int64", requires_grad=True)


def test_floats_are_rounded_once_to_the_data_type_asked_for():
    assert Tensor([0.1], "float64").item() == 0.1
    assert Tensor([0.1], "float32").item() == struct.unpack("f", struct.pack("f", 0.1))[0]
    assert Tensor([2**53 - 1, 0.5], "float64").tolist() == [2.0**53 - 1, 0.5]
    assert Tensor([2.0**40 + 1], "int64").item() == 2**40 + 1
    assert Tensor([2.0**40 + 1.5], "float64").item() == 2.0**40 + 1.5
    assert Tensor(0.1 + 0.2, "float64").assign(0.1) is None


def test_integers_beyond_int64_can_be_floats():
    assert Tensor([2**64, -(2**80)], "float64").tolist() == [2.0**64, -(2.0**80)]
    assert Tensor([2**64, 0.5]).tolist() == [2.0**64, 0.5]


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2**64])
def test_integers_beyond_int64_are_refused(value):
    with pytest.raises(DTypeError, match=r"does not fit int64 .*use a float dtype"):
        Tensor([value])
    with pytest.raises(DTypeError, match="does not fit int64"):
        Tensor([float(2**64)], "int64")
    assert Tensor([2**63 - 1, -(2**63)]).tolist() == [2**63 - 1, -(2**63)]


def test_an_integer_too_large_for_a_float_is_refused():
    with pytest.raises(DTypeError, match="too large for float64"):
        Tensor([10**400], "float64")


@pytest.mark.parametrize("value", [0.5, math.inf, math.nan])
def test_a_number_that_is_no_integer_does_not_become_one(value):
    with pytest.raises(DTypeError, match=f"{value} is not an integer and dtype is int64; round it"):
        Tensor([1.0, value], "int64")


def test_anything_but_zero_is_true():
    assert Tensor([0, 2, -1], "bool").tolist() == [False, True, True]
    assert Tensor([0.0, 0.5, math.nan], "bool").tolist() == [False, True, True]
    assert Tensor([False, True], "int64").tolist() == [0, 1]


@pytest.mark.parametrize("dtype", ["float16", "double", float, 5, ["float32"]])
def test_an_unknown_data_type_is_named(dtype):
    with pytest.raises(ArgumentError, match=r"unknown dtype .* Known: bool, float32"):
        Tensor([1.0], dtype)


def test_a_misspelt_data_type_is_suggested():
    with pytest.raises(ArgumentError, match="did you mean 'float32'"):
        Tensor([1.0], "flaot32")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[1, 2], [3]], r"data\[1\] has length 1 where the ones before it have length 2"),
        ([[1, 2], 3], r"data\[1\] is the single value 3"),
        ([1, [2]], r"data\[1\] is a sequence where the ones before it are single"),
        ([[[1], [2]], [[3], [4, 5]]], r"data\[1\]\[1\] has length 2"),
        ([[], [1]], r"data\[1\] has length 1 where the ones before it have length 0"),
        ([[1, 2], "ab"], r"data\[1\] is the single value 'ab'"),
    ],
)
def test_ragged_lists_are_refused_and_the_place_is_named(data, message):
    with pytest.raises(ShapeError, match=message):
        Tensor(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("1.0", r"data is '1.0', not a number: convert text"),
        ([[1, 2], [3, "x"]], r"data\[1\]\[1\] is 'x', not a number: convert text"),
        ([1.0, None], r"data\[1\] is None, not a number: a missing value"),
        ([1j], r"data\[0\] is 1j, not a number: only real"),
        ([Decimal(1)], r"only real numbers"),
        ({1: 2}, "only real numbers"),
        ({1, 2}, "only real numbers"),
        ((value for value in [1, 2]), "only real numbers"),
        (object(), "only real numbers"),
        ([Tensor(1.0), Tensor(2.0)], r"data\[0\] is Tensor\(1.0\).*stack\(\)"),
        ([Tensor([1.0]), Tensor([2.0])], r"data\[0\]\[0\] is Tensor.*stack\(\)"),
    ],
)
def test_what_is_no_number_is_refused_and_the_place_is_named(data, message):
    with pytest.raises(DTypeError, match=message):
        Tensor(data)


class ForeignTensor:
    """What matters of a tensor of PyTorch or TensorFlow."""

    shape = ()
    requires_grad = False
    numpy = None

    def __repr__(self):
        return "tensor(1.)"


def test_a_tensor_of_another_library_is_to_be_converted():
    message = r"data\[0\] is tensor\(1\.\), not a number: convert .*\.numpy\(\) or \.tolist\(\)"
    with pytest.raises(DTypeError, match=message):
        Tensor([ForeignTensor()])


def test_errors_are_also_the_built_in_ones():
    with pytest.raises(ValueError, match="ragged"):
        Tensor([[1], [1, 2]])
    with pytest.raises(TypeError, match="not a number"):
        Tensor("x")
    assert issubclass(ShapeError, BaregradError)


# --- buffers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", "bBhHiIlLqQ")
def test_integer_buffers_become_int64(code):
    x = Tensor(array(code, [0, 1, 100]))
    assert (x.dtype, x.tolist()) == ("int64", [0, 1, 100])


@pytest.mark.parametrize(("code", "dtype"), [("f", "float32"), ("d", "float64")])
def test_float_buffers_keep_their_data_type(code, dtype):
    x = Tensor(array(code, [0.5, -2.0]))
    assert (x.dtype, x.tolist()) == (dtype, [0.5, -2.0])


def test_a_data_type_asked_for_wins_over_that_of_the_buffer():
    assert Tensor(array("d", [1.0]), "int64").dtype == "int64"
    assert Tensor(array("i", [1]), requires_grad=True).dtype == "float32"


def test_half_precision_becomes_float32():
    numpy = pytest.importorskip("numpy")
    x = Tensor(numpy.array([0.5, -1.0, 65504.0, math.inf], "float16"))
    assert (x.dtype, x.tolist()) == ("float32", [0.5, -1.0, 65504.0, math.inf])


def test_plain_bytes_are_small_integers():
    assert Tensor(b"\x00\xff").tolist() == [0, 255]


def test_bytes_of_a_bool_buffer_count_as_0_or_1():
    x = Tensor(memoryview(bytes([0, 1, 2])).cast("?"))
    assert (x.dtype, x.tolist(), x.sum().item()) == ("bool", [False, True, True], 2)


def test_unsigned_integers_beyond_int64_are_refused():
    with pytest.raises(DTypeError, match="does not fit int64"):
        Tensor(array("Q", [2**63]))


@given(shapes.filter(lambda shape: shape and 0 not in shape))
def test_buffers_of_several_axes_keep_their_shape(shape):
    flat = array("d", range(math.prod(shape)))
    x = Tensor(memoryview(flat).cast("B").cast("d", shape))
    assert x.shape == shape
    assert x.tolist() == memoryview(flat).cast("B").cast("d", shape).tolist()


@pytest.mark.parametrize("step", [2, 3, -1, -2])
def test_strided_buffers_are_read_in_their_own_order(step):
    view = memoryview(array("i", range(7)))[::step]
    assert Tensor(view).tolist() == list(range(7))[::step]


def test_ctypes_arrays_are_buffers():
    matrix = (ctypes.c_double * 3 * 2)((1, 2, 3), (4, 5, 6))
    x = Tensor(matrix)
    assert (x.dtype, x.tolist()) == ("float64", [[1, 2, 3], [4, 5, 6]])
    assert Tensor((ctypes.c_int64 * 2)(-1, 2)).tolist() == [-1, 2]
    assert Tensor((ctypes.c_bool * 2)(True, False)).tolist() == [True, False]
    assert Tensor(ctypes.c_float(0.5)).item() == 0.5


@pytest.mark.parametrize(
    "buffer",
    [
        (ctypes.c_double.__ctype_be__ * 2)(),
        memoryview(b"ab").cast("c"),
        (ctypes.c_longdouble * 2)(),
    ],
    ids=["foreign byte order", "characters", "long double"],
)
def test_buffers_of_another_kind_are_refused(buffer):
    with pytest.raises(DTypeError, match=r"a buffer of format .* cannot become a tensor; convert"):
        Tensor(buffer)


def test_a_buffer_that_cannot_be_had_is_no_number():
    closed = mmap.mmap(-1, 8)
    closed.close()
    with pytest.raises(DTypeError, match=r"data is <mmap.mmap closed.*>, not a number"):
        Tensor(closed)


class Unwilling:
    def __buffer__(self, flags):  # Python calls it from 3.12 on
        raise BufferError("not now")


def test_a_buffer_that_is_refused_is_no_number():
    with pytest.raises(DTypeError, match=r"data is <.*Unwilling.*>, not a number"):
        Tensor(Unwilling())


def test_dates_of_numpy_are_no_numbers():
    numpy = pytest.importorskip("numpy")
    with pytest.raises(DTypeError, match=r"data\[0\] is .*2020-01-01.*, not a number"):
        Tensor(numpy.array(["2020-01-01"], dtype="M8[D]"))
    for time in (numpy.datetime64("2020-01-01"), numpy.timedelta64(3, "D")):
        with pytest.raises(DTypeError, match=r"data is .*, not a number"):
            Tensor(time)
    with pytest.raises(DTypeError, match=r"data\[0\] is .*, not a number"):
        Tensor([numpy.timedelta64(3, "D")])


def test_a_format_that_means_another_size_than_the_elements_have_is_refused():
    # "=l" is 4 bytes in the struct module's standard sizes, and "l" often 8 in native ones.
    size = 4 if struct.calcsize("l") == 8 else 8
    view = SimpleNamespace(format="=l", itemsize=size, shape=(2,), tobytes=lambda: bytes(2 * size))
    with pytest.raises(DTypeError, match="a buffer of format '=l' cannot become a tensor"):
        convert._from_buffer(view)


def test_structured_buffers_are_refused():
    class Point(ctypes.Structure):
        _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int))

    with pytest.raises(DTypeError, match="a buffer of format"):
        Tensor((Point * 2)())


def test_numpy_arrays_are_buffers():
    numpy = pytest.importorskip("numpy")
    x = numpy.arange(24).reshape(2, 3, 4)
    for view in (x, x[:, ::-2], x.T, x[:, :0], numpy.asfortranarray(x), x[1, 2, 3]):
        assert same(Tensor(view).tolist(), view.tolist())
        assert Tensor(view).shape == view.shape
    assert Tensor(numpy.float64(0.1)).item() == 0.1
    assert Tensor([numpy.ones(2), numpy.zeros(2)]).tolist() == [[1, 1], [0, 0]]
    assert Tensor([numpy.float32(0.5), numpy.int64(2)]).tolist() == [0.5, 2]
    assert Tensor(numpy.array([True, False])).dtype == "bool"
    true = numpy.array([2]) > 1
    assert Tensor([*true, False]).tolist() == [True, False]
    assert Tensor([*true, 2]).tolist() == [1, 2]
    assert Tensor([*true, 2.5]).tolist() == [1.0, 2.5]


def test_numpy_scalars_calculate_with_tensors():
    numpy = pytest.importorskip("numpy")
    x = Tensor([1.0, 2.0])
    assert (numpy.float64(2) * x).tolist() == (x * numpy.float64(2)).tolist() == [2.0, 4.0]
    with pytest.raises(TypeError):
        numpy.ones(2) + x
    with pytest.raises(DTypeError, match="make it a Tensor first"):
        x.maximum(numpy.ones(2, "float32"))


@given(shapes, st.sampled_from(["float32", "float64", "int64", "bool"]))
def test_lists_come_back_as_they_went_in(shape, dtype):
    x = Tensor(nested(shape, lambda index: sum(index) % 2), dtype)
    again = Tensor(x.tolist(), dtype)
    assert again.tolist() == x.tolist()
    assert len(list(indices(x.shape))) == x.size
