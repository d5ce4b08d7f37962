"""The operator has every key, and shows for a probe what belongs to another one, or to none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from audit.verifier.conftest import FIRST_ALONE
from audit.verifier.office import Office, refused
from audit.verifier.test_dishonest_operator import check, lying, sent

from canary.audit.verifier import messages
from canary.ledger import Event, EventKind


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path / "state")
    opened.log.advance()
    yield opened
    opened.close()


def test_one_arrival_for_several_probes(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent once is shown for others too: their marks are not in it, in whatever order they are looked at."""
    real = office.probe()
    message = office.ledger.artefacts.get(sent(office, real))
    assert message
    monkeypatch.setattr(office, "_message", lambda mark, root: message)
    for _ in range(3):
        office.probe()
    office.stop()
    found = check(office)
    refused(found, messages.MARKS, "exactly what was sent .*: does not contain the mark")
    refused(found, messages.ALONE, f"has the message [0-9a-f]{{64}} of probe ({real}|[a-z2-7]{{16}}) too")
    assert found.rows[messages.MARKS].failed == 3 * 2
    assert not found.rows[messages.MARKS].unchecked


def test_one_message_with_the_marks_of_all(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each finds its mark in it; and yet it is one message, that was sent once."""
    marks = [office.marks.make(f"{letter * 16}", office.now()) for letter in "abc"]
    names = iter("abc")
    monkeypatch.setattr("audit.verifier.office.new_probe_id", lambda: next(names) * 16)
    monkeypatch.setattr(office.marks, "make", lambda probe, at: next(m for m in marks if m.startswith(probe)))
    head = office.log.latest()
    assert head
    raw = f"Subject: all\r\n\r\n{' '.join(marks)} {head.root.hex()}\r\n".encode()
    monkeypatch.setattr(office, "_message", lambda mark, root: raw)
    for _ in range(3):
        office.probe()
    office.stop()
    found = check(office)
    refused(found, messages.ALONE, "has the message [0-9a-f]{64} of probe [abc]{16} too")
    assert found.rows[messages.MARKS].state == "ok"


def test_one_message_under_two_wrappings(office: Office) -> None:
    """Its bytes differ with each probe; the Message-ID that it was sent with is still one."""
    lying(office, EventKind.SUBMITTING, message_id="<one@probe.example>")
    office.probe()
    office.probe()
    office.stop()
    refused(check(office), messages.ALONE, "has the Message-ID <one@probe.example> of probe [a-z2-7]{16} too")


def test_a_digest_of_several_reports_is_no_whole_report(office: Office) -> None:
    """A system that puts two reports into one message delivers none of them unchanged: that is told, and no fraud."""
    lying(office, EventKind.SIGHTING, intact=False, message_id="<digest@ca.example>")
    office.probe()
    office.probe()
    office.stop()
    assert check(office).rows[messages.ALONE].state == "ok"


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (lambda _: "", "no mark is ''"),
        (lambda _: "aaaa", "no mark is 'aaaa'"),
        (lambda mark: mark[:-1], "no mark is"),
        (lambda mark: f"{mark}\n", "no mark is"),
        (lambda mark: mark.upper(), "no mark is"),
        (lambda _: "a" * 40, "the mark a{40} is not of the probe"),
        (lambda mark: mark[20:] + mark[:20], "the mark [a-z2-7]{40} is not of the probe"),
        (lambda _: None, "no mark is None"),
    ],
)
def test_a_mark_that_is_in_everything(office: Office, mark: Callable[[str], object], reason: str) -> None:
    add = office.add

    def write(*events: Event) -> list[Event]:
        return add(*(replace(e, body={**e.body, "mark": mark(e.body["mark"])}) if e.kind is EventKind.SCHEDULED else e
                     for e in events))  # fmt: skip

    office.add = write  # type: ignore[method-assign]  # he writes what suits him
    office.probe()
    office.stop()
    refused(check(office), messages.FORM, reason)


@FIRST_ALONE
def test_a_message_too_large_to_be_looked_into(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """No canary has one of that size: it is no way around the mark."""
    monkeypatch.setattr(messages, "LARGEST_MESSAGE", 200)
    office.probe()
    office.stop()
    refused(check(office), messages.ARTEFACTS, r"what was sent .*: has \d+ bytes, and no message more than 200")


def test_an_answer_that_is_about_nothing_of_ours(office: Office) -> None:
    """What speaks for the CA must have the mark, as what the canary finds always has."""
    lying(office, EventKind.SIGHTING, seen="answer", by="human", message=office.ledger.artefacts.put(b"Dear all, yes."))
    office.probe(arrives=1.0)
    office.stop()
    refused(check(office), messages.MARKS, r"answer in cpr \(event \d+\): does not contain the mark")
