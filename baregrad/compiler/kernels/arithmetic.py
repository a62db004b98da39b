"""Element-wise primitives in the vector language.

A float32 is a vector of floats and a bool is a mask. An int64 is a vector of int32: its numbers
were checked to fit, but what is computed of them might not, so integers are only compared and
chosen.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.vector import compositions
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.functions import (
    error,
    exponential,
    hyperbolic,
    logarithm,
    power,
    trigonometric,
)
from baregrad.compiler.vector.program import Value
from baregrad.engines.array import DType

_FLOAT: Final[dict[str, Callable[..., Value]]] = {
    "add": Builder.add,
    "subtract": Builder.subtract,
    "multiply": Builder.multiply,
    "divide": Builder.divide,
    "power": power.power,
    "negative": Builder.negate,
    "abs": Builder.absolute,
    "exp": exponential.exp,
    "expm1": exponential.expm1,
    "log": logarithm.log,
    "sqrt": Builder.sqrt,
    "sin": trigonometric.sin,
    "cos": trigonometric.cos,
    "erf": error.erf,
    "tanh": hyperbolic.tanh,
    "sigmoid": exponential.sigmoid,
    "softplus": logarithm.softplus,
    "equal": lambda b, x, y: b.compare("equal", x, y),
    "not_equal": lambda b, x, y: b.compare("not_equal", x, y),
    "less": lambda b, x, y: b.compare("less", x, y),
    "less_equal": lambda b, x, y: b.compare("less_equal", x, y),
    "maximum": compositions.maximum,
    "where": Builder.select,
}
_INTEGER: Final[dict[str, Callable[..., Value]]] = {
    "add": Builder.add_int,
    "equal": lambda b, x, y: b.compare_int("equal", x, y),
    "not_equal": lambda b, x, y: b.mask_not(b.compare_int("equal", x, y)),
    "less": lambda b, x, y: b.compare_int("greater", y, x),
    "less_equal": lambda b, x, y: b.mask_not(b.compare_int("greater", x, y)),
    "where": Builder.select,
}
_BOOL: Final[dict[str, Callable[..., Value]]] = {
    "equal": lambda b, x, y: b.mask_not(b.mask_xor(x, y)),
    "not_equal": Builder.mask_xor,
    "where": lambda b, c, x, y: b.mask_or(b.mask_and(c, x), b.mask_and(b.mask_not(c), y)),
}
_TABLES: Final = {"float32": _FLOAT, "int64": _INTEGER, "bool": _BOOL}

_CASTS: Final[dict[tuple[str, str], Callable[[Builder, Value], Value]]] = {
    ("float32", "bool"): lambda b, x: b.compare("not_equal", x, 0.0),
    ("int64", "bool"): lambda b, x: b.mask_not(b.compare_int("equal", x, 0)),
    ("bool", "float32"): lambda b, x: b.select(x, 1.0, 0.0),
    ("bool", "int64"): lambda b, x: b.select(x, b.constant_int(1), b.constant_int(0)),
    ("int64", "float32"): Builder.to_float,
}


def apply(b: Builder, op: str, inputs: Sequence[Value], dtypes: Sequence[DType]) -> Value:
    """A primitive of vectors of these data types.

    Raises:
        UnsupportedKernelError: there is no vector code for it.
    """
    dtype = dtypes[-1]
    function = _TABLES.get(dtype, {}).get(op)
    if function is None:
        raise UnsupportedKernelError(f"there is no vector code for {op!r} of {dtype}")
    return function(b, *inputs)


def cast(b: Builder, x: Value, source: DType, target: DType) -> Value:
    """The same numbers as another data type.

    Raises:
        UnsupportedKernelError: there is no vector code for it.
    """
    if source == target:
        return x
    function = _CASTS.get((source, target))
    if function is None:
        raise UnsupportedKernelError(f"there is no vector code that casts {source} to {target}")
    return function(b, x)


def constant(b: Builder, value: Any, dtype: DType) -> Value:
    """A number in all lanes.

    Raises:
        UnsupportedKernelError: there is no vector code for the data type.
    """
    if dtype == "float32":
        return b.constant(float(value))
    if dtype == "int64":
        return b.constant_int(int(value))
    if dtype == "bool":
        return b.compare_int("equal", b.constant_int(int(bool(value))), 1)
    raise UnsupportedKernelError(f"there is no vector code for {dtype}")
