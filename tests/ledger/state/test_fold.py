"""The fold: the state that follows from the events, wherever it begins, and what is decided only once."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import (
    CPR,
    DEADLINE,
    JUNK,
    START,
    a_probe,
    after,
    genuine_replies,
    genuine_reports,
    message,
    refused,
    reply,
    report,
    sightings,
    taken,
    uncertain,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.judge import judge
from canary.ledger import events as record
from canary.ledger.events import Event, EventKind, placed
from canary.ledger.state import Fold, OpenProbe, State, dump, fold_probe, restore
from canary.model import (
    DeadlineResult,
    Failure,
    Flood,
    Forgery,
    Outcome,
    Place,
    Role,
    Seen,
    Sighting,
    Stage,
    Submission,
    Surplus,
)

NAMES = ("probeprobeprobe2", "anotherprobe2222", "strangerprobe222")  # the last one is never scheduled
CHANNELS = dict(zip(NAMES, ("alias", "form", "form"), strict=True))


class Pages:
    """A ledger in memory: the events so far, and the state that follows from them."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.state = State()

    def read(self, probe: str, upto: int) -> OpenProbe | None:
        """A probe as it stood at an event, from the beginning."""
        concerned = (e for e in self.told[:upto] if e.kind is EventKind.CLOCK_STEPPED or e.probe == probe)
        return fold_probe(probe, list(concerned))

    def tell(self, *events: Event) -> int:
        """Append what is accepted; returns how many were."""
        before, fold = len(self.told), Fold(self.read, self.state)
        for event in events:
            if fold.accepts(event):
                self.told.append(placed(event, len(self.told) + 1)[1])
                fold.apply(self.told[-1])
        self.state = fold.state()
        return len(self.told) - before


def sent(probe: str = NAMES[0], submission: Submission | None = None, at: float = 0.0) -> tuple[Event, ...]:
    """A probe that was scheduled and submitted."""
    known = replace(a_probe(probe, channel=CHANNELS[probe]), scheduled_at=after(at))
    return (
        record.scheduled(known, "m" * 40),
        record.submitting(probe, after(at), "<report@probe.example>", message(0)),
        record.submitted(probe, after(at + 0.5), replace(submission or taken(), at=after(at)), {}),
    )


def seen(sighting: Sighting, at: float | None = None) -> Event:
    return record.sighting(sighting.noticed_at if at is None else after(at), sighting, "cpr-mailbox")


def ended(probe: str = NAMES[0], outcome: Outcome = Outcome.MISSING, at: float = 2000.0) -> tuple[Event, ...]:
    verdict = replace(judge(a_case_of(probe), after(at), {"cpr": after(at)}), outcome=outcome)
    return (
        record.deadline(probe, after(at), DeadlineResult.MISSED, outcome),
        record.finished(probe, after(at), verdict),
    )


def folded(pages: Pages, events: list[Event], state: State | None = None) -> State:
    fold = Fold(pages.read, state)
    for event in events:
        fold.apply(event)
    return fold.state()


def a_case_of(probe: str) -> Any:
    pages = Pages()
    pages.tell(*sent(probe))
    return pages.state.open[probe].case


# Arbitrary histories: a step is a function of the time it happens at

