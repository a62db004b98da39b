"""The coefficients of `baregrad.compiler.vector.functions`, computed: ``python minimax.py [name]``.

Remez' exchange algorithm (Cheney, "Introduction to Approximation Theory", chapter 3) in many
digits finds the polynomial whose largest weighted error is smallest. Then the coefficients are
rounded to float32 one after the other, lowest power first, and after each the higher ones are
adjusted so that they make up for it. Needs mpmath, of the extra ``peers``.
"""

import sys

from mpmath import mp, mpf

mp.dps = 40
GRID = 1000


def float32(x):
    """`x` rounded to a 24-bit significand."""
    if x == 0:
        return mpf(0)
    mantissa, exponent = mp.frexp(x)
    return mp.ldexp(mp.nint(mantissa * 2**24), int(exponent) - 24)


def remez(target, weight, powers, low, high):
    """Coefficients of the best sum of c * x**power on [low, high], and its largest error."""
    count = len(powers) + 1
    # not symmetric, so that none begins at 0, where a weight may be 0
    points = [
        low + (high - low) * (1 - mp.cos(mp.pi * (i + mpf("0.4")) / count)) / 2
        for i in range(count)
    ]
    grid = [low + (high - low) * (1 - mp.cos(mp.pi * mpf(i) / GRID)) / 2 for i in range(GRID + 1)]
    table = [(x, target(x), weight(x)) for x in grid]
    for _ in range(12):
        matrix, right = mp.matrix(count, count), mp.matrix(count, 1)
        for row, x in enumerate(points):
            for column, power in enumerate(powers):
                matrix[row, column] = weight(x) * x**power
            matrix[row, count - 1] = (-1) ** row
            right[row] = weight(x) * target(x)
        solution = mp.lu_solve(matrix, right)
        coefficients, level = list(solution)[:-1], abs(solution[count - 1])
        errors = [(w * (evaluate(coefficients, powers, x) - f), x) for x, f, w in table]
        points, largest = extrema(errors, count)
        if largest <= level * (1 + mpf(10) ** -4):
            break
    return coefficients, largest


def extrema(errors, count):
    """The places of the largest errors of alternating sign, and the largest error of all."""
    runs = []
    for error, x in errors:
        if runs and (runs[-1][0] > 0) == (error > 0):
            runs[-1] = max(runs[-1], (error, x), key=lambda pair: abs(pair[0]))
        else:
            runs.append((error, x))
    largest = max(abs(error) for error, _ in runs)
    while len(runs) > count:
        size = [abs(error) for error, _ in runs]
        at = size.index(min(size))
        if len(runs) > count + 1 and 0 < at < len(runs) - 1:
            # with a neighbour, so that the signs still alternate
            del runs[at], runs[at if size[at + 1] < size[at - 1] else at - 1]
        else:
            runs.pop(0 if size[0] < size[-1] else -1)
    if len(runs) < count:
        raise ValueError(f"only {len(runs)} extrema, {count} are needed: lower the degree")
    return [x for _, x in runs], largest


def evaluate(coefficients, powers, x):
    """The sum of c * x**power."""
    return mp.fsum(c * x**power for c, power in zip(coefficients, powers, strict=True))


def rounded(target, weight, powers, low, high):
    """Float32 coefficients, and the largest error with them."""
    coefficients, _ = remez(target, weight, powers, low, high)
    nodes = [
        low + (high - low) * (1 - mp.cos(mp.pi * (i + mpf("0.5")) / 64)) / 2 for i in range(64)
    ]
    for at, power in enumerate(powers):
        change = float32(coefficients[at]) - coefficients[at]
        coefficients[at] += change
        if at + 1 < len(powers):
            # the higher powers take back what the rounding has changed, as well as they can
            matrix = mp.matrix([[weight(x) * x**p for p in powers[at + 1 :]] for x in nodes])
            right = mp.matrix([-weight(x) * change * x**power for x in nodes])
            for place, correction in enumerate(mp.lu_solve(matrix, right), at + 1):
                coefficients[place] += correction
    error = max(
        abs(weight(x) * (evaluate(coefficients, powers, x) - target(x)))
        for x in (low + (high - low) * mpf(i) / GRID for i in range(GRID + 1))
    )
    return coefficients, error


