"""From what people have (numbers, nested lists, buffers) to dense arrays."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from math import prod
from numbers import Integral, Real
from typing import Any

from baregrad.engines import array as arrays
from baregrad.engines import reference
from baregrad.engines.array import DTYPES, FLOATS, TYPECODES, Array, DType, Shape
from baregrad.errors import DTypeError, ShapeError, checked_name

# Data types from least to most general: operands meet at the larger one.
GENERALITY: tuple[DType, ...] = ("bool", "int64", "float32", "float64")

# The buffer protocol's format codes (those of the `struct` module) and the data type each becomes.
BUFFER_DTYPES: dict[str, DType] = {
    "?": "bool",
    **dict.fromkeys("bBhHiIlLqQ", "int64"),
    **dict.fromkeys("ef", "float32"),
    "d": "float64",
}


def common_dtype(*dtypes: DType) -> DType:
    """The least general data type that holds the values of all."""
    return max(dtypes, key=GENERALITY.index)


def checked_dtype(dtype: Any) -> DType:
    """`dtype`, if it is the name of one.

    Raises:
        ArgumentError: it is not.
    """
    return checked_name("dtype", dtype, DTYPES)


def operand_dtype(value: object) -> DType:
    """The data type of an array or tensor, or the one that a Python number has by itself.

    Raises:
        DTypeError: it is no number.
    """
    dtype: DType | None = getattr(value, "dtype", None)
    if type(dtype) is not str:  # NumPy's numbers have one of another kind
        kind: Any = type(value)
        dtype = _number_kind(kind) if isinstance(value, Real) else None
    if not (isinstance(dtype, str) and dtype in DTYPES):
        raise DTypeError(f"{value!r} is neither a tensor nor a number; make it a Tensor first")
    return dtype


def scalar(value: float, dtype: DType) -> Array:
    """A number as an array without axes, of a data type that is general enough for it.

    Raises:
        DTypeError: it is too large.
    """
    return _whole(value, dtype) if type(value) is int else _checked_new((value,), (), dtype)


@lru_cache  # formulas are full of 0 and 1
def _whole(value: int, dtype: DType) -> Array:
    return _checked_new((value,), (), dtype)


def to_array(data: Any, dtype: DType | None = None) -> Array:
    """Numbers, nested sequences or any buffer, copied into an array.

    Unless it is given, the data type is a buffer's own (16-bit floats become float32, every
    integer int64), and that of the most general among Python numbers.

    Raises:
        ShapeError: a ragged sequence.
        DTypeError: something that is no number, or no number that `dtype` can hold.
    """
    view = _buffer_of(data)
    if view is None:
        return _from_sequence(data, dtype)
    array = _from_buffer(view)
    return converted(array, dtype or array.dtype)


def buffer_array(data: Any) -> Array:
    """The numbers of a buffer, copied into an array.

    Raises:
        DTypeError: no buffer, or one of something else than real numbers in native byte order.
    """
    view = _buffer_of(data)
    if view is None:
        raise DTypeError(
            f"{type(data).__name__} has no buffer of numbers; for numbers and lists there is "
            "Tensor(), for arrays of other libraries from_dlpack()"
        )
    return _from_buffer(view)


def converted(x: Array, dtype: DType) -> Array:
    """The same values as `dtype`; refuses to cut off a fraction.

    Raises:
        DTypeError: a value that is no integer, for int64.
    """
    if dtype == x.dtype:
        return x
    if dtype == "int64":
        for value in x.data:
            if value % 1 != 0:  # infinity and NaN too
                raise DTypeError(
                    f"{value} is not an integer and dtype is int64; round it first, or use a "
                    "float dtype"
                )
    try:
        return reference.cast(x, dtype)
    except OverflowError:
        raise _too_large(dtype) from None


def _too_large(dtype: DType) -> DTypeError:
    if dtype in FLOATS:
        return DTypeError(f"an integer is too large for {dtype}; scale it down first")
    return DTypeError("an integer does not fit int64 (-2**63 to 2**63 - 1); use a float dtype")


# --- buffers ----------------------------------------------------------------------------------


def _buffer_of(data: Any) -> memoryview | None:
    try:
        view = memoryview(data)
    except (TypeError, ValueError, BufferError):  # no buffer, or one that has no format
        return None
    # A date of NumPy shows its bytes, which are of another shape.
    return view if view.shape == getattr(data, "shape", view.shape) else None


def _from_buffer(view: memoryview) -> Array:
    code = view.format.lstrip("@=<") or "B"
    if code not in BUFFER_DTYPES or view.itemsize != struct.calcsize(code):
        raise DTypeError(
            f"a buffer of format {view.format!r} cannot become a tensor; convert it to one of "
            f"{', '.join(BUFFER_DTYPES)} in native byte order first"
        )
    dtype = BUFFER_DTYPES[code]
    raw = view.tobytes()  # row-major, whatever the strides
    shape = tuple(view.shape or ())
    if code == "e":
        return arrays.new(struct.unpack(f"={prod(shape)}e", raw), shape, dtype)
    if code == "?":
        return arrays.new(map(bool, raw), shape, dtype)
    values = array(code)
    values.frombytes(raw)
    if values.typecode == TYPECODES[dtype]:
        return Array(values, shape, dtype)
    return _checked_new(values, shape, dtype)


def _checked_new(values: Iterable[Any], shape: Shape, dtype: DType) -> Array:
    try:
        return arrays.new(values, shape, dtype)
    except OverflowError:
        raise _too_large(dtype) from None


# --- sequences --------------------------------------------------------------------------------


def _from_sequence(data: Any, dtype: DType | None) -> Array:
    level: list[Any] = [data]
    shape: Shape = ()
    while level and _is_sequence(level[0]):
        size = len(level[0])
        for place, item in enumerate(level):
            if not _is_sequence(item) or len(item) != size:
                raise _ragged(item, place, size, shape)
        level = [element for item in level for element in item]
        shape = (*shape, size)
    kinds = {kind: _number_kind(kind) for kind in set(map(type, level))}
    found = [kind for kind in kinds.values() if kind is not None]
    if len(found) < len(kinds):
        raise _not_a_number(level, kinds, shape)
    natural = common_dtype(*found) if found else "float32"
    if "bool" in found and natural not in FLOATS:
        level = list(map(int, level))  # a bool of NumPy's is no index, as arrays want them
    if dtype is None or dtype == natural or dtype in FLOATS:
        return _checked_new(level, shape, dtype or natural)
    exact: DType = "float64" if natural == "float32" else natural
    return converted(_checked_new(level, shape, exact), dtype)


def _is_sequence(value: Any) -> bool:
    if isinstance(value, str | bytes | Mapping | Set | Iterator):
        return False
    return isinstance(value, Sequence) or (
        hasattr(value, "__len__") and getattr(value, "shape", ()) != ()
    )


@lru_cache
def _number_kind(kind: type) -> DType | None:
    if kind.__name__ in ("bool", "bool_"):  # Python's or NumPy's
        return "bool"
    if issubclass(kind, Integral):
        return "int64" if hasattr(kind, "__index__") else None  # as NumPy's spans of time
    return "float32" if issubclass(kind, Real) else None


def _place(place: int, shape: Shape) -> str:
    """Which element of a nested list the `place`-th one is, as Python would write it."""
    index = []
    for size in reversed(shape):
        index.append(place % size)
        place //= size
    return "data" + "".join(f"[{i}]" for i in reversed(index))


def _ragged(item: Any, place: int, size: int, shape: Shape) -> ShapeError:
    found = f"has length {len(item)}" if _is_sequence(item) else f"is the single value {item!r}"
    return ShapeError(
        f"ragged list: {_place(place, shape)} {found} where the ones before it have length {size}; "
        "every row must have the same length"
    )


def _not_a_number(
    level: list[Any], kinds: dict[type, DType | None], shape: Shape
) -> DTypeError | ShapeError:
    place = next(i for i, value in enumerate(level) if kinds[type(value)] is None)
    value = level[place]
    if _is_sequence(value):
        return ShapeError(
            f"ragged list: {_place(place, shape)} is a sequence where the ones before it are "
            "single numbers; every row must have the same length"
        )
    hint = {
        str: "convert text to numbers first (float(text), or read_table for a table)",
        type(None): "a missing value has no number; fill it in or leave the row out",
    }.get(type(value), "only real numbers can be in a tensor")
    if hasattr(value, "numpy"):
        hint = "convert a tensor of another library first, by its .numpy() or .tolist()"
    elif hasattr(value, "requires_grad"):
        hint = "a list of tensors becomes one, with its gradients, by stack() or concat()"
    return DTypeError(f"{_place(place, shape)} is {value!r}, not a number: {hint}")
