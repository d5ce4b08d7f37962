"""How large /metrics is: at most 10 kB a channel, 1.5 kB with histograms per kind; also for a channel at its worst."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from metrics.recorded import NOW, opened, probed, seen, settings
from prometheus_client import generate_latest

from canary.ledger import SHOWN, Ledger
from canary.mail.authentication import METHODS
from canary.metrics import registry
from canary.model import Authentication, Hop, Place, Role, Seen, Way
from canary.prober.loop import Prober
from canary.reports import VARIANTS

MEMBERS = ("anna", "ben", "carla")


def healthy(ledger: Ledger, channel: str, prober: Prober) -> None:
    probed(ledger, channel)


def at_its_worst(ledger: Ledger, channel: str, prober: Prober) -> None:
    """Every variant missed lately by one of several members, and yet every stage reached once."""
    now = prober.intake.now() - timedelta(hours=1)
    for variant in VARIANTS:
        probed(ledger, channel, at=now, kind="contact", variant=variant, expected=MEMBERS, reached=MEMBERS[:1])
    replies = (Seen.ACKNOWLEDGEMENT, Seen.ANSWER, Seen.OUT_OF_OFFICE)
    deeds = (Seen.PICKED_UP, Seen.ANSWER, Seen.CLOSED)
    hops = (Hop("mx.ca.test", seconds=0.5), Hop("imap.ca.test", seconds=12345.678))
    way = Way(hops, authentication=tuple(Authentication(method, "pass") for method in METHODS))
    probed(
        ledger, channel, at=now, kind="contact", expected=MEMBERS, reached=MEMBERS, replies=replies, deeds=deeds,
        way=way,
    )  # fmt: skip
    forged = seen("a" * 16, Seen.REPORT, Place("anna", Role.MONITORED), NOW)
    ledger.append(forged).result()


def bytes_a_channel(folder: Path, worst: bool, **web: str) -> float:
    sizes = []
    for channels in (2, 6):
        below = folder / f"{channels}"
        below.mkdir()
        if worst:
            path = settings(below, channels, kind="contact", queues=MEMBERS, **web)
        else:
            path = settings(below, channels, **web)
        prober = opened(path)
        for n in range(channels):
            (at_its_worst if worst else healthy)(prober.ledger, f"problem-report-{n}", prober)
        sizes.append(len(generate_latest(registry(prober))))
        prober.ledger.close()
    return (sizes[1] - sizes[0]) / 4


@pytest.mark.parametrize("worst", [False, True], ids=["healthy", "at its worst"])
def test_metrics_of_a_channel_stay_below_10_kb(tmp_path: Path, worst: bool) -> None:
    assert bytes_a_channel(tmp_path, worst) < 10_000


@pytest.mark.parametrize("worst", [False, True], ids=["healthy", "at its worst"])
def test_metrics_of_a_channel_stay_below_1500_bytes_with_histograms_per_kind(tmp_path: Path, worst: bool) -> None:
    assert bytes_a_channel(tmp_path, worst, histograms="per_kind") < 1_500


def test_the_worst_case_has_all_there_is(tmp_path: Path) -> None:
    """So that the limits above are about something."""
    prober = opened(settings(tmp_path, 1, kind="contact", queues=MEMBERS))
    at_its_worst(prober.ledger, "problem-report-0", prober)
    text = generate_latest(registry(prober)).decode()
    prober.ledger.close()
    of_channel = {line.partition("{")[0] for line in text.splitlines() if 'channel="problem-report-0"' in line}
    assert {
        "cpr_canary_alias_roster_members",
        "cpr_canary_authentication_failed_total",
        "cpr_canary_channel_slowest_hop_seconds",
        "cpr_canary_channel_sender_last_missed_timestamp_seconds",
        "cpr_canary_channel_variant_last_missed_timestamp_seconds",
        "cpr_canary_contacts_on_leave",
        "cpr_canary_forged_arrivals_total",
    } <= of_channel
    assert all(f'stage="{stage}"' in text for stage in SHOWN)
    assert text.count("variant_last_missed_timestamp_seconds{") == 5
