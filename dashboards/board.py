"""A dashboard around its panels: variables, links, annotations, and where each panel stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.panels import SOURCE, Panel

TAG = "cpr-canary"
WIDTH = 24
CANARY, RUNBOOK = "https://canary.example", "https://canary.example/runbook.md"
"""Where browsers reach the canary's own pages and ``docs/runbook.md``: examples, to be given when generating."""

ANY_OF_JOB = 'job=~"$job"'
ANY_OF_CHANNEL = 'job=~"$job",channel=~"$channel"'
FIRING = 'alertname=~"CPRCanary.*",alertname!="CPRCanaryWatchdog",alertstate="firing"'
"""Matchers of ``ALERTS``: those of ours that need somebody."""


@dataclass(frozen=True)
class Row:
    """Panels beside each other, of one height; as wide as each other, or as ``widths`` says (24 in all)."""

    height: int
    panels: Sequence[Panel]
    widths: Sequence[int] = ()


def board(uid: str, title: str, description: str, since: str, rows: Sequence[Row], *, refresh: str = "1m") -> str:
    """The JSON of a dashboard that looks back to ``since``, such as ``now-24h``."""
    builder = build.Dashboard(f"CPR Canary / {title}").uid(uid).description(description).tags([TAG]).timezone("utc")
    builder = builder.readonly().tooltip(model.DashboardCursorSync.CROSSHAIR).time(since, "now").refresh(refresh)
    builder = builder.variables([_datasource(), _job(), _channel(), *_addresses()])
    builder = builder.annotations(_annotations()).links(_links())
    dashboard = builder.build()
    dashboard.panels = [*_placed(rows)]
    return json.dumps(dashboard, cls=JSONEncoder, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _placed(rows: Sequence[Row]) -> list[Panel]:
    placed: list[Panel] = []
    top = 0
    for row in rows:
        left = 0
        for panel, width in zip(row.panels, row.widths or _even(len(row.panels)), strict=True):
            panel.grid_pos = model.GridPos(h=row.height, w=width, x=left, y=top)
            left += width
            placed.append(panel)
        top += row.height
    return placed


def _even(panels: int) -> list[int]:
    return [WIDTH // panels] * panels


def _datasource() -> build.DatasourceVariable:
    return build.DatasourceVariable("datasource").label("Data source").type("prometheus")


def _job() -> build.QueryVariable:
    variable = build.QueryVariable("job").label("Job").query(_values("cpr_canary_build_info", "job"))
    return _many(variable, ".+").definition("label_values(cpr_canary_build_info, job)")


def _channel() -> build.QueryVariable:
    """*All* also takes in series without a channel: those that ``histograms: per_kind`` sums over a kind."""
    metric = f"cpr_canary_channel_state{{{ANY_OF_JOB}}}"
    variable = build.QueryVariable("channel").label("Channel").query(_values(metric, "channel"))
    return _many(variable, ".*").definition(f"label_values({metric}, channel)")


def _values(metric: str, label: str) -> dict[str, object]:
    return {"query": f"label_values({metric}, {label})", "refId": "A", "qryType": 1}


def _many(variable: build.QueryVariable, everything: str) -> build.QueryVariable:
    everywhere = model.VariableOption(selected=True, text=["All"], value=["$__all"])
    variable = variable.datasource(SOURCE).multi(True).include_all(True).all_value(everything).current(everywhere)
    return variable.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC)


def _addresses() -> list[build.ConstantVariable]:
    """Hidden constants, so that the address stands in one place of a file."""
    return [build.ConstantVariable("canary").value(CANARY), build.ConstantVariable("runbook").value(RUNBOOK)]


def _annotations() -> list[Builder[model.AnnotationQuery]]:
    """Alerts of the channels chosen, and those of no channel."""
    alerts = f'ALERTS{{{ANY_OF_JOB},channel=~"$channel|",{FIRING}}}'
    changes = f"cpr_canary_config_last_reload_success_timestamp_seconds{{{ANY_OF_JOB}}} * 1000"
    fired = _annotation("Alerts", f"max by (alertname, channel, queue, severity) ({alerts})", "red")
    fired = fired.title_format("{{alertname}}").text_format("{{channel}} {{queue}} ({{severity}})")
    changed = _annotation("Configuration changes", changes, "blue").use_value_for_time(True).enable(False)
    return [fired, changed.title_format("Configuration accepted")]


def _annotation(name: str, expr: str, colour: str) -> build.AnnotationQuery:
    target = prometheus.Dataquery().expr(expr).ref_id("Anno").range().datasource(SOURCE)
    annotation = build.AnnotationQuery().name(name).datasource(SOURCE).enable(True).icon_color(colour)
    return annotation.expr(expr).target(target).step("60s")


def _links() -> list[Builder[model.DashboardLink]]:
    others = build.DashboardLink("CPR Canary").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    runbook = build.DashboardLink("Runbook").type(model.DashboardLinkType.LINK).icon("doc").url("${runbook}")
    evidence = build.DashboardLink("Evidence").type(model.DashboardLinkType.LINK).icon("external link")
    return [
        others.keep_time(True).include_vars(True),
        runbook.tooltip("What to do for each alert").target_blank(True),
        evidence.tooltip("The signed log").url("${canary}/evidence/checkpoint").target_blank(True),
    ]
