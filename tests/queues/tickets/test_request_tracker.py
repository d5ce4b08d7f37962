"""A watch of a real Request Tracker that is fed by its own mail gateway: what happens there is told apart."""

from __future__ import annotations

from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from queues.tickets.conftest import WatchTickets, looked_at
from servers.polling import until
from servers.request_tracker import RequestTracker

from canary.model import Seen


def report(mark: str, subject: str = "Compromised key") -> bytes:
    """A report as a channel by e-mail sends it."""
    message = mail(subject, f"A report.\n\n{mark}\n", Message_ID=f"<{mark}@persona.test>", From="robin@persona.test")
    message.add_attachment(bytes(range(256)), maintype="application", subtype="zip", filename="a.zip")
    return raw(message)


def test_a_report_that_arrives(rt: RequestTracker, watch_tickets: WatchTickets, intake: RecordingIntake) -> None:
    mark = intake.probe()
    watch_tickets()
    looked_at(intake, "cpr", "general", "spam")
    rt.import_mail("CPR", report(mark))
    until(intake.found, "the report")
    [found] = intake.found()
    assert (found.seen, found.place.queue, found.forgery) == (Seen.REPORT, "cpr", None)
    assert found.message_id == f"<{mark}@persona.test>"
    assert found.content is not None
    assert mark in found.content.text
    assert [(file.name, file.content) for file in found.content.files] == [("a.zip", bytes(range(256)))]
    looked_at(intake, "cpr", "general", "spam")
    assert intake.reasons() == []
