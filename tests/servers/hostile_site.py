"""Pages that take what they can get, of memory, time, network and patience; each has the form's fields all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from servers.http_request import read_request

PAGES: Mapping[str, str] = {
    "objects": "const a = []; for (;;) a.push(new Array(10000).fill(Math.random()));",
    "buffers": "const a = []; const g = () => { a.push(new Uint8Array(2e7).fill(1)); setTimeout(g, 0); }; g();",
    "loop": "for (;;);",
    "dialogs": "const g = () => { alert('again'); setTimeout(g, 0); }; g();",
    "dialogs in a row": "for (;;) alert('again');",
    "windows": "setInterval(() => open('/blank'), 10);",
    "downloads": "setInterval(() => location.assign('/file'), 50);",
    "requests": "setInterval(() => { for (let i = 0; i < 50; i++) fetch('/x' + Math.random()); }, 50);",
    "endless": "fetch('/stream').then(r => r.text());",
    "console": "const g = () => { console.log('x'.repeat(1e6)); setTimeout(g, 0); }; g();",
    "close": "close();",
    "reload": "setTimeout(() => location.reload(), 0);",
    "late": "setTimeout(() => document.body.append('Now you may'), 3000);",
    "leaving": "onbeforeunload = e => e.preventDefault(); setInterval(() => location.assign('/form'), 100);",
}
"""What the page's script does, by what it takes."""

_FORM = """<form method="post" action="/sent"><label>Description<textarea name="text"></textarea></label>
<button>Send</button></form>"""


class HostileSite:
    """``/objects`` and so on; ``/good`` is a form like any other, and ``posted`` counts the reports that it took."""

    def __init__(self) -> None:
        self.url = ""
        self.posted = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                method, path, _ = await read_request(reader)
                if path == "/stream":
                    await self._without_end(writer)
                self.posted += method == "POST"
                script = PAGES.get(path[1:].replace("%20", " "), "")
                text = "Thank you for your report" if method == "POST" else f"{_FORM}<script>{script}</script>"
                extra = "Content-Disposition: attachment\r\n" if path == "/file" else ""
                headers = f"Content-Type: text/html\r\n{extra}Content-Length: {len(text)}"
                writer.write(f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n{text}".encode())
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _without_end(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            writer.write(bytes(1 << 20))
            await writer.drain()


@asynccontextmanager
async def hostile_site() -> AsyncIterator[HostileSite]:
    """The site, in the running event loop."""
    site = HostileSite()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield site
    finally:
        server.close()
