"""baregrad: compiled with many steps in a call, compiled with one step in a call, and eager.

How many threads it uses is said by BAREGRAD_THREADS.
"""

from array import array
from collections.abc import Callable
from functools import cache
from typing import Any

from harness.tasks import LEARNING_RATE, SAMPLES, Run, Task, samples

import baregrad as bg

VERSION = f"baregrad {bg.__version__}"


def tensor(values: array, *shape: int) -> bg.Tensor:
    """The numbers of an array, in a shape."""
    return bg.Tensor(memoryview(values).cast("B").cast(values.typecode, shape))


def network(task: Task) -> bg.MLP:
    """The task's network, with its initial weights; biases begin as zero."""
    weights = task.weights()

    def given(outputs: int, inputs: int, _: Any) -> bg.Tensor:
        return tensor(next(weights)[0], outputs, inputs)

    first, *others = task.sizes
    return bg.MLP(first, others, activation=task.activation, initializer=given)


def training_step(task: Task) -> Callable[[], bg.Tensor]:
    """Forward, loss, backward and update, on the one batch."""
    model = network(task)
    kind = bg.SGD if task.optimizer == "sgd" else bg.Adam
    optimizer = kind(model.parameters(), lr=LEARNING_RATE)
    loss_of = bg.losses.mse if task.loss == "mse" else bg.losses.cross_entropy
    x = tensor(task.inputs(), task.batch, task.sizes[0])
    wanted = (task.batch, task.sizes[-1]) if task.loss == "mse" else (task.batch,)
    y = tensor(task.targets(), *wanted)

    def step() -> bg.Tensor:
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def loop(step: Callable[[], bg.Tensor]) -> Run:
    """One call for each step."""

    def steps(count: int) -> float:
        for _ in range(count):
            loss = step()
        return loss.item()

    return Run(steps)


def eager(task: Task, threads: int) -> Run:
    return loop(training_step(task))


def check_compiled(step: Any) -> None:
    """Refuse to measure Python under the name of machine code."""
    if step.fallback:
        raise NotImplementedError(f"not compiled: {step.fallback}")


def one_by_one(task: Task, threads: int) -> Run:
    """The compiler is imported by the first step, so that its time counts as compiling."""
    step = training_step(task)
    compiled = cache(lambda: bg.compile(step))

    def steps(count: int) -> float:
        loss = loop(compiled()).steps(count)
        check_compiled(compiled())
        return loss

    return Run(steps)


def many(task: Task, threads: int) -> Run:
    step = bg.compile(training_step(task))

    def steps(count: int) -> float:
        losses = step.many(count)
        check_compiled(step)
        return losses[-1].item()

    return Run(steps)


def peak(task: Task, threads: int) -> Run:
    """Not a network: multiply-adds that wait for nothing. The "loss" is their number of FLOPs."""
    from concurrent.futures import ThreadPoolExecutor

    from contraction import peak as chains

    from baregrad.compiler.vector.compile import host_target

    pool = ThreadPoolExecutor(threads)
    runs = [chains(host_target()) for _ in range(threads)]

    def steps(count: int) -> float:
        for _ in range(count):
            for done in [pool.submit(run) for run, _ in runs]:
                done.result()
        return float(sum(flops for _, flops in runs))

    return Run(steps)


def predict_one(task: Task, threads: int) -> Run:
    """From a list of numbers to a number."""
    predict = bg.Predictor(network(task))
    sample = list(task.inputs()[: task.sizes[0]])

    def steps(count: int) -> float:
        for _ in range(count):
            (found,) = predict(sample)
        check_compiled(predict)
        return found

    return Run(steps)


def predict_many(task: Task, threads: int) -> Run:
    """From a tensor of samples to a tensor."""
    predict = bg.Predictor(network(task))
    x = tensor(samples(task), SAMPLES, task.sizes[0])

    def steps(count: int) -> float:
        for _ in range(count):
            found = predict(x)
        check_compiled(predict)
        return found[0].sum().item()

    return Run(steps)
