"""A drawing is rendered, saved and shown, by whatever Graphviz there is."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError, BaregradError, MissingExtraError
from baregrad.nn.mlp import MLP
from baregrad.view import render
from baregrad.view.drawing import Drawing
from baregrad.view.graph import draw_graph

DOT = "digraph { a -> b }\n"
BEGINNINGS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    """Neither pygraphviz nor dot."""
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.fixture
def program(nothing_installed):
    """Puts a program called dot on the path, which does what the given lines of shell say."""
    if os.name != "posix":
        pytest.skip("the stand-in for dot is a shell script")

    def install(lines):
        path = nothing_installed / "dot"
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)

    return install


@pytest.fixture
def installed_pygraphviz(monkeypatch):
    """A stand-in for pygraphviz whose drawings are made by the given function."""

    def install(draw):
        module = ModuleType("pygraphviz")
        module.AGraph = lambda string: type(
            "AGraph", (), {"draw": lambda self, format, prog: draw(string, format, prog)}
        )()
        monkeypatch.setitem(sys.modules, "pygraphviz", module)

    return install


# --- rendering --------------------------------------------------------------------------------


def test_pygraphviz_draws_if_it_is_there(installed_pygraphviz):
    installed_pygraphviz(lambda dot, form, prog: f"{dot}|{form}|{prog}".encode())
    assert render.render(DOT, "png") == f"{DOT}|png|dot".encode()


def test_a_failure_of_pygraphviz_is_told(installed_pygraphviz):
    def fail(dot, form, prog):
        raise ValueError("no layout")

    installed_pygraphviz(fail)
    with pytest.raises(BaregradError, match="pygraphviz failed: no layout"):
        render.render(DOT, "svg")


def test_a_dot_on_the_path_draws_otherwise(program):
    program('echo "$1"; /bin/cat')
    assert render.render(DOT, "pdf") == f"-Tpdf\n{DOT}".encode()


def test_a_failure_of_dot_is_told(program):
    program("echo 'syntax error' >&2; exit 3")
    with pytest.raises(BaregradError, match="dot failed: syntax error"):
        render.render(DOT, "svg")


def test_a_dot_that_takes_too_long_is_stopped(program, monkeypatch):
    program("exec /bin/sleep 60")
    monkeypatch.setattr(render, "LIMIT", 0.05)
    with pytest.raises(BaregradError, match=r"not laid out the graph within 0\.05 s; draw less"):
        render.render(DOT, "svg")


def test_without_graphviz_the_extra_is_named(nothing_installed):
    with pytest.raises(MissingExtraError, match=r"pip install 'baregrad\[view\]', or install"):
        render.render(DOT, "svg")


@pytest.mark.parametrize("form", render.FORMATS)
def test_graphviz_draws_every_format(form):
    pytest.importorskip("pygraphviz")
    assert render.render(DOT, form).startswith(BEGINNINGS[form])


# --- saving -----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".dot", ".gv", ".DOT"])
def test_dot_is_saved_without_graphviz(nothing_installed, suffix):
    path = nothing_installed / f"graph{suffix}"
    Drawing("digraph { é }").save(path)
    assert path.read_text(encoding="utf-8") == "digraph { é }"


@pytest.mark.parametrize("form", render.FORMATS)
def test_the_suffix_chooses_the_format(installed_pygraphviz, tmp_path, form):
    installed_pygraphviz(lambda dot, form, prog: form.encode())
    Drawing(DOT).save(str(tmp_path / f"graph.{form}"))
    assert (tmp_path / f"graph.{form}").read_text() == form


@pytest.mark.parametrize("name", ["graph.sgv", "graph", "graph.jpeg"])
def test_another_suffix_is_refused(tmp_path, name):
    suffix = Path(name).suffix
    with pytest.raises(ArgumentError, match=f"unknown suffix '{suffix}'.* Known: .*.svg"):
        Drawing(DOT).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_leaves_the_old_file(nothing_installed):
    path = nothing_installed / "graph.svg"
    path.write_text("old")
    with pytest.raises(MissingExtraError):
        Drawing(DOT).save(path)
    assert [file.name for file in nothing_installed.iterdir()] == ["graph.svg"]
    assert path.read_text() == "old"


def test_each_format_has_its_method(installed_pygraphviz):
    installed_pygraphviz(lambda dot, form, prog: form.encode())
    drawing = Drawing(DOT)
    assert (drawing.svg(), drawing.png(), drawing.pdf()) == ("svg", b"png", b"pdf")


# --- notebooks --------------------------------------------------------------------------------


def test_a_notebook_shows_the_picture_in_a_box_that_scrolls(installed_pygraphviz):
    installed_pygraphviz(lambda dot, form, prog: b"<?xml version='1.0'?><svg/>")
    assert Drawing(DOT)._repr_mimebundle_() == {
        "text/plain": "Drawing(in full)",
        "text/html": '<div style="overflow:auto"><svg/></div>',
        "image/svg+xml": "<?xml version='1.0'?><svg/>",
    }


def test_a_notebook_says_how_to_see_a_picture_where_nothing_can_draw(nothing_installed):
    (said,) = Drawing(DOT)._repr_mimebundle_().values()
    assert said.startswith("Drawing(in full): ")
    assert "pip install 'baregrad[view]'" in said


def test_repr_says_whether_it_was_folded():
    assert repr(Drawing(DOT)) == "Drawing(in full)"
    assert repr(Drawing(DOT, "folded by module")) == "Drawing(folded by module)"


# --- with Graphviz itself ---------------------------------------------------------------------


def network(name="x", hidden=2):
    x = bg.Tensor([[1.0, 2.0, 3.0]], name=name)
    loss = MLP(3, [hidden, 1], norm="layer", seed=0)(x).mean()
    loss.backward()
    return loss


@pytest.mark.parametrize("zoom", ["modules", "tensors", "scalars"])
def test_graphviz_reads_every_zoom_without_complaint(zoom, capfd):
    graphviz = pytest.importorskip("pygraphviz")
    evil = '</TABLE>"<script>alert(1)</script>\\N\n\x00&amp;'
    drawing = draw_graph(network(evil), zoom, title=evil)
    graph = graphviz.AGraph(string=drawing.dot)
    assert graph.number_of_edges() == drawing.dot.count(" -> ")
    svg = drawing.svg()
    assert "<script" not in svg
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\N\\n\\x00&amp;amp;" in svg
    complaints = [line for line in capfd.readouterr().err.splitlines() if "Fontconfig" not in line]
    assert complaints == []


def test_the_layout_stays_while_numbers_change():
    graphviz = pytest.importorskip("pygraphviz")
    model = MLP(3, [4, 1], seed=0)
    x = bg.Tensor([[1.0, 2.0, 3.0]], name="x")

    def places():
        output = model(x).sum()
        output.backward()
        graph = graphviz.AGraph(string=draw_graph(output).dot)
        graph.layout(prog="dot")
        return {str(node): node.attr["pos"] for node in graph.nodes()}

    before = places()
    for parameter in model.parameters():
        parameter.assign(parameter * -1.2345e-5)
    assert places() == before


def test_importing_the_view_does_not_import_graphviz():
    code = "import sys, baregrad.view.graph; sys.exit('pygraphviz' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
