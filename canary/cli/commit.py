"""``cpr-canary audit commit``: bind to a period's log and list of probes, before the auditor's seed is known."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from canary.audit.bundle.commitment import Commitment, read
from canary.audit.bundle.commitment import commit as bind
from canary.audit.bundle.files import BundleError
from canary.audit.period import Period
from canary.cli.common import ConfigPath, Json, err, painted, print_json, print_plain
from canary.cli.opening import published_log
from canary.cli.period import From, To, whole_period
from canary.config import load

CommitmentOption = Annotated[
    Path | None, typer.Option("--commitment", exists=True, help="What was bound to before the seed was known.")
]


def commit(
    config: ConfigPath,
    first: From,
    last: To,
    file: Annotated[Path, typer.Option("--out", help="The file to write, and to hand to the auditor.")],
    challenge: Annotated[
        str | None, typer.Option(help="Public randomness that is to be the seed, such as a later block of a beacon.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bind to the log of a period and to the list of its probes, before anybody knows the seed.

    Hand the file to the auditor, who then tells the seed. Needs no key, and the period must be over.
    """
    settings, period = load(config), whole_period(first, last)
    with published_log(settings) as log, err.status(painted("population")) as spinner:
        try:
            bound = bind(log, period.since, period.until, challenge, lambda what: spinner.update(painted(what)))
        except BundleError as error:
            raise typer.BadParameter(str(error)) from None
    raw = bound.written()
    file.write_bytes(raw)
    digest = sha256(raw).hexdigest()
    if as_json:
        print_json({"file": str(file), "sha256": digest, "population": bound.count, "end": bound.part.end})
    else:
        print_plain(f"{file}: {bound.count} probes, {period}, up to event {bound.part.end}")
        print_plain(f"SHA-256 of the commitment: {digest}")


def read_commitment(path: Path | None, period: Period) -> Commitment | None:
    """The commitment in a file, if there is one; ends the command if it is about another period."""
    if path is None:
        return None
    try:
        bound = read(path)
    except BundleError as error:
        raise typer.BadParameter(str(error)) from None
    if (bound.part.since, bound.part.until) != (period.since, period.until):
        raise typer.BadParameter(
            f"{path} is about {bound.part.since:%F %T} to {bound.part.until:%F %T} UTC, and {period} was asked for"
        )
    return bound
