"""What a prober does is accounted for turn by turn; what is left out of the log by its operator is not."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from prober.simulated import Simulated

from canary.ledger import EventKind
from canary.ledger import events as record
from canary.prober.gate import clear_stop, stop_all

TURN = 600.0
"""Seconds of an interval; what happens takes so many turns."""


def became(canary: Simulated) -> tuple[Counter[str], int, int]:
    """Turns that were held, by reason, that are unaccounted for, and that were taken, now."""
    totals, held = canary.ledger.state.totals, Counter[str]()
    now = canary.clock.now().timestamp()
    dues = [known.due.until(now, totals.down_since) for known in totals.channels.values()]
    for due in dues:
        held.update(due.held)
    return held, sum(due.unaccounted for due in dues), sum(known.turns for known in totals.channels.values())


def due(channels: int, turns: float) -> Any:
    """How many turns there are, give or take what the schedule varies and where it begins and ends."""
    return pytest.approx(channels * turns, abs=channels * 1.5)


def test_a_day_of_probing_and_a_restart_leave_nothing_open(simulated: Simulated) -> None:
    async def half(canary: Simulated) -> None:
        await canary.clock.sleep(35 * TURN)
        held, unaccounted, taken = became(canary)
        assert unaccounted == 0
        assert set(held) <= {"not_running"}
        assert taken + held.total() == due(3, canary.clock.monotonic() / TURN)

    config = simulated.config(3, interval="10m")
    simulated.live(half, config)
    simulated.clock.advance(20.0)
    simulated.live(half, config)


def test_what_holds_turns_is_told_turn_by_turn(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        state = canary.prober.config.state
        await canary.clock.sleep(10 * TURN)
        stop_all(state, "an exercise")
        await canary.clock.sleep(12 * TURN)
        clear_stop(state)
        await canary.clock.sleep(5 * TURN)
        canary.ledger.append(record.paused(canary.clock.now(), ["channel-0"], "they move", "j.doe"))
        await canary.clock.sleep(24 * TURN)
        canary.ledger.append(record.resumed(canary.clock.now(), ["channel-0"], "j.doe"))
        await canary.clock.sleep(5 * TURN)

    async def later(canary: Simulated) -> None:
        await canary.clock.sleep(5 * TURN)
        held, unaccounted, taken = became(canary)
        assert unaccounted == 0
        assert held["stopped"] == due(4, 12)
        assert held["paused"] == due(1, 24)
        assert held["not_running"] == due(4, 9)
        assert taken + held.total() == due(4, 70)

    config = simulated.config(4, interval="10m")
    simulated.live(story, config)
    simulated.clock.advance(9 * TURN)
    simulated.live(later, config)


def test_what_was_missed_by_a_crash_is_unaccounted_for(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        await canary.clock.sleep(10 * TURN)

    async def later(canary: Simulated) -> None:
        await canary.clock.sleep(5 * TURN)
        held, unaccounted, taken = became(canary)
        assert unaccounted == due(4, 11)
        assert taken + held.total() + unaccounted == due(4, 27)

    config = simulated.config(4, interval="10m")
    simulated.live(story, config, killed=True)
    simulated.clock.advance(12 * TURN)
    simulated.live(later, config)


@pytest.mark.parametrize("channel", ["channel-0", None])
def test_an_operator_who_keeps_probes_out_of_the_log_leaves_a_hole(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, channel: str | None
) -> None:
    """What fails is known before it is signed, and never written: the rest of the log is as if nothing had been."""

    async def story(canary: Simulated) -> None:
        await canary.clock.sleep(10 * TURN)
        take = canary.prober._turns._take

        def nothing_is_recorded(slug: str, now: Any) -> float | None:
            if channel in (slug, None):
                canary.prober._timetable.passed(slug, now)
                return None
            return take(slug, now)

        monkeypatch.setattr(canary.prober._turns, "_take", nothing_is_recorded)
        await canary.clock.sleep(6 * TURN)
        _, during, _ = became(canary)
        await canary.clock.sleep(6 * TURN)
        monkeypatch.setattr(canary.prober._turns, "_take", take)
        await canary.clock.sleep(10 * TURN)
        held, unaccounted, _ = became(canary)
        silent = 1 if channel else 3
        assert not held
        assert during == due(silent, 5)
        assert unaccounted == due(silent, 12)
        assert not canary.events(EventKind.HELD)

    simulated.live(story, simulated.config(3, interval="10m"))


def test_a_ledger_that_cannot_be_written_holds_what_is_due_meanwhile(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    async def story(canary: Simulated) -> None:
        await canary.clock.sleep(10 * TURN)
        with monkeypatch.context() as disk:
            disk.setattr(canary.ledger._writer, "_commit_all", full)
            await canary.clock.sleep(12 * TURN)
        await canary.clock.sleep(10 * TURN)
        held, unaccounted, taken = became(canary)
        assert unaccounted == 0
        assert held["store"] == due(3, 12)
        assert taken + held.total() == due(3, 32)
        spans = [(record.began(e), e.at) for e in canary.events(EventKind.HELD) if e.body["reason"] == "store"]
        assert all(end - begin <= timedelta(seconds=13 * TURN) for begin, end in spans)

    simulated.live(story, simulated.config(3, interval="10m"))
