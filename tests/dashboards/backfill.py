"""The history of :mod:`tests.dashboards.history` as blocks of a Prometheus, scraped as it would have scraped it."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TextIO

from prometheus_client import CollectorRegistry

from canary.metrics import PREFIX, Exporter
from tests.dashboards.history import END, START, History, example_history

TARGET = 'instance="canary.example:9750",job="cpr-canary"'
STEP = timedelta(minutes=20)
DENSE, DENSE_STEP = timedelta(hours=7), timedelta(minutes=1)
"""How long before the end it is scraped more often: the prober's dashboard looks at hours."""
LOOKBACK = STEP + timedelta(minutes=1)
"""What the server's ``--query.lookback-delta`` must be, since the scrapes are so far apart."""

Sample = tuple[str, float]
"""A series as text, ``name{labels}``, and its value."""


def write_history(text: TextIO, state: Path) -> None:
    """Write every scrape as OpenMetrics with timestamps; ``state`` is an empty folder for the prober's own."""
    with example_history(state) as history:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Exporter(history.prober))
        for moment in moments():
            history.go_to(moment)
            at = f"{moment.timestamp():.3f}"
            text.writelines(f"{series} {value} {at}\n" for series, value in _scrape(history, registry))
    text.write("# EOF\n")


def moments() -> Iterator[datetime]:
    """When it is scraped."""
    moment = START
    while moment <= END:
        yield moment
        moment += DENSE_STEP if END - moment <= DENSE else STEP


def create_blocks(folder: Path) -> Path:
    """Make a data directory for Prometheus below ``folder``."""
    text, state, data = folder / "history.txt", folder / "prober", folder / "data"
    state.mkdir(0o700)
    data.mkdir()
    with text.open("w", encoding="utf-8") as file:
        write_history(file, state)
    load_blocks(text, data)
    text.unlink()
    return data


def load_blocks(text: Path, data: Path) -> None:
    """Turn OpenMetrics text into blocks: few large ones, for 337 small ones would take a minute."""
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1440h"]
    subprocess.run([*command, str(text), str(data)], check=True, capture_output=True, timeout=300)


def _scrape(history: History, registry: CollectorRegistry) -> Iterator[Sample]:
    if history.is_down():
        yield _series("up"), 0
        return
    exported = {
        _series(sample.name, *sample.labels.items()): float(sample.value)
        for metric in registry.collect()
        for sample in metric.samples
    }
    seconds = (history.now - START).total_seconds()
    made_up = _of_the_process(seconds) | _of_the_evidence(history.now, seconds)
    yield from ({_series(name): value for name, value in made_up.items()} | exported).items()


@cache
def _series(name: str, *labels: tuple[str, str]) -> str:
    """Cached, for two million samples are of two thousand series."""
    return f"{name}{{{''.join(f'{label}={json.dumps(value)},' for label, value in labels)}{TARGET}}}"


def _of_the_process(seconds: float) -> dict[str, float]:
    """What Prometheus adds to a scrape, and the client library's part: not in the ledger, so it is made up."""
    wave = math.sin(seconds / 5000)
    return {
        "up": 1,
        "scrape_duration_seconds": 0.02 + 0.005 * wave,
        "process_cpu_seconds_total": 0.05 * seconds + 60 * wave,
        "process_resident_memory_bytes": 1.4e8 + 8e6 * wave,
        "process_open_fds": 40 + round(6 * wave),
        "process_max_fds": 65536,
    }


def _of_the_evidence(now: datetime, seconds: float) -> dict[str, float]:
    """The evidence log is not part of a prober that only simulates: hourly checkpoints, verified and stamped daily."""
    hour, day, at = (seconds + 1234) % 3600, (seconds + 20_000) % 86400, now.timestamp()
    samples = {
        "evidence_size_bytes": 4e5 * seconds / 3600,
        "evidence_last_checkpoint_timestamp_seconds": at - hour,
        "evidence_last_verify_success": 1.0,
        "evidence_last_verify_timestamp_seconds": at - day,
        "evidence_last_timestamp_timestamp_seconds": at - day,
        "evidence_pending_timestamps": float(hour < 600),
    }
    return {PREFIX + name: value for name, value in samples.items()}