ids = st.sampled_from(NAMES)
steps = st.one_of(
    st.builds(lambda p: lambda at: record.submitting(p, after(at), "<report@probe.example>", message(0)), ids),
    st.builds(
        lambda p, s: lambda at: record.submitted(p, after(at), replace(s, at=after(at)), {}),
        ids,
        st.sampled_from([taken(), uncertain(), *map(refused, Failure)]),
    ),
    st.builds(
        lambda p, s: lambda at: record.sighting(after(at), replace(s, probe=p), "cpr-mailbox"),
        ids,
        st.one_of(sightings, genuine_reports, genuine_replies),
    ),
    st.builds(
        lambda p, why: (
            lambda at: record.flood(after(at), Flood(p, CHANNELS[p], "cpr", Role.MONITORED, why), 5, after(at))
        ),
        ids,
        st.sampled_from([*Forgery, *Surplus]),
    ),
    st.builds(
        lambda p, r, o: lambda at: record.deadline(p, after(at), r, o),
        ids,
        st.sampled_from(DeadlineResult),
        st.sampled_from(Outcome),
    ),
    st.builds(lambda p: lambda at: record.confirm(p, after(at), CHANNELS[p], after(at + 60)), ids),
    st.builds(lambda p, o: lambda at: ended(p, o, at)[1], ids, st.sampled_from(Outcome)),
    st.builds(
        lambda kind, body: lambda at: Event(kind, after(at), body),
        st.just(EventKind.TROUBLE),
        st.sampled_from([{"component": "imap", "reason": "login", "detail": "no"}]),
    ),
    st.builds(
        lambda kind: lambda at: Event(kind, after(at), {"channels": ["alias"], "reason": "holiday"}),
        st.sampled_from([EventKind.PAUSED, EventKind.RESUMED]),
    ),
    st.builds(
        lambda by: lambda at: Event(EventKind.CLOCK_STEPPED, after(at), {"seconds": by}), st.sampled_from([-30.5, 3600])
    ),
    st.builds(
        lambda o: (
            lambda at: Event(
                EventKind.CHECKED,
                after(at),
                {"channel": "form", "kind": "web_form", "queue": "cpr", "outcome": o.value},
            )
        ),
        st.sampled_from([Outcome.ARRIVED, Outcome.FORM_ERROR]),
    ),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """What may happen to two probes and a stranger's, in time, plausible or not."""
    told: list[Event] = []
    at, unscheduled = 0.0, list(NAMES[:2])
    for _ in range(draw(st.integers(0, 25))):
        at += draw(st.sampled_from([0.0, 1.0, 10.0, DEADLINE, 4000.0]))
        if unscheduled and draw(st.booleans()):
            told.extend(sent(unscheduled.pop(), at=at)[: draw(st.integers(1, 3))])
        else:
            told.append(draw(steps)(at))
    return told


@settings(max_examples=200, deadline=None)
@given(histories(), st.data())
def test_a_snapshot_and_the_rest_are_the_fold_from_the_beginning(told: list[Event], data: st.DataObject) -> None:
    pages = Pages()
    pages.tell(*told)
    cut = data.draw(st.integers(0, len(pages.told)))
    early = folded(pages, pages.told[:cut])
    restored = restore(pages.read, dump(early), early.seq)
    assert restored == early
    assert folded(pages, pages.told[cut:], restored) == pages.state


@settings(max_examples=100, deadline=None)
@given(histories(), histories())
def test_a_state_never_changes_whatever_follows(told: list[Event], more: list[Event]) -> None:
    pages = Pages()
    pages.tell(*told)
    published = pages.state
    before = copy.deepcopy(published)
    pages.tell(*more)
    assert published == before


@settings(max_examples=200, deadline=None)
@given(histories())
def test_no_counter_ever_goes_back(told: list[Event]) -> None:
    def counts(state: State) -> dict[str, float]:
        found: dict[str, float] = {f"error {key}": count for key, count in state.totals.errors.items()}
        for slug, totals in state.totals.channels.items():
            found |= {f"{slug} {name}": getattr(totals, name) for name in ("attempted", "submitted", "duplicates")}
            for group in (totals.deadline_results, totals.finished, totals.forged):
                found |= {f"{slug} {key}": count for key, count in group.items()}
            for stage, histogram in totals.stages.items():
                found |= {f"{slug} {stage} {place}": count for place, count in enumerate(histogram.counts)}
                found[f"{slug} {stage} sum"] = histogram.sum
        return found

    pages = Pages()
    for event in told:
        before = counts(pages.state)
        pages.tell(event)
        now = counts(pages.state)
        assert all(now[key] >= count for key, count in before.items())


@settings(max_examples=100, deadline=None)
@given(histories())
def test_what_was_told_says_nothing_new_a_second_time(told: list[Event]) -> None:
    once = {EventKind.DEADLINE, EventKind.FINISHED, EventKind.CONFIRM}
    pages = Pages()
    for event in told:
        ours = pages.read(event.probe or "", len(pages.told)) is not None
        pages.tell(event)
        if event.kind in once or (event.kind is EventKind.SIGHTING and ours):
            before = pages.state
            assert pages.tell(event) == 0
            assert pages.state == before


# Examples


def test_a_probe_from_its_schedule_to_its_end() -> None:
    pages = Pages()
    pages.tell(*sent(), seen(report(at=7)))
    known = pages.state.open[NAMES[0]]
    assert (known.mark, known.payload, known.case.sightings) == ("m" * 40, message(0), (report(at=7),))
    pages.tell(record.deadline(NAMES[0], after(DEADLINE), DeadlineResult.MET, Outcome.ARRIVED))
    pages.tell(record.finished(NAMES[0], after(DEADLINE), judge(known.case, after(DEADLINE), {})))
    totals = pages.state.totals.channels["alias"]
    assert not pages.state.open
    assert (totals.kind, totals.queue, totals.attempted, totals.submitted) == ("email", "cpr", 1, 1)
    assert (totals.deadline_results, totals.finished) == ({"met": 1}, {"arrived": 1})
    assert (totals.last_outcome, totals.last_success) == ("arrived", after(7).timestamp())
    assert {stage: histogram.sum for stage, histogram in totals.stages.items()} == {"accepted": 0.5, "arrived": 7.0}


def test_the_same_stored_message_handed_in_twice_is_one_sighting() -> None:
    pages = Pages()
    pages.tell(*sent())
    assert pages.tell(seen(report(where="7", generation=1))) == 1
    assert pages.tell(seen(report(where="7", generation=1), at=500)) == 0
    assert pages.tell(seen(report(where="1", generation=2), at=600)) == 0
    assert pages.tell(seen(report(where="8", generation=1), at=700)) == 1
    assert pages.state.totals.channels["alias"].duplicates == 1


def test_the_same_message_after_the_end_is_still_one_sighting() -> None:
    pages = Pages()
    pages.tell(*sent(), *ended())
    late = seen(report(at=3000))
    assert [pages.tell(late), pages.tell(late)] == [1, 0]
    assert pages.state.totals.channels["alias"].stages["arrived"].counts.count(1) == 1


def test_a_probe_is_decided_once_and_finished_once() -> None:
    pages = Pages()
    pages.tell(*sent())
    indeterminate = record.deadline(NAMES[0], after(1800), DeadlineResult.INDETERMINATE, Outcome.INDETERMINATE)
    assert pages.tell(indeterminate) == 1
    assert pages.tell(*ended()) == 1
    assert pages.tell(*ended(outcome=Outcome.LATE)) == 0
    totals = pages.state.totals.channels["alias"]
    assert (totals.deadline_results, totals.finished) == ({"indeterminate": 1}, {"missing": 1})


def test_a_forgery_or_a_reply_does_not_change_what_a_channel_came_to() -> None:
    pages = Pages()
    pages.tell(*sent(), record.deadline(NAMES[0], after(DEADLINE), DeadlineResult.MISSED, Outcome.MISSING))
    pages.tell(seen(report(at=5000, forgery=Forgery.BAD_MAC)), seen(reply(Seen.OUT_OF_OFFICE, at=5000)))
    totals = pages.state.totals.channels["alias"]
    assert (totals.last_outcome, totals.forged) == ("missing", {"bad_mac": 1})
    pages.tell(seen(report(JUNK, at=6000)))
    assert pages.state.totals.channels["alias"].last_outcome == "junked"


@pytest.mark.parametrize("ends", [False, True], ids=["still watched", "ended"])
def test_what_missed_its_deadline_is_late_by_whatever_stamp_it_turns_up(ends: bool) -> None:
    """Its queue was read without it after the deadline: the channel is not well by it, and the failure stays one."""
    pages = Pages()
    pages.tell(*sent(), *ended()[: 2 if ends else 1])
    pages.tell(seen(report(at=DEADLINE - 1), at=3000))
    totals = pages.state.totals.channels["alias"]
    assert (totals.last_outcome, totals.last_success, list(totals.failing)) == ("late", 0.0, [NAMES[0]])
    assert totals.stages["arrived"].counts.count(1) == 1
    assert totals.deadline_results == {"missed": 1}


def test_the_members_whom_an_alias_reaches_are_known_by_name() -> None:
    pages, members = Pages(), ("anna", "ben", "carla")
    probe = a_probe(NAMES[0], expected=members)
    pages.tell(record.scheduled(probe, "m" * 40), record.submitting(probe.id, START, None, message(0)))
    pages.tell(record.submitted(probe.id, after(1), taken(), {}))
    for name in ("anna", "carla"):
        pages.tell(record.sighting(after(12), report(Place(name, Role.MONITORED)), name))
    pages.tell(record.deadline(probe.id, after(DEADLINE), DeadlineResult.MISSED, Outcome.MISSING))
    newest = pages.state.totals.channels["alias"].newest
    assert (newest.seen_in, newest.seen_at) == ({"anna", "carla"}, after(DEADLINE).timestamp())
    restored = restore(pages.read, dump(pages.state), pages.state.seq)
    assert restored.totals.channels["alias"].newest == newest


def test_a_forgery_of_a_probe_we_never_sent_belongs_to_no_channel() -> None:
    pages = Pages()
    pages.tell(seen(report(probe=NAMES[2])), seen(report(probe=NAMES[2], forgery=Forgery.BAD_MAC)))
    assert pages.state.totals.unattributed == {"unknown_id": 1, "bad_mac": 1}
    assert not pages.state.totals.channels


def test_an_older_probe_does_not_speak_for_its_channel() -> None:
    pages = Pages()
    newer = replace(a_probe("newerprobe222222"), scheduled_at=after(600))
    pages.tell(*sent(), record.scheduled(newer, "n" * 40))
    pages.tell(record.deadline(newer.id, after(1500), DeadlineResult.MISSED, Outcome.JUNKED))
    pages.tell(seen(report(at=1400)), record.deadline(NAMES[0], after(1600), DeadlineResult.MISSED, Outcome.LATE))
    assert pages.state.totals.channels["alias"].last_outcome == "junked"


def test_the_rate_of_the_last_hour_is_known_after_a_restart() -> None:
    pages = Pages()
    for number in range(5):
        probe = replace(a_probe(f"probe{number}2222222222"), scheduled_at=after(number * 1200))
        pages.tell(record.scheduled(probe, "m" * 40))
    restored = restore(pages.read, dump(pages.state), pages.state.seq)
    for state in (pages.state, restored):
        assert state.scheduled_since("alias", after(4800) - timedelta(hours=1)) == 3
        assert state.scheduled_since("alias", after(4700)) == 1
        assert state.scheduled_since("form", START) == 0


def test_a_step_of_our_clock_falsifies_no_latency() -> None:
    pages = Pages()
    pages.tell(*sent(), Event(EventKind.CLOCK_STEPPED, after(5), {"seconds": 3600.0}))
    pages.tell(seen(report(CPR, at=3607)))
    case = pages.state.open[NAMES[0]].case
    assert judge(case, after(3610), {}).stages[Stage.ARRIVED] == 7


def test_a_step_of_our_clock_moves_nothing_of_what_has_ended() -> None:
    pages = Pages()
    pages.tell(*sent(), seen(report(CPR, at=7)), *ended(outcome=Outcome.ARRIVED))
    before = pages.read(NAMES[0], len(pages.told))
    pages.tell(Event(EventKind.CLOCK_STEPPED, after(3000), {"seconds": -2.0}))
    assert before is not None
    assert pages.read(NAMES[0], len(pages.told)) == before


def test_a_step_of_our_clock_moves_what_counts_for_the_caps_and_when_confirmations_are_due() -> None:
    pages = Pages()
    pages.tell(*sent(), record.confirm(NAMES[0], after(10), "alias", after(70)))
    for at, by in ((20, -7200.0), (-7100, 3600.0)):
        pages.tell(Event(EventKind.CLOCK_STEPPED, after(at), {"seconds": by}))
    assert pages.state.recent["alias"] == (after(-3600),)
    assert pages.state.totals.confirmations == {"alias": (NAMES[0], after(70 - 3600).timestamp())}


def test_further_failures_do_not_put_a_confirmation_off_for_ever() -> None:
    pages = Pages()
    pages.tell(*sent("anotherprobe2222"), *sent("strangerprobe222", at=5), *sent("probeprobeprobe2"))
    pages.tell(record.confirm("anotherprobe2222", after(10), "form", after(70)))
    pages.tell(record.confirm("strangerprobe222", after(60), "form", after(120)))
    assert pages.state.totals.confirmations == {"form": ("anotherprobe2222", after(70).timestamp())}
    pages.tell(record.confirm("probeprobeprobe2", after(80), "form", after(140)))  # that one arrived after all
    assert pages.state.totals.confirmations == {"form": ("probeprobeprobe2", after(140).timestamp())}
