"""How many probes in a row have failed, as soon as it is known: what pages. And how many came back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import CPR, DEADLINE, GENERAL, HELD, JUNK, a_probe, after, message, refused, reply, report, taken
from ledger.state.test_fold import NAMES, Pages, seen

from canary.ledger import events as record
from canary.ledger.events import Event, EventKind, Hold
from canary.model import DeadlineResult, Failure, Outcome, Place, Seen, Sighting, Submission

FIRST, SECOND, THIRD = "firstprobe222222", "secondprobe22222", "thirdprobe222222"


def sent(probe: str, at: float, submission: Submission | None = None, confirms: str | None = None) -> tuple[Event, ...]:
    known = replace(a_probe(probe, channel="alias"), scheduled_at=after(at), confirms=confirms)
    return (
        record.scheduled(known, "m" * 40),
        record.submitting(probe, after(at), "<report@probe.example>", message(0)),
        record.submitted(probe, after(at + 0.5), replace(submission or taken(), at=after(at)), {}),
    )


def there(probe: str, place: Place, at: float, **changed: object) -> Event:
    found = replace(report(place), probe=probe, arrived_at=after(at), noticed_at=after(at))
    return seen(replace(found, message=message(hash((probe, at)) % 10_000), **changed))  # type: ignore[arg-type]


def found(probe: str, at: float, outcome: Outcome, result: DeadlineResult = DeadlineResult.MISSED) -> Event:
    return record.deadline(probe, after(at), result, outcome)


def failing(pages: Pages) -> set[str]:
    return set(pages.state.totals.channels["alias"].failing)


SHOWN = {
    "wrong queue": lambda probe, at: (*sent(probe, at), there(probe, GENERAL, at + 2)),
    "junk": lambda probe, at: (*sent(probe, at), there(probe, JUNK, at + 2)),
    "quarantine": lambda probe, at: (*sent(probe, at), there(probe, HELD, at + 2)),
    "altered": lambda probe, at: (*sent(probe, at), there(probe, CPR, at + 2, intact=False)),
    "refused": lambda probe, at: sent(probe, at, refused(Failure.REJECTED)),
    "form error": lambda probe, at: sent(probe, at, refused(Failure.FORM_ERROR)),
    "bounced": lambda probe, at: (
        *sent(probe, at),
        seen(replace(reply(Seen.BOUNCE), probe=probe, arrived_at=after(at + 2), noticed_at=after(at + 2))),
    ),
}


@pytest.mark.parametrize("how", SHOWN)
def test_what_shows_itself_counts_before_any_deadline(how: str) -> None:
    pages = Pages()
    pages.tell(*SHOWN[how](FIRST, 0.0))
    assert failing(pages) == {FIRST}
    pages.tell(*SHOWN[how](SECOND, 63.0))
    assert failing(pages) == {FIRST, SECOND}
    pages.tell(*sent(THIRD, 200.0))
    assert failing(pages) == {FIRST, SECOND}, "one that is on its way tells nothing"
    pages.tell(there(THIRD, CPR, 202.0))
    assert failing(pages) == set()


def test_silence_counts_at_its_deadline() -> None:
    pages = Pages()
    pages.tell(*sent(FIRST, 0.0), found(FIRST, DEADLINE, Outcome.MISSING))
    pages.tell(*sent(SECOND, DEADLINE + 60, confirms=FIRST))
    assert failing(pages) == {FIRST}
    pages.tell(found(SECOND, 2 * DEADLINE + 60, Outcome.MISSING))
    assert failing(pages) == {FIRST, SECOND}


def test_our_own_fault_is_no_failure_and_makes_up_for_none() -> None:
    pages = Pages()
    pages.tell(*sent(FIRST, 0.0, refused(Failure.OURS)))
    assert failing(pages) == set()
    pages.tell(*sent(SECOND, 10.0), there(SECOND, JUNK, 12.0), *sent(THIRD, 20.0, refused(Failure.OURS)))
    assert failing(pages) == {SECOND}


def test_what_is_moved_to_its_place_in_time_has_not_failed() -> None:
    pages = Pages()
    pages.tell(*sent(FIRST, 0.0), there(FIRST, GENERAL, 1.0))
    assert failing(pages) == {FIRST}
    pages.tell(there(FIRST, CPR, 5.0))
    assert failing(pages) == set()


def test_what_comes_late_has_failed_like_what_does_not_come() -> None:
    pages = Pages()
    pages.tell(*sent(FIRST, 0.0), found(FIRST, DEADLINE, Outcome.MISSING))
    pages.tell(*sent(SECOND, 60.0), found(SECOND, DEADLINE + 60, Outcome.MISSING))
    pages.tell(there(FIRST, CPR, DEADLINE + 100), there(SECOND, CPR, DEADLINE + 100))
    assert failing(pages) == {FIRST, SECOND}
    pages.tell(*sent(THIRD, DEADLINE + 110), there(THIRD, CPR, DEADLINE + 112))
    assert failing(pages) == set()


def test_what_was_late_only_because_nobody_looked_tells_nothing() -> None:
    pages = Pages()
    pages.tell(*sent(FIRST, 0.0), found(FIRST, DEADLINE + 500, Outcome.LATE, DeadlineResult.INDETERMINATE))
    assert failing(pages) == set()


def test_an_older_one_that_arrives_does_not_make_up_for_what_was_sent_after_it() -> None:
    pages = Pages()
    pages.tell(*sent(FIRST, 0.0), *sent(SECOND, 10.0), there(SECOND, JUNK, 12.0), there(FIRST, CPR, 30.0))
    assert failing(pages) == {SECOND}


def test_a_confirmation_that_fails_counts_with_the_first_whatever_arrived_in_between() -> None:
    """Only one kind of report is filtered, or those of one sender: the others arrive, and it is paged for."""
    pages = Pages()
    pages.tell(*sent(FIRST, 0.0), there(FIRST, HELD, 2.0), *sent(SECOND, 30.0), there(SECOND, CPR, 32.0))
    assert failing(pages) == set()
    pages.tell(*sent(THIRD, 63.0, confirms=FIRST), there(THIRD, HELD, 65.0))
    assert failing(pages) == {FIRST, THIRD}


def test_a_confirmation_that_fails_does_not_bring_back_what_arrived_meanwhile() -> None:
    pages = Pages()
    pages.tell(*sent(FIRST, 0.0), there(FIRST, GENERAL, 2.0), *sent(THIRD, 63.0, confirms=FIRST))
    pages.tell(there(FIRST, CPR, 64.0), there(THIRD, GENERAL, 65.0))
    assert failing(pages) == {THIRD}


def test_of_a_channel_that_fails_for_long_the_newest_are_remembered() -> None:
    pages = Pages()
    for number in range(9):
        pages.tell(*sent(f"probe{number}" + "2" * 10, 10.0 * number, refused(Failure.REJECTED)))
    assert failing(pages) == {f"probe{number}" + "2" * 10 for number in range(4, 9)}


def test_what_failed_before_a_pause_is_not_held_against_the_channel_after_it() -> None:
    pages = Pages()
    pages.tell(*sent(FIRST, 0.0, refused(Failure.REJECTED)), *sent(SECOND, 60.0, refused(Failure.REJECTED)))
    pages.tell(record.held(after(70), "alias", Hold.PAUSED, "work"), record.released(after(9000), "alias", Hold.PAUSED))
    assert failing(pages) == set()


def test_a_step_of_our_clock_moves_them() -> None:
    pages = Pages()
    pages.tell(*sent(FIRST, 0.0, refused(Failure.REJECTED)))
    pages.tell(Event(EventKind.CLOCK_STEPPED, after(-3600), {"seconds": -3600.0}))
    assert pages.state.totals.channels["alias"].failing == {FIRST: after(-3600).timestamp()}


def test_a_channel_that_is_only_looked_at_fails_by_its_looks() -> None:
    pages = Pages()

    def look(at: float, outcome: Outcome) -> Event:
        body = {"channel": "alias", "kind": "web_form", "queue": "cpr", "outcome": outcome.value, "detail": ""}
        return Event(EventKind.CHECKED, after(at), body)

    pages.tell(look(0, Outcome.FORM_ERROR), look(60, Outcome.INDETERMINATE), look(120, Outcome.FORM_ERROR))
    assert len(failing(pages)) == 2
    pages.tell(look(180, Outcome.ARRIVED))
    assert failing(pages) == set()


@pytest.mark.parametrize("how", SHOWN)
def test_a_bounce_is_counted_once_and_at_once(how: str) -> None:
    pages = Pages()
    pages.tell(*SHOWN[how](FIRST, 0.0))
    assert pages.state.totals.channels["alias"].bounced == (how == "bounced")
    pages.tell(found(FIRST, DEADLINE, Outcome.BOUNCED), there(FIRST, JUNK, DEADLINE + 5))
    assert pages.state.totals.channels["alias"].bounced == (how == "bounced")


def test_a_name_that_is_never_scheduled_is_of_no_channel() -> None:
    pages = Pages()
    found_twice: Sighting = replace(report(JUNK), probe=NAMES[2])
    pages.tell(seen(found_twice))
    assert dict(pages.state.totals.channels) == {}
