"""What a watch of a mailbox over Microsoft Graph finds in each folder, and what it says while Graph misbehaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from queues.conftest import forge, probe_of
from queues.digests import BARRACUDA, MARK
from queues.microsoft.conftest import PATIENT, looked
from queues.recording_intake import RecordingIntake
from servers.certificates import authority_file
from servers.contract_graph_mailbox import MAILBOX, ContractGraphMailbox
from servers.polling import until
from servers.token_server import TokenServer

from canary.clock import Clock
from canary.content import Message
from canary.model import Forgery, OwnFaultError, Role
from canary.queues import WatchResources
from canary.queues.microsoft.mailbox import GraphMailboxWatcher, open_graph_mailbox
from canary.queues.microsoft.settings import GraphMailboxSettings

LONG_AGO = datetime.min.replace(tzinfo=UTC)
FOLDERS = [
    {"folder": "inbox", "queue": "inbox", "role": "other"},
    {"folder": "inbox/CPR", "queue": "cpr", "role": "monitored"},
    {"folder": "junkemail", "queue": "junk", "role": "junk"},
    {"folder": "deleteditems", "queue": "deleted", "role": "other"},
]
QUEUES = ("inbox", "cpr", "junk", "deleted")
Begin = Callable[..., GraphMailboxWatcher]


@pytest.fixture
def mailbox(tokens: TokenServer) -> Iterator[ContractGraphMailbox]:
    with ContractGraphMailbox(tokens.is_good) as running:
        running.deliver("folder-cpr", "<a-stranger@elsewhere.test>", "most private", age=3600)
        yield running


@pytest.fixture
def made(
    mailbox: ContractGraphMailbox, tokens: TokenServer, authority: trustme.CA, tmp_path: Path
) -> Callable[..., GraphMailboxWatcher]:
    """Makes a watcher of the mailbox, which asks often."""
    auth = tokens.microsoft(secret={"env": "SECRET"}, ca_file=str(authority_file(authority, tmp_path)))

    def make(**changes: Any) -> GraphMailboxWatcher:
        given = {"kind": "microsoft_mailbox", "auth": auth, "url": mailbox.url, "mailbox": MAILBOX, "folders": FOLDERS}
        settings = GraphMailboxSettings.model_validate({**given, "poll": "50ms", "timeout": "60s", **changes})
        return open_graph_mailbox("desk", settings, WatchResources(Clock()))

    return make


@pytest.fixture
def begin(made: Begin, intake: RecordingIntake) -> Iterator[Begin]:
    """Starts such watchers, and stops them at the end."""
    running: list[GraphMailboxWatcher] = []

    def start(**changes: Any) -> GraphMailboxWatcher:
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
    ("folder", "queue"),
    [("inbox", "inbox"), ("folder-cpr", "cpr"), ("junkemail", "junk"), ("deleteditems", "deleted")],
)
def test_a_report_is_found_whole_in_each_folder(
    folder: str, queue: str, mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin
) -> None:
    mark, message_id = mark_of(intake)
    mail = mailbox.deliver(folder, message_id, "the report", age=30)
    begin()
    until(intake.found, f"the report, told: {intake.details()}", PATIENT)
    looked(intake, *QUEUES)
    [found] = intake.found()
    assert (found.place.queue, found.message_id, found.content) == (queue, message_id, Message(mail.raw))
    assert abs((found.arrived_at - mail.received).total_seconds()) < 2
    assert probe_of(intake, mark) == found.probe


def test_what_comes_later_is_found_and_what_is_moved_is_seen_in_both_places(
    mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin
) -> None:
    begin()
    looked(intake, *QUEUES)
    _, message_id = mark_of(intake)
    mail = mailbox.deliver("junkemail", message_id)
    until(intake.found, "the report in the junk", PATIENT)
    mailbox.move(mail, "folder-cpr")
    until(lambda: len(intake.found()) == 2, "the report where it was moved to", PATIENT)
    mailbox.touch(mail)
    looked(intake, *QUEUES)
    assert [found.place.queue for found in intake.found()] == ["junk", "cpr"]


def test_many_are_read_to_the_end_page_by_page(
    mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin
) -> None:
    sent = [mark_of(intake) for _ in range(9)]
    for _, message_id in sent:
        mailbox.deliver("folder-cpr", message_id)
    begin()
    until(lambda: len(intake.genuine()) == 9, "all of them", PATIENT)
    looked(intake, *QUEUES)


def test_a_delta_link_that_is_forgotten_loses_nothing(
    mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin
) -> None:
    watcher = begin()
    looked(intake, *QUEUES)
    watcher.stop()
    _, message_id = mark_of(intake)
    mailbox.deliver("folder-cpr", message_id)
    mailbox.forget()
    begin()
    until(intake.found, "the report", PATIENT)
    looked(intake, *QUEUES)
    assert intake.reasons() == []


def test_a_list_of_changes_that_shows_nothing_of_what_is_there_is_no_proof(
    mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin()
    looked(intake, *QUEUES)
    answer, mailbox.searched = mailbox._delta, False
    monkeypatch.setattr(mailbox, "_delta", lambda folder, _: answer(folder, {"$deltatoken": "999999"}))
    _, message_id = mark_of(intake)
    mailbox.deliver("folder-cpr", message_id)
    until(lambda: "blind" in intake.reasons(), "that it is blind", PATIENT)
    assert not intake.looked_since("cpr", mailbox.mail["mail-1"].received)
    assert intake.found() == []
    monkeypatch.undo()
    until(intake.found, "the report", PATIENT)


def test_a_folder_that_is_not_empty_and_shows_nothing_is_blind(
    mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "page", 10**6)
    answer = mailbox._folder

    def nothing(folder: str, rest: str, query: dict[str, str]) -> Any:
        status, headers, said = answer(folder, rest, query)
        return status, headers, {**said, "value": []} if "value" in said else said

    monkeypatch.setattr(mailbox, "named", {})
    monkeypatch.setattr(mailbox, "_folder", nothing)
    begin(folders=[{"folder": "inbox", "queue": "inbox", "role": "monitored"}])
    looked(intake, "inbox")  # it is empty, and says so
    mailbox.deliver("inbox", "<a-stranger@elsewhere.test>")
    until(lambda: "blind" in intake.reasons(), "that it is blind", PATIENT)
    assert "is not empty" in intake.details()


def test_a_mark_that_stands_in_the_text_alone_is_searched_for_later(
    mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin
) -> None:
    mark, _ = mark_of(intake)
    mailbox.searched = False
    mailbox.deliver("inbox", "<renamed-by-a-gateway@gateway.test>", f"A report.\r\n{mark}")
    begin()
    looked(intake, *QUEUES)
    assert intake.found() == []
    mailbox.searched = True
    until(intake.found, "the report", PATIENT)
    assert [found.place.queue for found in intake.found()] == ["inbox"]


def test_what_a_digest_lists_is_in_the_quarantine_and_not_where_the_digest_is(
    mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin
) -> None:
    mark, _ = mark_of(intake)
    mailbox.deliver("folder-cpr", "<digest@quarantine.test>", BARRACUDA.replace(MARK, mark))
    begin()
    until(intake.found, "what it lists", PATIENT)
    looked(intake, *QUEUES)
    [found] = intake.found()
    assert (found.place.queue, found.place.role, found.forgery) == ("cpr", Role.QUARANTINE, None)
    assert found.content is not None
    assert mark in found.content.artefact().decode()


def test_of_a_stranger_no_text_is_fetched_and_nothing_is_kept(
    mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin
) -> None:
    intake.probe()
    begin()
    looked(intake, *QUEUES)
    assert mailbox.asked_for("/messages/delta")
    assert mailbox.asked_for("$value") == []
    kept = str([intake.cursor(f"desk/{folder['folder']}") for folder in FOLDERS])
    assert "private" not in kept + intake.details()
    assert "stranger" not in kept


def test_a_forged_mark_is_told_as_one(mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin) -> None:
    mark, _ = mark_of(intake)
    mailbox.deliver("folder-cpr", f"<{forge(mark)}@persona.test>")
    begin()
    until(intake.found, "the forgery", PATIENT)
    assert intake.forged() == {probe_of(intake, mark): Forgery.BAD_MAC}
    assert mailbox.asked_for("$value") == []


TOLD = {
    "broken": "unavailable",
    "limited": "rate_limited",
    "refused": "login_refused",
    "forbidden": "forbidden",
    "elsewhere": "redirected",
    "a page": "garbage",
    "a number": "garbage",
    "no list": "garbage",
    "no rows": "garbage",
    "nothing": "garbage",
    "goes on elsewhere": "redirected",
    "deep": "garbage",
    "a bomb": "garbage",
    "endless": "too_much",
}


@pytest.mark.parametrize("how", TOLD)
def test_a_folder_that_misbehaves_is_told_and_what_came_meanwhile_is_found(
    how: str, mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin
) -> None:
    begin()
    looked(intake, *QUEUES)
    mailbox.misbehaves["folder-cpr/messages/delta"] = how
    _, message_id = mark_of(intake)
    mailbox.deliver("folder-cpr", message_id)
    until(lambda: TOLD[how] in intake.reasons(), f"{TOLD[how]}, told: {intake.reasons()}", PATIENT)
    blind, before = datetime.now(UTC), len(mailbox.asked)
    until(lambda: len(mailbox.asked) > before, "another look", PATIENT)
    assert not intake.looked_since("cpr", blind)
    assert intake.found() == []
    mailbox.misbehaves.clear()
    until(lambda: [found.place.queue for found in intake.found()] == ["cpr"], "the report", PATIENT)
    looked(intake, *QUEUES)


def test_a_report_that_is_not_given_out_is_told_by_what_is_listed_of_it(
    mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin
) -> None:
    mailbox.misbehaves["$value"] = "forbidden"
    _, message_id = mark_of(intake)
    mailbox.deliver("folder-cpr", message_id)
    begin()
    until(intake.found, "the report", PATIENT)
    [found] = intake.found()
    assert (found.content, found.message_id, found.detail) == (None, message_id, "its header alone is given out")
    assert "forbidden" in intake.reasons()


def test_check_says_how_much_is_in_each_folder_and_which_is_missing(mailbox: ContractGraphMailbox, made: Begin) -> None:
    said = made().check()
    assert "inbox (other, 0 messages), inbox/CPR (monitored, 1 messages), junkemail (junk, 0 messages)" in said
    with pytest.raises(OwnFaultError, match="no folder 'Gone' of 'inbox/Gone' that may be seen") as fault:
        made(folders=[{"folder": "inbox/Gone", "queue": "gone", "role": "monitored"}]).check()
    assert fault.value.reason == "queue_missing"


def test_what_could_not_be_written_is_handed_in_once_it_can_be(
    mailbox: ContractGraphMailbox, intake: RecordingIntake, begin: Begin
) -> None:
    mark, message_id = mark_of(intake)
    mailbox.deliver("folder-cpr", message_id, "the report", age=30)
    intake.full = True
    begin(folders=FOLDERS[1:2])
    until(lambda: intake.refused > 2, "what cannot be written", PATIENT)
    intake.full = False
    until(intake.found, "the report", PATIENT)
    looked(intake, "cpr")
    assert [(found.probe, found.place.queue) for found in intake.found()] == [(probe_of(intake, mark), "cpr")]
