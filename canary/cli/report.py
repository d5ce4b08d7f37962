"""``cpr-canary audit report``: a report of a period, for an auditor. It only reads the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from canary.audit.report.contents import AuditReport, build
from canary.audit.report.make import make
from canary.audit.report.results import results
from canary.cli.common import ConfigPath, Json, err, out, print_json, print_plain
from canary.cli.period import From, To, whole_period
from canary.clock import Clock
from canary.config import load
from canary.config.sections import Profile
from canary.ledger.reader import as_it_stands
from canary.model import Component, OwnFaultError


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
            Clock().now(),
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
        "with_result": counts.total,
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
    sentences = results(made)
    for measure in ("population", "availability", "exceptions", "evidence"):
        out.print(sentences[measure])  # type: ignore[index]  # an enum of text
    print_plain(f"{folder / 'report.html'}, report.pdf and the files beside them (SHA256SUMS)")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=quiet) as bar:
        yield bar
