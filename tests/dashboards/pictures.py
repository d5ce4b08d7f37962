"""Draws the pictures of the documentation again: ``make pictures``.

They show the simulated four weeks, asked of a real Prometheus, drawn by our own renderer and not by Grafana.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from dashboards.__main__ import BOARDS, HERE
from tests.dashboards.history import END
from tests.dashboards.past import create, scrape_of, serve
from tests.dashboards.queries import Prometheus
from tests.dashboards.render.drawing import draw

CHOSEN = {"channel.json": {"channel": "problem-alias"}}
"""What is chosen at the top of a dashboard."""


def main(folder: Path) -> None:
    """Draw every dashboard into ``folder``."""
    with TemporaryDirectory() as temporary, serve(create(Path(temporary))) as url:
        for name in BOARDS:
            scrape = scrape_of(json.loads((HERE / name).read_text(encoding="utf-8")))
            asyncio.run(draw(Prometheus(url), [name], folder, END, scrape, **CHOSEN.get(name, {})))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
