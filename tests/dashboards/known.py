"""Which metrics and labels there are: ours, those of the recording rules, and what Prometheus itself adds."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.core import HistogramMetricFamily

from canary.metrics import PREFIX, TABLE
from tests.dashboards.recording import rules_of

DEPLOY = Path(__file__).parents[2] / "deploy/prometheus"
RULES, ALERTS = DEPLOY / "cpr-canary.rules.yaml", DEPLOY / "cpr-canary.alerts.yaml"

EVERY_TARGET = {"job", "instance"}
_CHANNEL = {"channel", "kind", "queue"}
_OTHERS = {
    "ALERTS": {"alertname", "alertstate", "severity", *_CHANNEL},
    "up": set(),
    "scrape_duration_seconds": set(),
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_open_fds": set(),
    "process_max_fds": set(),
}


def labels() -> dict[str, set[str]]:
    """By metric: the labels it has."""
    found = {name: set(own) for name, own in _OTHERS.items()}
    for name, row in TABLE.items():
        if row.type is HistogramMetricFamily:
            found |= {f"{PREFIX}{name}_{part}": set(row.labels) for part in ("sum", "count")}
            found[f"{PREFIX}{name}_bucket"] = {*row.labels, "le"}
        else:
            found[PREFIX + name] = set(row.labels)
    for rule in rules_of(RULES):
        level = {"stage"} if rule["record"].startswith("channel_stage:") else set()
        found[rule["record"]] = _CHANNEL | level | set(rule.get("labels", ()))
    return {name: own | EVERY_TARGET for name, own in found.items()}


def family(metric: str) -> str:
    """The row of the table that a series is of, without the prefix."""
    bare = metric.removeprefix(PREFIX)
    return next(
        (bare.removesuffix(end) for end in ("_bucket", "_sum", "_count") if bare.removesuffix(end) in TABLE), bare
    )
