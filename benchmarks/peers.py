"""baregrad and other libraries, measured side by side: ``python benchmarks/peers.py``.

``--only T3 T4`` measures some training steps only, ``--sections`` some parts only, ``--quick`` is
to try the program out, and ``--check`` compares losses instead of times. Results are added to
results.json and results.md beside this file. README.md tells what is measured and how.
"""

import argparse
import sys
from pathlib import Path

from harness.options import Options
from harness.tasks import TASKS
from harness.worker import CLOCKS
from sections import compiling, footprint, mnist, predictions, steps
from sections.report import FOLDER, Results

SECTIONS = {
    "steps": steps,
    "predictions": predictions,
    "mnist": mnist,
    "compiling": compiling,
    "footprint": footprint,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS), metavar="T")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], metavar="N")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="to read on a busy machine")
    parser.add_argument("--quick", action="store_true", help="few and short rounds")
    parser.add_argument("--check", action="store_true", help="compare losses instead of times")
    parser.add_argument(
        "--mnist", type=Path, default=FOLDER.parents[1] / "shared/data/mnist", metavar="DIR"
    )
    parser.add_argument("--output", type=Path, default=FOLDER / "results", metavar="PATH")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds for an answer")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    options = Options(
        tasks=given.only,
        threads=given.threads,
        clock=given.clock,
        rounds=3 if given.quick else given.rounds,
        seconds=0.02 if given.quick else 0.07,
        budget=5.0 if given.quick else 60.0,
        patience=given.patience,
        repeats=1 if given.quick else 5,
        mnist=given.mnist,
    )
    if given.check:
        sys.exit(0 if steps.check(options) else "the losses differ: not everyone does the same")
    results = Results(given.output)
    for name in given.sections:
        for key, found in SECTIONS[name].measure(options):
            results.add(name, key, found)
            results.write(SECTIONS)  # at once, lest it be lost when something later fails


if __name__ == "__main__":
    main()
