"""What is exported: from the ledger, so it survives; within its size; and nothing that promtool objects to."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from canary.config import load
from canary.ledger import Event, EventKind, Ledger
from canary.ledger import events as record
from canary.mark import Keyring, new_probe_id
from canary.metrics import PREFIX, TABLE, registry
from canary.model import (
    DeadlineResult,
    Outcome,
    Place,
    Probe,
    Role,
    Seen,
    Sighting,
    Stage,
    Submission,
    TimeSource,
    Verdict,
)
from canary.prober import Prober

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def settings(folder: Path, channels: int = 2, **web: str) -> Path:
    """A configuration of email channels that is never connected."""
    (folder / "secret").write_text("secret", encoding="utf-8")
    server = {"host": "localhost", "port": 993, "username": "u", "password": {"file": "secret"}}
    whole = {
        "operator": {"name": "Test CA", "domains": ["ca.test"], "verify": "call 4711"},
        "state": "state",
        "web": {"listen": "127.0.0.1:0", **web},
        "mailboxes": {
            "desk": {
                "kind": "imap",
                "server": server,
                "folders": [{"name": "CPR", "queue": "cpr", "role": "monitored"}],
            }
        },
        "senders": {"researcher": {"name": "R", "address": "r@persona.test", "submission": server}},
        "channels": {
            f"problem-report-{n}": {
                "kind": "email",
                "to": f"problem-report-{n}@ca.test",
                "arrives_in": "cpr",
                "approved_by": "the tests",
            }
            for n in range(channels)
        },
    }
    path = folder / "canary.yaml"
    path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return path


def opened(path: Path) -> Prober:
    config = load(path)
    return Prober(config, Ledger(config.state), Keyring.open(config.state / "mark.key"))


@pytest.fixture
def prober(tmp_path: Path) -> Iterator[Prober]:
    prober = opened(settings(tmp_path))
    yield prober
    prober.ledger.close()


def probed(ledger: Ledger, channel: str, seconds: float | None = 3.0) -> str:
    """Record a whole probe that took so many seconds to arrive, or never did."""
    probe = Probe(
        id=new_probe_id(),
        channel=channel,
        kind="email",
        sender="researcher",
        variant="plain",
        scheduled_at=NOW,
        expected=frozenset({"cpr"}),
        deadline=900,
        give_up=86400,
    )
    ledger.append(record.scheduled(probe, "m" * 40))
    ledger.append(record.submitting(probe.id, NOW, "<m@persona.test>", "0" * 64))
    ledger.append(record.submitted(probe.id, NOW, Submission(NOW, accepted=True, seconds=0.2), {}))
    outcome = Outcome.MISSING
    if seconds is not None:
        at = NOW + timedelta(seconds=seconds)
        place = Place("cpr", Role.MONITORED)
        seen = Sighting(
            Seen.REPORT, probe.id, place, at, TimeSource.RECEIVED, 1.0, at, "1" * 64, "<m@persona.test>", intact=True
        )
        ledger.append(record.sighting(at, seen, "desk/CPR"))
        outcome = Outcome.ARRIVED
    result = DeadlineResult.MET if seconds is not None else DeadlineResult.MISSED
    end = NOW + timedelta(seconds=900)
    ledger.append(record.deadline(probe.id, end, result, outcome))
    stages = {Stage.ARRIVED: seconds} if seconds is not None else {}
    verdict = Verdict(outcome, result, final=True, place="cpr", reason="", stages=stages, duplicates=0, forged={})
    ledger.append(record.finished(probe.id, end, verdict)).result()
    return probe.id


def sample(prober: Prober, name: str, **labels: str) -> float | None:
    return registry(prober).get_sample_value(PREFIX + name, labels)


def of(channel: str, **labels: str) -> dict[str, str]:
    return {"channel": channel, "kind": "email", "queue": "cpr", **labels}


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
    assert sample(prober, "stage_latency_seconds_bucket", **good, stage="arrived", le="2.5") == 0
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


def bytes_a_channel(folder: Path, **web: str) -> float:
    sizes = []
    for channels in (10, 110):
        below = folder / f"{channels}"
        below.mkdir()
        prober = opened(settings(below, channels, **web))
        for n in range(channels):
            probed(prober.ledger, f"problem-report-{n}")
        sizes.append(len(generate_latest(registry(prober))))
        prober.ledger.close()
    return (sizes[1] - sizes[0]) / 100


def test_metrics_of_a_channel_stay_below_10_kb(tmp_path: Path) -> None:
    assert bytes_a_channel(tmp_path) < 10_000


def test_metrics_of_a_channel_stay_below_1500_bytes_with_histograms_per_kind(tmp_path: Path) -> None:
    assert bytes_a_channel(tmp_path, histograms="per_kind") < 1_500


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
