"""A made-up history of many channels, written straight into a ledger's tables: millions of probes in minutes.

Every event is the canonical form that the ledger itself would have written (templates are made by its own functions),
in the order in which they would have happened. There are outages of every kind, single failures, faults of our own,
restarts, drills that people answer, and probes without an end. The same seed gives the same bytes.
"""

from __future__ import annotations

import heapq
import random
import sqlite3
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from bench import history_events as written
from bench.history_faults import OUTAGES, Fault, Faults

from canary.ledger import Event, EventKind, Ledger
from canary.ledger.results import COLUMNS
from canary.ledger.schema import INSERT_EVENT, INSERT_RESULT, TABLES
from canary.model import Outcome, Stage

VARIANTS = ("plain", "V04", "V05", "V06", "V07", "V08", "V10", "V12")
SENDERS = ("researcher", "freemail")
_SECOND = 1_000_000  # times are whole microseconds here
_DEADLINE, _GIVE_UP = int(written.DEADLINE) * _SECOND, int(written.GIVE_UP) * _SECOND
_AT_ONCE = 20_000
_IN_PART = 40
"""Channels of which one event tells."""


@dataclass(frozen=True, slots=True)
class History:
    """What to make up: ``channels`` that are probed every ``interval`` seconds for ``days`` from ``since`` on."""

    channels: int = 100
    interval: float = 300.0
    since: datetime = datetime(2026, 7, 1, tzinfo=UTC)
    days: int = 92
    seed: int = 1
    outages: float = 2.0
    """How many a channel has in the period, on average."""
    failures: float = 0.0003
    """The part of the other probes that fails by itself."""

    def slug(self, number: int) -> str:
        """The name of a channel."""
        kind = self.kind(number)
        return f"{ {'email': 'alias', 'web_form': 'form', 'contact': 'person'}[kind] }-{number:03d}"

    @staticmethod
    def kind(number: int) -> str:
        """The kind of a channel."""
        return ("email", "email", "contact", "web_form", "contact")[number % 5]


def write(folder: Path, history: History, progress: Callable[[float], None] = lambda part: None) -> int:
    """Write the history into a new ledger in ``folder``; returns how many events it has.

    ``progress`` is told the part that is done. The ledger has no snapshot: opening it to append folds every event.
    """
    Ledger(folder).close()
    file = folder / "ledger.sqlite"
    database = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000"):
        database.execute(f"PRAGMA {pragma}")
    indexes = database.execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    for (index,) in indexes:
        database.execute(f"DROP INDEX {index}")
    seq = _Writer(database, history).write(progress)
    for table in TABLES:
        database.execute(table)
    database.execute("PRAGMA journal_mode=WAL")
    database.close()
    return seq


