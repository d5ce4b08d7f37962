"""What comes back to senders, as who waits for it gets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from channels.hurried_clock import BEGIN, HurriedClock

from canary.budgets import OPT_IN_LETTERS
from canary.model import Component, OwnFaultError
from canary.prober.letters import LettersOfProbes

START = datetime.fromtimestamp(BEGIN, UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def test_a_mail_is_given_to_who_waits_for_its_probe_alone() -> None:
    letters = LettersOfProbes(HurriedClock(), lambda _: "mine", {"mine": at(0)})
    with letters.awaited("a") as one, letters.awaited("b") as other:
        letters.hand_on([("a", b"1"), ("c", b"2"), ("a", b"3")])
        assert [await one.next(at(0)), await one.next(at(0)), await one.next(at(0))] == [b"1", b"3", None]
        assert await other.next(at(0)) is None
    letters.hand_on([("a", b"4")])
    with letters.awaited("a") as one:
        assert await one.next(at(0)) is None


async def test_that_none_came_is_told_once_the_mailbox_was_read_after_the_time() -> None:
    clock, read = HurriedClock(), {"mine": at(0)}
    letters = LettersOfProbes(clock, lambda _: "mine", read)
    with letters.awaited("a") as one:
        with pytest.raises(OwnFaultError, match="last read at 2026-03-01 12:00:00 UTC") as raised:
            await one.next(at(30))
        assert (raised.value.component, raised.value.reason) == (Component.IMAP, "unread")
        assert 150 <= clock.passed < 152, "two minutes more than it had: that is how long it may take to be read again"
        read["mine"] = at(30)
        assert await one.next(at(30)) is None


@pytest.mark.parametrize("mailbox", [None, "unknown"])
async def test_a_mailbox_that_was_never_read_shows_nothing(mailbox: str | None) -> None:
    letters = LettersOfProbes(HurriedClock(), lambda _: mailbox, {})
    with letters.awaited("a") as one, pytest.raises(OwnFaultError, match="last read never"):
        await one.next(at(1))


async def test_no_more_mails_are_kept_than_a_few() -> None:
    letters = LettersOfProbes(HurriedClock(), lambda _: "mine", {"mine": at(0)})
    with letters.awaited("a") as one:
        letters.hand_on([("a", b"x")] * 1000)
        number = 0
        while await one.next(at(0)) is not None:
            number += 1
    assert number == OPT_IN_LETTERS.number == 20
