"""The loop: what is due, send it; what is seen, judge it. It joins the parts, and the ledger is its memory.

The event loop never waits for a lock, the disk or a scrape: it reads the ledger's published state, and goes on without
the answer of whatever takes its time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from canary import __version__
from canary.clock import Clock
from canary.config import Config, digest
from canary.contained import traced, words
from canary.evidence.service import Evidence
from canary.ledger import Event, EventKind, Ledger, OpenProbe
from canary.ledger import events as record
from canary.ledger.events import numbered
from canary.ledger.store import NOT_WRITTEN
from canary.mark import Keyring
from canary.model import Component, OwnFaultError, Probe, Verdict
from canary.prober.asked import Asked
from canary.prober.clock_steps import ClockSteps
from canary.prober.endpoints import Endpoints
from canary.prober.in_force import sealed_anew, snapshot
from canary.prober.intake import LedgerIntake
from canary.prober.judging import Judging
from canary.prober.mark_keys import lost_before
from canary.prober.recorder import Recorder
from canary.prober.reloading import Following, prepared
from canary.prober.schedule import Timetable
from canary.prober.submitting import Choice, Submitter
from canary.prober.turns import Turns
from canary.queues.loop import UNEXPECTED
from canary.sealing import sealing_key
from canary.status import Vitals
from canary.threads import begun
from canary.watched_loop import Stall, WatchedLoop

TICK = 1.0
"""Seconds between two rounds, at least: what falls due together is sent together, which costs less."""

REST = 10.0
"""Seconds between two rounds, at most: then what other processes wrote is taken in, and the loop is seen to live."""

_ASK_BEFORE = TICK / 2
"""Seconds before a round at which is asked for what may take its time, so that no round waits for an answer."""

ASLEEP = timedelta(seconds=5)
"""One that comes so much too late was not running: what was not seen meanwhile is not held against anybody."""

STALLED = timedelta(seconds=30)
"""A main loop that comes so much too late to a round stood still: what was due meanwhile was not sent."""

_ROUNDS = "rounds"
"""What the rounds are called among the parts of the prober."""

_STOP_WITHIN = 30.0

_log = structlog.get_logger(__name__)


class Prober:
    """Probes every channel of a configuration until stopped.

    Everything that matters is in the ledger: a prober that was killed and is started again goes on where it stood.
    """

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        keys: Keyring,
        evidence: Evidence | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        rest: float = REST,
    ) -> None:
        """``rng`` is for simulations alone: the ids of probes follow from it, and could be guessed.

        ``rest`` is how many seconds may pass between two rounds.
        """
        self.ledger, self.evidence, self._clock = ledger, evidence, clock or Clock()
        self._rest = rest
        self._unguessable = rng or random.SystemRandom()
        self._run = self._unguessable.randbytes(4).hex()
        rng = rng or random.Random()  # noqa: S311  # jitter and wording, not secrets
        self._keys, self._sealing, self._scheduled = keys, sealing_key(ledger.folder), True
        self._clock_steps = ClockSteps(ledger, self._clock)
        self.intake = LedgerIntake(
            ledger, keys, self._clock, self._changed, lambda: self.config.gateway, self._clock_steps.made
        )
        self.endpoints = self._opened(config)
        self._recorder = Recorder(ledger)
        self._submitter = Submitter(self._recorder, keys, self._clock, evidence, rng, self._unguessable)
        self._asked, self._timetable = Asked(self._recorder, lambda: self.config.state), Timetable(rng)
        self._judging = Judging(
            ledger,
            self._clock,
            self.intake.read_at,
            lambda: self.config.confirm_after,
            lambda: self._clock_steps.recorded,
            self._awake_since,
            self._elsewhere,
            self._come_back,
        )
        self._turns = Turns(
            ledger,
            self._recorder,
            self._clock,
            lambda: self.endpoints,
            self._submitter,
            self._timetable,
            self._asked,
            self._judging,
        )
        self.troubles: dict[str, str] = {}
        """By what works beside the prober why it failed last; empty if it did not."""
        self.last_tick: datetime | None = None
        self.lag = 0.0
        """Seconds by which the latest probe of the last round that sent any was late."""
        self.reload_ok, self.reloaded_at = True, self._clock.now()
        self._began = self._next_round = self._awake = self.reloaded_at
        self._draining: dict[Endpoints, asyncio.Task[None]] = {}
        self._watching, self._stopping, self._woken = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._reloading, self._reloads = asyncio.Lock(), set[asyncio.Task[None]]()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def config(self) -> Config:
        """The configuration that is running."""
        return self.endpoints.config

    @property
    def starting(self) -> Collection[str]:
        """The ids of the probes that are begun and may not be recorded yet."""
        return self._submitter.starting.keys()

    def vitals(self) -> Vitals:
        """What only this process knows of itself, as it stands now. Callable from any thread."""
        read_at, depths = dict(self.intake.read_at), dict(self.intake.depths)
        signing = {} if self.evidence is None else self.evidence.troubles()
        troubles = {"ledger": self.ledger.trouble, **signing, **self.endpoints.troubles(), **self.troubles}
        stalls = (self._loop.stalls.seconds, self._loop.stalls.longest) if isinstance(self._loop, WatchedLoop) else ()
        return Vitals(self.last_tick, self.lag, self.reload_ok, self.reloaded_at, read_at, depths, troubles, *stalls)

    # From start to stop

    async def run(self, *, scheduled: bool = True) -> None:
        """Watch and judge, and send what is due unless ``scheduled`` is False; until :meth:`stop`."""
        self._loop, self._scheduled = asyncio.get_running_loop(), scheduled
        if isinstance(self._loop, WatchedLoop):
            self._loop.stalls.told = self._stood_still
        if not await self._begun(scheduled):
            return
        self.endpoints.start(self.intake)
        self._watching.set()
        self._next_round = self._awake = self._clock.now()
        self._plan(self._awake)
        await self._asked.now()
        while not self._stopping.is_set():
            self._round_whatever_happens(scheduled)
            await self._until_next_round(scheduled)
        await self._wind_up(scheduled)

    def stop(self) -> None:
        """Send nothing new, let what is being sent end, then return from :meth:`run`."""
        self._stopping.set()
        self._woken.set()

    async def _begun(self, scheduled: bool) -> bool:
        """Record the start; False if stopped before it could be. A disk that is full ends no canary on schedule.

        It waits, serves what it knows, and is not ready meanwhile. Whoever probes by hand is told at once instead.
        """
        if scheduled and (head := await begun(self.ledger.head)) is not None:
            self._clock_steps.since_last_run(head.at)
        told = ""
        while not self._stopping.is_set():
            try:
                await self._record_start(scheduled)
                return True
            except OwnFaultError as fault:
                if not scheduled or fault.reason != NOT_WRITTEN:
                    raise
                if told != fault.detail:
                    _log.error("nothing is probed until the start is recorded", error=fault.detail)
                told = fault.detail
            self._next_round = self._clock.now() + timedelta(seconds=self._rest)
            await self._rest_until(0.0)
        return False

    async def _record_start(self, scheduled: bool) -> None:
        """What runs, and what is in force."""
        body = {"version": __version__, "configuration": digest(self.config), "run": self._run, "scheduled": scheduled}
        body |= {"mark_key": self._keys.ids[0]}
        if lost := await begun(partial(lost_before, self._keys, self.ledger)):
            body |= {"mark_key_lost": lost}
        await self._record_in_force(Event(EventKind.STARTED, self._clock.now(), body), self.endpoints, scheduled)

    async def _record_in_force(self, why: Event, endpoints: Endpoints, scheduled: bool) -> None:
        """That something begins, and what every channel means from then on: each probe names the event that says so."""
        lost = await begun(partial(sealed_anew, self.ledger, self._sealing, why.at))
        for event in lost:
            _log.error("the sealing key was lost", error=event.body["detail"])
        before = self.ledger.state.totals.configured
        in_force = snapshot(endpoints.config, why.at, self._sealing, previous=before, scheduled=scheduled)
        endpoints.told = numbered(await self._recorder.record(why, *lost, *in_force))

    async def _wind_up(self, scheduled: bool) -> None:
        await self._turns.ended(_STOP_WITHIN)
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_WITHIN), self._reloading:
                pass  # one that is done is done to its end; one that hangs changes nothing any more
        await self.endpoints.stop_watching()
        self.intake.settle()
        for endpoints in (*self._draining, self.endpoints):  # what is still being submitted was given its time
            await endpoints.close()
        await self._append(EventKind.STOPPED, {"run": self._run, "scheduled": scheduled})

    # One round

    def _round_whatever_happens(self, scheduled: bool) -> None:
        """What must not happen in a round is told, and the next one comes; the tick and the readiness show it."""
        try:
            self._round(scheduled)
            self.troubles[_ROUNDS] = ""
        except Exception as error:
            if self.troubles.get(_ROUNDS) != words(error):
                _log.error("a round of the main loop failed", error=words(error), exc_info=traced(error))
            self.troubles[_ROUNDS] = words(error)

    def _round(self, scheduled: bool) -> None:
        """Look at what is due, once. Waits for nothing."""
        self._go_by_the_clock_as_it_is_set()
        self._began = now = self._clock.now()
        if scheduled and now - self._next_round > STALLED:
            self._turns.holds.stalled(self._next_round, now)
        usable = self._asked.ledger_is_usable()
        if scheduled:
            self._turns.holds.ledger_usable(usable, now)
        if not usable:
            return
        self._judging.look_at_due(now)
        if scheduled and self._asked.switch_is_known():
            late = self._turns.send_due(now)
            self.lag = self.lag if late is None else late
        self.last_tick = now

    async def _until_next_round(self, scheduled: bool) -> None:
        """Rest until something is due: a tick at least, and never for long. Ask before it for what may be slow."""
        due = [at for at in (self._judging.due(), self._timetable.next() if scheduled else None) if at is not None]
        self._next_round = self._began + timedelta(seconds=self._rest)
        self._come_back(min(due, default=self._next_round))
        await self._rest_until(_ASK_BEFORE)
        self._asked.ask()
        await self._rest_until(0.0)

    async def _rest_until(self, before: float) -> None:
        """Rest until so many seconds before the next round, which may be wanted sooner meanwhile; or until stopped."""
        while not self._stopping.is_set():
            left = (self._next_round - self._clock.now()).total_seconds() - before
            if left <= 0:
                return
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):  # wait_for loses a cancellation that comes together with its end
                    await self._woken.wait()

    def _come_back(self, at: datetime) -> None:
        """Something is due at ``at``; the loop may be resting beyond that."""
        if at < self._next_round:
            self._next_round = max(at, self._began + timedelta(seconds=TICK))
            self._woken.set()

    def _elsewhere(self, probe: Probe) -> Collection[str]:
        return self.endpoints.elsewhere(probe)

    def _awake_since(self) -> datetime:
        """Since when we have been running without a break, and the watchers with us."""
        now = self._clock.now()
        if now - self._next_round > ASLEEP:
            self._awake = now
        return self._awake

    def _go_by_the_clock_as_it_is_set(self) -> None:
        step = self._clock_steps.notice()
        if step is not None:
            self._timetable.move(step)
            self._judging.move(step)
            self.intake.move(step)
            self._next_round += step
            self._awake += step
            self.last_tick = self.last_tick and self.last_tick + step

    def _stood_still(self, stall: Stall) -> None:
        if stall.seconds >= ASLEEP.total_seconds():
            detail = (
                f"the main loop stood still for {stall.seconds:.1f} s in {stall.where or 'what ended before a look'}"
            )
            self.intake.trouble(Component.CLOCK, "stood_still", detail)

    def _changed(self, probes: Collection[str]) -> None:
        """Something new is known of these probes (called from the watchers' threads)."""
        if self._loop is not None and probes:
            self._loop.call_soon_threadsafe(self._judging.look, probes)

    async def probe(
        self, channel: str, *, sender: str | None = None, variant: str | None = None, confirms: str | None = None
    ) -> str:
        """Send one probe now and return its id; what becomes of it is in the ledger.

        Sender and variant that are not given are those whose turn it is. Raises ValueError for a name that is not
        configured, and OwnFaultError (component store) if it could not be recorded: then it was not sent.
        """
        return await self._turns.send_now(Choice(channel, sender, variant, confirms))

    def stands(self, known: OpenProbe) -> tuple[Verdict, bool]:
        """What is to be said of a probe as it stands now, and whether all that follows from it is in the ledger."""
        return self._judging.verdict(known), self._judging.is_recorded(known.case.probe.id)

    # Another configuration

    async def reload(self, load: Callable[[], Config]) -> None:
        """Go on with another configuration, whole or not at all; one that is refused leaves all of the running one.

        What is being submitted ends by the old one. Two reloads at once are done one after the other, and one that is
        cancelled goes on. Raises what ``load`` raises (ConfigError), FixedError for what cannot change, or
        OwnFaultError if keys of the evidence, a watch or anything else is unusable.
        """
        work = asyncio.create_task(self._reload(load))
        self._reloads.add(work)
        work.add_done_callback(self._reloads.discard)
        await asyncio.shield(work)

    async def _reload(self, load: Callable[[], Config]) -> None:
        async with self._reloading:
            await self._watching.wait()  # none while the first configuration is being started
            try:
                following = await prepared(load, self.endpoints, self.evidence, self._opened)
                if self._stopping.is_set():
                    await following.endpoints.close()
                else:
                    await self._go_on_with(following)
            except Exception as error:
                self.reload_ok = False
                if not self._stopping.is_set():
                    await self._tell_refused(error)
                raise

    def _opened(self, config: Config) -> Endpoints:
        return Endpoints(config, self._clock, self._unguessable, self.ledger.folder, self.intake.letters)

    async def _go_on_with(self, following: Following) -> None:
        """Switch from the old to the new all at once, once it watches and is recorded; until then the old one stays."""
        old, new = self.endpoints, following.endpoints
        await old.stop_watching()
        now = self._clock.now()
        try:
            if failed := new.start(self.intake):
                raise OwnFaultError(Component.CONFIG, UNEXPECTED, "; ".join(failed))
            body = {"accepted": True, "configuration": digest(new.config)}
            await self._record_in_force(Event(EventKind.RELOADED, now, body), new, self._scheduled)
        except BaseException:
            await new.stop_watching()
            old.watch_again(following.spare, self.intake)
            await new.close()
            raise
        self.endpoints = new
        self._draining[old] = asyncio.create_task(old.drain())
        self._draining[old].add_done_callback(lambda _: self._draining.pop(old))
        self.reload_ok, self.reloaded_at = True, now
        self._plan(now)
        self._come_back(now)
        self._turns.holds.keep_only(new.config.channels, now)
        if self.evidence is not None and following.evidence is not None:
            await self.evidence.switch(following.evidence)

    async def _tell_refused(self, error: Exception) -> None:
        try:
            body = {"accepted": False, "reason": record.truncate(str(error))}
            await self._recorder.record(Event(EventKind.RELOADED, self._clock.now(), body))
        except OwnFaultError as fault:
            _log.error("that a configuration was refused could not be recorded", error=fault.detail)

    def _plan(self, now: datetime) -> None:
        intervals = {slug: settings.interval for slug, settings in self.config.channels.items()}
        known = self.ledger.state.totals.channels
        self._timetable.plan(intervals, {slug: totals.last_attempt for slug, totals in known.items()}, now)

    async def _append(self, kind: EventKind, body: dict[str, Any]) -> None:
        await self._recorder.record(Event(kind, self._clock.now(), body))
