"""Makes the screenshots of `report.md` anew: ``python docs/make_screens.py [FOLDER]``.

Needs the extras view and browser, and Chromium.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from baregrad.cli.main import main as baregrad

TRAIN = "train --dataset moons --hidden 8,8 --activation relu --quiet --report --out"
WEIGHT = '.drawing:not([hidden]) .node[aria-label*="layers.1.weight"]'


def main(folder: Path) -> None:
    """Trains, and takes pictures of the report: results by day, the graph by night."""
    with tempfile.TemporaryDirectory() as run, sync_playwright() as playwright:
        baregrad([*TRAIN.split(), f"{run}/moons"])
        address = (Path(run) / "moons" / "report.html").as_uri()
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        size = {"width": 1180, "height": 860}
        page = browser.new_page(viewport=size, color_scheme="light")
        page.goto(address + "#results")
        page.screenshot(path=folder / "report-results.png")
        page = browser.new_page(viewport=size, color_scheme="dark")
        page.goto(address)
        page.locator(WEIGHT).first.click()
        page.evaluate("document.querySelector('#player').scrollIntoView()")
        page.screenshot(path=folder / "report-graph.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "screens")
