"""What is kept of what is seen of a probe: a bounded number, by which each verdict is what it would be by all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from builders import (
    CPR,
    DEADLINE,
    GENERAL,
    GIVE_UP,
    HELD,
    JUNK,
    LEGAL,
    MINE,
    a_case,
    after,
    cases,
    genuine_deeds,
    genuine_replies,
    genuine_reports,
    message,
    reply,
    report,
    seconds,
    sightings,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import verdict
from work import calls, is_linear

from canary.ledger import events as record
from canary.ledger.state import Fold, KeptSightings
from canary.ledger.state.surplus import MOST
from canary.model import Case, Forgery, Outcome, Seen, Sighting, Stage, Surplus, Verdict
from canary.weighing import order

FEW = 2
"""How many are kept of a kind here, so that a handful is a flood."""

genuine = st.one_of(genuine_reports, genuine_replies, genuine_deeds)


def floods(of: st.SearchStrategy[Sighting]) -> st.SearchStrategy[list[Sighting]]:
    """Some sightings, each so and so often."""
    often = st.lists(st.tuples(of, st.integers(1, 5)), max_size=6)
    return often.map(lambda several: [one for sighting, number in several for one in [sighting] * number])


ages = st.sampled_from([0.0, DEADLINE - 1, DEADLINE + 1, 5000.0, GIVE_UP, 2 * GIVE_UP])


def handed_in(case: Case, seen: Iterable[Sighting], most: int = FEW) -> tuple[Case, Counter[str]]:
    """The case with what was kept, and how many were only counted, by reason."""
    kept = KeptSightings(case, most)
    surplus = Counter(why.value for sighting in seen if (why := kept.take(sighting)) is not None)
    return kept.case, surplus


def each_its_own(seen: Iterable[Sighting]) -> list[Sighting]:
    """None of them is a copy of another that was seen twice."""
    return [replace(sighting, message=message(1000 + n), where=str(n)) for n, sighting in enumerate(seen)]


def whole(case: Case, seen: Sequence[Sighting]) -> Case:
    return replace(case, sightings=tuple(seen))


def uncounted(found: Verdict) -> Verdict:
    return replace(found, forged={}, duplicates=0)


@settings(max_examples=200, deadline=None)
@given(cases, floods(st.one_of(sightings, genuine)), st.data(), seconds, ages)
def test_what_is_not_kept_changes_no_verdict(
    case: Case, seen: list[Sighting], data: st.DataObject, at: float, age: float
) -> None:
    """A flood as it comes in, and behind it one more of any kind, which may have come before all of it."""
    case = whole(case, [])
    another = data.draw(st.one_of(st.sampled_from(seen), genuine) if seen else genuine)
    *flood, last = each_its_own([*seen, replace(another, arrived_at=after(at))])
    flood.sort(key=lambda one: order(case, one))
    for all_of_it in (flood, [*flood, last]):
        kept, _ = handed_in(case, all_of_it)
        assert uncounted(verdict(kept, age)) == uncounted(verdict(whole(case, all_of_it), age))


@settings(max_examples=150, deadline=None)
@given(cases, floods(st.one_of(sightings, genuine)))
def test_what_is_not_kept_is_counted_for_what_it_is(case: Case, seen: list[Sighting]) -> None:
    case = whole(case, [])
    flood = sorted(each_its_own(seen), key=lambda one: order(case, one))
    kept, surplus = handed_in(case, flood)
    by_all, by_kept = verdict(whole(case, flood), 0.0), verdict(kept, 0.0)
    assert len(kept.sightings) + surplus.total() == len(flood)
    assert by_all.duplicates == by_kept.duplicates + surplus[Surplus.DUPLICATE]
    for why in Forgery:
        assert by_all.forged.get(why, 0) == by_kept.forged.get(why, 0) + surplus[why.value]


@settings(max_examples=150, deadline=None)
@given(cases, floods(genuine), ages)
def test_in_whatever_order_they_are_handed_in_no_limit_is_judged_otherwise(
    case: Case, seen: list[Sighting], age: float
) -> None:
    case = whole(case, [])
    seen = each_its_own(seen)
    kept, _ = handed_in(case, seen)
    by_kept, by_all = verdict(kept, age), verdict(whole(case, seen), age)
    assert (by_kept.outcome, by_kept.deadline, by_kept.owed) == (by_all.outcome, by_all.deadline, by_all.owed)


@given(cases, floods(st.one_of(sightings, genuine)))
def test_the_first_of_a_kind_are_kept_and_few_more(case: Case, seen: list[Sighting]) -> None:
    kept, _ = handed_in(whole(case, []), each_its_own(seen))
    forged = Counter((one.forgery, one.place.queue) for one in kept.sightings if one.forgery)
    assert all(number <= FEW for number in forged.values())
    once = handed_in(kept, kept.sightings)[0]
    assert once.sightings == kept.sightings, "what is there already was taken for something new"


@pytest.mark.parametrize("intact", [True, False])
def test_a_copy_of_one_that_is_kept_takes_no_room(intact: bool) -> None:
    first = report(at=10, number=1, intact=intact)
    kept, surplus = handed_in(a_case(first), [first] * 10 + [report(at=20, number=2, intact=intact)])
    assert [one.message for one in kept.sightings] == [message(1), message(2)]
    assert surplus.total() == 0


FLOODS = {
    "a wrong code": lambda n: report(at=20 + n, number=n, forgery=Forgery.BAD_MAC),
    "another Message-ID": lambda n: report(at=20 + n, number=n, message_id=f"<{n}@evil.example>", intact=None),
    "too late": lambda n: report(at=GIVE_UP + n, number=n, forgery=Forgery.EXPIRED),
    "in junk": lambda n: report(JUNK, at=20 + n, number=n),
    "in quarantine": lambda n: report(HELD, at=20 + n, number=n),
    "in another queue": lambda n: report(LEGAL, at=20 + n, number=n),
    "in the general mailbox": lambda n: report(GENERAL, at=20 + n, number=n),
    "in our own mailbox": lambda n: report(MINE, at=20 + n, number=n),
    "an answer": lambda n: reply(Seen.ANSWER, at=20 + n, number=n),
    "a note of absence": lambda n: reply(Seen.OUT_OF_OFFICE, at=20 + n, number=n),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_no_flood_hides_the_arrival(kind: str) -> None:
    flooded, surplus = handed_in(a_case(), map(FLOODS[kind], range(100)))
    assert surplus.total() == 100 - FEW
    arrived, _ = handed_in(flooded, [report(at=300, number=500)])
    found = verdict(arrived)
    assert found.outcome is Outcome.ARRIVED
    assert found.stages[Stage.ARRIVED] == 300


def test_each_place_keeps_its_own() -> None:
    everywhere = [
        report(place, at=20 + n, number=n, forgery=Forgery.BAD_MAC) for n in range(50) for place in (CPR, JUNK, LEGAL)
    ]
    kept, _ = handed_in(a_case(), everywhere)
    assert Counter(one.place.queue for one in kept.sightings) == {"cpr": FEW, "junk": FEW, "legal": FEW}


@pytest.mark.parametrize("intact", [True, False])
def test_what_arrived_before_the_flood_is_known_by_its_own_time(intact: bool) -> None:
    """A folder is not always read in the order in which it was filled."""
    flooded, _ = handed_in(a_case(), (report(at=2000 + n, number=n, intact=intact) for n in range(100)))
    assert verdict(flooded, at=3000).outcome is Outcome.LATE
    found = verdict(handed_in(flooded, [report(at=100, noticed=2500, number=500)])[0], at=3000)
    assert (found.outcome, found.stages[Stage.ARRIVED]) == (Outcome.ARRIVED, 100)


@pytest.mark.parametrize("flood", ["a wrong code", "another Message-ID", "in junk"])
def test_no_flood_hides_a_second_copy(flood: str) -> None:
    flooded, _ = handed_in(a_case(), [report(at=10), *map(FLOODS[flood], range(2, 100))])
    assert verdict(handed_in(flooded, [report(at=200, number=500)])[0]).duplicates == 1


def test_changed_copies_hide_no_second_copy_that_is_whole() -> None:
    changed = (report(at=20 + n, number=n, intact=False) for n in range(2, 100))
    flooded, _ = handed_in(a_case(), [report(at=10), *changed])
    second = report(at=200, number=500)
    assert handed_in(flooded, [second])[0].sightings[-1] == second


def test_earlier_and_earlier_ones_are_not_kept_for_ever() -> None:
    """Whoever may file messages away may give them any time; by then only the limits count."""
    backwards = [report(at=5000 - n, noticed=6000, number=n) for n in range(4900)]
    kept, surplus = handed_in(a_case(), backwards)
    assert len(kept.sightings) <= 2 * FEW + 1
    assert surplus[Surplus.DUPLICATE] == 4900 - len(kept.sightings)
    found = verdict(kept, at=7000)
    assert found.outcome is Outcome.ARRIVED, "one of them arrived before the deadline"


def test_the_fold_of_a_flood_does_the_same_work_for_each_sighting() -> None:
    def folding(number: int) -> int:
        fold = Fold(lambda *_: None)
        case = a_case()
        opening = (
            record.scheduled(case.probe, "m" * 40),
            record.submitting(case.probe.id, after(0), case.message_id, message(0)),
        )
        flood = (record.sighting(after(30), report(at=20, number=n, where=str(n)), "w") for n in range(number))
        events = [replace(event, seq=seq) for seq, event in enumerate((*opening, *flood), 1)]

        def fold_it() -> None:
            for event in events:
                if fold.accepts(event):
                    fold.apply(event)

        work = calls(fold_it)
        state = fold.state()
        assert len(state.open[case.probe.id].case.sightings) <= 2 * MOST
        assert state.totals.channels["alias"].duplicates == number - 1
        return work

    folding(1)
    assert is_linear(folding(200), folding(400), folding(800))


def test_judging_many_copies_is_linear() -> None:
    def judging(number: int) -> int:
        case = a_case(*(report(CPR, at=20, number=n, where=str(n)) for n in range(number)))
        return calls(lambda: verdict(case))

    judging(1)
    assert is_linear(judging(500), judging(1000), judging(2000))
