"""Writes the dashboards: ``python -m dashboards [FOLDER]``, by default beside this file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from dashboards import audit, channel, overview, prober

HERE = Path(__file__).parent

BOARDS: dict[str, Callable[[], str]] = {
    "overview.json": overview.build,
    "channel.json": channel.build,
    "audit.json": audit.build,
    "prober.json": prober.build,
}


def write(folder: Path) -> None:
    """Write every dashboard into ``folder``, which exists."""
    for name, build in BOARDS.items():
        (folder / name).write_text(build(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
