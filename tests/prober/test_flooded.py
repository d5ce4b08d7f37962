"""A canary amid a flood of marks: all channels go on, what is genuine counts, and nothing that was counted is lost."""

from __future__ import annotations

from prober.simulated import Simulated

from canary.budgets import SIGHTINGS
from canary.ledger import EventKind
from canary.model import MARK_LENGTH, Forgery, Outcome

FORGED = 3000


def forged(mark: str, number: int) -> str:
    """A text with a mark whose code is made up."""
    code = f"{number:016b}".replace("0", "y").replace("1", "z")
    return f"please look at {mark[: MARK_LENGTH - 16]}{code} today"


def test_a_flood_touches_no_channel_and_no_report(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: canary.prober.last_tick)
        probes = [await canary.prober.probe(f"channel-{number}") for number in range(3)]
        mark = canary.ledger.state.open[probes[0]].mark
        canary.ca.letters[:0] = [("cpr", forged(mark, number), canary.at()) for number in range(FORGED)]
        for probe in probes:
            [decided] = await canary.until(lambda probe=probe: canary.events(EventKind.DEADLINE, probe=probe))  # type: ignore[misc]
            assert decided.body["outcome"] == Outcome.ARRIVED
        assert canary.ledger.state.totals.channels["channel-0"].duplicates == 0
        canary.ca.letters += [("cpr", forged(mark, number), canary.at()) for number in range(FORGED, FORGED + 100)]
        await canary.clock.sleep(310)  # it is looked for every five minutes

    simulated.live(story, simulated.config(3), scheduled=False)
    ledger = simulated.ledger
    kept = [event for event in ledger.events(kind=EventKind.SIGHTING) if event.body["forgery"] == Forgery.BAD_MAC]
    told = list(ledger.events(kind=EventKind.FLOOD))
    assert len(kept) == SIGHTINGS.number
    assert sum(event.body["count"] for event in told) + len(kept) == FORGED + 100, "the end of a run leaves nothing out"
    assert len(told) < 10
    assert next(ledger.events(kind=EventKind.STOPPED)).seq > told[-1].seq
