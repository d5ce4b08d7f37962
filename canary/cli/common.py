"""What the commands share: exit codes, consoles, and how values are printed."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from canary import wording
from canary.cli.extras import MissingExtraError
from canary.config import Config, ConfigError
from canary.model import CanaryError, DeadlineResult, Outcome, OwnFaultError


class PlainConsole(Console):
    """A console on which words are words: nothing in them is markup, an emoji or an order to the terminal.

    So whatever is printed may hold words of others, in a line as in a table; what is to be coloured is
    :func:`painted`.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """As the console has it, of what can be printed of ``text``."""
        return super().render_str(wording.printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """As the console has it; what a renderable hides from :meth:`render_str` orders nothing either."""
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else wording.printable(segment.text)
            yield segment if text is segment.text else Segment(text, segment.style)


out = PlainConsole()
err = PlainConsole(stderr=True)

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


def explain(error: Exception) -> Exit:
    """Say on standard error what went wrong; returns what to exit with."""
    if isinstance(error, ConfigError | MissingExtraError):
        err.print(str(error), style="red")
        return Exit.USAGE
    err.print(f"our own fault{_in_words(error)}", style="red")
    return Exit.OWN_FAULT


def _in_words(error: Exception) -> str:
    match error:
        case OwnFaultError():
            return f" ({error.component}, {error.reason}): {error}"
        case CanaryError():
            return f": {error}"
        case OSError(strerror=str(why), filename=str(path)):
            return f": {path}: {why}"
        case OSError():
            return f": {error}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f" (unexpected): {type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno}). If `cpr-canary "
        "audit verify-log` finds nothing wrong with the ledger, this is a mistake in CPR Canary: please report it with "
        "what CPR_CANARY_TRACEBACK=1 prints"
    )


def print_json(value: Any) -> None:
    """One line of JSON on standard output, without colours."""
    typer.echo(wording.to_json(value))


def print_plain(text: str) -> None:
    """A line with a path or a hash in it, which people copy: never broken, never coloured."""
    out.print(text, soft_wrap=True)


def painted(words: str, style: str = "") -> Text:
    """Words in a style, for a line or for a table; like all that is printed, they may be somebody else's."""
    return Text(wording.printable(words), style)


def on_one_line(words: str, longest: int | None = None) -> str:
    """Words that are not ours, whole or cut, for a row of a table."""
    return wording.shown(words, longest or len(words)) if words else ""


def known_channel(config: Config, channel: str) -> str:
    """``channel`` if it is configured; else ends the command with what there is."""
    if channel not in config.channels:
        raise typer.BadParameter(f"no channel {channel!r} in the configuration; there are {', '.join(config.channels)}")
    return channel
