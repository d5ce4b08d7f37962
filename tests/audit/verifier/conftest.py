"""One healthy bundle, made once from a real ledger, log, time-stamping authority and witness."""

from __future__ import annotations

import json
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from audit.verifier.office import JUNK, Files, Office, packed, period_of, unpacked
from audit.verifier.second.opinion import Brought, opinion
from cryptography.hazmat.primitives.serialization import Encoding
from servers.tsa import Tsa
from servers.witness import WitnessServer

import canary.audit.verifier
from canary.audit.verifier.__main__ import options
from canary.audit.verifier.findings import Findings
from canary.audit.verifier.verify import Options, verify

VERIFIER = Path(canary.audit.verifier.__file__).parent
FIRST_ALONE = pytest.mark.first_alone
"""Of a test that asks how the verifier does its work, not what it says."""
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
    commitment: Path

    def sent(self) -> str:
        """The file of what was sent of a probe of the sample."""
        events = (json.loads(raw) for name, raw in self.files.items() if name.startswith("events/"))
        sent = (f"artefacts/{event['body']['payload']}" for event in events if event["kind"] == "submitting")
        return next(name for name in sent if name in self.files)

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
        bound = office.bound()
        office.bundle(path, replace(office.wanted("7", 5), bound=bound), {"one": tsa.ca_file})
        commitment = folder / "commitment.json"
        commitment.write_bytes(bound.written())
        brought = options(
            key=[first_key],
            tsa_ca=tsa.ca_file,
            witness=[witness_key],
            seed="7",
            size=5,
            commitment=commitment,
            **period_of(path),
        )
        yield Healthy(office, tsa, path, unpacked(path), brought, first_key, witness_key, folder, commitment)
    office.close()


@pytest.fixture(autouse=True)
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever bundle a test has checked is checked by the second verifier too, and both must say the same."""
    if request.node.get_closest_marker(FIRST_ALONE.name):
        return

    first = verify

    def agreed(path: Path, options: Options) -> Findings:
        found = first(path, options)
        other = opinion(path, brought(options))
        failures = [failure for row in found.rows.values() for failure in row.failures]
        assert found.ok is (other == ""), f"the one says {failures or 'good'}, and the other {other or 'good'}"
        return found

    for module in list(sys.modules.values()):
        if vars(module).get("verify") is first:
            monkeypatch.setattr(module, "verify", agreed)


def brought(options: Options) -> Brought:
    """The same, as the second verifier takes it."""
    return Brought(
        keys=tuple(map(str, options.keys)),
        roots="".join(root.public_bytes(Encoding.PEM).decode() for root in options.roots),
        witnesses=tuple(map(str, options.witnesses)),
        tolerance=options.tolerance,
        period=options.period,
        seed=options.seed,
        size=options.size,
        kept=tuple(head.raw for head in options.kept),
        within=options.within,
        commitment=options.commitment,
        seed_token=options.seed_token,
        opened=frozenset(options.opened),
    )


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the verifier, the package ``cryptography`` and what that needs."""
    folder = tmp_path_factory.mktemp("alone")
    shutil.copytree(VERIFIER, folder / "verifier", ignore=shutil.ignore_patterns("__pycache__"))
    for path in Path(sysconfig.get_path("platlib")).iterdir():
        if path.name.split(".")[0] in NEEDED:
            (folder / path.name).symlink_to(path)
    return folder
