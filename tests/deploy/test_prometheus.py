"""The shipped Prometheus files: what promtool says of them, and what it cannot know."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.metrics_used import (
    ALERTS,
    PROMETHEUS,
    RULES,
    SCENARIOS,
    Rule,
    alerts,
    grouped_by,
    known,
    rules,
    scenarios,
    used,
)
from servers.polling import until
from servers.prometheus import RETENTION, Prometheus

EXAMPLE = PROMETHEUS / "prometheus.example.yml"
NAMES = sorted({alert.name for alert in alerts()})
PAGED = {
    "CPRCanaryAbsent", "CPRCanaryChannelDown", "CPRCanaryEvidenceVerifyFailed", "CPRCanaryForgedArrival",
    "CPRCanaryQueueOldestUnread", "CPRCanaryQueueUnreadable", "CPRCanarySchedulerStalled",
}  # fmt: skip
"""What may wake somebody: silence, a forgery, a report that waits, evidence that does not verify, blindness."""


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["/usr/bin/promtool", *arguments], capture_output=True, text=True, timeout=170, check=False, cwd=PROMETHEUS
    )
    assert done.returncode == 0, done.stdout + done.stderr


def of_alert(name: str, kind: str) -> list[dict[str, Any]]:
    """The scenarios of an alert whose name goes on with ``kind``, each with what it expects of that alert."""
    found = [test for test in scenarios() if re.match(rf"{name} {kind}\b", test["name"])]
    return [{**test, "expected": [t for t in test["alert_rule_test"] if t["alertname"] == name]} for test in found]


def test_the_rules_are_right() -> None:
    promtool("check", "rules", RULES, ALERTS)


def test_the_example_is_right() -> None:
    promtool("check", "config", EXAMPLE)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenarios(path: Path) -> None:
    promtool("test", "rules", path)


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_scenario_where_it_fires(name: str) -> None:
    found = of_alert(name, "fires")
    assert found
    assert all(any(moment["exp_alerts"] for moment in test["expected"]) for test in found)


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_scenario_where_it_does_not(name: str) -> None:
    found = of_alert(name, "is quiet")
    assert found
    for test in found:
        assert test["expected"], "it looks at another alert"
        assert not any(moment["exp_alerts"] for moment in test["expected"])
        assert test["input_series"], "nothing happens"


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_scenario_at_its_edge(name: str) -> None:
    """The same history, looked at just before and just after."""
    found = of_alert(name, "edge")
    assert found
    for test in found:
        told = [len(moment["exp_alerts"]) for moment in test["expected"]]
        assert any(a != b for a, b in pairwise(told)), f"{test['name']}: nothing changes, {told}"


def test_every_rule_of_an_alert_fires_in_a_scenario() -> None:
    """An alert may have several rules, told apart by their labels."""
    fired = [alert["exp_labels"] for test in scenarios() for t in test["alert_rule_test"] for alert in t["exp_alerts"]]
    for alert in alerts():
        others = {key for other in alerts() if other.name == alert.name for key in other.labels} - alert.labels.keys()
        assert any(alert.labels.items() <= labels.items() and not others & labels.keys() for labels in fired), alert


def test_every_scenario_is_named_after_an_alert_that_it_looks_at() -> None:
    for test in scenarios():
        name, kind = test["name"].split()[:2]
        assert name in {moment["alertname"] for moment in test["alert_rule_test"]}, test["name"]
        assert kind in ("fires", "is", "edge"), test["name"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_every_metric_and_label_is_exported(rule: Rule) -> None:
    there = known()
    for name, labels in used(rule.expression).items():
        assert name in there, f"{rule.name} asks for {name}"
        assert labels <= there[name], f"{rule.name} asks {name} for {labels - there[name]}"
    named = grouped_by(rule.expression) - {"since"}  # a label that one rule makes and takes away
    assert named <= set().union(*(there[name] for name in used(rule.expression))), rule.name


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_every_alert_says_what_somebody_needs_to_know(alert: Rule) -> None:
    assert re.fullmatch("CPRCanary([A-Z][a-z]+)+", alert.name)
    assert alert.labels["severity"] in ("critical", "warning", "none")
    assert alert.annotations.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
    summary, description = alert.annotations["summary"], alert.annotations["description"]
    assert re.fullmatch(r"[A-Z][^{}]*\.", summary), "one sentence, the same at all times"
    assert re.search(r"\.$", description)
    assert alert.annotations["runbook_url"].endswith(f'"docs/runbook.md" }}}}#{alert.name.lower()}')
    assert re.search(r"/d/cpr-canary-(overview|channel|audit|prober)\?var-job=", alert.annotations["dashboard_url"])


def test_only_what_is_meant_to_wakes_somebody() -> None:
    assert {alert.name for alert in alerts() if alert.labels["severity"] == "critical"} == PAGED
    assert {alert.name for alert in alerts() if alert.labels["severity"] == "none"} == {"CPRCanaryWatchdog"}


def test_the_labels_that_annotations_name_are_there() -> None:
    """``$labels.x`` of a label that is not there is an empty text, and nobody notices."""
    for alert in alerts():
        there = set().union(*(known()[name] for name in used(alert.expression)))
        named = set(re.findall(r"\$labels\.(\w+)", " ".join(alert.annotations.values())))
        assert named <= there, f"{alert.name} names {named - there}"


def test_the_example_says_what_only_flags_can() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert f"--storage.tsdb.retention.time={RETENTION}" in text
    assert "--enable-feature=exemplar-storage" in text


def test_a_real_prometheus_evaluates_every_rule(tmp_path: Path) -> None:
    """promtool does not say whether a rule fails when it is evaluated, as on labels that match more than once."""
    configuration = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    configuration["rule_files"] = [str(RULES), str(ALERTS)]
    configuration["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    del configuration["alerting"]
    with Prometheus(tmp_path, yaml.safe_dump(configuration)) as prometheus:
        seen = until(lambda: [r for r in prometheus.rules() if r["health"] != "unknown"], "an evaluation")
        assert {rule.get("lastError") for rule in seen} == {None}
        assert {rule["name"] for rule in prometheus.rules()} == {rule.name for rule in rules()}
        until(prometheus.alerts, "CPRCanaryAbsent, as nothing listens there")
        assert {alert["labels"]["alertname"] for alert in prometheus.alerts()} == {"CPRCanaryAbsent"}