# never 0, where a removable singularity is
TINY = mpf(10) ** -9


def away_from_zero(function):
    """The function continued to 0, where it has a limit but no formula."""
    return lambda x: function(x if abs(x) > TINY else TINY)


SQRT_2_AS_QUOTIENT = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)

FITS = {
    # exp(r) = 1 + r + r**2 * p(r); the error relative to exp(r)
    "exp": (
        away_from_zero(lambda r: (mp.exp(r) - 1 - r) / r**2),
        lambda r: r**2 / mp.exp(r),
        range(5),
        -mp.log(2) / 2,
        mp.log(2) / 2,
    ),
    # log1p(f) = f + f**2 * p(f); relative
    "log": (
        away_from_zero(lambda f: (mp.log1p(f) - f) / f**2),
        away_from_zero(lambda f: abs(f**2 / mp.log1p(f))),
        range(9),
        -mpf(1) / 3,
        mpf(1) / 3,
    ),
    # tanh(x) = x + x * s * p(s), s = x**2; relative, for |x| < 0.625
    "tanh": (
        away_from_zero(lambda s: (mp.tanh(mp.sqrt(s)) / mp.sqrt(s) - 1) / s),
        away_from_zero(lambda s: s * mp.sqrt(s) / mp.tanh(mp.sqrt(s))),
        range(5),
        mpf(0),
        mpf("0.625") ** 2,
    ),
    # erf(x) = x + x * p(s), s = x**2; relative, for |x| < 0.9
    "erf": (
        away_from_zero(lambda s: mp.erf(mp.sqrt(s)) / mp.sqrt(s) - 1),
        away_from_zero(lambda s: mp.sqrt(s) / mp.erf(mp.sqrt(s))),
        range(7),
        mpf(0),
        mpf("0.9") ** 2,
    ),
    # 1 - erf(x) = exp(-x**2) * p(x - 1.5); the error relative to erf(x), for x from 0.9 to 4
    "erfc": (
        lambda u: mp.exp((u + 1.5) ** 2) * mp.erfc(u + 1.5),
        lambda u: mp.exp(-((u + 1.5) ** 2)) / mp.erf(u + 1.5),
        range(9),
        mpf("-0.6"),
        mpf("2.5"),
    ),
    # sin(r) = r + r * s * p(s), s = r**2; relative
    "sin": (
        away_from_zero(lambda s: (mp.sin(mp.sqrt(s)) / mp.sqrt(s) - 1) / s),
        away_from_zero(lambda s: s * mp.sqrt(s) / mp.sin(mp.sqrt(s))),
        range(3),
        mpf(0),
        (mp.pi / 4) ** 2,
    ),
    # cos(r) = 1 - s / 2 + s**2 * p(s), s = r**2; relative
    "cos": (
        away_from_zero(lambda s: (mp.cos(mp.sqrt(s)) - 1 + s / 2) / s**2),
        lambda s: s**2 / mp.cos(mp.sqrt(s)),
        range(3),
        mpf(0),
        (mp.pi / 4) ** 2,
    ),
    # atanh(s) = s (1 + w (1 / 3 + w p(w))), w = s**2; the error of p relative to its value at 0
    "log2": (
        away_from_zero(lambda w: ((mp.atanh(mp.sqrt(w)) / mp.sqrt(w) - 1) / w - mpf(1) / 3) / w),
        lambda w: mpf(5),
        range(4),
        mpf(10) ** -6,
        SQRT_2_AS_QUOTIENT**2,
    ),
    # 2**r = 1 + r p(r); relative
    "exp2": (
        away_from_zero(lambda r: (mpf(2) ** r - 1) / r),
        lambda r: abs(r) / mpf(2) ** r,
        range(6),
        -mpf(1) / 2,
        mpf(1) / 2,
    ),
}


def main(names):
    """Print every fit, or those that are named."""
    for name in names or FITS:
        coefficients, error = rounded(*FITS[name])
        print(f"{name}: largest error 2**{mp.nstr(mp.log(error, 2), 5)}")
        for coefficient in coefficients:
            print(f"    {float(coefficient).hex()},  # {mp.nstr(coefficient, 9)}")


if __name__ == "__main__":
    main(sys.argv[1:])
