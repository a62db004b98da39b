"""Training from files, for tables larger than memory: in how much time and memory.

``python benchmarks/large_tables.py [ROWS]`` makes a table of so many rows, by default 4,000,000,
and 30 columns, and trains a network on it for one epoch. Of memory it tells the most that the
process had of its own; pages of mapped files, which the system takes back when it needs them, are
not counted.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tables import COLUMNS, written

import baregrad as bg

TARGET = f"c{COLUMNS - 1}"
PART = 100_000  # rows that are different


class Memory(threading.Thread):
    """Looks again and again at how much memory the process has, and keeps the most."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0

    def run(self) -> None:
        """Looks, until the process ends."""
        while True:
            self.most = max(self.most, own_memory())
            time.sleep(0.05)


def own_memory() -> int:
    """MiB that are this process's alone."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) >> 10


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), rows)


def repeated(path: Path, rows: int) -> None:
    """Writes a table in which the same rows come again and again."""
    written(path, PART, 6)
    lines = path.read_text().splitlines(keepends=True)[1:]
    with path.open("a") as file:
        for start in range(PART, rows, PART):
            file.writelines(lines[: rows - start])


def measure(folder: Path, rows: int) -> None:
    path = folder / "large.csv"
    repeated(path, rows)
    memory = Memory()
    memory.start()

    def timed(what: str, function: Callable[[], Any]) -> Any:
        memory.most, start = 0, time.perf_counter()
        result = function()
        print(f"{what:22} {time.perf_counter() - start:7.1f} s {memory.most:6} MiB", flush=True)
        return result

    table = timed("cache", lambda: bg.read_table(path, cache=folder / "cache"))
    print(f"{'':22} {(folder / 'cache').stat().st_size >> 20:16} MiB on the disk")
    train, test = timed("split", lambda: bg.train_test_split(table, test_size=0.1, seed=0))
    made = timed("preprocessor", lambda: bg.Preprocessor.fit(train, TARGET))
    x = timed("training features", lambda: made.transform(train, folder / "x"))
    y = timed("training targets", lambda: made.target(train, folder / "y"))
    others = timed("validation features", lambda: made.transform(test, folder / "v"))
    model = bg.MLP(made.inputs, [64, 64, 1], seed=0)
    options = {"epochs": 1, "batch_size": 256, "validation_data": (others, made.target(test))}
    timed("epoch", lambda: bg.fit(model, x, y, seed=0, **options))


if __name__ == "__main__":
    main()
