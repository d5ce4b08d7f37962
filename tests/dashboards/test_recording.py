"""The stand-in for years of Prometheus: rules in the order in which they stand on each other, alerts that hold."""

from __future__ import annotations

import pytest

from tests.dashboards import known
from tests.dashboards.recording import generations, held, rules_of, seconds


def test_rules_come_after_those_they_stand_on() -> None:
    found = generations([rule for file in (known.RULES, known.ALERTS) for rule in rules_of(file)])
    seen: set[str] = set()
    recorded = {rule["record"] for generation in found for rule in generation if "record" in rule}
    for generation in found:
        for rule in generation:
            assert {name for name in recorded if name in rule["expr"]} <= seen
        seen |= {rule["record"] for rule in generation if "record" in rule}
    assert all("alert" in rule for rule in found[-1])


def test_rules_that_stand_on_each_other_are_refused() -> None:
    with pytest.raises(AssertionError, match="stand on each other"):
        generations([{"record": "a:b:c", "expr": "d:e:f"}, {"record": "d:e:f", "expr": "a:b:c"}])


def test_an_alert_fires_once_its_condition_has_held_long_enough() -> None:
    points = [(at, 7.0) for at in (0.0, 60.0, 120.0, 300.0, 360.0, 420.0)]
    assert list(held(points, 120, 60)) == [(120.0, 1.0), (420.0, 1.0)]
    assert [at for at, _ in held(points, 0, 60)] == [at for at, _ in points]


def test_durations() -> None:
    assert (seconds("2m"), seconds("1h30m"), seconds("0s"), seconds("1d")) == (120, 5400, 0, 86400)
