"""What a message trace says of one recipient: which fate it is, when it was, and how well that is known. Pure.

The words are those of Microsoft's description of message traces; it writes some of them with and without capitals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from canary.model import Role, Seen
from canary.queues.rest.answers import at, moment, word

_LONGEST_ID = 200
_REASON = 120
"""Characters of what a server said that are told."""


@dataclass(frozen=True, slots=True)
class TraceRow:
    """What became of one message for one recipient. ``received`` is when the platform got it, the same for all."""

    id: str
    message_id: str
    recipient: str
    status: str
    received: datetime


@dataclass(frozen=True, slots=True)
class TraceStep:
    """What was done with it on its way, and when."""

    at: datetime
    event: str
    description: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What is seen of a report by a status. ``role`` is that of the place, None for where it would be delivered.

    ``steps`` are the words of the steps that say when it was; ``words`` tell it to people.
    """

    seen: Seen
    role: Role | None
    steps: frozenset[str]
    words: str


FATES = {
    "delivered": Fate(Seen.REPORT, None, frozenset({"deliver", "send external", "send"}), "delivered"),
    "filteredasspam": Fate(Seen.REPORT, Role.JUNK, frozenset({"deliver", "spam"}), "filtered as spam"),
    "quarantined": Fate(Seen.REPORT, Role.QUARANTINE, frozenset({"deliver", "spam", "malware"}), "quarantined"),
    "failed": Fate(Seen.BOUNCE, None, frozenset({"fail"}), "not delivered"),
    "pending": Fate(Seen.DELAY_NOTICE, None, frozenset({"defer"}), "still tried"),
    "expanded": Fate(Seen.DELIVERY_NOTICE, None, frozenset({"expand dl", "expand"}), "passed on to the members"),
}
"""By the status of a row, in small letters. Of any other (gettingStatus, or one that is new) nothing is known yet."""
_FOLDERS = {"junkemail": "filteredasspam", "quarantinedemail": "quarantined", "quarantinedemailsecured": "quarantined"}
"""Folders that a delivery may name although the row says delivered, by the status that this comes to."""
_ID = re.compile(r"[A-Za-z0-9-]{1,100}")
"""What a row is called: it becomes a part of the path by which its steps are asked for."""
_FOLDER = re.compile(r"DefaultFolderType:\s?([A-Za-z]{1,40})")
_CODE = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_SAID = re.compile(r"LED=([^}\]]{1,300})")
_ADDRESS = re.compile(r"[^\s<>()\[\]{};:,=]{1,64}@[^\s<>()\[\]{};:,=]{1,255}")
MEANINGS = {
    "5.1.1": "there is no such mailbox",
    "5.1.10": "there is no such recipient",
    "5.1.8": "the sender is blocked",
    "5.2.1": "the mailbox is disabled",
    "5.2.2": "the mailbox is full",
    "5.2.3": "the message is too large for the mailbox",
    "5.3.4": "the message is too large",
    "5.4.1": "the recipient's domain takes no mail for it",
    "5.4.6": "it went round in a loop",
    "5.4.14": "it went round in a loop",
    "5.7.1": "a rule or a restriction forbids it",
    "5.7.133": "the group takes mail from within only",
    "5.7.134": "the mailbox takes mail from within only",
    "5.7.171": "a rule forbids it",
    "5.7.606": "the sending server is blocked",
}
"""By the enhanced status code (RFC 3463; Exchange Online's own list): why it was not delivered."""


def trace_row(item: Any) -> TraceRow:
    """A row of an answer. Raises ValueError for what is none."""
    names = ("id", "messageId", "recipientAddress", "status")
    ident, message_id, recipient, status = (word(item, name, _LONGEST_ID * 2) for name in names)
    if not _ID.fullmatch(ident) or not message_id:
        raise ValueError(f"got {type(item).__name__} without id and messageId, want a row of a message trace")
    return TraceRow(ident, message_id, recipient, status.casefold(), moment(item, "receivedDateTime"))


def trace_steps(answer: Any) -> list[TraceStep]:
    """The steps of a row. Raises ValueError for what is none."""
    found = at(answer, "value")
    if not isinstance(found, list):
        raise ValueError(f"got {type(found).__name__} at value, want a list of what was done with a message")
    return [
        TraceStep(moment(item, "dateTime"), word(item, "event").casefold(), word(item, "description")) for item in found
    ]


def is_of(row: TraceRow, message_id: str) -> bool:
    """Whether a row is of the message with this Message-ID, with or without angle brackets."""
    return row.message_id.strip().strip("<>") == message_id.strip("<>")


def fate_of(row: TraceRow, steps: Iterable[TraceStep]) -> Fate | None:
    """What became of a message; None if that is not known yet. A step may say more than the status."""
    status = row.status
    if status == "delivered":
        folders = (_FOLDER.search(step.description) for step in steps if step.event == "deliver")
        named = [_FOLDERS.get(folder[1].casefold(), status) for folder in folders if folder]
        status = named[-1] if named else status
    return FATES.get(status)


def when(fate: Fate, steps: Iterable[TraceStep]) -> datetime | None:
    """When it came to that, by the last step that says so; None if none does."""
    return max((step.at for step in steps if step.event in fate.steps), default=None)


def told(name: str, fate: Fate, steps: Iterable[TraceStep]) -> str:
    """What became of it for the recipient that is called ``name``, in words that hold no address."""
    if fate.seen not in (Seen.BOUNCE, Seen.DELAY_NOTICE):
        return f"{name}: {fate.words}"
    why = next((step.description for step in steps if step.event in fate.steps), "")
    said = _SAID.search(why)
    text = " ".join(_ADDRESS.sub("(address)", said[1] if said else why)[:_REASON].split())
    code = _CODE.search(why)
    meaning = MEANINGS.get(code[0], "") if code else ""
    reasons = ", ".join(filter(None, [meaning, text if text.isprintable() else ascii(text)]))
    return f"{name}: {fate.words}{f' ({reasons})' if reasons else ''}"
