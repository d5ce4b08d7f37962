"""The way that a message says it took, and what servers on it said of it: frozen values, small enough for an event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hop:
    """A server that took the message over, as its Received field tells (RFC 5321 section 4.4).

    ``by`` is the server, ``came_from`` from whom it had the message, with the address, "" where it does not say. ``at``
    is by its own clock, None if that cannot be read. ``tls`` is the version ("TLS 1.3"), "yes" where only that it was
    protected is told, "" where nothing is.

    ``seconds`` is how long it took from the server before (the first: from when sending began), clocks that are off
    put right: what was spent there. ``back`` is by how many seconds its time is earlier than that of the server before,
    0 if it is not. ``offset`` is by how many seconds its clock seems ahead of ours, at least; behind if negative.
    """

    by: str
    came_from: str = ""
    at: datetime | None = None
    tls: str = ""
    seconds: float | None = None
    back: float = 0.0
    offset: float | None = None


@dataclass(frozen=True, slots=True)
class Authentication:
    """What a server that is believed found by one method (RFC 8601): of ``domain``, "" where none is named."""

    method: str
    result: str
    domain: str = ""
    told_by: str = ""
    """The authserv-id; "" of a server that gives none."""


@dataclass(frozen=True, slots=True)
class SpamVerdict:
    """What a filter wrote into the header, as anybody could have: None where it does not say."""

    product: str
    spam: bool | None
    score: float | None
    said: str


@dataclass(frozen=True, slots=True)
class Way:
    """The hops of a message, the first one first; of very many the last ones, and ``left_out`` is how many more."""

    hops: tuple[Hop, ...] = ()
    left_out: int = 0
    authentication: tuple[Authentication, ...] = ()
    spam: tuple[SpamVerdict, ...] = ()

    @property
    def slowest(self) -> Hop | None:
        """The hop that took longest; None where no time can be told."""
        return max(
            (hop for hop in self.hops if hop.seconds is not None), key=lambda hop: hop.seconds or 0, default=None
        )
