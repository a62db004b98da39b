"""NumPy by hand: back-propagation written out, every result into memory made once."""

import math
from collections.abc import Callable

import numpy as np
from harness.tasks import LEARNING_RATE, SAMPLES, Run, Task, samples

VERSION = f"numpy {np.__version__}"


class Network:
    """Weights, activations and gradients of the task, each in an array that stays.

    Attributes:
        parameters: weights (inputs, outputs) and biases, one after another.
        gradients: of the same shapes.
    """

    def __init__(self, task: Task) -> None:
        self.tanh = task.activation == "tanh"
        self.mse = task.loss == "mse"
        self.parameters: list[np.ndarray] = []
        for (inputs, outputs), (weight, bias) in zip(task.layers, task.weights(), strict=True):
            matrix = np.frombuffer(weight, np.float32).reshape(outputs, inputs)
            self.parameters += [np.ascontiguousarray(matrix.T), np.array(bias, np.float32)]
        self.gradients = [np.empty_like(p) for p in self.parameters]
        self.outputs = [np.empty((task.batch, n), np.float32) for n in task.sizes[1:]]
        self.deltas = [np.empty_like(z) for z in self.outputs]
        self.rows = np.arange(task.batch)

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(batch, inputs) -> (batch, outputs)."""
        last = len(self.outputs) - 1
        for number, out in enumerate(self.outputs):
            np.matmul(x, self.parameters[2 * number], out=out)
            out += self.parameters[2 * number + 1]
            if number < last:
                np.tanh(out, out=out) if self.tanh else np.maximum(out, 0, out=out)
            x = out
        return x

    def loss(self, z: np.ndarray, y: np.ndarray) -> float:
        """Of the predictions; its gradient goes to the last of the deltas."""
        delta = self.deltas[-1]
        if self.mse:
            np.subtract(z, y, out=delta)
            loss = float(np.vdot(delta, delta)) / delta.size
            delta *= 2 / delta.size
            return loss
        np.subtract(z, z.max(1, keepdims=True), out=delta)
        picked = delta[self.rows, y]
        np.exp(delta, out=delta)
        sums = delta.sum(1, keepdims=True)
        loss = float((np.log(sums[:, 0]) - picked).mean())
        delta /= sums
        delta[self.rows, y] -= 1
        delta /= len(delta)
        return loss

    def backward(self, x: np.ndarray) -> None:
        """From the last delta to all gradients."""
        for number in reversed(range(len(self.outputs))):
            delta = self.deltas[number]
            source = self.outputs[number - 1] if number else x
            np.matmul(source.T, delta, out=self.gradients[2 * number])
            delta.sum(0, out=self.gradients[2 * number + 1])
            if number:
                below = self.deltas[number - 1]
                np.matmul(delta, self.parameters[2 * number].T, out=below)
                if self.tanh:
                    source *= source
                    below *= np.subtract(1, source, out=source)
                else:
                    below *= source > 0


def updates(task: Task, network: Network) -> Callable[[], None]:
    """The optimizer's step, in place."""
    lr = np.float32(LEARNING_RATE)
    pairs = list(zip(network.parameters, network.gradients, strict=True))
    if task.optimizer == "sgd":

        def sgd() -> None:
            for parameter, gradient in pairs:
                gradient *= lr
                parameter -= gradient

        return sgd
    moments = [(np.zeros_like(p), np.zeros_like(p), np.empty_like(p)) for p, _ in pairs]
    made = 0

    def adam() -> None:
        nonlocal made
        made += 1
        rate = np.float32(lr / (1 - 0.9**made))
        scale = np.float32(1 / math.sqrt(1 - 0.999**made))
        for (parameter, gradient), (mean, square, room) in zip(pairs, moments, strict=True):
            np.multiply(gradient, np.float32(0.1), out=room)
            mean *= np.float32(0.9)
            mean += room
            gradient *= gradient
            gradient *= np.float32(0.001)
            square *= np.float32(0.999)
            square += gradient
            np.sqrt(square, out=room)
            room *= scale
            room += np.float32(1e-8)
            np.divide(mean, room, out=room)
            room *= rate
            parameter -= room

    return adam


def by_hand(task: Task, threads: int) -> Run:
    network = Network(task)
    update = updates(task, network)
    x = np.frombuffer(task.inputs(), np.float32).reshape(task.batch, -1)
    y = np.frombuffer(task.targets(), np.float32 if network.mse else np.int64)
    y = y.reshape(task.batch, -1) if network.mse else y

    def steps(count: int) -> float:
        for _ in range(count):
            loss = network.loss(network.forward(x), y)
            network.backward(x)
            update()
        return loss

    return Run(steps)


def predict_one(task: Task, threads: int) -> Run:
    """From a list of numbers to a number."""
    network = Network(task._replace(batch=1))
    sample = list(task.inputs()[: task.sizes[0]])

    def steps(count: int) -> float:
        for _ in range(count):
            found = network.forward(np.array([sample], np.float32)).item()
        return found

    return Run(steps)


def predict_many(task: Task, threads: int) -> Run:
    """From an array of samples to an array."""
    network = Network(task._replace(batch=SAMPLES))
    x = np.frombuffer(samples(task), np.float32).reshape(SAMPLES, -1)

    def steps(count: int) -> float:
        for _ in range(count):
            found = network.forward(x)
        return float(found[0].sum())

    return Run(steps)
