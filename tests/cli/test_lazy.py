"""The command line imports what a command needs when it runs; what stands for a command until then is true."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from canary.cli.commands import COMMANDS
from canary.cli.lazy import Command, CommandGroup
from canary.ledger import Ledger

HEAVY = {"playwright", "weasyprint", "uvicorn", "jinja2", "rich", "asyncio", "httpx", "structlog"}
TOKENS = {"google", "msal", "oauthlib"}
"""What only who logs in by tokens needs."""
ONLY_WRITING = {"canary.ledger.store", "canary.ledger.writer", "concurrent", "logging"}
"""What reads the ledger needs none of this."""
ONLY_SENDING = {
    "canary.mark", "canary.mail", "canary.content", "canary.channels.email.channel", "cryptography",
    "canary.queues.tickets.description",
}  # fmt: skip
"""What reads the configuration and shows what it finds needs none of this."""


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


def loaded_by(*arguments: str, path: Path | None = None) -> set[str]:
    """The modules that are there when the command line has done with ``arguments``; ``path`` has packages in it."""
    program = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('loaded:', *sys.modules))\n"
        "from canary.cli import main\n"
        "main()\n"
    )
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
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


@pytest.mark.parametrize("command", ["status", "probes list"])
def test_what_shows_the_ledger_loads_nothing_that_writes_or_sends(command: str, config: Path) -> None:
    Ledger(config.with_name("state")).close()
    loaded = loaded_by(*command.split(), str(config))
    assert "canary.ledger.reader" in loaded
    assert not loaded & (ONLY_WRITING | ONLY_SENDING | TOKENS | HEAVY - {"rich"})


def test_no_plug_in_of_others_is_there_when_the_configuration_is_read(config: Path, tmp_path: Path) -> None:
    Ledger(config.with_name("state")).close()
    site = tmp_path / "site"
    (site / "nosy-1.0.dist-info").mkdir(parents=True)
    (site / "nosy-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: nosy\nVersion: 1.0\n")
    (site / "nosy-1.0.dist-info" / "entry_points.txt").write_text("[pydantic]\nnosy = nosy:plugin\n")
    (site / "nosy.py").write_text("class plugin:\n    new_schema_validator = lambda *args: (None, None, None)\n")
    loaded = loaded_by("status", str(config), path=site)
    assert "pydantic" in loaded
    assert "nosy" not in loaded
