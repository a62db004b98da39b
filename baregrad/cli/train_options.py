"""The options of ``baregrad train``, and those of reading tables."""

from __future__ import annotations

import argparse

from baregrad.cli import values
from baregrad.data.synthetic import DATASETS
from baregrad.data.table import KINDS
from baregrad.errors import listed
from baregrad.nn.activations import ACTIVATIONS
from baregrad.optim.named import OPTIMIZERS
from baregrad.training.recipe import CLASSIFICATION, MADE_UP, REGRESSION


def add_train(parser: argparse.ArgumentParser) -> None:
    """All that can be said about a training."""
    data = parser.add_argument_group("data")
    data.add_argument("file", nargs="?", metavar="FILE.csv", help="a table; - for standard input")
    data.add_argument("--target", metavar="COLUMN", help="the column of FILE.csv to predict")
    data.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="COLUMN",
        help="a column that is not to be learned from; may be given several times",
    )
    data.add_argument(
        "--task",
        choices=("regression", "classification"),
        help="by default, as the values of the target suggest",
    )
    data.add_argument(
        "--dataset",
        type=values.dataset,
        metavar="NAME",
        help=f"made-up data instead of a file, by default sine: {listed(DATASETS)}",
    )
    data.add_argument(
        "--validation",
        type=values.share,
        default=0.2,
        metavar="SHARE",
        help="of the rows, kept back to assess the network with (default: 0.2)",
    )
    data.add_argument(
        "--cache",
        metavar="DIR",
        help="a folder to keep the table and its features in, not in memory, however large they "
        "are; the table is read again only if it has changed",
    )
    data.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="COLUMN=KIND",
        help=f"what a column is: {listed(KINDS)} (default: as its cells look); may be given "
        "several times",
    )
    add_reading(data)
    network = parser.add_argument_group("network")
    network.add_argument(
        "--hidden",
        type=values.sizes,
        metavar="SIZES",
        help=f"neurons in each hidden layer, with commas between ({_default('hidden')})",
    )
    network.add_argument(
        "--activation",
        type=values.activations,
        metavar="NAMES",
        help="of all hidden layers, or one for each with commas between "
        f"({_default('activation')}): {listed(ACTIVATIONS)}",
    )
    network.add_argument(
        "--dropout",
        type=values.share,
        metavar="SHARE",
        help=f"of the hidden neurons, left out at random in each step ({_default('dropout')})",
    )
    _add_training(parser.add_argument_group("training"))
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out",
        metavar="DIR",
        help="the folder for model, history and graph (default: runs/NAME-1, -2, ...)",
    )
    output.add_argument(
        "--report",
        action=argparse.BooleanOptionalAction,
        help="write report.html (default: where pygraphviz is installed to draw its graph)",
    )
    output.add_argument("--quiet", action="store_true", help="print nothing but errors")
    _add_recovery(parser.add_argument_group("again"))


def _add_recovery(again: argparse._ArgumentGroup) -> None:
    again.add_argument(
        "--config",
        metavar="FILE.toml",
        help="options under their names, such as epochs = 10, where none is typed; the folder of a "
        "run, or the file that is in it, repeats the run",
    )
    again.add_argument(
        "--resume",
        metavar="DIR",
        help="go on with the run in this folder, which was interrupted; the network will be the "
        "same, to the last bit, as if it had not been",
    )


def _add_training(training: argparse._ArgumentGroup) -> None:
    training.add_argument(
        "--loss",
        type=values.loss,
        metavar="NAME",
        help="; ".join(
            f"for {task} {listed(losses)}" for task, losses in values.LOSSES_OF_TASK.items()
        )
        + " (default: the first)",
    )
    training.add_argument(
        "--label-smoothing",
        type=values.share,
        metavar="SHARE",
        help=f"of each target, spread evenly over all classes ({_default('label_smoothing')})",
    )
    training.add_argument(
        "--optimizer",
        type=values.optimizer,
        default="adam",
        metavar="NAME",
        help=f"(default: adam) one of {listed(OPTIMIZERS)}",
    )
    training.add_argument(
        "--lr",
        type=values.positive,
        metavar="RATE",
        help="the learning rate at its highest, by default one that suits the optimizer",
    )
    training.add_argument(
        "--schedule",
        choices=tuple(values.SCHEDULES),
        help=f"of the learning rate: up and down once, down, or as it is ({_default('schedule')})",
    )
    training.add_argument(
        "--weight-decay",
        type=values.not_negative,
        metavar="RATE",
        help="of weights, but not of biases, as the optimizer has it (over the rows of a step, "
        f"{_default('alpha')})",
    )
    training.add_argument(
        "--epochs",
        type=values.count,
        metavar="N",
        help="how many times to go through the data, at most (default: 100, fewer for much data)",
    )
    training.add_argument(
        "--patience",
        type=values.count,
        metavar="N",
        help=f"stop after N epochs without a better loss in validation ({_default('patience')})",
    )
    training.add_argument(
        "--batch-size",
        type=values.count,
        metavar="N",
        help=f"rows to a step ({_default('batch_size')})",
    )
    training.add_argument(
        "--time-limit",
        type=values.positive,
        metavar="SECONDS",
        help="end after so long with the best network so far; --resume goes on",
    )
    training.add_argument(
        "--seed",
        type=values.seed,
        default=0,
        metavar="N",
        help="of everything random: the same seed gives the same network (default: 0)",
    )


def _default(name: str) -> str:
    """What an option is where it is not given, by the recipes' attribute of this name."""
    recipes = CLASSIFICATION, REGRESSION, MADE_UP
    classes, numbers, made_up = (_text(getattr(recipe, name)) for recipe in recipes)
    tables = classes if classes == numbers else f"{classes} for classes, {numbers} for numbers"
    return f"default: {tables}; {made_up} for made-up data"


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value or "never")


def add_reading(group: argparse._ActionsContainer) -> None:
    """How to read FILE.csv, where it cannot be found out."""
    group.add_argument("--delimiter", metavar="CHARACTER", help="between cells (default: found)")
    group.add_argument(
        "--decimal",
        choices=(".", ","),
        metavar="MARK",
        help="decimal mark of numbers, a point or a comma, of which the other may stand between "
        "thousands (default: found)",
    )
    group.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first row names the columns (default: found)",
    )
    group.add_argument(
        "--encoding", help="of the text, such as latin-1 (default: as it looks, mostly UTF-8)"
    )
    group.add_argument(
        "--skip-rows",
        type=values.rows,
        default=0,
        metavar="N",
        help="lines to leave out at the top (default: 0)",
    )
