"""Blackouts are told with the event that first has them, and one that had begun by then is marked; none is a proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from canary.audit.verifier import tlog, verify
from canary.audit.verifier.blackouts import blackouts
from canary.audit.verifier.findings import Findings
from canary.audit.verifier.log import Event, Log
from canary.audit.verifier.period import Period
from canary.audit.verifier.verdict import page


def at(hour: float) -> datetime:
    """An hour of a day in March."""
    return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)


PERIOD = Period(at(0), at(24), 0, 100)


def item(start: float, end: float, **other: Any) -> dict[str, Any]:
    """A blackout as events have it."""
    window = {"from": f"{at(start):%Y-%m-%dT%H:%M:%S.%fZ}", "until": f"{at(end):%Y-%m-%dT%H:%M:%S.%fZ}"}
    return window | {"channels": ["alias"], "reason": "move", "approved_by": "J. Doe"} | other


def log_of(*told: tuple[int, float, int, list[Any]], scheduled: bool = True) -> Log:
    """A log with these configurations: number, hour, number of the one before, blackouts."""
    events = {
        seq: Event(seq, at(hour), "configured", {"scheduled": scheduled, "part": 1, "parts": 1, "previous": before,
                                                 "blackouts": items}, None)
        for seq, hour, before, items in told
    }  # fmt: skip
    return Log(tlog.Head("ca.test", 100, b"r" * 32, tlog.Note("", ()), b""), events=events)


def told(log: Log) -> tuple[list[dict[str, Any]], str]:
    """What is found, and the page of it on one line."""
    findings = Findings()
    findings.row(verify.BUNDLE).checked = 1
    findings.facts["blackouts"] = blackouts(log, PERIOD)
    return findings.facts["blackouts"], " ".join(page(findings).split())


def test_one_that_was_told_before_it_began() -> None:
    [fact], words = told(log_of((5, 1, 0, [item(10, 12)]), (9, 20, 5, [item(10, 12)])))
    assert (fact["event"], fact["begun"], fact["missing"]) == (5, False, False)
    assert "alias: 2026-03-02T10:00:00.000000Z to 2026-03-02T12:00:00.000000Z, approved by J. Doe: move" in words
    assert "event 5 tells of it at 2026-03-02T01:00:00+00:00, before it began" in words
    assert "AFTER" not in words


def test_one_that_had_begun_and_what_was_in_force_before_has_it_not() -> None:
    [fact], words = told(log_of((5, 1, 0, []), (9, 13, 5, [item(10, 12)])))
    assert (fact["event"], fact["begun"], fact["missing"]) == (9, True, False)
    assert "AFTER IT BEGAN, and what was in force before has it not" in words


def test_one_that_had_begun_as_far_as_the_bundle_shows() -> None:
    [fact], words = told(log_of((9, 13, 5, [item(10, 12)])))
    assert (fact["begun"], fact["missing"]) == (True, True)
    assert "AFTER IT BEGAN, unless event 5 has it too: ask for that" in words


def test_one_that_was_lengthened_is_another_one() -> None:
    first, second = blackouts(log_of((5, 1, 0, [item(10, 12)]), (9, 13, 5, [item(10, 16)])), PERIOD)
    assert (first["event"], first["begun"], second["event"], second["begun"]) == (5, False, 9, True)


@pytest.mark.parametrize(
    "items",
    [
        [item(30, 40)],  # of another time
        [item(12, 10)],
        [item(10, 12) | {"from": "yesterday"}],
        [item(10, 12, channels="alias")],
        [item(10, 12, approved_by=None)],
        [{}],
        ["x", 7, None],
    ],
)
def test_what_is_none_is_left_out(items: list[Any]) -> None:
    assert blackouts(log_of((5, 1, 0, items)), PERIOD) == []


def test_whoever_probes_by_hand_puts_nothing_on_record() -> None:
    assert blackouts(log_of((5, 1, 0, [item(10, 12)]), scheduled=False), PERIOD) == []
