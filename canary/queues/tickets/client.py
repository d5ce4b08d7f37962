"""Asks a ticket system, as its description says: one question after the other, each answer bounded in size and time."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from canary.budgets import TICKET_ANSWER, TICKET_LIST, TICKET_LOOK
from canary.model import OwnFaultError
from canary.queues.rest.answers import at, items, parsed, way, word
from canary.queues.rest.asking import AskedSystem, Asker, Questions, asking
from canary.queues.rest.faults import LONGEST_TOLD, RestReason
from canary.queues.tickets.access import AccessSettings
from canary.queues.tickets.answers import listed
from canary.queues.tickets.interface import Call, Listing, Paging
from canary.queues.tickets.login import TicketLogin

if TYPE_CHECKING:
    import ssl

_IN_BRACES = re.compile(r"\{([a-z]+)\}")
_IN_PATH = re.compile(r"\{(\+?)([a-z]+)\}")

Names = Mapping[str, str]
"""What is put in place of the names in braces."""
HeardOf = Callable[[Call, int, Mapping[str, str], bytes], None]
"""Is told each answer: to which question, its status, headers and content."""


class TicketClient:
    """One look's questions. Every method raises OwnFaultError, and whatever :mod:`canary.exchange` raises."""

    def __init__(
        self, asker: Asker, settings: AccessSettings, login: TicketLogin, heard: HeardOf | None = None
    ) -> None:
        self._asker, self._settings, self._login, self._heard = asker, settings, login, heard
        self._base = settings.url.rstrip("/") + settings.described.api
        self._last: tuple[tuple[str, bytes], Any] | None = None

    @property
    def asked(self) -> Questions:
        """How much was asked so far."""
        return self._asker.questions

    async def ask(self, call: Call, names: Names, more: Names | None = None) -> Any:
        """The answer to one question; None where there is no such thing."""
        if isinstance(call, Listing) and call.ids is not None:
            found = await self.ask(call.ids, names, more)
            if at(found, call.ids.items) is None:
                return None
            ids = ",".join(word(item, None) for item in items(found, call.ids.items))
            names, more = {**names, "ids": ids}, {}
        request = self._request(call, names, more or {})
        content = await self._content(call, request)
        try:
            answer = None if content is None else parsed(content)
        except ValueError as error:
            raise self._asker.explain(error, request) from error
        self._hold_error(call, answer)
        return answer

    async def tell(self, call: Call, names: Names) -> None:
        """Have something done. What is answered may be nothing at all."""
        content = await self._content(call, self._request(call, names, {}))
        if content:
            self._hold_error(call, parsed(content))

    async def once(self, call: Call, names: Names, more: Names) -> Any:
        """As :meth:`ask`; if it is what was asked last, and nothing else since, the answer of then."""
        request = self._request(call, names, more)
        key = (str(request.url), request.content)
        if self._last is None or self._last[0] != key:
            self._last = (key, await self.ask(call, names, more))
        return self._last[1]

    async def raw(self, call: Call, names: Names) -> bytes | None:
        """The answer to one question as it is; None where there is no such thing."""
        request = self._request(call, names, {})
        request.headers["Accept"] = "*/*"
        return await self._content(call, request)

    async def _content(self, call: Call, request: httpx.Request) -> bytes | None:
        self._last = None  # whatever was asked since, it may have changed
        heard = None if self._heard is None else partial(self._heard, call)
        status, content = await self._asker.send(request, call.absent, heard)
        return None if status in call.absent else content

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
        path = _IN_PATH.sub(lambda name: _in_path(names.get(name[2], ""), apart=bool(name[1])), call.path)
        escaped = {name: self._escaped(value) for name, value in names.items()}
        query = {key: _filled(value, escaped) for key, value in call.query.items()}
        asked = _filled(call.body, names)
        if isinstance(call, Listing) and call.paging is not None and call.paging.within == "body":
            asked = _with_page(asked, call.paging, more)
        else:
            query |= dict(more)
        if isinstance(asked, dict):
            asked |= self._login.body
        content = None if asked is None else json.dumps(asked).encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        return self._asker.client.build_request(
            call.method, self._base + path, params=query or None, content=content, headers=headers
        )

    def _escaped(self, text: str) -> str:
        return "".join(self._settings.described.escape.get(character, character) for character in text)

    def _hold_error(self, call: Call, answer: Any) -> None:
        """Raise OwnFaultError for an answer that says that it is none, whatever its status."""
        error = self._settings.described.error
        said = word(answer, error.at) if error is not None else ""
        if error is not None and said:
            reason = RestReason(error.words.get(said, RestReason.PROTOCOL))
            detail = f"{call.method} {call.path}: {self._login.echo.removed(said)[:LONGEST_TOLD]}"
            raise OwnFaultError(self._settings.part, reason.value, detail)


