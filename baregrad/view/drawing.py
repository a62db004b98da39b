"""A drawing: DOT text that can be shown in a notebook, and saved in several formats."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from baregrad.errors import MissingExtraError, unknown_name
from baregrad.files.atomic import write_atomically
from baregrad.view.render import FORMATS, render

TEXTS = ("dot", "gv")


class Drawing:
    """A picture of a graph.

    Attributes:
        dot: the picture in DOT, Graphviz's language. The same graph gives the same text.
        folded: how it was simplified because it was too large; None if it was not.
    """

    def __init__(self, dot: str, folded: str | None = None) -> None:
        self.dot = dot
        self.folded = folded

    def svg(self) -> str:
        """The picture as SVG.

        Raises:
            MissingExtraError: there is no Graphviz to draw it; see `render`.
        """
        return render(self.dot, "svg").decode()

    def png(self) -> bytes:
        """The picture as PNG; errors as `svg`."""
        return render(self.dot, "png")

    def pdf(self) -> bytes:
        """The picture as PDF; errors as `svg`."""
        return render(self.dot, "pdf")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a file, in the format of its suffix: .dot, .gv, .svg, .png or .pdf.

        A file that was there is replaced in one step, so that a reader never finds half of one.

        Raises:
            ArgumentError: another suffix.
            MissingExtraError: as `svg`.
            ModelFileError: the folder is not there, not writable, or full.
        """
        suffix = Path(path).suffix
        form = suffix[1:].lower()
        if form not in TEXTS + FORMATS:
            raise unknown_name("suffix", suffix, (f".{known}" for known in TEXTS + FORMATS))
        data = self.dot.encode() if form in TEXTS else render(self.dot, form)
        write_atomically(path, [data])

    def __repr__(self) -> str:
        return f"Drawing({self.folded or 'in full'})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """For notebooks: the picture, which scrolls if it is wide; or how to get to see one."""
        try:
            svg = self.svg()
        except MissingExtraError as error:
            return {"text/plain": f"{self!r}: {error}. Its attribute dot is the text to draw."}
        # in HTML first: as a picture alone, it would be cut off at the edge of the page
        shown = f'<div style="overflow:auto">{svg[svg.index("<svg") :]}</div>'
        return {"text/plain": repr(self), "text/html": shown, "image/svg+xml": svg}
