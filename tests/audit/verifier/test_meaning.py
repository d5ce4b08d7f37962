"""What a channel meant when a probe was sent: the operator who lies about it, or lets it drift, is refused or told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from audit.verifier.office import ACCOUNT, CHANNEL, DEADLINE, SEALING, Office, refused, sealed, unpacked, without_event
from audit.verifier.test_dishonest_operator import check, lying

from canary.audit.verifier import tlog
from canary.audit.verifier.findings import Findings, RefusedError
from canary.audit.verifier.meaning import MEANING, OPENED, read_opened
from canary.audit.verifier.verdict import page
from canary.audit.verifier.verify import Options, verify
from canary.clock import Clock
from canary.ledger import EventKind, Totals
from canary.simulated import SimulatedClock

QUEUE: dict[str, Any] = CHANNEL["queues"]["cpr"]  # type: ignore[index]  # it is one


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "state")
    office.log.advance()
    yield office
    office.close()


def ended(office: Office) -> Findings:
    office.stop()
    return check(office)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expected": ["easy"]}, "is expected in easy, and its channel arrives in cpr"),
        ({"expected": []}, "is expected in nothing, and its channel arrives in cpr"),
        ({"expected": ["cpr", "cpr"]}, "is expected in cpr, cpr, and its channel arrives in cpr"),
        ({"kind": "web_form"}, "has kind 'web_form', and its channel 'email'"),
        ({"deadline": 9.0}, "has deadline 9, and its channel 5"),
        ({"give_up": 500.0}, "has give_up 500, and its channel 20"),
        ({"owed": {"answered": 60.0}}, "owes {'answered': 60}, and its channel {}"),
        ({"in_turn": True, "sender": "friend"}, "is by the sender 'friend', not one of its channel's"),
        ({"in_turn": True, "variant": "easy"}, "is by the variant 'easy', not one of its channel's"),
        ({"blind": True}, "is blind: True, which nobody approved for"),
        ({"channel": "other"}, r"is of the channel 'other', which event \d+ has not"),
        ({"configured": 0}, "names no event before it that says so: 0"),
        ({"configured": -1}, "names no event before it that says so: -1"),
        ({"configured": 10**9}, "names no event before it that says so: 1000000000"),
    ],
)
def test_a_probe_that_is_not_of_its_channel(office: Office, changes: dict[str, Any], reason: str) -> None:
    lying(office, EventKind.SCHEDULED, **changes)
    office.probe()
    refused(ended(office), MEANING, reason)


@pytest.mark.parametrize(
    ("channel", "reason"),
    [
        ({"queues": {"cpr": QUEUE | {"role": "other"}}}, "is expected in 'cpr', which is 'other'"),
        ({"queues": {}}, "its channel tells of the queues nothing alone"),
        ({"arrives_in": ["legal"]}, "is expected in cpr, and its channel arrives in legal"),
        ({"arrives_in": ["cpr", "legal"]}, "is expected in cpr, and its channel arrives in cpr, legal"),
        ({"answer_received_within": 60.0}, "owes {}, and its channel {'answer_received': 60}"),
        ({"reachability_only": True}, "was sent through a channel to which nothing is to be submitted"),
    ],
)
def test_a_channel_that_was_told_otherwise(office: Office, channel: dict[str, Any], reason: str) -> None:
    office.configure(**channel)
    office.probe()
    refused(ended(office), MEANING, reason)


def test_an_event_that_says_what_a_channel_means_is_left_out_or_is_another(office: Office) -> None:
    office.probe()
    started = office.tell(EventKind.STARTED, version="0.1.0")
    office.stop()
    bundle = office.folder / "bundle.zip"
    office.bundle(bundle, office.wanted("7", 50))
    without = sealed(without_event(unpacked(bundle), office.configured))
    refused(check(office, without), MEANING, f"names event {office.configured}, which is not in the bundle")
    office.configured = started.seq
    office.probe()
    refused(ended(office), MEANING, f"names event {started.seq}, which is started")


def test_a_deadline_that_is_not_in_force_any_more(office: Office) -> None:
    """The channel table shows the strict deadline, and the probes are sent by the lenient one of before."""
    lenient = office.configure()
    office.probe()
    now = office.now
    strict = office.configure(deadline=1.0)
    office.now = lambda: now() + timedelta(minutes=2)  # type: ignore[method-assign]  # it is later
    office.configured = lenient
    office.probe()
    office.configured = strict
    lying(office, EventKind.SCHEDULED, deadline=1.0)
    office.probe()
    refused(ended(office), MEANING, f"names event {lenient}, and event {strict} was in force")


@pytest.mark.parametrize("moved", [{"seconds": 0, "scheduled": True}, {"seconds": 120, "scheduled": False}])
def test_a_reload_while_a_probe_begins_and_a_probe_by_hand_beside_are_no_lies(
    tmp_path: Path, moved: dict[str, Any]
) -> None:
    clock = SimulatedClock(Clock().now())
    office = Office(tmp_path / "state", clock=clock)
    office.log.advance()
    before = office.configure()
    other = office.configure(scheduled=moved["scheduled"], interval=60.0)
    clock.advance(moved["seconds"])
    for office.configured in (before, other):
        office.probe()
    found = ended(office)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]


# What was in force, and what was not any more


LENIENT: dict[str, Any] = {"deadline": DEADLINE}
"""A channel as it is probed; what is configured after it is stricter."""


def two_meanings(office: Office) -> tuple[int, int]:
    """A lenient meaning by which a probe went, and a strict one after it; the checkpoint tells of that by then."""
    lenient = office.configure(**LENIENT)
    office.probe()
    strict = office.configure(deadline=1.0)
    return lenient, strict


def test_an_older_meaning_than_the_one_in_force_is_shown_and_the_newer_one_left_out(office: Office) -> None:
    lenient, strict = two_meanings(office)
    office.log.advance(force=True)
    later(office)
    office.configured = lenient
    office.probe()
    office.stop()
    bundle = office.folder / "bundle.zip"
    office.bundle(bundle, office.wanted("7", 50))
    found = check(office, sealed(without_event(unpacked(bundle), strict)))
    refused(found, MEANING, f"event {strict} was in force, and is not in the bundle")


def later(office: Office) -> None:
    now = office.now
    office.now = lambda: now() + timedelta(minutes=2)  # type: ignore[method-assign]


def test_checkpoints_that_hide_a_newer_meaning(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """They tell what suits him: nothing may go by the newer one then, and whoever picks its event sees it."""
    lenient, strict = two_meanings(office)
    monkeypatch.setattr(Totals, "configured", lenient)
    later(office)
    office.configured = lenient
    office.probe()
    office.stop()
    refused(
        check(office), MEANING, f"event {strict}: says what is in force, and by the checkpoints of the log it never was"
    )


def test_a_meaning_that_no_checkpoint_tells(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe goes by what is shown to somebody else, and was never in force."""
    lenient, strict = two_meanings(office)
    monkeypatch.setattr(Totals, "configured", lenient)
    lying(office, EventKind.SCHEDULED, deadline=1.0)
    later(office)
    office.configured = strict
    office.probe()
    office.stop()
    refused(check(office), MEANING, f"probe .*: names event {strict}, and event {lenient} was in force")


