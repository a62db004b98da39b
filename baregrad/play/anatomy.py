"""The network from inside: its computational graph, and the backward pass of one sample."""

from __future__ import annotations

from typing import Any, Final

from baregrad.errors import ArgumentError, MissingExtraError
from baregrad.nn.losses import loss_named
from baregrad.play.trainer import Trainer
from baregrad.tensor.tensor import Tensor
from baregrad.training.samples import Samples
from baregrad.view.report.layout import drawn
from baregrad.view.report.probe import probe, undisturbed
from baregrad.view.report.structure import Structure
from baregrad.view.stepper import stepper

SAMPLES: Final = 16  # that the graph is computed for


def _loss(trainer: Trainer, samples: Samples) -> Tensor:
    """The loss of some samples, with its graph."""
    return loss_named(trainer.loss)(trainer.model(samples.x), samples.y)


def graph(trainer: Trainer, draw: bool) -> dict[str, Any]:
    """The numbers of each node of the graph, and its drawing if that is wanted.

    Returns:
        ``"values"`` and ``"gradients"``, a text for each place in the graph that is drawn, and
        ``"svg"``, in which elements with the attributes ``data-v`` and ``data-g`` are the places of
        these texts. Without Graphviz, a ``"note"`` that says so.
    """
    with undisturbed(trainer.model):
        loss = _loss(trainer, probe(trainer.training, SAMPLES))
        loss.backward()
        structure = Structure(loss, trainer.model)
        nodes = [group.tensors[-1] for group in structure.views["tensors"]]
        places = structure.trace.position
        found: dict[str, Any] = {
            "values": {places[x]: _text(x) for x in nodes},
            "gradients": {places[x]: _text(x.grad) for x in nodes if x.grad is not None},
        }
    if draw:
        try:
            found["svg"] = drawn(structure, "tensors")
        except MissingExtraError as error:
            found["note"] = str(error)
    return found


def _text(x: Tensor) -> str:
    data = x.array.data
    return f"{data[0]:.4g}" if x.size == 1 else f"{min(data):.3g} … {max(data):.3g}"


def backward(trainer: Trainer, sample: int) -> list[dict[str, Any]]:
    """What `stepper` shows of each operation of the backward pass of one training sample.

    Raises:
        ArgumentError: there is no such sample.
    """
    if not 0 <= sample < len(trainer.training):
        raise ArgumentError(
            f"the training samples are numbered 0 to {len(trainer.training) - 1}; there is no "
            f"{sample}"
        )
    one = trainer.training.take([sample])
    one.x.name, one.y.name = "x", "y"
    with undisturbed(trainer.model):
        return stepper(_loss(trainer, one)).data()
