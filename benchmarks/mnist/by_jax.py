"""JAX: half an epoch in one `lax.scan`."""

import sys

import jax
import numpy as np
from contenders.by_jax import predicted, update
from harness.tasks import TASKS
from jax import numpy as jnp

from mnist import arrays, recipe

TASK = TASKS["T5"]


def main(folder: str, threads: str) -> None:
    x, y = map(jnp.array, arrays.read(folder, "train"))
    test_x, test_y = map(jnp.array, arrays.read(folder, "t10k"))
    random = np.random.default_rng(0)
    parameters = [
        (
            jnp.array(random.normal(0, (2 / inputs) ** 0.5, (inputs, outputs)), jnp.float32),
            jnp.zeros(outputs),
        )
        for inputs, outputs in TASK.layers
    ]
    zeros = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(2)]
    state = (parameters, *zeros, jnp.zeros(()))

    @jax.jit
    def run(state, batches, x, y):
        return jax.lax.scan(lambda s, i: (update(TASK, s, x[i], y[i])[0], None), state, batches)[0]

    @jax.jit
    def share(parameters, x, y):
        return (predicted(TASK.activation, parameters, x).argmax(1) == y).mean()

    def half_epoch(order: list[int]) -> None:
        nonlocal state
        state = run(state, jnp.array(order).reshape(-1, recipe.BATCH), x, y)

    recipe.train(half_epoch, lambda: float(share(state[0], test_x, test_y)))


if __name__ == "__main__":
    main(*sys.argv[1:])
