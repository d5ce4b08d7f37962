"""``cpr-canary probe``: one probe now, its stages live on the screen."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.table import Table

from canary.cli.common import (
    ConfigPath,
    Json,
    err,
    exit_code,
    known_channel,
    on_one_line,
    painted,
    print_json,
    style,
)
from canary.cli.logs import log_to_stderr
from canary.config import load
from canary.judge import judge
from canary.ledger import EventKind, Ledger, OpenProbe
from canary.ledger.events import timestamp
from canary.ledger.writer import NOT_WRITTEN
from canary.model import Case, Component, Outcome, OwnFaultError, Role, Stage, Verdict
from canary.prober.gate import stop_reason
from canary.prober.runtime import Runtime, assembled
from canary.prober.submitting import Choice
from canary.reports import VARIANTS

SETTLE = 20.0
"""Seconds for which a report in a wrong place is given the chance to be moved to the right one, before we say so."""


def probe(
    config: ConfigPath,
    channel: Annotated[str, typer.Option(help="The channel to probe.")],
    variant: Annotated[str | None, typer.Option(help="The variant to send (see: cpr-canary variants).")] = None,
    sender: Annotated[str | None, typer.Option(help="The sender to write as.")] = None,
    as_json: Json = False,
) -> None:
    """Send one probe now and follow it. Exits 0 if it arrived in time, 1 if not, 3 for a fault of our own.

    It is recorded in the ledger like every other, and may be used while `cpr-canary run` is running. The kill switch
    holds here too.
    """
    settings = load(config)
    known_channel(settings, channel)
    if variant is not None and variant not in VARIANTS:
        raise typer.BadParameter(f"no variant {variant!r}; there are {', '.join(VARIANTS)}")
    if (naming := VARIANTS[variant].identifier if variant else None) and naming not in settings.channels[
        channel
    ].identifiers:
        raise typer.BadParameter(f"variant {variant} is not for {channel}, which has no {naming} in identifiers")
    if sender is not None and sender not in settings.senders:
        raise typer.BadParameter(f"no sender {sender!r} in the configuration; there are {', '.join(settings.senders)}")
    if settings.channels[channel].reachability_only:
        raise typer.BadParameter(f"{channel} is reachability_only: nothing is ever submitted to it")
    if reason := stop_reason(settings.state):
        raise typer.BadParameter(f"the kill switch is thrown ({reason}); `cpr-canary resume` resets it")
    log_to_stderr(as_json=False)
    with assembled(settings) as canary:
        result = asyncio.run(_probe(canary, Choice(channel, sender, variant), quiet=as_json))
    if as_json:
        print_json(result.as_json())
    raise typer.Exit(exit_code(result.verdict.outcome))


@dataclass(frozen=True)
class Followed:
    """A probe and what was said of it."""

    case: Case
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """The object that machines read."""
        probe = self.case.probe
        return {
            "probe": probe.id,
            "channel": probe.channel,
            "kind": probe.kind,
            "sender": probe.sender,
            "variant": probe.variant,
            "outcome": self.verdict.outcome,
            "place": self.verdict.place,
            "submitted_at": timestamp(self.case.started_at),
            "stages": {stage.value: round(seconds, 3) for stage, seconds in self.verdict.stages.items()},
            "reason": self.verdict.reason,
        }


async def _probe(canary: Runtime, choice: Choice, *, quiet: bool) -> Followed:
    watching = asyncio.create_task(canary.watch())
    try:
        probe_id = await canary.prober.probe(choice.channel, variant=choice.variant, sender=choice.sender)
        with Live(console=err, refresh_per_second=8, transient=quiet) as live:
            return await follow(canary, probe_id, None if quiet else live)
    finally:
        canary.stop()
        await watching


async def follow(canary: Runtime, probe_id: str, live: Live | None = None) -> Followed:
    """Wait until it can be said what became of a probe, and the ledger says so; shows its stages on ``live``.

    Raises OwnFaultError (component store) if that cannot be recorded.
    """
    prober, clock, wrong_since = canary.prober, canary.clock, math.inf
    while True:
        known = prober.ledger.find(probe_id)
        if known is None:
            raise RuntimeError(f"probe {probe_id} is not in the ledger")
        if ended := _as_it_ended(prober.ledger, known):
            return ended
        verdict, recorded = prober.stands(known)
        misplaced = verdict.outcome is not None and verdict.outcome.is_wrong_place
        if misplaced:
            wrong_since = min(wrong_since, clock.monotonic())
        left = wrong_since + SETTLE - clock.monotonic() if misplaced else 0.0
        if live:
            live.update(_picture(known.case, verdict, left))
        submitted = known.case.submission is not None  # a report may be seen before the thank-you page was
        if verdict.outcome is not None and not verdict.final and left <= 0 and submitted and recorded:
            return Followed(known.case, verdict)
        if not recorded and prober.ledger.trouble:
            raise OwnFaultError(Component.STORE, NOT_WRITTEN, prober.ledger.trouble)
        await clock.sleep(0.1)


def _as_it_ended(ledger: Ledger, known: OpenProbe) -> Followed | None:
    """A probe and the outcome that its end has in the ledger; None if it has none there."""
    if known.case.probe.id in ledger.state.open:
        return None
    for end in ledger.events(kind=EventKind.FINISHED, probe=known.case.probe.id):
        said = judge(known.case, end.at, {})
        stages = {Stage(name): seconds for name, seconds in end.body["stages"].items()}
        outcome, place, reason = (end.body[name] for name in ("outcome", "place", "reason"))
        told = replace(said, outcome=Outcome(outcome), place=place, reason=reason, stages=stages)
        return Followed(known.case, told)
    return None


def _picture(case: Case, verdict: Verdict, left: float) -> Table:
    probe = case.probe
    table = Table(title=f"{probe.channel}: {probe.variant} by {probe.sender}", title_justify="left", show_header=False)
    table.add_row("probe", probe.id)
    for stage, seconds in sorted(verdict.stages.items(), key=lambda item: item[1]):
        table.add_row(stage.value, f"{seconds:.1f} s")
    for sighting in case.sightings:
        colour = "green" if sighting.place.role in (Role.MONITORED, Role.TRANSIT, Role.REPLIES) else "red"
        forged = f" ({sighting.forgery})" if sighting.forgery else ""
        table.add_row("seen", painted(f"{sighting.seen.value} in {sighting.place.queue}", colour) + forged)
    outcome = verdict.outcome.value if verdict.outcome else verdict.reason
    table.add_row("outcome", painted(outcome, f"bold {style(verdict.outcome)}"))
    if verdict.outcome is not None and verdict.reason:
        table.add_row("reason", on_one_line(verdict.reason))
    if left > 0:
        table.add_row("waiting", f"{left:.0f} s, whether it is moved to where it belongs")
    return table
