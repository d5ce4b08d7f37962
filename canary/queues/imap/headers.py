"""What a message's headers tell: whose it is, when it arrived, and its Message-ID. Pure; every byte here is hostile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from canary.mail.received import received_at
from canary.mark import Keyring, Mark
from canary.model import MARK_LENGTH, TimeSource

_TOKEN = re.compile(rb"(?<![A-Za-z0-9])[A-Za-z2-7]{%d}(?![A-Za-z0-9])" % MARK_LENGTH)
_FIELD = rb"(?im)^%s[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)"
_RECEIVED = re.compile(_FIELD % rb"received")
_MESSAGE_ID = re.compile(_FIELD % rb"message-id")
_ANSWERS = re.compile(_FIELD % rb"(?:in-reply-to|references|x-forwarded-message-id)")
_LONGEST_ID = 998

WITHIN = timedelta(seconds=0.5)
"""Servers cut their times off to seconds: it was in the middle of that second, give or take half of one."""
_AHEAD = timedelta(hours=1)
"""By how much a Received time may be later than the server's INTERNALDATE before it is not believed."""
_BEHIND = timedelta(days=2)
"""By how much it may be earlier: a message waits in a queue for hours, and is not stored before it is received."""
_SKEW = timedelta(seconds=60)
"""By how much the server's clock may be behind ours before a time is taken for one of another place."""


def marks_in(keys: Keyring, header: bytes) -> list[Mark]:
    """Every mark in a header block, genuine ones first.

    A genuine mark that stands there plainly, as in nearly every message of ours, is found without decoding anything.
    Raises BudgetError as :meth:`canary.mark.Keyring.find` does.
    """
    plain = {token.lower() for token in _TOKEN.findall(header)}
    read = [keys.read(token.decode("ascii")) for token in sorted(plain)]
    if any(mark.genuine for mark in read):
        return sorted(read, key=lambda mark: not mark.genuine)
    return keys.find_in_message(header)


def section(data: Mapping[bytes, Any], name: bytes) -> bytes:
    """What a FETCH answers for a part of a message such as BODY[HEADER], or for the beginning of it."""
    value = next((value for key, value in data.items() if key.startswith(name)), b"")
    return value if isinstance(value, bytes) else b""


def message_id(header: bytes) -> str | None:
    """The Message-ID with its angle brackets, or None."""
    match = _MESSAGE_ID.search(header)
    return match[1].strip().decode("latin-1")[:_LONGEST_ID] or None if match else None


def answers_with(header: bytes) -> bytes:
    """The fields by which a message says that it answers or passes on another one."""
    return b"\n".join(match[1] for match in _ANSWERS.finditer(header))


def arrival(
    said: tuple[datetime, TimeSource] | None, now: datetime, not_before: datetime | None
) -> tuple[datetime, TimeSource, float]:
    """When a message arrived in its folder, where that was read, and give or take how many seconds.

    ``said`` is its :func:`server_time`, which is cut off to seconds and stays when a message is moved: if the folder
    was read to its end at ``not_before`` and the message was not there, it came later, whatever its times say.
    """
    was_read = not_before is not None and not_before <= now  # else our clock was set back since
    if not_before is not None and was_read and (said is None or said[0] < not_before - _SKEW):
        return now, TimeSource.NOTICED, (now - not_before).total_seconds()
    return (*said, WITHIN.total_seconds()) if said is not None else (now, TimeSource.NOTICED, 1.0)


def server_time(header: bytes, internal: datetime | None, now: datetime) -> tuple[datetime, TimeSource] | None:
    """When the server says that a message arrived, and where; whether that can be is another question.

    Only the topmost Received field is believed, which the final server wrote, and only if it fits ``internal``, the
    INTERNALDATE (RFC 3501 section 2.3.3).
    """
    received = _received(header)
    anchor = internal or now
    if received is not None and anchor - _BEHIND <= received + WITHIN <= anchor + _AHEAD:
        return received + WITHIN, TimeSource.RECEIVED
    return (internal + WITHIN, TimeSource.INTERNALDATE) if internal is not None else None


def _received(header: bytes) -> datetime | None:
    match = _RECEIVED.search(header)
    return received_at(match[1]) if match else None
