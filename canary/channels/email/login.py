"""Logging in to a submission server (RFC 4954), by each method that it offers until one works.

Servers offer what they cannot do: a method may be refused, hang up, say nothing, or want its first response asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiosmtplib
from aiosmtplib.auth import auth_login_encode, auth_plain_encode

from canary.channels.email.client import SmtpClient
from canary.channels.email.manners import Manners

_NOT_UNDERSTOOD = (500, 501)
_GO_ON, _CLOSING = 334, 421


@dataclass(frozen=True, slots=True)
class Login:
    """Whom to log in as; ``timeout`` in seconds is for each reply."""

    username: str
    password: str
    timeout: float


async def log_in(client: SmtpClient, login: Login, manners: Manners) -> None:
    """Log in by the first method that works, and remember those before it that do not.

    Raises what aiosmtplib raises. If the connection was lost over a method, or left in the middle of one, that one is
    remembered and the others are still there to be tried on a new connection: :attr:`Manners.bad_logins` then has some,
    and after a failure of all of them none.
    """
    offered = _usable(client)
    refused: dict[str, aiosmtplib.SMTPAuthenticationError] = {}
    for method in [method for method in offered if method not in manners.bad_logins]:
        try:
            await _METHODS[method](client, login)
        except aiosmtplib.SMTPAuthenticationError as error:
            refused[method] = error
            if error.code not in (_GO_ON, _CLOSING):
                continue
            lost: Exception = error
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as error:
            lost = error
        else:
            manners.bad_logins |= refused.keys()
            return
        manners.bad_logins |= refused.keys() or {method}
        if manners.bad_logins >= set(offered):
            manners.bad_logins.clear()
        raise _telling(refused) or lost
    manners.bad_logins.clear()
    raise _telling(refused) or aiosmtplib.SMTPException("no method of AUTH is left to try")


def _usable(client: SmtpClient) -> list[str]:
    if not client.supports_extension("auth"):
        raise aiosmtplib.SMTPException("the server does not offer AUTH")
    if client.supported_auth_methods:
        return client.supported_auth_methods
    got = ", ".join(client.server_auth_methods).upper() or "nothing"
    wanted = ", ".join(client.AUTH_METHODS).upper()
    raise aiosmtplib.SMTPException(
        f"the server offers AUTH by {got}, want one of {wanted}: a password proves nothing here"
    )


def _telling(refused: dict[str, aiosmtplib.SMTPAuthenticationError]) -> aiosmtplib.SMTPAuthenticationError | None:
    """The refusal that says most: one of the login, rather than of a method."""
    errors = list(refused.values())
    return next((error for error in errors if error.code not in range(500, 505)), errors[-1] if errors else None)


async def _plain(client: SmtpClient, login: Login) -> None:
    """RFC 4616. With the response at once, or after it was asked for."""
    response = auth_plain_encode(login.username, login.password)
    reply = await client.execute_command(b"AUTH", b"PLAIN", response, timeout=login.timeout)
    if reply.code in _NOT_UNDERSTOOD:
        reply = await client.execute_command(b"AUTH", b"PLAIN", timeout=login.timeout)
    if reply.code == _GO_ON:
        reply = await client.execute_command(response, timeout=login.timeout)
    _check(reply)


async def _login(client: SmtpClient, login: Login) -> None:
    """Each response after it was asked for, which every server knows; with the name at once where that is wanted."""
    username, password = auth_login_encode(login.username, login.password)
    reply = await client.execute_command(b"AUTH", b"LOGIN", timeout=login.timeout)
    if reply.code == _GO_ON:
        reply = await client.execute_command(username, timeout=login.timeout)
    elif reply.code in _NOT_UNDERSTOOD:
        reply = await client.execute_command(b"AUTH", b"LOGIN", username, timeout=login.timeout)
    if reply.code == _GO_ON:
        reply = await client.execute_command(password, timeout=login.timeout)
    _check(reply)


async def _cram_md5(client: SmtpClient, login: Login) -> None:
    await client.auth_crammd5(login.username, login.password, timeout=login.timeout)


def _check(reply: aiosmtplib.SMTPResponse) -> None:
    if reply.code // 100 != 2:
        raise aiosmtplib.SMTPAuthenticationError(reply.code, reply.message)


_METHODS: dict[str, Callable[[SmtpClient, Login], Awaitable[None]]] = {
    "plain": _plain,
    "login": _login,
    "cram-md5": _cram_md5,
}
