"""The evidence of a canary that is running, and what a test asks of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from servers.polling import until as until_then
from servers.tsa import Tsa

from canary.clock import Clock
from canary.evidence.service import Evidence
from canary.evidence.settings import EvidenceSettings
from canary.ledger import Event, EventKind, Ledger

ORIGIN = "ca.example/cpr-canary"


def now() -> datetime:
    return datetime.now(UTC)


def opened(ledger: Ledger, folder: Path, **given: object) -> Evidence:
    return Evidence(EvidenceSettings.model_validate(given), folder, ORIGIN, ledger, Clock())


async def change(evidence: Evidence, settings: EvidenceSettings) -> None:
    following = await asyncio.to_thread(evidence.prepare, settings)
    if following is not None:
        await evidence.switch(following)


async def until(ready: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(until_then, ready, what)


def add(ledger: Ledger) -> None:
    ledger.append(Event(EventKind.PAUSED, now(), {"channels": [], "reason": "x", "by": "y"})).result()


def count(ledger: Ledger, kind: EventKind, **body: object) -> int:
    return sum(all(event.body[k] == v for k, v in body.items()) for event in ledger.events(kind=kind))


def troubles(ledger: Ledger) -> list[str]:
    return [f"{e.body['component']}/{e.body['reason']}" for e in ledger.events(kind=EventKind.TROUBLE)]


def at_work() -> set[str]:
    """The tasks of the evidence, and the threads in which they work."""
    tasks = [task.get_name() for task in asyncio.all_tasks()]
    assert len(tasks) == len(set(tasks))
    return {name for name in tasks if name.startswith("evidence-")}


def threads() -> list[threading.Thread]:
    """The threads in which anything works for the evidence."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("canary-")]


def tsa_settings(name: str, tsa: Tsa) -> dict[str, object]:
    return {"name": name, "url": tsa.url, "ca_file": str(tsa.ca_file), "every": "1s"}
