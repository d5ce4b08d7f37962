"""Moves or deletes our own messages after their probes are judged; whatever does not verify again is left alone."""

from __future__ import annotations

import imaplib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from canary.budgets import HEADER, IMAP_CONTENT, MESSAGE, Budget, BudgetError
from canary.mark import Keyring, Mark
from canary.queues import Intake
from canary.queues.imap.connection import Connection
from canary.queues.imap.faults import Reason, fault
from canary.queues.imap.headers import answers_with, marks_in, section


class CleanUp:
    """Clean-up of one mailbox: delete, or move ``to`` a folder."""

    def __init__(self, mailbox: str, to: str | None) -> None:
        self._mailbox, self.to = mailbox, to
        self._done: defaultdict[str, set[str]] = defaultdict(set)

    def run(self, connection: Connection, folder: str, intake: Intake) -> None:
        """Clean one folder up. Raises OwnFaultError (clean_up_refused)."""
        offered = set(intake.cleanable(f"{self._mailbox}/{folder}"))
        self._done[folder] &= offered
        wanted = offered - self._done[folder]
        if not wanted:
            return
        places = _by_validity(folder, wanted)
        try:
            uids = places.get(connection.open_for_writing(folder), [])
            ours = [uid for uid in uids if _is_ours(connection, uid, intake)]
            if ours:
                self._take_away(connection, ours)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise fault(Reason.CLEAN_UP_REFUSED, f"folder {folder!r}: {connection.quotable(error)}") from error
        self._done[folder] |= wanted

    def _take_away(self, connection: Connection, uids: list[int]) -> None:
        """Move or delete; never an EXPUNGE that would take along what somebody else has marked as deleted."""
        if self.to is not None and connection.has_capability("MOVE"):
            connection.move(uids, self.to)
            return
        if self.to is not None:
            connection.copy(uids, self.to)
        connection.delete_messages(uids, silent=True)
        if connection.has_capability("UIDPLUS"):
            connection.uid_expunge(uids)


def _by_validity(folder: str, wanted: Iterable[str]) -> dict[int, list[int]]:
    """The UIDs to look at, by the UIDVALIDITY under which they were seen."""
    places: dict[int, list[int]] = defaultdict(list)
    for where in wanted:
        place: dict[str, Any] = json.loads(where)
        if place["folder"] == folder and "uid" in place:  # mails about a report, and digests, are nothing of ours
            places[place["uidvalidity"]].append(place["uid"])
    return places


def _is_ours(connection: Connection, uid: int, intake: Intake) -> bool:
    """Whether a message still is there, carries a genuine mark of a known probe, and is nobody's answer to it.

    The whole message is only asked for if its header has no mark; it was seen, verified and recorded under this UID.
    """
    header = _fetched(connection, uid, "HEADER", HEADER)
    if not header or _genuine(marks_in, answers_with(header), intake):
        return False
    if _genuine(marks_in, header, intake):
        return True
    return _genuine(Keyring.find_in_message, _fetched(connection, uid, "", MESSAGE), intake)


def _fetched(connection: Connection, uid: int, part: str, budget: Budget) -> bytes:
    with connection.within(IMAP_CONTENT):
        answer = connection.fetch([uid], [f"BODY.PEEK[{part}]<0.{budget.received}>"])
    return section(answer.get(uid, {}), f"BODY[{part}]".encode())


def _genuine(find: Callable[[Keyring, bytes], list[Mark]], where: bytes, intake: Intake) -> bool:
    try:
        return any(mark.genuine and intake.known(mark.probe) for mark in find(intake.keys, where))
    except BudgetError:  # it was found before, but what cannot be read does not verify again
        return False
