"""Folders that are as full as folders of years: read in pieces, counted in pieces, never given up for their size."""

from __future__ import annotations

import base64
import tracemalloc
from datetime import UTC, datetime

import pytest
from queues.conftest import RESOURCES, Watch, account_of, folder, looked, probe_of
from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from servers.ca_site import CaSite, User
from servers.imap_script import ImapScript
from servers.polling import until

from canary.budgets import IMAP_LINE, MESSAGE
from canary.content import Message
from canary.queues import Cursor, Found
from canary.queues.imap import listing
from canary.queues.imap.connection import connect
from canary.queues.imap.settings import ImapSettings
from canary.queues.imap.watch import ImapWatcher, open_imap
from canary.queues.loop import Stop


def watching(script: ImapScript, intake: RecordingIntake, **settings: object) -> ImapWatcher:
    given = {"kind": "imap", "server": script.server(), "folders": [folder("CPR", "monitored")], "find_junk": False}
    watcher = open_imap("desk", ImapSettings.model_validate({**given, "poll": "1s", **settings}), RESOURCES)
    watcher.start(intake)
    return watcher


def test_200_000_unread_messages_are_read_and_counted(intake: RecordingIntake) -> None:
    script = ImapScript(200_000, first=1_000_000)
    intake.hand_in("desk/CPR", [], {"uidvalidity": 7, "uid": script.last - 3})
    with script.running():
        watcher = watching(script, intake)
        depth = until(lambda: intake.depth("cpr"), "the depth of the folder")
        watcher.stop()
    assert (depth.unread, depth.read) == (200_000, 0)
    assert depth.oldest_unread == datetime(2026, 11, 27, tzinfo=UTC)
    assert intake.reasons() == []
    assert intake.cursor("desk/CPR") == {"uidvalidity": 7, "uid": script.last}


def test_at_first_sight_every_message_is_looked_at_once_in_bounded_memory(intake: RecordingIntake) -> None:
    script = ImapScript(120_000)
    fetched: list[int] = []

    def noted(rest: bytes) -> list[bytes]:
        fetched.extend(script.asked(rest))
        return []

    script.answers["FETCH"] = noted
    with script.running():
        tracemalloc.start()
        watcher = watching(script, intake, count=False)
        until(lambda: intake.looked_since("cpr", datetime.min.replace(tzinfo=UTC)), "the end", timeout=120)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        watcher.stop()
    assert fetched == list(range(1, 120_001))
    assert peak < 64 << 20
    searches = [command for command in script.commands if "SEARCH" in command and "SINCE" in command]
    assert len(searches) == 3


class Counting(RecordingIntake):
    """Knows how often its disk was waited for."""

    waited = 0

    def hand_in(self, name: str, found: list[Found], cursor: Cursor) -> None:
        self.waited += 1
        super().hand_in(name, found, cursor)


def test_where_nothing_is_ours_the_disk_is_waited_for_now_and_then_alone() -> None:
    script, intake = ImapScript(20_000), Counting()
    with script.running():
        watcher = watching(script, intake, count=False)
        until(lambda: intake.looked_since("cpr", datetime.min.replace(tzinfo=UTC)), "the end", timeout=120)
        watcher.stop()
    assert intake.cursor("desk/CPR") == {"uidvalidity": 7, "uid": script.last}
    assert intake.waited < 10, "a hundred batches of headers"


def test_what_one_search_finds_fits_into_a_line() -> None:
    assert IMAP_LINE.received is not None
    assert len(" 4294967295") * listing.UIDS_AT_ONCE < IMAP_LINE.received


@pytest.mark.parametrize("verb", ["STATUS", "SEARCH"])
def test_a_count_that_fails_is_told_and_does_not_stop_the_reading(intake: RecordingIntake, verb: str) -> None:
    script = ImapScript(5)
    honest = script._honest

    def refusing(rest: bytes) -> list[bytes]:
        """Hang up on whoever counts."""
        if b"UNSEEN" in rest:
            raise OSError
        return list(honest(rest))

    script.answers[verb] = refusing
    with script.running():
        watcher = watching(script, intake, idle=False)
        until(lambda: intake.reasons() == ["disconnected"], "the trouble")
        looked(intake, "cpr")
        looked(intake, "cpr")
        watcher.stop()
    assert intake.reasons() == ["disconnected"]
    assert intake.depth("cpr") is None
    assert script.connections == 2


