"""``baregrad step``: the backward pass of one sample, one operation at a time."""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentError, Namespace
from collections.abc import Iterable, Iterator, Sequence

from baregrad.cli.model_file import sample_for, saved_model
from baregrad.cli.table_file import table_of
from baregrad.data.preprocess import Preprocessor
from baregrad.errors import DataError, ModelFileError, counted
from baregrad.files.architecture import embedded, widths
from baregrad.files.model import SavedModel
from baregrad.nn import losses
from baregrad.nn.mlp import MLP
from baregrad.nn.module import Module
from baregrad.tensor.graph import tracing
from baregrad.tensor.tensor import Tensor
from baregrad.view.stepper import Stepper, stepper

LAYERS = [2, 3, 1]
RIGHT, LEFT = "\x1b[C", "\x1b[D"
NEXT, BACK, QUIT = ("\n", "\r", " ", "n", RIGHT), ("b", "p", LEFT), ("q", "\x04")


def run(arguments: Namespace) -> int:
    """Walks on a terminal, and prints every step elsewhere."""
    with tracing():
        steps = stepper(_loss(arguments))
    if sys.stdin.isatty() and sys.stdout.isatty():
        walk(steps, keys())
    else:
        print(*steps, sep="\n\n")
    return 0


def _loss(arguments: Namespace) -> Tensor:
    """How far one sample's output is from its target.

    Raises:
        argparse.ArgumentError: options that do not go together, or do not fit the network.
    """
    if arguments.model and arguments.layers:
        raise ArgumentError(None, "--layers describes a new network; give either MODEL or --layers")
    if arguments.file:
        if arguments.row or arguments.target:
            raise ArgumentError(None, "--row and --target are in FILE.csv; leave them out, or it")
        return _loss_in_table(arguments)
    if arguments.number is not None:
        raise ArgumentError(None, "--number is of a row of FILE.csv, and none is given")
    if arguments.model:
        saved = saved_model(arguments.model)
        model, classes = saved.model.eval(), len(_classes(saved.preprocessor))
    else:
        saved, model, classes = None, _new_network(arguments.layers or LAYERS), 0
    sample = _sample(model, arguments.row)
    output = model(sample)
    usual = _usual_loss(classes, output.size)
    loss = usual if saved is None else _saved_loss(saved, usual)
    if loss is losses.cross_entropy:
        target = arguments.target or [0.0]
        _check_count("--target", target, 1)
        if target[0] not in range(output.size):
            raise ArgumentError(None, f"--target: a class is a number from 0 to {output.size - 1}")
        return loss(output.flatten(), Tensor(int(target[0])))
    target = arguments.target or [1.0] * output.size
    _check_count("--target", target, output.size)
    return loss(output, Tensor(target, "float32", name="target").reshape(output.shape).detach())


def _new_network(sizes: Sequence[int]) -> MLP:
    inputs, *neurons = sizes
    if not neurons:
        raise ArgumentError(None, f"--layers {inputs}: give the inputs, then each layer's size")
    return MLP(inputs, neurons, seed=0)


def _sample(model: Module, row: list[float] | None) -> Tensor:
    """What is given to a network: the row, or made-up numbers."""
    if row is None:
        sample = sample_for(model)
    else:
        inputs, _ = widths(model)
        if inputs is not None:
            _check_count("--row", row, inputs)
        # embeddings are looked up for each sample of a batch
        sample = Tensor([row] if embedded(model) else row, "float32")
    sample.name = "sample"
    return sample


def _classes(preprocessor: Preprocessor | None) -> Sequence[str]:
    return preprocessor.classes if preprocessor is not None else ()


def _usual_loss(classes: int, outputs: int) -> losses.Loss:
    if not classes:
        return losses.mse
    return losses.cross_entropy if outputs > 1 else losses.binary_cross_entropy


def _saved_loss(saved: SavedModel, usual: losses.Loss) -> losses.Loss:
    """What a model was trained with, if that was saved and is a loss that has a name."""
    name = saved.training.get("loss")
    return losses.LOSSES.get(name, usual) if isinstance(name, str) else usual


def _loss_in_table(arguments: Namespace) -> Tensor:
    """That of a row of a table.

    Raises:
        argparse.ArgumentError: there is no such row.
        DataError: the table lacks a column, or the row has no target.
    """
    model, preprocessor, _ = saved = saved_model(arguments.model)
    if preprocessor is None:
        raise ModelFileError(
            f"{arguments.model} has no preprocessor to read tables with; use --row"
        )
    target, number = preprocessor.target_column.name, arguments.number or 1
    table = table_of(arguments, [*preprocessor.kinds, target], text=True)
    if target not in table:
        raise DataError(f"{table.source} lacks the target {target!r}, which a loss needs")
    if number > len(table):
        rows = counted(len(table), "row")
        raise ArgumentError(None, f"--number: {table.source} has {rows}, no {number}")
    row = table.take([number - 1])
    x, y = preprocessor.transform(row), preprocessor.target(row)
    x.name, y.name = "sample", "target"
    output = model.eval()(x)
    loss = _saved_loss(saved, _usual_loss(len(preprocessor.classes), output.size))
    if preprocessor.classes and loss is not losses.cross_entropy:  # one logit
        y = y.reshape(output.shape).astype("float32").detach()
        y.name = "target"
    return loss(output, y)


def _check_count(option: str, given: Sequence[float], count: int) -> None:
    if len(given) != count:
        raise ArgumentError(None, f"{option}: the network needs {count} numbers, not {len(given)}")


def walk(steps: Stepper, pressed: Iterable[str]) -> None:
    """Shows the steps that the keys lead to, until the last is passed."""
    print(steps)
    print("\nEnter or → for the next step, b or ← back, q to quit", flush=True)
    for key in pressed:
        number = steps.number + (key in NEXT) - (key in BACK)
        if key in QUIT or number > len(steps):
            return
        if number != steps.number and number > 0:
            print(f"\n{steps.goto(number)}", flush=True)


def keys() -> Iterator[str]:
    """The keys that are pressed; lines where a terminal gives nothing else."""
    try:
        import termios  # not on Windows
        import tty
    except ImportError:
        for line in sys.stdin:
            yield line.strip() or "\n"
        return
    terminal = sys.stdin.fileno()
    settings = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal, termios.TCSADRAIN)  # keeps what was typed ahead
        while typed := os.read(terminal, 64):
            yield from re.findall(r"\x1b\[.|.", typed.decode(errors="replace"), re.DOTALL)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, settings)
