"""What the page shows of a network: what each neuron does, weights, losses; and its bytes."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Mapping
from typing import Any, Final

from baregrad.compiler.step import CompiledStep
from baregrad.data.columns import NumberColumn
from baregrad.data.targets import NumberTarget
from baregrad.engines.array import Array
from baregrad.errors import ArgumentError
from baregrad.nn.losses import loss_named
from baregrad.play.problem import Problem
from baregrad.play.trainer import Trainer
from baregrad.tensor.functions import maximum
from baregrad.tensor.tensor import Tensor
from baregrad.training.evaluation import predicting
from baregrad.training.samples import Samples

SIDE: Final = 48  # places along each axis of a surface
LINE: Final = 200  # of a curve, where there is one feature
MARGIN: Final = 0.12  # around the data, as a share of its range
FULL: Final = 127  # the byte for the largest output
MOST_SHOWN: Final = 2000  # points


class Picture:
    """A network and its data, as the page shows them.

    Args:
        problem: what is learned.
        trainer: by whom; if its network is another one later, so must the picture be.
        axes: the two features to draw over; the others are at their means.

    Attributes:
        model: the network shown.
        ranges: from where to where each axis goes, in the units of the network's inputs.

    Raises:
        ArgumentError: there is no such feature.
    """

    def __init__(self, problem: Problem, trainer: Trainer, axes: tuple[int, int]) -> None:
        features = problem.preprocessor.inputs
        self.axes = axes if features > 1 else (0,)
        if max(self.axes) >= features or len(set(self.axes)) < len(self.axes):
            raise ArgumentError(
                f"axes must be two different features from 0 to {features - 1}, not {axes}"
            )
        self.model = trainer.model
        self._problem, self._trainer = problem, trainer
        self._largest = max(map(abs, problem.training.y.array.data)) or 1
        self.ranges = [self._range(axis) for axis in self.axes]
        self._places = self._grid(features)
        self._shade = CompiledStep(self._shaded)
        self._assess = CompiledStep(self._assessed)

    def _range(self, axis: int) -> tuple[float, float]:
        x = self._problem.training.x
        values = x.array.data[axis :: x.shape[1]]
        low, high = min(values), max(values)
        room = MARGIN * (high - low)
        return low - room, high + room

    def _grid(self, features: int) -> Tensor:
        """(places, features), row by row from the top."""
        side = SIDE if len(self.axes) == 2 else LINE
        lines = [
            [low + (i + 0.5) / side * (high - low) for i in range(side)]
            for low, high in self.ranges
        ]
        across, down = lines[0], (lines[1][::-1] if len(lines) == 2 else [0.0])
        data = array("f", bytes(4 * features * side * len(down)))
        data[self.axes[0] :: features] = array("f", across * len(down))
        if len(self.axes) == 2:
            data[self.axes[1] :: features] = array("f", [b for b in down for _ in across])
        return Tensor.leaf(Array(data, (side * len(down), features), "float32"))

    def _shaded(self) -> list[Tensor]:
        """Of each layer (places, neurons), from -127 to 127; then the outputs themselves."""
        x, shades = self._places, []
        for layer in self.model.layers[:-1]:
            x = layer(x)
            shades.append(x / maximum(x.abs().max(axis=0, keepdims=True), 1))
        x = self.model.layers[-1](x)
        shades.append(self._shade_of_output(x))
        return [(FULL * shade).astype("int64") for shade in shades] + [x]

    def _shade_of_output(self, x: Tensor) -> Tensor:
        loss, classes = self._trainer.loss, len(self._problem.preprocessor.classes)
        if loss == "binary_cross_entropy":
            return (x / 2).tanh()  # 2 σ(x) - 1
        if loss == "cross_entropy":
            return 2 * x.softmax() - 1 if classes == 2 else x.softmax()
        return (x if classes else x / self._largest).clip(-1, 1)

    def _assessed(self) -> list[Tensor]:
        """Loss and score of both parts; see `assessment`."""
        score = _hits if self._problem.preprocessor.classes else _explained
        values = []
        for part in (self._trainer.training, self._trainer.test):
            output = self.model(part.x)
            values += [loss_named(self._trainer.loss)(output, part.y), score(output, part.y)]
        return values

    def assessment(self) -> list[float | None]:
        """Loss and score in training, and both in the test; None for what is not finite.

        The score is the accuracy, or of numbers R², the share of the variance that is explained.
        """
        with predicting(self.model):
            values = [value.item() for value in self._assess()]
        return [value if math.isfinite(value) else None for value in values]

    def sections(self) -> dict[str, bytes]:
        """Surfaces (a byte for each place), weights and, with one feature, the curve (floats)."""
        with predicting(self.model):
            *shades, outputs = self._shade()
        weights = b"".join(p.array.data.tobytes() for p in self.model.parameters())
        lowest = [shade.array.data.tobytes()[::8] for shade in shades]  # bytes of small integers
        curve = outputs.array.data.tobytes() if len(self.axes) == 1 else b""
        return {"weights": weights, "line": curve, "surfaces": b"".join(lowest)}

    def described(self) -> dict[str, Any]:
        """What stays the same during a training."""
        preprocessor = self._problem.preprocessor
        return {
            "features": preprocessor.feature_names,
            "classes": list(preprocessor.classes),
            "target": preprocessor.target_column.name,
            "task": preprocessor.task,
            "losses": list(self._problem.losses),
            "loss": self._trainer.loss,
            "sizes": [layer.inputs for layer in self.model.layers]
            + [self.model.layers[-1].outputs],
            "axes": list(self.axes),
            "ranges": self.ranges,
            "edges": [self._edges(*axis) for axis in zip(self.axes, self.ranges, strict=True)],
            "side": SIDE if len(self.axes) == 2 else LINE,
            "largest": self._largest,
            "ends": self._ends(),
            "rows": [len(self._problem.training), len(self._problem.test)],
            "points": [self._points(self._problem.training), self._points(self._problem.test)],
        }

    def _edges(self, axis: int, ends: tuple[float, float]) -> list[float] | None:
        """The ends of an axis in the units of its column; None if these are no numbers."""
        first = 0  # feature of a column
        for column in self._problem.preprocessor.columns:
            if first == axis and isinstance(column, NumberColumn):
                return [column.scaling.center + end * column.scaling.scale for end in ends]
            first += len(column.features())
        return None

    def _ends(self) -> list[float]:
        """The numbers that the strongest colours stand for, in the units of the target."""
        target = self._problem.preprocessor.target_column
        if not isinstance(target, NumberTarget):
            return []
        return [target.mean + sign * self._largest * target.scale for sign in (-1, 1)]

    def _points(self, samples: Samples) -> list[list[float]]:
        """For each of some samples its places on the axes, and its target."""
        shown = samples.spread(MOST_SHOWN)
        width, data = shown.x.shape[1], shown.x.array.data
        columns = [data[axis::width] for axis in self.axes]
        rows = zip(*columns, shown.y.array.data, strict=True)
        return [[round(value, 4) for value in row] for row in rows]


def _hits(output: Tensor, y: Tensor) -> Tensor:
    """The share of samples whose class is right."""
    return (_classes(output) == _classes(y)).astype("float32").mean()


def _explained(output: Tensor, y: Tensor) -> Tensor:
    """R²; not finite if all the targets are the same."""
    return 1 - ((output - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()


def _classes(scores: Tensor) -> Tensor:
    """The classes that scores, or targets in any form, stand for."""
    if scores.ndim == 1:
        return scores
    return scores.argmax(-1) if scores.shape[1] > 1 else scores > 0


def packed(header: Mapping[str, Any], sections: Mapping[str, bytes]) -> bytes:
    """A binary message: the length of the header (4 bytes, little-endian), header, sections.

    The header is JSON, with the length of each section in bytes under ``"sections"``; spaces after
    it let what follows begin at a multiple of 4. Floats are little-endian.
    """
    lengths = {name: len(data) for name, data in sections.items()}
    text = json.dumps({**header, "sections": lengths}, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return b"".join([len(text).to_bytes(4, "little"), text, *sections.values()])
