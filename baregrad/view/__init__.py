"""Pictures: the computational graph as a Graphviz drawing, once or all through training."""

from baregrad.view.drawing import Drawing
from baregrad.view.frames import FrameWriter
from baregrad.view.graph import draw_graph

__all__ = ["Drawing", "FrameWriter", "draw_graph"]
