"""What is told about a configuration that is accepted all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from metrics.recorded import settings
from structlog.testing import capture_logs

from canary.cli.run import advise
from canary.config import Config, load
from canary.config.advice import advice
from canary.settings import Secret


def with_deadline(folder: Path, deadline: str) -> Config:
    path = settings(folder, deadline=deadline)
    return load(path)


@pytest.mark.parametrize("deadline", ["60s", "5m", "15m", "1h", "8h", "24h"])
def test_nothing_about_a_deadline_that_the_histogram_shows(tmp_path: Path, deadline: str) -> None:
    assert list(advice(with_deadline(tmp_path, deadline))) == []


def test_deadline_that_is_no_boundary(tmp_path: Path) -> None:
    config = with_deadline(tmp_path, "14m")
    (first, sentence), (second, _) = advice(config)
    assert (first, second) == ("channels.problem-report-0.deadline", "channels.problem-report-1.deadline")
    assert "got 840s" in sentence
    assert "900s" in sentence


def test_it_is_told_in_the_log(tmp_path: Path) -> None:
    with capture_logs() as logs:
        advise(with_deadline(tmp_path, "14m"))
    assert [(entry["log_level"], entry["where"]) for entry in logs] == [
        ("warning", "channels.problem-report-0.deadline"),
        ("warning", "channels.problem-report-1.deadline"),
    ]


@pytest.mark.parametrize(
    ("listen", "told"), [("127.0.0.1:0", False), ("localhost:9750", False), ("0.0.0.0:9750", True)]
)
def test_a_reload_that_anybody_may_ask_for(tmp_path: Path, listen: str, told: bool) -> None:
    config = load(settings(tmp_path, deadline="60s", listen=listen))
    assert [where for where, _ in advice(config)] == ["web.listen"] * told
    with_token = config.model_copy(update={"web": config.web.model_copy(update={"token": Secret(env="TOKEN")})})
    assert list(advice(with_token)) == []
