"""Dense arrays: a flat, row-major buffer of one data type, and the shape it is read with."""

from array import array
from collections.abc import Iterable
from functools import lru_cache
from math import prod
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from baregrad.errors import ShapeError

DType: TypeAlias = Literal["float32", "float64", "int64", "bool"]
Shape: TypeAlias = tuple[int, ...]
Buffer: TypeAlias = "array[Any]"

DTYPES: tuple[DType, ...] = get_args(DType)
FLOATS: tuple[DType, ...] = ("float32", "float64")

# The `array` module's type codes. A bool is a byte that is 0 or 1.
TYPECODES: dict[DType, str] = {"float32": "f", "float64": "d", "int64": "q", "bool": "B"}


class Array(NamedTuple):
    """`data[i]` for i in row-major order of `shape`; nobody changes `data` once it is in here."""

    data: Buffer
    shape: Shape
    dtype: DType

    @property
    def known(self) -> bool:
        """Whether the numbers are there; symbols, which stand for arrays, have none."""
        return True


class Exposed(Array):
    """An array in memory that others may write to, as they were given its address."""

    __slots__ = ()


class Resident:
    """An array whose numbers are in the memory of native code, where the next step finds them.

    Attributes:
        shape: of the array.
        dtype: of the array.
    """

    shape: Shape
    dtype: DType

    def bring_out(self, holder: Any) -> Array:
        """The numbers; the tensor that holds this holds them from now on."""
        raise NotImplementedError


def new(values: Iterable[Any], shape: Shape, dtype: DType) -> Array:
    """An array of `values`, given in row-major order and rounded to `dtype`."""
    return Array(array(TYPECODES[dtype], values), shape, dtype)


def filled(value: float, shape: Shape, dtype: DType) -> Array:
    """An array in which every element is `value`."""
    return Array(array(TYPECODES[dtype], [value]) * prod(shape), shape, dtype)


def strides(shape: Shape) -> Shape:
    """How many elements to move in the buffer for one step along each axis, row-major."""
    steps = []
    step = 1
    for size in reversed(shape):
        steps.append(step)
        step *= size
    return tuple(reversed(steps))


def offsets(shape: Shape, steps: Shape, start: int = 0) -> list[int]:
    """Where each element of a strided view lies in the buffer, in row-major order of the view.

    A transposed, broadcast (step 0) or sliced array is this list of places in the original.
    """
    places = [start]
    for size, step in zip(shape, steps, strict=True):
        places = [place + i * step for place in places for i in range(size)]
    return places


@lru_cache(maxsize=4096)
def broadcast_shapes(*shapes: Shape) -> Shape:
    """The common shape of operands under NumPy's broadcasting rules.

    Shapes are aligned at their last axes; sizes must be equal or 1.

    Raises:
        ShapeError: two sizes along an axis differ and neither is 1.
    """
    result: list[int] = []
    for axis in range(-max(map(len, shapes), default=0), 0):
        sizes = {shape[axis] for shape in shapes if len(shape) >= -axis} - {1}
        if len(sizes) > 1:
            listed = " and ".join(map(str, shapes))
            raise ShapeError(
                f"shapes {listed} do not broadcast: axis {axis} has sizes "
                f"{' and '.join(map(str, sorted(sizes)))}; sizes must be equal or 1"
            )
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)


def broadcast_steps(shape: Shape, to: Shape) -> Shape:
    """Strides that read an array of `shape` as if it had the larger shape `to`."""
    missing = len(to) - len(shape)
    own = [0 if size == 1 else step for size, step in zip(shape, strides(shape), strict=True)]
    return (0,) * missing + tuple(own)
