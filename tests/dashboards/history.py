"""Four weeks of the example installation with everything that goes wrong: events as a prober would have written them.

Time is simulated, the rest is the product's own: the example configuration, the turns of senders and variants, the
judge, the fold of the ledger, and the exporter that :mod:`tests.dashboards.backfill` scrapes.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from canary.channels.email.smtp import SmtpFault
from canary.clock import Clock
from canary.config import Config, load
from canary.judge import judge
from canary.keyring import open_keyring
from canary.ledger import Event, EventKind, Ledger, OpenProbe
from canary.ledger import events as record
from canary.ledger.state import Find, Fold, State
from canary.mark import Keyring
from canary.model import (
    Actor,
    Component,
    Depth,
    Failure,
    Forgery,
    Outcome,
    Place,
    Probe,
    Role,
    Seen,
    Sighting,
    Stage,
    Submission,
    TimeSource,
)
from canary.prober.loop import Prober
from canary.prober.schedule import turn
from canary.prober.step import step

EXAMPLE = Path(__file__).parents[2] / "deploy/cpr-canary.example.yaml"
END = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAYS = 29
START = END - timedelta(days=DAYS)

REPLIES = Place("researcher-replies", Role.REPLIES)


@dataclass(frozen=True)
class Incident:
    """Something wrong from ``begin`` for ``hours`` (both in hours before :data:`END`)."""

    begin: float
    hours: float

    def at(self, when: datetime) -> bool:
        before = (END - when).total_seconds() / 3600
        return self.begin - self.hours < before <= self.begin


ALIAS_DEAD = Incident(20 * 24, 9)
"""problem-alias accepts and loses everything."""
SLOW_WEEK = Incident(15 * 24, 7 * 24)
"""ccadb-alias takes minutes instead of seconds."""
SLOW_MORNING = Incident(4.2 * 24, 9)
"""problem-alias queues, some reports beyond their deadline."""
QUEUE_UNREADABLE = Incident(13 * 24, 5)
"""The desk's password expired."""
PAUSED = Incident(8 * 24, 24)
"""contact-chloe moves house."""
FILTER_HITS_ARCHIVES = Incident(6 * 24, 6 * 24)
"""Since then a gateway quarantines reports with keys attached that come in by problem-alias."""
PROBER_DOWN = Incident(5 * 24, 2)
WRONG_QUEUE = Incident(3 * 24, 3 * 24)
"""Since then the old form feeds the general mailbox."""
FREEMAIL_JUNKED = Incident(32, 14)
"""A new rule junks what the free mail provider sends."""
MEMBER_LOST = Incident(20, 20)
"""chloe is no longer a member of ccadb-alias."""
SMTP_DOWN = Incident(4.5, 1.5)
"""The researcher's submission server is down: our own fault."""
RELOAD_REFUSED = Incident(3, 1)
BEN_ON_LEAVE = Incident(5 * 24, 5 * 24)
FORGED = (50.0, 49.2, 300.0)
"""Hours before the end at which somebody put in a report with a mark of their own making."""


@dataclass
class _Now:
    at: datetime = START

    def seconds(self) -> float:
        return self.at.timestamp()


class Unwritten(Ledger):
    """A ledger whose events are folded and not written: months of them in seconds."""

    not_written, trouble = 0, ""

    def __init__(self, find: Find) -> None:
        self._find, self._told = find, State()

    @property
    def state(self) -> State:
        """What follows from the events so far."""
        return self._told

    def add(self, event: Event) -> None:
        """Take in one more event."""
        fold = Fold(self._find, self._told)
        fold.apply(replace(event, seq=self._told.seq + 1))
        self._told = fold.state()


