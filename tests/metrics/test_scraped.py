"""The canary's own /metrics in a real Prometheus: exemplars arrive, and every rule can be evaluated on it."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from deploy.metrics_used import ALERTS, RULES
from metrics.recorded import of, opened, probed, registry, settings
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from servers.polling import until
from servers.prometheus import Prometheus

from canary.ledger.events import clock
from canary.model import Seen
from canary.prober.loop import Prober
from canary.web import create_app, serve

CHANNEL = "problem-report-0"
MEMBERS = ("anna", "ben")


def test_exemplars_are_the_newest_of_each_bucket_at_the_time_of_the_observation(prober: Prober) -> None:
    at = prober.intake.now() - timedelta(hours=2)
    probed(prober.ledger, CHANNEL, 3.0, at=at)
    newest = probed(prober.ledger, CHANNEL, 4.0, at=at + timedelta(minutes=10))
    slow = probed(prober.ledger, CHANNEL, 400.0, at=at + timedelta(minutes=20))
    text = generate_openmetrics(registry(prober)).decode()
    [family] = [f for f in text_string_to_metric_families(text) if f.name == "cpr_canary_stage_latency_seconds"]
    found = {
        sample.labels["le"]: sample.exemplar
        for sample in family.samples
        if sample.exemplar and sample.labels["channel"] == CHANNEL and sample.labels["stage"] == "arrived"
    }
    assert {le: (e.labels, e.value) for le, e in found.items()} == {
        "5.0": ({"probe_id": newest}, 4.0),
        "600.0": ({"probe_id": slow}, 400.0),
    }
    assert float(found["5.0"].timestamp) == pytest.approx((at + timedelta(seconds=604)).timestamp(), abs=0.01)


def test_exemplars_of_a_kind_are_the_newest_of_its_channels(tmp_path: Path) -> None:
    prober = opened(settings(tmp_path, histograms="per_kind"))
    at = prober.intake.now() - timedelta(hours=2)
    newest = probed(prober.ledger, CHANNEL, 3.0, at=at + timedelta(minutes=10))
    probed(prober.ledger, "problem-report-1", 3.5, at=at)
    assert f'# {{probe_id="{newest}"}} 3.0' in generate_openmetrics(registry(prober)).decode()
    prober.ledger.close()


def history(prober: Prober) -> str:
    """Something of everything; the probe that arrived."""
    at = prober.intake.now() - timedelta(minutes=30)
    probed(prober.ledger, CHANNEL, None, at=at, kind="contact", expected=MEMBERS)
    prober.ledger.append(clock(at, "anna", 100.0, 1.0))
    arrived = at + timedelta(minutes=5)
    return probed(
        prober.ledger,
        CHANNEL,
        at=arrived,
        kind="contact",
        expected=MEMBERS,
        reached=MEMBERS,
        replies=(Seen.ACKNOWLEDGEMENT,),
    )


@pytest.mark.parametrize("histograms", ["per_channel", "per_kind"])
async def test_a_real_prometheus(tmp_path: Path, histograms: str) -> None:
    prober = opened(settings(tmp_path, kind="contact", queues=MEMBERS, histograms=histograms))
    probe = history(prober)
    async with serve(create_app(prober), "127.0.0.1", 0) as port:
        await asyncio.to_thread(scraped, tmp_path / "prometheus", port, probe, histograms)
    prober.ledger.close()


def scraped(folder: Path, port: int, probe: str, histograms: str) -> None:
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES), str(ALERTS)],
        "scrape_configs": [{"job_name": "cpr-canary", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
    }
    with Prometheus(folder, yaml.safe_dump(configuration)) as prometheus:
        age = "channel:cpr_canary_last_success:age_seconds"
        until(lambda: prometheus.query(age), "a scrape and the rules on it", 60)
        until(lambda: all(r["health"] != "unknown" for r in prometheus.rules() if r["type"] == "alerting"), "alerts")
        assert [r for r in prometheus.rules() if r["health"] == "err"] == []
        [first] = [series for series in prometheus.query(age) if series.labels["channel"] == CHANNEL]
        labels = {"__name__": age, "job": "cpr-canary", **of(CHANNEL, "contact", "anna")}
        assert first.labels == labels, "without the instance"
        assert 0 < first.value < 3600
        now = time.time()
        selector = 'cpr_canary_stage_latency_seconds_bucket{stage="arrived"}'
        exemplars = until(lambda: prometheus.exemplars(selector, now - 7200, now + 60), "exemplars")
        assert [exemplar["labels"] for exemplar in exemplars] == [{"probe_id": probe}]
        until(lambda: any(a["labels"]["alertname"] == "CPRCanaryClockSkew" for a in prometheus.alerts()), "an alert")
        problems = prometheus.query('up{job="cpr-canary"} == 0')
        assert problems == []
