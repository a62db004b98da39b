"""What a `Recorder` costs: the same training with it and without, in turn.

Run it as ``python -m benchmarks.recording``. The recorder's promise is a tenth of the training's
time, or seven tenths of a second beside the first record if that is more.
"""

import statistics
import time

import baregrad as bg

ROUNDS = 5
# name: inputs, neurons, samples, epochs
RUNS = {
    "small": (2, [16, 16, 2], 300, 100),
    "usual": (20, [64, 64, 3], 10_000, 60),
    "wide": (784, [128, 10], 4_000, 60),
}


def seconds(inputs: int, neurons: list[int], samples: int, epochs: int, recorders) -> float:
    x = bg.Generator(0).randn(samples, inputs)
    y = [i % neurons[-1] for i in range(samples)]
    model = bg.MLP(inputs, neurons, seed=0)
    begin = time.perf_counter()
    bg.fit(model, x, y, "cross_entropy", epochs=epochs, seed=0, callbacks=recorders)
    return time.perf_counter() - begin


def main() -> None:
    print("run     without    with   share  records")
    for name, run in RUNS.items():
        without, recorded = [], []
        for _ in range(ROUNDS):
            recorder = bg.Recorder()
            without.append(seconds(*run, []))
            recorded.append(seconds(*run, [recorder]))
        a, b = statistics.median(without), statistics.median(recorded)
        print(f"{name:6} {a:7.2f} s {b:6.2f} s  {b / a - 1:5.1%}  {len(recorder.records):7}")


if __name__ == "__main__":
    main()
