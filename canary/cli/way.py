"""The way that a report took, hop by hop, and what servers said of it, for `probes show`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from canary import wording
from canary.cli.common import on_one_line, painted
from canary.ledger import Event, EventKind
from canary.ledger.events import parse_time

_SLOW = 60.0
"""Seconds at a hop that are shown as many."""


def ways(events: list[Event]) -> Iterator[tuple[str, Table, list[str]]]:
    """Of each report that was found: where, its hops as a table, and in words what else its header says."""
    for event in events:
        way = event.body.get("way") if event.kind is EventKind.SIGHTING else None
        if way:
            yield event.body["place"]["queue"], _hops(way), [*_authentication(way), *_spam(way)]


def _hops(way: Mapping[str, Any]) -> Table:
    table = Table("took", "server", "from", "at (UTC)", "TLS", "clock")
    if way["left_out"]:
        table.add_row("", painted(f"{way['left_out']} hops before are not kept"), "", "", "", "")
    for hop in way["hops"]:
        took = "" if hop["seconds"] is None else f"{hop['seconds']:.1f} s"
        at = wording.moment(parse_time(hop["at"])) if hop["at"] else "not told"
        slow = "red" if (hop["seconds"] or 0.0) >= _SLOW else ""
        table.add_row(
            painted(took, slow), painted(on_one_line(hop["by"] or "not told")), painted(on_one_line(hop["came_from"])),
            at, hop["tls"] or "not told", _clock(hop),
        )  # fmt: skip
    return table


def _clock(hop: Mapping[str, Any]) -> str:
    """How a clock is off, and that time went backwards."""
    offset = hop["offset"] or 0.0
    off = f"{abs(offset):.1f} s {'ahead' if offset > 0 else 'behind'}" if offset else ""
    back = f"{hop['back']:.1f} s earlier than the hop before" if hop["back"] else ""
    return "; ".join(filter(None, [back, off]))


def _authentication(way: Mapping[str, Any]) -> Iterator[str]:
    found = [
        f"{each['method'].upper()} {each['result']}" + (f" ({each['domain']})" if each["domain"] else "")
        for each in way["authentication"]
    ]
    by = ", ".join(dict.fromkeys(each["told_by"] for each in way["authentication"] if each["told_by"]))
    if found:
        yield f"authenticated: {', '.join(found)}" + (f", says {by}" if by else "")


def _spam(way: Mapping[str, Any]) -> Iterator[str]:
    for each in way["spam"]:
        verdict = {True: "spam", False: "no spam", None: "no verdict"}[each["spam"]]
        score = "" if each["score"] is None else f", score {each['score']:g}"
        yield f"spam filter {each['product']}: {verdict}{score}: {on_one_line(each['said'])}"


def exchanged(submitted: Mapping[str, Any]) -> str:
    """Which of the recipient's own servers was spoken to, and how that was protected; empty where a provider's was."""
    found = submitted.get("mail_server")
    if not found:
        return ""
    certificate = f", certificate {found['certificate']}" if found["certificate"] else ""
    said = f"; {found['policy_said']}" if found["policy_said"] else ""
    return f"; at {found['host']} ({found['address']}), {found['tls'] or 'no TLS'}{certificate}{said}"
