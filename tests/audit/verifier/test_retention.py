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
from audit.verifier.office import RETENTION, Files, Office, packed, refused, sealed, unpacked, without_event
from cryptography import x509
from servers.tsa import Tsa

from canary.audit.verifier import deleted, messages, sample, times, tlog, verdict, verify
from canary.audit.verifier.archive import Archive
from canary.audit.verifier.findings import GAPS, Findings
from canary.audit.verifier.log import read_log
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


def kept_for(days: float) -> dict[str, float]:
    return RETENTION | {"messages": days * 86_400.0, "events": 2 * 730 * 86_400.0}


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


# Attacks through the product's own code, and what is healthy beside them


def test_a_rule_that_is_short_for_a_day_is_told(opened: Office) -> None:
    """A year by the rule when they were sent, 90 days on one day, and a year again: no rule is broken, and it shows."""
    opened.configure(retention=kept_for(365))
    opened.probe()
    passed(opened, 100 * DAY)
    opened.configure(retention=kept_for(90))
    run(opened, RULES | {Rule.EVENTS: 1460 * DAY})
    opened.configure(retention=kept_for(365))
    opened.stop()
    bundle(opened)
    found = check(opened)
    assert found.verdict == GAPS, found.to_json()
    told = found.rows[deleted.FORGOTTEN].unchecked
    was = "the rule in force for some messages was 365 days when its probe was sent, and 90 when it was deleted"
    assert was in told


def test_a_rule_that_is_not_in_force_any_more(opened: Office) -> None:
    """The real job at work by the rules of before."""
    before = opened.configured
    opened.configure(retention=kept_for(365))
    passed(opened, 100 * DAY)
    opened.configured = before
    run(opened, RULES)
    opened.stop()
    bundle(opened)
    refused(check(opened), deleted.FORGOTTEN, f"goes by the rules of event {before}, and those of event .* in force")


def test_a_rule_that_was_never_told(opened: Office) -> None:
    opened.configure(retention=kept_for(365))
    passed(opened, 100 * DAY)
    run(opened, RULES)
    opened.stop()
    bundle(opened)
    refused(check(opened), deleted.FORGOTTEN, "keeps messages for 90 days, and in force .* is 365")


@pytest.mark.parametrize("told", [True, False])
def test_a_clock_that_was_set_forward_makes_nothing_old(opened: Office, told: bool) -> None:
    """Set two years ahead, and back: where the log tells of it, what is young shows; else times go back."""
    for ahead in (800 * DAY, -800 * DAY):
        set_clock(opened, ahead)
        if told:
            opened.tell(EventKind.CLOCK_STEPPED, seconds=ahead.total_seconds())
        if ahead > timedelta(0):
            shred(opened)
    opened.stop()
    bundle(opened)
    row = deleted.FORGOTTEN if told else verify.ORDER
    refused(check(opened), row, "and that was on" if told else "says .*, and event .* before it")


def set_clock(office: Office, by: timedelta) -> None:
    assert isinstance(office.clock, SimulatedClock)
    office.clock.set_wall(by)
    assert office.clock.step() == by


