"""The playground in a browser: headless Chromium, driven by Playwright.

To run these tests: ``apt install chromium`` (or set CHROMIUM to the program), and
``pip install playwright axe-playwright-python``.
"""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest

pytest.importorskip("starlette", reason="pip install 'baregrad[play]'")
api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt install chromium")
PATIENCE = 90  # seconds; a machine may be slow

TABLE = "size,<img src=x onerror=alert(1)>,price\n" + "".join(
    f"{i},{i * 7 % 13},{2 * i + i * 7 % 13}\n" for i in range(60)
)


@pytest.fixture(scope="module")
def context():
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        made = browser.new_context(viewport={"width": 1280, "height": 900})
        made.set_default_timeout(1000 * PATIENCE)
        yield made
        browser.close()


@pytest.fixture(scope="module")
def address():
    command = [sys.executable, "-m", "baregrad", "play", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        yield re.search(r"http://\S+/", run.stdout.readline())[0]
        run.terminate()


@pytest.fixture
def trouble():
    """What must not be there after a test: lines on the console, dialogs, requests to elsewhere."""
    return []


@pytest.fixture
def page(context, address, trouble):
    """The playground with its first settings."""
    page = context.new_page()
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: (trouble.append("a dialog"), dialog.dismiss()))
    origin = re.match(r"http://[^/]+", address)[0]
    page.on(
        "request",
        lambda request: request.url.startswith((origin, "data:")) or trouble.append(request.url),
    )
    page.goto(f"{address}#data=spirals&hidden=8,8&activations=tanh,tanh&seed=0&lr=0.02")
    page.wait_for_selector(".neuron")
    page.click("#restart")
    until(page, "document.querySelector('#count').textContent === '0'")
    until(page, "document.querySelector('#data').value === 'spirals'")
    yield page
    page.close()
    assert trouble == []


def text(page, selector):
    return page.inner_text(selector)


def until(page, condition):
    """Waits for a condition. (`wait_for_function` would need eval, which the page forbids.)"""
    end = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(20)


def test_it_solves_the_spirals_and_goes_back(page):
    page.select_option("#speed", "0")
    page.click("#play")
    until(page, "parseInt(document.querySelector('#score').textContent) >= 98")
    page.click("#play")
    until(page, "!document.querySelector('#play').classList.contains('playing')")
    step, loss = text(page, "#count"), text(page, "#loss")
    page.click("#step")
    until(page, f"document.querySelector('#count').textContent !== '{step}'")
    page.click("#back")
    until(page, f"document.querySelector('#count').textContent === '{step}'")
    assert text(page, "#loss") == loss
    page.locator("#moment").fill("0")
    until(page, "document.querySelector('#count').textContent === '0'")
    assert float(text(page, "#loss")) > 0.3


def test_the_output_is_drawn_in_both_colours(page):
    # of a copy: the browser complains where a canvas that is drawn on is read again and again
    until(
        page,
        """(() => { const c = document.querySelector('.neuron canvas');
        const copy = new OffscreenCanvas(c.width, c.height).getContext('2d');
        copy.drawImage(c, 0, 0);
        const d = copy.getImageData(0, 0, c.width, c.height).data; let n = [0, 0];
        for (let i = 0; i < d.length; i += 4) n[d[i] > d[i + 2] ? 0 : 1]++;
        return Math.min(...n) > 100; })()""",
    )


def test_settings_are_in_the_address_and_come_from_it(page, address):
    page.select_option("#data", "moons")
    page.click("#more")
    until(page, "location.hash.includes('data=moons') && location.hash.includes('hidden=8,8,8')")
    page.evaluate("location.hash = '#data=circles&hidden=3&activations=relu&lr=0.1'")
    until(page, "document.querySelector('#data').value === 'circles'")
    assert page.locator(".neuron").count() == 4
    assert page.input_value("#lr") == "0.1"


def test_an_optimizer_has_the_settings_that_mean_something_to_it(page):
    page.select_option("#optimizer", "sgd")
    page.locator("#momentum").wait_for(state="visible")
    page.select_option("#momentum", "0.9")
    until(page, "location.hash.includes('optimizer=sgd') && location.hash.includes('momentum=0.9')")
    page.select_option("#optimizer", "lbfgs")
    page.locator("#momentum").wait_for(state="hidden")
    assert not page.locator("#batch").is_visible()
    until(page, "location.hash.includes('optimizer=lbfgs') && location.hash.includes('lr=1&')")
    before = float(text(page, "#loss"))
    for _ in range(5):
        page.click("#step")
    until(page, "document.querySelector('#count').textContent === '5'")
    assert float(text(page, "#loss")) < before
    page.select_option("#optimizer", "adam")
    until(page, "location.hash.includes('lr=0.02&')")


def test_a_setting_that_cannot_be_is_said_and_taken_back(page):
    page.evaluate("location.hash = '#hidden=8,99&activations=tanh,tanh'")
    until(page, "document.querySelector('#message').textContent.includes('from 1 to 16')")
    assert page.locator(".neuron").count() == 17
    assert page.locator("#message").is_visible()
    until(page, "location.hash.includes('hidden=8,8&')")  # what it is, not what was refused


