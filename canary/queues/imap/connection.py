"""One IMAP connection: opened with its TLS checked, waited on with IDLE, and every way in which it can fail named.

It differs from a plain IMAPClient where a watcher that runs for months needs it to. It reads the socket through a
buffer of its own, so that what the server said together with something else is never overlooked, a line that arrives
in two pieces is no error (mjs/imapclient#519), and bytes slipped in before STARTTLS are refused. And every wait ends at
once when the watcher is stopped.
"""

from __future__ import annotations

import base64
import contextlib
import imaplib
import select
import socket
import ssl
from enum import StrEnum
from typing import Any, Self

from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, LoginError

from canary.model import Component, OwnFaultError
from canary.queues.loop import Stop, StoppedError
from canary.settings import Server, Tls

_LONGEST_LINE = 1_000_000
_LARGEST_LITERAL = 128 * 1024 * 1024
_CHUNK = 65536
_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED


class Reason(StrEnum):
    """Why a mailbox cannot be read: the closed list of ``reason`` for :attr:`Component.IMAP`."""

    SECRET = "secret"  # noqa: S105  the password could not be read
    CA_FILE = "ca_file"  # the trusted CAs could not be read
    DNS = "dns"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TLS_EXPIRED = "tls_expired"
    TLS_UNTRUSTED = "tls_untrusted"  # an unknown CA, or another server's certificate
    TLS_FAILED = "tls_failed"
    NO_STARTTLS = "no_starttls"  # not offered, or stripped on the way
    LOGIN_REFUSED = "login_refused"
    LOGIN_UNAVAILABLE = "login_unavailable"  # the server cannot tell at the moment (RFC 5530)
    FOLDER_MISSING = "folder_missing"
    CLEAN_UP_REFUSED = "clean_up_refused"
    DISCONNECTED = "disconnected"  # end of file, reset, BYE, or an answer that breaks the protocol
    PROTOCOL = "protocol"  # a command refused
    UNEXPECTED = "unexpected"  # a fault of the watcher itself


def fault(reason: Reason, detail: str) -> OwnFaultError:
    """A fault of ours with a mailbox."""
    return OwnFaultError(Component.IMAP, reason.value, detail)


def explain(error: Exception, server: Server) -> OwnFaultError:
    """Whatever was raised while ``server`` was talked to, as a fault of ours."""
    if isinstance(error, OwnFaultError):
        return error
    return fault(_reason(error), f"{server.host}:{server.port}: {type(error).__name__}: {str(error)[:300]}")


def _reason(error: Exception) -> Reason:
    match error:
        case ssl.SSLCertVerificationError():
            return Reason.TLS_EXPIRED if error.verify_code == _EXPIRED else Reason.TLS_UNTRUSTED
        case ssl.SSLEOFError() | ConnectionResetError() | BrokenPipeError() | imaplib.IMAP4.abort():
            return Reason.DISCONNECTED
        case ssl.SSLError():
            return Reason.TLS_FAILED
        case socket.gaierror():
            return Reason.DNS
        case TimeoutError():
            return Reason.TIMEOUT
        case OSError():
            return Reason.UNREACHABLE
        case CapabilityError():
            return Reason.NO_STARTTLS
        case imaplib.IMAP4.error():
            return Reason.DISCONNECTED if "BYE" in str(error) else Reason.PROTOCOL
    return Reason.UNEXPECTED


class _Wire(imaplib.IMAP4):
    """The protocol over a socket that is read through a buffer which can be looked into."""

    def __init__(self, server: Server, context: ssl.SSLContext | None, stop: Stop) -> None:
        self._context = context if server.tls is Tls.IMPLICIT else None
        self._stop, self._patience = stop, server.timeout
        self._buffer = bytearray()
        super().__init__(server.host, server.port, server.timeout)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = socket.create_connection((self.host, self.port), timeout)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            return self._context.wrap_socket(plain, server_hostname=self.host) if self._context else plain
        except BaseException:
            plain.close()
            raise

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> tuple[Any, list[Any]]:
        assert ssl_context is not None
        status, data = self._simple_command("STARTTLS")
        if status != "OK":
            raise CapabilityError(f"STARTTLS refused: {data!r}")
        if self._buffer:
            raise self.abort("the server, or somebody on the way, sent more than the answer before TLS began")
        self.untagged_responses: dict[str, list[Any]] = {}
        self.sock = ssl_context.wrap_socket(self.sock, server_hostname=self.host)
        self._tls_established = True
        self._get_capabilities()
        return status, data

    def readline(self) -> bytes:
        seen = 0
        while (end := self._buffer.find(b"\n", seen)) < 0:
            seen = len(self._buffer)
            if seen > _LONGEST_LINE:
                raise self.abort(f"a line of more than {_LONGEST_LINE} bytes")
            if not self._fill():
                return self._take(seen)
        return self._take(end + 1)

    def read(self, size: int) -> bytes:
        if size > _LARGEST_LITERAL:
            raise self.abort(f"a literal of {size} bytes, more than was asked for")
        while len(self._buffer) < size and self._fill():
            pass
        return self._take(size)

    def heard(self, seconds: float) -> bool:
        """Whether the server says anything within so many seconds. Raises StoppedError."""
        return bool(self._buffer) or self._readable(seconds)

    def _readable(self, seconds: float) -> bool:
        if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
            return True
        poller = select.poll()
        poller.register(self._stop.socket, select.POLLIN)
        poller.register(self.sock, select.POLLIN)
        ready = [descriptor for descriptor, _ in poller.poll(max(seconds, 0) * 1000)]
        if self._stop.socket.fileno() in ready:
            raise StoppedError
        return bool(ready)

    def _fill(self) -> bool:
        """Add to the buffer what has come; False at the end of file."""
        if not self._readable(self._patience):
            raise TimeoutError(f"no answer within {self._patience:g} s")
        chunk = self.sock.recv(_CHUNK)
        self._buffer += chunk
        return bool(chunk)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


