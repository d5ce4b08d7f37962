"""Dashboards and alerts are what the generator writes, byte for byte: nobody edits them by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from dashboards import alerts
from dashboards.__main__ import BOARDS, HERE, write


def test_generated_again_they_are_the_same(tmp_path: Path) -> None:
    write(tmp_path)
    for name in BOARDS:
        assert (tmp_path / name).read_bytes() == (HERE / name).read_bytes(), f"{name}: run `make dashboards`"


def test_no_other_dashboard_lies_beside_them() -> None:
    assert {path.name for path in HERE.glob("*.json")} == set(BOARDS)


def test_links_lead_to_the_addresses_given(tmp_path: Path) -> None:
    write(tmp_path, "https://canary.ca.test", "https://wiki.ca.test/canary")
    for name in BOARDS:
        dashboard = json.loads((tmp_path / name).read_bytes())
        constants = {v["name"]: v["query"] for v in dashboard["templating"]["list"] if v["type"] == "constant"}
        assert constants == {"canary": "https://canary.ca.test", "runbook": "https://wiki.ca.test/canary"}


def test_alerts_generated_again_are_the_same() -> None:
    generated = alerts.generate(alerts.SOURCE.read_text(encoding="utf-8"))
    assert generated == alerts.WRITTEN.read_text(encoding="utf-8"), "run `make dashboards`"


def test_links_and_shared_limits_of_alerts_are_written_once() -> None:
    source = alerts.SOURCE.read_text(encoding="utf-8")
    rules = [rule for group in yaml.safe_load(source)["groups"] for rule in group["rules"]]
    assert all(rule["annotations"].keys() == {"summary", "description", "dashboard"} for rule in rules)
    assert {name for name in alerts.LIMITS if re.search(rf"@{name}\b", source)} == set(alerts.LIMITS)


@pytest.mark.parametrize("line", ["dashboard: nowhere", "expr: up > @unheard_of"])
def test_a_dashboard_or_a_limit_that_does_not_exist_is_refused(line: str) -> None:
    with pytest.raises(KeyError):
        alerts.generate(f"- alert: CPRCanaryDown\n  {line}\n")
