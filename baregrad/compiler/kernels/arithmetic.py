"""Element-wise primitives in the vector language.

A float32 is a vector of floats, a bool is a mask, and an int64 is two vectors of its halves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from baregrad.compiler.kernels import integers
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.kernels.integers import Vector
from baregrad.compiler.vector import compositions, functions
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.engines.array import DType


def _later(module: str, name: str) -> Callable[..., Value]:
    """An elementary function, whose module is imported when it is first used."""

    def function(b: Builder, *inputs: Value) -> Value:
        computed: Callable[..., Value]
        computed = getattr(import_module(f"{functions.__name__}.{module}"), name)
        return computed(b, *inputs)

    return function


_FLOAT: Final[dict[str, Callable[..., Value]]] = {
    "add": Builder.add,
    "subtract": Builder.subtract,
    "multiply": Builder.multiply,
    "divide": Builder.divide,
    "power": _later("power", "power"),
    "negative": Builder.negate,
    "abs": Builder.absolute,
    "exp": _later("exponential", "exp"),
    "expm1": _later("exponential", "expm1"),
    "log": _later("logarithm", "log"),
    "sqrt": Builder.sqrt,
    "sin": _later("trigonometric", "sin"),
    "cos": _later("trigonometric", "cos"),
    "erf": _later("error", "erf"),
    "tanh": _later("hyperbolic", "tanh"),
    "sigmoid": _later("exponential", "sigmoid"),
    "softplus": _later("logarithm", "softplus"),
    "equal": lambda b, x, y: b.compare("equal", x, y),
    "not_equal": lambda b, x, y: b.compare("not_equal", x, y),
    "less": lambda b, x, y: b.compare("less", x, y),
    "less_equal": lambda b, x, y: b.compare("less_equal", x, y),
    "maximum": compositions.maximum,
    "where": Builder.select,
}
_INTEGER: Final[dict[str, Callable[..., Vector]]] = {
    "add": integers.add,
    "subtract": integers.subtract,
    "multiply": integers.multiply,
    "power": integers.power,
    "negative": integers.negative,
    "abs": integers.absolute,
    "equal": integers.equal,
    "not_equal": lambda b, x, y: b.mask_not(integers.equal(b, x, y)),
    "less": integers.less,
    "less_equal": lambda b, x, y: b.mask_not(integers.less(b, y, x)),
    "maximum": integers.maximum,
    "where": integers.select,
}
_BOOL: Final[dict[str, Callable[..., Value]]] = {
    "equal": lambda b, x, y: b.mask_not(b.mask_xor(x, y)),
    "not_equal": Builder.mask_xor,
    "less": lambda b, x, y: b.mask_and(b.mask_not(x), y),
    "less_equal": lambda b, x, y: b.mask_or(b.mask_not(x), y),
    "maximum": Builder.mask_or,
    "where": lambda b, c, x, y: b.mask_or(b.mask_and(c, x), b.mask_and(b.mask_not(c), y)),
}
_TABLES: Final[dict[str, Mapping[str, Callable[..., Vector]]]] = {
    "float32": _FLOAT,
    "int64": _INTEGER,
    "bool": _BOOL,
}
_CASTS: Final[dict[tuple[str, str], Callable[..., Vector]]] = {
    ("float32", "bool"): lambda b, x: b.compare("not_equal", x, 0.0),
    ("float32", "int64"): integers.from_float,
    ("int64", "bool"): integers.is_any,
    ("bool", "float32"): lambda b, x: b.select(x, 1.0, 0.0),
    ("bool", "int64"): integers.from_mask,
    ("int64", "float32"): integers.to_float,
}


def apply(b: Builder, op: str, inputs: Sequence[Vector], dtypes: Sequence[DType]) -> Vector:
    """A primitive of vectors of these data types.

    Raises:
        UnsupportedKernelError: there is no vector code for it.
    """
    dtype = dtypes[-1]
    function = _TABLES.get(dtype, {}).get(op)
    if function is None:
        raise UnsupportedKernelError(f"there is no vector code for {op!r} of {dtype}")
    return function(b, *inputs)


def cast(b: Builder, x: Vector, source: DType, target: DType) -> Vector:
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


def constant(b: Builder, value: Any, dtype: DType) -> Vector:
    """A number in all lanes.

    Raises:
        UnsupportedKernelError: there is no vector code for the data type.
    """
    if dtype == "float32":
        return b.constant(float(value))
    if dtype == "int64":
        return integers.constant(b, int(value))
    if dtype == "bool":
        return b.compare_int("equal", b.constant_int(int(bool(value))), 1)
    raise UnsupportedKernelError(f"there is no vector code for {dtype}")