def test_a_meaning_that_the_next_one_leaves_out(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain passes it over: whether it was picked, or a probe went by it."""
    _, strict = two_meanings(office)
    lying(office, EventKind.CONFIGURED, previous=0)
    lying(office, EventKind.SCHEDULED, deadline=1.0)
    office.probe()
    newest = office.configure()
    refused(ended(office), MEANING, f"probe .*: names event {strict}, which by the checkpoints .* was not in force")
    refused(check(office), MEANING, f"event {strict}: says what is in force, .* it never was")
    assert newest > strict


@pytest.mark.parametrize("previous", [10**9, -1, 1.5, True, None, "1"])
def test_what_was_before_is_no_event_before_it(office: Office, previous: object) -> None:
    lying(office, EventKind.CONFIGURED, previous=previous)
    office.probe()
    office.configure()
    refused(ended(office), MEANING, r"event \d+ names .* as what was in force before it|cannot be read")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (10**9, "tells what was in force as"),
        (-1, "tells what was in force as"),
        ("1", "tells what was in force as"),
        (0, "which by the checkpoints of the log was not in force"),
        (1, "event 1 is said to have been in force, and is no first event of what is"),
    ],
)
def test_checkpoints_that_name_nothing_that_was_in_force(
    office: Office, monkeypatch: pytest.MonkeyPatch, number: object, reason: str
) -> None:
    monkeypatch.setattr(Totals, "configured", number)
    office.probe()
    refused(ended(office), MEANING, reason)


def test_a_checkpoint_that_is_told_in_two_ways(office: Office) -> None:
    """He chooses later which of the two events to show: the seed shows the other one."""
    lenient, _ = two_meanings(office)
    head = office.log.advance(force=True)
    assert head is not None
    told = next(office.ledger.events(kind=EventKind.CHECKPOINT, newest=1))
    office.add(replace(told, body={**told.body, "configured": lenient}, seq=0))
    refused(ended(office), MEANING, r"event \d+ tells what was in force as \d+, .* tells it otherwise")


@pytest.mark.parametrize("part", [(2, 2), (0, 1), (2, 1), (True, 1)])
def test_a_part_that_is_of_nothing(office: Office, part: tuple[int, int]) -> None:
    office.configure()
    lying(office, EventKind.CONFIGURED, part=part[0], parts=part[1])
    office.configure()
    office.probe()
    reason = r"event \d+ is part|is none of the 1 from|is no first event|event \d+ was in force|cannot be read"
    refused(ended(office), MEANING, reason)


def test_the_first_checkpoint_over_a_probe_is_asked_and_no_later_one(office: Office) -> None:
    """Later ones tell what was put in force again; the bundle has to show the one that was signed at that time."""
    lenient, _ = two_meanings(office)
    office.log.advance(force=True)
    later(office)
    office.configured = lenient
    office.probe()
    head = office.log.advance(force=True)
    assert head is not None
    office.configure(**LENIENT)
    office.stop()
    bundle = office.folder / "bundle.zip"
    office.bundle(bundle, office.wanted("7", 50))
    files = unpacked(bundle)
    told = next(e for e in office.ledger.events(kind=EventKind.CHECKPOINT) if e.body["size"] == head.size)
    refused(check(office, sealed(without_event(files, told.seq))), MEANING, "tells of the first checkpoint over event")


def test_many_reloads_between_two_checkpoints_are_no_lies(office: Office) -> None:
    for _ in range(4):
        office.configure()
        office.probe()
    found = ended(office)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    assert not found.rows[MEANING].unchecked


@pytest.mark.parametrize(("changes", "gap"), [({}, 0), ({"interval": 60.0}, 1)])
def test_who_probes_by_hand_goes_by_what_is_in_force_or_it_is_told(
    office: Office, changes: dict[str, Any], gap: int
) -> None:
    office.configure()
    office.probe()
    office.log.advance()
    office.configure(scheduled=False, **changes)
    office.probe()
    found = ended(office)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    told = {"some probes by hand went by something else than what was in force": 1}
    assert found.rows[MEANING].unchecked == (told if gap else {})


def test_what_no_checkpoint_is_over_yet_is_a_gap(office: Office) -> None:
    office.probe()
    office.log.advance(force=True)
    probe = office.probe()
    office.log.advance(force=True)
    bundle = office.folder / "bundle.zip"
    office.bundle(bundle, replace(office.wanted("7", 50), asked=(probe,)))
    found = verify(bundle, Options([tlog.Key.parse(office.vkey)]))
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    assert found.rows[MEANING].unchecked == {"the log does not tell yet what was in force when some probes began": 1}


def test_a_drift_is_told(office: Office) -> None:
    """Another mailbox under the same name: nothing that the log forbids, and the auditor reads it."""
    office.probe()
    first = office.configured
    second = office.configure(queues={"cpr": QUEUE | {"account": {"sealed": SEALING.sealed("easy@ca.example")}}})
    office.probe()
    found = ended(office)
    assert found.ok
    assert found.rows[MEANING].said == "changed within the sample: alias"
    assert [(fact["event"], fact["probes"]) for fact in found.facts["channels"]] == [(first, 1), (second, 1)]
    text = " ".join(page(found).split())
    assert "goes to targets: ca.example; to: cpr@ca.example" in text
    assert "server: imap.ca.example:993" in text
    assert "approved by J. Doe, 2026-03-02" in text


def test_a_sealing_key_that_was_lost_looks_like_a_change_and_is_told(office: Office) -> None:
    office.probe()
    lying(office, EventKind.CONFIGURED, sealed_by="0" * 16)
    office.configure(queues={"cpr": QUEUE | {"account": {"sealed": "0" * 64}}})
    office.probe()
    found = ended(office)
    assert found.ok
    told = "changed within the sample: alias; a sealing key was lost meanwhile, so what it sealed looks changed too"
    assert found.rows[MEANING].said == told


def test_who_restarts_the_same_changes_nothing(office: Office) -> None:
    office.probe()
    office.configure()
    office.probe()
    found = ended(office)
    assert found.ok
    assert not found.rows[MEANING].said


def opening(text: str) -> str:
    return f"{SEALING.salt(text)}/{text}"


def test_an_account_that_was_opened_for_the_auditor_is_told(office: Office) -> None:
    office.probe()
    office.stop()
    found = check(office, opened=read_opened(opening(ACCOUNT)))
    assert found.ok
    assert found.facts["channels"][0]["queues"]["cpr"]["account"]["opened"] == ACCOUNT
    assert f"account: {ACCOUNT}" in page(found)
    assert (found.rows[OPENED].checked, found.rows[OPENED].said) == (1, "of 1 in the sample")
    assert ACCOUNT not in page(check(office))


@pytest.mark.parametrize(
    "told",
    [
        f"{SEALING.salt(ACCOUNT)}/someone.else@ca.example",
        f"{'0' * 32}/{ACCOUNT}",
        opening(ACCOUNT).replace("/", "//"),
        opening(ACCOUNT) + " ",
    ],
)
def test_another_account_than_the_one_that_was_sealed(office: Office, told: str) -> None:
    office.probe()
    office.stop()
    refused(check(office, opened=read_opened(told)), OPENED, "nothing that you were told opens anything")


@pytest.mark.parametrize("text", ["no slash", "/text", "salt/", "a/b\n\nc/d"])
def test_a_file_that_opens_nothing_by_its_form(text: str) -> None:
    with pytest.raises(RefusedError, match=r"line \d is no SALT/TEXT"):
        read_opened(text)
