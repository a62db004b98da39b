"""The operations of the vector language: what each takes, gives and means.

Floats are IEEE 754 binary32, rounded to nearest, ties to even. An invalid operation gives a NaN;
which one (its sign and payload) is not specified. Denormal numbers are ordinary numbers, unless
the caller compiles with flushing to zero.
"""

from __future__ import annotations

from typing import Final

from baregrad.compiler.vector.program import FLOAT32, INT32, INT64, MASK, POINTER, Type

# stands in a signature for the one vector type of data, float32 or int32, of an instruction
DATA: Final = "data"


class Operation:
    """A line of the table.

    Attributes:
        name: of the operation.
        operands: types, without those of an address.
        result: type; None where nothing is defined.
        immediate: what the immediate is: ``float``, ``int``, ``shift``, ``extent``, ``bytes``,
            ``distance`` (1, 2, 4 or 8, less than the lanes), or the name of a list of choices;
            empty for none.
        addressed: whether an address follows the operands.
        maskable: whether the access may have a mask.
        writes: whether memory is written.
    """

    __slots__ = ("addressed", "immediate", "maskable", "name", "operands", "result", "writes")

    def __init__(
        self,
        name: str,
        operands: tuple[Type, ...],
        result: Type | None,
        immediate: str = "",
        *,
        addressed: bool = False,
        maskable: bool = False,
        writes: bool = False,
    ) -> None:
        self.name = name
        self.operands = operands
        self.result = result
        self.immediate = immediate
        self.addressed = addressed
        self.maskable = maskable
        self.writes = writes


# every comparison with NaN is false, but for not_equal and unordered
PREDICATES: Final = (
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "unordered",
)
INTEGER_PREDICATES: Final = ("equal", "greater")
DISTANCES: Final = (1, 2, 4, 8)
ROUNDINGS: Final = ("nearest", "down", "up", "truncate")
# of two vectors x and y. Within each four lanes, numbered 0 to 3: single lanes or pairs in turn,
# x0 y0 x1 y1, x2 y2 x3 y3, x0 x1 y0 y1, x2 x3 y2 y3; or of their fours of lanes as wholes the
# first, third, ... of x and then of y, or the others
SHUFFLES: Final = {
    "low_lanes": (0, 4, 1, 5),
    "high_lanes": (2, 6, 3, 7),
    "low_pairs": (0, 1, 4, 5),
    "high_pairs": (2, 3, 6, 7),
    "even_fours": (),
    "odd_fours": (),
}
CHOICES: Final = {
    "shuffle": SHUFFLES,
    "predicate": PREDICATES,
    "integer_predicate": INTEGER_PREDICATES,
    "rounding": ROUNDINGS,
}

_F, _I, _M = FLOAT32, INT32, MASK