def shred(office: Office) -> None:
    """What the job does, but that it goes by what the clock says alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Retention, "_first_young", lambda *_: None)
        run(office, RULES)


def test_the_job_itself_does_not_believe_such_a_clock(opened: Office) -> None:
    set_clock(opened, 800 * DAY)
    opened.tell(EventKind.CLOCK_STEPPED, seconds=800 * 86_400.0)
    run(opened, RULES)
    assert not list(opened.ledger.events(kind=EventKind.FORGOTTEN))
    passed(opened, 91 * DAY)
    run(opened, RULES)
    assert {told.body["rule"] for told in opened.ledger.events(kind=EventKind.FORGOTTEN)} == {"messages", "traces"}


def test_nothing_shows_how_old_emptied_events_were(office: Office) -> None:
    files = bundle(office)
    [last] = {json.loads(raw)["body"]["last"] for raw in files.values() if b'"rule":"events"' in raw}
    files = without_event(files, last)
    found = check(office, sealed(files))
    refused(found, deleted.FORGOTTEN, f"deletes events up to {last}, and that is not there to show how old they were")


def test_a_file_that_was_deleted_and_came_again_is_kept(opened: Office) -> None:
    sent = next(opened.ledger.events(kind=EventKind.SUBMITTING)).body["payload"]
    again = opened.ledger.artefacts.get(sent)
    assert again is not None
    passed(opened, 91 * DAY)
    run(opened, RULES)
    assert opened.ledger.artefacts.put(again) == sent
    opened.stop()
    files = bundle(opened)
    assert f"artefacts/{sent}" in files
    assert check(opened).ok


def test_two_years_and_more_by_the_rules_are_good(tmp_path: Path) -> None:
    """A probe each quarter, retention each month: the whole is good, and so is the first quarter, of which all went."""
    clock = SimulatedClock(datetime(2023, 1, 1, tzinfo=UTC))
    office = Office(tmp_path / "state", clock=clock)
    office.log.advance()
    for month in range(30):
        if month % 3 == 0:
            office.probe(arrives=None if month == 6 else 1.0)
        passed(office, 15 * DAY)
        office.log.advance()
        passed(office, 15 * DAY)
        run(office, RULES)
    office.stop()
    rules = {told.body["rule"] for told in office.ledger.events(kind=EventKind.FORGOTTEN)}
    assert rules == {"messages", "traces", "events"}
    path, first = office.folder / "bundle.zip", replace(office.wanted("7", 20), since=office.begun)
    for wanted in (first, replace(first, until=office.begun + 90 * DAY)):
        assert not office.bundle(path, wanted).missing
        found = check(office)
        assert found.verdict == GAPS, found.to_json()
        page = verdict.page(found)
        assert "What was deleted" in page
        assert re.search(r"- \d+ files .messages. of the sample|- \d+ events that the bundle would hold", page)
        assert re.search(r"of these the seed had picked \d+", page)
    office.close()


def test_when_it_was_deleted_is_the_word_of_the_ca_until_a_time_stamp_is_over_it(opened: Office) -> None:
    forget(opened, RULES, 91 * DAY)
    bundle(opened)
    archive, findings = Archive(opened.folder / "bundle.zip"), Findings()
    log = read_log(archive, [tlog.Key.parse(opened.vkey)], findings)
    assert log is not None
    deleted.Deleted(log, archive.files, [], timedelta(seconds=60), findings)
    archive.close()
    [one, other] = findings.rows[deleted.FORGOTTEN].unchecked
    assert re.fullmatch(r"no time-stamp is over event \d+: when it deleted messages is the CA's own word", one)
    assert "deleted traces" in other


def test_a_clock_that_was_set_forward_without_a_word_is_behind_its_time_stamps(tmp_path: Path) -> None:
    """The step back alone is told, as if the clock had been wrong: by the log's own times all was old when it went."""
    office = Office(tmp_path / "state", clock=SimulatedClock(datetime.now(UTC)))
    office.log.advance()
    office.probe()
    with Tsa(tmp_path / "tsa") as tsa:
        office.log.advance()
        office.stamp(tsa)
        set_clock(office, 800 * DAY)
        shred(office)
        set_clock(office, -800 * DAY)
        office.tell(EventKind.CLOCK_STEPPED, seconds=-800 * 86_400.0)
        office.stop()
        office.stamp(tsa)
    office.bundle(office.folder / "bundle.zip", office.wanted("7", 5), {"one": tsa.ca_file})
    brought = Options(
        [tlog.Key.parse(office.vkey)], roots=x509.load_pem_x509_certificates(tsa.ca_file.read_bytes()), tolerance=120
    )
    found = verify.verify(office.folder / "bundle.zip", brought)
    [*_, stone] = office.ledger.events(kind=EventKind.FORGOTTEN)
    office.close()
    refused(found, times.WITHIN, f"event {stone.seq}: says .*, and was time-stamped on")


def test_the_page_counts_what_went_while_the_period_went_on(opened: Office) -> None:
    forget(opened, RULES, 91 * DAY)
    bundle(opened)
    page = " ".join(verdict.page(check(opened)).split())
    messages_and_traces = "4 files (messages) of the sample, by a rule of 90 days, from 2024-04-01 to 2024-04-01 (1"
    assert f"{messages_and_traces} events tell of it); 4 before the period was over" in page
    assert "2 files (traces) of the sample, by a rule of 90 days" in page


def test_no_event_is_emptied_by_a_rule_for_files(opened: Office) -> None:
    """It would be gone after 90 days instead of two years."""
    last = opened.ledger.state.seq
    passed(opened, 91 * DAY)
    before = f"{opened.now() - 90 * DAY:%Y-%m-%dT%H:%M:%S.%f}Z"
    body = {"rule": "messages", "kept": 90 * 86_400.0, "before": before, "configured": opened.configured}
    opened.tell(EventKind.FORGOTTEN, **body, first=1, last=last, count=5)
    opened.stop()
    opened.bundle(opened.folder / "bundle.zip", opened.wanted("7", 200))  # by which each event is picked
    refused(check(opened), deleted.FORGOTTEN, "deletes events by the rule for messages")
