"""``cpr-canary demo``: an embedded CA is broken in seven ways, and each of them is noticed."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from canary.cli.common import Json, err, exit_code, out, print_json
from canary.cli.logs import log_to_stderr
from canary.cli.probe import Followed
from canary.demo.ca import HOST
from canary.demo.faults import BY_NAME, FAULTS, Fault
from canary.demo.following import Shown
from canary.demo.screen import Screen, proof, sentence
from canary.demo.show import Audience, Performance

_ROUNDS = 3
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_asyncio_log = logging.getLogger("asyncio")
_names = ", ".join(BY_NAME)


def demo(
    fault: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help=f"Show only this fault (repeatable): {_names}.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="One round of probes through every channel, no faults.")] = False,
    stay: Annotated[bool, typer.Option("--stay", help="Afterwards probe on schedule until Ctrl-C.")] = False,
    as_json: Json = False,
    host: Annotated[str, typer.Option(help="Address on which /metrics is served; all else stays on loopback.")] = HOST,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to serve /metrics; 0: a free port.")] = 0,
    name: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="A further name by which it is asked for (repeatable).")
    ] = None,
) -> None:
    """Watch the canary notice seven faults that real CAs had, on a CA inside this process.

    Takes about 90 s on a terminal, and a quarter of that where nobody reads along. Nothing is needed but a browser,
    nothing leaves this machine, and nothing is left behind. Exits 0 if every fault was told apart and every other
    report arrived, 1 if not, 3 for a fault of our own.
    """
    if once and fault:
        raise typer.BadParameter("--once shows no faults: leave out --fault, or --once")
    performance = Performance(
        faults=() if once else _chosen(fault or ()),
        rounds=1 if once or fault else _ROUNDS,
        stay=stay,
        host=host,
        port=port,
        names=name or (),
        unhurried=out.is_terminal and not as_json,
    )
    log_to_stderr(as_json=False)
    _asyncio_log.setLevel(logging.ERROR)  # it warns of connections that both ends close at once
    audience = nullcontext(Machine()) if as_json else Screen(out)
    with TemporaryDirectory(prefix="cpr-canary-demo-") as folder, audience as watching:
        interrupted = asyncio.run(_until_signal(performance, Path(folder), watching))
    if interrupted and not performance.complete:
        err.print("stopped before the end")
        raise typer.Exit(128 + interrupted)
    raise typer.Exit(exit_code(performance.outcome))


def _chosen(names: Sequence[str]) -> tuple[Fault, ...]:
    """The faults of these names, in the order in which they are shown; all of them for none."""
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        raise typer.BadParameter(f"no fault {unknown[0]!r}; there are {_names}")
    return tuple(fault for fault in FAULTS if not names or fault.name in names)


async def _until_signal(performance: Performance, folder: Path, audience: Audience) -> int:
    """Run it to its end, or stop it gracefully at the first signal; returns the number of that, or 0."""
    received: list[int] = []
    showing = asyncio.create_task(performance.run(folder, audience))

    def stop(number: int) -> None:
        if not received:  # a second one would only cut short the tidying up
            received.append(number)
            _asyncio_log.setLevel(logging.CRITICAL)  # Ctrl-C ends the browser's driver too, if that was just starting
            showing.cancel()

    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    try:
        await showing
    except asyncio.CancelledError:
        if not received:
            raise
    return received[0] if received else 0


class Machine:
    """An audience that reads JSON: one object a finished probe on standard output; the rest is said on the other."""

    def started(self, browser: str, metrics: str) -> None:
        """What runs, and where to scrape it."""
        err.print(f"browser: {browser}\nmetrics: {metrics}", soft_wrap=True)

    def all_is_well(self) -> None:
        """Prints nothing: the probes' objects say it."""

    def broken(self, fault: Fault, number: int, of: int) -> None:
        """Prints nothing: the probes' objects say it."""

    def mended(self, fault: Fault, probe: Shown) -> None:
        """Prints nothing: the probes' objects say it."""

    def in_flight(self, probes: Sequence[Shown]) -> None:
        """Prints nothing: an object is printed once, at the end of its probe."""

    def ended(self, probe: Shown) -> None:
        """The object of :class:`canary.cli.probe.Followed`, and the fault that was on there."""
        fault = probe.turn.fault
        print_json(Followed(probe.case, probe.verdict).as_json() | {"fault": fault.name if fault else None})

    def summary(self, performance: Performance) -> None:
        """Print on standard error what the demo came to."""
        err.print(sentence(performance), soft_wrap=True)
        if performance.evidence is not None:
            err.print(proof(performance.evidence), soft_wrap=True)

    def staying(self) -> None:
        """Print on standard error how to end the demo."""
        err.print("probing on schedule until Ctrl-C")
