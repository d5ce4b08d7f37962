"""A form whose answer comes in as many ways as there are: each page has the same fields and button, and says yes or no
in its own way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from servers.http_request import read_request

FIELDS = """<label for=n>Your name</label><input id=n name=name><br><label for=e>Email</label>
<input id=e name=email><br><label for=d>Description</label><textarea id=d name=text></textarea><br>"""
THANKS = "Thank you, your report is filed"
_BODY = "new URLSearchParams(new FormData(document.forms[0]))"


def form(*, extra: str = "", attributes: str = "", after: str = "", before: str = "") -> str:
    """A page with the form; ``extra`` stands before its button."""
    return (
        f"<!doctype html><meta charset=utf-8><title>Report</title>{before}<main><h1>Report a certificate</h1>"
        f"<form method=post {attributes}>{FIELDS}{extra}<button>Send report</button></form></main>{after}"
    )


def by_script(script: str, *, after: str = "", before: str = "") -> str:
    """A page whose script does what follows the click; ``post(path)`` sends the fields, ``say(html)`` shows more."""
    return form(
        before=before,
        after=f"""{after}<script>
const post = (to, more) => fetch(to, {{method: "POST", body: {_BODY}, ...more}});
const say = html => document.querySelector("main").insertAdjacentHTML("beforeend", html);
document.forms[0].onsubmit = async event => {{ event.preventDefault(); {script} }};</script>""",
    )


@dataclass
class Answers:
    """The site. ``pages`` by path; ``posted`` are the bodies that it took, by path."""

    pages: dict[str, str]
    replies: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Status and body by the path of a POST; else 200 and the thanks. ``{`` begins JSON."""
    url: str = ""
    posted: list[tuple[str, bytes]] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                method, path, body = await read_request(reader)
                path = path[1:].split("?")[0].replace("%20", " ")
                if method == "POST":
                    self.posted.append((path, body))
                if path == "hang":
                    await self.stopping.wait()
                if path in ("gone", "hang"):
                    return
                self._answer(writer, method, path)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, writer: asyncio.StreamWriter, method: str, path: str) -> None:
        found = (200, self.pages[path]) if method == "GET" and path in self.pages else None
        status, text = found or self.replies.get(path) or (200, f"<p>{THANKS}.</p>")
        if path == "nowhere":
            status, text = 404, "Not here"
        more = f"Location: /{text}\r\n" if status in (302, 303) else ""
        kind = "application/json" if text.startswith("{") else "text/html; charset=utf-8"
        content = text.encode()
        head = f"HTTP/1.1 {status} So\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)


@asynccontextmanager
async def answering(pages: dict[str, str], replies: dict[str, tuple[int, str]]) -> AsyncIterator[Answers]:
    """The site, in the running event loop."""
    site = Answers(pages, replies)
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield site
    finally:
        site.stopping.set()
        server.close()
