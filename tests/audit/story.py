"""Three days of three channels, told to a real ledger as the prober would tell them, with all that may go wrong.

From 2026-03-02 to 2026-03-04, a probe an hour and channel. ``alias`` is junked three times; ``form`` fails in the last
evening and is never well again; ``person`` was down since the day before. What came back is hostile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from evidence.logging_keys import MemoryKeys

from canary.audit.period import Period
from canary.evidence.log import EvidenceLog
from canary.evidence.rotation import SigningKeys
from canary.judge import judge
from canary.ledger import Event, EventKind, Ledger
from canary.ledger import events as record
from canary.ledger.events import Hold, cleared, clock, held, released, silenced, stopped_all
from canary.model import (
    Case,
    Component,
    Failure,
    Outcome,
    Place,
    Probe,
    Role,
    Seen,
    Sighting,
    Submission,
    TimeSource,
)
from canary.simulated import SimulatedClock

PERIOD = Period(date(2026, 3, 2), date(2026, 3, 4))
NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
HOSTILE = '=HYPERLINK("http://x","y")<script>alert(1)</script> \u202eanna.kovacs@ca.test said: 550 no'
CHANNELS = {"alias": "email", "form": "web_form", "person": "contact"}
TARGETS: dict[str, dict[str, object]] = {
    "alias": {"targets": ["ca.test"], "to": "problem-report@ca.test"},
    "form": {"url": "https://www.ca.test/report", "posts_to": []},
    "person": {"targets": ["ca.test"], "to": {"sealed": "a" * 64}},
}
DESK = {
    "watch": "desk", "kind": "imap", "role": "monitored", "server": "imap.ca.test:993", "account": {"sealed": "d" * 64},
    "name": "CPR",
}  # fmt: skip
ORIGIN = "ca.test/cpr-canary"
DEADLINE, GIVE_UP = 900.0, 86_400.0
START = {"version": "0.1.0", "configuration": "c" * 64, "scheduled": True, "run": "1"}

_PLACES = {
    "cpr": Place("cpr", Role.MONITORED),
    "junk": Place("junk", Role.JUNK),
    "mine": Place("mine", Role.REPLIES),
}


def at(day: int, hour: float = 0.0) -> datetime:
    """A time in March 2026, UTC."""
    return datetime(2026, 3, day, tzinfo=UTC) + timedelta(hours=hour)


def probe_id(channel: str, due: datetime) -> str:
    """The id of a probe of the story."""
    return f"{channel}{due:%d%H%M}".ljust(16, "x")


class Teller:
    """Appends to a ledger what the prober would."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def tell(self, *events: Event) -> None:
        """Append; closing the ledger waits for it. What is in force names what was before it."""
        self.ledger.append(*map(self._whole, events))

    def _whole(self, event: Event) -> Event:
        if event.kind is not EventKind.CONFIGURED:
            return event
        self.ledger.refresh()
        return replace(event, body={**event.body, "previous": self.ledger.state.totals.configured})

    def probe(
        self,
        channel: str,
        due: datetime,
        outcome: Outcome = Outcome.ARRIVED,
        *,
        took: float = 5.0,
        reason: str = "",
        blind: bool = False,
        confirms: str | None = None,
        answered: float | None = None,
        ends: bool = True,
    ) -> str:
        """A probe from its schedule to its end; ``took`` is when it is seen, ``answered`` when a human answers."""
        known = Probe(
            probe_id(channel, due), channel, CHANNELS[channel], "researcher" if due.hour % 2 else "freemail",
            ("plain", "V04", "V10")[due.hour % 3], due, frozenset({"cpr"}), DEADLINE, GIVE_UP, blind=blind,
            in_turn=confirms is None, confirms=confirms,
        )  # fmt: skip
        sent = self.ledger.keep(b"a report")
        self.tell(record.scheduled(known, "m" * 40), record.submitting(known.id, due, "<r@probe.example>", sent))
        if not ends:
            return known.id
        case = Case(
            known, due, "<r@probe.example>", _submission(due, outcome, reason), tuple(_seen(known, outcome, took))
        )
        assert case.submission
        self.tell(record.submitted(known.id, due + timedelta(seconds=1), case.submission, {}))
        self._end(case)
        if answered is not None:
            reply = _sighting(known, Seen.ANSWER, "mine", answered)
            self._see(reply, "mine")
        return known.id

    def _see(self, seen: Sighting, watcher: str) -> None:
        self.ledger.keep(_content(seen.probe, seen.seen))
        self.tell(record.sighting(seen.noticed_at, seen, watcher))

    def _end(self, case: Case) -> None:
        """The prober's own steps: judge when something may be decided, record what is new."""
        known, due = case.probe, case.probe.scheduled_at
        decided, later = False, case.sightings
        case = replace(case, sightings=())
        for seconds in (1.0, 30.0, DEADLINE + 1, 2 * DEADLINE, 3 * DEADLINE, GIVE_UP):
            now = due + timedelta(seconds=seconds)
            while later and later[0].noticed_at <= now:
                self._see(later[0], "desk")
                case, later = case.with_sighting(later[0]), later[1:]
            verdict = judge(case, now, {"cpr": now})
            wrong = verdict.outcome not in (None, Outcome.ARRIVED, Outcome.LATE, Outcome.INDETERMINATE)
            if wrong and not known.confirms:
                self.tell(record.confirm(known.id, now, known.channel, now + timedelta(minutes=1)))
            if verdict.deadline and verdict.outcome and not decided:
                self.tell(record.deadline(known.id, now, verdict.deadline, verdict.outcome))
                decided = True
            if verdict.final:
                self.tell(record.finished(known.id, now, verdict))
                return


