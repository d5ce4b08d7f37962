"""The story, told once; and the report of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from audit.story import NOW, PERIOD, folder

from canary.audit.report.contents import AuditReport, build
from canary.audit.report.tally import Tally
from canary.audit.whole import check_whole
from canary.config import Config, load
from canary.evidence.published import PublishedLog
from canary.ledger.reader import LedgerReader, as_it_stands


def configuration(state: Path) -> dict[str, object]:
    """A configuration around a ledger; its servers are never asked."""
    login = {"port": 993, "tls": "implicit", "username": "desk", "password": {"env": "UNSET"}}
    return {
        "operator": {"name": "Test CA <&>", "domains": ["ca.test"], "verify": "ask extension 4711"},
        "state": str(state),
        "watch": {
            "desk": {
                "kind": "imap",
                "server": {"host": "imap.ca.test", **login},
                "folders": [{"name": "CPR", "queue": "cpr", "role": "monitored"}],
            }
        },
        "senders": {
            name: {
                "name": name.title(),
                "address": f"{name}@probe.test",
                "submission": {"host": "smtp.probe.test", "port": 587},
            }
            for name in ("freemail", "researcher")
        },
        "channels": {
            "alias": {"kind": "email", "to": "problem@ca.test", "arrives_in": "cpr", "approved_by": "J. Doe"},
        },
    }


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The story's state folder; not to be written to."""
    return folder(tmp_path_factory.mktemp("story"))


@pytest.fixture(scope="session")
def config_file(told: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration of it."""
    return written(tmp_path_factory.mktemp("config"), told)


@pytest.fixture
def own(told: Path, tmp_path: Path) -> Path:
    """A configuration of a copy of the story that the test may write to."""
    shutil.copytree(told, tmp_path / "state")
    return written(tmp_path, tmp_path / "state")


def written(where: Path, state: Path, **more: object) -> Path:
    """The configuration as a file."""
    file = where / "canary.yaml"
    file.write_text(yaml.safe_dump(configuration(state) | more), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def config(config_file: Path) -> Config:
    """It, loaded."""
    return load(config_file)


@pytest.fixture
def source(told: Path) -> Iterator[LedgerReader]:
    """The story's ledger."""
    with as_it_stands(told) as found:
        yield found


@pytest.fixture(scope="session")
def made(told: Path, config: Config) -> tuple[AuditReport, Tally]:
    """The report of the story, redacted, and verified."""
    with as_it_stands(told) as found:
        checked = check_whole(PublishedLog(found, told / "evidence", config.origin), NOW, lambda *_: None)
        return build(found, config, PERIOD, NOW, profile="tls", checked=checked)
