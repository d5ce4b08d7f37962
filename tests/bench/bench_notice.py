"""How soon a message is noticed, on Dovecot and on Cyrus: by our watcher, and by a client that only waits with IDLE.

Both wait in the same folder in the same run. A message comes by APPEND; the time runs from when it is sent. The bare
client is done when it hears of another message; the watcher when it has read it, known it by its mark, and hands it in.
So the difference is what reading costs: three commands and their answers.
"""

from __future__ import annotations

import imaplib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from imapclient import IMAPClient
from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from rich.console import Console
from rich.table import Table
from servers import certificates
from servers.ca_site import PASSWORD, CaSite
from servers.cyrus import cyrus
from servers.polling import until

from canary.clock import Clock
from canary.queues import Cursor, Found, WatchResources
from canary.queues.imap.settings import ImapSettings
from canary.queues.imap.watch import open_imap

PAUSE = 0.1
"""Seconds between two messages, after both have noticed the first: each finds them waiting."""


class _Noting(RecordingIntake):
    """Knows when each probe was handed in, and what of a queue was read."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, float] = {}

    def hand_in(self, name: str, found: list[Found], cursor: Cursor) -> None:
        now = time.perf_counter()
        self.at.update({item.probe: now for item in found})
        super().hand_in(name, found, cursor)


class _Bare:
    """Waits with IDLE, and notes when it hears that there are more messages."""

    def __init__(self, address: tuple[str, int], folder: str) -> None:
        self._connection = imaplib.IMAP4(*address)
        self._connection.login("desk", PASSWORD)
        self._connection.select(folder, readonly=True)
        self._connection.send(b"IDLE IDLE\r\n")
        self.heard: list[float] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while line := self._connection.readline():
            if b"EXISTS" in line:
                self.heard.append(time.perf_counter())


def main(messages: int = 100) -> list[dict[str, Any]]:
    """Measure both servers; prints a table, returns its rows (milliseconds)."""
    os.environ["BENCH_PASSWORD"] = PASSWORD
    rows = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp")))
        folder.chmod(0o755)
        site = stack.enter_context(CaSite(folder / "ca", certificates.authority()))
        site.add_user("desk", folders=["CPR"])
        rows.append(_measure("Dovecot", site.imap, "CPR", messages))
        rows.append(_measure("Cyrus", stack.enter_context(cyrus(folder / "cyrus", ["CPR"])), "INBOX.CPR", messages))
    _print(rows)
    return rows


def _measure(server: str, address: tuple[str, int], folder: str, messages: int) -> dict[str, Any]:
    ours, theirs = list[float](), list[float]()
    intake = _Noting()
    with IMAPClient(*address, ssl=False, timeout=30) as sender:
        sender.login("desk", PASSWORD)
        bare = _Bare(address, folder)
        with _watching(address, folder, intake):
            for number in range(messages):
                mark = intake.probe()
                probe = intake.keys.read(mark).probe
                message = raw(mail(f"About {mark}", Message_ID=f"<{mark}@persona.test>"))
                time.sleep(PAUSE)
                sent = time.perf_counter()
                sender.append(folder, message)
                until(lambda probe=probe: probe in intake.at, "our watcher", pause=0.002)  # type: ignore[misc]
                until(lambda number=number: len(bare.heard) > number, "the bare client", pause=0.002)  # type: ignore[misc]
                ours.append(1000 * (intake.at[probe] - sent))
                theirs.append(1000 * (bare.heard[number] - sent))
    row: dict[str, Any] = {"server": server, "messages": messages}
    over = [mine - bare for mine, bare in zip(ours, theirs, strict=True)]
    for name, values in (("ours", ours), ("bare", theirs), ("over_bare", over)):
        quantiles = statistics.quantiles(values, n=100, method="inclusive")
        row |= {f"{name}_p50_ms": quantiles[49], f"{name}_p95_ms": quantiles[94]}
    return row


@contextmanager
def _watching(address: tuple[str, int], folder: str, intake: RecordingIntake) -> Iterator[None]:
    settings = {
        "kind": "imap",
        "server": {
            "host": address[0], "port": address[1], "tls": "none", "username": "desk",
            "password": {"env": "BENCH_PASSWORD"}, "timeout": "20s",
        },
        "folders": [{"name": folder, "queue": "cpr", "role": "monitored"}],
        "find_junk": False,
    }  # fmt: skip
    watcher = open_imap("desk", ImapSettings.model_validate(settings), WatchResources(Clock()))
    watcher.start(intake)
    until(lambda: intake.depth("cpr"), "the first look")
    try:
        yield
    finally:
        watcher.stop()


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table(*rows[0], title="from a message's arrival until it is noticed, milliseconds")
    for row in rows:
        table.add_row(*(f"{value:.1f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=140).print(table)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()) + "\n")
