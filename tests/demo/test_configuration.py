"""The demo's configuration is a right one, and reports sent by it go where it says."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from demo.outside import Outside

from canary.channels import Resources, kinds
from canary.channels.forms.browser import Browser
from canary.clock import Clock
from canary.config import Config, load
from canary.demo.ca import DemoCa
from canary.demo.directory import ACCOUNTS
from canary.demo.faults import FAULTS
from canary.mark import Keyring, new_probe_id
from canary.model import Role, Seen
from canary.queues.replies.classify import classify
from canary.reports.composer import compose


@pytest.fixture
def config(ca: DemoCa, tmp_path: Path) -> Config:
    file = tmp_path / "canary.yaml"
    file.write_text(ca.configuration(), encoding="utf-8")
    return load(file)


@pytest.fixture
async def browser(config: Config) -> AsyncIterator[Browser]:
    running = Browser(config.browser, Clock())
    yield running
    await running.close()


def test_every_mailbox_and_kind_of_channel_is_there(config: Config) -> None:
    assert {*config.watch, *config.senders} == {account.slug for account in ACCOUNTS}
    assert [channel.kind for channel in config.channels.values()] == ["web_form", "email", "contact", "contact"]
    assert {place.role for place in config.queues().values()} >= set(Role) - {Role.REPLIES, Role.TRANSIT}


def test_every_fault_names_what_the_configuration_has(config: Config) -> None:
    for fault in FAULTS:
        assert fault.channel in config.channels
        assert fault.place is None or fault.place in config.queues()
        assert fault.sender is None or fault.sender in config.senders
        assert fault.variant is None or fault.variant in config.variants_of(fault.channel)


@pytest.mark.parametrize("sender", ["researcher", "freemail"])
async def test_reports_through_every_channel_arrive_and_are_acknowledged(
    config: Config, browser: Browser, outside: Outside, sender: str
) -> None:
    shared = Resources(Clock(), lambda: browser)
    keys = Keyring([secrets.token_bytes(32)])
    sent = {}
    for slug, settings in config.channels.items():
        for variant in config.variants_of(slug):
            probe = new_probe_id()
            mark = keys.make(probe, datetime.now(UTC))
            report = compose(
                variant,
                probe=probe,
                mark=mark,
                person=config.senders[sender].person(),
                operator=config.operator.name,
                verify=config.operator.verify,
                at=datetime.now(UTC),
                rng=random.Random(),
            )
            channel = kinds()[settings.kind].open(settings, config.open_sender(sender), shared)
            submission = await channel.submit(channel.prepare(report), within=60)
            await channel.close()
            assert submission.accepted, submission.reason
            sent[mark] = set(settings.arrives_in)
    found: dict[str, set[str]] = {mark: set() for mark in sent}
    for account in ACCOUNTS:
        for folder in account.folders:
            if account.slug in config.watch:
                queue = "cpr" if account.slug == "desk" else f"{account.slug}-{folder.lower()}"
                for raw in await outside.raw(account.slug, folder):
                    found[keys.find_in_message(raw)[0].text].add(queue)
    assert found == sent
    answers = await outside.raw(sender, "INBOX")
    assert {keys.find_in_message(raw)[0].text for raw in answers} == set(sent)
    assert {classify(raw)[0] for raw in answers} == {Seen.ACKNOWLEDGEMENT}
