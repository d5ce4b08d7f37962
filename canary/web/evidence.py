"""The evidence log as C2SP tlog-tiles has it served: ``/evidence/checkpoint``, ``/evidence/tile/...``; and its keys.

Entry bundles hold the events themselves, which may hold personal data: only served where the configuration says so.
"""

from __future__ import annotations

import asyncio
import re

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from canary.evidence.notes import NoteError
from canary.prober.loop import Prober

_TILE = re.compile(
    r"tile/(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])/(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/(?:[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?"
)
_FOR_GOOD = {"cache-control": "public, max-age=31536000, immutable"}
_FOR_AN_HOUR = {"cache-control": "public, max-age=3600"}  # retention may empty an entry
_NEVER = {"cache-control": "no-cache"}


def evidence_routes(prober: Prober) -> list[Route]:
    """Where the evidence of a prober is served; nothing is there while it has none."""

    async def key(_: Request) -> Response:
        if prober.evidence is None:
            return _missing()
        try:
            rotations = await asyncio.to_thread(prober.evidence.log.rotations)
        except NoteError as error:
            return PlainTextResponse(f"the chain of keys is broken: {error}\n", status_code=500)
        keys = [str(rotation.new) for rotation in reversed(rotations)]
        return PlainTextResponse("".join(f"{key}\n" for key in keys), headers=_NEVER) if keys else _missing()

    async def log(request: Request) -> Response:
        path, evidence = request.path_params["path"], prober.evidence
        tile = _TILE.fullmatch(path)
        if evidence is None or not (tile or path == "checkpoint"):
            return _missing()
        entries = tile is not None and tile["level"] == "entries"
        file = evidence.log.folder / "log" / path
        if (entries and not evidence.settings.publish_entries) or file.is_symlink() or not file.is_file():
            return _missing()
        if tile is None:
            return FileResponse(file, headers=_NEVER, media_type="text/plain; charset=utf-8")
        headers = _FOR_AN_HOUR if entries else _FOR_GOOD
        return FileResponse(file, headers=headers, media_type="application/octet-stream")

    return [Route("/evidence/key", key), Route("/evidence/{path:path}", log)]


def _missing() -> Response:
    return PlainTextResponse("not here\n", status_code=404)
