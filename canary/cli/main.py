"""The command line, put together from its commands."""

from __future__ import annotations

import sys

import typer

from canary import __version__
from canary.cli.commands import COMMANDS
from canary.cli.lazy import add
from canary.model import CanaryError

app = typer.Typer(
    name="cpr-canary",
    help="Proves, every few minutes, that Certificate Problem Reports reach the people who work on them.",
    epilog="Exit codes: 0 arrived in time (or done), 1 did not arrive, 2 usage or configuration, 3 our own fault.",
    no_args_is_help=True,
    rich_markup_mode=None,  # Rich's help costs more time than all the rest of --help
    pretty_exceptions_enable=False,
    add_completion=False,
)
add(app, COMMANDS)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"cpr-canary {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Run the command line; faults that commands leave to it become a sentence and an exit code."""
    try:
        app()
    except CanaryError as error:
        from canary.cli.common import explain  # with all that it imports: --help has no use for it

        sys.exit(explain(error))
