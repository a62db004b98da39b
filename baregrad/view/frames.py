"""Drawings of training: one every few steps, laid out alike, to be flipped through."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from baregrad.errors import ArgumentError, MissingExtraError
from baregrad.tensor.tensor import Tensor
from baregrad.training.run import Callback, Run
from baregrad.view.graph import draw_graph


class GraphFrames(Callback):
    """Saves the graph of the loss every so many steps, as ``step-000100.svg``.

    Frames of one model and one size of batch have the same layout, as only numbers change. For
    `fit`; in a loop of one's own, call `write` after `backward()`.

    Args:
        folder: where to; it is made if it is not there.
        every: steps from one frame to the next.
        zoom: as for `draw_graph`.
        **options: further arguments of `draw_graph`.

    Raises:
        ArgumentError: `every` is less than 1.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        every: int = 1,
        zoom: str = "tensors",
        **options: Any,
    ) -> None:
        if every < 1:
            raise ArgumentError(f"every must be at least 1 step, not {every}")
        self.folder = Path(folder)
        self.every = every
        self.zoom = zoom
        self.options = options

    def watches(self, run: Run, step: int) -> bool:
        """Those steps of which there is a frame."""
        return (step + 1) % self.every == 0

    def on_batch_end(self, run: Run) -> None:
        """Saves the frame of the batch, with its gradients."""
        self.write(run.step, run.loss)

    def write(self, step: int, loss: Tensor) -> Path | None:
        """Saves the frame of a step, if it is the turn of one.

        Returns:
            The file: .svg, or .dot where there is no Graphviz to draw it; None if it was not saved.
        """
        if step % self.every:
            return None
        drawing = draw_graph(loss, self.zoom, title=f"step {step:06}", **self.options)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step-{step:06}.svg"
        try:
            drawing.save(path)
        except MissingExtraError:
            path = path.with_suffix(".dot")
            drawing.save(path)
        return path
