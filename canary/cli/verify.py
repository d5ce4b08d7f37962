"""``cpr-canary audit verify``: the verifier that is handed out, for those who have the canary installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canary.audit.verifier.__main__ import options
from canary.audit.verifier.findings import EXITS, Findings, RefusedError
from canary.audit.verifier.verdict import page
from canary.audit.verifier.verify import verify as check_bundle
from canary.cli.common import Json, print_json


def verify(
    file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The zip file.", exists=True, dir_okay=False)],
    key: Annotated[list[str], typer.Option(help="Public key of the log, had from elsewhere than the bundle (a vkey).")],
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="The first day that was asked for (UTC).")],
    until: Annotated[str, typer.Option("--to", metavar="DAY", help="The last day, which is in it (UTC).")],
    tsa_ca: Annotated[
        Path | None, typer.Option(exists=True, help="Roots of the time-stamping authorities (PEM).")
    ] = None,
    witness: Annotated[list[str] | None, typer.Option(help="Public key of a witness (a vkey).")] = None,
    dkim: Annotated[
        Path | None, typer.Option(exists=True, help="Keys of mail providers as DNS has them: a name and record a line.")
    ] = None,
    seed: Annotated[str | None, typer.Option(help="The seed that was asked for.")] = None,
    size: Annotated[int | None, typer.Option(help="The size of the sample that was asked for.")] = None,
    commitment: Annotated[
        Path | None, typer.Option(exists=True, help="What the CA bound itself to before it knew the seed.")
    ] = None,
    seed_token: Annotated[
        Path | None, typer.Option(exists=True, help="A time-stamp over the commitment, whose SHA-256 is the seed.")
    ] = None,
    kept: Annotated[
        list[Path] | None, typer.Option(exists=True, help="A checkpoint that you had before; may be given again.")
    ] = None,
    within: Annotated[
        float | None,
        typer.Option(help="Refuse a time that is proved less closely, in seconds; as the log's time-stamps tell."),
    ] = None,
    opened: Annotated[
        Path | None, typer.Option(exists=True, help="Sealed addresses, as `audit open` opened them.")
    ] = None,
    tolerance: Annotated[float, typer.Option(help="Seconds between clocks.")] = 60.0,
    as_json: Json = False,
) -> None:
    """Check a bundle. Exits 0 if it is proved, 1 if it is refused, 3 if it is proved with gaps, 2 for a wrong call.

    Whoever does not trust this installation runs the same check elsewhere: see docs/evidence.md.
    """
    try:
        brought = options(
            key=key,
            since=since,
            until=until,
            tsa_ca=tsa_ca,
            witness=witness or [],
            kept=kept or [],
            opened=opened,
            dkim=dkim,
            seed=seed,
            size=size,
            within=within,
            commitment=commitment,
            seed_token=seed_token,
            tolerance=tolerance,
        )
        findings = check_bundle(file, brought)
    except (RefusedError, OSError) as error:
        raise typer.BadParameter(str(error)) from None
    _tell(findings, as_json=as_json)
    raise typer.Exit(EXITS[findings.verdict])


def _tell(findings: Findings, *, as_json: bool) -> None:
    if as_json:
        print_json(findings.to_json())
    else:
        typer.echo(page(findings), nl=False)
