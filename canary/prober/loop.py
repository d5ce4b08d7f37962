"""The loop: what is due, send it, judge what is seen, record. It joins the rooms, and the ledger is its memory."""

from __future__ import annotations

import asyncio
import heapq
import random
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog

from canary import __version__
from canary.channels import Channel
from canary.clock import Clock
from canary.config import Config, digest
from canary.evidence.service import Evidence
from canary.judge import judge
from canary.ledger import Event, EventKind, Ledger
from canary.ledger import events as record
from canary.ledger.events import Hold
from canary.mark import Keyring, new_probe_id
from canary.model import Outcome, Outgoing, OwnFaultError, Probe, Report, Submission
from canary.prober.endpoints import Endpoints
from canary.prober.gate import Gate, Obstacle
from canary.prober.holds import Holds
from canary.prober.in_force import snapshot
from canary.prober.intake import LedgerIntake
from canary.prober.schedule import first_due, next_due, next_look, turn
from canary.reports import VARIANTS
from canary.reports.composer import compose

TICK = 1.0
"""Seconds between two looks at what is due: what falls due together is sent together, which costs less."""

STALLED = timedelta(seconds=30)
"""A main loop that has not gone round for so long stood still: what was due meanwhile was not sent."""

_REFRESH = timedelta(seconds=1)
_STOP_WITHIN = 30.0
_RECORD_AGAIN = 2.0
_WRITTEN_BY = timedelta(seconds=10)

_log = structlog.get_logger(__name__)


