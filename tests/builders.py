"""Cases to judge and record, built from what a test cares about and plain values for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from hypothesis import strategies as st

from canary.model import (
    Actor,
    Case,
    Component,
    Failure,
    Forgery,
    Place,
    Probe,
    Role,
    Seen,
    Sighting,
    Stage,
    Submission,
    TimeSource,
)
from canary.weighing import REPLAY_AFTER

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEADLINE, GIVE_UP = 900.0, 86_400.0
MESSAGE_ID = "<report@probe.example>"

CPR = Place("cpr", Role.MONITORED)
LEGAL = Place("legal", Role.MONITORED)
GENERAL = Place("general", Role.OTHER)
JUNK = Place("junk", Role.JUNK)
HELD = Place("held", Role.QUARANTINE)
MINE = Place("mine", Role.REPLIES)
TICKETS = Place("tickets", Role.MONITORED, message_id=False, whole=False, work=True)
DESK = Place("desk", Role.OTHER, message_id=False, whole=False, work=True)
TRACED = Place("traced", Role.MONITORED, delivery=True)
BEFORE = Place("before", Role.TRANSIT)
PLACES = (CPR, LEGAL, GENERAL, JUNK, HELD, MINE, TICKETS, DESK, TRACED, BEFORE)

EXPECTED = (("cpr",), ("cpr", "legal"), ("tickets",), ("cpr", "tickets"), ("traced", "legal"))
OWED: tuple[Mapping[Stage, float], ...] = (
    {},
    {Stage.ACKNOWLEDGED: 600},
    {Stage.ACKNOWLEDGED: DEADLINE, Stage.ANSWER_RECEIVED: GIVE_UP},
    {Stage.PICKED_UP: 3600, Stage.ANSWERED: 5000},
    {stage: 5000 for stage in Stage if stage.may_be_owed},
)
OF_THE_REPORT = (Seen.REPORT, Seen.PICKED_UP, Seen.CLOSED)
OF_DELIVERY = (Seen.BOUNCE, Seen.DELAY_NOTICE, Seen.DELIVERY_NOTICE)
DEEDS = (Seen.PICKED_UP, Seen.ANSWER, Seen.CLOSED, Seen.ACKNOWLEDGEMENT)


def after(seconds: float) -> datetime:
    """So many seconds after sending began."""
    return START + timedelta(seconds=seconds)


def message(number: int) -> str:
    """The SHA-256 of some message."""
    return sha256(str(number).encode()).hexdigest()


def a_probe(
    name: str = "probeprobeprobe2",
    *,
    expected: tuple[str, ...] = ("cpr",),
    channel: str = "alias",
    owed: Mapping[Stage, float] | None = None,
) -> Probe:
    """A probe of a channel that feeds the queues ``expected``, and owes these further stages."""
    return Probe(
        id=name,
        channel=channel,
        kind="email",
        sender="researcher",
        variant="V01",
        scheduled_at=START,
        expected=frozenset(expected),
        deadline=DEADLINE,
        give_up=GIVE_UP,
        owed=owed or {},
        replies=MINE.queue,
    )


def taken() -> Submission:
    """The other side took the report."""
    return Submission(at=START, accepted=True, seconds=0.5, reason="250 2.0.0 queued")


def refused(failure: Failure) -> Submission:
    """The report was refused, or we could not send it."""
    ours = failure is Failure.OURS
    return Submission(
        at=START,
        accepted=False,
        seconds=0.5,
        failure=failure,
        reason=f"{failure} with these words",
        component=Component.SMTP if ours else None,
        own_reason="refused" if ours else None,
    )


def uncertain() -> Submission:
    """The connection died where the report may or may not have been taken."""
    return Submission(at=START, accepted=False, seconds=0.5, uncertain=True, reason="the connection was lost")


def a_case(
    *sightings: Sighting,
    submission: Submission | None = None,
    expected: tuple[str, ...] = ("cpr",),
    owed: Mapping[Stage, float] | None = None,
) -> Case:
    """A probe that was sent, and taken unless ``submission`` says otherwise."""
    return Case(a_probe(expected=expected, owed=owed), START, MESSAGE_ID, submission or taken(), sightings)


def report(
    place: Place = CPR,
    at: float = 10.0,
    *,
    noticed: float | None = None,
    number: int = 1,
    message_id: str | None = MESSAGE_ID,
    intact: bool | None = True,
    forgery: Forgery | None = None,
    probe: str = "probeprobeprobe2",
    detail: str = "",
    where: str = "",
    generation: int = 0,
) -> Sighting:
    """The report, seen at ``place`` ``at`` seconds after sending began."""
    return Sighting(
        seen=Seen.REPORT,
        probe=probe,
        place=place,
        arrived_at=after(at),
        source=TimeSource.RECEIVED,
        uncertainty=1.0,
        noticed_at=after(at + 0.5 if noticed is None else noticed),
        message=message(number),
        message_id=message_id,
        intact=intact,
        forgery=forgery,
        detail=detail,
        where=where,
        generation=generation,
    )


def reply(
    seen: Seen,
    at: float = 20.0,
    *,
    number: int = 100,
    place: Place = MINE,
    detail: str = "their words",
    by: Actor | None = None,
) -> Sighting:
    """Something that came back to the sender."""
    return Sighting(
        seen,
        "probeprobeprobe2",
        place,
        after(at),
        TimeSource.RECEIVED,
        1.0,
        after(at + 0.5),
        message(number),
        detail=detail,
        by=by,
    )


def done(
    seen: Seen,
    by: Actor | None = Actor.HUMAN,
    at: float = 20.0,
    *,
    place: Place = TICKETS,
    number: int = 1,
    message_id: str | None = MESSAGE_ID,
) -> Sighting:
    """What somebody did with the report, as a queue of the CA shows it."""
    sighting = reply(seen, at, number=number, place=place, by=by, detail="")
    return replace(sighting, message_id=message_id if place.message_id else None)


# Arbitrary ones, drawn from few values each so that they often meet

seconds = st.sampled_from([-5.0, 0.0, 10.0, 10.5, 600.0, DEADLINE, DEADLINE + 1, REPLAY_AFTER + 60, GIVE_UP - 1])
sightings = st.builds(
    Sighting,
    seen=st.sampled_from(Seen),
    probe=st.just("probeprobeprobe2"),
    place=st.sampled_from(PLACES),
    arrived_at=seconds.map(after),
    source=st.sampled_from(TimeSource),
    uncertainty=st.just(1.0),
    noticed_at=seconds.map(after),
    message=st.integers(0, 5).map(message),
    message_id=st.sampled_from([MESSAGE_ID, MESSAGE_ID, "<another@probe.example>", None]),
    intact=st.sampled_from([True, False, None]),
    forgery=st.sampled_from([None, None, None, *Forgery]),
    detail=st.sampled_from(["", "some words", "other words"]),
    where=st.sampled_from(["", "7", "8"]),
    generation=st.sampled_from([0, 0, 1]),
    by=st.sampled_from([None, *Actor]),
)
queues = st.sampled_from([place for place in PLACES if place is not MINE])
actors = st.sampled_from([None, *Actor])
genuine_reports = st.builds(report, queues, seconds, number=st.integers(0, 5))
genuine_replies = st.builds(
    reply, st.sampled_from([seen for seen in Seen if seen not in OF_THE_REPORT]), seconds, by=actors
)
genuine_deeds = st.builds(done, st.sampled_from(DEEDS), actors, seconds, place=queues, number=st.integers(0, 5))
genuine_notices = st.builds(reply, st.sampled_from(OF_DELIVERY), seconds, place=st.just(TRACED))
submissions = st.sampled_from([None, taken(), uncertain(), *map(refused, Failure)])
cases = st.builds(
    Case,
    probe=st.sampled_from([a_probe(expected=names, owed=owed) for names in EXPECTED for owed in OWED]),
    submitting_at=st.sampled_from([START, START, None]),
    message_id=st.sampled_from([MESSAGE_ID, MESSAGE_ID, None]),
    submission=submissions,
    sightings=st.lists(
        st.one_of(sightings, genuine_reports, genuine_replies, genuine_deeds, genuine_notices), max_size=6
    ).map(tuple),
)
