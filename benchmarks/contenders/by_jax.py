"""JAX: a step through `jit`, and 100 steps at once through `lax.scan`, with donated buffers."""

from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
from harness.tasks import LEARNING_RATE, Run, Task
from jax import numpy as jnp

VERSION = f"jax {jax.__version__}"
SCANNED = 100  # steps at once
Parameters = list[tuple[jax.Array, jax.Array]]


def parameters_of(task: Task) -> Parameters:
    """Of each layer the weight, (inputs, outputs), and the bias."""
    found = []
    for (inputs, outputs), (weight, bias) in zip(task.layers, task.weights(), strict=True):
        matrix = np.frombuffer(weight, np.float32).reshape(outputs, inputs)
        found.append((jnp.array(matrix.T), jnp.array(np.frombuffer(bias, np.float32))))
    return found


def batch(task: Task) -> tuple[jax.Array, jax.Array]:
    x = np.frombuffer(task.inputs(), np.float32).reshape(task.batch, task.sizes[0])
    if task.loss == "mse":
        y = np.frombuffer(task.targets(), np.float32).reshape(task.batch, task.sizes[-1])
    else:
        y = np.frombuffer(task.targets(), np.int64).astype(np.int32)
    return jnp.array(x), jnp.array(y)


def predicted(activation: str, parameters: Parameters, x: jax.Array) -> jax.Array:
    squash = jnp.tanh if activation == "tanh" else jax.nn.relu
    for weight, bias in parameters[:-1]:
        x = squash(x @ weight + bias)
    weight, bias = parameters[-1]
    return x @ weight + bias


def loss_of(task: Task, parameters: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
    z = predicted(task.activation, parameters, x)
    if task.loss == "mse":
        return ((z - y) ** 2).mean()
    return (jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, y[:, None], 1)[:, 0]).mean()


def begin(task: Task) -> Any:
    """Parameters and the optimizer's state."""
    parameters = parameters_of(task)
    if task.optimizer == "sgd":
        return (parameters,)
    zeros = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(2)]
    return parameters, *zeros, jnp.zeros(())


def update(task: Task, state: Any, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
    """One step: the new state and the loss."""
    parameters, *moments = state
    loss, gradient = jax.value_and_grad(partial(loss_of, task))(parameters, x, y)
    lr = LEARNING_RATE
    if task.optimizer == "sgd":
        return (jax.tree.map(lambda p, g: p - lr * g, parameters, gradient),), loss
    mean, square, number = moments
    number = number + 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, square, gradient)
    rate, scale = lr / (1 - 0.9**number), jax.lax.rsqrt(1 - 0.999**number)
    moved = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v) * scale + 1e-8), parameters, mean, square
    )
    return (moved, mean, square, number), loss


def one_by_one(task: Task, threads: int) -> Run:
    x, y = batch(task)
    state = begin(task)
    step = jax.jit(partial(update, task), donate_argnums=0)

    def steps(count: int) -> float:
        nonlocal state
        for _ in range(count):
            state, loss = step(state, x, y)
        jax.block_until_ready(state)
        return float(loss)

    return Run(steps)


def scanned(task: Task, threads: int) -> Run:
    x, y = batch(task)
    state = begin(task)

    @lru_cache
    def repeated(length: int) -> Any:
        def body(state: Any, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
            return jax.lax.scan(lambda s, _: update(task, s, x, y), state, length=length)

        return jax.jit(body, donate_argnums=0)

    def steps(count: int) -> float:
        nonlocal state
        for _ in range(max(1, count // SCANNED)):
            state, losses = repeated(min(count, SCANNED))(state, x, y)
        jax.block_until_ready(state)
        return float(losses[-1])

    return Run(steps, unit=SCANNED if task.flops < 10**9 else 2)
