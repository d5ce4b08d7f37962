"""A scripted server whose faults a test chooses, the watcher of its one folder, and mails with a mark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from servers.imap_mailbox import ImapMailbox
from servers.polling import until

from canary.clock import Clock
from canary.queues import WatchResources
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


def looked(intake: RecordingIntake, queue: str = "cpr") -> None:
    now = datetime.now(UTC)
    until(lambda: intake.looked_since(queue, now), f"a look into {queue}")


def in_header(mark: str) -> bytes:
    return raw(mail(f"About {mark}", f"It says {mark}.\n", Message_ID=f"<{mark}@persona.test>"))


def in_text(mark: str) -> bytes:
    return raw(mail("A report by form", f"It says {mark}.\n"))


def found(intake: RecordingIntake, *marks: str) -> None:
    until(lambda: {found.probe for found in intake.found()} >= {intake.keys.read(m).probe for m in marks}, "the report")
