"""Asks a ticket system, as its description says: one question after the other, each answer bounded in size and time."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from canary.budgets import TICKET_ANSWER, TICKET_LIST, TICKET_LOOK
from canary.echo import Echo
from canary.model import Component
from canary.queues.rest.answers import at, parsed, word
from canary.queues.rest.asking import AskedSystem, Asker, Questions, asking
from canary.queues.rest.faults import RestReason
from canary.queues.tickets.answers import listed
from canary.queues.tickets.description import Call, Listing, Paging
from canary.queues.tickets.faults import fault
from canary.queues.tickets.settings import TicketSettings

if TYPE_CHECKING:
    import ssl

_IN_BRACES = re.compile(r"\{([a-z]+)\}")

Names = Mapping[str, str]
"""What is put in place of the names in braces."""


class TicketClient:
    """One look's questions. Every method raises OwnFaultError, and whatever :mod:`canary.exchange` raises."""

    def __init__(self, asker: Asker, settings: TicketSettings) -> None:
        self._asker, self._settings = asker, settings
        self._base = settings.url.rstrip("/") + settings.described.api
        self._last: tuple[tuple[str, bytes], Any] | None = None

    @property
    def asked(self) -> Questions:
        """How much was asked so far."""
        return self._asker.questions

    async def ask(self, call: Call, names: Names, more: Names | None = None) -> Any:
        """The answer to one question; None where there is no such thing (404)."""
        request = self._request(call, names, more or {})
        content = await self._content(request)
        try:
            return None if content is None else parsed(content)
        except ValueError as error:
            raise self._asker.explain(error, request) from error

    async def once(self, call: Call, names: Names, more: Names) -> Any:
        """As :meth:`ask`; if it is what was asked last in this way, the answer of then."""
        request = self._request(call, names, more)
        key = (str(request.url), request.content)
        if self._last is None or self._last[0] != key:
            self._last = (key, await self.ask(call, names, more))
        return self._last[1]

    async def raw(self, call: Call, names: Names) -> bytes | None:
        """The answer to one question as it is; None where there is no such thing (404)."""
        request = self._request(call, names, {})
        request.headers["Accept"] = "*/*"
        return await self._content(request)

    async def _content(self, request: httpx.Request) -> bytes | None:
        status, content = await self._asker.send(request, told=(404,))
        return None if status == 404 else content

    async def pages(self, listing: Listing, names: Names) -> AsyncIterator[list[Any]]:
        """A list, page by page, to its end. Raises BudgetError for one that is too long."""
        more: Names | None = first_page(listing.paging)
        number = 0
        while more is not None:
            answer = await self.once(listing, names, more)
            found = listed(answer, listing) if answer is not None else []
            number += max(1, len(found))
            TICKET_LIST.hold(number=number)
            yield found
            more = next_page(listing.paging, more, answer, found)

    def _request(self, call: Call, names: Names, more: Names) -> httpx.Request:
        path = _IN_BRACES.sub(lambda name: quote(names.get(name[1], ""), safe=""), call.path)
        escaped = {name: self._escaped(value) for name, value in names.items()}
        query = {key: _filled(value, escaped) for key, value in call.query.items()} | dict(more)
        content = None if call.body is None else json.dumps(_filled(call.body, names)).encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        return self._asker.client.build_request(
            call.method, self._base + path, params=query or None, content=content, headers=headers
        )

    def _escaped(self, text: str) -> str:
        return "".join(self._settings.described.escape.get(character, character) for character in text)


@asynccontextmanager
async def connected(settings: TicketSettings, trust: Callable[[], ssl.SSLContext]) -> AsyncIterator[TicketClient]:
    """A client for one look, all of whose answers hold :data:`canary.budgets.TICKET_LOOK`. Raises OwnFaultError."""
    headers, auth, echo = _login(settings)
    asked = AskedSystem(Component.TICKETS, settings.url, settings.timeout, TICKET_LOOK, TICKET_ANSWER, echo)
    async with asking(asked, headers, trust, auth) as asker:
        yield TicketClient(asker, settings)


def _login(settings: TicketSettings) -> tuple[dict[str, str], httpx.Auth | None, Echo]:
    try:
        if settings.token is not None:
            secret, shown = settings.token.reveal(), settings.described.token
            value = shown.value.replace("{secret}", secret)
            return {shown.header: value}, None, Echo(secret, said=(value,))
        assert settings.username is not None
        assert settings.password is not None
        secret = settings.password.reveal()
        return {}, httpx.BasicAuth(settings.username, secret), Echo(secret)
    except ValueError as error:
        raise fault(RestReason.SECRET, str(error)) from error


def first_page(paging: Paging | None) -> Names:
    """The parameters by which the first part of a list is asked for."""
    if paging is None:
        return {}
    size = {paging.size: str(paging.most)} if paging.size else {}
    return size if paging.by == "token" else {paging.parameter: str(paging.first), **size}


def next_page(paging: Paging | None, asked: Names, answer: Any, found: list[Any]) -> Names | None:
    """The parameters by which the next part is asked for; None if that was the last one."""
    if paging is None or not found or (paging.end and at(answer, paging.end) is paging.ends):
        return None
    if paging.by == "token":
        token = word(at(answer, paging.token), None, 2000)
        return {**asked, paging.parameter: token} if token and token != asked.get(paging.parameter) else None
    begins = int(asked[paging.parameter])
    following = begins + (1 if paging.by == "page" else len(found))
    if paging.total is None:
        is_last = len(found) < paging.most and paging.end is None
    else:
        is_last = following >= _number(at(answer, paging.total))
    return None if is_last else {**asked, paging.parameter: str(following)}


def _number(found: Any) -> int:
    """How many there are, 0 if that is not told."""
    return found if isinstance(found, int) else 0


def _filled(value: Any, names: Names) -> Any:
    match value:
        case str():
            return _IN_BRACES.sub(lambda name: names.get(name[1], ""), value)
        case dict():
            return {key: _filled(below, names) for key, below in value.items()}
        case list() | tuple():
            return [_filled(below, names) for below in value]
    return value
