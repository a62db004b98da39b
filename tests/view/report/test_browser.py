"""The page in a browser: it moves, plays, answers to the keyboard, and asks nobody for anything."""

import re

import pytest

import baregrad as bg
from baregrad.view.report.page import write_report
from baregrad.view.report.results import Labels
from tests.browser import launched, violations, watched

from .conftest import trained

EVIL = "<script>console.log('run')</script>"


@pytest.fixture(scope="module")
def browser():
    yield from launched()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Reports of a classification and of a regression, with markup in the names."""
    pytest.importorskip("pygraphviz")
    folder = tmp_path_factory.mktemp("reports")
    for name, classes in (("classes", True), ("numbers", False)):
        history, _ = trained(classes=classes, act="relu", inputs=2 if classes else 1)
        labels = Labels(EVIL, [(EVIL, EVIL)], [EVIL] * 2, EVIL, [EVIL, "no"] if classes else [])
        write_report(history, folder / f"{name}.html", labels)
    return folder


@pytest.fixture
def opened(browser, files):
    """Opens a report; at the end the console must be clean, and nothing else been asked for."""
    pages = []

    def open_report(name="classes", **options):
        page = browser.new_page(**options)
        said = watched(page)
        address = (files / f"{name}.html").as_uri()
        page.goto(address)
        pages.append((page, said, f"request: {address}"))
        return page

    yield open_report
    for page, said, own in pages:
        page.close()
        assert [
            line for line in said if line != own and not line.startswith("request: data:")
        ] == []


def moment(page):
    return int(re.match(r"step (\d+)", page.inner_text("#moment"))[1])


def shown(page):
    """What the visible graph says."""
    return page.locator(".drawing:not([hidden]) [data-v]").all_text_contents()


def test_the_slider_moves_the_graph_through_time(opened):
    page = opened()
    end = shown(page)
    page.locator("#slider").fill("0")
    assert moment(page) == 0
    assert shown(page) != end
    assert page.get_attribute("#slider", "aria-valuetext") == page.inner_text("#moment")


def test_arrow_keys_move_it_too(opened):
    page = opened()
    last = moment(page)
    page.keyboard.press("ArrowLeft")
    assert moment(page) < last
    page.keyboard.press("ArrowRight")
    assert moment(page) == last
    page.keyboard.press("ArrowRight")
    assert moment(page) == last


def test_play_goes_from_the_first_step_to_the_last_and_stops(opened):
    page = opened()
    last = moment(page)
    begun = page.evaluate(  # in one go, as it plays on meanwhile
        """() => {
            const at = (id) => document.getElementById(id);
            at("play").click();
            return [at("moment").innerText, at("play").ariaPressed];
        }"""
    )
    assert (begun[0].partition(",")[0], begun[1]) == ("step 0", "true")
    page.wait_for_selector("#play[aria-pressed=false]", timeout=90_000)
    assert moment(page) == last


def test_a_node_shows_its_numbers_formula_rule_and_source(opened):
    page = opened()
    page.locator('.drawing:not([hidden]) .node[aria-label*="result @"]').first.click()
    panel = page.inner_text("#panel")
    for words in ("mean", "norm", "Formula", "Gradient rule", "∂L/∂", "layers.py"):
        assert words in panel


def test_enter_chooses_a_node_too(opened):
    page = opened()
    page.locator('.drawing:not([hidden]) .node[aria-label*="layers.0.weight"]').focus()
    page.keyboard.press("Enter")
    assert "layers.0.weight" in page.inner_text("#panel h3 >> nth=0")
    assert "A leaf" in page.inner_text("#panel")


def test_zooms_show_modules_tensors_and_a_neuron(opened):
    page = opened()
    tensors = len(shown(page))
    page.check("input[value=modules]")
    assert 0 < len(shown(page)) < tensors
    page.check("input[value=neuron]")
    page.select_option("#neuron select >> nth=1", "2")
    label = page.get_attribute("#neuron svg", "aria-label")
    assert label.startswith("Neuron 2 of layers.0: z is ")


def test_inputs_and_outputs_are_drawn_with_their_names(opened):
    page = opened()
    network = page.locator("#network-body svg text").all_text_contents()
    cut = EVIL[:16] + "…"
    assert network.count(cut) == 3  # both features and a class
    assert "no" in network
    weight = page.locator("#network-body svg path title").first.text_content()
    assert weight.startswith(f"layers.0: weight from {EVIL} to layers.0[0] is ")
    page.check("input[value=neuron]")
    page.select_option("#neuron select >> nth=0", "1")
    page.select_option("#neuron select >> nth=1", "1")
    drawn = page.locator("#neuron svg text").all_text_contents()
    assert "no" in drawn
    assert any(text.startswith("layers.0[2] = ") for text in drawn)
    page.select_option("#neuron select >> nth=0", "0")
    drawn = page.locator("#neuron svg text").all_text_contents()
    assert sum(text.startswith(f"{EVIL[:19]}… = ") for text in drawn) == 2


def test_the_first_screen_says_what_came_out(opened):
    page = opened("numbers", viewport={"width": 1280, "height": 900})
    words = page.inner_text("#verdict")
    assert "6 validation samples" in words
    assert "The training loss" in words
    for element in ("#verdict", "#tiles", "#story svg"):
        box = page.locator(element).bounding_box()
        assert box["y"] + box["height"] < 900
    assert "R²" in page.inner_text("#tiles")


def test_every_node_is_in_a_table_that_chooses_it(opened):
    page = opened()
    page.click("text=Nodes as a table")
    page.click("#nodes button >> nth=0")
    assert page.locator(".node.on").count() == 1


def test_the_backward_pass_goes_on_and_back(opened):
    page = opened()
    first = page.inner_text("#backward-body h3 >> nth=0")
    assert page.is_disabled("#back")
    page.click("#next")
    assert "Step 2 of" in page.inner_text("#backward-body")
    page.click("#back")
    assert page.inner_text("#backward-body h3 >> nth=0") == first


def test_names_with_markup_are_text(opened):
    for name in ("classes", "numbers"):
        page = opened(name)
        assert page.inner_text("h1") == EVIL
        assert EVIL in page.inner_text("#results-body")


def test_histograms_follow_the_choice(opened):
    page = opened()
    page.select_option("#histograms-body select >> nth=1", "1")
    assert "gradients of layers.0.weight" in page.inner_text("#histograms-body")
    assert page.locator("#histograms-body svg rect").count() > 10


@pytest.mark.parametrize(("name", "scheme"), [("classes", "light"), ("numbers", "dark")])
def test_axe_finds_nothing_serious(opened, name, scheme):
    page = opened(name, color_scheme=scheme)
    page.locator(".drawing:not([hidden]) .node").first.click()
    for fold in page.locator("summary").all():
        fold.click()
    assert violations(page) == []


def test_on_a_phone_nothing_is_wider_than_the_screen(opened):
    page = opened(viewport={"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_long_names_and_many_classes_stay_readable_on_a_phone(browser, tmp_path):
    history, _ = trained(classes=True)
    names = [f"a class whose name goes on and on, number {i}" for i in range(40)]
    labels = Labels("t" * 90, [("fact" * 20, "x" * 90)], ["column" * 30] * 2, "y" * 90, names)
    write_report(history, tmp_path / "r.html", labels)
    page = browser.new_page(viewport={"width": 360, "height": 700})
    page.goto((tmp_path / "r.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.locator(".matrix tbody th >> nth=0").bounding_box()["height"] < 40
    assert page.get_attribute(".matrix tbody th >> nth=1", "title") == names[1]
    assert "Without 10 more classes." in page.inner_text("#results-body")
    page.close()


def test_a_deep_network_is_scrolled_and_not_squeezed(browser, tmp_path):
    model = bg.MLP(2, [3] * 20, seed=0)
    bg.fit(model, [[1.0, 2.0]], [[1.0] * 3], epochs=1).report(tmp_path / "r.html")
    page = browser.new_page(viewport={"width": 360, "height": 700})
    page.goto((tmp_path / "r.html").as_uri())
    box = page.locator("#network-body svg").bounding_box()
    assert box["width"] / 20 > 100  # of each layer
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.close()


def test_axes_say_what_they_show_and_have_several_marks(opened):
    page = opened("numbers")
    chart = page.locator("figure", has_text="Residuals")
    words = chart.locator("text").all_text_contents()
    assert {f"predicted {EVIL}", "true − predicted"} <= set(words)
    for chart in page.locator("figure svg").all():
        assert chart.locator("path.axis").count() >= 5


def test_while_it_plays_screen_readers_are_not_told_of_each_moment(opened):
    page = opened()
    page.click("#play")
    assert page.get_attribute("#panel", "aria-live") == "off"
    page.click("#play")
    assert page.get_attribute("#panel", "aria-live") == "polite"


def test_rows_of_a_shortened_tensor_have_no_numbers_that_are_not_theirs(opened):
    page = opened()
    while "matmul" not in page.inner_text("#backward-body h3 >> nth=0"):
        page.click("#next")
    cards = page.locator("#backward-body .cards >> nth=0").inner_text()
    assert "1 × 2" in cards
    assert page.locator("#backward-body th").count() == 0


def test_the_keyboard_reaches_the_last_step_of_the_backward_pass_and_comes_back(opened):
    page = opened()
    page.focus("#next")
    last = int(re.search(r"of (\d+)", page.inner_text("#backward-body h3 >> nth=0"))[1])
    for _ in range(last - 1):
        page.keyboard.press("Enter")
    assert f"Step {last} of {last}" in page.inner_text("#backward-body")
    page.keyboard.press("Enter")  # the focus is on the way back now
    assert f"Step {last - 1} of {last}" in page.inner_text("#backward-body")


def test_in_print_controls_are_left_out(opened):
    page = opened()
    page.emulate_media(media="print")
    assert not page.is_visible("#play")
    assert page.is_visible("#network-body svg")


def test_a_report_of_no_training_works(browser, tmp_path):
    bg.fit(bg.MLP(3, [1], seed=0), [[1.0] * 3], [[1.0]], epochs=0).report(tmp_path / "r.html")
    page = browser.new_page()
    said = watched(page)
    page.goto((tmp_path / "r.html").as_uri())
    assert "No epoch was finished." in page.inner_text("#curves-body")
    assert "There was no recorder" in page.inner_text("main")
    assert not page.is_visible("#player")
    assert not any(line.startswith(("console", "error")) for line in said)
    page.close()
