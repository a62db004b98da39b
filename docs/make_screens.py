"""Makes the screenshots of report and playground anew: ``python docs/make_screens.py [FOLDER]``.

Needs the extras view, play and browser, and Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from baregrad.cli.main import main as baregrad

TRAIN = "train --dataset moons --hidden 8,8 --activation relu --quiet --report --out"
WEIGHT = '.drawing:not([hidden]) .node[aria-label*="layers.1.weight"]'


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser that is installed, without its window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def main(folder: Path) -> None:
    """Takes all pictures."""
    with chromium() as browser:
        take_report(browser, folder)
        take_playground(browser, folder)


def take_report(browser: Browser, folder: Path) -> None:
    """Trains, and takes pictures of the report: its beginning by day, the graph by night."""
    with tempfile.TemporaryDirectory() as run:
        baregrad([*TRAIN.split(), f"{run}/moons"])
        address = (Path(run) / "moons" / "report.html").as_uri()
        size = {"width": 1180, "height": 860}
        page = browser.new_page(viewport=size, color_scheme="light")
        page.goto(address)
        page.screenshot(path=folder / "report-results.png")
        page = browser.new_page(viewport=size, color_scheme="dark")
        page.goto(address)
        page.locator(WEIGHT).first.click()
        page.evaluate("document.querySelector('#player').scrollIntoView()")
        page.screenshot(path=folder / "report-graph.png")


def take_playground(browser: Browser, folder: Path) -> None:
    """Solves the spirals in the playground, and takes a picture of it."""
    command = [sys.executable, "-m", "baregrad", "play", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        page = browser.new_page(viewport={"width": 1380, "height": 740}, color_scheme="light")
        page.goto(run.stdout.readline().split()[-1])
        page.select_option("#speed", "3000")
        page.click("#play")
        page.wait_for_timeout(2500)
        page.click("#play")
        page.wait_for_timeout(300)
        page.screenshot(path=folder / "playground.png")
        run.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "screens")
