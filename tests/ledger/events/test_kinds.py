"""What follows from a kind of event stands on it, and the database keeps to it."""

from __future__ import annotations

import sqlite3
from contextlib import nullcontext
from pathlib import Path

import pytest
from builders import START, after

from canary.ledger import Event, EventKind, Ledger
from canary.ledger.retention import Rule
from canary.ledger.version import FILE

OF_PROBE, LASTING, BY_COMMAND, ABOUT_LOG = "of_probe", "lasting", "by_command", "about_log"
FACTS = {
    EventKind.SCHEDULED: {OF_PROBE},
    EventKind.SUBMITTING: {OF_PROBE},
    EventKind.SUBMITTED: {OF_PROBE},
    EventKind.SIGHTING: {OF_PROBE},
    EventKind.FLOOD: {OF_PROBE},
    EventKind.DEADLINE: {OF_PROBE},
    EventKind.CONFIRM: {OF_PROBE},
    EventKind.FINISHED: {OF_PROBE},
    EventKind.STARTED: {LASTING},
    EventKind.STOPPED: {LASTING},
    EventKind.CONFIGURED: {LASTING},
    EventKind.RELOADED: set(),
    EventKind.HELD: {LASTING},
    EventKind.RELEASED: {LASTING},
    EventKind.CHECKED: set(),
    EventKind.TROUBLE: set(),
    EventKind.CLOCK: set(),
    EventKind.CLOCK_STEPPED: {LASTING},
    EventKind.PAUSED: {LASTING, BY_COMMAND},
    EventKind.RESUMED: {LASTING, BY_COMMAND},
    EventKind.STOPPED_ALL: {LASTING, BY_COMMAND},
    EventKind.CLEARED: {LASTING, BY_COMMAND},
    EventKind.SILENCED: {LASTING, BY_COMMAND},
    EventKind.ANNOTATED: {LASTING, BY_COMMAND},
    EventKind.FORGOTTEN: {LASTING, BY_COMMAND},
    EventKind.CHECKPOINT: {LASTING, BY_COMMAND, ABOUT_LOG},
    EventKind.TIMESTAMPED: {LASTING, BY_COMMAND, ABOUT_LOG},
    EventKind.COSIGNED: {LASTING, BY_COMMAND, ABOUT_LOG},
    EventKind.KEY_ROTATED: {LASTING, BY_COMMAND},
}


@pytest.mark.parametrize("kind", EventKind)
def test_the_facts_of_a_kind(kind: EventKind) -> None:
    assert kind in FACTS, f"{kind!r} is new: say here what follows from it, and in canary/ledger/events/kinds.py"
    assert {fact for fact in (OF_PROBE, LASTING, BY_COMMAND, ABOUT_LOG) if getattr(kind, fact)} == FACTS[kind]


def test_the_database_lets_only_events_be_emptied_whose_kind_is_not_lasting(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, inline=True)
    bodies = {
        EventKind.CHECKED: {"channel": "form", "kind": "web_form", "queue": "q", "outcome": "arrived", "detail": ""},
        EventKind.TROUBLE: {"component": "imap", "reason": "login", "detail": "no"},
    }
    kept = [*bodies, EventKind.STARTED, EventKind.STOPPED]
    ledger.append(*(Event(kind, START, bodies.get(kind, {"run": "r", "scheduled": True})) for kind in kept)).result()
    ledger.append(Event(EventKind.FORGOTTEN, after(1), {"rule": Rule.EVENTS.value, "last": len(kept)})).result()
    for seq, kind in enumerate(kept, 1):
        with (
            nullcontext() if not kind.lasting else pytest.raises(sqlite3.IntegrityError, match="append-only"),
            sqlite3.connect(tmp_path / FILE) as connection,
        ):
            connection.execute("UPDATE event SET body = x'' WHERE seq = ?", (seq,))
    left = [event.kind for event in ledger.events()]
    assert left == [EventKind.STARTED, EventKind.STOPPED, EventKind.FORGOTTEN]
    ledger.close()
