"""One IMAP connection: opened with its TLS checked, waited on with IDLE, and every way in which it can fail named.

It differs from a plain IMAPClient where a watcher that runs for months needs it to; how it reads is in
:mod:`canary.queues.imap.wire`.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import socket
import ssl
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, LoginError

from canary.budgets import Budget, BudgetError
from canary.echo import Echo
from canary.model import Component, OwnFaultError
from canary.queues.imap.wire import Wire
from canary.queues.loop import Stop, StoppedError
from canary.settings import Server, Tls

_LONGEST_SAID = 8192
"""Characters of what a server says in which a password is looked for, and which are never all shown."""
_CODE = re.compile(
    r"\[(?:UNAVAILABLE|AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|EXPIRED|PRIVACYREQUIRED|CONTACTADMIN|INUSE|LIMIT"
    r"|SERVERBUG|CLIENTBUG|CANNOT|OVERQUOTA|NOPERM|ALERT)\]"
)
"""The response codes of RFC 5530 and RFC 3501 that a refused login may have."""
_UIDS = 1 << 32
"""More than the highest UID that there is (RFC 3501 section 2.3.1.1)."""
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
    TOO_MUCH = "too_much"  # an answer of more bytes, lines or seconds than its budget
    UNREADABLE = "unreadable"  # a message of more than its budget, or one that broke the reading: it was passed over
    UNEXPECTED = "unexpected"  # a fault of the watcher itself


def fault(reason: Reason, detail: str) -> OwnFaultError:
    """A fault of ours with a mailbox."""
    return OwnFaultError(Component.IMAP, reason.value, detail)


def explain(error: Exception, server: Server) -> OwnFaultError:
    """Whatever was raised while ``server`` was talked to, as a fault of ours."""
    if isinstance(error, OwnFaultError):
        return error
    said = quotable(str(error), server)
    return fault(_reason(error), f"{server.host}:{server.port}: {type(error).__name__}: {said}")


def quotable(text: str, server: Server, longest: int = 300) -> str:
    """What ``server`` says, cut, without the password in any form: it may repeat what it was sent."""
    try:
        password = server.password.reveal() if server.password else ""
    except ValueError:  # gone meanwhile; then it was told to nobody
        password = ""
    return Echo(password).removed(text[:_LONGEST_SAID])[:longest]


def _reason(error: Exception) -> Reason:
    match error:
        case BudgetError():
            return Reason.TOO_MUCH
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


@dataclass(frozen=True, slots=True)
class Identity:
    """A folder as the last real EXAMINE told: its numbering, the UID that will be next, how many messages there are."""

    uidvalidity: int
    uidnext: int
    exists: int


class Connection(IMAPClient):  # type: ignore[misc]
    """A logged-in connection. Made by :func:`connect`; a context manager that closes it without waiting."""

    def __init__(self, server: Server, context: ssl.SSLContext | None, stop: Stop) -> None:
        self._server, self._tls_settings, self._stop = server, context, stop
        self.selected: str | None = None
        """The folder that is open, read-only."""
        self.identity = Identity(0, 1, 0)
        """Which numbering it has, and how full it was."""
        super().__init__(server.host, server.port, ssl=server.tls is Tls.IMPLICIT, timeout=server.timeout)
        self._imap.debug = 0  # neither the cost of a log that nobody reads nor passwords in it
        self.normalise_times = False

    def _create_IMAP4(self) -> Wire:  # noqa: N802
        return Wire(self._server, self._tls_settings, self._stop)

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(Exception):
            self._imap.send(b"LAST LOGOUT\r\n")  # polite; a server that hangs must not keep us waiting for its answer
        with contextlib.suppress(Exception):
            self.shutdown()

    def examine(self, folder: str, *, again: bool = False) -> Identity:
        """Have ``folder`` open read-only and up to date; ``again`` demands a real EXAMINE.

        Raises OwnFaultError (folder_missing).
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
            uidnext = min(answer.get(b"UIDNEXT", 1), _UIDS)
            self.identity = Identity(answer.get(b"UIDVALIDITY", 0), uidnext, answer.get(b"EXISTS", 0))
        else:
            self.noop()
        self._imap.untagged_responses.pop("EXISTS", None)  # whatever comes from here on is news
        return self.identity

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

    def within(self, budget: Budget) -> AbstractContextManager[None]:
        """Have the answers of the commands in it cost no more than another budget than the usual one."""
        return self._imap.within(budget)  # type: ignore[no-any-return]  # IMAPClient has no types

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
        wire.expect_answer()
        wire.send(b"DONE\r\n")
        wire._command_complete("IDLE", tag)
        return heard

    def _missing(self, folder: str, error: Exception) -> OwnFaultError:
        where = f"{self._server.username} on {self._server.host}:{self._server.port}"
        return fault(Reason.FOLDER_MISSING, f"folder {folder!r} of {where} cannot be opened: {self.quotable(error)}")

    def quotable(self, error: Exception) -> str:
        """What the server said, without the password."""
        return quotable(str(error), self._server)

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
            raise self._refused(username, str(error), Echo(password)) from None
        return self

    def _refused(self, username: str, text: str, echo: Echo) -> OwnFaultError:
        """A refused login, in the server's words; where they may repeat the password, by no more than their code."""
        said = echo.removed(text[:_LONGEST_SAID])
        code = _CODE.search(text)
        if echo.suspected(said):
            said = f"{code[0] if code else 'without a code'} (the rest may repeat the password, and is not shown)"
        reason = Reason.LOGIN_UNAVAILABLE if code and code[0] == "[UNAVAILABLE]" else Reason.LOGIN_REFUSED
        detail = f"{self._server.host}:{self._server.port} refuses the login of {username}: {said[:200]}"
        return fault(reason, detail)


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
