"""How soon a channel that is probed every four hours is known to be good or bad, once a report has failed."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from prober.simulated import Simulated

from canary.channels import UnusableError
from canary.config import Config
from canary.ledger import EventKind
from canary.model import Component, Failure, Outgoing, Submission

CHANNEL = "channel-0"
DEADLINE, CONFIRM_AFTER = timedelta(minutes=15), timedelta(minutes=1)
POLL = timedelta(minutes=5)
"""How seldom the queues of the CA in memory are read: by so much later is a report known to be missing."""
A_ROUND = timedelta(seconds=15)
"""A probe takes seconds to be sent, and a round comes every second."""


def seldom(simulated: Simulated, **more: Any) -> Config:
    return simulated.config(interval="4h", **more).model_copy(update={"confirm_after": CONFIRM_AFTER.total_seconds()})


def failing(canary: Simulated) -> int:
    totals = canary.ledger.state.totals.channels.get(CHANNEL)
    return len(totals.failing) if totals else 0


def refusing(simulated: Simulated, monkeypatch: pytest.MonkeyPatch, *answers: Failure | None) -> None:
    """The form answers so, one report after the other; takes it (None) and loses it; the last answer holds."""
    left = list(answers)

    async def submit(_: object, outgoing: Outgoing, *, within: float) -> Submission:
        answer = left.pop(0) if len(left) > 1 else left[0]
        ours = answer is Failure.OURS
        return Submission(
            simulated.clock.now(), answer is None, 1.0, failure=answer, reason="500",
            component=Component.SMTP if ours else None, own_reason="unreachable" if ours else None,
        )  # fmt: skip

    monkeypatch.setattr(simulated.kinds.MemoryChannel, "submit", submit)


async def known_bad(canary: Simulated) -> timedelta:
    """How long after the first probe was sent a second one has failed as well."""
    await canary.until(lambda: failing(canary) == 2)
    first = canary.events(EventKind.SCHEDULED)[0]
    return canary.clock.now() - first.at


def test_what_shows_itself_is_confirmed_within_little_more_than_the_minute(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(canary: Simulated) -> None:
        assert await known_bad(canary) < CONFIRM_AFTER + A_ROUND
        assert len(canary.events(EventKind.SCHEDULED)) == 2

    refusing(simulated, monkeypatch, Failure.FORM_ERROR)
    simulated.live(story, seldom(simulated))


def test_silence_is_confirmed_after_two_deadlines_and_the_minute(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        took = await known_bad(canary)
        assert 2 * DEADLINE < took < 2 * (DEADLINE + POLL + A_ROUND) + CONFIRM_AFTER
        assert len(canary.events(EventKind.SCHEDULED)) == 2

    simulated.ca.lost.add(CHANNEL)
    simulated.live(story, seldom(simulated))


def test_one_failure_is_made_up_for_by_its_confirmation(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: failing(canary) == 1)
        canary.ca.lost.clear()
        await canary.until(lambda: failing(canary) == 0)
        [first, second] = canary.events(EventKind.SCHEDULED)
        assert second.body["confirms"] == first.probe
        await canary.clock.sleep(7200)
        assert len(canary.events(EventKind.SCHEDULED)) == 2, "it is known to be good: back to four hours"

    simulated.ca.lost.add(CHANNEL)
    simulated.live(story, seldom(simulated))


def test_a_confirmation_that_is_our_own_fault_has_another_follow_until_it_is_known(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(canary: Simulated) -> None:
        took = await known_bad(canary)
        assert took < CONFIRM_AFTER + 2 * (DEADLINE + A_ROUND)
        first, *others = canary.events(EventKind.SCHEDULED)
        assert [event.body["confirms"] for event in others] == [first.probe] * 3
        assert all(later.at - sooner.at >= DEADLINE for sooner, later in pairwise(others)), "no storm of them"
        await canary.clock.sleep(7200)
        assert len(canary.events(EventKind.SCHEDULED)) == 4, "it is known to be bad: back to four hours"

    ours = Failure.OURS
    refusing(simulated, monkeypatch, Failure.FORM_ERROR, ours, ours, Failure.FORM_ERROR)
    simulated.live(story, seldom(simulated))


def test_our_own_fault_alone_makes_nothing_sooner(simulated: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(canary: Simulated) -> None:
        await canary.clock.sleep(7200)
        assert len(canary.events(EventKind.SCHEDULED)) == 1
        assert failing(canary) == 0

    refusing(simulated, monkeypatch, Failure.OURS)
    simulated.live(story, seldom(simulated))


def test_a_look_that_fails_is_made_again_as_soon(simulated: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that revokes by machine is never submitted to."""

    async def broken(_: object) -> str:
        raise UnusableError("the page has no form")

    async def story(canary: Simulated) -> None:
        await canary.until(lambda: failing(canary) == 2)
        [first, second] = canary.events(EventKind.CHECKED)
        assert second.at - first.at < CONFIRM_AFTER + A_ROUND
        await canary.clock.sleep(7200)
        assert len(canary.events(EventKind.CHECKED)) == 2, "it is known to be bad: back to four hours"

    monkeypatch.setattr(simulated.kinds.MemoryChannel, "check", broken)
    simulated.live(story, seldom(simulated, reachability_only=True, serial="00c0ffee00c0ffee"))