OPERATIONS: Final = {
    operation.name: operation
    for operation in (
        # constants: all lanes the same
        Operation("constant", (), _F, "float"),
        Operation("constant_int", (), _I, "int"),
        Operation("constant_int64", (), INT64, "extent"),
        Operation("table", (), POINTER, "bytes"),  # the address of these bytes
        Operation("iota", (), _I),  # 0, 1, 2, ...
        # float32
        Operation("add", (_F, _F), _F),
        Operation("subtract", (_F, _F), _F),
        Operation("multiply", (_F, _F), _F),
        Operation("divide", (_F, _F), _F),
        Operation("fma", (_F, _F, _F), _F),  # a*b + c, rounded once, as are the next three
        Operation("fms", (_F, _F, _F), _F),  # a*b - c
        Operation("fnma", (_F, _F, _F), _F),  # -(a*b) + c
        Operation("fnms", (_F, _F, _F), _F),  # -(a*b) - c
        Operation("max", (_F, _F), _F),  # a if a > b else b: b where either is NaN, or both zero
        Operation("min", (_F, _F), _F),  # a if a < b else b
        Operation("sqrt", (_F,), _F),
        Operation("negate", (_F,), _F),  # flips the sign bit, also of NaN
        Operation("absolute", (_F,), _F),  # clears the sign bit, also of NaN
        Operation("copy_sign", (_F, _F), _F),  # the first's magnitude, the second's sign
        Operation("round", (_F,), _F, "rounding"),  # to an integer, which may be -0
        # a * 2**n, rounded once, for integers n from -252 to 252 and a * 2**(n/2) not denormal
        Operation("scale", (_F, _F), _F),
        # int32: arithmetic modulo 2**32
        Operation("add_int", (_I, _I), _I),
        Operation("subtract_int", (_I, _I), _I),
        Operation("multiply_int", (_I, _I), _I),
        Operation("bit_and", (_I, _I), _I),
        Operation("bit_or", (_I, _I), _I),
        Operation("bit_xor", (_I, _I), _I),
        Operation("shift_left", (_I,), _I, "shift"),
        Operation("shift_right", (_I,), _I, "shift"),  # zeros come in
        Operation("shift_right_signed", (_I,), _I, "shift"),  # the sign comes in
        # conversions; a float that no int32 holds, and NaN, become -2**31
        Operation("to_int", (_F,), _I),  # nearest, ties to even
        Operation("truncate_to_int", (_F,), _I),
        Operation("to_float", (_I,), _F),  # nearest
        Operation("bits", (_F,), _I),  # the same 32 bits
        Operation("float_from_bits", (_I,), _F),
        Operation("broadcast_int", (INT64,), _I),  # the lower 32 bits to all lanes
        # masks
        Operation("compare", (_F, _F), _M, "predicate"),
        Operation("compare_int", (_I, _I), _M, "integer_predicate"),
        Operation("mask_and", (_M, _M), _M),
        Operation("mask_or", (_M, _M), _M),
        Operation("mask_xor", (_M, _M), _M),
        Operation("mask_not", (_M,), _M),
        Operation("mask_below", (INT64,), _M),  # lane < count, for counts from -2**31
        Operation("select", (_M, DATA, DATA), DATA),  # the second where the mask is set, else third
        Operation("any", (_M,), INT64),  # 1 if a lane is set, else 0
        # all lanes combined, result in all lanes; the order is that of `halves` in `interpreter`:
        # lane i with lane i + lanes/2, of these lane i with lane i + lanes/4, and so on
        Operation("reduce_add", (_F,), _F),
        Operation("reduce_max", (_F,), _F),  # max of (lower, upper) half
        Operation("reduce_min", (_F,), _F),
        # two vectors become one: lanes of the first and the second in turn, a0 b0 a1 b1 ...,
        # of their lower halves or of their upper ones
        Operation("interleave_low", (_F, _F), _F),
        Operation("interleave_high", (_F, _F), _F),
        Operation("shuffle", (_F, _F), _F, "shuffle"),  # one instruction, unlike interleaving
        Operation("exchange", (_F,), _F, "distance"),  # lane i has lane i xor the distance
        # memory; lanes outside the mask read as 0 and are not touched
        Operation("load", (), DATA, addressed=True, maskable=True),
        Operation("load_broadcast", (), DATA, addressed=True),  # one element to all lanes
        Operation("load_int64", (), INT64, addressed=True),
        Operation("load_pointer", (), POINTER, addressed=True),
        Operation("gather", (_I,), DATA, addressed=True, maskable=True),  # base + operand * scale
        Operation("store", (DATA,), None, addressed=True, maskable=True, writes=True),
        Operation("store_first", (DATA,), None, addressed=True, writes=True),  # lane 0 only
        Operation("prefetch", (), None, addressed=True),
        # one integer; arithmetic modulo 2**64
        Operation("add_int64", (INT64, INT64), INT64),
        Operation("subtract_int64", (INT64, INT64), INT64),
        Operation("multiply_int64", (INT64, INT64), INT64),
        Operation("min_int64", (INT64, INT64), INT64),
        Operation("max_int64", (INT64, INT64), INT64),
        Operation("advance", (POINTER, INT64), POINTER),  # by bytes
    )
}
CONSTANTS: Final = frozenset({"constant", "constant_int", "constant_int64", "table", "iota"})
ALIASES: Final = frozenset({"bits", "float_from_bits"})  # the same register under another type
