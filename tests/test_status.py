"""Status: how a channel, a queue and a part of us stands, from what the ledger says and what the process knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from builders import START, a_probe, after
from metrics.recorded import settings

from canary import status
from canary.config import Config, load
from canary.config.sections import Blackout
from canary.ledger import ChannelTotals, OpenProbe, State, Totals
from canary.ledger.events import EVERY_CHANNEL, ON_PURPOSE, Hold
from canary.model import Case, Depth, Outcome
from canary.status import Standing, Vitals
from dashboards.vocabulary import STATES

ALIAS = "problem-report-0"
WELL = Vitals(START, 0.2, reload_ok=True, reloaded_at=START, read_at={"cpr": START}, depths={"cpr": Depth(2, 5, START)})


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(settings(tmp_path, channels=2))


def standing(
    config: Config, stopped: str | None = None, now: datetime = START, **totals: object
) -> tuple[Standing, str]:
    channel = ChannelTotals("email", "cpr", last_outcome="missing")
    known = State(totals=replace(Totals(channels={ALIAS: channel}), **totals))  # type: ignore[arg-type]
    first = next(status.channels(config, known, stopped, now))
    return first.standing, first.why


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_the_newest_probe_came_to_is_how_a_channel_stands(config: Config, outcome: Outcome) -> None:
    known = State(totals=Totals(channels={ALIAS: ChannelTotals("email", "cpr", last_outcome=outcome.value)}))
    first, second = status.channels(config, known, None, START)
    wanted = {Outcome.ARRIVED: Standing.OK, Outcome.INDETERMINATE: Standing.UNKNOWN}.get(outcome, Standing.FAILING)
    assert (first.standing, first.outcome) == (wanted, outcome)
    assert (second.standing, second.outcome, second.totals.kind) == (Standing.UNKNOWN, None, "email")


def test_what_is_silent_on_purpose_is_paused_and_says_why(config: Config) -> None:
    assert standing(config) == (Standing.FAILING, "")
    assert standing(config, paused={ALIAS: "mail migration"}) == (Standing.PAUSED, "paused: mail migration")
    assert standing(config, paused={"*": "holidays"}) == (Standing.PAUSED, "paused: holidays")
    assert standing(config, "enough", paused={ALIAS: "mail migration"}) == (Standing.PAUSED, "kill switch: enough")
    assert standing(config, held={ALIAS: "cap"}) == (Standing.FAILING, "")


@pytest.mark.parametrize("hold", sorted(ON_PURPOSE))
def test_what_is_over_is_no_pause_although_no_probe_was_due_since(config: Config, hold: Hold) -> None:
    assert standing(config, held={ALIAS: hold.value}) == (Standing.FAILING, "")


def test_a_blackout_is_a_pause_from_its_begin_to_its_end_whatever_is_due(config: Config) -> None:
    window = Blackout.model_validate(
        {"from": START, "until": after(60), "channels": (ALIAS,), "reason": "move", "approved_by": "the CEO"}
    )
    dark = config.model_copy(update={"blackouts": (window,)})
    why = f"blackout until {after(60):%Y-%m-%d %H:%M} UTC, approved by the CEO: move"
    assert [standing(dark, now=after(at)) for at in (-1, 0, 59, 60)] == [
        (Standing.FAILING, ""), (Standing.PAUSED, why), (Standing.PAUSED, why), (Standing.FAILING, ""),
    ]  # fmt: skip
    _, other = status.channels(dark, State(), None, START)
    assert other.standing is Standing.UNKNOWN


def test_probes_on_their_way_are_counted_by_channel(config: Config) -> None:
    probe = replace(a_probe(), channel=ALIAS)
    known = State(open={probe.id: OpenProbe(Case(probe), "m" * 40, (1, START))})
    assert [channel.in_flight for channel in status.channels(config, known, None, START)] == [1, 0]


def test_a_queue_stands_by_when_it_was_read_and_tells_its_clock(config: Config) -> None:
    known = State(totals=Totals(clocks={"cpr": (-42.5, START.timestamp()), "long-gone": (1.0, 0.0)}))
    by_name = {queue.place.queue: queue for queue in status.queues(config, known, WELL)}
    assert by_name.keys() == config.queues().keys()
    assert (by_name["cpr"].standing, by_name["cpr"].clock_offset) == (Standing.OK, -42.5)
    assert (by_name["cpr"].depth, by_name["cpr-junk"].standing) == (Depth(2, 5, START), Standing.UNKNOWN)


def test_parts_that_keep_us_from_work_are_told_apart_from_those_that_do_not(config: Config) -> None:
    read = dict.fromkeys(config.queues(), START)
    well = replace(WELL, read_at=read)
    assert [part for part in status.parts(config, State(), well, after(1)) if part.standing is not Standing.OK] == []
    stuck = after(31)
    thrown = State(totals=Totals(stopped="enough"))
    unwell = replace(well, reload_ok=False, read_at={"cpr": START})
    found = {
        part.part: part for part in status.parts(config, thrown, unwell, stuck) if part.standing is not Standing.OK
    }
    assert {name: part.keeps_from_work for name, part in found.items()} == {
        "main loop": True,
        "configuration": False,
        "queue cpr-junk": True,
        "kill switch": False,
    }
    assert found["kill switch"].why == "thrown: enough"
    never = replace(well, last_tick=None)
    assert next(status.parts(config, State(), never, START)).standing is Standing.FAILING
    assert timedelta(seconds=30) == status.LOOP_STALLED


def wrong(config: Config, state: State, vitals: Vitals, now: datetime) -> dict[str, tuple[bool, str]]:
    """By part that is not well: whether it keeps us from work, and why it is not."""
    return {
        part.part: (part.keeps_from_work, part.why)
        for part in status.parts(config, state, vitals, now)
        if part.standing is not Standing.OK
    }


def test_whatever_can_tell_how_it_is_is_a_part(config: Config) -> None:
    read = dict.fromkeys(config.queues(), START)
    troubles = {"ledger": "disk is full", "signing": "", "watch desk": "its thread has ended", "tsa": "refused"}
    found = list(status.parts(config, State(), replace(WELL, read_at=read, troubles=troubles), START))
    assert {part.part for part in found} >= troubles.keys()
    assert {part.part: part.keeps_from_work for part in found if part.why} == {
        "ledger": True, "watch desk": True, "tsa": False,
    }  # fmt: skip


def test_a_queue_that_was_not_read_for_long_is_told_with_when_it_was(config: Config) -> None:
    longest = max(channel.deadline for channel in config.channels.values())
    late, well = after(longest + 1), replace(WELL, read_at=dict.fromkeys(config.queues(), START))
    ticking = replace(well, last_tick=late)
    assert wrong(config, State(), replace(well, last_tick=after(longest)), after(longest)) == {}
    when = f"it was last read at {START:%Y-%m-%d %H:%M:%S} UTC"
    assert wrong(config, State(), ticking, late) == {f"queue {name}": (True, when) for name in config.queues()}


def test_holds_that_nobody_wanted_keep_us_from_sending(config: Config) -> None:
    well = replace(WELL, read_at=dict.fromkeys(config.queues(), START))
    first, second = config.channels

    def held(**by: str) -> dict[str, tuple[bool, str]]:
        return wrong(config, State(totals=Totals(held=by)), well, START)

    assert held(**{first: "blackout", second: "paused"}) == {}
    assert held(**{first: "cap"}) == {"sending": (False, "1 of 2 channels are held back: cap")}
    assert held(**{first: "cap", second: "store"}) == {"sending": (True, "2 of 2 channels are held back: cap, store")}
    paused = State(totals=Totals(held={first: "cap", second: "store"}, paused={"*": "holidays"}))
    assert wrong(config, paused, well, START) == {}  # somebody wants it so by now
    assert held(**{EVERY_CHANNEL: "stalled"}) == {"sending": (True, "2 of 2 channels are held back: stalled")}


def test_dashboards_have_a_word_for_each_standing() -> None:
    assert {int(value): word for value, (word, _) in STATES.items()} == {s.value: s.name.lower() for s in Standing}
