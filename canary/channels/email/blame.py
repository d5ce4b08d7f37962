"""Whose refusal a reply is: that of the sender's own provider, or the CA's. Pure.

A submission server belongs to the sender, so what it refuses is our own fault. The CA's is only what the CA's server
said: where the reply repeats or names it (a relay that connects onward at once), and where the sender hands mail to the
CA's server itself. What speaks of the sender's login, rights or limits is never the CA's, unless the CA's server is
known to have said it. Where nothing tells, a server that we log in to is the sender's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from canary.channels.email.smtp import Refusal, SmtpFault, SmtpStep
from canary.channels.email.wording import ABOUT_OUR_HOST, ABOUT_SENDER, REPEATED, SAYING

_INTERNAL = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
_NAME = r"(?<![/@\w.-])(?P<name>(?:[\w-]{1,63}\.){1,10}[^\W\d][\w-]{1,62}|localhost)\.?(?![\w.@-])"
_IP = r"[0-9a-fA-F:.]{2,45}"
_BARE = r"(?<![\w.])(?P<bare>\d{1,3}(?:\.\d{1,3}){3})(?![\w.])"
_CODE = r"[\"'(<]?[45][0-5]\d[ -]"
_SAYS = "|".join(SAYING)
_SAID = re.compile(
    rf"(?:{_NAME}|\bhost (?!(?:{_SAYS})\b)(?P<short>[\w-]{{1,63}})(?![\w.-])|\[(?P<only>{_IP})\]|{_BARE})"
    rf"(?:[ ]?[\[(](?P<ip>{_IP})[\])])?(?::\d{{1,5}})?(?:[ ]?(?:{_SAYS})\b|:[ ]?{_CODE})",
    re.IGNORECASE,
)
"""Somebody, by name or address, said something: a word for that, or a further reply code."""
_TALKING = re.compile(rf"\btalking to {_NAME}", re.IGNORECASE)
_SOMEBODY = re.compile("|".join(REPEATED), re.IGNORECASE)
_NAMED = re.compile(rf"(?P<by>\b(?:by|from|at|host|server|mx) )?{_NAME}", re.IGNORECASE)
_FURTHER = re.compile(rf"{_NAME}.{{0,60}}?[:\"'(<»«„“][ ]?[45][0-5]\d[ -]")
_NO_LOGIN = (530, 534, 535, 538)
"""Replies that ask for another or a better AUTH, at whatever command (RFC 4954 section 6)."""
_FAULTS = {
    SmtpStep.GREETING: SmtpFault.SESSION_REFUSED,
    SmtpStep.EHLO: SmtpFault.SESSION_REFUSED,
    SmtpStep.NOOP: SmtpFault.SESSION_REFUSED,
    SmtpStep.STARTTLS: SmtpFault.TLS_FAILED,
    SmtpStep.AUTH: SmtpFault.AUTH_FAILED,
    SmtpStep.MAIL: SmtpFault.SENDER_REFUSED,
    SmtpStep.RCPT: SmtpFault.RECIPIENT_REFUSED,
    SmtpStep.DATA: SmtpFault.MESSAGE_REFUSED,
    SmtpStep.END: SmtpFault.MESSAGE_REFUSED,
}
_ABOUT_MAIL = (SmtpStep.RCPT, SmtpStep.DATA, SmtpStep.END)


@dataclass(frozen=True, slots=True)
class Route:
    """A submission server, as a sender uses it to write to one address; ``submits_to`` as configured."""

    host: str
    sender: str
    recipient: str
    logs_in: bool = False
    submits_to: str | None = None
    straight: bool = False
    """It is one that the DNS names for the recipient's domain; ``host`` is what we say to be."""

    @property
    def is_the_cas(self) -> bool:
        """Whether it is known that the server is the CA's: it is said, or its name is in the recipient's domain."""
        if self.submits_to is not None:
            return self.submits_to == "ca"
        return self.is_the_recipients(self.host)

    @property
    def may_be_the_cas(self) -> bool:
        """Whether a plain refusal is taken for the CA's: a server that asks for no login is an MX, unless told."""
        return self.is_the_cas or (self.submits_to is None and not self.logs_in)

    def is_the_recipients(self, host: str) -> bool:
        """Whether a host, or a domain, is in the domain of the recipient."""
        return _within(host, _domain(self.recipient))

    def is_the_senders(self, host: str) -> bool:
        """Whether a host is the provider's: beside the submission server, or in the sender's domain."""
        around = self.host.partition(".")[2] if self.host.count(".") > 1 else self.host
        return any(_within(host, domain) for domain in (self.host, around, _domain(self.sender)))


