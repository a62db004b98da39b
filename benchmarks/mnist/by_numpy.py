"""NumPy by hand."""

import sys

import numpy as np
from contenders.by_numpy import Network, updates
from harness.tasks import TASKS

from mnist import arrays, recipe

TASK = TASKS["T5"]


def main(folder: str, threads: str) -> None:
    x, y = arrays.read(folder, "train")
    test_x, test_y = arrays.read(folder, "t10k")
    network, tester = Network(TASK), Network(TASK._replace(batch=len(test_y)))
    random = np.random.default_rng(0)
    for weight in network.parameters[::2]:
        weight[:] = random.normal(0, (2 / len(weight)) ** 0.5, weight.shape)
    tester.parameters = network.parameters
    update = updates(TASK, network)

    def half_epoch(order: list[int]) -> None:
        for batch in np.array(order).reshape(-1, recipe.BATCH):
            chosen = x[batch]
            network.loss(network.forward(chosen), y[batch])
            network.backward(chosen)
            update()

    def accuracy() -> float:
        return float((tester.forward(test_x).argmax(1) == test_y).mean())

    recipe.train(half_epoch, accuracy)


if __name__ == "__main__":
    main(*sys.argv[1:])
