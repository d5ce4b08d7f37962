"""A browser without JavaScript in front of the demo's form."""

from __future__ import annotations

import re
from html import unescape

import httpx

FIELDS = {
    "topic": "problem-report",
    "problem": "compliance",
    "certificate": "",
    "name": "Robin Hayes",
    "email": "robin.hayes@researcher.test",
    "description": "Your intermediate is not disclosed.",
    "consent": "yes",
}


async def load(visitor: httpx.AsyncClient) -> str:
    """Open the form; returns its hidden token."""
    page = await visitor.get("/report")
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page.text)
    assert page.status_code == 200
    assert found
    return found[1]


async def fill_in(
    visitor: httpx.AsyncClient, files: dict[str, tuple[str, bytes]] | None = None, **changes: str
) -> httpx.Response:
    """Open the form, fill it in with ``changes``, send it."""
    token = await load(visitor)
    return await visitor.post("/report", data={"csrf_token": token, **FIELDS, **changes}, files=files)


def errors(page: httpx.Response) -> list[str]:
    """What the page says is wrong."""
    alert = re.search(r'role="alert">(.*?)</div>', page.text, re.DOTALL)
    return [unescape(words) for words in re.findall(r"<li>(.*?)</li>", alert[1])] if alert else []
