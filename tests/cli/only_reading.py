"""A process that runs commands and watches what they do to a folder: ``only_reading.py FOLDER``.

Reads a list of commands (lists of words) as JSON; prints, as JSON, what came of each: as ourselves first, then (whoever
is root writes where they may not) as nobody. ``{out}`` in a word is a folder that may be written into. Everything that
is imported is by then, so that nobody need not be able to read where Python is installed.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from canary.cli import main as command_line

NOBODY = 65534
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_CHANGING = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.chown", "os.link", "os.symlink")

writes: list[str] = []


def watch(folder: str) -> None:
    """Note from now on whatever opens something for writing in the folder, changes something there, or locks."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        inside = any(os.fspath(arg).startswith(folder) for arg in args if isinstance(arg, str | os.PathLike))
        if event == "open":
            if inside and args[2] & _WRITING:
                writes.append(f"open {args[0]}")
        elif event == "sqlite3.connect":
            if "mode=ro" not in args[0]:
                writes.append(f"sqlite3.connect {args[0]}")
        elif event in ("fcntl.flock", "fcntl.lockf") or (event in _CHANGING and inside):
            writes.append(f"{event} {args}")

    sys.addaudithook(hook)


def run(command: list[str], out: Path) -> dict[str, Any]:
    """What came of a command."""
    writes.clear()
    sys.argv = ["cpr-canary", *(word.format(out=out) for word in command)]
    printed, said = io.StringIO(), io.StringIO()
    code: Any = 0
    with redirect_stdout(printed), redirect_stderr(said):
        try:
            command_line()
        except SystemExit as end:
            code = end.code
    return {"code": code, "out": printed.getvalue(), "err": said.getvalue(), "writes": list(writes)}


def main() -> None:
    folder = Path(sys.argv[1])
    commands: list[list[str]] = json.load(sys.stdin)
    watch(f"{folder}{os.sep}")
    found = {}
    for name in ("ourselves", "nobody"):
        if name == "nobody" and os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        out = folder.with_name(f"out-of-{name}")
        out.mkdir()
        found[name] = [run(command, out) for command in commands]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
