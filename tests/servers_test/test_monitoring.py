"""The private Prometheus and Alertmanager of the tests: what is asked of them is answered by the real ones."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from servers.alertmanager import Alertmanager, Webhook
from servers.polling import until
from servers.prometheus import Prometheus

RULES = """
groups:
  - name: tests
    interval: 1s
    rules:
      - {record: "job:up:sum", expr: "sum without (instance) (up)"}
      - {alert: TargetDown, expr: "up == 0", labels: {severity: critical}, annotations: {summary: "It is down."}}
"""
SCRAPING = """
global: {{scrape_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs: [{{job_name: gone, static_configs: [{{targets: ["127.0.0.1:1"]}}]}}]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]}}
"""
ROUTING = """
route: {{receiver: pager, group_wait: 0s}}
receivers: [{{name: pager, webhook_configs: [{{url: "{pager}"}}]}}]
"""


def test_from_a_scrape_to_the_pager(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    with Webhook() as pager, Alertmanager(tmp_path / "am", ROUTING.format(pager=pager.url)) as alertmanager:
        configuration = SCRAPING.format(rules=tmp_path / "rules.yaml", alertmanager=alertmanager.address)
        with Prometheus(tmp_path / "prometheus", configuration) as prometheus:
            up = until(lambda: prometheus.query("up"), "a scrape")
            assert up[0].labels == {"__name__": "up", "instance": "127.0.0.1:1", "job": "gone"}
            assert up[0].value == 0
            assert prometheus.query("1 + 1")[0].value == 2
            until(lambda: prometheus.query("job:up:sum"), "the recording rule")
            now = time.time()
            assert {value for _, value in prometheus.query_range("up", now - 60, now, 1)[0].values} == {0}
            assert [alert["labels"]["alertname"] for alert in prometheus.alerts()] == ["TargetDown"]
            assert {rule["name"]: rule["health"] for rule in prometheus.rules()} == {
                "job:up:sum": "ok",
                "TargetDown": "ok",
            }
            assert prometheus.targets()[0]["health"] == "down"
            assert prometheus.exemplars("up", now - 60, now) == []
            alert = until(pager.alerts, "the page")[0]
            assert alert["annotations"] == {"summary": "It is down."}
            assert alertmanager.state(alertname="TargetDown") == "active"


def test_a_query_that_is_wrong(tmp_path: Path) -> None:
    with Prometheus(tmp_path, "{}") as prometheus, pytest.raises(AssertionError, match="parse error"):
        prometheus.query("sum(")


def test_reloading(tmp_path: Path) -> None:
    with Prometheus(tmp_path, "{}") as prometheus:
        assert prometheus.rules() == []
        (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
        prometheus.reload("rule_files: [rules.yaml]")
        assert len(prometheus.rules()) == 2
        with pytest.raises(AssertionError, match="couldn't load configuration"):
            prometheus.reload("rule_files: no list")


def test_a_server_that_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="cannot unmarshal !!str `no list`"):  # the end of its log
        Prometheus(tmp_path, "rule_files: no list").start()


def test_alerts_by_hand(tmp_path: Path) -> None:
    with Webhook() as pager, Alertmanager(tmp_path, ROUTING.format(pager=pager.url + "/page")) as alertmanager:
        assert alertmanager.state(alertname="ByHand") is None
        alertmanager.fire({"alertname": "ByHand"}, {"summary": "Fired by hand."})
        notification = until(lambda: pager.notifications("/page"), "the page")[0]
        assert notification["status"] == "firing"
        assert pager.notifications("/") == []
