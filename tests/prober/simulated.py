"""A canary on simulated time, beside a CA in memory: what happens to it is told as a coroutine."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import yaml

from canary.config import Config, load
from canary.ledger import Event, EventKind, Ledger
from canary.mark import Keyring
from canary.prober.loop import Prober
from canary.reports import VARIANTS
from canary.simulated import SimulatedClock, simulate

_WITHOUT_FILES = [v.id for v in VARIANTS.values() if not (v.attachments or v.slow or v.needs_email or v.identifier)]
_PATIENCE = 6 * 3600

T = TypeVar("T")
Story = Callable[["Simulated"], Awaitable[None]]


class Simulated:
    """One canary; :meth:`live` runs it while a story happens. Afterwards ``events`` tells what it recorded."""

    def __init__(self, folder: Path) -> None:
        self.kinds: Any = import_module("memory_ca")
        self.folder, self.start = folder, datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.clock = SimulatedClock(self.start)
        self.ca = self.kinds.CAS["one"] = self.kinds.MemoryCa(now=self.at)
        self.key = b"k" * 32
        """The key of the marks that the next life makes."""
        self.rng = random.Random(7)
        self.ledger: Ledger
        self.prober: Prober

    def at(self) -> datetime:
        """The true time, whatever our clock shows."""
        return self.start + timedelta(seconds=self.clock.monotonic())

    def config(self, channels: int = 1, *, dated: bool = False, **more: Any) -> Config:
        """A configuration, with ``more`` for every channel; ``dated``: the CA's times of arrival are believed."""
        submission = {"host": "localhost", "port": 25, "tls": "none"}
        channel = {
            "kind": "memory", "ca": "one", "arrives_in": "cpr", "approved_by": "the CEO", "variants": _WITHOUT_FILES,
            "interval": "1h", "deadline": "15m", "give_up": "1d",
        }  # fmt: skip
        tree = {
            "operator": {"name": "Test CA", "domains": ["ca.test"], "verify": "ask on extension 4711"},
            "state": str(self.folder / "state"),
            "confirm_after": "1h",
            "watch": {"desk": {"kind": "memory", "ca": "one", "queues": {"cpr": "monitored"}, "dated": dated}},
            "senders": {
                name: {"name": name.title(), "address": f"{name}@probe.test", "submission": submission}
                for name in ("ann", "ben")
            },
            "channels": {f"channel-{n}": channel | {"entrance": f"channel-{n}"} | more for n in range(channels)},
        }
        file = self.folder / "canary.yaml"
        file.write_text(yaml.safe_dump(tree), encoding="utf-8")
        return load(file)

    def live(self, story: Story, config: Config | None = None, *, scheduled: bool = True, killed: bool = False) -> None:
        """Run the canary until the story has ended, and stop it then, or leave it where it stands (``killed``)."""
        self.clock.step()  # a process goes by the clock as it finds it
        simulate(self._live(story, config or self.config(), scheduled, killed), self.clock)

    async def _live(self, story: Story, config: Config, scheduled: bool, killed: bool) -> None:
        self.ledger = Ledger(config.state, self.clock, inline=True)
        self.prober = Prober(config, self.ledger, Keyring([self.key]), clock=self.clock, rng=self.rng)
        running = asyncio.create_task(self.prober.run(scheduled=scheduled))
        try:
            await story(self)
        finally:
            if killed:
                running.cancel()
                await asyncio.wait([running])
            else:
                self.prober.stop()
                await running
            self.ledger.close()

    async def until(self, condition: Callable[[], T], every: float = 1.0) -> T:
        """Let time pass until something is so, and return it; for six hours at most."""
        limit = self.clock.monotonic() + _PATIENCE
        while not (found := condition()):
            assert self.clock.monotonic() < limit, "it did not become so within six hours"
            await self.clock.sleep(every)
        return found

    def events(self, *kinds: EventKind, probe: str | None = None) -> list[Event]:
        """What was recorded."""
        return list(self.ledger.events(kind=kinds or None, probe=probe))
