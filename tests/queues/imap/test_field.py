"""IMAP servers as they are in the field: whatever one refuses, forgets or does late, what it tells is found."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from servers.imap_mailbox import ImapMailbox, Refusal
from servers.polling import until

from canary.budgets import IMAP_PASSED_OVER, IMAP_UNSEARCHED
from canary.clock import Clock
from canary.model import Component, OwnFaultError, TimeSource
from canary.queues import WatchResources, loop
from canary.queues.imap import headers, memory, search, watch
from canary.queues.imap.settings import ImapSettings
from canary.queues.imap.watch import ImapWatcher, open_imap

STRANGER = raw(mail("A question", "Is this certificate yours?\n"))


def watcher(server: ImapMailbox, **settings: Any) -> ImapWatcher:
    folders = [{"name": "CPR", "queue": "cpr", "role": "monitored"}]
    given = {"kind": "imap", "server": server.server(), "folders": folders, "find_junk": False}
    given |= {"poll": "300ms", "poll_others": "100ms", "count": False, **settings}
    return open_imap("desk", ImapSettings.model_validate(given), WatchResources(Clock()))


@contextmanager
def watched(server: ImapMailbox, intake: RecordingIntake, **settings: Any) -> Iterator[ImapWatcher]:
    with server.running():
        running = watcher(server, **settings)
        running.start(intake)
        try:
            yield running
        finally:
            running.stop()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of tenths of seconds; how they grow is as it is."""
    monkeypatch.setattr(search, "TRIED_AGAIN_AFTER", 0.2)
    for module, name in (
        (search, "AGAIN_AFTER"),
        (memory, "AGAIN_AFTER"),
        (loop, "FIRST_PAUSE"),
        (watch, "FIRST_PAUSE"),
    ):
        monkeypatch.setattr(module, name, 0.1)


def looked(intake: RecordingIntake, queue: str = "cpr") -> None:
    now = datetime.now(UTC)
    until(lambda: intake.looked_since(queue, now), f"a look into {queue}")


def in_header(mark: str) -> bytes:
    return raw(mail(f"About {mark}", f"It says {mark}.\n", Message_ID=f"<{mark}@persona.test>"))


def in_text(mark: str) -> bytes:
    return raw(mail("A report by form", f"It says {mark}.\n"))


def found(intake: RecordingIntake, *marks: str) -> None:
    until(lambda: {found.probe for found in intake.found()} >= {intake.keys.read(m).probe for m in marks}, "the report")


# Commands that are refused

ALWAYS: dict[str, tuple[Callable[[bytes], bool], bytes]] = {
    "search of texts fails inside": (lambda r: b" BODY " in r, b"NO [SERVERBUG] Internal error occurred."),
    "search of texts is not there": (lambda r: b" BODY " in r, b"BAD unknown search key"),
    "search of texts, no words": (lambda r: b" BODY " in r, b"NO"),
    "structures are refused": (lambda r: b"BODYSTRUCTURE" in r, b"NO [CANNOT] broken message"),
    "status is refused": (lambda r: r.startswith(b"STATUS"), b"NO STATUS of the selected folder"),
    "list is refused": (lambda r: r.startswith(b"LIST"), b"NO [LIMIT] too many folders"),
    "count is refused": (lambda r: b"UNSEEN" in r, b"NO [SERVERBUG] try again"),
    "dates are refused": (lambda r: b"INTERNALDATE" in r, b"BAD no such item"),
    "sizes are refused": (lambda r: b"RFC822.SIZE" in r, b"BAD no such item"),
}


def always(name: str) -> Refusal:
    matches, said = ALWAYS[name]
    return lambda rest: said if matches(rest) else None


@pytest.mark.parametrize("capabilities", ["IMAP4rev1", "IMAP4rev1 IDLE"])
@pytest.mark.parametrize("what", list(ALWAYS))
def test_a_command_that_is_always_refused_keeps_nothing_from_being_read(what: str, capabilities: str) -> None:
    server, intake = ImapMailbox(STRANGER, capabilities=capabilities), RecordingIntake()
    server.refuse.append(always(what))
    mark = intake.probe()
    with watched(server, intake, count=True, find_junk=True):
        looked(intake)
        server.arrive(in_header(mark))
        found(intake, mark)
        looked(intake)
    assert server.connections == 1
    assert len(intake.reasons()) <= 3, intake.details()


