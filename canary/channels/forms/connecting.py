"""A connection to a host of the network, directly or through the proxy that the environment names."""

from __future__ import annotations

import asyncio
import base64
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from canary.budgets import KIB

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_LIMIT = 64 * KIB
_ADDRESSES, _EACH = 4, 8.0
"""How many addresses of a name are tried, and for how many seconds each."""


async def connect(host: str, port: int) -> Streams:
    """Connect to ``port`` of ``host``. Raises OSError; socket.gaierror, which is one, for a name that is not found.

    ``https_proxy`` (for port 443), ``http_proxy``, ``all_proxy`` and ``no_proxy`` count, as for any browser.
    """
    proxies = getproxies()
    proxy = proxies.get("https" if port == 443 else "http") or proxies.get("all")
    if not proxy or proxy_bypass(f"{host}:{port}"):
        return await _direct(host, port)
    parts = urlsplit(proxy if "//" in proxy else f"http://{proxy}")
    reader, writer = await _direct(parts.hostname or "", parts.port or 80)
    try:
        await _through(reader, writer, host, port, f"{unquote(parts.username or '')}:{unquote(parts.password or '')}")
    except BaseException:
        writer.close()
        raise
    return reader, writer


async def _direct(host: str, port: int) -> Streams:
    """The first address that answers; not all at once, so that what failed is that of one."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)  # SOCK_STREAM
    failed: OSError = OSError(f"{host} has no address")
    for address in list(dict.fromkeys(str(entry[4][0]) for entry in found))[:_ADDRESSES]:
        try:
            async with asyncio.timeout(_EACH):
                return await asyncio.open_connection(address, port, limit=_LIMIT)
        except OSError as error:  # TimeoutError is one
            failed = error
    raise failed


async def _through(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, login: str
) -> None:
    """Have a proxy connect further (RFC 9110 section 9.3.6). Raises OSError if it does not."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    secret = f"Proxy-Authorization: Basic {base64.b64encode(login.encode()).decode()}\r\n" if login != ":" else ""
    writer.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{secret}\r\n".encode())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise ConnectionError("the proxy does not answer as one") from error
    if head.split(b" ", 2)[1:2] != [b"200"]:
        raise ConnectionError(f"the proxy says {head[:100].splitlines()[0]!r}")
