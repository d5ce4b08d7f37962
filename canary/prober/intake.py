"""Where watchers hand in what they saw: what was found becomes sightings in the ledger."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from canary.budgets import UNKNOWN_MARKS
from canary.clock import Clock
from canary.config import Gateway
from canary.content import Message
from canary.judge import reached, shown_in
from canary.ledger import Event, EventKind, KeptSightings, Ledger, OpenProbe, State
from canary.ledger import events as record
from canary.ledger.events import clock, digest
from canary.ledger.store import NOT_WRITTEN
from canary.mail.way import read_way
from canary.mark import Keyring
from canary.model import (
    Component,
    Depth,
    Flood,
    Forgery,
    OwnFaultError,
    Place,
    Role,
    Seen,
    Sighting,
    Surplus,
    TimeSource,
    Way,
)
from canary.prober.floods import Floods
from canary.prober.letters import LettersOfProbes
from canary.prober.mark_keys import RecallingKeyring
from canary.queues import Cursor, Found
from canary.reports.compare import Comparison, compared
from canary.weighing import clock_offset, is_renamed, latency

_CLEAN_FOR = timedelta(days=1)
"""How long after its end a probe's messages are offered for clean-up."""
_RESOLUTION = 0.5
"""Seconds, more or less, that the times of a mail server are exact to: it cuts them off, and we take the middle."""
_REMEMBERED = 100
"""Probes that have ended and need not be read again each time that something more is seen of them."""


