"""``cpr-canary audit``: reports and samples for an auditor. Both only read the ledger."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from canary.audit.make import make
from canary.audit.period import Period
from canary.audit.report import AuditReport, build
from canary.audit.results import results
from canary.audit.sample import Sample, draw, population
from canary.audit.tables import cell
from canary.cli.common import ConfigPath, Json, err, out, print_json, print_plain
from canary.config import load
from canary.config.sections import Profile
from canary.ledger.reader import LedgerReader, as_it_stands
from canary.model import Component, OwnFaultError

DAY = ["%Y-%m-%d"]
From = Annotated[datetime, typer.Option("--from", formats=DAY, help="The first day (UTC).")]
To = Annotated[datetime, typer.Option("--to", formats=DAY, help="The last day (UTC), which is in it.")]


def report(
    config: ConfigPath,
    first: From,
    last: To,
    profile: Annotated[Profile | None, typer.Option(help="Whose rules count; as configured if not given.")] = None,
    folder: Annotated[Path | None, typer.Option("--out", help="The folder to write into.")] = None,
    redact: Annotated[bool, typer.Option(help="Take the addresses of people out.")] = True,
    as_json: Json = False,
) -> None:
    """Write a report of a period: a page (HTML, PDF), tables (CSV) and everything as JSON.

    Reads the ledger, and may be used while the canary is running.
    """
    settings, period = load(config), whole_period(first, last)
    folder = folder or Path(f"cpr-canary-{period.first}-to-{period.last}")
    with as_it_stands(settings.state) as ledger, _progress(quiet=as_json) as bar:
        counting = bar.add_task("reading days", total=None)
        made, counted = build(
            ledger,
            settings,
            period,
            datetime.now(UTC),
            profile=profile or settings.audit.profile,
            redact=redact,
            progress=lambda done, days: bar.update(counting, completed=done, total=days),
        )
        writing = bar.add_task("writing", total=None)
        try:
            files = make(made, counted, folder, lambda what: bar.update(writing, description=f"making {what}"))
        except OSError as error:
            raise OwnFaultError(Component.STORE, "not_written", f"cannot write into {folder}: {error}") from error
    if as_json:
        print_json({"folder": str(folder), "files": files, **_summary(made)})
    else:
        _tell(made, folder)


def _summary(made: AuditReport) -> dict[str, Any]:
    counts, head = made.whole.counts, made.evidence.head
    return {
        "from": made.period.first.isoformat(),
        "to": made.period.last.isoformat(),
        "channels": len(made.channels),
        "scheduled": made.scheduled,
        "ended": counts.total,
        "met": counts.met,
        "missed": counts.missed,
        "indeterminate": counts.indeterminate,
        "without_result": len(made.unfinished),
        "availability": counts.availability,
        "exceptions": len(made.exceptions),
        "open_exceptions": made.open_exceptions,
        "ledger_head": {"seq": head.seq, "sha256": head.sha256} if head else None,
        "gap_free": made.evidence.gap_free,
    }


def _tell(made: AuditReport, folder: Path) -> None:
    told = results(made)
    for measure in ("population", "availability", "exceptions", "evidence"):
        out.print(told[measure], highlight=False, markup=False)  # type: ignore[index]  # an enum of text
    print_plain(f"{folder / 'report.html'}, report.pdf and the files beside them (SHA256SUMS)")


def sample(
    config: ConfigPath,
    first: From,
    last: To,
    seed: Annotated[str, typer.Option(help="Any text the auditor chooses.")],
    size: Annotated[int, typer.Option(min=1, help="How many probes to draw.")],
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    listing: Annotated[Path | None, typer.Option("--population", help="Write every probe id to this file.")] = None,
) -> None:
    """Draw a sample from every probe that was scheduled in the period.

    Each is ranked by SHA-256 of "SEED/PROBE-ID" in hexadecimal, and the lowest are drawn: `printf %s/%s SEED ID |
    sha256sum` gives the rank. The list of all (--population) is the ids in byte order, one a line; its SHA-256 is told.
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json or --csv, not both")
    settings, period = load(config), whole_period(first, last)
    with as_it_stands(settings.state) as ledger, err.status("drawing"):
        drawn = _drawn(ledger, period, seed, size, listing)
        rows = [_row(ledger, rank, probe) for rank, probe in drawn.drawn]
    if as_json:
        told = {"seed": seed, "population": drawn.population, "population_sha256": drawn.population_sha256}
        print_json(told | {"from": period.first.isoformat(), "to": period.last.isoformat(), "sample": rows})
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(_ROW)
        writer.writerows([cell(value) for value in row.values()] for row in rows)
    else:
        _show(drawn, rows, period)


def _drawn(ledger: LedgerReader, period: Period, seed: str, size: int, listing: Path | None) -> Sample:
    ids = population(ledger, period)
    if listing is None:
        return draw(ids, seed, size)
    try:
        with listing.open("w", encoding="ascii", newline="\n") as file:
            return draw(ids, seed, size, file.write)
    except OSError as error:
        raise OwnFaultError(Component.STORE, "not_written", f"cannot write {listing}: {error}") from error


_ROW = ("rank", "probe", "channel", "sender", "variant", "scheduled_at", "outcome", "deadline")


def _row(ledger: LedgerReader, rank: str, probe: str) -> dict[str, str | None]:
    known = ledger.ended_probe(probe)
    if known is None:
        return dict.fromkeys(_ROW) | {"rank": rank, "probe": probe}
    return {"rank": rank} | {name: getattr(known, name) for name in _ROW[1:]}


def _show(drawn: Sample, rows: list[dict[str, str | None]], period: Period) -> None:
    table = Table("rank (SHA-256)", "probe", "channel", "scheduled", "variant", "outcome", "deadline")
    for row in rows:
        scheduled, told = row["scheduled_at"], row["outcome"] or "no result"
        table.add_row(
            f"{row['rank']}"[:16],
            row["probe"],
            row["channel"],
            scheduled[:19] if scheduled else "",
            row["variant"],
            told,
            row["deadline"],
        )
    out.print(table)
    print_plain(f"{len(rows)} of {drawn.population} probes, {period}, seed {drawn.seed!r}")
    print_plain(f"list of all: sha256 {drawn.population_sha256}")


def whole_period(first: datetime, last: datetime) -> Period:
    """The period of two options; ends the command if it is none, or has not begun."""
    try:
        period = Period(first.date(), last.date())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if period.since > datetime.now(UTC):
        raise typer.BadParameter(f"the period {period} has not begun")
    return period


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet) as bar:
        yield bar
