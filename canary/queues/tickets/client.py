"""Asks a ticket system, as its description says: one question after the other, each answer bounded in size and time."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx

from canary.budgets import TICKET_ANSWER, TICKET_LIST, TICKET_LOOK
from canary.echo import Echo
from canary.exchange import body, exchange
from canary.model import Component, OwnFaultError
from canary.queues.tickets.answers import at, listed, parsed, word
from canary.queues.tickets.description import Call, Listing, Paging
from canary.queues.tickets.faults import LONGEST_TOLD, TicketReason, explain, fault
from canary.queues.tickets.settings import TicketSettings
from canary.settings import tls_context

if TYPE_CHECKING:
    import ssl

LONGEST_REST = 3600.0
"""Seconds for which a system that asks us to wait is left alone, at most."""
_IN_BRACES = re.compile(r"\{([a-z]+)\}")
_REFUSED = {401: TicketReason.LOGIN_REFUSED, 403: TicketReason.FORBIDDEN}

Names = Mapping[str, str]
"""What is put in place of the names in braces."""


class RestError(OwnFaultError):
    """A system asks to be left alone for ``seconds``."""

    def __init__(self, seconds: float, detail: str) -> None:
        super().__init__(Component.TICKETS, TicketReason.RATE_LIMITED.value, detail)
        self.seconds = seconds


@dataclass(slots=True)
class Questions:
    """How much was asked in one look, and the system's own time by its last answer, None if it tells none."""

    number: int = 0
    received: int = 0
    time: datetime | None = None

    @property
    def enough(self) -> bool:
        """Whether the rest is for the next look."""
        return self.number >= (TICKET_LOOK.number or 0) or 2 * self.received >= (TICKET_LOOK.received or 0)


class TicketClient:
    """One look's questions. Every method raises OwnFaultError, and whatever :mod:`canary.exchange` raises."""

    def __init__(self, client: httpx.AsyncClient, settings: TicketSettings, echo: Echo) -> None:
        self._client, self._settings, self._echo = client, settings, echo
        self._base = settings.url.rstrip("/") + settings.described.api
        self._last: tuple[tuple[str, bytes], Any] | None = None
        self.asked = Questions()

    async def ask(self, call: Call, names: Names, more: Names | None = None) -> Any:
        """The answer to one question; None where there is no such thing (404)."""
        request = self._request(call, names, more or {})
        content = await self._content(request)
        try:
            return None if content is None else parsed(content)
        except ValueError as error:
            raise explain(error, self._where(request), self._echo) from error

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
        self.asked.number += 1
        try:
            async with asyncio.timeout(self._settings.timeout):
                answer = await self._client.send(request, stream=True)
                try:
                    content = await body(answer, TICKET_ANSWER)
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise explain(error, self._where(request), self._echo) from error
        self.asked.received += len(content)
        self.asked.time = _date(answer.headers.get("date", "")) or self.asked.time
        if answer.status_code == 404:
            return None
        self._hold(request, answer, content)
        return content

    async def pages(self, listing: Listing, names: Names) -> AsyncIterator[list[Any]]:
        """A list, page by page, to its end. Raises BudgetError for one that is too long."""
        more: Names | None = first_page(listing.paging)
        number = 0
        while more is not None:
            answer = await self.ask(listing, names, more)
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
        return self._client.build_request(
            call.method, self._base + path, params=query or None, content=content, headers=headers
        )

    def _escaped(self, text: str) -> str:
        return "".join(self._settings.described.escape.get(character, character) for character in text)

    def _hold(self, request: httpx.Request, answer: httpx.Response, content: bytes) -> None:
        """Raise OwnFaultError for an answer that is none."""
        status, where = answer.status_code, self._where(request)
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            leads = urlsplit(answer.headers.get("location", ""))
            there = f"{leads.scheme}://{leads.netloc}" if leads.netloc else "another path"
            raise fault(
                TicketReason.REDIRECTED,
                f"{where}: the answer leads to {there[:200]}, want an answer; is the url right?",
            )
        said = self._echo.removed(content[: 10 * LONGEST_TOLD].decode(errors="replace"))[:LONGEST_TOLD]
        rest = _rest(answer.headers.get("retry-after", ""), self.asked.time)
        if status == 429 or (status == 503 and rest is not None):
            seconds = min(60.0 if rest is None else rest, LONGEST_REST)
            raise RestError(seconds, f"{where}: HTTP {status}, asked again after {seconds:g} s")
        if status >= 500:
            raise fault(TicketReason.UNAVAILABLE, f"{where}: HTTP {status}: {said}")
        raise fault(_REFUSED.get(status, TicketReason.PROTOCOL), f"{where}: HTTP {status}: {said}")

    def _where(self, request: httpx.Request) -> str:
        return f"{urlsplit(self._settings.url).netloc}: {request.method} {request.url.path[:200]}"


@asynccontextmanager
async def connected(settings: TicketSettings, trust: Callable[[], ssl.SSLContext]) -> AsyncIterator[TicketClient]:
    """A client for one look, all of whose answers hold :data:`canary.budgets.TICKET_LOOK`. Raises OwnFaultError."""
    headers, auth, echo = _login(settings)
    try:
        async with exchange(TICKET_LOOK, headers={"Accept": "application/json", **headers}, trust=trust) as client:
            if auth is not None:
                client.auth = auth
            yield TicketClient(client, settings, echo)
    except (httpx.HTTPError, ValueError, OSError) as error:
        raise explain(error, urlsplit(settings.url).netloc, echo) from error


def trusted(settings: TicketSettings) -> ssl.SSLContext:
    """The certificates that are trusted. Raises OwnFaultError."""
    try:
        return tls_context(settings.ca_file)
    except (OSError, ValueError) as error:
        raise fault(TicketReason.CA_FILE, f"{settings.ca_file}: {error}") from error


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
        raise fault(TicketReason.SECRET, str(error)) from error


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


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text[:100])
        return found if found.tzinfo else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _rest(text: str, now: datetime | None) -> float | None:
    """Seconds of a Retry-After, which tells them or a date (RFC 9110 section 10.2.3); None if it tells nothing."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until = _date(text)
    return max(0.0, (until - now).total_seconds()) if until and now else None
