"""The dialogue with a submission server (RFC 5321), written down as it goes, over connections that are kept a while.

Nothing here decides what a failure means for a probe: :class:`Refusal`, :class:`Lost` and
:class:`canary.model.OwnFaultError` tell what happened and at which command.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Literal, cast

import aiosmtplib
from aiosmtplib.typing import Default

from canary.channels.email.stream import Stream
from canary.model import CanaryError, Component, OwnFaultError
from canary.settings import Server, Tls

END_OF_DATA = 600.0
"""Seconds to wait for the reply to the final dot, since servers scan meanwhile (RFC 5321 section 4.5.3.2.6)."""

_UNPRINTABLE = re.compile(r"[^\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XTEXT = re.compile(r"[^!-*,-<>-~]")


class OwnReason(StrEnum):
    """What is broken on our side of the submission; a closed set, since it is a metric label."""

    UNREACHABLE = "unreachable"
    NAME_NOT_FOUND = "name_not_found"  # component dns
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    TLS_FAILED = "tls_failed"
    STARTTLS_MISSING = "starttls_missing"
    SECRET_MISSING = "secret_missing"  # noqa: S105
    AUTH_FAILED = "auth_failed"
    SESSION_REFUSED = "session_refused"  # at the greeting or EHLO
    SENDER_REFUSED = "sender_refused"
    DEFERRED = "deferred"  # nothing but temporary refusals before RCPT TO
    PROTOCOL_ERROR = "protocol_error"


class Step(StrEnum):
    """Where in the dialogue something happened, in the words of a reason."""

    GREETING = "the greeting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"
    END = "the end of DATA"
    NOOP = "NOOP"


class Refusal(CanaryError):  # noqa: N818
    """The server said no: a reply of 400 to 599, after which it has not taken the message."""

    def __init__(self, step: Step, code: int, text: str) -> None:
        super().__init__(in_words(step, code, text))
        self.step, self.code = step, code

    @property
    def temporary(self) -> bool:
        """Whether the same may be tried again (RFC 5321 section 4.2.1)."""
        return self.code < 500


class Lost(CanaryError):  # noqa: N818
    """No reply that could be understood. At :attr:`Step.END` it is not known whether the message was taken."""

    def __init__(self, step: Step, reason: OwnReason, detail: str) -> None:
        super().__init__(f"{detail} (at {step})")
        self.step, self.reason = step, reason


def in_words(step: Step, code: int, text: str) -> str:
    """A reply as a reason: the whole of it on one line, and at which command."""
    return f"{code} {' / '.join(text.splitlines())} (at {step})"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message to one recipient; ``content`` is as it was recorded, with CRLF line ends."""

    sender: str
    recipient: str
    content: bytes = field(repr=False)
    request_dsn: bool = False


class Transcript:
    """What was said, with seconds since the start. It never holds a secret, nor the message itself."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.connected: float | None = None
        self._lines: list[tuple[float, str]] = []

    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def note(self, text: str) -> None:
        """Something that is neither a command nor a reply."""
        self._lines.append((self.seconds(), f"-- {text}"))

    def said(self, command: str) -> None:
        """A command of ours."""
        self._lines.append((self.seconds(), f"C: {command}"))

    def heard(self, code: int, text: str) -> None:
        """A reply of the server's, of one or more lines."""
        *first, last = text.split("\n")
        at = self.seconds()
        self._lines += [(at, f"S: {code}-{line}") for line in first]
        self._lines.append((at, f"S: {code} {last}"))

    def render(self) -> bytes:
        """The whole of it as UTF-8 text."""
        return "".join(f"{at:9.3f} {line}\n" for at, line in self._lines).encode()


class _Client(aiosmtplib.SMTP):
    """An SMTP client that writes down what is said, and whose replies are safe to print."""

    AUTH_METHODS = ("plain", "login", "cram-md5")
    transcript: Transcript
    secrets: tuple[str, ...] = ()
    authenticating = False

    async def execute_command(
        self,
        *args: bytes,
        timeout: float | Literal[Default.token] | None = Default.token,  # noqa: ASYNC109, the library's own
    ) -> aiosmtplib.SMTPResponse:
        self.transcript.said(self._shown(args))
        return self.heard(await super().execute_command(*args, timeout=timeout))

    def heard(self, response: aiosmtplib.SMTPResponse) -> aiosmtplib.SMTPResponse:
        """Write down a reply; returns it with nothing in it that is unprintable or secret."""
        clean = aiosmtplib.SMTPResponse(response.code, self.printable(response.message))
        self.transcript.heard(*clean)
        return clean

    def printable(self, text: str) -> str:
        text = _UNPRINTABLE.sub("?", text)
        for secret in self.secrets:
            text = text.replace(secret, "<secret>")
        return text

    def _shown(self, args: tuple[bytes, ...]) -> str:
        if self.authenticating:
            public = args[:2] if args[0] == b"AUTH" else ()
            self.secrets += tuple(arg.decode("ascii") for arg in args[len(public) :])
            args = (*public, *(b"<secret>" for _ in args[len(public) :]))
        return b" ".join(args).decode("ascii")


