"""The demo for people: what is on its way changes in place, and moves up into the record once it ended.

Where there is no terminal, only the record is written, line by line.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from canary.demo.faults import Fault, Incident
from canary.demo.following import Shown
from canary.demo.show import Performance
from canary.evidence.selfcheck import Checked
from canary.model import Outcome
from canary.wording import printable

_COLUMNS = {"channel": 13, "kind": 8, "sender": 10, "variant": 7, "stage reached": 13, "time": 6, "outcome": 13}
_WIDE = 100
"""Columns of a terminal that has room for the place too."""


class Screen:
    """A :class:`canary.demo.show.Audience`; use as ``with Screen(console) as screen``."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, transient=True, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.update("")
        self._live.stop()

    def started(self, browser: str, metrics: str) -> None:
        """What runs here, and where its metrics are."""
        self._say("A demo CA runs in this process: mail server, mailboxes, web form. Nothing leaves this machine.")
        self._say(f"Forms are filled in by {browser}.", "dim")
        self._say(f"Metrics, as Prometheus scrapes them: {metrics}")

    def all_is_well(self) -> None:
        """Print the heading of the first act."""
        self._heading("All is well: reports through a web form, an alias and two individual contacts")
        self._console.print(self._row(_COLUMNS, "place", "bold"))

    def broken(self, fault: Fault, number: int, of: int) -> None:
        """Print what is wrong with the CA now."""
        self._heading(f"Fault {number} of {of}, {fault.name}: {fault.title}")
        self._say(f"{fault.breaks[:1].upper()}{fault.breaks[1:]}.", "dim")

    def mended(self, fault: Fault, probe: Shown) -> None:
        """What the canary says of the fault, and how long that took in reality."""
        self._say(f"The canary says: {_words(probe)}", "" if probe.as_wanted else "bold red")
        incident = fault.incident
        bug = f"{incident.ca}, bug {incident.bug}"
        self._say(f"Noticed here after {probe.seconds:.1f} s, in reality after {_days(incident)} ({bug}).", "bold")
        self._say("Mended, and reported again:", "dim")

    def in_flight(self, probes: Sequence[Shown]) -> None:
        """One line for each probe on its way."""
        lines = Table.grid()
        for probe in probes:
            lines.add_row(self._line(probe))
        self._live.update(lines)

    def ended(self, probe: Shown) -> None:
        """The line of a probe, for good."""
        self._console.print(self._line(probe))

    def summary(self, performance: Performance) -> None:
        """All faults again, and what was shown in a sentence."""
        self._live.update("")
        if performance.broken:
            self._heading("Summary")
            self._console.print(_table(performance.broken))
        self._say(sentence(performance), "bold green" if performance.outcome is Outcome.ARRIVED else "bold red")
        if performance.evidence is not None:
            self._say(proof(performance.evidence), "green" if performance.evidence.ok else "bold red")

    def staying(self) -> None:
        """Print how to end the demo."""
        self._heading("Now probing on schedule, and serving metrics, until Ctrl-C")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(printable(text), style))

    def _heading(self, text: str) -> None:
        self._console.print()
        self._console.print(Text(text, "bold cyan"))

    def _line(self, shown: Shown) -> Text:
        probe, outcome = shown.case.probe, shown.verdict.outcome
        cells = (
            probe.channel,
            probe.kind,
            probe.sender,
            probe.variant,
            shown.stage.value,
            f"{shown.seconds:4.1f} s",
            outcome.value if outcome else "waiting",
        )
        return self._row(cells, shown.verdict.place or "", "", _style(shown))

    def _row(self, cells: Sequence[str] | dict[str, int], place: str, style: str, last: str = "") -> Text:
        """One line in the columns; each as wide as in every other line, since lines are written one by one."""
        *others, outcome = (cell.ljust(width) for cell, width in zip(cells, _COLUMNS.values(), strict=True))
        row = Text("  ".join(others) + "  ", style, no_wrap=True, overflow="ellipsis")
        row.append(outcome, last)
        if self._console.width >= _WIDE:
            row.append(f"  {place}", "dim")
        row.rstrip()
        return row


def sentence(performance: Performance) -> str:
    """What was shown, in one sentence."""
    broken, healthy = performance.broken, performance.healthy
    right = [probe for probe in broken if probe.as_wanted]
    arrived = f"{sum(probe.as_wanted for probe in healthy)} of {len(healthy)} healthy probes arrived"
    if not broken:
        return f"{arrived}."
    days = sorted(probe.turn.fault.incident.hours / 24 for probe in broken if probe.turn.fault)
    return (
        f"{len(right)} of {len(broken)} faults were told apart, each within {ceil(max(p.seconds for p in broken))} s, "
        f"where real CAs took {_span(days)} to notice; {arrived}; all in {performance.seconds:.0f} s."
    )


def proof(found: Checked) -> str:
    """What the self-check of the evidence found, in one sentence."""
    if not found.ok:
        return f"Evidence: {found.problems[0]}."
    return f"Evidence: {found.size} events in a signed Merkle tree, each of them verified."


def _span(days: Sequence[float]) -> str:
    low, high = f"{days[0]:.1f}", f"{days[-1]:.1f}"
    return f"{low} days" if low == high else f"{low} to {high} days"


def _days(incident: Incident) -> str:
    return f"{'more than ' if incident.at_least else ''}{incident.hours / 24:.1f} days"


def _words(probe: Shown) -> str:
    outcome = probe.verdict.outcome.value if probe.verdict.outcome else "nothing"
    return f"{outcome}: {probe.verdict.reason}" if probe.verdict.reason else outcome


def _style(shown: Shown) -> str:
    """Green as it should be and well, yellow for a fault that was told, red for what should not be."""
    match shown.verdict.outcome:
        case None:
            return "dim"
        case Outcome.ARRIVED if shown.as_wanted:
            return "green"
        case Outcome.INDETERMINATE:
            return "magenta"
    return "yellow" if shown.as_wanted else "bold red"


def _table(broken: Sequence[Shown]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("fault", "incident (bug)", "expected", "got", "noticed", "in reality"):
        table.add_column(column, no_wrap=True, justify="right" if column in ("noticed", "in reality") else "left")
    for shown in broken:
        fault, got = shown.turn.fault, shown.verdict.outcome
        if fault is None:
            continue
        table.add_row(
            fault.name,
            f"{fault.incident.ca} {fault.incident.bug}",
            fault.outcome.value,
            Text(got.value if got else "-", "green" if shown.as_wanted else "bold red"),
            f"{shown.seconds:.1f} s",
            fault.incident.days,
        )
    return table
