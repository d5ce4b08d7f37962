"""Our own tickets are closed on a real Request Tracker, if that is asked for; nobody else's is touched."""

from __future__ import annotations

import base64

import pytest
from pydantic import ValidationError
from queues.conftest import forge, probe_of
from queues.recording_intake import RecordingIntake
from queues.tickets.conftest import PATIENT, WatchTickets, looked_at, settings_of
from queues.tickets.test_request_tracker import report
from servers.polling import until
from servers.request_tracker import RequestTracker

from canary.queues.tickets.closing import NOTE

pytestmark = pytest.mark.timeout(900)  # Request Tracker is slow where everything is


def status(rt: RequestTracker, ticket: str) -> str:
    found: str = rt.act("GET", f"/ticket/{ticket}")["Status"]
    return found


def done(rt: RequestTracker, ticket: str, kind: str) -> int:
    """How often something of this kind was done with a ticket."""
    entries = rt.act("GET", f"/ticket/{ticket}/history?fields=Type&per_page=100")["items"]
    return [entry["Type"] for entry in entries].count(kind)


def note_of(rt: RequestTracker, ticket: str) -> str:
    """The text of the newest comment on a ticket."""
    entries = rt.act("GET", f"/ticket/{ticket}/history?fields=Type&per_page=100")["items"]
    newest = max(int(entry["id"]) for entry in entries if entry["Type"] == "Comment")
    [part] = rt.act("GET", f"/transaction/{newest}/attachments")["items"]
    return base64.b64decode(rt.act("GET", f"/attachment/{part['id']}")["Content"]).decode().strip()


def arrived(rt: RequestTracker, mark: str) -> str:
    rt.import_mail("CPR", report(mark))
    [ticket] = rt.tickets(mark)
    return ticket


def test_what_is_ours_alone_is_closed_with_a_note_and_nothing_else_is_touched(
    rt: RequestTracker, watch_tickets: WatchTickets, intake: RecordingIntake
) -> None:
    ours, shared, merged, worked = (intake.probe() for _ in range(4))
    mine, with_another, away, solved = (arrived(rt, mark) for mark in (ours, shared, merged, worked))
    lie = arrived(rt, forge(intake.probe()))
    strangers = [
        str(rt.act("POST", "/ticket", {"Queue": "CPR", "Subject": "a stranger's", "Content": "private"})["id"])
        for _ in range(3)
    ]
    rt.change(strangers[1], MergeInto=with_another)
    rt.change(away, MergeInto=strangers[2])
    rt.change(solved, Status="resolved")
    for ticket in (mine, with_another, away, solved, lie, strangers[0], "987654"):
        intake.offer("desk/CPR", ticket)  # even if the intake offered everything
    watch_tickets("closer", close=True)
    until(lambda: done(rt, mine, "Comment") == 1, "the note", PATIENT)
    looked_at(intake, "cpr")
    looked_at(intake, "cpr")
    assert status(rt, mine) == "resolved"
    assert note_of(rt, mine) == NOTE
    untouched = (with_another, solved, lie, strangers[0], strangers[2])
    assert [status(rt, ticket) for ticket in untouched] == ["new", "resolved", "new", "new", "new"]
    assert [done(rt, ticket, "Comment") for ticket in untouched] == [0] * 5
    assert "close_refused" not in intake.reasons()
    assert all(found.by != "human" for found in intake.found() if found.probe == probe_of(intake, ours))


def test_what_may_not_be_closed_is_told_once_and_nothing_is_closed_unless_asked_for(
    rt: RequestTracker, watch_tickets: WatchTickets, intake: RecordingIntake
) -> None:
    mark = intake.probe()
    ticket = arrived(rt, mark)
    intake.offer("desk/CPR", ticket)
    first = watch_tickets("closer")
    until(intake.found, "the report", PATIENT)
    looked_at(intake, "cpr")
    first.stop()
    assert status(rt, ticket) == "new"
    watch_tickets("canary", close=True)
    until(lambda: "close_refused" in intake.reasons(), "that it may not", PATIENT)
    looked_at(intake, "cpr")
    looked_at(intake, "cpr")
    assert intake.reasons().count("close_refused") == 1
    assert f"ticket {ticket} of 'CPR' is not closed" in intake.details()
    assert status(rt, ticket) == "new"


def test_a_system_that_is_not_described_to_close_is_asked_for_nothing(rt: RequestTracker) -> None:
    with pytest.raises(ValidationError, match="is not described to close tickets, want close: false"):
        settings_of(rt, preset="jira-cloud", close=True, token={"env": "PATH"})
