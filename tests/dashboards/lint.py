"""What a dashboard must be like: Grafana's own linter's rules, and ours. Each is a function that yields what is wrong.

The names are those of github.com/grafana/dashboard-linter where it has the rule. Two of its rules are left out, with
reasons, in ``dashboards/.lint``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from tests.dashboards import known
from tests.dashboards.promql import grouping, parse, selectors, variables
from tests.dashboards.queries import targets
from tests.dashboards.recording import rules_of

Json = dict[str, Any]
Findings = Iterator[str]

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {"short", "none", "s", "bytes", "percentunit", "dateTimeFromNow", "dateTimeAsIso"}
UIDS = {f"cpr-canary-{name}" for name in ("overview", "channel", "audit", "prober")}
GRAFANA = {"__all", "__rate_interval", "__interval", "__range", "__value.raw", "__url_time_range"}
MOST_PANELS = 15


def template_datasource_rule(dashboard: Json) -> Findings:
    found = [v for v in _variables(dashboard) if v["type"] == "datasource"]
    if [(v["name"], v["label"], v["query"]) for v in found] != [("datasource", "Data source", "prometheus")]:
        yield "wants one data source variable, named datasource and labelled Data source"


def template_job_rule(dashboard: Json) -> Findings:
    for name, everything in (("job", ".+"), ("channel", ".*")):
        found = [v for v in _variables(dashboard) if v["name"] == name]
        wanted = {
            "type": "query", "multi": True, "includeAll": True, "allValue": everything, "label": name.capitalize(),
            "datasource": SOURCE,
        }  # fmt: skip
        if len(found) != 1 or any(found[0].get(key) != value for key, value in wanted.items()):
            yield f"wants one variable {name} with {wanted}"


def template_on_time_change_reload_rule(dashboard: Json) -> Findings:
    yield from (f"{v['name']} has refresh {v['refresh']}" for v in _queries(dashboard) if v["refresh"] != 2)


def template_label_promql_rule(dashboard: Json) -> Findings:
    for variable in _queries(dashboard):
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        if not found:
            yield f"{variable['name']} does not ask for label_values"
        elif found[2] not in known.labels().get(selectors(found[1])[0].metric, ()):
            yield f"{variable['name']} asks for a label that is not there"


def panel_datasource_rule(dashboard: Json) -> Findings:
    for panel, target in targets(dashboard):
        if panel.get("datasource") != SOURCE or target.get("datasource") != SOURCE:
            yield f"panel {panel['id']} has a data source of its own"
    yield from (a["name"] for a in dashboard["annotations"]["list"] if a["datasource"] != SOURCE)


def panel_title_description_rule(dashboard: Json) -> Findings:
    for panel in dashboard["panels"]:
        if not panel.get("title") or len(panel.get("description", "")) < 40:
            yield f"panel {panel['id']} wants a title, and a description that says what to do"


def panel_units_rule(dashboard: Json) -> Findings:
    for panel in dashboard["panels"]:
        for unit in _units(panel):
            if unit not in UNITS:
                yield f"panel {panel['id']} has the unit {unit!r}"


def panel_no_targets_rule(dashboard: Json) -> Findings:
    yield from (f"panel {p['id']}" for p in dashboard["panels"] if p["type"] != "text" and not p.get("targets"))


def target_promql_rule(dashboard: Json) -> Findings:
    for expr in expressions(dashboard):
        try:
            parse(expr)
        except ValueError as error:
            yield f"{expr}: {error}"


def target_rate_interval_rule(dashboard: Json) -> Findings:
    for expr in expressions(dashboard):
        for function, window in re.findall(r"\b(i?rate|increase)\([^\[]*\[([^\]]+)\]", expr):
            if function != "increase" and window != "$__rate_interval":
                yield f"{expr} takes a rate over {window}"
            elif window == "$__interval":
                yield f"{expr} loses what happens between two intervals"


def target_counter_agg_rule(dashboard: Json) -> Findings:
    for expr in expressions(dashboard):
        for selector in selectors(expr):
            counter = re.search(r"_(total|count|sum|bucket)$", selector.metric)
            if counter and not {"rate", "irate", "increase"} & set(selector.inside):
                yield f"{expr} uses the bare counter {selector.metric}"


def target_job_rule(dashboard: Json) -> Findings:
    for expr in expressions(dashboard):
        yield from (
            f"{expr}: {selector.metric} is not of $job"
            for selector in selectors(expr)
            if ("job", "=~", "$job") not in selector.matchers
        )


def uneditable_dashboard(dashboard: Json) -> Findings:
    if dashboard["editable"] or dashboard.get("id") is not None or "version" in dashboard or "__inputs" in dashboard:
        yield "wants editable false, and neither id nor version nor __inputs"


def looks_like_the_others(dashboard: Json) -> Findings:
    wanted = {"timezone": "utc", "tags": ["cpr-canary"], "graphTooltip": 1}
    yield from (f"{key} is not {value}" for key, value in wanted.items() if dashboard.get(key) != value)
    if dashboard.get("uid") not in UIDS or not dashboard.get("refresh") or "schemaVersion" not in dashboard:
        yield "wants a uid of ours, refresh, schemaVersion"
    first = next(panel for panel in dashboard["panels"] if panel["type"] != "text")
    if first["type"] != "state-timeline":
        yield "wants a state timeline first"


def panels_stand_apart(dashboard: Json) -> Findings:
    panels = dashboard["panels"]
    if len({p["id"] for p in panels}) != len(panels) or not all(p["id"] > 0 for p in panels):
        yield "wants a number of its own for each panel"
    if len(panels) > MOST_PANELS:
        yield f"has {len(panels)} panels"
    for panel in panels:
        at = panel["gridPos"]
        if at["x"] < 0 or at["x"] + at["w"] > 24 or min(at["w"], at["h"]) < 3:
            yield f"panel {panel['id']} is too wide or too small"
    for one, other in combinations(panels, 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"panels {one['id']} and {other['id']} overlap"


def links_lead_somewhere(dashboard: Json) -> Findings:
    others = [link for link in dashboard["links"] if link["type"] == "dashboards"]
    if not any(link["tags"] == ["cpr-canary"] and link["keepTime"] and link["includeVars"] for link in others):
        yield "wants a link to the others by tag, with time and variables"
    if {"Runbook", "Evidence"} - {link["title"] for link in dashboard["links"]}:
        yield "wants links to the runbook and to the evidence"
    for uid in re.findall(r"/d/([\w-]+)", json.dumps(dashboard)):
        if uid not in UIDS:
            yield f"leads to {uid}, which is not there"


def variables_are_there(dashboard: Json) -> Findings:
    there = {v["name"] for v in _variables(dashboard)} | GRAFANA
    yield from (f"${name} is not there" for name in variables(json.dumps(dashboard)) - there)


def metrics_are_there(dashboard: Json) -> Findings:
    labels = known.labels()
    for expr in expressions(dashboard):
        used = selectors(expr)
        for selector in used:
            if selector.metric not in labels:
                yield f"{expr}: {selector.metric} is not exported"
            elif wrong := selector.labels - labels[selector.metric]:
                yield f"{expr}: {selector.metric} has no label {wrong}"
        if wrong := grouping(expr) - set().union(*(labels.get(s.metric, set()) for s in used), {"le"}):
            yield f"{expr} groups by {wrong}"


def legends_are_there(dashboard: Json) -> Findings:
    labels = known.labels()
    for _, target in targets(dashboard):
        there = set().union(*(labels.get(s.metric, set()) for s in selectors(target["expr"])))
        if wrong := set(re.findall(r"{{(\w+)}}", target.get("legendFormat", ""))) - there:
            yield f"{target['legendFormat']} names {wrong}"


def alerts_are_there(dashboard: Json) -> Findings:
    there = {rule["alert"] for rule in rules_of(known.ALERTS)}
    named = set(re.findall(r"\bCPRCanary\w+", json.dumps(dashboard)))
    yield from (f"{name} is no alert of ours" for name in named - there)


RULES = (
    template_datasource_rule,
    template_job_rule,
    template_on_time_change_reload_rule,
    template_label_promql_rule,
    panel_datasource_rule,
    panel_title_description_rule,
    panel_units_rule,
    panel_no_targets_rule,
    target_promql_rule,
    target_rate_interval_rule,
    target_counter_agg_rule,
    target_job_rule,
    uneditable_dashboard,
    looks_like_the_others,
    panels_stand_apart,
    links_lead_somewhere,
    variables_are_there,
    metrics_are_there,
    legends_are_there,
    alerts_are_there,
)


def expressions(dashboard: Json) -> list[str]:
    """Every PromQL expression of a dashboard, those of its annotations included."""
    annotations = [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
    return [target["expr"] for _, target in targets(dashboard)] + annotations


def _variables(dashboard: Json) -> list[Json]:
    found: list[Json] = dashboard["templating"]["list"]
    return found


def _queries(dashboard: Json) -> list[Json]:
    return [variable for variable in _variables(dashboard) if variable["type"] == "query"]


def _units(panel: Json) -> Iterator[str | None]:
    defaults = panel.get("fieldConfig", {}).get("defaults", {})
    if panel["type"] == "heatmap":
        yield panel["options"]["yAxis"].get("unit")
    elif panel["type"] == "table":
        for override in panel["fieldConfig"]["overrides"]:
            yield from (p["value"] for p in override["properties"] if p["id"] == "unit")
    elif panel["type"] != "text" and not defaults.get("mappings"):
        yield defaults.get("unit")


def _overlap(one: Json, other: Json) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not (beside or above)
