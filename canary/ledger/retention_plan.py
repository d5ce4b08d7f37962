"""What retention lets go of a ledger as it stands, found without writing a word of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from canary.ledger.events import EventKind, timestamp
from canary.ledger.reader import LedgerReader
from canary.ledger.reading import understood
from canary.ledger.schema import EPHEMERAL
from canary.model import Component, OwnFaultError

CURSOR = "(retention)"
"""Where we stand, kept beside the cursors of watchers, whose names have no brackets."""

_EVER = datetime.min.replace(tzinfo=UTC)

_NAMES = 800
"""Digests that fit into one event."""


class Rule(StrEnum):
    """What is kept for how long: raw messages; screenshots, traces and transcripts; the bodies of events."""

    MESSAGES = "messages"
    TRACES = "traces"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Forgettable:
    """What a rule lets go: ``count`` artefacts or events older than ``before``, of ``size`` bytes."""

    rule: Rule
    kept: timedelta
    before: datetime
    count: int
    size: int


class RetentionPlan:
    """The rules held against a ledger at one moment; ``kept`` says how long, by rule."""

    def __init__(self, ledger: LedgerReader, kept: Mapping[Rule, timedelta]) -> None:
        self._ledger, self._kept = ledger, kept

    def plan(self, now: datetime) -> list[Forgettable]:
        """What could be forgotten. Raises OwnFaultError if the artefacts cannot be looked at."""
        try:
            self._look_through()
            return [self._plan(rule, now)[0] for rule in self._kept]
        except OSError as error:
            detail = f"cannot look at the artefacts in {self._ledger.folder}: {error.strerror}"
            raise OwnFaultError(Component.STORE, "unusable", detail) from error

    def _plan(self, rule: Rule, now: datetime, signed: int | None = None) -> tuple[Forgettable, int]:
        """What the rule lets go, and the last event that it is about; of the first ``signed``, for events."""
        before = now - self._kept[rule]
        upto = self._horizon(rule, before)
        if rule is Rule.EVENTS:
            upto = upto if signed is None else max(self._stand(rule), self._lasting(min(upto, signed)))
            filled = self._read(_FILLED, first=self._stand(rule) + 1, last=upto)[0]
            count, size = filled.bodies, filled.size
        else:
            files = [self._file(row.name) for page in self._pages(rule, upto) for row in page if not row.shared]
            sizes = [path.stat().st_size for path in files if path.exists()]
            count, size = len(sizes), sum(sizes)
        return Forgettable(rule, self._kept[rule], before, count, size), upto

    def _look_through(self) -> None:
        """Put which artefacts new events name before what was noted of older ones, in tables of this connection alone.

        Whatever has no schema in front of it is looked for among those first.
        """
        with self._ledger.connect() as connection:
            for statement in _BESIDE:
                connection.execute(statement)
            connection.execute(note_into("fresh"), {"first": self._stand("noted") + 1, "last": self._newest()})

    def _pages(self, rule: Rule, upto: int) -> Iterator[Sequence[Any]]:
        """The artefacts that no event beyond ``upto`` names under this rule."""
        seq, name = 0, ""
        while page := self._read(_NAMED, rule=rule.value, upto=upto, seq=seq, name=name, page=_NAMES):
            yield page
            seq, name = page[-1].seq, page[-1].name

    def _file(self, name: str) -> Path:
        return self._ledger.artefacts.path(name)

    def _horizon(self, rule: Rule, before: datetime) -> int:
        """The last event up to which all are older than ``before`` and none belongs to a probe without an end."""
        young = self._first_young(self._stand(rule), before)
        last = self._newest() if young is None else young - 1
        open_from = [known.scheduled[0] - 1 for known in self._ledger.state.open.values()]
        return max(self._stand(rule), min([last, *open_from]))

    def _first_young(self, after: int, before: datetime) -> int | None:
        """The first event beyond ``after`` that is not older. What was told before our clock was set forward is that
        much younger than it says: a clock that ran behind makes nothing old, and neither does one that runs ahead.
        """
        steps = list(self._ledger.events(kind=EventKind.CLOCK_STEPPED, after=after))
        with understood("how our clock was set"):
            forward = [(step.seq, max(0.0, step.body["seconds"])) for step in steps]
        ahead = timedelta(seconds=sum(seconds for _, seconds in forward))
        for upto, seconds in [*forward, (self._newest(), 0.0)]:
            real = before - min(ahead, before - _EVER)
            young = self._read(_YOUNG, after=after, upto=upto, before=timestamp(real))
            if young:
                return int(young[0].seq)
            after, ahead = upto, ahead - timedelta(seconds=seconds)
        return None

    def _lasting(self, upto: int) -> int:
        """The newest event up to number ``upto`` that is never emptied: it shows how old all before it are."""
        return int(self._read(_LASTING, upto=upto)[0].seq)

    def _newest(self) -> int:
        return int(self._read(_NEWEST)[0].seq)

    def _stand(self, what: str) -> int:
        return int((self._ledger.cursor(CURSOR) or {}).get(what, 0))

    def _read(self, sql: str, **values: Any) -> Sequence[Any]:
        return list(self._ledger.ask(sql, **values))


def note_into(table: str) -> str:
    """The statement that notes in a table which artefacts the events from ``:first`` to ``:last`` name."""
    return f"""
        WITH told AS (
            SELECT seq, kind, CAST(body AS TEXT) AS body FROM event WHERE seq BETWEEN :first AND :last AND body <> x''
            AND +kind IN ('submitting', 'submitted', 'sighting')
        )
        INSERT INTO {table} (name, rule, seq)
        SELECT json_extract(body, '$.body.payload'), 'messages', seq FROM told WHERE kind = 'submitting'
        UNION ALL
        SELECT json_extract(body, '$.body.message'), 'messages', seq FROM told WHERE kind = 'sighting'
        UNION ALL
        SELECT trace.value, 'traces', seq
        FROM told, json_each(told.body, '$.body.artefacts') trace WHERE kind = 'submitted'
        ON CONFLICT (name, rule) DO UPDATE SET seq = max(seq, excluded.seq)
    """  # noqa: S608  # words of ours


SPAN = f"seq BETWEEN :first AND :last AND body <> x'' AND +kind IN ({EPHEMERAL})"
"""The events that may be emptied of those from ``:first`` to ``:last``."""

_NEWEST = "SELECT coalesce(max(seq), 0) AS seq FROM event"
_LASTING = f"SELECT coalesce(max(seq), 0) AS seq FROM event WHERE seq <= :upto AND +kind NOT IN ({EPHEMERAL})"  # noqa: S608  # words of ours
_YOUNG = "SELECT seq FROM event WHERE seq > :after AND seq <= :upto AND +at >= :before ORDER BY seq LIMIT 1"
_FILLED = f"SELECT count(*) AS bodies, coalesce(sum(length(body)), 0) AS size FROM event WHERE {SPAN}"  # noqa: S608  # words of ours
_NAMED = """
    SELECT name, seq,
        EXISTS (SELECT 1 FROM reference other WHERE other.name = r.name AND other.rule <> r.rule) AS shared
    FROM reference r WHERE rule = :rule AND seq <= :upto AND (seq, name) > (:seq, :name)
    ORDER BY seq, name LIMIT :page
"""
_BESIDE = (
    """CREATE TEMP TABLE IF NOT EXISTS fresh (
        name TEXT NOT NULL, rule TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (name, rule))""",
    "CREATE INDEX IF NOT EXISTS temp.fresh_rule_seq ON fresh (rule, seq)",
    """CREATE TEMP VIEW IF NOT EXISTS reference AS
        SELECT name, rule, seq FROM main.reference r
        WHERE NOT EXISTS (SELECT 1 FROM fresh f WHERE f.name = r.name AND f.rule = r.rule)
        UNION ALL SELECT name, rule, seq FROM fresh""",
)
