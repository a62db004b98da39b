"""A notebook, run by Jupyter's own client: what is last in a cell shows itself."""

import sys

import pytest

nbformat = pytest.importorskip("nbformat", reason="pip install nbclient ipykernel")
nbclient = pytest.importorskip("nbclient", reason="pip install nbclient ipykernel")
pytest.importorskip("ipykernel", reason="pip install nbclient ipykernel")

SETUP = """
import baregrad as bg
x = bg.linspace(-3, 3, 20).reshape(20, 1)
model = bg.MLP(1, [2, 1], seed=0)
loss = bg.losses.mse(model(x[:2]), x[:2].sin())
"""
# what a cell ends with: what its HTML must have in it
CELLS = {
    "bg.Tensor([1.0, 2.5], name='<b>w</b>')": "&lt;b&gt;w&lt;/b&gt;: leaf, shape (2,)",
    "model": "<td>layers.0</td>",
    "bg.fit(bg.MLP(1, [2, 1], seed=0), x, x.sin(), epochs=3, seed=0)": "<polyline",
    "bg.stepper(loss)": "<details open><summary>step 1 of ",
    "bg.stepper(loss).step": "<b>step 1 of ",
}
DRAWING = "bg.draw_graph(loss)"


@pytest.fixture(scope="module")
def outputs():
    """What each cell shows: for each of its forms the text."""
    cells = [SETUP, *CELLS, DRAWING]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return {
        cell.source: output.data
        for cell in notebook.cells
        for output in cell.outputs
        if output.output_type == "execute_result"
    }


# the client's own warnings on event loops are none of ours
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(sys.platform == "win32", reason="kernels need another event loop there"),
]


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_last_in_a_cell_shows_itself_as_html_and_as_text(outputs, cell):
    assert CELLS[cell] in outputs[cell]["text/html"]
    assert outputs[cell]["text/plain"]


def test_a_drawing_shows_itself_as_a_picture(outputs):
    pytest.importorskip("pygraphviz")
    assert outputs[DRAWING]["text/html"].startswith('<div style="overflow:auto"><svg')
    assert outputs[DRAWING]["image/svg+xml"].startswith("<?xml")
