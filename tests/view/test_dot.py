"""DOT is written so that no text in it means anything."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad.view.dot import Dot, cell, escaped, font, table


@given(st.text(max_size=60))
def test_escaped_text_is_plain_text_in_markup(text):
    label = ElementTree.fromstring(f"<label>{escaped(text)}</label>")
    assert len(label) == 0
    shown = (label.text or "").replace("\\\\", "\\")
    if text.isprintable():
        assert shown == text
    assert shown.isprintable()
    assert "\n" not in escaped(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script>", "&lt;script&gt;"),
        ('"', "&quot;"),
        ("a & b", "a &amp; b"),
        ("\\N", "\\\\N"),
        ("\n\x00", "\\\\n\\\\x00"),
        ("\ud800", "\\\\ud800"),
        ("weight é 重", "weight é 重"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
    ],
)
def test_escaped(text, expected):
    assert escaped(text) == expected


def test_a_table_has_rows_of_cells():
    markup = table([[cell("a", colspan=2)], [cell("b"), cell(font("c", color="red"))]])
    root = ElementTree.fromstring(markup)
    assert [[("".join(td.itertext()), td.attrib) for td in row] for row in root] == [
        [("a", {"colspan": "2"})],
        [("b", {}), ("c", {})],
    ]
    assert root.find(".//FONT").attrib == {"color": "red"}


def test_an_empty_font_is_left_out_since_graphviz_refuses_it():
    assert font("", color="red") == ""


def test_clusters_are_nested_and_numbered_in_order():
    dot = Dot()
    dot.node("a", "A", ("outer", "inner"))
    dot.node("b", "B", ("outer",))
    dot.node("c", "C", ("other",))
    dot.edge("a", "b", "why", color="red")
    lines = dot.text().splitlines()
    kept = [line for line in lines if line.startswith(("subgraph", "}", "a", "b", "c"))]
    assert kept == [
        "subgraph cluster_0 {",
        "b [label=<B>];",
        "subgraph cluster_1 {",
        "a [label=<A>];",
        "}",
        "}",
        "subgraph cluster_2 {",
        "c [label=<C>];",
        "}",
        'a -> b [label=<why> color="red"];',
        "}",
    ]


def fan(arrows):
    """A chain, with an arrow from its first node to each of the others."""
    dot = Dot()
    for i in range(arrows):
        dot.edge("n0", f"n{i + 1}")
        dot.edge(f"n{i}", f"n{i + 1}")
    return dot.text()


def test_many_long_arrows_are_laid_out_quickly():
    assert "splines" not in fan(60)  # 0 + 1 + ... + 59 = 1770 ranks are passed
    assert 'splines="line"' in fan(70)  # 2415


def test_a_long_chain_has_no_long_arrows():
    dot = Dot()
    for i in range(3000):
        dot.edge(f"p{i}", f"n{i + 1}")
        dot.edge(f"n{i}", f"n{i + 1}")
    assert dot._span() == 0
