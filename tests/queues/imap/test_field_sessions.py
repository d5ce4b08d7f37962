"""IMAP servers as they are in the field: however one takes a login, names and opens folders, or ends IDLE."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from queues.imap.field import STRANGER, found, in_header, looked, watched, watcher
from queues.recording_intake import RecordingIntake
from servers.imap_mailbox import ImapMailbox
from servers.polling import until

from canary.model import Component, OwnFaultError

pytestmark = pytest.mark.usefixtures("hurried")

# Logging in


def login_refused(server: ImapMailbox) -> OwnFaultError:
    with server.running():
        asked = watcher(server)
        with pytest.raises(OwnFaultError) as raised:
            asked.check()
    assert raised.value.component is Component.IMAP
    return raised.value


@pytest.mark.parametrize(
    ("capabilities", "named"),
    [
        ("IMAP4rev1 AUTH=XOAUTH2 SASL-IR LOGINDISABLED", "takes XOAUTH2 only"),
        ("IMAP4rev1 AUTH=OAUTHBEARER AUTH=XOAUTH2 LOGINDISABLED", "takes OAUTHBEARER, XOAUTH2 only"),
        ("IMAP4rev1 LOGINDISABLED AUTH=GSSAPI", "takes GSSAPI only"),
        ("IMAP4rev1 LOGINDISABLED", "offers no other way"),
        ("IMAP4rev1 STARTTLS LOGINDISABLED", "set tls: starttls"),
    ],
)
def test_login_is_never_sent_where_it_is_disabled(capabilities: str, named: str) -> None:
    server = ImapMailbox(capabilities=capabilities)
    error = login_refused(server)
    assert error.reason == "login_unsupported"
    assert named in error.detail
    assert "PLAIN or LOGIN" in error.detail
    assert not server.said("LOGIN ")
    assert not server.said("AUTHENTICATE")


BROKEN_PLAIN = {
    "unsupported": b"NO Unsupported authentication mechanism.",
    "syntax": b"BAD command syntax error",
    "failed without a code": b"NO AUTHENTICATE failed.",
    "not here": b"NO [CANNOT] not over this connection",
}


@pytest.mark.parametrize("said", BROKEN_PLAIN.values(), ids=list(BROKEN_PLAIN))
@pytest.mark.parametrize("asks", [True, False], ids=["after the password", "at once"])
def test_where_plain_is_offered_and_broken_login_is_tried(said: bytes, asks: bool) -> None:
    server = ImapMailbox(STRANGER, capabilities="IMAP4rev1 AUTH=PLAIN")
    server.status["AUTHENTICATE"] = said
    server.answers["AUTHENTICATE"] = lambda _: [b"+ \r\n"] if asks else []
    with server.running():
        assert "CPR (monitored, 1 messages)" in watcher(server).check()
    assert len(server.said("LOGIN ")) == 1


@pytest.mark.parametrize("code", ["AUTHENTICATIONFAILED", "EXPIRED", "UNAVAILABLE", "CONTACTADMIN"])
def test_a_refusal_that_is_about_the_account_is_taken_at_its_word(code: str) -> None:
    server = ImapMailbox(capabilities="IMAP4rev1 AUTH=PLAIN")
    server.status["AUTHENTICATE"] = f"NO [{code}] no".encode()
    server.answers["AUTHENTICATE"] = lambda _: [b"+ \r\n"]
    assert login_refused(server).reason == ("login_unavailable" if code == "UNAVAILABLE" else "login_refused")
    assert not server.said("LOGIN ")


def test_the_old_mechanism_login_is_spoken_where_there_is_no_other() -> None:
    server = ImapMailbox(STRANGER, capabilities="IMAP4rev1 LOGINDISABLED AUTH=LOGIN")
    prompts = [b"+ %s\r\n" % base64.b64encode(prompt) for prompt in (b"Username:", b"Password:")]
    server.answers["AUTHENTICATE"] = lambda _: prompts
    with server.running():
        assert "CPR (monitored, 1 messages)" in watcher(server).check()
    assert base64.b64encode(b"desk").decode() in server.commands
    assert not server.said("LOGIN DESK")


def test_a_way_that_ends_the_connection_is_avoided_on_the_next_one_and_told_once(intake: RecordingIntake) -> None:
    server = ImapMailbox(STRANGER, capabilities="IMAP4rev1 AUTH=PLAIN")

    def hangs_up(_: bytes) -> list[bytes]:
        raise ConnectionAbortedError

    def hangs_up_once(_: bytes) -> list[bytes]:
        del server.answers["EXAMINE"]
        raise ConnectionAbortedError

    server.answers |= {"AUTHENTICATE": hangs_up}
    with watched(server, intake):
        looked(intake)
        server.answers["EXAMINE"] = hangs_up_once
        until(lambda: len(server.said("LOGIN ")) == 2, "the next connection")
        looked(intake)
    assert len(server.said("AUTHENTICATE")) == 1
    assert intake.details().count("AUTH=PLAIN is offered and does not work, logged in by LOGIN") == 1


def test_both_ways_refused_is_told_in_the_words_of_the_first() -> None:
    server = ImapMailbox(capabilities="IMAP4rev1 AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5")
    server.answers["AUTHENTICATE"] = lambda _: [b"+ \r\n"]
    server.status |= {"AUTHENTICATE": b"NO no such user here", "LOGIN": b"NO go away"}
    error = login_refused(server)
    assert "no such user here" in error.detail
    assert len(server.said("AUTHENTICATE")) + len(server.said("LOGIN ")) == 2, "an account is not to be locked"


# Folders


@pytest.mark.parametrize(
    ("there", "wanted", "likely"),
    [
        ("INBOX.CPR", "CPR", "'INBOX.CPR' for 'CPR'"),
        ("cpr", "CPR", "'cpr' for 'CPR'"),
        ("[Gmail]/Spam", "Spam", "'[Gmail]/Spam' for 'Spam'"),
        ("CPR", "INBOX/CPR", "'CPR' for 'INBOX/CPR'"),
        ("Reports.CPR", "Reports/CPR", "'Reports.CPR' for 'Reports/CPR'"),
    ],
)
def test_check_names_the_folders_that_there_are(there: str, wanted: str, likely: str) -> None:
    server = ImapMailbox(name=there)
    folders = [{"name": wanted, "queue": "cpr", "role": "monitored"}]
    with server.running(), pytest.raises(OwnFaultError) as raised:
        watcher(server, folders=folders).check()
    assert raised.value.reason == "folder_missing"
    assert f"did you mean {likely}?" in raised.value.detail
    assert "there are: " in raised.value.detail
    assert there in raised.value.detail.partition("there are: ")[2]


def test_folders_are_named_up_to_a_number() -> None:
    server = ImapMailbox(name="Elsewhere")
    server.folders += [f"Folder {number}" for number in range(500)]
    with server.running(), pytest.raises(OwnFaultError, match=r"there are: .* and 452 more") as raised:
        watcher(server).check()
    assert len(raised.value.detail) < 2000


PASSING = {
    "unavailable": b"NO [UNAVAILABLE] try later",
    "in use": b"NO [INUSE] locked by another session",
    "a bug": b"NO [SERVERBUG] Internal error occurred.",
    "a limit": b"NO [LIMIT] too many",
    "not for us": b"NO [NOPERM] permission denied",
    "locked, in words alone": b"NO Mailbox is locked by POP server",
    "in small letters": b"NO [unavailable] Try later",
}


@pytest.mark.parametrize("said", PASSING.values(), ids=list(PASSING))
def test_a_folder_that_is_not_opened_for_a_moment_is_not_missing(said: bytes) -> None:
    server, intake = ImapMailbox(STRANGER), RecordingIntake()
    tries = iter(range(2))
    server.refuse.append(lambda rest: said if rest.startswith(b"EXAMINE") and next(tries, None) is not None else None)
    mark = intake.probe()
    server.arrive(in_header(mark))
    with watched(server, intake):
        found(intake, mark)
    assert set(intake.reasons()) == {"folder_unavailable"}
    assert server.connections == 1


@pytest.mark.parametrize("said", [b"NO no such mailbox", b"NO [NONEXISTENT] Unknown Mailbox", b"NO [TRYCREATE] none"])
def test_a_folder_that_is_not_there_is_missing(said: bytes) -> None:
    server, intake = ImapMailbox(name="Elsewhere"), RecordingIntake()
    server.refuse.append(lambda rest: said if rest.startswith((b"EXAMINE", b"STATUS")) else None)
    with watched(server, intake):
        until(intake.reasons, "the fault")
    assert set(intake.reasons()) == {"folder_missing"}


# IDLE

IDLE_ENDS: dict[str, bytes] = {
    "refused": b"NO not now",
    "unknown": b"BAD unknown command",
}


@pytest.mark.parametrize("said", IDLE_ENDS.values(), ids=list(IDLE_ENDS))
def test_where_idle_is_refused_the_folder_is_asked(said: bytes) -> None:
    server, intake = ImapMailbox(STRANGER, capabilities="IMAP4rev1 IDLE"), RecordingIntake()
    server.refuse.append(lambda rest: said if rest == b"IDLE" else None)
    with watched(server, intake):
        for _ in range(3):
            mark = intake.probe()
            server.arrive(in_header(mark))
            found(intake, mark)
            looked(intake)
    assert server.connections == 1
    assert intake.reasons() == ["protocol"]
    assert len(server.said("IDLE")) == 1


@pytest.mark.parametrize("answer", [[b"+ idling\r\n", b"* BYE shutting down\r\n"], [b"* BYE no idling here\r\n"], []])
def test_where_idle_always_ends_the_connection_the_folder_is_asked_after_a_few_logins(answer: list[bytes]) -> None:
    server, intake = ImapMailbox(STRANGER, capabilities="IMAP4rev1 IDLE"), RecordingIntake()

    def ending(_: bytes) -> Iterator[bytes]:
        yield from answer
        raise OSError

    server.answers["IDLE"] = ending
    with watched(server, intake):
        until(lambda: server.connections == 4, "a few logins", timeout=40)
        for _ in range(3):
            mark = intake.probe()
            server.arrive(in_header(mark))
            found(intake, mark)
            looked(intake)
    assert server.connections == 4
    assert len(server.said("IDLE")) == 3
    assert intake.reasons() == ["disconnected"] * 3


def test_what_idle_tells_is_read_by_three_commands() -> None:
    server, intake = ImapMailbox(STRANGER, capabilities="IMAP4rev1 IDLE"), RecordingIntake()
    mark = intake.probe()

    def idling(_: bytes) -> Iterator[bytes]:
        yield b"+ idling\r\n"
        if server.last == 1:
            server.commands.clear()
            server.arrive(in_header(mark))
            yield b"* 2 EXISTS\r\n"

    server.answers["IDLE"] = idling
    with watched(server, intake, poll="60s"):
        found(intake, mark)
    assert [" ".join(command.split()[:2]) for command in server.commands[:3]] == [
        "UID SEARCH",
        "UID FETCH",
        "UID FETCH",
    ]
    assert "BODY.PEEK[]" in server.commands[2]
