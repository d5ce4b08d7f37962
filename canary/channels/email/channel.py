"""The email channel: one report, to one disclosed address, through a sender's own submission server or straight.

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
from typing import TYPE_CHECKING

from canary.channels import Resources, Sender, UnusableError
from canary.channels.email import mime
from canary.channels.email.blame import Route, blame
from canary.channels.email.pool import Pool
from canary.channels.email.settings import AddressSettings
from canary.channels.email.signing import DkimSigner
from canary.channels.email.smtp import Envelope, Lost, Refusal, SmtpFault, SmtpStep, Undeliverable
from canary.channels.email.transcript import Transcript
from canary.model import MARK_LENGTH, Component, Failure, Outgoing, OwnFaultError, Report, Submission
from canary.settings import ADDRESS

if TYPE_CHECKING:
    from canary.channels.email.mx.delivery import Straight

_PASSING = (SmtpFault.TIMEOUT, SmtpFault.TOKEN_UNAVAILABLE, SmtpFault.LOOKUP_FAILED)
"""Faults after which the next attempt may be better; it waits longer, too."""


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
        self._way, self._route = _way(sender, settings.to, resources)

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
            mail_server=transcript.mail_server,
        )

    async def check(self) -> str:
        """Connect, secure, log in and leave; no address is named to the server."""
        try:
            return f"{self._sender.slug} {await self._way.check(self._settings.to)}"
        except (Refusal, Lost, Undeliverable) as error:
            ending = self._ending(error)
            if ending.failure is Failure.REJECTED:
                raise UnusableError(ending.reason) from error
            raise OwnFaultError(
                ending.component or Component.SMTP, ending.fault or SmtpFault.PROTOCOL_ERROR, ending.reason
            ) from error

    async def close(self) -> None:
        """Let go of idle connections."""
        self._way.close()

    async def _attempt(self, envelope: Envelope, transcript: Transcript, until: float) -> _Ending:
        try:
            return _Ending(await self._way.deliver(envelope, transcript, until), accepted=True)
        except (Refusal, Lost, Undeliverable) as error:
            return self._ending(error)
        except OwnFaultError as fault:
            again = fault.reason in _PASSING
            return _ours(fault.component, SmtpFault(fault.reason), fault.detail, again=again)

    def _ending(self, error: Refusal | Lost | Undeliverable) -> _Ending:
        if isinstance(error, Lost):
            return _lost(error)
        fault = blame(error, self._route) if isinstance(error, Refusal) else None
        if fault is None:
            return _Ending(str(error), again=error.temporary, failure=Failure.REJECTED)
        return _ours(Component.SMTP, fault, str(error), again=error.temporary)


def _way(sender: Sender, to: str, resources: Resources) -> tuple[Pool | Straight, Route]:
    """How a sender's messages go, and whose what is refused there is."""
    address = sender.person.address
    if sender.mx is not None:
        from canary.channels.email.mx.delivery import Straight  # only who has no provider needs it

        straight = Straight.of(sender, sender.mx, resources)
        return straight, Route(sender.mx.helo, address, to, straight=True)
    server = sender.submission
    assert server is not None, "the one or the other is configured"
    logs_in = server.username is not None
    return Pool.of(sender, server, resources.clock), Route(server.host, address, to, logs_in, sender.submits_to)


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
