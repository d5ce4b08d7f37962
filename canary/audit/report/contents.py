"""The report as plain data: everything that is on the page, in the files and in the JSON, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from canary import __version__
from canary.audit.period import Period
from canary.audit.report import versions
from canary.audit.report.backing import Backing, evidence
from canary.audit.report.counts import Counts, Group, Percentiles
from canary.audit.report.diary import Diary, diary
from canary.audit.report.drills import Answer, Drill, drill
from canary.audit.report.due import DueTurns, due
from canary.audit.report.exceptions import Run, complete, notes_of
from canary.audit.report.redact import redacted
from canary.audit.report.rules import Control, Duties, Duty, controls, duties
from canary.audit.report.tally import Progress, Silence, Tally, channel_month, tally
from canary.audit.report.versions import Version
from canary.audit.whole import Whole
from canary.config import Config, digest
from canary.ledger import EventKind, Inventory, inventories
from canary.ledger.events import read_probe
from canary.ledger.reader import LedgerReader
from canary.ledger.reading import understood
from canary.model import Probe

_TOGETHER = timedelta(minutes=15)
"""Own faults for one reason that are no further apart than this are shown as one, whatever channels they concern."""


@dataclass(frozen=True, slots=True)
class Line:
    """A group of probes in a table."""

    name: str
    counts: Counts
    arrived: Percentiles | None
    gap: Silence | None = None
    group: str = ""
    causes: Mapping[str, int] = field(default_factory=dict)
    """As what the missed ones missed, the most frequent first."""


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One channel: how it was configured, and what came of its probes."""

    slug: str
    kind: str
    versions: tuple[Version, ...]
    """What it meant, one after the other; none where it was probed, and no record of the configuration covers it."""
    counts: Counts
    arrived: Percentiles | None
    gap: Silence | None
    accepted: int
    acknowledged: int
    outcomes: Mapping[str, int]

    @property
    def settings(self) -> Mapping[str, Any]:
        """What it meant last in the period, or nothing."""
        return self.versions[-1].settings if self.versions else {}

    @property
    def times(self) -> tuple[tuple[datetime, datetime | None], ...]:
        """From when until when it was in force, whatever its settings were."""
        return tuple((one.start, one.end) for one in versions.of(self.versions, ()))


@dataclass(frozen=True, slots=True)
class OwnFault:
    """A time in which probes failed for a reason of our own."""

    start: datetime
    end: datetime
    reason: str
    channels: tuple[str, ...]
    probes: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A scheduled probe that has no result (yet)."""

    probe: str
    channel: str
    scheduled_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """A period of one operator's channels, as an auditor is shown it. Times are UTC."""

    operator: str
    domains: tuple[str, ...]
    profile: str
    duties: Duties
    rule: Duty
    period: Period
    made_at: datetime
    version: str
    configuration: str
    redacted: bool
    days_in_force: Mapping[str, int]
    """By day: how many channels were in force, as the configuration of that day had it."""
    channels: tuple[ChannelLine, ...]
    months: tuple[Line, ...]
    channel_months: tuple[Line, ...]
    variants: tuple[Line, ...]
    senders: tuple[Line, ...]
    whole: Line
    confirmations: Counts
    """Of the whole: what was sent to confirm a failure."""
    exceptions: tuple[Run, ...]
    own_faults: tuple[OwnFault, ...]
    drills: tuple[Drill, ...]
    drills_forgotten: int
    scheduled: int
    unfinished: tuple[Unfinished, ...]
    blind_drills: tuple[Mapping[str, object], ...]
    diary: Diary
    evidence: Backing
    checked: Whole | None
    """What was found when the ledger was compared with what is signed; None if nobody looked."""
    controls: tuple[Control, ...] = field(default=())
    due: DueTurns = field(default_factory=DueTurns)

    @property
    def open_exceptions(self) -> int:
        """Exceptions that no good probe has ended yet."""
        return sum(run.retest is None for run in self.exceptions)

    def answers(self, answer: Answer) -> int:
        """How many drills were answered so."""
        return sum(drill.answer is answer for drill in self.drills)

    def detections(self) -> list[float]:
        """Seconds from each first failure to its being recorded, sorted."""
        return sorted((r.detected_at - r.first_at).total_seconds() for r in self.exceptions if r.detected_at)


def build(
    ledger: LedgerReader,
    config: Config,
    period: Period,
    now: datetime,
    *,
    profile: str,
    redact: bool = True,
    progress: Progress | None = None,
    checked: Whole | None = None,
) -> tuple[AuditReport, Tally]:
    """Read the period and make the report of it, and what its charts are drawn from; ``checked`` is of this ledger.

    Raises :class:`canary.config.ConfigError` if a file of rules is wrong, and
    :class:`canary.ledger.reading.UnreadableLedgerError` if the ledger is not what was written.
    """
    with understood("what the report is made of"):
        return _build(ledger, config, period, now, profile=profile, redact=redact, progress=progress, checked=checked)


