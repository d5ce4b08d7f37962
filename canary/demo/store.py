"""The demo's mailboxes: pymap's in-memory IMAP server, in this process."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from argparse import Namespace
from datetime import datetime

from proxyprotocol.result import ProxyResultLocal
from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Config, Identity, Login
from pymap.concurrent import Subsystem
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

KEEP = 1000
"""Messages a folder holds; the oldest goes when a further one comes, so that a demo can run for weeks."""

_FIRST_UID = 101  # pymap's


class _QuietConfig(Config):
    @property
    def greeting(self) -> bytes:
        return b"Demo CA IMAP server ready"  # pymap's own asks the DNS for this host's name


class MailStore:
    """Mailboxes by user name, served over IMAP: implicit TLS, or plain text if ``tls`` is None."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        arguments = Namespace(
            host=["127.0.0.1"], port=0, debug=False, cert=None, key=None, tls=False, proxy_protocol=None,
            inherited_sockets=None, passlib_cfg=None, demo_data=False, demo_user="-", demo_password="-",  # noqa: S106
            skip_services=[],
        )  # fmt: skip
        self._config = _QuietConfig.from_args(
            arguments,
            hash_context=Cleartext(),
            cpu_subsystem=Subsystem.for_asyncio(),
            invalid_user_sleep=0.0,
            reject_dnsbl=False,
        )
        self._login = Login(self._config)
        self._imap = IMAPServer(self._login, self._config)
        self._tls = tls
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1, see ``port``."""
        self._config.apply_context()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and hang up on everybody."""
        if self._server is not None:
            self._server.close()
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The set keeps the task alive: one that is referenced by nobody is garbage-collected in the middle of an IDLE.
        task = asyncio.ensure_future(self._talk(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._imap(reader, writer, SocketInfo.get(writer, ProxyResultLocal(), unique_id=uuid.uuid4().bytes))
        except (ConnectionError, ssl.SSLError):
            writer.close()  # the client went away in the middle of a line

    async def add(self, username: str, password: str, folders: tuple[str, ...]) -> None:
        """Create a user with ``folders``; INBOX is always there."""
        identity = self._identity(username)
        await identity.set(UserMetadata(self._config, username, password=password))
        async with identity.new_session() as session:
            for folder in folders:
                if folder != "INBOX":
                    await session.mailbox_set.add_mailbox(folder)

    async def append(self, username: str, folder: str, raw: bytes, at: datetime) -> None:
        """Put a message into a folder, unread; whoever idles there is told at once."""
        async with self._identity(username).new_session() as session:
            mailbox = await session.mailbox_set.get_mailbox(folder)
            message = await mailbox.append(AppendMessage(raw, at, frozenset()), recent=True)
            if message.uid - KEEP >= _FIRST_UID:
                await mailbox.delete([message.uid - KEEP])

    def _identity(self, username: str) -> Identity:
        return Identity(username, self._login, None, frozenset())
