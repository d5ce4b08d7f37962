"""What the real retention job deleted is told in a bundle, proved by its hash, and accepted for its tombstone alone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from audit.verifier.office import Files, Office, packed, sealed, unpacked

from canary.audit.verifier import log, tlog, verify
from canary.audit.verifier.findings import Findings
from canary.audit.verifier.verify import Options
from canary.ledger.retention import Retention, Rule


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Two probes whose every event and file was forgotten, and two that came later."""
    opened = Office(tmp_path / "state")
    opened.log.advance()
    opened.probe()
    opened.probe()
    opened.log.advance()
    for path in (tmp_path / "state/artefacts").rglob("*"):
        os.utime(path, (0, 0))  # old, as far as the job can see
    rules = {Rule.MESSAGES: timedelta(0), Rule.TRACES: timedelta(0), Rule.EVENTS: timedelta(0)}
    forgotten = Retention(opened.ledger, rules).run(opened.now() + timedelta(seconds=30))
    assert [told.count > 0 for told in forgotten] == [True, True, True]
    opened.log.forget()
    opened.probe()
    opened.probe(arrives=None)
    opened.stop()
    yield opened
    opened.close()


def check(office: Office, files: Files | None = None) -> Findings:
    path = office.folder / "bundle.zip"
    if files is not None:
        packed(path, files)
    return verify.verify(path, Options([tlog.Key.parse(office.vkey)], tolerance=120))


def bundle(office: Office) -> Files:
    made = office.bundle(office.folder / "bundle.zip", replace(office.wanted("7", 50)))
    assert not made.missing
    return unpacked(office.folder / "bundle.zip")


def test_it_is_accepted(office: Office) -> None:
    files = bundle(office)
    found = check(office)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    assert [fact["outcome"] for fact in found.facts["probes"]].count("deleted") == 2
    emptied = [name for name in files if b"\nextra " in files[name]]
    assert len(emptied) >= 10
    assert not any(name.replace("proofs", "events").replace(".tlog-proof", ".json") in files for name in emptied)
    assert found.facts["population"]["count"] == 4


def test_events_that_are_not_there_need_a_tombstone(office: Office) -> None:
    files = bundle(office)
    told = [
        seq
        for name, raw in files.items()
        if name.startswith("events/") and (event := json.loads(raw))["kind"] == "forgotten"
        for seq in [event["seq"]]
        if "artefacts" not in event["body"]
    ]
    assert told
    for seq in told:
        files = {n: c for n, c in files.items() if n not in (f"events/{seq}.json", f"proofs/{seq}.tlog-proof")}
    found = check(office, sealed(files))
    assert any("no event tells that it was deleted" in failure for failure in found.rows[log.FORGOTTEN].failures)


def test_a_later_event_cannot_be_called_deleted(office: Office) -> None:
    """Only what a tombstone names may be missing: another event cannot be put away behind its hash."""
    files = bundle(office)
    name = next(name for name, raw in files.items() if name.startswith("events/") and b'"kind":"sighting"' in raw)
    seq = int(re.findall(r"\d+", name)[0])
    proof = files[f"proofs/{seq}.tlog-proof"].decode()
    extra = f"extra {tlog.encoded(tlog.leaf_hash(files.pop(name)))}\nindex"
    files[f"proofs/{seq}.tlog-proof"] = proof.replace("index", extra, 1).encode()
    found = check(office, sealed(files))
    assert f"event {seq}: is not there, and no event tells that it was deleted" in found.rows[log.FORGOTTEN].failures
