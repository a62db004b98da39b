"""Made-up data sets: small problems whose answer is known, to learn and to test with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from baregrad.arguments import checked_count, checked_number
from baregrad.data.task import Task
from baregrad.errors import checked_name
from baregrad.tensor.random import DATA, Generator, generator_for
from baregrad.tensor.tensor import Tensor

Point: TypeAlias = Sequence[float]


class Dataset(NamedTuple):
    """Samples and what is to be predicted for each.

    Attributes:
        x: (samples, features), float32.
        y: for regression (samples, 1), float32; for classification (samples,), int64, the classes
            numbered from 0.
        name: what it is called in `DATASETS`.
        task: ``"regression"`` or ``"classification"``.
        features: the name of each feature.
        classes: how many classes there are; 0 for regression.
    """

    x: Tensor
    y: Tensor
    name: str
    task: Task
    features: tuple[str, ...]
    classes: int

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {self.task}, x={self.x.shape}, y={self.y.shape})"


def _generator(samples: int, noise: float, seed: int | None) -> Generator:
    """The random numbers of a data set whose arguments have been checked."""
    checked_count(samples, "the number of samples")
    checked_number(noise, "noise, a standard deviation,", least=0, below=math.inf)
    return generator_for(seed, DATA)


def _uniform(generator: Generator, samples: int, features: int) -> list[list[float]]:
    """(samples, features) numbers in [0, 1)."""
    return generator.rand(samples, features).tolist()  # type: ignore[no-any-return]


def _names(features: int) -> tuple[str, ...]:
    return tuple(f"x{i + 1}" for i in range(features))


def _regression(
    name: str,
    points: Sequence[Point],
    function: Callable[[Point], float],
    noise: float,
    generator: Generator,
) -> Dataset:
    """`function` of each point, plus normal noise."""
    errors = generator.randn(len(points)).tolist()
    y = [[function(p) + noise * e] for p, e in zip(points, errors, strict=True)]
    x = Tensor(points, "float32")
    return Dataset(x, Tensor(y, "float32"), name, "regression", _names(x.shape[1]), 0)


def _classification(
    name: str,
    points: Sequence[Point],
    labels: Sequence[int],
    noise: float,
    generator: Generator,
    classes: int = 2,
) -> Dataset:
    """Points of known classes, each then moved by normal noise along both axes."""
    moves = generator.randn(len(points), 2).tolist()
    x = [[p[0] + noise * m[0], p[1] + noise * m[1]] for p, m in zip(points, moves, strict=True)]
    y = Tensor(labels, "int64")
    return Dataset(Tensor(x, "float32"), y, name, "classification", _names(2), classes)


# --- regression -------------------------------------------------------------------------------


def linear(samples: int = 200, noise: float = 0.1, seed: int | None = None) -> Dataset:
    """y = 2 x1 - 3 x2 + 1 + noise, for x uniform in [-1, 1)².

    Args:
        samples: how many.
        noise: standard deviation of the normal error of y.
        seed: which random numbers; None draws from the default generator.

    Raises:
        ArgumentError: fewer than one sample, or a negative noise.
    """
    generator = _generator(samples, noise, seed)
    points = [[2 * a - 1, 2 * b - 1] for a, b in _uniform(generator, samples, 2)]
    return _regression("linear", points, lambda p: 2 * p[0] - 3 * p[1] + 1, noise, generator)


def sine(samples: int = 200, noise: float = 0.1, seed: int | None = None) -> Dataset:
    """y = sin(x) + noise, for x uniform in [-π, π). Arguments as for `linear`."""
    generator = _generator(samples, noise, seed)
    points = [[math.pi * (2 * u - 1)] for (u,) in _uniform(generator, samples, 1)]
    return _regression("sine", points, lambda p: math.sin(p[0]), noise, generator)


def friedman(samples: int = 200, noise: float = 1.0, seed: int | None = None) -> Dataset:
    """Friedman's function of five features; five more have nothing to do with y.

    y = 10 sin(π x1 x2) + 20 (x3 - 1/2)² + 10 x4 + 5 x5 + noise, for x uniform in [0, 1)¹⁰:
    J. H. Friedman, "Multivariate adaptive regression splines", Annals of Statistics 19 (1991)
    1-67. Arguments as for `linear`.
    """
    generator = _generator(samples, noise, seed)

    def function(p: Point) -> float:
        return 10 * math.sin(math.pi * p[0] * p[1]) + 20 * (p[2] - 0.5) ** 2 + 10 * p[3] + 5 * p[4]

    return _regression("friedman", _uniform(generator, samples, 10), function, noise, generator)


# --- classification ---------------------------------------------------------------------------


def xor(samples: int = 200, noise: float = 0.1, seed: int | None = None) -> Dataset:
    """Points around the corners of a square; class 1 where exactly one coordinate is 1.

    ``xor(4, noise=0)`` is the truth table itself.

    Args:
        samples: how many, spread evenly over the classes.
        noise: standard deviation of the normal error of each coordinate.
        seed: which random numbers; None draws from the default generator.

    Raises:
        ArgumentError: fewer than one sample, or a negative noise.
    """
    generator = _generator(samples, noise, seed)
    corners = [(i % 4 // 2, i % 2) for i in range(samples)]
    return _classification("xor", corners, [a ^ b for a, b in corners], noise, generator)


def moons(samples: int = 200, noise: float = 0.1, seed: int | None = None) -> Dataset:
    """Two half circles of radius 1, each with an end inside the other. Arguments as for `xor`."""
    generator = _generator(samples, noise, seed)
    points = []
    for i, (u,) in enumerate(_uniform(generator, samples, 1)):
        a, b = math.cos(math.pi * u), math.sin(math.pi * u)
        points.append((1 - a, 0.5 - b) if i % 2 else (a, b))
    return _classification("moons", points, [i % 2 for i in range(samples)], noise, generator)


def circles(samples: int = 200, noise: float = 0.05, seed: int | None = None) -> Dataset:
    """A circle of radius 1 and one of radius 1/2 inside it. Arguments as for `xor`."""
    generator = _generator(samples, noise, seed)
    draws = enumerate(_uniform(generator, samples, 1))
    points = [_polar(0.5 if i % 2 else 1.0, 2 * math.pi * u) for i, (u,) in draws]
    return _classification("circles", points, [i % 2 for i in range(samples)], noise, generator)


def spirals(samples: int = 200, noise: float = 0.02, seed: int | None = None) -> Dataset:
    """Two arms of a spiral that make 1½ turns from the centre to radius 1. Arguments as for `xor`.

    K. J. Lang and M. J. Witbrock, "Learning to tell two spirals apart", Proc. 1988 Connectionist
    Models Summer School; here the points are random along the arms.
    """
    generator = _generator(samples, noise, seed)
    points = []
    for i, (u,) in enumerate(_uniform(generator, samples, 1)):
        radius = math.sqrt(u)  # so that the arms are about evenly dense
        points.append(_polar(radius, math.pi * (3 * radius + i % 2)))
    return _classification("spirals", points, [i % 2 for i in range(samples)], noise, generator)


def blobs(samples: int = 200, noise: float = 0.5, seed: int | None = None) -> Dataset:
    """Three round clouds, of standard deviation `noise`, at the corners of a triangle.

    The centres lie 2 from the origin. Arguments as for `xor`.
    """
    generator = _generator(samples, noise, seed)
    labels = [i % 3 for i in range(samples)]
    centres = [_polar(2.0, 2 * math.pi * label / 3) for label in labels]
    return _classification("blobs", centres, labels, noise, generator, classes=3)


def checkerboard(samples: int = 200, noise: float = 0.0, seed: int | None = None) -> Dataset:
    """Uniform points on [0, 4)², coloured as a board of 4 by 4 squares.

    The classes are about equally frequent. Arguments as for `xor`.
    """
    generator = _generator(samples, noise, seed)
    points = [(4 * a, 4 * b) for a, b in _uniform(generator, samples, 2)]
    labels = [(int(a) + int(b)) % 2 for a, b in points]
    return _classification("checkerboard", points, labels, noise, generator)


def _polar(radius: float, angle: float) -> tuple[float, float]:
    return radius * math.cos(angle), radius * math.sin(angle)


# --- by name ----------------------------------------------------------------------------------


class Recipe(NamedTuple):
    """How a made-up data set is made, and what it is in a few words."""

    make: Callable[..., Dataset]
    task: Task
    description: str


DATASETS: dict[str, Recipe] = {
    "linear": Recipe(linear, "regression", "a plane over two features"),
    "sine": Recipe(sine, "regression", "one period of a sine"),
    "friedman": Recipe(friedman, "regression", "Friedman's function: five of ten features count"),
    "xor": Recipe(xor, "classification", "exclusive or: no line separates the classes"),
    "moons": Recipe(moons, "classification", "two half circles that interlock"),
    "circles": Recipe(circles, "classification", "a circle inside another"),
    "spirals": Recipe(spirals, "classification", "two arms of a spiral; hard"),
    "blobs": Recipe(blobs, "classification", "three round clouds; easy"),
    "checkerboard": Recipe(checkerboard, "classification", "a board of 4 by 4 squares; hard"),
}


def dataset_named(
    name: str, samples: int = 200, noise: float | None = None, seed: int | None = None
) -> Dataset:
    """A made-up data set, given its name in `DATASETS`.

    Args:
        name: such as ``"moons"``.
        samples: how many.
        noise: standard deviation; by default the set's own.
        seed: which random numbers; None draws from the default generator.

    Raises:
        ArgumentError: an unknown name, fewer than one sample, or a negative noise.
    """
    make = DATASETS[checked_name("data set", name, DATASETS)].make
    return make(samples, seed=seed) if noise is None else make(samples, noise, seed)
