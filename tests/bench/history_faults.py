"""What goes wrong in a made-up history: how, and when. Times are whole microseconds."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from canary.model import Outcome

OUTAGES = (
    (Outcome.JUNKED, "cpr-junk", "seen in cpr-junk; not in cpr"),
    (Outcome.QUARANTINED, "quarantine", "seen in quarantine; not in cpr"),
    (Outcome.WRONG_QUEUE, "general", "seen in general; not in cpr"),
    (Outcome.MISSING, "cpr", "not seen anywhere within 900 s"),
    (Outcome.BOUNCED, "researcher-replies", "550 5.1.1 <anna.kovacs@example-ca.example>: user unknown"),
    (Outcome.REJECTED, None, "550 5.7.1 <anna.kovacs@example-ca.example>: message content rejected"),
    (Outcome.LATE, "cpr", "arrived 4321 s after submission, wanted 900 s"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    start: int
    end: int
    outcome: Outcome
    place: str | None
    reason: str


class Faults:
    """Faults in order, found by time."""

    def __init__(self, faults: list[Fault]) -> None:
        self.all = faults
        self._starts = [fault.start for fault in faults]

    def at(self, at: int) -> Fault | None:
        place = bisect_right(self._starts, at) - 1
        return self.all[place] if place >= 0 and at < self.all[place].end else None
