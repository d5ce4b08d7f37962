"""An IMAP server that follows a script: one folder, and for any command an answer as bad or as long as a test wants."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

Answer = Callable[[bytes], Iterable[bytes]]
"""What is sent before the tagged OK for the rest of a command; without end, if it likes."""

_RANGE = re.compile(rb"UID (\d+):(\d+|\*)")


class ImapScript:
    """One folder of ``messages`` unread strangers, whose UIDs are ``first`` and up; a window of it is found by SEARCH.

    ``answers`` are by the verb of a command (``FETCH BODYSTRUCTURE`` is one of its own), GREETING among them; what is
    not there gets an honest answer. ``status`` are other endings than ``OK done``, by verb; ``endings`` those that
    depend on the rest of a command. ``commands`` is what was
    heard, without tags.
    """

    def __init__(self, messages: int = 0, first: int = 1, capabilities: str = "IMAP4rev1") -> None:
        self.messages, self.first, self.capabilities = messages, first, capabilities
        self.answers: dict[str, Answer] = {}
        self.status: dict[str, bytes] = {}
        self.endings: dict[str, Callable[[bytes], bytes]] = {}
        self.commands: list[str] = []
        self.connections = 0
        self.address = ("127.0.0.1", 0)

    @property
    def last(self) -> int:
        """The highest UID."""
        return self.first + self.messages - 1

    def server(self, **changes: Any) -> dict[str, Any]:
        """The server as the configuration has it, with a password that no test needs to know."""
        account = {"username": "desk", "password": {"env": "PATH"}, "timeout": "5s"}
        return {"host": self.address[0], "port": self.address[1], "tls": "none", **account, **changes}

    @contextmanager
    def running(self) -> Iterator[ImapScript]:
        """The server, listening on a free port of 127.0.0.1."""
        listener = socket.create_server(self.address)
        self.address = listener.getsockname()
        threading.Thread(target=self._accept, args=(listener,), name="imap script", daemon=True).start()
        try:
            yield self
        finally:
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines, suppress(OSError):
            for piece in self.answers.get("GREETING", lambda _: (b"* OK hello\r\n",))(b""):
                client.sendall(piece)
            for line in lines:
                tag, _, rest = line.strip().partition(b" ")
                self.commands.append(rest.decode("latin-1"))
                verb = self._verb(rest)
                ended, unheard = self._ended(verb, rest), False
                for piece in self.answers.get(verb, partial(self._honestly, ended))(rest):
                    client.sendall(piece)
                    unheard = unheard or piece.startswith(b"+")
                    if unheard and verb == "AUTHENTICATE":
                        self.commands.append(lines.readline().strip().decode("latin-1"))
                        unheard = False
                if unheard:
                    lines.readline()  # DONE
                client.sendall(tag + b" " + ended + b"\r\n")

    def _honestly(self, ended: bytes, rest: bytes) -> Iterable[bytes]:
        """What is said before the end."""
        return self._honest(rest)

    def _ended(self, verb: str, rest: bytes) -> bytes:
        """How a command ends."""
        ending = self.endings.get(verb)
        return ending(rest) if ending is not None else self.status.get(verb, b"OK done")

    def _verb(self, rest: bytes) -> str:
        words = rest.upper().split()
        verb = words[1 if words[0] == b"UID" else 0].decode()
        return "FETCH BODYSTRUCTURE" if verb == "FETCH" and b"BODYSTRUCTURE" in rest else verb

    def _honest(self, rest: bytes) -> Iterable[bytes]:
        match self._verb(rest):
            case "CAPABILITY":
                yield f"* CAPABILITY {self.capabilities}\r\n".encode()
            case "EXAMINE":
                yield f"* {self.messages} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".encode()
                yield f"* OK [UIDNEXT {self.last + 1}] ok\r\n".encode()
            case "STATUS":
                yield f"* STATUS CPR (MESSAGES {self.messages} UNSEEN {self.messages}".encode()
                yield f" UIDVALIDITY 7 UIDNEXT {self.last + 1})\r\n".encode()
            case "SEARCH":
                yield b"* SEARCH" + b"".join(b" %d" % uid for uid in self.searched(rest)) + b"\r\n"
            case "FETCH" if self.messages:
                yield from map(self.fetched, self.asked(rest))
            case "IDLE":
                yield b"+ idling\r\n"

    def found(self, rest: bytes) -> range:
        """The UIDs that a SEARCH over a window finds: all of them, but none by a text."""
        window = _RANGE.search(rest)
        if b"BODY" in rest:
            return range(0)
        if window is None:
            return range(self.first, self.last + 1)
        end = self.last if window[2] == b"*" else min(int(window[2]), self.last)
        return range(max(int(window[1]), self.first), end + 1)

    def searched(self, rest: bytes) -> Iterable[int]:
        """The UIDs that a SEARCH finds."""
        return self.found(rest)

    def asked(self, rest: bytes) -> list[int]:
        """The UIDs in a FETCH."""
        return [int(uid) for uid in rest.split()[2].split(b",")]

    def fetched(self, uid: int) -> bytes:
        """A stranger's message, as far as it is asked for."""
        number, header = uid - self.first + 1, b"Subject: hello\r\n\r\n"
        return (
            b'* %d FETCH (UID %d INTERNALDATE "27-Nov-2026 00:00:00 +0000" RFC822.SIZE %d' % (number, uid, len(header))
            + b' BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1) BODY[HEADER]<0> {%d}\r\n' % len(header)
            + header
            + b")\r\n"
        )
