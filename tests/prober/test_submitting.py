"""Sending: whatever a kind of channel does, the probe is told of, our own fault, and others have their turn."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Any

import pytest
from prober.simulated import Simulated

from canary.ledger import EventKind
from canary.model import DeadlineResult, Outcome, Outgoing, Report, Submission
from canary.prober.gate import stop_all


async def raises(*_: Any, **__: Any) -> Submission:
    raise RuntimeError("the socket of the driver is gone")


async def hangs(*_: Any, **__: Any) -> Submission:
    await asyncio.Event().wait()
    raise AssertionError


async def garbage(*_: Any, **__: Any) -> Any:
    return {"accepted": True}


@pytest.mark.parametrize("submit", [raises, hangs, garbage])
def test_a_submission_that_does_not_end_as_it_must(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, submit: Callable[..., Coroutine[Any, Any, Any]]
) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.FINISHED)) >= 2, every=60)
        assert len(canary.events(EventKind.SCHEDULED)) >= 2
        assert {e.body["outcome"] for e in canary.events(EventKind.DEADLINE)} == {Outcome.INDETERMINATE}
        assert {e.body["result"] for e in canary.events(EventKind.DEADLINE)} == {DeadlineResult.INDETERMINATE}
        submitted = {(e.body["accepted"], e.body["failure"], e.body["uncertain"]) for e in ends(canary)}
        assert submitted == (set() if submit is hangs else {(False, "ours", True)})

    def ends(canary: Simulated) -> Any:
        return canary.events(EventKind.SUBMITTED)

    monkeypatch.setattr(simulated.kinds.MemoryChannel, "submit", submit)
    simulated.live(story, simulated.config(give_up="20m"))


def test_what_cannot_be_prepared_is_told_and_the_next_pair_has_its_turn(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = simulated.kinds.MemoryChannel.prepare

    def picky(self: Any, report: Report) -> Outgoing:
        if self.sender == "ann":
            raise ValueError("a name that cannot be a header")
        made: Outgoing = prepare(self, report)
        return made

    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.FINISHED)) >= 8, every=60)
        sent = {e.probe: e.body["sender"] for e in canary.events(EventKind.SCHEDULED)}
        outcomes = {(sent[e.probe], e.body["outcome"]) for e in canary.events(EventKind.FINISHED)}
        assert outcomes == {("ann", Outcome.INDETERMINATE), ("ben", Outcome.ARRIVED)}
        assert {sent[e.probe] for e in canary.events(EventKind.SUBMITTING)} == {"ben"}
        assert canary.prober.starting == set()

    opened = simulated.kinds.MemoryChannel.__init__

    def init(self: Any, settings: Any, sender: Any, resources: Any) -> None:
        opened(self, settings, sender, resources)
        self.sender = sender.slug

    monkeypatch.setattr(simulated.kinds.MemoryChannel, "__init__", init)
    monkeypatch.setattr(simulated.kinds.MemoryChannel, "prepare", picky)
    simulated.live(story, simulated.config(interval="20m", max_per_hour=6))


def test_the_kill_switch_holds_what_has_waited_since_it_was_looked_at(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = simulated.kinds.MemoryChannel.prepare

    def slow(self: Any, report: Report) -> Outgoing:
        stop_all(simulated.prober.config.state, "enough")
        simulated.clock.advance(5)
        made: Outgoing = prepare(self, report)
        return made

    async def story(canary: Simulated) -> None:
        await canary.until(lambda: canary.events(EventKind.FINISHED))
        [submitted] = canary.events(EventKind.SUBMITTED)
        assert submitted.body["reason"] == "everything was stopped before it was sent: enough"
        assert canary.events(EventKind.FINISHED)[0].body["outcome"] == Outcome.INDETERMINATE
        assert canary.ca.sorted == {}

    monkeypatch.setattr(simulated.kinds.MemoryChannel, "prepare", slow)
    simulated.live(story)


def test_a_confirmation_goes_on_without_a_sender_who_is_gone(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        [first] = await canary.until(lambda: canary.events(EventKind.SCHEDULED))
        other = "ben" if first.body["sender"] == "ann" else "ann"
        await canary.prober.reload(lambda: canary.config(senders=[other]))
        await canary.until(lambda: any(e.body["confirms"] for e in canary.events(EventKind.SCHEDULED)), every=60)
        assert canary.events(EventKind.SCHEDULED)[-1].body["sender"] == other

    simulated.ca.lost.add("channel-0")
    simulated.live(story)


def test_a_confirmation_that_could_not_be_recorded_is_sent_when_it_can_be(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: canary.events(EventKind.CONFIRM), every=60)
        with closing(sqlite3.connect(canary.ledger.folder / "ledger.sqlite", isolation_level=None)) as other:
            other.execute(
                "CREATE TRIGGER full BEFORE INSERT ON event WHEN NEW.kind = 'scheduled'"
                " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
            await canary.until(lambda: canary.ledger.not_written)
            other.execute("DROP TRIGGER full")
        await canary.until(lambda: any(e.body["confirms"] for e in canary.events(EventKind.SCHEDULED)))

    simulated.ca.lost.add("channel-0")
    simulated.live(story, simulated.config(interval="1d"))
