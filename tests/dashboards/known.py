"""Which metrics and labels a dashboard may use: what rules may (``deploy.metrics_used``), and what else there is."""

from __future__ import annotations

from deploy.metrics_used import ALERTS, RULES
from deploy.metrics_used import known as known_to_rules

__all__ = ["ALERTS", "RULES", "labels"]

_OTHERS = {
    "ALERTS": {"alertname", "alertstate", "severity", "channel", "kind", "queue"},
    "scrape_duration_seconds": set(),
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_open_fds": set(),
    "process_max_fds": set(),
}


def labels() -> dict[str, set[str]]:
    """By metric: the labels it has."""
    return known_to_rules() | {name: own | {"job", "instance"} for name, own in _OTHERS.items()}