def _submission(due: datetime, outcome: Outcome, reason: str) -> Submission:
    failures = {
        Outcome.REJECTED: Failure.REJECTED,
        Outcome.FORM_ERROR: Failure.FORM_ERROR,
        Outcome.INDETERMINATE: Failure.OURS,
    }
    failure = failures.get(outcome)
    ours = failure is Failure.OURS
    return Submission(
        due, failure is None, 0.5, failure, reason=reason, component=Component.SMTP if ours else None,
        own_reason="refused" if ours else None,
    )  # fmt: skip


def _seen(known: Probe, outcome: Outcome, took: float) -> Iterator[Sighting]:
    if outcome in (Outcome.ARRIVED, Outcome.LATE):
        yield _sighting(known, Seen.REPORT, "cpr", took)
    elif outcome is Outcome.JUNKED:
        yield _sighting(known, Seen.REPORT, "junk", took)


def _content(probe: str, seen: Seen) -> bytes:
    return f"{probe}{seen}".encode()


def _sighting(known: Probe, seen: Seen, queue: str, seconds: float) -> Sighting:
    when = known.scheduled_at + timedelta(seconds=seconds)
    message_id = "<r@probe.example>" if seen is Seen.REPORT else None
    intact = True if seen is Seen.REPORT else None
    return Sighting(
        seen, known.id, _PLACES[queue], when, TimeSource.RECEIVED, 1.0, when + timedelta(seconds=0.5),
        record.digest(_content(known.id, seen)), message_id, intact,
    )  # fmt: skip


def in_force(when: datetime, *, scheduled: bool = True, **changed: dict[str, object]) -> Event:
    """The snapshot of what is in force; ``changed`` settings by channel. Not ``scheduled``: for a probe by hand."""
    channels = {
        slug: {
            "kind": kind, "disclosed_in": ["ccadb-prm"], "approved_by": "J. Doe <j.doe@ca.test>", "interval": 3600.0,
            "deadline": DEADLINE, "give_up": GIVE_UP, "acknowledged_within": None, "arrives_in": ["cpr"],
            "target": TARGETS[slug], "queues": {"cpr": DESK}, "settings": {"sealed": "5" * 64},
            "senders": ["freemail", "researcher"], "variants": ["plain", "V04", "V10"], "reachability_only": False,
        } | changed.get(slug, {})
        for slug, kind in CHANNELS.items()
    }  # fmt: skip
    rest = {
        "from": record.timestamp(at(4, 2)), "until": record.timestamp(at(4, 4)), "channels": ["alias"],
        "reason": "mail server moves", "approved_by": "J. Doe",
    }  # fmt: skip
    drill = {"name": "night drill", "date": "2026-03-03", "channels": ["person"], "approved_by": "J. Doe"}
    body = {
        "configuration": record.digest(repr(changed).encode()), "version": "0.1.0", "python": "3.11.2",
        "platform": "Linux", "sealed_by": "0" * 16, "scheduled": scheduled, "channels": channels, "watches": {},
        "blackouts": [rest], "blind_drills": [drill], "retention": {"events": 730 * 86400.0}, "part": 1, "parts": 1,
    }  # fmt: skip
    return Event(EventKind.CONFIGURED, when, body)


