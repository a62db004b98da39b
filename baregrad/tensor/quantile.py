"""The quantile function of the normal distribution, which makes normal numbers of uniform ones.

Machine code does the same operations in the same order (`random_code`), so the same numbers are
drawn everywhere, to the last bit. For this the logarithm is written out here, too: those of C
libraries differ.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

# numerator and denominator, from the constant term on
Ratio: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]

# M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied
# Statistics 37 (1988) 477-484, PPND16: in the centre, in the tails and in the far tails; about 16
# digits.
CENTRE: Final[Ratio] = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3),
)  # fmt: skip
TAIL: Final[Ratio] = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9),
)  # fmt: skip
FAR_TAIL: Final[Ratio] = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15),
)  # fmt: skip

# q is the probability less 1/2; up to CENTRAL it is in the centre, and x is CENTRAL² - q². Further
# out x is r less an offset, of r = √(-log p), and p the probability of the tail.
CENTRAL: Final = 0.425
CENTRAL_SQUARE: Final = 0.180625
TAIL_OFFSET: Final = 1.6
FAR: Final = 5.0  # r from which on the tail is a far one, and the offset there
LEAST: Final = 2**-54  # probability that 0 stands for: half of the least step

# The series of 2 artanh, as far as it matters for numbers up to √2: M. Abramowitz and I. A. Stegun,
# "Handbook of Mathematical Functions", 4.1.27.
LOG_SERIES: Final = tuple(1 / (2 * k + 1) for k in range(12))
LOG_2: Final = 0.6931471805599453  # rounded to float64
SQRT_HALF: Final = math.sqrt(0.5)  # which is rounded alike everywhere


def normal(probability: float) -> float:
    """The point below which a standard normal variable lies with this probability (AS 241).

    Args:
        probability: at least 0 and less than 1; 0 counts as half of the least step, 2**-54.
    """
    q = probability - 0.5
    if abs(q) <= CENTRAL:
        return q * _ratio(CENTRE, CENTRAL_SQUARE - q * q)
    r = math.sqrt(-log(min(max(probability, LEAST), 1 - probability)))
    value = _ratio(TAIL, r - TAIL_OFFSET) if r <= FAR else _ratio(FAR_TAIL, r - FAR)
    return math.copysign(value, q)


def log(x: float) -> float:
    """The natural logarithm of a number below 1/2; right to 2 units of its last place.

    Args:
        x: at least 2**-1022.
    """
    significand, exponent = math.frexp(x)
    if significand < SQRT_HALF:
        significand, exponent = 2 * significand, exponent - 1
    s = (significand - 1) / (significand + 1)
    return exponent * LOG_2 + (s + s) * _polynomial(LOG_SERIES, s * s)


def _ratio(ratio: Ratio, x: float) -> float:
    return _polynomial(ratio[0], x) / _polynomial(ratio[1], x)


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    """By Horner's scheme."""
    value = 0.0
    for coefficient in reversed(coefficients):
        value = value * x + coefficient
    return value
