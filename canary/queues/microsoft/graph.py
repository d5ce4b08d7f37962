"""Asks Microsoft Graph: one question after the other, lists to their end, over connections that last for one look."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from canary.budgets import PLATFORM_ANSWER, Budget
from canary.echo import Echo
from canary.model import Component, OwnFaultError
from canary.oauth import Token, with_advice
from canary.queues.microsoft.settings import GraphSettings
from canary.queues.rest.answers import items, parsed
from canary.queues.rest.asking import AskedSystem, Asker, Questions, asking
from canary.queues.rest.faults import RestReason

TRACING = "8bd644d1-64a1-4d4b-ae52-2e0cbf64e373"
"""The application of Microsoft's own that answers for message traces: a tenant must have a service principal of it."""
_ADVICE: tuple[tuple[str, str], ...] = (
    (
        rf"{TRACING}|service principal",
        f"make the service principal that traces are asked by (New-MgServicePrincipal -AppId {TRACING}), and wait: "
        "it takes hours",
    ),
    (
        r"Authorization_RequestDenied|Insufficient privileges|ErrorAccessDenied|HTTP 403",
        "add the application permission that docs/systems/microsoft-365.md names, and have an administrator grant "
        "consent for the tenant",
    ),
    (r"InvalidAuthenticationToken|audience", "the token is for something else: leave auth.scope out"),
)
"""What Microsoft Graph says when it refuses, and what to change; the first row that fits."""
_IN_PATHS = "/()='$"
"""Characters of a path that stand as they are: those of an OData function."""


def fault(reason: RestReason, detail: str) -> OwnFaultError:
    """A fault of ours with a mail platform."""
    return OwnFaultError(Component.PLATFORM, reason.value, detail)


def quoted(text: str) -> str:
    """A text as OData has it in a filter or in a path."""
    return "'" + text.replace("'", "''") + "'"


def odata_time(at: datetime) -> str:
    """A time as OData has it in a filter, cut off to seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class GraphClient:
    """One look's questions. Every method raises OwnFaultError."""

    def __init__(self, asker: Asker, settings: GraphSettings) -> None:
        self._asker, self._base = asker, settings.url.rstrip("/")

    @property
    def asked(self) -> Questions:
        """How much was asked so far."""
        return self._asker.questions

    async def ask(self, url: str, told: Collection[int] = ()) -> tuple[int, Any]:
        """Status and JSON of what is at ``url``; a status of ``told`` means something there, and has no JSON."""
        status, content = await self.raw(url, told)
        if status in told:
            return status, None
        try:
            return status, parsed(content)
        except ValueError as error:
            raise self._asker.explain(error, self._asker.client.build_request("GET", url)) from error

    async def raw(self, url: str, told: Collection[int] = ()) -> tuple[int, bytes]:
        """Status and content of what is at ``url``, whatever it is."""
        try:
            return await self._asker.send(self._asker.client.build_request("GET", url), told)
        except OwnFaultError as error:
            if error.reason in (RestReason.LOGIN_REFUSED, RestReason.FORBIDDEN):
                detail = with_advice(error.detail, _advice(error.detail))
                raise OwnFaultError(error.component, error.reason, detail) from error
            raise

    async def pages(self, path: str, query: Mapping[str, str], most: Budget) -> AsyncIterator[list[Any]]:
        """A list, page by page, to its end; a list that never ends, or has too much in it, is told as too much."""
        url: str | None = self.url(path, query)
        number = 0
        while url is not None:
            _, answer = await self.ask(url)
            try:
                found = items(answer, "value")
                number += len(found)
                most.hold(number=number)
                self.asked.budget.hold(number=self.asked.number)
            except ValueError as error:
                raise self._asker.explain(error, self._asker.client.build_request("GET", url)) from error
            yield found
            url = self.following(answer, "@odata.nextLink")

    def url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """The address of a question; blanks are written as %20, which every OData server reads."""
        asked = f"?{urlencode(query, quote_via=quote, safe='$')}" if query else ""
        return f"{self._base}{quote(path, safe=_IN_PATHS)}{asked}"

    def following(self, answer: Any, link: str) -> str | None:
        """Where a list goes on; the token is shown to nobody but the server that was configured."""
        following = answer.get(link) if isinstance(answer, dict) else None
        if following is None:
            return None
        if not isinstance(following, str) or not self.is_own(following):
            there = urlsplit(following).netloc if isinstance(following, str) else type(following).__name__
            raise fault(
                RestReason.REDIRECTED, f"the list goes on at {there[:200]!r}, want {urlsplit(self._base).netloc}"
            )
        return following

    def is_own(self, url: str) -> bool:
        """Whether an address is on the server that was configured."""
        return urlsplit(url)[:2] == urlsplit(self._base)[:2]


@asynccontextmanager
async def connected(
    settings: GraphSettings,
    token: Token,
    echo: Echo,
    look: Budget,
    trust: Callable[[], ssl.SSLContext],
    prefer: str = "",
) -> AsyncIterator[GraphClient]:
    """A client for one look, all of whose answers hold the budget ``look``; it may ``prefer`` some form of answers.

    Raises OwnFaultError.
    """
    asked = AskedSystem(Component.PLATFORM, settings.url, settings.timeout, look, PLATFORM_ANSWER, echo)
    headers = {"Authorization": f"Bearer {token.value}", **({"Prefer": prefer} if prefer else {})}
    async with asking(asked, headers, trust) as asker:
        yield GraphClient(asker, settings)


def _advice(said: str) -> str:
    return next((words for pattern, words in _ADVICE if re.search(pattern, said, re.IGNORECASE)), "")
