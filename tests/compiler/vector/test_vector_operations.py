"""Every operation, interpreted and as machine code, against Python's arithmetic."""

import array
import math
from fractions import Fraction

import pytest
from test_vector_scalars import nearest
from vector_programs import lanewise, on_every_target, run_interpreted, runs_on_every_target

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compositions import (
    fast_two_sum,
    maximum,
    minimum,
    polynomial,
    two_product,
    two_sum,
)
from baregrad.compiler.vector.interpreter import Memory, interpret
from baregrad.compiler.vector.operations import PREDICATES, ROUNDINGS
from baregrad.compiler.vector.program import INT32, INT64, LANES, POINTER

VALUES = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    3.0,
    1e-45,
    -1e-38,
    3e38,
    -3e38,
    0.1,
    16777215.0,
    math.inf,
    -math.inf,
    math.nan,
]
VALUES = list(array.array("f", VALUES))
PAIRS = [(a, b) for a in VALUES for b in VALUES]
LEFT, RIGHT = [a for a, _ in PAIRS], [b for _, b in PAIRS]
INTS = [0, 1, -1, 7, -8, 2**31 - 1, -(2**31), 123456789, -987654321]
INT_LEFT, INT_RIGHT = [a for a in INTS for _ in INTS], [b for _ in INTS for b in INTS]


def both(build, *columns, target):
    """The results of interpreter and machine code, which must not differ."""
    interpreted = lanewise(build, *columns, lanes=target.lanes)
    native = lanewise(build, *columns, target=target)
    assert same(interpreted, native)
    return interpreted


def same(got, expected) -> bool:
    def key(x):
        return "nan" if x != x else (x, math.copysign(1.0, x))

    return [key(x) for x in got] == [key(x) for x in expected]


def exactly(function):
    """A function of rational numbers, rounded; what is not finite by float64."""

    def of(*numbers):
        if all(map(math.isfinite, numbers)):
            exact = function(*map(Fraction, numbers))
            if exact:
                return nearest(exact)
        return function(*numbers)

    return of


@runs_on_every_target
@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("add", lambda a, b: a + b),
        ("subtract", lambda a, b: a - b),
        ("multiply", lambda a, b: a * b),
    ],
)
def test_sums_and_products_are_correctly_rounded(name, function, target):
    got = both(lambda b, x, y: getattr(b, name)(x, y), LEFT, RIGHT, target=target)
    assert same(got, [exactly(function)(a, b) for a, b in PAIRS])


@runs_on_every_target
def test_quotients_are_correctly_rounded(target):
    got = both(lambda b, x, y: b.divide(x, y), LEFT, RIGHT, target=target)
    for (a, c), quotient in zip(PAIRS, got, strict=True):
        if math.isfinite(a) and math.isfinite(c) and a and c:
            assert quotient == nearest(Fraction(a) / Fraction(c))
        elif c == 0:
            assert math.isnan(quotient) == (a == 0 or a != a)
        else:
            assert same([quotient], [a / c])


