"""Reports pass what stands before mailboxes today: signed, judged and scored, each is whole where it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from email import message_from_bytes
from pathlib import Path

import pytest
import trustme
from reports.named import EXPIRED
from servers.ca_site import CaSite
from servers.canary_run import configuration, running, staff
from servers.filters import ILL_REPUTED, filters
from servers.folders import server_folder

from canary.model import Outcome
from canary.reports.variants import VARIANTS

INTO_JUNK = 'require "fileinto"; if header :is "X-Spam" "Yes" { fileinto "Junk"; } else { fileinto "CPR"; }'


@pytest.fixture(scope="module")
def filtered(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[CaSite]:
    """A mail system with filters, and its people."""
    folder = tmp_path_factory.mktemp("filters")
    with ExitStack() as stack:
        place = stack.enter_context(server_folder(folder / "filters"))
        milters = stack.enter_context(filters(place / "all", "persona.test"))
        site = stack.enter_context(CaSite(folder / "site", authority, milters=milters))
        staff(site)
        site.sieve(INTO_JUNK, "desk")
        yield site


async def test_every_variant_arrives_whole_and_none_is_taken_for_spam(filtered: CaSite, tmp_path: Path) -> None:
    variants = list(VARIANTS)
    usual = [name for name in variants if not VARIANTS[name].identifier]
    promised = [VARIANTS[name].identifier for name in variants if name not in usual]
    alias = {"variants": usual, "max_per_hour": 1000, "deadline": "5m"}
    alias |= {"certificate": EXPIRED, "identifiers": promised}
    async with running(configuration(filtered, tmp_path, alias=alias), tmp_path) as run:
        await run.watching()
        probes = {variant: await run.probe(variant=variant) for variant in variants}
        found = {variant: (await run.outcome(probe)).outcome for variant, probe in probes.items()}
    assert found == dict.fromkeys(variants, Outcome.ARRIVED)
    arrived = [message_from_bytes(raw) for _, _, raw in filtered.messages("desk", "CPR")]
    assert len(arrived) == len(variants)
    for message in arrived:
        assert "d=persona.test" in message["DKIM-Signature"]
        assert "dmarc=" in message["Authentication-Results"]
        assert message["X-Spamd-Result"].startswith("default: False")


async def test_a_sender_of_ill_repute_is_told_as_junked(filtered: CaSite, tmp_path: Path) -> None:
    alias = {"senders": ["researcher", ILL_REPUTED], "max_per_hour": 1000}
    async with running(configuration(filtered, tmp_path, alias=alias), tmp_path) as run:
        await run.watching()
        probes = [await run.probe(sender=sender) for sender in ("researcher", ILL_REPUTED)]
        outcomes = [(await run.outcome(probe)).outcome for probe in probes]
    assert outcomes == [Outcome.ARRIVED, Outcome.JUNKED]
