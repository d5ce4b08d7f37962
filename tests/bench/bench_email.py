"""What a probe by email costs, at 1, 100 and 1000 channels that are each probed once a minute.

Canary and Debian's prometheus-mailexporter run one after the other against the same Postfix and Dovecot, in one run;
canary without TLS, while mailexporter upgrades to it wherever it is offered. CPU is that of the process alone (user and
system) over the window, scrapes every 30 s included, by the probes that were sent in it. The noticing delay is from
Dovecot's own delivery log (microseconds) to the moment the sighting was made.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from rich.console import Console
from rich.table import Table
from servers import certificates
from servers.ca_site import CaSite
from servers.canary_run import configuration, direct, staff
from servers.polling import until
from servers.ports import Ports

SIZES = (1, 100, 1000)
WARM_UP = 65.0
"""Seconds until every channel was probed once: the first probes are spread over a minute."""
THEIR_LONGEST = 30.0
"""Seconds of mailexporter's window: with a thousand channels it ends by itself after some 100 (its issue 36)."""
SETTLE = 10.0
"""Seconds that the last probes of the window are given to arrive, before one counts as lost."""
SCRAPE_INTERVAL = 30.0
"""Seconds, as in deploy/prometheus."""
VARIANTS = ["plain", "V04", "V05", "V06", "V07", "V08", "V10", "V12"]
"""The variants without files; an RSA key alone costs some tens of milliseconds."""

_TICK = os.sysconf("SC_CLK_TCK")


def main(window: float = 120.0) -> list[dict[str, Any]]:
    """Measure every size for both programs; prints a table, returns its rows."""
    rows = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp")))
        site = stack.enter_context(CaSite(folder / "ca", certificates.authority()))
        staff(site)
        site.add_user("exporter")
        site.deliver("exporter", b"Subject: first\r\n\r\n")  # mailexporter watches a folder that must be there
        for size in SIZES:
            ours = _canary(site, folder / f"canary-{size}", size, window)
            theirs = _mailexporter(site, folder / f"exporter-{size}", size, min(window, THEIR_LONGEST))
            if theirs.get("cpu_ms"):  # none within the window, of one channel
                ours["times_theirs"] = ours["cpu_ms"] / theirs["cpu_ms"]
            rows += [ours, theirs]
    _print(rows)
    return rows


def _canary(site: CaSite, folder: Path, size: int, window: float) -> dict[str, Any]:
    folder.mkdir()
    port = _free_port()
    config = _configuration(site, folder, size, port)
    path = folder / "canary.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    with _process([sys.executable, "-m", "canary", "run", str(path)], folder) as pid:
        url = f"http://127.0.0.1:{port}/metrics"
        until(lambda: _answers(url), "the canary's metrics", timeout=60)
        measured = _measure(pid, url, window)
        time.sleep(SETTLE)
    return {"program": "canary", "channels": size, **measured, **_read_ledger(site, folder, measured)}


def _configuration(site: CaSite, folder: Path, size: int, port: int) -> dict[str, Any]:
    channels = {}
    for n in range(size):
        site.add_alias(f"canary{n}", ["desk"])
        channels[f"c{n}"] = {
            "to": f"canary{n}@ca.test",
            "interval": "60s",
            "deadline": "120s",
            "give_up": "120s",
            "max_per_hour": 120,
            "variants": VARIANTS,
        }
    config = direct(configuration(site, folder, **channels), site)
    for sender in config["senders"].values():
        sender["submission"] = {"host": "127.0.0.1", "port": site.mx[1], "tls": "none"}
    config["web"] = {"listen": f"127.0.0.1:{port}", "histograms": "per_kind" if size > 100 else "per_channel"}
    config["limits"] = {"open_probes": 10_000}
    for hurried in ("poll", "poll_others"):  # the tests' own; here the product's defaults are measured
        del config["watch"]["desk"][hurried]
    return config


