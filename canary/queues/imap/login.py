"""How a mailbox is logged in to: by the best way that its server offers, and by none that it forbids."""

from __future__ import annotations

import binascii
import imaplib
from collections.abc import Callable
from functools import partial

from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from canary.model import CanaryError, OwnFaultError
from canary.oauth import MECHANISMS, Mechanism, Token, login_advice, problem, with_advice
from canary.queues.imap.account import MailAccount
from canary.queues.imap.faults import LONGEST_SAID, Reason, code_of, fault
from canary.queues.loop import Stop
from canary.settings import Server, Tls

_PASSING = ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG")
"""Codes of a refusal that says nothing about the password (RFC 5530 section 3)."""
_FINAL = (*_PASSING, "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "CONTACTADMIN")
"""Codes of a refusal that another way of logging in would not change."""
_MOST_TRIED = 2
"""Ways that are tried on one connection: an account is not to be locked by us."""

Way = Callable[[IMAPClient, str, str], object]


class TokenLoginError(CanaryError, LoginError):  # type: ignore[misc]  # IMAPClient has no types
    """The server has looked at a token, and says what is wrong with it."""


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


def _token(mechanism: Mechanism, connection: IMAPClient, username: str, token: str) -> None:
    """Show a token; where the server tells what is wrong with it, that is answered, so that it can refuse."""
    answers, heard = iter((mechanism.response(username, token), mechanism.answer)), list[bytes]()

    def respond(challenge: bytes) -> str | None:
        heard.append(challenge)
        return next(answers, None)  # None ends it (RFC 3501 section 6.2.2)

    try:
        connection.sasl_login(mechanism.name, respond)
    except LoginError as error:
        if len(heard) < 2 or isinstance(error.__context__, imaplib.IMAP4.abort):
            raise
        raise TokenLoginError(f"{error} ({problem(heard[1])})") from error


_WAYS: tuple[tuple[str, Way], ...] = (
    ("AUTH=PLAIN", _plain),  # takes any character
    ("LOGIN", _login),  # a command of every server that does not say LOGINDISABLED
    ("AUTH=LOGIN", _sasl_login),
    ("AUTH=CRAM-MD5", _cram_md5),
)
"""What we can with a password, best first, by the capability that offers it."""
_TOKEN_WAYS: tuple[tuple[str, Way], ...] = tuple(
    (f"AUTH={mechanism.name}", partial(_token, mechanism)) for mechanism in MECHANISMS
)
"""What we can with a token, likewise."""


def sign_in(connection: IMAPClient, account: MailAccount, stop: Stop) -> None:
    """Log in; where a way is offered and broken, by the next one. Raises OwnFaultError, StoppedError.

    LOGIN is never sent where the server says LOGINDISABLED (RFC 3501 section 6.2.3). A token that is refused although
    it has not ended may have been revoked: another one is asked for, once.
    """
    ways = _usable(connection, account)
    if account.tokens is None:
        account.logged_in(_first_that_works(connection, account, ways, account.secret(stop)))
        return
    token = account.token(stop)
    try:
        by = _first_that_works(connection, account, ways, token.value)
    except OwnFaultError as error:
        fresh = account.renewed(token, stop) if error.reason == Reason.LOGIN_REFUSED else None
        if fresh is None:
            raise _with_token(error, token) from error
        token, by = fresh, _again(connection, account, ways, fresh)
    account.logged_in(by, token)


def _again(connection: IMAPClient, account: MailAccount, ways: list[tuple[str, Way]], fresh: Token) -> str:
    try:
        return _first_that_works(connection, account, ways, fresh.value)
    except OwnFaultError as error:
        raise _with_token(error, fresh) from error


def _with_token(error: OwnFaultError, token: Token) -> OwnFaultError:
    """A refusal, with what the token was for: that of another tenant, or without a role, shows itself so."""
    return OwnFaultError(error.component, error.reason, f"{error.detail} (shown was: {token.told()})")


def _usable(connection: IMAPClient, account: MailAccount) -> list[tuple[str, Way]]:
    """What the server offers and we can, those that were found broken last. Raises OwnFaultError if there is none."""
    offered = {capability.decode("latin-1").upper() for capability in connection.capabilities()}
    known = _WAYS if account.tokens is None else _TOKEN_WAYS
    ways = [(name, way) for name, way in known if name in offered or _is_command(name, offered)]
    if not ways:
        raise _unsupported(account.server, offered)
    return sorted(ways, key=lambda known: known[0] in account.broken)


def _is_command(name: str, offered: set[str]) -> bool:
    return name == "LOGIN" and "LOGINDISABLED" not in offered


def _first_that_works(connection: IMAPClient, account: MailAccount, ways: list[tuple[str, Way]], secret: str) -> str:
    """Log in, and remember which ways do not work where another one does; returns the one that did."""
    refused: OwnFaultError | None = None
    broken: dict[str, str] = {}
    for name, way in ways[:_MOST_TRIED]:
        try:
            way(connection, account.username, secret)
        except UnicodeEncodeError:
            refused = refused or fault(Reason.SECRET, "the password is not ASCII, and the server has no AUTH=PLAIN")
        except (LoginError, imaplib.IMAP4.abort, OSError, binascii.Error) as error:
            lost = _lost(error)
            if lost is not None:
                _avoid(account, name, ways)
                raise lost from None
            refused = refused or _refused(account, str(error))
            broken[name] = refused.detail
            if isinstance(error, TokenLoginError) or code_of(str(error)) in _FINAL:
                break
        else:
            account.broken |= broken
            account.broken.pop(name, None)
            return name
    assert refused is not None
    raise refused


def _lost(error: Exception) -> Exception | None:
    """What ended the connection in the midst of a login; None if the login was refused."""
    if isinstance(error, binascii.Error):
        return fault(Reason.PROTOCOL, f"the server asks for the login by what is no Base64: {error}")
    if isinstance(error, LoginError):
        return error.__context__ if isinstance(error.__context__, imaplib.IMAP4.abort) else None
    return error


def _avoid(account: MailAccount, name: str, ways: list[tuple[str, Way]]) -> None:
    """Begin with another way on the next connection; once all were avoided, none is."""
    account.broken[name] = "the connection ended over it"
    if account.broken.keys() >= {way for way, _ in ways}:
        account.broken.clear()


def _unsupported(server: Server, offered: set[str]) -> OwnFaultError:
    """A server that takes no login as it is configured: what it takes instead, and what is to be set."""
    mechanisms = sorted(name.removeprefix("AUTH=") for name in offered if name.startswith("AUTH="))
    takes = f"takes {', '.join(mechanisms)[:200]} only" if mechanisms else "offers no other way"
    where = f"{server.host}:{server.port}"
    if server.auth is not None:
        wanted = " or ".join(mechanism.name for mechanism in MECHANISMS)
        how = _securing(server, offered) or "give a password instead of auth, or have the server take tokens"
        return fault(
            Reason.LOGIN_UNSUPPORTED, f"{where} takes no login by token here and {takes}; wanted {wanted}: {how}"
        )
    how = _securing(server, offered)
    if not how and any(mechanism.name in mechanisms for mechanism in MECHANISMS):
        how = "give auth (microsoft, google or oauth) instead of a password"
    how = how or "allow logins by password for this mailbox (by an app password, say), or watch one that takes them"
    said = f"{where} takes no login by password here (it says LOGINDISABLED)"
    return fault(Reason.LOGIN_UNSUPPORTED, f"{said} and {takes}; wanted PLAIN or LOGIN: {how}")


def _securing(server: Server, offered: set[str]) -> str:
    """What to set where a server may take logins once the connection is protected; empty if it is."""
    if server.tls is not Tls.NONE:
        return ""
    return "set tls: starttls" if "STARTTLS" in offered else "set tls: implicit and the port for it"


def _refused(account: MailAccount, text: str) -> OwnFaultError:
    """A refused login, in the server's words; where they may repeat the secret, by no more than their code."""
    server, echo, code = account.server, account.echo(), code_of(text)
    said = echo.removed(text[:LONGEST_SAID])
    if echo.suspected(said):
        shown = f"[{code}]" if code else "without a code"
        said = f"{shown} (the rest may repeat the password, and is not shown)"
    reason = Reason.LOGIN_UNAVAILABLE if code in _PASSING else Reason.LOGIN_REFUSED
    told = f"{server.host}:{server.port} refuses the login of {account.username}: {said[:200]}"
    return fault(reason, with_advice(told, login_advice(said) if account.tokens is not None else ""))
