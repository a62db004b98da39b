"""The errors of the native elementary functions, over every float32: ``python ulp.py [name ...]``.

Each function is run on all 2**32 bit patterns and compared with float64, from NumPy and Python's
math (errors below 2**-52, which does not matter here). For each are printed the largest error in
units in the last place (ULP) with its argument, the arguments whose special result is wrong (NaN,
infinity, sign of zero), and for monotone functions the neighbours that are out of order. It takes
about two minutes for each function. Needs NumPy, of the extra ``peers``.

Options: ``--target avx2`` or ``avx512``; ``--step N`` for only every N-th bit pattern.
"""

import argparse
import math

import numpy as np

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compile import TARGETS, compile_vector, host_target
from baregrad.compiler.vector.functions.error import erf
from baregrad.compiler.vector.functions.exponential import exp, expm1, sigmoid
from baregrad.compiler.vector.functions.hyperbolic import tanh
from baregrad.compiler.vector.functions.logarithm import log, log1p, softplus
from baregrad.compiler.vector.functions.trigonometric import cos, sin
from baregrad.compiler.vector.program import INT64, LANES, POINTER

CHUNK = 1 << 20


def reference_erf(x):
    """The error function: beyond 6 it is 1 to the last bit of float64."""
    out = np.where(np.isnan(x), np.nan, np.copysign(1.0, x))
    inner = np.abs(x) < 6
    out[inner] = np.fromiter(map(math.erf, x[inner].tolist()), np.float64)
    return out


def reference_sigmoid(x):
    """1 / (1 + e**-x)."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1 + e)


# name: native function, reference, whether it is monotone
FUNCTIONS = {
    "exp": (exp, np.exp, True),
    "expm1": (expm1, np.expm1, True),
    "log": (log, np.log, True),
    "log1p": (log1p, np.log1p, True),
    "tanh": (tanh, np.tanh, True),
    "erf": (erf, reference_erf, True),
    "sigmoid": (sigmoid, reference_sigmoid, False),
    "softplus": (softplus, lambda x: np.logaddexp(0.0, x), False),
    "sin": (sin, np.sin, False),
    "cos": (cos, np.cos, False),
}


def kernel(function, target):
    """A native function that applies `function` to n numbers, a multiple of the lanes."""
    b = Builder("ulp", x=POINTER, y=POINTER, n=INT64)
    x, y, n = b.parameters
    with b.loop(0, n, LANES) as loop:
        b.store(function(b, b.load(x, loop.counter)), y, loop.counter)
    return compile_vector(b.program, target)


def ulp_errors(got, exact):
    """|got - exact| in units in the last place of float32 at `exact`."""
    exponents = np.maximum((exact.view(np.int64) >> 52 & 0x7FF) - 1023, -126)
    units = (exponents + (1023 - 23) << 52).view(np.float64)
    return np.abs(got - exact) / units


def is_special_wrong(got, exact, rounded):
    """Whether NaN, infinity or the sign of zero differs from the rounded exact result."""
    wrong = np.isnan(got) != np.isnan(exact)
    wrong |= np.isinf(rounded) & np.isinf(exact) & (got != rounded)
    return wrong | ((exact == 0) & (np.signbit(got) != np.signbit(exact)))


def measure(name, target, step):
    """Print the errors of one function."""
    function, reference, monotone = FUNCTIONS[name]
    run = kernel(function, target)
    worst, worst_at, special, disordered, example = 0.0, 0.0, 0, 0, None
    for start in range(0, 1 << 32, CHUNK * step):
        stop = min(start + CHUNK * step, 1 << 32)
        # first positive numbers, then negative ones, both going away from zero
        x = np.arange(start, stop, step, dtype=np.uint64).astype(np.uint32).view(np.float32)
        y = np.empty_like(x)
        run(x.ctypes.data, y.ctypes.data, len(x))
        with np.errstate(all="ignore"):
            exact = reference(x.astype(np.float64))
            rounded = exact.astype(np.float32)
            wrong = is_special_wrong(y, exact, rounded)
            errors = ulp_errors(y.astype(np.float64), exact)
            # beyond the largest float32 infinity is right from half a unit on
            errors[np.isinf(rounded) & np.isinf(y)] = 0
            falls = np.diff(y) * np.diff(x) < 0
        special += int(wrong.sum())
        if wrong.any() and example is None:
            example = x[wrong][0]
        if monotone and falls.any():
            disordered += int(falls.sum())
            example = example or x[1:][falls][0]
        errors[~np.isfinite(errors)] = np.where((y == rounded) | np.isnan(exact), 0, np.inf)[
            ~np.isfinite(errors)
        ]
        at = int(np.argmax(errors))
        if errors[at] > worst:
            worst, worst_at = float(errors[at]), float(x[at])
    order = f", {disordered} out of order" if monotone else ""
    hint = "" if example is None else f" (such as {float(example)!r})"
    print(
        f"{name:8} {worst:.3f} ULP at {worst_at!r} ({worst_at.hex()}), "
        f"{special} special results wrong{order}{hint}",
        flush=True,
    )


def main():
    """Measure the functions named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *FUNCTIONS])
    parser.add_argument("--target", choices=[target.name for target in TARGETS])
    parser.add_argument("--step", type=int, default=1)
    options = parser.parse_args()
    target = next((t for t in TARGETS if t.name == options.target), host_target())
    for name in options.names or FUNCTIONS:
        measure(name, target, options.step)


if __name__ == "__main__":
    main()
