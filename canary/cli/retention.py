"""``cpr-canary retention run``: apply the retention rules now, or show what they would delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.filesize import decimal
from rich.table import Table

from canary.cli.common import ConfigPath, Json, out, print_json
from canary.cli.opening import opened, opened_evidence
from canary.clock import Clock
from canary.config import load
from canary.ledger.events import timestamp
from canary.ledger.reader import as_it_stands
from canary.ledger.retention import Forgettable, RetentionPlan
from canary.prober.retention import forget, in_force, kept


def run(
    config: ConfigPath,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be forgotten.")] = False,
    as_json: Json = False,
) -> None:
    """Show what is older than the configuration's section retention keeps it, then forget it.

    A running canary does so by itself once a day. The hashes stay, so that the evidence can still be verified, and the
    ledger has a record of what is deleted before it is. What belongs to a probe without an end stays.
    """
    settings, clock = load(config), Clock()
    with as_it_stands(settings.state) as ledger:
        planned = RetentionPlan(ledger, kept(settings)).plan(clock.now())
    if as_json:
        print_json({"dry_run": dry_run, "forgotten": [_as_json(item) for item in planned]})
    else:
        out.print(_table(planned))
    if not dry_run:
        with opened(settings) as ledger:
            forget(in_force(ledger, settings, clock), opened_evidence(settings, ledger))
    if not as_json:
        out.print("nothing was forgotten: --dry-run" if dry_run else "forgotten; the ledger says so")


def _as_json(item: Forgettable) -> dict[str, Any]:
    return {
        "rule": item.rule.value,
        "kept_seconds": item.kept.total_seconds(),
        "before": timestamp(item.before),
        "count": item.count,
        "bytes": item.size,
    }


def _table(planned: list[Forgettable]) -> Table:
    table = Table("what", "kept for", "older than", "how many", "size")
    for item in planned:
        kept = f"{item.kept.total_seconds() / 86_400:g} d"
        table.add_row(item.rule.value, kept, f"{item.before:%Y-%m-%d %H:%M} UTC", str(item.count), decimal(item.size))
    return table
