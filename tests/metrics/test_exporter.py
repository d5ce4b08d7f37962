"""What is exported: from the ledger, so it survives; and nothing that promtool objects to."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from metrics.recorded import NOW, of, opened, probed, sample, settings
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from canary.ledger import Event, EventKind
from canary.metrics import PREFIX, TABLE, registry
from canary.model import DeadlineResult, Outcome
from canary.prober.loop import Prober


def test_every_result_is_there_at_zero_before_the_first_probe(prober: Prober) -> None:
    channel = of("problem-report-0")
    assert [sample(prober, "deadline_results_total", **channel, result=r) for r in DeadlineResult] == [0, 0, 0]
    assert [sample(prober, "probes_finished_total", **channel, outcome=o) for o in Outcome] == [0] * len(Outcome)
    assert sample(prober, "channel_state", **channel) == 2
    assert sample(prober, "channel_last_success_timestamp_seconds", **channel) is None


def test_good_and_bad_probes_are_counted_on_their_own_channel(prober: Prober) -> None:
    probed(prober.ledger, "problem-report-0")
    probed(prober.ledger, "problem-report-1", None)
    good, bad = of("problem-report-0"), of("problem-report-1")
    assert (sample(prober, "channel_state", **good), sample(prober, "channel_state", **bad)) == (1, 0)
    assert sample(prober, "deadline_results_total", **good, result="met") == 1
    assert sample(prober, "deadline_results_total", **bad, result="missed") == 1
    assert sample(prober, "probes_finished_total", **bad, outcome="missing") == 1
    assert sample(prober, "channel_last_success_timestamp_seconds", **good) == NOW.timestamp() + 3
    assert sample(prober, "stage_latency_seconds_bucket", **good, stage="arrived", le="5.0") == 1
    assert sample(prober, "stage_latency_seconds_bucket", **good, stage="arrived", le="1.0") == 0
    assert sample(prober, "stage_latency_seconds_count", **bad, stage="arrived") == 0


def test_counters_survive_a_restart(tmp_path: Path) -> None:
    path = settings(tmp_path)
    for expected in (1, 2, 3):
        prober = opened(path)
        probed(prober.ledger, "problem-report-0")
        assert sample(prober, "probes_attempted_total", **of("problem-report-0")) == expected
        assert sample(prober, "stage_latency_seconds_sum", **of("problem-report-0", stage="arrived")) == 3 * expected
        prober.ledger.close()


def test_own_errors_and_pauses(prober: Prober) -> None:
    trouble = {"component": "imap", "reason": "auth_failed", "detail": "no"}
    prober.ledger.append(Event(EventKind.TROUBLE, NOW, trouble))
    prober.ledger.append(Event(EventKind.PAUSED, NOW, {"channels": ["problem-report-1"], "reason": "move"})).result()
    assert sample(prober, "errors_total", component="imap", reason="auth_failed") == 1
    assert sample(prober, "channel_state", **of("problem-report-1")) == 3
    assert sample(prober, "channel_state", **of("problem-report-0")) == 2


def test_per_kind_sums_what_the_channels_have(tmp_path: Path) -> None:
    prober = opened(settings(tmp_path, histograms="per_kind"))
    probed(prober.ledger, "problem-report-0")
    probed(prober.ledger, "problem-report-1", None)
    whole: dict[str, Any] = {"channel": "", "kind": "email", "queue": ""}
    assert sample(prober, "probes_finished_total", **whole, outcome="arrived") == 1
    assert sample(prober, "probes_finished_total", **whole, outcome="missing") == 1
    assert sample(prober, "stage_latency_seconds_count", **whole, stage="accepted") == 2
    prober.ledger.close()


def test_promtool_finds_nothing_wrong(prober: Prober) -> None:
    probed(prober.ledger, "problem-report-0")
    text = generate_latest(registry(prober))
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_openmetrics_too(prober: Prober) -> None:
    assert generate_openmetrics(registry(prober)).endswith(b"# EOF\n")


def test_every_family_of_the_table_is_exported_and_no_other(prober: Prober) -> None:
    names = {metric.name for metric in registry(prober).collect() if metric.name.startswith(PREFIX)}
    assert names == {(PREFIX + name).removesuffix("_total") for name in TABLE}
