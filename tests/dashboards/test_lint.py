"""The dashboards keep every rule of :mod:`tests.dashboards.lint`, and every rule finds what it is there for."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from deploy.metrics_used import NOT_CHARTED, rows, unused

from dashboards.__main__ import BOARDS, HERE
from tests.dashboards import lint
from tests.dashboards.lint import Json
from tests.dashboards.promql import filled_in

Spoil = Callable[[Json], object]


def board(name: str) -> Json:
    found: Json = json.loads((HERE / name).read_text(encoding="utf-8"))
    return found


def panel(dashboard: Json, kind: str) -> Json:
    return next(p for p in dashboard["panels"] if p["type"] == kind)


def asking(expr: str) -> Spoil:
    """Spoils a dashboard by another query in its first line chart."""
    return lambda d: panel(d, "timeseries")["targets"][0].update(expr=expr)


def variable(dashboard: Json, name: str) -> Json:
    return next(v for v in dashboard["templating"]["list"] if v["name"] == name)


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)
def test_every_dashboard_keeps_every_rule(name: str, rule: Callable[[Json], lint.Findings]) -> None:
    assert list(rule(board(name))) == []


SPOILT: list[tuple[Callable[[Json], lint.Findings], Spoil]] = [
    (lint.template_datasource_rule, lambda d: variable(d, "datasource").update(name="source")),
    (lint.template_datasource_rule, lambda d: d["templating"]["list"].pop(0)),
    (lint.template_job_rule, lambda d: variable(d, "job").update(allValue=".*")),
    (lint.template_job_rule, lambda d: variable(d, "channel").update(multi=False)),
    (lint.template_on_time_change_reload_rule, lambda d: variable(d, "job").update(refresh=1)),
    (lint.template_label_promql_rule, lambda d: variable(d, "job").update(query={"query": "label_values(up, pod)"})),
    (lint.panel_datasource_rule, lambda d: panel(d, "stat").update(datasource={"type": "prometheus", "uid": "a1b2"})),
    (lint.panel_datasource_rule, lambda d: d["annotations"]["list"][0].update(datasource=None)),
    (lint.panel_title_description_rule, lambda d: panel(d, "table").pop("description")),
    (lint.panel_title_description_rule, lambda d: panel(d, "table").update(title="")),
    (lint.panel_units_rule, lambda d: panel(d, "timeseries")["fieldConfig"]["defaults"].pop("unit")),
    (lint.panel_units_rule, lambda d: panel(d, "stat")["fieldConfig"]["defaults"].update(unit="seconds")),
    (lint.panel_no_targets_rule, lambda d: panel(d, "stat").update(targets=[])),
    (lint.target_promql_rule, asking('sum by (le (up{job=~"$job"})')),
    (lint.target_rate_interval_rule, asking('rate(process_cpu_seconds_total{job=~"$job"}[5m])')),
    (lint.target_rate_interval_rule, asking('increase(cpr_canary_errors_total{job=~"$job"}[$__interval])')),
    (lint.target_counter_agg_rule, asking('sum(cpr_canary_errors_total{job=~"$job"})')),
    (lint.target_job_rule, asking("max(up)")),
    (lint.target_job_rule, asking('up{job=~"$job"} + on () max(up{job="$job"})')),
    (lint.uneditable_dashboard, lambda d: d.update(editable=True)),
    (lint.uneditable_dashboard, lambda d: d.update(__inputs=[])),
    (lint.looks_like_the_others, lambda d: d.update(timezone="browser")),
    (lint.looks_like_the_others, lambda d: d.update(uid="mine")),
    (lint.looks_like_the_others, lambda d: d["panels"].pop(0)),
    (lint.panels_stand_apart, lambda d: d["panels"][1].update(id=d["panels"][0]["id"])),
    (lint.panels_stand_apart, lambda d: d["panels"][1]["gridPos"].update(y=0)),
    (lint.panels_stand_apart, lambda d: d["panels"][0]["gridPos"].update(w=25)),
    (lint.panels_stand_apart, lambda d: d.update(panels=d["panels"] * 2)),
    (lint.links_lead_somewhere, lambda d: d["links"][0].update(keepTime=False)),
    (lint.links_lead_somewhere, lambda d: d["links"].pop()),
    (lint.links_lead_somewhere, lambda d: d["links"][1].update(url="/d/cpr-canary-chanel")),
    (lint.variables_are_there, lambda d: d["links"][1].update(url="${run_book}")),
    (lint.metrics_are_there, asking('cpr_canary_chanel_state{job=~"$job"}')),
    (lint.metrics_are_there, asking('cpr_canary_channel_state{job=~"$job",sender="a"}')),
    (lint.metrics_are_there, asking('sum by (sender) (cpr_canary_channel_state{job=~"$job"})')),
    (lint.legends_are_there, lambda d: panel(d, "state-timeline")["targets"][0].update(legendFormat="{{alias}}")),
    (lint.alerts_are_there, lambda d: d["panels"][0].update(description="See CPRCanaryChanelDown.")),
]


@pytest.mark.parametrize(("rule", "spoil"), SPOILT)
def test_every_rule_finds_what_it_is_there_for(rule: Callable[[Json], lint.Findings], spoil: Spoil) -> None:
    spoilt = copy.deepcopy(board("overview.json"))
    spoil(spoilt)
    assert list(rule(spoilt))


def test_every_rule_is_shown_to_find_something() -> None:
    assert {rule for rule, _ in SPOILT} == set(lint.RULES)


def test_every_metric_is_used_or_said_not_to_be() -> None:
    expressions = [expr for name in BOARDS for expr in lint.expressions(board(name))]
    used = rows([filled_in(expr) for expr in expressions])
    assert unused([filled_in(expr) for expr in expressions]) == set()
    assert used & NOT_CHARTED.keys() == set()


def test_every_uid_is_a_dashboard() -> None:
    assert {board(name)["uid"] for name in BOARDS} == lint.UIDS


def test_what_users_linters_leave_out_has_a_reason() -> None:
    excluded = yaml.safe_load(Path(HERE / ".lint").read_text(encoding="utf-8"))["exclusions"]
    assert set(excluded) == {"template-instance-rule", "target-instance-rule"}
    assert all(len(entry["reason"]) > 40 for entry in excluded.values())