def test_a_table_is_loaded_and_markup_in_its_names_is_inert(page):
    file = {"name": "houses.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
    page.set_input_files("#csv", file)
    until(page, "document.querySelector('#target').value === 'price'")
    page.click("#epoch")
    until(page, "document.querySelector('#count').textContent !== '0'")
    page.hover(".neuron >> nth=0")
    until(page, "document.querySelector('#formula').textContent.includes('<img')")
    assert page.locator("#columns img, #formula img, #graph img").count() == 0
    page.click("#graph summary")
    page.wait_for_selector("#drawing svg, #drawing:not(:empty)")


def test_a_file_that_is_no_table_is_refused(page, trouble):
    file = {"name": "x.csv", "mimeType": "text/csv", "buffer": b"a\n1\n2\n"}
    with page.expect_console_message() as line:  # the browser's own
        page.set_input_files("#csv", file)
    assert "400" in line.value.text
    until(page, "document.querySelector('#message').textContent.includes('one column')")
    assert trouble == [line.value.text]
    trouble.clear()


def test_graph_and_backward_pass_have_numbers(page):
    pytest.importorskip("pygraphviz", reason="pip install 'baregrad[view]'")
    page.click("#graph summary")
    page.wait_for_selector("#drawing [data-g]:not(:empty)", state="attached")
    before = text(page, "#drawing")
    page.click("#epoch")
    until(page, f"document.querySelector('#drawing').innerText !== {before!r}")
    page.click("#backward summary")
    until(page, "document.querySelector('#where').textContent.startsWith('operation 1 of')")
    page.click("#later")
    assert text(page, "#where").startswith("operation 2 of")
    assert "∂L/∂" in text(page, "#operation")


def test_a_loss_that_is_infinite_at_once_is_said_each_time(page):
    page.evaluate("location.hash = '#data=linear&optimizer=sgd&lr=1000&hidden=8&activations=relu'")
    until(page, "document.querySelector('#lr').value === '1000'")
    for _ in range(2):
        page.click("#play")
        until(page, "document.querySelector('#message').textContent.includes('no longer finite')")
        page.evaluate("document.querySelector('#message').textContent = ''")


def test_long_names_stay_within_their_places(page):
    name = "long" * 80
    table = f"a,{name},y\n" + "".join(f"{i},{i * 7 % 13},{i % 5}\n" for i in range(60))
    page.set_input_files(
        "#csv", {"name": "long.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )
    until(page, "document.querySelector('#target').value === 'y'")
    up, plot = (page.locator(at).bounding_box() for at in ("#up", ".plot"))
    assert up["height"] <= plot["height"]
    page.hover(".neuron >> nth=0")
    until(page, "document.querySelector('#formula').textContent.includes('longlon…glonglong')")


def test_points_are_drawn_with_the_keyboard(page):
    page.select_option("#data", "drawn")
    page.select_option("#lr", "0.01")  # on the way, which leaves the place to draw
    until(page, "location.hash.includes('lr=0.01&')")
    for number in (0, 1):
        page.check(f"[name=brush][value='{number}']")
        page.focus("#pad")
        for _ in range(5):
            page.keyboard.press("ArrowRight" if number else "ArrowLeft")
            page.keyboard.press("Enter")
    until(page, "location.hash.includes('points=-0.1_0_0~-0.2_0_0')")
    page.focus("#columns .neuron >> nth=0")
    page.locator("#columns .neuron >> nth=0").blur()
    page.keyboard.press(".")
    until(page, "document.querySelector('#count').textContent === '1'")


def test_a_second_tab_takes_over_and_gives_back(page, address):
    other = page.context.new_page()
    other.goto(address)
    other.wait_for_selector(".neuron")
    until(page, "document.querySelector('#link').textContent.includes('Another tab')")
    page.click("#link button")
    until(page, "document.querySelector('#link').hidden")
    until(other, "document.querySelector('#link').textContent.includes('Another tab')")
    other.close()


def test_a_lost_connection_is_said_and_made_again(page):
    sockets = []

    def between(socket):
        sockets.append((socket, socket.connect_to_server()))

    page.route_web_socket("**/socket", between)
    page.reload()
    page.wait_for_selector(".neuron")
    page.click("#play")
    until(page, "document.querySelector('#play').classList.contains('playing')")
    for side in sockets[-1]:
        side.close(code=1001)
    until(page, "document.querySelector('#link').textContent.includes('connection is lost')")
    until(page, "document.querySelector('#link').hidden")
    until(page, "!document.querySelector('#play').classList.contains('playing')")
    assert len(sockets) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_there_is_no_serious_barrier(page, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    page.emulate_media(color_scheme=scheme)
    for panel in ("#graph", "#backward", "#take"):
        page.click(f"{panel} summary")
    until(page, "document.querySelector('#where').textContent !== ''")
    found = axe.Axe().run(page).response["violations"]
    serious = [(v["id"], [n["html"] for n in v["nodes"]]) for v in found]
    assert [v for v in serious if v[0]] == []


def test_on_a_phone_nothing_is_wider_than_the_page(page):
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