def blame(refusal: Refusal, route: Route) -> SmtpFault | None:
    """The fault of ours behind a refusal by the server of ``route``; None if it is the CA's refusal.

    What a submission server says of the connection itself, up to AUTH, is always ours: no word of it is about the
    recipient. What the recipient's own says is the CA's, but for what it says of the host that we come from.
    """
    if route.straight:
        return _about_our_host(_without_names(" ".join(refusal.text.split()), route))
    step, code = refusal.step, refusal.code
    usual = SmtpFault.DEFERRED if refusal.temporary else _FAULTS[step]
    if step is not SmtpStep.MAIL and step not in _ABOUT_MAIL:
        return SmtpFault.AUTH_FAILED if code in _NO_LOGIN else usual
    text = " ".join(refusal.text.split())
    if _is_repeated(text, route):
        return None
    if step in _ABOUT_MAIL and route.is_the_cas and not route.logs_in:
        return None
    about_us = _about_sender(code, _without_names(text, route), route.may_be_the_cas)
    if about_us is not None:
        return about_us
    if _names_the_cas(text, route) or (step in _ABOUT_MAIL and route.may_be_the_cas):
        return None
    return usual


def _is_repeated(text: str, route: Route) -> bool:
    """Whether the reply says what another server said, which is not one of the provider's own."""
    heard = [*_SAID.finditer(text), *_TALKING.finditer(text)]
    if heard:
        return any(_is_foreign(match.groupdict(), route) for match in heard)
    return _SOMEBODY.search(text) is not None


def _is_foreign(said: dict[str, str | None], route: Route) -> bool:
    name = said.get("name") or said.get("short")
    address = said.get("ip") or said.get("only") or said.get("bare")
    if name and route.is_the_recipients(name):
        return True
    if name and (route.is_the_senders(name) or "." not in name):
        return False
    return not (address and _is_internal(address))


def _without_names(text: str, route: Route) -> str:
    """The text without the names of both houses' servers: a ``relay.probe.example`` denies nothing by its name."""

    def kept(named: re.Match[str]) -> str:
        known = route.is_the_senders(named["name"]) or route.is_the_recipients(named["name"])
        return "" if known else named[0]

    return _NAMED.sub(kept, text)


def _about_sender(code: int, text: str, may_be_the_cas: bool) -> SmtpFault | None:
    """The fault of ours that a reply speaks of; of a server that may be the CA's, only what can be of nothing else."""
    if code in _NO_LOGIN:
        return SmtpFault.AUTH_FAILED
    for row in ABOUT_SENDER:
        if (row.surely or not may_be_the_cas) and row.said.search(text) and not (row.but and row.but.search(text)):
            return row.fault
    return None


def _about_our_host(text: str) -> SmtpFault | None:
    return next((row.fault for row in ABOUT_OUR_HOST if row.said.search(text)), None)


def _names_the_cas(text: str, route: Route) -> bool:
    """Whether a server of the CA's is named, or what somebody else's said is told.

    The domain of the recipient alone proves nothing: it is what we had asked for.
    """
    for named in _NAMED.finditer(text):
        if route.is_the_recipients(named["name"]) and (
            named["by"] or named["name"].lower() != _domain(route.recipient)
        ):
            return True
    return any(not route.is_the_senders(said["name"]) and "." in said["name"] for said in _FURTHER.finditer(text))


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _within(host: str, domain: str) -> bool:
    host, domain = host.lower().rstrip("."), domain.lower().rstrip(".")
    return host == domain or host.endswith(f".{domain}")


def _is_internal(word: str) -> bool:
    """Whether this is an address of the server's own house: its filter, not the CA's server."""
    try:
        address: IPv4Address | IPv6Address = ip_address(word)
    except ValueError:
        return False
    return address.is_loopback or address.is_link_local or any(address in network for network in _INTERNAL)
