"""Whose turn it is: sends what is due through the endpoints in use, unless something keeps it back, and confirms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from canary.channels import Channel
from canary.clock import Clock
from canary.judge import judge
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.events import Hold, truncate
from canary.model import Outcome, Outgoing, OwnFaultError, Probe
from canary.prober.asked import Asked
from canary.prober.endpoints import Endpoints
from canary.prober.gate import Gate
from canary.prober.holds import Holds
from canary.prober.judging import Judging
from canary.prober.recorder import Recorder
from canary.prober.schedule import Timetable
from canary.prober.submitting import Choice, Submitter

_ANSWER_KEEPS = 0.5
"""Seconds for which the answer holds how the kill switch stands: sending that had to wait longer asks once more."""

_log = structlog.get_logger(__name__)


class Turns:
    """Sends probes, each in a task of its own. Used from the event loop alone.

    ``endpoints`` asks for those of the configuration that is running.
    """

    def __init__(
        self,
        ledger: Ledger,
        recorder: Recorder,
        clock: Clock,
        endpoints: Callable[[], Endpoints],
        submitter: Submitter,
        timetable: Timetable,
        asked: Asked,
        judging: Judging,
    ) -> None:
        self._ledger, self._recorder, self._clock, self._endpoints = ledger, recorder, clock, endpoints
        self._submitter, self._timetable, self._asked, self._judging = submitter, timetable, asked, judging
        self.holds = Holds(ledger)
        self._confirming: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def send_due(self, now: datetime) -> float | None:
        """Begin to send what is due; by how many seconds the latest of it was late, None if there is nothing."""
        self.holds.kill_switch(self._asked.stop_reason, now)
        due = self._timetable.due(now)
        if self._asked.stop_reason is None:
            self._confirm_due(now)
        late = [self._take(channel, now) for channel in due]
        return max(filter(None, late), default=None)

    async def send_now(self, choice: Choice) -> str:
        """Send one probe, whatever is due; see :meth:`canary.prober.loop.Prober.probe`."""
        return await self._start(self._submitter.begin(choice, self._endpoints().config, self._ledger.state))

    async def ended(self, within: float) -> None:
        """Wait until what is being sent has ended, or so many seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)

    # One turn

    def _gate(self) -> Gate:
        config = self._endpoints().config
        return Gate(config, self._ledger.state, self._submitter.starting, self._asked.stop_reason)

    def _take(self, channel: str, now: datetime) -> float | None:
        """Send what is due, unless something keeps it from being sent; by how many seconds it was late."""
        obstacle = self._gate().obstacle(channel, now)
        if obstacle is not None and obstacle.reason is Hold.STOPPED:
            self.holds.hold(channel, obstacle, now)  # still due: it is sent as soon as that ends
            return None
        due = self._timetable.passed(channel, now)
        if obstacle is not None:
            _log.info("not probed", channel=channel, reason=obstacle.detail)
            self.holds.hold(channel, obstacle, now)
            return None
        self.holds.release(channel, now)
        config = self._endpoints().config
        if config.channels[channel].reachability_only:
            self._spawn(self._look(channel))
        else:
            self._spawn(self._try(self._submitter.begin(Choice(channel), config, self._ledger.state)))
        return (now - due).total_seconds()

    async def _try(self, probe: Probe) -> bool:
        """Whether it could be recorded."""
        try:
            await self._start(probe)
        except OwnFaultError as error:
            self.holds.not_recorded(probe.channel, self._clock.now())
            _log.error("not probed, since it could not be recorded", channel=probe.channel, error=error.detail)
            return False
        self.holds.recorded(probe.channel, self._clock.now())
        return True

    async def _look(self, channel: str) -> None:
        """A channel that revokes by machine is looked at, and nothing is ever submitted to it."""
        settings = self._endpoints().config.channels[channel]
        with self._endpoints().in_use() as endpoints:
            outcome, detail = await endpoints.look(channel)
        body = {"channel": channel, "kind": settings.kind, "queue": min(settings.arrives_in)}
        told = body | {"outcome": outcome.value, "detail": truncate(detail)}
        await self._recorder.record(Event(EventKind.CHECKED, self._clock.now(), told))

    # One probe

    async def _start(self, probe: Probe) -> str:
        """Record that a probe is sent, begin to send it, and return its id."""
        uses, since = ExitStack(), self._clock.monotonic()
        endpoints = uses.enter_context(self._endpoints().in_use())  # until it is sent, whatever is reloaded meanwhile
        try:
            ready = await self._submitter.schedule(probe, endpoints)
        except BaseException:
            uses.close()
            raise
        self._judging.look([probe.id])
        if ready is None:
            uses.close()
        else:
            self._spawn(self._send(probe, *ready, uses, since))
        return probe.id

    async def _send(self, probe: Probe, way: Channel, outgoing: Outgoing, uses: ExitStack, since: float) -> None:
        with uses:
            waited = self._clock.monotonic() - since > _ANSWER_KEEPS  # for the ledger, say
            if waited and (reason := await self._asked.now()) is not None:
                await self._submitter.keep_back(probe, f"everything was stopped before it was sent: {reason}")
            else:
                await self._submitter.send(probe, way, outgoing)
        self._judging.look([probe.id])

    # Confirmations

    def _confirm_due(self, now: datetime) -> None:
        pending, config = self._ledger.state.totals.confirmations, self._endpoints().config
        self._confirming &= {failed for failed, _ in pending.values()}
        for channel, (failed, due) in pending.items():
            if due > now.timestamp() or failed in self._confirming or channel not in config.channels:
                continue
            if self._gate().obstacle(channel, now) is None:
                self._confirming.add(failed)
                self._spawn(self._confirm(channel, failed))

    async def _confirm(self, channel: str, failed: str) -> None:
        """Send what the failed probe sent once more, unless that has arrived after all."""
        known = await asyncio.to_thread(self._ledger.find, failed)
        now, config = self._clock.now(), self._endpoints().config
        if known is None or judge(known.case, now, {}).outcome is Outcome.ARRIVED:
            return
        before, sent = known.case.probe, False
        if channel in config.channels and self._gate().obstacle(channel, now) is None:
            as_before = before.sender in config.senders_of(channel) and before.variant in config.variants_of(channel)
            choice = Choice(channel, before.sender, before.variant) if as_before else Choice(channel)
            probe = self._submitter.begin(replace(choice, confirms=failed), config, self._ledger.state)
            sent = await self._try(probe)
        if not sent:  # something came in between: once more when that is over
            self._confirming.discard(failed)

    # Tasks

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("a task of the prober failed", error=repr(error), exc_info=error)
