"""Frames of training are saved every few steps."""

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError, MissingExtraError
from baregrad.view import drawing
from baregrad.view.frames import GraphFrames
from baregrad.view.graph import ZOOMS


@pytest.fixture
def loss():
    loss = (bg.Tensor([1.0, 2.0], requires_grad=True, name="w") * 3).sum()
    loss.backward()
    return loss


@pytest.fixture
def without_graphviz(monkeypatch):
    def refuse(dot, form):
        raise MissingExtraError("no Graphviz")

    monkeypatch.setattr(drawing, "render", refuse)


def test_a_frame_is_saved_every_so_many_steps(tmp_path, loss, monkeypatch):
    monkeypatch.setattr(drawing, "render", lambda dot, form: f"{form} of {dot}".encode())
    writer = GraphFrames(tmp_path / "new" / "frames", every=50)
    paths = [writer.write(step, loss) for step in range(101)]
    saved = ["step-000000.svg", "step-000050.svg", "step-000100.svg"]
    assert [path.name for path in paths if path] == saved
    assert sorted(path.name for path in (tmp_path / "new" / "frames").iterdir()) == saved
    assert paths[100].read_text().startswith("svg of digraph")
    assert "[label=<step 000100>" in paths[100].read_text()


def test_frames_are_dot_where_there_is_no_graphviz(tmp_path, loss, without_graphviz):
    path = GraphFrames(tmp_path).write(7, loss)
    assert path == tmp_path / "step-000007.dot"
    assert path.read_text().startswith("digraph")


def test_frames_can_be_drawn_at_any_zoom_with_any_option(tmp_path, loss, without_graphviz):
    text = GraphFrames(tmp_path, zoom="scalars", gradients=False).write(0, loss).read_text()
    assert "w[1]" in text
    assert ">grad<" not in text


def test_frames_differ_in_their_step_only(tmp_path, loss, without_graphviz):
    writer = GraphFrames(tmp_path)
    first, second = (writer.write(step, loss).read_text() for step in (1, 2))
    assert first != second
    assert first.replace("step 000001", "step 000002") == second


def geometry(dot):
    """Where Graphviz puts each node, and the size of it and of the whole."""
    graph = pytest.importorskip("pygraphviz").AGraph(string=dot)
    graph.layout(prog="dot")
    places = {
        node: [node.attr[what] for what in ("pos", "width", "height")] for node in graph.nodes()
    }
    return graph.graph_attr["bb"], places


@pytest.mark.parametrize("zoom", ZOOMS)
def test_frames_of_a_training_are_laid_out_alike(tmp_path, without_graphviz, zoom):
    model = bg.MLP(3, [2, 3, 1], seed=1)
    optimizer = bg.SGD(model.parameters(), lr=0.1)
    writer = GraphFrames(tmp_path, zoom=zoom)
    frames = []
    for step in range(12):
        loss = bg.losses.mse(model([[2.0, 3.0, -1.0], [3.0, -1.0, 0.5]]), [[1.0], [-1.0]])
        optimizer.zero_grad()
        loss.backward()
        frames.append(writer.write(step, loss).read_text(encoding="utf-8"))
        optimizer.step()
    first, *others = map(geometry, frames)
    assert all(other == first for other in others)


def test_frames_of_shuffled_batches_are_laid_out_alike(tmp_path, without_graphviz):
    model = bg.MLP(1, [2, 1], seed=1)
    frames = GraphFrames(tmp_path, zoom="scalars")
    bg.fit(model, [[1.0], [2.0], [3.0]], [[1.0], [0.0], [1.0]], epochs=4, callbacks=[frames])
    first, *others = (geometry(path.read_text("utf-8")) for path in tmp_path.iterdir())
    assert len(others) == 3
    assert all(other == first for other in others)


@pytest.mark.parametrize("value", [-0.00012345, -8.8888e-05, -8.8888e38, -8.8888e-308])
def test_the_widest_numbers_take_no_more_room_than_the_others(value):
    short, wide = (bg.draw_graph(bg.Tensor([v], "float64"), title="") for v in (0.0, value))
    assert geometry(wide.dot) == geometry(short.dot)


def test_every_must_be_positive(tmp_path):
    with pytest.raises(ArgumentError, match="every must be at least 1 step, not 0"):
        GraphFrames(tmp_path, every=0)


def test_training_saves_a_frame_every_few_steps(tmp_path, without_graphviz):
    model = bg.MLP(1, [2, 1], seed=0)
    frames = GraphFrames(tmp_path, every=2)
    x, y = [[0.0], [1.0]], [[0.0], [1.0]]
    bg.fit(model, x, y, epochs=3, batch_size=1, callbacks=[frames], seed=0)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["step-000002.dot", "step-000004.dot", "step-000006.dot"]
    assert "grad" in (tmp_path / names[0]).read_text(encoding="utf-8")
