"""The training steps that are measured, T1 to T7, with their batches and initial weights.

Every contender gets the same bytes. They are made by the standard library alone, fast enough for
the thirty million weights of T7.
"""

import math
from array import array
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

LEARNING_RATE = 0.001
SAMPLES = 1000  # in a batch that is predicted


class Run(NamedTuple):
    """What a contender makes of a task.

    Attributes:
        steps: runs so many steps; returns the loss of the last of them, before its update.
        unit: how many steps are made at once when time is measured.
    """

    steps: Callable[[int], float]
    unit: int = 1


class Task(NamedTuple):
    """A training step: a network, its loss, its batch, its optimizer.

    Attributes:
        sizes: of the layers, the inputs first.
        activation: of the hidden layers; the last layer has none.
        loss: ``"mse"`` or ``"cross-entropy"``.
        optimizer: ``"sgd"`` or ``"adam"``.
        required: how many times as fast as the best peer baregrad must be, by number of threads.
    """

    name: str
    sizes: tuple[int, ...]
    activation: str
    loss: str
    batch: int
    optimizer: str
    required: dict[int, float]

    @property
    def layers(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of each layer."""
        return list(zip(self.sizes[:-1], self.sizes[1:], strict=True))

    @property
    def flops(self) -> int:
        """Of the matrix products of a step; the inputs need no gradient."""
        weights = [inputs * outputs for inputs, outputs in self.layers]
        return 2 * self.batch * (3 * sum(weights) - weights[0])

    def describe(self) -> str:
        """The network and its training, in a line."""
        sizes = "-".join(map(str, self.sizes))
        return f"{sizes} {self.activation}, {self.loss}, batch {self.batch}, {self.optimizer}"

    def weights(self) -> Iterator[tuple[array, array]]:
        """Of each layer the weight, (outputs, inputs) row by row, and the bias, all float32."""
        random = Random(1)
        for inputs, outputs in self.layers:
            weight = _floats(random, inputs * outputs, math.floor(-0.5 * math.log2(inputs)))
            yield weight, array("f", bytes(4 * outputs))

    def inputs(self) -> array:
        """(batch, sizes[0]), float32."""
        return _floats(Random(2), self.batch * self.sizes[0], -1)

    def targets(self) -> array:
        """(batch, sizes[-1]), float32, or (batch,) of class numbers, int64."""
        random = Random(3)
        if self.loss == "mse":
            return _floats(random, self.batch * self.sizes[-1], -1)
        return array("q", [random.randrange(self.sizes[-1]) for _ in range(self.batch)])


def samples(task: Task) -> array:
    """(SAMPLES, inputs) to predict from, float32; the first is that of the task's batch."""
    return _floats(Random(2), SAMPLES * task.sizes[0], -1)


def _floats(random: Random, count: int, exponent: int) -> array:
    """Of random sign, and of a size from 2^exponent up to twice that.

    Written byte by byte: sign, exponent and the first bit of it below, then the fraction.
    """
    biased = 127 + exponent
    content = bytearray(random.randbytes(4 * count))
    high, low = biased >> 1, (biased & 1) << 7
    content[3::4] = content[3::4].translate(bytes(high | byte & 0x80 for byte in range(256)))
    content[2::4] = content[2::4].translate(bytes(low | byte & 0x7F for byte in range(256)))
    return array("f", content)


TASKS = {
    task.name: task
    for task in (
        Task("T1", (1, 16, 16, 1), "tanh", "mse", 1, "sgd", {1: 2.0}),
        Task("T2", (2, 16, 16, 1), "tanh", "mse", 32, "sgd", {1: 2.0}),
        Task("T3", (8, 64, 64, 1), "relu", "mse", 64, "adam", {1: 1.6}),
        Task("T4", (30, 128, 128, 2), "relu", "cross-entropy", 128, "adam", {1: 1.3, 2: 1.8}),
        Task("T5", (784, 256, 128, 10), "relu", "cross-entropy", 128, "adam", {1: 1.2}),
        Task("T6", (784, 1024, 1024, 10), "relu", "cross-entropy", 256, "adam", {1: 1.15}),
        Task("T7", (2048, 4096, 4096, 1000), "relu", "cross-entropy", 512, "adam", {1: 1.1}),
    )
}
