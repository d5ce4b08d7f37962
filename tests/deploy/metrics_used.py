"""What is asked of Prometheus by rules (and dashboards), held against what there is to be asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml
from prometheus_client.core import HistogramMetricFamily

from canary.metrics import PREFIX, TABLE

PROMETHEUS = Path(__file__).parents[2] / "deploy" / "prometheus"
RULES, ALERTS = PROMETHEUS / "cpr-canary.rules.yaml", PROMETHEUS / "cpr-canary.alerts.yaml"
SCENARIOS = sorted((PROMETHEUS / "tests").glob("*.yaml"))

NOT_CHARTED: Mapping[str, str] = {
    "authentication_failed_total": "what a filter may have gone by; for ad hoc questions beside `probes show`",
    "authentication_results_total": "what a filter may have gone by; for ad hoc questions beside `probes show`",
    "channel_slowest_hop_seconds": "the latency is charted, and `probes show` has every hop; for ad hoc questions",
    "loop_stalled_seconds_total": "the longest stall is charted, and the log names each; for ad hoc questions",
    "part_well": "each part has a chart or an alert of its own that says more; for ad hoc questions",
    "probes_due_total": "what the unaccounted ones are a share of; for ad hoc questions",
}
"""Metrics of the table (without prefix) that neither a rule nor a dashboard uses, and why."""

_OF_EVERY_TARGET = {"job", "instance"}
_OF_PROMETHEUS: Mapping[str, set[str]] = {"up": set()}


@dataclass(frozen=True)
class Rule:
    """A recording rule or an alert."""

    name: str
    expression: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    is_alert: bool


def rules() -> list[Rule]:
    """Every recording rule and every alert that is shipped."""
    groups = [group for path in (RULES, ALERTS) for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
    return [
        Rule(
            name=rule.get("alert") or rule["record"],
            expression=rule["expr"],
            labels=rule.get("labels", {}),
            annotations=rule.get("annotations", {}),
            is_alert="alert" in rule,
        )
        for group in groups
        for rule in group["rules"]
    ]


def alerts() -> list[Rule]:
    """Every alert; those of several rules as often."""
    return [rule for rule in rules() if rule.is_alert]


def scenarios() -> list[dict[str, Any]]:
    """Every scenario of promtool, of every file."""
    return [test for path in SCENARIOS for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]]


def known() -> dict[str, set[str]]:
    """By name of a series that there is: its labels."""
    found = {name: set(labels) for name, labels in _OF_PROMETHEUS.items()}
    for name, row in TABLE.items():
        if row.type is HistogramMetricFamily:
            found |= {f"{PREFIX}{name}_{end}": set(row.labels) for end in ("sum", "count")}
            found[f"{PREFIX}{name}_bucket"] = {*row.labels, "le"}
        else:
            found[PREFIX + name] = set(row.labels)
    for rule in rules():
        if not rule.is_alert:  # what it is made of has these, or more
            level = {"stage"} if rule.name.startswith("channel_stage:") else set()
            found[rule.name] = {"channel", "kind", "queue", *level, *rule.labels}
    return {name: labels | _OF_EVERY_TARGET for name, labels in found.items()}


def used(expression: str) -> dict[str, set[str]]:
    """By series that an expression asks for: the labels it is asked by. Raises ValueError if it is no PromQL."""
    found: dict[str, set[str]] = {}
    for node in _nodes(promql_parser.parse(expression)):
        if isinstance(node, promql_parser.VectorSelector):
            found.setdefault(node.name, set()).update(matcher.name for matcher in node.matchers.matchers)
    return found


def grouped_by(expression: str) -> set[str]:
    """The labels that an expression aggregates or matches by."""
    found: set[str] = set()
    for node in _nodes(promql_parser.parse(expression)):
        modifier = getattr(node, "modifier", None)
        for part in (modifier, getattr(modifier, "matching", None)):
            found.update(getattr(part, "labels", None) or ())
    return found


def rows(expressions: list[str]) -> set[str]:
    """The rows of the table, without prefix, that these expressions use, straight or through recording rules."""
    recorded = {rule.name: rule.expression for rule in rules() if not rule.is_alert}
    names, todo = set(), list(expressions)
    while todo:
        for name in used(todo.pop()):
            if name in recorded and name not in names:
                todo.append(recorded[name])
            names.add(name)
    return {row for name in names if (row := _row(name)) is not None}


def unused(expressions: list[str]) -> set[str]:
    """The rows of the table that neither these expressions, nor rules, nor :data:`NOT_CHARTED` account for."""
    return TABLE.keys() - rows([*expressions, *(rule.expression for rule in rules())]) - NOT_CHARTED.keys()


def _row(series: str) -> str | None:
    bare = series.removeprefix(PREFIX)
    names = [bare, *(bare.removesuffix(end) for end in ("_bucket", "_sum", "_count"))]
    return next((name for name in names if name in TABLE), None)


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    below = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "param", "vector_selector")]
    for child in [*below, *(getattr(node, "args", None) or ())]:
        if child is not None:
            yield from _nodes(child)
