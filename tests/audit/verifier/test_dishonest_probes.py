"""The operator has every key and leaves out, or makes up, a part of what happened to a probe."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from audit.verifier.office import JUNK, Files, Office, refused, sealed, unpacked, without_event
from audit.verifier.test_dishonest_operator import check

from canary.audit.verifier import verify
from canary.budgets import Budget
from canary.ledger import EventKind, transaction
from canary.ledger.events import naming


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path / "state")
    opened.log.advance()
    yield opened
    opened.close()


def bundled(office: Office) -> Files:
    path = office.folder / "bundle.zip"
    office.bundle(path, office.wanted("7", 50))
    return unpacked(path)


def number(files: Files, kind: str) -> int:
    """The number of the first event of a kind."""
    events = (json.loads(raw) for name, raw in files.items() if name.startswith("events/"))
    return min(int(event["seq"]) for event in events if event["kind"] == kind)


@pytest.mark.parametrize("kind", ["submitting", "submitted", "sighting", "deadline"])
def test_an_event_of_a_probe_is_kept_back(office: Office, kind: str) -> None:
    """Its end names the numbers of all others: whatever they tell, none can be missing."""
    probe = office.probe(place=JUNK, arrives=2.0)
    office.stop()
    files = bundled(office)
    gone = number(files, kind)
    found = check(office, sealed(without_event(files, gone)))
    refused(found, verify.WHOLE, rf"probe {probe}: has events that are not in the bundle: {gone}, by event \d+$")
    assert check(office).rows[verify.WHOLE].state == "ok"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (lambda own: own[:-1], r"has events that event \d+ does not name: \d+$"),
        (lambda own: (*own, own[-1] + 1), r"has events that are not in the bundle: \d+, by"),
        (lambda own: (*own, own[0]), "no list names its events"),
    ],
)
def test_an_end_that_names_others(
    office: Office, monkeypatch: pytest.MonkeyPatch, told: Callable[[tuple[int, ...]], tuple[int, ...]], reason: str
) -> None:
    monkeypatch.setattr(transaction, "naming", lambda ended, own: naming(ended, told(own)))
    office.probe()
    office.stop()
    refused(check(office), verify.WHOLE, reason)


def test_of_very_many_events_the_end_names_the_first_and_counts_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("canary.ledger.events.probe.NAMED_EVENTS", Budget("few", number=3))
    office.probe()
    office.stop()
    files = bundled(office)
    ended = json.loads(files[f"events/{number(files, 'finished')}.json"])["body"]
    assert (len(ended["events"]), ended["more"]) == (3, 2)
    assert check(office).rows[verify.WHOLE].state == "ok"
    gone = without_event(files, number(files, "deadline"))
    refused(check(office, sealed(gone)), verify.WHOLE, "has 2 events more, and 1 are in the bundle")


def test_an_end_without_a_deadline(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither met nor missed, so it would be in no share."""
    add = office.add
    monkeypatch.setattr(office, "add", lambda *told: add(*(e for e in told if e.kind is not EventKind.DEADLINE)))
    office.probe(arrives=None)
    office.stop()
    refused(check(office), verify.COMPLETE, "has ended, and no event says what its deadline found")
