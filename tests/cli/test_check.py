"""What ``cpr-canary check`` says of a sender's DKIM key, and what it records of ticket systems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from channels.email.test_signing import NAME, OTHER, pem, record
from metrics.recorded import settings
from servers.contract_gateways import CPR, ProofpointGateway
from servers.contract_tracker import ContractTracker
from servers.dns import dns_server

from canary.cli.check import keys_published, record_answers
from canary.config import Config, load


def signing(folder: Path, key: bytes) -> Config:
    """A configuration with a sender that signs by this key."""
    path = settings(folder)
    (folder / "dkim.pem").write_bytes(key)
    whole = yaml.safe_load(path.read_text(encoding="utf-8"))
    whole["senders"]["researcher"]["dkim"] = {
        "domain": "persona.test", "selector": "canary", "key": {"file": "dkim.pem"},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return load(path)


@pytest.mark.parametrize(
    ("key", "fault", "said"),
    [
        (pem(), None, "has the key that messages are signed by"),
        (pem(OTHER), "advice", "has another key"),
        (b"no key\n", "ours", "cannot be used: no PEM file"),
    ],
)
async def test_whether_the_dns_has_the_key_is_advice(key: bytes, fault: str | None, said: str, tmp_path: Path) -> None:
    with dns_server({NAME: record()}) as resolver:
        [finding] = await keys_published(signing(tmp_path, key), resolver)
    assert (finding.what, finding.fault) == ("DKIM of researcher", fault)
    assert said in finding.detail


async def test_who_signs_nothing_is_not_looked_up(tmp_path: Path) -> None:
    assert await keys_published(load(settings(tmp_path))) == []


def with_tickets(folder: Path, url: str) -> Config:
    """A configuration with a ticket system besides."""
    path = settings(folder)
    whole = yaml.safe_load(path.read_text(encoding="utf-8"))
    queues = [{"name": "CPR", "queue": "tracked", "role": "monitored"}]
    whole["watch"]["tracker"] = {
        "kind": "tickets", "preset": "request-tracker", "url": url, "token": {"file": "secret"}, "queues": queues,
    }  # fmt: skip
    path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return load(path)


@pytest.mark.parametrize(("ticket", "answers"), [(None, 2), ("tracker/1", 5)])
async def test_what_ticket_systems_answer_is_written_without_what_it_says(
    ticket: str | None, answers: int, tmp_path: Path
) -> None:
    file = tmp_path / "recording.json"
    with ContractTracker() as tracker:
        tracker.open("CPR", "a-stranger", "private words")
        [finding] = await record_answers(with_tickets(tmp_path, tracker.url), ticket, file)
    assert (finding.fault, str(file) in finding.detail) == (None, True)
    [system] = json.loads(file.read_text(encoding="ascii"))
    assert (system["ended"], len(system["answers"])) == ("well", answers)
    assert "private" not in file.read_text(encoding="ascii")
    assert file.stat().st_mode & 0o777 == 0o600


async def test_what_a_mail_gateway_answers_is_written_likewise(tmp_path: Path) -> None:
    path, file = settings(tmp_path), tmp_path / "recording.json"
    whole = yaml.safe_load(path.read_text(encoding="utf-8"))
    (tmp_path / "gateway").write_text("sesame-open-now", encoding="utf-8")
    with ProofpointGateway() as gateway:
        gateway.hold("a-stranger@elsewhere.test", "private words")
        whole["watch"]["gateway"] = {
            "kind": "gateway_quarantine", "preset": "proofpoint", "url": gateway.url, "username": "canary",
            "password": {"file": "gateway"},
            "quarantines": [{"folder": "Quarantine", "recipient": CPR, "queue": "held"}],
        }  # fmt: skip
        path.write_text(yaml.safe_dump(whole), encoding="utf-8")
        [finding] = await record_answers(load(path), None, file)
        [no_ticket] = await record_answers(load(path), "gateway/1", tmp_path / "another.json")
    assert (finding.fault, no_ticket.fault) == (None, "ours")
    [system] = json.loads(file.read_text(encoding="ascii"))
    assert (system["system"], system["ended"], len(system["answers"])) == ("Proofpoint Protection Server", "well", 1)
    recorded = file.read_text(encoding="ascii")
    assert [word for word in ("private", "a-stranger", CPR) if word in recorded] == []
    assert "has no tickets" in no_ticket.detail


async def test_where_nothing_is_recorded_it_is_told_why(tmp_path: Path) -> None:
    config, file = with_tickets(tmp_path, "http://127.0.0.1:9"), tmp_path / "recording.json"
    assert [f.fault for f in await record_answers(config, None, file)] == ["ours"]
    [finding] = await record_answers(config, "desk/1", file)
    assert "watch 'desk' reads no tickets; these do: tracker" in finding.detail
    [finding] = await record_answers(load(settings(tmp_path)), None, file)
    assert finding.detail == "no ticket system and no mail gateway is watched"
    assert not file.exists()


async def test_a_recording_goes_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "elsewhere.json")
    with ContractTracker() as tracker:
        [finding] = await record_answers(with_tickets(tmp_path, tracker.url), None, tmp_path / "link.json")
    assert finding.fault == "ours"
    assert "cannot be written" in finding.detail
    assert not (tmp_path / "elsewhere.json").exists()
