"""What mail providers bear out of a bundle: a signature on a copy that was found, by a key that the auditor brings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from audit.verifier.office import Office, period_of
from audit.verifier.test_dkim import RSA, record, sign

from canary.audit.verifier.__main__ import options
from canary.audit.verifier.findings import RefusedError
from canary.audit.verifier.verdict import page
from canary.audit.verifier.verify import verify

NAME = "s1._domainkey.persona.test"


class SignedOffice(Office):
    """One whose sender has a provider that signs."""

    def _message(self, mark: str, root: str | None) -> bytes:
        return sign(super()._message(mark, root))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = SignedOffice(tmp_path / "state")
    office.log.advance()
    for arrives in (1.0, 2.0, None):
        office.probe(arrives=arrives)
    office.stop()
    yield office
    office.close()


def keys(folder: Path, record: str) -> Path:
    file = folder / "keys"
    file.write_text(f"{NAME} {record}\n", encoding="utf-8")
    return file


def test_copies_that_a_provider_signed_are_counted_by_its_domain(office: Office, alone: Path, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    office.bundle(path, office.wanted("7", 3))
    asked = {"key": [office.vkey], "seed": "7", "size": 3, **period_of(path)}
    without = verify(path, options(**asked))
    assert without.facts["providers"] == {"copies": 2, "signed": {}, "keys_wanted": {NAME: 2}}
    assert f"2 of 2 copies name the key {NAME}: bring it (--dkim)" in page(without)
    found = verify(path, options(dkim=keys(tmp_path, record(RSA)), **asked))
    assert found.ok
    assert found.facts["providers"] == {"copies": 2, "signed": {"persona.test": 2}, "keys_wanted": {}}
    assert "2 of 2 copies that were found are signed by persona.test (DKIM), by a key of yours" in page(found)
    period = period_of(path)
    command = [sys.executable, "-S", "-m", "verifier", path, "--key", office.vkey, "--dkim", tmp_path / "keys"]
    more = ["--from", period["since"], "--to", period["until"], "--json"]
    run = subprocess.run([*command, *more], cwd=alone, capture_output=True, check=False)
    assert json.loads(run.stdout)["bundle"]["providers"]["signed"] == {"persona.test": 2}, run.stderr


def test_keys_that_cannot_be_read_are_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"keys: line 1: no key of 's1\._domainkey\.persona\.test': it was revoked"):
        options(key=[], since="2026-03-01", until="2026-03-01", dkim=keys(tmp_path, "v=DKIM1; p="))