def tell(ledger: Ledger, where: Path) -> None:
    """The whole story; its log is signed in the folder ``where``, before the period and soon after it."""
    teller, clock = Teller(ledger), SimulatedClock(at(1, 12))
    keys = SigningKeys(ledger, MemoryKeys(where / "signed", ORIGIN), ORIGIN, timedelta(days=7))
    log = EvidenceLog(ledger, where / "evidence", ORIGIN, clock, keys)
    teller.tell(Event(EventKind.STARTED, at(1, 11.9), START), in_force(at(1, 11.9)))
    clock.advance(11.5 * 3600)
    log.advance()
    for day in range(1, 5):
        for hour in range(24):
            if (day, hour) >= (1, 12):
                _hour(teller, at(day, hour))
        _after(teller, day)
    clock.advance(73 * 3600)
    log.advance()
    for hour in range(3):
        teller.probe("form", at(5, hour), Outcome.FORM_ERROR, reason=HOSTILE)


def _hour(teller: Teller, due: datetime) -> None:
    minutes = timedelta(minutes=1)
    if at(4, 2) <= due < at(4, 4):
        alias = None
    elif at(2, 10) <= due < at(2, 13):
        first = teller.probe("alias", due, Outcome.JUNKED)
        if due == at(2, 10):
            teller.probe("alias", due + 2 * minutes, Outcome.JUNKED, confirms=first)
            teller.probe("alias", due + 30 * minutes, Outcome.INDETERMINATE, reason="connection refused")
        alias = None
    else:
        alias = Outcome.LATE if due == at(3, 15) else Outcome.ARRIVED
    if alias:
        teller.probe("alias", due, alias, took=1200.0 if alias is Outcome.LATE else 5.0 + due.hour)
    broken = due >= at(4, 20)
    teller.probe("form", due, Outcome.FORM_ERROR if broken else Outcome.ARRIVED, reason=HOSTILE if broken else "")
    if at(1, 22) <= due < at(2, 1):
        teller.probe("person", due, Outcome.MISSING)
    else:
        drilled = due.day == 3 and due.hour in (1, 2, 3)
        answered = {1: 3 * 3600.0, 2: 30 * 3600.0, 3: None}[due.hour] if drilled else None
        teller.probe("person", due, blind=drilled, answered=answered)


def _after(teller: Teller, day: int) -> None:
    """What happens besides the probes."""
    if day == 2:
        teller.probe("alias", at(2, 23.5), ends=False)
        teller.tell(
            Event(EventKind.STOPPED, at(2, 23.6), {"scheduled": True, "run": "1"}),
            Event(EventKind.STARTED, at(2, 23.9), START | {"run": "2", "mark_key_lost": "the disk died"}),
            in_force(at(2, 23.9), person={"interval": 1800.0}),
            Event(EventKind.RELOADED, at(2, 23.95), {"accepted": False, "reason": "canary.yaml:3: nonsense\nand more"}),
        )  # fmt: skip
    if day == 3:
        teller.tell(
            Event(EventKind.PAUSED, at(3, 5), {"channels": ["form"], "reason": "form is rebuilt", "by": "anna"}),
            Event(EventKind.RESUMED, at(3, 6), {"channels": ["form"], "by": "anna"}),
            stopped_all(at(3, 7), "drill of the kill switch", "ben"),
            cleared(at(3, 7.5), "ben"),
            Event(EventKind.STARTED, at(3, 7.6), START | {"run": "by hand", "scheduled": False}),
            in_force(at(3, 7.6), scheduled=False, alias={"interval": 60.0}),
            Event(EventKind.STOPPED, at(3, 7.7), {"scheduled": False, "run": "by hand"}),
            silenced(at(3, 8), "CPRCanaryChannelDown", at(3, 9), "ben", "known"),
            clock(at(3, 8), "cpr", 2.5, 1.0),
            Event(EventKind.TROUBLE, at(3, 8), {"component": "imap", "reason": "lost", "detail": "gone"}),
            Event(EventKind.CLOCK_STEPPED, at(3, 23.9), {"seconds": -2.0}),
        )  # fmt: skip
    if day == 4:
        teller.tell(
            held(at(4, 2), "alias", Hold.BLACKOUT, "mail server moves"), released(at(4, 4), "alias", Hold.BLACKOUT)
        )


def folder(where: Path) -> Path:
    """A state folder with the story in its ledger."""
    ledger = Ledger(where, inline=True)
    tell(ledger, where)
    ledger.close()
    return where
