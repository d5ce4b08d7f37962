"""How a mailbox is logged in to: by the best way that its server offers, and by none that it forbids."""

from __future__ import annotations

import imaplib
from collections.abc import Callable

from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from canary.echo import Echo
from canary.model import OwnFaultError
from canary.queues.imap.faults import LONGEST_SAID, Reason, code_of, fault
from canary.settings import Server, Tls

_PASSING = ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG")
"""Codes of a refusal that says nothing about the password (RFC 5530 section 3)."""
_FINAL = (*_PASSING, "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "CONTACTADMIN")
"""Codes of a refusal that another way of logging in would not change."""

Way = Callable[[IMAPClient, str, str], object]


def _plain(connection: IMAPClient, username: str, password: str) -> None:
    connection.plain_login(username, password)


def _login(connection: IMAPClient, username: str, password: str) -> None:
    connection.login(username, password)


def _sasl_login(connection: IMAPClient, username: str, password: str) -> None:
    answers = iter((username, password))
    connection.sasl_login("LOGIN", lambda _: next(answers, "").encode())


def _cram_md5(connection: IMAPClient, username: str, password: str) -> None:
    try:
        connection._imap.login_cram_md5(username, password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise LoginError(str(error)) from error


_WAYS: tuple[tuple[str, Way], ...] = (
    ("AUTH=PLAIN", _plain),  # takes any character
    ("LOGIN", _login),  # a command of every server that does not say LOGINDISABLED
    ("AUTH=LOGIN", _sasl_login),
    ("AUTH=CRAM-MD5", _cram_md5),
)
"""What we can, best first, by the capability that offers it."""


def sign_in(connection: IMAPClient, server: Server, username: str, password: str) -> None:
    """Log in; where a way is offered and broken, by the next one. Raises OwnFaultError.

    LOGIN is never sent where the server says LOGINDISABLED (RFC 3501 section 6.2.3).
    """
    offered = {capability.decode("latin-1").upper() for capability in connection.capabilities()}
    ways = [way for name, way in _WAYS if name in offered or (name == "LOGIN" and "LOGINDISABLED" not in offered)]
    if not ways:
        raise _unsupported(server, offered)
    refused: OwnFaultError | None = None
    for way in ways[:2]:  # an account is not to be locked by us
        try:
            way(connection, username, password)
        except UnicodeEncodeError:
            refused = refused or fault(Reason.SECRET, "the password is not ASCII, and the server has no AUTH=PLAIN")
        except LoginError as error:
            if isinstance(error.__context__, imaplib.IMAP4.abort):
                raise error.__context__ from None
            refused = refused or _refused(server, username, str(error), Echo(password))
            if code_of(str(error)) in _FINAL:
                break
        else:
            return
    assert refused is not None
    raise refused


def _unsupported(server: Server, offered: set[str]) -> OwnFaultError:
    """A server that takes no password from us: what it takes instead, and what is to be set."""
    mechanisms = sorted(name.removeprefix("AUTH=") for name in offered if name.startswith("AUTH="))
    if server.tls is Tls.NONE:
        how = "set tls: starttls" if "STARTTLS" in offered else "set tls: implicit and the port for it"
    else:
        how = "allow logins by password for this mailbox (by an app password, say), or watch one that takes them"
    said = f"{server.host}:{server.port} takes no login by password here (it says LOGINDISABLED)"
    takes = f"takes {', '.join(mechanisms)[:200]} only" if mechanisms else "offers no other way"
    return fault(Reason.LOGIN_UNSUPPORTED, f"{said} and {takes}; wanted PLAIN or LOGIN: {how}")


def _refused(server: Server, username: str, text: str, echo: Echo) -> OwnFaultError:
    """A refused login, in the server's words; where they may repeat the password, by no more than their code."""
    said = echo.removed(text[:LONGEST_SAID])
    code = code_of(text)
    if echo.suspected(said):
        shown = f"[{code}]" if code else "without a code"
        said = f"{shown} (the rest may repeat the password, and is not shown)"
    reason = Reason.LOGIN_UNAVAILABLE if code in _PASSING else Reason.LOGIN_REFUSED
    return fault(reason, f"{server.host}:{server.port} refuses the login of {username}: {said[:200]}")
