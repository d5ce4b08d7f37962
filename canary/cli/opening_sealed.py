"""``cpr-canary audit open``: what the evidence tells sealed, for the auditor's eyes. It only reads the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from canary.cli.common import ConfigPath, err
from canary.config import load
from canary.ledger import EventKind, Inventory, inventories
from canary.ledger.reader import LedgerReader, as_it_stands
from canary.prober.in_force import openable, sealed_in
from canary.sealing import FILE, SealingKey, SealingKeyError, sealing_key


def open_sealed(
    config: ConfigPath,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="Only of this channel or watch; may be given again.")
    ] = None,
    whole: Annotated[bool, typer.Option("--settings", help="All settings too, in which no secret is.")] = False,
) -> None:
    """Open personal addresses and accounts, which the evidence tells sealed, for the auditor: a line each.

    A line is SALT/TEXT, and its SHA-256 is what the evidence has. What was in force before is opened by the
    configuration file of that time; what was sealed by a key that was lost, by nothing. Give the lines to the auditor
    as a file (`audit verify --opened`).
    """
    settings = load(config)
    texts = {text for of, text in openable(settings, whole=whole) if not name or of in name}
    with as_it_stands(settings.state) as ledger:
        told = _told(ledger, name or [], whole)
    key = _key(settings.state, told)
    lines = {key.sealed(text): f"{key.salt(text)}/{text}" for text in texts}
    for line in sorted(line for seal, line in lines.items() if seal in told):
        typer.echo(line)
    err.print(_summary(told, lines.keys() & told.keys(), key))


def _key(state: Path, told: Mapping[str, Inventory]) -> SealingKey:
    """The key that opens. Raises SealingKeyError where there is none, or none that can be used; and OSError."""
    try:
        return sealing_key(state, create=False)
    except FileNotFoundError:
        by = sorted({known.sealed_by for known in told.values()})
        which = f" ({' or '.join(by)})" if by else ""
        raise SealingKeyError(
            f"{state / FILE} is missing, and nothing of {len(told)} sealed texts can be opened without it: put the key"
            f"{which} back from a back-up of the state folder, with mode 0600"
        ) from None


def _told(ledger: LedgerReader, names: list[str], whole: bool) -> dict[str, Inventory]:
    """By hash: everything that the ledger tells sealed, with what was in force when it did so last."""
    return {
        seal: known
        for known in inventories(ledger.events(kind=EventKind.CONFIGURED))
        for name, entry in (*known.channels.items(), *known.watches.items())
        if not names or name in names
        for seal in sealed_in({key: value for key, value in entry.items() if whole or key != "settings"})
    }


def _summary(told: Mapping[str, Inventory], opened: set[str], key: SealingKey) -> str:
    closed = [told[seal] for seal in told.keys() - opened]
    lost = [known for known in closed if known.sealed_by != key.id]
    words = f"{len(opened)} of {len(told)} sealed texts opened"
    if lost:
        last, by = max(known.at for known in lost), sorted({known.sealed_by for known in lost})
        words += (
            f"; {len(lost)} were sealed, until {last:%Y-%m-%d %H:%M} UTC, by a key that is not there any more, and "
            f"cannot be opened: put {FILE} back from a back-up of that time ({', '.join(by)})"
        )
    if others := len(closed) - len(lost):
        words += f"; {others} are of a configuration from before: give its file instead of this one"
    return words
