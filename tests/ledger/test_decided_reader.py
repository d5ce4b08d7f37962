"""What was decided at a deadline is counted from then on, as it will be once the probe has ended."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import CPR, DEADLINE, GIVE_UP, JUNK, START, a_case, a_probe, after, cases, reply, report, uncertain
from hypothesis import given, settings

from canary.ledger import Ledger
from canary.ledger import events as record
from canary.ledger.decided_reader import DecidedReader
from canary.ledger.result_reader import Counted
from canary.model import Case, Seen, Stage
from canary.prober.step import step

HOUR = timedelta(hours=1)
JUDGED = DEADLINE + 2000.0
"""When all that can be known of a deadline is known, in seconds."""


@contextmanager
def a_ledger() -> Iterator[Ledger]:
    with tempfile.TemporaryDirectory() as folder, closing(Ledger(Path(folder) / "state", inline=True)) as ledger:
        yield ledger


def tell(ledger: Ledger, case: Case) -> None:
    """All that happens to a probe but what is decided."""
    probe = case.probe
    ledger.append(record.scheduled(probe, "m" * 40))
    if case.submitting_at is not None:
        ledger.append(record.submitting(probe.id, case.submitting_at, case.message_id, "a" * 64))
    if case.submission is not None:
        ledger.append(record.submitted(probe.id, after(1), case.submission, {}))
    for seen in case.sightings:
        ledger.append(record.sighting(seen.noticed_at, seen, "desk"))


def decide(ledger: Ledger, probe: str, age: float) -> None:
    """What the prober records at that time, every queue having been read by then."""
    now = after(age)
    known = ledger.state.open[probe]
    ledger.append(*step(known, now, dict.fromkeys(known.case.probe.expected, now), confirm_after=60).events)


def counted(ledger: Ledger, probe: str) -> Counted | None:
    return DecidedReader(ledger).probe(probe)


waited_for = {
    "nowhere": (a_case(), "missed", "missing"),
    "in the junk folder": (a_case(report(JUNK)), "missed", "junked"),
    "sent back": (a_case(reply(Seen.BOUNCE)), "missed", "bounced"),
    "in one of two": (a_case(report(CPR), expected=("cpr", "legal")), "missed", "missing"),
    "perhaps never sent": (a_case(submission=uncertain()), "indeterminate", "indeterminate"),
    "an answer is owed": (a_case(report(CPR), owed={Stage.ANSWERED: GIVE_UP}), "met", "arrived"),
    "late, and an answer is owed": (
        a_case(report(CPR, DEADLINE + 5), owed={Stage.ANSWERED: GIVE_UP}),
        "missed",
        "late",
    ),
}


@pytest.mark.parametrize(("case", "result", "outcome"), waited_for.values(), ids=waited_for)
def test_what_is_still_watched_counts_by_what_its_deadline_found(case: Case, result: str, outcome: str) -> None:
    with a_ledger() as ledger:
        tell(ledger, case)
        probe = case.probe.id
        assert counted(ledger, probe) is None
        assert [event.probe for event in DecidedReader(ledger).undecided(START, START + HOUR)] == [probe]
        decide(ledger, probe, JUDGED)
        assert list(ledger.state.open) == [probe]
        row = counted(ledger, probe)
        assert row is not None
        assert (row.deadline, row.outcome) == (result, outcome)
        decided = DecidedReader(ledger)
        assert list(decided.between(START, START + HOUR)) == [row]
        assert (
            list(decided.between(START + HOUR, START + 2 * HOUR)) == list(decided.undecided(START, START + HOUR)) == []
        )
        assert list(decided.before("alias", START + HOUR)) == list(decided.since("alias", START)) == [row]
        assert (decided.last_good("alias", START + HOUR) == START) is (result == "met")
        decide(ledger, probe, GIVE_UP + 1)
        assert not ledger.state.open
        assert list(DecidedReader(ledger).between(START, START + HOUR)) == [row]


@settings(max_examples=40)
@given(cases)
def test_a_row_is_the_same_before_and_after_the_end(case: Case) -> None:
    """Whatever was seen by the deadline, if nothing is seen after it."""
    seen = tuple(one for one in case.sightings if one.noticed_at <= after(DEADLINE))
    with a_ledger() as ledger:
        tell(ledger, replace(case, sightings=seen))
        probe = case.probe.id
        decide(ledger, probe, JUDGED)
        before = counted(ledger, probe)
        if probe in ledger.state.open:
            decide(ledger, probe, GIVE_UP + 1)
        assert before is not None
        assert counted(ledger, probe) == before


def test_what_has_ended_and_what_is_watched_stand_in_one_order() -> None:
    """Those that arrived ended at their deadline, while the one before them is still watched."""
    with a_ledger() as ledger:
        for number in range(6):
            lost, channel = number in (1, 3), ("alias", "form")[number % 2]
            begun = timedelta(minutes=number)
            probe = replace(a_probe(f"probe{number:011}", channel=channel), scheduled_at=START + begun)
            seen = () if lost else (replace(report(CPR, 60.0 * number + 5, probe=probe.id)),)
            tell(ledger, replace(a_case(), probe=probe, submitting_at=START + begun, sightings=seen))
            decide(ledger, probe.id, 60 * number + JUDGED)
        assert len(ledger.state.open) == 2
        decided = DecidedReader(ledger)
        names = {
            slug: [f"probe{n:011}" for n in numbers] for slug, numbers in (("alias", (0, 2, 4)), ("form", (1, 3, 5)))
        }
        rows = list(decided.between(START, START + HOUR))
        assert [(row.channel, row.probe) for row in rows] == [(slug, name) for slug in names for name in names[slug]]
        for slug, wanted in names.items():
            assert [row.probe for row in decided.since(slug, START)] == wanted
            assert [row.probe for row in decided.before(slug, START + HOUR)] == wanted[::-1]
        assert decided.last_good("form", START + HOUR) == START + timedelta(minutes=5)
        assert decided.last_good("form", START + timedelta(minutes=5)) is None


def test_a_ledger_as_of_a_size_has_decided_what_it_had_by_then() -> None:
    with a_ledger() as ledger:
        tell(ledger, a_case())
        probe = a_probe().id
        size = ledger.state.seq
        decide(ledger, probe, JUDGED)
        decided, after_it = ledger.state.seq, DecidedReader(ledger).probe(probe)
        decide(ledger, probe, GIVE_UP + 1)
        assert DecidedReader(ledger.at(size)).probe(probe) is None
        assert DecidedReader(ledger.at(decided)).probe(probe) == after_it is not None


def test_what_was_decided_since_is_counted_by_channel_however_long_ago_it_was_sent() -> None:
    """A queue that could not be read for days is read again: only then is anything decided."""
    day = 86_400.0
    with a_ledger() as ledger:
        for number, channel in enumerate(("alias", "form", "form")):
            probe = a_probe(f"probe{number:011}", channel=channel)
            tell(ledger, replace(a_case(), probe=replace(probe, give_up=9 * day)))
            decide(ledger, probe.id, (DEADLINE + 60, 4 * day, 4 * day)[number])
        assert list(ledger.decided_since(after(3 * day))) == [("form", "missed", 2)]
        assert list(ledger.decided_since(START)) == [("alias", "missed", 1), ("form", "missed", 2)]
        assert list(ledger.at(1).decided_since(START)) == []
