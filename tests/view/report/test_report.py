"""What is in the page, read by an HTML parser."""

import json
import pickle
import sys

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError, FileWriteError
from baregrad.view.report import page as pages
from baregrad.view.report.page import write_report
from baregrad.view.report.results import Labels

from .conftest import Page, trained

EVIL = "<script>alert(1)</script>"
SECTIONS = {
    "summary", "results", "curves", "time", "graph", "network", "histograms", "backward", "made",
}  # fmt: skip


def fitted(loss, x, y, outputs=1, **options):
    model = bg.MLP(len(x[0]), [3, outputs], seed=0)
    return bg.fit(model, x, y, loss, epochs=2, seed=0, **options), model


def test_names_of_features_classes_and_target_can_be_given(tmp_path):
    path = tmp_path / "r.html"
    history, _ = trained(classes=True)
    history.report(path, "Fruit", ["size", EVIL], ["apple", "pear"], "kind")
    read = Page(path.read_text(encoding="utf-8"))
    assert read.data["features"] == ["size", EVIL]
    assert read.data["results"]["classes"] == ["apple", "pear"]
    assert f"2: size, {EVIL}" in read.texts("td")


def test_a_page_has_its_sections_as_headings_and_links_to_them(page):
    read = page(trained()[0], "My run")
    assert read.texts("title") == read.texts("h1") == ["My run"]
    assert {e[1]["id"] for e in read.all("h2")} == SECTIONS
    assert {e[1]["href"][1:] for e in read.all("a")} == SECTIONS | {"main"}