@pytest.mark.parametrize("what", [name for name in ALWAYS if name.startswith("search")])
def test_where_texts_are_never_searched_they_are_read_within_bounds(what: str) -> None:
    server, intake = ImapMailbox(STRANGER), RecordingIntake()
    server.refuse.append(always(what))
    early, late = intake.probe(), intake.probe()
    with watched(server, intake):
        server.arrive(in_text(early))
        found(intake, early)
        server.arrive(STRANGER)
        server.arrive(in_text(late))
        found(intake, late)
        looked(intake)
    assert intake.reasons() == ["search_refused"], "told once"
    lengths = {command.partition("BODY.PEEK[]<0.")[2].partition(">")[0] for command in server.said("BODY.PEEK[]")}
    assert str(IMAP_UNSEARCHED.received) in lengths
    assert server.connections == 1


def test_a_search_that_breaks_the_connection_is_left_alone_for_a_while() -> None:
    server, intake = ImapMailbox(STRANGER), RecordingIntake()
    honest = server._honest

    def hanging_up(rest: bytes) -> Iterator[bytes]:
        if b" BODY " in rest:
            raise OSError
        yield from honest(rest)

    server.answers["SEARCH"] = hanging_up
    mark, hidden = intake.probe(), intake.probe()
    with watched(server, intake):
        server.arrive(in_header(mark))
        server.arrive(in_text(hidden))
        found(intake, mark)
        found(intake, hidden)
        looked(intake)
    assert 2 <= server.connections <= 4


# Messages that are not given out

BROKEN: dict[str, bytes] = {
    "not converted": b"NO The requested message could not be converted.",
    "broken": b"BAD Internal Server Error 15",
    "a bug": b"NO [SERVERBUG] Internal error occurred. Refer to server log",
    "corrupt": b"NO [CORRUPTION] cannot parse",
}


def fetched_with(uid: int, rest: bytes) -> bool:
    return b"FETCH" in rest and str(uid).encode() in rest.split()[2].split(b",")


@pytest.mark.parametrize("said", BROKEN.values(), ids=list(BROKEN))
@pytest.mark.parametrize("strangers", [1, 30, 350])
def test_a_message_that_is_not_given_out_is_told_once_and_passed_over(said: bytes, strangers: int) -> None:
    server, intake = ImapMailbox(*[STRANGER] * strangers), RecordingIntake()
    server.refuse.append(lambda rest: said if fetched_with(1, rest) else None)
    mark, hidden = intake.probe(), intake.probe()
    server.arrive(in_header(mark))
    server.arrive(in_text(hidden))
    with watched(server, intake):
        found(intake, mark, hidden)
        looked(intake)
        looked(intake)
    assert intake.reasons() == ["unreadable"]
    assert "folder 'CPR', message 1: not given out, and passed over" in intake.details()
    assert server.connections == 1


@pytest.mark.parametrize("after", [1, 3, 8])
def test_a_message_that_is_not_given_out_for_a_moment_is_found(after: int) -> None:
    """It is passed over, and asked for again: nothing but our own report may have been in it."""
    server, intake = ImapMailbox(STRANGER), RecordingIntake()
    tries = iter(range(after))
    server.refuse.append(
        lambda rest: b"NO [UNAVAILABLE] not now" if fetched_with(2, rest) and next(tries, None) is not None else None
    )
    mark = intake.probe()
    with watched(server, intake):
        looked(intake)
        server.arrive(in_header(mark))
        found(intake, mark)
    assert len(intake.found()) == 1


@pytest.mark.parametrize("after", [1, 3])
def test_a_message_that_is_left_out_in_silence_is_asked_for_again(after: int) -> None:
    server, intake = ImapMailbox(STRANGER), RecordingIntake()
    tries = iter(range(after))

    def forgetful(rest: bytes) -> list[bytes]:
        forgets = fetched_with(2, rest) and next(tries, None) is not None
        return [] if forgets else list(server._honest(rest))

    server.answers["FETCH"] = forgetful
    mark = intake.probe()
    with watched(server, intake):
        looked(intake)
        server.arrive(in_header(mark))
        found(intake, mark)
    assert intake.reasons() == []


def test_a_report_of_which_only_the_header_is_given_out_is_there() -> None:
    server, intake = ImapMailbox(STRANGER), RecordingIntake()
    server.refuse.append(lambda rest: b"NO could not be converted" if b"BODY.PEEK[]" in rest else None)
    mark = intake.probe()
    server.arrive(in_header(mark))
    with watched(server, intake):
        found(intake, mark)
    (report,) = intake.found()
    assert (report.content, report.forgery) == (None, None)
    assert report.detail == "the server gives out its header alone"


