"""Every way in which a mailbox cannot be read, by a name of its own, in words without the password."""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from enum import StrEnum

from imapclient.exceptions import CapabilityError

from canary.budgets import BudgetError
from canary.echo import Echo
from canary.model import Component, OwnFaultError
from canary.queues.loop import StoppedError
from canary.settings import Server

LONGEST_SAID = 8192
"""Characters of what a server says in which a password is looked for, and which are never all shown."""
CODES = frozenset(
    {
        "UNAVAILABLE", "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN",
        "NOPERM", "INUSE", "EXPUNGEISSUED", "CORRUPTION", "SERVERBUG", "CLIENTBUG", "CANNOT", "LIMIT", "OVERQUOTA",
        "ALREADYEXISTS", "NONEXISTENT", "ALERT", "TRYCREATE",
    }
)  # fmt: skip
"""The response codes by which a command may be refused (RFC 5530 section 3, RFC 3501 section 7.1)."""
_CODE = re.compile(r"\[([A-Z]+)[^\]\[]{0,200}\]")
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
    LOGIN_UNSUPPORTED = "login_unsupported"  # it takes no password, or none over such a connection
    TOKEN_REFUSED = "token_refused"  # noqa: S105  the token server gives none, and something must be changed
    TOKEN_UNAVAILABLE = "token_unavailable"  # noqa: S105  the token server does not answer, or answers nonsense
    FOLDER_MISSING = "folder_missing"
    FOLDER_UNAVAILABLE = "folder_unavailable"  # it is there, and is not opened: busy, broken, or not for us
    SEARCH_REFUSED = "search_refused"  # texts are not searched: what has its mark in the header is found all the same
    CLEAN_UP_REFUSED = "clean_up_refused"
    DISCONNECTED = "disconnected"  # end of file, reset, BYE, or an answer that breaks the protocol
    PROTOCOL = "protocol"  # a command refused
    TOO_MUCH = "too_much"  # an answer of more bytes, lines or seconds than its budget
    UNREADABLE = "unreadable"  # a message that is too long, is not given out, or broke the reading: it was passed over
    UNEXPECTED = "unexpected"  # a fault of the watcher itself


def fault(reason: Reason, detail: str) -> OwnFaultError:
    """A fault of ours with a mailbox."""
    return OwnFaultError(Component.IMAP, reason.value, detail)


def code_of(said: str) -> str | None:
    """The response code in a server's refusal, without what follows in it; None where there is none that is known."""
    return next((code for code in _CODE.findall(said[:LONGEST_SAID]) if code in CODES), None)


def is_refusal(error: Exception) -> bool:
    """Whether one command was refused, or its answer cannot be parsed, on a connection that goes on."""
    ends = imaplib.IMAP4.abort | OSError | BudgetError | OwnFaultError | StoppedError | MemoryError
    return not isinstance(error, ends) and "BYE" not in str(error)


def explain(error: Exception, server: Server, echo: Echo) -> OwnFaultError:
    """Whatever was raised while ``server`` was talked to, as a fault of ours."""
    if isinstance(error, OwnFaultError):
        return error
    said = quotable(str(error), echo)
    return fault(_reason(error), f"{server.host}:{server.port}: {type(error).__name__}: {said}")


def quotable(text: str, echo: Echo, longest: int = 300) -> str:
    """What a server says, cut, without the password or token in any form: it may repeat what it was sent."""
    return echo.removed(text[:LONGEST_SAID])[:longest]


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
