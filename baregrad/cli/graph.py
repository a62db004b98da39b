"""``baregrad graph``: what a model computes, drawn for a sample input."""

from __future__ import annotations

import sys
from argparse import Namespace

from baregrad.cli.model_file import sample_for, saved_model
from baregrad.cli.output import write_output
from baregrad.nn.module import Module
from baregrad.view.drawing import Drawing
from baregrad.view.graph import draw_graph


def run(arguments: Namespace) -> int:
    """Saves the drawing, or prints it in DOT."""
    drawing = model_graph(saved_model(arguments.model).model, arguments.zoom)
    if drawing.folded:
        print(f"baregrad: {drawing.folded}", file=sys.stderr)
    if arguments.out is None:
        write_output([drawing.dot])
    else:
        drawing.save(arguments.out)
    return 0


def model_graph(model: Module, zoom: str) -> Drawing:
    """The graph of a model's output for made-up features."""
    sample = sample_for(model)
    sample.name = "sample"
    output = model(sample)
    output.name = "output"
    return draw_graph(output, zoom=zoom, gradients=False, title=repr(model))