@runs_on_every_target
@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("fma", lambda a, b, c: a * b + c),
        ("fms", lambda a, b, c: a * b - c),
        ("fnma", lambda a, b, c: -(a * b) + c),
        ("fnms", lambda a, b, c: -(a * b) - c),
    ],
)
def test_fused_operations_round_once(name, function, target):
    thirds = [VALUES[(i * 5 + i // 7) % len(VALUES)] for i in range(len(PAIRS))]
    got = both(lambda b, *v: getattr(b, name)(*v), LEFT, RIGHT, thirds, target=target)
    rows = zip(LEFT, RIGHT, thirds, strict=True)
    assert same(got, [exactly(function)(*row) for row in rows])


@runs_on_every_target
def test_max_and_min_give_the_second_where_the_first_is_not_beyond_it(target):
    largest = both(lambda b, x, y: b.max(x, y), LEFT, RIGHT, target=target)
    smallest = both(lambda b, x, y: b.min(x, y), LEFT, RIGHT, target=target)
    assert same(largest, [a if a > b else b for a, b in PAIRS])
    assert same(smallest, [a if a < b else b for a, b in PAIRS])


@runs_on_every_target
def test_maximum_and_minimum_keep_nan(target):
    largest = both(maximum, LEFT, RIGHT, target=target)
    smallest = both(minimum, LEFT, RIGHT, target=target)
    for (a, b), most, least in zip(PAIRS, largest, smallest, strict=True):
        if a != a or b != b:
            assert most != most
            assert least != least
        else:
            assert most == max(a, b)
            assert least == min(a, b)


@runs_on_every_target
def test_signs(target):
    assert same(both(lambda b, x: b.negate(x), VALUES, target=target), [-a for a in VALUES])
    assert same(both(lambda b, x: b.absolute(x), VALUES, target=target), [abs(a) for a in VALUES])
    numbers = [(a, b) for a, b in PAIRS if b == b]
    left, right = [a for a, _ in numbers], [b for _, b in numbers]
    got = both(lambda b, x, y: b.copy_sign(x, y), left, right, target=target)
    assert same(got, [math.copysign(a, b) for a, b in numbers])
    got = both(lambda b, x, y: b.copy_sign(y, x), right, left, target=target)
    assert same(got, [math.copysign(a, b) for a, b in numbers])


@runs_on_every_target
def test_copying_a_sign_leaves_what_is_used_again(target):
    def build(b, x, y):
        signed = b.copy_sign(x, y)
        return b.add(b.multiply(signed, 100.0), b.add(b.multiply(x, 10.0), y))

    got = both(build, [1.0, 2.0, 3.0], [-1.0, 1.0, -1.0], target=target)
    assert got == [-91.0, 221.0, -271.0]


@runs_on_every_target
@pytest.mark.parametrize("mode", ROUNDINGS)
def test_rounding(mode, target):
    values = [0.5, 1.5, 2.5, -0.5, -1.5, 0.1, -0.1, 8388609.0, *VALUES]
    functions = {"nearest": round, "down": math.floor, "up": math.ceil, "truncate": math.trunc}
    got = both(lambda b, x: b.round(x, mode), values, target=target)
    expected = [math.copysign(functions[mode](a), a) if math.isfinite(a) else a for a in values]
    assert same(got, expected)


@runs_on_every_target
def test_square_roots(target):
    got = both(lambda b, x: b.sqrt(x), VALUES, target=target)
    for a, root in zip(VALUES, got, strict=True):
        assert same([root], [math.nan if not a >= 0 else root])
        if 0 < a < math.inf:
            assert abs(root / math.sqrt(a) - 1) <= 2.0**-24 * (1 + 1e-6)


@runs_on_every_target
def test_scaling_reaches_denormals_and_infinity(target):
    exponents = [
        float(n) for n in (-252, -150, -149, -130, -126, -1, 0, 1, 100, 127, 128, 200, 252)
    ]
    for a in (1.0, -1.9999999, 1.5):
        a = array.array("f", [a])[0]
        got = both(lambda b, n, a=a: b.scale(b.constant(a), n), exponents, target=target)
        assert same(got, [nearest(Fraction(a) * Fraction(2) ** int(n), a) for n in exponents])


@runs_on_every_target
@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("add_int", lambda a, b: a + b),
        ("subtract_int", lambda a, b: a - b),
        ("multiply_int", lambda a, b: a * b),
        ("bit_and", lambda a, b: a & b),
        ("bit_or", lambda a, b: a | b),
        ("bit_xor", lambda a, b: a ^ b),
    ],
)
def test_integer_arithmetic_is_modulo_two_to_the_32(name, function, target):
    got = both(lambda b, x, y: getattr(b, name)(x, y), INT_LEFT, INT_RIGHT, target=target)
    for a, c, result in zip(INT_LEFT, INT_RIGHT, got, strict=True):
        assert (result - function(a, c)) % 2**32 == 0


@runs_on_every_target
def test_shifts(target):
    for count in (0, 1, 23, 31):
        left = both(lambda b, x, n=count: b.shift_left(x, n), INTS, target=target)
        right = both(lambda b, x, n=count: b.shift_right(x, n), INTS, target=target)
        signed = both(lambda b, x, n=count: b.shift_right_signed(x, n), INTS, target=target)
        assert [r % 2**32 for r in left] == [(n << count) % 2**32 for n in INTS]
        assert [r % 2**32 for r in right] == [(n % 2**32) >> count for n in INTS]
        assert signed == [n >> count for n in INTS]


@runs_on_every_target
def test_conversions(target):
    values = [0.5, 1.5, -2.5, -2.75, 1e9, 2147483648.0, -2147483648.0, 1e30, math.inf, math.nan]
    out = -(2**31)
    nearest_int = [0, 2, -2, -3, 10**9, out, out, out, out, out]
    assert both(lambda b, x: b.to_int(x), values, target=target) == nearest_int
    truncated = [0, 1, -2, -2, 10**9, out, out, out, out, out]
    assert both(lambda b, x: b.truncate_to_int(x), values, target=target) == truncated
    floats = both(lambda b, n: b.to_float(n), INTS, target=target)
    assert same(floats, [nearest(Fraction(n)) for n in INTS])


@runs_on_every_target
def test_bits_are_only_seen_differently(target):
    assert both(lambda b, x: b.bits(x), [1.0, -0.0, 1e-45], target=target) == [
        0x3F800000,
        -(2**31),
        1,
    ]
    assert both(lambda b, n: b.float_from_bits(n), [0x40400000, 1], target=target) == [
        3.0,
        2.0**-149,
    ]


@runs_on_every_target
@pytest.mark.parametrize("predicate", PREDICATES)
def test_comparisons(predicate, target):
    expected = {
        "equal": lambda a, b: a == b,
        "not_equal": lambda a, b: a != b,
        "less": lambda a, b: a < b,
        "less_equal": lambda a, b: a <= b,
        "greater": lambda a, b: a > b,
        "greater_equal": lambda a, b: a >= b,
        "unordered": lambda a, b: a != a or b != b,
    }[predicate]
    got = both(lambda b, x, y: b.compare(predicate, x, y), LEFT, RIGHT, target=target)
    assert got == [int(expected(a, b)) for a, b in PAIRS]


@runs_on_every_target
def test_integer_comparisons(target):
    equal = both(lambda b, x, y: b.compare_int("equal", x, y), INT_LEFT, INT_RIGHT, target=target)
    greater = both(
        lambda b, x, y: b.compare_int("greater", x, y), INT_LEFT, INT_RIGHT, target=target
    )
    rows = list(zip(INT_LEFT, INT_RIGHT, strict=True))
    assert equal == [int(a == b) for a, b in rows]
    assert greater == [int(a > b) for a, b in rows]


@runs_on_every_target
def test_logic_of_masks_and_selection(target):
    def build(b, x, y):
        p, q = b.compare_int("greater", x, 0), b.compare_int("greater", y, 0)
        masks = (b.mask_and(p, q), b.mask_or(p, q), b.mask_xor(p, q), b.mask_not(p))
        total = b.constant_int(0)
        for place, mask in enumerate(masks):
            total = b.add_int(total, b.select(mask, b.constant_int(1 << place), 0))
        return total

    got = both(build, [0, 0, 1, 1], [0, 1, 0, 1], target=target)
    assert got == [8, 2 + 4 + 8, 2 + 4, 1 + 2]


@runs_on_every_target
def test_selection_takes_the_first_where_the_mask_is_set(target):
    got = both(
        lambda b, x: b.select(b.compare("less", x, 0.0), x, 7.0), [-1.0, 2.0, -0.0], target=target
    )
    assert got == [-1.0, 7.0, 7.0]


@runs_on_every_target
@pytest.mark.parametrize("count", [-5, 0, 1, 5, 8, 15, 16, 17, 1 << 20, (1 << 40) + 3])
def test_mask_below_is_the_first_lanes(count, target):
    def build(b, x):
        return b.select(b.mask_below(count), x, 0.0)

    got = both(build, [1.0] * 16, target=target)
    assert got == [float(lane % target.lanes < count) for lane in range(16)]


@runs_on_every_target
def test_any_is_one_integer(target):
    def build(b, x):
        number = b.add_int64(b.multiply_int64(b.any(b.compare("less", x, 0.0)), 10), 1)
        return b.broadcast_int(number)

    first = [0.0] * 16
    first[3] = -1.0
    got = both(build, first + [0.0] * 16, target=target)
    assert got[: target.lanes] == [11] * target.lanes
    assert got[16:] == [1] * 16


@runs_on_every_target
def test_reductions_combine_halves(target):
    # 2**24 + 1 is not a float32: the order of the sum shows
    values = [2.0**24, 1.0, 1.0, -(2.0**24), *[1.0] * 12]

    def in_order(lanes):
        while len(lanes) > 1:
            middle = len(lanes) // 2
            lanes = [
                nearest(Fraction(a) + Fraction(b))
                for a, b in zip(lanes[:middle], lanes[middle:], strict=True)
            ]
        return lanes[0]

    n = target.lanes
    got = both(lambda b, x: b.reduce_add(x), values, target=target)
    assert got == [in_order(values[:n])] * n + [in_order(values[n:] or [0.0])] * (16 - n)
    assert both(lambda b, x: b.reduce_max(x), values, target=target)[:n] == [2.0**24] * n
    assert both(lambda b, x: b.reduce_min(x), values, target=target)[:n] == [-(2.0**24)] * n


@runs_on_every_target
def test_interleaving_takes_lanes_in_turn(target):
    n = target.lanes
    left, right = [float(i) for i in range(16)], [100.0 + i for i in range(16)]
    low = both(lambda b, x, y: b.interleave_low(x, y), left, right, target=target)
    high = both(lambda b, x, y: b.interleave_high(x, y), left, right, target=target)
    pairs = [x for pair in zip(left[:n], right[:n], strict=True) for x in pair]
    assert low[:n] == pairs[:n]
    assert high[:n] == pairs[n:]


@runs_on_every_target
@pytest.mark.parametrize(
    ("how", "lanes"),
    [
        ("low_lanes", "0 a 1 b 4 e 5 f 8 i 9 j 12 m 13 n"),
        ("high_lanes", "2 c 3 d 6 g 7 h 10 k 11 l 14 o 15 p"),
        ("low_pairs", "0 1 a b 4 5 e f 8 9 i j 12 13 m n"),
        ("high_pairs", "2 3 c d 6 7 g h 10 11 k l 14 15 o p"),
    ],
)
def test_shuffles_within_four_lanes(target, how, lanes):
    left, right = [float(i) for i in range(16)], [100.0 + i for i in range(16)]
    got = both(lambda b, x, y: b.shuffle(how, x, y), left, right, target=target)
    names = [str(i) for i in range(16)] + list("abcdefghijklmnop")
    wanted = dict(zip(names, left + right, strict=True))
    assert got[: target.lanes] == [wanted[lane] for lane in lanes.split()][: target.lanes]


@runs_on_every_target
def test_shuffles_of_four_lanes_each(target):
    n, left, right = target.lanes, [float(i) for i in range(16)], [100.0 + i for i in range(16)]
    for how, first in (("even_fours", 0), ("odd_fours", 4)):
        got = both(lambda b, x, y, how=how: b.shuffle(how, x, y), left, right, target=target)
        chosen = [v[i + j] for v in (left, right) for i in range(first, n, 8) for j in range(4)]
        assert got[:n] == chosen


@runs_on_every_target
@pytest.mark.parametrize("distance", [1, 2, 4, 8])
def test_exchanging_swaps_lanes_a_distance_apart(target, distance):
    n, values = target.lanes, [float(i) for i in range(16)]
    if distance >= n:
        pytest.skip("the vector is not that long")
    got = both(lambda b, x: b.exchange(x, distance), values, target=target)
    assert got[:n] == [values[i ^ distance] for i in range(n)]


@runs_on_every_target
def test_scalar_integers(target):
    def build(b, x):
        total = b.constant_int64(0)
        for name, a, c in (
            ("add_int64", 3, 4),
            ("subtract_int64", 3, 4),
            ("multiply_int64", 3, 4),
            ("min_int64", 3, 4),
            ("max_int64", 3, 4),
            ("min_int64", -3, -4),
            ("max_int64", -3, -4),
        ):
            total = b.add_int64(b.multiply_int64(total, 100), getattr(b, name)(a, c))
        # more than 32 bits, and brought back
        total = b.subtract_int64(b.add_int64(total, (1 << 40) * 5), (1 << 40) * 5)
        return b.broadcast_int(total)

    expected = 0
    for value in (7, -1, 12, 3, 4, -4, -3):
        expected = expected * 100 + value
    got = both(build, [0.0], target=target)
    assert (got[0] - expected) % 2**32 == 0


@runs_on_every_target
def test_iota_and_lanes(target):
    got = both(
        lambda b, x: b.add_int(b.iota(), b.broadcast_int(LANES * 100)), [0.0] * 16, target=target
    )
    assert got == [lane % target.lanes + 100 * target.lanes for lane in range(16)]


@runs_on_every_target
def test_polynomials_and_exact_sums_and_products(target):
    assert both(lambda b, x: polynomial(b, x, (1.0, 2.0, 3.0)), [0.0, 1.0, 2.0], target=target) == [
        1,
        6,
        17,
    ]
    left = array.array("f", [1.0, 1e8, 0.1, -7.3, 3.3e7])
    right = array.array("f", [1e-9, 1.2345, 1e7, 7.2999, -0.7])
    for exact, operation in (
        (two_sum, lambda a, b: a + b),
        (fast_two_sum, lambda a, b: a + b),
        (two_product, lambda a, b: a * b),
    ):
        rows = [
            (a, b)
            for a, b in zip(left, right, strict=True)
            if exact is not fast_two_sum or abs(a) >= abs(b)
        ]
        columns = [a for a, _ in rows], [b for _, b in rows]
        high = both(lambda b, x, y, f=exact: f(b, x, y)[0], *columns, target=target)
        low = both(lambda b, x, y, f=exact: f(b, x, y)[1], *columns, target=target)
        for (a, c), h, l in zip(rows, high, low, strict=True):
            assert h == nearest(operation(Fraction(a), Fraction(c)))
            assert Fraction(h) + Fraction(l) == operation(Fraction(a), Fraction(c))


def block_program():
    """out[i] = table[index[i]] + first of a block, with all addresses in a block of arguments."""
    b = Builder("block", block=POINTER)
    (block,) = b.parameters
    values, indices, out = [b.load_pointer(block, displacement=8 * i) for i in range(3)]
    count = b.load_int64(block, displacement=24)
    with b.loop(0, count, LANES) as loop:
        b.prefetch(indices, loop.counter, displacement=256)
        wanted = b.load(indices, loop.counter, type=INT32)
        mask = b.compare_int("greater", wanted, -1)
        total = b.add(b.gather(values, wanted, mask=mask), b.load_broadcast(values, displacement=4))
        b.store(total, b.advance(out, b.multiply_int64(loop.counter, 4)))
    b.store_first(b.constant(5.0), out, count, displacement=-4)
    return b.program


def test_interpreted_pointers_come_from_memory():
    memory = Memory()
    values = array.array("f", [10.0, 20.0, 30.0])
    indices = array.array("i", [2, 1, 0, -1] * 4)
    out = array.array("f", [0.0] * 16)
    block = array.array("q", [memory.add(values), memory.add(indices), memory.add(out), 16])
    interpret(block_program(), [block], 16, memory)
    assert list(out) == [50.0, 40.0, 30.0, 20.0] * 3 + [50.0, 40.0, 30.0, 5.0]


@runs_on_every_target
def test_native_pointers_come_from_memory(target):
    from vector_programs import aligned

    from baregrad.compiler.vector.compile import compile_vector

    values = aligned(array.array("f", [10.0, 20.0, 30.0]))
    indices = aligned(array.array("i", [2, 1, 0, -1] * 4))
    out = aligned(array.array("f", [0.0] * 16))
    block = aligned(array.array("q", [values.address, indices.address, out.address, 16]))
    compile_vector(block_program(), target)(block.address)
    assert list(out.view) == [50.0, 40.0, 30.0, 20.0] * 3 + [50.0, 40.0, 30.0, 5.0]


@on_every_target
def test_loops_of_no_iteration_give_the_initial_values(target):
    b = Builder("empty", out=POINTER, n=INT64)
    out, n = b.parameters
    with b.loop(5, n, 2, [b.constant(1.0)]) as loop:
        loop.carry(b.add(loop.carried[0], 1.0))
    b.store(loop.results[0], out)
    b.store(b.to_float(b.broadcast_int(loop.end)), out, displacement=64)
    for n, runs, end in ((4, 0, 5), (5, 0, 5), (6, 1, 7), (9, 2, 9), (10, 3, 11)):
        out = run_interpreted(b.program, target.lanes, [array.array("f", [0.0] * 32), n])[0]
        assert (out[0], out[16]) == (1.0 + runs, end)
