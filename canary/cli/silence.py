"""``cpr-canary silence``: an alert was silenced, and the ledger is told who did it and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from canary.cli.common import ConfigPath, out
from canary.cli.opening import opened
from canary.clock import Clock
from canary.config import load
from canary.ledger.events import silenced


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter("wanted a time with its zone such as 2026-12-24T18:00:00Z")
    return moment.astimezone(UTC)


def silence(
    config: ConfigPath,
    alert: Annotated[str, typer.Option(metavar="NAME", help="The alert, such as CPRCanaryChannelDown.")],
    until: Annotated[datetime, typer.Option(parser=_moment, metavar="TIME", help="When the silence ends.")],
    by: Annotated[str, typer.Option(metavar="WHO", help="Who silenced it.")],
    reason: Annotated[str, typer.Option(metavar="WHY", help="Why.")],
) -> None:
    """Record that an alert was silenced, by whom, until when and why. Every audit report shows it.

    This does not silence anything: do that in Alertmanager, and tell it here.
    """
    with opened(load(config)) as ledger:
        ledger.append(silenced(Clock().now(), alert, until, by, reason)).result()
    out.print(f"recorded: {alert} silenced until {until:%Y-%m-%d %H:%M} UTC by {by}")
