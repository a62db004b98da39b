"""What may be typed: the commands, their options, and the help."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from baregrad.cli import values
from baregrad.cli.train_options import add_reading, add_train
from baregrad.errors import listed
from baregrad.nn.activations import ACTIVATIONS
from baregrad.nn.losses import LOSSES
from baregrad.optim.named import OPTIMIZERS
from baregrad.version import __version__
from baregrad.view.graph import ZOOMS


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line.

    Attributes:
        has_config: whether it has options ``--config`` and ``--resume``, which name such a file.
    """

    has_config = False

    def error(self, message: str) -> NoReturn:
        """Prints the line, and ends with exit code 2."""
        self.exit(2, f"baregrad: error: {message} (see {self.prog} --help)\n")

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parses twice if there is a file with settings, as what is typed comes before it."""
        typed, rest = super().parse_known_args(args, namespace)
        if rest:  # said here, a command's own help is named
            self.error(f"unrecognized arguments: {' '.join(rest)}{self._nearest(rest[0])}")
        if not self.has_config:
            return typed, rest
        if typed.config is not None or typed.resume is not None:
            # few have a file of settings
            from baregrad.cli.config import defaults_for

            try:
                self.set_defaults(**defaults_for(typed, self))
            except argparse.ArgumentError as error:
                self.error(str(error))
        return super().parse_known_args(args, namespace)

    def _nearest(self, option: str) -> str:
        from difflib import get_close_matches  # only needed once something is wrong

        near = get_close_matches(option, self._option_string_actions, n=1)
        return f"; did you mean {near[0]}?" if near else ""


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="baregrad",
        description="Neural networks from scratch: train them, predict with them, draw them.",
        epilog="Exit codes: 0 done (or the reader of the output has gone), 1 error, 2 wrong usage, "
        "130 stopped by Ctrl-C.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"baregrad {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    train = _command(commands, "train", "train a network on a CSV file or a made-up data set")
    train.has_config = True
    add_train(train)
    _add_predict(_command(commands, "predict", "predict the rows of a CSV file"))
    _add_evaluate(_command(commands, "evaluate", "compare predictions with the answers in a table"))
    _add_inspect(_command(commands, "inspect", "show what is in a model file"))
    _add_graph(_command(commands, "graph", "draw the computational graph of a model"))
    _add_explain(_command(commands, "explain", "show what a step becomes, down to machine code"))
    _add_step(_command(commands, "step", "walk through the backward pass of one sample"))
    _add_play(_command(commands, "play", "open a page on which a network is seen learning"))
    _command(commands, "datasets", "list the made-up data sets")
    return parser


def _command(commands: argparse._SubParsersAction[Parser], name: str, description: str) -> Parser:
    parser = commands.add_parser(
        name,
        help=description,
        description=f"{description[0].upper()}{description[1:]}.",
        allow_abbrev=False,
    )
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    return parser


def _add_predict(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument(
        "file",
        metavar="FILE.csv",
        help="a table with the columns that the model was trained on; - for standard input",
    )
    add_reading(parser)
    parser.add_argument(
        "--out", default="-", metavar="FILE", help="where to write (default: - standard output)"
    )
    parser.add_argument(
        "--json", action="store_true", help="write a line of JSON for each row instead of CSV"
    )


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument(
        "file", metavar="FILE.csv", help="a table with the target, too; - for standard input"
    )
    add_reading(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, with all")


def _add_graph(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument(
        "--zoom", choices=ZOOMS, default="tensors", help="how closely to look (default: tensors)"
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="a .dot, .svg, .png or .pdf file (default: DOT on standard output)",
    )


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="a model file, or the folder of a run, whose prediction is shown; without it, a "
        "training step",
    )
    parser.add_argument(
        "--layers",
        type=values.sizes,
        metavar="SIZES",
        help="inputs and then the neurons of each layer, with commas between (default: 2,3,1)",
    )
    parser.add_argument(
        "--activation",
        type=values.activation,
        metavar="NAME",
        help=f"of all hidden layers (default: tanh): {listed(ACTIVATIONS)}",
    )
    parser.add_argument(
        "--loss",
        type=values.loss,
        metavar="NAME",
        help=f"(default: mse) one of {listed(LOSSES)}",
    )
    parser.add_argument(
        "--optimizer",
        type=values.optimizer,
        metavar="NAME",
        help=f"(default: sgd) one of {listed(OPTIMIZERS)}",
    )
    parser.add_argument(
        "--batch", type=values.count, default=2, metavar="N", help="rows to a step (default: 2)"
    )
    parser.add_argument(
        "--stage",
        action="append",
        metavar="NAME",
        help="show only this one: graph, kernels, memory, vector or machine; may be given several "
        "times",
    )
    parser.add_argument("--full", action="store_true", help="show all lines of long stages")


def _add_step(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help="a model file, or the folder of a run"
    )
    data = parser.add_argument_group("data")
    data.add_argument(
        "file",
        nargs="?",
        metavar="FILE.csv",
        help="a table that the model reads, to take the sample and its target from",
    )
    data.add_argument(
        "--number",
        type=values.count,
        metavar="N",
        help="which of its rows, counted from 1 (default: 1)",
    )
    add_reading(data)
    parser.add_argument(
        "--layers",
        type=values.sizes,
        metavar="SIZES",
        help="instead, inputs and then the neurons of each layer of a new network (default: 2,3,1)",
    )
    parser.add_argument(
        "--row",
        type=values.numbers,
        metavar="NUMBERS",
        help="the sample, as the network is given it, such as --row=-1,0.5 (default: random)",
    )
    parser.add_argument(
        "--target",
        type=values.numbers,
        metavar="NUMBERS",
        help="what its output should be, or the number of its class (default: 1; the first class)",
    )


def _add_play(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    data.add_argument(
        "file",
        nargs="?",
        metavar="FILE.csv",
        help="a table to learn from (default: made-up data); others can be loaded on the page",
    )
    data.add_argument(
        "--target",
        metavar="COLUMN",
        help="the column of FILE.csv to predict (default: the last that can be)",
    )
    add_reading(data)
    parser.add_argument(
        "--port",
        type=values.rows,
        default=0,
        metavar="N",
        help="of this machine's loopback interface (default: any that is free)",
    )
    parser.add_argument(
        "--no-browser",
        dest="browser",
        action="store_false",
        help="print the address, and do not open it",
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a model file, or the folder of a run")
