"""``cpr-canary audit verify-log``: the whole ledger checked where it is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from canary.audit.whole import Whole, check_whole
from canary.cli.common import ConfigPath, Exit, Json, err, out, painted, print_json
from canary.cli.opening import published_log
from canary.clock import Clock
from canary.config import load


def verify_log(
    config: ConfigPath,
    files: Annotated[
        bool, typer.Option("--files", help="Look at each message and file that an event names too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the whole ledger: every event against the signed tree, every total and every result against the events.

    Exits 1 if anything is not as it was signed. Takes as much memory for a million probes as for a thousand.
    """
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with (
        published_log(load(config)) as log,
        Progress(*columns, console=err, transient=True, disable=as_json) as bar,
    ):
        task = bar.add_task("events", total=None)
        found = check_whole(
            log,
            Clock().now(),
            lambda what, done, total: bar.update(task, description=what, completed=done, total=total),
            files=files,
        )
    if as_json:
        print_json(asdict(found))
    else:
        _tell_whole(found)
    raise typer.Exit(Exit.ARRIVED if found.ok else Exit.NOT_ARRIVED)


def _tell_whole(found: Whole) -> None:
    for problem in found.problems:
        out.print(problem, style="red")
    forgotten = f" ({found.forgotten} emptied by retention)" if found.forgotten else ""
    verdict = "as they were signed" if found.ok else painted("not as they were signed", "bold red")
    files = f", {found.files} files" if found.files is not None else ""
    out.print(f"{found.events} events{forgotten}{files} and {found.results} results:", verdict)