def test_where_no_message_at_all_is_given_out_the_folder_is_at_fault() -> None:
    server, intake = ImapMailbox(*[STRANGER] * (2 * (IMAP_PASSED_OVER.number or 0) + 2)), RecordingIntake()
    server.refuse.append(lambda rest: b"NO [SERVERBUG] disk" if b"FETCH" in rest else None)
    with watched(server, intake):
        until(lambda: "protocol" in intake.reasons(), "the fault")
        assert not intake.looked_since("cpr", datetime.min.replace(tzinfo=UTC))
        server.refuse.clear()
        looked(intake)


# Dates

DATES = {
    "a zone of days": b'"27-Nov-2026 00:00:00 +9999"',
    "a zone of days behind": b'"27-Nov-2026 00:00:00 -9959"',
    "no date": b"NIL",
    "words": b'"yesterday, at noon"',
    "a month of its own": b'"27-Nev-2026 00:00:00 +0000"',
    "the year 0": b'"01-Jan-0000 00:00:00 +0000"',
    "the end of time": b'"31-Dec-9999 23:59:59 -2359"',
    "no zone": b'"27-Nov-2026 00:00:00"',
    "a number": b"1795737600",
    "a list": b"(27 11 2026)",
    "an empty string": b'""',
    "a 70th second": b'"27-Nov-2026 00:00:70 +0000"',
}


@pytest.mark.parametrize("date", DATES.values(), ids=list(DATES))
def test_a_date_that_cannot_be_read_is_none(date: bytes) -> None:
    server, intake = ImapMailbox(STRANGER), RecordingIntake()
    server.date = date
    mark = intake.probe()
    server.arrive(in_header(mark))
    with watched(server, intake, count=True):
        found(intake, mark)
        looked(intake)
        until(lambda: intake.depth("cpr"), "the depth")
    (report,) = intake.found()
    assert report.source in (TimeSource.NOTICED, TimeSource.INTERNALDATE)
    assert intake.reasons() == []


# Indexes that lag

LAGS = [1, 4]


@pytest.mark.parametrize("searches", LAGS)
@pytest.mark.parametrize("capabilities", ["IMAP4rev1", "IMAP4rev1 IDLE"])
def test_a_text_that_is_indexed_late_is_found_all_the_same(
    searches: int, capabilities: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headers, "_SKEW", timedelta(seconds=1.5))
    server, intake = ImapMailbox(STRANGER, capabilities=capabilities), RecordingIntake()
    mark = intake.probe()

    def indexed() -> bool:
        return sum(" BODY " in command for command in server.commands) > searches

    with watched(server, intake):
        looked(intake)
        server.commands.clear()
        server.date = f'"{datetime.now(UTC):%d-%b-%Y %H:%M:%S} +0000"'.encode()
        server.hidden.add(uid := server.last + 1)
        server.arrive(in_text(mark))
        arrived = intake.now()
        until(indexed, "searches that find nothing", timeout=60)
        until(lambda: (intake.now() - arrived).total_seconds() > 3, "time in which the folder was read")
        server.hidden.discard(uid)
        found(intake, mark)
        looked(intake)
    (report,) = intake.found()
    assert report.source is TimeSource.INTERNALDATE, "it did not come later for being found later"
    assert server.connections == 1


def test_a_text_that_is_indexed_after_a_restart_is_found() -> None:
    server, intake = ImapMailbox(STRANGER), RecordingIntake()
    mark = intake.probe()
    server.hidden.add(server.arrive(in_text(mark)))
    with server.running():
        first = watcher(server)
        first.start(intake)
        looked(intake)
        first.stop()
        server.hidden.clear()
        second = watcher(server)
        second.start(intake)
        found(intake, mark)
        second.stop()
    assert len(intake.found()) == 1


def test_nothing_is_searched_again_once_nothing_is_sought() -> None:
    server, intake = ImapMailbox(STRANGER), RecordingIntake()
    intake.probe()
    with watched(server, intake):
        until(lambda: server.said(" BODY "), "a search")
        intake._sought.clear()
        looked(intake)
        looked(intake)
        before = len(server.said(" BODY "))
        looked(intake)
        looked(intake)
        assert len(server.said(" BODY ")) == before


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
