"""What the DNS says of a recipient's domain: its mail servers, their addresses, how they are to be protected.

A name that is not there, or leads nowhere, is the CA's fault; a resolver that does not answer, or answers that it
cannot tell, is ours: from here the two cannot be told apart by anything but that.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from canary.budgets import MX_LOOKUP
from canary.channels.email.mx.dane import Tlsa
from canary.channels.email.smtp import SmtpFault, Undeliverable
from canary.model import Component, OwnFaultError
from canary.settings import NameServer

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver
    from dns.resolver import Answer


@dataclass(frozen=True, slots=True)
class Exchangers:
    """The mail servers of a domain by name, those to be tried first first; ``secure`` by DNSSEC."""

    hosts: tuple[str, ...]
    secure: bool


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of a mail server; ``secure`` by DNSSEC, ``names`` that it goes by, the last alias first."""

    found: tuple[str, ...]
    secure: bool
    names: tuple[str, ...]


class Names:
    """One resolver, asked for mail. Raises OwnFaultError (component dns) for what it does not answer."""

    def __init__(self, server: NameServer | None, rng: Random) -> None:
        self._server, self._rng = server, rng
        self._resolver: Resolver | None = None

    async def exchangers(self, domain: str, within: float) -> Exchangers:
        """Where mail for a domain goes (RFC 5321 section 5.1), equal preferences in any order.

        Raises Undeliverable for a domain that is not there, or takes no mail (RFC 7505).
        """
        from dns.resolver import NXDOMAIN

        try:
            answer = await self._ask(domain, "MX", within)
        except NXDOMAIN:
            raise Undeliverable(f"the domain {domain} does not exist") from None
        if answer is None:
            return Exchangers((domain,), secure=False)  # implicit MX; its denial is not looked at
        records = sorted(answer, key=lambda record: (record.preference, _text(record.exchange)))[: MX_LOOKUP.number]
        self._rng.shuffle(records)  # in whatever order the resolver had them
        ordered = sorted(records, key=lambda record: record.preference)
        hosts = [_text(record.exchange) for record in ordered]
        if not any(hosts):
            raise Undeliverable(f"{domain} takes no mail: it has a null MX (RFC 7505)")
        return Exchangers(tuple(dict.fromkeys(filter(None, hosts))), self._is_secure(answer))

    async def addresses(self, host: str, within: float) -> Addresses:
        """The addresses of a server, of IPv6 and IPv4. Raises Undeliverable if it has none."""
        from dns.resolver import NXDOMAIN

        found, secure, names = list[str](), True, [host]
        for kind in ("AAAA", "A"):
            try:
                answer = await self._ask(host, kind, within)
            except NXDOMAIN:
                raise Undeliverable(f"the mail server {host} does not exist, and is named as one by the DNS") from None
            if answer is not None:
                found += [record.address for record in answer][: MX_LOOKUP.number]
                secure &= self._is_secure(answer)
                names.insert(0, _text(answer.canonical_name))
        if not found:
            raise Undeliverable(f"the mail server {host} has no address in the DNS")
        return Addresses(tuple(found), secure, tuple(dict.fromkeys(names)))

    async def tlsa(self, names: tuple[str, ...], port: int, within: float) -> tuple[Tlsa, ...]:
        """How a server's certificate is pinned, by the first of its names that says so (RFC 7672 section 2.2.2).

        None unless they are validated: whoever could change them could as well leave them out.
        """
        from dns.resolver import NXDOMAIN

        for name in names:
            try:
                answer = await self._ask(f"_{port}._tcp.{name}", "TLSA", within)
            except NXDOMAIN:
                continue
            if answer is not None and self._is_secure(answer):
                records = list(answer)[: MX_LOOKUP.number]
                return tuple(Tlsa(each.usage, each.selector, each.mtype, each.cert) for each in records)
        return ()

    async def texts(self, name: str, within: float) -> tuple[bytes, ...]:
        """The TXT records of a name; none if it does not exist."""
        from dns.resolver import NXDOMAIN

        try:
            answer = await self._ask(name, "TXT", within)
        except NXDOMAIN:
            return ()
        return tuple(b"".join(record.strings) for record in answer or ())[: MX_LOOKUP.number]

    @property
    def validates(self) -> bool:
        """Whether the resolver's word for what is validated by DNSSEC is taken."""
        return self._server is not None and self._server.validates

    def _is_secure(self, answer: Answer) -> bool:
        from dns.flags import AD

        return self.validates and bool(answer.response.flags & AD)

    async def _ask(self, name: str, kind: str, within: float) -> Answer | None:
        """The records of a kind; None if the name has none. Raises NXDOMAIN, OwnFaultError."""
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN, NoAnswer

        seconds = max(0.001, min(MX_LOOKUP.seconds or within, within))
        try:
            return await self._opened().resolve(name, kind, lifetime=seconds, search=False)
        except NoAnswer:
            return None
        except NXDOMAIN:
            raise
        except (DNSException, OSError) as error:
            detail = f"looking up {kind} of {name}: {str(error) or type(error).__name__}"
            raise OwnFaultError(Component.DNS, SmtpFault.LOOKUP_FAILED, detail) from error

    def _opened(self) -> Resolver:
        """The resolver, made when it is first needed: the system's may not be readable."""
        if self._resolver is None:
            from dns.asyncresolver import Resolver
            from dns.flags import AD, RD

            self._resolver = Resolver(configure=self._server is None)
            if self._server is not None:
                self._resolver.nameservers, self._resolver.port = [self._server.address], self._server.port
            self._resolver.flags = int(RD | AD)  # AD asks to be told what was validated (RFC 6840 section 5.7)
        return self._resolver


def _text(name: object) -> str:
    """A name of the DNS without its last dot, in lower case."""
    return str(name).rstrip(".").lower()
