"""A picture of the page: uploads a clip to a running page and waits for its answers.

python -m demos.screenshot ADDRESS CLIP PNG

Playwright drives Debian's Chromium (`apt-get install chromium`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
PATIENCE = 180_000
"""Milliseconds that a clip may take."""


@contextmanager
def browser_at(address: str, width: int = 1280, height: int = 900) -> Iterator[Page]:
    """A browser that shows the page, once it is there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = browser.new_page(
            viewport={"width": width, "height": height}, reduced_motion="reduce"
        )
        page.goto(address)
        page.locator("#vb-words .vb-bar").first.wait_for()
        yield page
        browser.close()


def bring(page: Page, clip: Path) -> None:
    """Upload a clip and wait until the page has answered about it."""
    page.locator("#vb-upload input[type=file]").set_input_files(clip)
    page.locator("#vb-timeline .vb-moment").first.wait_for(timeout=PATIENCE)
    page.locator("#vb-words .vb-pair").first.wait_for(timeout=PATIENCE)


def screenshot(address: str, clip: Path, png: Path, width: int = 1280, height: int = 900) -> None:
    """Draw the page with a clip and its answers."""
    with browser_at(address, width, height) as page:
        bring(page, clip)
        page.wait_for_timeout(500)  # what was pointed at fades
        png.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=png)


def main() -> None:
    """Parse the options and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="of the page, such as http://127.0.0.1:7860")
    parser.add_argument("clip", type=Path, help="a video")
    parser.add_argument("png", type=Path, help="the picture to draw")
    parser.add_argument("--width", type=int, default=1280, help="pixels (default: %(default)s)")
    parser.add_argument("--height", type=int, default=900, help="pixels (default: %(default)s)")
    screenshot(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
