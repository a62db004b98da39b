"""``baregrad explain``: what becomes of a training step, or of a model's prediction."""

from __future__ import annotations

from argparse import ArgumentError, Namespace
from collections.abc import Callable

from baregrad.cli.model_file import inputs_of, saved_model
from baregrad.cli.output import write_output
from baregrad.compiler.explain import LINES, STAGES, explain
from baregrad.nn.losses import LOSSES
from baregrad.nn.mlp import MLP
from baregrad.optim.named import optimizer_named
from baregrad.tensor.factories import zeros
from baregrad.tensor.tensor import Tensor

# what is explained where nothing is asked for: the step of docs/compiler.md
LAYERS = [2, 3, 1]
ACTIVATION = "tanh"
LOSS = "mse"
OPTIMIZER = "sgd"


def run(arguments: Namespace) -> int:
    """Prints the stages."""
    step, examples = _prediction(arguments) if arguments.model else _training_step(arguments)
    lines = None if arguments.full else LINES
    write_output([explain(step, *examples, stage=arguments.stage or STAGES, lines=lines)])
    return 0


def _prediction(arguments: Namespace) -> tuple[Callable[[Tensor], Tensor], list[Tensor]]:
    """A model's prediction, and an example of what it is given.

    Raises:
        argparse.ArgumentError: there are options that describe another network.
    """
    for option in ("layers", "activation", "loss", "optimizer"):
        if getattr(arguments, option) is not None:
            raise ArgumentError(
                None, f"--{option} is for training steps; give either MODEL or --{option}"
            )
    model = saved_model(arguments.model).model.eval()
    return model, [zeros(arguments.batch, inputs_of(model))]


def _training_step(arguments: Namespace) -> tuple[Callable[..., Tensor], list[Tensor]]:
    """A training step of the network that was described, and examples of its arguments.

    Raises:
        argparse.ArgumentError: only one size, or an optimizer that is not compiled.
    """
    if arguments.optimizer == "lbfgs":
        raise ArgumentError(
            None,
            "--optimizer lbfgs: how often it evaluates the loss depends on its values, so its "
            "steps cannot be compiled; choose another one",
        )
    inputs, *neurons = arguments.layers or LAYERS
    if not neurons:
        raise ArgumentError(
            None, f"--layers {inputs}: give the number of inputs and then one size for each layer"
        )
    model = MLP(inputs, neurons, activation=arguments.activation or ACTIVATION, seed=0)
    optimizer = optimizer_named(arguments.optimizer or OPTIMIZER)(model.parameters(), lr=0.01)
    name = arguments.loss or LOSS
    loss = LOSSES[name]

    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value

    batch = arguments.batch
    is_classes = name == "cross_entropy"
    targets = zeros(batch, dtype="int64") if is_classes else zeros(batch, neurons[-1])
    return step, [zeros(batch, inputs), targets]
