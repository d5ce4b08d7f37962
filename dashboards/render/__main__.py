"""Draws dashboards as PNG: ``python -m dashboards.render --prometheus URL --to FOLDER``.

Needs Chromium; uses the one that the canary itself would use for web forms.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from canary.channels.forms.browser import Browser
from canary.channels.forms.settings import BrowserSettings
from dashboards.__main__ import BOARDS, HERE
from dashboards.queries import Prometheus, view_of
from dashboards.render.page import COLUMN, page

COLOURS = 128
"""Enough for flat colours, and it keeps a picture below 200 kB."""


async def draw(
    prometheus: Prometheus, names: Sequence[str], folder: Path, at: datetime, scrape: int, **variables: str
) -> None:
    """Write a PNG of each dashboard of :data:`dashboards.__main__.BOARDS` in ``names`` into ``folder``.

    ``scrape`` are the seconds between two scrapes; variables that are not given are *All*.
    """
    browser = Browser(BrowserSettings())
    try:
        async with browser.context() as context:
            tab = await context.new_page()
            await tab.set_viewport_size({"width": 24 * COLUMN + 16, "height": 800})
            for name in names:
                dashboard = json.loads((HERE / name).read_text(encoding="utf-8"))
                await tab.set_content(page(dashboard, prometheus, view_of(dashboard, at, scrape, **variables)))
                _save(await tab.screenshot(full_page=True), folder / f"{Path(name).stem}.png")
    finally:
        await browser.close()


def _save(shot: bytes, file: Path) -> None:
    small = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(file, optimize=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.render", description="Draw dashboards as PNG.")
    parser.add_argument("names", nargs="*", default=[*BOARDS], help="such as overview.json; all of them if not given")
    parser.add_argument("--prometheus", required=True, help="its URL")
    parser.add_argument("--to", required=True, type=Path, help="the folder of the pictures")
    parser.add_argument("--at", type=datetime.fromisoformat, default=datetime.now(UTC), help="now, if not given")
    parser.add_argument("--scrape", type=int, default=30, help="seconds between two scrapes")
    parser.add_argument("--channel", default=".*", help="the channel to show; all of them if not given")
    given = parser.parse_args()
    prometheus = Prometheus(given.prometheus)
    asyncio.run(draw(prometheus, given.names, given.to, given.at, given.scrape, channel=given.channel))


if __name__ == "__main__":
    main()
