"""The operator has the log's key and lies: what others said, and what does not fit together, gives it away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from audit.verifier.conftest import Healthy
from audit.verifier.office import (
    DEADLINE,
    GIVE_UP,
    JUNK,
    Files,
    Office,
    packed,
    refused,
    sealed,
    unpacked,
    without_event,
)
from builders import CPR, a_probe
from servers.tsa import Tsa

from canary.audit.verifier import canonical, log, messages, period, stamps, times, tlog, verify
from canary.audit.verifier.findings import Findings
from canary.audit.verifier.verify import Options
from canary.ledger import Event, EventKind
from canary.ledger import events as record
from canary.model import Flood, Forgery, Place
from canary.simulated import SimulatedClock


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path / "state")
    opened.log.advance()
    yield opened
    opened.close()


def check(office: Office, files: Files | None = None, **options: object) -> Findings:
    """What is found in a bundle of the office, with every probe in the sample."""
    path = office.folder / "bundle.zip"
    office.bundle(path, office.wanted("7", 50))
    if files is not None:
        packed(path, files)
    return verify.verify(path, replace(Options([tlog.Key.parse(office.vkey)]), **options))  # type: ignore[arg-type]


def lying(office: Office, kind: EventKind, /, **changes: object) -> None:
    """Has the office write events of a kind otherwise than they were."""
    add = office.add

    def write(*events: Event) -> list[Event]:
        return add(*(replace(e, body={**e.body, **changes}) if e.kind is kind else e for e in events))

    office.add = write  # type: ignore[method-assign]


def test_an_honest_office_is_accepted(office: Office) -> None:
    office.probe()
    office.probe(arrives=None)
    office.probe(place=JUNK)
    office.probe(arrives=DEADLINE + 1)
    office.stop()
    found = check(office)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    assert {fact["outcome"] for fact in found.facts["probes"]} == {"arrived", "missing", "junked", "late"}


@pytest.mark.parametrize(
    ("happened", "said", "reason"),
    [
        ({"arrives": None}, "arrived", "is arrived, and was not seen in all of cpr"),
        ({"place": JUNK}, "arrived", r"is arrived, and was seen in junk \(junk\) and not in all of cpr"),
        ({"arrives": DEADLINE + 2}, "arrived", r"is arrived, and was seen in cpr, and took 7\.000 s of 5 s"),
        ({}, "missing", r"is missing, and was seen in cpr, and took 1\.000 s of 5 s"),
        ({}, "junked", r"is junked, and was seen in cpr, and took 1\.000 s of 5 s"),
        ({}, "late", r"is late, and was seen in cpr, and took 1\.000 s of 5 s"),
        ({}, "altered", r"is altered, and was seen in cpr, and took 1\.000 s of 5 s$"),
        ({}, "bounced", r"is bounced, and was seen in cpr, and took 1\.000 s of 5 s"),
        ({}, "rejected", r"is rejected, and was seen in cpr, and took 1\.000 s of 5 s"),
    ],
)
def test_an_outcome_that_does_not_follow(office: Office, happened: dict[str, object], said: str, reason: str) -> None:
    lying(office, EventKind.DEADLINE, outcome=said, result="met" if said == "arrived" else "missed")
    lying(office, EventKind.FINISHED, outcome=said)
    office.probe(**happened)  # type: ignore[arg-type]
    office.stop()
    refused(check(office), verify.OUTCOME, reason)


def test_a_latency_that_was_made_nicer(office: Office) -> None:
    lying(office, EventKind.FINISHED, stages={"arrived": 0.5})
    office.probe(arrives=4.0)
    office.stop()
    refused(check(office), verify.OUTCOME, r"said to have taken 0\.500 s, and took 4\.000 s")


def test_a_missed_deadline_that_counts_as_met(office: Office) -> None:
    lying(office, EventKind.DEADLINE, result="met")
    office.probe(arrives=None)
    office.stop()
    refused(check(office), verify.OUTCOME, "is missing in the end, and was met at its deadline")


def test_a_probe_without_a_result(office: Office) -> None:
    probe = office.probe(ends=False)
    office.add(Event(EventKind.STOPPED, office.now() + timedelta(seconds=DEADLINE + GIVE_UP + 90), {}))
    office.log.advance(force=True)
    office.log.advance(force=True)
    refused(check(office), verify.COMPLETE, f"probe {probe}: has no result, which was due by")


def test_a_probe_that_is_still_under_way_is_none_of_those(office: Office) -> None:
    office.probe(ends=False)
    office.stop()
    found = check(office)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    assert found.facts["population"] == {"count": 1, "unfinished": 1, "none": 1}


def flooded(office: Office, count: object, place: Place = CPR) -> str:
    """A probe of which one forged copy is kept; ``count`` is how many more are said to have been seen at a place."""
    probe = office.probe()
    seen = record.read_sighting(next(office.ledger.events(kind=EventKind.SIGHTING, newest=1)))
    office.add(record.sighting(office.now(), replace(seen, where="2", forgery=Forgery.BAD_MAC), "cpr-mailbox"))
    told = record.flood(office.now(), Flood(probe, "alias", place.queue, place.role, Forgery.BAD_MAC), 1, office.now())
    office.add(replace(told, body={**told.body, "count": count}))
    office.stop()
    return probe


def test_what_was_counted_and_not_kept_is_accepted_and_told(office: Office) -> None:
    probe = flooded(office, 980)
    found = check(office)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    summary = json.loads(unpacked(office.folder / "bundle.zip")[f"probes/{probe}/summary.json"])
    [told] = summary["not_kept"]
    assert (told["queue"], told["why"], told["count"]) == ("cpr", "bad_mac", 980)


@pytest.mark.parametrize(
    ("count", "place", "reason"),
    [
        (980, JUNK, "was seen 980 times more in 'junk' .*, and none was kept"),
        (0, CPR, "has a count of 0 in event"),
        (-1, CPR, "has a count of -1 in event"),
        (2.5, CPR, r"has a count of 2\.5 in event"),
    ],
)
def test_a_count_of_what_was_never_seen(office: Office, count: object, place: Place, reason: str) -> None:
    flooded(office, count, place)
    refused(check(office), verify.COMPLETE, reason)


def test_a_back_dated_event(office: Office) -> None:
    office.probe()
    office.log.advance()
    early = office.now() - timedelta(hours=1)
    probe = replace(a_probe("backdatedbackdat"), scheduled_at=early)
    office.add(record.scheduled(probe, office.marks.make(probe.id, early)))
    office.stop()
    refused(check(office), verify.ORDER, r"event \d+: says .*, and event \d+ before it")


def test_a_history_that_was_written_afterwards(office: Office, tmp_path: Path) -> None:
    """All of it at one time, and in good order among itself: only the authority's time gives it away."""
    now = office.now
    with Tsa(tmp_path / "tsa") as tsa:
        office.stamp(tsa)
        office.log.advance(force=True)
        office.now = lambda: now() - timedelta(days=2)  # type: ignore[method-assign]
        office.begun = office.now() - timedelta(hours=1)
        office.probe()
        office.stop()
        office.now = now  # type: ignore[method-assign]
        office.stamp(tsa)
        roots = stamps.load_pem(tsa.ca_file.read_bytes())
    found = check(office, roots=roots)
    refused(found, times.WITHIN, r"event \d+: is back-dated to .*: it follows a time-stamp of")


