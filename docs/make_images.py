"""Makes the pictures of the documents anew: ``python docs/make_images.py [FOLDER]``.

Needs Graphviz, as in ``pip install -e '.[view]'``.
"""

import os
import runpy
import shutil
import sys
import tempfile
from pathlib import Path

import baregrad as bg

DOCS = Path(__file__).resolve().parent
MISSION = DOCS.parent / "examples" / "mission.py"


def neuron_graph() -> bg.Tensor:
    """The loss that `backpropagation.md` works out by hand, after its backward pass."""
    x = bg.Tensor(3.0, name="x")
    w = bg.Tensor(2.0, requires_grad=True, name="w")
    b = bg.Tensor(-5.0, requires_grad=True, name="b")
    p = w * x
    z = p + b
    e = z - 3
    loss = e * e
    for name, tensor in {"p": p, "z": z, "e": e, "loss": loss}.items():
        tensor.name = name
    loss.backward()
    return loss


def mission_graph(folder: Path) -> None:
    """The picture that `examples/mission.py` saves."""
    with tempfile.TemporaryDirectory() as temporary:
        here = Path.cwd()
        os.chdir(temporary)
        try:
            runpy.run_path(str(MISSION))
        finally:
            os.chdir(here)
        shutil.copy(Path(temporary) / "mission-graph.svg", folder)


def main(folder: Path) -> None:
    """Writes every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    bg.draw_graph(neuron_graph()).save(folder / "neuron-graph.svg")
    mission_graph(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else DOCS / "images")
