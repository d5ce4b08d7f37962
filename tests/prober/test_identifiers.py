"""The ways to name a certificate that a channel promises: each has its turn, and only an expired one is ever named."""

from __future__ import annotations

import pytest
from prober.simulated import Simulated
from reports.named import EXPIRED, VALID

from canary.ledger import EventKind
from canary.model import Outgoing
from canary.settings.certificate import read_certificate

WAYS = ["serial", "serial-colons", "sha256", "sha256-upper", "crt-sh", "pem"]


def test_each_way_is_filled_in_once_a_round_by_each_sender_and_told(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, str] = {}
    prepare = simulated.kinds.MemoryChannel.prepare

    def noted(channel: object, report: object) -> Outgoing:
        outgoing: Outgoing = prepare(channel, report)
        if outgoing.report.identifier is not None:
            given[outgoing.report.probe] = outgoing.report.identifier.value
        return outgoing

    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.SUBMITTED)) >= 14, every=60)
        first = canary.events(EventKind.SCHEDULED)[:14]
        told = [(event.body["sender"], event.body["variant"]) for event in first]
        assert sorted(told) == sorted((who, what) for who in ("ann", "ben") for what in variants)
        known = read_certificate(EXPIRED)
        for event in first:
            way = str(event.body["variant"]).removeprefix("V22-")
            expected = known.identifier(way).value if way in WAYS else None  # type: ignore[arg-type]  # one of them
            assert given.get(event.probe or "") == expected

    variants = ["plain", *(f"V22-{way}" for way in WAYS)]
    monkeypatch.setattr(simulated.kinds.MemoryChannel, "prepare", noted)
    config = simulated.config(
        certificate=EXPIRED, identifiers=WAYS, variants=["plain"], interval="10m", max_per_hour=30
    )
    simulated.live(story, config)


def test_a_certificate_in_use_is_never_named_and_that_is_our_own_fault(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: bool(canary.events(EventKind.SUBMITTED)), every=60)
        (failed, *_) = canary.events(EventKind.SUBMITTED)
        assert failed.body["failure"] == "ours"
        assert "certificate is valid until 2120-04-01, want one that has expired" in failed.body["reason"]
        assert canary.events(EventKind.SUBMITTING) == []

    simulated.live(story, simulated.config(certificate=VALID, identifiers=["pem"]))


def test_a_way_that_was_not_promised_is_not_sent_by_hand_either(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        with pytest.raises(ValueError, match="variant V22-pem wants pem in identifiers of channel channel-0"):
            await canary.prober.probe("channel-0", variant="V22-pem")
        assert canary.events(EventKind.SCHEDULED) == []

    simulated.live(story, simulated.config(certificate=EXPIRED, identifiers=["serial"]), scheduled=False)
