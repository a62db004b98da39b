"""Whether numbers that are almost zero slow anything down; fails above twice the usual time.

Run it as ``python benchmarks/denormals.py``. Weights below 1.2e-38 are denormal in float32, and
processors compute with them a hundred times slower, unless they are told to take them for zero, as
native code does. The same work is done with usual weights and with tiny ones, in turn.
"""

import statistics
import sys
import time
from collections.abc import Callable

import baregrad as bg

ROUNDS = 15
LIMIT = 2.0
TINY = 1e-39  # times the usual weights
SIZES = (64, [256, 256, 10])
SAMPLES = 1024


def network(scale: float) -> bg.MLP:
    model = bg.MLP(*SIZES, activation="relu", seed=0)
    for parameter in model.parameters():
        parameter.assign(parameter * scale)
    return model


def training(scale: float) -> Callable[[], object]:
    model = network(scale)
    x = bg.Generator(0).randn(SAMPLES, SIZES[0]) * scale
    y = bg.Generator(1).randint(0, 10, (SAMPLES,))
    optimizer = bg.SGD(model.parameters(), lr=1e-30, momentum=0.9)  # they stay tiny

    @bg.compile
    def step() -> bg.Tensor:
        loss = bg.losses.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def prediction(scale: float) -> Callable[[], object]:
    model, x = network(scale), bg.Generator(0).randn(SAMPLES, SIZES[0])
    return lambda: bg.predict(model, x)


def operations(scale: float) -> Callable[[], object]:
    x = bg.Generator(0).randn(1000, 1000) * scale
    return lambda: (x * 0.5 + x).sum()


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> int:
    worst = 0.0
    for make in (training, prediction, operations):
        usual, tiny = make(1.0), make(TINY)
        usual(), tiny()  # compiled
        pairs = [(seconds(usual), seconds(tiny)) for _ in range(ROUNDS)]
        times = [statistics.median(column) for column in zip(*pairs, strict=True)]
        ratio = times[1] / times[0]
        worst = max(worst, ratio)
        print(f"{make.__name__:12} {times[0] * 1e3:8.3f} ms {times[1] * 1e3:8.3f} ms {ratio:6.2f}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
