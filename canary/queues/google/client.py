"""Asks Google's APIs: one question after the other, over connections that last for one look."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

from canary.budgets import PLATFORM_ANSWER, PLATFORM_LIST, PLATFORM_LOOK
from canary.echo import Echo
from canary.model import Component, OwnFaultError
from canary.oauth import Token, with_advice
from canary.queues.google.settings import GoogleSettings
from canary.queues.rest.answers import at, items, parsed
from canary.queues.rest.asking import AskedSystem, Asker, Questions, RestError, asking
from canary.queues.rest.faults import RestReason

_RATE = re.compile(r"rateLimitExceeded|userRateLimitExceeded|RATE_LIMIT_EXCEEDED|quotaExceeded", re.IGNORECASE)
"""What a 403 says that is no refusal: so much was asked of it in a minute."""
_MINUTE = 60.0
_ADVICE: tuple[tuple[str, str], ...] = (
    (
        r"SERVICE_DISABLED|accessNotConfigured|has not been used in project",
        "switch the API on in the project of the service account",
    ),
    (
        r"insufficientPermissions|ACCESS_TOKEN_SCOPE_INSUFFICIENT|insufficient authentication scopes",
        "delegate the scope that docs/systems/google-workspace.md names, and leave auth.scope out",
    ),
    (r"failedPrecondition|Mail service not enabled", "the mailbox has no Gmail: look at mailbox, and at its licence"),
    (r"Delegation denied", "the token is another mailbox's: auth.subject must be that of mailbox, or be left out"),
)
"""What Google says when it refuses, and what to change; the first row that fits."""

_IN_PATHS = "/:@"
"""Characters of a path that stand as they are: those of methods and names of Google's own."""

Parameters = Sequence[tuple[str, str]]


def fault(reason: RestReason, detail: str) -> OwnFaultError:
    """A fault of ours with Google's platform."""
    return OwnFaultError(Component.PLATFORM, reason.value, detail)


class GoogleClient:
    """One look's questions about what is below ``base``. Every method raises OwnFaultError."""

    def __init__(self, asker: Asker, base: str) -> None:
        self._asker, self._base = asker, base

    @property
    def asked(self) -> Questions:
        """How much was asked so far."""
        return self._asker.questions

    async def ask(
        self, path: str, query: Parameters = (), told: Collection[int] = (), body: Mapping[str, Any] | None = None
    ) -> Any:
        """The answer to one question, a POST if it has a body; None where its status is one of ``told``."""
        asked = f"?{urlencode(query, quote_via=quote)}" if query else ""
        url, method = f"{self._base}/{quote(path, safe=_IN_PATHS)}{asked}", "GET" if body is None else "POST"
        request = self._asker.client.build_request(method, url, json=body)
        try:
            status, content = await self._asker.send(request, told)
            return None if status in told else parsed(content)
        except OwnFaultError as error:
            raise _in_our_words(error) from error
        except ValueError as error:
            raise self._asker.explain(error, request) from error


@asynccontextmanager
async def connected(
    settings: GoogleSettings, token: Token, echo: Echo, trust: Callable[[], ssl.SSLContext]
) -> AsyncIterator[GoogleClient]:
    """A client for one look, all of whose answers hold PLATFORM_LOOK. Raises OwnFaultError."""
    asked = AskedSystem(Component.PLATFORM, settings.url, settings.timeout, PLATFORM_LOOK, PLATFORM_ANSWER, echo)
    async with asking(asked, {"Authorization": f"Bearer {token.value}"}, trust) as asker:
        yield GoogleClient(asker, settings.base)


def _in_our_words(error: OwnFaultError) -> OwnFaultError:
    """A refusal with what to change; too many questions are told as that, and are no refusal."""
    if error.reason == RestReason.FORBIDDEN and _RATE.search(error.detail):
        return RestError(error.component, _MINUTE, f"{error.detail}; asked again after {_MINUTE:g} s")
    if error.reason in (RestReason.LOGIN_REFUSED, RestReason.FORBIDDEN, RestReason.PROTOCOL):
        advice = next((words for pattern, words in _ADVICE if re.search(pattern, error.detail, re.IGNORECASE)), "")
        return OwnFaultError(error.component, error.reason, with_advice(error.detail, advice))
    return error


def entries(answer: Any, path: str) -> list[Any]:
    """The list in an answer, which leaves an empty one out. Raises OwnFaultError for what is none."""
    try:
        found = items(answer, path) if not isinstance(answer, dict) or path in answer else []
        PLATFORM_LIST.hold(number=len(found))
        return found
    except ValueError as error:
        raise fault(RestReason.GARBAGE, f"a list of {path}: {error}") from error


def stored(answer: Any, path: str) -> bytes:
    """The message in an answer, in Base64 for addresses and without its padding. Raises OwnFaultError."""
    text = at(answer, path)
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (TypeError, ValueError):
        raise fault(RestReason.GARBAGE, f"a message: got no Base64 at {path}, want that") from None
