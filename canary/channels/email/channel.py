"""The email channel: one report, to one disclosed address, through a sender's own submission server.

What a dialogue means for the probe is decided here. A refusal is the CA's (``rejected``) or ours, as :mod:`.blame`
says; whatever else keeps us from sending is ours. A temporary refusal says that the message was not taken, so the same
bytes are offered again until the time is up. Silence after the message's final dot says nothing: it is never sent
again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from random import Random

from canary.channels import Resources, Sender
from canary.channels.email import mime
from canary.channels.email.blame import Route, blame
from canary.channels.email.pool import Pool
from canary.channels.email.settings import AddressSettings
from canary.channels.email.signing import DkimSigner
from canary.channels.email.smtp import Envelope, Lost, Refusal, SmtpFault, SmtpStep
from canary.channels.email.transcript import Transcript
from canary.model import MARK_LENGTH, Component, Failure, Outgoing, OwnFaultError, Report, Submission
from canary.settings import ADDRESS


@dataclass(frozen=True, slots=True)
class _Ending:
    """How one attempt ended; ``again`` says that the message was surely not taken, and another attempt may help."""

    reason: str
    accepted: bool = False
    again: bool = False
    uncertain: bool = False
    failure: Failure | None = None
    component: Component | None = None
    fault: SmtpFault | None = None


class EmailChannel:
    """One address, as one sender writes to it. All channels of a sender share its connections."""

    def __init__(self, settings: AddressSettings, sender: Sender, resources: Resources) -> None:
        if not ADDRESS.fullmatch(sender.envelope.replace("{mark}", "a" * MARK_LENGTH)):
            raise ValueError(f"envelope sender of {sender.slug} is no address with a mark: {sender.envelope!a}")
        self._settings, self._sender = settings, sender
        self._clock, self._rng = resources.clock, resources.rng
        self._signer = DkimSigner(sender.dkim) if sender.dkim else None
        self._pool = Pool.of(sender, resources.clock)
        server = sender.submission
        logs_in = server.username is not None
        self._route = Route(server.host, sender.person.address, settings.to, logs_in, sender.submits_to)

    def prepare(self, report: Report) -> Outgoing:
        """The message, with the mark in its Message-ID. Raises ValueError for what cannot be a header."""
        message_id = f"<{report.mark}@{self._sender.person.address.rpartition('@')[2]}>"
        payload = mime.render(
            report, to=self._settings.to, message_id=message_id, date=self._clock.now(), rng=self._rng
        )
        return Outgoing(report, self._signer.signed(payload) if self._signer else payload, message_id)

    async def submit(self, outgoing: Outgoing, *, within: float) -> Submission:
        """Send the message, trying again after temporary refusals for ``within`` seconds. See the Channel protocol."""
        at, transcript, attempts = self._clock.now(), Transcript(self._clock), 0
        until = transcript.started + within
        envelope = Envelope(
            sender=self._sender.envelope.replace("{mark}", outgoing.report.mark),
            recipient=self._settings.to,
            content=outgoing.payload,
            notify_as=outgoing.report.mark if self._settings.request_dsn else None,
        )
        for pause in _pauses(self._rng):
            attempts += 1
            ending = await self._attempt(envelope, transcript, until)
            transcript.note(ending.reason)
            if not ending.again or self._clock.monotonic() + pause >= until:
                break
            transcript.note(f"trying again in {pause:.1f} s")
            await self._clock.sleep(pause)
        seconds = transcript.seconds()
        steps = [("connected", transcript.connected), ("accepted", seconds if ending.accepted else None)]
        return Submission(
            at=at,
            accepted=ending.accepted,
            seconds=seconds,
            failure=ending.failure,
            uncertain=ending.uncertain,
            reason=ending.reason,
            component=ending.component,
            own_reason=ending.fault and ending.fault.value,
            attempts=attempts,
            steps=tuple((name, took) for name, took in steps if took is not None),
            artefacts=(("smtp-transcript.txt", transcript.render()),),
        )

    async def check(self) -> str:
        """Connect, secure, log in and leave; no address is named to the server."""
        server = self._sender.submission
        try:
            found = await self._pool.check()
        except (Refusal, Lost) as error:
            ending = self._refused(error) if isinstance(error, Refusal) else _lost(error)
            raise OwnFaultError(
                ending.component or Component.SMTP, ending.fault or SmtpFault.PROTOCOL_ERROR, ending.reason
            ) from error
        return f"{self._sender.slug} submission {server.host}:{server.port} {found}"

    async def close(self) -> None:
        """Let go of idle connections."""
        self._pool.close()

    async def _attempt(self, envelope: Envelope, transcript: Transcript, until: float) -> _Ending:
        try:
            return _Ending(await self._pool.deliver(envelope, transcript, until), accepted=True)
        except Refusal as refusal:
            return self._refused(refusal)
        except Lost as lost:
            return _lost(lost)
        except OwnFaultError as fault:
            passing = fault.reason in (SmtpFault.TIMEOUT, SmtpFault.TOKEN_UNAVAILABLE)  # the next attempt waits longer
            return _ours(fault.component, SmtpFault(fault.reason), fault.detail, again=passing)

    def _refused(self, refusal: Refusal) -> _Ending:
        fault = blame(refusal, self._route)
        if fault is None:
            return _Ending(str(refusal), again=refusal.temporary, failure=Failure.REJECTED)
        return _ours(Component.SMTP, fault, str(refusal), again=refusal.temporary)


def _lost(lost: Lost) -> _Ending:
    if lost.step is SmtpStep.END:
        return _Ending(f"{lost}; it is not known whether the message was taken", uncertain=True)
    return _ours(Component.SMTP, lost.fault, str(lost), again=lost.fault is not SmtpFault.PROTOCOL_ERROR)


def _ours(component: Component, fault: SmtpFault, reason: str, *, again: bool = False) -> _Ending:
    return _Ending(reason, again=again, failure=Failure.OURS, component=component, fault=fault)


def _pauses(rng: Random) -> Iterator[float]:
    """Seconds before each further attempt, varied by a fifth each way so that channels do not march in step."""
    for pause in chain((1.0, 2.0, 4.0, 8.0, 15.0, 30.0), repeat(60.0)):
        yield pause * rng.uniform(0.8, 1.2)
