"""IMAP servers as they are in the field: whatever one refuses, does not give out, misdates or indexes late is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from queues.imap.field import STRANGER, found, in_header, in_text, looked, watched, watcher
from queues.recording_intake import RecordingIntake
from servers.imap_mailbox import ImapMailbox, Refusal
from servers.polling import until

from canary.budgets import IMAP_PASSED_OVER, IMAP_UNSEARCHED
from canary.model import TimeSource
from canary.queues.imap import headers

pytestmark = pytest.mark.usefixtures("hurried")

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
