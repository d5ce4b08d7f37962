"""The judge: what does not count, forgeries and replays, and by which Message-ID a report counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import (
    CPR,
    GENERAL,
    GIVE_UP,
    HELD,
    JUNK,
    LEGAL,
    MINE,
    OF_DELIVERY,
    TICKETS,
    TRACED,
    a_case,
    a_probe,
    done,
    reply,
    report,
    taken,
    uncertain,
)
from judging import verdict

from canary.judge import reached
from canary.model import (
    Case,
    Forgery,
    Outcome,
    Place,
    Role,
    Seen,
    Sighting,
    Submission,
)
from canary.weighing import REPLAY_AFTER

# Forgeries


@pytest.mark.parametrize("forgery", Forgery)
def test_a_forged_sighting_is_counted_and_is_no_arrival(forgery: Forgery) -> None:
    found = verdict(a_case(report(forgery=forgery)))
    assert (found.outcome, found.forged) == (Outcome.MISSING, {forgery: 1})


@pytest.mark.parametrize(
    "case",
    [
        a_case(report(message_id="<another@probe.example>", intact=None)),
        a_case(report(MINE)),
        a_case(reply(Seen.BOUNCE, place=CPR)),
        a_case(reply(Seen.OUT_OF_OFFICE, place=TICKETS)),
        a_case(done(Seen.PICKED_UP, place=MINE)),
        a_case(done(Seen.CLOSED, place=MINE)),
        a_case(done(Seen.PICKED_UP, place=CPR, message_id="<another@probe.example>")),
        Case(a_probe(), sightings=(report(),)),
    ],
    ids=[
        "in another message that was not compared",
        "in our own mailbox",
        "a bounce in their queue",
        "an absence in their queue",
        "picked up in our own mailbox",
        "closed in our own mailbox",
        "another message picked up",
        "of a probe that was never sent",
    ],
)
def test_a_genuine_mark_where_it_does_not_fit_is_a_replay(case: Case) -> None:
    found = verdict(case)
    assert found.forged == {Forgery.REPLAYED: 1}
    assert found.outcome in (Outcome.MISSING, Outcome.INDETERMINATE)


@pytest.mark.parametrize("seen", OF_DELIVERY)
@pytest.mark.parametrize("place", [CPR, TRACED, replace(TRACED, role=Role.REPLIES)])
def test_what_became_of_a_delivery_counts_where_a_place_shows_it(seen: Seen, place: Place) -> None:
    found = verdict(a_case(reply(seen, place=place), expected=("traced",)))
    counts = place.delivery or place.role is Role.REPLIES
    assert found.forged == ({} if counts else {Forgery.REPLAYED: 1})
    assert (found.outcome is Outcome.BOUNCED) is (counts and seen is Seen.BOUNCE)


def test_a_reason_names_every_wrong_place_and_every_bounce() -> None:
    many = [report(place) for place in (GENERAL, JUNK, HELD, LEGAL)]
    assert verdict(a_case(*many)).reason == "seen in held, general, junk, legal; not in cpr"
    both = [reply(Seen.BOUNCE, at=9 + n, place=TRACED, detail=f"{n}: full", number=n) for n in range(2)]
    assert verdict(a_case(*both, report(HELD))).reason == "0: full; 1: full; seen in held"


@pytest.mark.parametrize("shown", [None, "<ticket-7@desk.example>", "<one@a.example> <two@b.example>"])
@pytest.mark.parametrize(
    ("place", "intact", "outcome"),
    [(CPR, True, Outcome.ARRIVED), (CPR, False, Outcome.ALTERED), (JUNK, True, Outcome.JUNKED)],
)
def test_a_report_that_was_compared_counts_by_whatever_message_id(
    shown: str | None, place: Place, intact: bool, outcome: Outcome
) -> None:
    found = verdict(a_case(report(place, message_id=shown, intact=intact)))
    assert (found.outcome, found.forged) == (outcome, {})


@pytest.mark.parametrize(
    ("sighting", "where", "why"),
    [
        (
            report(message_id="<x@y.example>", intact=None),
            "cpr",
            "it has another Message-ID than was sent, <x@y.example>",
        ),
        (report(forgery=Forgery.BAD_MAC), "cpr", "its mark is forged"),
        (report(forgery=Forgery.REPLAYED, detail="another message that has its mark"), "cpr", "another message that"),
        (report(JUNK, GIVE_UP + 9, forgery=Forgery.EXPIRED), "junk", "it came 86409 s after submission, and was"),
        (report(MINE), "mine", "a report has no place in the sender's own mailbox"),
        (reply(Seen.BOUNCE, place=CPR), "cpr", "a bounce has no place in a queue of the CA"),
    ],
)
@pytest.mark.parametrize("submission", [taken(), uncertain()], ids=["taken", "uncertain"])
def test_of_what_was_seen_it_is_never_said_that_it_was_not(
    sighting: Sighting, where: str, why: str, submission: Submission
) -> None:
    found = verdict(a_case(sighting, submission=submission))
    assert found.outcome in (Outcome.MISSING, Outcome.INDETERMINATE)
    assert "not seen" not in found.reason
    assert f"in {where} lies what does not count: {why}" in found.reason


def test_many_that_do_not_count_are_told_in_few_words() -> None:
    many = [report(number=n, forgery=Forgery.REPLAYED, detail=f"message {n}") for n in range(9)]
    found = verdict(a_case(*many, done(Seen.ANSWER, place=CPR)))
    assert found.reason.count("does not count") == 3
    assert found.reason.endswith(", and 7 more")


def test_what_was_done_with_a_report_that_is_not_seen_is_told() -> None:
    found = verdict(a_case(done(Seen.ANSWER, place=CPR), reply(Seen.ACKNOWLEDGEMENT)))
    assert found.reason == "not in cpr within 900 s; answer in cpr; acknowledgement in mine"


def test_a_copy_of_what_was_there_an_hour_ago_is_a_replay() -> None:
    again = report(at=10 + REPLAY_AFTER + 1, number=2)
    found = verdict(a_case(report(), again), at=2 * REPLAY_AFTER)
    assert (found.outcome, found.duplicates, found.forged) == (Outcome.ARRIVED, 0, {Forgery.REPLAYED: 1})


def test_a_form_writes_its_own_message_id() -> None:
    case = replace(a_case(report(message_id="<written@form.example>")), message_id=None)
    assert verdict(case).outcome is Outcome.ARRIVED


@pytest.mark.parametrize("shown", [None, "<another@probe.example>"])
def test_a_place_that_does_not_tell_the_message_id_is_not_asked_for_it(shown: str | None) -> None:
    case = a_case(report(TICKETS, message_id=shown), expected=("tickets",))
    assert (verdict(case).outcome, verdict(case).forged) == (Outcome.ARRIVED, {})
    assert reached(case) == {"tickets"}
    strict = a_case(report(message_id=shown, intact=None))
    assert (verdict(strict).outcome, verdict(strict).forged) == (Outcome.MISSING, {Forgery.REPLAYED: 1})
    assert reached(strict) == set()
