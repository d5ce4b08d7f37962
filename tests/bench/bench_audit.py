"""What a report of a quarter costs: 100 channels, a probe every 5 minutes, 2.6 million probes and 16 million events.

The history is made up and written straight into the ledger's tables; that takes longer than the report, and is told
apart. Then `cpr-canary audit report` and `audit sample` run as an operator would run them, each a process of its own:
wall clock, CPU (user and system) and peak memory are the kernel's word for that process. The report is HTML, PDF, all
CSV files and JSON.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml
from bench.history import History, every_channel, write
from rich.console import Console
from rich.table import Table

CONSOLE = Console()


def main(channels: int = 100, days: int = 92) -> list[dict[str, Any]]:
    """Make the history up, measure, print a table; returns its rows."""
    history = History(channels=channels, days=days)
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as name:
        folder = Path(name)
        made = make_up(folder / "state", history)
        config = folder / "canary.yaml"
        config.write_text(yaml.safe_dump(configuration(folder / "state", history)), encoding="utf-8")
        last = history.since + timedelta(days=days - 1)
        period = ("--from", f"{history.since:%Y-%m-%d}", "--to", f"{last:%Y-%m-%d}")
        rows = [
            made,
            measured("report", "audit", "report", config, *period, "--out", folder / "report", "--no-verify", "--json"),
            measured("sample of 60", "audit", "sample", config, *period, "--seed", "1", "--size", "60", "--json"),
        ]
    show(rows, history)
    return rows


def make_up(state: Path, history: History) -> dict[str, Any]:
    """In a process of its own: a child's peak memory is never told smaller than that of its parent."""
    begun = time.monotonic()
    with ProcessPoolExecutor(1, get_context("spawn")) as other, CONSOLE.status("making up a history"):
        number, busy = other.submit(_write, state, history).result()
    return {
        "what": f"generation: {number:,} events, {(state / 'ledger.sqlite').stat().st_size / 2**30:.1f} GiB",
        "seconds": time.monotonic() - begun,
        "cpu_seconds": busy,
        "peak_mib": None,
    }


def _write(state: Path, history: History) -> tuple[int, float]:
    return write(state, history), time.process_time()


def measured(what: str, *arguments: object, status: int = 0) -> dict[str, Any]:
    begun = time.monotonic()
    command = [sys.executable, "-m", "canary", *map(str, arguments)]
    with Path(os.devnull).open("wb") as nothing:
        process = os.posix_spawn(
            sys.executable, command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, nothing.fileno(), 1)]
        )
        _, ended, used = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(ended) != status:
        raise RuntimeError(f"{what} ended with status {os.waitstatus_to_exitcode(ended)}")
    return {
        "what": what,
        "seconds": time.monotonic() - begun,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
    }


def configuration(state: Path, history: History) -> dict[str, Any]:
    login = {"port": 993, "tls": "implicit", "username": "desk", "password": {"env": "UNSET"}}
    folders = [{"name": "CPR", "queue": "cpr", "role": "monitored"}]
    submission = {"host": "smtp.probe.test", "port": 587}
    return {
        "operator": {"name": "Example CA", "domains": ["example-ca.test"], "verify": "extension 4711"},
        "state": str(state),
        "watch": {"desk": {"kind": "imap", "server": {"host": "imap.example-ca.test", **login}, "folders": folders}},
        "senders": {"researcher": {"name": "R", "address": "r@probe.test", "submission": submission}},
        "channels": {
            slug: {"kind": "email", "to": f"{slug}@example-ca.test", "arrives_in": "cpr", "approved_by": "the bench"}
            for slug in every_channel(history)
        },
    }


def show(rows: list[dict[str, Any]], history: History) -> None:
    table = Table(
        "what", "seconds", "CPU seconds", "peak MiB", title=f"{history.channels} channels, {history.days} days"
    )
    for row in rows:
        peak = "" if row["peak_mib"] is None else f"{row['peak_mib']:.0f}"
        table.add_row(row["what"], f"{row['seconds']:.1f}", f"{row['cpu_seconds']:.1f}", peak)
    CONSOLE.print(table)
