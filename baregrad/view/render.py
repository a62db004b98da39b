"""From DOT to SVG, PNG or PDF: by pygraphviz, which brings Graphviz along, or an installed dot."""

from __future__ import annotations

from baregrad.errors import BaregradError, MissingExtraError

FORMATS = ("svg", "png", "pdf")
LIMIT = 60  # seconds for an installed dot

_MISSING = (
    "drawing needs Graphviz: pip install 'baregrad[view]', or install Graphviz so that its `dot` "
    "is on the path. Without it, the text of the graph can be saved to a .dot file"
)


def render(dot: str, form: str) -> bytes:
    """The drawing that DOT describes, in one of `FORMATS`.

    Raises:
        MissingExtraError: neither pygraphviz nor dot is installed.
        BaregradError: Graphviz failed, or took too long.
    """
    try:
        import pygraphviz  # optional, and slow to import
    except ImportError:
        return _render_by_program(dot, form)
    try:
        drawn: bytes = pygraphviz.AGraph(string=dot).draw(format=form, prog="dot")
    except ValueError as error:
        raise BaregradError(f"pygraphviz failed: {error}") from error
    return drawn


def _render_by_program(dot: str, form: str) -> bytes:
    import shutil  # both are slow to import, and only needed here
    import subprocess

    program = shutil.which("dot")
    if program is None:
        raise MissingExtraError(_MISSING)
    try:
        done = subprocess.run(
            [program, f"-T{form}"], input=dot.encode(), capture_output=True, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        raise BaregradError(
            f"Graphviz has not laid out the graph within {LIMIT} s; draw less of it, such as "
            "at the zoom modules, or fewer nodes"
        ) from None
    if done.returncode != 0:
        raise BaregradError(f"{program} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
