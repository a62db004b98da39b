"""Random numbers, and their order: by machine code if they are many, in Python if not; the same."""

from __future__ import annotations

import sys
from array import array
from typing import Any, Final, Literal, TypeAlias

from baregrad.engines import philox
from baregrad.engines.selection import ReferenceEngine, current

Kind: TypeAlias = Literal["integer", "uniform", "normal"]

# Numbers from which on machine code draws them: Python takes some 30 ms for as many, which is what
# it takes to load the assembler and to make the code.
LARGE: Final = 1 << 15
_STEP: Final = 2.0**-53  # between two probabilities


def drawn(
    kind: Kind, typecode: str, seed: int, stream: int, start: int, count: int, scale: float = 1.0
) -> array[Any]:
    """Random numbers from number `start` of a stream on.

    Args:
        kind: ``"integer"``, of 64 bits; ``"uniform"`` in [-1/2, 1/2), or ``"normal"``.
        typecode: ``"Q"`` for integers; ``"f"`` or ``"d"``.
        seed: 64 bits.
        stream: 64 bits.
        start: the number of the first.
        count: how many.
        scale: what numbers other than integers are multiplied with, in float64, before they are
            rounded.
    """
    if _are_many(count):
        from baregrad.tensor.random_code import natively_drawn  # loads the assembler

        found = natively_drawn(kind, typecode, seed, stream, start, count, scale)
        if found is not None:
            return found
    integers = philox.integers(seed, stream, start, count)
    if kind == "integer":
        return array(typecode, integers)
    if kind == "normal":
        from baregrad.tensor.quantile import normal  # uniform numbers are more usual

        return array(typecode, [normal((bits >> 11) * _STEP) * scale for bits in integers])
    return array(typecode, [((bits >> 11) * _STEP - 0.5) * scale for bits in integers])


def ordered(integers: array[int]) -> array[int]:
    """The numbers of 64-bit integers, in the order of their upper halves, as `array('q')`.

    Of equals the first comes first.

    Args:
        integers: `array('Q')`.
    """
    count = len(integers)
    if _are_many(count):
        from baregrad.tensor.order_code import natively_ordered  # loads the assembler

        found = natively_ordered(integers)
        if found is not None:
            return found
    halves = array("I", integers.tobytes())
    keys = halves[sys.byteorder == "little" :: 2].tolist()
    return array("q", sorted(range(count), key=keys.__getitem__))


def _are_many(count: int) -> bool:
    return count >= LARGE and not isinstance(current(), ReferenceEngine)
