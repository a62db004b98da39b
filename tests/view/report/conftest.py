"""Trainings to report, and a reader of pages."""

import json
from html.parser import HTMLParser

import pytest

import baregrad as bg
from baregrad.view.report.recorder import Recorder


class Page(HTMLParser):
    """The elements of a page as (tag, attributes, text directly in it)."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        self.data = json.loads(self.find("script", id="data")[2])

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])
        if tag not in ("meta", "link", "input"):
            self.open.append(self.elements[-1])

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if self.open:
            self.open[-1][2] += data

    def all(self, tag, **attributes):
        wanted = attributes.items()
        return [e for e in self.elements if e[0] == tag and wanted <= e[1].items()]

    def find(self, tag, **attributes):
        (found,) = self.all(tag, **attributes)
        return found

    def texts(self, tag):
        return [text for _, _, text in self.all(tag)]


def trained(recorder=True, classes=False, inputs=2, epochs=4, **options):
    """A small training, its history and model."""
    x = bg.Generator(0).randn(24, inputs)
    y = (x[:, 0] > 0).astype("int64") if classes else x.sum(1, keepdims=True)
    model = bg.MLP(inputs, [3, 2 if classes else 1], seed=0, activation=options.pop("act", "tanh"))
    loss = "cross_entropy" if classes else "mse"
    callbacks = [Recorder()] if recorder is True else [recorder] if recorder else []
    callbacks = options.pop("callbacks", callbacks)
    history = bg.fit(
        model, x.detach(), y.detach(), loss, epochs=epochs, batch_size=8, seed=0,
        validation_split=0.25, callbacks=callbacks, **options,
    )  # fmt: skip
    return history, model


@pytest.fixture
def page(tmp_path):
    def written(history, title="Report"):
        history.report(tmp_path / "report.html", title)
        return Page((tmp_path / "report.html").read_text(encoding="utf-8"))

    return written
