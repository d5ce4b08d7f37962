"""The report as one HTML page, the same for screen and print. The template engine escapes whatever is not ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from canary import wording
from canary.audit.report import charts
from canary.audit.report.changes import Span
from canary.audit.report.contents import AuditReport
from canary.audit.report.drills import Answer, drill_table
from canary.audit.report.exceptions import Run
from canary.audit.report.results import briefly, judged_of_due, results
from canary.audit.report.tally import Tally
from canary.audit.report.targets import arrives_at, reached_at
from canary.audit.report.versions import of, values
from canary.audit.report.warnings import warnings
from canary.ledger import BUCKETS

ROWS = 100
"""Rows of a table that may grow without bound; the files beside the page have all of them."""

_STRIP = 25
"""Channels in one strip, so that it fits on a page."""

_STYLE = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")

_DISCLOSED = ("kind", "reachability_only", "disclosed_in", "approved_by", "interval", "deadline", "arrives_in")
_PLACED = ("target", "queues")
"""The settings that have tables of their own; any other is shown where it changed."""
_SEALED = ("settings",)
"""All settings together, which say nothing to a reader."""

T = TypeVar("T")


def render(report: AuditReport, counted: Tally, files: dict[str, str]) -> str:
    """The page; ``files`` are the files beside it with their SHA-256."""
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            results=results(report),
            warnings=warnings(report),
            charts=_charts(report, counted),
            files=files,
            exceptions=gravest(report.exceptions),
            outages=outages(report),
            brief=briefly(report),
            brief_due=judged_of_due(report),
            disclosed=_DISCLOSED,
            placed=_PLACED,
            changed=[
                (channel.slug, value)
                for channel in report.channels
                for value in values(channel.versions, but=(*_DISCLOSED, *_PLACED, *_SEALED), changed=True)
            ],
            confirmed=any(ref.verified for control in report.controls for ref in (control.webtrust, control.etsi)),
            rows=ROWS,
            Answer=Answer,
            style=Markup(_STYLE),  # noqa: S704  # a file of ours
            drills=drill_table(report.drills),
            median_detection=_middle(report.detections()),
            slowest_detection=max(report.detections(), default=None),
        )
    )


def gravest(runs: Sequence[Run]) -> list[Run]:
    """As many exceptions as the page shows: those that last first, then the longest, then those of the most probes."""
    return sorted(runs, key=lambda run: (run.duration or timedelta.max, run.probes), reverse=True)[:ROWS]


def outages(report: AuditReport) -> list[tuple[Span, str]]:
    """Each downtime, with what is told of the start that ended it."""
    started = {change.at: change.detail for change in report.diary.restarts if change.what == "started"}
    return [(span, started.get(span.end, "") if span.end else "") for span in report.diary.downtime]


def _middle(values: list[float]) -> float | None:
    return values[(len(values) - 1) // 2] if values else None


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("canary.audit.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("percent", "number", "several", "hours", "moment", "latency", "duration", "shown", "clock", "seconds"):
        environment.filters[name] = getattr(wording, name)
    environment.filters.update(reached_at=reached_at, arrives_at=arrives_at, by=of)
    return environment


def _printable(value: object) -> object:
    """What a template is about to show, without control characters if it is a text that is not markup of ours."""
    return wording.printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _charts(report: AuditReport, counted: Tally) -> dict[str, list[Markup]]:
    days = list(report.period.days())
    rows = [charts.Row(slug, channel.days) for slug, channel in sorted(counted.channels.items())]
    ranges = [(slug, channel.arrived, _deadline(report, slug)) for slug, channel in sorted(counted.channels.items())]
    drawn = {
        "strips": [charts.availability_strip(part, some) for some in _quarters(days) for part in _parts(rows, _STRIP)],
        "legend": [charts.legend()],
        "ranges": [charts.latency_ranges(part) for part in _parts(ranges, _STRIP)],
        "histogram": [charts.histogram(counted.arrived, BUCKETS)],
        "months": [charts.month_bars({line.name: line.counts for line in report.months})],
    }
    return {name: [Markup(svg) for svg in several if svg] for name, several in drawn.items()}  # noqa: S704  # escaped there


def _deadline(report: AuditReport, slug: str) -> float:
    settings = next((line.settings for line in report.channels if line.slug == slug), {})
    return float(str(settings.get("deadline", 0)))


def _quarters(days: Sequence[T]) -> list[Sequence[T]]:
    """At most a quarter of a year in one strip."""
    return _parts(days, 92)


def _parts(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