def test_an_event_from_the_future(office: Office, tmp_path: Path) -> None:
    now = office.now
    with Tsa(tmp_path / "tsa") as tsa:
        office.now = lambda: now() + timedelta(days=2)  # type: ignore[method-assign]
        office.probe()
        office.stop()
        office.stamp(tsa)
        roots = stamps.load_pem(tsa.ca_file.read_bytes())
    refused(check(office, roots=roots), times.WITHIN, r"event \d+: says .*, and was time-stamped on")


def test_a_report_that_carries_no_root_of_the_log(office: Office) -> None:
    office.probe(root="ab" * 32)
    office.stop()
    refused(check(office), messages.CARRIED, "carries the root of no checkpoint in the bundle that is older than it")


def test_a_message_without_the_mark(office: Office) -> None:
    lying(office, EventKind.SCHEDULED, mark="a" * 40)
    office.probe()
    office.stop()
    found = check(office)
    refused(found, messages.MARKS, "exactly what was sent .*: does not contain the mark")
    refused(found, messages.MARKS, "report in cpr .*: does not contain the mark")


def test_a_fork_of_the_log(healthy: Healthy, office: Office) -> None:
    """The operator signs another history with the same keys, and has the old one's time-stamps beside it."""
    for _ in range(6):
        office.probe()
    office.log.advance()
    office.stop()
    path = office.folder / "bundle.zip"
    office.bundle(path)
    files = unpacked(path)
    token = next(name for name in sorted(healthy.files, reverse=True) if name.endswith("-one.tsr"))
    newest = tlog.Head.parse(files["checkpoint"]).size
    sizes = (int(name.removeprefix("checkpoints/")) for name in healthy.files if name.startswith("checkpoints/"))
    old = max(size for size in sizes if size < newest)
    proof = office.log.consistency(old, newest)
    lines = [f"old {old}", *map(tlog.encoded, proof), "", files["checkpoint"].decode()]
    files |= {f"checkpoints/{old}": healthy.files[f"checkpoints/{old}"], token: healthy.files[token]}
    files |= {f"consistency/{old}-{newest}": "\n".join(lines).encode()}
    found = check(office, sealed(files))
    refused(found, log.CONSISTENCY, f"the log of {newest} events does not begin with the signed one of {old}: a fork")


