"""What the real retention job deleted is told in a bundle, proved by its hash, and accepted for its tombstone alone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from audit.verifier.office import Files, Office, packed, refused, sealed, unpacked

from canary.audit.verifier import deleted, messages, sample, tlog, verify
from canary.audit.verifier.findings import Findings
from canary.audit.verifier.verify import Options
from canary.ledger import EventKind
from canary.ledger.retention import Retention, Rule
from canary.simulated import SimulatedClock

DAY = timedelta(days=1)
RULES = {Rule.MESSAGES: 90 * DAY, Rule.TRACES: 90 * DAY, Rule.EVENTS: 730 * DAY}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Office]:
    """Two probes that ended."""
    clock = SimulatedClock(datetime(2024, 1, 1, tzinfo=UTC))
    office = Office(tmp_path / "state", clock=clock)
    office.log.advance()
    office.probe()
    office.probe()
    clock.advance(60)
    office.log.advance()
    yield office
    office.close()


def passed(office: Office, time: timedelta) -> None:
    assert isinstance(office.clock, SimulatedClock)
    office.clock.advance(time.total_seconds())


def run(office: Office, rules: dict[Rule, timedelta]) -> None:
    """The real job, at work by these rules, which are in force."""
    for path in (office.folder / "artefacts").rglob("*"):
        os.utime(path, (0, 0))  # old, as far as the job can see
    head = office.log.advance()
    Retention(office.ledger, rules, office.clock, office.configured).run(head.size if head else 0)
    office.log.forget()


def forget(office: Office, rules: dict[Rule, timedelta], later: timedelta) -> None:
    """Let so much time pass, then have the real job forget by these rules; two more probes follow."""
    passed(office, later)
    if rules != RULES:
        office.configure(retention={rule.value: kept.total_seconds() for rule, kept in rules.items()})
    run(office, rules)
    office.probe()
    office.probe(arrives=None)
    passed(office, timedelta(minutes=1))
    office.stop()


@pytest.fixture
def office(opened: Office) -> Office:
    """Two probes whose every event and file was forgotten, and two that came two years later."""
    forget(opened, RULES, 731 * DAY)
    return opened


def check(office: Office, files: Files | None = None) -> Findings:
    path = office.folder / "bundle.zip"
    if files is not None:
        packed(path, files)
    return verify.verify(path, Options([tlog.Key.parse(office.vkey)], tolerance=120))


def bundle(office: Office) -> Files:
    made = office.bundle(office.folder / "bundle.zip", replace(office.wanted("7", 50)))
    assert not made.missing
    return unpacked(office.folder / "bundle.zip")


def test_it_is_accepted(office: Office) -> None:
    files = bundle(office)
    found = check(office)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    assert [fact["outcome"] for fact in found.facts["probes"]].count("deleted") == 2
    emptied = [name for name in files if b"\nextra " in files[name]]
    assert len(emptied) >= 10
    assert not any(name.replace("proofs", "events").replace(".tlog-proof", ".json") in files for name in emptied)
    assert found.facts["population"]["count"] == 4


def test_events_that_are_not_there_need_a_tombstone(office: Office) -> None:
    files = bundle(office)
    told = [
        seq
        for name, raw in files.items()
        if name.startswith("events/") and (event := json.loads(raw))["kind"] == "forgotten"
        for seq in [event["seq"]]
        if "artefacts" not in event["body"]
    ]
    assert told
    for seq in told:
        files = {n: c for n, c in files.items() if n not in (f"events/{seq}.json", f"proofs/{seq}.tlog-proof")}
    found = check(office, sealed(files))
    assert any("no event tells that it was deleted" in failure for failure in found.rows[deleted.FORGOTTEN].failures)


def test_a_later_event_cannot_be_called_deleted(office: Office) -> None:
    """Only what a tombstone names may be missing: another event cannot be put away behind its hash."""
    files = bundle(office)
    name = next(name for name, raw in files.items() if name.startswith("events/") and b'"kind":"sighting"' in raw)
    seq = int(re.findall(r"\d+", name)[0])
    proof = files[f"proofs/{seq}.tlog-proof"].decode()
    extra = f"extra {tlog.encoded(tlog.leaf_hash(files.pop(name)))}\nindex"
    files[f"proofs/{seq}.tlog-proof"] = proof.replace("index", extra, 1).encode()
    found = check(office, sealed(files))
    assert (
        f"event {seq}: is not there, and no event tells that it was deleted" in found.rows[deleted.FORGOTTEN].failures
    )


@pytest.mark.parametrize(
    ("rules", "later", "reason"),
    [
        (
            dict.fromkeys(Rule, timedelta(0)),
            timedelta(hours=1),
            "deletes messages after 0 days",
        ),
        (RULES | {Rule.EVENTS: 729 * DAY}, 730 * DAY, "deletes events after 729 days, and they are kept for 730"),
        (RULES | {Rule.TRACES: 30 * DAY}, 91 * DAY, "deletes traces after 30 days, and they are kept for 90"),
    ],
)
def test_a_rule_that_shreds(opened: Office, rules: dict[Rule, timedelta], later: timedelta, reason: str) -> None:
    forget(opened, rules, later)
    bundle(opened)
    refused(check(opened), deleted.FORGOTTEN, reason)


@pytest.mark.parametrize(
    ("rule", "days", "told", "reason"),
    [
        ("messages", 90, {}, "deletes all up to event .* as older than .*, and that was on 2024-01-01"),
        ("messages", 90, {"last": 0}, "is not in the bundle, and what was deleted ends with event 0"),
        ("messages", 90, {"before": "2024-01-01T00:00:30.000000Z"}, "which is not 90 days before"),
        ("messages", True, {}, "keeps messages for True"),
        ("whatever", 90, {}, "tells of a rule that is none"),
    ],
)
def test_a_file_that_was_deleted_young(
    opened: Office, rule: str, days: float, told: dict[str, object], reason: str
) -> None:
    """The tombstone says what a real one would, and its file was not as old."""
    sent = next(opened.ledger.events(kind=EventKind.SUBMITTING))
    kept = days if isinstance(days, bool) else days * 86_400
    before = f"{opened.now() - days * DAY:%Y-%m-%dT%H:%M:%S.%f}Z"
    body = {"rule": rule, "kept": kept, "before": before, "first": 1, "last": sent.seq, "count": 1}
    body |= {"configured": opened.configured}
    opened.tell(EventKind.FORGOTTEN, **body | {"artefacts": [sent.body["payload"]]} | told)
    opened.ledger.artefacts.path(sent.body["payload"]).unlink()
    opened.stop()
    opened.bundle(opened.folder / "bundle.zip", opened.wanted("7", 50))
    found = check(opened)
    every = [why for row in found.rows.values() for why in row.failures]
    assert any(re.search(reason, why) for why in every), every


def test_a_picked_event_that_was_emptied_is_a_gap_of_its_own(office: Office) -> None:
    bundle(office)
    told = check(office).rows[sample.SPOTS].unchecked
    assert any(re.search(r"event \d+ was picked, and had been emptied by retention", why) for why in told)


def test_messages_that_were_deleted_are_a_gap(opened: Office) -> None:
    forget(opened, RULES, 91 * DAY)
    bundle(opened)
    found = check(opened)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    assert found.rows[messages.MARKS].unchecked == {"messages were deleted by retention, as the log tells": 4}
