"""``cpr-canary audit sample``: probes drawn as the auditor asks. It only reads the ledger."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.table import Table

from canary.audit.bundle.commitment import Commitment
from canary.audit.bundle.commitment import draw as draw_bound
from canary.audit.bundle.files import BundleError
from canary.audit.bundle.sample import Sample, draw, population, rank
from canary.audit.cells import cell
from canary.audit.period import Period
from canary.cli.commit import CommitmentOption, read_commitment
from canary.cli.common import ConfigPath, Json, err, out, painted, print_json, print_plain
from canary.cli.opening import published_log
from canary.cli.period import From, To, whole_period
from canary.config import load
from canary.evidence.published import PublishedLog
from canary.ledger.decided_reader import DecidedReader
from canary.ledger.reader import LedgerReader
from canary.model import Component, OwnFaultError


def sample(
    config: ConfigPath,
    first: From,
    last: To,
    seed: Annotated[str, typer.Option(help="Any text the auditor chooses.")],
    size: Annotated[int, typer.Option(min=1, help="How many probes to draw.")],
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    listing: Annotated[Path | None, typer.Option("--population", help="Write the list of all to this file.")] = None,
    commitment: CommitmentOption = None,
) -> None:
    """Draw a sample from every probe that was scheduled in the period.

    Each is ranked by SHA-256 of "SEED/PROBE-ID" in hexadecimal, and the lowest are drawn: `printf %s/%s SEED ID |
    sha256sum` gives the rank. The list of all (--population) has the ids in byte order, one a line, and a SHA-256. With
    --commitment it is the one that was bound to, and a bundle's: draw from no other for an auditor.
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json or --csv, not both")
    settings, period = load(config), whole_period(first, last)
    bound = read_commitment(commitment, period)
    with published_log(settings) as log, log.moment() as moment, err.status(painted("drawing")):
        if bound:
            drawn = _bound(moment, bound, seed, size, listing)
        else:
            drawn = _drawn(moment.ledger, period, seed, size, listing)
        decided = DecidedReader(moment.ledger)
        rows = [_row(decided, rank, probe) for rank, probe in drawn.drawn]
    if as_json:
        about = {"seed": seed, "population": drawn.population, "population_sha256": drawn.population_sha256}
        print_json(about | {"from": period.first.isoformat(), "to": period.last.isoformat(), "sample": rows})
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


def _bound(log: PublishedLog, bound: Commitment, seed: str, size: int, listing: Path | None) -> Sample:
    """Drawn from the list that was bound to."""
    with TemporaryDirectory() as folder:
        path = listing or Path(folder) / "population.csv"
        try:
            probes = draw_bound(log, bound, seed, size, path)
        except OSError as error:
            raise OwnFaultError(Component.STORE, "not_written", f"cannot write {path}: {error}") from error
        except BundleError as error:
            raise typer.BadParameter(str(error)) from None
    return Sample(seed, tuple((rank(seed, probe), probe) for probe in probes), bound.count, bound.population)


_ROW = ("rank", "probe", "channel", "sender", "variant", "scheduled_at", "outcome", "deadline")


def _row(decided: DecidedReader, rank: str, probe: str) -> dict[str, str | None]:
    known = decided.probe(probe)
    if known is None:
        return dict.fromkeys(_ROW) | {"rank": rank, "probe": probe}
    return {"rank": rank} | {name: getattr(known, name) for name in _ROW[1:]}


def _show(drawn: Sample, rows: list[dict[str, str | None]], period: Period) -> None:
    table = Table("rank (SHA-256)", "probe", "channel", "scheduled", "variant", "outcome", "deadline")
    for row in rows:
        scheduled, outcome = row["scheduled_at"], row["outcome"] or "no result"
        table.add_row(
            f"{row['rank']}"[:16],
            row["probe"],
            row["channel"],
            scheduled[:19] if scheduled else "",
            row["variant"],
            outcome,
            row["deadline"],
        )
    out.print(table)
    print_plain(f"{len(rows)} of {drawn.population} probes, {period}, seed {drawn.seed!r}")
    print_plain(f"list of all: sha256 {drawn.population_sha256}")
