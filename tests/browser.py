"""A headless browser for tests of pages, and what they ask of every page."""

import os
import shutil

import pytest

PROGRAM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
INSTALL = "needs pip install 'baregrad[browser]' and Chromium: apt-get install chromium"


def launched():
    """Yields a browser, for a fixture; the test is skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason=INSTALL)
    if not os.path.exists(PROGRAM):
        pytest.skip(INSTALL)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        yield browser
        browser.close()


def watched(page):
    """A list that fills with what a page says on its console, its errors, and its requests."""
    said = []
    page.on("console", lambda message: said.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda request: said.append(f"request: {request.url}"))
    return said


def violations(page):
    """What axe-core finds wrong with a page that is serious or worse, with the elements."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=INSTALL)
    found = axe.Axe().run(page).response["violations"]
    return [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]
