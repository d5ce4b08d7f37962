"""Whose turn it is: sends what is due through the endpoints in use, unless something keeps it back, and confirms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from canary.channels import Channel
from canary.clock import Clock
from canary.contained import contained, traced, words
from canary.judge import judge
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.events import Hold, trouble, truncate
from canary.model import Component, Outcome, Outgoing, OwnFaultError, Probe
from canary.prober.asked import Asked
from canary.prober.drift import news
from canary.prober.endpoints import Endpoints
from canary.prober.gate import Gate
from canary.prober.holds import Holds
from canary.prober.judging import Judging
from canary.prober.recorder import Recorder
from canary.prober.schedule import Timetable
from canary.prober.submitting import Choice, Submitter
from canary.queues.loop import UNEXPECTED
from canary.threads import in_thread

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
        self.holds.silence(self._gate().silence(now), now)
        due = self._timetable.due(now)
        if self._asked.stop_reason is None:
            due = due[: self._timetable.at_once]
            self._confirm_due(now)
        return max(filter(None, [self._take_whatever_it_does(channel, now) for channel in due]), default=None)

    async def send_now(self, choice: Choice) -> str:
        """Send one probe, whatever is due; see :meth:`canary.prober.loop.Prober.probe`."""
        return await self._start(self._submitter.begin(choice, self._endpoints(), self._ledger.state))

    async def ended(self, within: float) -> None:
        """Wait until what is being sent has ended, or so many seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)

    # One turn

    def _gate(self) -> Gate:
        config = self._endpoints().config
        return Gate(config, self._ledger.state, self._submitter.starting, self._asked.stop_reason)

    def _take_whatever_it_does(self, channel: str, now: datetime) -> float | None:
        """One whose settings are of a kind that keeps no contract takes no other channel's turn."""
        try:
            return contained(partial(self._take, channel, now))
        except Exception as error:
            _log.error("not probed", channel=channel, error=words(error), exc_info=traced(error))
            detail = f"channel {channel} could not be probed: {words(error)}"
            self._ledger.append(trouble(now, Component.CONFIG, UNEXPECTED, detail))
            return None

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
        endpoints = self._endpoints()
        if endpoints.config.channels[channel].reachability_only:
            self._spawn(self._look(channel))
        else:
            self._spawn(self._try(self._submitter.begin(Choice(channel), endpoints, self._ledger.state)))
        return (now - due).total_seconds()

    async def _try(self, probe: Probe) -> bool:
        """Whether it could be recorded."""
        try:
            await self._start(probe)
        except OwnFaultError as error:
            self._not_recorded(probe.channel, error)
            return False
        self.holds.recorded(probe.channel, self._clock.now())
        return True

    def _not_recorded(self, channel: str, error: OwnFaultError) -> None:
        self.holds.not_recorded(channel, self._clock.now())
        _log.error("not probed, since it could not be recorded", channel=channel, error=error.detail)

    async def _look(self, channel: str) -> None:
        """A channel that revokes by machine is looked at, and nothing is ever submitted to it."""
        settings = self._endpoints().config.channels[channel]
        with self._endpoints().in_use() as endpoints:
            outcome, detail = await endpoints.look(channel)
            form, changed = news(channel, self._ledger.state, endpoints.seen(channel))
        body = {"channel": channel, "kind": settings.kind, "queue": min(settings.arrives_in)}
        told = body | {"outcome": outcome.value, "detail": truncate(detail)} | ({"form": form} if form else {})
        now = self._clock.now()
        try:
            await self._recorder.record(
                Event(EventKind.CHECKED, now, told), *(trouble(now, *change) for change in changed)
            )
        except OwnFaultError as error:
            self._not_recorded(channel, error)
        else:
            self.holds.recorded(channel, self._clock.now())
            self._look_again_soon(channel)

    def _look_again_soon(self, channel: str) -> None:
        """A first look that failed is confirmed like a probe, whatever the interval; no look is confirmed twice."""
        totals = self._ledger.state.totals.channels[channel]
        failed = totals.last_outcome is not None and Outcome(totals.last_outcome).wants_confirmation
        if failed and len(totals.failing) == 1:
            again = timedelta(seconds=self._endpoints().config.confirm_after)
            self._timetable.sooner(channel, self._clock.now() + again)

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
        try:
            waited = self._clock.monotonic() - since > _ANSWER_KEEPS  # for the ledger, say
            if waited and (reason := await self._asked.now()) is not None:
                await self._submitter.keep_back(probe, f"everything was stopped before it was sent: {reason}")
            else:
                await self._submitter.send(probe, way, outgoing)
        finally:
            uses.close()
            self._judging.look([probe.id])

    # Confirmations

    def _confirm_due(self, now: datetime) -> None:
        pending, config = self._ledger.state.totals.confirmations, self._endpoints().config
        self._confirming &= {failed for failed, _ in pending.values()}
        left = self._timetable.at_once
        for channel, (failed, due) in pending.items():
            if due > now.timestamp() or failed in self._confirming or channel not in config.channels:
                continue
            if left and self._gate().obstacle(channel, now) is None:
                left -= 1
                self._confirming.add(failed)
                self._spawn(self._confirm(channel, failed))

    async def _confirm(self, channel: str, failed: str) -> None:
        done = False
        try:
            done = await self._send_again(channel, failed)
        finally:
            if not done:  # something came in between: once more when that is over
                self._confirming.discard(failed)

    async def _send_again(self, channel: str, failed: str) -> bool:
        """Send what the failed probe sent once more, unless that has arrived after all; whether that is done."""
        known = await in_thread(partial(self._ledger.find, failed))
        now, config = self._clock.now(), self._endpoints().config
        if known is None or judge(known.case, now, {}).outcome is Outcome.ARRIVED:
            return True
        if channel not in config.channels or self._gate().obstacle(channel, now) is not None:
            return False
        before = known.case.probe
        as_before = before.sender in config.senders_of(channel) and before.variant in config.variants_of(channel)
        choice = Choice(channel, before.sender, before.variant) if as_before else Choice(channel)
        choice = replace(choice, confirms=before.confirms or failed)
        return await self._try(self._submitter.begin(choice, self._endpoints(), self._ledger.state))

    # Tasks

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("a task of the prober failed", error=words(error), exc_info=traced(error))