def _read_ledger(site: CaSite, folder: Path, measured: dict[str, Any]) -> dict[str, Any]:
    connection = sqlite3.connect(folder / "state" / "ledger.sqlite")
    events = [json.loads(body) for (body,) in connection.execute("SELECT body FROM event ORDER BY seq")]
    connection.close()
    start, end = measured.pop("from"), measured.pop("to")
    sent = {e["probe"]: e for e in events if e["kind"] == "submitted" and start <= _posix(e["at"]) < end}
    seen = {e["probe"]: e for e in events if e["kind"] == "sighting" and e["body"]["seen"] == "report"}
    delivered = {d.message_id: d.at.timestamp() for d in site.delivery_log() if d.message_id}
    delays = [
        _posix(seen[probe]["body"]["noticed_at"]) - delivered[seen[probe]["body"]["message_id"]]
        for probe in sent
        if probe in seen and seen[probe]["body"]["message_id"] in delivered
    ]
    errors = sum(e["kind"] == "trouble" for e in events) + sum(not e["body"]["accepted"] for e in sent.values())
    return {
        "probes": len(sent),
        "lost": sum(probe not in seen for probe in sent),
        "errors": errors,
        "cpu_ms": 1000 * measured["cpu_s"] / max(1, len(sent)),
        "noticed_p50_s": _quantile(delays, 50),
        "noticed_p95_s": _quantile(delays, 95),
    }


def _mailexporter(site: CaSite, folder: Path, size: int, window: float) -> dict[str, Any]:
    folder.mkdir()
    port = _free_port()
    servers = []
    for n in range(size):
        site.add_alias(f"exporter{n}", ["exporter"])
        servers.append(
            {
                "name": f"c{n}",
                "server": "localhost",
                "port": str(site.mx[1]),
                "login": "",
                "passphrase": "",
                "from": "researcher@persona.test",
                "to": f"exporter{n}@ca.test",
                "detectiondir": str(site.dovecot.home("exporter") / "Maildir" / "new"),
            }
        )
    path = folder / "mailexporter.conf"
    settings = {"monitoringinterval": "60000ms", "mailchecktimeout": "30s", "disablefiledeletion": True}
    path.write_text(yaml.safe_dump({**settings, "servers": servers}), encoding="utf-8")
    command = ["mailexporter", f"-config.file={path}", f"-web.listen-address=127.0.0.1:{port}"]
    row: dict[str, Any] = {"program": "mailexporter", "channels": size}
    before = len(site.delivery_log())
    with _process(command, folder, {"SSL_CERT_FILE": str(site.ca_file)}) as pid:
        url = f"http://127.0.0.1:{port}/metrics"
        try:
            until(lambda: _answers(url), "mailexporter's metrics", timeout=60)
            measured = _measure(pid, url, window)
        except (AssertionError, httpx.HTTPError, FileNotFoundError, ProcessLookupError):
            return {**row, "died": True}  # cherti/mailexporter#36
    start, end = measured.pop("from"), measured.pop("to")
    mails = [d for d in site.delivery_log()[before:] if start <= d.at.timestamp() < end]
    return {**row, **measured, "probes": len(mails), "cpu_ms": 1000 * measured["cpu_s"] / max(1, len(mails))}


def _measure(pid: int, url: str, window: float) -> dict[str, Any]:
    """CPU seconds and peak memory (MiB) of a process over the window, scraped as our example for Prometheus does."""
    _scrape_until(url, time.monotonic() + WARM_UP)
    start, cpu = time.time(), _cpu(pid)
    size = _scrape_until(url, time.monotonic() + window)
    used = _cpu(pid) - cpu
    return {"from": start, "to": time.time(), "cpu_s": used, "peak_mib": _peak(pid), "metrics_kb": size / 1000}


def _scrape_until(url: str, end: float) -> int:
    size = 0
    while time.monotonic() < end:
        size = len(httpx.get(url, timeout=30).content)
        time.sleep(max(0.0, min(SCRAPE_INTERVAL, end - time.monotonic())))
    return size


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _peak(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextmanager
def _process(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(environment or {})})
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=10).is_success
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    ports = Ports()
    try:
        return ports.reserve()
    finally:
        ports.close()


def _posix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _quantile(values: list[float], percent: int) -> float | None:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else None


COLUMNS = (
    "program",
    "channels",
    "probes",
    "lost",
    "errors",
    "cpu_ms",
    "times_theirs",
    "peak_mib",
    "metrics_kb",
    "died",
    "noticed_p50_s",
    "noticed_p95_s",
)


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table(*COLUMNS, title="email channels, one probe a minute each")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in COLUMNS))
    Console(width=140).print(table)


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()) + "\n")
