"""A private Alertmanager on loopback, and the pager that it calls.

with Webhook() as pager, Alertmanager(tmp_path, configuration_that_names(pager.url)) as alertmanager:
    alertmanager.fire({"alertname": "CPRCanaryChannelDown", "severity": "critical"})
    until(pager.notifications, "the page")
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from servers.http_daemon import HttpDaemon
from servers.ports import LOOPBACK


class Alertmanager(HttpDaemon):
    """One instance below its folder, without peers."""

    def command(self) -> list[str]:
        """The program with its flags."""
        return [
            "/usr/bin/prometheus-alertmanager",
            f"--config.file={self.file}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address={self.address}",
            "--cluster.listen-address=",  # no gossip
        ]

    def fire(self, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None) -> None:
        """Hand in an alert, as Prometheus does; it fires for an hour."""
        self.fire_together([labels], annotations)

    def fire_together(self, alerts: Iterable[Mapping[str, str]], annotations: Mapping[str, str] | None = None) -> None:
        """Likewise several at once, by the labels of each."""
        rest = {
            "annotations": dict(annotations or {}),
            "endsAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        }
        told = [{"labels": dict(labels), **rest} for labels in alerts]
        answer = self._client.post("/api/v2/alerts", json=told)
        assert answer.status_code == 200, answer.text

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert: labels, annotations, receivers, and a status that says what inhibits or silences it."""
        alerts: list[dict[str, Any]] = self.get("/api/v2/alerts")
        return alerts

    def state(self, **labels: str) -> str | None:
        """active, suppressed or unprocessed: the state of the one alert with these labels; None if there is none."""
        states = [alert["status"]["state"] for alert in self.alerts() if labels.items() <= alert["labels"].items()]
        assert len(states) < 2, f"{len(states)} alerts have {labels}"
        return states[0] if states else None


class Webhook:
    """Takes notifications and keeps them: a pager, a ticket system, a heartbeat service."""

    def __init__(self) -> None:
        self._received: list[tuple[str, dict[str, Any], float]] = []
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                webhook._received.append((self.path, json.loads(body), time.monotonic()))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # its name there
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"

    def notifications(self, path: str = "/") -> list[dict[str, Any]]:
        """What was posted to ``path``, in order."""
        return [body for posted_to, body, _ in list(self._received) if posted_to == path]

    def received(self, path: str = "/") -> list[float]:
        """When each of :meth:`notifications` came, by the monotonic clock."""
        return [at for posted_to, _, at in list(self._received) if posted_to == path]

    def alerts(self, path: str = "/") -> list[dict[str, Any]]:
        """Every alert of :meth:`notifications`, as often as it was told."""
        return [alert for body in self.notifications(path) for alert in body["alerts"]]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