@asynccontextmanager
async def connected(
    settings: AccessSettings, login: TicketLogin, trust: Callable[[], ssl.SSLContext], heard: HeardOf | None = None
) -> AsyncIterator[TicketClient]:
    """A client for one look, all of whose answers hold :data:`canary.budgets.TICKET_LOOK`. Raises OwnFaultError."""
    limit = settings.described.limit
    headers = {} if limit is None else {"left": limit.left, "until": limit.until}
    asked = AskedSystem(
        settings.part, settings.url, settings.timeout, TICKET_LOOK, TICKET_ANSWER, login.echo, **headers
    )
    async with asking(asked, login.headers, trust, login.auth) as asker:
        yield TicketClient(asker, settings, login, heard)


def first_page(paging: Paging | None) -> Names:
    """The parameters by which the first part of a list is asked for."""
    if paging is None:
        return {}
    size = {paging.size: str(paging.most)} if paging.size else {}
    return size if paging.by in ("token", "since") else {paging.parameter: str(paging.first), **size}


def next_page(paging: Paging | None, asked: Names, answer: Any, found: list[Any]) -> Names | None:
    """The parameters by which the next part is asked for; None if that was the last one."""
    if paging is None or not found or (paging.end and at(answer, paging.end) is paging.ends):
        return None
    if paging.by == "since":
        return {} if len(found) >= paging.most else None
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


def _with_page(asked: Any, paging: Paging, more: Names) -> Any:
    """What is posted, with the parameters of a page at their paths; numbers are numbers there, tokens are texts."""
    for path, value in more.items():
        is_text = paging.by == "token" and path == paging.parameter
        asked = _put(asked, way(path)[0], value if is_text else int(value))
    return asked


def _put(asked: Any, steps: tuple[str, ...], value: str | int) -> Any:
    """A copy of what is posted, with something at a path: in objects, and in lists that have as many items."""
    if not steps:
        return value
    first, *rest = steps
    if isinstance(asked, list) and first.isdigit() and int(first) < len(asked):
        return [_put(below, tuple(rest), value) if at == int(first) else below for at, below in enumerate(asked)]
    below = asked if isinstance(asked, dict) else {}
    return {**below, first: _put(below.get(first), tuple(rest), value)}


def _number(found: Any) -> int:
    """How many there are, 0 if that is not told."""
    return found if isinstance(found, int) else 0


def _in_path(text: str, *, apart: bool) -> str:
    """A text as it stands in a path; in ``apart`` its slashes are those of the path, and none leads out of that."""
    leads_out = {"", ".", ".."} & set(text.split("/"))
    return quote(text, safe="/" if apart and not leads_out else "")


def _filled(value: Any, names: Names) -> Any:
    match value:
        case str():
            return _IN_BRACES.sub(lambda name: names.get(name[1], ""), value)
        case dict():
            return {key: _filled(below, names) for key, below in value.items()}
        case list() | tuple():
            return [_filled(below, names) for below in value]
    return value
