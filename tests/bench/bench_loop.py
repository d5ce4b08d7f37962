"""How long the event loop stands still at worst, and how late a probe is, while everything gets in its way.

A thousand email channels are each probed once a minute against a real Postfix and Dovecot; /metrics is scraped every
five seconds by another process; retention runs all the time; and in the middle another process holds SQLite's write
lock for twenty seconds. A stall is by how much later than asked for a timer of the loop comes; a probe is late by what
passes between the moment it was due and its turn.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import yaml
from bench.bench_email import _configuration, _free_port
from rich.console import Console
from rich.table import Table
from servers import certificates
from servers.ca_site import CaSite
from servers.canary_run import staff

from canary.cli.memory import collect_rarely, share_arenas
from canary.clock import Clock
from canary.config import load
from canary.prober.loop import TICK
from canary.prober.retention import forget_daily
from canary.prober.runtime import Runtime, assembled
from canary.web import create_app, listen, serve_on

CHANNELS = 1000
WARM_UP = 65.0
"""Seconds until every channel was probed once: the first probes are spread over a minute."""
SCRAPE_EVERY, LOCKED, SETTLE = 5.0, 20.0, 15.0
LOOK_EVERY = 0.01
"""Seconds between two timers of the one who watches the loop."""


@dataclass
class Watched:
    """The worst that was seen, in seconds."""

    stall: float = 0.0
    lag: float = 0.0
    stalls: list[float] = field(default_factory=list, repr=False)

    async def watch(self, canary: Runtime) -> None:
        """Look at the loop and at the prober until cancelled."""
        while True:
            asked = time.monotonic()
            await asyncio.sleep(LOOK_EVERY)
            self.stalls.append(time.monotonic() - asked - LOOK_EVERY)
            self.stall = max(self.stall, self.stalls[-1])
            self.lag = max(self.lag, canary.prober.lag)


def main(window: float = 60.0) -> list[dict[str, Any]]:
    """Measure with and without the hindrances, in one run; prints a table, returns its rows."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp")))
        site = stack.enter_context(CaSite(folder / "ca", certificates.authority()))
        staff(site)
        port = _free_port()
        path = folder / "canary.yaml"
        path.write_text(yaml.safe_dump(_configuration(site, folder, CHANNELS, port)), encoding="utf-8")
        rows = asyncio.run(_run(path, port, window))
    _print(rows)
    return rows


async def _run(path: Path, port: int, window: float) -> list[dict[str, Any]]:
    share_arenas()
    config = load(path)
    rows = []
    with assembled(config) as canary:
        collect_rarely()
        listener = listen("127.0.0.1", port)
        async with serve_on(create_app(canary.prober), listener):
            running = asyncio.create_task(canary.run())
            await asyncio.sleep(WARM_UP)
            rows.append({"what": "undisturbed", **await _measured(canary, window)})
            with _scraped(port), _Locker(config.state / "ledger.sqlite") as locker:
                retention = asyncio.create_task(forget_daily(canary.prober, Clock(), first=0.0, every=0.2))
                rows.append({"what": "scrapes, retention", **await _measured(canary, window)})
                await asyncio.to_thread(locker.lock)
                rows.append({"what": "and SQLite locked", **await _measured(canary, LOCKED)})
                locker.unlock.set()
                rows.append({"what": "after it", **await _measured(canary, window)})
                retention.cancel()
            canary.stop()
            await running
        listener.close()
        events = list(canary.ledger.events())
    last = events[-1].at - timedelta(seconds=SETTLE)
    sent = {event.probe for event in events if event.kind.value == "submitted" and event.at < last}
    seen = {event.probe for event in events if event.kind.value == "sighting"}
    troubles = sum(event.kind.value == "trouble" for event in events)
    rows[-1] |= {"probes": len(sent), "lost": len(sent - seen), "errors": troubles}
    return rows


async def _measured(canary: Runtime, seconds: float) -> dict[str, Any]:
    watched = Watched()
    watching = asyncio.create_task(watched.watch(canary))
    await asyncio.sleep(seconds)
    watching.cancel()
    p99 = sorted(watched.stalls)[int(len(watched.stalls) * 0.99)]
    return {"stall_s": watched.stall, "stall_p99_s": p99, "late_s": watched.lag, "late_ticks": watched.lag / TICK}


@contextmanager
def _scraped(port: int) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=_scrape, args=(port,), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _scrape(port: int) -> None:
    while True:
        httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60)
        time.sleep(SCRAPE_EVERY)


class _Locker:
    """Another process, that takes SQLite's write lock when it is told to."""

    def __init__(self, database: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._go, self._held, self.unlock = context.Event(), context.Event(), context.Event()
        arguments = (str(database), self._go, self._held, self.unlock)
        self._process = context.Process(target=_hold, args=arguments, daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def lock(self) -> None:
        """Returns once it is held, until ``unlock`` is set."""
        self._go.set()
        self._held.wait()


def _hold(database: str, go: Any, held: Any, unlock: Any) -> None:
    go.wait()
    connection = sqlite3.connect(database, isolation_level=None, timeout=60)
    connection.execute("BEGIN IMMEDIATE")
    held.set()
    unlock.wait()
    connection.execute("ROLLBACK")


COLUMNS = ("what", "stall_s", "stall_p99_s", "late_s", "late_ticks", "probes", "lost", "errors")


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table(*COLUMNS, title=f"the event loop with {CHANNELS} email channels, one probe a minute each")
    for row in rows:
        cells = (row.get(name) for name in COLUMNS)
        table.add_row(*(f"{c:.3f}" if isinstance(c, float) else "" if c is None else str(c) for c in cells))
    Console(width=140).print(table)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()) + "\n")
