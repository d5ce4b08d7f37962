"""Servers that hate us, each connection in another way by a seed: SMTP, IMAP, and HTTP for forms and authorities."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random

from soak import languages

_BREATH = 0.02
"""Seconds between two pieces of a flood: the machine is to be busy with the canary."""
_MOST = 400
"""Pieces after which even a flood ends: an hour of them would only take turns from the others."""

Behaviour = Callable[[socket.socket, Random], None]


def _flood(client: socket.socket, piece: bytes) -> None:
    for _ in range(_MOST):
        client.sendall(piece)
        time.sleep(_BREATH)


def _drip(client: socket.socket, text: bytes) -> None:
    for byte in text[:_MOST]:
        client.sendall(bytes([byte]))
        time.sleep(0.2)


def _silent(client: socket.socket, _: Random) -> None:
    client.settimeout(60)
    while client.recv(4096):
        pass


def _gone(client: socket.socket, _: Random) -> None:
    client.close()


def _noise(client: socket.socket, rng: Random) -> None:
    _flood(client, rng.randbytes(1 << 14))


def _spoken(greeting: bytes, language: languages.Language) -> Behaviour:
    """A greeting, then hostile words of the language for every line that comes."""

    def speak(client: socket.socket, rng: Random) -> None:
        client.sendall(greeting)
        client.settimeout(60)
        tag = b"TAG"
        for _ in range(_MOST):
            heard = client.recv(4096)
            if not heard:
                return
            tag = heard.split(b" ", 1)[0][:20] or tag
            client.sendall(language.case(rng).replace(b"TAG", tag) + b"\r\n")

    return speak


def _answered(head: bytes, piece: Callable[[Random], bytes], *, drip: bool = False) -> Behaviour:
    def answer(client: socket.socket, rng: Random) -> None:
        client.settimeout(60)
        client.recv(1 << 16)
        client.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        (_drip if drip else _flood)(client, piece(rng))

    return answer


def _once(head: bytes, body: Callable[[Random], bytes]) -> Behaviour:
    def answer(client: socket.socket, rng: Random) -> None:
        client.settimeout(60)
        client.recv(1 << 16)
        content = body(rng)
        client.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: %d\r\n\r\n" % len(content) + content)

    return answer


_HTML = b"Content-Type: text/html\r\n"
_BOMB = gzip.compress(b"<b>x" * (64 << 18))
HTTP: tuple[Behaviour, ...] = (
    _silent,
    _gone,
    _noise,
    _answered(b"", lambda rng: rng.randbytes(1 << 14)),
    _answered(b"Transfer-Encoding: chunked\r\n", lambda _: b"4000\r\n" + b"x" * 0x4000 + b"\r\n"),
    _answered(b"X: ", lambda _: b"y" * 100, drip=True),
    _answered(_HTML, lambda rng: languages.HTML.case(rng) * 50 or b"x", drip=True),
    _once(_HTML + b"Content-Encoding: gzip\r\n", lambda _: _BOMB),
    _once(_HTML + b"Content-Encoding: br\r\n", lambda rng: rng.randbytes(2000)),
    _once(_HTML, lambda rng: rng.choice([b"<b>x", b"<div>x", b"<![foo bar]>", b"<a ", b"<!--", b"<button>"]) * 75_000),
    _once(_HTML, languages.HTML.case),
    _once(b"", languages.DER.case),
    _once(b"", languages.NOTES.case),
    _once(b"Location: http://127.0.0.1:1/\r\n", lambda _: b""),
)
SMTP: tuple[Behaviour, ...] = (
    _silent,
    _gone,
    _noise,
    _spoken(b"220 mail.test ESMTP\r\n", languages.SMTP),
    lambda client, _: _flood(client, b"220-" + b"x" * 8000 + b"\r\n"),
    lambda client, _: _drip(client, b"220-x\r\n" * 100),
)
IMAP: tuple[Behaviour, ...] = (
    _silent,
    _gone,
    _noise,
    _spoken(b"* OK ready\r\n", languages.IMAP),
    lambda client, _: _flood(client, b"* OK " + b"x" * 8000 + b"\r\n"),
    lambda client, _: _flood(client, b"* 1 EXISTS\r\n" * 500),
    lambda client, _: _drip(client, b"* OK x\r\n" * 100),
)


@contextmanager
def hostile(behaviours: tuple[Behaviour, ...], seed: int) -> Iterator[int]:
    """Such a server on a free port of loopback while the context lasts; gives the port."""
    rng = Random(seed)

    def serve(client: socket.socket, behaviour: Behaviour, chance: Random) -> None:
        with suppress(OSError), client:
            behaviour(client, chance)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                arguments = (client, rng.choice(behaviours), Random(rng.random()))
                threading.Thread(target=serve, args=arguments, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
