"""``cpr-canary status``: how each channel is, from the ledger."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from rich.table import Table

from canary.cli.common import ConfigPath, Json, on_one_line, out, painted, print_json, style
from canary.clock import Clock
from canary.config import Config, load
from canary.ledger.events import timestamp
from canary.ledger.reader import LedgerReader, as_it_stands
from canary.model import DeadlineResult, Outcome
from canary.prober.gate import stop_reason
from canary.status import ChannelStatus, channels


def status(config: ConfigPath, as_json: Json = False) -> None:
    """Show each channel's state, last good probe, and the results of the last day. Reads the ledger, sends nothing."""
    settings = load(config)
    stopped = stop_reason(settings.state)
    with as_it_stands(settings.state) as ledger:
        results = _last_day(ledger)
        found = channels(settings, ledger.state, stopped, Clock().now())
        rows = [_row(settings, channel, results.get(channel.slug, Counter())) for channel in found]
    if as_json:
        print_json({"stopped": stopped, "channels": rows})
        return
    if stopped:
        out.print(painted("kill switch thrown:", "bold red"), stopped)
    out.print(_table(rows))


def _row(config: Config, channel: ChannelStatus, results: Counter[str]) -> dict[str, Any]:
    return {
        "channel": channel.slug,
        "kind": config.channels[channel.slug].kind,
        "standing": channel.standing.name.lower(),
        "state": channel.why or channel.outcome,
        "last_success": _time(channel.last_success),
        "last_attempt": _time(channel.last_attempt),
        "in_flight": channel.in_flight,
        "last_day": {result.value: results[result.value] for result in DeadlineResult},
    }


def _last_day(ledger: LedgerReader) -> dict[str, Counter[str]]:
    """By channel: the deadline results that were decided within a day."""
    results: dict[str, Counter[str]] = {}
    for channel, result, number in ledger.decided_since(Clock().now() - timedelta(days=1)):
        results.setdefault(channel, Counter())[result] += number
    return results


def _time(at: datetime | None) -> str | None:
    return timestamp(at) if at else None


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(
        "channel", "kind", "state", "last good probe", "last probe", "in flight", "met / missed / ours (24 h)"
    )
    for row in rows:
        known = row["state"] if row["state"] in list(Outcome) else None
        results = row["last_day"]
        table.add_row(
            row["channel"],
            row["kind"],
            painted(on_one_line(row["state"] or "not probed yet"), style(Outcome(known)) if known else "dim"),
            _ago(row["last_success"]),
            _ago(row["last_attempt"]),
            str(row["in_flight"]),
            " / ".join(str(results[result.value]) for result in DeadlineResult),
        )
    return table


def _ago(text: str | None) -> str:
    if text is None:
        return "never"
    seconds = (Clock().now() - datetime.fromisoformat(text)).total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"
