"""``cpr-canary exceptions``: what went wrong, channel by channel, and what was done about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from canary import wording
from canary.audit.report.exceptions import Run, annotation, complete, find, notes_of
from canary.audit.report.tally import tally
from canary.cli.common import ConfigPath, Json, err, on_one_line, out, painted, print_json
from canary.cli.opening import opened
from canary.cli.period import DAY, whole_period
from canary.clock import Clock
from canary.config import load
from canary.ledger import EventKind
from canary.ledger.events import LONGEST, timestamp
from canary.ledger.reader import as_it_stands
from canary.ledger.reading import understood

_USUAL = timedelta(days=30)
_WEB = ("https://", "http://")


def list_(
    config: ConfigPath,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=DAY, help="The first day (UTC); 30 days ago if not given.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=DAY, help="The last day (UTC); today if not given.")
    ] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only those without a good retest.")] = False,
    as_json: Json = False,
) -> None:
    """List the exceptions of a period, oldest first, with their notes."""
    settings, now = load(config), Clock().now()
    last = last or now
    period = whole_period(first or last - _USUAL, last)
    with as_it_stands(settings.state) as ledger, err.status(painted("reading")), understood("what went wrong"):
        runs = [run for run in tally(ledger, period, now).exceptions if run.retest is None or not only_open]
        complete(ledger, runs, notes_of(ledger.events(kind=EventKind.ANNOTATED)))
    if as_json:
        print_json([_object(run) for run in runs])
    else:
        _show(runs)


def annotate(
    config: ConfigPath,
    name: Annotated[str, typer.Argument(metavar="ID", help="The exception, as `exceptions list` names it.")],
    note: Annotated[str, typer.Option(help="What was found and done; it is kept as evidence.")],
    by: Annotated[str, typer.Option(help="Who says so.")],
    bug: Annotated[str | None, typer.Option(help="The address of a public incident report.")] = None,
    cause: Annotated[str | None, typer.Option(help="The cause in a few words.")] = None,
) -> None:
    """Add a remedy note to an exception. Notes are added to the ledger and never changed; the newest cause counts."""
    for option, text in (("--note", note), ("--by", by), ("--cause", cause or "-")):
        if not text.strip() or len(text) > LONGEST:
            raise typer.BadParameter(f"{option} is empty or longer than {LONGEST} characters")
    if bug is not None and not (bug.startswith(_WEB) and bug.isprintable() and " " not in bug and len(bug) <= LONGEST):
        raise typer.BadParameter(f"--bug is {bug!r}, want an address such as https://bugzilla.mozilla.org/1967929")
    settings = load(config)
    with as_it_stands(settings.state) as ledger:
        run = find(ledger, name)
    if run is None:
        raise typer.BadParameter(f"no exception {name!r}; `cpr-canary exceptions list {config}` names them")
    with opened(settings) as ledger:
        ledger.append(annotation(run, Clock().now(), note=note, by=by, cause=cause, bug=bug)).result()
    out.print(f"noted: {run.id}")


def _object(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "channel": run.channel,
        "outcome": run.outcome,
        "place": run.place,
        "reason": run.reason,
        "first_failure": timestamp(run.first_at),
        "last_failure": timestamp(run.last_at),
        "detected_at": timestamp(run.detected_at) if run.detected_at else None,
        "failed_probes": run.probes,
        "confirmation": run.confirmed,
        "retest": run.retest,
        "recovered_at": timestamp(run.recovered_at) if run.recovered_at else None,
        "seconds": run.duration.total_seconds() if run.duration else None,
        "notes": [
            {"at": timestamp(n.at), "by": n.by, "note": n.text, "cause": n.cause, "bug": n.bug} for n in run.notes
        ],
    }


def _show(runs: list[Run]) -> None:
    table = Table("exception", "first failure (UTC)", "cause", "failed", "lasted", "notes")
    for run in runs:
        place = f" in {run.place}" if run.place else ""
        lasted = wording.duration(run.duration) if run.duration else painted("goes on", "red")
        cause = on_one_line(f"{run.outcome}{place}: {run.reason}", 160)
        table.add_row(run.id, wording.moment(run.first_at), cause, str(run.probes), lasted, str(len(run.notes)))
    out.print(table)
