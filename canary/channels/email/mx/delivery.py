"""Messages handed to the recipient's own servers, to the next where one does not take it now (RFC 5321 section 5.1).

A refusal for good ends it: another server of the same domain would say the same, or take what is to be refused.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from random import Random
from typing import ClassVar
from weakref import WeakValueDictionary

from canary.budgets import MX_KNOWN, MX_TRIED
from canary.channels import Resources, Sender
from canary.channels.email.manners import Manners
from canary.channels.email.mx.connection import MxConnection, Spot
from canary.channels.email.mx.kept import KeptPolicies
from canary.channels.email.mx.names import Names
from canary.channels.email.mx.protection import Protection, Unprotected, demanded
from canary.channels.email.mx.sts import Policies, StsFound
from canary.channels.email.pool import Slots
from canary.channels.email.smtp import Envelope, Lost, Refusal, SmtpFault, SmtpStep, Undeliverable
from canary.channels.email.transcript import Transcript
from canary.clock import Clock
from canary.model import CanaryError, Component, MailServer, OwnFaultError
from canary.settings import MxSettings

_LONGEST = 500
"""Characters of what is said of a certificate or a policy, in the ledger."""

Use = Callable[[MxConnection], Awaitable[str]]


class Straight:
    """The way from one sender to the mail servers of whichever domain, used by all channels of that sender.

    Times are the clock's monotonic seconds. No connection is kept: a server of strangers has none to spare.
    """

    _of: ClassVar[WeakValueDictionary[tuple[Sender, Clock], Straight]] = WeakValueDictionary()

    def __init__(self, settings: MxSettings, clock: Clock, rng: Random, kept: KeptPolicies | None = None) -> None:
        self._settings, self._clock = settings, clock
        self._names = Names(settings.resolver, rng)
        self._policies = Policies(self._names, clock, settings.policy_port, settings.tls_context, kept)
        self._slots = Slots("mail servers", clock)
        self._manners: dict[str, Manners] = {}
        self._contexts: dict[Protection, ssl.SSLContext] = {}

    @classmethod
    def of(cls, sender: Sender, settings: MxSettings, resources: Resources) -> Straight:
        """The one way of ``sender``, which lives as long as somebody holds it."""
        kept = KeptPolicies(resources.state, sender.slug) if resources.state is not None else None
        clock = resources.clock
        return cls._of.setdefault((sender, clock), cls(settings, clock, resources.rng, kept))

    async def deliver(self, envelope: Envelope, transcript: Transcript, until: float) -> str:
        """Send one message, once, by ``until``; returns the reply that took it.

        Raises Refusal, Lost, Undeliverable or OwnFaultError. Only after a Lost at the end of data may it have been
        taken.
        """

        async def say(connection: MxConnection) -> str:
            await connection.begin(envelope, until)
            return await connection.hand_over(envelope, until)

        await self._slots.take(until)
        try:
            return await self._any(envelope.recipient, transcript, until, say)
        finally:
            self._slots.release()

    async def check(self, recipient: str) -> str:
        """Connect to a mail server of the recipient's domain and leave; returns which, and how it is protected."""
        until = self._clock.monotonic() + self._settings.timeout
        transcript = Transcript(self._clock)

        async def look(connection: MxConnection) -> str:
            await connection.noop(until)
            return connection.secured

        secured = await self._any(recipient, transcript, until, look)
        found = transcript.mail_server
        assert found is not None, "somebody answered"
        certificate = f", certificate {found.certificate}" if found.certificate else ""
        return f"MX {found.host} ({found.address}) {secured}{certificate}; {found.policy_said}"

    def close(self) -> None:
        """Forget what certificates are trusted: they are read again."""
        self._contexts.clear()

    async def _any(self, recipient: str, transcript: Transcript, until: float, use: Use) -> str:
        """What comes of the first server that can be used. Raises what tells most of why there is none."""
        domain, hindered = recipient.rpartition("@")[2].lower(), list[CanaryError]()
        found = await self._policies.of(domain, self._left(until))
        transcript.note(found.said)
        async with aclosing(self._spots(domain, found, hindered, transcript, until)) as spots:
            async for spot in spots:
                try:
                    return await self._at(spot, found, transcript, until, use)
                except Refusal as refusal:
                    if not refusal.temporary:
                        raise
                    hindered.append(refusal)
                except Lost as lost:
                    if lost.step is SmtpStep.END:
                        raise
                    hindered.append(Undeliverable(f"{spot.host}: {lost}", temporary=True, reached=True))
                except (Undeliverable, OwnFaultError) as error:
                    hindered.append(error)
                transcript.note(f"{spot.host} ({spot.address}): {hindered[-1]}")
        raise min(hindered, key=_telling)

    async def _spots(
        self, domain: str, found: StsFound, hindered: list[CanaryError], transcript: Transcript, until: float
    ) -> AsyncGenerator[Spot, None]:
        """Every address of every server, in the order to be tried in; why others are not: ``hindered``."""
        exchangers = await self._names.exchangers(domain, self._left(until))
        transcript.note(f"mail servers of {domain}: {', '.join(exchangers.hosts)}")
        tried = 0
        for host in exchangers.hosts:
            try:
                for spot in await self._of_host(host, found, exchangers.secure, until):
                    tried += 1
                    if MX_TRIED.number is not None and tried > MX_TRIED.number:
                        return
                    yield spot
            except (Undeliverable, OwnFaultError) as error:
                transcript.note(f"{host}: {error}")
                hindered.append(error)

    async def _of_host(self, host: str, found: StsFound, secure: bool, until: float) -> list[Spot]:
        where = await self._names.addresses(host, self._left(until))
        pins = secure and where.secure
        records = await self._names.tlsa(where.names, self._settings.port, self._left(until)) if pins else ()
        demand, policy = demanded(found.policy, records), found.policy
        if policy is not None and policy.mode == "enforce" and not demand.dane and not policy.names(host):
            raise Undeliverable(
                f"the mail server {host} is none of those that the domain's own policy of MTA-STS names: "
                f"{', '.join(policy.mx)}",
                temporary=True,
            )
        return [Spot(host, address, where.names, demand) for address in where.found]

    async def _at(self, spot: Spot, found: StsFound, transcript: Transcript, until: float, use: Use) -> str:
        said = f"DANE: {len(spot.demand.records)} records; {found.said}" if spot.demand.dane else found.said
        mode = found.policy.mode if found.policy else ""
        tried = MailServer(spot.host, spot.address, "", "", mode, spot.demand.dane, said[:_LONGEST])
        transcript.mail_server = tried
        connection, certificate = await self._opened(spot, transcript, until)
        transcript.mail_server = replace(tried, tls=connection.tls, certificate=certificate[:_LONGEST])
        try:
            return await use(connection)
        finally:
            connection.close()

    async def _opened(self, spot: Spot, transcript: Transcript, until: float) -> tuple[MxConnection, str]:
        """A connection that has what it must have, and what is to be said of its certificate."""
        protection, wrong = spot.demand.first, ""
        manners = self._manners_of(spot.host)
        while True:
            context = self._context(protection)
            connection = MxConnection(spot, protection, context, self._clock, manners, self._settings)
            try:
                await connection.open(transcript, until)
            except (Unprotected, Refusal, Lost) as error:
                if isinstance(error, Unprotected) and transcript.mail_server:
                    wrong = error.certificate or wrong
                    transcript.mail_server = replace(transcript.mail_server, certificate=wrong[:_LONGEST])
                instead = spot.demand.instead(protection, error)
                if instead is None:
                    raise
                transcript.note(f"{error}: opening another connection, {instead.value}")
                protection = instead
                continue
            good = {Protection.PINNED: "pinned", Protection.VERIFIED: "verified"}.get(protection, wrong)
            return connection, good if connection.tls else ""

    def _manners_of(self, host: str) -> Manners:
        """What was found of a server, whose name the recipient's DNS may make up anew each time."""
        if host not in self._manners and len(self._manners) >= (MX_KNOWN.number or 0):
            self._manners.clear()
        return self._manners.setdefault(host, Manners(one_by_one=True))

    def _context(self, protection: Protection) -> ssl.SSLContext:
        """One that verifies, or one that takes any certificate: what it must be is looked at after that, if at all."""
        if protection not in self._contexts:
            try:
                context = self._settings.tls_context()
            except OSError as error:
                detail = f"ca_file {self._settings.ca_file} cannot be used: {error}"
                raise OwnFaultError(Component.CONFIG, SmtpFault.TLS_FAILED, detail) from error
            if protection is not Protection.VERIFIED:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._contexts[protection] = context
        return self._contexts[protection]

    def _left(self, until: float) -> float:
        return until - self._clock.monotonic()


def _telling(error: CanaryError) -> int:
    """How little is told by what kept a message from one server, of those that kept it from all.

    What a server said, or did to us, shows that we can reach one. Where none was reached, a fault of ours may be why.
    """
    if isinstance(error, Refusal):
        return 0
    if isinstance(error, Undeliverable) and error.reached:
        return 1
    return 2 if isinstance(error, OwnFaultError) else 3