class LedgerIntake:
    """The :class:`canary.queues.Intake` of every watcher.

    ``changed`` is called, from any thread, with the ids of the probes that something new is known of. ``gateway`` says
    what the operator's gateway does and which servers are believed, as the configuration has it at the time; ``steps``
    how often our clock was set (:meth:`canary.prober.clock_steps.ClockSteps.made`).
    """

    def __init__(
        self,
        ledger: Ledger,
        keys: Keyring,
        clock: Clock,
        changed: Callable[[Collection[str]], None],
        gateway: Callable[[], Gateway] = Gateway,
        steps: Callable[[], int | None] = lambda: 0,
    ) -> None:
        self._ledger, self._clock, self._changed, self._gateway = ledger, clock, changed, gateway
        self._steps = steps
        self._keys = RecallingKeyring(keys, self._mark_of)
        self.read_at: dict[str, datetime] = {}
        """When each queue was last read to its end."""
        self.depths: dict[str, Depth] = {}
        self.letters = LettersOfProbes(clock, self._mailbox, self.read_at)
        self._floods = Floods(ledger)
        self._ended: dict[str, OpenProbe] = {}
        self._remembering = threading.Lock()
        self._cleaning = threading.Lock()
        self._ended_upto = 0
        self._cleanable: dict[str, dict[str, datetime]] = {}

    @property
    def keys(self) -> Keyring:
        """The keys by which to recognise marks; those that are on their way are recognised without."""
        return self._keys

    def now(self) -> datetime:
        """The time by the prober's clock, UTC."""
        return self._clock.now()

    def sought(self, place: Place) -> Iterable[str]:
        """The marks of the probes of which something may still come to ``place``."""
        return [known.mark for known in self._coming(place)]

    def message_ids(self, place: Place) -> Mapping[str, str]:
        """The Message-IDs of those of them that were sent with one, by mark."""
        return {known.mark: known.case.message_id for known in self._coming(place) if known.case.message_id}

    def _coming(self, place: Place) -> list[OpenProbe]:
        return [known for known in self._ledger.state.open.values() if _may_come(known, place)]

    def known(self, probe: str) -> bool:
        """Whether the ledger has this probe."""
        return self._ledger.known(probe)

    def cursor(self, name: str) -> Cursor | None:
        """Where the watcher of this name stood last; empty at first."""
        return self._ledger.cursor(name)

    def hand_in(self, name: str, found: list[Found], cursor: Cursor) -> None:
        """Record what was found; returns once it is on disk. Raises OwnFaultError if it could not be written.

        What tells nothing new, since enough like it was recorded, is counted and recorded as a number later. Nothing is
        taken while our clock is being set: how long a report took is not known before that is on disk.
        """
        steps, now = self._steps(), self.now()
        batch = _Batch(self._ledger.state)
        news = list(self._weighed(name, found, batch, now))
        if steps is None or steps != self._steps():
            raise OwnFaultError(Component.STORE, NOT_WRITTEN, "that our clock was set is not on disk yet")
        added = self._ledger.append(*news, cursor=(name, cursor)).result()
        for flood, number in batch.surplus.items():
            began = None if flood.probe is None else batch.kept[flood.probe].case.started_at
            self._floods.count(flood, number, began, now)
        for probe, kept in batch.kept.items():
            if probe in self._ended:
                self._remember(replace(self._ended[probe], case=kept.case))
        self._floods.record(now)
        self.letters.hand_on(batch.letters)
        self._changed(list(dict.fromkeys(event.probe for event in added if event.probe is not None)))

    def _weighed(self, name: str, found: list[Found], batch: _Batch, now: datetime) -> Iterator[Event]:
        """The events of what tells something new, whose contents are kept."""
        for item in map(self._before_anybody_has_it, found):
            known = self._find(item.probe)
            content = item.content.artefact() if item.content else b""
            sighting = self._sight(item, known, digest(content), now)
            if isinstance(item.content, Message) and _came_back(known, sighting):
                batch.letters.append((item.probe, item.content.raw))
            if batch.takes(sighting, known):
                self._ledger.keep(content)
                yield record.sighting(now, sighting, name)
                if known is not None and sighting.forgery is None:
                    yield from self._clock_of(known, item, sighting)

    def _before_anybody_has_it(self, item: Found) -> Found:
        """What comes back of a report that nobody has yet, but for a link, neither acknowledges nor answers it."""
        early = item.place.role is Role.REPLIES and self.letters.awaits(item.probe)
        if not early or item.seen not in (Seen.ACKNOWLEDGEMENT, Seen.ANSWER):
            return item
        return replace(item, seen=Seen.UNSURE, detail=f"before the form's link was followed: {item.detail}")

    def looked(self, queue: str, at: datetime, depth: Depth | None = None) -> None:
        """A queue was read to its end. That it was so by a clock which was set back meanwhile tells nothing."""
        self._floods.record(self.now())
        if at <= self.now():
            self.read_at[queue] = at
        if depth is not None:
            self.depths[queue] = depth

    def move(self, by: timedelta) -> None:
        """Our clock was set: what was read was read as much later."""
        self._floods.move(by)
        for queue, at in list(self.read_at.items()):
            self.read_at[queue] = at + by

    def settle(self) -> None:
        """Have recorded what was only counted so far."""
        self._floods.record(self.now(), everything=True)

    def trouble(self, component: Component, reason: str, detail: str) -> None:
        """Record a fault of ours."""
        self._ledger.append(record.trouble(self.now(), component, reason, detail))

    def cleanable(self, name: str) -> Iterable[str]:
        """Where our own messages are whose probes ended within the last day."""
        since = self.now() - _CLEAN_FOR
        with self._cleaning:
            news = self._ledger.events(kind=EventKind.FINISHED, since=since, after=self._ended_upto)
            for finished in news:
                self._ended_upto = finished.seq
                for event in self._ledger.events(probe=finished.probe):
                    if event.kind is EventKind.SIGHTING and event.body["forgery"] is None:
                        kept = self._cleanable.setdefault(event.body["watcher"], {})
                        kept[event.body["where"]] = finished.at
            offered = {where: at for where, at in self._cleanable.get(name, {}).items() if at > since}
            self._cleanable[name] = offered
        return list(offered)

    def _mark_of(self, probe: str) -> str | None:
        """The mark of a probe that is on its way."""
        known = self._ledger.state.open.get(probe)
        return known.mark if known is not None else None

    def _mailbox(self, probe: str) -> str | None:
        """The queue where what comes back of a probe that is on its way is found."""
        known = self._ledger.state.open.get(probe)
        return known.case.probe.replies if known is not None else None

    def _find(self, probe: str) -> OpenProbe | None:
        """A probe, open or ended, as it stands; None if the ledger has none of it."""
        state = self._ledger.state
        known = state.open.get(probe) or self._ended.get(probe)
        if known is None and self._ledger.has(probe):
            known = self._ledger.find(probe)
        if known is not None and known.scheduled[0] <= state.seq and probe not in state.open:
            self._remember(known)
        return known

    def _remember(self, ended: OpenProbe) -> None:
        """Keep a probe that has ended in memory, so that a flood of its marks reads its events once."""
        with self._remembering:
            if len(self._ended) >= _REMEMBERED:
                del self._ended[next(iter(self._ended))]
            self._ended[ended.case.probe.id] = ended

    def _clock_of(self, known: OpenProbe, item: Found, sighting: Sighting) -> list[Event]:
        """How far the clock is off by which the sighting arrived, where that is news."""
        if sighting.source is TimeSource.NOTICED:
            if item.stated_at is None:
                return []
            sighting = replace(
                sighting, arrived_at=item.stated_at, uncertainty=_RESOLUTION
            )  # the watcher refused this time: it lies before the queue's last full reading
        queue, offset, now = sighting.place.queue, clock_offset(known.case, sighting), sighting.noticed_at
        if not self._ledger.state.clock_is_news(queue, offset, now):
            return []
        return [clock(now, queue, offset, sighting.uncertainty)]

    def _sight(self, item: Found, known: OpenProbe | None, message: str, now: datetime) -> Sighting:
        forgery, intact, detail = item.forgery, None, item.detail
        if known is None:
            forgery = forgery or Forgery.UNKNOWN_ID
        elif forgery is None and item.seen is Seen.REPORT:
            forgery, intact, detail = self._compare(known, item)
        sighting = Sighting(
            seen=item.seen,
            probe=item.probe,
            place=item.place,
            arrived_at=item.arrived_at,
            source=item.source,
            uncertainty=self._uncertainty(item, known, now),
            noticed_at=now,
            message=message,
            message_id=item.message_id,
            intact=intact,
            forgery=forgery,
            detail=detail,
            where=item.where,
            generation=item.generation,
            by=item.by,
            way=self._way(item, known, forgery, now),
        )
        if known and forgery is None and self._came_after(known, sighting, known.case.probe.give_up):
            return replace(sighting, forgery=Forgery.EXPIRED)
        return sighting

    def _way(self, item: Found, known: OpenProbe | None, forgery: Forgery | None, now: datetime) -> Way | None:
        """The way that a genuine report took, where its header is shown."""
        if known is None or forgery is not None or item.seen is not Seen.REPORT:
            return None
        header = item.content.raw if isinstance(item.content, Message) else item.header
        return read_way(header, known.case.started_at, now, self._gateway().authserv_ids)

    def _came_after(self, known: OpenProbe, sighting: Sighting, limit: float) -> bool:
        """Whether a sighting came more than ``limit`` seconds after submission, for certain.

        A time that is still to come, by our clock, tells no more than none: one of the two clocks is wrong.
        """
        told = sighting.source is not TimeSource.NOTICED and clock_offset(known.case, sighting) <= 0
        unseen = 0.0 if told else max(sighting.uncertainty, self._unseen(sighting.place, known, sighting.noticed_at))
        return latency(known.case, sighting) - unseen > limit

    def _uncertainty(self, item: Found, known: OpenProbe | None, now: datetime) -> float:
        """What was only noticed may have come at any time since its place was last read to its end."""
        if known is None or item.source is not TimeSource.NOTICED:
            return item.uncertainty
        return max(item.uncertainty, self._unseen(item.place, known, now))

    def _unseen(self, place: Place, known: OpenProbe, now: datetime) -> float:
        """For how many seconds a place was not read to its end."""
        return (now - (self.read_at.get(place.queue) or known.case.started_at)).total_seconds()

    def _compare(self, known: OpenProbe, item: Found) -> tuple[Forgery | None, bool | None, str]:
        """What speaks against a report that was found, whether it is whole, and what is said of it."""
        if item.content is None:
            return None, None, item.detail
        sent = self._ledger.artefacts.get(known.payload) if known.payload else None
        if sent is None:
            return None, None, "what was sent is no longer kept"
        found = compared(sent, item.content, whole=item.place.whole, links=self._gateway().links)
        if not found.is_report and is_renamed(known.case, item.place, item.message_id):
            return Forgery.REPLAYED, False, f"another message that has its mark: {found.difference}"
        return None, found.difference is None, _said(item, found)


