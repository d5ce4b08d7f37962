"""Makes probes and sends them: composed, on disk before anything is sent, sent at most once, and on disk after."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from canary.channels import Channel
from canary.clock import Clock
from canary.config import Config
from canary.contained import contained, ended, traced, words
from canary.evidence.service import Evidence
from canary.ledger import State
from canary.ledger import events as record
from canary.ledger.events import digest
from canary.mark import Keyring, new_probe_id
from canary.model import Failure, Outgoing, OwnFaultError, Probe, Report, Submission
from canary.prober.drift import news, seen_by
from canary.prober.endpoints import Endpoints
from canary.prober.recorder import Recorder
from canary.prober.schedule import turn
from canary.reports import VARIANTS
from canary.reports.composer import compose
from canary.threads import in_thread

_GRACE = 10.0
"""Seconds beyond the deadline after which a channel that has not told how sending ended is not waited for any more."""

_RECORD_AGAIN = 2.0
"""Seconds until a result that could not be written is handed in again."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """A probe as it is asked for: sender and variant that are None are those whose turn it is."""

    channel: str
    sender: str | None = None
    variant: str | None = None
    confirms: str | None = None
    """The id of the failed probe that this one is to confirm."""


class Submitter:
    """Sends probes through the endpoints that it is given. Used from the event loop alone."""

    def __init__(
        self,
        recorder: Recorder,
        keys: Keyring,
        clock: Clock,
        evidence: Evidence | None,
        rng: random.Random,
        ids: random.Random,
    ) -> None:
        self._recorder, self._keys, self._clock, self._evidence = recorder, keys, clock, evidence
        self._rng, self._ids = rng, ids
        self.starting: dict[str, Probe] = {}
        """By id: the probes that were begun and may not be in the ledger's state yet."""

    def begin(self, choice: Choice, endpoints: Endpoints, state: State) -> Probe:
        """A new probe, counted as on its way from now on until :meth:`schedule` has ended.

        Raises ValueError for a channel, sender or variant that is not configured.
        """
        config = endpoints.config
        _require(choice, config)
        channel, settings, now = choice.channel, config.channels[choice.channel], self._clock.now()
        totals = state.totals.channels.get(channel)
        ahead = sum(probe.channel == channel and probe.in_turn for probe in self.starting.values())
        turns = (totals.turns if totals else 0) + ahead
        usual = turn(channel, turns, config.senders_of(channel), config.variants_of(channel))
        replies = config.replies_of(choice.sender or usual[0])
        probe = Probe(
            id=new_probe_id(self._ids),
            channel=channel,
            kind=settings.kind,
            sender=choice.sender or usual[0],
            variant=choice.variant or usual[1],
            scheduled_at=now,
            expected=frozenset(settings.arrives_in),
            deadline=settings.deadline,
            give_up=settings.give_up,
            owed=settings.owed(),
            replies=replies.queue if replies else None,
            blind=config.is_blind(channel, now),
            in_turn=choice.sender is None and choice.variant is None,
            confirms=choice.confirms,
            configured=endpoints.told.get(channel, 0),
        )
        self.starting[probe.id] = probe
        return probe

    async def schedule(self, probe: Probe, endpoints: Endpoints) -> tuple[Channel, Outgoing] | None:
        """Compose the report and record what is going to be sent; then it may be.

        None if it cannot be composed: that is recorded as a submission which failed by our fault, so that it is seen,
        and the next sender and variant have their turn. Raises OwnFaultError (component store) if it could not be
        recorded: then it must not be sent.
        """
        try:
            mark = self._keys.make(probe.id, probe.scheduled_at)
            head = self._evidence.carried() if self._evidence else None
            try:
                way, outgoing = await self._compose(probe, mark, head, endpoints)
                payload = digest(outgoing.payload)
                begins = record.submitting(probe.id, self._clock.now(), outgoing.message_id, payload, head)
            except Exception as error:
                now = self._clock.now()
                failed = record.submitted(probe.id, now, _failed(error, now), {})
                await self._recorder.record(record.scheduled(probe, mark), failed)
                return None
            await self._recorder.record(record.scheduled(probe, mark), begins, artefacts=[outgoing.payload])
            return way, outgoing
        finally:
            del self.starting[probe.id]

    async def send(self, probe: Probe, way: Channel, outgoing: Outgoing) -> None:
        """Send at most once, and record how it ended, whatever the channel does. That it begins is on disk already."""
        begun = self._clock.monotonic()
        try:
            submission = await ended(partial(way.submit, outgoing, within=probe.deadline), probe.deadline + _GRACE)
            await self._record_until_done(probe, submission, begun, seen_by(way))
        except Exception as error:  # a kind that keeps no contract: whether it was sent is not known
            failed = replace(_failed(error, self._clock.now()), uncertain=True)
            await self._record_until_done(probe, failed, begun)

    async def keep_back(self, probe: Probe, why: str) -> None:
        """Record that a probe was not sent although that it begins is on disk."""
        unsent = Submission(self._clock.now(), False, 0.0, Failure.OURS, reason=why)
        await self._record_until_done(probe, unsent, self._clock.monotonic())

    async def _compose(
        self, probe: Probe, mark: str, head: tuple[int, str] | None, endpoints: Endpoints
    ) -> tuple[Channel, Outgoing]:
        way = contained(partial(endpoints.channel, probe.channel, probe.sender))
        write = partial(self._write, probe, mark, head, endpoints.config)
        slow = VARIANTS[probe.variant].slow  # a fresh RSA key takes its time
        report = await in_thread(write) if slow else write()
        return way, contained(partial(way.prepare, report))

    def _write(self, probe: Probe, mark: str, head: tuple[int, str] | None, config: Config) -> Report:
        named = config.channels[probe.channel].named_at(probe.scheduled_at)
        naming = VARIANTS[probe.variant].identifier
        return compose(
            probe.variant,
            probe=probe.id,
            mark=mark,
            person=config.senders[probe.sender].person(),
            operator=config.operator.name,
            verify=config.operator.verify,
            blind=probe.blind,
            serial=named.serial if named else None,
            identifier=named.identifier(naming) if named and naming else None,
            root=head and head[1],
            at=probe.scheduled_at,
            rng=self._rng,
        )

    async def _record_until_done(
        self, probe: Probe, submission: Submission, begun: float, seen: Mapping[str, str] | None = None
    ) -> None:
        """What was sent must be recorded as sent: a full disk is waited out, while the mark is watched for anyhow.

        When it was ``begun``, in monotonic seconds, is told by the clock as it is set by then. What was ``seen`` of a
        form on the way is recorded where it has changed.
        """
        names = {name: digest(content) for name, content in submission.artefacts}
        contents = [content for _, content in submission.artefacts]
        while True:
            try:
                now = self._clock.now()
                at = now - timedelta(seconds=self._clock.monotonic() - begun)
                form, changed = news(probe.channel, self._recorder.state, seen or {})
                event = record.submitted(probe.id, now, replace(submission, at=at), names, form)
                besides = [record.trouble(now, *trouble) for trouble in (*submission.troubles, *changed)]
                await self._recorder.record(event, *besides, artefacts=contents)
                return
            except OwnFaultError as error:
                _log.error("a submission could not be recorded yet", probe=probe.id, error=str(error))
                await self._clock.sleep(_RECORD_AGAIN)


def _failed(error: Exception, at: datetime) -> Submission:
    """What raised where nothing should, as a submission: it is our own fault."""
    _log.error("a channel failed in a way that it must not", error=words(error), exc_info=traced(error))
    reason = f"our own fault: {words(error)}"
    fault = (error.component, error.reason) if isinstance(error, OwnFaultError) else (None, None)
    return Submission(at, False, 0.0, Failure.OURS, reason=reason, component=fault[0], own_reason=fault[1])


def _require(choice: Choice, config: Config) -> None:
    known: dict[str, tuple[str | None, Collection[str]]] = {
        "channel": (choice.channel, config.channels),
        "sender": (choice.sender, config.senders),
        "variant": (choice.variant, VARIANTS),
    }
    for what, (name, names) in known.items():
        if name is not None and name not in names:
            raise ValueError(f"no {what} {name!r}; there are {', '.join(names)}")
    wanted = choice.variant and VARIANTS[choice.variant].identifier
    if wanted and wanted not in config.channels[choice.channel].identifiers:
        raise ValueError(f"variant {choice.variant} wants {wanted} in identifiers of channel {choice.channel}")
