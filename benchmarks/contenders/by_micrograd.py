"""micrograd: a graph of Python numbers (float64). Its networks have no tanh, so that is added."""

import math
from importlib.metadata import version

from harness.tasks import LEARNING_RATE, Run, Task
from micrograd.engine import Value

VERSION = f"micrograd {version('micrograd')}"


def tanh(x: Value) -> Value:
    t = math.tanh(x.data)
    out = Value(t, (x,), "tanh")

    def _backward() -> None:
        x.grad += (1 - t * t) * out.grad

    out._backward = _backward
    return out


def training_step(task: Task, threads: int) -> Run:
    if task.loss != "mse" or task.optimizer != "sgd" or task.activation != "tanh":
        raise NotImplementedError("only T1 and T2 are written for micrograd")
    layers = []
    for (inputs, outputs), (weight, bias) in zip(task.layers, task.weights(), strict=True):
        rows = [weight[inputs * i : inputs * (i + 1)] for i in range(outputs)]
        layers.append([([Value(w) for w in rows[i]], Value(bias[i])) for i in range(outputs)])
    parameters = [p for layer in layers for row, bias in layer for p in (*row, bias)]
    x, y = task.inputs(), task.targets()
    width = task.sizes[0]
    samples = [x[width * i : width * (i + 1)] for i in range(task.batch)]

    def predicted(values: list[Value]) -> Value:
        for number, layer in enumerate(layers):
            sums = [
                sum((w * v for w, v in zip(row, values, strict=True)), bias) for row, bias in layer
            ]
            values = sums if number == len(layers) - 1 else [tanh(z) for z in sums]
        return values[0]

    def steps(count: int) -> float:
        for _ in range(count):
            errors = [predicted(list(map(Value, s))) - t for s, t in zip(samples, y, strict=True)]
            loss = sum((error * error for error in errors), Value(0)) * (1 / task.batch)
            for parameter in parameters:
                parameter.grad = 0
            loss.backward()
            for parameter in parameters:
                parameter.data -= LEARNING_RATE * parameter.grad
        return loss.data

    return Run(steps)
