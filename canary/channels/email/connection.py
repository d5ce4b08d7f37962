"""One connection to a submission server, over which one message after another is sent."""

from __future__ import annotations

import asyncio
import math
import re
import socket
import ssl
from hashlib import sha256
from typing import cast

import aiosmtplib

from canary.budgets import SMTP_END_OF_DATA, SMTP_OPENING, SMTP_TOGETHER, TOKEN
from canary.channels.email.client import SmtpClient
from canary.channels.email.login import Login, log_in
from canary.channels.email.manners import Manners, Misheard, may_be_misheard
from canary.channels.email.smtp import Envelope, Lost, Refusal, SmtpFault, SmtpStep, in_words, unwanted
from canary.channels.email.stream import Stream
from canary.channels.email.transcript import Transcript
from canary.clock import Clock
from canary.echo import Echo
from canary.model import CanaryError, Component, OwnFaultError
from canary.oauth import Token, TokenError, Tokens
from canary.settings import Server, Tls

_XTEXT = re.compile(r"[^!-*,-<>-~]")


class SmtpConnection:
    """One connection to a submission server, with TLS and AUTH done once it is open.

    Whatever ends by ``until``, in the clock's monotonic seconds, raises Lost (or OwnFaultError, while it opens) if that
    is not enough. ``context`` is None where the server is spoken to without TLS.
    """

    _stream: Stream  # from the end of :meth:`open` on

    def __init__(
        self, server: Server, context: ssl.SSLContext | None, clock: Clock, manners: Manners, tokens: Tokens | None
    ) -> None:
        self._server, self._clock, self._manners, self._tokens = server, clock, manners, tokens
        self._client = SmtpClient(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls is Tls.IMPLICIT,
            start_tls=False,
            tls_context=context,
            local_hostname="localhost",  # not used: EHLO names the address we come from, as mail programs do
        )
        self._certified_as = server.host
        self.expiry: asyncio.TimerHandle | None = None
        """Set by whoever keeps it: the end of its idleness."""
        self._together = False
        self.secured = "no TLS"
        """How it is protected, in words."""
        self.login = "no AUTH"
        """How it was logged in, in words."""

    async def open(self, transcript: Transcript, until: float) -> None:
        """Connect, secure, and log in. Raises Refusal, Lost or OwnFaultError, and then nothing is left open."""
        self._client.transcript = transcript
        if self._tokens is not None:
            await self._token(self._tokens, until)  # before anybody is made to wait for it
        seconds = self._patience(until, (SMTP_OPENING.seconds or 0.0) * self._manners.patience)
        limit = asyncio.timeout(seconds)
        try:
            async with limit:  # the library's own limits are for each wait
                await self._greet(until)
                if self._server.tls is Tls.STARTTLS:
                    await self._start_tls(until)
                if self._server.username is not None:
                    await self._log_in(self._server.username, until)
            if self._client.transport is None:
                raise Lost(SmtpStep.MAIL, SmtpFault.CONNECTION_LOST, "connection lost")
            self._stream = Stream(cast(asyncio.Transport, self._client.transport))
            transcript.connected = transcript.seconds()
        except BaseException as error:
            self._client.close()
            if isinstance(error, TimeoutError | Lost | OwnFaultError) and _is_late(error):
                self._manners.was_slow(self._server.timeout)
            if limit.expired() and isinstance(error, TimeoutError):
                raise self._too_late(seconds) from error
            raise

    def resume(self, transcript: Transcript) -> None:
        """Take the connection out of its idleness; what follows is written down in ``transcript``."""
        if self.expiry is not None:
            self.expiry.cancel()
        self._client.transcript = transcript
        transcript.note(f"using a kept connection to {self._name}, {self.secured}")
        transcript.connected = transcript.seconds()

    async def begin(self, envelope: Envelope, until: float) -> None:
        """Begin a message, as far as MAIL FROM; nothing was sent that cannot be begun again elsewhere if it fails.

        Raises Misheard instead of Refusal or Lost, as :meth:`hand_over` before the message, for what may be better if
        commands are said one by one.
        """
        self._must_be_quiet(SmtpStep.MAIL)
        self._together = self._client.supports_extension("pipelining") and not self._manners.one_by_one
        if self._together:
            self._say(self._mail(envelope), self._rcpt(envelope), "DATA")
        else:
            self._say(self._mail(envelope))
        await self._hear(SmtpStep.MAIL, until)

    async def hand_over(self, envelope: Envelope, until: float) -> str:
        """Name the recipient and send the message that was begun; returns the reply that took it."""
        if not self._together:
            self._say(self._rcpt(envelope))
        await self._hear(SmtpStep.RCPT, until)
        if not self._together:
            self._say("DATA")
        await self._hear(SmtpStep.DATA, until, wanted=3)
        return await self._send_content(envelope.content, until)

    async def noop(self, until: float) -> None:
        """See whether the server still answers."""
        self._say("NOOP")
        await self._hear(SmtpStep.NOOP, until)

    def close(self) -> None:
        """Say goodbye and let go, without waiting for the answer."""
        if self.expiry is not None:
            self.expiry.cancel()
        self._stream.close()
        self._client.close()

    async def _greet(self, until: float) -> None:
        server, transcript = self._server, self._client.transcript
        transcript.note(f"connecting to {server.host} port {server.port}, {server.tls}")
        try:
            greeting = await self._client.connect(timeout=self._patience(until))
        except aiosmtplib.SMTPConnectResponseError as error:
            text = self._client.printable(error.message)
            transcript.heard(error.code, text)
            raise unwanted(SmtpStep.GREETING, error.code, text) from error
        except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:
            # UnicodeError: the host name cannot be encoded (IDNA)
            raise self._no_connection(error) from error
        self._client.heard(greeting)
        self._note_tls()
        await self._ehlo(until)

    async def _ehlo(self, until: float) -> None:
        with self._client.at(SmtpStep.EHLO):
            await self._client.ehlo(hostname=self._own_name(), timeout=self._patience(until))

    def _own_name(self) -> str:
        """Who we say to be: the address that we come from."""
        address = self._client.get_transport_info("sockname")[0]
        return f"[IPv6:{address}]" if ":" in address else f"[{address}]"

    async def _start_tls(self, until: float) -> None:
        if not self._client.supports_extension("starttls"):
            detail = f"{self._name} does not offer STARTTLS; it is required, since without it anybody could listen in"
            raise OwnFaultError(Component.SMTP, SmtpFault.STARTTLS_MISSING, detail)
        self._client.transcript.said("STARTTLS")
        try:
            with self._client.at(SmtpStep.STARTTLS):
                reply = await self._client.starttls(server_hostname=self._certified_as, timeout=self._patience(until))
        except ssl.SSLError as error:
            raise self._no_connection(error) from error
        self._client.heard(reply)
        self._note_tls()
        await self._ehlo(until)

    async def _log_in(self, username: str, until: float) -> None:
        if self._tokens is None:
            self._client.echo = Echo(password := self._password())
            await self._prove(Login(username, password, self._patience(until)))
            self.login = "AUTH ok"
            return
        token = await self._token(self._tokens, until)
        try:
            by = await self._show(username, token, until)
        except Refusal as refusal:  # it may have been revoked before its end
            if refusal.temporary or not self._tokens.worth_renewing(token, username):
                raise
            token = await self._token(self._tokens, until, token)
            by = await self._show(username, token, until)
        self._tokens.accepted(username)
        self.login = f"AUTH by {by} ok ({token.told()})"

    def _password(self) -> str:
        try:
            return self._server.password.reveal() if self._server.password else ""
        except ValueError as error:
            raise OwnFaultError(Component.CONFIG, SmtpFault.SECRET_MISSING, str(error)) from error

    async def _token(self, tokens: Tokens, until: float, refused: Token | None = None) -> Token:
        """A token that is good as far as we know, and is not ``refused``. Raises OwnFaultError."""
        seconds = self._patience(until, TOKEN.seconds)
        name = f"no access token for {self._server.username}"
        try:
            async with asyncio.timeout(seconds):
                return await tokens.aget(refused)
        except TimeoutError as error:
            detail = f"{name} within {seconds:g} s"
            raise OwnFaultError(Component.SMTP, SmtpFault.TOKEN_UNAVAILABLE, detail) from error
        except TokenError as error:
            fault = SmtpFault.TOKEN_UNAVAILABLE if error.away else SmtpFault.TOKEN_REFUSED
            raise OwnFaultError(Component.SMTP, fault, f"{name}: {error}") from error

    async def _show(self, username: str, token: Token, until: float) -> str:
        assert self._tokens is not None
        self._client.echo = self._tokens.echo()
        try:
            return await self._prove(Login(username, token.value, self._patience(until), is_token=True))
        except Refusal as refusal:  # of another tenant, or without a role, it shows itself by what it was for
            raise Refusal(refusal.step, refusal.code, f"{refusal.text} (shown was: {token.told()})") from refusal

    async def _prove(self, login: Login) -> str:
        """Log in; returns by which method."""
        self._client.authenticating = True
        try:
            with self._client.at(SmtpStep.AUTH):
                return await log_in(self._client, login, self._manners)
        except aiosmtplib.SMTPException as error:  # no AUTH offered, or none of its methods known
            detail = f"{self._name}: {self._client.printable(error.message)}"
            raise OwnFaultError(Component.SMTP, SmtpFault.AUTH_FAILED, detail) from error
        finally:
            self._client.authenticating = False

    def _must_be_quiet(self, step: SmtpStep) -> None:
        """What was said unasked would be taken for the reply to what we say next."""
        if not self._stream.quiet:
            raise Lost(step, SmtpFault.CONNECTION_LOST, "the server hung up or spoke unasked")

    def _mail(self, envelope: Envelope) -> str:
        command = f"MAIL FROM:<{envelope.sender}>"
        if self._notifies(envelope):
            command += f" ENVID={_xtext(envelope.notify_as or '')}"
        return command

    def _rcpt(self, envelope: Envelope) -> str:
        command = f"RCPT TO:<{envelope.recipient}>"
        if self._notifies(envelope):
            command += f" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{_xtext(envelope.recipient)}"
        return command

    def _notifies(self, envelope: Envelope) -> bool:
        """Whether notifications are wanted, and can be asked for (RFC 3461 section 4)."""
        return envelope.notify_as is not None and self._client.supports_extension("dsn")

    def _say(self, *commands: str) -> None:
        """Send commands together, before any of their replies.

        The server goes on to the next after a refused one: the connection must be closed then, not used again.
        """
        if not all(command.isprintable() for command in commands):
            raise ValueError(f"a command with a control character in it: {commands!a}")
        for command in commands:
            self._client.transcript.said(command)
        self._stream.write("".join(f"{command}\r\n" for command in commands).encode("ascii"))

    async def _hear(self, step: SmtpStep, until: float, wanted: int = 2) -> None:
        """Take the reply to ``step``. Raises Refusal, or Lost, if its first digit is another than ``wanted``."""
        patience = self._patience(until)
        if self._together:  # then there is to be as much time again for saying it one by one
            patience = min(patience, SMTP_TOGETHER.seconds or patience, self._patience(until, math.inf) / 2)
        try:
            code, text = await self._reply(step, patience)
            if code // 100 != wanted:
                raise unwanted(step, code, text)
        except (Refusal, Lost) as error:
            if self._together and may_be_misheard(error):
                raise Misheard(error) from error
            raise

    async def _reply(self, step: SmtpStep, within: float) -> tuple[int, str]:
        try:
            return self._client.heard(aiosmtplib.SMTPResponse(*await self._stream.reply(within)))
        except TimeoutError as error:
            if not self._together:
                self._manners.was_slow(self._server.timeout)
            raise Lost(step, SmtpFault.TIMEOUT, "no reply in time") from error
        except ConnectionError as error:
            raise Lost(step, SmtpFault.CONNECTION_LOST, "connection lost") from error
        except ValueError as error:
            raise Lost(step, SmtpFault.PROTOCOL_ERROR, self._client.printable(str(error))) from error

    async def _send_content(self, content: bytes, until: float) -> str:
        """The message up to its dot. From the first byte on, no failure but a refusal says that it was not taken."""
        self._must_be_quiet(SmtpStep.DATA)
        said = f"<message of {len(content)} bytes, SHA-256 {sha256(content).hexdigest()}>"
        self._client.transcript.said(said)
        self._stream.write(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        code, text = await self._reply(SmtpStep.END, self._patience(until, SMTP_END_OF_DATA.seconds))
        if code // 100 != 2:
            raise unwanted(SmtpStep.END, code, text)
        return in_words(SmtpStep.END, code, text)

    def _patience(self, until: float, most: float | None = None) -> float:
        """Seconds to wait for one reply: at most as long as is right for the server (or ``most``), until ``until``."""
        usual = self._server.timeout * self._manners.patience
        return max(0.001, min(most or usual, until - self._clock.monotonic()))

    @property
    def _name(self) -> str:
        return f"{self._server.host}:{self._server.port}"

    def _note_tls(self) -> None:
        tls = self._client.get_transport_info("ssl_object")
        if tls is not None:
            self.secured = f"{'STARTTLS ' if self._server.tls is Tls.STARTTLS else ''}{tls.version()}"
            self._client.transcript.note(f"{tls.version()}, {tls.cipher()[0]}, certificate verified")

    def _too_late(self, seconds: float) -> CanaryError:
        """The fault behind a connection that took too long in all."""
        detail = f"{self._name}: no connection within {seconds:g} s, greeting, TLS and AUTH included"
        return OwnFaultError(Component.SMTP, SmtpFault.TIMEOUT, detail)

    def _no_connection(self, error: Exception) -> CanaryError:
        """The fault behind a connection that did not come about."""
        cause = error if isinstance(error, ssl.SSLError) else error.__cause__
        component, fault = Component.SMTP, SmtpFault.UNREACHABLE
        if isinstance(cause, ssl.SSLError):
            fault = SmtpFault.TLS_FAILED
        elif isinstance(cause, socket.gaierror) or isinstance(error, UnicodeError):
            component, fault = Component.DNS, SmtpFault.NAME_NOT_FOUND
        elif isinstance(error, TimeoutError):
            fault = SmtpFault.TIMEOUT
        elif isinstance(error, aiosmtplib.SMTPResponseException):
            fault = SmtpFault.PROTOCOL_ERROR
        return OwnFaultError(component, fault, f"{self._name}: {self._client.printable(str(error))}")


def _xtext(value: str) -> str:
    return _XTEXT.sub(lambda match: f"+{ord(match[0]):02X}", value)


def _is_late(error: TimeoutError | Lost | OwnFaultError) -> bool:
    """Whether it is for want of time that there is no connection."""
    if isinstance(error, TimeoutError):
        return True
    return (error.fault if isinstance(error, Lost) else error.reason) == SmtpFault.TIMEOUT
