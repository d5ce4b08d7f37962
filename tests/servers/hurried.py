"""The shipped files of Prometheus and Alertmanager, made to run sixty times as fast: a minute becomes a second.

Nothing else of them changes, so what a test proves of the copy holds for the file:

* durations (``for: 5m``, ``[1h]``, ``offset 1d``, ``group_wait: 30s``) are divided by sixty;
* so are numbers of seconds that an expression compares an age with. Those are the numbers from sixty on: counts, ratios
  and metric values of these rules are smaller. Each must be a multiple of sixty, so that one which is no length of time
  is noticed;
* addresses of targets, of Alertmanager and of receivers become those of the test.

Names of recording rules (``...:increase2h``), labels, annotations and every operator stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

FASTER = 60

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"([0-9]+)(ms|[smhdw])")
_PROMQL = re.compile(
    r"""(?P<kept>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\#[^\n]*|:?[A-Za-z_][A-Za-z0-9_:]*)"""
    r"|(?P<duration>[0-9]+(?:ms|[smhdw])(?:[0-9]+(?:ms|[smhdw]))*)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
)
_TIMES = {
    "for", "keep_firing_for", "interval", "scrape_interval", "scrape_timeout", "evaluation_interval", "group_wait",
    "group_interval", "repeat_interval", "resolve_timeout",
}  # fmt: skip


def duration(text: str) -> str:
    """A duration of Prometheus (``90s``, ``1h30m``) divided by :data:`FASTER`, rounded up to a millisecond."""
    length = sum(int(count) * _MILLISECONDS[unit] for count, unit in _DURATION.findall(text))
    return f"{-(-length // FASTER)}ms"


def expression(text: str) -> str:
    """A PromQL expression with every duration and every number of seconds divided by :data:`FASTER`."""

    def faster(match: re.Match[str]) -> str:
        if match["kept"]:
            return match[0]
        if match["duration"]:
            return duration(match[0])
        if float(match[0]) < FASTER:
            return match[0]
        assert float(match[0]) % FASTER == 0, f"{match[0]} is no number of whole minutes, so what is it? {text}"
        return f"{float(match[0]) / FASTER:g}"

    return _PROMQL.sub(faster, text)


def rules(text: str) -> str:
    """A file of recording rules or alerts."""
    return _written(_walk(yaml.safe_load(text), {"expr": expression}))


def prometheus(text: str, canary: str, alertmanager: str, rule_files: Iterable[Path]) -> str:
    """A prometheus.yml that scrapes ``canary`` and knows ``alertmanager`` (HOST:PORT each).

    It scrapes once a second, not twice: an answer may take as long as the interval, on a machine with other work to do.
    """
    whole = _walk(yaml.safe_load(text), {})
    whole["global"]["scrape_interval"] = "1s"
    [job] = whole["scrape_configs"]
    job["static_configs"] = [{"targets": [canary]}]
    whole["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [alertmanager]}]}]
    whole["rule_files"] = [str(file) for file in rule_files]
    return _written(whole)


def alertmanager(text: str, receiver: str) -> str:
    """An alertmanager.yml all of whose webhooks are at ``receiver`` (http://HOST:PORT), see :func:`path`."""
    return _written(_walk(yaml.safe_load(text), {"url": lambda url: receiver + path(url)}))


def path(url: str) -> str:
    """The path at which what would have gone to ``url`` comes in: its own, below the name of its host."""
    parts = urlsplit(url)
    return f"/{parts.hostname}{parts.path}"


def _walk(value: Any, changes: dict[str, Callable[[str], str]]) -> Any:
    """``value`` with its times made shorter, and the strings under the keys of ``changes`` changed."""
    if isinstance(value, list):
        return [_walk(item, changes) for item in value]
    if not isinstance(value, dict):
        return value
    known = dict.fromkeys(_TIMES, duration) | changes
    return {
        key: known[key](str(below)) if key in known and not isinstance(below, dict | list) else _walk(below, changes)
        for key, below in value.items()
    }


def _written(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000)
