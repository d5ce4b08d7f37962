"""A canary for the mail system of the tests: its configuration, and a prober that runs it inside the test."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from servers.ca_site import PASSWORD, CaSite
from servers.polling import until

from canary.clock import Clock
from canary.config import load
from canary.judge import judge
from canary.ledger import Event, EventKind, OpenProbe
from canary.model import Outcome, Verdict
from canary.prober.loop import Prober
from canary.prober.runtime import assembled

FOLDERS = ("CPR", "General", "Junk", "Quarantine")
INTO_CPR = 'require "fileinto"; fileinto "CPR";'
"""The desk's healthy filter."""


def staff(site: CaSite) -> None:
    """The people: a desk behind the alias problem-report, two individuals, two personas that write reports."""
    site.add_user("desk", folders=FOLDERS)
    site.add_user("alice", folders=("CPR",))
    site.add_user("bob", folders=("CPR",))
    site.add_user("researcher")
    site.add_user("freemail")
    site.add_alias("problem-report", ["desk"])
    site.sieve(INTO_CPR, "desk")


def configuration(site: CaSite, folder: Path, **channels: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration for :func:`staff`; one channel ``alias`` unless ``channels`` says otherwise (underscores for
    hyphens). Each is an email channel into the desk's CPR folder, changed by what is given."""
    secret = folder / "password"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    login = {"ca_file": str(site.ca_file), "password": {"file": str(secret)}}
    imap = {"host": "localhost", "port": site.imaps[1], "tls": "implicit", **login}
    submission = {"host": "localhost", "port": site.submission[1], **login}
    return {
        "operator": {
            "name": "Test CA",
            "domains": ["ca.test", "localhost"],
            "verify": "ask the canary's operators on extension 4711",
        },
        "state": str(folder / "state"),
        "web": {"listen": "127.0.0.1:0"},
        "confirm_after": "1h",
        "watch": {
            "desk": {
                "kind": "imap",
                "server": {**imap, "username": "desk"},
                "folders": [
                    {"name": "CPR", "queue": "cpr", "role": "monitored"},
                    {"name": "INBOX", "queue": "inbox", "role": "other"},
                    {"name": "General", "queue": "general", "role": "other"},
                    {"name": "Quarantine", "queue": "quarantine", "role": "quarantine"},
                ],
                "poll": "2s",
                "poll_others": "500ms",
            }
        },
        "senders": {
            name: {
                "name": f"{name.title()} Example",
                "address": f"{name}@{site.sender_domain}",
                "submission": {**submission, "username": name},
                "replies": {"kind": "imap", "server": {**imap, "username": name}, "folders": ["INBOX"], "poll": "2s"},
            }
            for name in ("researcher", "freemail")
        },
        "channels": {
            name.replace("_", "-"): {
                "kind": "email",
                "to": f"problem-report@{site.domain}",
                "arrives_in": "cpr",
                "approved_by": "the tests",
                "interval": "1h",
                "deadline": "60s",
                "give_up": "1h",
                "variants": ["plain"],
                "senders": ["researcher"],
                **settings,
            }
            for name, settings in (channels or {"alias": {}}).items()
        },
    }


def direct(config: dict[str, Any], site: CaSite) -> dict[str, Any]:
    """The same, with senders that hand their mail straight to the CA's own server, as one's own mail server does."""
    config = deepcopy(config)
    for sender in config["senders"].values():
        sender["submission"] = {"host": "localhost", "port": site.mx[1], "ca_file": str(site.ca_file)}
    return config


def written(config: Mapping[str, Any], folder: Path) -> Path:
    """The configuration as a file."""
    path = folder / "canary.yaml"
    path.write_text(yaml.safe_dump(dict(config), sort_keys=False), encoding="utf-8")
    return path


class Run:
    """A prober at work, and what a test asks of it."""

    def __init__(self, prober: Prober) -> None:
        self.prober, self.ledger = prober, prober.ledger

    async def probe(self, channel: str = "alias", **choice: str) -> str:
        """Send one probe now; its id."""
        return await self.prober.probe(channel, **choice)

    def known(self, probe: str) -> OpenProbe:
        """What is known of a probe."""
        found = self.ledger.find(probe)
        assert found is not None
        return found

    def verdict(self, probe: str) -> Verdict:
        """What is said of a probe now."""
        return judge(self.known(probe).case, self.prober.intake.now(), self.prober.intake.read_at)

    async def until(self, condition: Callable[[], Any], what: str) -> Any:
        """The first true value of ``condition()``; AssertionError naming ``what`` after a minute."""
        return await asyncio.to_thread(until, condition, what, 60.0)

    async def outcome(self, probe: str) -> Verdict:
        """The verdict once there is an outcome; of what arrived also how its submission ended, which may come later."""
        await self.until(lambda: self.verdict(probe).outcome, "an outcome")
        if self.verdict(probe).outcome is Outcome.ARRIVED:
            await self.until(lambda: self.known(probe).case.submission, "the end of its submission")
        return self.verdict(probe)

    async def rounds(self, number: int) -> None:
        """Wait until the main loop has gone round so many times from now on."""
        for _ in range(number):
            last = self.prober.last_tick
            await self.until(lambda last=last: self.prober.last_tick != last, "a round of the main loop")  # type: ignore[misc]

    async def later(self, seconds: float) -> None:
        """Wait until the main loop has gone round, by its own clock, so many seconds from now, and once more.

        What was due by then was decided in the first of these rounds, and had until the second to be recorded.
        """
        moment = self.prober.intake.now() + timedelta(seconds=seconds)
        await self.until(lambda: self.prober.last_tick and self.prober.last_tick > moment, "a round at that time")
        await self.rounds(1)

    async def watching(self) -> None:
        """Wait until every mailbox was read once."""
        await self.until(lambda: self.prober.config.queues().keys() <= self.prober.intake.read_at.keys(), "reading")

    def events(self, kind: EventKind, probe: str | None = None) -> list[Event]:
        """The events of a kind."""
        return list(self.ledger.events(kind=kind, probe=probe))


@asynccontextmanager
async def running(config: Mapping[str, Any], folder: Path, clock: Clock | None = None) -> AsyncIterator[Run]:
    """A prober on this configuration that sends only what the test asks for."""
    settings = load(written(config, folder))
    with assembled(settings, clock, rng=random.Random()) as canary:
        task = asyncio.create_task(canary.prober.run(scheduled=False))
        try:
            yield Run(canary.prober)
        finally:
            canary.stop()
            await task
