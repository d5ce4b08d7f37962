"""What ``cpr-canary check`` says of a sender's DKIM key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from channels.email.test_signing import NAME, OTHER, pem, record
from metrics.recorded import settings
from servers.dns import dns_server

from canary.cli.check import keys_published
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
