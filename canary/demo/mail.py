"""The demo's SMTP servers: the CA's MX, and the submission server of the senders' providers."""

# aiosmtpd finds its hooks by name and hands them everything it has:
# ruff: noqa: ARG001, ARG002, N802

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from canary.demo import directory
from canary.demo.directory import CA_DOMAIN
from canary.demo.mail_system import Mail, MailSystem, received

logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of an old attribute of its own at every login

_MAX_BYTES = 30_000_000  # a message


class SmtpPort:
    """One listening port of 127.0.0.1; ``make`` gives the protocol of each connection."""

    def __init__(self, make: Callable[[], SMTP]) -> None:
        self._make = make
        self._connections: WeakSet[SMTP] = WeakSet()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port, see ``port``."""
        self._server = await asyncio.get_running_loop().create_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and hang up on everybody."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            if connection.transport is not None:
                connection.transport.close()

    def _connect(self) -> SMTP:
        connection = self._make()
        self._connections.add(connection)
        return connection


def mx(mail_system: MailSystem, tls: ssl.SSLContext | None) -> SmtpPort:
    """The CA's mail exchanger: takes mail for the CA from anybody, STARTTLS offered."""
    handler = _Exchanger(mail_system)
    return SmtpPort(
        lambda: SMTP(
            handler,
            hostname=f"mx.{CA_DOMAIN}",
            ident="ESMTP",
            data_size_limit=_MAX_BYTES,
            enable_SMTPUTF8=True,
            tls_context=tls,
        )
    )


def submission(mail_system: MailSystem, passwords: Mapping[str, str], tls: ssl.SSLContext | None) -> SmtpPort:
    """The senders' submission server: STARTTLS (unless ``tls`` is None) and AUTH are demanded.

    ``passwords`` are by user name, which is the sender's address.
    """
    handler = _SubmissionHandler(mail_system)

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        user = data.login.decode("utf-8", "replace")
        known = passwords.get(user, secrets.token_hex())
        right = secrets.compare_digest(known.encode(), data.password)
        return AuthResult(success=right, handled=False, auth_data=user)

    return SmtpPort(
        lambda: SMTP(
            handler,
            hostname="submission.test",
            ident="ESMTP",
            data_size_limit=_MAX_BYTES,
            enable_SMTPUTF8=True,
            tls_context=tls,
            require_starttls=tls is not None,
            auth_required=tls is not None,  # aiosmtpd warns of it in plain text; sender_refusal asks for it there too
            auth_require_tls=tls is not None,
            authenticator=authenticate,
        )
    )


class _Handler:
    """What both servers do: take an envelope whose addresses look like addresses, and hand over the message."""

    def __init__(self, mail_system: MailSystem) -> None:
        self._mail_system = mail_system

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self.sender_refusal(session, address)
        if reply is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self.recipient_refusal(address)
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        client = f"{directory.printable(session.host_name or 'unknown')} ([127.0.0.1])"
        for recipient in envelope.rcpt_tos:
            await self.hand_over(Mail(envelope.mail_from or "", recipient, content, client))
        return f"250 2.0.0 OK: queued as {secrets.token_hex(5).upper()}"

    def sender_refusal(self, session: Session, address: str) -> str | None:
        """The reply to a MAIL FROM that is not taken."""
        return None if not address or directory.is_address(address) else "501 5.1.7 Bad sender address syntax"

    def recipient_refusal(self, address: str) -> str | None:
        """The reply to a RCPT TO that is not taken."""
        return None if directory.is_address(address) else "501 5.1.3 Bad recipient address syntax"

    async def hand_over(self, mail: Mail) -> None:
        """Take responsibility for an accepted message."""
        await self._mail_system.deliver(mail)


class _Exchanger(_Handler):
    def recipient_refusal(self, address: str) -> str | None:
        if not address.lower().endswith(f"@{CA_DOMAIN}"):
            return f"554 5.7.1 <{directory.printable(address)}>: relay access denied"
        return super().recipient_refusal(address) or self._mail_system.refusal(address)


class _SubmissionHandler(_Handler):
    """Takes what it is given, as providers do; what the CA's server then refuses comes back as a bounce."""

    def sender_refusal(self, session: Session, address: str) -> str | None:
        if directory.base_address(address) != session.auth_data:
            return "553 5.7.1 Sender address rejected: not owned by the user who is logged in"
        return super().sender_refusal(session, address)

    def recipient_refusal(self, address: str) -> str | None:
        here = {account.domain for account in directory.ACCOUNTS}
        if address.rpartition("@")[2].lower() not in here:
            return "550 5.7.1 This demo sends no mail to the outside"
        return super().recipient_refusal(address)

    async def hand_over(self, mail: Mail) -> None:
        domain = mail.sender.rpartition("@")[2]
        top = received(mail.client, domain, mail.recipient, self._mail_system.clock.now())
        relayed = Mail(mail.sender, mail.recipient, top.encode() + mail.content, f"mail.{domain} ([127.0.0.1])")
        refusal = self._mail_system.refusal(mail.recipient)
        if refusal is None:
            await self._mail_system.deliver(relayed)
        else:
            await self._mail_system.return_to_sender(relayed, refusal)