class Prober:
    """Probes every channel of a configuration until stopped.

    Everything that matters is in the ledger: a prober that was killed and is started again goes on where it stood.
    """

    def __init__(
        self, config: Config, ledger: Ledger, keys: Keyring, clock: Clock | None = None, seed: int | None = None
    ) -> None:
        self.ledger, self._keys, self._clock = ledger, keys, clock or Clock()
        self.evidence: Evidence | None = None  # set by whoever keeps it
        self._rng = random.Random(seed)  # noqa: S311  # jitter and wording, not secrets
        self.intake = LedgerIntake(ledger, keys, self._clock, self._changed)
        self.endpoints = Endpoints(config, self._clock)
        self.gate = Gate(config, ledger)
        self._holds = Holds(ledger)
        self._run = secrets.token_hex(4)
        self.last_tick: datetime | None = None
        self.lag = 0.0
        """Seconds by which the last probe started late."""
        self.reload_ok = True
        self.reloaded_at = self._clock.now()
        self._refreshed = self.reloaded_at
        self._due: dict[str, datetime] = {}
        self._checks: list[tuple[datetime, str]] = []
        self._confirming: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watching, self._stopping, self._news = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._reloading = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def config(self) -> Config:
        """The configuration that is running."""
        return self.endpoints.config

    async def run(self, *, scheduled: bool = True) -> None:
        """Watch and judge, and send what is due unless ``scheduled`` is False; until :meth:`stop`."""
        await self._record_start(scheduled)
        self.endpoints.start(self.intake)
        self._watching.set()
        now = self._clock.now()
        for probe in self.ledger.state.open:
            heapq.heappush(self._checks, (now, probe))
        self._plan(now)
        while not self._stopping.is_set():
            await self._tick(scheduled)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), TICK)
        await self._wind_up(scheduled)

    async def _record_start(self, scheduled: bool) -> None:
        """What runs, and with a schedule also what is in force."""
        body = {"version": __version__, "configuration": digest(self.config), "run": self._run, "scheduled": scheduled}
        now = self._clock.now()
        in_force = snapshot(self.config, now) if scheduled else []
        await self._record(Event(EventKind.STARTED, now, body), *in_force)

    def stop(self) -> None:
        """Send nothing new, let what is being sent end, then return from :meth:`run`."""
        self._stopping.set()

    async def probe(
        self, channel: str, *, sender: str | None = None, variant: str | None = None, confirms: str | None = None
    ) -> str:
        """Send one probe now and return its id; what becomes of it is told by the ledger.

        Sender and variant that are not given are those whose turn it is. Raises ValueError for a name that is not
        configured, and OwnFaultError (component store) if it could not be recorded: then it was not sent.
        """
        probe = self._new_probe(channel, sender, variant, confirms)
        mark = self._keys.make(probe.id, probe.scheduled_at)
        way = self.endpoints.channel(channel, probe.sender)
        head = self.evidence.carried() if self.evidence else None
        if VARIANTS[probe.variant].slow:  # a fresh RSA key takes its time
            report = await asyncio.to_thread(self._compose, probe, mark, head)
        else:
            report = self._compose(probe, mark, head)
        outgoing = way.prepare(report)
        payload = self.ledger.keep(outgoing.payload)
        begins = record.submitting(probe.id, self._clock.now(), outgoing.message_id, payload, head)
        await self._record(record.scheduled(probe, mark), begins)
        self._spawn(self._send(probe, way, outgoing))
        return probe.id

    def _new_probe(self, channel: str, sender: str | None, variant: str | None, confirms: str | None) -> Probe:
        settings, now = self.config.channels[channel], self._clock.now()
        totals = self.ledger.state.totals.channels.get(channel)
        turns = totals.turns if totals else 0
        usual = turn(channel, turns, self.config.senders_of(channel), self.config.variants_of(channel))
        return Probe(
            id=new_probe_id(),
            channel=channel,
            kind=settings.kind,
            sender=sender or usual[0],
            variant=variant or usual[1],
            scheduled_at=now,
            expected=frozenset(settings.arrives_in),
            deadline=settings.deadline,
            give_up=settings.give_up,
            ack_within=settings.acknowledged_within,
            blind=self.config.is_blind(channel, now),
            in_turn=sender is None and variant is None,
            confirms=confirms,
        )

    async def reload(self, load: Callable[[], Config]) -> None:
        """Go on with another configuration; one that is refused leaves the running one, and raises its ConfigError."""
        try:
            endpoints = Endpoints(load(), self._clock)
        except ValueError as error:
            self.reload_ok = False
            await self._append(EventKind.RELOADED, {"accepted": False, "reason": record.cut(str(error))})
            raise
        async with self._reloading:  # one after the other, and none while the first configuration is being started
            await self._watching.wait()
            if not self._stopping.is_set():
                await self._change_to(endpoints)

    async def _change_to(self, endpoints: Endpoints) -> None:
        old, self.endpoints = self.endpoints, endpoints
        self.gate = Gate(endpoints.config, self.ledger)
        await asyncio.to_thread(old.stop_watching)
        endpoints.start(self.intake)
        self._spawn(self._close(old))
        now = self._clock.now()
        self._plan(now)
        self.reload_ok, self.reloaded_at = True, now
        self._holds.keep_only(endpoints.config.channels, now)
        body = {"accepted": True, "configuration": digest(endpoints.config)}
        await self._record(Event(EventKind.RELOADED, now, body), *snapshot(endpoints.config, now))

    def _compose(self, probe: Probe, mark: str, head: tuple[int, str] | None) -> Report:
        return compose(
            probe.variant,
            probe=probe.id,
            mark=mark,
            person=self.config.senders[probe.sender].person(),
            operator=self.config.operator.name,
            verify=self.config.operator.verify,
            blind=probe.blind,
            serial=self.config.channels[probe.channel].serial,
            root=head and head[1],
            rng=self._rng,
        )

    async def _send(self, probe: Probe, way: Channel, outgoing: Outgoing) -> None:
        """Send at most once, and record how it ended. That it begins is on disk already."""
        submission = await way.submit(outgoing, within=probe.deadline)
        await self._record_until_done(probe, submission)
        self._check(probe.id)

    async def _record_until_done(self, probe: Probe, submission: Submission) -> None:
        """What was sent must be recorded as sent: a full disk is waited out, while the mark is watched for anyhow."""
        while True:
            try:
                kept = {name: self.ledger.keep(content) for name, content in submission.artefacts}
                await self._record(record.submitted(probe.id, self._clock.now(), submission, kept))
                return
            except OwnFaultError as error:
                _log.error("a submission could not be recorded yet", probe=probe.id, error=str(error))
                await asyncio.sleep(_RECORD_AGAIN)

    async def _tick(self, scheduled: bool) -> None:
        now = self._clock.now()
        self._notice_clock_step()
        try:
            if now - self._refreshed >= _REFRESH:
                await asyncio.to_thread(self.ledger.refresh)
                self._refreshed = now
        except OwnFaultError as error:
            _log.error("the ledger cannot be used; nothing is sent", error=error.detail)
            return
        self._judge_due(now)
        if scheduled:
            self._send_due(now)
        self.last_tick = now

    def _send_due(self, now: datetime) -> None:
        if self.last_tick is not None and now - self.last_tick > STALLED:
            self._holds.stalled(self.last_tick, now)
        stopped = self.gate.stopped()
        self._holds.kill_switch(stopped, now)
        due = [slug for slug, at in self._due.items() if at <= now]
        if stopped is not None:
            for channel in due:
                self._holds.hold(channel, Obstacle(Hold.STOPPED, stopped), now)
            return
        self._confirm_due(now)
        for channel in due:
            self._turn_of(channel, now)

    def _turn_of(self, channel: str, now: datetime) -> None:
        settings, due = self.config.channels[channel], self._due[channel]
        self._due[channel] = next_due(due, now, settings.interval, self._rng)
        obstacle = self.gate.obstacle(channel, now, starting=len(self._tasks))
        if obstacle is not None:
            _log.info("not probed", channel=channel, reason=obstacle.detail)
            self._holds.hold(channel, obstacle, now)
            return
        self._holds.release(channel, now)
        self.lag = (now - due).total_seconds()
        self._spawn(self._look(channel) if settings.reachability_only else self._try(channel))

    async def _try(self, channel: str, **choice: str | None) -> None:
        try:
            await self.probe(channel, **choice)
        except OwnFaultError as error:
            self._holds.not_recorded(channel, self._clock.now())
            _log.error("not probed, since it could not be recorded", channel=channel, error=error.detail)
        else:
            self._holds.recorded(channel, self._clock.now())

    async def _look(self, channel: str) -> None:
        """A channel that revokes by machine is looked at, and nothing is ever submitted to it."""
        settings = self.config.channels[channel]
        outcome, detail = await self.endpoints.look(channel)
        body = {"channel": channel, "kind": settings.kind, "queue": min(settings.arrives_in)}
        await self._append(EventKind.CHECKED, body | {"outcome": outcome.value, "detail": record.cut(detail)})

    def _confirm_due(self, now: datetime) -> None:
        pending = self.ledger.state.totals.confirmations
        self._confirming &= {failed for failed, _ in pending.values()}
        for channel, (failed, due) in pending.items():
            if due > now.timestamp() or failed in self._confirming or channel not in self.config.channels:
                continue
            known = self.ledger.find(failed)
            if known is None or self.gate.obstacle(channel, now, starting=len(self._tasks)):
                continue
            self._confirming.add(failed)
            if (
                judge(known.case, now, self.intake.read_at).outcome is not Outcome.ARRIVED
            ):  # it was on its way after all
                probe = known.case.probe
                self._spawn(self._try(channel, sender=probe.sender, variant=probe.variant, confirms=failed))

    def _changed(self, probes: Collection[str]) -> None:
        """Something new is known of these probes (called from the watchers' threads)."""
        if self._loop is not None and probes:
            self._loop.call_soon_threadsafe(self._check_each, probes)

    def _check_each(self, probes: Collection[str]) -> None:
        for probe in probes:
            self._check(probe)

    def _judge_due(self, now: datetime) -> None:
        while self._checks and self._checks[0][0] <= now:
            self._check(heapq.heappop(self._checks)[1])

    def _check(self, probe_id: str) -> None:
        """Judge one probe, record what is newly decided, and look again when something may be decided next."""
        known = self.ledger.state.open.get(probe_id)
        if known is None:
            return
        now, probe = self._clock.now(), known.case.probe
        verdict = judge(known.case, now, self.intake.read_at)
        news: list[Event] = []
        if verdict.deadline is not None and verdict.outcome is not None and known.deadline is None:
            news.append(record.deadline(probe_id, now, verdict.deadline, verdict.outcome))
        if verdict.outcome and verdict.outcome.wants_confirmation and not known.confirming and not probe.confirms:
            due = now + timedelta(seconds=self.config.confirm_after)
            news.append(record.confirm(probe_id, now, probe.channel, due))
        if verdict.final:
            news.append(record.finished(probe_id, now, verdict))
        else:
            heapq.heappush(self._checks, (next_look(known.case.started_at, probe, verdict.deadline, now), probe_id))
        if news:
            self.ledger.append(*news, judged=known)
            heapq.heappush(self._checks, (now + _WRITTEN_BY, probe_id))  # once more, should this not be written

    def _plan(self, now: datetime) -> None:
        totals = self.ledger.state.totals.channels
        for slug, settings in self.config.channels.items():
            last = totals[slug].last_attempt if slug in totals else 0.0
            self._due.setdefault(slug, first_due(now, last, settings.interval, self._rng))
        for gone in self._due.keys() - self.config.channels.keys():
            del self._due[gone]

    def _notice_clock_step(self) -> None:
        step = self._clock.step()
        if step is not None:
            _log.warning("the clock was set", seconds=step.total_seconds())
            body = {"seconds": step.total_seconds()}
            self.ledger.append(Event(EventKind.CLOCK_STEPPED, self._clock.now(), body))
            self._due = {slug: due + step for slug, due in self._due.items()}
            self.last_tick = self.last_tick and self.last_tick + step

    async def _append(self, kind: EventKind, body: dict[str, Any]) -> None:
        await self._record(Event(kind, self._clock.now(), body))

    async def _record(self, *events: Event) -> None:
        """Return once these are on disk. A commit wakes us once, for all that it wrote: each wake-up costs."""
        self._loop = asyncio.get_running_loop()
        written = self.ledger.append(*events, then=self._committed)
        while not written.done():
            await self._news.wait()
        written.result()

    def _committed(self) -> None:
        """Called from the ledger's thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._tell_news)

    def _tell_news(self) -> None:
        self._news.set()
        self._news.clear()  # whoever waits goes on all the same

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("a task of the prober failed", error=repr(error), exc_info=error)

    async def _close(self, endpoints: Endpoints) -> None:
        await endpoints.close()

    async def _wind_up(self, scheduled: bool) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_WITHIN)
        async with self._reloading:
            await asyncio.to_thread(self.endpoints.stop_watching)
        await self.endpoints.close()
        await self._append(EventKind.STOPPED, {"run": self._run, "scheduled": scheduled})
