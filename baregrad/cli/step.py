"""``baregrad step``: the backward pass of one sample, one operation at a time."""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentError, Namespace
from collections.abc import Iterable, Iterator, Sequence

from baregrad.cli.model_file import saved_model
from baregrad.nn import losses
from baregrad.nn.mlp import MLP
from baregrad.tensor.graph import tracing
from baregrad.tensor.random import Generator
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
    classes = 0
    if arguments.model:
        saved = saved_model(arguments.model)
        if not isinstance(model := saved.model.eval(), MLP):
            raise ArgumentError(None, f"{arguments.model} is no MLP; use bg.stepper in Python")
        classes = len(saved.preprocessor.classes) if saved.preprocessor else 0
    else:
        inputs, *neurons = arguments.layers or LAYERS
        if not neurons:
            raise ArgumentError(None, f"--layers {inputs}: give the inputs, then each layer's size")
        model = MLP(inputs, neurons, seed=0)
    inputs, outputs = model.layers[0].inputs, model.layers[-1].outputs
    row = arguments.row or Generator(seed=0).randn(inputs).tolist()
    _check_count("--row", row, inputs)
    sample = Tensor(row, "float32", name="sample")
    if classes and outputs > 1:
        target = arguments.target or [0.0]
        _check_count("--target", target, 1)
        if target[0] not in range(outputs):
            raise ArgumentError(None, f"--target: a class is a number from 0 to {outputs - 1}")
        return losses.cross_entropy(model(sample), Tensor(int(target[0])))
    target = arguments.target or [1.0] * outputs
    _check_count("--target", target, outputs)
    loss = losses.binary_cross_entropy if classes else losses.mse
    return loss(model(sample), Tensor(target, "float32", name="target"))


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
