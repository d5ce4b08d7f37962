"""Commands that are imported when they are called: until then each is a name and a sentence of help."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

import typer
from typer.core import TyperCommand


@dataclass(frozen=True)
class Command:
    """A command: ``module:function`` below ``canary.cli``, and the first words of that function's docstring."""

    where: str
    help: str
    extra: str = ""
    """The extra of this package without which it cannot run, if any."""

    def load(self, name: str) -> TyperCommand:
        """The real one, its module imported. Raises CanaryError if its extra is not installed."""
        if self.extra:
            from canary.cli.extras import require  # and with it what reads the metadata of packages

            require(self.extra, name)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        with _without_collecting():
            alone.command(name)(resolve_name(f"canary.cli.{self.where}"))
        command = typer.main.get_command(alone)
        assert isinstance(command, TyperCommand)
        return command


@dataclass(frozen=True)
class CommandGroup:
    """Several commands that share their first word."""

    help: str
    commands: Mapping[str, Command]


def add(app: typer.Typer, commands: Mapping[str, Command | CommandGroup]) -> None:
    """Let ``app`` have these commands, in this order; none of their modules is imported."""
    for name, entry in commands.items():
        if isinstance(entry, CommandGroup):
            group = typer.Typer(help=entry.help, short_help=entry.help, no_args_is_help=True)
            add(group, entry.commands)
            app.add_typer(group, name=name)
        else:
            app.command(name, short_help=entry.help, cls=_loading(entry))(_never_called)


def _loading(entry: Command) -> type[TyperCommand]:
    class Loading(TyperCommand):
        """Becomes the real command as soon as there are words for it to parse, be it ``--help`` alone."""

        def make_context(
            self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
        ) -> Any:  # click's Context, of which Typer has a copy of its own
            return entry.load(self.name or "").make_context(info_name, args, parent, **extra)

    return Loading


@contextmanager
def _without_collecting() -> Iterator[None]:
    """While modules are imported: they stay, and to look for garbage among them takes a seventh of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _never_called() -> None: ...
