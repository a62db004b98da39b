"""Philox4x32-10, the counter-based random number generator.

J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2,
3", SC'11, doi:10.1145/2063384.2063405; constants and test vectors from the authors' Random123.

Random number i is a pure function of a key and the counter i: no state, no order, so any engine
and any number of threads draw the same numbers.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from functools import lru_cache

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)  # the golden ratio and sqrt(3) - 1, as fractions of 2**32
WORD = 0xFFFFFFFF
LANE_BITS = 64  # a 32-bit word in a 64-bit lane leaves room for its product with a multiplier
BATCH = 1024  # counters computed at a time


def block(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """The four random 32-bit words of one 128-bit `counter` under one 64-bit `key`."""
    return _rounds(counter, key, lanes=1)


def words(seed: int, stream: int, start: int, count: int) -> array[int]:
    """Random 32-bit words number `start` to `start + count - 1` of a stream, as `array('I')`.

    Word w is word w % 4 of the block with counter (w // 4, stream), both 64-bit, and key `seed`.
    """
    first, last = start // 4, (start + count + 3) // 4
    result = array("I")
    for low in range(first, last, BATCH):
        result.extend(_blocks(seed, stream, low, min(BATCH, last - low)))
    skip = start - 4 * first
    return result[skip : skip + count]


def integers(seed: int, stream: int, start: int, count: int) -> list[int]:
    """Random 64-bit integers number `start` to `start + count - 1` of a stream.

    Integer i is made of word 2 i, its upper half, and word 2 i + 1.
    """
    drawn = words(seed, stream, 2 * start, 2 * count)
    return [high << 32 | low for high, low in zip(drawn[::2], drawn[1::2], strict=True)]


def _blocks(seed: int, stream: int, first: int, count: int) -> array[int]:
    """The words of `count` consecutive blocks, interleaved into one sequence.

    Python's long integers are the vector unit: each of the four counter words of all the blocks
    is one integer with a 64-bit lane for each block.
    """
    ones = _ones(count)
    low_half = ones * WORD
    counters = _pack(range(first, first + count))
    counter = (
        counters & low_half,
        counters >> 32 & low_half,
        ones * (stream & WORD),
        ones * (stream >> 32 & WORD),
    )
    key = (seed & WORD, seed >> 32 & WORD)
    a, b, c, d = _rounds(counter, key, count)
    pairs = array("Q", bytes(16 * count))
    pairs[0::2] = _unpack(a | b << 32, count)
    pairs[1::2] = _unpack(c | d << 32, count)
    return array("I", pairs.tobytes())


def _rounds(
    counter: tuple[int, int, int, int], key: tuple[int, int], lanes: int
) -> tuple[int, int, int, int]:
    """Ten rounds of multiply, swap the halves and add the key (section 3.3 of the paper)."""
    low_half = _ones(lanes) * WORD
    a, b, c, d = counter
    for key0, key1 in _round_keys(key, lanes):
        product0, product1 = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = (
            (product1 >> 32 & low_half) ^ b ^ key0,
            product1 & low_half,
            (product0 >> 32 & low_half) ^ d ^ key1,
            product0 & low_half,
        )
    return a, b, c, d


@lru_cache(maxsize=4)  # a stream is drawn from again and again, in batches of one size and a rest
def _round_keys(key: tuple[int, int], lanes: int) -> list[tuple[int, int]]:
    """The two keys of each round, the same in all lanes."""
    ones, keys = _ones(lanes), []
    for i in range(ROUNDS):
        k0, k1 = ((k + i * step) & WORD for k, step in zip(key, WEYL, strict=True))
        keys.append((ones * k0, ones * k1))
    return keys


def _ones(lanes: int) -> int:
    return _pack([1] * lanes)


def _pack(values: Iterable[int]) -> int:
    return int.from_bytes(array("Q", values).tobytes(), "little")


def _unpack(lanes: int, count: int) -> array[int]:
    return array("Q", lanes.to_bytes(count * LANE_BITS // 8, "little"))
