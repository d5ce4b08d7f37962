"""What the commands share: exit codes, consoles, and how values are printed."""

from __future__ import annotations

import json
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from canary import wording
from canary.cli.extras import MissingExtraError
from canary.config import Config, ConfigError
from canary.model import CanaryError, DeadlineResult, Outcome, OwnFaultError

out = Console(emoji=False)  # words of others have colons too
err = Console(stderr=True, emoji=False)

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="The configuration file (YAML).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")]


class Exit(IntEnum):
    """The exit codes of every command."""

    ARRIVED = 0
    NOT_ARRIVED = 1
    USAGE = 2
    OWN_FAULT = 3


_STYLES = {DeadlineResult.MET: "green", DeadlineResult.MISSED: "red", DeadlineResult.INDETERMINATE: "magenta"}
_EXITS = {
    DeadlineResult.MET: Exit.ARRIVED,
    DeadlineResult.MISSED: Exit.NOT_ARRIVED,
    DeadlineResult.INDETERMINATE: Exit.OWN_FAULT,
}


def style(outcome: Outcome | None) -> str:
    """The colour of an outcome: good, bad, our own fault, or not known yet."""
    return _STYLES[outcome.deadline_result] if outcome else "dim"


def exit_code(outcome: Outcome | None) -> Exit:
    """What a command exits with that waited for a probe."""
    return _EXITS[outcome.deadline_result] if outcome else Exit.NOT_ARRIVED


def explain(error: CanaryError) -> Exit:
    """Say on standard error what went wrong; returns what to exit with."""
    if isinstance(error, ConfigError | MissingExtraError):
        err.print(str(error), style="red", markup=False, highlight=False)
        return Exit.USAGE
    part = f" ({error.component}, {error.reason})" if isinstance(error, OwnFaultError) else ""
    err.print(f"our own fault{part}: {error}", style="red", markup=False)
    return Exit.OWN_FAULT


def print_json(value: Any) -> None:
    """One line of JSON on standard output, without colours."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def print_plain(text: str) -> None:
    """A line with a path or a hash in it, which people copy: never broken, never coloured."""
    out.print(text, highlight=False, markup=False, soft_wrap=True)


def escape_external(words: str, longest: int | None = None) -> str:
    """Words that are not ours, whole or cut, for a table: on one line, and nothing in them paints the terminal."""
    return escape(wording.shown(words, longest or len(words))) if words else ""


def known_channel(config: Config, channel: str) -> str:
    """``channel`` if it is configured; else ends the command with what there is."""
    if channel not in config.channels:
        raise typer.BadParameter(f"no channel {channel!r} in the configuration; there are {', '.join(config.channels)}")
    return channel
