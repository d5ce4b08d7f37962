"""The mailbox watcher on a real Dovecot: restarts, silence, moved and missing folders, and what it survives of them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from queues.conftest import RESOURCES, Watch, folder, looked, plain_server, probe_of, server_of
from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from queues.tap import Tap
from servers.ca_site import CaSite, User
from servers.polling import until

from canary.model import TimeSource
from canary.queues import Watcher
from canary.queues.imap.settings import ImapSettings
from canary.queues.imap.watch import open_imap

# What it survives


def test_what_came_while_nobody_looked_is_caught_up_once(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    first = watch(desk)
    seen = intake.probe()
    site.deliver("desk", raw(mail(f"About {seen}")), "CPR")
    until(intake.found, "the first report")
    first.stop()
    missed = [intake.probe() for _ in range(5)]
    for mark in missed:
        site.deliver("desk", raw(mail(f"About {mark}")), "CPR")
    watch(desk)
    until(lambda: len(intake.found()) >= 6, "what was missed")
    looked(intake, "cpr")
    assert [found.probe for found in intake.found()] == [probe_of(intake, mark) for mark in (seen, *missed)]


def test_a_server_restarted_under_idle_is_found_again(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    watch(desk, poll="60s")
    looked(intake, "cpr")
    site.dovecot.stop()
    until(intake.reasons, "the fault")
    site.dovecot.start()
    mark = intake.probe()
    site.deliver("desk", raw(mail(f"About {mark}")), "CPR")
    until(intake.found, "the report", timeout=40)
    assert set(intake.reasons()) <= {"disconnected", "unreachable"}


def test_a_folder_made_anew_is_read_again(site: CaSite, intake: RecordingIntake, desk: User, watch: Watch) -> None:
    first = watch(desk)
    old = intake.probe()
    for _ in range(3):
        site.deliver("desk", raw(mail(f"About {old}")), "CPR")
    until(lambda: len(intake.found()) == 3, "the reports")
    first.stop()
    before = dict(intake.cursor("desk/CPR") or {})
    with site.session("desk") as client:
        client.delete_folder("CPR")
        client.create_folder("CPR")
        until(
            lambda: client.folder_status("CPR", ["UIDVALIDITY"])[b"UIDVALIDITY"] != before["uidvalidity"],
            "another UIDVALIDITY",
        )
    mark = intake.probe()
    site.deliver("desk", raw(mail(f"About {mark}")), "CPR")
    watch(desk)
    until(lambda: probe_of(intake, mark) in intake.genuine(), "the report in the new folder")
    assert (intake.cursor("desk/CPR") or {})["uidvalidity"] != before["uidvalidity"]


def test_a_server_that_drops_idle_in_silence_is_noticed(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    with Tap(site.imap) as tap:
        watch(desk, server=plain_server(site, desk, tap) | {"timeout": "1s"}, poll="2s", find_junk=False)
        looked(intake, "cpr")
        until(lambda: "IDLE" in tap.said(), "IDLE")
        tap.deaf = True
        mark = intake.probe()
        site.deliver("desk", raw(mail(f"About {mark}")), "CPR")
        until(intake.reasons, "the fault")
        tap.deaf = False
        until(intake.found, "the report")
    assert intake.reasons()[0] == "timeout"


def test_lines_that_come_in_crumbs_are_no_fault(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    with Tap(site.imap) as tap:
        tap.crumbs = True
        watch(desk, server=plain_server(site, desk, tap), poll="60s")
        looked(intake, "cpr")
        for count in range(1, 4):
            site.deliver("desk", raw(mail(f"About {intake.probe()}")), "CPR")
            until(lambda count=count: len(intake.found()) == count, "the report")  # type: ignore[misc]
        assert tap.connections == 1
        assert intake.reasons() == []


def test_a_server_without_idle_is_asked(site: CaSite, intake: RecordingIntake, desk: User, watch: Watch) -> None:
    with Tap(site.imap, replace=(b" IDLE", b" XXXX")) as tap:
        watch(desk, server=plain_server(site, desk, tap))
        looked(intake, "cpr")
        mark = intake.probe()
        site.deliver("desk", raw(mail(f"About {mark}")), "CPR")
        until(intake.found, "the report")
        assert "IDLE" not in tap.said()


def test_stop_ends_an_idle_at_once(site: CaSite, intake: RecordingIntake, desk: User) -> None:
    settings = {"kind": "imap", "server": server_of(site, desk), "folders": [folder("CPR", "monitored")], "poll": "1h"}
    watcher: Watcher = open_imap("desk", ImapSettings.model_validate(settings), RESOURCES)
    watcher.start(intake)
    looked(intake, "cpr")
    assert _threads("watch desk") == 1
    watcher.stop()  # waits for the thread, but not for an hour
    assert _threads("watch desk") == 0


def _threads(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


def test_a_missing_folder_is_told_and_the_others_are_read(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    watch(desk, folders=[folder("CPR", "monitored"), folder("Archive", "other")], poll="1s")
    looked(intake, "cpr")
    until(lambda: "folder_missing" in intake.reasons(), "the fault")
    mark = intake.probe()
    site.deliver("desk", raw(mail(f"About {mark}")), "CPR")
    until(intake.found, "the report")
    with site.session("desk") as client:
        client.create_folder("Archive")
    looked(intake, "archive")


def test_a_message_that_was_moved_later_arrived_later(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    mark = intake.probe()
    received = b"Received: from a.test by b.test; " + f"{datetime.now(UTC):%a, %d %b %Y 00:00:01} +0000\r\n".encode()
    with site.session("desk") as client:
        client.append("General", received + raw(mail(f"About {mark}")), msg_time=datetime(2026, 1, 1, tzinfo=UTC))
    watch(desk)
    looked(intake, "cpr")
    with site.session("desk") as client:
        client.select_folder("General")
        client.move([1], "CPR")
    until(intake.found, "the report")
    [found] = intake.found()
    assert found.source is TimeSource.NOTICED
    assert found.uncertainty < 120
