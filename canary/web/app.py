"""``/metrics``, ``/-/healthy``, ``/-/ready``, ``POST /-/reload`` and ``/evidence``, for one running prober."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from canary import status
from canary.metrics import registry
from canary.prober.loop import Prober
from canary.web.evidence import evidence_routes


def create_app(prober: Prober, reload: Callable[[], Awaitable[None]] | None = None) -> Starlette:
    """The application; ``reload`` reads the configuration again and raises ValueError if it is refused."""
    metrics_registry = registry(prober)

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        text = await asyncio.to_thread(encode, metrics_registry)  # seconds of CPU for a thousand channels: not here
        return Response(text, media_type=content_type)

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        reasons = unready(prober)
        return PlainTextResponse("\n".join(reasons or ["ok"]) + "\n", status_code=503 if reasons else 200)

    async def reload_now(_: Request) -> Response:
        if reload is None:
            return PlainTextResponse("this canary has no configuration file to read again\n", status_code=501)
        try:
            await reload()
        except ValueError as error:
            return PlainTextResponse(f"refused, the running configuration stays:\n{error}\n", status_code=400)
        return PlainTextResponse("reloaded\n")

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
            Route("/-/reload", reload_now, methods=["POST"]),
            *evidence_routes(prober),
        ]
    )


def unready(prober: Prober) -> list[str]:
    """Why the prober cannot do its work now, in sentences; empty if it can."""
    state, vitals, now = prober.ledger.state, prober.vitals(), prober.intake.now()
    found = status.parts(prober.config, state, vitals, now)
    return [f"{part.part}: {part.why}" for part in found if part.keeps_from_work]
