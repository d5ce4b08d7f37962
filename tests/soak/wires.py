"""What servers say, fed to our protocols without a socket: an IMAP connection, and replies of SMTP."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from queues.recording_intake import RecordingIntake

from canary.channels.email.stream import Stream
from canary.clock import Clock
from canary.model import Place, Role
from canary.queues.imap.account import MailAccount
from canary.queues.imap.connection import Connection
from canary.queues.imap.folder import FolderReader, Watched
from canary.queues.imap.login import sign_in
from canary.queues.imap.memory import FolderMemory
from canary.queues.imap.wire import Wire
from canary.queues.loop import Stop
from canary.queues.replies.classify import classify
from canary.settings import Secret, Server, Tls

_SERVER = Server(host="127.0.0.1", port=143, tls=Tls.NONE, username="desk", password=Secret(env="PATH"))
_STOP = Stop(Clock())
_ACCOUNT = MailAccount(_SERVER, _STOP.clock)
_CHUNK = 4096
_LOOP = asyncio.new_event_loop()


class _Fed(Wire):
    """Hears what it was given, with ``TAG`` for the tag of the command that was said last."""

    said: bytes

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return socket.socket()

    def send(self, data: Any) -> None:
        tag = bytes(data).split(b" ", 1)[0]
        self.said = self.said.replace(b"TAG", tag) if tag.isalnum() and len(tag) > 3 else self.said

    def _fill(self) -> bool:
        chunk, self.said = self.said[:_CHUNK], self.said[_CHUNK:]
        self._received += len(chunk)
        self._budget.hold(received=self._received)
        self._buffer += chunk
        return bool(chunk)


class _Connection(Connection):
    def __init__(self, said: bytes) -> None:
        self._said = said
        super().__init__(_ACCOUNT, None, _STOP)

    def _create_IMAP4(self) -> Wire:  # noqa: N802
        _Fed.said = self._said
        return _Fed(self._server, None, _STOP)


def imap(said: bytes) -> None:
    """A folder is read, counted and glanced at on a connection whose server says this."""
    with _Connection(said) as connection:
        sign_in(connection, _ACCOUNT, _STOP)
        watched, memory = Watched("CPR", Place("cpr", Role.MONITORED)), FolderMemory(_STOP.clock)
        reader = FolderReader("desk", watched, RecordingIntake(), classify, memory)
        reader.read(connection)
        reader.count(connection)
        reader.glance(connection)


class _Nowhere(asyncio.Transport):
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def write(self, data: Any) -> None:
        pass

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


def smtp(said: bytes) -> list[tuple[int, str]]:
    """The replies that a server said, until it hung up."""

    async def replies() -> list[tuple[int, str]]:
        stream, found = Stream(_Nowhere()), []
        for at in range(0, len(said), _CHUNK):
            stream.data_received(said[at : at + _CHUNK])
        stream.eof_received()
        while True:
            try:
                found.append(await stream.reply(1.0))
            except ConnectionError:
                return found

    return _LOOP.run_until_complete(replies())
