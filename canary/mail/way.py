"""The way of a message by its header: its hops with what each took, and what servers said of it. Pure; never raises.

Every hop has a clock of its own, and any of them may be wrong, ours too. The most clocks that agree in their order are
believed; what the others say is put right by their neighbours, so no time that was spent is negative, and told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from canary.budgets import HOPS
from canary.mail.authentication import authentication, inside
from canary.mail.clocks import put_right
from canary.mail.reading import Part
from canary.mail.received import ReceivedField, read_received
from canary.mail.spam import spam_verdicts
from canary.model import Hop, Way

_MIDDLE = 0.5
"""Servers cut their times off to seconds: it was in the middle of that second, give or take half of one."""


def read_way(header: bytes, begun: datetime, noticed: datetime, believed: Sequence[str] = ()) -> Way | None:
    """The way of the message that begins with ``header``; None if that tells nothing of it.

    It was sent after ``begun`` and was there at ``noticed``, both by our clock. ``believed`` are further servers, or
    domains of servers, whose results of authentication count.
    """
    fields = Part(header, 0, len(header)).fields
    at = [index for index, (name, _) in enumerate(fields) if name == "received"]
    kept = at[: HOPS.number]
    received = [(index, read_received(fields[index][1])) for index in kept]
    within = inside(received, believed)
    told = {
        wanted: [(index, value) for index, (name, value) in enumerate(fields) if name == wanted]
        for wanted in ("authentication-results", "received-spf")
    }
    found = Way(
        hops=_hops([field for _, field in reversed(received)], begun, noticed),
        left_out=len(at) - len(kept),
        authentication=authentication(told["authentication-results"], told["received-spf"], within),
        spam=spam_verdicts(fields),
    )
    return found if found != Way() else None


def _hops(fields: Sequence[ReceivedField], begun: datetime, noticed: datetime) -> tuple[Hop, ...]:
    """The hops, the first one first, with what follows from their times."""
    until = (noticed - begun).total_seconds() + _MIDDLE
    said = [(at - begun).total_seconds() + _MIDDLE for field in fields if (at := field.at) is not None]
    times = [-_MIDDLE, *said, until]
    right = put_right(times)
    hops, number = [], 0
    for field in fields:
        seconds, back, offset = None, 0.0, None
        if field.at is not None:
            number += 1
            took = right[number] - right[number - 1] - (_MIDDLE if number == 1 else 0.0)
            seconds = round(max(0.0, took), 3)
            back = round(max(0.0, times[number - 1] - times[number]), 3)
            offset = round(times[number] - min(max(right[number], -_MIDDLE), max(until, -_MIDDLE)), 3)
        hops.append(Hop(field.by, field.came_from, field.at, field.tls, seconds=seconds, back=back, offset=offset))
    return tuple(hops)
