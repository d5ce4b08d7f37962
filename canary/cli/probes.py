"""``cpr-canary probes``: what became of single probes, for whoever asks why a channel fails."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from canary import wording
from canary.cli.common import (
    ConfigPath,
    Json,
    known_channel,
    on_one_line,
    out,
    painted,
    print_json,
    print_plain,
    style,
)
from canary.cli.way import exchanged, ways
from canary.clock import Clock
from canary.config import load
from canary.decided import so_far
from canary.ledger import Event, EventKind, OpenProbe
from canary.ledger.events import parse_time, timestamp
from canary.ledger.reader import LedgerReader, as_it_stands
from canary.ledger.results import Result
from canary.model import DeadlineResult, Outcome, Probe, Stage, Verdict

_STAGES = tuple(stage for stage in Stage if stage is not Stage.SUBMITTED)
_LONGEST = 200
"""Characters of a reason in the list; `probes show` has all of it."""


def list_(
    config: ConfigPath,
    channel: Annotated[str | None, typer.Option(help="Only probes through this channel.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that did not arrive in time.")] = False,
    newest: Annotated[int, typer.Option(min=1, metavar="N", help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """List the newest probes: where each went, and why. Reads the ledger, sends nothing."""
    settings = load(config)
    if channel is not None:
        known_channel(settings, channel)
    with as_it_stands(settings.state) as ledger:
        rows = _newest(ledger, channel, failed, newest)
    if as_json:
        print_json(rows)
    else:
        _show_list(rows)


def show(
    config: ConfigPath,
    probe: Annotated[str, typer.Argument(metavar="PROBE", help="Its id, as in `probes list` or an exemplar.")],
    as_json: Json = False,
) -> None:
    """Show every event of one probe, in order, and the files that were kept of it. Reads the ledger, sends nothing."""
    settings = load(config)
    with as_it_stands(settings.state) as ledger:
        events = [event for event in ledger.events(probe=probe) if event.probe == probe]
        files = {name: str(path) for name, path in _files(ledger, events)}
    if not events:
        raise typer.BadParameter(f"the ledger has no probe {probe!r} (any more); `cpr-canary probes list` names them")
    if as_json:
        print_json({"probe": probe, "events": [json.loads(event.canonical()) for event in events], "files": files})
    else:
        _show_one(events, files)


def _newest(ledger: LedgerReader, channel: str | None, failed: bool, newest: int) -> list[dict[str, Any]]:
    """The probes that were scheduled last, newest first; those without an end from the state."""
    now = Clock().now()
    waiting = [known for known in ledger.state.open.values() if channel in (None, known.case.probe.channel)]
    rows = [_without_end(known, now) for known in waiting]
    if failed:
        rows = [row for row in rows if row["outcome"] not in (None, Outcome.ARRIVED)]
    rows += [_ended(result) for result in ledger.newest_results(newest, channel, failed=failed)]
    return sorted(rows, key=lambda row: (row["scheduled_at"], row["probe"]), reverse=True)[:newest]


def _without_end(known: OpenProbe, now: datetime) -> dict[str, Any]:
    probe, verdict = known.case.probe, so_far(known.case, known.deadline, now)
    stages = {stage.value: seconds for stage, seconds in verdict.stages.items()}
    return _row(probe.id, probe, verdict, stages, final=False)


def _ended(result: Result) -> dict[str, Any]:
    stages = {stage.value: getattr(result, stage.value) for stage in _STAGES}
    return _row(result.probe, result, result, stages, final=True)


def _row(
    probe: str, sent: Probe | Result, found: Verdict | Result, stages: Mapping[str, float | None], *, final: bool
) -> dict[str, Any]:
    """The object that machines read."""
    return {
        "probe": probe,
        "channel": sent.channel,
        "sender": sent.sender,
        "variant": sent.variant,
        "scheduled_at": timestamp(sent.scheduled_at),
        "final": final,
        "outcome": found.outcome,
        "place": found.place,
        "stages": {stage: round(seconds, 3) for stage, seconds in stages.items() if seconds is not None},
        "owed": dict(found.owed),
        "reason": found.reason,
    }


def _show_list(rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.print("no such probe")
        return
    table = Table()
    for heading in ("scheduled (UTC)", "probe"):  # what people copy is never cut
        table.add_column(heading, no_wrap=True)
    table.add_column("report")
    table.add_column("what became of it", ratio=1)
    for row in rows:
        scheduled = f"{parse_time(row['scheduled_at']):%Y-%m-%d %H:%M}"
        report = f"{row['channel']}: {row['variant']} by {row['sender']}"
        table.add_row(scheduled, row["probe"], report, _became(row))
    out.print(table)


def _became(row: Mapping[str, Any]) -> Text:
    outcome: Outcome | None = row["outcome"]
    if outcome is None:
        return painted("on its way")
    words = painted(outcome, style(outcome))
    if outcome is Outcome.ARRIVED:
        words += f" after {wording.latency(row['stages'].get(Stage.ARRIVED))}"
        missed = [_words(stage) for stage in Stage if row["owed"].get(stage) is DeadlineResult.MISSED]
        return words + painted(f"; not {', '.join(missed)} in time", "red") if missed else words
    place = f" in {row['place']}" if row["place"] else ""
    return words + painted(f"{place}: {on_one_line(row['reason'], _LONGEST)}")


def _words(stage: str) -> str:
    """A stage as people say it."""
    return stage.replace("_", " ")


def _show_one(events: list[Event], files: Mapping[str, str]) -> None:
    first, begun = events[0], events[0].at
    body = first.body if first.kind is EventKind.SCHEDULED else {}
    what = f": {body['variant']} by {body['sender']} through {body['channel']}" if body else ""
    print_plain(f"probe {first.probe}{what}, {wording.moment(begun)} UTC")
    table = Table("after", "what", "in words")
    for event in events:
        colour, name, words = _in_words(event)
        after = f"{(event.at - begun).total_seconds():+.1f} s"
        table.add_row(after, painted(name, colour), on_one_line(words))
    out.print(table)
    for queue, hops, said in ways(events):
        print_plain(f"the way to {queue}, as its header says")
        out.print(hops)
        for line in said:
            print_plain(line)
    for name, path in files.items():
        print_plain(f"{name}: {path}")


def _in_words(event: Event) -> tuple[str, str, str]:
    """Colour, name and words of an event."""
    body = event.body
    match event.kind:
        case EventKind.SCHEDULED:
            wanted = f"expected in {', '.join(body['expected'])} within {body['deadline']:g} s"
            wanted += "".join(f", {_words(stage)} within {limit:g} s" for stage, limit in body.get("owed", {}).items())
            again = f"; once more, since {body['confirms']} failed" if body["confirms"] else ""
            return "", "scheduled", wanted + again
        case EventKind.SUBMITTING:
            return "", "submitting", f"Message-ID {body['message_id']}" if body["message_id"] else ""
        case EventKind.SUBMITTED:
            what = "accepted" if body["accepted"] else "uncertain" if body["uncertain"] else "not accepted"
            return ("" if body["accepted"] else "red"), what, body["reason"] + exchanged(body)
        case EventKind.SIGHTING:
            where = f"in {body['place']['queue']} ({body['place']['role']})"
            forged = f"; does not count: {body['forgery']}" if body["forgery"] else ""
            changed = "; changed on its way" if body["intact"] is False else ""
            arrived = f", arrived {wording.moment(parse_time(body['arrived_at']))} by {body['source']}"
            detail = f": {body['detail']}" if body["detail"] else ""
            return "", f"seen: {body['seen'].replace('_', ' ')}", where + arrived + forged + changed + detail
        case EventKind.FLOOD:
            where = f"in {body['queue']} ({body['role']})"
            return "", f"counted: {body['count']} more", f"{where}, not kept, since many like them are: {body['why']}"
        case EventKind.DEADLINE:
            colour = "green" if body["result"] == DeadlineResult.MET else "red"
            return colour, f"deadline {body['result']}", body["outcome"]
        case EventKind.CONFIRM:
            due = wording.moment(parse_time(body["due"]))
            return "", "to be confirmed", f"another probe at {due}"
        case EventKind.FINISHED:
            outcome = Outcome(body["outcome"]) if body["outcome"] else None
            place = f"{body['place']}: " if body["place"] and body["reason"] else body["place"] or ""
            owed = [f"{_words(stage)}: {result}" for stage, result in body.get("owed", {}).items()]
            return (
                style(outcome),
                f"ended: {outcome or 'nothing known'}",
                "; ".join(filter(None, [place + body["reason"], *owed])),
            )
    return "", event.kind.value, ""


def _files(ledger: LedgerReader, events: list[Event]) -> Iterator[tuple[str, Path]]:
    """Name and path of what was kept of a probe; what retention took is left out."""
    for name, content in _artefacts(events):
        path = ledger.artefacts.path(content)
        if path.is_file():
            yield name, path


def _artefacts(events: list[Event]) -> Iterator[tuple[str, str]]:
    """Name and SHA-256 of what a probe's events name."""
    number = count(1)
    for event in events:
        match event.kind:
            case EventKind.SUBMITTING:
                yield "what was sent", event.body["payload"]
            case EventKind.SUBMITTED:
                yield from event.body["artefacts"].items()
            case EventKind.SIGHTING:
                yield f"what was seen ({next(number)})", event.body["message"]
