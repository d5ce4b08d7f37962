"""Reports that carry the root of the evidence through real mail, and arrive whole."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

import pytest
from servers.ca_site import CaSite
from servers.canary_run import Run, configuration, running

from canary.clock import Clock
from canary.evidence.service import Evidence
from canary.ledger import EventKind
from canary.model import Outcome


def evidence_of(run: Run) -> Evidence:
    config = run.prober.config
    return Evidence(config.evidence, config.state, config.origin, run.ledger, Clock())


@pytest.mark.parametrize("variant", ["plain", "V10", "V19", "V21-html", "V21-charset", "V02-txz"])
async def test_a_report_carries_the_newest_root_and_arrives_whole(ca: CaSite, tmp_path: Path, variant: str) -> None:
    async with running(configuration(ca, tmp_path, alias={"variants": [variant]}), tmp_path) as run:
        await run.watching()
        evidence = evidence_of(run)
        head = evidence.advance()
        run.prober.evidence = evidence
        probe = await run.probe()
        verdict = await run.outcome(probe)
        assert head is not None
        assert (verdict.outcome, verdict.forged) == (Outcome.ARRIVED, {})
        [begun] = run.events(EventKind.SUBMITTING, probe)
        assert begun.body["checkpoint"] == {"size": head.size, "root": head.root.hex()}
        [seen] = await run.until(lambda: run.events(EventKind.SIGHTING, probe), "the sighting on disk")
        assert seen.body["intact"] is True
        raw = run.ledger.artefacts.get(seen.body["message"])
        assert raw is not None
        message = message_from_bytes(raw, policy=policy.default)
        texts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
        assert any(head.root.hex() in text for text in texts)
    assert evidence.log.inclusion(1, head.size).checkpoint == evidence.log.note(head.size)


async def test_before_the_first_checkpoint_a_report_says_nothing_of_it(ca: CaSite, tmp_path: Path) -> None:
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        run.prober.evidence = evidence_of(run)
        probe = await run.probe()
        assert (await run.outcome(probe)).outcome is Outcome.ARRIVED
        [begun] = run.events(EventKind.SUBMITTING, probe)
        assert "checkpoint" not in begun.body
