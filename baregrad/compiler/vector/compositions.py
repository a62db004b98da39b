"""What is built of several instructions: polynomials, sums without error, NaN-keeping extrema."""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value


def polynomial(b: Builder, x: Value, coefficients: Sequence[float]) -> Value:
    """c[0] + c[1] x + c[2] x**2 + ..., by Horner's rule."""
    total = b.constant(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = b.fma(total, x, coefficient)
    return total


def maximum(b: Builder, x: Value, y: Value) -> Value:
    """The larger of two; NaN if either is, as in `Tensor.maximum`."""
    return b.select(b.compare("unordered", x, x), x, b.max(x, y))


def minimum(b: Builder, x: Value, y: Value) -> Value:
    """The smaller of two; NaN if either is."""
    return b.select(b.compare("unordered", x, x), x, b.min(x, y))


def two_sum(b: Builder, x: Value, y: Value) -> tuple[Value, Value]:
    """x + y rounded, and what the rounding has lost, exactly.

    Knuth, "The Art of Computer Programming", volume 2, section 4.2.2, theorem B.
    """
    total = b.add(x, y)
    part = b.subtract(total, x)
    lost = b.add(b.subtract(x, b.subtract(total, part)), b.subtract(y, part))
    return total, lost


def fast_two_sum(b: Builder, large: Value, small: Value) -> tuple[Value, Value]:
    """The same where |large| >= |small| (Dekker, "A floating-point technique", 1971)."""
    total = b.add(large, small)
    return total, b.subtract(small, b.subtract(total, large))


def two_product(b: Builder, x: Value, y: Value) -> tuple[Value, Value]:
    """x * y rounded, and what the rounding has lost, exactly, unless it underflows."""
    product = b.multiply(x, y)
    return product, b.fms(x, y, product)
