"""Holds: what the prober does not send is told by the ledger, whatever the ledger's own state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import START, after
from ledger.checking import is_whole

from canary.ledger import EventKind, Ledger
from canary.ledger.events import Hold, began
from canary.prober.holds import Holds
from canary.silence import Obstacle, WantedSilence

PAUSED, DARK = Obstacle(Hold.PAUSED, "paused: maintenance"), Obstacle(Hold.BLACKOUT, "blackout until later")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path, inline=True)
    yield opened
    is_whole(opened)
    opened.close()


def told(ledger: Ledger) -> list[tuple[str, str, str]]:
    ledger.refresh()
    return [(event.kind.value, event.body["channel"], event.body["reason"]) for event in ledger.events()]


def test_a_hold_from_its_first_turn_to_the_turn_that_is_sent(ledger: Ledger) -> None:
    holds = Holds(ledger)
    for turn in range(4):
        holds.hold("alias", PAUSED, after(turn * 600))
    ledger.refresh()
    holds.release("alias", after(2400))
    holds.release("alias", after(3000))
    assert told(ledger) == [("held", "alias", "paused"), ("released", "alias", "paused")]


def test_a_hold_whose_reason_changes(ledger: Ledger) -> None:
    holds = Holds(ledger)
    holds.hold("alias", PAUSED, START)
    ledger.refresh()
    holds.hold("alias", DARK, after(600))
    assert told(ledger) == [("held", "alias", "paused"), ("released", "alias", "paused"), ("held", "alias", "blackout")]


def test_holds_on_purpose_end_with_what_somebody_wanted_and_no_others(ledger: Ledger) -> None:
    """Whatever the interval: the next turn may be a day away."""
    holds = Holds(ledger)
    for slug, obstacle in {"alias": PAUSED, "form": PAUSED, "phone": DARK, "busy": Obstacle(Hold.CAP, "cap")}.items():
        holds.hold(slug, obstacle, START)
    ledger.refresh()
    begun = len(told(ledger))
    for at, paused in enumerate(
        ({"alias": "x", "form": "x"}, {"alias": "x", "form": "x"}, {"form": "x"}, {"*": "y"}, {})
    ):
        holds.silence(WantedSilence(None, paused, ()), after(at))
        ledger.refresh()
    assert told(ledger)[begun:] == [
        ("released", "phone", "blackout"), ("released", "alias", "paused"), ("released", "form", "paused"),
    ]  # fmt: skip
    assert ledger.state.totals.held == {"busy": "cap"}


def test_a_channel_that_is_gone_is_not_held_any_more(ledger: Ledger) -> None:
    holds = Holds(ledger)
    holds.hold("alias", PAUSED, START)
    holds.hold("form", PAUSED, START)
    ledger.refresh()
    holds.keep_only(["form"], after(10))
    assert told(ledger)[2:] == [("released", "alias", "paused")]
    assert ledger.state.totals.held == {"form": "paused"}


def test_the_kill_switch_is_seen_thrown_and_reset(ledger: Ledger) -> None:
    holds = Holds(ledger)
    for at, reason in enumerate([None, "enough", "enough", None, None, "again"]):
        holds.kill_switch(reason, after(at))
        ledger.refresh()
    kinds = [event.kind for event in ledger.events()]
    assert kinds == [EventKind.STOPPED_ALL, EventKind.CLEARED, EventKind.STOPPED_ALL]
    assert ledger.state.totals.stopped == "again"


def test_what_could_not_be_recorded_is_told_afterwards_from_the_first_on(ledger: Ledger) -> None:
    holds = Holds(ledger)
    holds.recorded("alias", START)  # nothing to tell
    for turn in range(3):
        holds.not_recorded("alias", after(turn * 600))
    holds.recorded("alias", after(1800))
    assert told(ledger) == [("held", "alias", "store"), ("released", "alias", "store")]
    first, last = ledger.events()
    assert (began(first), last.at) == (START, after(1800))


def test_a_loop_that_stood_still_is_told_for_every_channel(ledger: Ledger) -> None:
    Holds(ledger).stalled(START, after(90))
    assert told(ledger) == [("held", "*", "stalled"), ("released", "*", "stalled")]
    first, _ = ledger.events()
    assert (began(first), first.body["detail"]) == (START, "the main loop stood still for 90 s")


def test_a_ledger_that_could_not_be_used_is_told_for_every_channel_once_it_can(ledger: Ledger) -> None:
    holds = Holds(ledger)
    for at, usable in enumerate([True, False, False, True, True]):
        holds.ledger_usable(usable, after(at * 10))
    assert told(ledger) == [("held", "*", "store"), ("released", "*", "store")]
    first, last = ledger.events()
    assert (began(first), last.at) == (after(10), after(30))
