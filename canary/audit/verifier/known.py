"""What was known of a probe when something was said of it: what was sent, what was seen, and how long each took."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate

from .log import Event
from .probes import first, place

_OF_THE_REPORT = ("report", "picked_up", "closed")
"""What is seen of the report itself: only where the CA has it."""
_IN_QUEUES = (*_OF_THE_REPORT, "acknowledgement", "answer")
"""What may be seen in a queue of the CA; all that comes back to the sender may be seen in its replies."""
_OF_DELIVERY = ("bounce", "delay_notice", "delivery_notice")
"""What may be seen besides where a queue shows what became of the delivery."""


@dataclass(frozen=True)
class Known:
    """The events of a probe before one that says what it came to, and the steps of the canary's clock until then.

    A step moves every time that was told before it by its seconds, and no latency by more or less.
    """

    events: Sequence[Event]
    steps: Sequence[Event]

    @classmethod
    def before(cls, said: Event, events: Iterable[Event], steps: Iterable[Event]) -> Known:
        """What was known when ``said`` was written."""
        until = [[event for event in some if event.seq < said.seq] for some in (events, steps)]
        return cls(*until)

    @property
    def scheduled(self) -> Event:
        """The event that it is due, its first."""
        return self.events[0]

    @cached_property
    def submitted(self) -> Event | None:
        """How sending ended, if it did."""
        return first(self.events, "submitted")

    @cached_property
    def sent(self) -> Event | None:
        """What says that sending may have begun."""
        return first(self.events, "submitting") or self.submitted

    @cached_property
    def began(self) -> datetime:
        """When sending began, or was due: the zero of every latency."""
        submitted, submitting = self.submitted, first(self.events, "submitting")
        if submitted is not None:
            return self._moved(_time(submitted.body["at"]), submitted)
        event = submitting or self.scheduled
        return self._moved(event.at, event)

    def latency(self, sighting: Event) -> float:
        """Seconds from submission to a sighting: not before it was sent, nor after it was noticed."""
        began = self.began
        told = (self._moved(_time(sighting.body[name]), sighting) for name in ("arrived_at", "noticed_at"))
        return max(0.0, min((at - began).total_seconds() for at in told))

    @cached_property
    def genuine(self) -> list[Event]:
        """The sightings that nothing speaks against; of a report that was never sent there are none."""
        sent, seen = self.sent, (event for event in self.events if event.kind == "sighting")
        return [event for event in seen if sent and event.body["forgery"] is None and _fits(event, sent)]

    def copies(self) -> dict[str, Event]:
        """By monitored queue: the first genuine copy of the report there."""
        found: dict[str, Event] = {}
        for event in self.genuine:
            queue, role = place(event)
            if event.body["seen"] == "report" and role == "monitored":
                known = found.get(queue)
                if known is None or self.latency(event) < self.latency(known):
                    found[queue] = event
        return found

    def arrived(self) -> list[Event]:
        """A copy of the report in each queue where it is expected; none if one lacks it."""
        copies, expected = self.copies(), self.scheduled.body["expected"]
        return [copies[queue] for queue in expected] if all(queue in copies for queue in expected) else []

    def stages(self) -> dict[str, list[float]]:
        """By stage: the seconds from submission to each event that shows it."""
        submitted, arrived, shown = self.submitted, self.arrived(), dict[str, list[float]]()
        if submitted and submitted.body["accepted"]:
            shown["accepted"] = [submitted.body["seconds"]]
        if arrived:
            shown["arrived"] = [max(map(self.latency, arrived))]
        for event in self.genuine:
            if (stage := self.stage(event)) is not None:
                shown.setdefault(stage, []).append(self.latency(event))
        return shown

    def stage(self, sighting: Event) -> str | None:
        """The stage that a sighting other than of the report itself shows: by a human, or by whom is not asked."""
        (queue, role), by = place(sighting), sighting.body.get("by")
        replies = role == "replies"
        if not replies and not (role == "monitored" and queue in self.scheduled.body["expected"]):
            return None
        human = by == "human" or (replies and by is None)
        match sighting.body["seen"]:
            case "answer" if human:
                return "answer_received" if replies else "answered"
            case "answer" | "acknowledgement":
                return "acknowledged"
            case "picked_up" if human:
                return "picked_up"
            case "closed":
                return "closed"
        return None

    def _moved(self, at: datetime, told: Event) -> datetime:
        """A time that was ``told`` by the clock as it was then, by the clock as it was set since."""
        numbers, sums = self._sums
        return at + sums[-1] - sums[bisect(numbers, told.seq)]

    @cached_property
    def _sums(self) -> tuple[list[int], list[timedelta]]:
        """The numbers of the steps, and by how much all before each have set the clock."""
        by = (timedelta(seconds=step.body["seconds"]) for step in self.steps)
        return [step.seq for step in self.steps], list(accumulate(by, initial=timedelta(0)))


def _fits(sighting: Event, sent: Event) -> bool:
    """Whether a sighting fits its place; and where its content was not compared, the Message-ID that was sent."""
    seen, ours = sighting.body["seen"], sent.body.get("message_id")
    of_the_report = seen in _OF_THE_REPORT
    if place(sighting)[1] == "replies":
        return not of_the_report
    told = ours and sighting.body["place"].get("message_id", True)
    by_its_id = of_the_report and told and sighting.body["intact"] is None
    shown = _IN_QUEUES + _OF_DELIVERY if sighting.body["place"].get("delivery") is True else _IN_QUEUES
    return seen in shown and (not by_its_id or sighting.body["message_id"] == ours)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
