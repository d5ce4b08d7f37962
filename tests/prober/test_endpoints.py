"""What a configuration opens, and which of its queues say something of a probe in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import a_probe

from canary.clock import Clock
from canary.config import load
from canary.prober.endpoints import Endpoints

GOOD = Path(__file__).parents[1] / "config" / "good.yaml"
LOGIN = {"kind": "microsoft", "tenant": "ca.test", "client_id": "c", "secret": {"env": "SECRET"}}
TRACE: dict[str, Any] = {
    "kind": "microsoft_trace",
    "auth": LOGIN,
    "recipients": [{"address": "problems@ca.test", "queue": "traced"}],
}


@pytest.mark.parametrize(
    ("delay", "waited_for"),
    [("10m", {"junk"}), ("60s", {"junk"}), ("30s", {"junk", "traced", "traced-junk", "traced-quarantine"})],
)
def test_a_watch_that_is_far_behind_is_not_waited_for_by_the_probes_of_others(
    tmp_path: Path, delay: str, waited_for: set[str]
) -> None:
    """Else each report that is missing was told a minute late, and with queues that nobody could have read."""
    tree = yaml.safe_load(GOOD.read_text(encoding="utf-8"))
    tree["watch"]["exchange"] = TRACE | {"delay": delay}
    (tmp_path / "canary.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    endpoints = Endpoints(load(tmp_path / "canary.yaml"), Clock())
    assert endpoints.elsewhere(a_probe()) == waited_for
