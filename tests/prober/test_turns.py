"""Whose turn it is: many channels in no burst, whatever held them, and one whose probes stay open holds no other."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from prober.simulated import Simulated

from canary.ledger import EventKind
from canary.prober.gate import clear_stop, stop_all
from canary.prober.schedule import AT_ONCE

MANY = 40


def busiest(canary: Simulated, kind: EventKind = EventKind.SCHEDULED) -> int:
    """How many probes were sent in one second, at most."""
    sent = Counter(int((event.at - canary.start).total_seconds()) for event in canary.events(kind))
    return max(sent.values())


def test_what_the_kill_switch_held_is_sent_in_no_burst(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        stop_all(canary.prober.config.state, "enough")
        await canary.until(lambda: len(canary.events(EventKind.HELD)) == MANY, every=60)
        assert canary.events(EventKind.SCHEDULED) == []
        clear_stop(canary.prober.config.state)
        await canary.until(lambda: len(canary.events(EventKind.SCHEDULED)) == MANY)
        assert busiest(canary) <= 2 * (AT_ONCE + 1)  # a round may come twice within a second of the clock

    simulated.live(story, simulated.config(MANY, interval="10m", deadline="5m"))


def test_what_was_due_while_it_was_frozen_is_sent_in_no_burst(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.SCHEDULED)) == MANY)
        canary.clock.advance(7200)
        await canary.until(lambda: len(canary.events(EventKind.SCHEDULED)) == 2 * MANY)
        assert busiest(canary) <= 2 * (AT_ONCE + 1)

    simulated.live(story, simulated.config(MANY, interval="1h"))


def test_confirmations_that_waited_are_sent_in_no_burst(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.CONFIRM)) == MANY)
        canary.clock.advance(7200)
        await canary.until(lambda: len(canary.events(EventKind.SCHEDULED)) == 2 * MANY)
        assert busiest(canary) <= 2 * (AT_ONCE + 1)

    simulated.ca.lost |= {f"channel-{number}" for number in range(MANY)}
    simulated.live(story, simulated.config(MANY, interval="1d"))


def test_a_channel_that_is_added_is_probed_soon(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.SCHEDULED)) == MANY)
        before = canary.clock.now()
        await canary.prober.reload(lambda: canary.config(MANY + 1))
        await canary.until(lambda: len(canary.events(EventKind.SCHEDULED)) == MANY + 1)
        [*_, newest] = canary.events(EventKind.SCHEDULED)
        assert newest.body["channel"] == f"channel-{MANY}"
        assert newest.at - before < timedelta(seconds=5)

    simulated.live(story, simulated.config(MANY))


def test_probes_that_stay_open_hold_their_own_channel_alone(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        def sent() -> Counter[str]:
            return Counter(str(event.body["channel"]) for event in canary.events(EventKind.SCHEDULED))

        await canary.until(lambda: sent()["channel-1"] >= 30, every=60)
        assert {event.body["channel"] for event in canary.events(EventKind.HELD)} == {"channel-0"}
        assert sent()["channel-0"] < 25 < sent()["channel-2"]

    simulated.ca.lost.add("channel-0")  # what is lost is looked for a day long
    config = simulated.config(3, interval="2m", deadline="1m", give_up="1d", max_per_hour=60)
    simulated.live(story, config.model_copy(update={"limits": config.limits.model_copy(update={"open_probes": 40})}))
