"""``cpr-canary audit bundle``: evidence to take away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canary.audit.bundle.files import BundleError
from canary.audit.bundle.make import Made, Wanted, make
from canary.audit.verifier.__main__ import kept_head
from canary.audit.verifier.findings import RefusedError
from canary.cli.commit import CommitmentOption, read_commitment
from canary.cli.common import ConfigPath, Json, err, painted, print_json, print_plain
from canary.cli.opening import published_log
from canary.cli.period import From, To, whole_period
from canary.clock import Clock
from canary.config import load
from canary.ledger.events import timestamp


def bundle(
    config: ConfigPath,
    first: From,
    last: To,
    seed: Annotated[str, typer.Option(help="Any text the auditor chooses; it picks the sample.")],
    size: Annotated[int, typer.Option(min=0, max=5000, help="How many probes to draw.")],
    file: Annotated[Path, typer.Option("--out", help="The zip file to write.")],
    probe: Annotated[list[str] | None, typer.Option(help="One more probe, by its id; may be given again.")] = None,
    commitment: CommitmentOption = None,
    kept: Annotated[
        list[Path] | None, typer.Option(exists=True, help="A checkpoint that the auditor kept; may be given again.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the evidence of a sample of probes as one zip file, for an auditor to check on a machine of their own.

    It holds messages as they were sent and found: personal data, if the reports have any. Needs no key, and may be used
    while the canary is running. What is not signed yet is not in it.
    """
    settings, period = load(config), whole_period(first, last)
    sizes = tuple(_size(path) for path in kept or ())
    bound = read_commitment(commitment, period)
    wanted = Wanted(period.since, min(period.until, Clock().now()), seed, size, tuple(probe or ()), sizes, bound)
    chains = {tsa.name: tsa.ca_file for tsa in settings.evidence.timestamps}
    with published_log(settings) as log, err.status(painted("population")) as spinner:
        try:
            made = make(file, log, wanted, chains, lambda what: spinner.update(painted(what)))
        except BundleError as error:
            raise typer.BadParameter(str(error)) from None
    if as_json:
        print_json({"file": str(file), "sha256_of_manifest": made.sha256, "probes": made.probes, "until": made.until,
                    "population": made.population, "files": made.files, "missing": made.missing})  # fmt: skip
    else:
        _tell(made, file)
    if made.until != timestamp(period.until):
        cut = f"CUT SHORT: it ends at {made.until}, with what is signed, and {last:%Y-%m-%d} was asked for"
        err.print(painted(f"{cut}. It is checked by --to {made.until}", "bold red"))


def _size(path: Path) -> int:
    try:
        return kept_head(path).size
    except (RefusedError, OSError) as error:
        raise typer.BadParameter(f"{path} is no checkpoint: {error}") from None


def _tell(made: Made, file: Path) -> None:
    print_plain(f"{file}: {len(made.probes)} of {made.population} probes, {made.files} files")
    print_plain(f"SHA-256 of its manifest: {made.sha256}")
    for missing in made.missing:
        err.print(f"artefact {missing} is not kept, and no event tells that it was deleted", style="red")