class Connection:
    """One connection to a submission server, with TLS and AUTH done."""

    _stream: Stream  # from the end of :meth:`open` on

    def __init__(self, server: Server, client: _Client) -> None:
        self._server, self._client = server, client
        self.expiry: asyncio.TimerHandle | None = None
        self.secured = "no TLS"

    @classmethod
    async def open(
        cls, server: Server, context: ssl.SSLContext | None, transcript: Transcript, until: float
    ) -> Connection:
        """Connect, secure, and log in, by ``until`` (monotonic). Raises Refusal, Lost or OwnFaultError."""
        client = _Client(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls is Tls.IMPLICIT,
            start_tls=False,
            tls_context=context,
            local_hostname="localhost",  # not used: EHLO names the address we come from, as mail programs do
        )
        client.transcript = transcript
        connection = cls(server, client)
        try:
            await connection._greet(until)
            if server.tls is Tls.STARTTLS:
                await connection._start_tls(until)
            if server.username is not None:
                await connection._log_in(server.username, until)
            if client.transport is None:
                raise Lost(Step.MAIL, OwnReason.CONNECTION_LOST, "connection lost")
            connection._stream = Stream(cast(asyncio.Transport, client.transport))
            transcript.connected = transcript.seconds()
        except BaseException:
            client.close()
            raise
        return connection

    def resume(self, transcript: Transcript) -> None:
        """Take the connection out of its idleness; what follows is written down in ``transcript``."""
        if self.expiry is not None:
            self.expiry.cancel()
        self._client.transcript = transcript
        transcript.note(f"using a kept connection to {self._name}, {self.secured}")
        transcript.connected = transcript.seconds()

    async def begin(self, envelope: Envelope, until: float) -> None:
        """Begin a message, as far as MAIL FROM; nothing was sent that cannot be begun again elsewhere if it fails."""
        self._must_be_quiet(Step.MAIL)
        if self._takes_several:
            self._say(self._mail(envelope), self._rcpt(envelope), "DATA")
        else:
            self._say(self._mail(envelope))
        await self._hear(Step.MAIL, until)

    async def hand_over(self, envelope: Envelope, until: float) -> str:
        """Name the recipient and send the message that was begun; returns the reply that took it."""
        if not self._takes_several:
            self._say(self._rcpt(envelope))
        await self._hear(Step.RCPT, until)
        if not self._takes_several:
            self._say("DATA")
        await self._hear(Step.DATA, until, wanted=3)
        return await self._send_content(envelope.content, until)

    async def noop(self, until: float) -> None:
        """See whether the server still answers."""
        self._say("NOOP")
        await self._hear(Step.NOOP, until)

    def close(self) -> None:
        """Say goodbye and let go, without waiting for the answer."""
        if self.expiry is not None:
            self.expiry.cancel()
        self._stream.write(b"QUIT\r\n")
        self._client.close()

    async def _greet(self, until: float) -> None:
        server, transcript = self._server, self._client.transcript
        transcript.note(f"connecting to {server.host} port {server.port}, {server.tls}")
        try:
            greeting = await self._client.connect(timeout=self._patience(until))
        except aiosmtplib.SMTPConnectResponseError as error:
            text = self._client.printable(error.message)
            transcript.heard(error.code, text)
            raise _refusal(Step.GREETING, error.code, text) from error
        except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:  # the last for a name that is no name
            raise self._no_connection(error) from error
        self._client.heard(greeting)
        self._note_tls()
        await self._ehlo(until)

    async def _ehlo(self, until: float) -> None:
        with _told(self._client, Step.EHLO):
            address = self._client.get_transport_info("sockname")[0]
            literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
            await self._client.ehlo(hostname=literal, timeout=self._patience(until))

    async def _start_tls(self, until: float) -> None:
        if not self._client.supports_extension("starttls"):
            detail = f"{self._name} does not offer STARTTLS; it is required, since without it anybody could listen in"
            raise OwnFaultError(Component.SMTP, OwnReason.STARTTLS_MISSING, detail)
        self._client.transcript.said("STARTTLS")
        try:
            with _told(self._client, Step.STARTTLS):
                reply = await self._client.starttls(timeout=self._patience(until))
        except ssl.SSLError as error:
            raise self._no_connection(error) from error
        self._client.heard(reply)
        self._note_tls()
        await self._ehlo(until)

    async def _log_in(self, username: str, until: float) -> None:
        try:
            password = self._server.password.reveal() if self._server.password else ""
        except ValueError as error:
            raise OwnFaultError(Component.CONFIG, OwnReason.SECRET_MISSING, str(error)) from error
        self._client.secrets, self._client.authenticating = (password,), True
        try:
            with _told(self._client, Step.AUTH):
                await self._client.login(username, password, timeout=self._patience(until))
        except aiosmtplib.SMTPException as error:  # no AUTH offered, or none of its methods known
            detail = f"{self._name}: {self._client.printable(error.message)}"
            raise OwnFaultError(Component.SMTP, OwnReason.AUTH_FAILED, detail) from error
        finally:
            self._client.authenticating = False

    @property
    def _takes_several(self) -> bool:
        """Whether the server takes several commands at a time (RFC 2920)."""
        return self._client.supports_extension("pipelining")

    def _must_be_quiet(self, step: Step) -> None:
        """What was said unasked would be taken for the reply to what we say next."""
        if not self._stream.quiet:
            raise Lost(step, OwnReason.CONNECTION_LOST, "the server hung up or spoke unasked")

    def _mail(self, envelope: Envelope) -> str:
        return f"MAIL FROM:<{envelope.sender}>"

    def _rcpt(self, envelope: Envelope) -> str:
        command = f"RCPT TO:<{envelope.recipient}>"
        if envelope.request_dsn and self._client.supports_extension("dsn"):  # RFC 3461 section 4
            original = _XTEXT.sub(lambda match: f"+{ord(match[0]):02X}", envelope.recipient)
            command += f" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{original}"
        return command

    def _say(self, *commands: str) -> None:
        """Say these at once. A refusal of one is a refusal of the message, so the connection ends with the first."""
        if not all(command.isprintable() for command in commands):
            raise ValueError(f"a command with a control character in it: {commands!a}")
        for command in commands:
            self._client.transcript.said(command)
        self._stream.write("".join(f"{command}\r\n" for command in commands).encode("ascii"))

    async def _hear(self, step: Step, until: float, wanted: int = 2) -> None:
        """Take the reply to ``step``. Raises Refusal, or Lost, if its first digit is another than ``wanted``."""
        code, text = await self._reply(step, self._patience(until))
        if code // 100 != wanted:
            raise _refusal(step, code, text)

    async def _reply(self, step: Step, within: float) -> tuple[int, str]:
        try:
            return self._client.heard(aiosmtplib.SMTPResponse(*await self._stream.reply(within)))
        except TimeoutError as error:
            raise Lost(step, OwnReason.TIMEOUT, "no reply in time") from error
        except ConnectionError as error:
            raise Lost(step, OwnReason.CONNECTION_LOST, "connection lost") from error
        except ValueError as error:
            raise Lost(step, OwnReason.PROTOCOL_ERROR, self._client.printable(str(error))) from error

    async def _send_content(self, content: bytes, until: float) -> str:
        """The message up to its dot. From the first byte on, no failure but a refusal says that it was not taken."""
        self._must_be_quiet(Step.DATA)
        said = f"<message of {len(content)} bytes, SHA-256 {sha256(content).hexdigest()}>"
        self._client.transcript.said(said)
        self._stream.write(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        code, text = await self._reply(Step.END, max(0.001, min(END_OF_DATA, until - time.monotonic())))
        if code // 100 != 2:
            raise _refusal(Step.END, code, text)
        return in_words(Step.END, code, text)

    def _patience(self, until: float) -> float:
        return max(0.001, min(self._server.timeout, until - time.monotonic()))

    @property
    def _name(self) -> str:
        return f"{self._server.host}:{self._server.port}"

    def _note_tls(self) -> None:
        tls = self._client.get_transport_info("ssl_object")
        if tls is not None:
            self.secured = f"{'STARTTLS ' if self._server.tls is Tls.STARTTLS else ''}{tls.version()}"
            self._client.transcript.note(f"{tls.version()}, {tls.cipher()[0]}, certificate verified")

    def _no_connection(self, error: Exception) -> OwnFaultError:
        """The fault behind a connection that did not come about."""
        cause = error if isinstance(error, ssl.SSLError) else error.__cause__
        component, reason = Component.SMTP, OwnReason.UNREACHABLE
        if isinstance(cause, ssl.SSLError):
            reason = OwnReason.TLS_FAILED
        elif isinstance(cause, socket.gaierror) or isinstance(error, UnicodeError):
            component, reason = Component.DNS, OwnReason.NAME_NOT_FOUND
        elif isinstance(error, TimeoutError):
            reason = OwnReason.TIMEOUT
        elif isinstance(error, aiosmtplib.SMTPResponseException):
            reason = OwnReason.PROTOCOL_ERROR
        return OwnFaultError(component, reason, f"{self._name}: {self._client.printable(str(error))}")


def _refusal(step: Step, code: int, text: str) -> Refusal | Lost:
    if 400 <= code <= 599:
        return Refusal(step, code, text)
    return Lost(step, OwnReason.PROTOCOL_ERROR, f"unexpected reply {in_words(step, code, text)}")


@contextmanager
def _told(client: _Client, step: Step) -> Iterator[None]:
    """Tell the library's exceptions in our words; the library closes the connection where it must not go on."""
    try:
        yield
    except aiosmtplib.SMTPTimeoutError as error:
        raise Lost(step, OwnReason.TIMEOUT, "no reply in time") from error
    except aiosmtplib.SMTPServerDisconnected as error:
        raise Lost(step, OwnReason.CONNECTION_LOST, "connection lost") from error
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(step, error.code, client.printable(error.message)) from error
