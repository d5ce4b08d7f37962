"""Logging in to a submission server (RFC 4954), by each method that it offers until one works.

Servers offer what they cannot do: a method may be refused, hang up, say nothing, or want its first response asked for.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

import aiosmtplib
from aiosmtplib.auth import auth_login_encode, auth_plain_encode

from canary.channels.email.client import SmtpClient
from canary.channels.email.manners import Manners
from canary.model import CanaryError
from canary.oauth import MECHANISMS, Mechanism, login_advice, problem, with_advice

_NOT_UNDERSTOOD = (500, 501)
_GO_ON, _CLOSING = 334, 421
_LONGEST_COMMAND = 512 - len("AUTH OAUTHBEARER \r\n")
"""Bytes of a first response that may be said with the command (RFC 4954 section 4, RFC 5321 section 4.5.3.1.4)."""


@dataclass(frozen=True, slots=True)
class Login:
    """Whom to log in as, by a password or a token; ``timeout`` in seconds is for each reply."""

    username: str
    secret: str
    timeout: float
    is_token: bool = False

    @property
    def methods(self) -> Mapping[str, Method]:
        """What we can with it, by the name of the method in small letters, best first."""
        return _TOKEN_METHODS if self.is_token else _METHODS


Method = Callable[[SmtpClient, Login], Awaitable[None]]


class TokenRefusedError(aiosmtplib.SMTPAuthenticationError, CanaryError):
    """The server has looked at a token, and says what is wrong with it."""


async def log_in(client: SmtpClient, login: Login, manners: Manners) -> str:
    """Log in by the first method that works, and remember those before it that do not; returns that method's name.

    Raises what aiosmtplib raises. If the connection was lost over a method, or left in the middle of one, that one is
    remembered and the others are still there to be tried on a new connection: :attr:`Manners.bad_logins` then has some,
    and after a failure of all of them none.
    """
    offered = _usable(client, login)
    refused: dict[str, aiosmtplib.SMTPAuthenticationError] = {}
    for method in [method for method in offered if method not in manners.bad_logins]:
        try:
            await login.methods[method](client, login)
        except TokenRefusedError:
            raise  # another method would not change that
        except aiosmtplib.SMTPAuthenticationError as error:
            refused[method] = error
            if error.code not in (_GO_ON, _CLOSING):
                continue
            lost: Exception = error
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as error:
            lost = error
        else:
            manners.bad_logins |= refused.keys()
            return method.upper()
        manners.bad_logins |= refused.keys() or {method}
        if manners.bad_logins >= set(offered):
            manners.bad_logins.clear()
        raise _telling(refused) or lost
    manners.bad_logins.clear()
    raise _telling(refused) or aiosmtplib.SMTPException("no method of AUTH is left to try")


def _usable(client: SmtpClient, login: Login) -> list[str]:
    """The methods that the server offers and we can, best first. Raises SMTPException if there is none."""
    if not client.supports_extension("auth"):
        raise aiosmtplib.SMTPException("the server does not offer AUTH")
    offered = client.server_auth_methods
    if usable := [method for method in login.methods if method in offered]:
        return usable
    got = ", ".join(offered).upper() or "nothing"
    wanted = ", ".join(login.methods).upper()
    why = "no token is taken here, give a password instead of auth" if login.is_token else _instead(offered)
    raise aiosmtplib.SMTPException(f"the server offers AUTH by {got}, want one of {wanted}: {why}")


def _instead(offered: list[str]) -> str:
    """Why a password is of no use, and what to give instead where that is known."""
    takes_tokens = any(method in offered for method in _TOKEN_METHODS)
    return "a password proves nothing here" + (
        ", give auth instead (microsoft, google or oauth)" if takes_tokens else ""
    )


def _telling(refused: dict[str, aiosmtplib.SMTPAuthenticationError]) -> aiosmtplib.SMTPAuthenticationError | None:
    """The refusal that says most: one of the login, rather than of a method."""
    errors = list(refused.values())
    return next((error for error in errors if error.code not in range(500, 505)), errors[-1] if errors else None)


async def _plain(client: SmtpClient, login: Login) -> None:
    """RFC 4616. With the response at once, or after it was asked for."""
    response = auth_plain_encode(login.username, login.secret)
    reply = await client.execute_command(b"AUTH", b"PLAIN", response, timeout=login.timeout)
    if reply.code in _NOT_UNDERSTOOD:
        reply = await client.execute_command(b"AUTH", b"PLAIN", timeout=login.timeout)
    if reply.code == _GO_ON:
        reply = await client.execute_command(response, timeout=login.timeout)
    _check(reply)


async def _login(client: SmtpClient, login: Login) -> None:
    """Each response after it was asked for, which every server knows; with the name at once where that is wanted."""
    username, password = auth_login_encode(login.username, login.secret)
    reply = await client.execute_command(b"AUTH", b"LOGIN", timeout=login.timeout)
    if reply.code == _GO_ON:
        reply = await client.execute_command(username, timeout=login.timeout)
    elif reply.code in _NOT_UNDERSTOOD:
        reply = await client.execute_command(b"AUTH", b"LOGIN", username, timeout=login.timeout)
    if reply.code == _GO_ON:
        reply = await client.execute_command(password, timeout=login.timeout)
    _check(reply)


async def _cram_md5(client: SmtpClient, login: Login) -> None:
    await client.auth_crammd5(login.username, login.secret, timeout=login.timeout)


async def _token(mechanism: Mechanism, client: SmtpClient, login: Login) -> None:
    """A token, with the command where that is short enough, else after it was asked for; or the other way round.

    What the server says is wrong with it is answered: only then it refuses.
    """
    name, response = mechanism.name.encode(), _in_base64(mechanism.response(login.username, login.secret))
    at_once = len(response) <= _LONGEST_COMMAND
    reply = await client.execute_command(b"AUTH", name, *[response][:at_once], timeout=login.timeout)
    if reply.code in _NOT_UNDERSTOOD:
        at_once = not at_once
        reply = await client.execute_command(b"AUTH", name, *[response][:at_once], timeout=login.timeout)
    if reply.code == _GO_ON and not (at_once and reply.message.strip()):
        reply = await client.execute_command(response, timeout=login.timeout)
    if reply.code // 100 == 2:
        return
    said = _problem(reply.message) if reply.code == _GO_ON else ""
    if reply.code == _GO_ON:
        reply = await client.execute_command(_in_base64(mechanism.answer), timeout=login.timeout)
    text = f"{reply.message} ({said})" if said else reply.message
    refusal = TokenRefusedError if said else aiosmtplib.SMTPAuthenticationError
    raise refusal(reply.code, with_advice(text, login_advice(f"{reply.code} {text}")))


def _in_base64(text: str) -> bytes:
    return b64encode(text.encode())


def _problem(challenge: str) -> str:
    try:
        return problem(b64decode(challenge))
    except (binascii.Error, ValueError):  # ValueError: what is not ASCII
        return problem(challenge.encode())


def _check(reply: aiosmtplib.SMTPResponse) -> None:
    if reply.code // 100 != 2:
        raise aiosmtplib.SMTPAuthenticationError(reply.code, reply.message)


_METHODS: Mapping[str, Method] = {"plain": _plain, "login": _login, "cram-md5": _cram_md5}
_TOKEN_METHODS: Mapping[str, Method] = {mechanism.name.lower(): partial(_token, mechanism) for mechanism in MECHANISMS}
