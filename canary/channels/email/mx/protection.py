"""How a connection to a recipient's server is to be protected, and what is made do with instead. Pure.

Nobody need offer TLS to strangers, or a certificate that anybody knows (RFC 7435): what a sender may demand is what the
recipient's domain says of itself, by DANE before MTA-STS (RFC 8461 section 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from canary.channels.email.mx.dane import Tlsa, usable
from canary.channels.email.mx.sts import StsPolicy
from canary.channels.email.smtp import Lost, Refusal, SmtpStep, Undeliverable


class Protection(Enum):
    """What a connection must have; the text tells what is tried instead of a better one."""

    PINNED = "with a certificate that the DNS pins"
    VERIFIED = "with a certificate that verifies"
    ANY = "whatever its certificate"
    NONE = "without TLS"


class Unprotected(Undeliverable):
    """A connection had not what it must have; ``certificate`` is what is wrong with it, "" if there was none."""

    def __init__(self, reason: str, certificate: str = "") -> None:
        super().__init__(reason, temporary=True, reached=True)
        self.certificate = certificate


@dataclass(frozen=True, slots=True)
class Demand:
    """What the recipient's domain demands of a connection to one of its servers; ``why`` is None if nothing."""

    first: Protection
    last: Protection
    why: str | None = None
    records: tuple[Tlsa, ...] = ()

    @property
    def dane(self) -> bool:
        """Whether the DNS pins its certificate."""
        return bool(self.records)

    def instead(self, protection: Protection, error: Unprotected | Refusal | Lost) -> Protection | None:
        """What is made do with, where there is no connection by ``protection`` for want of TLS; None for nothing."""
        if protection is self.last or not (isinstance(error, Unprotected) or error.step is SmtpStep.STARTTLS):
            return None
        weaker = Protection.ANY if isinstance(error, Unprotected) and error.certificate else Protection.NONE
        return weaker if self.last is Protection.NONE or weaker is self.last else None


def demanded(policy: StsPolicy | None, records: tuple[Tlsa, ...]) -> Demand:
    """What is demanded by a domain's policy, and by the records that pin the certificate of its server."""
    if usable(records):
        return Demand(Protection.PINNED, Protection.PINNED, "DANE", usable(records))
    if records:
        return Demand(Protection.VERIFIED, Protection.ANY, "DANE", records)
    if policy is not None and policy.mode == "enforce":
        return Demand(Protection.VERIFIED, Protection.VERIFIED, "MTA-STS")
    return Demand(Protection.VERIFIED, Protection.NONE)
