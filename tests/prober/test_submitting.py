"""Sending: whatever a kind of channel does, the probe is told of, our own fault, and others have their turn."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from typing import Any

import pytest
from builders import START
from prober.simulated import Simulated

from canary.ledger import EventKind
from canary.model import Component, DeadlineResult, Outcome, Outgoing, Report, Submission
from canary.prober.gate import stop_all


class MuteError(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("nothing to say")


async def hangs(*_: Any, **__: Any) -> Submission:
    await asyncio.Event().wait()
    raise AssertionError


async def holds_on(*_: Any, **__: Any) -> Submission:
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)


async def cancels_itself(*_: Any, **__: Any) -> Submission:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(1)
    raise AssertionError


def not_async(*_: Any, **__: Any) -> Any:
    raise SystemExit(3)


def raises(error: BaseException) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def submit(*_: Any, **__: Any) -> Submission:
        raise error

    return submit


def gives(answer: Any) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def submit(*_: Any, **__: Any) -> Any:
        return answer

    return submit


def odd(**more: Any) -> Submission:
    return Submission(**({"at": START, "accepted": True, "seconds": 1.0} | more))


MISDEEDS: dict[str, Callable[..., Any]] = {
    "raises": raises(RuntimeError("the socket of the driver is gone")),
    "exits": raises(SystemExit(3)),
    "interrupts": raises(KeyboardInterrupt()),
    "cancelled": raises(asyncio.CancelledError()),
    "cancels itself": cancels_itself,
    "group": raises(BaseExceptionGroup("many", [SystemExit(1), ValueError("x")])),
    "own kind": raises(type("Odd", (BaseException,), {})("odd")),
    "mute": raises(MuteError()),
    "surrogates": raises(ValueError("\ud800" * 10)),
    "endless words": raises(ValueError("x" * 100_000)),
    "hangs": hangs,
    "holds on": holds_on,
    "exits at once": not_async,
    "garbage": gives({"accepted": True}),
    "nothing": gives(None),
    "not a number": gives(odd(seconds=float("nan"))),
    "no words": gives(odd(reason=b"bytes")),
    "no artefact": gives(odd(artefacts=(("page", "text"),))),
    "endless steps": gives(odd(steps=tuple(("step", 1.0) for _ in range(10_000)))),
    "object": gives(odd(reason=object())),
    "no troubles": gives(odd(troubles=(("browser", "reason"),))),
}


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_a_submission_that_does_not_end_as_it_must(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, misdeed: str
) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.FINISHED)) >= 2, every=60)
        scheduled = [event.probe for event in canary.events(EventKind.SCHEDULED)][:2]
        submitted = {e.probe: (e.body["accepted"], e.body["failure"], e.body["uncertain"]) for e in ends(canary)}
        assert {submitted[probe] for probe in scheduled} == {(False, "ours", True)}
        assert {e.body["reason"].startswith("our own fault: ") for e in ends(canary)} == {True}
        assert {e.body["outcome"] for e in canary.events(EventKind.DEADLINE)} == {Outcome.INDETERMINATE}
        assert {e.body["result"] for e in canary.events(EventKind.DEADLINE)} == {DeadlineResult.INDETERMINATE}

    def ends(canary: Simulated) -> Any:
        return canary.events(EventKind.SUBMITTED)

    monkeypatch.setattr(simulated.kinds.MemoryChannel, "submit", MISDEEDS[misdeed])
    simulated.live(story, simulated.config(give_up="20m"))


def test_what_went_wrong_besides_is_a_trouble_and_the_report_is_sent_all_the_same(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: bool(canary.events(EventKind.TROUBLE)), every=60)
        told = canary.events(EventKind.TROUBLE)[0].body
        assert told == {"component": "browser", "reason": "kept_from_sending", "detail": "POST to a stranger"}
        assert canary.events(EventKind.SUBMITTED)[0].body["accepted"] is True
        assert "troubles" not in canary.events(EventKind.SUBMITTED)[0].body

    besides = odd(troubles=((Component.BROWSER, "kept_from_sending", "POST to a stranger"),))
    monkeypatch.setattr(simulated.kinds.MemoryChannel, "submit", gives(besides))
    simulated.live(story, simulated.config(give_up="20m"))


def test_how_a_form_looks_is_recorded_when_it_changes_and_drift_is_a_trouble_after_a_restart_too(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def another(canary: Simulated) -> None:
        before = len(canary.events(EventKind.SUBMITTED))
        await canary.until(lambda: len(canary.events(EventKind.SUBMITTED)) >= before + 2)
        told[:] = [event.body for event in canary.events(EventKind.SUBMITTED, EventKind.TROUBLE)]

    told: list[Any] = []

    def lives(seen: dict[str, str]) -> tuple[list[Any], list[str]]:
        monkeypatch.setattr(simulated.kinds.MemoryChannel, "seen", seen, raising=False)
        simulated.live(another)
        forms = [body["form"] for body in told if "form" in body]
        return forms, [body["detail"] for body in told if body.get("reason") == "form_changed"]

    first = {"field 'Serial'": "text", "key": "aa"}
    assert lives(first) == ([first], [])
    other = first | {"field 'Serial'": "text, required"}
    forms, troubles = lives(other)
    assert forms == [first, other]
    (trouble,) = troubles
    assert trouble.endswith("has changed: field 'Serial': got 'text, required', was 'text'")


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError(), KeyboardInterrupt(), MuteError()], ids=repr)
@pytest.mark.parametrize("method", ["__init__", "prepare"])
def test_what_cannot_be_made_ready_is_a_failed_submission(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, method: str, error: BaseException
) -> None:
    def broken(*_: Any) -> Any:
        raise error

    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.FINISHED)) >= 2)
        submitted = {(e.body["failure"], e.body["uncertain"]) for e in canary.events(EventKind.SUBMITTED)}
        assert submitted == {("ours", False)}
        assert canary.prober.starting == set()

    monkeypatch.setattr(simulated.kinds.MemoryChannel, method, broken)
    simulated.live(story, simulated.config(2))


@pytest.mark.parametrize("misdeed", ["raises", "exits", "cancelled", "mute", "hangs", "holds on", "exits at once"])
def test_a_look_that_does_not_end_as_it_must_is_our_own_fault(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, misdeed: str
) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.CHECKED)) >= 2, every=60)
        assert {e.body["outcome"] for e in canary.events(EventKind.CHECKED)} == {Outcome.INDETERMINATE}

    monkeypatch.setattr(simulated.kinds.MemoryChannel, "check", MISDEEDS[misdeed])
    monkeypatch.setattr(simulated.kinds.MemoryChannel, "close", MISDEEDS[misdeed])
    simulated.live(story, simulated.config(reachability_only=True, serial="00c0ffee00c0ffee"))
    assert simulated.kinds.MemoryChannel.close is MISDEEDS[misdeed]


def test_settings_that_raise_take_no_other_channels_turn(simulated: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    owed = simulated.kinds.MemorySettings.owed

    def picky(self: Any) -> Any:
        if self.entrance == "channel-0" and simulated.clock.monotonic() > 0.5:
            raise SystemExit(3)
        return owed(self)

    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.FINISHED)) >= 4, every=60)
        assert {e.body["channel"] for e in canary.events(EventKind.SCHEDULED)} == {"channel-1", "channel-2"}
        [told, *_] = canary.events(EventKind.TROUBLE)
        assert told.body["detail"] == "channel channel-0 could not be probed: BrokenError: it ended by SystemExit: 3"

    config = simulated.config(3)
    monkeypatch.setattr(simulated.kinds.MemorySettings, "owed", picky)
    simulated.live(story, config)


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
