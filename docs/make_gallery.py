"""Makes the gallery anew: ``python docs/make_gallery.py``.

The blocks of gallery.md are run, and their outputs pasted below them. The drawings that they save
go to the folder gallery, and screenshots of the reports that they write. Needs the extras view, cli
and browser, and Chromium.
"""

import io
import shutil
import tempfile
from pathlib import Path

from make_outputs import lay_out, with_outputs
from make_screens import chromium
from playwright.sync_api import Browser, Page
from rich.console import Console

import baregrad as bg
from baregrad.cli.progress import Bar

DOCS = Path(__file__).resolve().parent
SECTION = "section[aria-labelledby={}]"
SURFACE = "#results-body figure svg"
SHOTS = {  # of which report, and of which part of it
    **{name: (name, SURFACE) for name in ("sine", "moons", "circles", "xor", "blobs")},
    **{
        f"spirals-{part}": ("spirals", SECTION.format(part))
        for part in ("results", "curves", "network", "histograms", "backward")
    },
}
STEPS = 14  # of the backward pass, to one that is worth seeing
SIZES = {SURFACE: {"width": 460, "height": 800}}  # of the window
WIDE = {"width": 900, "height": 1100}


def main() -> None:
    """Writes the page and its pictures."""
    page, pictures = DOCS / "gallery.md", DOCS / "gallery"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        lay_out(folder, None)
        text = with_outputs(page.read_text(encoding="utf-8"), folder)
        shutil.rmtree(pictures, ignore_errors=True)
        pictures.mkdir()
        for drawing in folder.glob("*.svg"):
            shutil.copy(drawing, pictures)
        with chromium() as browser:
            take_reports(browser, folder, pictures)
            take_terminal(browser, pictures)
    page.write_text(text, encoding="utf-8")


def take_reports(browser: Browser, folder: Path, pictures: Path) -> None:
    """Takes pictures of parts of reports."""
    for name, (report, part) in SHOTS.items():
        page = opened(browser, (folder / f"{report}.html").as_uri(), SIZES.get(part, WIDE))
        if name.endswith("backward"):
            for _ in range(STEPS):
                page.get_by_role("button", name="Next").click()
        page.locator(part).first.screenshot(path=pictures / f"{name}.png")
        page.close()


def opened(browser: Browser, address: str, size: dict[str, int]) -> Page:
    """A page in a window of a size, by day."""
    page = browser.new_page(viewport=size, color_scheme="light")
    page.goto(address)
    return page


def take_terminal(browser: Browser, pictures: Path) -> None:
    """Takes a picture of what a terminal shows at the end of a training."""
    data = bg.dataset_named("moons", samples=300, seed=0)
    model = bg.MLP(2, [16, 2], seed=0)
    with Bar(Console(file=io.StringIO(), force_terminal=True, width=90)) as bar:
        bg.fit(
            model,
            data.x,
            data.y,
            "cross_entropy",
            epochs=100,
            validation_split=0.2,
            callbacks=[bar],
            seed=0,
        )
    shown = Console(file=io.StringIO(), record=True, width=90, color_system="truecolor")
    shown.print(bar.live.renderable)
    page = browser.new_page(viewport=WIDE)
    page.set_content(shown.export_html(inline_styles=True))
    page.add_style_tag(content="pre { padding: 1em }")
    page.locator("pre").screenshot(path=pictures / "terminal.png")


if __name__ == "__main__":
    main()
