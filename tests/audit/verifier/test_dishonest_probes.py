"""The operator has every key and leaves out, or makes up, a part of what happened to a probe."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from audit.verifier.office import JUNK, Files, Office, refused, sealed, unpacked, without_event
from audit.verifier.test_dishonest_operator import check, lying

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


def as_ours(office: Office) -> None:
    """Have every probe of the office called indeterminate, whatever was seen of it."""
    lying(office, EventKind.DEADLINE, outcome="indeterminate", result="indeterminate")
    lying(office, EventKind.FINISHED, outcome="indeterminate", place=None)


@pytest.mark.parametrize(
    ("happened", "reason"),
    [
        ({"place": JUNK}, r"is indeterminate, and was seen in junk \(junk\) and not in all of cpr"),
        ({"arrives": 7.0}, r"is indeterminate, and was seen in cpr, and took 7\.000 s of 5 s"),
        ({}, r"is indeterminate, and was seen in cpr, and took 1\.000 s of 5 s"),
    ],
)
def test_a_failure_that_is_called_our_own_fault(office: Office, happened: dict[str, Any], reason: str) -> None:
    """A fault that is told explains nothing of what was seen all the same."""
    as_ours(office)
    office.ill()
    office.probe(**happened, between=office.ill)
    office.stop()
    refused(check(office), verify.OUTCOME, reason)


def test_what_was_not_seen_is_our_own_fault_only_where_one_was_told_meanwhile(office: Office) -> None:
    as_ours(office)
    office.ill()
    silent = office.probe(arrives=None)
    office.ill()
    told = office.probe(arrives=None, between=office.ill)
    office.stop()
    found = check(office)
    reason = f"probe {silent}: is indeterminate, and no fault of the canary's was told while it was under way"
    refused(found, verify.OUTCOME, reason)
    assert found.rows[verify.OUTCOME].failed == 1
    assert {fact["outcome"] for fact in found.facts["probes"] if fact["probe"] == told} == {"indeterminate"}
    assert "2 of 2 are indeterminate" in found.rows[verify.OUTCOME].said


def test_a_fault_is_in_the_bundle_of_each_probe_that_rests_on_it(office: Office) -> None:
    """And no other of the many that were told."""
    as_ours(office)
    for _ in range(3):
        office.ill()
    probe = office.probe(arrives=None, between=office.ill)
    office.ill()
    office.stop()
    path = office.folder / "asked.zip"
    office.bundle(path, replace(office.wanted("7", 0), asked=(probe,)))
    kinds = [json.loads(raw)["kind"] for name, raw in unpacked(path).items() if name.startswith("events/")]
    assert kinds.count("trouble") == 1
    assert check(office).ok


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(0.0, r"took 7\.000 s of 5 s"), (1.5, r"took 5\.500 s of 5 s"), (-60.0, r"took 67\.000 s of 5 s")],
)
def test_a_step_of_the_clock_excuses_no_more_than_its_seconds(office: Office, seconds: float, reason: str) -> None:
    lying(office, EventKind.DEADLINE, outcome="arrived", result="met")
    lying(office, EventKind.FINISHED, outcome="arrived", stages={"accepted": 0.2, "arrived": 4.5})
    office.probe(arrives=7.0, between=lambda: office.tell(EventKind.CLOCK_STEPPED, seconds=seconds))
    office.stop()
    refused(check(office), verify.OUTCOME, f"is arrived, and was seen in cpr, and {reason}")


def test_a_step_of_the_clock_moves_what_was_told_before_it_and_no_latency(office: Office) -> None:
    """The clock was set while a report was on its way: it took what it took; without the step it is refused."""
    office.probe(arrives=31.0, between=lambda: office.tell(EventKind.CLOCK_STEPPED, seconds=30.0))
    office.stop()
    found = check(office)
    assert [fact["outcome"] for fact in found.facts["probes"]] == ["arrived"]
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    files = bundled(office)
    gone = number(files, "clock_stepped")
    refused(check(office, sealed(without_event(files, gone))), verify.WHOLE, f"not in the bundle: {gone}, by event")
