"""One request over HTTP, read to its end: who closes with a body unread resets, and the answer may be lost."""

from __future__ import annotations

import asyncio
from typing import NamedTuple


class Request(NamedTuple):
    """What was asked."""

    method: str
    path: str
    body: bytes


async def read_request(reader: asyncio.StreamReader) -> Request:
    """The next one; :exc:`asyncio.IncompleteReadError` when there is none."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    method, path, _ = head.split(" ", 2)
    lines = head.lower().split("\r\n")
    size = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), 0)
    return Request(method, path, await reader.readexactly(size))
