"""Draws dashboards as PNG: ``python -m dashboards.render --prometheus URL --to FOLDER [--at TIME] [--channel NAME]``.

Needs Chromium; uses the one that the canary itself would use for web forms.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from canary.channels.browser import Browser, BrowserSettings
from dashboards.__main__ import BOARDS, HERE
from dashboards.queries import Prometheus, view_of
from dashboards.render.page import COLUMN, page

COLOURS = 128
"""Enough for flat colours, and it keeps a picture below 200 kB."""


async def draw(prometheus: Prometheus, folder: Path, at: datetime, channel: str | None = None) -> None:
    """Write a PNG for each dashboard into ``folder``; the channel dashboard shows ``channel``, if given."""
    browser = Browser(BrowserSettings())
    try:
        async with browser.context() as context:
            tab = await context.new_page()
            await tab.set_viewport_size({"width": 24 * COLUMN + 16, "height": 800})
            for name in BOARDS:
                dashboard = json.loads((HERE / name).read_text(encoding="utf-8"))
                chosen = {"channel": channel} if channel and name == "channel.json" else {}
                await tab.set_content(page(dashboard, prometheus, view_of(dashboard, at, **chosen)))
                _save(await tab.screenshot(full_page=True), folder / f"{Path(name).stem}.png")
    finally:
        await browser.close()


def _save(shot: bytes, file: Path) -> None:
    small = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(file, optimize=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Draw the dashboards as PNG.")
    parser.add_argument("--prometheus", required=True, help="its URL")
    parser.add_argument("--to", required=True, type=Path, help="the folder of the pictures")
    parser.add_argument("--at", type=datetime.fromisoformat, default=datetime.now(UTC), help="now, if not given")
    parser.add_argument("--channel", help="the channel of the channel dashboard")
    options = parser.parse_args()
    asyncio.run(draw(Prometheus(options.prometheus), options.to, options.at, options.channel))


if __name__ == "__main__":
    main()