def test_a_checkpoint_that_the_auditor_kept(office: Office) -> None:
    """Two histories under one key, nobody outside but the auditor: who kept a checkpoint of the other one tells."""
    office.probe()
    kept = office.log.advance()
    assert kept is not None
    office.stop()
    path = office.folder / "bundle.zip"
    office.bundle(path, office.wanted("7", 50, (kept.size,)))
    key = tlog.Key.parse(office.vkey)
    mine = tlog.Head.parse(str(office.log.note(kept.size)).encode())
    found = verify.verify(path, Options([key], kept=[mine]))
    assert found.ok
    assert found.rows[verify.KEPT].checked == 1
    other = tlog.Head.parse(mine.raw.replace(tlog.encoded(mine.root).encode(), tlog.encoded(b"x" * 32).encode()))
    refused(verify.verify(path, Options([key], kept=[other])), verify.KEPT, "has another root than .*: a fork")
    unknown = tlog.Head.parse(mine.raw.replace(f"\n{kept.size}\n".encode(), f"\n{kept.size - 1}\n".encode()))
    refused(
        verify.verify(path, Options([key], kept=[unknown])),
        verify.KEPT,
        "does not prove that its log begins with it: either .* or this is not the log",
    )


def test_a_truncated_log(office: Office) -> None:
    """The last part of the period is left out: the bundle stands on an older checkpoint."""
    office.probe()
    office.stop()
    path = office.folder / "early.zip"
    office.bundle(path, office.wanted("7", 50))
    office.probe(arrives=None)
    files = unpacked(path)
    stated = canonical.load(files["manifest.json"])["period"]
    later = f"{office.now() + timedelta(minutes=5):%Y-%m-%dT%H:%M:%S.%f}Z"
    changed = sealed(files, period=stated | {"to": later})
    refused(check(office, changed), period.PERIOD, "the log ends at .* UTC, before the period does")


