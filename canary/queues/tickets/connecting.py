"""Logs in to what is described as data, and asks over connections that last for one look."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from canary.clock import Clock
from canary.model import OwnFaultError
from canary.queues.rest.bearer import BearerLogin
from canary.queues.rest.faults import RestReason
from canary.queues.tickets.access import AccessSettings
from canary.queues.tickets.client import HeardOf, TicketClient, connected
from canary.queues.tickets.login import TicketLogin, by_secret, by_token

T = TypeVar("T")


class Connecting:
    """One system, with its login: by a secret that is configured, or by tokens that are asked for."""

    def __init__(self, settings: AccessSettings, clock: Clock, trust: Callable[[], ssl.SSLContext]) -> None:
        self._settings, self._trust = settings, trust
        auth, account = settings.auth, settings.username or settings.system()["server"]
        self._bearer = None if auth is None else BearerLogin(settings.part, auth, account, clock)

    async def use(self, work: Callable[[TicketClient], Awaitable[T]], heard: HeardOf | None = None) -> T:
        """What the work gives that asks over connections of its own. Raises OwnFaultError."""
        settings, bearer = self._settings, self._bearer

        async def asked(login: TicketLogin) -> T:
            async with connected(settings, login, self._trust, heard) as client:
                return await work(client)

        if bearer is None:
            return await asked(by_secret(settings))
        return await bearer.use(lambda token: asked(by_token(settings, token.value, bearer.echo())))


@contextmanager
def unless_lasting(troubles: list[OwnFaultError]) -> Iterator[None]:
    """Note what is wrong with one thing that was asked, so that the others are asked all the same."""
    try:
        yield
    except OwnFaultError as error:
        if error.reason not in (RestReason.BLIND, RestReason.GARBAGE, RestReason.TOO_MUCH):
            raise
        troubles.append(error)
