"""Something on loopback that answers what it is asked or what is posted to it, in a thread, while its context lasts."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from servers.ports import LOOPBACK


class Answering(ABC):
    """A server of its own on a free port; every request is put to :meth:`answer`."""

    @abstractmethod
    def answer(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body; ``body`` is empty of what is asked for. Called from a thread each time."""

    @property
    def address(self) -> str:
        """``http://`` and where it listens."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def __enter__(self) -> Self:
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # their names there
                self.do_POST()

            def do_POST(self) -> None:
                status, kind, reply = answer(self.path, self.rfile.read(int(self.headers["content-length"] or 0)))
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
