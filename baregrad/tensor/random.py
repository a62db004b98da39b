"""Random numbers: each is a pure function of (seed, stream, index), on every engine the same."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from functools import partial
from math import prod
from os import urandom

from baregrad.engines import array as arrays
from baregrad.engines import philox
from baregrad.engines.array import FLOATS, DType, Shape
from baregrad.errors import ArgumentError, CaptureError
from baregrad.tensor import primitives
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
    """

    def __init__(self, seed: int | None = None, stream: int = 0, index: int = 0) -> None:
        self.seed = int.from_bytes(urandom(8), "little") if seed is None else _checked_seed(seed)
        self.stream = stream
        self.index = index

    def bits(self, count: int) -> list[int]:
        """The next `count` random 64-bit integers."""
        return philox.integers(self.seed, self.stream, int(self._start(count)), count)

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
        sizes = checked_shape(unpacked(shape), "randn")
        _check_float(dtype)
        values = (normal((bits >> 11) * 2**-53) for bits in self.bits(prod(sizes)))
        return Tensor.leaf(arrays.new(values, sizes, dtype))

    def randint(self, low: int, high: int, shape: int | Shape = ()) -> Tensor:
        """Integers from `low` to `high` - 1, each equally likely, as int64.

        Raises:
            ArgumentError: there is no integer between, or one that does not fit int64.
        """
        if not (isinstance(low, int) and isinstance(high, int) and -(2**63) <= low < high <= 2**63):
            raise ArgumentError(f"randint: there is no int64 from {low!r} to {high!r} - 1")
        sizes = checked_shape(shape if isinstance(shape, Sequence) else (shape,), "randint")
        values = (low + (bits * (high - low) >> 64) for bits in self.bits(prod(sizes)))
        return Tensor.leaf(arrays.new(values, sizes, "int64"))

    def permutation(self, count: int) -> array[int]:
        """The integers 0 to `count` - 1 in random order, as `array('q')`."""
        (count,) = checked_shape((count,), "permutation")
        start = int(self._start(count))
        # the upper halves of the next integers; where two are equal the smaller index comes first
        keys = philox.words(self.seed, self.stream, 2 * start, 2 * count)[::2].tolist()
        return array("q", sorted(range(count), key=keys.__getitem__))


def _check_float(dtype: DType) -> None:
    if dtype not in FLOATS:
        raise ArgumentError(f"random floats cannot be {dtype}; use float32 or float64")


def _checked_seed(seed: int) -> int:
    if not isinstance(seed, int) or not 0 <= seed < 2**64:
        raise ArgumentError(f"a seed is an integer from 0 to 2**64 - 1, not {seed!r}")
    return seed


# M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied
# Statistics 37 (1988) 477-484, PPND16: numerator and denominator in the centre, in the tails and
# in the far tails; about 16 digits.
_CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9),
)  # fmt: skip
_FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15),
)  # fmt: skip


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: float) -> float:
    top = bottom = 0.0
    for numerator, denominator in zip(*map(reversed, coefficients), strict=True):
        top = top * x + numerator
        bottom = bottom * x + denominator
    return top / bottom


def normal(probability: float) -> float:
    """The point below which a standard normal variable lies with this probability (AS 241).

    Args:
        probability: at least 0 and less than 1; 0 counts as half of the least step, 2**-54.
    """
    q = probability - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(_CENTRE, 0.180625 - q * q)
    r = math.sqrt(-math.log(min(max(probability, 2**-54), 1 - probability)))
    value = _ratio(_TAIL, r - 1.6) if r <= 5 else _ratio(_FAR_TAIL, r - 5)
    return math.copysign(value, q)


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
