"""How long a command takes to start, beside ``python -c "import typer, rich"`` in the same run.

The bytecode of every module is kept from the first round on, ours too: so pip leaves it where we are installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from canary.ledger import Ledger

GOOD = Path(__file__).parents[1] / "config" / "good.yaml"
ROUNDS = 15
LIMITS = {"import typer, rich": 1.0, "--help": 2.0, "status": 5.0, "probes list": 5.0}
"""How many times as long as the first each may take."""


def main() -> list[dict[str, Any]]:
    """Measure, print a table; returns its rows. What takes turns shares the machine's moods; the best counts."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as name:
        config = Path(name) / "canary.yaml"
        config.write_bytes(GOOD.read_bytes())
        Ledger(config.parent / "state").close()
        environment = os.environ | {"PYTHONPYCACHEPREFIX": f"{name}/bytecode", "PYTHONDONTWRITEBYTECODE": ""}
        canary = [sys.executable, "-m", "canary"]
        commands: dict[str, list[str]] = {
            "import typer, rich": [sys.executable, "-c", "import typer, rich"],
            "--help": [*canary, "--help"],
            "status": [*canary, "status", str(config)],
            "probes list": [*canary, "probes", "list", str(config)],
        }
        best = dict.fromkeys(commands, float("inf"))
        for _ in range(ROUNDS):
            for what, command in commands.items():
                best[what] = min(best[what], _seconds(command, environment))
    first = best["import typer, rich"]
    rows = [{"what": what, "ms": best[what] * 1000, "times": best[what] / first} for what in commands]
    _show(rows)
    return rows


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    """CPU that a command took, its start included."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} exited with {process.returncode}")
    return used.ru_utime + used.ru_stime


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table("command", "CPU until it has ended", "times the first", "may be", title="start-up")
    for row in rows:
        table.add_row(row["what"], f"{row['ms']:.0f} ms", f"{row['times']:.1f}", f"{LIMITS[row['what']]:g}")
    Console().print(table)


if __name__ == "__main__":
    main()
