"""The period that a command is asked about: whole days, UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from canary.audit.period import Period
from canary.clock import Clock

DAY = ["%Y-%m-%d"]
From = Annotated[datetime, typer.Option("--from", formats=DAY, help="The first day (UTC).")]
To = Annotated[datetime, typer.Option("--to", formats=DAY, help="The last day (UTC), which is in it.")]


def whole_period(first: datetime, last: datetime) -> Period:
    """The period of two options; ends the command if it is none, or has not begun."""
    try:
        period = Period(first.date(), last.date())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if period.since > Clock().now():
        raise typer.BadParameter(f"the period {period} has not begun")
    return period
