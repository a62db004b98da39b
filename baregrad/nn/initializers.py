"""Initial weights: random, with a spread that keeps signals from growing or fading.

A weight matrix has shape (fan-out, fan-in): one row for each neuron, one column for each input.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import mul
from typing import TypeAlias

from baregrad.errors import ShapeError, checked_name
from baregrad.nn.activations import activation_name
from baregrad.tensor.random import WEIGHTS, Generator, generator_for
from baregrad.tensor.tensor import Tensor, as_tensor

# (fan-out, fan-in, generator) -> the matrix, of which the layer makes one of its data type. Those
# here are float32, so a layer of float64 begins with the same weights; but orthogonal ones must be
# that to the last digit.
Initializer: TypeAlias = Callable[[int, int, Generator], Tensor]


def _uniform(variance: Callable[[int, int], float]) -> Initializer:
    """Uniform in ±√(3 · variance), which has that variance."""

    def draw(fan_out: int, fan_in: int, generator: Generator) -> Tensor:
        bound = math.sqrt(3 * variance(fan_out, fan_in))
        return generator.symmetric((fan_out, fan_in), bound)

    return draw


def _normal(variance: Callable[[int, int], float]) -> Initializer:
    def draw(fan_out: int, fan_in: int, generator: Generator) -> Tensor:
        spread = math.sqrt(variance(fan_out, fan_in))
        return generator.normal((fan_out, fan_in), spread)

    return draw


def _glorot(fan_out: int, fan_in: int) -> float:
    """For tanh and sigmoid: X. Glorot and Y. Bengio, AISTATS 2010, eq. 12."""
    return 2 / (fan_in + fan_out)


def _he(fan_out: int, fan_in: int) -> float:
    """For relu, which halves the variance: K. He et al., ICCV 2015, eq. 10."""
    return 2 / fan_in


def _lecun(fan_out: int, fan_in: int) -> float:
    """For selu: Y. LeCun et al., "Efficient BackProp", 1998, eq. 16."""
    return 1 / fan_in


def orthogonal(fan_out: int, fan_in: int, generator: Generator) -> Tensor:
    """Orthonormal rows (or columns, whichever are fewer): A. Saxe et al., ICLR 2014.

    Gram-Schmidt on normal random vectors, done twice, which is enough for full precision
    (Giraud, Langou and Rozložník 2005).
    """
    count, length = min(fan_out, fan_in), max(fan_out, fan_in)
    basis: list[list[float]] = []
    for vector in generator.randn(count, length, dtype="float64").tolist():
        for other in basis + basis:
            overlap = sum(map(mul, vector, other))
            vector = [v - overlap * o for v, o in zip(vector, other, strict=True)]
        norm = math.sqrt(sum(map(mul, vector, vector)))
        basis.append([v / norm for v in vector])
    matrix = Tensor(basis, "float64")
    return matrix if fan_out <= fan_in else matrix.T


INITIALIZERS: dict[str, Initializer] = {
    "glorot_uniform": _uniform(_glorot),
    "glorot_normal": _normal(_glorot),
    "he_uniform": _uniform(_he),
    "he_normal": _normal(_he),
    "lecun_uniform": _uniform(_lecun),
    "lecun_normal": _normal(_lecun),
    "orthogonal": orthogonal,
}

# What suits an activation, where it is not Glorot's.
SUITABLE: dict[str | None, str] = {
    **dict.fromkeys(("relu", "leaky_relu", "elu", "gelu", "silu", "mish"), "he_uniform"),
    "selu": "lecun_normal",
}


def initializer_named(initializer: str | Initializer) -> Initializer:
    """The initializer of a name; a function is returned as it is.

    Raises:
        ArgumentError: no initializer has this name.
    """
    if callable(initializer):
        return initializer
    return INITIALIZERS[checked_name("initializer", initializer, INITIALIZERS)]


def initial_weights(
    initializer: str | Initializer, fan_out: int, fan_in: int, seed: int | None, stream: int = 0
) -> Tensor:
    """A matrix (fan-out, fan-in) from an initializer, given by name or as a function.

    Raises:
        ArgumentError: no initializer has this name.
        ShapeError: the function returns another shape.
    """
    draw = initializer_named(initializer)
    weights = as_tensor(draw(fan_out, fan_in, generator_for(seed, WEIGHTS + stream)))
    if weights.shape != (fan_out, fan_in):
        raise ShapeError(
            f"the initializer returned weights of shape {weights.shape}, not {(fan_out, fan_in)}"
        )
    return weights


def suitable_initializer(activation: object) -> str:
    """The name of the initializer that goes with an activation, a name or a function."""
    return SUITABLE.get(activation_name(activation), "glorot_uniform")
