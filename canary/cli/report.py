"""``cpr-canary audit report``: a report of a period, for an auditor, from a ledger that was verified first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from canary.audit.report.contents import AuditReport, build
from canary.audit.report.make import make
from canary.audit.report.results import results
from canary.audit.report.warnings import warnings
from canary.audit.whole import Whole, check_whole
from canary.cli.common import ConfigPath, Exit, Json, err, out, print_json, print_plain
from canary.cli.opening import published_log
from canary.cli.period import From, To, whole_period
from canary.clock import Clock
from canary.config import load
from canary.config.sections import Profile
from canary.evidence.published import PublishedLog
from canary.evidence.tiles import EvidenceError
from canary.model import Component, OwnFaultError


def report(
    config: ConfigPath,
    first: From,
    last: To,
    profile: Annotated[Profile | None, typer.Option(help="Whose rules count; as configured if not given.")] = None,
    folder: Annotated[Path | None, typer.Option("--out", help="The folder to write into.")] = None,
    redact: Annotated[bool, typer.Option(help="Take the addresses of people out.")] = True,
    verify: Annotated[bool, typer.Option(help="Compare the whole ledger with what is signed first.")] = True,
    as_json: Json = False,
) -> None:
    """Write a report of a period: a page (HTML, PDF), tables (CSV) and everything as JSON.

    Exits 1 if the ledger is not as it was signed; page 1 says so then. Reads the ledger, and may be used while the
    canary is running.
    """
    settings, period = load(config), whole_period(first, last)
    folder = folder or Path(f"cpr-canary-{period.first}-to-{period.last}")
    now = Clock().now()
    with published_log(settings) as log, log.moment() as standing, _progress(quiet=as_json) as bar:
        checked = _check(standing, now, bar) if verify else None
        counting = bar.add_task("reading days", total=None)
        made, counted = build(
            standing.ledger,
            settings,
            period,
            now,
            profile=profile or settings.audit.profile,
            redact=redact,
            progress=lambda done, days: bar.update(counting, completed=done, total=days),
            checked=checked,
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
    raise typer.Exit(Exit.ARRIVED if checked is None or checked.ok else Exit.NOT_ARRIVED)


def _check(log: PublishedLog, now: datetime, bar: Progress) -> Whole:
    """The ledger compared with what is signed."""
    task = bar.add_task("verifying", total=None)
    try:
        return check_whole(
            log, now, lambda what, done, of: bar.update(task, description=f"verifying {what}", completed=done, total=of)
        )
    except EvidenceError as error:
        return Whole(0, "", 0, 0, None, (str(error),))


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
        "verified": made.checked.ok if made.checked else None,
        "root": made.checked.root if made.checked else None,
    }


def _tell(made: AuditReport, folder: Path) -> None:
    for words in warnings(made):
        out.print(words, style="yellow")
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
