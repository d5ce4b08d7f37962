"""When a channel is due, and with what: bounds, rounds, and nothing made up for."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta

from builders import DEADLINE, GIVE_UP, MINE, START, a_case, after, cases, report
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from canary.judge import judge
from canary.model import Case, Stage
from canary.prober.schedule import (
    APART,
    AT_ONCE,
    JITTER,
    Timetable,
    next_due,
    next_look,
    spread,
    turn,
    usually_due,
)

chances = st.integers(0, 2**32).map(random.Random)
intervals = st.floats(1.0, 7 * 86_400.0)
names = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=5, unique=True)
SLACK = timedelta(milliseconds=1)


many = st.dictionaries(st.text("abcdef-", min_size=1, max_size=12), intervals, min_size=1, max_size=60)


def most_in_a_second(times: list[datetime]) -> int:
    """How many are due within the busiest second of the clock."""
    return max(Counter(int((at - START).total_seconds()) for at in times).values())


@given(many)
def test_new_channels_are_due_soon_and_one_after_the_other(wanted: dict[str, float]) -> None:
    due = spread(wanted, START)
    for slug, interval in wanted.items():
        assert START <= due[slug] <= START + timedelta(seconds=min(interval, APART * len(wanted))) + SLACK
    assert spread(dict(reversed(wanted.items())), START) == due
    slow = {slug: at for slug, at in due.items() if wanted[slug] >= APART * len(wanted)}
    assert not slow or most_in_a_second(list(slow.values())) <= 3


@given(st.integers(1, 3000), st.sampled_from([60.0, 600.0, 3600.0, 86_400.0]), chances)
@settings(max_examples=20)
def test_channels_are_spread_at_the_start_and_stay_so(count: int, interval: float, chance: random.Random) -> None:
    table, rate = Timetable(chance), count / interval
    table.plan(dict.fromkeys(map("channel-{}".format, range(count)), interval), {}, START)
    turns: list[datetime] = []
    for slug in map("channel-{}".format, range(count)):
        at = table._due[slug]
        for _ in range(4):
            turns.append(at)
            at = next_due(at, at, interval, chance)
    assert most_in_a_second(turns) <= 12 + 4 * rate


@given(many, st.floats(0, 10.0), chances)
def test_after_a_restart_or_a_reload_they_are_spread_too(
    wanted: dict[str, float], hours: float, chance: random.Random
) -> None:
    table, last = Timetable(chance), START.timestamp() - 3600 * hours
    table.plan({slug: 2 * interval for slug, interval in wanted.items()}, {}, START)
    table.plan(wanted, dict.fromkeys(wanted, last), START)
    for slug, interval in wanted.items():
        due, usual = table._due[slug], last + interval
        if usual > START.timestamp():
            assert abs(due.timestamp() - usual) < 0.001
        else:
            assert due == spread({s: i for s, i in wanted.items() if last + i <= START.timestamp()}, START)[slug]


@given(many, st.floats(0, 10_000.0), chances)
def test_what_waited_is_sent_in_no_burst(wanted: dict[str, float], waited: float, chance: random.Random) -> None:
    table = Timetable(chance)
    table.plan(wanted, {}, START)
    rate = sum(1 / interval for interval in wanted.values())
    assert AT_ONCE + 2 * rate <= table.at_once <= AT_ONCE + 2 * rate + 1
    now = after(waited)
    due = table.due(now)
    assert sorted(table._due[slug] for slug in due) == [table._due[slug] for slug in due]
    for slug in due[: table.at_once]:
        table.passed(slug, now)
    assert [slug for slug in due[table.at_once :] if slug in table.due(now)] == due[table.at_once :]


@given(intervals, st.floats(-10.0, 10.0))
def test_after_a_restart_a_channel_keeps_its_rhythm(interval: float, periods: float) -> None:
    due = usually_due(START, START.timestamp() - periods * interval, interval)
    if due is None:  # overdue: once, and soon
        assert periods >= 1 - 0.001
    else:
        assert START < due <= START + timedelta(seconds=interval) + SLACK
        if periods >= 0:
            assert abs(due.timestamp() - START.timestamp() - (1 - periods) * interval) < 0.001


@given(intervals, st.floats(0.0, 0.5), chances)
def test_the_interval_varies_by_a_tenth_each_way(interval: float, lag: float, chance: random.Random) -> None:
    due = next_due(START, after(lag * interval), interval, chance)
    between = (due - START).total_seconds() / interval
    assert 1 - JITTER - 0.001 <= between <= 1 + JITTER + 0.001


@given(intervals, st.floats(1 + JITTER + 0.001, 1000.0), chances)
def test_nothing_that_was_missed_is_made_up_for(interval: float, periods: float, chance: random.Random) -> None:
    now = after(periods * interval)
    due = next_due(START, now, interval, chance)
    assert due - now >= timedelta(seconds=interval * (1 - JITTER)) - SLACK


def test_intervals_differ_and_average_to_what_was_asked_for() -> None:
    chance = random.Random(1)
    lengths = [(next_due(START, START, 600.0, chance) - START).total_seconds() for _ in range(2000)]
    assert len(set(lengths)) > 1900
    assert 597 < sum(lengths) / len(lengths) < 603
    assert min(lengths) < 545
    assert max(lengths) > 655


@given(names, names, st.integers(0, 5))
def test_every_pair_has_its_turn_once_a_round(senders: list[str], variants: list[str], number: int) -> None:
    size = len(senders) * len(variants)
    pairs = {turn("alias", number * size + place, senders, variants) for place in range(size)}
    assert pairs == {(sender, variant) for sender in senders for variant in variants}


@given(names, names, st.integers(0, 1000), st.randoms(use_true_random=False))
def test_a_restart_goes_on_where_it_was(
    senders: list[str], variants: list[str], count: int, chance: random.Random
) -> None:
    before = turn("alias", count, senders, variants)
    chance.shuffle(senders)
    chance.shuffle(variants)
    assert turn("alias", count, senders, variants) == before


def test_rounds_and_channels_differ_in_their_order() -> None:
    def order(channel: str, number: int) -> tuple[tuple[str, str], ...]:
        return tuple(turn(channel, number * 12 + place, "abc", "wxyz") for place in range(12))

    assert len({order(channel, number) for channel in ("alias", "form") for number in range(10)}) == 20


def looks_at(case: Case, at: float, read: bool = True) -> float:
    """When a case is judged again, in seconds after it began."""
    looked = {queue: after(at) for queue in ("cpr", "legal", "tickets", MINE.queue)} if read else {}
    return (next_look(START, case.probe, judge(case, after(at), looked), after(at)) - START).total_seconds()


def test_a_probe_is_looked_at_again_at_each_limit_and_at_last_at_give_up() -> None:
    case = a_case(report(), owed={Stage.ACKNOWLEDGED: 600, Stage.ANSWER_RECEIVED: 5000})
    assert [looks_at(case, at) for at in (1, 600, DEADLINE)] == [600, DEADLINE, 5000]
    missing = a_case(owed={Stage.ANSWER_RECEIVED: 5000})
    shown = DEADLINE + 1  # what came by then can be read by now
    assert [looks_at(missing, at) for at in (1, DEADLINE, shown, 5000)] == [DEADLINE, shown, 5000, GIVE_UP]


def test_a_limit_that_is_over_and_not_decided_is_looked_at_every_second() -> None:
    case = a_case(report(), owed={Stage.ANSWER_RECEIVED: 5000})
    assert looks_at(case, 5000, read=False) == 5001
    assert looks_at(a_case(), DEADLINE, read=False) == DEADLINE + 1


@given(cases, st.sampled_from([0.0, 1.0, 599.0, 600.0, DEADLINE - 1, DEADLINE, 5000.0, GIVE_UP]))
def test_no_limit_is_slept_over(case: Case, at: float) -> None:
    verdict = judge(case, after(at), {})
    again = next_look(START, case.probe, verdict, after(at))
    assert again > after(at)
    if verdict.deadline is None:
        assert again <= max(after(DEADLINE), after(at + 1))
    for stage, limit in case.probe.owed.items():
        if verdict.owed[stage] is None:
            assert again <= max(after(limit), after(at + 1))


@given(intervals, intervals, st.floats(0.0, 1.0), chances)
def test_a_changed_interval_counts_from_the_last_probe_on(
    old: float, new: float, part: float, chance: random.Random
) -> None:
    assume(old != new)
    table = Timetable(chance)
    table.plan({"alias": old}, {}, START)
    at = table.next()
    assert at is not None
    table.passed("alias", at)
    now = at + timedelta(seconds=part * old)
    table.plan({"alias": new}, {"alias": at.timestamp()}, now)
    due = table.next()
    assert due is not None
    usual = at + timedelta(seconds=new)
    assert now <= due <= max(usual, now + timedelta(seconds=APART)) + SLACK
    assert due >= min(usual, now) - SLACK


@given(intervals, chances)
def test_a_configuration_that_leaves_the_interval_leaves_what_is_due(interval: float, chance: random.Random) -> None:
    table = Timetable(chance)
    table.plan({"alias": interval, "gone": interval}, {}, START)
    before = table.due(after(2 * APART))
    due = table.passed("alias", START)
    table.plan({"alias": interval, "new": interval}, {}, START)
    assert sorted(before) == ["alias", "gone"]
    assert sorted(table.due(after(2 * APART + interval * (1 + JITTER)))) == ["alias", "new"]
    assert due <= START + timedelta(seconds=2 * APART) + SLACK


def test_a_clock_that_is_set_moves_what_is_due() -> None:
    table = Timetable(random.Random(1))
    table.plan({"alias": 600.0}, {}, START)
    before = table.next()
    table.move(timedelta(hours=1))
    assert before is not None
    assert table.next() == before + timedelta(hours=1)
