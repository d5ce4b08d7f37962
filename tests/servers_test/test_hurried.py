"""The hurried copies differ from the shipped files in times and addresses, and in nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import hurried

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.mark.parametrize(
    ("shipped", "copy"),
    [
        ("increase(x_total[2h])", "increase(x_total[120000ms])"),
        ("max_over_time(x[1h:5m]) offset 1d", "max_over_time(x[60000ms:5000ms]) offset 1440000ms"),
        ("time() - x > 300 + 2 * y", "time() - x > 5 + 2 * y"),
        ("x > 12 * 3600", "x > 12 * 60"),
        ("a:b_c:increase2h > 2.5", "a:b_c:increase2h > 2.5"),
        ('x{le=~"900(\\\\.0)?", d="5m"} # 600 in 5m', 'x{le=~"900(\\\\.0)?", d="5m"} # 600 in 5m'),
        ("rate(x[90s]) > 0.03", "rate(x[1500ms]) > 0.03"),
        ("x[1h30m]", "x[90000ms]"),
    ],
)
def test_expression(shipped: str, copy: str) -> None:
    assert hurried.expression(shipped) == copy


def test_a_number_that_is_no_time_is_noticed() -> None:
    with pytest.raises(AssertionError, match="so what is it"):
        hurried.expression("100 * x")


@settings(deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["ms", "s", "m", "h", "d", "w"]))
def test_duration_is_a_sixtieth(count: int, unit: str) -> None:
    milliseconds = count * {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}[unit]
    assert 0 <= int(hurried.duration(f"{count}{unit}").removesuffix("ms")) - milliseconds / 60 < 1


def without_times(text: str) -> str:
    """A rule file without its numbers and durations outside of names."""
    return re.sub(r"(?<![\w.:])[0-9]+(?:\.[0-9]+)?(?:ms|[smhdw])?(?!\w)", "N", json.dumps(yaml.safe_load(text)))


@pytest.mark.parametrize("name", ["cpr-canary.rules.yaml", "cpr-canary.alerts.yaml"])
def test_shipped_rules_differ_from_their_copy_in_times_only(name: str) -> None:
    shipped = (DEPLOY / "prometheus" / name).read_text(encoding="utf-8")
    copy = hurried.rules(shipped)
    assert copy != shipped
    assert without_times(copy) == without_times(shipped)
