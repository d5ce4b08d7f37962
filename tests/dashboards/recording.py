"""What the rules would have recorded: a Prometheus that is given its past does not evaluate its rules over it.

(``promtool tsdb create-blocks-from rules`` can, but in thousands of two-hour blocks, and leaves out the alerts.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.dashboards.backfill import STEP, load_blocks
from tests.dashboards.history import END, START
from tests.dashboards.queries import Prometheus, View

Rule = dict[str, Any]
Point = tuple[float, float]
Serve = Callable[[Path], AbstractContextManager[str]]
"""Runs a Prometheus on a data directory and gives its URL."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def record(data: Path, files: Iterable[Path], serve: Serve) -> None:
    """Add to ``data`` the series of the recording rules in ``files``, and ``ALERTS`` of the alerting rules.

    Rules may stand on other rules: each generation is evaluated once the one below has been loaded.
    """
    for generation in generations([rule for file in files for rule in rules_of(file)]):
        text = data.with_name("recorded.txt")
        with serve(data) as url, text.open("w", encoding="utf-8") as file:
            for rule in generation:
                file.writelines(_evaluate(Prometheus(url), rule))
            file.write("# EOF\n")
        if text.stat().st_size > len("# EOF\n"):
            load_blocks(text, data)
        text.unlink()


def rules_of(file: Path) -> list[Rule]:
    """The rules of a file, in order."""
    groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def generations(rules: list[Rule]) -> list[list[Rule]]:
    """The rules by how many others they stand on; alerts at last."""
    waiting = [rule for rule in rules if "record" in rule]
    found: list[list[Rule]] = []
    while waiting:
        open_names = {rule["record"] for rule in waiting}
        ready = [rule for rule in waiting if not any(name in rule["expr"] for name in open_names)]
        assert ready, f"rules that stand on each other: {open_names}"
        found.append(ready)
        waiting = [rule for rule in waiting if rule not in ready]
    return [*found, [rule for rule in rules if "alert" in rule]]


def _evaluate(prometheus: Prometheus, rule: Rule) -> Iterator[str]:
    step = STEP.total_seconds()
    for labels, points in prometheus.range(rule["expr"], View(START + timedelta(hours=1), END, {}), int(step)):
        whole = {name: value for name, value in labels.items() if name != "__name__"} | rule.get("labels", {})
        if "record" in rule:
            yield from _lines(rule["record"], whole, points)
        else:
            firing = whole | {"alertname": rule["alert"], "alertstate": "firing"}
            yield from _lines("ALERTS", firing, held(points, seconds(rule.get("for", "0s")), step))


def held(points: Iterable[Point], wait: float, step: float) -> Iterator[Point]:
    """The points from which on an alert fires: its condition has held for ``wait`` seconds without a gap."""
    since = before = float("-inf")
    for at, _ in points:
        if at - before > step:
            since = at
        before = at
        if at - since >= wait:
            yield at, 1.0


def seconds(duration: str) -> float:
    """The seconds of a duration such as ``2m`` or ``1h30m``."""
    return float(sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhd])", duration)))


def _lines(name: str, labels: Mapping[str, str], points: Iterable[Point]) -> Iterator[str]:
    inner = ",".join(f"{label}={json.dumps(str(value))}" for label, value in sorted(labels.items()))
    for at, value in points:
        yield f"{name}{{{inner}}} {value} {at:.3f}\n"
