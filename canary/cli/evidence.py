"""``cpr-canary evidence``: the keys of the evidence log, how it stands, and whether it is as it was signed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import typer
from rich.table import Table

from canary.cli.common import ConfigPath, Exit, Json, err, out, painted, print_json
from canary.cli.opening import opened, opened_evidence, published_log
from canary.clock import Clock
from canary.config import load
from canary.evidence.published import PublishedLog
from canary.evidence.selfcheck import VERIFIED, Checked
from canary.evidence.selfcheck import check as look_through
from canary.evidence.settings import EvidenceSettings
from canary.evidence.timestamps import Lacking, Pace, lacking
from canary.evidence.witness import cosigned_size
from canary.ledger import EventKind
from canary.ledger.events import timestamp
from canary.model import Component, OwnFaultError


def key(config: ConfigPath, as_json: Json = False) -> None:
    """Print the public key (vkey) of the log, and every one that it had before.

    Give it to whoever is to verify proofs, by a way that they trust.
    """
    with published_log(load(config)) as log:
        rotations = log.rotations()
    if not rotations:
        err.print("no key yet: it is made when the canary first runs")
        raise typer.Exit(Exit.NOT_ARRIVED)
    keys = [{"vkey": str(r.new), "from": timestamp(r.at), "old_signs_until": timestamp(r.until)} for r in rotations]
    if as_json:
        print_json({"vkey": str(rotations[-1].new), "history": keys})
        return
    typer.echo(str(rotations[-1].new))
    for item in reversed(keys):
        err.print(f"since {item['from']}: {item['vkey']}", soft_wrap=True, style="dim")


def rotate_key(config: ConfigPath) -> None:
    """Have a new key sign, vouched for by the old one, which signs too until the overlap is over."""
    settings = load(config)
    with opened(settings) as ledger:
        try:
            rotation = opened_evidence(settings, ledger).log.rotate()
        except OSError as error:
            raise OwnFaultError(Component.STORE, "evidence", str(error)) from error
    typer.echo(str(rotation.new))
    err.print(f"the old key signs too until {timestamp(rotation.until)}, and is destroyed then")


def status(config: ConfigPath, as_json: Json = False) -> None:
    """Show what is signed, time-stamped, cosigned and checked. Exits 1 if the last check found something."""
    settings = load(config)
    with published_log(settings) as log:
        found = _status(log, settings.evidence)
    if as_json:
        print_json(found)
    else:
        table = Table(show_header=False, box=None)
        for name, value in found.items():
            table.add_row(name.replace("_", " "), _words(value))
        out.print(table)
    raise typer.Exit(Exit.NOT_ARRIVED if found["problems"] else Exit.ARRIVED)


def check(config: ConfigPath, as_json: Json = False) -> None:
    """Hash the whole ledger again, and compare with all that was signed. Exits 1 if anything was changed.

    What was found is kept for `evidence status`, where whoever looks may write there.
    """
    with published_log(load(config)) as log:
        found = look_through(log, Clock().now())
        if found is not None:
            with suppress(OSError):
                found.write(log.folder / VERIFIED)
    if as_json:
        print_json(_checked(found))
    elif found is None:
        err.print("nothing is signed yet")
    else:
        for problem in found.problems:
            out.print(problem, style="red")
        forgotten = f", {found.forgotten} of them emptied by retention" if found.forgotten else ""
        verdict = "every one as it was signed" if found.ok else painted("not as they were signed", "bold red")
        out.print(f"{found.size} events{forgotten}:", verdict)
    raise typer.Exit(Exit.ARRIVED if found and found.ok else Exit.NOT_ARRIVED)


def _status(log: PublishedLog, settings: EvidenceSettings) -> dict[str, Any]:
    ledger, head, now = log.ledger, log.latest(), Clock().now()
    signed = next(ledger.events(kind=EventKind.CHECKPOINT, newest=1), None)
    newest, rotations = ledger.head(), log.rotations()
    return {
        "origin": log.origin,
        "events": newest.seq if newest else 0,
        "signed_events": head.size if head else 0,
        "root": head.root.hex() if head else None,
        "signed_at": timestamp(signed.at) if signed else None,
        "vkey": str(rotations[-1].new) if rotations else None,
        "timestamps": {
            tsa.name: _stamped(lacking(ledger, tsa.name, Pace(tsa.every, settings.checkpoint_every), now))
            for tsa in settings.timestamps
        },
        "witnesses": {w.name: {"cosigned_events": cosigned_size(ledger, w.name, now)} for w in settings.witnesses},
        **_checked(Checked.read(log.folder / VERIFIED)),
    }


def _stamped(found: Lacking) -> dict[str, Any]:
    return {"pending": len(found.checkpoints), "last": timestamp(found.last) if found.last else None}


def _checked(found: Checked | None) -> dict[str, Any]:
    if found is None:
        return {"checked_at": None, "checked_events": 0, "forgotten": 0, "problems": []}
    return {
        "checked_at": timestamp(found.at),
        "checked_events": found.size,
        "forgotten": found.forgotten,
        "problems": list(found.problems),
    }


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{k}: " + ", ".join(f"{a} {b}" for a, b in v.items()) for k, v in value.items()) or "none"
    if isinstance(value, list):
        return "\n".join(map(str, value)) or "none"
    return "-" if value is None else str(value)
