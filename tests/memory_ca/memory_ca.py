"""A CA in memory, on the event loop alone: its queues fill by the canary's own clock. For simulations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from canary.channels import Kind, Resources, Sender
from canary.channels.forms.steps import payload
from canary.clock import Clock
from canary.content import Ticket
from canary.model import (
    Actor,
    Component,
    Failure,
    Outgoing,
    OwnFaultError,
    Place,
    Report,
    Role,
    Seen,
    Submission,
    TimeSource,
)
from canary.queues import Found, Intake, WatchKind, WatchResources, WatchSettings
from canary.queues.claims import claims
from canary.settings import ChannelSettings, Duration, Slug


@dataclass
class MemoryCa:
    """What is in its queues, and how it is broken at the moment."""

    now: Callable[[], datetime]
    """Its own clock."""
    lost: set[str] = field(default_factory=set)
    """The entrances behind which reports are lost."""
    junked: set[str] = field(default_factory=set)
    """The entrances behind which reports are taken for junk."""
    refused: set[str] = field(default_factory=set)
    """The entrances that take no report."""
    unreached: set[str] = field(default_factory=set)
    """The entrances that we cannot reach, by a fault of our own."""
    readable: bool = True
    """Whether the queues can be read."""
    letters: list[tuple[str, str, datetime]] = field(default_factory=list)
    """Queue, text and time of arrival of everything that came, in order."""
    sorted: dict[str, str | None] = field(default_factory=dict)
    """By probe: the queue into which it was sorted; None if it was lost."""

    def sort(self, probe: str, entrance: str) -> str | None:
        """The queue for a report."""
        queue = None if entrance in self.lost else "junk" if entrance in self.junked else "cpr"
        self.sorted[probe] = queue
        return queue


CAS: dict[str, MemoryCa] = {}
"""Every CA by the name that configurations use."""


class MemorySettings(ChannelSettings):
    """One way into a CA."""

    kind: Literal["memory"]
    ca: str
    entrance: Slug

    def targets(self) -> tuple[str, ...]:
        """The domain that is written to."""
        return ("ca.test",)


class MemoryChannel:
    """Meets :class:`canary.channels.Channel`."""

    def __init__(self, settings: MemorySettings, sender: Sender, resources: Resources) -> None:
        self._settings, self._clock, self._rng = settings, resources.clock, resources.rng
        self._ca = CAS[settings.ca]

    def prepare(self, report: Report) -> Outgoing:
        """The text, as evidence; there is no Message-ID."""
        return Outgoing(report, payload(report, {"text": report.text}, ()))

    async def submit(self, outgoing: Outgoing, *, within: float) -> Submission:
        """Takes some seconds; the report comes into its queue within a minute after that."""
        began, steady = self._clock.now(), self._clock.monotonic()
        await self._clock.sleep(self._rng.uniform(0.2, 5))
        if self._settings.entrance in self._ca.unreached:
            return Submission(
                began, False, 0.0, Failure.OURS, reason="our server is down", component=Component.SMTP,
                own_reason="refused",
            )  # fmt: skip
        if self._settings.entrance in self._ca.refused:
            took = self._clock.monotonic() - steady
            return Submission(began, False, took, Failure.REJECTED, reason="550 5.1.1 no such user")
        queue = self._ca.sort(outgoing.report.probe, self._settings.entrance)
        if queue is not None:
            loop, delay = asyncio.get_running_loop(), self._rng.uniform(1, 60)
            loop.call_later(delay, lambda: self._ca.letters.append((queue, outgoing.report.text, self._ca.now())))
        return Submission(began, True, self._clock.monotonic() - steady, reason="thank you")

    async def check(self) -> str:
        """There is nothing to look at."""
        return "in memory"

    async def close(self) -> None:
        """Nothing is kept open."""


class MemoryWatchSettings(WatchSettings):
    """The queues of a CA."""

    kind: Literal["memory"]
    ca: str
    queues: dict[Slug, Literal["monitored", "other", "junk", "quarantine"]]
    poll: Duration = 300.0
    dated: bool = False
    """Whether the CA's times are believed, as a mail server's are."""
    work: bool = False
    """Whether a queue shows who works a report."""

    def places(self) -> tuple[Place, ...]:
        """The queues; what is in them has no Message-ID."""
        return tuple(Place(queue, Role(role), message_id=False, work=self.work) for queue, role in self.queues.items())


class MemoryWatcher:
    """Meets :class:`canary.queues.Watcher`, by a task where others have a thread."""

    def __init__(self, name: str, settings: MemoryWatchSettings, resources: WatchResources) -> None:
        self._name, self._poll, self._dated = name, settings.poll, settings.dated
        self._clock: Clock = resources.clock
        self._ca = CAS[settings.ca]
        self._places = {place.queue: place for place in settings.places()}
        self._ending: Callable[[], object] = lambda: None

    def start(self, intake: Intake) -> None:
        """Begin to look."""
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(self._look_for_ever(intake))
        self._ending = lambda: loop.call_soon_threadsafe(task.cancel)

    def stop(self) -> None:
        """Stop looking."""
        self._ending()

    def check(self) -> str:
        """There is nothing to look at."""
        return "in memory"

    async def _look_for_ever(self, intake: Intake) -> None:
        could, known = True, int((intake.cursor(self._name) or {"known": 0})["known"])
        while True:
            if self._ca.readable:
                with suppress(OwnFaultError):  # it could not be written: once more the next time
                    known = self._look(intake, known)
            elif could:
                intake.trouble(Component.TICKETS, "unreachable", "the queues cannot be read")
            could = self._ca.readable
            await self._clock.sleep(self._poll)

    def _look(self, intake: Intake, known: int) -> int:
        """Read all beyond what is known; returns how much is known then."""
        began, count = intake.now(), len(self._ca.letters)
        found = [item for number in range(known, count) for item in self._found(number, intake)]
        if found:
            intake.hand_in(self._name, found, {"known": count})
        for queue in self._places:
            intake.looked(queue, began)
        return count

    def _found(self, number: int, intake: Intake) -> list[Found]:
        queue, text, at = self._ca.letters[number]
        time = (at, TimeSource.RECEIVED, 1.0) if self._dated else (intake.now(), TimeSource.NOTICED, self._poll)
        return [
            Found(
                Seen.REPORT, probe, self._places[queue], *time,
                Ticket(text), Actor.MACHINE, forgery=forgery, where=str(number), stated_at=at,
            )
            for probe, forgery in claims(intake.keys.find(text), intake).items()
        ]  # fmt: skip


CHANNEL = Kind(MemorySettings, MemoryChannel)
WATCH = WatchKind(MemoryWatchSettings, MemoryWatcher)
