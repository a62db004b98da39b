"""Random numbers: Philox4x32-10 in the vector language, for `reference.uniform`.

Number i of a stream has the upper 24 bits of word 0 (of word 2 if i is odd) of the block with the
counter i // 2; `engines.philox` says what that is and where it comes from. A vector of blocks makes
two vectors of numbers.
"""

from typing import Final

from baregrad.compiler.kernel import Uniform
from baregrad.compiler.kernels import integers
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.kernels.expression import Pointers
from baregrad.compiler.kernels.integers import Wide
from baregrad.compiler.kernels.loops import Span, within
from baregrad.compiler.kernels.operands import ELEMENT
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import INT32, LANES, Value
from baregrad.compiler.vector.target import Target
from baregrad.engines.philox import MULTIPLIERS, ROUNDS, WEYL, WORD
from baregrad.record import Record

_BLOCK: Final = 4096  # numbers of a block of the work
_DIGITS: Final = 24


class UniformPlan(Record):
    """How random numbers are computed.

    Attributes:
        kernel: which.
    """

    kernel: Uniform

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""
        return max(-(-self.kernel.target.size // _BLOCK), 1)

    @property
    def scratch_bytes(self) -> int:
        """None is needed."""
        return 0

    def write(self, builder: Builder, pointers: Pointers, blocks: Span, scratch: Value) -> None:
        """Append the code for a range of blocks; see `maps.MapPlan`."""
        b, kernel = builder, self.kernel
        number, is_odd = _halved(b, pointers[kernel.start.number])
        first, last = within(b, blocks, _BLOCK, kernel.target.size)
        target = pointers[kernel.target.number]
        # an odd start begins with the second number of a block: one place before the first
        stop = b.add_int64(last, 1)
        with b.loop(first, stop, 2 * LANES) as loop:
            block = b.add_int(b.shift_right(b.broadcast_int(loop.counter), 1), b.iota())
            counter = integers.add(b, number, Wide(block, b.constant_int(0)))
            even, odd = [_fraction(b, word) for word in self._words(b, counter)]
            at = b.subtract_int64(loop.counter, is_odd)
            for interleave in (b.interleave_low, b.interleave_high):
                place = b.add_int(b.broadcast_int(at), b.iota())
                before = b.compare_int("greater", b.broadcast_int(first), place)
                inside = b.compare_int("greater", b.broadcast_int(last), place)
                mask = b.mask_and(inside, b.mask_not(before))
                b.store(interleave(even, odd), target, at, mask=mask)
                at = b.add_int64(at, LANES)

    def _words(self, b: Builder, counter: Wide) -> tuple[Value, Value]:
        """Words 0 and 2 of blocks (section 3.3 of the paper; `philox._rounds`)."""
        seed, stream = self.kernel.seed, self.kernel.stream
        fixed = [stream & WORD, stream >> 32 & WORD, seed & WORD, seed >> 32 & WORD]
        initial = (*counter, *[b.constant_int(word) for word in fixed])
        with b.loop(0, ROUNDS, 1, initial) as loop:
            w0, w1, w2, w3, k0, k1 = loop.carried
            low0, high0 = integers.product(b, w0, MULTIPLIERS[0])
            low1, high1 = integers.product(b, w2, MULTIPLIERS[1])
            w0, w2 = b.bit_xor(b.bit_xor(high1, w1), k0), b.bit_xor(b.bit_xor(high0, w3), k1)
            loop.carry(w0, low1, w2, low0, b.add_int(k0, WEYL[0]), b.add_int(k1, WEYL[1]))
        return loop.results[0], loop.results[2]


def _halved(b: Builder, pointer: Value) -> tuple[Wide, Value]:
    """Of a 64-bit integer in memory: its half, and whether it is odd."""
    low = b.load_broadcast(pointer, type=INT32)
    high = b.load_broadcast(pointer, displacement=ELEMENT, type=INT32)
    is_odd = b.any(b.compare_int("equal", b.bit_and(low, 1), 1))
    half = b.bit_or(b.shift_right(low, 1), b.shift_left(high, 31))
    return Wide(half, b.shift_right(high, 1)), is_odd


def _fraction(b: Builder, word: Value) -> Value:
    """The upper bits of a word as a number in [0, 1)."""
    return b.multiply(b.to_float(b.shift_right(word, 32 - _DIGITS)), 2.0**-_DIGITS)


def plan_uniform(kernel: Uniform, target: Target) -> UniformPlan:
    """Decide how the work is cut.

    Raises:
        UnsupportedKernelError: numbers of another data type than float32.
    """
    if kernel.target.dtype != "float32":
        raise UnsupportedKernelError(
            f"there is no vector code for random numbers of {kernel.target.dtype}"
        )
    return UniformPlan(kernel)