def _said(item: Found, found: Comparison) -> str:
    """What is said of a report: what changed, else what its watcher says and what was added."""
    return found.difference or "; ".join(filter(None, [item.detail, found.added]))


class _Batch:
    """What of one hand-in is kept, and how much is only counted."""

    def __init__(self, state: State) -> None:
        self._unknown = Counter(state.totals.unattributed)
        self.kept: dict[str, KeptSightings] = {}
        """By probe."""
        self.surplus: Counter[Flood] = Counter()
        self.letters: list[tuple[str, bytes]] = []
        """By probe, the messages that came back to its own sender."""

    def takes(self, sighting: Sighting, known: OpenProbe | None) -> bool:
        """Whether a sighting of the probe ``known`` is to be kept; it is counted if not."""
        why = self._nobodys(sighting) if known is None else self._of_probe(sighting, known)
        if why is None:
            return True
        probe, channel = (None, None) if known is None else (sighting.probe, known.case.probe.channel)
        self.surplus[Flood(probe, channel, sighting.place.queue, sighting.place.role, why)] += 1
        return False

    def _of_probe(self, sighting: Sighting, known: OpenProbe) -> Forgery | Surplus | None:
        """Why a sighting of a probe is not to be kept."""
        if sighting.probe not in self.kept:
            self.kept[sighting.probe] = KeptSightings(known.case)
        return self.kept[sighting.probe].take(sighting)

    def _nobodys(self, sighting: Sighting) -> Forgery | None:
        """Why a sighting of no probe we know is not to be kept."""
        why = sighting.forgery or Forgery.UNKNOWN_ID
        self._unknown[why] += 1
        return why if self._unknown[why] > (UNKNOWN_MARKS.number or 0) else None


def _came_back(known: OpenProbe | None, sighting: Sighting) -> bool:
    """Whether it came back to the sender of the probe whose mark it has, and counts."""
    return known is not None and sighting.forgery is None and sighting.place.queue == known.case.probe.replies


def _may_come(known: OpenProbe, place: Place) -> bool:
    """Whether something of a probe may still come to a place: a reply until its end, the report until it arrived.

    An answer may come after the arrival, and have our mark only where it quotes the report; so may what is owed and
    shown by the queue itself.
    """
    probe = known.case.probe
    if place.role is Role.REPLIES or not probe.expected <= reached(known.case):
        return True
    return any(place.queue in shown_in(probe, stage) for stage in probe.owed)
