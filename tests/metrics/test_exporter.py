"""What is exported: from the ledger, so it survives; and nothing that promtool objects to."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

from metrics.recorded import NOW, of, opened, probed, sample, settings
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from canary.ledger import Event, EventKind
from canary.ledger.events import Hold, held
from canary.metrics import PREFIX, TABLE, registry
from canary.model import Authentication, DeadlineResult, Hop, Outcome, Way
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
        assert sample(prober, "probes_submitted_total", **of("problem-report-0")) == expected
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


def test_what_is_due_and_what_became_of_it(prober: Prober) -> None:
    """Of two channels that are due each hour, one is held, and one is silent without a word."""
    slugs = ("problem-report-0", "problem-report-1")
    in_force = {slug: {"kind": "email", "arrives_in": ["cpr"], "interval": 3600.0} for slug in slugs}
    since = prober.intake.now() - timedelta(hours=12, minutes=5)
    prober.ledger.append(
        Event(EventKind.STARTED, since, {"scheduled": True}),
        Event(EventKind.CONFIGURED, since, {"part": 1, "parts": 1, "scheduled": True, "channels": in_force}),
        held(since + timedelta(hours=1), slugs[1], Hold.PAUSED, "they move"),
    ).result()
    silent, paused = of(slugs[0]), of(slugs[1])
    assert sample(prober, "probes_unaccounted_total", **silent) == 11
    assert sample(prober, "probes_unaccounted_total", **paused) == 0
    assert sample(prober, "probes_due_total") == 11 + 11


def test_what_servers_made_of_reports_and_where_the_newest_was_slow(prober: Prober) -> None:
    for spf, seconds in (("pass", 8.0), ("softfail", 70.0), ("temperror", 3.5)):
        hops = (Hop("mx.ca.test", seconds=0.5), Hop("imap.ca.test", seconds=seconds), Hop("x.ca.test"))
        way = Way(hops, authentication=(Authentication("spf", spf),))
        probed(prober.ledger, "problem-report-0", way=way)
    counted = [
        sample(prober, "authentication_results_total", kind="email", method="spf", result=r)
        for r in ("pass", "fail", "none")
    ]
    assert counted == [1, 1, 1]
    assert sample(prober, "authentication_failed_total", **of("problem-report-0")) == 1
    assert sample(prober, "authentication_failed_total", **of("problem-report-1")) is None
    assert sample(prober, "channel_slowest_hop_seconds", **of("problem-report-0")) == 3.5
    assert sample(prober, "channel_slowest_hop_seconds", **of("problem-report-1")) is None
    assert b'method="dkim"' not in generate_latest(registry(prober))
