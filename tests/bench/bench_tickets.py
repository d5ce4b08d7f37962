"""What a probe by email costs that is watched for in a ticket system, at 1 and 100 channels, each probed once a minute.

The tickets are those of the contract server that answers as Request Tracker's REST API does, from memory: what a real
one takes to answer is no part of it. Mail opens a ticket the moment it is sent. CPU is that of the canary alone (user
and system), scrapes every 30 s included, by the probes that were sent in the window; so are the requests.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from aiosmtpd.controller import Controller
from bench.bench_email import SETTLE, VARIANTS, _answers, _free_port, _measure, _process
from rich.console import Console
from rich.table import Table
from servers.contract_tracker import ContractTracker
from servers.polling import until

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = (1, 100)
QUEUES = [("CPR", "cpr", "monitored"), ("General", "general", "other"), ("Spam", "spam", "junk")]


def main(window: float = 120.0) -> list[dict[str, Any]]:
    """Measure every size; prints a table, returns its rows."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
        rows = [_canary(Path(folder) / str(size), size, window) for size in SIZES]
    table = Table(*rows[0], title="email channels into a ticket system, one probe a minute each")
    for row in rows:
        table.add_row(*(f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=140).print(table)
    return rows


class _Asked(list[str]):
    """What was asked, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def append(self, path: str) -> None:
        """One more question."""
        self.times.append(time.time())
        super().append(path)


class _Importer:
    """Takes mail, and opens a ticket for each."""

    def __init__(self, tracker: ContractTracker) -> None:
        self._tracker = tracker

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802  # its name there
        """A mail as it came."""
        mail = message_from_bytes(envelope.content, policy=policy.default)
        text = mail.get_body(("plain",))
        mark = str(mail["Message-ID"]).strip("<>").partition("@")[0]
        self._tracker.open("CPR", mark, text.get_content() if text else "")
        return "250 2.0.0 taken"


@contextmanager
def _tracker(asked: _Asked) -> Iterator[tuple[ContractTracker, int]]:
    """A ticket system with a stranger's ticket, and the port at which mail for it is taken."""
    with ContractTracker(asked=asked) as tracker:
        tracker.open("CPR", "a-stranger", age=3600)
        controller = Controller(_Importer(tracker), hostname="127.0.0.1", port=_free_port())
        controller.start()
        try:
            yield tracker, controller.port
        finally:
            controller.stop()


def _canary(folder: Path, size: int, window: float) -> dict[str, Any]:
    folder.mkdir()
    port, asked = _free_port(), _Asked()
    with _tracker(asked) as (tracker, smtp):
        path = folder / "canary.yaml"
        path.write_text(yaml.safe_dump(_configuration(folder, size, port, smtp, tracker.url)), encoding="utf-8")
        with _process([sys.executable, "-m", "canary", "run", str(path)], folder) as pid:
            url = f"http://127.0.0.1:{port}/metrics"
            until(lambda: _answers(url), "the canary's metrics", timeout=60)
            measured = _measure(pid, url, window)
            time.sleep(SETTLE + 2 * 20)  # two looks more
    begin, end = measured["from"], measured["to"]
    sent, seen = _read_ledger(folder, begin, end)
    number = sum(begin <= at < end for at in asked.times)
    lists = sum(begin <= at < end for at, what in zip(asked.times, asked, strict=True) if what.startswith("/tickets?"))
    return {
        "channels": size,
        "probes": len(sent),
        "lost": len(sent - seen),
        "cpu_ms": 1000 * measured["cpu_s"] / max(1, len(sent)),
        "requests_a_probe": number / max(1, len(sent)),
        "of_them_lists": lists / max(1, len(sent)),
        "requests_a_minute": 60 * number / (end - begin),
        "peak_mib": measured["peak_mib"],
    }


def _configuration(folder: Path, size: int, port: int, smtp: int, url: str) -> dict[str, Any]:
    (folder / "token").write_text("a-token", encoding="utf-8")
    channel = {
        "kind": "email", "arrives_in": "cpr", "approved_by": "the bench", "interval": "60s", "deadline": "120s",
        "give_up": "120s", "max_per_hour": 120, "variants": VARIANTS, "senders": ["researcher"],
    }  # fmt: skip
    return {
        "operator": {"name": "Test CA", "domains": ["ca.test", "localhost"], "verify": "ask the bench"},
        "state": str(folder / "state"),
        "web": {"listen": f"127.0.0.1:{port}"},
        "limits": {"open_probes": 10_000},
        "watch": {
            "tracker": {
                "kind": "tickets", "preset": "request-tracker", "url": url, "token": {"file": str(folder / "token")},
                "queues": [{"name": name, "queue": queue, "role": role} for name, queue, role in QUEUES],
            }
        },
        "senders": {
            "researcher": {
                "name": "Robin Example", "address": "robin@persona.test",
                "submission": {"host": "127.0.0.1", "port": smtp, "tls": "none"},
            }
        },
        "channels": {f"c{n}": {**channel, "to": f"canary{n}@ca.test"} for n in range(size)},
    }  # fmt: skip


def _read_ledger(folder: Path, begin: float, end: float) -> tuple[set[str], set[str]]:
    """The probes that were sent in the window, and those whose report was seen."""
    connection = sqlite3.connect(folder / "state" / "ledger.sqlite")
    events = [json.loads(body) for (body,) in connection.execute("SELECT body FROM event ORDER BY seq")]
    connection.close()
    sent = {event["probe"] for event in events if event["kind"] == "submitted" and begin <= _posix(event["at"]) < end}
    return sent, {
        event["probe"] for event in events if event["kind"] == "sighting" and event["body"]["seen"] == "report"
    }


def _posix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()) + "\n")