class _Writer:
    def __init__(self, database: sqlite3.Connection, history: History) -> None:
        self._database, self._history = database, history
        self._rng = random.Random(history.seed)
        self._start = int(history.since.timestamp()) * _SECOND
        self._end = self._start + history.days * 86_400 * _SECOND
        self._pending: list[tuple[int, int, str, str, str | None, dict[str, object] | None]] = []
        self._order = 0
        self._seq = 0
        self._first: dict[str, int] = {}
        self._events: list[tuple[object, ...]] = []
        self._results: list[dict[str, object]] = []

    def write(self, progress: Callable[[float], None]) -> int:
        history = self._history
        step = int(history.interval * _SECOND)
        faults = [Faults(self._outages()) for _ in range(history.channels)]
        ours, down = Faults(self._our_faults()), Faults(self._downtimes())
        self._boundaries(down)
        self._database.execute("BEGIN")
        for tick, base in enumerate(range(self._start, self._end, step)):
            for number in range(history.channels):
                at = base + step * number // history.channels + self._rng.randrange(1, step // history.channels, 2)
                if down.at(at):
                    continue
                fault = ours.at(at) or faults[number].at(at) or self._single()
                self._probe(number, tick, at, fault)
            self._flush(base + step)
            progress((base - self._start) / (self._end - self._start))
        self._flush(self._end + 3 * _GIVE_UP)
        self._store()
        self._database.execute("COMMIT")
        return self._seq

    # What goes wrong, and when

    def _outages(self) -> list[Fault]:
        faults, rng = [], self._rng
        at = self._start
        mean = (self._end - self._start) / max(self._history.outages, 0.01)
        while (at := at + int(rng.expovariate(1 / mean))) < self._end:
            length = int(20 * 60 * _SECOND * 100 ** (rng.random() ** 2))  # 20 minutes to 33 hours
            faults.append(Fault(at, at + length, *rng.choice(OUTAGES)))
            at += length
        return faults

    def _our_faults(self) -> list[Fault]:
        begins = sorted(self._rng.randrange(self._start, self._end) for _ in range(1 + self._history.days // 30))
        words = "our submission server refused the connection"
        return [Fault(at, at + 2400 * _SECOND, Outcome.INDETERMINATE, None, words) for at in begins]

    def _downtimes(self) -> list[Fault]:
        """A restart every week, of 10 minutes."""
        begins = range(self._start + 5 * 86_400 * _SECOND, self._end, 7 * 86_400 * _SECOND)
        return [Fault(at, at + 600 * _SECOND, Outcome.INDETERMINATE, None, "") for at in begins]

    def _single(self) -> Fault | None:
        if self._rng.random() >= self._history.failures:
            return None
        return Fault(0, 0, *self._rng.choice(OUTAGES))

    # What happens

    def _boundaries(self, down: Faults) -> None:
        self._tell(self._start, written.STARTED, "started", None)
        self._tell_configured(self._start)
        for fault in down.all:
            self._tell(fault.start, written.STOPPED, "stopped", None)
            self._tell(fault.end, written.STARTED, "started", None)
            self._tell_configured(fault.end)

    def _tell_configured(self, at: int) -> None:
        for part in range(self._parts):
            self._tell(at, self._configured(part), "configured", None)

    @property
    def _parts(self) -> int:
        return -(-self._history.channels // _IN_PART)

    def _configured(self, part: int) -> str:
        history = self._history
        numbers = range(part * _IN_PART, min((part + 1) * _IN_PART, history.channels))
        snapshot = {
            history.slug(number): {
                "kind": history.kind(number),
                "disclosed_in": ["ccadb-prm", "cps"] if number % 3 else ["ccadb-alias"],
                "approved_by": "J. Doe, Head of Compliance, 2026-03-02",
                "interval": history.interval,
                "deadline": written.DEADLINE,
                "give_up": written.GIVE_UP,
                "arrives_in": ["cpr"],
                "target": {"targets": ["ca.test"], "to": f"{history.slug(number)}@ca.test"},
                "queues": {"cpr": {"watch": "desk", "kind": "imap", "role": "monitored", "name": "CPR"}},
                "settings": {"sealed": "5" * 64},
                "senders": list(SENDERS),
                "variants": list(VARIANTS),
                "reachability_only": False,
                "blind_on": [],
                **{f"{stage}_within": None for stage in Stage if stage.may_be_owed},
            }
            for number in numbers
        }
        body = {
            "part": part + 1,
            "parts": self._parts,
            "blackouts": [],
            "blind_drills": [],
            "configuration": "c" * 64,
            "version": "0.1.0",
            "python": "3.11.2",
            "platform": "Linux",
            "sealed_by": "0" * 16,
            "scheduled": True,
            "retention": {"messages": 90 * 86_400.0, "traces": 90 * 86_400.0, "events": 730 * 86_400.0},
            "watches": {},
        }
        return written.template(Event(EventKind.CONFIGURED, written.AT, body | {"channels": snapshot}))

    def _probe(self, number: int, tick: int, at: int, fault: Fault | None) -> None:
        life = self._life(number, tick, at, fault)
        self._tell(at, written.SCHEDULED % life.fields, "scheduled", life.name)
        if self._rng.random() < 2e-6:
            return  # never heard of again
        self._tell(at + 1, written.SUBMITTING % life.fields, "submitting", life.name)
        submitted = written.SUBMITTED.get(life.outcome, written.TAKEN)
        self._tell(at + 700_000, submitted % life.fields, "submitted", life.name)
        if life.seen:
            text = written.BOUNCE if life.outcome is Outcome.BOUNCED else written.SIGHTING[str(life.fields["place"])]
            self._tell(at + life.seen + 500_000, text % life.fields, "sighting", life.name)
        self._judge(life)
        if life.blind and life.outcome is Outcome.ARRIVED and self._rng.random() < 0.9:
            self._answer(life)

    def _life(self, number: int, tick: int, at: int, fault: Fault | None) -> _Life:
        history, name = self._history, _probe_id(self._history.seed, number, tick)
        outcome = fault.outcome if fault else Outcome.ARRIVED
        if history.kind(number) == "web_form" and outcome in (Outcome.BOUNCED, Outcome.REJECTED):
            outcome, words = Outcome.FORM_ERROR, "the page says: try again later"
            fault = Fault(0, 0, outcome, None, words)
        seen = _seen_after(self._rng, outcome)
        blind = number % 50 == 3 and (at - self._start) // (86_400 * _SECOND) % 30 == 8
        fields: dict[str, object] = {
            "name": name,
            "channel": history.slug(number),
            "configured": 2 + number // _IN_PART,
            "kind": history.kind(number),
            "sender": SENDERS[(tick + number) % 2],
            "variant": VARIANTS[(tick // 2 + number) % len(VARIANTS)],
            "due": _stamp(at),
            "blind": "true" if blind else "false",
            "mark": written.MARK % name,
            "place": (fault.place if fault else None) or "cpr",
            "reason": fault.reason if fault else "",
            "latency": repr(seen / _SECOND),
            "outcome": outcome.value,
            "arrived": _stamp(at + seen),
            "noticed": _stamp(at + seen + 500_000),
        }
        return _Life(at, name, outcome, seen, fault.place if fault else "cpr", blind, fields)

    def _judge(self, life: _Life) -> None:
        """Deadline, confirmation and end of a probe."""
        at, outcome, fields = life.at, life.outcome, life.fields
        at_once, wrong = outcome in written.AT_ONCE_ENDED, outcome not in (Outcome.ARRIVED, Outcome.LATE)
        decided = at + (700_002 if at_once else _DEADLINE + 200_000)
        if outcome.wants_confirmation:
            told = decided - 1 if at_once or not life.seen else at + life.seen + 500_001
            again = {"again": _stamp(told + 60 * _SECOND)}
            self._tell(told, written.CONFIRM % (fields | again), "confirm", life.name)
        result = outcome.deadline_result
        self._tell(decided, written.DECIDED[result] % fields, "deadline", life.name)
        end = decided + 1
        if wrong and not at_once:
            end = at + _GIVE_UP + 200_000
        elif outcome is Outcome.LATE:
            end = max(decided, at + life.seen + 500_000) + 1
        row = {
            **{name: fields[name] for name in ("channel", "kind", "sender", "variant", "reason")},
            "probe": life.name,
            "scheduled_at": fields["due"],
            "outcome": outcome.value,
            "deadline": result.value,
            "place": life.place,
            "accepted": None if at_once else 0.512345,
            "arrived": None if wrong else life.seen / _SECOND,
            "owed": "{}",
            "blind": int(life.blind),
        }
        self._tell(end, written.FINISHED[outcome] % fields, "finished", life.name, row)

    def _answer(self, life: _Life) -> None:
        hours = self._rng.uniform(0.5, 22 if self._rng.random() < 0.95 else 40)
        at = life.at + (int(hours * 3600 * _SECOND) | 1)
        reply = life.fields | {"arrived": _stamp(at), "noticed": _stamp(at + 500_000)}
        self._tell(at + 500_000, written.ANSWER % reply, "sighting", life.name)

    # Writing

    def _tell(self, at: int, text: str, kind: str, probe: str | None, row: dict[str, object] | None = None) -> None:
        self._order += 1
        heapq.heappush(self._pending, (at, self._order, text, kind, probe, row))

    def _flush(self, upto: int) -> None:
        while self._pending and self._pending[0][0] < upto:
            at, _, text, kind, probe, row = heapq.heappop(self._pending)
            self._seq += 1
            when = _stamp(at)
            body = text.replace(written.WHEN, when, 1).replace(written.SEQ, str(self._seq)).encode()
            self._events.append((self._seq, when, kind, probe, body))
            if kind == "scheduled":
                self._first[str(probe)] = self._seq
            elif row is not None:
                first = self._first.pop(str(probe))
                self._results.append(_NO_RESULT | row | {"scheduled_seq": first, "finished_seq": self._seq})
        if len(self._events) >= _AT_ONCE:
            self._store()

    def _store(self) -> None:
        self._database.executemany(INSERT_EVENT, self._events)
        self._database.executemany(INSERT_RESULT, self._results)
        self._events, self._results = [], []


@dataclass(frozen=True, slots=True)
class _Life:
    """What becomes of one probe; ``seen`` is microseconds after it was sent, 0 for never."""

    at: int
    name: str
    outcome: Outcome
    seen: int
    place: str | None
    blind: bool
    fields: dict[str, object]


def _seen_after(rng: random.Random, outcome: Outcome) -> int:
    """Microseconds to the sighting, an odd number so that it is written the same in JSON and in Python; 0 for none."""
    if outcome is Outcome.LATE:
        return int(rng.uniform(1000, 20_000) * _SECOND) | 1
    if outcome in (*written.AT_ONCE_ENDED, Outcome.MISSING):
        return 0
    return int(min(rng.lognormvariate(1.6, 0.8), 600.0) * _SECOND) | 1


def _probe_id(seed: int, number: int, tick: int) -> str:
    raw = int.from_bytes(sha256(f"{seed}/{number}/{tick}".encode()).digest()[:10])
    return "".join(_BASE32[raw >> shift & 31] for shift in range(75, -5, -5))


_NO_RESULT: dict[str, object] = dict.fromkeys(COLUMNS)
_BASE32 = string.ascii_lowercase + "234567"


@lru_cache(maxsize=200_000)
def _second(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def _stamp(at: int) -> str:
    second, micro = divmod(at, _SECOND)
    return f"{_second(second)}.{micro:06d}Z"


def every_channel(history: History) -> Iterator[str]:
    """The names of the channels."""
    return map(history.slug, range(history.channels))
