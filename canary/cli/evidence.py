"""``cpr-canary evidence``: the keys of the evidence log, how it stands, and whether it is as it was signed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from canary.cli.common import ConfigPath, Exit, Json, err, opened, opened_evidence, out, print_json
from canary.config import load
from canary.evidence.selfcheck import Checked
from canary.evidence.service import Evidence
from canary.ledger import EventKind
from canary.ledger.events import timestamp
from canary.model import Component, OwnFaultError


def key(config: ConfigPath, as_json: Json = False) -> None:
    """Print the public key (vkey) of the log, and every one that it had before.

    Give it to whoever is to verify proofs, by a way that they trust.
    """
    with _evidence(config) as evidence:
        rotations = evidence.log.rotations()
    if not rotations:
        err.print("no key yet: it is made when the canary first runs")
        raise typer.Exit(Exit.NOT_ARRIVED)
    keys = [{"vkey": str(r.new), "from": timestamp(r.at), "old_signs_until": timestamp(r.until)} for r in rotations]
    if as_json:
        print_json({"vkey": str(rotations[-1].new), "history": keys})
        return
    typer.echo(str(rotations[-1].new))
    for item in reversed(keys):
        err.print(f"since {item['from']}: {item['vkey']}", highlight=False, soft_wrap=True, style="dim")


def rotate_key(config: ConfigPath) -> None:
    """Have a new key sign, vouched for by the old one, which signs too until the overlap is over."""
    with _evidence(config) as evidence:
        rotation = evidence.log.rotate()
    typer.echo(str(rotation.new))
    err.print(f"the old key signs too until {timestamp(rotation.until)}, and is destroyed then", highlight=False)


def status(config: ConfigPath, as_json: Json = False) -> None:
    """Show what is signed, time-stamped, cosigned and checked. Exits 1 if the last check found something."""
    with _evidence(config) as evidence:
        found = _status(evidence)
    if as_json:
        print_json(found)
    else:
        table = Table(show_header=False, box=None)
        for name, value in found.items():
            table.add_row(name.replace("_", " "), _words(value))
        out.print(table)
    raise typer.Exit(Exit.NOT_ARRIVED if found["problems"] else Exit.ARRIVED)


def check(config: ConfigPath, as_json: Json = False) -> None:
    """Hash the whole ledger again, and compare with all that was signed. Exits 1 if anything was changed."""
    with _evidence(config) as evidence:
        found = evidence.check()
    if as_json:
        print_json(_checked(found))
    elif found is None:
        err.print("nothing is signed yet")
    else:
        for problem in found.problems:
            out.print(problem, style="red", markup=False, highlight=False)
        forgotten = f", {found.forgotten} of them emptied by retention" if found.forgotten else ""
        verdict = "every one as it was signed" if found.ok else "[bold red]not as they were signed[/]"
        out.print(f"{found.size} events{forgotten}: {verdict}", highlight=False)
    raise typer.Exit(Exit.ARRIVED if found and found.ok else Exit.NOT_ARRIVED)


@contextmanager
def _evidence(path: Path) -> Iterator[Evidence]:
    """The evidence of a configuration, for the time of a command; what is wrong with it is our own fault."""
    config = load(path)
    with opened(config) as ledger:
        try:
            yield opened_evidence(config, ledger)
        except OSError as error:
            raise OwnFaultError(Component.STORE, "evidence", str(error)) from error


def _status(evidence: Evidence) -> dict[str, Any]:
    head, ledger = evidence.log.latest(), evidence.log.ledger
    signed = next(ledger.events(kind=EventKind.CHECKPOINT, newest=1), None)
    rotations = evidence.log.rotations()
    stamps = {
        authority.name: {
            "pending": len(authority.pending()),
            "last": timestamp(authority.last) if authority.last else None,
        }
        for authority in evidence.authorities
    }
    return {
        "origin": evidence.origin,
        "events": ledger.state.seq,
        "signed_events": head.size if head else 0,
        "root": head.root.hex() if head else None,
        "signed_at": timestamp(signed.at) if signed else None,
        "vkey": str(rotations[-1].new) if rotations else None,
        "timestamps": stamps,
        "witnesses": {witness.name: {"cosigned_events": witness.seen()} for witness in evidence.witnesses},
        **_checked(evidence.checked),
    }


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
