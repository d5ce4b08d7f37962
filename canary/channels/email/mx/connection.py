"""One connection to a mail server of the recipient's: without a login, and protected as its domain demands."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import aiosmtplib

from canary.channels.email.connection import SmtpConnection
from canary.channels.email.manners import Manners
from canary.channels.email.mx.dane import pinned
from canary.channels.email.mx.protection import Demand, Protection, Unprotected
from canary.channels.email.smtp import Undeliverable
from canary.clock import Clock
from canary.model import CanaryError
from canary.settings import MxSettings, Server, Tls


@dataclass(frozen=True, slots=True)
class Spot:
    """A mail server at one of its addresses, its names, and what is demanded of a connection to it."""

    host: str
    address: str
    names: tuple[str, ...]
    demand: Demand


class MxConnection(SmtpConnection):
    """A connection that must have what ``protection`` says.

    :meth:`open` raises Unprotected if it has not, Undeliverable for what the server does to us before it can reply, and
    OwnFaultError where our network may be to blame.
    """

    def __init__(
        self,
        spot: Spot,
        protection: Protection,
        context: ssl.SSLContext,
        clock: Clock,
        manners: Manners,
        settings: MxSettings,
    ) -> None:
        tls = Tls.NONE if protection is Protection.NONE else Tls.STARTTLS
        server = Server.model_construct(host=spot.address, port=settings.port, tls=tls, timeout=settings.timeout)
        super().__init__(server, context, clock, manners, None)  # not validated: it may well be without TLS
        self._spot, self._protection, self._helo = spot, protection, settings.helo
        self._certified_as = spot.host
        self._reached = False
        self.tls = ""
        """The version of TLS; empty without."""

    async def _ehlo(self, until: float) -> None:
        self._reached = True
        await super()._ehlo(until)

    def _own_name(self) -> str:
        return self._helo

    async def _start_tls(self, until: float) -> None:
        if self._client.supports_extension("starttls"):
            await super()._start_tls(until)
        elif self._spot.demand.last is not Protection.NONE:
            raise Unprotected(f"{self._name} does not offer STARTTLS, which {self._spot.demand.why} demands")

    def _note_tls(self) -> None:
        tls = self._client.get_transport_info("ssl_object")
        if tls is None:
            return
        self.tls = tls.version()
        self.secured = f"STARTTLS {self.tls}"
        self._client.transcript.note(f"{self.tls}, {tls.cipher()[0]}, {self._protection.value}")
        if self._protection is Protection.PINNED and not pinned(
            _chain(tls), self._spot.names, self._spot.demand.records, self._clock.now()
        ):
            wrong = "none that the DNS pins"
            raise Unprotected(f"{self._name}: the certificate is {wrong} (DANE)", wrong)

    def _too_late(self, seconds: float) -> CanaryError:
        if self._reached:
            return Undeliverable(f"{self._name}: not ready within {seconds:g} s", temporary=True, reached=True)
        return super()._too_late(seconds)

    def _no_connection(self, error: Exception) -> CanaryError:
        cause = error if isinstance(error, ssl.SSLError) else error.__cause__
        said = self._client.printable(str(error))
        if isinstance(cause, ssl.SSLCertVerificationError):
            wrong = self._client.printable(cause.verify_message)
            return Unprotected(f"{self._name}: the certificate does not verify: {wrong}", wrong)
        if isinstance(cause, ssl.SSLError):
            return Unprotected(f"{self._name}: {said}")
        theirs = (ConnectionRefusedError, aiosmtplib.SMTPTimeoutError, aiosmtplib.SMTPServerDisconnected)
        if isinstance(cause, theirs) or isinstance(error, aiosmtplib.SMTPResponseException):
            return Undeliverable(f"{self._name}: {said}", temporary=True, reached=True)
        return super()._no_connection(error)

    @property
    def _name(self) -> str:
        return f"{self._spot.host} ({self._server.host}) port {self._server.port}"


def _chain(tls: ssl.SSLObject) -> Sequence[bytes]:
    """What the server showed, in DER, its own certificate first; Python tells it in public from 3.13 on."""
    tell = getattr(tls, "get_unverified_chain", None) or tls._sslobj.get_unverified_chain  # type: ignore[attr-defined]
    return [each if isinstance(each, bytes) else ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in tell() or ()]
