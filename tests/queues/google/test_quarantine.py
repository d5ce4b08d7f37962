"""What a watch of Google's quarantines finds of our reports, and what it says while the API misbehaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError
from queues.conftest import forge, probe_of
from queues.google.conftest import found_in
from queues.microsoft.conftest import PATIENT, looked
from queues.recording_intake import RecordingIntake
from servers.certificates import authority_file
from servers.contract_quarantine import CUSTOMER, ContractQuarantine
from servers.polling import until
from servers.token_server import TokenServer

from canary.clock import Clock
from canary.content import Message
from canary.model import Forgery, OwnFaultError, Role, Seen, TimeSource
from canary.queues import WatchResources
from canary.queues.google.quarantine import QuarantineWatcher, open_quarantine
from canary.queues.google.settings import QuarantineSettings

AUTH = {"kind": "google", "key": {"env": "KEY"}, "subject": "admin@ca.test"}
GIVEN = {
    "kind": "google_quarantine",
    "customer": CUSTOMER,
    "auth": AUTH,
    "queue": "held",
    "owners": [{"address": "alice@ca.test", "queue": "alice-held"}],
}
Begin = Callable[..., QuarantineWatcher]


@pytest.fixture
def quarantine(tokens: TokenServer) -> Iterator[ContractQuarantine]:
    with ContractQuarantine(tokens.is_good) as running:
        running.hold("alice@ca.test", "<a-stranger@elsewhere.test>", "most private", age=3600)
        yield running


@pytest.fixture
def made(quarantine: ContractQuarantine, authority: trustme.CA, tmp_path: Path) -> Begin:
    """Makes a watcher of the quarantines, which asks often."""
    auth = {**AUTH, "ca_file": str(authority_file(authority, tmp_path))}

    def make(**changes: Any) -> QuarantineWatcher:
        given = {**GIVEN, "auth": auth, "url": quarantine.url, "poll": "50ms", "delay": "1s", "timeout": "60s"}
        return open_quarantine("held", QuarantineSettings.model_validate({**given, **changes}), WatchResources(Clock()))

    return make


@pytest.fixture
def begin(made: Begin, intake: RecordingIntake) -> Iterator[Begin]:
    """Starts such watchers, and stops them at the end."""
    running: list[QuarantineWatcher] = []

    def start(**changes: Any) -> QuarantineWatcher:
        running.append(made(**changes))
        running[-1].start(intake)
        return running[-1]

    yield start
    for watcher in running:
        watcher.stop()


def test_what_is_held_back_is_told_by_whose_it_is(
    quarantine: ContractQuarantine, intake: RecordingIntake, begin: Begin
) -> None:
    mark = intake.probe()
    message_id = f"<{mark}@persona.test>"
    for owner in ("Alice@ca.test", "bob@ca.test", "carol@ca.test"):
        held = quarantine.hold(owner, message_id, "the report", age=20)
    begin()
    looked(intake, "held", "alice-held")
    assert sorted(found_in(intake)) == ["alice-held", "held", "held"]
    for found in intake.found():
        assert (found.seen, found.place.role, found.probe) == (Seen.REPORT, Role.QUARANTINE, probe_of(intake, mark))
        assert (found.source, found.uncertainty, found.message_id) == (TimeSource.RECORD, 0.5, message_id)
        assert (found.content, found.detail) == (Message(held.raw), "held back: pending triage")
        assert abs(found.arrived_at - held.received) < timedelta(seconds=2)
        assert "@" not in found.where + found.detail
    assert len({found.where for found in intake.found()}) == 3


def test_nothing_is_read_twice_and_what_comes_later_is_found(
    quarantine: ContractQuarantine, intake: RecordingIntake, begin: Begin
) -> None:
    mark = intake.probe()
    begin()
    looked(intake, "held")
    quarantine.hold("bob@ca.test", f"<{mark}@persona.test>")
    until(intake.found, "the report", PATIENT)
    looked(intake, "held")
    assert len(intake.found()) == 1
    assert len([url for url in quarantine.urls if "MESSAGE_VIEW_RAW" in url]) == 1


def test_a_search_that_finds_everything_shows_nobody_elses_mail(
    quarantine: ContractQuarantine, intake: RecordingIntake, begin: Begin
) -> None:
    mark = intake.probe()
    quarantine.understands = False
    quarantine.hold("bob@ca.test", f"<{forge(mark)}@persona.test>")
    begin()
    looked(intake, "held")
    assert intake.forged() == {probe_of(intake, mark): Forgery.BAD_MAC}
    assert len(intake.found()) == 1
    assert "private" not in f"{intake.cursor('held')} {intake.details()}"


def test_where_no_quarantine_may_be_seen_nothing_is_said_of_any(
    quarantine: ContractQuarantine, intake: RecordingIntake, begin: Begin
) -> None:
    quarantine.names.clear()
    begin()
    until(lambda: "blind" in intake.reasons(), "that it is blind", PATIENT)
    assert not intake.looked_since("held", datetime.min.replace(tzinfo=UTC))
    quarantine.names.append("Default")
    looked(intake, "held", "alice-held")


TOLD = {
    "broken": "unavailable",
    "limited": "rate_limited",
    "forbidden": "forbidden",
    "elsewhere": "redirected",
    "a page": "garbage",
    "a number": "garbage",
    "a bomb": "garbage",
    "endless": "too_much",
}


@pytest.mark.parametrize("how", TOLD)
@pytest.mark.parametrize("where", ["Messages:search", "Messages/bob"])
def test_what_misbehaves_is_told_and_what_is_held_back_is_found_afterwards(
    where: str, how: str, quarantine: ContractQuarantine, intake: RecordingIntake, begin: Begin
) -> None:
    mark = intake.probe()
    begin()
    looked(intake, "held")
    quarantine.misbehaves[where] = how
    quarantine.hold("bob@ca.test", f"<{mark}@persona.test>")
    until(lambda: TOLD[how] in intake.reasons(), f"{TOLD[how]}, told: {intake.reasons()}", PATIENT)
    blind, before = datetime.now(UTC), len(quarantine.asked)
    until(lambda: len(quarantine.asked) > before, "another look", PATIENT)
    assert not intake.looked_since("held", blind)
    quarantine.misbehaves.clear()
    until(lambda: found_in(intake) == ["held"], "the report", PATIENT)
    looked(intake, "held")


def test_a_name_that_leads_elsewhere_is_not_followed(
    quarantine: ContractQuarantine, intake: RecordingIntake, begin: Begin
) -> None:
    mark = intake.probe()
    quarantine.hold("bob@ca.test", f"<{mark}@persona.test>").name = "customers/C0other/quarantinedMessages/x:1"
    begin()
    until(lambda: "garbage" in intake.reasons(), "that it is none", PATIENT)
    assert not [url for url in quarantine.urls if "C0other" in url]


def test_check_says_which_quarantines_there_are(quarantine: ContractQuarantine, made: Begin) -> None:
    quarantine.names.append("Legal")
    assert made().check().endswith("Default, Legal")
    quarantine.names.clear()
    with pytest.raises(OwnFaultError, match="has the administrator the privilege for quarantines"):
        made().check()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"customer": "a/b"}, "String should match pattern"),
        ({"auth": {**AUTH, "subject": None}}, "subject"),
        ({"queue": "alice-held"}, "two owners have the same queue"),
        ({"url": "http://example.com"}, "http:// is only for loopback addresses"),
    ],
)
def test_a_mistake_is_told(changes: dict[str, Any], said: str) -> None:
    assert QuarantineSettings.model_validate(GIVEN).auth.scope.endswith("gmail.admin.quarantine.readonly")
    with pytest.raises(ValidationError, match=said):
        QuarantineSettings.model_validate({**GIVEN, **changes})
