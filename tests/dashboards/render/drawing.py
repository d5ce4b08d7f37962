"""Draws pictures of the dashboards, by a small renderer of our own and not by Grafana.

It reads the same JSON and asks a real Prometheus what Grafana would ask, so a picture shows what the queries return, in
the panels, units, thresholds and colours that the JSON says. Fonts and details differ from Grafana's. Needs Chromium;
uses the one that the canary itself would use for web forms.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PIL import Image

from canary.channels.forms.browser import Browser
from canary.channels.forms.settings import BrowserSettings
from canary.clock import Clock
from dashboards.__main__ import HERE
from tests.dashboards.queries import Prometheus, view_of
from tests.dashboards.render.page import COLUMN, page

COLOURS = 128
"""Enough for flat colours, and it keeps a picture below 200 kB."""


async def draw(
    prometheus: Prometheus, names: Sequence[str], folder: Path, at: datetime, scrape: int, **variables: str
) -> None:
    """Write a PNG of each dashboard of :data:`dashboards.__main__.BOARDS` in ``names`` into ``folder``.

    ``scrape`` are the seconds between two scrapes; variables that are not given are *All*.
    """
    browser = Browser(BrowserSettings(), Clock())
    try:
        async with browser.visit() as visited:
            tab = await visited.context.new_page()
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
