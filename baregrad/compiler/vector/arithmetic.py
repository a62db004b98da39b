"""Building instructions that compute on vectors. `operations` says what each one means.

Where a float32 is taken, a Python float may stand for a constant; likewise an int for an int32.
"""

from __future__ import annotations

from baregrad.compiler.vector.construction import Construction, Float, Int
from baregrad.compiler.vector.errors import ProgramError
from baregrad.compiler.vector.operations import (
    DISTANCES,
    INTEGER_PREDICATES,
    PREDICATES,
    ROUNDINGS,
    SHUFFLES,
)
from baregrad.compiler.vector.program import FLOAT32, INT32, INT64, MASK, Value
from baregrad.errors import checked_name


class Arithmetic(Construction):
    """Vectors in, a vector out."""

    def _floats(self, op: str, *operands: Float) -> Value:
        values = [x if isinstance(x, Value) else self.constant(x) for x in operands]
        return self._append(op, tuple(values), FLOAT32)

    def _ints(self, op: str, *operands: Int) -> Value:
        values = [x if isinstance(x, Value) else self.constant_int(x) for x in operands]
        return self._append(op, tuple(values), INT32)

    def add(self, a: Float, b: Float) -> Value:
        """a + b."""
        return self._floats("add", a, b)

    def subtract(self, a: Float, b: Float) -> Value:
        """a - b."""
        return self._floats("subtract", a, b)

    def multiply(self, a: Float, b: Float) -> Value:
        """a * b."""
        return self._floats("multiply", a, b)

    def divide(self, a: Float, b: Float) -> Value:
        """a / b."""
        return self._floats("divide", a, b)

    def fma(self, a: Float, b: Float, c: Float) -> Value:
        """a * b + c, rounded once."""
        return self._floats("fma", a, b, c)

    def fms(self, a: Float, b: Float, c: Float) -> Value:
        """a * b - c, rounded once."""
        return self._floats("fms", a, b, c)

    def fnma(self, a: Float, b: Float, c: Float) -> Value:
        """c - a * b, rounded once."""
        return self._floats("fnma", a, b, c)

    def fnms(self, a: Float, b: Float, c: Float) -> Value:
        """-(a * b) - c, rounded once."""
        return self._floats("fnms", a, b, c)

    def max(self, a: Float, b: Float) -> Value:
        """`a` if a > b, else `b`: `b` if either is NaN. `compositions.maximum` keeps NaN."""
        return self._floats("max", a, b)

    def min(self, a: Float, b: Float) -> Value:
        """`a` if a < b, else `b`: `b` if either is NaN. `compositions.minimum` keeps NaN."""
        return self._floats("min", a, b)

    def sqrt(self, a: Float) -> Value:
        """Square root; NaN below 0."""
        return self._floats("sqrt", a)

    def negate(self, a: Float) -> Value:
        """-a, by flipping the sign bit."""
        return self._floats("negate", a)

    def absolute(self, a: Float) -> Value:
        """|a|, by clearing the sign bit."""
        return self._floats("absolute", a)

    def copy_sign(self, magnitude: Float, sign: Float) -> Value:
        """The magnitude of the first with the sign bit of the second."""
        return self._floats("copy_sign", magnitude, sign)

    def scale(self, a: Float, exponent: Float) -> Value:
        """a * 2**exponent, rounded once.

        `exponent` is an integer from -252 to 252, and a * 2**(exponent / 2) is not denormal;
        beyond that, targets differ.
        """
        return self._floats("scale", a, exponent)

    def reduce_add(self, a: Float) -> Value:
        """The sum of all lanes, in all lanes; `operations` says in which order."""
        return self._floats("reduce_add", a)

    def reduce_max(self, a: Float) -> Value:
        """The `max` of all lanes, in all lanes."""
        return self._floats("reduce_max", a)

    def reduce_min(self, a: Float) -> Value:
        """The `min` of all lanes, in all lanes."""
        return self._floats("reduce_min", a)

    def interleave_low(self, a: Float, b: Float) -> Value:
        """a0 b0 a1 b1 ... of the lower halves of `a` and `b`."""
        return self._floats("interleave_low", a, b)

    def interleave_high(self, a: Float, b: Float) -> Value:
        """Likewise of the upper halves."""
        return self._floats("interleave_high", a, b)

    def shuffle(self, how: str, a: Float, b: Float) -> Value:
        """Lanes of both within each four, or their fours of lanes; see `operations.SHUFFLES`."""
        checked_name("shuffle", how, SHUFFLES)
        return self._append("shuffle", (self._float(a), self._float(b)), FLOAT32, how)

    def exchange(self, a: Float, distance: int) -> Value:
        """Lane i has lane i xor `distance` of `a`: pairs of lanes that far apart change places.

        The distance is 1, 2, 4 or 8, and less than the lanes of a vector.
        """
        if distance not in DISTANCES:
            raise ProgramError(f"exchange over {distance} lanes: the distance is 1, 2, 4 or 8")
        return self._append("exchange", (self._float(a),), FLOAT32, distance)

    def round(self, a: Float, mode: str = "nearest") -> Value:
        """The integer ``nearest`` (ties to even), ``down``, ``up`` or ``truncate``, as a float."""
        checked_name("rounding", mode, ROUNDINGS)
        return self._append("round", (self._float(a),), FLOAT32, mode)

    def add_int(self, a: Int, b: Int) -> Value:
        """a + b modulo 2**32."""
        return self._ints("add_int", a, b)

    def subtract_int(self, a: Int, b: Int) -> Value:
        """a - b modulo 2**32."""
        return self._ints("subtract_int", a, b)

    def multiply_int(self, a: Int, b: Int) -> Value:
        """a * b modulo 2**32."""
        return self._ints("multiply_int", a, b)

    def bit_and(self, a: Int, b: Int) -> Value:
        """Bits set in both."""
        return self._ints("bit_and", a, b)

    def bit_or(self, a: Int, b: Int) -> Value:
        """Bits set in either."""
        return self._ints("bit_or", a, b)

    def bit_xor(self, a: Int, b: Int) -> Value:
        """Bits set in one of the two."""
        return self._ints("bit_xor", a, b)

    def shift_left(self, a: Int, count: int) -> Value:
        """a * 2**count modulo 2**32; `count` from 0 to 31."""
        return self._shift("shift_left", a, count)

    def shift_right(self, a: Int, count: int) -> Value:
        """The bits moved down, zeros coming in."""
        return self._shift("shift_right", a, count)

    def shift_right_signed(self, a: Int, count: int) -> Value:
        """a / 2**count, rounded down."""
        return self._shift("shift_right_signed", a, count)

    def _shift(self, op: str, a: Int, count: int) -> Value:
        if not 0 <= count <= 31:
            raise ProgramError(f"{op} by {count}: a shift of int32 is by 0 to 31 bits")
        return self._append(op, (self._int(a),), INT32, count)

    def to_int(self, a: Float) -> Value:
        """The nearest integer as int32; -2**31 for NaN and what no int32 holds."""
        return self._append("to_int", (self._float(a),), INT32)

    def truncate_to_int(self, a: Float) -> Value:
        """The integer part as int32; -2**31 for NaN and what no int32 holds."""
        return self._append("truncate_to_int", (self._float(a),), INT32)

    def to_float(self, a: Int) -> Value:
        """The nearest float32."""
        return self._append("to_float", (self._int(a),), FLOAT32)

    def bits(self, a: Float) -> Value:
        """The float's 32 bits as int32."""
        return self._append("bits", (self._float(a),), INT32)

    def float_from_bits(self, a: Int) -> Value:
        """The float32 of these 32 bits."""
        return self._append("float_from_bits", (self._int(a),), FLOAT32)

    def compare(self, predicate: str, a: Float, b: Float) -> Value:
        """A mask: ``equal``, ``not_equal``, ``less``, ``less_equal``, ``greater``, ...

        With NaN all are false but ``not_equal`` and ``unordered`` (whether either is NaN).
        """
        checked_name("predicate", predicate, PREDICATES)
        return self._append("compare", (self._float(a), self._float(b)), MASK, predicate)

    def compare_int(self, predicate: str, a: Int, b: Int) -> Value:
        """A mask: ``equal`` or ``greater``, of signed integers."""
        checked_name("integer predicate", predicate, INTEGER_PREDICATES)
        return self._append("compare_int", (self._int(a), self._int(b)), MASK, predicate)

    def mask_and(self, a: Value, b: Value) -> Value:
        """Lanes set in both."""
        return self._append("mask_and", (a, b), MASK)

    def mask_or(self, a: Value, b: Value) -> Value:
        """Lanes set in either."""
        return self._append("mask_or", (a, b), MASK)

    def mask_xor(self, a: Value, b: Value) -> Value:
        """Lanes set in one of the two."""
        return self._append("mask_xor", (a, b), MASK)

    def mask_not(self, a: Value) -> Value:
        """Lanes not set."""
        return self._append("mask_not", (a,), MASK)

    def any(self, mask: Value) -> Value:
        """1 if a lane is set, else 0: one integer."""
        return self._append("any", (mask,), INT64)

    def select(self, mask: Value, a: Float | Int, b: Float | Int) -> Value:
        """`a` in the lanes of the mask, `b` in the others; both float32, or both int32.

        A number beside an int32 value is an int32, else a float32.
        """
        if any(isinstance(x, Value) and x.type == INT32 for x in (a, b)):
            return self._append("select", (mask, self._data(a), self._data(b)), INT32)
        return self._append("select", (mask, self._float(a), self._float(b)), FLOAT32)

    def _data(self, a: Float | Int) -> Value:
        return self.constant_int(a) if isinstance(a, int) else self._float(a)