def test_structures_of_more_than_we_take_are_told_and_passed_over(intake: RecordingIntake) -> None:
    script = ImapScript(300)
    part = b'("TEXT" "PLAIN" ("NAME" "' + b"x" * 400 + b'") NIL NIL "7BIT" 3 1)'

    def huge(rest: bytes) -> list[bytes]:
        if len(script.asked(rest)) < 200:
            return [script.fetched(uid) for uid in script.asked(rest)]
        return [b"* %d FETCH (UID %d BODYSTRUCTURE (%s))\r\n" % (uid, uid, part * 30) for uid in script.asked(rest)]

    script.answers["FETCH BODYSTRUCTURE"] = huge
    with script.running():
        watcher = watching(script, intake)
        looked(intake, "cpr")
        watcher.stop()
    assert intake.reasons() == ["too_much"]
    assert "folder 'CPR', messages 1 to 200: " in intake.details()
    assert "more than 2097152 bytes; read without names of attachments" in intake.details()
    assert intake.cursor("desk/CPR") == {"uidvalidity": 7, "uid": 300}


def test_news_of_another_message_between_those_that_were_asked_for_is_passed_over(intake: RecordingIntake) -> None:
    script, mark = ImapScript(3), intake.probe()
    ours = f"Subject: about {mark}\r\n\r\n".encode()

    def with_news(rest: bytes) -> list[bytes]:
        asked = [script.fetched(uid) for uid in script.asked(rest)]
        whole = b"* 3 FETCH (UID 3 BODY[]<0> {%d}\r\n%s)\r\n" % (len(ours), ours)
        news = b"* 9 FETCH (UID 9 FLAGS (\\Seen))\r\n"
        return [news, *([whole] if b"BODY.PEEK[]" in rest else asked), news]

    script.answers["FETCH"] = script.answers["FETCH BODYSTRUCTURE"] = with_news
    script.found = lambda rest: range(3, 4) if b"BODY" in rest else range(1, 4)  # type: ignore[method-assign]  # a script
    with script.running():
        watcher = watching(script, intake, count=False)
        until(lambda: list(intake.genuine()) == [probe_of(intake, mark)], "the report")
        watcher.stop()
    assert intake.reasons() == []
    assert len(intake.found()) == 1


@pytest.mark.parametrize("uidnext", [1 << 40, 1 << 100])
def test_no_number_that_a_server_tells_makes_reading_endless(uidnext: int) -> None:
    script = ImapScript()
    script.answers["EXAMINE"] = lambda _: [b"* 1000000 EXISTS\r\n* OK [UIDNEXT %d] ok\r\n" % uidnext]
    with script.running(), connect(account_of(script), Stop(RESOURCES.clock)) as connection:
        folder = connection.examine("CPR")
    assert len(list(listing._pieces(folder, 0))) <= 86_000


def test_a_real_folder_is_read_in_pieces(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "UIDS_AT_ONCE", 300)
    with site.session("desk") as client:
        client.multiappend("CPR", [raw(mail("hello"))] * 1000)
        client.select_folder("CPR")
        client.delete_messages([1, *range(500, 700)])
        client.expunge()
        mark = intake.probe()
        client.append("CPR", raw(mail(f"About {mark}")))
        client.multiappend("CPR", [raw(mail("hello"))] * 1000)
    watch(desk)
    until(lambda: list(intake.genuine()) == [probe_of(intake, mark)], "the report")
    depth = until(lambda: intake.depth("cpr"), "the depth")
    assert (depth.unread, depth.read) == (1800, 0)
    later = intake.probe()
    site.deliver("desk", raw(mail(f"About {later}")), "CPR")
    until(lambda: len(intake.genuine()) == 2, "the report that came later")
    assert (intake.cursor("desk/CPR") or {}).get("uid") == 2002
    assert intake.reasons() == []


def test_a_message_that_cannot_be_read_is_told_and_does_not_stop_what_comes_after(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    sought, mark = intake.probe(), intake.probe()
    words = b"".join(base64.b32encode(n.to_bytes(25, "big")).lower() + b"\r\n" for n in range(30_001))
    with site.session("desk") as client:
        client.append("CPR", raw(mail("hello", body=f"{sought[:20]}\n")) + words)
        client.append("CPR", raw(mail(f"About {mark}")))
    watch(desk)
    until(lambda: list(intake.genuine()) == [probe_of(intake, mark)], "the report")
    looked(intake, "cpr")  # what has its mark in its header comes first
    assert intake.reasons() == ["unreadable"]
    assert "folder 'CPR', message 1 of " in intake.details()
    assert "more than 30000 words of a mark's shape" in intake.details()
    assert (intake.cursor("desk/CPR") or {}).get("uid") == 2


def test_a_long_message_is_read_and_kept_as_far_as_messages_are(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    mark = intake.probe()
    assert MESSAGE.received is not None
    whole = raw(mail("hello", body=f"{mark}\n")) + b"so on and so forth\r\n" * (MESSAGE.received // 20)
    with site.session("desk") as client:
        client.append("CPR", whole)
    watch(desk)
    until(lambda: list(intake.genuine()) == [probe_of(intake, mark)], "the report")
    (found,) = intake.found()
    assert found.content == Message(whole[: MESSAGE.received])
