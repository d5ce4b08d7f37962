"""A Prometheus that has seen the four weeks: its blocks, what the rules would have recorded, and how to run it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.prometheus import Prometheus as Server

from tests.dashboards.backfill import DENSE, DENSE_STEP, LOOKBACK, STEP, create_blocks
from tests.dashboards.history import END
from tests.dashboards.known import ALERTS, RULES
from tests.dashboards.queries import Json, view_of
from tests.dashboards.recording import record

QUIET = "global: {scrape_interval: 1h}\n"
"""Scrapes nothing: the past is all there is."""


class PastServer(Server):
    """A Prometheus on blocks whose samples lie minutes apart."""

    def command(self) -> list[str]:
        """The program with its flags."""
        return [*super().command(), f"--query.lookback-delta={LOOKBACK.total_seconds():.0f}s"]


@contextmanager
def serve(data: Path) -> Iterator[str]:
    """Run one on ``data``; gives its URL."""
    with PastServer(data.with_name("server"), QUIET, data) as server:
        yield server.url


def create(folder: Path) -> Path:
    """Make the data directory in ``folder``; takes half a minute."""
    data = create_blocks(folder)
    record(data, [RULES, ALERTS], serve)
    return data


def scrape_of(dashboard: Json) -> int:
    """Seconds between two scrapes in the range that a dashboard opens with."""
    short = view_of(dashboard, END).seconds <= DENSE.total_seconds()
    return int((DENSE_STEP if short else STEP).total_seconds())