class Connection(IMAPClient):  # type: ignore[misc]
    """A logged-in connection. Made by :func:`connect`; a context manager that closes it without waiting."""

    def __init__(self, server: Server, context: ssl.SSLContext | None, stop: Stop) -> None:
        self._server, self._tls_settings, self._stop = server, context, stop
        self.selected: str | None = None
        """The folder that is open, read-only."""
        self._identity: dict[str, int] = {}
        super().__init__(server.host, server.port, ssl=server.tls is Tls.IMPLICIT, timeout=server.timeout)
        self._imap.debug = 0  # neither the cost of a log that nobody reads nor passwords in it
        self.normalise_times = False

    def _create_IMAP4(self) -> _Wire:  # noqa: N802
        return _Wire(self._server, self._tls_settings, self._stop)

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(Exception):
            self._imap.send(b"LAST LOGOUT\r\n")  # polite; a server that hangs must not keep us waiting for its answer
        with contextlib.suppress(Exception):
            self.shutdown()

    def examine(self, folder: str, *, again: bool = False) -> dict[str, int]:
        """Have ``folder`` open read-only and up to date; returns its ``uidvalidity`` and ``uidnext``.

        ``uidnext`` is that of the last real EXAMINE, which ``again`` demands. Raises OwnFaultError (folder_missing).
        """
        if again or self.selected != folder:
            self.selected = None
            try:
                answer = self.select_folder(folder, readonly=True)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                raise self._missing(folder, error) from error
            self.selected = folder
            self._identity = {"uidvalidity": answer.get(b"UIDVALIDITY", 0), "uidnext": answer.get(b"UIDNEXT", 1)}
        else:
            self.noop()
        self._imap.untagged_responses.pop("EXISTS", None)  # whatever comes from here on is news
        return self._identity

    def status(self, folder: str, items: tuple[str, ...]) -> dict[bytes, int]:
        """The answer to STATUS, by item. Raises OwnFaultError (folder_missing)."""
        try:
            answer: dict[bytes, int] = self.folder_status(folder, items)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise self._missing(folder, error) from error
        return answer

    def open_for_writing(self, folder: str) -> int:
        """SELECT ``folder``, for clean-up; returns its UIDVALIDITY."""
        self.selected = None
        return int(self.select_folder(folder).get(b"UIDVALIDITY", 0))

    def idle(self, seconds: float) -> bool:
        """IDLE in the open folder for at most so many seconds; True as soon as the server says anything.

        Not only new mail counts: whoever waits here looks into the folder anyway, and that costs little.
        """
        wire = self._imap
        if wire.untagged_responses.pop("EXISTS", None):
            return True  # told with the answer to an earlier command; the server will not say it again
        tag = wire._command("IDLE")
        heard = False
        while wire._get_response() is not None:  # None is the server's "+ idling"
            if wire.tagged_commands[tag] is not None:
                raise wire.error(f"IDLE refused: {wire.tagged_commands.pop(tag)!r}")
            heard = True
        heard = heard or wire.heard(seconds)
        wire.send(b"DONE\r\n")
        wire._command_complete("IDLE", tag)
        return heard

    def _missing(self, folder: str, error: Exception) -> OwnFaultError:
        where = f"{self._server.username} on {self._server.host}:{self._server.port}"
        return fault(Reason.FOLDER_MISSING, f"folder {folder!r} of {where} cannot be opened: {str(error)[:200]}")

    def sign_in(self, username: str, password: str) -> Self:
        """Log in, by AUTHENTICATE PLAIN where there is one: it takes any character. Raises OwnFaultError."""
        try:
            if self.has_capability("AUTH=PLAIN"):
                self.plain_login(username, password)
            else:
                self.login(username, password)
        except UnicodeEncodeError:
            raise fault(Reason.SECRET, "the password is not ASCII, and the server has no AUTH=PLAIN") from None
        except LoginError as error:
            if isinstance(error.__context__, imaplib.IMAP4.abort):
                raise error.__context__ from None
            said = _without(str(error), username, password)
            reason = Reason.LOGIN_UNAVAILABLE if "[UNAVAILABLE]" in said else Reason.LOGIN_REFUSED
            detail = f"{self._server.host}:{self._server.port} refuses the login of {username}: {said[:200]}"
            raise fault(reason, detail) from None
        return self


def _without(text: str, username: str, password: str) -> str:
    """``text`` without the password: a server may repeat what it was sent."""
    sent = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
    return text.replace(password, "<secret>").replace(sent, "<secret>")


def connect(server: Server, stop: Stop) -> Connection:
    """A connection to ``server``, protected as its settings say, and logged in.

    The password is read anew each time. Raises OwnFaultError, or StoppedError.
    """
    assert server.username is not None
    assert server.password is not None
    try:
        password = server.password.reveal()
    except ValueError as error:
        raise fault(Reason.SECRET, str(error)) from None
    try:
        context = server.tls_context()
    except OSError as error:
        raise fault(Reason.CA_FILE, f"{server.ca_file}: {error}") from error
    connection = None
    try:
        connection = Connection(server, context, stop)
        if server.tls is Tls.STARTTLS:
            connection.starttls(context)
        return connection.sign_in(server.username, password)
    except BaseException as error:
        if connection is not None:
            connection.__exit__()
        if isinstance(error, Exception) and not isinstance(error, StoppedError):
            raise explain(error, server) from error
        raise
