"""``audit open``: personal addresses are opened for the auditor, one configuration at a time."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import START
from prober.test_in_force import example
from typer.testing import CliRunner

from canary.audit.verifier.meaning import read_opened, seals
from canary.cli.main import app
from canary.config import Config, load
from canary.ledger import Ledger
from canary.prober.in_force import snapshot
from canary.sealing import FILE, SealingKeyError, sealing_key

ANNA = "anna.berg@example-ca.example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder whose ledger tells of two configurations: in the second one contact Anna has another address."""
    written(tmp_path / "old.yaml", tmp_path, example())
    new = example()
    new["channels"]["contact-anna"]["to"] = "anna.costa@example-ca.example"
    written(tmp_path / "new.yaml", tmp_path, new)
    ledger = Ledger(tmp_path / "state", inline=True)
    for name in ("old", "new"):
        ledger.append(*snapshot(load(tmp_path / f"{name}.yaml"), START, sealing_key(ledger.folder)))
    ledger.close()
    return tmp_path


def written(path: Path, folder: Path, config: dict[str, Any]) -> Config:
    path.write_text(yaml.safe_dump(config | {"state": str(folder / "state")}), encoding="utf-8")
    return load(path)


def opened(folder: Path, name: str, *options: str) -> tuple[dict[str, str], str]:
    """What it opens, as the verifier reads it, and what it says."""
    done = CliRunner().invoke(app, ["audit", "open", str(folder / name), *options])
    assert done.exit_code == 0, done.output
    return read_opened(done.stdout), " ".join(done.stderr.split())


def sealed(folder: Path, config: str, channel: str) -> set[str]:
    events = snapshot(load(folder / config), START, sealing_key(folder / "state"))
    return seals([event.body["channels"][channel] for event in events])


def test_what_was_sealed_is_opened_by_the_configuration_of_then(folder: Path) -> None:
    of_now, said = opened(folder, "new.yaml")
    assert said == "7 of 8 sealed texts opened; 1 are of a configuration from before: give its file instead of this one"
    assert "anna.costa@example-ca.example" in of_now.values()
    assert ANNA not in of_now.values()
    of_then, _ = opened(folder, "old.yaml")
    [seal] = [seal for seal, text in of_then.items() if text == ANNA]
    assert seal in sealed(folder, "old.yaml", "contact-anna")


def test_only_what_was_asked_for_is_opened_and_settings_only_if_told(folder: Path) -> None:
    found, _ = opened(folder, "old.yaml", "--name", "contact-anna")
    assert sorted(found.values()) == [ANNA, "canary-anna"]
    whole, _ = opened(folder, "old.yaml", "--name", "contact-anna", "--settings")
    [settings] = set(whole.values()) - set(found.values())
    assert '"interval":"14400s"' in settings
    assert whole.keys() == sealed(folder, "old.yaml", "contact-anna")


def test_a_line_is_checked_by_hand(folder: Path) -> None:
    done = CliRunner().invoke(app, ["audit", "open", str(folder / "old.yaml"), "--name", "contact-anna"])
    hashes = {sha256(line.encode()).hexdigest() for line in done.stdout.splitlines()}
    assert hashes < sealed(folder, "old.yaml", "contact-anna")


def test_by_another_key_nothing_is_opened(folder: Path) -> None:
    lost = sealing_key(folder / "state").id
    (folder / "state" / FILE).write_text("ab" * 32)
    found, said = opened(folder, "old.yaml", "--name", "contact-anna")
    assert not found
    assert said == (
        f"0 of 3 sealed texts opened; 3 were sealed, until {START:%Y-%m-%d %H:%M} UTC, by a key that is not there any "
        f"more, and cannot be opened: put sealing.key back from a back-up of that time ({lost})"
    )


def test_without_a_key_it_says_which_to_put_back(folder: Path) -> None:
    lost = sealing_key(folder / "state").id
    (folder / "state" / FILE).unlink()
    done = CliRunner().invoke(app, ["audit", "open", str(folder / "old.yaml")])
    assert isinstance(done.exception, SealingKeyError)
    assert f"nothing of 8 sealed texts can be opened without it: put the key ({lost}) back" in str(done.exception)
    assert not (folder / "state" / FILE).exists()
