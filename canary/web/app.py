"""``/metrics``, ``/-/healthy``, ``/-/ready``, ``/-/reload``, ``/hooks`` and ``/evidence``, for one running prober."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from canary import status
from canary.clock import Clock
from canary.metrics import registry
from canary.metrics.text import encoder
from canary.model import OwnFaultError
from canary.prober.loop import Prober
from canary.web.access import Access
from canary.web.evidence import evidence_routes
from canary.web.guard import Doorkeeper
from canary.web.hooks import hook_route

RELOAD_EVERY = 5.0
"""Seconds between two reloads that are asked for here: each is an event for good, and opens everything again."""

Reload = Callable[[], Awaitable[None]]


def create_app(prober: Prober, reload: Reload | None = None, access: Access | None = None) -> Doorkeeper:
    """The application, behind ``access``: that of the prober's configuration if none is given.

    ``reload`` reads the configuration again and raises ValueError or OwnFaultError if it is refused.
    """
    metrics_registry = registry(prober)
    one_scrape = asyncio.Lock()

    async def metrics(request: Request) -> Response:
        encode, content_type = encoder(request.headers.get("accept", ""))
        async with one_scrape:  # many at once would take each other's time, and the prober's
            text = await asyncio.to_thread(encode, metrics_registry)  # seconds of CPU for a thousand channels: not here
        return Response(text, media_type=content_type)

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        reasons = unready(prober)
        return PlainTextResponse("\n".join(reasons or ["ok"]) + "\n", status_code=503 if reasons else 200)

    access = access or Access(prober.config.web)
    app = Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
            Route("/-/reload", _Reloading(reload).answer, methods=["POST"]),
            hook_route(lambda: prober.endpoints, prober.intake.now, access.seldom),
            *evidence_routes(prober),
        ]
    )
    return Doorkeeper(app, access)


class _Reloading:
    """Reloads for whoever asks, one at a time and not too often."""

    def __init__(self, reload: Reload | None) -> None:
        self._reload, self._clock = reload, Clock()
        self._busy, self._next = False, self._clock.monotonic()

    async def answer(self, _: Request) -> Response:
        if self._reload is None:
            return PlainTextResponse("this canary has no configuration file to read again\n", status_code=501)
        wait = math.ceil(self._next - self._clock.monotonic()) if not self._busy else math.ceil(RELOAD_EVERY)
        if wait > 0:
            sentence = f"refused: reloaded at most once in {RELOAD_EVERY:.0f} s, want it asked for again in {wait} s\n"
            return PlainTextResponse(sentence, status_code=429, headers={"Retry-After": str(wait)})
        self._busy = True
        try:
            await self._reload()
        except (ValueError, OwnFaultError) as error:
            return PlainTextResponse(f"refused, the running configuration stays:\n{error}\n", status_code=400)
        finally:
            self._busy, self._next = False, self._clock.monotonic() + RELOAD_EVERY
        return PlainTextResponse("reloaded\n")


def unready(prober: Prober) -> list[str]:
    """Why the prober cannot do its work now, in sentences; empty if it can."""
    state, vitals, now = prober.ledger.state, prober.vitals(), prober.intake.now()
    found = status.parts(prober.config, state, vitals, now)
    return [f"{part.part}: {part.why}" for part in found if part.keeps_from_work]
