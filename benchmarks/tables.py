"""Reading a table of 1,000,000 rows and 30 columns of numbers, beside pandas.

Run in an environment with pandas (the extra ``peers``): ``python benchmarks/tables.py [ROWS]``.
Each contender reads in a process of its own, in turn, and reports its processor time, its time and
how much its memory grew at the most; the medians of the rounds are compared.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

COLUMNS, ROUNDS = 30, 3
CONTENDERS = {
    "baregrad": "from baregrad.data.read import read_table as read",
    "pandas": "from pandas import read_csv as read",
}
MEASURE = """
import resource, sys, time
{imported}
read(sys.argv[2])  # what is loaded and compiled at the first use
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start, cpu = time.perf_counter(), time.process_time()
table = read(sys.argv[1])
seconds, used = time.perf_counter() - start, time.process_time() - cpu
print(seconds, used, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def written(path: Path, rows: int, digits: int) -> None:
    """Writes a table of normally distributed numbers, with so many significant digits."""
    draw = random.Random(0).gauss
    with path.open("w") as file:
        file.write(",".join(f"c{i}" for i in range(COLUMNS)) + "\n")
        for _ in range(rows):
            file.write(",".join(f"{draw(0, 1):.{digits}g}" for _ in range(COLUMNS)) + "\n")


def measured(name: str, path: Path, small: Path) -> list[float]:
    """Seconds, processor seconds and MiB of one reading."""
    script = MEASURE.format(imported=CONTENDERS[name])
    result = subprocess.run(
        [sys.executable, "-c", script, path, small], capture_output=True, text=True, check=True
    )
    return [float(word) for word in result.stdout.split()]


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.csv"
        written(small, 10_000, 6)
        for digits in (6, 17):
            path = Path(folder) / "large.csv"
            written(path, rows, digits)
            found = {name: [] for name in CONTENDERS}
            for _ in range(ROUNDS):
                for name, results in found.items():
                    results.append(measured(name, path, small))
            middle = {n: [median(r) for r in zip(*found[n], strict=True)] for n in found}
            size = path.stat().st_size / 2**20
            print(f"\n{rows} x {COLUMNS} numbers of {digits} digits, {size:.0f} MiB")
            for name, (seconds, used, memory) in middle.items():
                print(f"{name:9} {seconds:7.2f} s {used:7.2f} s of processor {memory:7.0f} MiB")
            ours, theirs = middle["baregrad"], middle["pandas"]
            ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
            print("ratio     {:7.2f}   {:7.2f}                {:7.2f}".format(*ratios))


if __name__ == "__main__":
    main()