class History:
    """A prober in simulated time. ``go_to`` lets things happen up to a moment; then ``prober`` can be scraped."""

    def __init__(self, config: Config, ledger: Ledger, keys: Keyring) -> None:
        self._now = _Now()
        self.prober = Prober(config, ledger, keys, clock=Clock(self._now.seconds, lambda: 0.0))
        self._config, self._ledger = config, Unwritten(self._closed_case)
        self.prober.ledger = self._ledger
        self._rng = random.Random(7)
        self._serial = count(1)
        self._closed: dict[str, OpenProbe] = {}
        self._agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self.prober.reloaded_at = START
        self._enter(START, self._start)
        self._enter(START + timedelta(minutes=10), self._tell_clocks)
        for n, slug in enumerate(config.channels):
            self._enter(START + timedelta(seconds=40 + 7 * n), lambda at, slug=slug: self._due(slug, at))
        self._enter(_ago(PAUSED.begin), self._pause)
        self._enter(_ago(PAUSED.begin - PAUSED.hours), self._resume)
        for hours in FORGED:
            self._enter(_ago(hours), self._forge)

    @property
    def now(self) -> datetime:
        return self._now.at

    @property
    def ended(self) -> set[str]:
        """The ids of the probes that have ended."""
        return set(self._closed)

    def is_down(self) -> bool:
        """Whether the prober does not run, so that it cannot be scraped."""
        return PROBER_DOWN.at(self._now.at)

    def go_to(self, moment: datetime) -> None:
        """Let happen what is to happen until then, and bring the gauges up to date."""
        while self._agenda and self._agenda[0][0] <= moment:
            at, _, act = heapq.heappop(self._agenda)
            self._now.at = at
            act(at)
        self._now.at = moment
        self._look_around(moment)

    def _enter(self, at: datetime, act: Callable[[datetime], None]) -> None:
        heapq.heappush(self._agenda, (at, next(self._serial), act))

    def _write(self, event: Event) -> None:
        self._ledger.add(event)

    def _closed_case(self, probe: str, _: int) -> OpenProbe | None:
        return self._closed.get(probe)

    def _start(self, at: datetime) -> None:
        self._write(Event(EventKind.STARTED, at, {"version": "0", "configuration": "0" * 64}))

    def _pause(self, at: datetime) -> None:
        self._write(Event(EventKind.PAUSED, at, {"channels": ["contact-chloe"], "reason": "moves house"}))
        self._write(record.held(at, "contact-chloe", record.Hold.PAUSED, "moves house"))

    def _resume(self, at: datetime) -> None:
        self._write(Event(EventKind.RESUMED, at, {"channels": ["contact-chloe"], "reason": "moved"}))
        self._write(record.released(at, "contact-chloe", record.Hold.PAUSED))

    def _tell_clocks(self, at: datetime) -> None:
        """Hourly, as the desk does; chloe's server has no NTP."""
        self._enter(at + record.CLOCK_EVERY, self._tell_clocks)
        for queue, place in self._config.queues().items():
            if place.role is Role.MONITORED:
                drift = (at - START) / timedelta(days=1) * 0.9 if queue == "chloe-cpr" else 0
                self._write(record.clock(at, queue, drift + self._rng.uniform(-0.4, 0.4), 1.0))

    def _look_around(self, at: datetime) -> None:
        prober, wave = self.prober, 1 + math.sin(at.timestamp() / 43200)
        prober.last_tick = at - timedelta(seconds=0.2)
        prober.lag = self._rng.uniform(0.01, 0.4)
        prober.reload_ok = not RELOAD_REFUSED.at(at)
        for queue, place in self._config.queues().items():
            if not (queue == "cpr" and QUEUE_UNREADABLE.at(at)):
                prober.intake.read_at[queue] = at - timedelta(seconds=self._rng.uniform(1, 25))
            unread = int(wave * (6 if place.role is Role.MONITORED else 2))
            oldest = at - timedelta(hours=wave * 2 + 0.1) if unread else None
            prober.intake.depths[queue] = Depth(unread, 40 + int(at.timestamp() / 86400) % 30, oldest)

    # the life of a probe

    def _due(self, slug: str, at: datetime) -> None:
        settings = self._config.channels[slug]
        self._enter(
            at + timedelta(seconds=settings.interval * self._rng.uniform(0.9, 1.1)), lambda t: self._due(slug, t)
        )
        if not PROBER_DOWN.at(at) and slug not in self._ledger.state.totals.paused:
            self._send(slug, at)

    def _send(self, slug: str, at: datetime, confirms: Probe | None = None) -> None:
        settings, config = self._config.channels[slug], self._config
        if confirms is None:
            totals = self._ledger.state.totals.channels.get(slug)
            turns = totals.turns if totals else 0
            sender, variant = turn(slug, turns, config.senders_of(slug), config.variants_of(slug))
        else:
            sender, variant = confirms.sender, confirms.variant
        probe = Probe(
            id=f"{next(self._serial):026d}",
            channel=slug,
            kind=settings.kind,
            sender=sender,
            variant=variant,
            scheduled_at=at,
            expected=frozenset(settings.arrives_in),
            deadline=settings.deadline,
            give_up=settings.give_up,
            owed=settings.owed(),
            replies=REPLIES.queue,
            in_turn=confirms is None,
            confirms=confirms and (confirms.confirms or confirms.id),
        )
        message = f"<{probe.id}@persona.example>"
        self._write(record.scheduled(probe, "m" * 40))
        self._write(record.submitting(probe.id, at, message, "0" * 64))
        submission = self._submission(probe, at)
        self._enter(at + timedelta(seconds=submission.seconds), lambda t: self._submitted(probe, submission, t))
        if submission.accepted:
            for seen, place, seconds in self._journey(probe, at):
                seen_at = at + timedelta(seconds=seconds)
                self._enter(seen_at, lambda t, s=seen, p=place: self._sight(self._sighting(probe.id, s, p, t, message)))
        for seconds in sorted({probe.deadline, 2 * probe.deadline, *probe.owed.values(), probe.give_up}):
            self._enter(at + timedelta(seconds=seconds + 1), lambda t: self._check(probe.id, t))

    def _submission(self, probe: Probe, at: datetime) -> Submission:
        by_email = self._config.kind_of(probe.channel).shares_submission
        took = self._rng.lognormvariate(-0.5, 0.4) if by_email else self._rng.lognormvariate(1.6, 0.3)
        if SMTP_DOWN.at(at) and probe.sender == "researcher" and by_email:
            unreachable = SmtpFault.UNREACHABLE.value
            reason = {"component": Component.SMTP, "own_reason": unreachable, "reason": "connection refused"}
            return Submission(at, accepted=False, seconds=30.0, failure=Failure.OURS, **reason)
        if not by_email and self._rng.random() < 0.004 and not probe.confirms:  # it is over within a minute
            return Submission(
                at, accepted=False, seconds=took, failure=Failure.FORM_ERROR, reason="500 from the server"
            )
        return Submission(at, accepted=True, seconds=took)

    def _submitted(self, probe: Probe, submission: Submission, at: datetime) -> None:
        self._write(record.submitted(probe.id, at, submission, {}))
        self._check(probe.id, at)

    def _journey(self, probe: Probe, at: datetime) -> Iterator[tuple[Seen, Place, float]]:
        """What is seen of an accepted report, where, and after how many seconds."""
        queues, took = self._config.queues(), self._seconds(probe, at)
        place = self._astray(probe, at)
        if place == "nowhere":
            return
        for queue in [place] if place else sorted(probe.expected):
            if not (queue == "chloe-cpr" and probe.channel == "ccadb-alias" and MEMBER_LOST.at(at)):
                yield Seen.REPORT, queues[queue], took + self._rng.uniform(0, 1)
        if place is None and self._rng.random() < 0.006:
            yield Seen.REPORT, queues[min(probe.expected)], took + 20
        if Stage.ACKNOWLEDGED in probe.owed and place is None:
            yield Seen.ACKNOWLEDGEMENT, REPLIES, took + self._rng.uniform(2, 50)
        if probe.channel == "contact-ben" and BEN_ON_LEAVE.at(at):
            yield Seen.OUT_OF_OFFICE, REPLIES, took + 3
        elif place is None and self._rng.random() < 0.12:
            answered = min(82_000, self._rng.lognormvariate(8.6, 0.9))
            yield Seen.PICKED_UP, queues[min(probe.expected)], took + answered / 3
            yield Seen.ANSWER, REPLIES, answered

    def _astray(self, probe: Probe, at: datetime) -> str | None:
        """The wrong place a report goes to, ``nowhere``, or None if it goes the right way."""
        if probe.channel == "problem-alias":
            if ALIAS_DEAD.at(at):
                return "nowhere"
            if FREEMAIL_JUNKED.at(at) and probe.sender == "freemail":
                return "cpr-junk"
            if FILTER_HITS_ARCHIVES.at(at) and probe.variant in ("V02-7z", "V02-tgz"):
                return "quarantine"
        if probe.channel == "legacy-form" and WRONG_QUEUE.at(at):
            return "general"
        return "nowhere" if self._rng.random() < 0.0008 else None

    def _seconds(self, probe: Probe, at: datetime) -> float:
        usual = self._rng.lognormvariate(1.5, 0.5)
        if probe.sender == "freemail" and self._rng.random() < 0.1:
            usual += 310  # greylisted
        if probe.channel == "ccadb-alias" and SLOW_WEEK.at(at):
            usual += self._rng.lognormvariate(5.2, 0.5)
        if probe.channel == "problem-alias" and SLOW_MORNING.at(at):
            usual += self._rng.lognormvariate(6.5, 0.4)
        return usual

    def _sighting(self, probe: str, seen: Seen, place: Place, at: datetime, message: str | None) -> Sighting:
        where = str(next(self._serial))
        return Sighting(
            seen, probe, place, at, TimeSource.RECEIVED, 1.0, at, f"{where:>064}", message, intact=True, where=where,
            by=Actor.HUMAN if seen in (Seen.PICKED_UP, Seen.ANSWER) else None,
        )  # fmt: skip

    def _sight(self, sighting: Sighting) -> None:
        self._write(record.sighting(sighting.noticed_at, sighting, "desk"))
        self._check(sighting.probe, sighting.noticed_at)

    def _forge(self, at: datetime) -> None:
        place = self._config.queues()["cpr"]
        newest = max(self._ledger.state.open.values(), key=lambda known: known.scheduled).case.probe.id
        forged = self._sighting(newest, Seen.REPORT, place, at, None)
        self._sight(replace(forged, forgery=Forgery.BAD_MAC))

    def _check(self, probe: str, at: datetime) -> None:
        """The prober's own step."""
        known = self._ledger.state.open.get(probe)
        if known is None:
            return
        for event in step(known, at, self._looked(at), confirm_after=self._config.confirm_after).events:
            if event.kind is EventKind.FINISHED:
                self._closed[probe] = self._ledger.state.open[probe]
            self._write(event)
            if event.kind is EventKind.CONFIRM:
                due = datetime.fromisoformat(event.body["due"])
                self._enter(due, lambda t: self._confirm(probe, t))

    def _confirm(self, failed: str, at: datetime) -> None:
        """Send what failed once more, unless that has arrived after all, or another one is sent already."""
        known = self._ledger.state.open.get(failed) or self._closed[failed]
        slug = known.case.probe.channel
        if PROBER_DOWN.at(at) or slug in self._ledger.state.totals.paused:
            return
        pending = self._ledger.state.totals.confirmations.get(slug)
        if pending and pending[0] == failed and judge(known.case, at, {}).outcome is not Outcome.ARRIVED:
            self._send(slug, at, known.case.probe)

    def _looked(self, at: datetime) -> dict[str, datetime]:
        unreadable = _ago(QUEUE_UNREADABLE.begin) if QUEUE_UNREADABLE.at(at) else None
        queues = (*self._config.queues(), REPLIES.queue)
        return {queue: unreadable if queue == "cpr" and unreadable else at for queue in queues}


def _ago(hours: float) -> datetime:
    return END - timedelta(hours=hours)


@contextmanager
def example_history(folder: Path) -> Iterator[History]:
    """The history of the installation that ``deploy/cpr-canary.example.yaml`` describes; its state is in ``folder``."""
    text = EXAMPLE.read_text(encoding="utf-8")
    path = folder / "canary.yaml"
    path.write_text(text.replace("state: /var/lib/cpr-canary", "state: state"), encoding="utf-8")
    config = load(path)
    ledger = Ledger(config.state)
    try:
        yield History(config, ledger, open_keyring(config.state / "mark.key"))
    finally:
        ledger.close()
