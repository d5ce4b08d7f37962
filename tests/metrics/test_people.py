"""What is exported of those who write and of those who read: variants, senders, rosters, contacts, pauses, clocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from metrics.recorded import NOW, of, opened, probed, sample, seen, settings

from canary.config.sections import Blackout
from canary.ledger import Event, EventKind
from canary.ledger.events import Hold, clock, held, paused, released, resumed
from canary.ledger.state import Fold, dump, restore
from canary.model import Failure, Forgery, Place, Role, Seen
from canary.prober.gate import clear_stop, stop_all
from canary.prober.loop import Prober
from canary.reports import VARIANTS

CHANNEL = "problem-report-0"
MEMBERS = ("anna", "ben", "carla")
MISSED = "channel_variant_last_missed_timestamp_seconds"


@pytest.fixture
def alias(tmp_path: Path) -> Iterator[Prober]:
    """A channel into three mailboxes."""
    prober = opened(settings(tmp_path, 1, queues=MEMBERS))
    yield prober
    prober.ledger.close()


@pytest.fixture
def contact(tmp_path: Path) -> Iterator[Prober]:
    """An individual contact."""
    prober = opened(settings(tmp_path, 1, kind="contact"))
    yield prober
    prober.ledger.close()


def results(prober: Prober, **labels: str) -> tuple[float | None, ...]:
    name = "variant_results_total" if "variant" in labels else "sender_results_total"
    return tuple(sample(prober, name, kind="email", **labels, result=result) for result in ("met", "missed"))


def test_every_variant_and_sender_of_the_rotation_is_there_at_zero(prober: Prober) -> None:
    for variant in VARIANTS.values():
        assert results(prober, variant=variant.id) == ((None, None) if variant.identifier else (0, 0))
    assert results(prober, sender="researcher") == (0, 0)


def test_results_by_variant_and_sender(prober: Prober) -> None:
    probed(prober.ledger, CHANNEL, variant="V04")
    probed(prober.ledger, "problem-report-1", None, variant="V04")
    probed(prober.ledger, CHANNEL, None, variant="V01", failure=Failure.OURS)
    assert results(prober, variant="V04") == (1, 1)
    assert results(prober, variant="V01") == (0, 0), "our own fault is not theirs"
    assert results(prober, sender="researcher") == (1, 1)


def test_what_a_channel_missed_last(prober: Prober) -> None:
    now = prober.intake.now()
    missed_at = (now - timedelta(hours=1) + timedelta(seconds=900)).timestamp()
    probed(prober.ledger, CHANNEL, None, at=now - timedelta(days=8), variant="V02-zip")
    probed(prober.ledger, CHANNEL, None, at=now - timedelta(hours=1), variant="V04")
    probed(prober.ledger, CHANNEL, at=now - timedelta(hours=1), variant="V05")
    assert sample(prober, MISSED, **of(CHANNEL, variant="V04")) == pytest.approx(missed_at, abs=0.001)
    assert sample(prober, MISSED, **of(CHANNEL, variant="V02-zip")) is None, "longer than a week ago"
    assert sample(prober, MISSED, **of(CHANNEL, variant="V05")) is None, "arrived"
    name = "channel_sender_last_missed_timestamp_seconds"
    assert sample(prober, name, **of(CHANNEL, sender="researcher")) == pytest.approx(missed_at, abs=0.001)
    assert sample(prober, MISSED, **of("problem-report-1", variant="V04")) is None


def roster(prober: Prober) -> tuple[float | None, float | None, float | None]:
    labels = of(CHANNEL, queue="anna")
    return (
        sample(prober, "alias_roster_members", **labels, source="expected"),
        sample(prober, "alias_roster_members", **labels, source="actual"),
        sample(prober, "alias_roster_drift_members", **labels, drift="missing"),
    )


def test_roster_of_an_alias(alias: Prober) -> None:
    assert roster(alias) == (3, None, None)
    probed(alias.ledger, CHANNEL, expected=MEMBERS, reached=MEMBERS)
    assert roster(alias) == (3, 3, 0)
    probed(alias.ledger, CHANNEL, expected=MEMBERS, reached=("anna", "carla"), at=NOW + timedelta(minutes=10))
    assert roster(alias) == (3, 2, 1)
    checked = (NOW + timedelta(minutes=25)).timestamp()
    assert sample(alias, "alias_roster_last_check_timestamp_seconds", **of(CHANNEL, queue="anna")) == checked


def test_what_tells_nothing_about_a_roster(alias: Prober) -> None:
    probed(alias.ledger, CHANNEL, expected=MEMBERS, reached=MEMBERS)
    later = NOW + timedelta(minutes=10)
    probed(alias.ledger, CHANNEL, None, expected=MEMBERS, at=later, failure=Failure.REJECTED)
    probed(alias.ledger, CHANNEL, None, expected=MEMBERS, at=later, failure=Failure.OURS)
    probed(alias.ledger, CHANNEL, expected=MEMBERS, reached=("anna",), at=NOW - timedelta(minutes=10))
    assert roster(alias) == (3, 3, 0)
    assert (
        sample(alias, "alias_roster_last_check_timestamp_seconds", **of(CHANNEL, queue="anna"))
        == (NOW + timedelta(minutes=15)).timestamp()
    )


def test_a_channel_into_one_queue_has_no_roster(prober: Prober) -> None:
    probed(prober.ledger, CHANNEL)
    assert sample(prober, "alias_roster_members", **of(CHANNEL, source="expected")) is None


def there(prober: Prober, queue: str = "cpr") -> float | None:
    return sample(prober, "alias_members_available", **of(CHANNEL, queue=queue))


def test_members_of_an_alias_who_are_away(alias: Prober) -> None:
    assert there(alias, "anna") is None
    for number in range(4):
        later, notes = NOW + timedelta(minutes=10 * number), (Seen.OUT_OF_OFFICE,) * number
        probed(alias.ledger, CHANNEL, expected=MEMBERS, reached=MEMBERS, at=later, replies=notes)
        assert there(alias, "anna") == 3 - number
    later = NOW + timedelta(hours=1)
    probed(alias.ledger, CHANNEL, expected=MEMBERS, reached=MEMBERS, at=later, replies=(Seen.ACKNOWLEDGEMENT,))
    assert there(alias, "anna") == 3


def test_the_one_who_reads_a_queue_is_away(prober: Prober) -> None:
    """Whether there are others is not known: that a reporter is told so is worth a look."""
    probed(prober.ledger, CHANNEL)
    assert there(prober) is None
    probed(prober.ledger, CHANNEL, at=NOW + timedelta(minutes=10), replies=(Seen.OUT_OF_OFFICE,))
    assert there(prober) == 0


def test_a_note_that_is_seen_twice_is_one(alias: Prober) -> None:
    probe = probed(alias.ledger, CHANNEL, expected=MEMBERS, reached=MEMBERS, replies=(Seen.OUT_OF_OFFICE,))
    note = next(e for e in alias.ledger.events(probe=probe) if e.body.get("seen") == Seen.OUT_OF_OFFICE)
    again = replace(note, body=note.body | {"where": "another folder", "generation": 7})
    alias.ledger.append(again).result()
    assert there(alias, "anna") == 2


def coverage(prober: Prober) -> tuple[float | None, float | None]:
    labels = of(CHANNEL, "contact")
    return sample(prober, "contacts_available", **labels), sample(prober, "contacts_on_leave", **labels)


def test_contact_that_is_there_away_and_back(contact: Prober) -> None:
    assert coverage(contact) == (None, None)
    probed(contact.ledger, CHANNEL, kind="contact")
    assert coverage(contact) == (1, 0)
    later = NOW + timedelta(minutes=10)
    probed(contact.ledger, CHANNEL, kind="contact", at=later, replies=(Seen.OUT_OF_OFFICE,))
    assert coverage(contact) == (0, 1)
    probed(contact.ledger, CHANNEL, None, kind="contact", at=later + timedelta(minutes=10))
    assert coverage(contact) == (0, 0)
    probed(contact.ledger, CHANNEL, kind="contact", at=later + timedelta(minutes=20), replies=(Seen.ACKNOWLEDGEMENT,))
    assert coverage(contact) == (1, 0)


def test_note_that_comes_after_the_deadline(contact: Prober) -> None:
    older = probed(contact.ledger, CHANNEL, kind="contact", at=NOW - timedelta(hours=1))
    newest = probed(contact.ledger, CHANNEL, kind="contact")
    place, at = Place("researcher-replies", Role.REPLIES), NOW + timedelta(minutes=20)
    contact.ledger.append(seen(older, Seen.OUT_OF_OFFICE, place, at)).result()
    assert coverage(contact) == (1, 0), "the older one does not speak for the contact"
    contact.ledger.append(seen(newest, Seen.OUT_OF_OFFICE, place, at)).result()
    assert coverage(contact) == (0, 1)


def wanted(prober: Prober, reason: Hold, now: datetime, *, begins: bool) -> None:
    """Somebody begins or ends a silence of every channel."""
    match reason:
        case Hold.PAUSED:
            event = paused(now, ["*"], "work", "anna") if begins else resumed(now, ["*"], "anna")
            prober.ledger.append(event).result()
        case Hold.STOPPED if begins:
            stop_all(prober.config.state, "work")
        case Hold.STOPPED:
            clear_stop(prober.config.state)
        case Hold.BLACKOUT:
            today = prober.intake.now()
            window = {"from": today - timedelta(days=1), "until": today + timedelta(days=1)}
            dark = Blackout.model_validate(window | {"reason": "work", "approved_by": "anna"})
            changed = prober.config.model_copy(update={"blackouts": (dark,) if begins else ()})
            prober.endpoints.config = changed


@pytest.mark.parametrize("reason", [Hold.PAUSED, Hold.BLACKOUT, Hold.STOPPED])
def test_silence_that_somebody_wanted(prober: Prober, reason: Hold) -> None:
    probed(prober.ledger, CHANNEL)
    assert sample(prober, "channel_state", **of(CHANNEL)) == 1
    wanted(prober, reason, NOW, begins=True)
    assert sample(prober, "channel_state", **of(CHANNEL)) == 3, "whenever it is due"
    prober.ledger.append(held(NOW, CHANNEL, reason, "work")).result()
    assert sample(prober, "channel_state", **of(CHANNEL)) == 3
    assert sample(prober, "channel_enabled_timestamp_seconds", **of(CHANNEL)) == NOW.timestamp()
    ended = NOW + timedelta(hours=5)
    wanted(prober, reason, ended, begins=False)
    assert sample(prober, "channel_state", **of(CHANNEL)) == 1
    prober.ledger.append(released(ended, CHANNEL, reason)).result()
    assert sample(prober, "channel_state", **of(CHANNEL)) == 1
    assert sample(prober, "channel_enabled_timestamp_seconds", **of(CHANNEL)) == ended.timestamp()


def test_silence_that_nobody_wanted(prober: Prober) -> None:
    probed(prober.ledger, CHANNEL)
    prober.ledger.append(held(NOW, CHANNEL, Hold.CAP, "30 an hour")).result()
    assert sample(prober, "channel_state", **of(CHANNEL)) == 1
    prober.ledger.append(released(NOW + timedelta(hours=5), CHANNEL, Hold.CAP)).result()
    assert sample(prober, "channel_enabled_timestamp_seconds", **of(CHANNEL)) == NOW.timestamp()


def test_clock_of_a_queue_that_is_configured(prober: Prober) -> None:
    prober.ledger.append(clock(NOW, "cpr", -42.5, 1.0), clock(NOW, "long-gone", 3600.0, 1.0)).result()
    assert sample(prober, "clock_offset_seconds", queue="cpr") == -42.5
    assert sample(prober, "clock_offset_seconds", queue="long-gone") is None


def test_a_forgery_that_belongs_to_nobody_is_counted_from_zero(prober: Prober) -> None:
    labels = {"channel": "", "kind": "", "queue": "", "reason": Forgery.UNKNOWN_ID.value}
    assert sample(prober, "forged_arrivals_total", **labels) == 0
    place = Place("cpr", Role.MONITORED)
    prober.ledger.append(seen("z" * 16, Seen.REPORT, place, NOW)).result()
    assert sample(prober, "forged_arrivals_total", **labels) == 1


def test_a_snapshot_of_an_older_version_is_read() -> None:
    old = b"""[{"channels": {"form": {"kind": "web_form", "queue": "cpr", "attempted": 7, "stages":
        {"arrived": {"counts": [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "sum": 3.5}}}},
        "errors": {"imap/dns": 2}}, [], {}]"""
    restored = restore(lambda *_: None, old, 7)
    assert restored.totals.channels["form"].attempted == 7
    fold = Fold(lambda *_: None, restored)
    fold.apply(Event(EventKind.TROUBLE, NOW, {"component": "imap", "reason": "dns"}, seq=8))
    later = fold.state()
    assert restore(lambda *_: None, dump(later), 8) == later
