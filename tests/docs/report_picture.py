"""Make docs/images/report.png, the README's picture, from a real study's report with a headless Chromium.

`python tests/docs/report_picture.py runs/digits-fit-1a2b3c4d/report.html`
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "report.png"
WIDTH = 1040  # pixels: text stays readable where a README shows it at 800 or more
CONTENTS = 52  # height of the line of contents below the opening, left out


def shoot(report: Path) -> tuple[Image.Image, dict[str, tuple[float, float]]]:
    """The whole page in light colours, and (top, bottom) of each section."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
        page.goto(report.absolute().as_uri())
        places = page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('section[id]')].map(s => "
            "[s.id, [s.getBoundingClientRect().top + scrollY, s.getBoundingClientRect().bottom + scrollY]]))"
        )
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
        browser.close()
    return picture, places


def compose(picture: Image.Image, places: dict[str, tuple[float, float]]) -> Image.Image:
    """The opening, and below it what was decided and why."""
    top = picture.crop((0, 0, WIDTH, int(places["data"][0]) - CONTENTS))
    start, end = places["choices"]
    below = picture.crop((0, int(start) - 8, WIDTH, int(end) + 24))
    whole = Image.new("RGB", (WIDTH, top.height + below.height))
    whole.paste(top, (0, 0))
    whole.paste(below, (0, top.height))
    return whole


if __name__ == "__main__":
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    compose(*shoot(Path(sys.argv[1]))).quantize(128, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
