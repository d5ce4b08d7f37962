"""Asks a system over HTTP: one question after the other, each answer bounded in size and time, no secret told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from canary.budgets import Budget
from canary.echo import Echo
from canary.exchange import body, exchange
from canary.model import Component, OwnFaultError
from canary.queues.rest.faults import LONGEST_TOLD, RestReason, explain
from canary.settings import tls_context

LONGEST_REST = 3600.0
"""Seconds for which a system that asks us to wait is left alone, at most."""
_USUAL_REST = 60.0
"""Seconds for which one is left alone that does not say for how long."""
_REFUSED = {401: RestReason.LOGIN_REFUSED, 403: RestReason.FORBIDDEN}


Heard = Callable[[int, Mapping[str, str], bytes], None]
"""Is told an answer, whatever it is: its status, headers and content."""


class RestError(OwnFaultError):
    """A system asks to be left alone for ``seconds``."""

    def __init__(self, part: Component, seconds: float, detail: str) -> None:
        super().__init__(part, RestReason.RATE_LIMITED.value, detail)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class AskedSystem:
    """Whom one look asks, for which part of ours: ``url`` without a path's end, ``timeout`` in seconds an answer.

    ``look`` is what all its answers may cost, ``answer`` what each of them may. ``echo`` knows what was said to log in.
    ``left`` and ``until`` are the headers that say how many questions are left, and until when (seconds since 1970).
    """

    part: Component
    url: str
    timeout: float
    look: Budget
    answer: Budget
    echo: Echo
    left: str = ""
    until: str = ""

    @property
    def server(self) -> str:
        """The server by its name and port."""
        return urlsplit(self.url).netloc


@dataclass(slots=True)
class Questions:
    """How much was asked in one look, and the system's own time by its last answer, None if it tells none."""

    budget: Budget
    number: int = 0
    received: int = 0
    time: datetime | None = None

    @property
    def enough(self) -> bool:
        """Whether the rest is for the next look."""
        budget = self.budget
        return self.number >= (budget.number or 0) or 2 * self.received >= (budget.received or 0)


class Asker:
    """One look's questions. Raises OwnFaultError, and what :mod:`canary.exchange` raises while it ends."""

    def __init__(self, client: httpx.AsyncClient, asked: AskedSystem) -> None:
        self.client, self._asked = client, asked
        self.questions = Questions(asked.look)

    async def send(
        self, request: httpx.Request, told: Collection[int] = (), heard: Heard | None = None
    ) -> tuple[int, bytes]:
        """Status and body of the answer: a status of 2xx, or one of ``told``, which means something there."""
        self.questions.number += 1
        try:
            async with asyncio.timeout(self._asked.timeout):
                answer = await self.client.send(request, stream=True)
                try:
                    content = await body(answer, self._asked.answer)
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise self.explain(error, request) from error
        self.questions.received += len(content)
        self.questions.time = _date(answer.headers.get("date", "")) or self.questions.time
        if heard is not None:
            heard(answer.status_code, answer.headers, content)
        if answer.status_code not in told:
            self._hold(request, answer, content)
        return answer.status_code, content

    def explain(self, error: BaseException, request: httpx.Request) -> OwnFaultError:
        """What was raised for this question, or for its answer, in our words."""
        return explain(self._asked.part, error, self._where(request), self._asked.echo)

    def _hold(self, request: httpx.Request, answer: httpx.Response, content: bytes) -> None:
        """Raise OwnFaultError for an answer that is none."""
        status, where = answer.status_code, self._where(request)
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            leads = urlsplit(answer.headers.get("location", ""))
            there = f"{leads.scheme}://{leads.netloc}" if leads.netloc else "another path"
            detail = f"{where}: the answer leads to {there[:200]}, want an answer; is the url right?"
            raise self._fault(RestReason.REDIRECTED, detail)
        said = self._asked.echo.removed(content[: 10 * LONGEST_TOLD].decode(errors="replace"))[:LONGEST_TOLD]
        rest = self._asked_rest(answer.headers)
        if status == 429 or (status in (403, 503) and rest is not None):
            seconds = min(_USUAL_REST if rest is None else rest, LONGEST_REST)
            raise RestError(self._asked.part, seconds, f"{where}: HTTP {status}, asked again after {seconds:g} s")
        reason = RestReason.UNAVAILABLE if status >= 500 else _REFUSED.get(status, RestReason.PROTOCOL)
        raise self._fault(reason, f"{where}: HTTP {status}: {said}")

    def _asked_rest(self, headers: Mapping[str, str]) -> float | None:
        """Seconds for which an answer asks to be left alone, if it says so."""
        now, until = self.questions.time, headers.get(self._asked.until, "")[:12]
        if headers.get(self._asked.left) == "0" and now is not None and until.isascii() and until.isdigit():
            return max(0.0, int(until) - now.timestamp())
        return _rest(headers.get("retry-after", ""), now)

    def _fault(self, reason: RestReason, detail: str) -> OwnFaultError:
        return OwnFaultError(self._asked.part, reason.value, detail)

    def _where(self, request: httpx.Request) -> str:
        return f"{self._asked.server}: {request.method} {request.url.path[:200]}"


@asynccontextmanager
async def asking(
    asked: AskedSystem, headers: Mapping[str, str], trust: Callable[[], ssl.SSLContext], auth: httpx.Auth | None = None
) -> AsyncIterator[Asker]:
    """What asks for one look, with these headers each time. Raises OwnFaultError."""
    try:
        async with exchange(asked.look, headers={"Accept": "application/json", **headers}, trust=trust) as client:
            if auth is not None:
                client.auth = auth
            yield Asker(client, asked)
    except (httpx.HTTPError, ValueError, OSError) as error:
        raise explain(asked.part, error, asked.server, asked.echo) from error


def trusted(part: Component, ca_file: Path | None) -> ssl.SSLContext:
    """The certificates that are trusted. Raises OwnFaultError."""
    try:
        return tls_context(ca_file)
    except (OSError, ValueError) as error:
        raise OwnFaultError(part, RestReason.CA_FILE.value, f"{ca_file}: {error}") from error


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