def test_a_log_whose_beginning_is_left_out(office: Office) -> None:
    office.probe()
    office.log.advance()
    office.begun = office.now()
    office.probe()
    office.stop()
    path = office.folder / "late.zip"
    office.bundle(path, office.wanted("7", 50))
    files = unpacked(path)
    stated = canonical.load(files["manifest.json"])["period"]
    assert stated["start"] > 0
    earlier = f"{office.now() - timedelta(hours=3):%Y-%m-%dT%H:%M:%S.%f}Z"
    changed = sealed(files, period=stated | {"from": earlier})
    refused(check(office, changed), period.PERIOD, "part of the log begins at .* UTC, after the period")


def test_the_checkpoint_of_another_log(office: Office, tmp_path: Path) -> None:
    office.probe()
    office.stop()
    path = office.folder / "bundle.zip"
    office.bundle(path)
    files = unpacked(path)
    other = Office(tmp_path / "other", "other.example/cpr-canary")
    other.probe()
    other.stop()
    head = str(other.log.note()).encode()
    other.close()
    found = check(office, sealed(files | {"checkpoint": head}))
    refused(found, log.HEADS, "is of another log: 'other.example/cpr-canary'")
    assert set(found.rows) == {verify.BUNDLE, verify.ASKED, log.HEADS, "everything else"}


# What retention deleted


@pytest.fixture
def aging(tmp_path: Path) -> Iterator[Office]:
    """An office whose time passes as it is told to."""
    opened = Office(tmp_path / "aging", clock=SimulatedClock(datetime(2026, 1, 1, tzinfo=UTC)))
    opened.log.advance()
    yield opened
    opened.close()


def forget(office: Office, digest: str, *, told: bool) -> None:
    if told:
        assert isinstance(office.clock, SimulatedClock)
        office.clock.advance(91 * 86_400)
        last, before = office.ledger.state.seq, f"{office.now() - timedelta(days=90):%Y-%m-%dT%H:%M:%S.%f}Z"
        span = {"kept": 90 * 86_400.0, "before": before, "first": 1, "last": last, "count": 1}
        span["configured"] = office.configured
        office.tell(EventKind.FORGOTTEN, rule="messages", **span, artefacts=[digest])
    office.ledger.artefacts.path(digest).unlink()


def sent(office: Office, probe: str) -> str:
    [event] = [e for e in office.ledger.events(probe=probe) if e.kind is EventKind.SUBMITTING]
    return str(event.body["payload"])


def test_what_was_deleted_by_a_rule_is_told_and_accepted(aging: Office) -> None:
    probe = aging.probe()
    forget(aging, sent(aging, probe), told=True)
    aging.stop()
    found = check(aging)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    assert "deleted by retention" in found.rows[messages.ARTEFACTS].said
    summary = json.loads(unpacked(aging.folder / "bundle.zip")[f"probes/{probe}/summary.json"])
    states = {item["what"]: item["state"] for item in summary["artefacts"]}
    assert states["exactly what was sent"] == "deleted under rule messages, hash kept"
    assert states["smtp-transcript.txt"] == "kept"


def test_what_was_deleted_without_a_word_is_refused(office: Office) -> None:
    probe = office.probe()
    digest = sent(office, probe)
    forget(office, digest, told=False)
    office.stop()
    made = office.bundle(office.folder / "bundle.zip", office.wanted("7", 50))
    assert made.missing == (digest,)
    refused(check(office), messages.ARTEFACTS, "not in the bundle, and no event tells that it was deleted")


def test_a_deletion_whose_event_is_left_out_is_refused(aging: Office) -> None:
    forget(aging, sent(aging, aging.probe()), told=True)
    aging.stop()
    path = aging.folder / "bundle.zip"
    aging.bundle(path, aging.wanted("7", 3))
    files = unpacked(path)
    seq = next(int(re.findall(r"\d+", name)[0]) for name, raw in files.items() if b'"kind":"forgotten"' in raw)
    refused(check(aging, sealed(without_event(files, seq))), messages.ARTEFACTS, "no event tells that it was deleted")
