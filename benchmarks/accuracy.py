"""Test errors of baregrad's estimators and of scikit-learn's, with their defaults, on real tables.

Run in an environment with scikit-learn and pandas: ``python benchmarks/accuracy.py --data DIR``.
A seed chooses a quarter of the rows to test with, and the initial weights. Both contenders read the
same rows, one after the other. baregrad gets no more time than scikit-learn took, or `LEAST`
seconds if that was less.
"""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from pathlib import Path
from statistics import mean, stdev
from time import perf_counter
from typing import NamedTuple

import pandas as pd
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import baregrad as bg

TEST = 0.25
LEAST = 5.0  # seconds: on small tables, most of the time is compiling
QUICK = 3  # seeds


class Problem(NamedTuple):
    """A table, and what is to be predicted from it.

    Attributes:
        file: its name in the data folder.
        target: the name of the column, or its place.
        task: ``"classification"`` or ``"regression"``.
        ignore: columns that give the answer away, or only name a row.
        skip_rows: lines above the table.
        small: whether it is among those of ``--quick``.
    """

    file: str
    target: str | int
    task: str = "classification"
    ignore: tuple[str, ...] = ()
    skip_rows: int = 0
    small: bool = True


PROBLEMS = {
    "iris": Problem("iris.csv", -1, skip_rows=1),
    "penguins": Problem("penguins.csv", "species"),
    "titanic": Problem("titanic.csv", "survived", ignore=("alive",)),
    "breast_cancer": Problem("breast_cancer.csv", -1, skip_rows=1),
    "digits": Problem("digits.csv.gz", -1),
    "winequality-red": Problem("winequality-red.csv", -1, "regression"),
    "mpg": Problem("mpg.csv", "mpg", "regression", ignore=("name",)),
    "california_housing": Problem(
        "california_housing.csv", "median_house_value", "regression", small=False
    ),
    "adult": Problem("adult-train.csv", -1, small=False),
}


class Result(NamedTuple):
    """A test error; and how long preprocessing and training took."""

    error: float
    seconds: float


def error_of(task: str, predicted: list, truth: list) -> float:
    """The share of wrong classes, or the root of the mean squared error."""
    pairs = list(zip(predicted, truth, strict=True))
    if task == "classification":
        return mean(p != t for p, t in pairs)
    return math.sqrt(mean((p - t) ** 2 for p, t in pairs))


# --- the contenders -------------------------------------------------------------------------------


def own(
    train: bg.Table, test: bg.Table, target: str, problem: Problem, seed: int, limit: float
) -> Result:
    """The library's preprocessing and estimators."""
    start = perf_counter()
    preprocessor = bg.Preprocessor.fit(train, target, problem.task, problem.ignore)
    x, y = preprocessor.transform(train), preprocessor.target(train)
    options = {"random_state": seed, "callbacks": [bg.TimeLimit(limit)]}
    is_regression = problem.task == "regression"
    model = (bg.MLPRegressor if is_regression else bg.MLPClassifier)(**options).fit(x, y)
    seconds = perf_counter() - start
    unseen = preprocessor.transform(test)
    if is_regression:
        output = bg.Tensor(model.predict(unseen)).reshape(-1, 1)
        predicted = preprocessor.predictions(output)
    else:
        predicted = [preprocessor.classes[i] for i in model.predict(unseen)]
    return Result(error_of(problem.task, predicted, truth(test, target, problem.task)), seconds)


