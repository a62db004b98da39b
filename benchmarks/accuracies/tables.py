"""Test errors of the estimators and of scikit-learn's, with their defaults, on real tables.

A seed chooses a quarter of the rows to test with, and the initial weights. All contenders read the
same rows, one after the other. The estimators get no more time than scikit-learn took, or `LEAST`
seconds if that was less. Seconds are of the processor, which other programs do not make longer.
"""

from __future__ import annotations

import csv
import math
from functools import partial
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from time import process_time
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
from accuracies.figures import Record, Result, estimate, verdict
from baregrad.cli.main import main

COLUMNS = [
    *("table", "seeds", "test error", "baregrad", "`baregrad train`", "scikit-learn"),
    *("baregrad is", "seconds", "the command's", "scikit-learn's"),
]
OWN, COMMAND, OTHER = "estimators", "command", "scikit-learn"
TEST = 0.25
LEAST = 5.0  # seconds: on small tables, most of the time is compiling


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
    start = process_time()
    preprocessor = bg.Preprocessor.fit(train, target, problem.task, problem.ignore)
    x, y = preprocessor.transform(train), preprocessor.target(train)
    options = {"random_state": seed, "callbacks": [Limit(limit)]}
    is_regression = problem.task == "regression"
    model = (bg.MLPRegressor if is_regression else bg.MLPClassifier)(**options).fit(x, y)
    seconds = process_time() - start
    unseen = preprocessor.transform(test)
    if is_regression:
        output = bg.Tensor(model.predict(unseen)).reshape(-1, 1)
        predicted = preprocessor.predictions(output)
    else:
        predicted = [preprocessor.classes[i] for i in model.predict(unseen)]
    return Result(error_of(problem.task, predicted, truth(test, target, problem.task)), seconds)


class Limit(bg.Callback):
    """Ends training after so many seconds of the processor."""

    def __init__(self, seconds: float) -> None:
        self.end = process_time() + seconds

    def on_steps(self, run: bg.Run) -> None:
        """Looks at the clock."""
        if process_time() >= self.end:
            run.stop("the time is over")


def by_command(train: bg.Table, test: bg.Table, target: str, problem: Problem, seed: int) -> Result:
    """The command line, which keeps a fifth of the rows back to validate with."""
    with TemporaryDirectory() as folder:
        file, run = Path(folder, "train.csv"), Path(folder, "run")
        with file.open("w", newline="") as lines:
            cells = map(train.given, train.names)
            csv.writer(lines).writerows([train.names, *zip(*cells, strict=True)])
        words = ["train", file, "--target", target, "--task", problem.task, "--seed", seed]
        words += ["--out", run, "--quiet", "--no-report"]
        words += [word for name in problem.ignore for word in ("--ignore", name)]
        start = process_time()
        if main(list(map(str, words))):
            raise RuntimeError(f"baregrad {' '.join(map(str, words))} failed")
        seconds = process_time() - start
        model, preprocessor, _ = bg.load_model(run / "model.safetensors")
    predicted = preprocessor.predictions(bg.predict(model, preprocessor.transform(test)))
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
    start = process_time()
    model.fit(x, y)
    seconds = process_time() - start
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


def measured(
    name: str, problem: Problem, folder: Path, seeds: int, record: Record
) -> dict[str, list[Result]]:
    """The results of both, seed by seed."""
    table = bg.read_table(folder / problem.file, skip_rows=problem.skip_rows)
    target = table.names[problem.target] if isinstance(problem.target, int) else problem.target
    table = table.drop_missing(target)
    results: dict[str, list[Result]] = {OWN: [], COMMAND: [], OTHER: []}
    for seed in range(seeds):
        train, test = bg.train_test_split(table, test_size=TEST, seed=seed)
        case = (train, test, target, problem, seed)
        other = record.result(f"{name}, {OTHER}", seed, partial(theirs, *case))
        results[OTHER].append(other)
        limit = max(LEAST, other.seconds)
        for who, measure in (
            (OWN, partial(own, *case, limit)),
            (COMMAND, partial(by_command, *case)),
        ):
            results[who].append(record.result(f"{name}, {who}", seed, measure))
    return results


def cells(name: str, problem: Problem, results: dict[str, list[Result]]) -> list[str]:
    """A line of the table."""
    is_share = problem.task == "classification"
    scale = 100 if is_share else 1
    errors = {who: [scale * r.error for r in found] for who, found in results.items()}
    pairs = zip(errors[OWN], errors[OTHER], strict=True)
    seconds = [mean(r.seconds for r in found) for found in results.values()]
    return [
        name,
        str(len(results[OWN])),
        "wrong, %" if is_share else "RMSE",
        *map(estimate, errors.values()),
        verdict([a - b for a, b in pairs]),
        *(f"{value:.2f}" for value in seconds),
    ]
