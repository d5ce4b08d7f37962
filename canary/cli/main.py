"""The command line, put together from its commands."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

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


TRACEBACK = "CPR_CANARY_TRACEBACK"
"""The environment variable with which what is no error of ours ends a command by its traceback, for who mends it."""


def main() -> None:
    """Run the command line. Whatever a command leaves to it becomes a sentence and an exit code, never a traceback."""
    os.umask(0o077)  # whatever we or a program of ours make is for its owner alone
    # Nobody else's package has a part in how the configuration is read; to look for one takes a twentieth of a start.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a caller may have put something else in its place
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # just that
    try:
        _refuse_bytes(sys.argv[1:])
        app()
    except (CanaryError, OSError) as error:
        sys.exit(_explained(error))
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        sys.exit(_explained(error))


def _explained(error: Exception) -> int:
    from canary.cli.common import explain  # with all that it imports: --help has no use for it

    return explain(error)


def _refuse_bytes(arguments: list[str]) -> None:
    """What is no UTF-8 comes as halves of surrogate pairs, which no file of ours, ledger or address can hold."""
    for number, argument in enumerate(arguments, 1):
        if not argument.isascii() and not _is_text(argument):
            print(f"cpr-canary: argument {number} is not UTF-8: {argument!a:.200}", file=sys.stderr)  # noqa: T201
            sys.exit(2)


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True
