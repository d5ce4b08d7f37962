"""One healthy bundle from a real ledger, log, time-stamping authority and witness; one story and its report."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from audit.office import JUNK, Files, Office, packed, unpacked
from audit.story import NOW, PERIOD, folder
from servers.tsa import Tsa
from servers.witness import WitnessServer

import canary.audit.verifier
from canary.audit.population import Tally
from canary.audit.report import Report, build
from canary.audit.source import Source, reading
from canary.audit.verifier.__main__ import options
from canary.audit.verifier.findings import Findings
from canary.audit.verifier.verify import Options, verify
from canary.config import Config, load

VERIFIER = Path(canary.audit.verifier.__file__).parent
NEEDED = ("cryptography", "cffi", "_cffi_backend", "pycparser")


@dataclass
class Healthy:
    """A bundle that is accepted, what an auditor checks it with, and the office that it is from."""

    office: Office
    tsa: Tsa
    path: Path
    files: Files
    options: Options
    first_key: str
    witness: str
    folder: Path

    def check(self, files: Files, other: Options | None = None) -> Findings:
        """What is found in a bundle of these files."""
        return verify(packed(self.folder / "tampered.zip", files), other or self.options)


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Healthy]:
    folder = tmp_path_factory.mktemp("healthy")
    office = Office(folder / "state")
    with Tsa(folder / "tsa") as tsa:
        first_key = office.vkey
        office.log.advance()
        office.stamp(tsa)
        office.begun = office.now()
        for _ in range(4):
            office.probe()
        office.log.advance()
        office.stamp(tsa)
        office.log.rotate()
        for place, arrives in ((JUNK, 1.0), (JUNK, None), (JUNK, 2.0)):
            office.probe(place=place, arrives=arrives)
        office.probe()
        office.stop()
        office.stamp(tsa)
        with WitnessServer(office.store.signers()[0].vkey) as witness:
            witness.time = int(office.now().timestamp()) + 30  # the last event says to be some 20 s from now
            office.cosign(witness)
            witness_key = str(witness.vkey)
        path = folder / "bundle.zip"
        office.bundle(path, office.wanted("7", 5), {"one": tsa.ca_file})
        brought = options([first_key], tsa.ca_file, [witness_key], 60.0, "7", 5)
        yield Healthy(office, tsa, path, unpacked(path), brought, first_key, witness_key, folder)
    office.close()


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the verifier, the package ``cryptography`` and what that needs."""
    folder = tmp_path_factory.mktemp("alone")
    shutil.copytree(VERIFIER, folder / "verifier", ignore=shutil.ignore_patterns("__pycache__"))
    for path in Path(sysconfig.get_path("platlib")).iterdir():
        if path.name.split(".")[0] in NEEDED:
            (folder / path.name).symlink_to(path)
    return folder


def configuration(state: Path) -> dict[str, object]:
    """A configuration around a ledger; its servers are never asked."""
    login = {"port": 993, "tls": "implicit", "username": "desk", "password": {"env": "UNSET"}}
    return {
        "operator": {"name": "Test CA <&>", "domains": ["ca.test"], "verify": "ask extension 4711"},
        "state": str(state),
        "mailboxes": {
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
def source(told: Path) -> Iterator[Source]:
    """The story's ledger."""
    with reading(told) as found:
        yield found


@pytest.fixture(scope="session")
def made(told: Path, config: Config) -> tuple[Report, Tally]:
    """The report of the story, redacted."""
    with reading(told) as found:
        return build(found, config, PERIOD, NOW, profile="tls")
