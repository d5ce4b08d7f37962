"""``cpr-canary audit open``: what the evidence tells sealed, for the auditor's eyes. It only reads the ledger."""

from __future__ import annotations

from typing import Annotated

import typer

from canary.cli.common import ConfigPath, err
from canary.config import load
from canary.ledger import EventKind, inventories
from canary.ledger.reader import LedgerReader, as_it_stands
from canary.prober.in_force import openable, sealed_in
from canary.sealing import SealingKey, sealing_key


def open_sealed(
    config: ConfigPath,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="Only of this channel or watch; may be given again.")
    ] = None,
    whole: Annotated[bool, typer.Option("--settings", help="All settings too, in which no secret is.")] = False,
) -> None:
    """Open personal addresses and accounts, which the evidence tells sealed, for the auditor: a line each.

    A line is SALT/TEXT, and its SHA-256 is what the evidence has. What was in force before is opened by the
    configuration file of that time. Give the lines to the auditor as a file (`audit verify --opened`).
    """
    settings = load(config)
    texts = {text for of, text in openable(settings, whole=whole) if not name or of in name}
    with as_it_stands(settings.state) as ledger:
        key = sealing_key(settings.state, create=False)
        told = _told(ledger, name or [], whole)
    lines = {key.sealed(text): f"{key.salt(text)}/{text}" for text in texts}
    for line in sorted(line for seal, line in lines.items() if seal in told):
        typer.echo(line)
    err.print(_summary(told, lines.keys() & told.keys(), key))


def _told(ledger: LedgerReader, names: list[str], whole: bool) -> dict[str, str]:
    """By hash: everything that the ledger tells sealed, with the id of the key by which it was."""
    return {
        seal: known.sealed_by
        for known in inventories(ledger.events(kind=EventKind.CONFIGURED))
        for name, entry in (*known.channels.items(), *known.watches.items())
        if not names or name in names
        for seal in sealed_in({key: value for key, value in entry.items() if whole or key != "settings"})
    }


def _summary(told: dict[str, str], opened: set[str], key: SealingKey) -> str:
    closed = [told[seal] for seal in told.keys() - opened]
    words = f"{len(opened)} of {len(told)} sealed texts opened"
    if lost := sum(by != key.id for by in closed):
        words += f"; {lost} were sealed by a key that is not there any more"
    if others := len(closed) - sum(by != key.id for by in closed):
        words += f"; {others} are of a configuration from before: give its file instead of this one"
    return words
