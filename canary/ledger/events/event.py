"""An event, and the canonical JSON (RFC 8785) in which it is stored, hashed and read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic_core import from_json

from canary.ledger.canonical import canonical, written
from canary.ledger.events.kinds import EventKind

LARGEST = 65_535
"""Bytes that an event may have: an entry of a C2SP tlog-tiles entry bundle has its length in 16 bits."""

LONGEST = 4000
"""Characters of a text from outside that an event keeps; a character is at most 6 bytes of JSON."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``seq`` is 0 until the ledger has given it its place. ``body`` holds only what JSON can say."""

    kind: EventKind
    at: datetime
    body: Mapping[str, Any]
    probe: str | None = None
    seq: int = 0

    def canonical(self) -> bytes:
        """The one form in which this event is stored and hashed."""
        return canonical(_whole(self, self.seq))


def placed(event: Event, seq: int) -> tuple[bytes, Event]:
    """The event at its place in the ledger: the bytes in which it is stored, and what :func:`read` makes of them."""
    form, whole = written(_whole(event, seq))
    return form, _event(whole)


def read(body: bytes) -> Event:
    """The inverse of :meth:`Event.canonical`.

    Raises ValueError for a kind that a newer version wrote; and that, LookupError or TypeError for other bytes. There
    are millions of events: this parser takes a fifth of the time of the standard library's.
    """
    return _event(from_json(body))


def _whole(event: Event, seq: int) -> dict[str, Any]:
    whole = {"seq": seq, "at": timestamp(event.at), "kind": event.kind.value, "body": dict(event.body)}
    return whole if event.probe is None else whole | {"probe": event.probe}


def _event(whole: Mapping[str, Any]) -> Event:
    return Event(
        kind=EventKind(whole["kind"]),
        at=parse_time(whole["at"]),
        body=dict(whole["body"]),
        probe=whole.get("probe"),
        seq=whole["seq"],
    )


def timestamp(at: datetime) -> str:
    """A time as it is written: UTC with microseconds and ``Z``, so that text order is time order."""
    return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def parse_time(text: str) -> datetime:
    """The inverse of :func:`timestamp`. Raises ValueError."""
    return datetime.fromisoformat(text)


def truncate(text: str, longest: int = LONGEST) -> str:
    """``text``, or its beginning and how much was left out."""
    return text if len(text) <= longest else f"{text[:longest]}... and {len(text) - longest} characters more"


def digest(content: bytes) -> str:
    """The SHA-256 of ``content`` in lower-case hexadecimal."""
    return sha256(content).hexdigest()