def theirs(train: bg.Table, test: bg.Table, target: str, problem: Problem, seed: int) -> Result:
    """scikit-learn's; the target of a regression is standardised there, too."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    categories = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
    )
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="float64")),
        (categories, make_column_selector(dtype_exclude="float64")),
    )
    if problem.task == "regression":
        regressor = MLPRegressor(random_state=seed)
        network = TransformedTargetRegressor(regressor, transformer=StandardScaler())
    else:
        network = MLPClassifier(random_state=seed)
    model = make_pipeline(columns, network)
    left_out = {target, *problem.ignore}
    x, unseen = frame(train, left_out), frame(test, left_out)
    y = truth(train, target, problem.task)
    start = perf_counter()
    model.fit(x, y)
    seconds = perf_counter() - start
    predicted = model.predict(unseen).tolist()
    return Result(error_of(problem.task, predicted, truth(test, target, problem.task)), seconds)


def frame(table: bg.Table, left_out: set[str]) -> pd.DataFrame:
    """The columns: float64 for numbers, truths and dates, and text for categories."""
    names = [name for name in table.names if name not in left_out]
    return pd.DataFrame(
        {
            name: [float("nan") if cell is None else cell for cell in table[name]]
            if table.kind(name) == "category"
            else table.numbers(name)
            for name in names
        }
    )


def truth(table: bg.Table, target: str, task: str) -> list:
    return table[target] if task == "classification" else list(table.numbers(target))


# --- measuring ------------------------------------------------------------------------------------


def measured(problem: Problem, folder: Path, seeds: int) -> dict[str, list[Result]]:
    """The results of both, seed by seed."""
    table = bg.read_table(folder / problem.file, skip_rows=problem.skip_rows)
    target = table.names[problem.target] if isinstance(problem.target, int) else problem.target
    results: dict[str, list[Result]] = {"baregrad": [], "scikit-learn": []}
    for seed in range(seeds):
        train, test = bg.train_test_split(table.drop_missing(target), test_size=TEST, seed=seed)
        other = theirs(train, test, target, problem, seed)
        results["scikit-learn"].append(other)
        limit = max(LEAST, other.seconds)
        results["baregrad"].append(own(train, test, target, problem, seed, limit))
    return results


def standard_error(values: list[float]) -> float:
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan


def verdict(differences: list[float]) -> str:
    """Who is better, and whether by more than two standard errors of the differences by seed."""
    difference, error = mean(differences), standard_error(differences)
    if abs(difference) < 1e-9:  # the same errors, in another order
        return "equal"
    who = "better" if difference < 0 else "worse"
    return f"**{who}**" if abs(difference) > 2 * error else f"{who}, within the noise"


def row(name: str, problem: Problem, results: dict[str, list[Result]]) -> str:
    """A line of the table."""
    seeds = str(len(results["baregrad"]))
    cells = [name, seeds, "wrong, %" if problem.task == "classification" else "RMSE"]
    scale = 100 if problem.task == "classification" else 1
    errors = {who: [scale * r.error for r in found] for who, found in results.items()}
    for values in errors.values():
        cells.append(f"{mean(values):.4g} ± {standard_error(values):.2g}")
    pairs = zip(*errors.values(), strict=True)
    cells.append(verdict([a - b for a, b in pairs]))
    cells += [f"{mean(r.seconds for r in found):.2f}" for found in results.values()]
    return f"| {' | '.join(cells)} |"


HEAD = """\
| table | seeds | test error | baregrad | scikit-learn | baregrad is | seconds | scikit-learn's |
|---|---|---|---|---|---|---|---|"""


def write(path: Path, name: str, line: str) -> None:
    """Puts a line into the table in a file, in place of that of the same name if there is one."""
    lines = (path.read_text() if path.exists() else HEAD).splitlines()
    known = [i for i, old in enumerate(lines) if old.startswith(f"| {name} |")]
    last = max(i for i, old in enumerate(lines) if old.startswith("|"))
    place = slice(known[0], known[0] + 1) if known else slice(last + 1, last + 1)
    lines[place] = [line]
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", nargs="+", choices=PROBLEMS, help="by default all")
    parser.add_argument("--seeds", type=int, help="how many (10)")
    parser.add_argument("--quick", action="store_true", help=f"small tables, {QUICK} seeds")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="their folder")
    parser.add_argument("--output", type=Path, help="a file in Markdown whose table is renewed")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of training that ended at its last epoch
    seeds = options.seeds or (QUICK if options.quick else 10)
    names = options.tables or [n for n, p in PROBLEMS.items() if p.small or not options.quick]
    print(HEAD)
    for name in names:
        problem = PROBLEMS[name]
        if not (options.data / problem.file).exists():
            print(f"{name}: there is no {options.data / problem.file}", file=sys.stderr)
            continue
        line = row(name, problem, measured(problem, options.data, seeds))
        print(line, flush=True)
        if options.output:
            write(options.output, name, line)


if __name__ == "__main__":
    main()
