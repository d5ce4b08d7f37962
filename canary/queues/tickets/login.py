"""What is said with each question to a ticket system to log in: a header, a part of the body, or an access token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from canary.echo import Echo
from canary.model import OwnFaultError
from canary.queues.rest.faults import RestReason
from canary.queues.tickets.access import AccessSettings


@dataclass(frozen=True, slots=True)
class TicketLogin:
    """A login, and what must not be shown of it."""

    echo: Echo
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: httpx.Auth | None = None
    body: Mapping[str, str] = field(default_factory=dict, repr=False)


def by_token(settings: AccessSettings, value: str, echo: Echo) -> TicketLogin:
    """The login by an access token, which ``echo`` knows."""
    shown = settings.described.token
    return TicketLogin(echo, {shown.header: shown.value.replace("{secret}", value)})


def by_secret(settings: AccessSettings) -> TicketLogin:
    """The login by a password or a token that is configured. Raises OwnFaultError if it cannot be read."""
    given, described = settings.password if settings.token is None else settings.token, settings.described
    assert given is not None
    try:
        secret = given.reveal()
    except ValueError as error:
        raise OwnFaultError(settings.part, RestReason.SECRET.value, str(error)) from error
    if described.login:
        said, written = {"{username}": settings.username or "", "{secret}": secret}, json.dumps(secret)[1:-1]
        body = {name: said.get(what, what) for name, what in described.login.items()}
        return TicketLogin(Echo(secret, said=(written,)), body=body)
    if settings.token is not None:
        value = described.token.value.replace("{secret}", secret)
        return TicketLogin(Echo(secret, said=(value,)), {described.token.header: value})
    return TicketLogin(Echo(secret), auth=httpx.BasicAuth(settings.username or "", secret))
