"""From the arrays that people have to tensors, and back to arrays of the same kind.

NumPy's arrays are asked to convert themselves, so that nothing here imports NumPy.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any
from warnings import warn

from baregrad.data.table import Table
from baregrad.engines.array import DType
from baregrad.errors import ArgumentError, DataError, ShapeError
from baregrad.tensor.tensor import Tensor

ADVICE = {  # on text
    "X": "make numbers of it, with a OneHotEncoder in a ColumnTransformer, or bg.Preprocessor",
    "y": "make numbers of it; for classes there is MLPClassifier",
    "sample_weight": "weights are numbers",
}


def numpy_array(data: Any) -> Any:
    """Data of NumPy's world (arrays, data frames, sparse matrices) as an array; None for other.

    Sparse matrices become dense.
    """
    if hasattr(data, "toarray"):
        data = data.toarray()
    return data.__array__() if hasattr(data, "__array__") else None


def to_numpy(values: Any, dtype: Any = None) -> Any:
    """A new array; NumPy has been loaded by whoever wants one."""
    return sys.modules["numpy"].array(values, dtype=dtype)


def integer(value: Any) -> Any:
    """Integers of NumPy as Python's; anything else as it is, for others to refuse."""
    return value.__index__() if hasattr(value, "__index__") else value


def numbers(data: Any, dtype: DType, what: str) -> Tensor:
    """Numbers in any form as a tensor.

    Raises:
        DataError: text, dates, complex numbers, NaN or infinity; a `Table`.
        DTypeError, TypeError: something else that is no number.
    """
    if isinstance(data, Table):
        raise DataError(
            f"{what} is a Table; make numbers of it with Preprocessor.fit(table, target), whose "
            "transform(table) is X, or give arrays or data frames"
        )
    names = feature_names(data)
    array = numpy_array(data)
    if array is not None:
        data = _of_type(array, dtype, what, names)
    tensor = Tensor(data, dtype)
    values = tensor.array.data
    if not math.isfinite(sum(values)):
        place = next((i for i, value in enumerate(values) if not math.isfinite(value)), None)
        if place is not None:
            is_nan = math.isnan(values[place])
            found = "NaN" if is_nan else f"infinity (inf), or a number too large for {dtype},"
            raise DataError(
                f"{what} contains {found} in {_place(place, tensor.shape, names)}; fill it in or "
                "leave the sample out"
            )
    return tensor


def _of_type(array: Any, dtype: DType, what: str, names: Sequence[str] | None) -> Any:
    """An array of NumPy's with numbers of this type."""
    if array.dtype.kind == "c":
        raise DataError(f"Complex data not supported: {what} has {array.dtype}")
    if array.dtype.kind in "mM":
        raise DataError(f"{what} has dates or times ({array.dtype}); make numbers of them, as days")
    try:
        return array.astype(dtype)
    except ValueError as error:
        cells = enumerate(array.ravel().tolist())
        place = next((i for i, cell in cells if isinstance(cell, str)), 0)
        where = _place(place, array.shape, names)
        raise DataError(f"{what} has text in {where}: {error}; {ADVICE[what]}") from error


def _place(place: int, shape: Sequence[int], names: Sequence[str] | None) -> str:
    """How messages name an element: its sample, and its column if there are several."""
    sample, column = divmod(place, math.prod(shape[1:]))
    if len(shape) == 1:
        return f"sample {sample}"
    return (
        f"sample {sample}, column {names[column]!r}"
        if names
        else f"sample {sample}, column {column}"
    )


def matrix(data: Any, dtype: DType) -> Tensor:
    """Inputs as (samples, features).

    Raises:
        DataError: another number of axes, no samples or no features; see also `numbers`.
    """
    x = numbers(data, dtype, "X")
    if x.ndim != 2:
        raise DataError(
            f"Expected 2D array, got {x.ndim}D array instead: X has shape {x.shape}. Reshape your "
            "data: (samples, 1) if it is a single feature, (1, features) if a single sample"
        )
    for axis, unit in enumerate(("sample", "feature")):
        if x.shape[axis] == 0:
            raise DataError(
                f"Found array with 0 {unit}(s) (shape={x.shape}) while a minimum of 1 is required."
            )
    return x


def check_length(samples: int, **columns: Sequence[Any] | Tensor) -> None:
    """Refuses another number of targets or weights than of samples.

    Raises:
        DataError: it is another one.
    """
    for name, column in columns.items():
        if len(column) != samples:
            raise DataError(f"X has {samples} samples and {name} has {len(column)}")


def checked_weights(sample_weight: Any, samples: int) -> Tensor | None:
    """(samples,), float64; None if there are none.

    Raises:
        ShapeError, DataError: not one for each sample.
        ArgumentError: one is negative, or all are zero.
    """
    if sample_weight is None:
        return None
    weights = numbers(sample_weight, "float64", "sample_weight")
    if weights.ndim != 1:
        raise ShapeError(f"sample weights must be 1D, and have shape {weights.shape}")
    check_length(samples, sample_weight=weights)
    if (least := min(weights.array.data)) < 0:
        raise ArgumentError(f"sample weights must be 0 or more, and the least is {least:g}")
    if not any(weights.array.data):
        raise ArgumentError("sample weights must contain a number that is not zero")
    return weights


# --- names of columns -----------------------------------------------------------------------------


def feature_names(data: Any) -> list[str] | None:
    """The names of a data frame's columns, if all are text."""
    names = list(getattr(data, "columns", ()))
    return names if names and all(isinstance(name, str) for name in names) else None


def check_names(owner: str, names: Sequence[str] | None, fitted: Sequence[str] | None) -> None:
    """Compares the names of columns with those of `fit`; says it as scikit-learn does.

    Raises:
        DataError: other names, or another order.
    """
    if fitted is None or names is None:
        if fitted is not None:
            _warn(f"X does not have valid feature names, but {owner} was fitted with feature names")
        elif names is not None:
            _warn(f"X has feature names, but {owner} was fitted without feature names")
    elif list(names) != list(fitted):
        raise DataError(
            "The feature names should match those that were passed during fit.\n"
            + _difference(names, fitted)
        )


def _warn(text: str) -> None:
    warn(text, UserWarning, stacklevel=6)


def _difference(names: Sequence[str], fitted: Sequence[str]) -> str:
    unseen, missing = sorted(set(names) - set(fitted)), sorted(set(fitted) - set(names))
    if not unseen and not missing:
        return "Feature names must be in the same order as they were in fit.\n"
    parts = (("unseen at fit time", unseen), ("seen at fit time, yet now missing", missing))
    return "".join(
        f"Feature names {what}:\n" + "".join(f"- {name}\n" for name in found)
        for what, found in parts
        if found
    )
