"""Random numbers: each is a pure function of (seed, stream, index), on every engine the same."""

from __future__ import annotations

from array import array
from functools import partial
from math import prod
from numbers import Integral
from os import urandom
from typing import Any

from baregrad.engines import array as arrays
from baregrad.engines.array import FLOATS, TYPECODES, Array, DType, Shape
from baregrad.errors import ArgumentError, CaptureError
from baregrad.tensor import primitives
from baregrad.tensor.draws import Kind, drawn, ordered
from baregrad.tensor.graph import no_grad
from baregrad.tensor.operation import checked_shape, unpacked
from baregrad.tensor.tensor import Tensor, as_tensor

# Purposes that draw from one seed have streams of their own: each is 2**32 streams wide.
WEIGHTS, DROPOUT, SHUFFLE, DATA = (purpose << 32 for purpose in range(4))


class Generator:
    """A stream of random numbers, of which some have been drawn.

    Every element drawn uses up one index of the stream, whatever its data type, so a float64
    tensor holds the same numbers as a float32 one, to more digits.

    Args:
        seed: which numbers; None takes one from the operating system.
        stream: an independent sequence for each integer, under one seed.
        index: how many numbers of the stream have been drawn already.

    Raises:
        ArgumentError: one of them is no integer from 0 to 2**64 - 1.
    """

    def __init__(self, seed: int | None = None, stream: int = 0, index: int = 0) -> None:
        self.seed = _checked_word(int.from_bytes(urandom(8)) if seed is None else seed, "seed")
        self.stream = _checked_word(stream, "stream")
        self.index = _checked_word(index, "index")

    def __repr__(self) -> str:
        return f"Generator(seed={self.seed}, stream={self.stream}, index={self.index})"

    def bits(self, count: int) -> list[int]:
        """The next `count` random 64-bit integers."""
        return self._drawn("integer", "Q", count).tolist()

    def _drawn(self, kind: Kind, typecode: str, count: int, scale: float = 1.0) -> array[Any]:
        start = int(self._start(count))
        return drawn(kind, typecode, self.seed, self.stream, start, count, scale)

    def _start(self, count: int) -> float | Tensor:
        """The index of the next number; `count` of them will have been drawn."""
        return Tensor.dynamic(partial(self._advance, count, self.seed), "int64", "random index")

    def _advance(self, count: int, seed: int, steps: int) -> range:
        if seed != self.seed:  # which is built into a captured step
            raise CaptureError(
                "a generator of random numbers was seeded anew after the step that draws from it "
                "was captured; capture the step again"
            )
        start = self.index
        self.index += count * steps
        return range(start, self.index, count) if count else range(start, start + steps)

    def rand(self, *shape: int, dtype: DType = "float32") -> Tensor:
        """Uniform in [0, 1): 24 random bits for float32, 53 for float64."""
        sizes = checked_shape(unpacked(shape), "rand")
        _check_float(dtype)
        attributes = {"seed": self.seed, "stream": self.stream, "shape": sizes, "dtype": dtype}
        start = as_tensor(self._start(prod(sizes)), "int64")
        with no_grad():
            return Tensor.apply(primitives.uniform, start, **attributes)

    def randn(self, *shape: int, dtype: DType = "float32") -> Tensor:
        """Normal with mean 0 and variance 1."""
        return self.normal(checked_shape(unpacked(shape), "randn"), 1.0, dtype)

    def normal(self, shape: Shape, deviation: float, dtype: DType = "float32") -> Tensor:
        """Normal with mean 0 and this standard deviation."""
        return self._scaled("normal", shape, deviation, dtype)

    def symmetric(self, shape: Shape, bound: float, dtype: DType = "float32") -> Tensor:
        """Uniform in [-bound, bound): 53 random bits, rounded to float32 if need be."""
        return self._scaled("uniform", shape, 2 * bound, dtype)

    def _scaled(self, kind: Kind, shape: Shape, scale: float, dtype: DType) -> Tensor:
        _check_float(dtype)
        data = self._drawn(kind, TYPECODES[dtype], prod(shape), scale)
        return Tensor.leaf(Array(data, shape, dtype))

    def randint(self, low: int, high: int, shape: int | Shape = ()) -> Tensor:
        """Integers from `low` to `high` - 1, each equally likely, as int64.

        Raises:
            ArgumentError: there is no integer between, or one that does not fit int64.
        """
        whole = isinstance(low, Integral) and isinstance(high, Integral)
        if not (whole and -(2**63) <= low < high <= 2**63):
            raise ArgumentError(
                f"randint(low, high, shape): there is no int64 from {low!r} to {high!r} - 1"
            )
        sizes = checked_shape(unpacked((shape,)), "randint")
        first, count = int(low), int(high) - int(low)
        values = (first + (bits * count >> 64) for bits in self.bits(prod(sizes)))
        return Tensor.leaf(arrays.new(values, sizes, "int64"))

    def permutation(self, count: int) -> array[int]:
        """The integers 0 to `count` - 1 in random order, as `array('q')`."""
        (count,) = checked_shape((count,), "permutation")
        return ordered(self._drawn("integer", "Q", count))


def _check_float(dtype: DType) -> None:
    if dtype not in FLOATS:
        raise ArgumentError(f"random floats cannot be {dtype}; use float32 or float64")


def _checked_word(value: int, what: str) -> int:
    if not isinstance(value, Integral) or not 0 <= value < 2**64:
        raise ArgumentError(f"the {what} is an integer from 0 to 2**64 - 1, not {value!r}")
    return int(value)


# --- the default generator --------------------------------------------------------------------

default = Generator()


def manual_seed(seed: int) -> None:
    """Starts the default generator anew, so that what follows is reproducible.

    Raises:
        ArgumentError: not an integer from 0 to 2**64 - 1.
    """
    default.__init__(seed)  # type: ignore[misc]


def generator_for(seed: int | None, stream: int = 0) -> Generator:
    """The generator of a seed, or the default one for None."""
    return default if seed is None else Generator(seed, stream)


def rand(*shape: int, dtype: DType = "float32") -> Tensor:
    """Uniform random numbers in [0, 1), from the default generator."""
    return default.rand(*shape, dtype=dtype)


def randn(*shape: int, dtype: DType = "float32") -> Tensor:
    """Normal random numbers with mean 0 and variance 1, from the default generator."""
    return default.randn(*shape, dtype=dtype)


def randint(low: int, high: int, shape: int | Shape = ()) -> Tensor:
    """Random integers from `low` to `high` - 1 (int64), from the default generator."""
    return default.randint(low, high, shape)
