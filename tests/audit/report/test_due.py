"""What was due in a period, from the tables that were kept at the checkpoints around it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from evidence.logging_keys import START, Desk

from canary.audit.period import Period
from canary.audit.report.due import DueLine, DueTurns, due
from canary.ledger import Event, EventKind
from canary.ledger.events import Hold, held


def test_a_hole_of_a_day_is_unaccounted_for_and_a_pause_is_held(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    channels = {slug: {"kind": "email", "arrives_in": ["cpr"], "interval": 3600.0} for slug in ("a", "b")}
    body = {"part": 1, "parts": 1, "scheduled": True, "channels": channels}
    desk.ledger.append(Event(EventKind.CONFIGURED, START, body)).result()
    desk.ledger.append(held(START + timedelta(hours=1), "a", Hold.PAUSED, "they move")).result()
    desk.log.advance()
    for _ in range(2):
        desk.later(hours=24)
        desk.add(1)
        desk.log.advance()
    day = (START + timedelta(days=1)).date()
    told = due(desk.ledger, Period(day, day), desk.clock.now())
    first, second = told.lines
    assert (first.channel, first.taken, first.unaccounted, second.held) == ("a", 0, 0, {})
    assert first.held == {"paused": first.due}
    assert second == DueLine("b", second.due, 0, {}, second.due)
    assert 23 <= second.due <= 48
    assert (told.whole.due, told.whole.held) == (first.due + second.due, first.held)
    assert due(desk.ledger, Period(date(2020, 1, 1), date(2020, 1, 1)), desk.clock.now()) == DueTurns()
    desk.ledger.close()
