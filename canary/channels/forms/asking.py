"""Asking the server of a form: a request and its redirects to the end, and whose fault it is that none is reached."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from canary.budgets import FORM_ANSWERS, FORM_REDIRECTS
from canary.channels import UnusableError
from canary.channels.forms.charset import charset_of
from canary.channels.forms.home import Home
from canary.channels.forms.lookup import name_fault
from canary.exchange import body
from canary.model import Component, OwnFaultError


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, its body as text and what character set that was in, and the address that it came from in the end."""

    status: int
    url: str
    text: str
    charset: str


async def follow(client: httpx.AsyncClient, request: httpx.Request, home: Home) -> Answered:
    """Send ``request`` and follow its redirects, as long as they stay at home.

    Raises UnusableError where they do not, and one of :data:`canary.exchange.BROKEN` where there is no whole answer
    within the budgets.
    """
    redirects = 0
    while True:
        home.require(str(request.url))
        answer = await client.send(request, stream=True)
        try:
            content = await body(answer, FORM_ANSWERS)
        finally:
            await answer.aclose()
        if answer.next_request is None:
            charset = charset_of(content, answer.charset_encoding or "")
            return Answered(answer.status_code, str(answer.url), content.decode(charset, "replace"), charset)
        request = answer.next_request
        redirects += 1
        FORM_REDIRECTS.hold(number=redirects)


def fault_of(url: str, error: Exception) -> UnusableError | OwnFaultError:
    """Whose fault it is that a page could not be had."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return name_fault(urlsplit(url).hostname or "", cause)
        if isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.ENETDOWN):
            return OwnFaultError(Component.HTTP, "network_down", f"{url}: {said(error)}")
        cause = cause.__cause__ or cause.__context__
    return UnusableError(f"page unreachable: {url}: {said(error)}")


def said(error: Exception) -> str:
    """The error's own words, or its name where it has none."""
    return (str(error) or type(error).__name__)[:300]
