"""``POST /hooks/WATCH``: a system says that something changed, and is looked into at once. What it says is not read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from canary.budgets import WEBHOOK
from canary.prober.endpoints import Endpoints
from canary.threads import in_thread
from canary.web.seldom import Seldom

HOOKS = "/hooks/"


def hook_route(endpoints: Callable[[], Endpoints], now: Callable[[], datetime], seldom: Seldom) -> Route:
    """Takes hints for each watch in force that is configured to have them; who asks shows what that watch demands."""

    async def answer(request: Request) -> Response:
        name = request.path_params["watch"]
        watch = endpoints().config.watch.get(name)
        if watch is None or not watch.takes_hints:
            return _said(HTTPStatus.NOT_FOUND, "no watch of this name takes hints; see webhook of a watch of tickets")
        body = await _body(request)
        if body is None:
            return _said(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"want {WEBHOOK.received} bytes at most, within {WEBHOOK.seconds:.0f} s",
            )
        try:
            why = await in_thread(partial(watch.why_no_hint, request.headers, body, now()))  # reads a secret
        except ValueError as error:
            seldom.tell("what a system pushes cannot be checked", watch=name, error=str(error))
            return _said(HTTPStatus.SERVICE_UNAVAILABLE, "our secret cannot be used, see the log")
        if why is not None:
            seldom.tell("what was pushed is refused", watch=name, why=why)
            return _said(HTTPStatus.FORBIDDEN, why)
        endpoints().hint(name)
        return PlainTextResponse("is looked at\n", HTTPStatus.ACCEPTED)

    return Route(HOOKS + "{watch}", answer, methods=["POST"])


def _said(status: HTTPStatus, why: str) -> Response:
    return PlainTextResponse(f"refused: {why}\n", status)


async def _body(request: Request) -> bytes | None:
    """All of it; None if it is too long, does not end in time, or the connection does before."""
    body = bytearray()
    try:
        async with asyncio.timeout(WEBHOOK.seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > (WEBHOOK.received or 0):
                    return None
    except (TimeoutError, ClientDisconnect):
        return None
    return bytes(body)