def _build(
    ledger: LedgerReader,
    config: Config,
    period: Period,
    now: datetime,
    *,
    profile: str,
    redact: bool,
    progress: Progress | None,
    checked: Whole | None,
) -> tuple[AuditReport, Tally]:
    owed, table = duties(profile, config.audit.deadlines), controls(profile, config.audit.controls)
    rule = owed.at(period.last)
    counted = tally(ledger, period, now, progress)
    complete(ledger, counted.exceptions, notes_of(ledger.events(kind=EventKind.ANNOTATED)))
    told = list(inventories(ledger.events(kind=EventKind.CONFIGURED)))
    ever, known = _in_force(told), _in_force(one for one in told if one.at < period.until)
    drills = [drill(ledger, probe, rule, now) for probe in counted.blind]
    report = AuditReport(
        operator=config.operator.name,
        domains=config.operator.domains,
        profile=profile,
        duties=owed,
        rule=rule,
        period=period,
        made_at=now,
        version=__version__,
        configuration=digest(config),
        redacted=redact,
        days_in_force=_days_in_force(known, period),
        channels=_channels(counted, versions.in_force(known, period)),
        months=tuple(_month(counted, month) for month in period.months()),
        channel_months=_channel_months(counted),
        variants=_lines(counted.variants),
        senders=_lines(counted.senders),
        whole=Line("all channels", counted.counts, counted.arrived.percentiles()),
        confirmations=counted.confirmations,
        exceptions=tuple(counted.exceptions),
        own_faults=_own_faults(counted.own_faults),
        drills=tuple(found for found in drills if found),
        drills_forgotten=drills.count(None),
        scheduled=counted.scheduled,
        unfinished=tuple(_unfinished(counted, now)),
        blind_drills=_blind_drills(ever, period),
        diary=diary(ledger, ever, period, now, redact=redact),
        evidence=evidence(ledger, period),
        due=due(ledger, period, now),
        checked=checked,
        controls=table,
    )
    return (redacted(report) if redact else report), counted


def _channels(counted: Tally, in_force: Mapping[str, tuple[Version, ...]]) -> tuple[ChannelLine, ...]:
    """Every channel that was in force or probed in the period."""
    lines = []
    for slug in sorted(in_force.keys() | counted.channels.keys()):
        tally, told = counted.channels.get(slug), in_force.get(slug, ())
        lines.append(
            ChannelLine(
                slug=slug,
                kind=tally.kind if tally else str(told[-1].settings.get("kind", "")),
                versions=told,
                counts=tally.counts if tally else Counts(),
                arrived=tally.arrived.percentiles() if tally else None,
                gap=tally.longest_gap() if tally else None,
                accepted=tally.accepted if tally else 0,
                acknowledged=tally.acknowledged if tally else 0,
                outcomes=dict(tally.outcomes) if tally else {},
            )
        )
    return tuple(lines)


def _lines(groups: Mapping[str, Mapping[str, Group]]) -> tuple[Line, ...]:
    return tuple(
        Line(name, group.counts, group.arrived.percentiles(), group=kind, causes=dict(group.causes.most_common()))
        for kind, several in sorted(groups.items())
        for name, group in sorted(several.items())
    )


def _month(counted: Tally, month: str) -> Line:
    return Line(month, counted.month(month), counted.months.get(month))


def _channel_months(counted: Tally) -> tuple[Line, ...]:
    return tuple(
        Line(month, channel_month(channel, month), channel.months.get(month), group=slug)
        for slug, channel in sorted(counted.channels.items())
        for month in counted.period.months()
    )


def _own_faults(runs: list[Run]) -> tuple[OwnFault, ...]:
    """One line a reason and time, with all the channels that it concerned."""
    faults: list[OwnFault] = []
    newest: dict[str, int] = {}
    for run in runs:
        place = newest.get(run.reason)
        if place is not None and run.first_at <= faults[place].end + _TOGETHER:
            known = faults[place]
            faults[place] = replace(
                known,
                end=max(known.end, run.last_at),
                channels=tuple(sorted({*known.channels, run.channel})),
                probes=known.probes + run.probes,
            )
        else:
            newest[run.reason] = len(faults)
            faults.append(OwnFault(run.first_at, run.last_at, run.reason, (run.channel,), run.probes))
    return tuple(faults)


def _unfinished(counted: Tally, now: datetime) -> list[Unfinished]:
    lines = []
    for event in counted.undecided:
        channel, why = "no longer kept", "no longer kept"
        if event.body:
            probe = read_probe(event)
            channel = probe.channel
            why = _why_without(now - event.at, probe)
        lines.append(Unfinished(event.probe or "", channel, event.at, why))
    return lines


def _why_without(age: timedelta, probe: Probe) -> str:
    if age < timedelta(seconds=probe.deadline):
        return "still on its way"
    if age < timedelta(seconds=probe.give_up):
        return "not decided since its deadline: its queue was not read, or the prober did not run"
    return "never ended: the prober was not running when its time was over"


def _in_force(told: Iterable[Inventory]) -> list[Inventory]:
    """What the schedule went by; where there was none, what probes by hand went by."""
    known = list(told)
    return [inventory for inventory in known if inventory.scheduled] or known


def _days_in_force(known: list[Inventory], period: Period) -> dict[str, int]:
    """How many channels the newest configuration at the end of each day has."""
    found: dict[str, int] = {}
    for day in period.days():
        end = Period(day, day).until
        before = [inventory for inventory in known if inventory.at < end]
        if before:
            found[day.isoformat()] = len(before[-1].channels)
    return found


def _blind_drills(known: list[Inventory], period: Period) -> tuple[Mapping[str, object], ...]:
    """Each that was approved for a day of the period, with the time at which it first stood in force."""
    found: dict[str, Mapping[str, object]] = {}
    for inventory in known:
        for item in inventory.blind_drills:
            if period.first.isoformat() <= item["date"] <= period.last.isoformat():
                found.setdefault(repr(sorted(item.items())), {**item, "recorded": inventory.at})
    return tuple(found.values())
