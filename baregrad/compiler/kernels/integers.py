"""Integers of 64 bits, as two vectors of their halves.

The vector language has integers of 32 bits in its lanes. An int64 is therefore a `Wide`: arithmetic
is modulo 2⁶⁴, as in two's complement, with the carry from half to half computed by comparison (D.
Knuth, "The Art of Computer Programming", volume 2, section 4.3.1, algorithms A, S and M).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Final, TypeAlias

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.construction import Int
from baregrad.compiler.vector.program import Value
from baregrad.record import Record

_SIGN: Final = 1 << 31
_WORD: Final = (1 << 32) - 1
_PIECE: Final = 16  # bits of a part that float32 holds exactly, also when lanes are added up
_PIECES: Final = 0xFFFF
_EXPONENT_BITS: Final = 63


class Wide(Record):
    """In each lane a 64-bit integer.

    Attributes:
        low: its lower 32 bits, an int32.
        high: its upper 32 bits, with the sign.
    """

    low: Value
    high: Value


Vector: TypeAlias = Value | Wide


def constant(b: Builder, number: int) -> Wide:
    """An integer in all lanes."""
    return Wide(b.constant_int(number & _WORD), b.constant_int(number >> 32 & _WORD))


def single(x: Vector) -> Value:
    """A vector that is no integer."""
    assert isinstance(x, Value)
    return x


def flat(vectors: Iterable[Vector]) -> list[Value]:
    """Vectors as a loop carries them, the halves of integers one after another."""
    return [half for x in vectors for half in (x if isinstance(x, Wide) else (x,))]


def shaped(values: Sequence[Value], like: Iterable[Vector]) -> list[Vector]:
    """The inverse of `flat`, for vectors of the same kinds."""
    left = iter(values)
    return [Wide(next(left), next(left)) if isinstance(x, Wide) else next(left) for x in like]


def select(b: Builder, mask: Value, x: Vector, y: Vector) -> Vector:
    """`x` in the lanes of the mask, `y` in the others."""
    if isinstance(x, Wide) and isinstance(y, Wide):
        return _select(b, mask, x, y)
    return b.select(mask, single(x), single(y))


def _select(b: Builder, mask: Value, x: Wide, y: Wide) -> Wide:
    return Wide(b.select(mask, x.low, y.low), b.select(mask, x.high, y.high))


# --- arithmetic ---------------------------------------------------------------------------------


def is_below(b: Builder, x: Int, y: Int) -> Value:
    """x < y of 32-bit integers without sign."""
    return b.compare_int("greater", b.bit_xor(y, _SIGN), b.bit_xor(x, _SIGN))


def add(b: Builder, x: Wide, y: Wide) -> Wide:
    """x + y."""
    low = b.add_int(x.low, y.low)
    carry = b.select(is_below(b, low, x.low), b.constant_int(1), b.constant_int(0))
    return Wide(low, b.add_int(b.add_int(x.high, y.high), carry))


def subtract(b: Builder, x: Wide, y: Wide) -> Wide:
    """x - y."""
    borrow = b.select(is_below(b, x.low, y.low), b.constant_int(1), b.constant_int(0))
    high = b.subtract_int(b.subtract_int(x.high, y.high), borrow)
    return Wide(b.subtract_int(x.low, y.low), high)


def negative(b: Builder, x: Wide) -> Wide:
    """-x."""
    return subtract(b, constant(b, 0), x)


def absolute(b: Builder, x: Wide) -> Wide:
    """|x|; of -2⁶³ itself."""
    return _select(b, b.compare_int("greater", 0, x.high), negative(b, x), x)


def product(b: Builder, x: Value, y: Int) -> Wide:
    """The product of 32-bit integers without sign, by halves of 16 bits."""
    (x1, x0), (y1, y0) = _halves(b, x), _halves(b, y)
    low, cross0, cross1 = b.multiply_int(x0, y0), b.multiply_int(x0, y1), b.multiply_int(x1, y0)
    middle = b.add_int(b.bit_and(cross0, _PIECES), b.bit_and(cross1, _PIECES))
    middle = b.add_int(middle, b.shift_right(low, _PIECE))
    high = b.add_int(b.multiply_int(x1, y1), b.shift_right(middle, _PIECE))
    carried = b.add_int(b.shift_right(cross0, _PIECE), b.shift_right(cross1, _PIECE))
    return Wide(b.multiply_int(x, y), b.add_int(high, carried))


def _halves(b: Builder, x: Int) -> tuple[Int, Int]:
    if isinstance(x, int):
        return x >> _PIECE, x & _PIECES
    return b.shift_right(x, _PIECE), b.bit_and(x, _PIECES)


def multiply(b: Builder, x: Wide, y: Wide) -> Wide:
    """x y."""
    low, high = product(b, x.low, y.low)
    crossed = b.add_int(b.multiply_int(x.low, y.high), b.multiply_int(x.high, y.low))
    return Wide(low, b.add_int(high, crossed))


def power(b: Builder, x: Wide, y: Wide) -> Wide:
    """x to the power of y ≥ 0, by squaring (Knuth, section 4.6.3, algorithm A)."""
    initial = (constant(b, 1), x, y)
    with b.loop(0, _EXPONENT_BITS, 1, flat(initial)) as loop:
        result, square, exponent = (Wide(*loop.carried[i : i + 2]) for i in (0, 2, 4))
        is_odd = b.compare_int("equal", b.bit_and(exponent.low, 1), 1)
        result = _select(b, is_odd, multiply(b, result, square), result)
        half = b.bit_or(b.shift_right(exponent.low, 1), b.shift_left(exponent.high, 31))
        halved = Wide(half, b.shift_right(exponent.high, 1))
        loop.carry(*flat((result, multiply(b, square, square), halved)))
    return Wide(*loop.results[:2])


# --- comparison ---------------------------------------------------------------------------------


def equal(b: Builder, x: Wide, y: Wide) -> Value:
    """x = y."""
    low, high = b.compare_int("equal", x.low, y.low), b.compare_int("equal", x.high, y.high)
    return b.mask_and(low, high)


def less(b: Builder, x: Wide, y: Wide) -> Value:
    """x < y."""
    tied = b.mask_and(b.compare_int("equal", x.high, y.high), is_below(b, x.low, y.low))
    return b.mask_or(b.compare_int("greater", y.high, x.high), tied)


def maximum(b: Builder, x: Wide, y: Wide) -> Wide:
    """The larger."""
    return _select(b, less(b, x, y), y, x)


# --- conversion ---------------------------------------------------------------------------------


def from_mask(b: Builder, mask: Value) -> Wide:
    """1 where the mask is set, else 0."""
    return Wide(b.select(mask, b.constant_int(1), b.constant_int(0)), b.constant_int(0))


def is_any(b: Builder, x: Wide) -> Value:
    """x ≠ 0."""
    return b.mask_not(b.compare_int("equal", b.bit_or(x.low, x.high), 0))


def to_float(b: Builder, x: Wide) -> Value:
    """The nearest float32 if |x| < 2³¹; beyond that, it or a neighbour, as two roundings add up."""
    fits = b.compare_int("equal", x.high, b.shift_right_signed(x.low, 31))
    low = b.multiply(b.to_float(b.shift_right(x.low, 1)), 2.0)  # without sign, and its last bit
    return b.select(fits, b.to_float(x.low), b.fma(b.to_float(x.high), 2.0**32, low))


def from_float(b: Builder, x: Value) -> Wide:
    """The integer part of a float32; -2⁶³ of NaN and what no int64 holds."""
    whole = b.round(x, "truncate")
    high = b.round(b.multiply(whole, 2.0**-32))
    low = b.fnma(high, 2.0**32, whole)  # from -2³¹ to 2³¹, exactly
    borrow = b.select(b.compare("less", low, 0.0), b.constant_int(1), b.constant_int(0))
    wide = Wide(b.to_int(low), b.subtract_int(b.to_int(high), borrow))
    fits = b.compare("less", b.absolute(whole), 2.0**63)
    return _select(b, fits, wide, constant(b, -(1 << 63)))


# --- across lanes -------------------------------------------------------------------------------


def lanes_sum(b: Builder, x: Wide) -> Wide:
    """The sum of all lanes, in all lanes: of pieces of 16 bits, whose sums float32 holds."""
    total = constant(b, 0)
    for number, piece in enumerate(_split(b, x)):
        part = b.to_int(b.reduce_add(b.to_float(piece)))
        shift = _PIECE * (number % 2)
        low = b.shift_left(part, shift)
        above = b.shift_right(part, 32 - shift) if shift else b.constant_int(0)
        total = add(b, total, Wide(low, above) if number < 2 else Wide(b.constant_int(0), low))
    return total


def _split(b: Builder, x: Wide) -> list[Value]:
    """Pieces of 16 bits, the lowest first; the sign is in the last."""
    pieces = []
    for half in x:
        pieces += [b.bit_and(half, _PIECES), b.shift_right(half, _PIECE)]
    return [*pieces[:3], b.shift_right_signed(x.high, _PIECE)]


def lanes_max(b: Builder, x: Wide) -> Wide:
    """The largest of all lanes, in all lanes: by pieces of 16 bits, from the highest on."""
    mask: Value | None = None
    found = []
    for piece in reversed(_split(b, x)):
        number = b.to_float(piece)
        number = number if mask is None else b.select(mask, number, -inf)
        largest = b.reduce_max(number)
        mask = b.compare("equal", number, largest)
        found.append(b.to_int(largest))
    high = b.bit_or(b.shift_left(found[0], _PIECE), found[1])
    return Wide(b.bit_or(b.shift_left(found[2], _PIECE), found[3]), high)


def lanes_min(b: Builder, x: Value) -> Value:
    """The smallest of the 32-bit integers in all lanes, which are 0 or more, in all lanes."""
    high, low = (b.to_float(half) for half in (b.shift_right(x, _PIECE), b.bit_and(x, _PIECES)))
    least = b.reduce_min(high)
    rest = b.reduce_min(b.select(b.compare("equal", high, least), low, inf))
    return b.bit_or(b.shift_left(b.to_int(least), _PIECE), b.to_int(rest))
