"""A browser's way to a form behind an operator's own CA: a door of one visit, through which no other is reached.

No browser can be told of a CA for one page alone. So TLS ends here: towards the server by the CAs of a file, and with
its name; towards the browser by a certificate of ours, which it does not look at. The door leads to the form's own
addresses and nowhere else, so that nothing is ever taken unseen.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from canary.budgets import BROWSER_CONNECTIONS, KIB
from canary.channels.forms.connecting import Streams, connect
from canary.channels.forms.outlet import Outlet
from canary.channels.forms.relay import FAILED, GRANTED, REFUSED, Relay, asked, both_ways, net_error, reply
from canary.model import Component, OwnFaultError
from canary.settings import tls_context
from canary.threads import in_thread

_HTTP = ["http/1.1"]
_OTHER_NAME = 62
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH; that of an address is 64."""


def trust_in(file: Path | None) -> ssl.SSLContext:
    """What trusts the CAs of ``file``, or those of the system. Raises OwnFaultError(CONFIG) for one without any."""
    try:
        return tls_context(file)
    except OSError as error:
        raise OwnFaultError(Component.CONFIG, "ca_file", f"{file}: {error.strerror or error}") from error


@asynccontextmanager
async def door(file: Path, outlet: Outlet, relay: Relay) -> AsyncIterator[str]:
    """The address of such a door, as a browser is told of it. Raises OwnFaultError."""
    trust = await in_thread(lambda: trust_in(file))
    trust.set_alpn_protocols(_HTTP)
    one = _Door(trust, await in_thread(_our_own), outlet, relay)
    server = await asyncio.start_server(one.enter, "127.0.0.1", 0, limit=64 * KIB)
    try:
        yield f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in one.served:
            task.cancel()
        await asyncio.gather(*one.served, return_exceptions=True)


class _Door:
    def __init__(self, trust: ssl.SSLContext, own: ssl.SSLContext, outlet: Outlet, relay: Relay) -> None:
        self._trust, self._own, self._outlet, self._relay = trust, own, outlet, relay
        self.served: set[asyncio.Task[None]] = set()

    def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the browser's."""
        if len(self.served) >= (BROWSER_CONNECTIONS.number or 0):
            writer.close()
            return
        task = asyncio.ensure_future(self._serve(reader, writer))
        self.served.add(task)
        task.add_done_callback(self.served.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            host, port = await asked(reader, writer)
            allowed = self._outlet.is_home(_address(host, port))
            there = await self._connected(host, port) if allowed else None
            writer.write(reply(GRANTED if there else FAILED if allowed else REFUSED))
            await writer.drain()
            if there:
                await self._hand_on((reader, writer), there)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass  # it let go before it was served, or speaks something else
        finally:
            writer.close()

    async def _hand_on(self, here: Streams, there: Streams) -> None:
        try:
            async with asyncio.timeout(BROWSER_CONNECTIONS.seconds):
                await here[1].start_tls(self._own)
            await both_ways(here, there, (self._outlet,))
        finally:
            there[1].close()

    async def _connected(self, host: str, port: int) -> Streams | None:
        """A connection to a server that has shown who it is."""
        writer = None
        try:
            async with asyncio.timeout(BROWSER_CONNECTIONS.seconds):
                reader, writer = await connect(host, port)
                await writer.start_tls(self._trust, server_hostname=host)
        except (OSError, UnicodeError) as error:
            self._relay.note_error(host, port, _words(error))
            if writer is not None:
                writer.close()
            return None
        return reader, writer


def _address(host: str, port: int) -> str:
    return f"https://{f'[{host}]' if ':' in host else host}:{port}"


def _words(error: OSError | UnicodeError) -> str:
    """What Chromium would have called it, and what it was."""
    if isinstance(error, ssl.SSLCertVerificationError):
        named = error.verify_code in (_OTHER_NAME, _OTHER_NAME + 2)
        return f"{'ERR_CERT_COMMON_NAME_INVALID' if named else 'ERR_CERT_AUTHORITY_INVALID'} ({error.verify_message})"
    return "ERR_SSL_PROTOCOL_ERROR" if isinstance(error, ssl.SSLError) else net_error(error)


@cache
def _our_own() -> ssl.SSLContext:
    """A certificate that nobody trusts, for this process alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cpr-canary")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(datetime(2000, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(_HTTP)
    with NamedTemporaryFile() as file:  # the library of TLS reads keys from files alone
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context
