"""Writes the alert rules: ``python -m dashboards.alerts``, by default where Prometheus takes them from.

In ``alerts.yaml`` a rule says which dashboard shows what it is about (``dashboard: channel``). Here it gets its two
links, of the runbook and of that dashboard, and the limits that it shares with dashboards (``@allowed``).
"""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from dashboards.limits import ALLOWED, BURNING, CONFIRMED, OBJECTIVE, UNREAD, UNREADABLE

SOURCE = Path(__file__).with_suffix(".yaml")
WRITTEN = Path(__file__).parents[1] / "deploy" / "prometheus" / "cpr-canary.alerts.yaml"

LIMITS = {
    "objective": f"{OBJECTIVE * 100:g}",
    "allowance": f"{ALLOWED * 100:g}",
    "allowed": f"{ALLOWED:g}",
    "burning": f"{BURNING:g}",
    "confirmed": str(CONFIRMED),
    "unread": str(UNREAD),
    "unreadable": str(UNREADABLE),
}
"""What may be written with an ``@`` before it; objective and allowance in percent."""

_RUNBOOK = '{{ or $externalLabels.cpr_canary_runbook "docs/runbook.md" }}'
_GRAFANA = "{{ $externalLabels.cpr_canary_grafana }}"
_BY_JOB = "var-job={{ $labels.job }}"
_SHOWS = {
    "overview": _BY_JOB,
    "channel": f"{_BY_JOB}&var-channel={{{{ $labels.channel }}}}",
    "audit": _BY_JOB,
    "prober": _BY_JOB,
}
"""By dashboard: the variables with which an alert opens it."""

_ALERT = re.compile(r" *- alert: (\w+)")
_DASHBOARD = re.compile(r"( *)dashboard: (\w+)")


class _Limits(Template):
    delimiter = "@"


def generate(source: str) -> str:
    """The rules with their links and limits. Raises KeyError for a limit or a dashboard that does not exist."""
    lines, alert = [], ""
    for line in source.splitlines(keepends=True):
        if begins := _ALERT.match(line):
            alert = begins[1]
        shown = _DASHBOARD.match(line)
        lines.append(_links(alert, shown[2], indent=shown[1]) if shown else line)
    return _Limits("".join(lines)).substitute(LIMITS)


def _links(alert: str, dashboard: str, indent: str) -> str:
    return (
        f"{indent}runbook_url: '{_RUNBOOK}#{alert.lower()}'\n"
        f"{indent}dashboard_url: '{_GRAFANA}/d/cpr-canary-{dashboard}?{_SHOWS[dashboard]}'\n"
    )


if __name__ == "__main__":
    WRITTEN.write_text(generate(SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
