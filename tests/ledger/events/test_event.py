"""Events: one canonical form, from which the same event is read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import START, a_probe, cases, message, report, sightings
from hypothesis import example, given
from hypothesis import strategies as st

from canary.judge import judge
from canary.ledger import events as record
from canary.ledger.events import LARGEST, Event, EventKind
from canary.mail.authentication import METHODS
from canary.mail.spam import FILTERS
from canary.mail.way import read_way
from canary.model import Case, Component, DeadlineResult, Failure, Outcome, Probe, Sighting, Stage, Submission

times = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-(2.0**53), 2.0**53, exclude_min=True, exclude_max=True)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
events = st.builds(
    Event,
    kind=st.sampled_from(EventKind),
    at=times,
    body=st.dictionaries(texts, values, max_size=5),
    probe=st.none() | st.text("abc234", min_size=16, max_size=16),
    seq=st.integers(0, 2**53 - 1),
)
probes = st.builds(
    Probe,
    id=st.just("probeprobeprobe2"),
    channel=texts,
    kind=texts,
    sender=texts,
    variant=texts,
    scheduled_at=times,
    expected=st.frozensets(texts, min_size=1, max_size=3),
    deadline=st.floats(0.001, 1e6),
    give_up=st.floats(0.001, 1e7),
    owed=st.dictionaries(st.sampled_from(Stage), st.floats(0.001, 1e6)),
    replies=st.none() | texts,
    blind=st.booleans(),
    confirms=st.none() | texts,
)
submissions = st.builds(
    Submission,
    at=times,
    accepted=st.booleans(),
    seconds=st.floats(0, 1e6),
    failure=st.none() | st.sampled_from(Failure),
    uncertain=st.booleans(),
    reason=texts,
    reference=st.none() | texts,
    component=st.none() | st.sampled_from(Component),
    own_reason=st.none() | texts,
    attempts=st.integers(1, 100),
    steps=st.lists(st.tuples(texts, st.floats(0, 1e6)), max_size=3).map(tuple),
)


def stored(event: Event) -> Event:
    return record.read(event.canonical())


@given(events)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    assert stored(event) == event
    assert stored(event).canonical() == event.canonical()


@given(events, st.integers(1, 2**53 - 1))
@example(Event(EventKind.TROUBLE, START, {"tuple": (1.0, -0.0, 1e16), "half": "\ud800", "kind": Outcome.ARRIVED}), 7)
def test_at_its_place_it_is_what_is_read_from_the_disk(event: Event, seq: int) -> None:
    form, placed = record.placed(event, seq)
    assert form == replace(event, seq=seq).canonical()
    assert placed == record.read(form)
    assert json.dumps(placed.body, sort_keys=True) == json.dumps(record.read(form).body, sort_keys=True)


@given(events)
def test_the_canonical_form_does_not_depend_on_how_it_was_built(event: Event) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: turned(value[key]) for key in reversed(list(value))}
        return value

    assert replace(event, body=turned(event.body)).canonical() == event.canonical()
    assert b"\n" not in event.canonical()
    assert set(json.loads(event.canonical())) - {"probe"} == {"at", "body", "kind", "seq"}


@given(times, times)
def test_the_order_of_times_as_text_is_their_order(one: datetime, other: datetime) -> None:
    assert record.parse_time(record.timestamp(one)) == one
    assert (record.timestamp(one) < record.timestamp(other)) == (one < other)
    assert len(record.timestamp(one)) == 27


@given(probes, texts)
def test_a_probe_is_read_as_it_was(probe: Probe, mark: str) -> None:
    event = stored(record.scheduled(probe, mark))
    assert record.read_probe(event) == probe
    assert (event.body["mark"], event.probe, event.at) == (mark, probe.id, probe.scheduled_at)


@given(submissions)
def test_a_submission_is_read_as_it_was_without_its_artefacts(submission: Submission) -> None:
    with_artefact = replace(submission, artefacts=(("screenshot", b"\x89PNG"),))
    event = stored(record.submitted("probeprobeprobe2", START, with_artefact, {"screenshot": message(1)}))
    assert record.read_submission(event) == submission
    assert event.body["artefacts"] == {"screenshot": message(1)}


@given(sightings, texts)
def test_a_sighting_is_read_as_it_was(sighting: Sighting, where: str) -> None:
    event = stored(record.sighting(START, replace(sighting, where=where), "cpr-mailbox"))
    assert record.read_sighting(event) == replace(sighting, where=where)
    assert (event.body["where"], event.body["watcher"]) == (where, "cpr-mailbox")


@given(cases, st.sampled_from([0.0, 900.0, 90_000.0]))
def test_a_verdict_is_written_without_its_counts(case: Case, age: float) -> None:
    now = START + timedelta(seconds=age)
    verdict = judge(case, now, {"cpr": now, "legal": now})
    body = stored(record.finished("probeprobeprobe2", now, verdict)).body
    assert (body["outcome"], body["place"], body["reason"]) == (verdict.outcome, verdict.place, verdict.reason)
    assert body["stages"] == pytest.approx(verdict.stages)


def test_deadline_and_confirm_say_what_they_say() -> None:
    decided = stored(record.deadline("probeprobeprobe2", START, DeadlineResult.MISSED, Outcome.JUNKED))
    owed = stored(record.confirm("probeprobeprobe2", START, "alias", START + timedelta(seconds=60)))
    sending = stored(record.submitting("probeprobeprobe2", START, None, message(1)))
    assert decided.body == {"result": "missed", "outcome": "junked"}
    assert owed.body == {"channel": "alias", "due": "2026-03-01T12:01:00.000000Z"}
    assert sending.body == {"message_id": None, "payload": message(1)}
    assert a_probe().id == decided.probe == owed.probe == sending.probe


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_text_from_outside_is_too_strange_to_be_written(detail: str, message_id: str) -> None:
    event = record.sighting(START, report(detail=detail, message_id=message_id), "cpr-mailbox")
    read = record.read_sighting(stored(event))
    assert read.detail == detail.encode("utf-8", "replace").decode()
    assert stored(stored(event)) == stored(event)


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    event = Event(EventKind.TROUBLE, START, {"detail": ["a\udcffb", {"\ud800": "\udfff"}]})
    assert stored(event).body == {"detail": ["a?b", {"?": "?"}]}


def test_the_longest_way_of_a_message_fits_into_an_event() -> None:
    """Beside the longest detail and Message-ID that there may be."""
    name = b"a" * 63 + b"." + b"b" * 63 + b".test"
    hop = b"Received: from x (" + name + b" [2001:db8:1111:2222:3333:4444:5555:6666]) by " + name + b" with ESMTPS; x\n"
    verdicts = b"".join(b"%s: \xe4%s\n" % (field.encode(), b"\xf0\x9f\x90\xa4" * 200) for field in FILTERS)
    results = b"".join(b"Authentication-Results: %s; %s=pass header.d=%s\n" % (name, m.encode(), name) for m in METHODS)
    way = read_way(results + hop * 100 + verdicts, START, START)
    assert way is not None
    assert (len(way.hops), len(way.spam), len(way.authentication)) == (30, 10, 4)
    longest = replace(report(detail="\x01" * 100_000, message_id="\x01" * 1000), way=way)
    event = record.sighting(START, longest, "cpr-mailbox")
    assert record.read_sighting(stored(event)).way == way
    assert len(event.canonical()) < LARGEST
