"""What all programs do: the same network, batches, rate and target."""

import json
import random
from collections.abc import Callable, Iterator

SIZES = (784, 256, 128, 10)
BATCH = 128
RATE = 0.001
TARGET = 0.975
MOST_EPOCHS = 20
STEPS = 60_000 // BATCH  # of an epoch; the samples left over have their turn in another one


def halves(seed: int = 0) -> Iterator[list[int]]:
    """The order of the samples, half an epoch at a time, in whole batches."""
    generator = random.Random(seed)
    order = list(range(60_000))
    middle = STEPS // 2 * BATCH
    for _ in range(MOST_EPOCHS):
        generator.shuffle(order)
        yield order[:middle]
        yield order[middle : STEPS * BATCH]


def train(half_epoch: Callable[[list[int]], None], accuracy: Callable[[], float]) -> None:
    """Until the accuracy is reached; prints what it took."""
    epochs = reached = 0.0
    for order in halves():
        half_epoch(order)
        epochs, reached = epochs + 0.5, accuracy()
        if reached >= TARGET:
            break
    print(json.dumps({"epochs": epochs, "accuracy": reached}))
