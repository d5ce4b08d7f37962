"""``cpr-canary exceptions``: what went wrong, channel by channel, and what was done about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from canary import wording
from canary.audit.report.exceptions import Annotation, Run, annotation, complete, find, notes_of
from canary.audit.report.incident import incident, timeline
from canary.audit.report.tally import tally
from canary.cli.common import ConfigPath, Json, err, on_one_line, out, painted, print_json
from canary.cli.opening import opened
from canary.cli.period import DAY, whole_period
from canary.clock import Clock
from canary.config import load
from canary.ledger import EventKind
from canary.ledger.events import LONGEST, timestamp
from canary.ledger.reader import LedgerReader, as_it_stands
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
    reference: Annotated[str | None, typer.Option(help="Your own name of the incident, such as a ticket.")] = None,
) -> None:
    """Add a remedy note to an exception. Notes are added to the ledger and never changed; the newest cause counts."""
    for option, text in (("--note", note), ("--by", by), ("--cause", cause or "-"), ("--reference", reference or "-")):
        if not text.strip() or len(text) > LONGEST:
            raise typer.BadParameter(f"{option} is empty or longer than {LONGEST} characters")
    if bug is not None and not (bug.startswith(_WEB) and bug.isprintable() and " " not in bug and len(bug) <= LONGEST):
        raise typer.BadParameter(f"--bug is {bug!r}, want an address such as https://bugzilla.mozilla.org/1967929")
    settings = load(config)
    with as_it_stands(settings.state) as ledger:
        run = _found(ledger, config, name)
    with opened(settings) as ledger:
        noted = Annotation(Clock().now(), by, note, cause, bug, reference)
        ledger.append(annotation(run, noted)).result()
    out.print(f"noted: {run.id}")


def show(
    config: ConfigPath,
    name: Annotated[str, typer.Argument(metavar="ID", help="The exception, as `exceptions list` names it.")],
    as_incident: Annotated[
        bool, typer.Option("--incident", help="As Markdown, for an incident report by the CCADB's template.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show one exception from the last good probe before it to the first after it, all times UTC."""
    settings = load(config)
    with as_it_stands(settings.state) as ledger, understood("what went wrong"):
        run = _found(ledger, config, name)
        complete(ledger, [run], notes_of(ledger.events(kind=EventKind.ANNOTATED)))
        steps, page = timeline(ledger, run), incident(ledger, run)
    if as_json:
        print_json(_object(run) | {"timeline": [{"at": timestamp(step.at), "what": step.what} for step in steps]})
    elif as_incident:
        typer.echo(page, nl=False)
    else:
        _show([run])
        table = Table("time (UTC)", "what happened")
        for step in steps:
            table.add_row(wording.moment(step.at), on_one_line(step.what, 400))
        out.print(table)


def _found(ledger: LedgerReader, config: Path, name: str) -> Run:
    run = find(ledger, name)
    if run is None:
        raise typer.BadParameter(f"no exception {name!r}; `cpr-canary exceptions list {config}` names them")
    return run


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
            {
                "at": timestamp(n.at),
                "by": n.by,
                "note": n.text,
                "cause": n.cause,
                "bug": n.bug,
                "reference": n.reference,
            }
            for n in run.notes
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
