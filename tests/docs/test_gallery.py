"""The gallery: its pictures are there, small, and what its code draws."""

import re
import runpy
from pathlib import Path

import pytest

from tests.docs.test_documents import words

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "gallery.md"
PICTURES = ROOT / "docs" / "gallery"


def test_every_picture_of_the_gallery_is_shown_and_they_are_small():
    shown = set(re.findall(r"\(gallery/([\w.-]+)\)", PAGE.read_text(encoding="utf-8")))
    assert shown == {path.name for path in PICTURES.iterdir()}
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 1_500_000


def test_the_gallery_s_drawings_are_those_of_its_code(tmp_path):
    """In their words and numbers; where Graphviz puts them may depend on its version."""
    pytest.importorskip("pygraphviz")
    text, heading, _ = PAGE.read_text(encoding="utf-8").partition("## A curve\n")
    assert heading
    made = runpy.run_path(str(ROOT / "docs" / "make_outputs.py"))["with_outputs"](text, tmp_path)
    assert made == text
    drawings = sorted(tmp_path.glob("*.svg"))
    assert [path.name for path in drawings] == sorted(path.name for path in PICTURES.glob("*.svg"))
    for path in drawings:
        stored = (PICTURES / path.name).read_text(encoding="utf-8")
        assert words(path.read_text(encoding="utf-8")) == words(stored), "run docs/make_gallery.py"
