"""Every row of the page of whose fault what is, in its section about the canary: lived through, on simulated time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from builders import DEADLINE, START, a_probe
from docs.fault_table import Row, sections
from judging import verdict
from prober.simulated import Simulated

from canary.ledger import EventKind
from canary.model import Case
from canary.prober import judging

Told = tuple[str, str]
"""An outcome, and a name under which a fault of ours was counted."""


async def ended(canary: Simulated) -> Told:
    """The outcome of the first probe, and what was counted meanwhile."""
    [first, *_] = await canary.until(lambda: canary.events(EventKind.DEADLINE), every=30)
    return first.body["outcome"], " ".join(canary.ledger.state.totals.errors)


async def unreadable(canary: Simulated, _patch: pytest.MonkeyPatch) -> Told:
    canary.ca.readable = False
    return await ended(canary)


async def unwritable(canary: Simulated, _patch: pytest.MonkeyPatch) -> Told:
    with closing(sqlite3.connect(canary.ledger.folder / "ledger.sqlite", isolation_level=None)) as other:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON event WHEN NEW.kind = 'scheduled'"
            " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        await canary.until(lambda: canary.ledger.not_written, every=30)
        assert (canary.events(EventKind.SUBMITTING), canary.ca.sorted) == ([], {})
        other.execute("DROP TRIGGER full")
    return "", "store/not_written"


async def clock_set(canary: Simulated, _patch: pytest.MonkeyPatch) -> Told:
    await canary.until(lambda: canary.events(EventKind.SUBMITTED))
    canary.clock.set_wall(timedelta(hours=3))
    return await ended(canary)


async def while_submitting(_canary: Simulated, _patch: pytest.MonkeyPatch) -> Told:
    return verdict(Case(a_probe(), START, "<report@probe.example>"), DEADLINE + 60).outcome or "", ""


async def before_sending(_canary: Simulated, _patch: pytest.MonkeyPatch) -> Told:
    return verdict(Case(a_probe())).outcome or "", ""


async def submitting_fails(canary: Simulated, patch: pytest.MonkeyPatch) -> Told:
    async def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a channel that nobody thought of")

    patch.setattr(canary.kinds.MemoryChannel, "submit", fails)
    return await ended(canary)


async def judging_fails(canary: Simulated, patch: pytest.MonkeyPatch) -> Told:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("a verdict that nobody thought of")

    patch.setattr(judging, "step", fails)
    return await ended(canary)


CHECKS: dict[str, Any] = {
    "queue: cannot be read": unreadable,
    "ledger: cannot be written: nothing is sent": unwritable,
    "clock: is set while a probe is on its way": clock_set,
    "process: killed in the middle of submitting": while_submitting,
    "process: killed before it was sent": before_sending,
    "our code: fails while it submits": submitting_fails,
    "our code: fails while it judges": judging_fails,
}


@pytest.mark.parametrize("row", sections()["The canary itself"], ids=str)
def test_each_row_is_so(row: Row, simulated: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(canary: Simulated) -> None:
        outcome, told = await CHECKS[str(row)](canary, monkeypatch)
        assert outcome == row.outcome
        assert row.told_as in told

    simulated.live(story, simulated.config(give_up="20m"))


def test_no_check_is_without_a_row() -> None:
    assert CHECKS.keys() == {str(row) for row in sections()["The canary itself"]}
