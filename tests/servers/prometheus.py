"""A private Prometheus on loopback, and what tests ask of it.

    with Prometheus(tmp_path, configuration) as prometheus:
        prometheus.query("up")

``configuration`` is the text of prometheus.yml; name rule files in it by absolute paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.http_daemon import HttpDaemon

RETENTION = "60d"
"""As deploy/prometheus/prometheus.example.yml asks for: the longest window of the rules is 28 days."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series of an answer: its labels (the name as ``__name__``) and (POSIX seconds, value) pairs, at least one."""

    labels: dict[str, str]
    values: list[tuple[float, float]]

    @property
    def value(self) -> float:
        """The newest value."""
        return self.values[-1][1]


class Prometheus(HttpDaemon):
    """One instance below ``folder``; ``data`` is a folder of blocks to start from, such as promtool makes."""

    def __init__(self, folder: Path, configuration: str, data: Path | None = None) -> None:
        super().__init__(folder, configuration)
        self.data = data or folder / "data"

    def command(self) -> list[str]:
        """The program with its flags."""
        return [
            "/usr/bin/prometheus",
            f"--config.file={self.file}",
            f"--storage.tsdb.path={self.data}",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address={self.address}",
            "--web.enable-lifecycle",
            "--enable-feature=exemplar-storage",
        ]

    def query(self, expression: str, at: float | None = None) -> list[Series]:
        """The value of ``expression`` at a time (now if not given); AssertionError for an error or a warning."""
        when = {} if at is None else {"time": at}
        return self._series(self._asked("/api/v1/query", query=expression, **when))

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """The values of ``expression`` every ``step`` seconds; AssertionError for an error or a warning."""
        answer = self._asked("/api/v1/query_range", query=expression, start=start, end=end, step=step)
        return self._series(answer)

    def exemplars(self, selector: str, start: float, end: float) -> list[dict[str, Any]]:
        """The exemplars of the series that ``selector`` names: labels, value as text, timestamp."""
        answer = self._asked("/api/v1/query_exemplars", query=selector, start=start, end=end)
        return [exemplar for series in answer for exemplar in series["exemplars"]]

    def rules(self) -> list[dict[str, Any]]:
        """Every rule as it stands: name, type, health, state."""
        return [rule for group in self._asked("/api/v1/rules")["groups"] for rule in group["rules"]]

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that are pending or firing: labels, annotations, state."""
        alerts: list[dict[str, Any]] = self._asked("/api/v1/alerts")["alerts"]
        return alerts

    def targets(self) -> list[dict[str, Any]]:
        """What is scraped: labels, health, lastError."""
        targets: list[dict[str, Any]] = self._asked("/api/v1/targets")["activeTargets"]
        return targets

    def _asked(self, path: str, **parameters: Any) -> Any:
        answer = self.get(path, **parameters)
        assert answer["status"] == "success", answer
        assert not answer.get("warnings"), answer["warnings"]
        return answer["data"]

    @staticmethod
    def _series(data: dict[str, Any]) -> list[Series]:
        if data["resultType"] == "scalar":
            return [Series({}, [_point(data["result"])])]
        return [
            Series(item["metric"], [_point(pair) for pair in item.get("values") or [item["value"]]])
            for item in data["result"]
        ]


def _point(pair: tuple[float, str]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
