"""``cpr-canary check``: is the configuration right, and does everything it names answer? Nothing is sent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from canary.channels import UnusableError
from canary.channels.email.signing import DkimSigner
from canary.cli.common import ConfigPath, Exit, Json, err, on_one_line, out, painted, print_json
from canary.clock import Clock
from canary.config import Config, load
from canary.config.advice import advice
from canary.model import OwnFaultError
from canary.private import open_file
from canary.prober.endpoints import Endpoints
from canary.web import rules

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver


@dataclass(frozen=True)
class Finding:
    """What was found at one thing that was looked at; ``fault`` is None, ours, theirs, or advice."""

    what: str
    fault: str | None
    detail: str


Named = Annotated[
    str | None,
    typer.Option("--ticket", metavar="WATCH/NUMBER", help="Look at this ticket alone, and print what is read of it."),
]

Recorded = Annotated[
    Path | None,
    typer.Option(
        "--record",
        metavar="FILE",
        help="Look at ticket systems and mail gateways alone, and write what they answer, without texts.",
    ),
]


def check(config: ConfigPath, as_json: Json = False, ticket: Named = None, record: Recorded = None) -> None:
    """Validate the configuration, then connect: log in everywhere, find every folder, load every form. Sends nothing.

    Exits 2 for a mistake in the configuration, 3 if something of ours does not answer, 1 if a channel of the CA cannot
    take a report, else 0. Advice about what is allowed and could be better changes nothing in that.
    """
    settings = load(config)
    if record is not None:
        findings = asyncio.run(record_answers(settings, ticket, record))
    elif ticket is None:
        findings = [Finding(where, "advice", sentence) for where, sentence in advice(settings)]
        findings += asyncio.run(_look(settings))
    else:
        findings = [asyncio.run(_look_at(settings, ticket))]
    if as_json:
        print_json([finding.__dict__ for finding in findings])
    elif ticket is not None and record is None and findings[0].fault is None:
        for line in findings[0].detail.splitlines():
            out.print(on_one_line(line), soft_wrap=True)
    else:
        _print(findings)
    faults = {finding.fault for finding in findings}
    raise typer.Exit(Exit.OWN_FAULT if "ours" in faults else Exit.NOT_ARRIVED if "theirs" in faults else Exit.ARRIVED)


async def _look_at(config: Config, ticket: str) -> Finding:
    endpoints, (watch, _, number) = Endpoints(config, Clock()), ticket.partition("/")
    try:
        return await _find(f"ticket {ticket}", endpoints.show_ticket(watch, number))
    finally:
        await endpoints.close()


async def record_answers(config: Config, ticket: str | None, file: Path) -> list[Finding]:
    """Write what is answered of a ticket, or of every ticket system and mail gateway, into one file for us alone."""
    endpoints, (watch, _, number) = Endpoints(config, Clock()), (ticket or "").partition("/")
    names = [watch] if ticket else endpoints.recorded_watches
    try:
        found = [await _find(f"watch {name}", endpoints.record_tickets(name, number or None)) for name in names]
    finally:
        await endpoints.close()
    told = [finding.detail for finding in found if finding.fault is None]
    failed = [finding for finding in found if finding.fault is not None]
    if not told:
        return failed or [Finding("recording", "ours", "no ticket system and no mail gateway is watched")]
    try:
        with os.fdopen(open_file(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w", encoding="ascii") as written:
            written.write("[\n" + ",\n".join(told) + "\n]\n")
    except OSError as error:
        return [*failed, Finding("recording", "ours", f"{file} cannot be written: {error.strerror or error}")]
    return [*failed, Finding("recording", None, f"{file}: the shape of each answer; read it before you send it on")]


async def _look(config: Config) -> list[Finding]:
    endpoints = Endpoints(config, Clock())
    findings: list[Finding] = []
    try:
        with err.status(painted("connecting")) as spinner:
            for what, look in _looks(config, endpoints):
                spinner.update(painted(f"{what} ({len(findings)} looked at)"))
                findings.append(await _find(what, look))
            findings += await keys_published(config)
    finally:
        await endpoints.close()
    return findings


async def keys_published(config: Config, resolver: Resolver | None = None) -> list[Finding]:
    """Of each sender that signs by DKIM, whether the DNS has its key: advice, since a report arrives without, too."""
    findings = []
    for slug, sender in config.senders.items():
        if sender.dkim is None:
            continue
        from dns.asyncresolver import Resolver as System
        from dns.exception import DNSException

        try:
            good, said = await DkimSigner(sender.dkim).published(resolver or System())
        except OwnFaultError as error:
            findings.append(Finding(f"DKIM of {slug}", "ours", error.detail))
        except DNSException as error:
            findings.append(Finding(f"DKIM of {slug}", "advice", f"no DNS can be asked: {error}"))
        else:
            findings.append(Finding(f"DKIM of {slug}", None if good else "advice", said))
    return findings


def _looks(config: Config, endpoints: Endpoints) -> Iterator[tuple[str, Awaitable[str]]]:
    """Every thing to look at: our web server, each watch, each form, and each sender's submission server once."""
    if config.web.token or config.web.config_file:
        yield "web", asyncio.to_thread(lambda: rules(config.web).told())
    for name in endpoints.watchers:
        yield f"watch {name}", endpoints.check_watch(name)
    submissions: set[str] = set()
    for slug in config.channels:
        if not config.kind_of(slug).shares_submission:
            yield f"channel {slug}", endpoints.check_channel(slug, config.senders_of(slug)[0])
            continue
        for sender in config.senders_of(slug):
            if sender not in submissions:
                submissions.add(sender)
                yield f"sender {sender}", endpoints.check_channel(slug, sender)


async def _find(what: str, look: Awaitable[str]) -> Finding:
    try:
        return Finding(what, None, await look)
    except UnusableError as error:
        return Finding(what, "theirs", str(error))
    except OwnFaultError as error:
        return Finding(what, "ours", f"{error.component} {error.reason}: {error.detail}")


def _print(findings: list[Finding]) -> None:
    table = Table("", "what", "found")
    for finding in findings:
        colour = {None: "green", "advice": "yellow"}.get(finding.fault, "red")
        table.add_row(painted(finding.fault or "ok", colour), finding.what, on_one_line(finding.detail))
    out.print(table)
