"""What a `Recorder` costs: the same training with it and without, in turn.

Run it as ``python -m benchmarks.recording``. While a model is trained, a recorder keeps copies of
its weights; what a report shows of them is computed when it is written. So there are two figures:
how much longer a training takes, which is at most a tenth, and how long writing the report does.
The first share is of the fastest rounds, which others have disturbed least; the second is the
median of the rounds' own shares.
"""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import baregrad as bg

ROUNDS = 9
# name: inputs, neurons, samples, epochs
RUNS = {
    "small": (2, [16, 16, 2], 300, 100),
    "usual": (20, [64, 64, 3], 10_000, 30),
    "wide": (784, [128, 10], 4_000, 20),
}


def seconds(inputs: int, neurons: list[int], samples: int, epochs: int, recorders) -> tuple:
    """How long a training takes, and what it leaves behind."""
    x = bg.Generator(0).randn(samples, inputs)
    y = [i % neurons[-1] for i in range(samples)]
    model = bg.MLP(inputs, neurons, seed=0)
    begin = time.perf_counter()
    history = bg.fit(
        model, x, y, "cross_entropy", epochs=epochs, batch_size=32, seed=0, callbacks=recorders
    )
    return time.perf_counter() - begin, history


def main() -> None:
    print("run      without   share  median  kept in  records  report")
    with TemporaryDirectory() as folder:
        for name, run in RUNS.items():
            without, recorded, kept, reports = [], [], [], []
            for _ in range(ROUNDS):
                recorder = bg.Recorder()
                without.append(seconds(*run, [])[0])
                taken, history = seconds(*run, [recorder])
                recorded.append(taken)
                kept.append(recorder.spent / recorder.seconds)
                begin = time.perf_counter()
                history.report(Path(folder) / "report.html")
                reports.append(time.perf_counter() - begin)
            shares = [b / a - 1 for a, b in zip(without, recorded, strict=True)]
            print(
                f"{name:6} {min(without):7.2f} s {min(recorded) / min(without) - 1:7.1%} "
                f"{statistics.median(shares):7.1%} {min(kept):8.1%} {len(recorder.moments):8} "
                f"{min(reports):5.2f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
