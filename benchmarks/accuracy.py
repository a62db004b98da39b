"""Test errors of baregrad with its defaults: on real tables, beside scikit-learn's, and on MNIST.

Run in an environment with scikit-learn and pandas: ``python benchmarks/accuracy.py --data DIR``.
What is measured is in `accuracies/tables.py` and `accuracies/digits.py`.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from accuracies import digits, tables
from accuracies.figures import Record, head, renew, row

SEEDS, QUICK = 10, 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures what is asked for, and prints it as tables."""
    options = parsed(arguments)
    warnings.simplefilter("ignore")  # of training that ended at its last epoch
    record = Record(options.record)
    (measure_digits if options.mnist else measure_tables)(options, record)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", nargs="+", choices=tables.PROBLEMS, help="by default all")
    parser.add_argument("--quick", action="store_true", help=f"small tables, {QUICK} seeds")
    parser.add_argument("--mnist", action="store_true", help="networks on MNIST, and no tables")
    parser.add_argument("--networks", nargs="+", choices=digits.NETWORKS, help="by default all")
    parser.add_argument("--epochs", type=int, help="of --mnist, in place of the network's own")
    parser.add_argument("--seeds", type=int, help=f"how many ({SEEDS})")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the folder")
    parser.add_argument("--output", type=Path, help="a file in Markdown whose tables are renewed")
    parser.add_argument(
        "--record", type=Path, help="a file in JSON that keeps results; those in it are not redone"
    )
    options = parser.parse_args(arguments)
    options.seeds = options.seeds or (QUICK if options.quick else SEEDS)
    return options


def measure_tables(options: argparse.Namespace, record: Record) -> None:
    """Both contenders on each table that is there."""
    print(head(tables.COLUMNS))
    small = [name for name, problem in tables.PROBLEMS.items() if problem.small]
    for name in options.tables or (small if options.quick else tables.PROBLEMS):
        problem = tables.PROBLEMS[name]
        if not (options.data / problem.file).exists():
            print(f"{name}: there is no {options.data / problem.file}", file=sys.stderr)
            continue
        results = tables.measured(name, problem, options.data, options.seeds, record)
        report(tables.COLUMNS, tables.cells(name, problem, results), options.output)


def measure_digits(options: argparse.Namespace, record: Record) -> None:
    """Each network."""
    print(head(digits.COLUMNS))
    train, test = digits.images(options.data / "mnist")
    for name in options.networks or digits.NETWORKS:
        network = digits.NETWORKS[name]
        epochs = options.epochs or network.epochs
        measure = partial(digits.trained, network, train, test, epochs)
        results = [
            record.result(f"{name}, {epochs} epochs", seed, partial(measure, seed))
            for seed in range(options.seeds)
        ]
        report(digits.COLUMNS, digits.cells(name, epochs, results), options.output)


def report(columns: Sequence[str], cells: Sequence[str], output: Path | None) -> None:
    """Prints a line of a table, and renews it in a file."""
    print(row(cells), flush=True)
    if output is not None:
        renew(output, columns, cells)


if __name__ == "__main__":
    main()
