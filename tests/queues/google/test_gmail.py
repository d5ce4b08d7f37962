"""What a watch of a mailbox of Gmail finds under each label, and what it says while Gmail misbehaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
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
from servers.contract_gmail import GMAILBOX, ContractGmail
from servers.polling import until
from servers.token_server import TokenServer

from canary.clock import Clock
from canary.content import Message
from canary.model import Forgery, OwnFaultError
from canary.queues import WatchResources
from canary.queues.google.gmail import GmailWatcher, open_gmail
from canary.queues.google.settings import GmailSettings

LABELS = [
    {"label": "INBOX", "queue": "inbox", "role": "other"},
    {"label": "CPR", "queue": "cpr", "role": "monitored"},
    {"label": "SPAM", "queue": "junk", "role": "junk"},
    {"label": "TRASH", "queue": "deleted", "role": "other"},
]
QUEUES = ("inbox", "cpr", "junk", "deleted")
AUTH = {"kind": "google", "key": {"env": "KEY"}}
Begin = Callable[..., GmailWatcher]


@pytest.fixture
def gmail(tokens: TokenServer) -> Iterator[ContractGmail]:
    with ContractGmail(tokens.is_good) as running:
        running.deliver(["INBOX"], "<a-stranger@elsewhere.test>", "most private", age=3600)
        yield running


@pytest.fixture
def made(gmail: ContractGmail, authority: trustme.CA, tmp_path: Path) -> Begin:
    """Makes a watcher of the mailbox, which asks often."""
    auth = {**AUTH, "ca_file": str(authority_file(authority, tmp_path))}

    def make(**changes: Any) -> GmailWatcher:
        given = {"kind": "gmail", "auth": auth, "url": gmail.url, "mailbox": GMAILBOX, "labels": LABELS}
        settings = GmailSettings.model_validate({**given, "poll": "50ms", "timeout": "60s", **changes})
        return open_gmail("desk", settings, WatchResources(Clock()))

    return make


@pytest.fixture
def begin(made: Begin, intake: RecordingIntake) -> Iterator[Begin]:
    """Starts such watchers, and stops them at the end."""
    running: list[GmailWatcher] = []

    def start(**changes: Any) -> GmailWatcher:
        running.append(made(**changes))
        running[-1].start(intake)
        return running[-1]

    yield start
    for watcher in running:
        watcher.stop()


def mark_of(intake: RecordingIntake) -> tuple[str, str]:
    """A new probe: its mark, and its Message-ID."""
    mark = intake.probe()
    return mark, f"<{mark}@persona.test>"


@pytest.mark.parametrize(
    ("labels", "queues"),
    [
        (["INBOX"], ["inbox"]),
        (["INBOX", "Label_7"], ["inbox", "cpr"]),
        (["SPAM"], ["junk"]),
        (["TRASH"], ["deleted"]),
        (["Label_9"], []),
    ],
)
def test_a_report_is_found_whole_under_each_label_that_it_has(
    labels: list[str], queues: list[str], gmail: ContractGmail, intake: RecordingIntake, begin: Begin
) -> None:
    mark, message_id = mark_of(intake)
    mail = gmail.deliver(labels, message_id, "the report", age=30)
    begin()
    looked(intake, *QUEUES)
    assert found_in(intake) == queues
    for found in intake.found():
        assert (found.message_id, found.content, found.probe) == (message_id, Message(mail.raw), probe_of(intake, mark))
        assert abs((found.arrived_at - mail.received).total_seconds()) < 2


def test_what_comes_later_is_found_and_what_is_moved_is_seen_in_both_places(
    gmail: ContractGmail, intake: RecordingIntake, begin: Begin, tokens: TokenServer
) -> None:
    begin()
    looked(intake, *QUEUES)
    _, message_id = mark_of(intake)
    mail = gmail.deliver(["SPAM"], message_id)
    until(intake.found, "the report in the junk", PATIENT)
    gmail.label(mail, gives="Label_7", takes="SPAM")
    until(lambda: found_in(intake) == ["junk", "cpr"], "the report where it was moved to", PATIENT)
    looked(intake, *QUEUES)
    assert len(intake.found()) == 2
    assert intake.reasons() == []
    assert {asked.form["grant_type"] for asked in tokens.asked} == {"urn:ietf:params:oauth:grant-type:jwt-bearer"}


def test_many_are_read_to_the_end_page_by_page_at_first_and_later(
    gmail: ContractGmail, intake: RecordingIntake, begin: Begin
) -> None:
    for _ in range(7):
        gmail.deliver(["Label_7"], mark_of(intake)[1])
    begin()
    until(lambda: len(intake.genuine()) == 7, "those that were there", PATIENT)
    looked(intake, *QUEUES)
    for _ in range(7):
        gmail.deliver(["Label_7"], mark_of(intake)[1])
    until(lambda: len(intake.genuine()) == 14, "those that came", PATIENT)


def test_a_history_that_is_forgotten_loses_nothing(gmail: ContractGmail, intake: RecordingIntake, begin: Begin) -> None:
    watcher = begin()
    looked(intake, *QUEUES)
    watcher.stop()
    _, message_id = mark_of(intake)
    gmail.deliver(["Label_7"], message_id)
    gmail.forget()
    begin()
    until(intake.found, "the report", PATIENT)
    looked(intake, *QUEUES)
    assert intake.reasons() == []


def test_a_history_that_shows_nothing_of_what_is_there_is_no_proof(
    gmail: ContractGmail, intake: RecordingIntake, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    gmail.searched = False
    begin()
    looked(intake, *QUEUES)
    monkeypatch.setattr(gmail, "_since", lambda _: [])
    _, message_id = mark_of(intake)
    mail = gmail.deliver(["Label_7"], message_id)
    until(lambda: "blind" in intake.reasons(), "that it is blind", PATIENT)
    assert not intake.looked_since("cpr", mail.received)
    until(intake.found, "the report, listed anew", PATIENT)


def test_a_label_that_has_messages_and_shows_none_is_blind(
    gmail: ContractGmail, intake: RecordingIntake, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gmail, "_listed_by", lambda _: [])
    begin()
    until(lambda: "blind" in intake.reasons(), "that it is blind", PATIENT)
    assert not intake.looked_since("cpr", datetime.min.replace(tzinfo=UTC))
    monkeypatch.undo()


def test_a_mark_that_stands_in_the_text_alone_is_searched_for_later(
    gmail: ContractGmail, intake: RecordingIntake, begin: Begin
) -> None:
    mark, _ = mark_of(intake)
    gmail.searched = False
    gmail.deliver(["INBOX"], "<renamed-by-a-gateway@gateway.test>", f"A report.\r\n{mark}")
    begin()
    looked(intake, *QUEUES)
    assert intake.found() == []
    gmail.searched = True
    until(lambda: found_in(intake) == ["inbox"], "the report", PATIENT)


def test_of_a_stranger_no_text_is_fetched_and_nothing_is_kept(
    gmail: ContractGmail, intake: RecordingIntake, begin: Begin
) -> None:
    mark, _ = mark_of(intake)
    gmail.deliver(["INBOX"], f"<{forge(mark)}@persona.test>")
    begin()
    until(intake.found, "the forgery", PATIENT)
    looked(intake, *QUEUES)
    assert intake.forged() == {probe_of(intake, mark): Forgery.BAD_MAC}
    assert [url for url in gmail.urls if "format=raw" in url or "format=full" in url] == []
    assert all(url.count("metadataHeaders=") == 2 for url in gmail.urls if "format=metadata" in url)
    assert "private" not in f"{intake.cursor('desk/mailbox')} {intake.details()}"


TOLD = {
    "broken": "unavailable",
    "limited": "rate_limited",
    "refused": "login_refused",
    "forbidden": "forbidden",
    "elsewhere": "redirected",
    "a page": "garbage",
    "a number": "garbage",
    "deep": "garbage",
    "a bomb": "garbage",
    "endless": "too_much",
}


@pytest.mark.parametrize("how", TOLD)
@pytest.mark.parametrize("where", ["/history", "/messages/gmail-1"])
def test_what_misbehaves_is_told_and_what_came_meanwhile_is_found(
    where: str, how: str, gmail: ContractGmail, intake: RecordingIntake, begin: Begin
) -> None:
    begin()
    looked(intake, *QUEUES)
    gmail.misbehaves[where] = how
    _, message_id = mark_of(intake)
    gmail.deliver(["Label_7"], message_id)
    until(lambda: TOLD[how] in intake.reasons(), f"{TOLD[how]}, told: {intake.reasons()}", PATIENT)
    blind, before = datetime.now(UTC), len(gmail.asked)
    until(lambda: len(gmail.asked) > before, "another look", PATIENT)
    assert not intake.looked_since("cpr", blind)
    gmail.misbehaves.clear()
    until(lambda: found_in(intake) == ["cpr"], "the report", PATIENT)
    looked(intake, *QUEUES)


def test_too_many_questions_are_no_refusal(
    gmail: ContractGmail, intake: RecordingIntake, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("canary.queues.google.client._MINUTE", 0.2)
    begin()
    looked(intake, *QUEUES)
    gmail.too_much = True
    until(intake.reasons, "that it asks us to wait", PATIENT)
    looked(intake, *QUEUES)
    assert intake.reasons() == ["rate_limited"]


def test_check_says_how_much_has_each_label_and_which_is_missing(gmail: ContractGmail, made: Begin) -> None:
    assert "INBOX (other, 1 messages), CPR (monitored, 0 messages)" in made().check()
    with pytest.raises(OwnFaultError, match="no label 'Gone'; there are: CPR, INBOX, SPAM, TRASH") as fault:
        made(labels=[{"label": "Gone", "queue": "gone", "role": "monitored"}]).check()
    assert fault.value.reason == "queue_missing"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "http://gmail.googleapis.com"}, "http:// is only for loopback addresses"),
        ({"labels": [LABELS[0], LABELS[0]]}, "two labels have the same label: INBOX, INBOX"),
        ({"labels": []}, "at least 1"),
        ({"auth": {"kind": "microsoft"}}, "does not match any of the expected tags"),
    ],
)
def test_a_mistake_is_told(changes: dict[str, Any], said: str) -> None:
    given = {"kind": "gmail", "auth": AUTH, "mailbox": GMAILBOX, "labels": LABELS}
    assert GmailSettings.model_validate(given).auth.kind == "google"
    with pytest.raises(ValidationError, match=said):
        GmailSettings.model_validate({**given, **changes})