def test_a_page_needs_nothing_else(page):
    read = page(trained()[0])
    for tag, attributes, _ in read.elements:
        assert tag not in ("img", "iframe", "base")
        assert not attributes.get("src")
        assert attributes.get("href", "#")[0] == "#" or attributes["href"] == "data:,"
    policy = read.find("meta", **{"http-equiv": "Content-Security-Policy"})[1]["content"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_facts_and_origin_are_said(page):
    history, _ = trained(epochs=3)
    cells = page(history).texts("td")
    for text in ("18 to train, 6 to validate", "MLP(2, [3, 1]), 13 parameters", "mse", "seed 0"):
        assert text in cells
    assert "3 epochs, 9 steps" in cells
    assert bg.__version__ in cells


def test_one_of_a_thing_is_not_several(page):
    x = [[1.0]]
    history = bg.fit(bg.Linear(1, 1, bias=False, seed=0), x, x, epochs=1)
    found = page(history)
    cells = found.texts("td")
    for text in ("1 epoch, 1 step", "1 number for each sample"):
        assert text in cells
    assert any(text.endswith(", 1 parameter") for text in cells)
    assert found.data["results"]["of"] == "1 training sample"


def test_the_table_of_epochs_has_every_value(page):
    history, _ = trained(epochs=3)
    headings, cells = page(history).texts("th"), set(page(history).texts("td"))
    assert {"epoch", "loss", "val_loss", "lr"} <= set(headings)
    assert {f"{v:.4g}" for v in history["loss"]} <= cells


def test_of_many_epochs_the_table_has_some(monkeypatch):
    monkeypatch.setattr(pages, "ROWS", 2)
    history, _ = trained(None, epochs=5)
    assert [row[0] for row in pages._epochs(history)] == ["epoch", 1, 4]


def test_regression_shows_predictions_beside_the_truth(page):
    history, model = trained()
    found = page(history).data["results"]
    validation = history.trained.validation
    predicted = bg.predict(model, validation.x)
    assert found["kind"] == "numbers"
    assert found["of"] == "6 validation samples"
    expected = zip(validation.y.tolist(), predicted.tolist(), strict=True)
    assert found["pairs"] == [pytest.approx([t[0], p[0]], rel=1e-3) for t, p in expected]
    assert [name for name, _ in found["scores"]] == ["r2", "rmse", "mae"]


def test_numbers_are_in_the_units_of_the_target(tmp_path):
    history, _ = trained(None)
    write_report(history, tmp_path / "a.html", Labels(target="€", mean=100.0, scale=10.0))
    found = Page((tmp_path / "a.html").read_text("utf-8")).data["results"]
    truth = history.trained.validation.y.tolist()
    assert [t for t, _ in found["pairs"]] == pytest.approx([100 + 10 * t for (t,) in truth], 1e-3)


def test_classification_shows_confusion_and_scores_of_each_class(page, monkeypatch):
    history, _model = trained(classes=True)
    answers = bg.Tensor([[2.0, 1.0], [2.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    validation = history.trained.validation
    validation.y = bg.Tensor([0, 1, 1, 1, 1, 0])
    given = lambda model, x, *_: answers if len(x) == 6 else bg.zeros(len(x), 2)
    monkeypatch.setattr("baregrad.view.report.results.predict", given)
    found = page(history).data["results"]
    assert found["matrix"] == [[1, 1], [1, 3]]
    assert found["scores"] == [["accuracy", 0.6667]]
    assert found["each"] == [["0", 0.5, 0.5, 0.5, 2], ["1", 0.75, 0.75, 0.75, 4]]


def test_a_logit_for_two_classes_is_classification(page):
    x = [[0.0], [1.0], [2.0], [3.0]]
    history, _ = fitted("binary_cross_entropy", x, [[0.0], [0.0], [1.0], [1.0]])
    found = page(history).data["results"]
    assert found["classes"] == ["0", "1"]
    assert len(found["picture"]["values"]) == 120
    assert all(0 <= v <= 1 for v in found["picture"]["values"])


def test_probabilities_as_targets_are_classification_too(page):
    y = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    history, _ = fitted("cross_entropy", [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], y, outputs=3)
    found = page(history).data["results"]
    assert sum(map(sum, found["matrix"])) == 3
    assert set(found["picture"]["chosen"]) <= {0, 1, 2}


def test_a_class_that_is_never_predicted_has_no_precision(page, monkeypatch):
    history, _ = trained(classes=True)
    history.trained.validation.y = bg.zeros(6, dtype="int64")
    monkeypatch.setattr(
        "baregrad.view.report.results.predict", lambda m, x, *_: bg.Tensor([[1.0, 0.0]] * len(x))
    )
    assert page(history).data["results"]["each"][1] == ["1", None, None, None, 0]


@pytest.mark.parametrize(("inputs", "values"), [(1, 120), (2, 48 * 48)])
def test_of_few_inputs_there_is_a_curve_or_a_surface(page, inputs, values):
    picture = page(trained(inputs=inputs)[0]).data["results"]["picture"]
    assert len(picture["values"]) == values
    assert len(picture["axes"]) == inputs


def test_of_three_inputs_there_is_no_picture(page):
    assert page(trained(inputs=3)[0]).data["results"]["picture"] is None


def test_outputs_of_another_shape_than_the_targets_have_no_results(page):
    class Wide(bg.Module):
        def __init__(self):
            self.w = bg.ones(1, 2, requires_grad=True)

        def forward(self, x):
            return bg.as_tensor(x) @ self.w

    loss = lambda p, y: ((p - y) ** 2).mean()
    history = bg.fit(Wide(), [[1.0], [2.0]], [[1.0], [2.0]], loss, epochs=1)
    read = page(history)
    assert read.data["results"]["kind"] == "other"
    assert read.data["structure"]["layers"] == []


def test_a_model_that_takes_no_other_values_has_no_picture(page):
    class Picky(bg.Module):
        def __init__(self):
            self.w = bg.ones(1, 1, requires_grad=True)

        def forward(self, x):
            x = bg.as_tensor(x)
            if x.min().item() < 1:
                raise bg.DataError("no")
            return x @ self.w

    history = bg.fit(Picky(), [[1.0], [2.0]], [[1.0], [2.0]], epochs=1)
    assert page(history).data["results"]["picture"] is None


def test_markup_in_names_is_inert(tmp_path):
    history, model = trained(classes=True)
    model.layers[0].weight.name = EVIL
    labels = Labels(EVIL, [(EVIL, EVIL)], [EVIL] * 2, EVIL, [EVIL, "</script>"])
    write_report(history, tmp_path / "r.html", labels)
    text = (tmp_path / "r.html").read_text("utf-8")
    assert EVIL not in text
    read = Page(text)
    assert len(read.all("script")) == 2
    assert read.texts("h1") == [EVIL]
    assert read.data["results"]["classes"] == [EVIL, "</script>"]


def test_placeholders_in_names_stay_as_they_are(page):
    assert page(trained(None)[0], "{{DATA}}").texts("h1") == ["{{DATA}}"]


def test_the_graph_is_laid_out_at_each_zoom_with_places_for_numbers(page):
    pytest.importorskip("pygraphviz")
    read = page(trained()[0])
    views = read.data["structure"]["views"]
    assert [e[1]["data-zoom"] for e in read.all("div", **{"class": "drawing"})] == list(views)
    nodes = read.all("g", **{"class": "node", "role": "button", "tabindex": "0"})
    assert len(nodes) == sum(map(len, views.values()))
    places = {e[1]["data-v"] for e in read.all("text") if "data-v" in e[1]}
    assert places == {str(node["at"]) for view in views.values() for node in view}
    assert any(e[1]["aria-label"] == "parameter layers.0.weight" for e in nodes)


def test_without_graphviz_the_rest_is_there_and_it_is_said(page, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", "")
    read = page(trained()[0])
    assert read.all("svg") == []
    assert any("pip install 'baregrad[view]'" in text for text in read.texts("p"))
    assert read.data["structure"]["views"]["tensors"]


def test_without_a_recorder_the_graph_is_as_it_is_at_the_end(page):
    history, model = trained(None)
    (record,) = page(history).data["records"]
    assert record["step"] == history.steps
    assert all(p.grad is not None for p in model.parameters())


def test_the_backward_pass_of_a_sample_is_there_step_by_step(page):
    steps = page(trained()[0]).data["steps"]
    assert [s["step"] for s in steps] == list(range(1, steps[0]["steps"] + 1))
    assert {"tanh", "matmul", "add"} <= {s["operation"] for s in steps}
    assert all(s["source"] for s in steps)


def test_the_backward_pass_of_a_large_graph_is_left_out(page, monkeypatch):
    monkeypatch.setattr(pages, "WALKED", 5)
    assert page(trained()[0]).data["steps"] == []


def test_records_that_are_too_large_are_thinned_and_the_last_stays(page, monkeypatch):
    history, _ = trained(epochs=5)
    everything = page(history).data["records"]
    monkeypatch.setattr(pages, "LARGEST", len(json.dumps(everything)) // 2)
    thinned = page(history).data["records"]
    assert 2 <= len(thinned) < len(everything)
    assert thinned[-1] == everything[-1]


def test_a_history_of_nothing_has_no_report(tmp_path):
    from baregrad.training.history import History

    with pytest.raises(ArgumentError, match="nothing to report"):
        History().report(tmp_path / "r.html")


def test_a_history_is_pickled_without_the_model():
    history, _ = trained(None)
    history.trained = history.trained._replace(loss=lambda p, y: p)  # which cannot be
    copy = pickle.loads(pickle.dumps(history))
    assert copy.history == history.history
    assert (copy.trained, copy.recorder) == (None, None)


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(FileWriteError, match="cannot be written"):
        trained(None)[0].report(tmp_path / "no" / "r.html")


def test_no_epochs_still_make_a_report(page):
    history, _ = trained(epochs=0)
    assert page(history).data["history"] == {}


def test_the_end_and_the_time_are_said(page):
    history, _ = trained()
    history.stopped = "enough"
    history.fallback = "a reason"
    cells = page(history).texts("td")
    assert "enough" in cells
    assert any("(a reason)" in cell for cell in cells)
    assert any("of which recording took" in cell for cell in cells)
