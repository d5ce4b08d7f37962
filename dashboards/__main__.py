"""Writes the dashboards: ``python -m dashboards``, by default beside this file.

Give ``--canary`` and ``--runbook``, and a folder of your own, so that the links lead to your pages.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from dashboards import audit, channel, overview, prober
from dashboards.board import CANARY, RUNBOOK

HERE = Path(__file__).parent

BOARDS: dict[str, Callable[[], str]] = {
    "overview.json": overview.build,
    "channel.json": channel.build,
    "audit.json": audit.build,
    "prober.json": prober.build,
}


def write(folder: Path, canary: str = CANARY, runbook: str = RUNBOOK) -> None:
    """Write every dashboard into ``folder``, which exists, with links to these addresses."""
    for name, build in BOARDS.items():
        text = build().replace(f'"{RUNBOOK}"', f'"{runbook}"').replace(f'"{CANARY}"', f'"{canary}"')
        (folder / name).write_text(text, encoding="utf-8")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description="Write the Grafana dashboards.")
    parser.add_argument(
        "folder", nargs="?", type=Path, default=HERE, help="where to; beside the generator if not given"
    )
    parser.add_argument("--canary", default=CANARY, help="address of the canary's own pages, for browsers")
    parser.add_argument("--runbook", default=RUNBOOK, help="where docs/runbook.md is published")
    given = parser.parse_args()
    write(given.folder, given.canary, given.runbook)


if __name__ == "__main__":
    main()
