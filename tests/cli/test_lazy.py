"""The command line imports what a command needs when it runs; what stands for a command until then is true."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from canary.cli.commands import COMMANDS
from canary.cli.lazy import Command, CommandGroup

HEAVY = {"playwright", "weasyprint", "uvicorn", "jinja2", "rich", "asyncio", "httpx", "structlog"}
TOKENS = {"google", "msal", "oauthlib"}
"""What only who logs in by tokens needs."""


def every(
    commands: dict[str, Command | CommandGroup], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Command]]:
    """The words of each command, and the command."""
    for name, entry in commands.items():
        if isinstance(entry, CommandGroup):
            yield from every(dict(entry.commands), (*above, name))
        else:
            yield (*above, name), entry


ALL = dict(every(dict(COMMANDS)))


def loaded_by(*arguments: str) -> set[str]:
    """The top-level modules that are there when the command line has done with ``arguments``."""
    program = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('loaded:', *{name.partition('.')[0] for name in sys.modules}))\n"
        "from canary.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["audit", "--help"], ["probes", "--help"]])
def test_help_loads_nothing_that_only_a_command_needs(arguments: list[str]) -> None:
    loaded = loaded_by(*arguments)
    assert "typer" in loaded  # it is the program that was asked
    assert not loaded & (HEAVY | TOKENS)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_a_line_of_help_is_what_its_command_says_of_itself(words: tuple[str, ...]) -> None:
    real = ALL[words].load(words[-1])
    assert real.name == words[-1]
    assert " ".join((real.help or "").split()).startswith(ALL[words].help)


def test_help_lists_every_command() -> None:
    done = subprocess.run([sys.executable, "-m", "canary", "--help"], capture_output=True, text=True, check=True)
    listed = " ".join(done.stdout.split())
    for name, entry in COMMANDS.items():
        assert f"{name} {entry.help}" in listed


@pytest.mark.parametrize("command", ["variants", "schema"])
def test_what_asks_no_ledger_loads_no_database_and_no_browser(command: str) -> None:
    loaded = loaded_by(command)
    assert "pydantic" in loaded
    assert not loaded & {"playwright", "weasyprint", "uvicorn", "jinja2", "httpx", "imapclient"}


def test_who_logs_in_by_a_password_loads_nothing_for_tokens() -> None:
    program = (
        "import sys\n"
        "import canary.channels.email.channel, canary.prober.runtime, canary.queues.imap.watch\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "imapclient" in loaded
    assert not loaded & TOKENS
